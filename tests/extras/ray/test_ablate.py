"""Ablations that a Ray cluster trains find what this process finds, and go on after a process was killed."""

import os
import signal

import pytest
from far import epochs_lines, trains, wait_for

from hornbook.machines.where import Share, Where

pytest.importorskip("ray")


PLAIN = {
    "name": "plain",
    "data": {"name": "digits", "limit": 384},
    "model": {"name": "mlp", "units": [8]},
    "training": {"epochs": 200, "batch_size": 32, "engine": "graph"},
}


@pytest.fixture
def study(tmp_path, tensorflow):
    """A function: where, options → the study and what was said."""
    from hornbook.recipes.language.text import to_yaml
    from hornbook.study.ablate import ablate
    from hornbook.study.factors import parse_factors
    from hornbook.study.plan import make_plan

    def start(name, on=None):
        said = []
        plan = make_plan(to_yaml(PLAIN), (), parse_factors(["activation=tanh"], ()), seeds=2)
        found, _ = ablate(plan, runs=tmp_path / name, on=on, say=said.append)
        return found, said

    return start


def test_cells_and_seeds_are_jobs_whose_process_may_die(tmp_path, cluster, study, meanwhile):
    cluster.add_node(num_cpus=2)

    def act():
        wait_for(lambda: sum(count > 10 for count in epochs_lines(tmp_path / "far")) == 2)
        asked, killed = trains(tmp_path / "far", "plain")
        os.kill(asked, signal.SIGTERM)  # as a machine does that is to end
        os.kill(killed, signal.SIGKILL)

    meanwhile(act)
    where = Where(cluster.address, Share(1.0))
    far, said = study("far", where)
    here, _ = study("here")
    assert sum("its process died (killed or crashed on" in line for line in said) == 1
    for one, other in zip(far.rows, here.rows, strict=True):
        assert (one.group.values, one.group.test) == (other.group.values, other.group.test)
    assert len(list((tmp_path / "far" / "plain").glob("2*"))) == 4, "runs that ended early were gone on with"
    assert not list((tmp_path / "far").glob(".shared-*"))
    _, said = study("far", where)
    assert sum("was there" in line for line in said) == 4
