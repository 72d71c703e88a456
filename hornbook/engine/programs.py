"""Compiled programs, shared by all runs of one structure within a process.

Tracing and compiling takes 1-3 s, so a second run of the same structure (another seed, rate, schedule or length) reuses
the program. Weights, optimizer slots and metrics are variables that a program captures; another run calls it with its own
in their places, which TensorFlow allows for equal shapes and types. Data, order and rates are arguments.

Those that were not used for longest are forgotten. TensorFlow keeps what it compiled for them, and can be made to forget
everything or nothing: it forgets everything once for several of them, before a run calls its first program.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from hornbook.engine.turns import aside
from hornbook.upstream import call_with_captures, forget_compiled, forgettable

__all__ = ["Programs"]

KEPT = 32
KEPT_BY_TENSORFLOW = 16  # forgotten programs of which TensorFlow still has what it compiled
_CACHE: OrderedDict[tuple[Any, ...], "_Program"] = OrderedDict()
_FORGOTTEN: list[tuple[Any, ...]] = []


class _Program:
    """A traced function and where each of its captures comes from."""

    def __init__(self, function: Any, externals: list[Any]) -> None:
        self.function = function
        places = {id(external): place for place, external in enumerate(externals)}
        self.places = [places.get(id(capture)) for capture in function.captured_inputs]
        self.constants = list(function.captured_inputs)
        pairs = zip(self.constants, self.places, strict=True)
        self.captures_more = any(place is None and item.dtype == tf.resource for item, place in pairs)

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
        if len(_FORGOTTEN) >= KEPT_BY_TENSORFLOW and forget_compiled():
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
        skipped = 1 if any_length else 0
        shapes = tuple((tuple(argument.shape[skipped:]), argument.dtype.name) for argument in arguments)
        keys: list[tuple[Any, ...]] = [(whose, jit, name, shapes) for whose in (self.structure, self.owner)]
        key = next((key for key in keys if key in _CACHE), None)
        if key is None:
            traced = tf.function(function, jit_compile=jit, autograph=False)
            free = [None] * skipped
            specs = [tf.TensorSpec([*free, *argument.shape[skipped:]], argument.dtype) for argument in arguments]
            with forgettable():
                program = _Program(traced.get_concrete_function(*specs), self.externals)
            key = keys[program.captures_more]  # something of this run alone: no other run may use it
            _CACHE[key] = program
            while len(_CACHE) > KEPT:
                _FORGOTTEN.append(_CACHE.popitem(last=False)[0])
        else:
            program = _CACHE[key]
            _CACHE.move_to_end(key)
        captures = program.captures(self.externals)
        with aside():
            return call_with_captures(program.function, arguments, captures)
