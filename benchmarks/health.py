"""What recording health costs: the same commands with and without it, in turn: `python benchmarks/health.py`.

The digits command is the README's; the long run is the 784-300-100-10 network on MNIST, which needs HORNBOOK_DATA.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HORNBOOK = Path(sys.executable).with_name("hornbook")
COMMANDS = {
    "digits command": (["train", "--config", "he_elu_bn.yaml", "--quiet"], 7),
    "MNIST, 60 epochs": (["train", "--config", "mnist_300_100.yaml", "--quiet", "training.epochs=60"], 2),
}


def seconds(arguments: list[str]) -> float:
    """Return how long a command takes, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([HORNBOOK, *arguments], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - started


def main() -> None:
    for name, (arguments, rounds) in COMMANDS.items():
        pairs = [(seconds([*arguments, "health=on"]), seconds([*arguments, "health=off"])) for _ in range(rounds)]
        differences = [on - off for on, off in pairs]
        off = statistics.median(off for _, off in pairs)
        middle = statistics.median(differences)
        print(
            f"{name}: {off:.2f} s without, {middle:+.2f} s with ({min(differences):+.2f} to {max(differences):+.2f}, "
            f"{rounds} pairs), {middle / off:+.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
