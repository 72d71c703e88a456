"""Health: what layers do is recorded beside training, and no bit of the training changes."""

import numpy as np
import pytest

from hornbook.recipes.language.durations import Length
from hornbook.runs.directory import Run

UNITS = [6, 5]
RECIPE = {
    "name": "watched",
    "data": {"name": "digits", "limit": 160, "split": {"validation": 0, "test": 0}},
    "model": {"name": "mlp", "units": UNITS},
    "activation": "relu",
    "normalization": "batch_normalization",
    "regularization": {"dropout": 0.2, "l2": 0.01},
    "training": {"epochs": 3, "batch_size": 40, "engine": "graph"},
}


@pytest.fixture(scope="module")
def train(health, tmp_path_factory):
    """A function that trains the recipe with other values; the result."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    def run(*overrides, **options):
        return train(load_recipe(RECIPE, overrides), runs=tmp_path_factory.mktemp("runs"), **options)

    return run


@pytest.fixture(scope="module")
def watched(train):
    return train("tracking=[tensorboard]")


def weights_of(result):
    return np.concatenate([np.ravel(weight) for weight in result.model.get_weights()])


@pytest.mark.parametrize("engine", ["graph", "xla", pytest.param("fit", marks=pytest.mark.whole)])
def test_recording_and_tracking_change_no_bit_of_a_run(train, watched, engine):
    recorded = watched if engine == "graph" else train(f"training.engine={engine}", "tracking=[tensorboard]")
    blind = train(f"training.engine={engine}", "health=off")
    assert weights_of(recorded).tobytes() == weights_of(blind).tobytes()
    losses = [[row["loss"] for row in result.history] for result in (recorded, blind)]
    assert losses[0] == losses[1]
    assert Run(recorded.run).health
    assert Run(blind.run).health == []


def test_measurements_lie_closer_at_the_start(watched):
    assert [row["step"] for row in Run(watched.run).health] == [0, 1, 4, 8, 12]


def test_each_layer_has_its_figures(watched):
    layers = Run(watched.run).health[1]["layers"]
    assert set(layers) == {
        "inputs", "head", *(f"hidden_{n}{part}" for n in (1, 2) for part in ("", "_normalization", "_activation")),
    }  # fmt: skip
    assert {"weight_norm", "gradient_norm", "weight_rms", "gradient_rms", "update_ratio"} <= set(layers["hidden_1"])
    assert {"mean_gap", "variance_ratio"} <= set(layers["hidden_2_normalization"])
    assert {"mean", "deviation", "dead", "constant"} <= set(layers["hidden_1_activation"])
    assert layers["hidden_1_activation"]["activation"] == "relu"


def test_frequencies_of_tokens_are_no_weights_that_could_learn(train):
    """The doctor takes a layer with weights that gets no gradient for a frozen one."""
    recipe = [
        "~normalization",
        "~activation",
        "data={name: sentences, limit: 80, split: {validation: 0, test: 0}}",
        "training.epochs=1",
    ]
    result = train(*recipe, "model={name: bag_of_words, weighting: tf_idf, dense: []}", "~regularization")
    layers = Run(result.run).health[0]["layers"]
    assert result.model.get_layer("network").get_layer("counts").idf is not None
    assert "counts" not in layers
    assert "gradient_norm" in layers["head"]


def test_histograms_count_what_was_read(watched):
    rows = Run(watched.run).health
    assert ["histograms" in row["layers"]["head"] for row in rows] == [True, False, False, False, True]
    pictures = rows[0]["layers"]["hidden_1"]["histograms"]
    assert sum(pictures["weights"]["counts"]) == 64 * UNITS[0]
    assert set(pictures) == {"outputs", "weights", "gradients"}


def test_a_run_stopped_in_the_middle_records_what_it_would_have_recorded(train, watched):
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.resume import resume

    class Interrupt(Listener):
        def on_chunk(self, place):
            if (place.epoch, place.batch) == (2, 1):
                import os
                import signal

                os.kill(os.getpid(), signal.SIGINT)

    stopped = train(listeners=[Interrupt()])
    assert stopped.state == "interrupted"
    assert Run(resume(stopped.run).run).health == Run(watched.run).health


@pytest.mark.parametrize(
    ("epochs", "is_dense", "points"),
    [
        (1, False, [0, 1, 4, 16, 64, 100]),
        (1, True, [0, 1, 2, 4, 8, 16, 32, 64, 100]),
        (9, False, [0, 1, 4, 16, 64, 100, 200, 300, 400, 500, 600, 700, 800, 900]),
        (3, True, [0, 1, 2, 4, 8, 16, 32, 64, 100, 200, 300]),
    ],
)
def test_points_of_a_run_of_a_hundred_batches_an_epoch(epochs, is_dense, points):
    from hornbook.trainer.health.points import Points

    assert list(Points(Length(epochs, 100, 100 * epochs, 1), is_dense=is_dense)) == points


def test_a_long_run_has_few_points():
    from hornbook.trainer.health.points import Points

    assert len(list(Points(Length(1000, 100, 100_000, 1)))) < 45


def test_figures_of_known_outputs():
    """Two units on four examples: one is never above 0, the other is flat for a quarter of them."""
    from hornbook.engine.probe import Reading
    from hornbook.trainer.health.layers import layer_figures, update_ratios

    relu = np.array([[0, 1], [0, 2], [0, 3], [0, 0]], np.float32)
    reading = Reading(
        1.0, 0.5, 0.0, {"a": relu, "b": np.tanh(relu)}, {"a": [np.full((2, 2), 3.0)]}, {"a": [np.eye(2)]}, {}
    )
    figures = layer_figures(reading, {"a": "relu", "b": "tanh"})
    assert figures["a"]["dead"] == figures["a"]["constant"] == 0.5
    assert figures["a"]["mean"] == 0.75
    assert figures["a"]["gradient_norm"] == 6.0
    assert figures["a"]["gradient_rms"] == 3.0
    assert figures["b"]["saturated"] == 1 / 8  # tanh'(3) = 0.01, tanh'(2) = 0.07
    assert update_ratios({"a": [np.full(4, 2.0)]}, {"a": [np.full(4, 2.1)]})["a"] == pytest.approx(0.05)
