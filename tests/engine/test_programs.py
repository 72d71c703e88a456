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
    "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.01, "weight_decay": 0.01},
    "training": {"epochs": 1, "batch_size": 8, "engine": "graph"},
}
CHANGES = {
    "seed": {"seed": 2},
    "rate": {"optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.05, "weight_decay": 0.01}},
    "dropout": {"regularization": {"dropout": 0.5, "l2": 0.01}},
    "penalty": {"regularization": {"dropout": 0.2, "l2": 0.5}},
    "decay": {
        "optimizer": {
            "name": "sgd",
            "momentum": 0.9,
            "learning_rate": 0.01,
            "weight_decay": {"rate": 0.5, "exclude": []},
        }
    },
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


@pytest.fixture(autouse=True)
def no_programs():
    """No program of an earlier test."""
    programs._CACHE.clear()


def test_runs_share_programs_and_give_the_bits_they_give_alone(prepare, run_epochs):
    """Where a program of its own is needed, wrong sharing would give the first run's numbers instead."""
    changes = [CHANGES[name] for name in SHARING]
    recipes = {"base": BASE, "penalty": BASE | CHANGES["penalty"]}
    recipes |= {name: BASE | CHANGES[name] for name in SHARING}
    recipes |= {"all that share": BASE | changes[0] | changes[1] | changes[2], "base again": BASE}
    shared = {name: outcome(prepare, run_epochs, recipe) for name, recipe in recipes.items()}
    assert len(programs._CACHE) == 4  # two structures train and are evaluated
    assert same(shared["base again"], shared["base"])
    for name in ("all that share", "penalty"):
        programs._CACHE.clear()
        assert same(outcome(prepare, run_epochs, recipes[name]), shared[name]), name
    for name in recipes.keys() - {"base", "base again"}:
        assert not same(shared[name], shared["base"]), name


@pytest.fixture(scope="module")
def base_structure(prepare):
    return prepare(BASE, (X, Y)).structure()


@pytest.mark.parametrize("change", CHANGES)
def test_a_seed_a_rate_or_an_initializer_needs_no_new_program_and_whatever_is_a_constant_of_it_does(
    prepare, base_structure, change
):
    assert (prepare(BASE | CHANGES[change], (X, Y)).structure() == base_structure) == (change in SHARING)


@pytest.mark.parametrize(
    "more", [{}, {"normalization": {"name": "batch_normalization", "input": True}}], ids=["inside", "by batch"]
)
def test_other_data_with_other_statistics_needs_no_new_program(prepare, run_epochs, more):
    recipe = BASE | {"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}} | more
    first, second = (prepare(recipe, (x, Y)).structure() for x in (X, X * 3 + 1))
    assert first == second
    outcomes = [outcome(prepare, run_epochs, recipe, (x, Y)) for x in (X, X * 3 + 1)]
    programs._CACHE.clear()
    other, one = (outcome(prepare, run_epochs, recipe, (x, Y)) for x in (X * 3 + 1, X))
    assert same(outcomes[0], one)
    assert same(outcomes[1], other)


def test_another_vocabulary_needs_a_new_program(prepare, generator):
    from hornbook.data import Source

    tokens = generator.integers(0, 5, (32, 6)).astype(np.int32)
    recipe = {"data": {"name": "arrays", "split": {"validation": 0, "test": 0}}, "training": BASE["training"]}
    recipe["model"] = {"name": "rnn", "units": [3], "embedding": 4}
    sources = [Source(tokens * scale, Y, "tokens", vocabulary_size=size) for scale, size in ((1, 5), (10, 50))]
    first, second = (prepare(recipe, source).structure() for source in sources)
    assert first != second


def test_old_programs_are_forgotten(prepare, run_epochs, monkeypatch):
    monkeypatch.setattr(programs, "KEPT", 1)
    recipe = {"optimizer": "sgd", "training": BASE["training"]}
    first = outcome(prepare, run_epochs, recipe)
    assert len(programs._CACHE) == 1  # evaluation's; that of training is traced again
    assert same(outcome(prepare, run_epochs, recipe), first)


def test_a_program_that_is_made_ready_changes_nothing_of_the_run_and_fails_only_where_it_is_called(tensorflow):
    weight, other = tensorflow.Variable([1.0]), tensorflow.Variable([1.0])
    one = tensorflow.ones(1)

    def of_the_run(amount):
        with tensorflow.control_dependencies([tensorflow.debugging.assert_positive(weight)]):  # what stands in is zero
            return weight.assign_add(amount).read_value()

    def of_more(amount):
        other.assign_add(amount)
        return weight.read_value()

    run = programs.Programs("made ready", [weight.handle])
    for name, function in (("run", of_the_run), ("more", of_more)):
        run.make_ready(name, function, one)
    assert all(program.readying is None or program.readying.exception() for program in programs._CACHE.values())
    assert (weight.numpy(), other.numpy()) == (1, 1)
    assert run.call("run", of_the_run, one).numpy() == weight.numpy() == 2
    assert run.call("more", of_more, one).numpy() == other.numpy() == 2
    assert len(programs._CACHE) == 2, "what was made ready is what is called"


def test_a_run_whose_programs_are_made_ready_leaves_the_bits_of_one_whose_are_not(tmp_path, monkeypatch, tensorflow):
    import hornbook

    recipe = {**BASE, "data": "arrays", "model": {"name": "mlp", "units": [5]}, "initializer": "he_normal"}
    recipe["training"] = {**BASE["training"], "epochs": 2, "batch_size": 5, "engine": "xla"}

    def left():
        programs._CACHE.clear()
        result = hornbook.train(recipe, data=(X, Y), runs=tmp_path)
        figures = [(row["loss"], row["val_loss"]) for row in result.history]
        return figures, result.test, result.model.get_weights()

    made_ready = left()
    assert {key[-2].split()[0] for key in programs._CACHE} >= {"chunk", "rest", "evaluate"}
    monkeypatch.setattr(programs, "in_turns", lambda: True)
    assert same(left(), made_ready)
