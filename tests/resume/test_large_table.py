"""Runs on a table that exceeds the memory budget end as in memory: left alone, or stopped within an epoch and resumed."""

import io
import shutil

import numpy as np
import polars as pl
import pytest

from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.runs.caches import cache_folder

BUDGET = "0.001 MB"
STREAMED = f"training.memory_budget={BUDGET}"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """400 rows: 320 to train on, 10 batches of 32."""
    rng = np.random.default_rng(2)
    city = rng.choice(["Bonn", "Kiel", "Ulm"], 400)
    size = np.where(rng.random(400) < 0.1, np.nan, rng.normal(size=400).round(4))
    y = np.where(np.nan_to_num(size) + (city == "Ulm") > 0.3, "dear", "cheap")
    path = tmp_path_factory.mktemp("table") / "t.csv"
    frame = pl.DataFrame({"size": size, "city": city, "n": rng.integers(0, 9, 400), "y": y})
    frame.with_columns(pl.col("size").fill_nan(None)).write_csv(path)
    return path


@pytest.fixture(scope="module")
def tree(table):
    split = {"validation": 40, "test": 40}
    return {
        "data": {"name": "table", "path": str(table), "target": "y", "split": split},
        "training": {"epochs": 2, "batch_size": 32, "engine": "graph"},
    }


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("hornbook.engine.feed.BLOCK_BYTES", 3 * 32 * 12)
    monkeypatch.setattr("hornbook.data.tables.text.PART_BYTES", 1000)


def test_a_run_stopped_within_an_epoch_ends_as_one_in_memory_though_the_cache_is_deleted(
    tree, interrupted, resume, alone, assert_same
):
    stopped = interrupted(tree, STREAMED, at=(1, 4))
    assert "data streams from disk" in (stopped.run / "log.txt").read_text()
    shutil.rmtree(cache_folder("tables"))
    assert_same(resume(stopped.run), alone(tree), but=("recipe", "best", "last"))  # which number their operations


def test_a_file_is_predicted_and_evaluated_in_parts_as_in_memory(tree, table, alone, tmp_path, monkeypatch, capsys):
    run, outputs, figures = str(alone(tree).run), [], []
    for budget in (10**9, 1000):
        monkeypatch.setattr("hornbook.inference.examples.memory_budget", lambda _, budget=budget: budget)
        for keys in ({"keep": ["city"]}, {"missing": "skip"}):
            notes = predict_file(run, table, output=None, **keys)
            outputs.append((budget, capsys.readouterr().out, notes))
        figures.append(evaluate_run(run, input=table).metrics)
    assert [output[1:] for output in outputs[:2]] == [output[1:] for output in outputs[2:]]
    assert pl.read_csv(io.StringIO(outputs[2][1])).shape == (400, 3)
    assert figures[0] == figures[1]
    assert not list(cache_folder("tables").glob(".filling-*"))
