"""`hornbook check`: exit codes, the three formats, and where a recipe may come from."""

import json
import re
from pathlib import Path

import pytest

GOOD = "data: digits\nmodel: {name: mlp, units: [8]}\n"
UNKNOWN_KEY = GOOD + "optimiser: adam\n"
UNWISE = GOOD + "activation: tanh\ninitializer: he_normal\n"


@pytest.fixture
def recipe(tmp_path):
    """A function that writes a recipe's text to `recipe.yaml`."""

    def write(text: str) -> str:
        Path("recipe.yaml").write_text(text, encoding="utf-8")
        return "recipe.yaml"

    return write


def test_a_good_recipe_is_ok(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(GOOD)}")
    assert (done.code, done.out, done.err) == (0, "recipe.yaml: ok\n", "")


def test_a_problem_names_line_column_and_the_nearest_key(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(UNKNOWN_KEY)}")
    assert done.code == 2
    assert done.out == "recipe.yaml: 1 problem\n  3:1  optimiser: unknown key. Did you mean 'optimizer'?\n"


def test_a_warning_alone_passes(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(UNWISE)}")
    assert done.code == 0
    assert done.out.startswith("recipe.yaml: 1 warning\n  4:14  warning: initializer: ")


def test_strict_turns_warnings_into_errors(recipe, hornbook_command):
    assert hornbook_command(f"hornbook check --config {recipe(UNWISE)} --strict").code == 2


TIP = "data: iris\nmodel: {name: mlp, units: [4096]}\n"


def test_a_tip_is_called_one_and_fails_nothing(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(TIP)} --strict")
    assert done.code == 0
    assert done.out.startswith("recipe.yaml: 1 tip\n  2:8  tip: model: a layer of 4,096 units ")
    found = json.loads(hornbook_command(f"hornbook check --config {recipe(TIP)} --strict --format json").out)
    assert (found["ok"], found["problems"][0]["severity"]) == (True, "tip")
    done = hornbook_command(f"hornbook check --config {recipe(TIP)} --strict --format github")
    assert (done.code, done.out[:36]) == (0, "::notice file=recipe.yaml,line=2,col")
    assert "::model: a layer of 4,096 units " in done.out


def test_json_gives_every_part_of_a_problem_by_itself(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(UNKNOWN_KEY)} --format json")
    assert done.code == 2
    assert json.loads(done.out) == {
        "ok": False,
        "problems": [
            {
                "file": "recipe.yaml",
                "line": 3,
                "column": 1,
                "path": "optimiser",
                "severity": "error",
                "code": "unknown-key",
                "message": "unknown key.",
                "hint": "Did you mean 'optimizer'?",
            }
        ],
    }


def test_json_of_a_good_recipe_has_no_problems(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(GOOD)} --format json")
    assert (done.code, json.loads(done.out)) == (0, {"ok": True, "problems": []})


def test_strict_json_is_not_ok_with_a_warning(recipe, hornbook_command):
    found = json.loads(hornbook_command(f"hornbook check --config {recipe(UNWISE)} --format json --strict").out)
    assert (found["ok"], found["problems"][0]["severity"]) == (False, "warning")


def test_json_reports_a_missing_file_as_a_problem(hornbook_command):
    done = hornbook_command("hornbook check --config nowhere.yaml --format json")
    assert done.code == 2
    problem = json.loads(done.out)["problems"][0]
    assert (problem["code"], problem["file"]) == ("file", "nowhere.yaml")
    assert problem["message"].startswith("there is no such file")


def test_github_gives_annotations(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(UNKNOWN_KEY)} --format github")
    assert done.out == (
        "::error file=recipe.yaml,line=3,col=1,title=unknown-key::optimiser: unknown key. Did you mean 'optimizer'?\n"
    )


def test_github_marks_warnings_as_such(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(UNWISE)} --format github")
    assert done.code == 0
    assert done.out.startswith("::warning file=recipe.yaml,line=4,col=14,title=")
    assert done.out.count("\n") == 1


def test_a_recipe_comes_from_standard_input(hornbook_command):
    done = hornbook_command("hornbook check --config -", stdin=GOOD)
    assert (done.code, done.out) == (0, "standard input: ok\n")


@pytest.mark.parametrize("name", ["he_elu_bn", "he_elu_bn.yaml"])
def test_a_shipped_recipe_is_found_with_and_without_its_suffix(name, hornbook_command):
    assert hornbook_command(f"hornbook check -c {name}").out == "he_elu_bn.yaml: ok\n"


