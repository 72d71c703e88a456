"""The machine a run happened on: recorded with the run, shown in its first lines."""

import contextlib
import functools
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hornbook.engine.device import describe_device, num_threads

__all__ = ["environment_facts"]

PACKAGES = ("hornbook", "tensorflow", "keras", "numpy", "scikit-learn", "polars")


def environment_facts(*, seed: int, fingerprint: str) -> dict[str, Any]:
    """Return what may change a result: versions, device, threads, seed, commit, data, command."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "device": describe_device(),
        "threads": num_threads(),
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "seed": seed,
        "git_commit": _git_commit(),
        "data_fingerprint": fingerprint,
        "command": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
    }


@functools.cache
def _versions() -> dict[str, str]:
    """Return the versions of the packages that this process has, which are read from their files once."""
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _git_commit() -> str | None:
    """Return the commit of the current folder's repository, if it is in one."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
