"""Measures health while a run trains, between its chunks, and writes it down."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hornbook.builder.randomness import derive_seed
from hornbook.engine.probe import Probe, Reading, activation_of
from hornbook.errors import RunError
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.health.layers import layer_figures, layer_histograms, statistics_figures, update_ratios
from hornbook.trainer.health.points import Points
from hornbook.trainer.listeners import Listener, Position, Start
from hornbook.upstream import reason

if TYPE_CHECKING:
    from hornbook.trainer.result import TrainResult
    from hornbook.trainer.session import Session

__all__ = ["HealthRecorder"]


class HealthRecorder(Listener):
    """Writes health.jsonl, a line per measurement.

    A measurement is taken at a point (`Points`), and is complete after one more step, which tells how far a step moves the
    weights; a chunk ends at both. A run that is resumed at a point measures there again.

    Attributes:
        followers: Functions that take each measurement once it is written.

    Args:
        run: Where to write.
        session: The run in progress; nothing of it is changed.
    """

    def __init__(self, run: RunDirectory, session: "Session") -> None:
        self.followers: list[Callable[[Mapping[str, Any]], None]] = []
        self._run, self._session = run, session
        self._points: Points | None = None
        self._probe: Probe | None = None
        self._row: dict[str, Any] = {}
        self._before: dict[str, list[Any]] | None = None
        self._step = -1

    def on_start(self, start: Start) -> None:
        """Choose the examples to look at."""
        prepared = start.prepared
        rows = np.random.default_rng(derive_seed(prepared.recipe.seed, "health")).permutation(
            len(prepared.splits.train)
        )
        try:
            self._probe = Probe(prepared.setup(), rows)
        except Exception as error:
            self._give_up(error)
            return
        self._points = Points(prepared.table.length, is_dense=prepared.recipe.health == "dense")
        if self._session.is_over and self._session.epoch:  # an earlier process trained to the end and was killed there
            batches = self._session.loop.batches
            self.on_epoch_begin(Position(self._session.phase, self._session.epoch, batches, batches))

    def on_epoch_begin(self, place: Position) -> None:
        """Measure where training begins or goes on."""
        if place.is_pretraining or self._points is None:
            return
        step = self._number(place)
        if step != self._step:
            try:
                self._run.keep_health(before=step)
            except RunError as error:  # a damaged record is no reason not to train
                self._give_up(error)
                return
            self._row, self._step = {}, step
        if step in self._points and not self._row:
            self._measure(place, step)
        elif self._row and self._probe is not None and self._session.masks is not None:
            self._before = self._probe.weights()  # weights that have become zero since then are no step's doing

    def pause_at(self, place: Position) -> int | None:
        """Return the batch of the running epoch after which there is something to measure."""
        if place.is_pretraining or self._points is None:
            return None
        if self._row:
            return place.batch + 1
        following = self._points.after(self._number(place))
        return None if following is None else place.batch + following - self._number(place)

    def on_chunk(self, place: Position) -> None:
        """Complete a measurement, or take one."""
        if place.is_pretraining or self._points is None:
            return
        self._step = self._number(place)
        if self._row:
            try:
                self._complete()
            except RunError:  # it cannot be written, which the run has to know
                raise
            except Exception as error:
                self._give_up(error)
                return
        if self._step in self._points:
            self._measure(place, self._step)

    def on_end(self, result: "TrainResult") -> None:
        """Write the last measurement, which no step follows."""
        self._write()

    def close(self) -> None:
        """Write what is there, where a run ends by an error."""
        self._write()

    def _number(self, place: Position) -> int:
        return (place.epoch - 1) * self._session.prepared.table.batches + place.batch

    def _measure(self, place: Position, step: int) -> None:
        """Measure; what goes wrong ends the recording, never the run."""
        if self._probe is None or self._points is None:
            return
        try:
            reading = self._probe.read()
            layers = _layers(self._session.prepared.built.logits_model, reading)
            if self._points.has_histograms(step):
                for name, pictures in layer_histograms(reading).items():
                    layers.setdefault(name, {})["histograms"] = pictures
            self._before = self._probe.weights()
        except Exception as error:
            self._give_up(error)
            return
        self._row = {
            "step": step,
            "epoch": round(place.epoch - 1 + place.batch / place.batches, 4),
            "loss": reading.loss,
            "loss_deviation": reading.loss_deviation,
            "penalty": reading.penalty,
            "layers": layers,
        }

    def _complete(self) -> None:
        """Add what one step has done."""
        prepared = self._session.prepared
        optimizer = prepared.built.optimizer
        self._row["learning_rate"] = float(optimizer.learning_rate.numpy())
        if prepared.table.moves_momentum:
            self._row["momentum"] = float(prepared.table.momenta[self._row["step"]])
        if self._before is not None and self._probe is not None:
            after = self._probe.weights() or {}
            for name, ratio in update_ratios(self._before, after).items():
                self._row["layers"].setdefault(name, {})["update_ratio"] = ratio
        self._write()

    def _write(self) -> None:
        if self._row:
            row = _rounded(self._row)
            self._run.append_health(row)
            for follow in self.followers:
                follow(row)
        self._row, self._before = {}, None

    def _give_up(self, error: Exception) -> None:
        self._points = self._probe = None
        self._row, self._before = {}, None
        self._run.append_log(f"health is not recorded: {reason(error)}")


def _layers(model: keras.Model, reading: Reading) -> dict[str, dict[str, Any]]:
    activations = {layer.name: activation_of(layer) for layer in model.layers}
    figures: dict[str, dict[str, Any]] = {**layer_figures(reading, activations)}
    for name, batch in reading.batch_statistics.items():
        layer = model.get_layer(name)
        figures[name] |= statistics_figures((layer.moving_mean.numpy(), layer.moving_variance.numpy()), batch)
    for name in figures:
        if activations.get(name) is not None:
            figures[name]["activation"] = activations[name]
    return figures


def _rounded(value: Any) -> Any:
    """Return numbers to four digits: enough to look at, and the same on every machine."""
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) and np.isfinite(value) else value
