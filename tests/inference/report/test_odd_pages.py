"""Pages of runs and data that are odd, and files that cannot be written. No network is trained or asked."""

import errno
import json
import shutil
import tempfile
from pathlib import Path

import pytest

from hornbook.inference.mistakes import Confused, Mistake
from hornbook.inference.report import gathered
from hornbook.inference.report import page as pages_of_runs
from hornbook.inference.report.examination import ClassFigures, Examination, Residuals
from hornbook.inference.report.page import page_of
from hornbook.inference.report.shown import Example
from hornbook.runs.directory import Run

OLD = Path(__file__).parents[2] / "fixtures" / "runs_0_1" / "flowers" / "20261126-001751-9964"


@pytest.fixture
def old_run(tmp_path):
    """A run that an earlier version has left, without its models."""
    return Run(shutil.copytree(OLD, tmp_path / "my runs" / "flowers" / OLD.name))


@pytest.fixture
def page(old_run, monkeypatch, tensorflow):
    """A function: what the model does on a split → the run's page, without learning curves, which take a second."""

    def write(seen):
        monkeypatch.setattr(pages_of_runs, "learning_curves", lambda *_, **__: [])
        monkeypatch.setattr(gathered, "examine", lambda run, trust=False: seen)
        return page_of(old_run)

    return write


def residuals(name):
    numbers = (1.0, 2.0)
    return Residuals(name, 1.0, 0.5, 2.0, 0.1, 0.9, numbers, numbers, (1, 1), (-1.0, 0.0, 1.0))


def test_a_run_of_an_earlier_version_without_its_models_shows_what_there_is(old_run, tensorflow):
    text = page_of(old_run)
    assert "Learning curves" in text
    assert "Predictions: " in text
    assert "Layers: nothing was recorded" in text


@pytest.mark.parametrize(
    "recipe", ["data: nowhere\n", "data: digits\nmodel: {name: mlp, of_a_later_version: 1}\n", "{", ""]
)
def test_a_recipe_that_nobody_understands_costs_what_needs_it_alone(old_run, hornbook_command, recipe):
    old_run.recipe_path.write_text(recipe)
    done = hornbook_command(f"hornbook report '{old_run.path}'")
    assert done.code == 0, done.err
    text = old_run.page_path.read_text(encoding="utf-8")
    assert "Learning curves" in text
    assert "Predictions: " in text
    assert 'id="findings"' not in text, "nobody could look"


def test_a_thousand_classes_take_less_than_three_megabytes(page):
    classes = tuple(ClassFigures(f"class <{number}>", 0.5, 0.5, number / 1000, 2, 2) for number in range(1000))
    confused = tuple(Confused(f"class <{number}>", "other", 1, 0.5) for number in range(20))
    text = page(Examination("test", 2000, classes, confused=confused, num_wrong=20))
    assert len(text) < 300_000
    assert "The 30 of 1,000 classes with the smallest F1." in text
    assert ("class &lt;29&gt;</td>" in text, "class &lt;30&gt;</td>" in text) == (True, False)
    assert "Confusion matrix" not in text


def test_one_class_alone_is_shown(page):
    text = page(Examination("test", 5, (ClassFigures("only", 1.0, 1.0, 1.0, 5, 5),), ((5,),), num_wrong=0))
    assert "5 examples, 0 of them predicted wrong" in text
    assert '<td class="v" style="--v:1.00">5</td>' in text
    assert "Most confidently wrong" not in text


def test_without_validation_and_test_the_page_says_that_figures_are_of_what_was_learned(page):
    assert "The run has no validation or test split" in page(Examination("train", 5, num_wrong=0))


def test_several_targets_have_a_picture_each_and_say_whose_a_residual_is(page):
    mistakes = ((Mistake(3, 1.5, 0.5, of="<b>", residual=-1.0), Example(values=(("width", "1.25"),))),)
    targets = tuple(residuals(name) for name in ("<a>", "<b>", "c", "d", "e"))
    text = page(Examination("test", 9, targets=targets, num_targets=5, mistakes=mistakes))
    assert text.count('aria-label="Histogram of the residuals of') == 4
    assert "<td>&lt;b&gt;</td>" in text
    assert '<td class="n"><b>1.5</b></td><td class="n"><b>0.5</b></td><td class="n">-1</td>' in text


def test_rows_of_many_columns_stand_in_one_cell(page):
    few, many = (tuple((f"<i>{place}", "1") for place in range(count)) for count in (9, 12))
    mistake = Mistake(0, "a", "b", probability=0.9, probability_of_true=0.1)
    text = page(Examination("test", 9, num_wrong=1, mistakes=((mistake, Example(values=few)),)))
    assert '<th scope="col">&lt;i&gt;5</th>' in text
    text = page(Examination("test", 9, num_wrong=1, mistakes=((mistake, Example(values=many, left_out=3)),)))
    assert '<th class="whole" scope="col">input</th>' in text
    assert '&lt;i&gt;11</span> 1 <span class="quiet">and 3 more</span></td>' in text


