"""Names from Keras, PyTorch and scikit-learn get the right hint, and what a hint says is itself accepted."""

import re

import pytest
import yaml

from hornbook.recipes import check_recipe
from hornbook.recipes.language.hints import fold
from hornbook.recipes.language.key_spellings import KEYS, KEYS_IN
from hornbook.recipes.language.keys import put, split_key
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.language.spellings import NAMES
from hornbook.recipes.language.text import to_flow

DATA = {"multiclass": "digits", "binary": "breast_cancer", "multilabel": "digits", "regression": "diabetes"}


def base(task="multiclass"):
    return {"data": DATA[task], "model": {"name": "mlp", "units": [32]}}


def problems(tree, *overrides):
    """Return the problems; that the client of a tracker is not installed here is none."""
    return [problem for problem in check_recipe(tree, overrides).problems if problem.code != "tracker-client"]


def written(sentence):
    """Return (key or name, value or None) of what a hint says to write."""
    [text] = re.findall(r"(?:Did you mean|Write|write) '([^']+)'", sentence)
    key, _, value = text.partition(": ")
    return key, yaml.safe_load(value) if value else None


def recipe_with(kind, name):
    """Return a recipe of which one component is called so, and the key it stands under."""
    tasks = (
        getattr(catalog(kind).get(name), "tasks", ("multiclass",)) if kind in {"loss", "metric"} else ("multiclass",)
    )
    tree = base(tasks[0])
    positive = getattr(catalog(kind).get(name), "positive", None) if kind == "loss" else None
    logits = getattr(catalog(kind).get(name), "from_logits", None) if kind == "loss" else None
    head = positive or logits
    key = {
        "loss": "head.loss",
        "metric": "training.metrics",
        "tracker": "tracking",
        "layer": "model",
        "task": "task",
        "precision": "training.precision",
        "mode": "training.early_stopping.mode",
        "method": "data.split.method",
        "cell": "model.cell",
    }.get(kind, kind)
    value = {"metric": [name], "tracker": [name], "layer": {"name": "layers", "layers": [{"name": name}]}}.get(
        kind, name
    )
    if kind == "cell":
        tree |= {"data": "waves", "model": {"name": "rnn", "units": [8]}}
    if name == "wide_and_deep":
        tree["data"] = "iris"
    put(tree, split_key(key), value)
    if head is not None:
        put(tree, ("head", "activation"), head)
    return tree


SPELLED = [(kind, spelling) for kind, names in NAMES.items() for spelling in names]


def test_the_table_is_as_long_as_people_need_and_folded():
    keys = {(section, key) for section, names in {"": KEYS, **KEYS_IN}.items() for key in names}
    assert len(SPELLED) >= 60
    assert len(keys) >= 60
    assert all(fold(name) == name for _, name in (*SPELLED, *keys))


@pytest.mark.parametrize(("kind", "spelling"), SPELLED)
def test_what_a_hint_names_is_accepted_in_its_place(kind, spelling):
    sentences = [problem.sentence() for problem in problems(recipe_with(kind, spelling))]
    [sentence] = [text for text in sentences if f"'{spelling}'" in text]
    name, value = written(sentence)
    if value is None:
        tree = recipe_with(kind, name)
    else:
        tree = base()
        put(tree, split_key(name), value)
        tree |= {"data": "waves"} if tree["model"]["name"] == "rnn" else {}
        tree |= {"data": "breast_cancer"} if "auc" in str(value) else {}
    found = [problem for problem in problems(tree) if problem.severity == "error"]
    if kind in {"data", "layer"}:  # a file to name, a layer's own arguments
        found = [problem for problem in found if "unknown" in problem.message]
    elif (kind, name) in {("activation", "step"), ("method", "time"), ("model", "layers")}:
        found = [problem for problem in found if problem.code in {"unknown-name", "value"}]  # needs other keys
    assert found == []


