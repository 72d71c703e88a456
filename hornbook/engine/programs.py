"""Compiled programs, shared by all runs of one structure within a process.

Tracing and compiling takes 1-3 s, so a second run of the same structure (another seed, rate, schedule or length) reuses
the program. Weights, optimizer slots and metrics are variables that a program captures; another run calls it with its own
in their places, which TensorFlow allows for equal shapes and types. Data, order and rates are arguments.

Those that were not used for longest are forgotten. TensorFlow keeps what it compiled for them, and can be made to forget
everything or nothing: it forgets everything once for several of them, before a run calls its first program.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from hornbook.engine.turns import aside, in_turns
from hornbook.upstream import call_with_captures, forget_compiled, forgettable, stand_ins

__all__ = ["Programs"]

KEPT = 32
KEPT_BY_TENSORFLOW = 16  # forgotten programs of which TensorFlow still has what it compiled
MOST_STAND_IN_BYTES = 2**26
_CACHE: OrderedDict[tuple[Any, ...], "_Program"] = OrderedDict()
_FORGOTTEN: list[tuple[Any, ...]] = []


class _Program:
    """A traced function and where each of its captures comes from.

    Attributes:
        readying: What ends once TensorFlow has compiled it, where that goes on beside something else.
    """

    def __init__(self, function: Any, externals: list[Any]) -> None:
        self.function = function
        self.readying: Future[Any] | None = None
        places = {id(external): place for place, external in enumerate(externals)}
        self.places = [places.get(id(capture)) for capture in function.captured_inputs]
        self.constants = list(function.captured_inputs)
        pairs = zip(self.constants, self.places, strict=True)
        self.captures_more = any(place is None and item.dtype == tf.resource for item, place in pairs)

    def wait(self) -> None:
        """Wait until it is compiled, where that goes on; what went wrong there goes wrong in the call, where it is told."""
        readying, self.readying = self.readying, None
        if readying is not None:
            readying.exception()

    def captures(self, externals: list[Any]) -> list[Any]:
        """Return what the function captures, of the run that has these externals."""
        return [
            constant if place is None else externals[place]
            for place, constant in zip(self.places, self.constants, strict=True)
        ]


class Programs:
    """The programs of one run.

    Args:
        structure: What makes programs interchangeable, or None to share nothing.
        externals: What differs between runs: handles of variables, and tensors, in a fixed order.
    """

    _owners = 0

    def __init__(self, structure: str | None, externals: list[Any]) -> None:
        Programs._owners += 1
        self.owner = Programs._owners
        self.structure = structure if structure is not None else f"run {self.owner}"
        self.externals = externals
        if len(_FORGOTTEN) >= KEPT_BY_TENSORFLOW:
            for program in _CACHE.values():
                program.wait()  # TensorFlow must not forget what is being compiled
            if forget_compiled():
                _FORGOTTEN.clear()

    def call(
        self, name: str, function: Callable[..., Any], *arguments: Any, jit: bool = False, any_length: bool = False
    ) -> Any:
        """Call a function of tensors, compiled once per structure, name and shapes of the arguments.

        Args:
            name: What the function is called within the structure.
            function: Takes and returns tensors.
            arguments: The tensors.
            jit: Whether XLA compiles it.
            any_length: Whether one program serves all sizes of the first axis.
        """
        program, _ = self._find(name, function, arguments, jit=jit, any_length=any_length)
        captures = program.captures(self.externals)
        with aside():
            program.wait()
            return call_with_captures(program.function, arguments, captures)

    def make_ready(
        self, name: str, function: Callable[..., Any], *arguments: Any, jit: bool = False, any_length: bool = False
    ) -> None:
        """Trace a function that will be called, and have it compiled in a thread of its own beside what follows.

        TensorFlow compiles what is called, so it is called, on variables that stand in for the run's. Where they would take
        much memory, where the function captures more than the run's variables, and beside other runs, which have the cores
        to do, it is compiled when it is needed.

        Args:
            name, function, jit, any_length: As `call` takes them.
            arguments: Tensors with the shapes of those that it will be called on, for which it has little to do.
        """
        if in_turns():
            return
        program, is_new = self._find(name, function, arguments, jit=jit, any_length=any_length)
        externals = None if program.captures_more or not is_new else stand_ins(self.externals, MOST_STAND_IN_BYTES)
        if externals is not None:
            captures = program.captures(externals)
            thread = ThreadPoolExecutor(1, "hornbook compiles")
            program.readying = thread.submit(call_with_captures, program.function, arguments, captures)
            thread.shutdown(wait=False)

    def _find(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], *, jit: bool, any_length: bool
    ) -> tuple[_Program, bool]:
        """Return the program of a call, and whether it is a new one."""
        skipped = 1 if any_length else 0
        shapes = tuple((tuple(argument.shape[skipped:]), argument.dtype.name) for argument in arguments)
        keys: list[tuple[Any, ...]] = [(whose, jit, name, shapes) for whose in (self.structure, self.owner)]
        key = next((key for key in keys if key in _CACHE), None)
        if key is not None:
            _CACHE.move_to_end(key)
            return _CACHE[key], False
        traced = tf.function(function, jit_compile=jit, autograph=False)
        free = [None] * skipped
        specs = [tf.TensorSpec([*free, *argument.shape[skipped:]], argument.dtype) for argument in arguments]
        with forgettable():
            program = _Program(traced.get_concrete_function(*specs), self.externals)
        _CACHE[keys[program.captures_more]] = program  # something of this run alone: no other run may use it
        while len(_CACHE) > KEPT:
            key, forgotten = _CACHE.popitem(last=False)
            forgotten.wait()
            _FORGOTTEN.append(key)
        return program, True
