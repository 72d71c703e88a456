"""How many runs fit onto machines, and what each gets where nobody says it."""

import pytest

from hornbook.machines.where import Share, Where


class Ray:
    """Stands for Ray's module: machines by their CPUs and GPUs."""

    def __init__(self, *machines):
        self.machines = machines

    def nodes(self):
        """Return them as Ray does; the last one is dead."""
        return [{"Alive": True, "Resources": dict(zip(("CPU", "GPU"), one, strict=False))} for one in self.machines] + [
            {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
        ]


@pytest.mark.parametrize(
    ("share", "machines", "room"),
    [
        (Share(2.0), [(4.0,), (3.0,), (1.0,)], 3),
        (Share(1.0, 0.25), [(8.0, 1.0), (8.0,)], 4),
        (Share(0.1), [(0.3,)], 3),
        (Share(4.0), [], 0),
    ],
)
def test_room_is_counted_machine_by_machine(share, machines, room, tensorflow):
    from hornbook.machines.cluster import Cluster

    assert Cluster(Ray(*machines), share, threads=2).room() == room


@pytest.mark.parametrize(
    ("machines", "at_once", "where", "share"),
    [
        ([(8.0,), (8.0,)], 1, Where(), Share(8.0)),  # convolutions fill all cores
        ([(8.0,), (8.0,)], 8, Where(), Share(1.0)),
        ([(2.0,), (4.0,)], 1, Where(), Share(4.0)),  # no machine has as many as this one
        ([(8.0, 2.0)], 8, Where(), Share(1.0, 1.0)),
        ([(8.0, 2.0)], 8, Where(has_gpus=False), Share(1.0)),
        ([], 2, Where(), Share(4.0)),  # machines are still to come
        ([(8.0, 2.0)], 8, Where(share=Share(2.0, 0.5)), Share(2.0, 0.5)),
    ],
)
def test_a_run_gets_a_gpu_or_the_cores_it_can_use(machines, at_once, where, share, monkeypatch, tensorflow):
    from hornbook.machines import cluster

    monkeypatch.setattr(cluster, "num_threads", lambda: 8)
    ray = Ray(*machines)
    assert cluster.share_of(ray, where, at_once=at_once) == cluster.Cluster(ray, share, threads=8)


def test_what_there_is_in_words(tensorflow):
    from hornbook.machines.cluster import Cluster

    assert Cluster(Ray((8.0, 1.0), (4.0,)), Share(1.0), 2).text() == "2 machines with 12 CPUs and 1 GPU"
    assert Cluster(Ray((0.0,)), Share(1.0), 2).text() == "1 machine with no CPUs"
