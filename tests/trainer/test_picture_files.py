"""Whatever trains on images trains on picture files: bit for bit as on the same pixels in an array."""

import json

import numpy as np
import pytest
from pictures import write_digits

import hornbook
from hornbook.data import load
from hornbook.data.storage.rows import in_memory
from hornbook.recipes.sources import ImageFolder
from hornbook.study.table import as_text

pytestmark = pytest.mark.usefixtures("tensorflow")
TINY = {
    "seed": 3,
    "model": {"name": "cnn", "filters": [2], "dense": []},
    "training": {"epochs": 1, "batch_size": 16, "engine": "graph"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with digits as files, `{1: …, 3: …}.npz` with the same pixels as arrays by channels; the current folder."""
    folder = tmp_path_factory.mktemp("files")
    write_digits(folder / "digits", per_class=30)
    for channels in (1, 3):
        spec = ImageFolder(path=str(folder / "digits"), size=32, channels=channels, split={"validation": 0, "test": 0})
        train = load(spec, seed=1).train
        np.savez(folder / f"{channels}.npz", x=in_memory(train.x), y=np.array(["a", "b", "c"])[train.y])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def both(more, channels=1, **data):
    """Return a recipe on the files, and the same on arrays."""
    sources = {
        "files": {"name": "image_folder", "path": "digits", "size": 32, "channels": channels},
        "arrays": {"name": "npz", "path": f"{channels}.npz"},
    }
    return [{**TINY, **more, "name": name, "data": {**source, **data}} for name, source in sources.items()]


def history(run):
    """Return what a run's history holds but times."""
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if not name.endswith("seconds")} for row in rows]


KINDS = {
    "class weights, a limit, classes": (
        {"training": {**TINY["training"], "class_weights": "balanced"}},
        {"limit": 33, "classes": ["c", "a"], "relabel": None},
    ),
    "rotation": ({"pretraining": {"name": "rotation", "epochs": 1, "labeled": 20}}, {}),
    "an application": (
        {
            "model": {"name": "mlp", "units": []},
            "reuse": {"from": {"application": "MobileNetV3Small", "weights": "none", "size": 32}},
            "channels": 3,
        },
        {"limit": 16},
    ),
}


@pytest.mark.whole
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_on_files_is_the_run_on_their_pixels(home, kind):
    more, data = KINDS[kind]
    more = dict(more)
    channels = more.pop("channels", 1)
    files, arrays = (hornbook.train(recipe, progress=False) for recipe in both(more, channels, **data))
    assert history(files.run) == history(arrays.run)
    assert files.test == arrays.test
    for ours, theirs in zip(files.model.get_weights(), arrays.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.whole
def test_a_sweep_over_files_is_the_sweep_over_their_pixels(home):
    sweep = {"tuner": "grid", "space": {"optimizer.learning_rate": [0.001, 0.1]}, "confirm": 2}
    files, arrays = (hornbook.run_sweep(recipe, progress=False) for recipe in both({"sweep": sweep}))
    assert (files.score, files.best, files.confirmed) == (arrays.score, arrays.best, arrays.confirmed)


@pytest.mark.whole
def test_an_ablation_over_folds_of_files_is_that_over_folds_of_their_pixels(home):
    vary = {"optimizer.learning_rate": [0.001, 0.1]}
    files, arrays = (hornbook.ablate(recipe, vary=vary, folds=3, progress=False)[0] for recipe in both({}))
    assert as_text(files).replace("files", "arrays").splitlines()[:4] == as_text(arrays).splitlines()[:4]
