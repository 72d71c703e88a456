"""What pydantic finds, said in a user's words: every kind of mistake in every kind of place."""

import pytest

from hornbook.recipes import check_recipe
from hornbook.recipes.language.translate import spec_class_at
from hornbook.recipes.recipe import Recipe

BASE = {"data": "digits", "model": {"name": "mlp", "units": [30]}}


def sentences(**keys):
    return [problem.sentence() for problem in check_recipe({**BASE, **keys}).problems]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"seed": "x"}, "seed: expected a whole number, found 'x'."),
        ({"seed": 1.5}, "seed: expected a whole number, found 1.5."),
        ({"seed": True}, "seed: expected a whole number, found true."),
        ({"seed": None}, "seed: expected a whole number, found nothing. Give it a value, or remove the key."),
        ({"seed": -1}, "seed: expected a number of at least 0, found -1."),
        ({"seed": 2**31}, "seed: expected a number below 2147483648, found 2147483648."),
        ({"notes": 3}, "notes: expected text, found 3."),
        ({"name": "../x"}, "name: expected text that matches ^[A-Za-z0-9][A-Za-z0-9_.-]*$, found '../x'."),
        ({"name": "x" * 81}, f"name: expected at most 80 characters, found '{'x' * 56}...."),
        ({"tags": "a"}, "tags: expected a list, found 'a'. Write a list: [a]."),
        ({"tags": ["a", 3]}, "tags.1: expected text, found 3."),
        ({"format": 2}, "format: expected 1, found 2."),
        ({"task": "zzz"}, "task: expected one of 'multiclass', 'binary', 'multilabel' or 'regression', found 'zzz'."),
        (
            {"task": "multi_class"},
            "task: expected one of 'multiclass', 'binary', 'multilabel' or 'regression', found 'multi_class'."
            " Did you mean 'multiclass'?",
        ),
        ({"training": [1]}, "training: expected a mapping, found [1]."),
        ({"training": {"epochs": 0}}, "training.epochs: expected a number of at least 1, found 0."),
        ({"training": {"early_stopping": True}}, "training.early_stopping: expected a mapping, found true."),
        (
            {"training": {"early_stopping": {"patience": "soon"}}},
            "training.early_stopping.patience: expected a duration: a whole number, '4 epochs', '500 steps' or '30%',"
            " found 'soon'.",
        ),
        (
            {"training": {"max_time": "soon"}},
            "training.max_time: expected seconds, '90 seconds', '10 minutes' or '2 hours', found 'soon'.",
        ),
        (
            {"training": {"class_weights": 3}},
            "training.class_weights: expected 'balanced' or a weight per class such as {0: 1.0, 1: 5.0}, found 3.",
        ),
        (
            {"training": {"class_weights": {}}},
            "training.class_weights: expected 'balanced' or a weight per class such as {0: 1.0, 1: 5.0}, found {}.",
        ),
        ({"training": {"class_weights": {0: -1}}}, "training.class_weights.0: expected a number above 0, found -1."),
        ({"regularization": {"dropout": 1}}, "regularization.dropout: expected a number below 1, found 1."),
        (
            {"regularization": {"l2": float("nan")}},
            "regularization.l2: expected a finite number, found nan.",
        ),
        ({"optimizer": {"name": "sgd", "nesterov": "yes"}}, "optimizer.nesterov: expected true or false, found 'yes'."),
        (
            {"optimizer": {"name": "adam", "learning_rate": 0}},
            "optimizer.learning_rate: expected a number above 0 or 'auto', found 0.",
        ),
        (
            {"optimizer": {"name": "adam", "weight_decay": -1}},
            "optimizer.weight_decay: expected a number of at least 0, found -1.",
        ),
        ({"optimizer": {"name": "adam", "ema": 1}}, "optimizer.ema: expected a number below 1, found 1."),
        ({"optimizer": 3}, "optimizer: expected the name of an optimizer, or a mapping with 'name', found 3."),
        ({"data": ["digits"]}, "data: expected the name of a data source, or a mapping with 'name', found ['digits']."),
        ({"optimizer": {"name": 3}}, "optimizer: the name of an optimizer is text, found 3."),
        (
            {"model": {"units": [3]}},
            "model: 'name' is missing: which backbone? Known: bag_of_words, cnn, layers, mean_embedding, mlp, residual_cnn, rnn, transformer, "
            "wide_and_deep.",
        ),
        ({"model": {"name": "cnn", "filters": 30}}, "model.filters: expected a list, found 30."),
        ({"model": {"name": "mlp", "units": [30, "x"]}}, "model.units.1: expected a whole number, found 'x'."),
        ({"model": {"name": "mlp", "units": [30, 0]}}, "model.units.1: expected a number of at least 1, found 0."),
        ({"model": {"name": "cnn", "filters": []}}, "model.filters: expected a list of at least 1, found []."),
        (
            {"model": {"name": "mlp", "units": [3], "funnel": {"from": 3, "to": 2, "layers": 2}}},
            "model: give either 'units' or 'funnel', not both.",
        ),
        (
            {"model": {"name": "mlp", "funnel": {"from": 3, "to": 2, "layers": 10**30}}},
            "model.funnel.layers: expected a number of at most 1000, found 1000000000000000000000000000000.",
        ),
        (
            {"model": {"name": "mlp", "funnel": {"to": 2, "layers": 3}}},
            "model.funnel.from: this key is required and missing.",
        ),
        (
            {"schedule": {"name": "cosine", "warmup": [1]}},
            "schedule.warmup: expected a duration: a whole number, '4 epochs', '500 steps' or '30%', found [1].",
        ),
        (
            {"schedule": {"name": "piecewise_constant", "boundaries": [5], "factors": [1, 0.1, 0.01]}},
            "schedule: 1 boundaries need 2 factors, found 3.",
        ),
        (
            {"activation": {"name": "randomized_leaky_relu", "lower": 0.5}},
            "activation: lower is above upper: 0.5 > 0.3333333333333333.",
        ),
        (
            {"initializer": {"name": "random_uniform", "minval": 1.0}},
            "initializer: minval is not below maxval: 1.0 >= 0.05.",
        ),
        (
            {"initializer": {"name": "he_normal", "bias": {"name": "ones", "bias": "zeros"}}},
            "initializer: a bias initializer has no bias of its own.",
        ),
        (
            {"initializer": {"name": "constant", "value": "x"}},
            "initializer.value: expected a number, or rows of numbers in the weights' shape, found 'x'.",
        ),
        (
            {"schedule": {"name": "one_cycle", "rising": 0.6}},
            "schedule: rising is at most 0.5: the rate falls for as long as it rises.",
        ),
        (
            {"schedule": {"name": "one_cycle", "min_momentum": 0.9, "max_momentum": 0.8}},
            "schedule: min_momentum is above max_momentum.",
        ),
    ],
)
def test_values_that_do_not_fit(keys, sentence):
    assert sentences(**keys) == [sentence]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"activation": "relux"}, "activation: unknown activation 'relux'. Did you mean 'relu'?"),
        ({"activation": "ReLU"}, "activation: unknown activation 'ReLU'. Did you mean 'relu'?"),
        ({"activation": "LeakyReLU"}, "activation: unknown activation 'LeakyReLU'. Did you mean 'leaky_relu'?"),
        ({"activation": "swish"}, "activation: unknown activation 'swish'. Did you mean 'silu'?"),
        (
            {"normalization": "BatchNorm"},
            "normalization: unknown normalization 'BatchNorm'. Did you mean 'batch_normalization'?",
        ),
        ({"initializer": "kaiming"}, "initializer: unknown initializer 'kaiming'. Did you mean 'he_normal'?"),
        ({"schedule": "1cycle"}, "schedule: unknown schedule '1cycle'. Did you mean 'one_cycle'?"),
        ({"data": "cifar"}, "data: unknown data source 'cifar'. Did you mean 'cifar10'?"),
        ({"model": "resnet"}, "model: unknown backbone 'resnet'. Did you mean 'residual_cnn'?"),
        (
            {"model": "zzz"},
            "model: unknown backbone 'zzz'. Known: bag_of_words, cnn, layers, mean_embedding, mlp, residual_cnn, rnn, transformer, "
            "wide_and_deep.",
        ),
        ({"head": {"loss": "mse"}}, "head.loss: unknown loss 'mse'. Did you mean 'mean_squared_error'?"),
        ({"training": {"metrics": ["acc"]}}, "training.metrics.0: unknown metric 'acc'. Did you mean 'accuracy'?"),
    ],
)
def test_unknown_names_come_with_the_nearest_one(keys, sentence):
    assert sentences(**keys) == [sentence]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"optimiser": "sgd"}, "optimiser: unknown key. Did you mean 'optimizer'?"),
        ({"lr": 0.1}, "lr: unknown key. Did you mean 'optimizer.learning_rate'?"),
        ({"epochs": 3}, "epochs: unknown key. Did you mean 'training.epochs'?"),
        ({"dropout": 0.3}, "dropout: unknown key. Did you mean 'regularization.dropout'?"),
        (
            {"callbacks": []},
            "callbacks: unknown key. Callbacks are passed in Python: hornbook.train(recipe, callbacks=[…]). "
            "TensorBoard is 'tracking: [tensorboard]'.",
        ),
        (
            {"optimizer": {"name": "sgd", "lr": 0.1}},
            "optimizer.lr: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?",
        ),
        (
            {"optimizer": {"name": "adam", "beta1": 0.9}},
            "optimizer.beta1: unknown key for optimizer 'adam'. Did you mean 'beta_1'?",
        ),
        (
            {"optimizer": {"name": "adam", "clipnorm": 1.0}},
            "optimizer.clipnorm: unknown key for optimizer 'adam'."
            " Write 'training.gradient_clipping: {by: norm, threshold: 1.0}'.",
        ),
        (
            {"optimizer": {"name": "adam", "use_ema": True}},
            "optimizer.use_ema: unknown key for optimizer 'adam'. Write 'optimizer.ema: {momentum: 0.99}'.",
        ),
        (
            {"model": {"name": "mlp", "hidden": [3]}},
            "model.hidden: unknown key for backbone 'mlp'. Did you mean 'units'?",
        ),
        (
            {"data": {"name": "xor", "repeat": 3}},
            "data.repeat: unknown key for data source 'xor'. Did you mean 'repeats'?",
        ),
        ({"training": {"bs": 3}}, "training.bs: unknown key in 'training'. Did you mean 'batch_size'?"),
        (
            {"head": {"zzz": 3}},
            "head.zzz: unknown key in 'head'. Known: activation, clamp, initializer, loss, ordinal, standardize_targets, "
            "target_transform, units.",
        ),
        ({"training": {1: 3, "epochs": 2}}, "training.1: unknown key in 'training'."),
        (
            {"training": {"gradient_clipping": {"by": "norm", "limit": 1, "threshold": 1.0}}},
            "training.gradient_clipping.limit: unknown key in 'gradient_clipping'. Known: by, threshold.",
        ),
    ],
)
def test_unknown_keys_say_where_they_belong(keys, sentence):
    [found] = sentences(**keys)
    assert found.startswith(sentence)


