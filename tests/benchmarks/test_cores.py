"""From what was measured to the table of docs/sweep.md: how a trace becomes pieces, and shorter trials longer ones."""

import importlib
import json
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("cores")
    for name in ("cores", "scheduler"):
        sys.modules.pop(name, None)


EVENTS = [
    ["imported", 1.0],
    ["ready", 2.0],
    ["begin", 2.1, 0, "a"],
    ["compile", 3.0, 5.0, 0],  # 1.0 of Python since it was ready
    ["epoch", 5.5],
    ["call", 5.75, 6.75, 0],
    ["epoch", 7.0],
    ["end", 7.5, 0],
    ["begin", 8.0, 1, "a"],
    ["call", 8.5, 9.5, 0],
    ["epoch", 9.5],
    ["call", 10.0, 11.0, 0],
    ["epoch", 11.0],
    ["end", 11.5, 1],
]


def test_what_is_between_the_calls_of_programs_is_pythons_work(cores):
    found = cores.pieces_of({"events": EVENTS, "seconds": 12.0})
    assert (found["start_s"], found["end_s"]) == (2.0, 0.5)
    first, second = found["trials"]
    assert first["parts"] == [
        [["turn", 1.0, -1], ["compile", 2.0, 0], ["turn", 0.5, -1]],
        [["turn", 0.25, -1], ["call", 1.0, 0], ["turn", 0.25, -1]],
        [["turn", 0.5, -1]],
    ]
    assert second["parts"][0] == [["turn", 1.0, -1], ["call", 1.0, 0]]  # the hand-out counts to the trial


def test_longer_trials_have_more_of_the_later_epochs(cores):
    kept = {"trials": cores.pieces_of({"events": EVENTS, "seconds": 12.0})["trials"]}
    trials = cores.trials_of(kept, count=3, epochs=4)
    assert [trial.structure for trial in trials] == ["a", "a", "a"]
    assert sum(piece.seconds for piece in trials[0].first) == pytest.approx(3.5 + 3 * 1.5 + 0.5)
    assert sum(piece.seconds for piece in trials[2].later) == pytest.approx(2.0 + 3 * 1.5 + 0.5)


def test_one_thread_on_one_core_takes_what_was_measured(cores):
    kept = {**cores.pieces_of({"events": EVENTS, "seconds": 12.0}), "slowdown": 1.0, "parallel_part": 0.0}
    assert cores.seconds(kept, cores=1, processes=1, threads=1, count=2, epochs=2) == pytest.approx(12.0)


def test_the_page_has_what_the_measured_pieces_give(cores):
    kept = json.loads((FOLDER / "results" / "cores.json").read_text())
    page = cores.PAGE.read_text(encoding="utf-8")
    inside = page.split(cores.BEGIN)[1].split(cores.END)[0].strip()
    assert list(cores.checks(kept)) == inside.splitlines()[-5:]
