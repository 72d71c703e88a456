"""A user's mistake ends in a message on stderr, nothing on stdout, and an exit code; never in a traceback."""

from pathlib import Path

import pytest

USAGE = [
    ("hornbook train", "Missing option '--config'"),
    ("hornbook trian", "No such command 'trian'"),
    ("hornbook train -c he_elu_bn --epochs 3", "No such option: --epochs"),
    ("hornbook check -c he_elu_bn --format xml", "'xml' is not one of 'text', 'json', 'github'"),
    ("hornbook check -c nowhere.yaml", "nowhere.yaml: there is no such file, and no shipped recipe of that name."),
    ("hornbook check -c he_elu_bm", "Did you mean 'he_elu_bn'?"),
    ("hornbook check -c tabel.yaml", "Did you mean 'table.yaml'?"),
    ("hornbook train table.yaml", "A recipe stands behind its option: hornbook train --config table.yaml"),
    ("hornbook train -c t.csv", "is data, not a recipe. 'hornbook new t.yaml --data t.csv' writes one for it."),
    ("hornbook new t.yaml --data tt.csv --target y", "Did you mean 't.csv'?"),
    ("hornbook new t.yaml --data none/t.csv --target y", "A path is relative to the current folder"),
    ("hornbook train -c he_elu_bn --epochs 3", "Did you mean 'training.epochs'? A key is set without dashes"),
    ("hornbook check -c folder", "folder: this is a folder. Name a recipe file, for instance folder/recipe.yaml."),
    ("hornbook check -c binary.yaml", "binary.yaml: cannot be read as a text file"),
    ("hornbook train -c he_elu_bn --require 'accuracy=>0.9'", "--require 'accuracy=>0.9': expected something like"),
    ("hornbook train -c he_elu_bn --require ''", "--require '': expected something like"),
    ("hornbook train -c he_elu_bn --require 'acc>0.9'", "--require: 'acc' is not recorded. Did you mean 'accuracy'?"),
    ("hornbook train -c unknown_key.yaml", "3:1  optimiser: unknown key. Did you mean 'optimizer'?"),
    ("hornbook train -c malformed.yaml", "2:8  not valid YAML: mapping values are not allowed here."),
    ("hornbook train -c empty.yaml", "the recipe is empty."),
    ("hornbook train -c he_elu_bn nonsense", "'nonsense' is no override."),
    ("hornbook lr-find -c he_elu_bn --parallel 0", "expected auto or a number from 1 to 1000, not '0'."),
    ("hornbook sweep -c sweep_random --parallel many", "expected auto or a number from 1 to 1000, not 'many'."),
    ("hornbook list nothing", "there are no 'nothing'."),
    ("hornbook show activation rellu", "unknown activation 'rellu'. Did you mean 'relu'?"),
    ("hornbook show nothing", "there is nothing called 'nothing'."),
    ("hornbook show optimizer", "which optimizer? 'hornbook list optimizers' shows all of them."),
    ("hornbook new folder/none/recipe.yaml", "folder/none: there is no such folder."),
    ("hornbook new mine.yaml --data digit", "unknown data source 'digit'. Did you mean 'digits'?"),
    ("hornbook evaluate nowhere", "nowhere: there is no run here."),
    ("hornbook predict nowhere --input x.npz", "nowhere: there is no run here."),
    ("hornbook evaluate nowhere --split dev", "'dev' is not one of 'train', 'validation', 'test'"),
    ("hornbook resume nowhere", "nowhere: there is no run here."),
    ("hornbook train -c table.yaml data.encoding=utf9", "there is no encoding 'utf9'"),
    ("hornbook train -c table.yaml data.decimal=.. ", "data.decimal"),
    ("hornbook train -c table.yaml data.split.format=d", "data.split.format"),
    ("hornbook train -c table.yaml 'data.types={y: category}'", "Say 'task: multiclass'."),
]
TABLES = [
    ("hornbook train -c table.yaml", "column 'a': '1,5' in row 1 is a number with a decimal comma (and 2 more)."),
    ("hornbook train -c table.yaml 'data.decimal=\",\"'", "column 'b': 'None' in row 2 is no number."),
    ("hornbook train -c table.yaml 'data.separator=\",\"'", "row 1 (line 2) has 2 fields, the heading has 1."),
    ("hornbook train -c table.yaml 'data.heading=[a, b, y]'", "the first line is the heading itself."),
    ("hornbook train -c table.yaml data.encoding=utf-16", "is not text in utf-16."),
    (
        "hornbook train -c table.yaml 'data.columns={a: category}' 'data.split={method: time, column: day}'",
        "can be read in 2 ways that order the rows differently.",
    ),
]


@pytest.fixture(autouse=True)
def files(workplace):
    Path("folder").mkdir()
    Path("malformed.yaml").write_text("data: digits\n  model: x\n", encoding="utf-8")
    Path("unknown_key.yaml").write_text("data: digits\nmodel: mlp\noptimiser: adam\n", encoding="utf-8")
    Path("empty.yaml").write_text("", encoding="utf-8")
    Path("table.yaml").write_text("data: {name: table, path: t.csv, target: y}\nmodel: mlp\n", encoding="utf-8")
    rows = "1,5;2;03/04/2026;0\n2,5;None;04/03/2026;1\n4,5;7;05/06/2026;0\n"
    Path("t.csv").write_text("a;b;day;y\n" + rows, encoding="utf-8")
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(("line", "message"), USAGE, ids=[line.removeprefix("hornbook ") for line, _ in USAGE])
def test_a_bad_recipe_or_usage_exits_with_2(line, message, hornbook_command):
    done = hornbook_command(line)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(("line", "message"), TABLES, ids=[line.removeprefix("hornbook ") for line, _ in TABLES])
def test_a_bad_table_exits_with_1(line, message, hornbook_command):
    done = hornbook_command(line)
    assert done.code == 1
    assert message in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("target", ["nowhere/schema.json", "folder"])
def test_a_file_that_cannot_be_written_exits_with_1(target, hornbook_command):
    done = hornbook_command(f"hornbook schema --output {target}")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"{target}: cannot be written (")
    assert "Traceback" not in done.err


def test_bytes_that_are_no_text_on_standard_input_are_no_traceback(process):
    done = process("hornbook check -c -", input="a: \x00\x01")
    assert done.code == 2
    assert "not valid YAML" in done.out + done.err
    assert "Traceback" not in done.err
