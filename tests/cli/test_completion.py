"""What the Tab key offers: commands, options, recipes, runs, keys and their values; at once, and in real shells."""

import fcntl
import json
import os
import pty
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

HEAVY = {"tensorflow", "keras", "numpy", "polars", "sklearn", "matplotlib", "pandas"}
IMPORTED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr))
sys.argv = ["hornbook"]
from hornbook.cli import main
main()
"""


@pytest.fixture
def offered(hornbook_command, monkeypatch):
    """A function that returns what is offered behind the words of a line, as bash asks for it."""

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_HORNBOOK_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        done = hornbook_command("hornbook")
        assert (done.code, done.err) == (0, "")
        return done.out.split()

    return ask


@pytest.fixture
def runs():
    """Two runs of a recipe and an ablation's folder, as far as their names go."""
    for name in ("20261126-121110-ac60", "20261127-080000-0001"):
        (Path("runs/digits") / name).mkdir(parents=True)
        (Path("runs/digits") / name / "recipe.yaml").write_text(
            "data: digits\nmodel: mlp\nschedule: cosine\n", encoding="utf-8"
        )
    Path("runs/digits/latest").symlink_to("20261127-080000-0001")
    (Path("runs/digits_ablation/20261127-090000-0002")).mkdir(parents=True)


def test_commands_begin_as_what_was_typed(offered):
    assert offered("hornbook sch") == ["schema"]
    assert {"train", "runs", "lr-find"} <= {*offered("hornbook ")}
    assert offered("hornbook runs ") == ["list", "prune"]


def test_options_of_the_command(offered):
    assert offered("hornbook train --dr") == ["--dry-run"]
    assert offered("hornbook evaluate x --checkpoint ") == ["best", "last"]


def test_the_shipped_recipes(offered):
    assert offered("hornbook train --config he_") == ["he_elu_bn.yaml"]


def test_recipe_files_here_and_in_the_folder_that_was_typed(offered):
    Path("deep").mkdir()
    for name in ("my_recipe.yaml", "my_other.yml", "my_table.csv", "deep/my_third.yaml"):
        Path(name).touch()
    assert offered("hornbook check -c my_") == ["my_other.yml", "my_recipe.yaml"]
    assert offered("hornbook check -c deep/") == ["deep/my_third.yaml"]


@pytest.mark.parametrize(
    "command", ["evaluate", "predict x", "report", "compare x", "resume", "export", "doctor", "serve"]
)
def test_runs_by_name_and_by_folder(command, offered, runs):
    assert offered(f"hornbook {command} di") == ["digits", "digits_ablation"]
    assert offered(f"hornbook {command} runs/di") == ["runs/digits/latest"]
    assert offered(f"hornbook {command} runs/digits/2") == [
        "runs/digits/20261127-080000-0001",
        "runs/digits/20261126-121110-ac60",
    ]


def test_where_there_are_no_runs_nothing_is_offered_and_nothing_said(offered):
    assert offered("hornbook evaluate ") == []


def test_keys_of_a_recipe(offered):
    assert offered("hornbook train -c he_elu_bn opt") == ["optimizer=", "optimizer."]
    assert offered("hornbook train -c he_elu_bn training.pat") == []
    assert "training.epochs=" in offered("hornbook train -c he_elu_bn training.")
    assert "training.epochs=" in offered("hornbook train -c he_elu_bn trai")


def test_keys_of_the_component_that_the_recipe_names_and_of_no_other(offered):
    keys = offered("hornbook train -c he_elu_bn optimizer.")  # sgd
    assert {"optimizer.momentum=", "optimizer.learning_rate="} <= {*keys}
    assert "optimizer.beta_1=" not in keys
    assert "optimizer.beta_1=" in offered("hornbook train -c default_adam optimizer.")


def test_keys_of_a_default_component(offered):
    Path("short.yaml").write_text("data: digits\nmodel: mlp\n", encoding="utf-8")
    keys = offered("hornbook train -c short.yaml optimizer.")
    assert "optimizer.beta_1=" in keys
    assert "optimizer.momentum=" not in keys


def test_the_only_key_comes_with_what_it_may_be(offered):
    assert offered("hornbook train -c he_elu_bn training.epo") == ["training.epochs=20"]
    assert {"training.precision=float32", "training.precision=mixed_float16"} <= {
        *offered("hornbook train -c he_elu_bn training.prec")
    }


