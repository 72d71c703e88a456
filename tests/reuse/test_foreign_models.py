"""Models that Hornbook did not make: plain Keras files, applications, and files that carry code."""

import numpy as np
import pytest

from hornbook.errors import RecipeError, RunError
from hornbook.recipes import check_recipe
from hornbook.runs.keras_file import read_keras_file


@pytest.fixture(scope="module")
def sequential(tensorflow, tmp_path_factory):
    """A user's own network with Keras's names, saved: 64 → conv-free dense layers without any scaling."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(12, activation="tanh", name="first"),
            keras.layers.BatchNormalization(name="second"),
            keras.layers.Dense(6, activation="tanh", name="third"),
            keras.layers.Dense(3, name="scores"),
            keras.layers.Softmax(name="chances"),
        ]
    )
    path = tmp_path_factory.mktemp("sequential") / "own.keras"
    model.save(path)
    return path, model


def test_the_head_of_a_foreign_network_is_its_last_layer_that_learns(train_b, sequential):
    path, model = sequential
    result = train_b({"from": str(path)}, training={"epochs": 1})
    names = [layer.name for layer in result.model.layers]
    assert names[-4:] == ["second", "third", "head", "head_activation"]
    np.testing.assert_array_equal(result.model.get_layer("third").kernel, model.get_layer("third").kernel)
    assert "scale" in names  # it scales nothing itself, so the recipe's scaling stands in front


@pytest.fixture
def with_code(tensorflow, tmp_path):
    """A file whose layer would leave a trace if its code ran."""
    import keras

    trace = tmp_path / "ran"
    source = f"lambda x: [x, open({str(trace)!r}, 'w').close()][0]"
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Lambda(eval(source), output_shape=(8, 8, 1), name="code")(inputs)  # the file is what is on trial
    outputs = keras.layers.Dense(3, name="scores")(keras.layers.Dense(4, name="first")(keras.layers.Flatten()(x)))
    path = tmp_path / "code.keras"
    keras.Model(inputs, outputs).save(path)
    trace.unlink(missing_ok=True)
    return path, trace


def test_a_file_that_carries_code_is_refused_and_never_run(on_a, with_code):
    path, trace = with_code
    checked = check_recipe(on_a({"from": str(path)}))
    (problem,) = checked.errors
    assert "holds code or layers of another package: Lambda, __lambda__" in problem.sentence()
    assert "add 'trust: true'" in problem.sentence()
    assert not trace.exists()


def test_a_trusted_file_is_loaded_with_its_code(train_b, with_code):
    path, trace = with_code
    train_b({"from": str(path), "trust": True}, training={"epochs": 1})
    assert trace.exists()


@pytest.mark.parametrize(
    ("reuse", "sentence"),
    [
        ({"layers": "fourth"}, "there is no layer 'fourth'. Layers: "),
        ({"layers": "frist"}, "there is no layer 'frist'. Did you mean 'first'?"),
        ({"layers": "third"}, "'second' comes before 'third' and is not kept, which leaves no path to it."),
        ({"layers": "flat"}, "no layer that has learned anything would be kept."),
        ({"freeze": "fifth"}, "there is no layer 'fifth'."),
        ({"copy": {"hidden_1": "zeroth"}}, "own.keras: there is no layer 'zeroth'."),
    ],
)
def test_what_the_file_shows_is_found_by_check(on_a, sequential, reuse, sentence):
    checked = check_recipe(on_a({"from": str(sequential[0])} | reuse))
    assert any(sentence in problem.sentence() for problem in checked.errors), checked.errors


def test_parallel_branches_cannot_both_be_last(on_a, tensorflow, tmp_path):
    import keras

    inputs = keras.Input((8, 8, 1))
    left, right = (keras.layers.Dense(3, name=name)(keras.layers.Flatten()(inputs)) for name in ("left", "right"))
    path = tmp_path / "branches.keras"
    keras.Model(inputs, keras.layers.Dense(2, name="scores")(keras.layers.Add()([left, right]))).save(path)
    (problem,) = check_recipe(on_a({"from": str(path), "layers": ["left", "right"]})).errors
    assert "'left' does not lead to 'right', so no path goes through both." in problem.sentence()


def test_a_file_is_read_without_keras(sequential):
    stored = read_keras_file(sequential[0])
    assert stored.names()[-5:] == ["first", "second", "third", "scores", "chances"]
    assert stored.layers[-2].parents == ("third",)
    assert stored.needs_code == ()


def test_inputs_that_cannot_be_adapted_name_both_shapes(train_recipe, on_a, sequential, tmp_path):
    recipe = on_a({"from": str(sequential[0])}, data={"name": "arrays", "split": {"validation": 0, "test": 0}})
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    with pytest.raises(RecipeError, match=r"reads inputs of shape \(8, 8, 1\), the data has \(5,\)"):
        train_recipe(recipe, tmp_path, data=(x, np.arange(40) % 2))


MOBILE = {"application": "MobileNet", "weights": "none", "options": {"alpha": 0.25}}


@pytest.mark.whole
def test_an_application_with_weights_of_a_file_loses_its_head_and_takes_grey_images(
    train_b, weights_by_epoch, moved_between, tmp_path
):
    import keras

    keras.utils.set_random_seed(3)
    network = keras.applications.MobileNet((32, 32, 3), alpha=0.25, weights=None, include_top=False, pooling="avg")
    path = tmp_path / "mobile.weights.h5"
    network.save_weights(path)
    reuse = {"from": MOBILE | {"weights": str(path)}}
    result = train_b(reuse, callbacks=[weights_by_epoch], training={"epochs": 1, "batch_size": 96})
    model = result.model
    assert model.input_shape == (None, 8, 8, 1)
    assert model.get_layer("resize").output.shape == (None, 32, 32, 1)
    assert model.get_layer("conv_pw_13").trainable is False
    np.testing.assert_array_equal(model.get_layer("conv_pw_13").kernel, network.get_layer("conv_pw_13").kernel)
    assert moved_between(0, 1) == {"head"}
    assert result.reuse["source"] == "keras.applications.MobileNet"


def test_unknown_applications_and_missing_weights_are_explained(prepare, on_a, tmp_path):
    with pytest.raises(RecipeError, match="Keras has no application 'MobilNet'. It has: ConvNeXtBase"):
        prepare(on_a({"from": {"application": "MobilNet", "weights": "none"}}))
    with pytest.raises(RunError, match=r"nowhere.weights.h5: there is no such file"):
        prepare(on_a({"from": MOBILE | {"weights": str(tmp_path / "nowhere.weights.h5")}}))


def test_a_model_that_was_trained_with_augmentation_may_be_augmented_again(prepare, tmp_path):
    import keras

    layers = keras.layers
    stack = [layers.Identity(name="augmentation_shift"), layers.Flatten(), layers.Dense(4), layers.Dense(10)]
    keras.Sequential([keras.Input((8, 8, 1)), *stack]).save(tmp_path / "few.keras")
    data = {"name": "digits", "limit": 40, "augmentation": {"shift": 0.1}}
    prepared = prepare({"data": data, "model": "mlp", "reuse": {"from": str(tmp_path / "few.keras")}})
    names = [layer.name for layer in prepared.built.training_model.layers]
    assert names.index("augmentation_shift") < names.index("reused_augmentation_shift") < names.index("head")
