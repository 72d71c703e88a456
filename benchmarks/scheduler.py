"""Simulates trials that are trained side by side: an event at a time, on as many cores as asked for. The standard library alone.

A trial is a list of pieces, each of them one thread's work:

- `turn`: Python's work, of which a process does one piece at a time (`hornbook.engine.turns`);
- `compile`: the first call of a program in a process, while which others train; those that want the same program wait;
- `call`: a call of a program that is compiled.

Threads that have something to do share the cores evenly. Of cores that nobody else wants, compilers use some, by Amdahl's
law. Calls are slower by one factor wherever more than one thread is busy, because cores share memory and power.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Machine", "Piece", "Trial", "simulate"]

NOTHING_S = 1e-9


@dataclass(frozen=True)
class Piece:
    """Some work of one thread.

    Attributes:
        kind: ``turn``, ``compile`` or ``call``.
        seconds: How long it takes on a core of its own.
        program: Which program is compiled or called.
    """

    kind: str
    seconds: float
    program: int = -1


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        structure: Trials of one structure share programs.
        first: Its pieces where it is the first of its structure in a process, tracing and compiling included.
        later: Its pieces where programs are there.
    """

    structure: str
    first: tuple[Piece, ...]
    later: tuple[Piece, ...]


@dataclass(frozen=True)
class Machine:
    """What the trials run on.

    Attributes:
        cores: How many.
        slowdown: By what factor calls take longer where several threads are busy.
        parallel_part: The part of compiling that several cores can share.
        start_s: What a process needs until it can begin a trial.
    """

    cores: int
    slowdown: float
    parallel_part: float
    start_s: float


@dataclass
class _Process:
    holder: "_Lane | None" = None
    queue: "deque[_Lane]" = field(default_factory=deque)
    structures: set[str] = field(default_factory=set)
    programs: set[tuple[str, int]] = field(default_factory=set)
    waiting: "list[_Lane]" = field(default_factory=list)


@dataclass(eq=False)
class _Lane:
    """A thread that does one trial after another."""

    process: _Process
    pieces: "deque[Piece]"
    structure: str = ""
    piece: Piece | None = None
    left: float = 0.0


def simulate(trials: Sequence[Trial], machine: Machine, *, processes: int, threads: int) -> float:
    """Return the seconds from the start of the processes to the end of the last trial.

    Args:
        trials: In the order in which they begin.
        machine: What they run on.
        processes: How many processes, which start at once.
        threads: How many trials each of them trains at once.
    """
    return _Simulation(trials, machine).run(processes, threads)


class _Simulation:
    def __init__(self, trials: Sequence[Trial], machine: Machine) -> None:
        self.trials, self.machine = deque(trials), machine
        self.running: list[_Lane] = []
        self.now = 0.0

    def run(self, processes: int, threads: int) -> float:
        """Return when the last trial ends."""
        crowd = [_Process() for _ in range(processes)]
        for process in crowd:
            for number in range(threads):  # the first starts the process, and the others wait for their turn
                start = [Piece("turn", self.machine.start_s)] if number == 0 else []
                self._begin(_Lane(process, deque(start)))
        while self.running:
            rates = self._rates()
            step = min(lane.left / rate for lane, rate in zip(self.running, rates, strict=True))
            self.now += step
            for lane, rate in zip(self.running, rates, strict=True):
                lane.left -= step * rate
            for lane in [lane for lane in self.running if lane.left <= NOTHING_S]:
                self._end(lane)
        if self.trials or any(process.waiting for process in crowd):
            raise RuntimeError("a thread waits for a program that nobody compiles")
        return self.now

    def _rates(self) -> list[float]:
        """Return how much of its piece each running thread does in a second."""
        machine, busy = self.machine, len(self.running)
        share, idle = min(1.0, machine.cores / busy), max(machine.cores - busy, 0)
        compilers = sum(lane.piece is not None and lane.piece.kind == "compile" for lane in self.running)
        helped = 1 / (1 - machine.parallel_part + machine.parallel_part / (1 + idle / max(compilers, 1)))
        factors = {"turn": 1.0, "compile": helped, "call": 1 / machine.slowdown if busy > 1 else 1.0}
        return [share * factors[lane.piece.kind] for lane in self.running if lane.piece is not None]

    def _begin(self, lane: _Lane) -> None:
        """Let a thread begin its next piece, or its next trial; it runs, or waits."""
        process = lane.process
        while not lane.pieces:
            if not self.trials:
                return
            trial = self.trials.popleft()
            is_first = trial.structure not in process.structures
            process.structures.add(trial.structure)
            lane.structure, lane.pieces = trial.structure, deque(trial.first if is_first else trial.later)
        lane.piece = lane.pieces.popleft()
        lane.left = max(lane.piece.seconds, NOTHING_S)
        if lane.piece.kind == "turn":
            if process.holder is None:
                process.holder = lane
                self.running.append(lane)
            else:
                process.queue.append(lane)
        elif lane.piece.kind == "compile" or (lane.structure, lane.piece.program) in process.programs:
            self.running.append(lane)
        else:
            process.waiting.append(lane)

    def _end(self, lane: _Lane) -> None:
        """Take a thread's piece for done, and let go on whoever waited for that."""
        process, piece = lane.process, lane.piece
        self.running.remove(lane)
        if piece is not None and piece.kind == "turn":
            process.holder = process.queue.popleft() if process.queue else None
            if process.holder is not None:
                self.running.append(process.holder)
        elif piece is not None and piece.kind == "compile":
            process.programs.add((lane.structure, piece.program))
            ready = [one for one in process.waiting if one.piece is not None and self._is_there(one)]
            process.waiting = [one for one in process.waiting if one not in ready]
            self.running += ready
        self._begin(lane)

    def _is_there(self, lane: _Lane) -> bool:
        program = lane.piece.program if lane.piece is not None else -1
        return (lane.structure, program) in lane.process.programs
