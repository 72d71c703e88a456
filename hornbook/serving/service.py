"""The models of a service, by name: which run answers, and how a newer one takes its place."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hornbook.data.source import Array
from hornbook.errors import HornbookError
from hornbook.serving.batching import Batcher
from hornbook.serving.errors import RequestError
from hornbook.serving.metrics import Metrics
from hornbook.serving.models import Model, load_model, newer_run

__all__ = ["Limits", "Served", "Service"]

WAITING_BATCHES = 16
"""So many full batches may wait."""
LOG = logging.getLogger("hornbook.serving")


@dataclass(frozen=True)
class Limits:
    """What one request may ask for.

    Attributes:
        body: Bytes.
        rows: Examples.
        deadline_s: Seconds that its body may take to come, and that it may wait for the model.
        in_flight: Requests that are answered at the same time.
    """

    body: int = 16 * 2**20
    rows: int = 4096
    deadline_s: float = 30.0
    in_flight: int = 1024


@dataclass(frozen=True)
class Served:
    """A model, and the batches in which it computes."""

    model: Model
    batcher: Batcher


class Service:
    """The models of a service.

    Args:
        names: What was asked for, by the name of each model: a name or `NAME/latest` is followed to newer runs.
        models: The runs to begin with.
        limits: What one request may ask for.
        trust: Whether code that a model holds may be run.
    """

    def __init__(
        self, names: Mapping[str, str], models: Iterable[Model], limits: Limits, *, trust: bool = False
    ) -> None:
        self.limits, self.metrics, self.is_ready = limits, Metrics(), True
        self._names, self._trust = dict(names), trust
        self._served: dict[str, Served] = {}
        self._refused: set[Path] = set()
        self._closing: set[asyncio.Task[None]] = set()
        for model in models:
            self.put(model)

    @property
    def models(self) -> list[Model]:
        """The runs that answer now."""
        return [served.model for served in self._served.values()]

    def of_name(self, name: str, version: str | None = None) -> Served:
        """Return what answers for a name.

        Raises:
            RequestError: If there is no such model, or not this version.
        """
        served = self._served.get(name)
        if served is None:
            raise RequestError(404, f"there is no model '{name}'. There are: {', '.join(self._served)}.")
        if version is not None and version != served.model.facts.version:
            found = served.model.facts.version
            raise RequestError(404, f"model '{name}' has version {found}, not '{version}'.")
        return served

    def put(self, model: Model) -> None:
        """Let a model answer from now on, in the place of one of its name; what that one has begun it ends."""
        facts = model.facts
        batches, rows = self.metrics.batch.labels(facts.name), self.metrics.rows.labels(facts.name)

        def count(number: int) -> None:
            batches.observe(number)
            rows.inc(number)

        batcher = Batcher(
            model.run,
            most_rows=facts.batch,
            most_waiting=max(WAITING_BATCHES * facts.batch, 2 * self.limits.rows),
            deadline_s=self.limits.deadline_s,
            on_batch=count,
        )
        before = self._served.get(facts.name)
        self._served[facts.name] = Served(model, batcher)
        self.metrics.waiting.labels(facts.name).set_function(lambda: batcher.waiting)
        if before is not None:
            old = before.model.facts
            self.metrics.served.remove(old.name, old.version, old.runtime)
            task = asyncio.get_running_loop().create_task(before.batcher.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self.metrics.served.labels(facts.name, facts.version, facts.runtime).set(1)

    async def predict(self, served: Served, rows: Array) -> Array:
        """Return the outputs of rows."""
        return await served.batcher.submit(rows)

    async def follow(self, every_s: float) -> None:
        """Look for newer runs for ever, and let them take their place."""
        while True:
            await asyncio.sleep(every_s)
            for name in self._names:
                await self._renew(name)

    async def _renew(self, name: str) -> None:
        """Load a newer run of a model where there is one that is finished; a damaged one leaves everything as it is."""
        path = await asyncio.to_thread(newer_run, self._names[name], self._served[name].model.facts.version)
        if path is None or path in self._refused:
            return
        try:
            model = await asyncio.to_thread(load_model, path, head=self._served[name].model.head, trust=self._trust)
        except Exception as error:
            self._refused.add(path)
            self.metrics.loads.labels(name, "refused").inc()
            kept = self._served[name].model.facts.version
            what = error if isinstance(error, HornbookError) else f"{path}: {type(error).__name__}: {error}"
            LOG.warning("%s: %s goes on answering, because the newer run cannot be loaded. %s", name, kept, what)
            return
        self.put(model)
        self.metrics.loads.labels(name, "loaded").inc()
        LOG.info("%s: %s answers now, in %s (%s)", name, model.facts.version, model.facts.runtime, model.facts.proof)