def layer_sentences(*layers):
    return sentences(model={"name": "layers", "layers": ["flatten", *layers]})


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ("dens", "model.layers.1: unknown layer 'dens'. Did you mean 'dense'?"),
        ({"name": "Dense", "units": 3}, "model.layers.1.name: unknown layer 'Dense'. Did you mean 'dense'?"),
        ({"units": 3}, "model.layers.1: 'name' is missing: which layer? 'hornbook list layers' shows all of them."),
        ("dense", "model.layers.1: layer 'dense' needs 'units'."),
        (
            {"name": "dense", "units": 3, "unit": 4},
            "model.layers.1.unit: unknown key for layer 'dense'. Did you mean 'units'?",
        ),
        (
            {"name": "dense", "units": 3, "kernel_initializer": "zeros"},
            "model.layers.1.kernel_initializer: unknown key for layer 'dense'. Write 'initializer: he_normal'.",
        ),
        (
            {"name": "dense", "units": 3, "activation": "relux"},
            "model.layers.1.activation: unknown activation 'relux'. Did you mean 'relu'?",
        ),
        (
            {"name": "flatten", "activation": "relu"},
            "model.layers.1.activation: unknown key for layer 'flatten'. Known: as, data_format, from, name.",
        ),
        (
            {"name": "dense", "units": 3, "bias_initializer": "ones"},
            "model.layers.1.bias_initializer: unknown key for layer 'dense'. It goes into the initializer: "
            "'initializer: {name: he_normal, bias: ones}'.",
        ),
        (
            {"name": "separable_conv2d", "filters": 3, "kernel_size": 3, "depthwise_regularizer": "l2"},
            "model.layers.1.depthwise_regularizer: unknown key for layer 'separable_conv2d'. Write "
            "'regularization: {l2: 0.0001}'.",
        ),
        (
            {"name": "dropout", "rate": 0.1, "seed": 3},
            "model.layers.1.seed: unknown key for layer 'dropout'. Random layers follow the recipe's 'seed'.",
        ),
        (
            {"name": "dense", "units": 3, "bias_regularizer": {"l3": 0.1}},
            "model.layers.1.bias_regularizer: expected a penalty such as {l2: 0.01}, with l1, l2 or both, found {'l3': 0.1}.",
        ),
        (
            {"name": "dense", "units": 3, "kernel_constraint": {"max_norm": 1.0, "min_norm": 2.0}},
            "model.layers.1.kernel_constraint: expected 'non_negative', 'unit_norm', or norms such as {max_norm: 3.0}, with "
            "max_norm, min_norm or both, found {'max_norm': 1.0, 'min_norm': 2.0}.",
        ),
        (
            {"name": "dense", "units": 3, "kernel_constraint": "unit_norm", "regularization": {"max_norm": 1.0}},
            "model.layers.1.kernel_constraint: give either this or 'regularization.max_norm', not both.",
        ),
        (
            {"name": "lstm", "units": 3, "recurrent_initializer": "orthogonl"},
            "model.layers.1.recurrent_initializer: unknown initializer 'orthogonl'. Did you mean 'orthogonal'?",
        ),
        (
            {"name": "lstm", "units": 3, "recurrent_activation": {"name": "leaky_relu", "negative_slope": 0.4}},
            "model.layers.1.recurrent_activation: this takes a plain function, and 'leaky_relu' with these options is a layer.",
        ),
        (
            {"name": "dense", "units": None},
            "model.layers.1.units: null means nothing here: omit it.",
        ),
        (
            {"name": "dense", "units": {"choices": [3, 4]}},
            "model.layers.1.units: expected a whole number above 0, found {'choices': [3, 4]}.",
        ),
        (
            {"name": "conv2d", "filters": 3, "kernel_size": [3, 3, 3]},
            "model.layers.1.kernel_size: expected a whole number above 0, or a list of 2, found [3, 3, 3].",
        ),
        (
            {"name": "conv2d", "filters": 3, "kernel_size": 3, "padding": "full"},
            "model.layers.1.padding: expected 'valid' or 'same', found 'full'.",
        ),
        (
            {"name": "flatten", "trainable": False},
            "model.layers.1.trainable: unknown key for layer 'flatten'. Known: as, data_format, from, name.",
        ),
        (
            {"name": "dense", "units": 3, "inputs": "a"},
            "model.layers.1.inputs: unknown key for layer 'dense'. Did you mean 'from'?",
        ),
        (
            {"name": "dense", "units": 3, "id": "a"},
            "model.layers.1.id: unknown key for layer 'dense'. Did you mean 'as'?",
        ),
        (3, "model.layers.1: expected a mapping, found 3."),
    ],
)
def test_free_layers_are_checked_like_components(layer, sentence):
    assert layer_sentences(layer) == [sentence]


