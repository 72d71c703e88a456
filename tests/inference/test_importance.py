"""How much worse a run gets when a column is shuffled: against shuffling by hand, in the terminal, on the run's page."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import hornbook
from hornbook.data.facts import Feature
from hornbook.display.bars import Amount, BarChart
from hornbook.errors import UsageError
from hornbook.inference.evaluate import evaluate_run, split_of
from hornbook.inference.importance import ColumnImportance, Importance, _groups
from hornbook.runs import find_run

random = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tensorflow):
    """A folder with a run that has learned 3 × size + 2 in Oslo, from a table with a copy of a column and a useless one."""
    folder = tmp_path_factory.mktemp("importance")
    size, noise = random.normal(size=160), random.normal(size=160)
    city = random.choice(["Oslo", "Rome"], size=160)
    amount = 3 * size + 2 * (city == "Oslo")
    rows = zip(size, noise, noise * 1.01, city, amount, strict=True)
    text = "size,noise,echo,city,amount\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    (folder / "table.csv").write_text(text, encoding="utf-8")
    tree = {
        "name": "amounts",
        "data": {"name": "table", "path": str(folder / "table.csv"), "target": "amount",
                 "split": {"validation": 40, "test": 40}},
        "model": {"name": "mlp", "units": []},
        "optimizer": {"name": "adam", "learning_rate": 0.1},
        "training": {"epochs": 40, "batch_size": 40, "engine": "graph"},
    }  # fmt: skip
    hornbook.train(tree, runs=str(folder / "runs"), progress=False)
    return folder


@pytest.fixture
def command(folder, monkeypatch, hornbook_command):
    monkeypatch.chdir(folder)
    return hornbook_command


def test_a_column_costs_what_shuffling_it_by_hand_costs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = evaluate_run("amounts", importance=30).importance
    assert (found.metric, found.count, found.repeats, found.split) == ("loss", 40, 30, "test")
    costs = {column.name: column for column in found.columns}
    assert [column.name for column in found.columns][:2] == ["size", "city"]
    test, model = split_of("amounts", "test"), keras.models.load_model(find_run("amounts").model_path(), compile=False)
    unit = np.std(split_of("amounts", "train").y)  # the loss is in standard deviations of the training targets

    tables = [test.x]
    for place in range(4):
        for _ in range(30):
            tables.append(test.x.copy())
            tables[-1][:, place] = random.permutation(test.x[:, place])
    outputs = model.predict(np.concatenate(tables), verbose=0, batch_size=4840).reshape(121, 40)
    losses = ((outputs - test.y.reshape(-1)) ** 2).mean(axis=1) / unit**2
    for place, name in enumerate(["size", "noise", "echo", "city"]):
        drops = losses[1 + 30 * place : 31 + 30 * place] - losses[0]
        spread = costs[name].half_width + 1.96 * np.std(drops, ddof=1) / np.sqrt(30)
        assert abs(costs[name].mean - np.mean(drops)) < 2 * spread + 1e-6
    assert abs(costs["noise"].mean) < 0.01 < costs["size"].mean


def test_the_command_shows_and_keeps_it_for_the_page(folder, command):
    done = command("hornbook evaluate amounts --importance --repeats 3")
    assert done.code == 0
    lines = done.out.splitlines()
    place = lines.index("column  loss gets worse by, when it is shuffled 3 times")
    assert lines[place + 1].split()[0] == "size"
    assert max(map(len, lines)) <= 80
    assert "('noise' and 'echo', rank correlation 1.00)" in " ".join(lines)
    record = json.loads(command("hornbook evaluate amounts --importance --repeats 3 --json").out)["importance"]
    assert {column["name"] for column in record["columns"]} == {"size", "noise", "echo", "city"}
    assert find_run("amounts").importance == record
    page = hornbook.report("amounts").read_text(encoding="utf-8")
    links, _, sections = page.partition("</nav>")
    assert '<a href="#importance">Columns</a>' in links
    assert '<h2 id="importance">Which columns matter</h2>' in sections
    assert "on 40 examples of the test split when the values of one column are shuffled, 3 times each" in page


def test_a_file_is_shuffled_too_and_not_kept(folder, command):
    command("hornbook evaluate amounts --importance --repeats 3")
    kept = find_run("amounts").importance
    done = command("hornbook evaluate amounts --importance --repeats 2 --input table.csv --json")
    assert json.loads(done.out)["importance"]["count"] == 160
    assert find_run("amounts").importance == kept


def test_what_has_no_columns_is_refused(folder, command, tmp_path, monkeypatch):
    done = command("hornbook evaluate amounts --repeats 3")
    assert (done.code, done.err) == (2, "--repeats 3 says how often columns are shuffled. Give --importance too.\n")
    run = find_run("amounts")
    monkeypatch.setattr(type(run), "data", property(lambda self: {"kind": "image"}))
    with pytest.raises(
        UsageError, match="--importance shuffles the columns of a table, and this run reads pixels of pictures"
    ):
        evaluate_run("amounts", importance=2)


def test_the_parts_of_a_date_are_one_column():
    features = (Feature("size", "number"), Feature("day.month_sin", "number", column="day", part="month_sin"),
                Feature("day.month_cos", "number", column="day", part="month_cos"))  # fmt: skip
    info = SimpleNamespace(features=features, blocks=())
    assert _groups(info, 3) == {"size": [0], "day": [1, 2]}
    assert _groups(SimpleNamespace(features=None, blocks=()), 2) == {"column 1": [0], "column 2": [1]}


def test_very_many_columns_are_counted_and_none_alike_says_nothing():
    columns = tuple(ColumnImportance(f"column {place}", 1 / (place + 1), 0.01) for place in range(50))
    lines = Importance("loss", 0.5, "test", 100, 10, columns).lines()
    assert lines[-2:] == ["… and 20 more; --json lists all", "± is the 95 % interval over the shuffles."]
    assert Importance("loss", 0.5, "test", 100, 10, columns).caution() == ""
    again = Importance.of_record(
        json.loads(json.dumps(Importance("auc", 0.5, None, 9, 2, columns, (("a", "b", 0.9),)).record()))
    )
    assert (again.columns, again.alike) == (columns, (("a", "b", 0.9),))


def test_bars_are_drawn_with_their_names_and_the_same_bytes():
    chart = BarChart([Amount("size", 0.5, 0.1), Amount("<b>city</b>", -0.1)], "loss gets worse by")
    picture = chart.svg("bars", "What matters")
    assert picture == chart.svg("bars", "What matters")
    assert ">size</text>" in picture
    assert "<b>" not in picture
