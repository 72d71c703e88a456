"""What a study says: verdicts that claim no more than was seen, tables of 80 columns, curves."""

import csv
import io
import math
import re

import pytest

from hornbook.errors import UsageError
from hornbook.recipes.load import load_recipe
from hornbook.study.curves import chart_of
from hornbook.study.measure import Measure, Target, measure_of, parse_target
from hornbook.study.outcome import Group, compare_groups
from hornbook.study.page import as_html
from hornbook.study.table import Study, as_csv, as_json, as_text

ACCURACY = Measure("val_accuracy", higher_is_better=True)
LOSS = Measure("val_loss", higher_is_better=False)


def group(label, values, **more):
    return Group(label, dict(enumerate(values)), **more)


def verdicts(*cells, measure=ACCURACY):
    return [row.verdict for row in compare_groups([group(str(n), values) for n, values in enumerate(cells)], measure)]


BASE = [0.90, 0.91, 0.92, 0.91, 0.90]


def test_a_difference_that_is_found_has_a_direction_and_a_size():
    better = [0.92, 0.931, 0.94, 0.929, 0.92]
    worse = [0.88, 0.889, 0.90, 0.891, 0.88]
    assert verdicts(BASE, better, worse) == ["", "better by 2.00 points", "worse by 2.00 points"]


def test_a_lower_loss_is_better():
    assert verdicts(BASE, [0.88, 0.889, 0.90, 0.891, 0.88], measure=LOSS) == ["", "better by 0.0200"]


def test_where_nothing_is_found_it_says_what_would_have_been():
    """The differences' deviation is 0.01; five pairs find 1.682 of it with probability 0.8."""
    cell = [a + b for a, b in zip(BASE, [0.01, -0.01, 0.0, 0.01, -0.01], strict=True)]
    assert verdicts(BASE, cell) == ["", "no difference detected; 5 seeds would have shown one above 1.7 points"]


def test_a_difference_that_the_correction_takes_away_is_said_to_be():
    cell = [a + b for a, b in zip(BASE, [0.010, 0.002, 0.008, 0.004, 0.009], strict=True)]
    assert verdicts(BASE, cell)[1].startswith("better by 0.66 points")
    flat = [[a + sign * b for a, b in zip(BASE, [0.01, -0.01, 0, 0.01, -0.01], strict=True)] for sign in (1, -1, 2, -2)]
    assert "no difference detected after correcting for 5 comparisons; " in verdicts(BASE, cell, *flat)[1]


def test_identical_cells_and_differences_without_spread_are_called_so():
    shifted = [value - 0.01 for value in BASE]
    assert verdicts(BASE, BASE, shifted) == [
        "", "the same in all 5 seeds", "-1.00 in every one of 5 seeds: no spread to judge it by"
    ]  # fmt: skip


def test_a_cell_with_a_failed_run_is_a_row_with_its_reason_and_no_verdict():
    broken = Group("broken", {0: 0.99, 1: 0.99}, failures={2: "training diverged in epoch 1"})
    rows = compare_groups([group("baseline", BASE), broken, group("fine", BASE)], ACCURACY)
    assert rows[1].verdict == "1 of 3 runs did not finish: training diverged in epoch 1"
    assert rows[1].difference is None
    assert rows[1].mean.mean == pytest.approx(0.99)
    assert rows[2].verdict == "the same in all 5 seeds"


def test_a_baseline_that_failed_leaves_nothing_to_compare_with():
    rows = compare_groups([Group("baseline", {}, failures={0: "no data"}), group("other", BASE)], ACCURACY)
    assert [row.verdict for row in rows] == [
        "1 of 1 runs did not finish: no data", "not compared: runs of the baseline did not finish"
    ]  # fmt: skip


HISTORY = [{"val_accuracy": value, "train_seconds": 0.5} for value in (0.5, 0.8, 0.7, 0.9)]


@pytest.mark.parametrize(("bound", "found"), [(0.5, (1, 0.5)), (0.75, (2, 1.0)), (0.85, (4, 2.0)), (0.95, None)])
def test_a_target_is_reached_by_the_first_epoch_that_has_it(bound, found):
    assert Target("val_accuracy", bound, higher_is_better=True).reached(HISTORY) == found


