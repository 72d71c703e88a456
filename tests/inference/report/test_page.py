"""A run's page and its card: what is on them, what it says is missing, and that no text of a run becomes HTML."""

import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser

import pytest
import yaml
from PIL import Image

import hornbook
from hornbook.display.health import layer_pictures
from hornbook.errors import DataError
from hornbook.inference.report import gathered, page
from hornbook.inference.report.card import card_of
from hornbook.inference.report.page import page_of
from hornbook.pages import write_page_of
from hornbook.runs.directory import Run

RECIPE = """data: digits
model: {name: mlp, units: [4]}
training: {epochs: 3, batch_size: 431, engine: graph}
"""
SHORT = {
    "code": "too-few-epochs",
    "fault": "too_few_epochs",
    "severity": "tip",
    "confidence": 0.6,
    "evidence": "",
    "overrides": [],
}
"""A finding as the doctor has it."""
VOID = {"meta", "link", "img", "br", "hr", "input", "path", "use", "line", "rect"}


class Reader(HTMLParser):
    """Headings, table cells, tags with their attributes, and tags that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open, self.wrong = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"style", "script"}:
            self.texts.append((self.open[-1], " ".join(data.split())))

    def of(self, *tags):
        return [text for tag, text in self.texts if tag in tags and text]

    @property
    def all(self):
        return " ".join(text for _, text in self.texts if text)


@pytest.fixture(scope="module")
def run(tmp_path_factory, health):
    from hornbook.trainer.train import train

    folder = tmp_path_factory.mktemp("run")
    recipe = hornbook.load_recipe(RECIPE)
    result = train(recipe, runs=folder, source=(RECIPE, ("health=on",)))
    return Run(result.run)


@pytest.fixture(scope="module")
def whole(run):
    return page_of(run)


@pytest.fixture
def copy(run, tmp_path, monkeypatch):
    """A copy of the run to damage; its page has no predictions and no histograms, which take a second."""

    def without(run, trust=False):
        raise DataError("the file of the data is gone.")

    monkeypatch.setattr(gathered, "examine", without)
    monkeypatch.setattr(page, "layer_pictures", lambda rows: [])
    return Run(shutil.copytree(run.path, tmp_path / "digits" / run.path.name))


def test_the_page_shows_images_as_training_showed_them(run, tmp_path):
    augmented = Run(shutil.copytree(run.path, tmp_path / "digits" / run.path.name))
    text = augmented.recipe_text.replace("name: digits", "name: digits, augmentation: {mixup: 0.2}")
    augmented.recipe_path.write_text(text)
    found = Reader(page_of(augmented))
    assert "Training images as training shows them" in found.of("h2")
    [sheet] = [attributes for tag, attributes in found.tags if attributes.get("class") == "sheet"]
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["src"].removeprefix("data:image/png;base64,"))))
    assert picture.width > 12 * 84
    assert picture.height > 4 * 84  # as they are stored, and three epochs


def test_a_page_of_a_run_without_augmentation_has_no_such_picture(whole):
    assert "sheet" not in {attributes.get("class") for _, attributes in Reader(whole).tags}


def test_the_page_is_well_formed_small_and_loads_nothing(whole):
    found = Reader(whole)
    assert (found.open, found.wrong) == ([], [])
    assert len(whole) < 300_000
    for tag, attributes in found.tags:
        assert tag not in {"link", "iframe", "object", "base"}
        for key in ("src", "href", "action", "srcset"):
            value = attributes.get(key) or "#"
            assert value.startswith(("#", "data:image/")), (tag, value)
        assert not [key for key in attributes if key.startswith("on")]
    assert re.findall(r"@import|url\((?!#)", whole) == []
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len({*ids})


def test_every_section_is_there_with_the_run_s_own_figures(whole, run):
    found = Reader(whole)
    assert found.of("h2") == [
        "Learning curves", "Predictions on the test split", "Most confidently wrong", "Layers while it trained", "Recipe",
        "Data, environment, time",
    ]  # fmt: skip
    assert {"Confusion", "Each class", "ROC, precision and recall", "Calibration", "Gradients"} <= {*found.of("h3")}
    assert f"{run.result['test']['accuracy']:.4g}" in found.of("b")
    assert 'role="note"' not in whole, "nothing is missing"


def test_the_confusion_matrix_counts_what_the_model_does(whole, run):
    from sklearn.metrics import confusion_matrix

    from hornbook.engine.prediction import predict_scores
    from hornbook.inference.run_splits import load_splits
    from hornbook.inference.trained import load_run

    trained = load_run(run.path)
    test = load_splits(trained)[0].test
    expected = confusion_matrix(test.y, predict_scores(trained.model, test.x).argmax(axis=1))
    shown = re.search(r'aria-label="Confusion matrix">(.*?)</table>', whole, re.DOTALL)[1]
    counts = [int(text) for text in re.findall(r"<td[^>]*>(\d+)</td>", shown)]
    assert counts == expected.ravel().tolist()


def test_pictures_have_words_and_wrong_examples_are_pictures(whole):
    found = Reader(whole)
    pictures = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(pictures) >= 8
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in pictures)
    examples = [attributes for tag, attributes in found.tags if tag == "img"]
    assert len(examples) == 20
    assert all(attributes["src"].startswith("data:image/png;base64,") and attributes["alt"] for attributes in examples)


def test_lines_of_the_recipe_that_were_chosen_are_marked(whole):
    marked = re.findall(r'<span class="chosen">([^<]*)</span>', whole)
    assert [line.strip() for line in marked] == [
        "data: {name: digits}", "name: mlp", "units: [4]", "epochs: 3", "batch_size: 431", "engine: graph",
    ]  # fmt: skip


def test_the_same_run_gives_the_same_bytes(run, whole):
    assert page_of(run) == whole


def test_findings_are_shown_with_a_command_to_try(copy):
    finding = {
        "code": "lr-too-high", "fault": "lr_too_high", "severity": "issue", "confidence": 0.8,
        "evidence": "the <loss> is 3.5", "overrides": ["optimizer.learning_rate=0.01"],
    }  # fmt: skip
    tip = {**SHORT, "evidence": "Only 3 epochs.", "advice": "Train longer."}
    found = Reader(page_of(copy, findings=[finding, tip]))
    assert "issue: the learning rate is too high" in found.of("h3")
    assert {"lr-too-high, confidence 80 %", "the <loss> is 3.5", "Train longer."} <= {*found.of("p")}
    assert any(text.endswith("recipe.yaml optimizer.learning_rate=0.01") for text in found.of("pre"))
    assert "tip: training ended too early" in found.of("h3")
    assert "Only 3 epochs." in found.of("p")
    assert "Nothing was found that calls for action." in Reader(page_of(copy, findings=[])).of("p")
    assert "Findings" not in Reader(page_of(copy)).of("h2"), "nobody has looked"


def test_without_its_data_a_run_shows_the_rest_and_says_so(copy):
    found = Reader(page_of(copy))
    assert "Predictions: the file of the data is gone." in found.of("li")
    assert {"Learning curves", "Layers while it trained", "Recipe"} <= {*found.of("h2")}


def test_an_unfinished_run_says_so(copy):
    (copy.path / "result.json").write_text('{"state": "running"}')
    assert "This run is not finished: running." in Reader(page_of(copy)).of("li")


def test_a_run_of_an_earlier_version_has_no_health_and_says_so(copy):
    (copy.path / "health.jsonl").unlink()
    found = Reader(page_of(copy))
    assert any(text.startswith("Layers: nothing was recorded") for text in found.of("li"))
    assert "Layers while it trained" not in found.of("h2")


@pytest.mark.parametrize(("file", "content"), [
    ("result.json", b"{\n\n["), ("data.json", b"\xff\n"), ("environment.json", None), ("history.jsonl", b"no\n"),
    ("health.jsonl", b"\xff\n"), ("recipe.yaml", b"{\x00\n"), ("recipe.yaml", b"\xff\n"),
])  # fmt: skip
def test_a_damaged_file_costs_its_section_and_is_named(copy, file, content):
    if content is None:
        (copy.path / file).unlink()
    else:
        (copy.path / file).write_bytes(content)
    found = Reader(page_of(copy))
    assert (found.open, found.wrong) == ([], [])
    assert "Data, environment, time" in found.of("h2")
    assert any(file in text for text in found.of("li")) or content == b"{\x00\n", "the predictions would name that one"


@pytest.mark.parametrize("content", [b"\xff", None])
def test_without_the_source_the_lines_that_differ_from_the_defaults_are_marked(copy, content):
    if content is None:
        (copy.path / "source.yaml").unlink()
    else:
        (copy.path / "source.yaml").write_bytes(content)
    assert '<span class="chosen">  units: [4]</span>' in page_of(copy)


def test_no_text_of_a_run_becomes_html_or_a_control_character(copy):
    evil = "<script>alert(1)</script>\x1b[31m\u202e\"'&"
    data = json.loads((copy.path / "data.json").read_text())
    data |= {"name": evil, "class_names": [f"{evil}{number}" for number in range(10)], "warnings": [evil]}
    (copy.path / "data.json").write_text(json.dumps(data))
    result = json.loads((copy.path / "result.json").read_text())
    (copy.path / "result.json").write_text(json.dumps(result | {"stop_reason": evil, "test": {evil: 0.5}}))
    layer = {"step": 0, "epoch": 0, "loss": 1.0, "layers": {evil: {"deviation": 1.0, "histograms": {
        "outputs": {"from": 0.0, "to": 1.0, "counts": [1, 2]}}}}}  # fmt: skip
    (copy.path / "health.jsonl").write_text(json.dumps(layer) + "\n")
    row = {"epoch": 1, evil: 0.5, "loss": 0.1}
    (copy.path / "history.jsonl").write_text(json.dumps(row) + "\n")
    text = page_of(copy, findings=[{**SHORT, "evidence": evil, "overrides": [evil]}])
    assert text.count("<script>") == 1, "the page's own"
    assert "alert(1)" in Reader(text).all
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert (Reader(text).open, Reader(text).wrong) == ([], [])


def test_a_text_with_half_a_character_can_be_written(copy, tmp_path):
    result = json.loads((copy.path / "result.json").read_text())
    (copy.path / "result.json").write_text(json.dumps(result | {"stop_reason": "half \ud800 of one"}))
    assert "half ? of one" in write_page_of(copy, output=tmp_path / "page.html").read_text(encoding="utf-8")


def test_thousands_of_epochs_and_hundreds_of_layers_stay_far_below_three_megabytes(copy, monkeypatch):
    monkeypatch.setattr(page, "layer_pictures", layer_pictures)
    counts = {kind: {"from": -1.0, "to": 1.0, "counts": [1] * 24} for kind in ("outputs", "weights", "gradients")}
    figures = dict.fromkeys(("gradient_rms", "update_ratio", "deviation", "dead", "constant", "weight_norm"), 0.123)
    layers = {f"layer_{number}": {**figures, "histograms": counts} for number in range(100)}
    rows = [{"step": number, "epoch": float(number), "loss": 1.0, "layers": layers} for number in range(30)]
    (copy.path / "health.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    history = [
        {"epoch": number + 1, "loss": 1.0 / (1 + number), "val_loss": 1.0, "seconds": 1.0} for number in range(2000)
    ]
    (copy.path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in history))
    assert len(page_of(copy)) < 1_000_000


def test_the_command_writes_the_page_into_the_run_and_prints_its_path(copy, hornbook_command, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    done = hornbook_command(f"hornbook report {copy.path} --open")
    assert done.code == 0, done.err
    assert done.out == f"{copy.path / 'report.html'}\n"
    assert opened == [(copy.path / "report.html").as_uri()]


def test_the_command_writes_to_another_file_and_refuses_one_file_for_two_cards(copy, hornbook_command, tmp_path):
    assert hornbook_command(f"hornbook report {copy.path} -o {tmp_path / 'x.html'}").code == 0
    assert (tmp_path / "x.html").stat().st_size > 10_000
    other = shutil.copytree(copy.path, tmp_path / "digits" / "20261126-000000-0000")
    done = hornbook_command(f"hornbook report {copy.path} {other} --to markdown -o {tmp_path / 'x.md'}")
    assert (done.code, "there would be 2 cards" in done.err) == (2, True)
    assert "no run here" in hornbook_command(f"hornbook report {tmp_path / 'none'}").err
    done = hornbook_command(f"hornbook report {copy.path} -o {tmp_path / 'no' / 'x.html'}")
    assert (done.code, "there is no folder" in done.err) == (2, True)


def test_a_sweep_and_an_ablation_have_their_pages(hornbook_command, tmp_path):
    for folder, files in (("sweep-1", ["trials.jsonl"]), ("ablation", ["table.csv", "result.json"])):
        (tmp_path / folder).mkdir()
        for file in [*files, "report.html"]:
            (tmp_path / folder / file).write_text("")
        done = hornbook_command(f"hornbook report {tmp_path / folder}")
        assert (done.code, done.out) == (0, f"{tmp_path / folder / 'report.html'}\n"), done.err
    (tmp_path / "sweep-1" / "report.html").unlink()
    assert "A sweep writes its page when it ends" in hornbook_command(f"hornbook report {tmp_path / 'sweep-1'}").err


def test_train_says_how_to_get_the_page_or_writes_it(tmp_path, hornbook_command, tensorflow, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    monkeypatch.setattr(gathered, "examine", lambda run, trust=False: None)
    command = f"hornbook train -c {tmp_path / 'tiny.yaml'} --runs {tmp_path} training.epochs=1 health=off"
    done = hornbook_command(command)
    (run,) = (tmp_path / "tiny").glob("2*")
    assert done.err.splitlines()[-1] == f"page    hornbook report {run}"
    assert not (run / "report.html").exists()
    done = hornbook_command(f"{command} --report --quiet optimizer.learning_rate=1e30 training.epochs=2")
    assert (done.code, "diverged" in done.err) == (1, True)
    (written,) = (tmp_path / "tiny").glob("2*/report.html")
    assert f"page    {written}" in done.err.splitlines()
    assert any("diverged" in text for text in Reader(written.read_text()).of("li")), "it has a page too"


def test_a_card_has_a_head_for_hubs_figures_with_intervals_and_the_recipe(run, hornbook_command, tmp_path):
    done = hornbook_command(f"hornbook report {run.path} --to markdown -o {tmp_path / 'README.md'}")
    assert done.code == 0, done.err
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---\n")[1])
    assert (head["library_name"], head["pipeline_tag"]) == ("keras", "image-classification")
    figures = head["model-index"][0]["results"][0]
    assert (figures["dataset"]["split"], figures["metrics"][1]["value"]) == ("test", run.result["test"]["accuracy"])
    count = round(360 * run.result["test"]["accuracy"])
    low, high = wilson(count, 360)
    assert f"| test | accuracy | {count / 360:.4g} | {low:.4f} to {high:.4f} |" in text
    assert run.recipe_text in text
    assert 'keras.saving.load_model("best.keras")' in text or 'load_model("last.keras")' in text


def wilson(count, total, z=1.959964):
    """Wilson (1927), as in textbooks."""
    share = count / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5
    return middle - half, middle + half


def test_no_text_of_a_run_becomes_markdown_and_the_card_says_what_is_missing(copy):
    data = json.loads((copy.path / "data.json").read_text())
    data |= {"class_names": [f"<b>|*{number}*`\x1b" for number in range(10)], "warnings": ["[x](http://y)"]}
    (copy.path / "data.json").write_text(json.dumps(data))
    (copy.path / "result.json").write_text('{"state": "running"}')
    text = card_of(copy, findings=[{**SHORT, "evidence": "see <this>"}])
    assert "10 classes: \\<b\\>\\|\\*0\\*\\`\\\\x1b," in text
    assert "- \\[x\\](http://y)" in text
    assert "- This run is not finished: running." in text
    assert "- Predictions: the file of the data is gone." in text
    assert "**tip: training ended too early** (too-few-epochs): see \\<this\\>" in text
    assert "None was measured." in text


@pytest.mark.parametrize("file", ["data.json", "environment.json", "recipe.yaml"])
def test_a_card_is_written_for_a_damaged_run_too(copy, file):
    (copy.path / file).write_bytes(b"\xff\n")
    assert f"{file}: damaged" in card_of(copy).replace("\\", "")
