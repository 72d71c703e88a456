"""The objects that a recipe becomes, as one table of facts: `layer/hidden_1/kernel_initializer/seed` and its value.

Everything is made by the functions that training calls, and read from what they return: configs of Keras's objects,
attributes of ours, arrays.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import keras
import numpy as np

from hornbook.builder.signals import sources_of, weight_variance
from hornbook.data import Shelf
from hornbook.data.storage.rows import Rows
from hornbook.data.windows.source import describe_windows
from hornbook.recipes.recipe import Recipe
from hornbook.sweep.coordinator import advisor_of
from hornbook.trainer.health.points import Points
from hornbook.trainer.prepare import Prepared, prepare
from hornbook.trainer.session import Session
from hornbook.trainer.tracking.listener import trackers_of
from hornbook.upstream import decayed_paths, loss_arguments

__all__ = ["Objects"]

Facts = Mapping[str, Any]
NOISE = frozenset({"name", "module", "registered_name", "build_config", "batch_shape", "shared_object_id"})
"""What Keras's configs say besides arguments."""
POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
FIRST = 5


class Objects:
    """What training would use of a recipe.

    Args:
        recipe: A checked recipe.
        data: Arrays in place of the recipe's data source.
        shelf: Where runs that share their data find it.
    """

    def __init__(self, recipe: Recipe, data: Any = None, *, shelf: Shelf | None = None) -> None:
        self.recipe, self._data, self._shelf = recipe, data, shelf
        self._known: dict[str, Facts] = {}

    @cached_property
    def prepared(self) -> Prepared:
        """Data, resolved recipe, model, rates; of a sweep, of the training that its trials vary."""
        return prepare(self.recipe.replaced({"sweep": None}), self._data, shelf=self._shelf)

    @cached_property
    def session(self) -> Session:
        """The run before its first step; where its rate is still to be found, with any."""
        prepared = self.prepared
        if prepared.recipe.optimizer.is_auto:
            prepared = replace(prepared, recipe=prepared.recipe.replaced({"optimizer.learning_rate": 1.0}))
        return Session(prepared)

    def facts(self, kind: str) -> Facts:
        """Return the facts of one kind by address, made at the first call.

        Args:
            kind: What addresses begin with: ``layer``, ``optimizer``, ``rates``, ``data`` …
        """
        if kind not in self._known:
            makers: dict[str, Callable[[], Any]] = {
                "data": self._of_data,
                "network": self._of_network,
                "layer": lambda: {layer.name: _of_layer(layer) for layer in self._layers()},
                "loss": self._of_loss,
                "metric": lambda: {metric.name: _config(metric) for metric in self.prepared.built.metrics},
                "optimizer": self._of_optimizer,
                "rates": self._of_rates,
                "run": self._of_run,
                "watch": lambda: {name: vars(watcher) for name, watcher in self.session.watchers().items()},
                "phase": self._of_phases,
                "pretraining": self._of_pretraining,
                "shrink": self._of_shrinking,
                "sweep": self._of_sweep,
                "tracker": self._of_trackers,
            }
            self._known[kind] = dict(_flat(makers[kind](), kind))
        return self._known[kind]

    def _layers(self) -> list[keras.layers.Layer]:
        return list(self.prepared.built.training_model.layers)

    def _of_loss(self) -> Facts:
        loss = self.prepared.built.loss
        own = {name: loss_arguments(one) for name, (one, _, _) in getattr(loss, "heads", {}).items()}
        return {**loss_arguments(loss), **_config(loss), "of heads": own}

    def _of_phases(self) -> Facts:
        phases = enumerate(self.session.timeline.phases, 1)
        return {str(number): {**vars(phase), "frozen": sorted(phase.frozen)} for number, phase in phases}

    def _of_data(self) -> Facts:
        splits, info = self.prepared.splits, self.prepared.splits.info
        parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
        digests = {
            name: _digest(np.asarray(part.y), np.asarray(part.x[: min(len(part), 256)])) for name, part in parts.items()
            if part is not None and len(part)
        }  # fmt: skip
        return {
            "source": f"{info.name}: {info.describe()}",
            "fingerprint": info.fingerprint,
            "task": info.task,
            "classes": list(info.class_names or ()),
            "class counts": list(info.class_counts),
            "heads": {
                head.name: {
                    "task": head.task,
                    "classes": list(head.class_names or ()),
                    "targets": list(head.target_names or ()),
                    "class weights": list(self.prepared.built.class_weights.get(head.name, ())),
                }
                for head in info.heads
            },
            "columns": info.describe_columns() if info.features else None,
            "windows": describe_windows(info) or None,
            "season": info.extra.get("windows", {}).get("season"),
            "split": info.split_method,
            "examples": digests,
            "training inputs": "on disk" if isinstance(splits.train.x, Rows) else "in memory",
            "class weights": None if self.prepared.weights_K is None else self.prepared.weights_K.tolist(),
            "unlabeled": None if self.prepared.unlabeled is None else len(self.prepared.unlabeled),
        }

    def _of_network(self) -> Facts:
        built = self.prepared.built
        facts: dict[str, Any] = {"layers": {}, "order": [layer.name for layer in built.training_model.layers]}
        for layer in built.training_model.layers:
            shape = "×".join("?" if size is None else str(size) for size in layer.output.shape[1:])
            facts["layers"][layer.name] = f"{_kind(layer)} {shape}"
        facts["reads"] = dict(_branches(facts["order"], built.training_model))
        facts["start"] = {
            layer.name: _digest(*(weight.numpy() for weight in layer.weights))
            for layer in built.training_model.layers
            if layer.weights
        }
        for part in built.heads:
            model = built.training_model
            reads = keras.Model(model.input, model.get_layer(part.layer).input)
            facts.setdefault("reads", {})[part.name] = reads.layers[-1].name
        if built.copied is not None:
            facts["copied"] = dict(built.copied.origin)
            facts["from"] = built.copied.where
            facts["checksum"] = built.copied.checksum
            facts["skipped"] = dict(built.copied.skipped)
            facts["layers that have learned"] = len(built.copied.start)
        return facts

    def _of_optimizer(self) -> Facts:
        optimizer = self.prepared.built.optimizer
        facts = {key: value for key, value in _config(optimizer).items() if key != "learning_rate"}
        built = self.prepared.built
        if built.factors:
            by_path = {variable.path: built.factors.get(id(variable)) for variable in built.model.trainable_variables}
            facts["factors"] = {path: list(pair) for path, pair in by_path.items() if pair is not None}
        if facts.get("weight_decay"):
            facts["decays"] = decayed_paths(optimizer, self.prepared.built.training_model.trainable_variables)
        return facts

    def _of_rates(self) -> Facts:
        table, length = self.prepared.table, self.prepared.table.length
        steps = [round(point * (len(table.rates) - 1)) for point in POINTS] if len(table.rates) else []
        found = self.prepared.recipe.optimizer.is_auto
        facts: dict[str, Any] = {
            "epochs": length.epochs,
            "batches of an epoch": length.batches,
            "steps": length.steps,
            "batches": length.total,
            "highest": "found when training begins" if found else float(table.rates.max(initial=0)),
            "curve": {f"batch {step + 1}": float(table.rates[step]) for step in steps},
            "of all batches": _digest(table.rates),
        }
        if table.moves_momentum:
            facts["momentum"] = {f"batch {step + 1}": float(table.momenta[step]) for step in steps}
            facts["momentum of all batches"] = _digest(table.momenta)
        for name, amounts in zip(
            ("dropout", "weight decay"), () if table.amounts is None else table.amounts.T, strict=False
        ):
            facts[name] = {f"batch {step + 1}": float(amounts[step]) for step in steps}
            facts[f"{name} of all batches"] = _digest(amounts)
        return facts

    def _of_run(self) -> Facts:
        session = self.session
        health = self.prepared.recipe.health
        points = Points(self.prepared.table.length, is_dense=health == "dense") if health != "off" else ()
        policy, steps = session.on_divergence, getattr(session.loop, "steps", None)
        return {
            "engine": type(session.loop).__name__,
            "programs": None if steps is None else "xla" if steps.jit else "fused_graph" if steps.fuses else "graph",
            "order of epoch 1": [int(row) for row in session.plan().order[:FIRST]],
            "batch size": self.prepared.setup().batch_size if steps is None else steps.batch_size,
            "limit in seconds": session.limit_s,
            "saves every seconds": session.every_s,
            "final weights": "best" if session.restores_best else "last",
            "divergence": None if policy is None else {"rollback": policy.rollback, "rate_factor": policy.rate_factor},
            "measurements of health": len(list(points)),
            "strategy": None if self.prepared.strategy is None else type(self.prepared.strategy).__name__,
        }

    def _of_pretraining(self) -> Facts:
        stage = self.session.pretraining
        if stage is None or stage.is_over:
            return {}
        engine = stage.loop
        objective = engine.built.training_model.layers[-1]
        own = {key: value for key, value in vars(objective).items() if isinstance(value, int | float | str)}
        own = {key: value for key, value in own.items() if not key.startswith("_")}
        return {
            "phases": list(stage.names),
            "epochs": stage.epochs,
            "rate": stage.rate,
            "batch size": engine.steps.batch_size,
            "batches of an epoch": engine.batches,
            "optimizer": _config(engine.built.optimizer),
            "task": {**own, "class": type(objective).__name__},
            "decoder": "free" if getattr(objective, "decoder", None) is not None else "tied",
        }

    def _of_trackers(self) -> Facts:
        trackers = enumerate(trackers_of(self.prepared.recipe).values())
        return {
            str(place): {
                "class": type(tracker).__name__,
                **{name: value for name, value in vars(tracker).items() if not name.startswith("_")},
            }
            for place, tracker in trackers
        }

    def _of_shrinking(self) -> Facts:
        shrinking = self.prepared.shrinking
        if shrinking is None:
            return {}
        masks, section = shrinking.masks, shrinking.shrink
        facts = {
            **shrinking.record(),
            "folds": list(shrinking.parts),
            "removes dead units": section.units,
            "rounds to": section.precision,
            "calibration rows": len(shrinking.calibration),
            "points that may be lost": section.max_loss,
        }
        if masks is not None:
            facts["living weights"] = masks.living()
            facts["share of the zeros"] = {f"epoch {epoch}": share for epoch, share in enumerate(masks.shares(), 1)}
        return facts

    def _of_sweep(self) -> Facts:
        sweep = self.recipe.sweep
        if sweep is None:
            return {}
        directions = dict.fromkeys(sweep.objectives, sweep.mode or "min")
        return advisor_of(self.recipe, directions, lambda values: "").facts()


