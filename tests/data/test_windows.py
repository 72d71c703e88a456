"""Series cut into windows: against loops written out, no step in two splits, steps of time, and what is refused."""

import datetime as dt
import tracemalloc

import numpy as np
import polars as pl
import pytest

from hornbook.data import Rows, Shelf, load
from hornbook.data.windows.baselines import naive_forecasts
from hornbook.data.windows.source import Layout
from hornbook.data.windows.steps import found_step
from hornbook.errors import DataError
from hornbook.recipes.sources import Seasons, SplitSpec, Windows
from hornbook.recipes.sources.checks import section_problems

HOUR = dt.timedelta(hours=1)
BEGIN = dt.datetime(2024, 1, 1)


def hours(count, begin=BEGIN):
    return [begin + place * HOUR for place in range(count)]


def written(folder, rows, heading="time,load"):
    path = folder / "t.csv"
    path.write_text(heading + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return str(path)


def of(path, **keys):
    return Windows(**{"path": path, "time": "time", "target": "load", "window": 4, **keys})


def loaded(path, **keys):
    return load(of(path, **keys), seed=1)


def refusal(path, **keys):
    with pytest.raises(DataError) as caught:
        loaded(path, **keys)
    return str(caught.value).replace(path, "t.csv")


def parts_of(splits):
    return {
        name: getattr(splits, name) for name in ("train", "validation", "test") if getattr(splits, name) is not None
    }


@pytest.fixture
def random_table(tmp_path):
    """A function: a seed → (path, {series: {hour: (load, heat)}}) of series with gaps that begin at different times."""

    def make(seed):
        generator = np.random.default_rng(seed)
        values = {}
        for name in ("b", "a", "c"):
            begin, count = int(generator.integers(0, 20)), int(generator.integers(60, 120))
            kept = generator.random(count) > 0.03
            values[name] = {
                begin + place: tuple(generator.normal(size=2).round(4)) for place in np.flatnonzero(kept).tolist()
            }
        rows = [
            (BEGIN + hour * HOUR, name, *numbers) for name, series in values.items() for hour, numbers in series.items()
        ]
        generator.shuffle(rows)
        return written(tmp_path, rows, "time,place,load,heat"), values

    return make


def windows_by_loops(values, window, horizon, stride, validation, test):
    """Return {split: [(inputs, targets)]} by loops over hours, and {split: {(series, hour) of inputs and targets}}."""
    every = sorted({hour for series in values.values() for hour in series})
    test_from, validation_from = every[len(every) - test], every[len(every) - test - validation]
    found, used = {}, {}
    for split in ("train", "validation", "test"):
        examples, steps = [], set()
        for name in sorted(values):
            hour = -1
            inside = {
                hour: numbers
                for hour, numbers in values[name].items()
                if ("test" if hour >= test_from else "validation" if hour >= validation_from else "train") == split
            }
            while hour <= max(every):
                run = []
                while hour + len(run) in inside:
                    run.append(hour + len(run))
                for start in range(0, len(run) - window - horizon + 1, stride):
                    seen, then = run[start : start + window], run[start + window : start + window + horizon]
                    examples.append(([inside[h] for h in seen], [inside[h][0] for h in then]))
                    steps |= {(name, h) for h in (*seen, *then)}
                hour += max(len(run), 1)
        found[split], used[split] = examples, steps
    return found, used


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("window", "horizon", "stride"), [(4, 1, 1), (3, 5, 2), (6, 2, 5)])
def test_windows_and_targets_are_those_of_loops_written_out(random_table, seed, window, horizon, stride):
    path, values = random_table(seed)
    split = SplitSpec(validation=25, test=30)
    splits = loaded(
        path, series="place", inputs=("load", "heat"), window=window, horizon=horizon, stride=stride, split=split
    )
    expected, used = windows_by_loops(values, window, horizon, stride, 25, 30)
    for name, part in parts_of(splits).items():
        x, y = (np.array(each, np.float32) for each in zip(*expected[name], strict=True))
        np.testing.assert_array_equal(part.x, x)
        np.testing.assert_array_equal(part.y.reshape(len(y), -1), y)
    hours_of = {name: {hour for _, hour in steps} for name, steps in used.items()}
    assert max(hours_of["train"]) < min(hours_of["validation"])
    assert max(hours_of["validation"]) < min(hours_of["test"])


