"""Every picture is one piece of SVG: the same bytes everywhere, with text as text, and at home in any page."""

import subprocess
import sys

import pytest

from hornbook.display.chart import ACCENT, INK, QUIET, SERIES, drawn, shade, spread
from hornbook.display.lines import Line, LineChart

EXAMPLE = """
from hornbook.display.lines import Line, LineChart, Mark
lines = (Line([1, 2, 3], [0.5, 0.75, 0.875], "#0f6cbd", label="price in $ of $x$", band=([0.4, 0.7, 0.8], [0.6, 0.8, 0.9])),)
svg = LineChart(lines, "epoch", "val_accuracy", (0.4, 0.9), marks=(Mark(2.0, "here", "#c2410c", True),)).svg("one", "two")
"""
PROGRAM = f"""
import sys
{EXAMPLE}
print(svg)
assert "matplotlib.pyplot" not in sys.modules  # which would look for a screen
"""


def chart(**more):
    line = Line([1, 2, 3], [0.5, 0.75, 0.875], "#0f6cbd", label="a <b> & c")
    return LineChart((line,), "epoch", "val_accuracy", (0.4, 0.9), **more)


@pytest.mark.parametrize(
    ("settings", "environment"),
    [
        ("", {"HOME": "FILE/nowhere", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "SOURCE_DATE_EPOCH": "1"}),
        (
            "font.family: no_such_font\nlines.linewidth: 9\nsvg.fonttype: path\nno_such_key: 1\naxes.formatter.use_locale: True\n",
            {"HOME": "FILE/nowhere", "MPLCONFIGDIR": "FILE/nowhere", "MPLBACKEND": "no_such_backend"},
        ),
    ],
    ids=["no home, locale", "no folder for its settings, matplotlibrc, backend"],
)  # fmt: skip
def test_the_same_numbers_give_the_same_bytes_in_every_environment(settings, environment, tmp_path):
    """Those of this process, with nothing on stderr."""
    (tmp_path / "matplotlibrc").write_text(settings)
    (tmp_path / "file").write_text("")
    values = {key: value.replace("FILE", str(tmp_path / "file")) for key, value in environment.items()}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        text=True,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), **values},
    )
    names = {}
    exec(EXAMPLE, names)
    assert (done.stderr, done.stdout) == ("", names["svg"] + "\n")


def test_a_backend_that_the_user_chose_is_still_there_for_pyplot():
    program = "import matplotlib; print(matplotlib.get_backend(), os.environ['MPLBACKEND'])"
    done = subprocess.run(
        [sys.executable, "-c", f"import os\n{PROGRAM.replace('print', 'str')}\n{program}"],
        capture_output=True,
        check=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "MPLBACKEND": "pdf"},
    )
    assert done.stdout.split() == ["pdf", "pdf"]


def test_matplotlib_s_settings_are_left_as_they_were():
    import matplotlib

    matplotlib.rcParams["lines.linewidth"] = 7.5
    before = matplotlib.rcParams.copy()
    chart().svg("a", "b")
    assert matplotlib.rcParams.copy() == before
    matplotlib.rcdefaults()


def test_text_is_text_and_nothing_is_loaded_or_run(read):
    picture = read(chart(title="few <1> of $2 and $3").svg("one", "two"))
    assert {"few <1> of $2 and $3", "epoch", "val_accuracy", "a <b> & c"} <= set(picture.texts)
    assert picture.svg.count("http") == 1  # the namespace
    assert picture.svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
    assert not {"script", "a", "image", "metadata"} & {
        element.tag.rpartition("}")[2] for element in picture.root.iter()
    }
    assert "DejaVu" not in picture.svg


def test_it_says_what_it_shows(read):
    root = read(chart().svg("one", 'accuracy by "epoch"')).root
    assert (root.get("role"), root.get("aria-label")) == ("img", 'accuracy by "epoch"')
    assert (root.get("viewBox"), root.get("width"), root.get("height")) == ("0 0 960 420", "960", "420")


def test_pictures_of_one_page_share_no_id_and_style_only_themselves(read):
    one, other = read(chart().svg("one", "")), read(chart().svg("other", ""))
    assert one.ids & other.ids == set()
    assert all(name == "one" or name.startswith("one-") for name in one.ids)
    assert [element.text.partition(" ")[0] for element in one.all("style")] == ["#one"]
    for reference in ("url(#", 'href="#'):
        assert one.svg.count(reference) == one.svg.count(f"{reference}one-")


def test_a_hover_says_what_an_artist_s_url_is(read):
    assert [title for title, _ in read(chart().svg("one", "")).lines] == ["a <b> & c"]


def test_a_figure_s_points_are_pixels(read):
    def paint(figure):
        figure.text(0.5, 0.25, "here")

    (text,) = read(drawn(paint, (200, 100), name="x", label="")).all("text")
    assert (text.get("x"), text.get("y")) == ("100", "75")


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([], []),
        ([50], [50]),
        ([10, 40], [10, 40]),
        ([30, 30], [25, 35]),
        ([31, 30, 29], [40, 30, 20]),  # in their order
        ([99, 98], [100, 90]),  # not above the top
        ([0, 1, 2], [0, 10, 20]),
        ([5] * 12, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]),  # no room
    ],
)
def test_labels_move_as_little_as_needed(places, moved):
    assert spread(places, gap=10, low=0, high=100) == pytest.approx(moved)


def luminance(color):
    """WCAG 2.2, "relative luminance"."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("color", [*SERIES, ACCENT, INK, QUIET])
def test_colours_of_labels_are_readable_on_white(color):
    assert 1.05 / (luminance(color) + 0.05) >= 4.5  # WCAG 2.2, success criterion 1.4.3


def test_a_better_trial_is_darker():
    assert (shade(0), shade(1)) == ("#b5bdc7", "#08519c")
    assert luminance(shade(0)) > luminance(shade(0.3)) > luminance(shade(0.7)) > luminance(shade(1))