def test_a_local_file_wins_over_a_shipped_name(hornbook_command):
    Path("he_elu_bn.yaml").write_text(UNKNOWN_KEY, encoding="utf-8")
    assert hornbook_command("hornbook check -c he_elu_bn.yaml").code == 2


def test_overrides_are_checked_like_the_file(hornbook_command):
    done = hornbook_command("hornbook check -c he_elu_bn optimizer.lr=0.1")
    assert done.code == 2
    assert done.out == (
        "he_elu_bn.yaml: 1 problem\n"
        "  command line: optimizer.lr: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?\n"
    )


@pytest.mark.parametrize("override", ["activation=leaky_relu", "'~schedule'", "model.units.0=64", "seed=7"])
def test_each_kind_of_override_is_understood(override, hornbook_command):
    assert hornbook_command(f"hornbook check -c he_elu_bn {override}").out == "he_elu_bn.yaml: ok\n"


def test_all_problems_are_reported_at_once_in_line_order(recipe, hornbook_command):
    text = "data: digit\nmodel: {name: mlp, units: [0]}\nactivation: rellu\ntraining: {epochs: -1}\n"
    lines = hornbook_command(f"hornbook check -c {recipe(text)}").out.splitlines()
    assert lines[0] == "recipe.yaml: 4 problems"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["1", "2", "3", "4"]


def test_a_current_folder_that_has_been_removed_is_named(hornbook_command, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = hornbook_command("hornbook check -c he_elu_bn")
    assert (done.code, done.err) == (2, "the current folder has been removed. Go to one that exists.\n")


TABLE = "data: {name: table, path: t.csv, target: y, separator: ;, types: {code: category}}\nmodel: {name: mlp, units: [4]}\n"


def test_load_data_shows_what_becomes_of_each_column(recipe, hornbook_command):
    lines = [f"{row / 2};{row % 5};{'' if row == 3 else f'c{row % 4}'};{row % 2 == 0};{row % 3}\n" for row in range(60)]
    Path("t.csv").write_text("size;code;city;member;y\n" + "".join(lines), encoding="utf-8")
    done = hornbook_command(f"hornbook check --config {recipe(TABLE)} --load-data")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "recipe.yaml: ok\n"
        "data    table: 60 rows of 4 columns, 3 classes (43 train, 5 validation, 12 test)\n"
        "column  type      missing  distinct  range           becomes\n"
        "size    number          0        60  0..29.5         standardized\n"
        "code    category        0         5  0, 1, 2, 3, 4   one-hot of 5\n"
        "city    category        1         4  c0, c1, c2, c3  one-hot of 4\n"
        "member  boolean         0         2  False, True     one-hot of 2\n"
        "y       number          0         3  0..2            target\n"
    )


def test_load_data_shows_the_columns_that_are_refused(recipe, hornbook_command):
    Path("t.csv").write_text("size;code;y\n" + "1,5;3;0\n2,5;4;1\n" * 20, encoding="utf-8")
    done = hornbook_command(f"hornbook check --config {recipe(TABLE)} --load-data")
    assert done.code == 2
    assert (
        "  1:7  data: t.csv: column 'size': '1,5' in row 1 is a number with a decimal comma (and 39 more)." in done.out
    )
    assert "size    number?         0         2  1,5, 2,5  refused\n" in done.out
    done = hornbook_command("hornbook check --config recipe.yaml --load-data --format json")
    found = json.loads(done.out)
    assert (found["ok"], found["data"], found["problems"][0]["code"]) == (False, None, "data-content")
    size = found["columns"][0]
    assert {key: size[key] for key in ("name", "type", "missing", "distinct", "becomes", "lowest", "notes")} == {
        "name": "size", "type": "number?", "missing": 0, "distinct": 2, "becomes": "refused", "lowest": None, "notes": [],
    }  # fmt: skip
    assert sorted(size["values"]) == ["1,5", "2,5"]


ODD = """\
data: {name: table, path: odd.csv, target: price, drop: [day, remark, empty]}
model: {name: mlp, units: [4]}
"""


