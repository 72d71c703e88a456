"""Parallel coordinates and slices: every trial can be found, the winner first of all, and no text lies on another."""

import math
from dataclasses import replace

import pytest

from hornbook.display.chart import ACCENT
from hornbook.display.trials import Axis, Trial, TrialChart

RATE = Axis("optimizer.learning_rate", 1e-4, 1.0, is_log=True)
DROPOUT = Axis("regularization.dropout", 0.0, 0.5)
ACTIVATION = Axis("activation", choices=("relu", "leaky_relu (alpha 0.2)", "none"))


def trials_of(count):
    choices = ACTIVATION.choices
    return tuple(
        Trial(
            number,
            {RATE.name: 10.0 ** -(number % 5), DROPOUT.name: number % 6 / 10, "activation": choices[number % 3]},
            0.9 + number * 37 % count / (10 * count),
        )
        for number in range(1, count + 1)
    )


def chart(count=9, best=3, keys=(RATE, DROPOUT, ACTIVATION), **more):
    return TrialChart(keys, "val_accuracy", trials_of(count), best, higher_is_better=True, **more)


@pytest.mark.parametrize(
    ("axis", "places"),
    [
        (RATE, [(1e-4, 0), (1e-2, 0.5), (1.0, 1)]),
        (DROPOUT, [(0.0, 0), (0.125, 0.25), (0.5, 1)]),
        (Axis("units", 8, 8), [(8, 0.5)]),
        (Axis("activation", choices=("relu", "elu")), [("relu", 0.25), ("elu", 0.75)]),
    ],
)
def test_values_stand_between_the_ends(axis, places):
    assert [axis.place(value) for value, _ in places] == pytest.approx([place for _, place in places])


@pytest.mark.parametrize(
    ("axis", "value"),
    [(RATE, None), (RATE, 0.0), (DROPOUT, math.nan), (DROPOUT, math.inf), (ACTIVATION, None), (ACTIVATION, "elu")],
)
def test_what_has_no_place(axis, value):
    assert axis.place(value) is None


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        (RATE, ["0.0001", "0.001", "0.01", "0.1", "1"]),
        (DROPOUT, ["0", "0.2", "0.4", "0.5"]),
        (Axis("momentum", 0.5, 0.99), ["0.5", "0.6", "0.8", "0.99"]),
        (Axis("epochs", 2, 5, is_whole=True), ["2", "3", "4", "5"]),
        (Axis("units", 8, 8), ["8"]),
        (Axis("rate", 0.001, 0.5, is_log=True), ["0.001", "0.01", "0.1", "0.5"]),
        (Axis("val_loss", 1e-9, 1e9, is_log=True), ["1e-09", "1e-06", "0.001", "1", "1000", "1e+06", "1e+09"]),
    ],
)
def test_ticks_are_the_ends_and_round_numbers(axis, texts):
    assert [text for _, text in axis.ticks()] == texts


def test_a_hover_over_a_line_says_which_trial_it_is(read):
    (picture,) = map(read, chart().parallel())
    lines = {title for title, style in picture.lines if "fill: none" in style}
    assert lines == {f"trial {number}: val_accuracy {0.9 + number * 37 % 9 / 90:.4g}" for number in range(1, 10)}


def test_the_winner_is_drawn_last_bold_and_in_the_accent_s_colour(read):
    (picture,) = map(read, chart(best=3).parallel())
    title, style = picture.lines[-1]
    assert title == "trial 3: val_accuracy 0.9333"
    assert (f"stroke: {ACCENT}" in style, "stroke-width: 3.5" in style) == (True, True)
    assert sum(ACCENT in style for _, style in picture.lines) == 1
    assert "0.9333 trial 3" in picture.texts


def test_better_trials_are_darker_and_lie_above_worse_ones(read):
    for higher, order in ((True, [1, 2, 3]), (False, [3, 2, 1])):
        trials = tuple(Trial(number, {DROPOUT.name: 0.1}, score) for number, score in ((1, 0.5), (2, 0.6), (3, 0.99)))
        search = TrialChart((DROPOUT,), "score", trials, None, higher_is_better=higher)
        (picture,) = map(read, search.parallel())
        assert [title.split(":")[0] for title, _ in picture.lines] == [f"trial {number}" for number in order]
        colours = [style.partition("stroke: ")[2][:7] for _, style in picture.lines]
        assert colours == ["#b5bdc7", "#5e87b2", "#08519c"]  # by rank: one outlier does not make all others alike