def test_the_median_to_the_target_is_never_where_half_of_the_runs_never_reach_it():
    def row(*reached):
        return compare_groups([group("a", BASE, reached=dict(enumerate(reached)))], ACCURACY)[0]

    assert (row((2, 1.0), (4, 3.0), None).epochs, row((2, 1.0), (4, 3.0), None).seconds) == (4, 3.0)
    assert row((2, 1.0), None).epochs is None
    assert row((2, 1.0), None).num_reached == 1


def test_the_metric_is_the_recipes_first_on_validation_unless_another_is_asked_for():
    recipe = load_recipe("he_elu_bn")
    assert measure_of([recipe], None) == Measure("val_loss", higher_is_better=False)  # unresolved: no metric yet
    assert measure_of([recipe], "test_accuracy") == Measure("test_accuracy", higher_is_better=True)
    without = load_recipe(
        "he_elu_bn", ["data.split.validation=0", "~training.early_stopping", "training.metrics=[accuracy]"]
    )
    assert measure_of([without], None).name == "test_accuracy"
    with pytest.raises(UsageError, match="--metric val_acc: not every cell records it. Did you mean 'val_accuracy'?"):
        measure_of([recipe], "val_acc")


HEADS = {
    "data": "digits",
    "model": {"name": "mlp", "units": [8, 8]},
    "heads": {"digit": {}, "early": {"from": "hidden_1"}},
}
SMOOTHED = "head.loss={name: sparse_categorical_crossentropy, label_smoothing: 0.1}"
OTHER_LOSSES = [
    (
        HEADS,
        "heads.early.weight=0.1",
        None,
        "heads.early.weight, .* what val_loss measures. .*: --metric val_digit_accuracy",
    ),
    (
        HEADS,
        "~heads.early",
        "val_loss",
        "heads.early.weight, .* what val_loss measures. .*: --metric val_digit_accuracy",
    ),
    ("he_elu_bn", SMOOTHED, "val_loss", "head.loss, and so"),
]


@pytest.mark.parametrize(("recipe", "override", "metric", "message"), OTHER_LOSSES)
def test_cells_are_not_compared_by_losses_that_are_made_differently(recipe, override, metric, message):
    recipes = [load_recipe(recipe), load_recipe(recipe, [override])]
    with pytest.raises(UsageError, match=message):
        measure_of(recipes, metric)
    assert measure_of(recipes, "val_digit_loss" if recipe is HEADS else "val_accuracy") is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("val_accuracy", "expected something like 'val_accuracy>=0.95'"),
        ("val_accuracy>=much", "expected something like 'val_accuracy>=0.95'"),
        ("val_acc>=0.9", "'val_acc' is not recorded in every epoch. Did you mean 'val_accuracy'?"),
        ("val_loss>=0.9", "val_loss gets better downwards, so write val_loss<=0.9."),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(text, message):
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        parse_target(text, [load_recipe("he_elu_bn")])


@pytest.fixture
def study():
    target = Target("val_accuracy", 0.9, higher_is_better=True)
    curves = {seed: [0.5, 0.8, value] for seed, value in enumerate(BASE)}
    reached = dict.fromkeys(range(5), (3, 1.25))
    runs = tuple(
        {"seed": seed, "run": f"runs/x/{seed}", "state": "finished", "reason": "done", "epochs": 3, "seconds": 1.0}
        for seed in range(5)
    )
    common = {
        "curves": curves,
        "reached": reached,
        "test": dict(enumerate(BASE)),
        "factor": "<activation>",
        "runs": runs,
    }
    worse = [0.88, 0.889, 0.90, 0.891, 0.88]
    groups = [
        group("baseline", BASE, **common),
        group("optimizer=sgd(learning_rate=0.1, momentum=0.9)", worse, **common),
        Group("activation=<b>", {}, failures={0: "training diverged"}, factor="<activation>"),
    ]
    rows = tuple(compare_groups(groups, ACCURACY))
    return Study("x", ACCURACY, target, (0, 1, 2, 3, 4), rows, ("A note." * 30,))