def _branches(order: list[str], model: keras.Model) -> Iterator[tuple[str, str]]:
    """Yield (a layer, what it reads) for each that reads others than the one in front of it."""
    for before, name in itertools.pairwise(order):
        read = sources_of(model.get_layer(name))
        if read != [before]:
            yield name, " + ".join(read)


def _kind(layer: keras.layers.Layer) -> str:
    name = type(layer).__name__
    return f"{name} {type(layer.forward_layer).__name__}" if isinstance(layer, keras.layers.Bidirectional) else name


def _of_layer(layer: keras.layers.Layer) -> Facts:
    facts = {key: value for key, value in _config(layer).items() if key not in ("dtype", "trainable")}
    facts["dtype"] = layer.dtype_policy.name
    facts["learns"] = layer.trainable
    for key in [key for key in facts if key.endswith("_initializer")]:
        initializer = getattr(layer, key, None)
        name = key.removesuffix("_initializer")
        weight = getattr(layer, name, getattr(layer, f"{name}_kernel", None))  # depthwise_kernel
        if initializer is not None and weight is not None and len(weight.shape) > 1:
            variance = weight_variance(initializer, tuple(weight.shape))
            if variance is not None:
                facts[key] = {"variance of a weight": variance, **_config(initializer)}
    return facts


def _config(item: Any) -> dict[str, Any]:
    """Return the class of one of Keras's objects and its arguments."""
    config = item.get_config() if hasattr(item, "get_config") else {}
    return {"class": type(item).__name__, **{key: value for key, value in config.items() if key not in NOISE}}


def _flat(value: Any, address: str) -> Iterator[tuple[str, Any]]:
    """Yield (address, plain value) of everything in nested configs; what is empty is left out."""
    if isinstance(value, Mapping):
        if "class_name" in value and "config" in value:
            config = value["config"] if isinstance(value["config"], Mapping) else {"value": value["config"]}
            value = {"class": value["class_name"], **{key: item for key, item in config.items() if key not in NOISE}}
        for key, item in value.items():
            yield from _flat(item, f"{address}/{key}".lstrip("/"))
    elif value is None:
        return
    elif isinstance(value, np.ndarray):
        yield address, value.tolist()
    elif isinstance(value, tuple):
        yield address, list(value)
    elif isinstance(value, np.generic):
        yield address, value.item()
    else:
        yield address, value


def _digest(*arrays: Any) -> str:
    """Return a short text that differs where arrays do."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()[:8]