def test_a_key_that_a_trial_does_not_have_is_passed_over(read):
    trials = (Trial(1, {RATE.name: 0.1, "activation": "relu"}, 0.9), Trial(2, {}, 0.8))
    search = TrialChart((RATE, DROPOUT, ACTIVATION), "val_accuracy", trials, 1, higher_is_better=True)
    (picture,) = map(read, search.parallel())
    points = {title.split(":")[0]: parts[0].get("d").count("L") for title, parts in picture.hovers if parts[0].get("d")}
    assert points == {"trial 1": 2, "trial 2": 0}  # from rate over activation to the score; the score alone
    _, slice_of_dropout, _ = map(read, search.slices())
    assert [title for title, _ in slice_of_dropout.hovers if title.startswith("trial")] == []


def test_every_point_of_a_slice_says_its_value_and_score_the_winner_last(read):
    first, _, last = map(read, chart().slices())
    hovers = [title for title, _ in first.hovers if title.startswith("trial")]
    assert len(hovers) == 9
    assert hovers[-1] == "trial 3: 0.001, 0.9333"
    assert "trial 4: leaky_relu (alpha 0.2), 0.9444" in [title for title, _ in last.hovers]


def test_many_keys_are_drawn_in_several_pictures_each_with_the_score(read):
    keys = tuple(replace(RATE, name=f"section_{number}.key_{number}") for number in range(20))
    pictures = list(map(read, chart(keys=keys).parallel()))
    labels = [picture.root.get("aria-label") for picture in pictures]
    assert [label.count("section_") for label in labels] == [5, 5, 5, 5]
    assert all(label.endswith("val_accuracy") for label in labels)
    assert len(set.union(*(picture.ids for picture in pictures))) == sum(len(picture.ids) for picture in pictures)


LONG = Axis("training.early_stopping.patience", choices=tuple(f"a_very_long_choice_{number}" for number in range(3)))
MANY = Axis("activation", choices=tuple(f"choice_{number}" for number in range(12)))


@pytest.mark.parametrize(
    "keys",
    [
        (RATE,),
        (RATE, DROPOUT, ACTIVATION),
        (LONG,) * 6,
        (replace(RATE, name="optimizer.learning_rate"), replace(DROPOUT, name="regularization.a_long_name_indeed")) * 3,
        (MANY, replace(RATE, low=0.011, high=0.09)),
    ],
    ids=["one", "three", "long choices", "long names", "many choices"],
)
@pytest.mark.parametrize("count", [1, 9, 100])
def test_no_text_lies_on_another_or_outside(read, keys, count):
    search = chart(count, best=1, keys=keys)
    for picture in map(read, (*search.parallel(), *search.slices())):
        assert picture.overlaps() == []
        assert min(left for left, *_ in picture.boxes()) >= -1
        assert max(right for _, right, _, _ in picture.boxes()) <= float(picture.root.get("width")) + 1
        assert min(y for *_, y, _ in picture.boxes()) > 8


def test_a_long_choice_is_cut_and_a_hover_says_all_of_it(read):
    (picture,) = map(read, chart(keys=(RATE, DROPOUT, ACTIVATION) * 2).parallel())
    assert "leaky_re…ha 0.2)" in picture.texts
    assert "leaky_relu (alpha 0.2)" in {title for title, _ in picture.hovers}


def test_one_very_bad_loss_does_not_squeeze_the_others():
    losses = (0.04, 0.08, 0.4, 22.8)
    trials = tuple(Trial(number, {DROPOUT.name: 0.1}, loss) for number, loss in enumerate(losses, start=1))
    search = TrialChart((DROPOUT,), "val_loss", trials, 1, higher_is_better=False)
    assert [search.scores.place(loss) for loss in losses] == pytest.approx([0, 0.109, 0.363, 1], abs=1e-3)
    assert not replace(search, trials=trials[:3]).scores.is_log


def test_without_a_trial_there_are_axes_and_no_lines(read):
    search = replace(chart(), trials=(), best=None)
    assert [picture.lines for picture in map(read, search.parallel())] == [[]]
    assert len(list(search.slices())) == 3


def test_the_same_trials_give_the_same_bytes():
    assert list(chart().parallel()) == list(chart().parallel())
    assert list(chart().slices()) == list(chart().slices())
