"""Real Ray clusters of several nodes on one machine, and sweeps that they train."""

import os
import signal
import threading

import pytest
from far import LONG

SWEEP = {
    "objective": "val_accuracy",
    "space": {"optimizer.learning_rate": {"min": 1e-3, "max": 0.1, "sampling": "log"}},
    "max_trials": 2,
    "keep_best": 2,
    "confirm": 0,
}


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A home of the tests' own: Ray keeps the tokens of its clusters there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@pytest.fixture(scope="session")
def head(home, tensorflow):
    """A cluster with a head that trains nothing, and that soon notices when a machine is gone."""
    from ray.cluster_utils import Cluster

    hasty = {"health_check_period_ms": 1000, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
    options = {"num_cpus": 0, "include_dashboard": False, "_system_config": hasty}
    cluster = Cluster(initialize_head=True, shutdown_at_exit=False, head_node_args=options)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def cluster(head):
    """The cluster; `add_node` and `remove_node` are Ray's, and what a test has added ends with it."""
    yield head
    for node in [*head.worker_nodes]:
        head.remove_node(node, allow_graceful=True)
    head.wait_for_nodes()  # until it is known: a run may still be sent to one that is gone


@pytest.fixture
def recipe_of():
    """A function: keys of `sweep`, and other sections → the checked recipe."""
    from hornbook import load_recipe

    def make(sweep=None, **sections):
        return load_recipe({**LONG, "sweep": {**SWEEP, **(sweep or {})}, **sections})

    return make


@pytest.fixture
def notes():
    """A view of sweeps that keeps what the user is told."""
    from hornbook.sweep.view import View

    class Notes(View):
        def __init__(self):
            self.texts, self.states = [], []

        def note(self, text):
            self.texts.append(text)

        def progress(self, name, text):
            self.states.append((name, text))

    return Notes()


@pytest.fixture
def meanwhile():
    """A function that runs another in a thread; what goes wrong there ends the test with a signal."""
    threads, failures = [], []

    def begin(act):
        def work():
            try:
                act()
            except BaseException as error:
                failures.append(error)
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)

    yield begin
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