@pytest.mark.parametrize("seed", range(20))
def test_no_step_in_time_is_in_two_splits(tmp_path, seed):
    generator = np.random.default_rng(seed)
    rows = [
        (BEGIN + hour * HOUR, name, f"{hour}")  # the value is the hour
        for name in ("a", "b")
        for hour in range(int(generator.integers(0, 9)), int(generator.integers(90, 120)))
        if generator.random() > 0.01
    ]
    path = written(tmp_path, rows, "time,place,load")
    window, horizon, stride = (int(generator.integers(1, high)) for high in (6, 4, 4))
    splits = loaded(path, series="place", window=window, horizon=horizon, stride=stride)
    steps = [{*np.ravel(part.x).tolist(), *np.ravel(part.y).tolist()} for part in parts_of(splits).values()]
    assert len(steps) == 3
    assert max(steps[0]) < min(steps[1])
    assert max(steps[1]) < min(steps[2])


def test_the_split_counts_steps_and_says_what_borders_cost(tmp_path):
    path = written(tmp_path, [(time, place) for place, time in enumerate(hours(100))])
    splits = loaded(path, window=5, horizon=3)
    assert splits.info.counts == {"train": 72 - 7, "validation": 8 - 7, "test": 20 - 7}
    assert splits.info.split_method == "time"
    assert splits.info.extra["spans"]["test"] == ["2024-01-04 08:00", "2024-01-05 03:00"]
    assert splits.info.extra["windows"]["left_out"] == [93 - 65 - 1 - 13, 0]
    assert splits.info.target_names() == ("load+1", "load+2", "load+3")
    assert splits.info.warnings == ()


@pytest.mark.parametrize(("stride", "at_borders", "at_gaps"), [(1, 10, 5), (3, 3, 2), (50, 0, 0)])
def test_windows_across_borders_and_gaps_are_counted_whatever_the_stride(tmp_path, stride, at_borders, at_gaps):
    rows = [(time, place) for place, time in enumerate(hours(60)) if place not in {8, 9}]
    splits = loaded(
        written(tmp_path, rows), window=4, horizon=2, stride=stride, split=SplitSpec(validation=10, test=10)
    )
    assert Layout.of(splits.info.extra["windows"]).left_out == (at_borders, at_gaps)


def test_several_targets_follow_each_other_step_by_step(tmp_path):
    rows = [(time, place, -place) for place, time in enumerate(hours(60))]
    splits = loaded(written(tmp_path, rows, "time,up,down"), target=("up", "down"), window=2, horizon=2)
    assert splits.train.x[0].tolist() == [[0, 0], [1, -1]]
    assert splits.train.y[0].tolist() == [2, -2, 3, -3]
    assert splits.info.target_names() == ("up+1", "down+1", "up+2", "down+2")


