"""Sweeps that a Ray cluster trains: machines come and go, processes are killed, and the bits are those of one machine."""

import json
import os
import signal

import pytest
from far import ends, epochs_of, events, left_by, trains, wait_for

from hornbook.errors import DataError
from hornbook.machines.where import Share, Where

pytest.importorskip("ray")


@pytest.fixture
def run(tmp_path, cluster, recipe_of, notes):
    """A function: keys of `sweep`, options → the result of a sweep on the cluster."""
    from hornbook.sweep.sweep import sweep

    def start(keys=None, *, share=None, sections=None, **options):
        where = Where(cluster.address, share)
        return sweep(recipe_of(keys, **(sections or {})), runs=tmp_path / "far", on=where, view=notes, **options)

    return start


@pytest.fixture
def alone(tmp_path, tensorflow, recipe_of):
    """A function: keys of `sweep` → the result of a sweep in this process."""
    from hornbook.sweep.sweep import sweep

    def start(keys=None, *, sections=None, **options):
        return sweep(recipe_of(keys, **(sections or {})), runs=tmp_path / "here", **options)

    return start


def test_machines_that_come_and_go_leave_the_bits_that_one_machine_leaves(
    tmp_path, cluster, run, alone, notes, meanwhile, tensorflow
):
    def act():
        wait_for(lambda: any("no machine has room yet for a run, which takes 1 CPU" in text for text in notes.texts))
        first = cluster.add_node(num_cpus=1)
        (process,) = wait_for(
            lambda: trains(tmp_path / "far", "trial-001") if epochs_of(tmp_path / "far", 1) > 20 else None
        )
        os.kill(first.all_processes["raylet"][0].process.pid, signal.SIGSTOP)  # or it would tell how the process died
        os.kill(process, signal.SIGKILL)
        cluster.remove_node(first, allow_graceful=False)
        cluster.add_node(num_cpus=2)
        (process,) = wait_for(
            lambda: trains(tmp_path / "far", "trial-002") if epochs_of(tmp_path / "far", 2) > 20 else None
        )
        os.kill(process, signal.SIGKILL)

    meanwhile(act)
    keys = {"confirm": 1}
    result = run(keys, share=Share(1.0))
    expected = alone(keys)
    assert result.state == "finished"
    deaths = [text.split(" on ")[0] for text in notes.texts if "its process died" in text]
    assert deaths == ["trial 1: its process died (its machine is gone", "trial 2: its process died (killed or crashed"]
    assert ends(result.folder) == ends(expected.folder)
    assert left_by(result.folder) == left_by(expected.folder)
    assert (result.best, result.confirmed) == (expected.best, expected.confirmed)
    assert any(name == "trial-002" and text.startswith("epoch ") for name, text in notes.states)
    threads = {
        json.loads(path.read_text())["threads"] for path in tmp_path.glob("*/few/sweep-*/*/*/2*/environment.json")
    }
    assert len(threads) == 1, "TensorFlow has as many threads on every machine"


def test_a_trial_whose_processes_die_again_and_again_is_a_row_with_its_reason(tmp_path, cluster, run, meanwhile):
    cluster.add_node(num_cpus=1)

    def act():
        for _ in range(2):
            (process,) = wait_for(lambda: trains(tmp_path / "far", "trial-001"))
            os.kill(process, signal.SIGKILL)
            wait_for(lambda known=process: known not in trains(tmp_path / "far", "trial-001"))

    meanwhile(act)
    result = run(parallel=1)
    outcomes = ends(result.folder)
    assert outcomes[0]["state"] == "failed"
    assert outcomes[0]["reason"].startswith("its process died 2 times (killed or crashed on ")
    assert outcomes[1]["state"] == "finished"


def test_machines_that_are_stopped_do_not_count_against_a_trial(tmp_path, cluster, run, notes, meanwhile):
    def act():
        for epochs in (10, 30, 50):
            node = cluster.add_node(num_cpus=1)
            wait_for(lambda epochs=epochs: epochs_of(tmp_path / "far", 1) > epochs)
            cluster.remove_node(node, allow_graceful=True)
        cluster.add_node(num_cpus=1)

    meanwhile(act)
    result = run({"max_trials": 1}, share=Share(1.0))
    assert ends(result.folder)[0]["state"] == "finished"
    assert sum("trial 1: its process died (its machine " in text for text in notes.texts) == 3


def test_a_tuner_that_learns_proposes_what_it_proposes_here_with_as_many_at_once_also_on_parts_of_a_gpu(
    tmp_path, cluster, run, alone, notes, meanwhile
):
    cluster.add_node(num_cpus=2, num_gpus=1)
    meanwhile(lambda: wait_for(lambda: trains(tmp_path / "far", "trial-001") and trains(tmp_path / "far", "trial-002")))
    keys = {"tuner": {"name": "bayesian", "num_initial_points": 2}, "max_trials": 3}
    far = run(keys, parallel=2, share=Share(1.0, 0.5))
    assert notes.texts[0].endswith("1 GPU; a trial takes 1 CPU and 0.5 GPUs")
    assert events(far.folder) == events(alone(keys, parallel=2).folder)


def test_data_that_is_another_on_a_machine_ends_the_sweep_and_names_the_machine(tmp_path, cluster, run, notes):
    cluster.add_node(num_cpus=1)
    path = tmp_path / "data.csv"
    path.write_text("a,b,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(200)))

    def change(*arguments, **options):
        path.write_text("a,b,y\n" + "".join(f"{n},{n % 5},{n % 2}\n" for n in range(200)))

    notes.start = change
    data = {"name": "table", "path": str(path), "target": "y"}
    with pytest.raises(DataError, match=r"^\S+: the data is another than where the command runs \(fingerprint"):
        run(sections={"data": data, "task": "binary"})