def test_every_line_fits_into_80_columns(study):
    text = as_text(study)
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert "optimizer=sgd(learning_rate=0.1, momentum=0.9): worse by 2.00 points" in text
    assert "90.80 ± 1.04" in text


def test_the_csv_has_a_line_per_cell_and_full_digits(study):
    rows = list(csv.DictReader(io.StringIO(as_csv(study))))
    assert [row["cell"] for row in rows] == [
        "baseline",
        "optimizer=sgd(learning_rate=0.1, momentum=0.9)",
        "activation=<b>",
    ]
    assert float(rows[0]["val_accuracy"]) == pytest.approx(0.908)
    assert float(rows[1]["difference"]) == pytest.approx(-0.02)
    assert (rows[2]["failed"], rows[2]["val_accuracy"], rows[1]["seed_1"]) == ("1", "", "0.889")


def test_json_holds_the_same(study):
    cells = as_json(study)["cells"]
    assert cells[1]["difference"]["mean"] == pytest.approx(-0.02)
    assert cells[2]["verdict"] == "1 of 1 runs did not finish: training diverged"


def test_the_page_escapes_names_and_loads_nothing(study):
    page = as_html(study)
    assert "activation=&lt;b&gt;" in page
    assert "<b>: " not in page.replace("<b>activation", "")
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert page.count("<script") == 1, "the page's own"


def test_the_page_shows_the_curve_of_every_cell_that_has_one(study):
    page = as_html(study)
    assert page.count("<svg") == 1
    assert 'aria-label="val_accuracy by epoch, &lt;activation&gt;"' in page
    hovers = [part.partition("<")[0] for part in page.split("<title>")[2:]]  # the first is the page's
    long = "optimizer=sgd(learning_rate=0.1, momentum=0.9)"
    assert hovers == ["baseline", long, "baseline", long]  # lines, and the labels at their ends
    assert ">optimizer=sgd(lear….1, momentum=0.9)</text>" in page


def test_a_study_of_many_cells_has_several_pictures_whose_ids_differ(study):
    from dataclasses import replace

    rows = (
        study.rows[0],
        *(replace(study.rows[1], group=replace(study.rows[1].group, label=f"c={n}")) for n in range(9)),
    )
    page = as_html(replace(study, rows=rows))
    assert [f'id="curves-{number}"' in page for number in (1, 2, 3)] == [True, True, False]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_study_without_epochs_has_no_picture(study):
    from dataclasses import replace

    rows = tuple(replace(row, group=replace(row.group, curves={0: [0.9]})) for row in study.rows)
    assert "<svg" not in as_html(replace(study, rows=rows))


def test_a_curve_is_the_mean_in_percent_up_to_the_end_of_the_shortest_run():
    cell = group("a", [0.9, 0.8], curves={0: [0.1, 0.5, 0.9], 1: [0.2, 0.6]})
    chart = chart_of([cell], ACCURACY, "val_accuracy (%)")
    (line,) = chart.lines
    assert line.x == [1, 2]
    assert line.y == pytest.approx([15, 55])
    low, high = line.band
    assert [low[0], high[0]] == pytest.approx(
        [15 - 63.53, 15 + 63.53], abs=0.01
    )  # t(0.975, 1) = 12.706, half 0.05 · 12.706
    assert chart.limits == pytest.approx((11.8, 58.2))  # of the means, with 8 % of room: wider bands are cut
    assert chart_of([group("b", [0.9], curves={0: [0.9]})], ACCURACY, "") is None


def test_one_run_has_no_band_and_a_bad_epoch_leaves_a_gap():
    nan, inf = math.nan, math.inf
    cell = group("a", [0.9], curves={0: [0.5, inf, nan, 0.7]})
    (line,) = chart_of([cell], LOSS, "val_loss").lines
    assert line.y == pytest.approx([0.5, nan, nan, 0.7], nan_ok=True)
    assert line.band[0] == pytest.approx([0.5, nan, nan, 0.7], nan_ok=True)
    assert chart_of([group("a", [0.9], curves={0: [nan, nan]})], LOSS, "val_loss") is None
