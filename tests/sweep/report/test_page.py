"""The page of a sweep: pictures of the trials that have a score, tables of all of them."""

import math
import re
from types import SimpleNamespace

import pytest

from hornbook.display.intervals import Interval
from hornbook.recipes.sections.sweep import Sweep
from hornbook.runs.sweeps import Outcome, Proposal, TrialRow
from hornbook.sweep.report.page import report_html
from hornbook.sweep.report.plots import chart_of
from hornbook.sweep.report.table import value_text

SPACE = {
    "optimizer.learning_rate": {"min": 1e-3, "max": 0.5, "sampling": "log"},
    "schedule": [None, "one_cycle"],
    "optimizer": ["adam", {"name": "sgd", "momentum": 0.9}],
}


def row(number, values, score, state="finished"):
    outcome = Outcome(
        state, score, () if score is None else (score,), 5, 2.0, "" if score is not None else "out of <memory>"
    )
    return TrialRow(Proposal(number - 1, values, None, None), {}, outcome)


def sweep_of(objective="val_accuracy"):
    return Sweep.model_validate({"objective": objective, "space": SPACE, "tuner": "random", "max_trials": 9})


@pytest.fixture
def page():
    """A function: rows and the winner → the page."""

    def draw(rows, best, objective="val_accuracy", direction="max"):
        recipe = SimpleNamespace(name="few", seed=42, to_dict=lambda: {"name": "few"})
        coordinator = SimpleNamespace(
            folder=SimpleNamespace(ended=lambda: rows),
            sweep=sweep_of(objective),
            directions={objective: direction},
            best=lambda: best,
            recipe=recipe,
            elapsed_s=12.0,
            rejected=[None, None],
        )
        confirmed = {"test_accuracy": Interval(0.9, 0.01, 3)}
        facts = dict(best.proposal.values), best.outcome.score, confirmed
        result = SimpleNamespace(
            trials=len(rows), stop_reason="done", best=facts[0], score=facts[1], confirmed=facts[2]
        )
        return report_html(coordinator, result)

    return draw


ROWS = [
    row(1, {"optimizer.learning_rate": 0.01, "schedule": None, "optimizer": "adam"}, 0.9),
    row(2, {"optimizer.learning_rate": 0.1, "optimizer": {"name": "sgd", "momentum": 0.9}}, 0.95),
    row(3, {"optimizer.learning_rate": 0.5, "schedule": "one_cycle", "optimizer": "adam"}, None, state="diverged"),
]


def test_the_winner_is_named_in_picture_and_tables(page):
    text = page(ROWS, ROWS[1])
    assert "0.95 trial 2</text>" in text
    assert re.search(r'<tr class="best">\s*<td class="n">2</td><td class="n">0.9500</td>', text)
    assert "0.9000 ± 0.0100" in text
    assert "The higher val_accuracy, the" in text


def test_every_trial_with_a_score_can_be_found_by_hovering(page):
    hovers = re.findall("<title>(trial .*?)</title>", page(ROWS, ROWS[1]))
    assert set(hovers) == {
        "trial 1: val_accuracy 0.9",
        "trial 2: val_accuracy 0.95",
        "trial 1: 0.01, 0.9",
        "trial 2: 0.1, 0.95",
        "trial 1: none, 0.9",
        "trial 1: adam, 0.9",
        "trial 2: sgd (momentum 0.9), 0.95",
    }


def test_a_trial_without_a_score_has_its_reason_in_a_table(page):
    text = page(ROWS, ROWS[1])
    assert "<td>diverged</td><td>out of &lt;memory&gt;</td>" in text
    assert "1 trials have no score" in text


def test_the_page_loads_nothing_and_no_id_is_there_twice(page):
    text = page(ROWS, ROWS[1])
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert text.count("<script") == 1, "the page's own"
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert text.count("<svg") == 4
    assert page(ROWS, ROWS[1]) == text


def test_enough_trials_have_bars_of_importance(page):
    values = ROWS[0].proposal.values
    rows = [row(n, {**values, "optimizer.learning_rate": 0.001 * n}, 0.5 + 0.01 * n) for n in range(1, 10)]
    widths = re.findall(r'<div class="bar"><i style="width: (.*?)%">', page(rows, rows[-1]))
    assert widths == ["100.0", "0.0", "0.0"]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_left_out_of_the_pictures(score):
    chart = chart_of(
        sweep_of(),
        [*ROWS, row(4, ROWS[0].proposal.values, score)],
        objective="val_accuracy",
        direction="max",
        best=ROWS[1],
    )
    assert [trial.number for trial in chart.trials] == [1, 2]


def test_axes_are_those_of_the_space():
    chart = chart_of(sweep_of(), ROWS, objective="val_accuracy", direction="max", best=ROWS[1])
    rate, schedule, optimizer = chart.keys
    assert (rate.low, rate.high, rate.is_log, rate.is_whole) == (0.001, 0.5, True, False)
    assert schedule.choices == ("none", "one_cycle")
    assert optimizer.choices == ("adam", "sgd (momentum 0.9)")
    assert "schedule" not in chart.trials[1].values  # not "none", which trial 1 chose
    assert (chart.best, chart.higher_is_better) == (2, True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"name": "sgd", "momentum": 0.9}, "sgd (momentum 0.9)"),
        ([300, 100], "300-100"),
        (None, "none"),
        (True, "true"),
        (0.5, "0.5"),
    ],
)
def test_values_are_written_for_people(value, text):
    assert value_text(value) == text
