"""Compiled programs shared within a process: compiled once per structure, and never a bit or a weight of another run's."""

import gc
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hornbook.builder.inputs import STANDARDIZE
from hornbook.engine import programs

ROOT = Path(__file__).parents[2]
FIRST = {
    "seed": 1,
    "regularization": {"dropout": 0.2},
    "normalization": "batch_normalization",
    "training": {"epochs": 2, "gradient_clipping": {"by": "norm", "threshold": 1.0}},
}
SECOND = FIRST | {
    "seed": 2,
    "name": "few",
    "optimizer": {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9},
    "schedule": {"name": "cosine", "warmup": "10%"},
    "training": FIRST["training"] | {"epochs": 3, "early_stopping": {"patience": 9}},
}


@pytest.fixture
def compiled(monkeypatch):
    """The names of the programs that were compiled since the test began."""
    names, build = [], programs._Program

    def counting(function, externals):
        names.append(function.name)
        return build(function, externals)

    monkeypatch.setattr(programs, "_Program", counting)
    return names


@pytest.mark.parametrize(
    ("engine", "limit", "count"),
    [("graph", 200, 3), ("xla", 224, 2)],  # chunks and evaluation; with 200 examples the last batch
    ids=["graph", "xla"],
)
def test_runs_that_differ_in_numbers_alone_are_compiled_once(train, compiled, engine, limit, count):
    programs._CACHE.clear()
    data = {"data": {"name": "digits", "limit": limit, "split": {"validation": 40, "test": 40}}}
    train(FIRST | data | {"training": FIRST["training"] | {"engine": engine}})
    assert len(compiled) == count
    for _ in range(2):
        train(SECOND | data | {"training": SECOND["training"] | {"engine": engine}})
    assert len(compiled) == count


def test_a_table_s_seeds_and_folds_with_their_own_means_and_late_metrics_are_compiled_once(train, compiled):
    """Of a column of numbers and the metric that Keras builds at its first update."""
    data = {"name": "regression", "examples": 96, "standardize": True}
    training = {"epochs": 1, "metrics": ["r2_score"]}
    tree = FIRST | {"optimizer": {"name": "sgd", "learning_rate": 0.001}, "training": training}
    folds = [{"data": data | {"split": {"folds": 3, "fold": fold, "validation": 0}}} for fold in (0, 1)]
    first = train(tree | folds[0])
    count = len(compiled)
    assert count
    train(tree | folds[0] | {"seed": 2})
    second = train(tree | folds[1])
    assert len(compiled) == count
    means = [np.asarray(result.model.get_layer(STANDARDIZE).mean) for result in (first, second)]
    assert (means[0] != means[1]).any()


def test_a_resumed_run_needs_no_new_program(interrupted, resume, compiled):
    run = interrupted(FIRST, at=(1, 2)).run
    count = len(compiled)
    resume(run)
    assert len(compiled) == count


def test_the_first_runs_model_is_left_alone_by_the_second(train):
    first = train(FIRST)
    x = np.arange(128.0, dtype=np.float32).reshape(2, 8, 8, 1) % 17
    weights, scores = first.model.get_weights(), first.model.predict(x, verbose=0)
    slots = [variable.numpy() for variable in first.model.optimizer.variables]
    second = train(SECOND)
    assert all((a == b).all() for a, b in zip(first.model.get_weights(), weights, strict=True))
    assert all((a.numpy() == b).all() for a, b in zip(first.model.optimizer.variables, slots, strict=True))
    assert (first.model.predict(x, verbose=0) == scores).all()
    assert (second.model.predict(x, verbose=0) != scores).any()


FRESH = """
import json, os, sys
sys.path.insert(0, "tests")
from hornbook import startup
startup.import_tensorflow()
import hornbook.trainer.train as trainer
from hornbook.recipes.load import load_recipe
from soak import CLOCK, child

recipes = json.loads(sys.argv[1])
folder = sys.argv[2]

def digests(names, into):
    found = {}
    for name in names:
        result = trainer.train(load_recipe(recipes[name]), runs=f"{folder}/{into}-{name}")
        rows = [{key: value for key, value in row.items() if key not in CLOCK} for row in result.history]
        found[name] = [rows, result.test, [weight.tobytes().hex() for weight in result.model.get_weights()]]
    with open(f"{folder}/{into}.json", "w") as file:
        json.dump(found, file)

names = list(recipes)
for names, into in [*(([name], name) for name in names[1:]), (names, "together")]:
    _, status = os.waitpid(child(lambda: digests(names, into)), 0)
    assert status == 0, into
"""


