"""Lines with bands, labels at their ends and marks, whatever the numbers are."""

import math

import pytest

from hornbook.display.lines import Line, LineChart, Mark, rate_ticks

RATES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]


def lines_of(count, *, epochs=10, label="activation=option_{}"):
    values = [[1 - 0.5 ** (epoch + number / 50) for epoch in range(1, epochs + 1)] for number in range(count)]
    return tuple(
        Line(range(1, epochs + 1), y, "#0f6cbd", label=label.replace("{}", str(n))) for n, y in enumerate(values)
    )


def test_every_line_has_its_label_once_and_none_lies_on_another(read):
    picture = read(LineChart(lines_of(8), "epoch", "val_accuracy", (0.4, 1.1)).svg("a", ""))
    labels = [text for text in picture.texts if text.startswith("activation=")]
    assert sorted(labels) == [f"activation=option_{number}" for number in range(8)]
    assert picture.overlaps() == []


def test_labels_stand_in_the_order_of_the_lines_ends(read):
    picture = read(LineChart(lines_of(3), "epoch", "val_accuracy", (0.4, 1.1)).svg("a", ""))
    heights = {text: y for _, _, y, text in picture.boxes()}
    assert (
        heights["activation=option_2"] < heights["activation=option_1"] < heights["activation=option_0"]
    )  # y goes down


def test_a_long_label_is_cut_and_a_hover_says_all_of_it(read):
    label = "optimizer={name: adamw, learning_rate: 0.001, weight_decay: 0.01}"
    picture = read(LineChart(lines_of(1, label=label), "epoch", "loss", (0, 1)).svg("a", ""))
    assert "optimizer={name: a…ight_decay: 0.01}" in picture.texts
    assert {title for title, _ in picture.hovers} == {label}
    assert max(right for _, right, _, _ in picture.boxes()) <= 960


def test_bands_lie_below_all_lines(read):
    band = ([0.1, 0.2], [0.3, 0.4])
    lines = (Line([1, 2], [0.2, 0.3], "#1b1b1b", band=band), Line([1, 2], [0.25, 0.35], "#0f6cbd", band=band))
    picture = read(LineChart(lines, "epoch", "loss", (0, 1)).svg("a", ""))
    styles = [element.get("style") or "" for element in picture.root.iter()]
    bands = [place for place, style in enumerate(styles) if "fill-opacity" in style]
    curves = [place for place, style in enumerate(styles) if "stroke-width: 2" in style]
    assert (len(bands), len(curves)) == (2, 2)
    assert max(bands) < min(curves)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_leave_a_gap(read, bad):
    line = Line([1, 2, 3, 4, 5], [0.1, 0.2, bad, 0.4, 0.5], "#0f6cbd", label="a", band=([bad] * 5, [0.5] * 5))
    picture = read(LineChart((line,), "epoch", "loss", (0, 1)).svg("a", ""))
    ((_, (path,)), *_) = picture.hovers
    assert path.get("d").count("M") == 2
    assert "nan" not in picture.svg
    assert "inf" not in picture.svg


@pytest.mark.parametrize("values", [[0.5], [math.nan], [], [0.5, math.nan]])
def test_a_line_of_one_point_or_none_is_drawn_all_the_same(read, values):
    line = Line(list(range(1, len(values) + 1)), values, "#0f6cbd", label="alone")
    picture = read(LineChart((line,), "epoch", "loss", (0, 1)).svg("a", ""))
    assert ("alone" in picture.texts) == any(math.isfinite(value) for value in values)


def test_epochs_are_whole_numbers(read):
    picture = read(LineChart(lines_of(1, epochs=3, label=""), "epoch", "loss", (0, 1)).svg("a", ""))
    assert [text for text in picture.texts if text in {"1", "2", "3", "1.5"}][:3] == ["1", "2", "3"]


def marked(rates, **more):
    line = Line(RATES, [2.0, 1.9, 1.0, 0.2, 1.5], "#1d4ed8")
    marks = tuple(Mark(rate, f"rule {number}", "#00796b", is_bold=number == 3) for number, rate in enumerate(rates))
    return LineChart((line,), "learning rate", "loss", (0.1, 2.2), marks=marks, is_log=True, size=(760, 430), **more)


@pytest.mark.parametrize(
    "rates",
    [[1e-2, 1.01e-2, 1.1e-2, 1.2e-2], [1e-4, 1.01e-4, 1.02e-4, 1.1e-4], [0.9, 0.95, 1, 1], [1e-4, 1e-3, 0.1, 1]],
)
def test_marks_that_are_near_each_other_keep_their_names_apart(read, rates):
    picture = read(marked(rates, title="few: learning rate 0.01").svg("a", ""))
    assert {"rule 0", "rule 1", "rule 2", "rule 3", "few: learning rate 0.01"} <= set(picture.texts)
    assert picture.overlaps() == []
    assert min(left for left, *_ in picture.boxes()) >= 0


def test_the_mark_that_counts_is_bold_and_in_front(read):
    picture = read(marked([1e-2, 1.01e-2, 1.1e-2, 1.2e-2]).svg("a", ""))
    bold = [text.text for text in picture.all("text") if "bold" in text.get("style") or "700" in text.get("style")]
    assert bold == ["rule 3"]
    verticals = [path.get("style") for path in picture.all("path") if "stroke: #00796b" in (path.get("style") or "")]
    uprights = [style for style in verticals if "stroke-width: 1.5" in style or "stroke-width: 2.5" in style]
    assert ["stroke-width: 2.5" in style for style in uprights] == [False, False, False, True]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (1e-6, 10, "1e-6 1e-5 1e-4 1e-3 1e-2 1e-1 1e0 1e1"),
        (2e-3, 8e-2, "2e-3 5e-3 1e-2 2e-2 5e-2"),
        (1e-30, 1, "1e-30 1e-27 1e-24 1e-21 1e-18 1e-15 1e-12 1e-9 1e-6 1e-3 1e0"),
    ],
)
def test_rates_have_ticks_at_powers_of_ten(low, high, texts):
    assert [text for _, text in rate_ticks(low, high)] == texts.split()


def test_a_chart_without_lines_is_a_frame_with_its_title(read):
    picture = read(LineChart((), "learning rate", "loss", (0, 1), title="few: inconclusive", is_log=True).svg("a", ""))
    assert "few: inconclusive" in picture.texts


def test_a_long_title_is_cut(read):
    picture = read(LineChart((), "x", "y", (0, 1), title="word " * 100, size=(760, 430)).svg("a", ""))
    assert max(right for _, right, _, _ in picture.boxes()) <= 760
