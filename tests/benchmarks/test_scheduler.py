"""The simulation of trials side by side, on cases that can be worked out by hand."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scheduler.py"


@pytest.fixture(scope="module")
def scheduler():
    spec = importlib.util.spec_from_file_location("scheduler", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["scheduler"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scheduler"]


@pytest.fixture
def seconds(scheduler):
    """A function: trials as (structure, pieces of the first, pieces of later ones), a machine → seconds in all."""

    def simulate(trials, *, cores, processes=1, threads=1, slowdown=1.0, parallel_part=0.0, start_s=0.0):
        made = [
            scheduler.Trial(structure, *(tuple(scheduler.Piece(*piece) for piece in pieces) for pieces in both))
            for structure, *both in trials
        ]
        machine = scheduler.Machine(cores, slowdown, parallel_part, start_s)
        return scheduler.simulate(made, machine, processes=processes, threads=threads)

    return simulate


COMPILED = [("turn", 1.0), ("compile", 2.0, 0), ("call", 4.0, 0)]
CALLED = [("turn", 1.0), ("call", 4.0, 0)]
SAME = ("a", COMPILED, CALLED)
OTHER = ("b", COMPILED, CALLED)
TURNS = ("a", [("turn", 3.0)], [("turn", 3.0)])


def test_one_thread_takes_the_sum_and_compiles_each_structure_once(seconds):
    assert seconds([SAME, SAME, OTHER], cores=1, start_s=0.5) == pytest.approx(0.5 + 7 + 5 + 7)


def test_turns_come_one_after_another_on_any_number_of_cores(seconds):
    assert seconds([TURNS] * 4, cores=64, threads=4) == pytest.approx(12)
    assert seconds([TURNS] * 4, cores=64, processes=4) == pytest.approx(3)


def test_programs_run_at_once_and_one_waits_for_a_program_that_another_compiles(seconds):
    # a: turn to 1, compiles to 3, calls to 7; the same: turn to 2, waits to 3, calls to 7
    assert seconds([SAME, SAME], cores=2, threads=2) == pytest.approx(7)
    # another structure: turn from 1 to 2, compiles to 4, calls to 8
    assert seconds([SAME, OTHER], cores=2, threads=2) == pytest.approx(8)


def test_a_process_of_its_own_compiles_for_itself(seconds):
    assert seconds([SAME, SAME], cores=2, processes=2, start_s=0.5) == pytest.approx(7.5)


def test_threads_share_the_cores_that_there_are(seconds):
    # a single core always has something to do, so nothing is lost
    assert seconds([SAME, OTHER], cores=1, threads=2) == pytest.approx(14)
    assert seconds([TURNS] * 4, cores=2, processes=4) == pytest.approx(6)


def test_calls_are_slower_where_others_are_busy(seconds):
    called = ("a", [("compile", 1.0, 0), ("call", 4.0, 0)], [("call", 4.0, 0)])
    # the second waits for the program until 1; then both call at 1/1.25 of their speed
    assert seconds([called, called], cores=2, threads=2, slowdown=1.25) == pytest.approx(1 + 5)
    assert seconds([called, called], cores=2, slowdown=1.25) == pytest.approx(1 + 8)


def test_idle_cores_help_to_compile_by_amdahls_law(seconds):
    compiles = ("a", [("compile", 8.0, 0)], [])
    assert seconds([compiles], cores=1, parallel_part=0.75) == pytest.approx(8)
    assert seconds([compiles], cores=3, parallel_part=0.75) == pytest.approx(8 * (0.25 + 0.75 / 3))
    two = [compiles, ("b", [("compile", 8.0, 0)], [])]
    assert seconds(two, cores=4, threads=2, parallel_part=0.75) == pytest.approx(8 * (0.25 + 0.75 / 2))


def test_a_program_that_nobody_compiles_is_an_error(seconds):
    with pytest.raises(RuntimeError, match="a program that nobody compiles"):
        seconds([("a", [("call", 1.0, 7)], [])], cores=2)
