"""Requests that wait are computed together, in order, and none waits beyond its deadline."""

import asyncio
import threading

import numpy as np
import pytest

from hornbook.serving.batching import Batcher, BusyError, LateError


class Gate:
    """A model that computes only while its gate is open, and remembers its batches."""

    def __init__(self):
        self.open, self.batches = threading.Event(), []

    def __call__(self, rows):
        self.batches.append(len(rows))
        assert self.open.wait(10)
        return rows * 10.0


def rows(first, count=1, width=2):
    return np.full((count, width), first, np.float32)


def run(gate, requests, *, after=lambda: None, **options):
    """Submit requests one after the other while the gate is shut, open it, and return what each became."""
    options = {"most_rows": 4, "most_waiting": 100, "deadline_s": 10, **options}

    async def go():
        batcher = Batcher(gate, **options)
        tasks = []
        for request in requests:
            tasks.append(asyncio.ensure_future(batcher.submit(request)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        after()
        gate.open.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        await batcher.close()
        return answers

    return asyncio.run(go())


def test_a_free_model_begins_at_once_and_takes_all_that_waits_when_it_is_free_again():
    gate = Gate()
    answers = run(gate, [rows(number) for number in range(4)])
    assert gate.batches == [1, 3]
    assert [answer[0, 0] for answer in answers] == [0, 10, 20, 30]


def test_a_batch_has_at_most_so_many_rows_and_a_large_request_is_computed_in_parts():
    gate = Gate()
    answers = run(gate, [rows(1), rows(2, 3), rows(3, 2), rows(4, 9)])
    assert gate.batches == [1, 3, 2, 4, 4, 1]
    assert [len(answer) for answer in answers] == [1, 3, 2, 9]
    assert answers[3].min() == answers[3].max() == 40


def test_rows_of_different_shapes_are_not_put_together():
    gate = Gate()
    answers = run(gate, [rows(1), rows(2, width=3), rows(3, width=5), rows(4, width=5)])
    assert gate.batches == [1, 1, 2]
    assert [answer.shape for answer in answers] == [(1, 2), (1, 3), (1, 5), (1, 5)]


def test_who_waits_beyond_the_deadline_is_told_and_not_computed():
    gate = Gate()
    answers = run(gate, [rows(1), rows(2)], deadline_s=0.01)
    assert [type(answer) for answer in answers] == [LateError, LateError]
    assert gate.batches == [1]


def test_too_many_waiting_rows_are_refused():
    answers = run(Gate(), [rows(1), rows(2, 5), rows(3, 6), rows(4)], most_waiting=6)
    assert [type(answer).__name__ for answer in answers] == ["ndarray", "ndarray", "BusyError", "ndarray"]
    assert BusyError is type(answers[2])


def test_an_error_of_the_model_reaches_all_of_its_batch_and_the_next_batch_is_computed():
    calls = []

    def fail_once(rows):
        calls.append(len(rows))
        if len(calls) == 1:
            raise ArithmeticError("broken")
        return rows

    async def go():
        batcher = Batcher(fail_once, most_rows=4, most_waiting=10, deadline_s=5)
        with pytest.raises(ArithmeticError):
            await batcher.submit(rows(1))
        return await batcher.submit(rows(2))

    assert asyncio.run(go())[0, 0] == 2
