"""`hornbook check` gives what `hornbook train` would refuse: the same problems, before anything is trained."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from pictures import write_digits

import hornbook
from hornbook.commands.check import DataLook
from hornbook.errors import HornbookError, RecipeError
from hornbook.recipes import check_recipe

ROWS = "".join(f"{n % 7},{('Bonn', 'Kiel')[n % 2]},{n / 8},{('no', 'yes')[n % 3 > 0]}\n" for n in range(120))
MLP = {"name": "mlp", "units": [4]}
GRAPH = {"epochs": 1, "engine": "graph"}
BASES = {
    "table": {"data": {"name": "table", "path": "t.csv", "target": "y"}, "model": MLP, "training": GRAPH},
    "images": {"data": {"name": "npz", "path": "i.npz"}, "model": MLP, "training": GRAPH},
    "tokens": {"data": {"name": "npz", "path": "k.npz"}, "model": {"name": "rnn", "units": [3]}, "training": GRAPH},
    "pictures": {"data": {"name": "image_folder", "path": "p", "size": 4}, "model": MLP, "training": GRAPH},
    "list": {
        "data": {"name": "image_list", "path": "l.csv", "target": "y", "size": 4},
        "model": MLP,
        "training": GRAPH,
    },
    "digits": {"data": "digits", "model": MLP, "training": GRAPH},
    "diabetes": {"data": "diabetes", "model": MLP, "training": GRAPH},
}
ILL = [
    ("table", "data.path=none.csv"),
    ("table", "data.path=."),
    ("table", "data.path=t.txt.gz"),
    ("table", "data.test_path=none.csv"),
    ("table", "data.test_path=other.csv"),
    ("table", "data.target=nope"),
    ("table", "data.target=[y, nope]"),
    ("table", "data.drop=[nope]"),
    ("table", "data.drop=[a, city, b]"),
    ("table", "data.columns=[nope]"),
    ("table", "data.types={nope: category}"),
    ("table", "data.types={city: number}"),
    ("table", "data.target=city data.drop=[y] task=regression"),
    ("table", "data.target=b"),
    ("table", "data.target=b task=multiclass"),
    ("table", "task=multilabel"),
    ("table", "data.separator=';'"),
    ("table", "data.heading=[a, b]"),
    ("table", "data.encoding=utf-16"),
    ("table", "data.split={method: group, column: nope}"),
    ("table", "data.split={method: group, column: city}"),
    ("table", "data.split={method: time, column: city}"),
    ("table", "data.split={validation: 500}"),
    ("table", "data.split={folds: 500, fold: 0}"),
    ("table", "data.split={method: stratified} data.target=b task=regression"),
    ("table", "data.classes=[nope, yes]"),
    ("table", "data.classes=[yes]"),
    ("table", "data.relabel={yes: 0, no: 0}"),
    ("table", "data.scale=true"),
    ("table", "data.augmentation={horizontal_flip: true}"),
    ("table", "model={name: cnn, filters: [4]}"),
    ("table", "head.units=7"),
    ("table", "head.loss=mean_squared_error"),
    ("table", "head.standardize_targets=true"),
    ("table", "training.metrics=[r2_score]"),
    ("table", "training.class_weights={maybe: 2}"),
    ("table", "training.early_stopping={monitor: val_nope}"),
    ("table", "training.batch_size=500"),
    ("table", "training.accumulation=100"),
    ("table", "data.split={validation: 0} training.early_stopping={patience: 3}"),
    ("table", "pretraining={name: rbm} activation=sigmoid"),
    ("table", "pretraining={name: rotation}"),
    ("table", "pretraining={name: autoencoder, labeled: 5000}"),
    ("table", "pretraining={name: autoencoder, inputs: none.csv}"),
    ("table", "pretraining={name: autoencoder, inputs: i.npz}"),
    ("table", "pretraining={name: autoencoder, data: digits}"),
    ("table", "reuse={from: none.keras}"),
    ("table", "training.strategy=multi_worker"),
    ("images", "data.inputs=xx"),
    ("images", "data.path=o.npz"),
    ("images", "data.path=w.npz"),
    ("images", "data.path=t.csv"),
    ("images", "model={name: rnn, units: [3]}"),
    ("images", "model={name: cnn, filters: [4, 4, 4, 4], pooling: max}"),
    ("images", "model.embedding=8"),
    ("images", "pretraining={name: rotation}"),
    ("images", "head={activation: softmax, units: 3}"),
    ("pictures", "data.path=none"),
    ("pictures", "data.path=t.csv"),
    ("pictures", "data.path=p/a"),
    ("pictures", "data.path=."),
    ("pictures", "data.size=[4, 0]"),
    ("pictures", "data.classes=[a]"),
    ("pictures", "data.classes=[a, d]"),
    ("pictures", "data.split={method: group}"),
    ("pictures", "data.split={validation: 100}"),
    ("pictures", "model={name: rnn, units: [3]}"),
    ("pictures", "head.units=7"),
    ("list", "data.path=none.csv"),
    ("list", "data.file=nope"),
    ("list", "data.target=nope"),
    ("list", "data.split={method: group, column: nope}"),
    ("list", "data.target=b task=multilabel"),
    ("tokens", "data.standardize=true"),
    ("tokens", "data.path=n.npz"),
    ("tokens", "regularization={gaussian_noise: 0.1}"),
    ("digits", "data.split.validation=5000"),
    ("digits", "pretraining={name: autoencoder, labeled: 5000}"),
    ("digits", "data.classes=[8, 12]"),
    ("digits", "data.limit=5 data.classes=[8]"),
    ("digits", "training.class_weights={eleven: 2}"),
    ("digits", "model={name: rnn, units: [3]}"),
    ("digits", "training.engine=xla training.strategy=mirrored"),
    ("diabetes", "data.split.method=stratified"),
    ("diabetes", "data.classes=[3]"),
    ("diabetes", "training.class_weights=balanced"),
    ("diabetes", "task=multiclass"),
    ("diabetes", "training.metrics=[accuracy]"),
    ("diabetes", "head={loss: poisson, activation: relu}"),
]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder with a table and archives, good and bad."""
    folder = tmp_path_factory.mktemp("ill")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("TF_CONFIG", raising=False)
        Path("t.csv").write_text("a,city,b,y\n" + ROWS)
        Path("other.csv").write_text("a,b,y\n1,2,no\n")
        Path("t.txt.gz").write_bytes(b"no archive")
        images, y = np.zeros((60, 6, 5, 1), np.uint8), np.arange(60) % 2
        images[:, 0, 0, 0] = np.arange(60)
        np.savez("i.npz", x=images, y=y)
        np.savez("o.npz", x=images, y=y[:50])
        np.savez("w.npz", x=images, y=np.full(60, 3))
        np.savez("k.npz", x=np.arange(300).reshape(60, 5) % 9, y=y)
        np.savez("n.npz", x=np.arange(300).reshape(60, 5) % 9 - 1, y=y)
        write_digits(folder / "p", per_class=4)
        Path("l.csv").write_text(
            "file,y,b\n"
            + "".join(f"p/a/00{n}{s},{n % 2},{n / 8}\n" for n, s in enumerate((".jpg", ".png", ".png", ".jpg")))
        )
        yield folder


