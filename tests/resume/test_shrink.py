"""A run that makes a model smaller, interrupted and resumed, ends bit for bit like one that was left alone: zeros too."""

import pytest

from hornbook.recipes.language.text import parse
from hornbook.recipes.shrunk import NETWORK

PRUNE = {"share": 0.7, "until": 3}


@pytest.fixture(scope="module")
def of_earlier(tmp_path_factory, tensorflow, recipe_of):
    """A function: what `shrink` says beside `from`, and more → what makes a recipe one that shrinks a run of the same network."""
    from hornbook.runs.directory import Run
    from hornbook.trainer.train import train

    run = train(recipe_of({"normalization": "batch_normalization"}), runs=tmp_path_factory.mktemp("earlier")).run
    resolved = parse(Run(run).recipe_text, origin="recipe").tree
    network = {key: resolved[key] for key in NETWORK if key in resolved}

    def make(section, **more):
        return {**network, "shrink": {"from": str(run), "max_loss": 100.0, **section}, **more}

    return make


KINDS = {
    "momentum and decay": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}},
    "averaged weights, early stopping": {
        "optimizer": {"name": "adam", "learning_rate": 0.02, "ema": {"momentum": 0.9}},
        "training": {"early_stopping": {"patience": 2}},
    },
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.whole if "averaged" in kind else ()) for kind in KINDS]
)
def test_zeros_come_and_stay_the_same(kind, of_earlier, alone, with_interruptions, assert_same, tmp_path):
    recipe = of_earlier({"prune": PRUNE, "precision": "int8"}, **KINDS[kind])
    whole = alone(recipe)
    resumed = with_interruptions(recipe, [(0, 2), (1, 4), (3, 2)], runs=tmp_path / "stopped")
    assert_same(resumed, whole)
    assert [row["zeros"] for row in whole.history] == pytest.approx([0.4926, 0.6741, 0.7, 0.7], abs=1e-3)


@pytest.mark.whole
def test_with_fit_a_run_goes_on_from_the_start_of_its_epoch(
    of_earlier, alone, with_interruptions, assert_same, tmp_path
):
    recipe = of_earlier({"prune": PRUNE}, training={"engine": "fit"})
    assert_same(with_interruptions(recipe, [(1, 4)], runs=tmp_path / "stopped"), alone(recipe))
