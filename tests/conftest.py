"""Shared by all tests: TensorFlow without its messages, Keras's files in a temporary folder, and short ways to a model."""

import contextlib
import functools
import gc
import io
import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp(prefix="keras-home-"))
os.environ["HORNBOOK_CACHE"] = tempfile.mkdtemp(prefix="hornbook-cache-")
DATA = Path(__file__).parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("HORNBOOK_DATA", str(DATA))
sys.path.append(str(Path(__file__).parent))  # for warm.py and pictures.py
SHELVES = Path("/dev/shm")
"""Memory that looks like a folder: Hornbook waits for the disk after each file of a run, which says nothing in a test."""
if "PYTEST_DEBUG_TEMPROOT" not in os.environ and SHELVES.is_dir() and shutil.disk_usage(SHELVES).free > 2**31:
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(SHELVES)
PROCESS = 30
"""How many tests of training take as long as one of processes, roughly; those of neither take no time."""
PROCESSES = {"warm", "process", "python"}
"""Fixtures that start processes."""


BY_PARAMETER = {"configs/test_agreement.py", "configs/test_contract.py", "docs/test_snippets.py", "resume/test_kill.py"}
"""Files in which only tests with the same parameter share something: a recipe, a page, a kind of run."""
SAME_PROGRAMS = {"schedule_performance", "sweep_bayesian", "sweep_grid"}
"""Shipped recipes that have the compiled programs of one more, with which a process has to trace them once."""
TOGETHER = {"packaging"}
"""Folders whose files share what takes long: a wheel, and the process that it trains in."""


def group_of(nodeid):
    """Return the name of the tests that one process has to run: a file, what has a parameter in such files, or a folder."""
    file, _, test = nodeid.removeprefix("tests/").partition("::")
    parameter = test.partition("[")[2]
    if parameter.rstrip("]") in SAME_PROGRAMS:
        parameter = "schedule_cosine_restarts]"
    if Path(file).parts[0] in TOGETHER:
        return Path(file).parts[0]
    return f"{Path(file).parent} [{parameter}" if file in BY_PARAMETER and parameter else file


RECORDING = []
"""Not empty while runs of this process record health, which costs each another program, a sixth of its time."""
SHARED_WARM = []
"""In a process of xdist: the folder of the warm process that all of them share."""


def pytest_addoption(parser):
    """Add what `make test-extras` needs."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")
    parser.addoption("--whole", action="store_true", help="only the tests marked `whole`, which are left out otherwise")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Fail what would be skipped, where nothing may be."""
    return failed_if_skipped((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Fail a file that would be skipped as a whole."""
    return failed_if_skipped((yield), collector.config)


def failed_if_skipped(report, config):
    """Return a report whose skip is a failure where nothing may be skipped."""
    if report.skipped and config.option.no_skips and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr[2]}"
    return report


def pytest_configure(config):
    """Let xdist keep the order below; by default it begins with the groups that have many tests, which are short."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    if hasattr(config, "workerinput"):
        SHARED_WARM.append(Path(config.workerinput["warm"]))
    elif getattr(config.option, "numprocesses", None):
        from warm import Warm

        config.warm = Warm()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """Tell a process of xdist where the shared warm process is."""
    node.workerinput["warm"] = str(node.config.warm.folder)


def pytest_unconfigure(config):
    """End the shared warm process."""
    if hasattr(config, "warm"):
        config.warm.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give processes one group after the other. xdist has marks for groups, which pytest 9.2 does not let through."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log)


def pytest_collection_modifyitems(config, items):
    """Leave out the tests marked `whole`, or all others.

    Begin with the groups that take long: a process that gets one last would work on while the others are idle.
    """
    others = [item for item in items if (item.get_closest_marker("whole") is None) == config.option.whole]
    if others:
        config.hook.pytest_deselected(items=others)
        left_out = {*others}
        items[:] = [item for item in items if item not in left_out]
    weights = Counter()
    for item in items:
        weights[group_of(item.nodeid)] += (
            PROCESS if PROCESSES & {*item.fixturenames} else "tensorflow" in item.fixturenames
        )
    items.sort(key=lambda item: (-weights[group_of(item.nodeid)], group_of(item.nodeid)))


def pytest_collection_finish():
    """Spare the garbage collector what was imported, which lives to the end, and call it less often: a tenth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


class Outcome(NamedTuple):
    """What a command left: exit code, result, messages."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def hornbook_command(monkeypatch):
    """A function that runs `hornbook …` in this process, the way the installed script does."""
    import hornbook.cli

    def run(line: str, *, stdin: str = "", on_terminal: bool = False) -> Outcome:
        out, err = (Terminal(), Terminal()) if on_terminal else (io.StringIO(), io.StringIO())
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                hornbook.cli.main()
            except SystemExit as end:
                code = end.code or 0
        return Outcome(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def outcome():
    """What commands leave: code, out, err."""
    return Outcome


@pytest.fixture(scope="session")
def warm():
    """Executables that start without importing TensorFlow each time; see warm.py for what they are not good for."""
    from warm import Warm

    started = Warm(*SHARED_WARM)
    started.wait()
    yield started
    started.close()


@pytest.fixture
def generator():
    """A random generator of the test's own: what ran before changes nothing."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tensorflow():
    """TensorFlow, imported the way the commands do."""
    from hornbook import startup

    startup.import_tensorflow()
    import tensorflow as tf
    from sklearn import datasets

    from hornbook.inference import timing
    from hornbook.trainer import train as training

    timing.SECONDS = 0.0  # five calls are enough to have times
    recorders = training.health_of
    training.health_of = lambda run, session: recorders(run, session) if RECORDING else []
    datasets.load_digits = functools.cache(lambda load=datasets.load_digits: unwritable(load()))
    return tf


def unwritable(bunch):
    """Return a data set that all tests of a process may share: 10 ms of parsing text for each of hundreds of runs."""
    for values in (bunch.images, bunch.target):
        values.flags.writeable = False
    return bunch


@pytest.fixture(scope="module")
def health(tensorflow):
    """Let the runs of a module record what their layers do, as all runs do outside of the tests."""
    RECORDING.append(True)
    yield
    RECORDING.clear()


@pytest.fixture(scope="session")
def prepare(tensorflow):
    """A function: a recipe as a mapping (data: `arrays` unless it says otherwise), and arrays → a run before its start."""
    from hornbook import load_recipe
    from hornbook.trainer.prepare import prepare as prepare_recipe

    def make(recipe, data=None):
        tree = {"model": {"name": "mlp", "units": [4]}, **recipe}
        tree.setdefault("data", {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}})
        return prepare_recipe(load_recipe(tree), data)

    return make


@pytest.fixture(scope="session")
def run_epochs(tensorflow):
    """A function that trains a prepared run with its engine, without a run directory, and returns each epoch's logs."""
    from hornbook.builder.randomness import permutation
    from hornbook.engine.engine import EpochPlan
    from hornbook.engine.loops import make_loop

    def run(prepared, epochs=1, *, chunk=1000, loop=None, first=0, on_chunk=lambda done: False):
        loop = loop or make_loop(prepared.setup())
        logs = []
        for epoch in range(first, first + epochs):
            rates, momenta = prepared.table.epoch(epoch)
            order = permutation(prepared.recipe.seed, epoch, len(prepared.splits.train))
            plan = EpochPlan(order, rates, momenta, epoch * loop.batches, prepared.table.amounts_of(epoch))
            loop.train_epoch(plan, iter(lambda: chunk, None), on_chunk)
            logs.append(loop.logs())
        return logs

    return run
