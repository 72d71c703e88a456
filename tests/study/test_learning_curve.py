"""`hornbook learning-curve`: nested samples, equal steps, both splits, and verdicts that say their noise."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hornbook.errors import RecipeError, UsageError
from hornbook.recipes.load import load_recipe
from hornbook.study.learning.outcome import Point, verdicts_of
from hornbook.study.learning.plan import at_size, make_plan, parse_amounts
from hornbook.study.measure import Measure

ACCURACY = Measure("val_accuracy", higher_is_better=True)


@pytest.fixture(scope="module")
def learned(tensorflow, small_recipe, tmp_path_factory):
    """A folder with a learning curve of small.yaml over two sizes, and (curve, folder, lines of progress) in it."""
    from hornbook.study.learning.run import learning_curve

    place, lines = tmp_path_factory.mktemp("learned"), []
    (place / "small.yaml").write_text(small_recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        curve, folder = learning_curve(make_plan("small.yaml", examples="96,100%", seeds=2), say=lines.append)
        return place, curve, folder, lines


def runs_of(point, place, file):
    return [json.loads((place / run["run"] / file).read_text()) for run in point.runs]


def examples_of(place, run):
    from hornbook.data import load_data

    recipe = load_recipe(place / run["run"] / "recipe.yaml", for_training=False, of_run=True)
    return load_data(recipe).splits


def test_small_samples_are_part_of_larger_ones_and_validation_is_the_same(learned):
    place, curve, _, _ = learned
    few, many = (examples_of(place, point.runs[0]) for point in curve.points)
    assert (len(few.train), len(many.train)) == (96, 192)
    assert {row.tobytes() for row in few.train.x} <= {row.tobytes() for row in many.train.x}
    assert np.array_equal(few.validation.x, many.validation.x)
    assert np.abs(2 * np.bincount(few.train.y) - np.bincount(many.train.y)).max() <= 2  # of each class its share


def test_every_point_takes_as_many_steps_and_all_examples_are_the_recipe_itself(learned):
    place, curve, _, _ = learned
    few, many = (runs_of(point, place, "result.json")[0] for point in curve.points)
    assert (few["epochs"], many["epochs"]) == (4, 2)  # of 3 and 6 batches of 32
    assert curve.points[1].overrides == ()


def test_training_is_measured_with_the_final_weights(learned):
    from hornbook.inference.evaluate import evaluate_run

    place, curve, _, _ = learned
    run = curve.points[0].runs[1]
    measured = evaluate_run(str(place / run["run"]), split="train").metrics["accuracy"]
    assert curve.points[0].train[run["seed"]] == pytest.approx(measured, abs=1e-6)


def test_what_is_trained_is_found_again(learned, tmp_path, monkeypatch):
    from hornbook.study.learning.run import learning_curve

    place, first, _, _ = learned
    shutil.copytree(place, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    lines = []
    again, _ = learning_curve(make_plan("small.yaml", examples="96,192", seeds=2), say=lines.append)
    assert all("was there" in line for line in lines)
    assert [point.train for point in again.points] == [point.train for point in first.points]


@pytest.mark.whole
def test_runs_side_by_side_leave_the_same_bits(learned, tmp_path, monkeypatch, small_recipe):
    """The fixture's are side by side where there are several cores."""
    from hornbook.study.learning.run import learning_curve

    _, first, _, lines = learned
    (tmp_path / "small.yaml").write_text(small_recipe)
    monkeypatch.chdir(tmp_path)
    found = {}
    for parallel in (1, 3):
        told = []
        plan = make_plan("small.yaml", examples="96,100%", seeds=2)
        curve, _ = learning_curve(plan, runs=Path(f"{parallel}"), parallel=parallel, say=told.append)
        found[parallel] = [(point.size, point.train, point.validation) for point in curve.points]
        assert [line.rpartition(",")[0] for line in told] == [line.rpartition(",")[0] for line in lines]
    assert found[1] == found[3] == [(point.size, point.train, point.validation) for point in first.points]


def test_text_page_table_and_record_say_the_same(learned):
    _, curve, folder, lines = learned
    place = learned[0] / folder
    assert folder.parent == Path("runs/small_learning_curve")
    assert max(map(len, str(curve).splitlines())) <= 80
    record = json.loads((place / "result.json").read_text())
    mean = record["points"][1]["validation"]["mean"]
    assert f"{100 * mean:.2f} ±" in str(curve)
    page = (place / "report.html").read_text(encoding="utf-8")
    assert f"{100 * mean:.2f} ±" in page
    assert page.count("<svg") == 1
    assert ">96<" in page  # a tick of the picture
    header, *rows = (place / "table.csv").read_text().splitlines()
    assert header.startswith("value,examples,runs,failed,train,")
    assert [row.split(",")[1] for row in rows] == ["96", "192"]
    assert lines[0].startswith("[  1/4] 96 examples, seed 42: accuracy ")


def points_of(train, validation, *, label="", sizes=(100, 200)):
    """Return points whose seeds have these accuracies, in percent."""
    return [
        Point(
            label,
            size,
            {s: v / 100 for s, v in enumerate(own)},
            {s: v / 100 for s, v in enumerate(others)},
            {},
            {},
            (),
            (),
        )
        for size, own, others in zip(sizes, train, validation, strict=True)
    ]