def months(*days, year=2023):
    return [dt.date(year + place // 12, place % 12 + 1, day) for place, day in enumerate(days)]


ENDS = months(31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29)


@pytest.mark.parametrize(
    ("times", "text", "season", "following"),
    [
        (hours(5), "1 hour", 24, ["2024-01-01 05:00", "2024-01-01 06:00"]),
        ([BEGIN + place * HOUR / 4 for place in range(5)], "15 minutes", 96, ["2024-01-01 01:15", "2024-01-01 01:30"]),
        ([BEGIN + place * HOUR * 24 for place in range(5)], "1 day", 7, ["2024-01-06", "2024-01-07"]),
        ([BEGIN + place * HOUR * 168 for place in range(5)], "1 week", 52, ["2024-02-05", "2024-02-12"]),
        (months(*[1] * 14), "1 month", 12, ["2024-03-01", "2024-04-01"]),
        (ENDS, "1 month", 12, ["2024-03-31", "2024-04-30"]),
        (months(*[15] * 14)[::3], "3 months", 4, ["2024-04-15", "2024-07-15"]),
        ([dt.date(year, 1, 1) for year in range(2018, 2023)], "1 year", None, ["2023-01-01", "2024-01-01"]),
        ([f"{place * 0.1:.1f}" for place in range(9)], "0.1", None, ["0.9", "1"]),
        (range(2000, 2009), "1", None, ["2009", "2010"]),
        (
            range(1_700_000_000_123, 1_700_000_009_123, 1000),
            "1000",
            None,
            ["1700000009123", "1700000010123"],
        ),
        ([f"{1_700_000_000.25 + place}" for place in range(9)], "1", None, ["1700000009.25", "1700000010.25"]),
    ],
)
def test_the_step_its_season_and_what_follows_are_told_from_the_times(tmp_path, times, text, season, following):
    from hornbook.data.tables.dialect import Dialect
    from hornbook.data.windows.cutting import time_texts
    from hornbook.data.windows.reading import Roles, read_series

    path = written(tmp_path, [(time, 1) for time in times])
    series, _, notes = read_series(path, Roles("time", None, ("load",)), Dialect())
    step = found_step(series.times, series.numbers, path)
    assert (str(step), step.season(), notes) == (text, season, ())
    assert (step.between(series.times) == 1).all()
    assert time_texts(step.after(series.times[-1], 2)) == following


def test_times_with_an_offset_are_one_hour_apart_when_clocks_change(tmp_path):
    texts = ["2024-10-27T01:00+02:00", "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00+01:00"]
    splits = loaded(
        written(tmp_path, [(text, place) for place, text in enumerate(texts)]),
        window=1, split=SplitSpec(validation=0, test=0),
    )  # fmt: skip
    assert splits.train.y.tolist() == [1, 2, 3]
    assert splits.info.extra["windows"]["in_utc"] is True


@pytest.mark.parametrize(
    ("zone", "message"), [("UTC", "have an offset or a zone, and in training they had none"), (None, "")]
)
def test_the_same_hour_of_another_zone_is_not_taken_for_it(tmp_path, zone, message):
    import polars as pl

    from hornbook.data.readings import Reading
    from hornbook.data.windows.inputs import read_windows

    splits = loaded(
        written(tmp_path, [(time, place) for place, time in enumerate(hours(40))]),
        split=SplitSpec(validation=0, test=0),
    )
    begin = np.datetime64("2024-02-01T00:00:00", "us")
    times = pl.Series("time", begin + np.arange(20) * np.timedelta64(1, "h")).dt.replace_time_zone(zone)
    pl.DataFrame({"time": times, "load": np.arange(20.0)}).write_parquet(tmp_path / "later.parquet")
    if message:
        with pytest.raises(DataError, match=message):
            read_windows(tmp_path / "later.parquet", splits.info, Reading(targets=None))
    else:
        assert len(read_windows(tmp_path / "later.parquet", splits.info, Reading(targets=None)).x) == 1


def test_gaps_missing_values_and_disorder_are_said_and_no_window_is_across_them(tmp_path):
    rows = [(time, place) for place, time in enumerate(hours(100))]
    del rows[40:43]
    rows[10] = (rows[10][0], "")
    rows[60], rows[61] = rows[61], rows[60]
    path = written(tmp_path, rows)
    splits = loaded(path, window=2, split=SplitSpec(validation=0, test=20))
    assert [warning.replace(path, "t.csv") for warning in splits.info.warnings] == [
        "t.csv: 1 row is earlier than the row before; the rows are sorted by 'time'.",
        "t.csv: column 'load' has no value in 1 row, which count as gaps in time.",
        "t.csv: 2 gaps in time (4 missing steps of 1 hour), the first after 2024-01-01 09:00; 4 windows across them are left "
        "out.",
    ]
    steps = np.concatenate([splits.train.x[:, :, 0], splits.train.y[:, None]], axis=1)
    assert (np.diff(steps) == 1).all()
    assert {10, 40, 41, 42} & {*steps.ravel().tolist()} == set()


def test_a_step_that_is_no_whole_number_of_steps_is_a_gap(tmp_path):
    times = [*hours(10), *(time + HOUR / 4 for time in hours(90)[10:])]
    splits = loaded(written(tmp_path, [(time, 1) for time in times]))
    assert "1 gap in time (0 missing steps of 1 hour, 1 of them no whole number of steps)" in splits.info.warnings[0]


def test_parts_of_the_time_are_further_inputs(tmp_path):
    path = written(tmp_path, [(time, place) for place, time in enumerate(hours(60))])
    x = loaded(path, calendar=("hour",)).train.x
    angles = 2 * np.pi * np.arange(4) / 24
    np.testing.assert_allclose(x[0], np.stack([np.arange(4), np.sin(angles), np.cos(angles)], axis=1), atol=1e-6)


def test_a_part_of_the_time_that_never_changes_is_said(tmp_path):
    days = [BEGIN + dt.timedelta(days=day) for day in range(60)]
    path = written(tmp_path, [(time, place) for place, time in enumerate(days)])
    (said,) = loaded(path, calendar=("hour", "weekday")).info.warnings
    assert said == "calendar: 'hour' is the same in all rows of the training split, which teaches nothing."


@pytest.mark.parametrize("stride", [1, 7])
def test_baselines_repeat_the_last_value_and_the_last_season(tmp_path, stride, generator):
    values = generator.normal(size=200).astype(np.float32)
    path = written(tmp_path, [(time, value) for time, value in zip(hours(200), values.tolist(), strict=True)])
    splits = loaded(path, window=30, horizon=26, stride=stride, split=SplitSpec(validation=0, test=80))
    naive = naive_forecasts(splits.test.x, Layout.of(splits.info.extra["windows"]))
    for place, start in enumerate(range(120, 200 - 56 + 1, stride)):
        end = start + 30
        assert naive["last value"][place].tolist() == [values[end - 1]] * 26
        assert naive["seasonal"][place].tolist() == [*values[end - 24 : end], *values[end - 24 : end - 22]]
    changes = [abs(float(values[place]) - float(values[place - 24])) for place in range(24, 120)]
    assert splits.info.extra["windows"]["scale"] == [pytest.approx(np.mean(changes))]


def test_scales_of_series_are_of_their_training_rows_alone(random_table):
    path, values = random_table(3)
    splits = loaded(path, series="place", inputs=("heat",), scaling="series", split=SplitSpec(validation=25, test=30))
    every = sorted({hour for series in values.values() for hour in series})
    border = every[len(every) - 55]
    scales = splits.preprocessing.series
    for place, name in enumerate(("a", "b", "c")):
        load, heat = np.array([numbers for hour, numbers in values[name].items() if hour < border]).T
        assert scales.mean[place] == pytest.approx([heat.mean()], abs=1e-6)
        assert scales.deviation[place] == pytest.approx([heat.std()], rel=1e-5)
        assert (scales.target_mean[place], scales.target_deviation[place]) == (
            pytest.approx([load.mean()], abs=1e-6), pytest.approx([load.std()], rel=1e-5),
        )  # fmt: skip
    assert {*splits.test.x[:, :, -1].ravel().tolist()} <= {0, 1, 2}
    assert splits.info.input_shape == (4, 2)


def test_a_series_that_training_does_not_have_has_no_scale(tmp_path):
    rows = [(time, "old", place) for place, time in enumerate(hours(100))]
    rows += [(time, "new", place) for place, time in enumerate(hours(100)) if place >= 80]
    path = written(tmp_path, rows, "time,place,load")
    known = loaded(path, series="place", scaling="series")
    assert "series 'new': not in the training split" in known.info.warnings[0]
    assert len(loaded(path, series="place").test) == 2 * len(known.test)


LINES = [(time, place) for place, time in enumerate(hours(100))]


@pytest.mark.parametrize(
    ("rows", "keys", "expected"),
    [
        (
            LINES[:10],
            {"window": 12},
            "t.csv: the series has 10 rows, and a window of 12 steps and its horizon of 1 take 13. Make 'window' or 'horizon' "
            "smaller, or give it more rows.",
        ),
        (
            LINES,
            {"window": 10, "split": SplitSpec(test=8)},
            "data.split: the validation split is 10 steps long and the test split is 8 steps long, and a window of 10 steps "
            "and its horizon of 1 take 11: no step of one split is in another. Write 'split: {validation: 11, test: 11}' or "
            "more, or make 'window' or 'horizon' smaller.",
        ),
        (
            [*LINES, (LINES[3][0], 7), (LINES[5][0], 7)],
            {},
            "t.csv: 2024-01-01 03:00 is there twice, in rows 4 and 101, and 1 more like it. Name the column that tells series "
            "apart (series: NAME), or remove one; clocks that go back repeat an hour, unless times have an offset (+01:00).",
        ),
        (
            [*LINES, ("soon", 1)],
            {},
            "t.csv: column 'time' holds text that is neither date nor number ('soon')",
        ),
        (
            [*LINES, ("", 1)],
            {},
            "t.csv: column 'time' says when each row was, and has no value in row 101. Repair or remove",
        ),
        (
            [("01/02/2024", 1), ("02/03/2024", 2), ("03/04/2024", 3)],
            {},
            "t.csv: column 'time': times like '01/02/2024' can be read in 2 ways. Say which is meant (format: '%d/%m/%Y' or "
            "'%m/%d/%Y').",
        ),
        (
            [(f"202401{day:02}", 1) for day in range(1, 30)],
            {},
            "t.csv: column 'time' holds numbers that look like dates (20240101). Say so (format: '%Y%m%d'), or write them",
        ),
        (
            [*LINES[:5], (LINES[5][0], "much"), *LINES[6:]],
            {},
            "t.csv: column 'load': 'much' in row 6 is no number. Windows are made of numbers: repair it, name another column",
        ),
        (
            [*LINES[:5], (LINES[5][0], "inf"), *LINES[6:]],
            {},
            "t.csv: column 'load': row 6 is infinite (1 such rows). Repair it.",
        ),
        (LINES, {"target": "laod"}, "t.csv: no column 'laod'. Did you mean 'load'?"),
        (LINES, {"inputs": ("wind",)}, "t.csv: no column 'wind'."),
        (
            [(place**2, 1) for place in range(30)],
            {},
            "t.csv: the rows are not evenly apart in time: the commonest step, 1, is that of 3% of them. Bring the table to a",
        ),
        (
            LINES,
            {"frequency": 1.0},
            "data.frequency: t.csv: times are dates or times, so the step is one like '1 hour'",
        ),
        (
            [(place, 1) for place in range(90)],
            {"calendar": ("hour",)},
            "t.csv: 'calendar' needs dates, and column 'time' holds numbers. Remove it.",
        ),
        (
            [row for place, row in enumerate(LINES) if place % 4],
            {"frequency": "1 hour"},
            "t.csv: no series has 5 steps in a row without a gap among the 54 of the train split, and a window of 4 steps",
        ),
    ],
)
def test_what_cannot_be_cut_into_windows_is_refused_in_words(tmp_path, rows, keys, expected):
    assert refusal(written(tmp_path, rows), **keys).startswith(expected)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"split": SplitSpec(method="random")},
            "data.split.method: windows are split by time, so that none is predicted from its future, not 'random'. Remove it.",
        ),
        (
            {"split": SplitSpec(folds=3, fold=1)},
            "data.split.folds: means nothing where the splits follow each other in time. Remove it.",
        ),
        ({"season": 24}, "data.season: no window of 4 steps holds a season of 24, which the baseline repeats."),
        ({"scaling": "series"}, "data.scaling: there is one series only, so that its own scale is the scale of all."),
        (
            {"inputs": ("time",)},
            "data.inputs: column 'time' is the time. Remove it here; 'calendar' makes inputs of the time.",
        ),
        ({"series": "load"}, "data.target: column 'load' is what tells series apart. Predict another column."),
        ({"inputs": ("load", "load")}, "data.inputs: column 'load' is listed 2 times. List it once."),
    ],
)
def test_keys_that_do_not_fit_are_problems_before_anything_is_read(keys, expected):
    assert next(problem.sentence() for problem in section_problems(of("t.csv", **keys))).startswith(expected)