VALUES = {
    "optimizer.learning_rate": 0.1, "optimizer": "sgd", "optimizer.weight_decay": 0.01, "training.epochs": 3,
    "training.batch_size": 16, "training.class_weights": "balanced", "training.early_stopping.patience": 3,
    "training.early_stopping.min_delta": 0.01, "training.early_stopping.restore_best": True,
    "training.early_stopping.monitor": "val_accuracy", "model.units": [30, 20], "model": "mlp",
    "head.loss": "sparse_categorical_crossentropy", "head.activation": "softmax", "head.units": 10, "activation": "elu",
    "initializer": "he_normal", "normalization": "batch_normalization", "regularization.l2": 0.01,
    "regularization.l1": 0.01, "regularization.max_norm": 1.0, "regularization.dropout": 0.5, "schedule": "cosine",
    "data": "digits", "data.split.validation": 0.2, "data.split.test": 0.2, "seed": 3, "tracking": ["tensorboard"],
}  # fmt: skip
NEEDS_MORE = {"sweep.max_trials", "reuse.from"}  # a space, a run


@pytest.mark.parametrize("spelling", KEYS)
def test_a_key_of_another_library_is_told_its_name_and_place(spelling):
    [problem] = [problem for problem in problems({**base(), spelling: 1}) if problem.code == "unknown-key"]
    key, value = written(problem.hint)
    assert KEYS[spelling].split(":")[0] == key
    if key in NEEDS_MORE:
        return
    override = f"{key}={to_flow(VALUES[key] if value is None else value)}"
    assert [found for found in problems(base(), override) if found.severity == "error"] == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"data": "csv"}, "data: unknown data source 'csv'. Did you mean 'table'?"),
        (
            {"data": "my/houses.CSV"},
            "data: unknown data source 'my/houses.CSV'."
            " A file is named by its path: 'data: {name: table, path: my/houses.CSV, target: COLUMN}'.",
        ),
        ({"activation": "Swish"}, "activation: unknown activation 'Swish'. Did you mean 'silu'?"),
        ({"activation": "nn.LeakyReLU"}, "activation: unknown activation 'nn.LeakyReLU'. Did you mean 'leaky_relu'?"),
        ({"activation": "Linear"}, "activation: unknown activation 'Linear'. Did you mean 'linear'?"),
        ({"model": "Linear"}, "model: unknown backbone 'Linear'. Did you mean 'mlp'?"),
        ({"model": "Dense"}, "model: unknown backbone 'Dense'. Did you mean 'mlp'?"),
        ({"schedule": "linear"}, "schedule: unknown schedule 'linear'. Did you mean 'polynomial'?"),
        ({"schedule": "OneCycleLR"}, "schedule: unknown schedule 'OneCycleLR'. Did you mean 'one_cycle'?"),
        ({"schedule": "ReduceLROnPlateau"}, "schedule: unknown schedule 'ReduceLROnPlateau'. Did you mean 'performance'?"),
        ({"initializer": "kaiming_normal_"}, "initializer: unknown initializer 'kaiming_normal_'. Did you mean 'he_normal'?"),
        ({"initializer": "xavier_uniform"}, "initializer: unknown initializer 'xavier_uniform'. Did you mean 'glorot_uniform'?"),
        ({"normalization": "BatchNorm2d"}, "normalization: unknown normalization 'BatchNorm2d'. Did you mean 'batch_normalization'?"),
        ({"normalization": "StandardScaler"}, "normalization: unknown normalization 'StandardScaler'. Write 'data.standardize: true'."),
        ({"head": {"loss": "CrossEntropyLoss"}}, "head.loss: unknown loss 'CrossEntropyLoss'. Did you mean 'sparse_categorical_crossentropy'?"),
        ({"head": {"loss": "BCEWithLogitsLoss"}}, "head.loss: unknown loss 'BCEWithLogitsLoss'. Did you mean 'binary_crossentropy'?"),
        ({"loss": "sparse_categorical_crossentropy"}, "loss: unknown key. Did you mean 'head.loss'?"),
        (
            {"training": {"metrics": ["sparse_categorical_crossentropy"]}},
            "training.metrics.0: unknown metric 'sparse_categorical_crossentropy'."
            " That is a loss: write 'head.loss: sparse_categorical_crossentropy'.",
        ),
        ({"activation": "adam"}, "activation: unknown activation 'adam'. That is an optimizer: write 'optimizer: adam'."),
        ({"optimizer": {"name": "adam", "lr": 0.1}}, "optimizer.lr: unknown key for optimizer 'adam'. Did you mean 'learning_rate'?"),
        ({"optimizer": {"name": "rmsprop", "alpha": 0.9}}, "optimizer.alpha: unknown key for optimizer 'rmsprop'. Did you mean 'rho'?"),
        (
            {"activation": {"name": "leaky_relu", "alpha": 0.1}},
            "activation.alpha: unknown key for activation 'leaky_relu'. Did you mean 'negative_slope'?",
        ),
        ({"alpha": 0.01}, "alpha: unknown key. Did you mean 'regularization.l2'?"),
        ({"momentum": 0.9}, "momentum: unknown key. Write 'optimizer: {name: sgd, momentum: 0.9}'."),
        ({"momentum": 0.9, "optimizer": "sgd"}, "momentum: unknown key. Did you mean 'optimizer.momentum'?"),
        ({"units": [3]}, "units: unknown key. Did you mean 'model.units' or 'head.units'?"),
        ({"training": {"validation_split": 0.2}}, "training.validation_split: unknown key in 'training'. Did you mean 'data.split.validation'?"),
        ({"training": {"num_epochs": 2}}, "training.num_epochs: unknown key in 'training'. Did you mean 'epochs'?"),
        ({"optimizer": {"name": "sgd", "l2": 0.1}}, "optimizer.l2: unknown key for optimizer 'sgd'. Did you mean 'regularization.l2'?"),
        ({"training": {"seed": 1}}, "training.seed: unknown key in 'training'. Did you mean 'seed', a key of the recipe?"),
        ({"task": "classification"}, "task: expected one of 'multiclass', 'binary', 'multilabel' or 'regression', found 'classification'. Did you mean 'multiclass'?"),
        ({"training": {"shuffle": True}}, "training.shuffle: unknown key in 'training'. Examples are shuffled before every epoch."),
    ],
)  # fmt: skip
def test_a_spelling_means_what_its_place_says(keys, sentence):
    found = [problem.sentence() for problem in problems({**base(), **keys})]
    assert sentence in found


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("Linear", "unknown layer 'Linear'. Did you mean 'dense'?"),
        ("nn.MaxPool2d", "unknown layer 'nn.MaxPool2d'. Did you mean 'max_pooling2d'?"),
        ("tanh", "unknown layer 'tanh'. Write '{name: activation, activation: tanh}'."),
        (
            {"name": "dense", "out_features": 3},
            "out_features: unknown key for layer 'dense'. Did you mean 'units'?",
        ),
        (
            {"name": "dense", "units": 3, "kernel_initializer": "zeros"},
            "unknown key for layer 'dense'. Write 'initializer: he_normal'.",
        ),
    ],
)
def test_layers_of_pytorch_and_keras_too(layer, sentence):
    found = [
        item.sentence() for item in problems({**base(), "model": {"name": "layers", "layers": ["flatten", layer]}})
    ]
    assert any(text.endswith(sentence) for text in found), found


def test_what_is_a_key_of_a_section_is_not_its_name():
    """`{name: dropout}` is how other sections name a component."""
    recipe = {"data": "digits", "model": {"name": "mlp", "units": [8]}, "regularization": {"name": "dropout"}}
    assert [problem.sentence() for problem in check_recipe(recipe).problems] == [
        "regularization.name: unknown key in 'regularization'. 'dropout' is a key itself: write 'dropout: …'."
    ]