@pytest.mark.whole
def test_runs_in_one_process_equal_those_in_processes_of_their_own(tmp_path, warm):
    """One structure twice, then others that differ in a constant of the program; XLA and graph."""
    data = {"name": "digits", "limit": 96, "split": {"validation": 20, "test": 20}}  # 3 batches of 32
    small = {"data": data, "model": {"name": "mlp", "units": [8]}}
    graph = {"training": SECOND["training"] | {"engine": "graph"}, "health": "off"}
    recipes = {
        "first": small | FIRST,  # nothing was in the process before it
        "second": small | SECOND,
        "cycled momentum": small | SECOND | graph | {"schedule": "one_cycle"},
        "graph": small | SECOND | graph,
    }
    command = [warm.python, "-c", FRESH, json.dumps(recipes), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    together = json.loads((tmp_path / "together.json").read_text())
    for name in [*recipes][1:]:
        alone = json.loads((tmp_path / f"{name}.json").read_text())
        assert together[name] == alone[name], name
    assert len({repr(part) for part in together.values()}) == len(recipes)


CHANGES = {
    "dropout": {"regularization": {"dropout": 0.3}},
    "penalty": {"regularization": {"dropout": 0.2, "l2": 0.001}},
    "batch size": {"training": {"batch_size": 16}},
    "class weights": {"training": {"class_weights": {0: 2.0}}},
    "metrics": {"training": {"metrics": ["accuracy", "top_k_accuracy"]}},
    "clipping": {"training": {"gradient_clipping": {"by": "norm", "threshold": 2.0}}},
    "precision": {"training": {"precision": "mixed_bfloat16"}},
    "augmentation": {"data": {"name": "digits", "limit": 200, "augmentation": {"noise": 0.1}}},
    "mixing": {"data": {"name": "digits", "limit": 200, "augmentation": {"mixup": 0.2}}},
    "standardization": {"data": {"name": "digits", "limit": 200, "standardize": True}},
    "momentum": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.8}},
    "nesterov": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True}},
    "weight decay": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1}},
    "accumulation": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "accumulation": 2}},
    "averages": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "ema": {"momentum": 0.9}}},
    "moving momentum": {"schedule": "one_cycle"},
    "activation": {"activation": "elu"},
    "epsilon": {"normalization": {"name": "batch_normalization", "epsilon": 0.1}},
}


def test_whatever_a_program_holds_as_a_constant_makes_another_structure(recipe_of, tensorflow):
    from hornbook.trainer.prepare import prepare

    plain = {"normalization": "batch_normalization", "regularization": {"dropout": 0.2}, "training": {}}
    data = {"data": {"name": "digits", "limit": 200}}
    structures = {"plain": prepare(recipe_of(plain | data)).structure()}
    for name, change in CHANGES.items():
        structures[name] = prepare(recipe_of(plain | data | change)).structure()
    assert len(set(structures.values())) == len(structures), structures
    assert prepare(recipe_of(plain | data | {"seed": 5})).structure() == structures["plain"]
    others = {"data": {"name": "digits", "limit": 201, "standardize": True}}  # with other means
    assert prepare(recipe_of(plain | others)).structure() == structures["standardization"]


def test_two_runs_may_take_turns_in_the_middle_of_their_epochs(prepare, run_epochs):
    from hornbook.engine.loops import make_loop

    rng = np.random.default_rng(0)
    data = rng.normal(size=(40, 3)).astype(np.float32), rng.integers(0, 2, 40)
    recipe = {"regularization": {"dropout": 0.2}, "training": {"batch_size": 8, "engine": "graph"}}

    def fresh(seed):
        prepared = prepare(recipe | {"seed": seed}, data)
        return prepared, make_loop(prepared.setup())

    def weights(prepared):
        return [weight.tobytes() for weight in prepared.built.model.get_weights()]

    alone = []
    for seed in (1, 2):
        prepared, loop = fresh(seed)
        alone.append((run_epochs(prepared, 3, loop=loop), weights(prepared)))

    (first, loop), (second, other) = fresh(1), fresh(2)
    assert first.structure() == second.structure()
    epochs, logs = iter(range(3)), []

    def let_the_other_train(done):
        for epoch in epochs:
            logs.extend(run_epochs(second, 1, loop=other, first=epoch, chunk=2))
            break
        return False

    mine = run_epochs(first, 3, loop=loop, chunk=2, on_chunk=let_the_other_train)
    assert (mine, weights(first)) == alone[0]
    assert (logs, weights(second)) == alone[1]


@pytest.mark.whole
def test_a_forgotten_program_is_compiled_again(train, alone, compiled, monkeypatch, assert_same):
    expected = alone(FIRST)
    monkeypatch.setattr(programs, "KEPT", 1)
    programs._CACHE.clear()
    before = len(compiled)
    again = train(FIRST)
    assert len(programs._CACHE) == 1
    assert len(compiled) > before
    assert_same(again, expected)


def resident_mb():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_forgotten_programs_leave_no_graph_behind(prepare, run_epochs, monkeypatch):
    """TensorFlow keeps gradients that optimizers and `silu` bring, and the graphs in which they were traced, for ever."""
    from tensorflow.python.framework.func_graph import FuncGraph

    programs._CACHE.clear()
    monkeypatch.setattr(programs, "KEPT", 1)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(32, 3)).astype(np.float32), rng.integers(0, 2, 32)

    def graphs():
        gc.collect()
        return sum(isinstance(found, FuncGraph) for found in gc.get_objects())

    counts = []
    for units in range(2, 7):
        model = {"model": {"name": "mlp", "units": [units]}, "activation": "silu"}
        run_epochs(prepare(model | {"training": {"batch_size": 16, "engine": "graph"}}, data))
        counts.append(graphs())
    assert counts[2:] == counts[1:2] * 3  # those of one program, when what came before is gone


@pytest.mark.whole
def test_memory_does_not_grow_with_the_number_of_runs(prepare, run_epochs):
    rng = np.random.default_rng(0)
    data = rng.normal(size=(4000, 640)).astype(np.float32), rng.integers(0, 2, 4000)  # 10 MB a run
    recipe = {"training": {"batch_size": 100, "engine": "graph"}}

    def run(seed):
        run_epochs(prepare(recipe | {"seed": seed}, data))

    for seed in range(3):
        run(seed)
    before = resident_mb()
    for seed in range(8):
        run(seed)
    assert resident_mb() - before < 50