def test_values_behind_a_key_as_bash_splits_the_word(offered):
    assert {"relu", "elu"} <= {*offered("hornbook train -c he_elu_bn activation =")}
    assert offered("hornbook train -c he_elu_bn activation = leaky") == ["leaky_relu"]
    assert offered("hornbook train -c he_elu_bn model.depth = ") == []
    assert {"true", "false"} == {*offered("hornbook train -c rnn_waves model.bidirectional = ")}
    assert offered("hornbook train -c he_elu_bn activation = relu schedule = cosi") == ["cosine", "cosine_restarts"]
    assert offered("hornbook train -c he_elu_bn activation = relu trac") == ["tracking="]


def test_keys_of_a_run(offered, runs):
    assert "schedule.alpha=" not in offered("hornbook resume digits schedule.")
    assert "schedule.end_factor=" in offered("hornbook resume digits schedule.")


def test_kinds_and_names_of_components(offered):
    assert offered("hornbook list opt") == ["optimizers"]
    assert offered("hornbook show activations leaky") == ["leaky_relu"]
    assert offered("hornbook show nothing x") == []


@pytest.mark.parametrize("config", ["nowhere.yaml", "-", "broken.yaml"])
def test_a_recipe_that_cannot_be_read_keeps_the_keys(config, offered):
    Path("broken.yaml").write_text("data: [", encoding="utf-8")
    assert "training.epochs=" in offered(f"hornbook train -c {config} training.")


@pytest.mark.parametrize(("shell", "part"), [("zsh", '"he_elu_bn.yaml"'), ("fish", "he_elu_bn.yaml")])
def test_other_shells_are_answered_in_their_way(shell, part, hornbook_command, monkeypatch):
    monkeypatch.setenv("_HORNBOOK_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "hornbook train --config he_")
    assert part in hornbook_command("hornbook").out
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "hornbook train -c he_elu_bn activation=leak")
    assert "activation=leaky_relu" in hornbook_command("hornbook").out


@pytest.mark.parametrize("words", ["hornbook train -c he_elu_bn optimizer.", "hornbook evaluate "])
def test_nothing_slow_is_imported(words, process):
    count = len(words.split(" ")) - 1
    asked = {"_HORNBOOK_COMPLETE": "complete_bash", "COMP_WORDS": words.replace(" ", "\n"), "COMP_CWORD": str(count)}
    done = process(shlex.join([sys.executable, "-c", IMPORTED]), env={**os.environ, **asked})
    assert {*json.loads(done.err)} & HEAVY == set()


@pytest.mark.parametrize(
    "shell", ["bash", pytest.param("zsh", marks=pytest.mark.whole), pytest.param("fish", marks=pytest.mark.whole)]
)
def test_a_real_shell_completes_recipes_keys_and_values_from_its_first_tab_on(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    home = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm", "PS1": "> "}
    home = {name: value for name, value in home.items() if name not in {"ZDOTDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}}
    install = [
        shell,
        "-c",
        "hornbook --install-completion; true",
    ]  # without `true` zsh would leave its place to hornbook
    assert f"{shell} completion installed" in subprocess.run(install, env=home, check=True, text=True, stdout=-1).stdout
    typed = {
        "hornbook train --config he_el\t": "he_elu_bn.yaml",
        "hornbook train -c he_elu_bn training.epo\t": "training.epochs=20",
        "hornbook train -c he_elu_bn activation=leak\t": "activation=leaky_relu",
        "hornbook train --dr\t": "--dry-run",
    }
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(shell, [shell, "-i"], home)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    try:
        os.write(terminal, b'echo rea""dy\r')
        assert "ready\r\n" in until(terminal, "ready\r\n")
        for line, wanted in typed.items():
            os.write(terminal, line.encode())
            assert wanted in until(terminal, wanted)
            os.write(terminal, b"\x15")  # clears the line
            until(terminal, "\0", seconds=0.3)  # what the shell still draws of it
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def until(terminal: int, wanted: str, seconds: float = 20.0) -> str:
    """Return what a terminal shows, once the text is in it or the time is over."""
    seen, end = "", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen
