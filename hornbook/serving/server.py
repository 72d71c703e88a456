"""uvicorn around a service: one process, signals, newer runs."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from hornbook.serving.app import make_app
from hornbook.serving.models import stop_loading
from hornbook.serving.service import Service

__all__ = ["answer"]

LOOK_EVERY_S = 2.0
"""How often newer runs are looked for."""
KEEP_ALIVE_S = 75
BACKLOG = 2048
LOG = logging.getLogger("hornbook.serving")


class _Server(uvicorn.Server):
    """A server that ends with 0 when it is told to: uvicorn's own sends itself the signal again."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.should_exit = self.force_exit = False
        self._service = service

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal, at once at the second."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._service.is_ready = False


def answer(service: Service, listening: socket.socket, *, token: str | None) -> None:
    """Answer requests until a signal comes, and finish those that have begun.

    Args:
        service: The models.
        listening: Where.
        token: What requests have to show; None for none.
    """
    config = uvicorn.Config(
        make_app(service, token=token),
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(service.limits.deadline_s) + 1,
    )
    gc.collect()
    gc.freeze()  # what was imported stays, and need not be looked through while requests wait
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_answer(service, _Server(config, service), listening))


async def _answer(service: Service, server: _Server, listening: socket.socket) -> None:
    follower = asyncio.get_running_loop().create_task(service.follow(LOOK_EVERY_S))
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    LOG.info("answering at http://%s:%d, stop with Ctrl-C", shown, port)
    await server.serve(sockets=[listening])
    stop_loading()
    follower.cancel()
    LOG.info("stopped")