def checked(base, overrides):
    problems = check_recipe(BASES[base], overrides, look=DataLook(whole=False)).errors
    return [problem.sentence() for problem in problems]


def refused(base, overrides):
    """Return what training says before its first step."""
    from hornbook.trainer.prepare import prepare

    try:
        prepare(hornbook.load_recipe(BASES[base], overrides))
    except RecipeError as error:
        return [problem.sentence() for problem in error.problems]
    except HornbookError as error:
        return [str(error)]
    return []


@pytest.mark.parametrize(("base", "overrides"), ILL, ids=[" ".join(one) for one in ILL])
def test_check_says_what_training_refuses(tensorflow, base, overrides):
    given = re.split(r" (?=[a-z_.]+=)", overrides)
    said, found = refused(base, given), checked(base, given)
    assert len(said) == len(found)
    for one, other in zip(said, found, strict=True):
        plain = re.sub(r"^[\w.]+: ", "", one)  # the file is the key's, which check names
        assert plain in other or plain.startswith(other.split(": ", 1)[1])  # or with a hint more


REFUSALS = {"RecipeError", "DataError", "UsageError", "BuildError"}
SITES = {
    "builder/build.py build_model": "Keras tells the shapes that a layer cannot work with as it builds it",
    "builder/columns.py": "which columns are numbers and which categories is read from the table",
    "builder/features/encoders.py _encoded": "Keras tells the shapes that an encoder cannot work with as it builds it",
    "builder/features/free_layers.py free_layers": "as above, of layers in `model.layers`",
    "builder/features/free_layers.py _check_axes": "how many axes a layer reads is known as the layers in front of it are made",
    "builder/features/free_layers.py _check_shapes": "as above, of layers that join others",
    "builder/heads/several.py _behind": "which blocks `model.layers` and reused layers have is known as they are made",
    "builder/inputs.py _refuse_for_tokens": "the vocabulary is counted in all of the tokens; `check` does it for small files",
    "builder/memory.py": "how many weights there are is counted as they are made",
    "builder/optimizers.py variable_factors": "which layers there are, and learn, is known as they are made",
    "builder/phases.py chosen_layers": "the layers of a Keras application are known when it is downloaded",
    "builder/reuse.py fit_inputs": "as above, and shapes after resizing",
    "builder/reuse.py copy_by_name": "as above",
    "builder/reuse.py _as_pixels": "how large the numbers of images are is seen as they are read",
    "engine/choice.py choose_engine": "which layers XLA runs is found in the built model",
    "engine/distributed.py _check_mixing": "how many devices there are is asked of TensorFlow",
    "engine/strategies.py make_strategy": "another training in the same process came before",
    "engine/cluster.py check_cluster": "check",
    "trainer/prepare.py prepare": "`check` is asked about the sweep, and `train` is the wrong command for it; weights of arrays",
    "trainer/reuse/timeline.py __init__": "as above: which layers there are to freeze",
    "trainer/resume.py": "resuming",
    "trainer/streamed.py": "sources of batches that are passed in Python",
    "trainer/user_callbacks.py": "objects that are passed in Python",
}
"""Who refuses beside the loading of data, which `check` does as training does, and why it needs more than the recipe."""


def test_every_other_refusal_of_training_has_a_reason_why_check_cannot_give_it():
    found = set()
    root = Path(hornbook.__file__).parent
    for file in (path for part in ("builder", "layers", "engine", "trainer") for path in (root / part).rglob("*.py")):
        for function in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)):
            raised = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
            names = {ast.unparse(one.func) for one in raised if isinstance(one, ast.Call)}
            if {name for name in names if name in REFUSALS}:
                found.add(f"{file.relative_to(root).as_posix()} {function.name}")
    assert {site for site in found if site not in SITES and site.split()[0] not in SITES} == set()
    assert {site for site in SITES if not any(one.startswith(site) for one in found)} == set()
