"""What recipes say about Keras without importing it is what the installed Keras says. Nothing else here imports it."""

import inspect

import keras
import pytest

from hornbook.recipes import catalog
from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import KINDS, component_class, resolve_target
from hornbook.recipes.sections.free_layer import RECURRENT, WITH_WEIGHTS

MEANT = {"thresholds": 0.5}  # what Keras's None stands for
CALLED = {"name", "dtype", "self", "args", "kwargs"}
BY_KERAS = [
    (kind, name)
    for kind in KINDS
    for name, cls in catalog(kind).items()
    if cls.builds is not None and cls.builds.startswith("keras.")
]


def signature_of(name):
    return inspect.signature(getattr(keras.layers, keras_layers.class_name(name)).__init__).parameters


@pytest.mark.parametrize("name", keras_layers.layer_names())
def test_arguments_of_a_layer_are_those_of_its_class(name):
    real = [argument for argument in signature_of(name) if argument not in CALLED]
    known = list(keras_layers.argument_names(name))
    assert known == real


@pytest.mark.parametrize("name", keras_layers.layer_names())
def test_required_arguments_are_those_without_a_default(name):
    real = {
        argument
        for argument, parameter in signature_of(name).items()
        if argument not in CALLED and parameter.default is inspect.Parameter.empty
    }
    assert keras_layers.required_arguments(name) == real


@pytest.mark.parametrize("name", keras_layers.layer_names())
def test_the_docstring_of_a_layer_begins_like_its_class_s(name):
    real = getattr(keras.layers, keras_layers.class_name(name)).__doc__
    assert keras_layers.docstring(name).split("\n\n")[0].split() == real.strip().split("\n\n")[0].split()


def test_every_layer_is_named_or_left_out_for_a_reason():
    classes = {
        name
        for name, value in vars(keras.layers).items()
        if isinstance(value, type) and issubclass(value, keras.layers.Layer) and value.__name__ == name
    }
    named = {keras_layers.class_name(name) for name in keras_layers.layer_names()}
    left_out = {name for name in classes - named if not name.endswith("Cell")}
    assert named <= classes
    assert left_out <= keras_layers.LEFT_OUT


@pytest.mark.parametrize(
    ("name", "class_name"),
    [("dense", "Dense"), ("conv2d", "Conv2D"), ("max_pooling2d", "MaxPooling2D"), ("lstm", "LSTM"), ("gru", "GRU"),
     ("simple_rnn", "SimpleRNN"), ("conv2d_transpose", "Conv2DTranspose"), ("leaky_relu", "LeakyReLU"), ("prelu", "PReLU"),
     ("global_average_pooling2d", "GlobalAveragePooling2D"), ("batch_normalization", "BatchNormalization"),
     ("einsum_dense", "EinsumDense"), ("spatial_dropout1d", "SpatialDropout1D"), ("elu", "ELU")],
)  # fmt: skip
def test_names_are_keras_s_in_snake_case(name, class_name):
    assert keras_layers.class_name(name) == class_name


def test_layers_that_take_ingredients_are_layers():
    assert set(keras_layers.layer_names()) >= WITH_WEIGHTS
    assert RECURRENT <= WITH_WEIGHTS


@pytest.mark.parametrize(("kind", "name"), BY_KERAS)
def test_options_are_arguments_of_what_is_built(kind, name):
    cls = catalog(kind)[name]
    target = resolve_target(cls.builds)
    arguments = {**cls.fixed, **cls().options()}
    inspect.signature(target).bind(**arguments)


@pytest.mark.parametrize(("kind", "name"), [pair for pair in BY_KERAS if pair != ("activation", "prelu")])
def test_defaults_are_keras_s_own(kind, name):
    spec = catalog(kind)[name]()
    parameters = inspect.signature(resolve_target(spec.builds)).parameters
    theirs = {option: parameters[option].default for option in spec.options()}
    assert spec.options() == {option: MEANT.get(option) if value is None else value for option, value in theirs.items()}


def test_the_one_default_that_differs_is_the_paper_s():
    assert catalog("activation")["prelu"]().initial_slope == 0.25  # Keras starts at 0; He et al. (2015) at 0.25


RATES = keras.optimizers.schedules
SAME = [
    ("exponential", {"decay_steps": 20, "decay_rate": 0.3}, RATES.ExponentialDecay(1.0, 20, 0.3)),
    (
        "exponential",
        {"decay_steps": 20, "decay_rate": 0.3, "staircase": True},
        RATES.ExponentialDecay(1.0, 20, 0.3, staircase=True),
    ),
    ("cosine", {"decay_steps": 80, "end_factor": 0.1}, RATES.CosineDecay(1.0, 80, alpha=0.1)),
    (
        "cosine_restarts",
        {"first_decay_steps": 12, "t_mul": 1.5, "m_mul": 0.8, "end_factor": 0.05},
        RATES.CosineDecayRestarts(1.0, 12, t_mul=1.5, m_mul=0.8, alpha=0.05),
    ),
    (
        "polynomial",
        {"decay_steps": 70, "end_factor": 0.1, "power": 2.0},
        RATES.PolynomialDecay(1.0, 70, end_learning_rate=0.1, power=2.0),
    ),
    ("inverse_time", {"decay_steps": 7, "decay_rate": 0.6}, RATES.InverseTimeDecay(1.0, 7, 0.6)),
    (
        "inverse_time",
        {"decay_steps": 7, "decay_rate": 0.6, "staircase": True},
        RATES.InverseTimeDecay(1.0, 7, 0.6, staircase=True),
    ),
    # Keras's boundary belongs to the interval before it, ours to the one after.
    (
        "piecewise_constant",
        {"boundaries": [31, 71], "factors": [1.0, 0.5, 0.1]},
        RATES.PiecewiseConstantDecay([30, 70], [1.0, 0.5, 0.1]),
    ),
]


@pytest.mark.parametrize(("name", "options", "theirs"), SAME, ids=lambda value: value if isinstance(value, str) else "")
def test_schedules_agree_with_keras(name, options, theirs):
    ours = component_class("schedule", name).model_validate({"name": name, **options})
    for step in (0, 1, 6, 7, 12, 20, 30, 31, 50, 63, 70, 71, 99, 100):
        assert ours.factor(step, 100) == pytest.approx(float(theirs(step)), rel=1e-4, abs=1e-6), step
