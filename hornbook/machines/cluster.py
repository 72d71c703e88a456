"""A connection to a Ray cluster: found or started, its machines and their room.

Whoever opens it is a driver of Ray's, so its machine is one of the cluster's. Ray's own messages stay in its log files.
"""

import importlib
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hornbook.engine.device import num_threads
from hornbook.errors import RunError, UsageError
from hornbook.machines.where import Share, Where, address_of

__all__ = ["Cluster", "connected", "share_of"]

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # what its daemons would print on this process's stdout
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
PROBE_S = 5.0
STOPPED = {1, 3, 4}  # of Ray's reasons for the death of a node: asked to end, preempted, idle for too long
OBJECTS_BYTES = 100 * 2**20  # of memory that machines share; only results travel, which are smaller than what it is for
EXTRA = "Install it with: pip install 'hornbook[ray]'"
PASSED_ON = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Cluster:
    """An open connection.

    Attributes:
        ray: Ray's module.
        share: What each run gets.
        threads: How many threads TensorFlow has for a run, on all machines: as here, so that bits are the same.
    """

    ray: Any
    share: Share
    threads: int

    def machines(self) -> list[dict[str, float]]:
        """Return what each living machine has: ``CPU``, ``GPU``."""
        return [node["Resources"] for node in self.ray.nodes() if node["Alive"]]

    def room(self) -> int:
        """Return how many runs fit onto the machines that are there now."""
        return sum(self._fit(machine) for machine in self.machines())

    def _fit(self, machine: dict[str, float]) -> int:
        amounts = [(self.share.cpus, machine.get("CPU", 0.0)), (self.share.gpus, machine.get("GPU", 0.0))]
        return min(int((there + 1e-6) / wanted) for wanted, there in amounts if wanted)

    def beside(self, kind: type) -> Any:
        """Return a new actor of a class, on the command's machine: on another it would keep that from being given back."""
        strategies = importlib.import_module("ray.util.scheduling_strategies")
        here = self.ray.get_runtime_context().get_node_id()
        strategy = strategies.NodeAffinitySchedulingStrategy(node_id=here, soft=True)
        return self.ray.remote(kind).options(num_cpus=0, scheduling_strategy=strategy).remote()

    def stopped(self) -> set[str]:
        """Return the nodes that have ended because they were told to, by a person or for others to take their place."""
        return {node["NodeID"] for node in self.ray.nodes() if not node["Alive"] and node.get("DeathReason") in STOPPED}

    def text(self) -> str:
        """Return in words what there is: ``3 machines with 12 CPUs``."""
        machines = self.machines()
        whole = Share(sum(m.get("CPU", 0.0) for m in machines), sum(m.get("GPU", 0.0) for m in machines))
        return f"{len(machines)} machine{'' if len(machines) == 1 else 's'} with {whole.text() or 'no CPUs'}"


@contextmanager
def connected(where: Where) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine; yields Ray's module. What this process had begun ends with it.

    Raises:
        RunError: If Ray is not installed, or no cluster answers.
        UsageError: If this process is connected already.
    """
    ray = _import()
    if ray.is_initialized():
        raise UsageError("on: this process is connected to Ray already. Call ray.shutdown() first.")
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _connect(ray, where)
        if is_main:
            signal.signal(signal.SIGTERM, handler)  # Ray has its own, which ends the process without a word
        yield ray
    finally:
        ray.shutdown()
        if is_main:
            signal.signal(signal.SIGTERM, handler)


def share_of(ray: Any, where: Where, *, at_once: int) -> Cluster:
    """Return the connection with what each run gets: a GPU where there are any, else the cores that it can make use of.

    Args:
        ray: Ray's module, connected.
        where: May say it.
        at_once: How many runs are best trained at once on a machine like this one.
    """
    threads = num_threads()
    found = Cluster(ray, where.share or Share(1.0), threads)
    if where.share is not None:
        return found
    machines = found.machines()
    if where.has_gpus and any(machine.get("GPU") for machine in machines):
        return Cluster(ray, Share(1.0, 1.0), threads)
    largest = max((int(machine.get("CPU", 0)) for machine in machines), default=0)
    cpus = max(threads // at_once, 1)
    return Cluster(ray, Share(float(min(cpus, largest) if largest else cpus)), threads)


def _import() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        version("ray")
        return importlib.import_module("ray")
    except (PackageNotFoundError, ImportError) as error:
        raise RunError(f"--on ray: Ray is not installed. {EXTRA}") from error


def _connect(ray: Any, where: Where) -> None:
    address, is_named = where.address, True
    if address is None and os.environ.get("RAY_ADDRESS"):
        address = address_of(os.environ["RAY_ADDRESS"], "RAY_ADDRESS")
    newest = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray", "ray_current_cluster")
    if address is None and newest.is_file():  # `ray start` has written it
        address, is_named = newest.read_text(encoding="utf-8").strip(), False
    if address is not None:
        try:
            _probe(address, has_token=not is_named or os.environ.get("RAY_AUTH_MODE") == "token")
        except RunError:
            if is_named:
                raise
            address, is_named = None, True  # that machine's cluster has ended without telling
    threads = str(num_threads())
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    variables = {"OMP_NUM_THREADS": threads, **passed, "TF_NUM_INTRAOP_THREADS": threads}  # Ray has other defaults
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "runtime_env": {"env_vars": variables}}
    here = {"include_dashboard": False, "object_store_memory": OBJECTS_BYTES}
    try:
        # Of a cluster that it has found by itself, Ray finds the token, too.
        ray.init(address=(address or "local") if is_named else None, **quiet, **({} if address else here))
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise RunError(
            f"{address or 'ray'}: Ray cannot be reached or started ({type(error).__name__}: {reason}). This command has to "
            "run on one of the cluster's machines, with the same versions of Ray and Python, and with its token if it has "
            "one (RAY_AUTH_MODE=token)."
        ) from error


def _probe(address: str, *, has_token: bool) -> None:
    """Make sure that a cluster answers; Ray itself would try for minutes, and then end the process.

    Raises:
        RunError: If none does, or it wants a token that Ray would not send.
    """
    import grpc

    if os.environ.get("RAY_USE_TLS") == "1":  # it asks for certificates first
        return
    code = None
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        for method in ("grpc.health.v1.Health/Check", "ray.rpc.NodeInfoGcsService/CheckAlive"):
            try:
                channel.unary_unary(f"/{method}")(b"", timeout=PROBE_S)
            except grpc.RpcError as error:
                code = error.code()
                break
    if code is None or (code == grpc.StatusCode.UNAUTHENTICATED and has_token):
        return
    if code == grpc.StatusCode.UNAUTHENTICATED:
        raise RunError(
            f"{address}: this cluster wants a token. Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file with it "
            "unless that is ~/.ray/auth_token."
        )
    if code == grpc.StatusCode.UNIMPLEMENTED:
        raise RunError(
            f"{address}: this is not a Ray cluster's own port, which is 6379 unless `ray start --head` was told another; "
            "10001 is that of Ray's client, which is not made for trainings."
        )
    raise RunError(
        f"{address}: no Ray cluster answers. Start one with `ray start --head`, or give its address with --on "
        "ray://HOST:PORT or RAY_ADDRESS."
    )
