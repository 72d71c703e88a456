"""The picture of augmented examples shows what training is shown."""

import json

import numpy as np
import pytest
from PIL import Image

from hornbook.inference.augmented import TrainingView

RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (40, 6, 6, 3), np.uint8)
Y = RNG.integers(0, 3, 40)
AUGMENTATION = {"brightness": 0.2, "hue": 0.3, "noise": 0.1, "cutout": 0.4, "mixup": 0.4, "cutmix": 1.0}
DATA = {"name": "arrays", "standardize": True, "split": {"validation": 0, "test": 0}, "augmentation": AUGMENTATION}
RECIPE = {"data": DATA, "model": "mlp", "optimizer": {"name": "sgd", "learning_rate": 1e-9}}


@pytest.mark.parametrize("engine", ["graph", pytest.param("xla", marks=pytest.mark.whole)])
def test_the_loss_of_the_images_shown_is_that_of_training(prepare, run_epochs, engine):
    prepared = prepare(RECIPE | {"training": {"batch_size": 8, "engine": engine}}, (X, Y))
    logs = run_epochs(prepared, 2)
    view, model = TrainingView(prepared.recipe, prepared.splits), prepared.built.model
    pixels = X.reshape(-1, 3) / 255
    kernel, bias = model.get_weights()
    for epoch in range(2):
        losses = []
        for batch in range(5):
            rows, images, shares = view.batch(epoch, batch)
            scores = ((images - pixels.mean(axis=0)) / pixels.std(axis=0)).reshape(8, -1) @ kernel + bias
            log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
            one_hot = np.eye(3)[Y[rows]]
            soft = shares[:, None] * one_hot + (1 - shares[:, None]) * np.roll(one_hot, 1, axis=0)
            losses.append(-(soft * log_probabilities).sum(axis=1).mean())
        assert logs[epoch]["loss"] == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    recipe = {
        "data": {"name": "digits", "limit": 40, "augmentation": {"mixup": 1.0}},
        "model": "mlp",
        "training": {"epochs": 1, "engine": "graph"},
    }
    (folder / "few.yaml").write_text(json.dumps(recipe))
    return folder


def test_a_dry_run_draws_a_dozen_of_them(hornbook_command, digits):
    path = digits / "few.png"
    outcome = hornbook_command(f"hornbook train -c {digits / 'few.yaml'} --dry-run --sample {path}")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1].startswith("sample    ")
    picture = np.asarray(Image.open(path).convert("L"))
    assert picture.shape[1] > 12 * 84  # twelve pictures beside each other
    assert (picture < 128).mean() > 0.1
    first = path.read_bytes()
    hornbook_command(f"hornbook train -c {digits / 'few.yaml'} --dry-run --sample {path}")
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--sample a.png", "--sample a.png: is drawn without training. Add --dry-run."),
        ("--dry-run --sample a.jpg", "--sample a.jpg: the picture is a PNG file. Name one that ends in .png."),
        (
            "--dry-run --sample a.png data=iris",
            "--sample a.png: images are drawn, and 'iris' holds none. Leave it out.",
        ),
    ],
)
def test_where_nothing_can_be_drawn_nothing_is(hornbook_command, digits, options, message, monkeypatch):
    monkeypatch.chdir(digits)
    outcome = hornbook_command(f"hornbook train -c few.yaml {options}")
    assert outcome.code == 2
    assert message in outcome.err.replace("\n", " ")
    assert not (digits / "a.png").exists()


def test_labels_of_mixtures_say_their_shares():
    from hornbook.data.facts import DataInfo
    from hornbook.inference import augmented

    facts = {"kind": "image", "input_shape": (2, 2, 1), "input_dtype": "uint8", "features": None}
    rest = {"vocabulary_size": None, "counts": {}, "class_counts": (), "fingerprint": "", "split_method": ""}

    def label(task, names, *parts):
        info = DataInfo(name="", task=task, num_classes=10, target_size=1, class_names=names, **facts, **rest)
        return augmented._label(info, [(share, np.asarray(y)) for share, y in parts])

    numbers = tuple(map(str, range(10)))
    assert label("multiclass", numbers, (0.7, 3), (0.3, 8)) == "3 70 %\n+ 8 30 %"
    assert label("multiclass", numbers, (0.7, 3), (0.3, 3)) == "3"
    assert label("binary", ("no", "yes"), (0.999, 1), (0.001, 0)) == "yes"
    assert label("multilabel", ("a", "b", "c"), (0.5, [1, 1, 0]), (0.5, [0, 0, 0])) == "a, b 50 %\n+ none 50 %"
    assert label("regression", None, (0.25, 4.0), (0.75, 8.0)) == "7"