WELL_FORMED = [("seed", 3), ("tags", []), ("mute", []), ("tracking", []), ("format", True), ("heads", {"x": {}})]


def test_keys_of_one_of_several_heads_are_known():
    heads = {"digit": {"los": "huber", "weight": -1.0}, "Early": {}, "late": {"from": 3}}
    assert [problem.sentence() for problem in check_recipe({**BASE, "heads": heads}).problems] == [
        "heads.digit.weight: expected a number of at least 0, found -1.0.",
        "heads.digit.los: unknown key in 'digit'. Did you mean 'loss'?",
        "heads.Early: expected text that matches ^[a-z][a-z0-9_]*$, found 'Early'.",
        "heads.late.from: expected text, found 3.",
    ]


MALFORMED = [None, 3, 2.5, [], {}, "x", True, [None], [{}], {"name": []}, {"name": None}, {1: 2}, {"x": {}}]


@pytest.mark.parametrize("key", [name for name in Recipe.model_fields if name not in {"name", "notes"}])
@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_no_malformed_value_makes_checking_raise(key, value):
    problems = check_recipe({**BASE, key: value}).problems
    optional = value is None or (value == {} and key in {"head", "regularization", "training"})
    allowed = optional or (key, value) in WELL_FORMED
    assert allowed or problems
    assert all(problem.sentence().endswith((".", "?")) for problem in problems)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("optimizer",), "SGD"),
        (("optimizer", "weight_decay"), "WeightDecay"),
        (("training", "early_stopping"), "EarlyStopping"),
        (("training", "metrics", 0), "AUC"),
        (("initializer", "bias"), "Ones"),
    ],
)
def test_the_class_behind_a_path_is_found(path, name):
    tree = {
        "optimizer": {"name": "sgd", "weight_decay": {}},
        "training": {"metrics": ["auc"], "early_stopping": {}},
        "initializer": {"name": "zeros", "bias": "ones"},
    }
    cls = spec_class_at(path, tree, Recipe)
    assert cls is not None
    assert cls.__name__ == name
