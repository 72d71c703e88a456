"""What `--help` says: short, in 80 columns, and ending in examples that can be copied."""

import json
import zipfile
from pathlib import Path

import pytest

from hornbook.cli import app

COMMANDS = [command.name for command in app.registered_commands]
WITHOUT_TENSORFLOW = ["check", "list", "show", "new", "schema", "version"]


def examples_of(text):
    lines = text.rstrip().splitlines()
    start = lines.index("  Examples:")
    return [line.removeprefix("    ") for line in lines[start + 1 :]]


def test_every_command_is_listed_with_one_whole_sentence(hornbook_command):
    text = hornbook_command("hornbook --help").out
    for name in COMMANDS:
        line = next(line for line in text.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith("."), line
        assert not line.endswith("..."), line


def test_every_command_stands_under_one_purpose(hornbook_command):
    lines = hornbook_command("hornbook --help").out.splitlines()
    purposes, listed = [], []
    for line in lines[lines.index("Write a recipe:") : lines.index("  Examples:")]:
        if line and not line.startswith(" "):
            purposes.append(line)
        elif line.startswith("  "):
            listed.append(line.split()[0])
    assert sorted(listed) == sorted([*COMMANDS, "runs"])
    assert 3 < len(purposes) < 8


def test_sentences_of_all_purposes_begin_in_one_column(hornbook_command):
    lines = hornbook_command("hornbook --help").out.splitlines()
    rows = [line for line in lines[lines.index("Write a recipe:") :] if line.startswith("  ") and line.endswith(".")]
    sentences = [row.split(maxsplit=1)[1] for row in rows]
    assert len(rows) == len(COMMANDS) + 1
    assert {row.index(sentence) for row, sentence in zip(rows, sentences, strict=True)} == {18}


def test_help_is_the_same_plain_text_on_a_terminal_piped_and_without_colours(hornbook_command, monkeypatch):
    plain = hornbook_command("hornbook --help").out
    assert "\x1b" not in plain
    assert hornbook_command("hornbook --help", on_terminal=True).out == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert hornbook_command("hornbook --help", on_terminal=True).out == plain


def test_the_commands_are_the_documented_ones():
    assert set(COMMANDS) >= {
        "train", "check", "list", "show", "new", "evaluate", "predict", "schema", "version", "resume",
        "reproduce", "reuse-report",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_ends_in_examples_on_lines_of_their_own(name, hornbook_command):
    done = hornbook_command(f"hornbook {name} --help")
    assert (done.code, done.err) == (0, "")
    examples = examples_of(done.out)
    assert examples
    assert all(example.startswith(f"hornbook {name}".strip()) for example in examples), examples


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_into_80_columns(name, hornbook_command):
    done = hornbook_command(f"hornbook {name} --help")
    assert [line for line in done.out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_h_is_short_for_help(name, hornbook_command):
    assert hornbook_command(f"hornbook {name} -h").out == hornbook_command(f"hornbook {name} --help").out


@pytest.mark.parametrize("name", WITHOUT_TENSORFLOW)
def test_the_examples_run(name, hornbook_command):
    Path("houses.csv").write_text("size,price\n" + "50.5,100\n60.5,140\n" * 40, encoding="utf-8")
    front = {"class_name": "InputLayer", "config": {"name": "front", "batch_shape": [None, 64]}}
    head = {"class_name": "Dense", "config": {"name": "head", "units": 10, "activation": "softmax"}}
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [front, head]}}))
    for example in examples_of(hornbook_command(f"hornbook {name} --help").out):
        done = hornbook_command(example)
        assert (done.code, done.err) == (0, ""), example
        assert done.out


def test_without_a_command_help_is_shown(hornbook_command):
    done = hornbook_command("hornbook")
    assert done.code == 2
    assert "Examples:" in done.out + done.err


@pytest.mark.parametrize("line", ["hornbook version", "hornbook --version"])
def test_version_names_hornbook_first_and_what_it_stands_on(line, hornbook_command):
    lines = hornbook_command(line).out.splitlines()
    assert lines[0].split() == ["hornbook", "0.2.0"]
    assert [line.split()[0] for line in lines] == ["hornbook", "tensorflow", "keras", "keras-tuner", "numpy", "python"]