@pytest.mark.parametrize(
    ("train", "validation", "conclusion"),
    [
        (
            [[100, 100, 100], [100, 100, 99.9]],
            [[80, 82, 81], [90, 92, 91.2]],
            "more examples would help: validation still rises with them, and training is ahead of it",
        ),
        (
            [[100, 100, 100], [100, 100, 100]],
            [[90, 92, 88], [91, 89, 92]],
            "more examples or regularization may help, since training is ahead; no gain by examples was detected",
        ),
        (
            [[71, 70, 72], [70, 71, 70]],
            [[69, 70, 70], [70, 69, 70]],
            "most of the error is there on the training examples too: unless it is noise, a larger network or more training can "
            "help more than examples",
        ),
        (
            [[95, 90, 99], [93, 99, 88]],
            [[85, 84, 90], [82, 91, 86]],
            "no gain by more examples was detected",
        ),
        ([[100, 100], [100, 100]], [[99, 99], [100, 100]], "nothing is left to gain on this validation split"),
    ],
    ids=["variance and rising", "variance", "bias", "not settled", "perfect"],
)
def test_the_conclusion_follows_from_gap_and_last_step(train, validation, conclusion):
    assert verdicts_of(points_of(train, validation), ACCURACY)[0] == conclusion


def test_a_verdict_says_how_much_and_how_sure_it_is():
    train, validation = [[100, 100, 100], [100, 100, 100]], [[90, 92, 88], [91, 89, 92]]
    _, gain, split, seen = verdicts_of(points_of(train, validation), ACCURACY)
    assert gain == (
        "from 100 to 200 examples validation changed by +0.67 ± 8.72 points: no gain detected; 3 seeds would have shown one "
        "above 12 points"
    )
    assert split.startswith("100 ± 41 % of the validation error is the distance to training (variance)")
    assert seen.endswith("training is ahead by +9.33 ± 3.79 points")


def test_a_loss_is_better_down():
    loss = Measure("val_loss", higher_is_better=False)
    points = points_of([[1, 1, 1], [1, 1, 1]], [[80, 82, 81], [50, 52, 51.2]])
    assert verdicts_of(points, loss)[0].startswith("more examples would help: validation still rises")
    assert points[1].gap(loss).mean == pytest.approx(0.50067, abs=1e-4)


def test_runs_that_failed_leave_no_verdict():
    points = points_of([[90, 90], [90, 90]], [[80, 80], [80, 81]])
    failed = Point("", 400, {}, {}, {}, {42: "the loss is nan"}, (), ())
    assert verdicts_of([*points, failed], ACCURACY) == ["no verdict, because 1 run did not finish: the loss is nan"]


def test_capacity_is_judged_from_value_to_value():
    values = {"units=[2]": [60, 62, 61], "units=[8]": [90, 91, 92], "units=[32]": [90.5, 90.5, 92.5]}
    points = [
        point
        for label, own in values.items()
        for point in points_of([[v + 1 for v in own]], [own], label=label, sizes=(200,))
    ]
    conclusion, first, second, *_ = verdicts_of(points, ACCURACY)
    assert conclusion.startswith("beyond units=[8] no step to a larger value is detectably better")
    assert first.startswith("units=[2] → [8]: validation +30.00 ± 2.48 points, better (p")
    assert "no difference detected; 3 seeds would have shown one above" in second


@pytest.mark.parametrize(
    ("text", "counts"), [("10%,50%,100%", [19, 96, 192]), ("48, 96", [48, 96]), ("6.25%,100%", [12, 192])]
)
def test_sizes_are_counts_or_percentages(text, counts):
    assert [amount.of(192) for amount in parse_amounts(text)] == counts


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"examples": "0.5,1"},
            "--examples '0.5': expected a count of at least 2, or a percentage such as 25%. For a part",
        ),
        ({"examples": "100"}, "--examples 100: one size is no curve."),
        ({"examples": "120%"}, "--examples '120%': expected a count"),
        ({"seeds": 1}, "--seeds 1: too few seeds for an interval."),
        ({"vary": "data.limit=1,2"}, "--vary data.limit: this is what the points of a curve differ in."),
        ({"vary": "model.units=[8]"}, "one value is no curve."),
    ],
)
def test_what_cannot_be_meant_is_refused_before_training(options, sentence):
    with pytest.raises(UsageError) as refusal:
        make_plan("small.yaml", **options)
    assert sentence in str(refusal.value)


def test_a_value_that_does_not_fit_names_its_option():
    with pytest.raises(RecipeError, match=r"--vary activation=elux: activation: unknown activation 'elux'"):
        make_plan("small.yaml", vary="activation=elux,relu")


@pytest.mark.parametrize(
    ("examples", "sentence"),
    [
        ("96,500", "--examples 500: there are only 192 training examples."),
        ("5,192", "--examples 5: 5 of 192 training examples, fewer than the 10 classes. Ask for more."),
        ("192,100%", "--examples: all sizes come to 192 of 192 training examples."),
        ("96,192 data.split.validation=0", "training is compared with validation, and there is no such figure."),
    ],
)
def test_sizes_that_the_data_does_not_have_are_refused(examples, sentence, hornbook_command):
    done = hornbook_command(f"hornbook learning-curve -c small.yaml --examples {examples}")
    assert done.code == 2
    assert sentence in done.err


def test_what_is_counted_in_epochs_becomes_steps():
    text = ["training.early_stopping={patience: 3}", "schedule={name: power, decay_steps: 2 epochs, warmup: 1 epoch}"]
    recipe = load_recipe("small.yaml", [*text, "training.batch_size=32"])
    values = at_size(recipe, 96, 192)
    assert values["training.epochs"] == "12 steps"
    assert values["training.early_stopping.patience"] == "18 steps"
    assert values["schedule.decay_steps"] == 12
    assert values["schedule.warmup"]["duration"] == 6
    assert at_size(recipe, 192, 192) == {}
    performance = load_recipe("small.yaml", ["schedule={name: performance, patience: 2}"])
    assert at_size(performance.replaced({"training.batch_size": 32}), 96, 192)["schedule.patience"] == "12 steps"
