"""Several runs on one page, from runs that are written out here. Needs no TensorFlow."""

import json
import re
from pathlib import Path

import pytest

import hornbook
from hornbook.errors import RunError
from hornbook.runs.directory import Run
from hornbook.study.comparison_page import write_comparison

RECIPE = """\
name: {name}
seed: {seed}
data: {{name: digits}}
task: multiclass
model: {{name: mlp, units: [16, 8]}}
activation: {{name: {activation}}}
optimizer: {{name: sgd, learning_rate: {rate}, momentum: 0.0}}
training: {{epochs: 2, metrics: [{{name: accuracy}}]}}
"""
DATA = {
    "name": "digits", "kind": "image", "input_shape": [8, 8, 1], "input_dtype": "uint8", "task": "multiclass",
    "num_classes": 10, "target_size": 1, "class_names": None, "features": None, "vocabulary_size": None,
    "counts": {"train": 80, "validation": 40, "test": 50}, "class_counts": [], "fingerprint": "f", "split_method": "random",
    "extra": {}, "warnings": [],
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function: what a run's recipe and result say → the run."""
    monkeypatch.chdir(tmp_path)

    def make(accuracy=0.9, *, seed=42, activation="relu", rate=0.1, name="a", state="finished", losses=(2.0, 1.0)):
        folder = Path("runs").resolve() / name / f"20260101-{len(list(Path('runs').glob('*/*'))):06d}-0000"
        folder.mkdir(parents=True)
        (folder / "recipe.yaml").write_text(RECIPE.format(name=name, seed=seed, activation=activation, rate=rate))
        figures = {"loss": 1 - accuracy, "accuracy": accuracy}
        result = {"state": state, "stop_reason": "because", "validation": figures, "test": figures, "seconds": 2.0}
        (folder / "result.json").write_text(json.dumps(result))
        (folder / "data.json").write_text(json.dumps(DATA))
        environment = {"seed": seed, "data_fingerprint": f"f{seed}", "versions": {"hornbook": "0.1.0"}}
        (folder / "environment.json").write_text(json.dumps(environment))
        rows = [{"epoch": 1 + place, "loss": loss, "val_loss": loss} for place, loss in enumerate(losses)]
        (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return Run(folder)

    return make


def with_layers(run, **figures):
    layers = {"hidden_1": {"gradient_rms": 0.001, "dead": 0.0, **figures}, "head": {"gradient_rms": 0.02}}
    line = json.dumps({"step": 9, "epoch": 2.0, "loss": 1.0, "layers": layers})
    (run.path / "health.jsonl").write_text(line + "\n")
    return run


def cells(page, heading, row):
    """Return the texts of a row of the table below a heading."""
    table = re.search(rf'<h2 id="{heading}">.*?</table>', page, re.DOTALL)[0]
    line = next(line for line in re.findall("<tr>.*?</tr>", table, re.DOTALL) if f">{row}<" in line)
    return [re.sub("<[^>]*>", " ", cell).strip() for cell in re.findall("<t[dh][^>]*>(.*?)</t[dh]>", line, re.DOTALL)]


def test_results_stand_beside_each_other_with_what_is_known_about_them(run):
    path = write_comparison([run(0.9), run(0.96, activation="elu")])
    assert path == Path("runs").resolve() / "comparison.html", "beside the recipes' folders"
    page = path.read_text()
    assert "<h1>A relu · B elu</h1>" in page, "named by what sets them apart"
    _, val_loss, _, test_loss, test_accuracy, *_ = cells(page, "results", "B elu")
    assert (val_loss, test_loss) == ("0.0400", "0.0400")
    assert re.sub(" +", " ", test_accuracy) == "96.00 86.54 to 98.90", (
        "Wilson's interval of 48 of 50, from a textbook's formula"
    )
    assert cells(page, "recipes", "activation") == ["activation", "relu", "elu"]


def test_runs_of_recipes_with_names_of_their_own_are_called_by_them(run):
    page = write_comparison([run(name="plain"), run(name="fast", rate=0.2)]).read_text()
    assert "<h1>A plain · B fast</h1>" in page
    assert "are called by" not in page
    assert "Runs are called by optimizer.learning_rate." in write_comparison([run(), run(rate=0.2)]).read_text()


def test_repeats_are_one_line_with_an_interval_and_a_verdict(run):
    runs = [run(0.90, seed=1), run(0.92, seed=2), run(0.80, seed=1, rate=0.01), run(0.82, seed=2, rate=0.01)]
    page = write_comparison(runs).read_text()
    assert cells(page, "results", 'A 0.1 <span class="quiet">(2 runs)</span>')[2].startswith("91.00 ± 12.71")
    assert "worse by 10.00 points" in page or "-10.00 in every one of 2 seeds" in page
    assert cells(page, "results", 'B 0.01 <span class="quiet">(2 runs)</span>')[0].split() == [
        "B",
        "0.01",
        "(2",
        "runs)",
    ]


def test_curves_lie_over_each_other_with_the_runs_names_at_their_ends(run):
    page = write_comparison([run(), run(rate=0.05), run(rate=0.2)]).read_text()
    pictures = re.findall("<svg .*?</svg>", page, re.DOTALL)
    assert [re.search('aria-label="(.*?)"', picture)[1].split()[0] for picture in pictures] == [
        "val_loss",
        "train_loss",
    ]
    for name in ("A 0.1", "B 0.05", "C 0.2"):
        assert all(f">{name}<" in picture for picture in pictures)


def test_of_runs_that_differ_in_much_each_is_called_by_what_sets_it_apart_from_the_first(run):
    runs = [
        run(name="base"),
        run(activation="elu"),
        run(rate=0.2),
        run(rate=0.3, activation="tanh", seed=7),
        run(seed=8),
    ]
    page = write_comparison(runs).read_text()
    assert "<h1>A relu, 0.1 · B elu · C 0.2 · D tanh, 0.3</h1>" in page


def test_a_run_that_exploded_hides_the_others_no_more(run):
    page = write_comparison([run(losses=(2.0, 1.0)), run(rate=9.0, losses=(2.0, 1e12))]).read_text()
    ticks = re.search("<svg .*?</svg>", page, re.DOTALL)[0]
    assert ">1.2<" in ticks


def test_layers_are_compared_where_they_differ(run):
    one, other = with_layers(run(), dead=0.5), with_layers(run(rate=0.05), dead=0.0)
    page = write_comparison([one, other]).read_text()
    assert cells(page, "layers", "A 0.1") == ["A 0.1", "50% (hidden_1)"], "the gradients are the same in both"
    assert cells(page, "layers", "B 0.05") == ["B 0.05", "–"]
    (one.path / "health.jsonl").write_text("no\n")
    assert "health.jsonl" in write_comparison([one, other]).read_text(), "what cannot be read is named"
    assert 'id="layers"' not in write_comparison([run(), run(rate=0.3)]).read_text()


def test_findings_and_links_to_the_runs_own_pages(run):
    one, other = run(), run(rate=0.05, name="b c")
    other.page_path.write_text("")
    finding = {"code": "lr-too-high", "fault": "lr_too_high", "severity": "issue", "confidence": 0.9}
    page = write_comparison([one, other], findings={one.path: [finding], other.path: []}).read_text()
    assert "issue: the learning rate is too high" in page
    assert "nothing that calls for action" in page
    assert 'href="a/20260101-000000-0000/"' in page
    assert 'href="b%20c/20260101-000001-0000/report.html"' in page


def test_what_is_unfinished_or_damaged_is_said(run):
    bad = run(rate=0.3)
    (bad.path / "history.jsonl").write_text("no\n")
    page = write_comparison([run(), run(rate=0.05, state="interrupted"), bad]).read_text()
    assert "is not finished: interrupted." in page
    assert "Left out:" in page
    assert "history.jsonl" in page
    with pytest.raises(RunError, match=r"needs two runs at least(.|\n)*history.jsonl"):
        write_comparison([run(), bad])


def test_names_do_not_become_html(run):
    page = write_comparison([run(name="<i>x"), run(name="<b>y", rate=0.2, activation="elu")]).read_text()
    assert ("<i>x" in page, "<b>y" in page, "&lt;i&gt;x" in page) == (False, False, True)


def test_twenty_runs_have_pictures_of_eight_and_tables_of_four(run):
    page = write_comparison([run(rate=0.01 * (1 + number)) for number in range(20)]).read_text()
    assert page.count("<svg ") == 2 * 3, "A is in each"
    assert page.count('aria-label="Recipes ') == 5


def test_the_command_compares_runs_and_python_returns_a_link(run, hornbook_command):
    one, other = run(), run(rate=0.05, name="b")
    done = hornbook_command(f"hornbook report {one.path} {other.path} {one.path}")
    assert (done.code, done.out) == (0, "runs/comparison.html\n"), done.err
    assert "B b" in Path("runs/comparison.html").read_text()
    page = hornbook.report(one, str(other.path), output="x y.html")
    assert (page, page.is_file()) == (Path("x y.html"), True)
    assert page._repr_html_() == '<a href="x%20y.html" target="_blank">x y.html</a>'
    assert hornbook_command(f"hornbook report {one.path} {other.path} -o no/x.html").err.count("\n") == 1