@pytest.mark.parametrize("value", ["fortnightly", "0 hours", -1, "1 hour 30"])
def test_a_frequency_that_is_no_step_is_refused(value):
    with pytest.raises(ValueError, match="frequency"):
        of("t.csv", frequency=value)


def test_a_part_of_the_time_is_named_once():
    with pytest.raises(ValueError, match="part 'hour' is listed twice; list it once"):
        of("t.csv", calendar=("hour", "weekday", "hour"))


def test_a_horizon_of_zero_is_refused():
    with pytest.raises(ValueError, match="horizon"):
        of("t.csv", horizon=0)


def test_a_task_of_classes_is_refused():
    problems = section_problems(of("t.csv"), task="binary")
    assert [problem.sentence() for problem in problems] == [
        "task: what follows a window are numbers, but the task is binary. Remove it."
    ]


def test_the_same_seed_gives_the_same_series_and_several_have_their_own_levels():
    spec = Seasons(steps=400, window=24, count=3)
    one, other = (load(spec, seed=seed) for seed in (1, 1))
    assert one.info.fingerprint == other.info.fingerprint != load(spec, seed=2).info.fingerprint
    levels = [part.mean() for part in np.split(one.train.x, 3)]
    assert np.ptp(levels) > 1


@pytest.mark.parametrize("rows", [30_000, pytest.param(1_000_000, marks=pytest.mark.whole)])
def test_windows_of_a_long_series_are_views_that_stay_within_the_budget(tmp_path, rows):
    values = np.sin(np.arange(rows) / 9).astype(np.float32)
    path = tmp_path / "long.parquet"
    pl.DataFrame({"time": np.arange(rows), "load": values}).write_parquet(path)
    spec = of(str(path), window=168)
    budget = rows * 40  # the rows take 4 bytes each, their windows 672
    tracemalloc.start()
    splits = load(spec, seed=1, memory_budget=budget)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(splits.train.x, Rows)
    assert splits.train.x.nbytes > 0.7 * rows * 600
    assert peak < max(4 * budget, 150e6)
    places = np.array([5, 0, len(splits.train) - 1])
    expected = np.stack([values[place : place + 168] for place in places])[..., None]
    np.testing.assert_array_equal(splits.train.x.take(places), expected)
    np.testing.assert_array_equal(splits.train.y[places], values[places + 168])
    if rows < 100_000:
        whole = load(spec, seed=1)
        assert whole.info.fingerprint == splits.info.fingerprint
        assert whole.preprocessing == splits.preprocessing


def test_runs_with_other_seeds_share_the_windows_of_a_table(tmp_path):
    spec, shelf = of(written(tmp_path, LINES)), Shelf()
    assert shelf.load(spec, seed=1) is shelf.load(spec, seed=2)
    limited = spec.model_copy(update={"limit": 20})
    assert shelf.load(limited, seed=1).info.fingerprint != shelf.load(limited, seed=2).info.fingerprint


def test_the_layout_survives_its_record():
    layout = Layout.of(load(Seasons(steps=500, window=30, count=2, scaling="series"), seed=1).info.extra["windows"])
    assert Layout.of(layout.record()) == layout


def test_a_series_of_which_float32_leaves_little_is_refused(tmp_path):
    rows = zip(hours(40), (f"{1e9 + place / 40:.3f}" for place in range(40)), strict=True)
    told = refusal(written(tmp_path, rows))
    assert told.startswith(
        "t.csv: column 'load': its numbers have a deviation of 0.2886 around 1000000000, where float32,"
    )
    assert told.endswith("it leaves 1. Subtract 1000000000 from them, and add it to what is predicted.")