def test_load_data_says_what_to_look_at(recipe, hornbook_command):
    rows = [
        f"{1000 + row},{row % 9},{row * row % 71}.5,{2 * (row * row % 71) + 1},1,2024-{row % 12 + 1:02d}-11,"
        f"remark {row} in four words,,{row * 7 % 61}\n"
        for row in range(100)
    ]
    heading = "row_id,customer_id,price,price_with_tax,flag,day,remark,empty,a_column_with_a_very_long_name\n"
    Path("odd.csv").write_text(heading + "".join(rows), encoding="utf-8")
    done = hornbook_command(f"hornbook check --config {recipe(ODD)} --load-data")
    assert done.code == 0
    lines = done.out.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("  1:7"))
    [day] = [line.split() for line in lines if line.startswith("day ")]
    assert (day[1], day[4][:12], day[-2:]) == ("date", "2024-01-11..", ["left", "out"])
    notes = " ".join(" ".join(lines[lines.index("look at") + 1 :]).split())
    assert notes == (
        "row_id an identifier: it numbers the rows "
        "customer_id an identifier, by its name, that repeats: to keep its rows in one split use 'method: group' "
        "price_with_tax a leak: tells the target by itself (skill 1.000 of 1, the next best column 0.104): is it known "
        "before the target is? "
        "flag constant: the same in all rows, so it teaches nothing"
    )


def test_load_data_shows_the_first_of_very_many_columns_and_counts_the_rest(recipe, hornbook_command):
    heading = ",".join(["y", *(f"c{place}" for place in range(99))])
    rows = "\n".join(",".join(str((row + 1) * (place % 6 + 1) % 7) for place in range(100)) for row in range(30))
    Path("t.csv").write_text(f"{heading}\n{rows}\n", encoding="utf-8")
    text = "data: {name: table, path: t.csv, target: y}\nmodel: {name: mlp, units: [4]}\n"
    done = hornbook_command(f"hornbook check --config {recipe(text)} --load-data")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["c57", "c58", "and"]
    assert "and 40 more (40 number, standardized); '--format json' lists all" in lines[-1]
    done = hornbook_command("hornbook check --config recipe.yaml --load-data --format json")
    assert len(json.loads(done.out)["columns"]) == 100


def test_load_data_of_a_recipe_without_a_table(recipe, hornbook_command):
    done = hornbook_command(f"hornbook check --config {recipe(GOOD)} --load-data")
    assert done.out.startswith("recipe.yaml: ok\ndata    digits: 1,797 images 8×8×1, 10 classes")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.split.validation=5000", "data.split: 5,000 validation and 360 test examples leave none of 1,797"),
        ("training.batch_size=1500", "training.batch_size: a batch of 1500 is larger than the training split of 1293"),
        ("'training.class_weights={ten: 2}'", "training.class_weights.ten: there is no class 'ten'."),
    ],
)
def test_sets_with_a_name_are_checked_by_what_is_known_of_them(recipe, hornbook_command, override, expected):
    done = hornbook_command(f"hornbook check -c {recipe(GOOD)} {override}")
    assert (done.code, expected in done.out) == (2, True), done.out


def test_several_workers_need_their_environment(recipe, hornbook_command, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    line = f"hornbook check -c {recipe(GOOD)} training.strategy=multi_worker"
    done = hornbook_command(line)
    assert done.code == 2
    assert "training.strategy: multi_worker needs the environment variable TF_CONFIG" in done.out
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}')
    assert hornbook_command(line).code == 0


def test_load_data_looks_at_what_is_known_only_when_it_is_there(recipe, hornbook_command):
    text = "data: arrays\nmodel: {name: mlp, units: [8]}\n"
    assert hornbook_command(f"hornbook check -c {recipe(text)}").code == 0
    done = hornbook_command(f"hornbook check -c {recipe(text)} --load-data")
    assert (done.code, "pass them in Python" in done.out) == (2, True)


def test_loading_texts_says_what_becomes_of_them(hornbook_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"a {'fine' if row % 2 else 'dull'} film {row},{row % 2}\n" for row in range(40))
    (tmp_path / "t.csv").write_text(f"review,liked\n{rows}")
    data = "{name: table, path: t.csv, target: liked, types: {review: text}, text: {length: 3}}"
    (tmp_path / "t.yaml").write_text(f"data: {data}\nmodel: bag_of_words\ntraining: {{batch_size: 8}}\n")
    done = hornbook_command("hornbook check -c t.yaml --load-data")
    assert "half of the texts have up to 4" in " ".join(done.out.split())
    assert "cut behind 3: 28 of train, 4 of validation, 8 of test" in " ".join(done.out.split())
    assert re.search(r"review +text .* tokens\n", done.out)
    record = json.loads(hornbook_command("hornbook check -c t.yaml --load-data --format json").out)
    assert record["texts"][0].startswith("text 'review': ")
