"""What a service counts, as Prometheus reads it."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

__all__ = ["Metrics"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        disable_created_metrics()  # when a counter was made is nobody's question
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "hornbook_requests", "Requests that were answered", ["endpoint", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "hornbook_request_seconds", "Time from a request to its answer", ["endpoint"], buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.in_flight = Gauge("hornbook_requests_in_flight", "Requests being answered", registry=self.registry)
        self.rows = Counter("hornbook_rows", "Rows that were predicted", ["model"], registry=self.registry)
        self.batch = Histogram(
            "hornbook_batch_rows", "Rows that were computed together", ["model"], buckets=ROWS, registry=self.registry
        )
        self.waiting = Gauge("hornbook_rows_waiting", "Rows that wait for the model", ["model"], registry=self.registry)
        self.served = Gauge(
            "hornbook_model", "Runs that are served", ["model", "version", "runtime"], registry=self.registry
        )
        self.loads = Counter(
            "hornbook_loads",
            "Newer runs that were loaded, or could not be",
            ["model", "outcome"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        text: bytes = generate_latest(self.registry)
        return text
