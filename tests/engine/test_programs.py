"""Programs shared between runs of one structure: whatever ran before, a run gives the same bits."""

import numpy as np
import pytest

from hornbook.engine import programs

RNG = np.random.default_rng(9)
# 4 batches of 8: the program for a smaller last batch is that of a step, too, and takes as long to trace
X = RNG.normal(size=(32, 4)).astype(np.float32)
Y = RNG.integers(0, 2, 32)
BASE = {
    "seed": 1,
    "normalization": "batch_normalization",
    "regularization": {"dropout": 0.2, "l2": 0.01},
    "optimizer": {"name": "adam", "learning_rate": 0.01, "weight_decay": 0.01},
    "training": {"epochs": 1, "batch_size": 8, "engine": "graph"},
}
CHANGES = {
    "seed": {"seed": 2},
    "rate": {"optimizer": {"name": "adam", "learning_rate": 0.05, "weight_decay": 0.01}},
    "dropout": {"regularization": {"dropout": 0.5, "l2": 0.01}},
    "penalty": {"regularization": {"dropout": 0.2, "l2": 0.5}},
    "decay": {"optimizer": {"name": "adam", "learning_rate": 0.01, "weight_decay": {"rate": 0.5, "exclude": []}}},
    "clipping": {"training": BASE["training"] | {"gradient_clipping": {"by": "norm", "threshold": 0.01}}},
    "classes": {"training": BASE["training"] | {"class_weights": {0: 1.0, 1: 9.0}}},
    "threshold": {"training": BASE["training"] | {"metrics": [{"name": "precision", "thresholds": 0.9}]}},
    "momentum": {"schedule": "one_cycle"},
    "initializer": {"initializer": "orthogonal"},
}

SHARING = ("seed", "rate", "initializer")
"""Changes that a program takes as arguments or variables."""


def outcome(prepare, run_epochs, recipe, data=(X, Y)):
    from hornbook.engine.evaluation import Evaluator

    prepared = prepare(recipe, data)
    (logs,) = run_epochs(prepared)
    evaluated = Evaluator(prepared.built, prepared.structure())(
        prepared.splits.train.x, prepared.splits.train.y[:, None]
    )
    return logs, evaluated, prepared.built.model.get_weights()


def same(first, second):
    return first[:2] == second[:2] and all((a == b).all() for a, b in zip(first[2], second[2], strict=True))


def test_runs_share_programs_and_give_the_bits_they_give_alone(prepare, run_epochs):
    """Where a program of its own is needed, wrong sharing would give the first run's numbers instead."""
    recipes = {"base": BASE} | {name: BASE | change for name, change in CHANGES.items()} | {"base again": BASE}
    shared = {name: outcome(prepare, run_epochs, recipe) for name, recipe in recipes.items()}
    assert len(programs._CACHE) > 0
    for name in (*SHARING, "base again", "penalty"):
        programs._CACHE.clear()
        assert same(outcome(prepare, run_epochs, recipes[name]), shared[name]), name
    for name in CHANGES:
        assert not same(shared[name], shared["base"]), name


@pytest.mark.parametrize("change", CHANGES)
def test_a_seed_a_rate_or_an_initializer_needs_no_new_program_and_whatever_is_a_constant_of_it_does(prepare, change):
    first, second = (prepare(recipe, (X, Y)).structure() for recipe in (BASE, BASE | CHANGES[change]))
    assert (first == second) == (change in SHARING)


@pytest.mark.parametrize(
    "more", [{}, {"normalization": {"name": "batch_normalization", "input": True}}], ids=["inside", "by batch"]
)
def test_other_data_with_other_statistics_needs_no_new_program(prepare, run_epochs, more):
    recipe = BASE | {"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}} | more
    first, second = (prepare(recipe, (x, Y)).structure() for x in (X, X * 3 + 1))
    assert first == second
    outcomes = []
    for clear in (False, True):
        for x in (X, X * 3 + 1):
            if clear:
                programs._CACHE.clear()
            outcomes.append(outcome(prepare, run_epochs, recipe, (x, Y)))
    assert same(outcomes[0], outcomes[2])
    assert same(outcomes[1], outcomes[3])


def test_another_vocabulary_needs_a_new_program(prepare, run_epochs, generator):
    from hornbook.data import Source

    tokens = generator.integers(0, 5, (32, 6)).astype(np.int32)
    recipe = {"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}, "training": BASE["training"]}
    recipe["model"] = {"name": "rnn", "units": [3], "embedding": 4}
    sources = [Source(tokens * scale, Y, "tokens", vocabulary_size=size) for scale, size in ((1, 5), (10, 50))]
    first = [outcome(prepare, run_epochs, recipe, source) for source in sources]
    programs._CACHE.clear()
    assert same(outcome(prepare, run_epochs, recipe, sources[1]), first[1])


def test_old_programs_are_forgotten(prepare, run_epochs, monkeypatch):
    monkeypatch.setattr(programs, "KEPT", 2)
    programs._CACHE.clear()
    results = [outcome(prepare, run_epochs, BASE | {"seed": seed}) for seed in (1, 2)]
    assert len(programs._CACHE) <= 2
    assert not same(*results)