@pytest.mark.parametrize(
    "name", ["a b.html", "CON.html", "a:b*?.html", "ünï😀.html", "-x.html", "a'\"&<.html", "x" * 250]
)
def test_a_file_may_have_any_name_that_the_system_allows(old_run, hornbook_command, name, tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    page(None)
    import shlex

    done = hornbook_command(shlex.join(["hornbook", "report", str(old_run.path), f"--output={name}"]))
    if len(name) > 240:
        assert (done.code, done.err.count("\n")) == (1, 1), done.err
        assert "cannot be written (File name too long)" in done.err
    else:
        assert (done.code, done.out) == (0, f"{name}\n"), done.err
        assert Path(name).stat().st_size > 5000


@pytest.mark.parametrize(("output", "said"), [
    ("no/such/x.html", "there is no folder no/such. Make it first"), (".", "this is a folder. Name a file in it."),
    ("file/x.html", "there is no folder file."),
])  # fmt: skip
def test_a_place_that_is_none_is_refused_before_the_work_in_one_line(
    old_run, hornbook_command, output, said, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    monkeypatch.setattr(gathered, "examine", lambda *_, **__: pytest.fail("too late"))
    done = hornbook_command(f"hornbook report '{old_run.path}' -o {output}")
    assert (done.code, done.out, done.err.count("\n"), said in done.err) == (2, "", 1, True), done.err


@pytest.mark.parametrize(("number", "said"), [
    (errno.ENOSPC, "No space left on device"), (errno.EACCES, "Permission denied"), (errno.EROFS, "Read-only file system"),
])  # fmt: skip
def test_a_folder_that_cannot_be_written_costs_a_line_that_says_what_to_do(
    old_run, hornbook_command, number, said, monkeypatch, page
):
    page(None)

    def refuse(**names):
        raise OSError(number, said)

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    done = hornbook_command(f"hornbook report '{old_run.path}'")
    expected = f"report.html: cannot be written ({said}). --output FILE (in Python output=) writes it elsewhere.\n"
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.endswith(expected), done.err


def test_a_disk_that_fills_up_leaves_the_earlier_page(old_run, hornbook_command, monkeypatch, page):
    page(None)
    old_run.page_path.write_text("before")

    def fill(self, text, **names):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fill)
        done = hornbook_command(f"hornbook report '{old_run.path}'")
    assert (done.code, "No space left" in done.err, done.err.count("\n")) == (1, True, 1)
    assert old_run.page_path.read_text() == "before"
    assert [path.name for path in old_run.path.iterdir() if path.name.startswith(".")] == []


def test_the_page_of_an_ablation_is_copied_where_it_is_asked_for(hornbook_command, tmp_path):
    folder = tmp_path / "an ablation"
    folder.mkdir()
    for file, text in (("table.csv", ""), ("result.json", json.dumps({})), ("report.html", "<p>it</p>")):
        (folder / file).write_text(text)
    done = hornbook_command(f"hornbook report '{folder}' -o '{tmp_path / 'copy.html'}'")
    assert (done.code, (tmp_path / "copy.html").read_text()) == (0, "<p>it</p>"), done.err
    done = hornbook_command(f"hornbook report '{folder}' '{OLD}'")
    assert (done.code, "has a page of its own" in done.err, done.err.count("\n")) == (2, True, 1)
    done = hornbook_command(f"hornbook report '{folder}' --to markdown")
    assert (done.code, "a card is about one model" in done.err) == (2, True)


def test_a_sweep_and_an_ablation_are_found_by_their_recipes_names(hornbook_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, files in (
        ("runs/a/sweep-20260101-000000-0000", ["trials.jsonl"]),
        ("runs/b_ablation/20260101-000000-0000", ["table.csv", "result.json"]),
        ("runs/b_ablation/20260102-000000-0000", ["table.csv", "result.json"]),
    ):
        Path(folder).mkdir(parents=True)
        for file in [*files, "report.html"]:
            (Path(folder) / file).write_text("")
    Path("runs/a/latest-sweep").symlink_to("sweep-20260101-000000-0000")
    assert hornbook_command("hornbook report a").out == "runs/a/sweep-20260101-000000-0000/report.html\n"
    assert hornbook_command("hornbook report b_ablation").out == "runs/b_ablation/20260102-000000-0000/report.html\n"
    Path("runs/b_ablation/20260102-000000-0000/report.html").unlink()
    done = hornbook_command("hornbook report runs/b_ablation")
    assert (done.code, "called as before" in done.err, done.err.count("\n")) == (1, True, 1)
