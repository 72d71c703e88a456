"""`hornbook list`, `show`, `new` and `schema`: what there is, what it takes, and a recipe to start from."""

import json
import zipfile
from pathlib import Path

import pytest

from hornbook.recipes import shipped_recipes

KINDS = ["recipes", "data", "models", "initializer", "activation", "normalization", "regularization", "optimizer",
         "schedule", "losses", "metrics", "layers"]  # fmt: skip


@pytest.mark.parametrize("kind", ["", *KINDS])
def test_piped_every_item_has_one_line_with_its_name_first(kind, hornbook_command):
    done = hornbook_command(f"hornbook list {kind}")
    assert (done.code, done.err) == (0, "")
    for line in done.out.splitlines():
        name = line.split()[0]
        assert name.replace("_", "a").isalnum(), line
        assert not line.endswith("…")


def test_the_recipes_are_the_shipped_ones(hornbook_command):
    names = [line.split()[0] for line in hornbook_command("hornbook list recipes").out.splitlines()]
    assert names == list(shipped_recipes())


def test_piped_lines_are_never_cut(hornbook_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert max(len(line) for line in hornbook_command("hornbook list activation").out.splitlines()) > 60


def test_on_a_terminal_long_lines_end_in_an_ellipsis_at_its_width(hornbook_command):
    lines = hornbook_command("hornbook list recipes", on_terminal=True).out.splitlines()
    assert max(len(line) for line in lines) == 80
    assert all(line.endswith("…") for line in lines if len(line) == 80)


def test_singular_and_plural_are_the_same_list(hornbook_command):
    assert hornbook_command("hornbook list activations").out == hornbook_command("hornbook list activation").out


@pytest.mark.parametrize(
    "what", ["activation elu", "elu", "optimizer adamw", "schedule one_cycle", "data table", "model mlp", "layer dense"]
)
def test_show_fits_the_terminal(what, hornbook_command):
    done = hornbook_command(f"hornbook show {what}")
    assert done.code == 0
    prose, _, rest = done.out.partition("\nExample\n")  # the example is YAML, whose lines are left alone
    assert [line for line in [*prose.splitlines(), *rest.partition("\n\n")[2].splitlines()] if len(line) > 80] == []


def test_show_says_options_defaults_source_and_an_example(hornbook_command):
    text = hornbook_command("hornbook show optimizer sgd").out
    assert text.startswith("optimizer sgd\n")
    for part in ("Options", "momentum", "default", "Example", "optimizer: {name: sgd", "Source:"):
        assert part in text


def test_show_recipe_prints_its_text_so_that_it_can_be_copied(hornbook_command):
    Path("copy.yaml").write_text(hornbook_command("hornbook show recipe he_elu_bn").out, encoding="utf-8")
    assert hornbook_command("hornbook check -c copy.yaml").out == "copy.yaml: ok\n"


@pytest.mark.parametrize("data", ["digits", "iris", "diabetes", "waves", "xor", "moons"])
def test_a_new_recipe_passes_the_check(data, hornbook_command):
    done = hornbook_command(f"hornbook new mine.yaml --data {data}")
    assert done.code == 0
    assert done.out.splitlines()[1] == "next  hornbook check --config mine.yaml"
    assert hornbook_command("hornbook check -c mine.yaml --strict").out == "mine.yaml: ok\n"


def test_a_recipe_for_a_file_passes_the_check_of_all_its_data(hornbook_command):
    rows = [f"{row / 2},${row * row},{row % 3 == 0}\n" for row in range(60)]
    Path("own.csv").write_text("size,price,member\n" + "".join(rows), encoding="utf-8")
    done = hornbook_command("hornbook new mine --data own.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("which column is to be predicted? Say '--target NAME'. Columns: size (0.0), price ($0)")
    assert not Path("mine.yaml").exists()
    done = hornbook_command("hornbook new mine --data own.csv --target member")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1:] == [
        "next  hornbook check --config mine.yaml --load-data",
        "      hornbook train --config mine.yaml",
    ]
    assert hornbook_command("hornbook check -c mine.yaml --load-data --strict").out.startswith("mine.yaml: ok\n")
    done = hornbook_command("hornbook new other --data iris --target species")
    assert (done.code, done.err) == (2, "'--target' and overrides are for a file of yours: --data my.csv.\n")


def test_a_new_recipe_gets_its_suffix_and_the_schema_beside_it(hornbook_command):
    hornbook_command("hornbook new mine")
    assert sorted(path.name for path in Path().iterdir()) == ["hornbook.schema.json", "mine.yaml"]
    first = Path("mine.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./hornbook.schema.json"


@pytest.mark.parametrize(("options", "part"), [
    ("--from-keras missing.keras", "there is no such file"),
    ("--from-keras no.keras", "not a model saved by Keras 3"),
    ("--from-keras no.keras --model mlp", "both say what the network is"),
])  # fmt: skip
def test_a_recipe_from_a_keras_model_says_what_is_wrong_with_the_file(options, part, hornbook_command):
    Path("no.keras").write_text("no model", encoding="utf-8")
    done = hornbook_command(f"hornbook new mine {options}")
    assert done.code in {1, 2}
    assert part in done.err
    assert not Path("mine.yaml").exists()


@pytest.mark.parametrize(
    ("shape", "told"), [([None, 24, 24, 3], "shape 24×24×3"), ([None, None, 4], "shape ?×4"), (None, "unknown shape")]
)
def test_a_keras_model_that_takes_no_digits_needs_data_of_its_own(shape, told, hornbook_command):
    front = {"class_name": "InputLayer", "config": {"name": "front", "batch_shape": shape}}
    layers = [front, {"class_name": "Flatten", "config": {"name": "flat"}}]
    layers.append({"class_name": "Dense", "config": {"name": "head", "units": 10, "activation": "softmax"}})
    with zipfile.ZipFile("m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
    done = hornbook_command("hornbook new mine --from-keras m.keras")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"m.keras: on which data? The model takes inputs of {told}. Name them: --data FILE, or a source of 'hornbook list data'.\n"
    )
    assert not Path("mine.yaml").exists()
    assert hornbook_command("hornbook new mine --from-keras m.keras --data digits").code == 0


def test_new_leaves_an_existing_file_alone(hornbook_command):
    Path("mine.yaml").write_text("mine", encoding="utf-8")
    done = hornbook_command("hornbook new mine.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == "mine.yaml: exists already, and is left as it is. Choose another name.\n"
    assert Path("mine.yaml").read_text(encoding="utf-8") == "mine"
    assert not Path("hornbook.schema.json").exists()


def test_schema_is_printed_or_written(hornbook_command):
    printed = hornbook_command("hornbook schema").out
    assert json.loads(printed)["$schema"].startswith("https://json-schema.org/")
    assert hornbook_command("hornbook schema --output s.json").out == "wrote s.json\n"
    assert Path("s.json").read_text(encoding="utf-8") == printed
