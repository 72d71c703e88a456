"""The workers of a run on several machines, as the environment variable TF_CONFIG lists them. No TensorFlow."""

import json
import os
import re

from hornbook.errors import UsageError

__all__ = ["check_cluster"]

FORM = """TF_CONFIG='{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": "worker", "index": 0}}'"""


def check_cluster() -> None:
    """Make sure that the environment says which workers there are.

    Raises:
        UsageError: If TF_CONFIG is missing or wrong.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise UsageError(f"training.strategy: multi_worker needs the environment variable TF_CONFIG: {FORM}")
    try:
        config = json.loads(text)
        (workers,), index = config["cluster"].values(), int(config["task"]["index"])
        is_good = "worker" in config["cluster"] and config["task"]["type"] == "worker" and 0 <= index < len(workers)
        is_good = is_good and isinstance(workers, list) and all(re.fullmatch(r".+:\d+", host) for host in workers)
    except (ValueError, KeyError, TypeError, AttributeError):
        is_good = False
    if not is_good:
        raise UsageError(f"TF_CONFIG cannot be read. Expected {FORM}")
