"""Do two versions of Hornbook train the shipped recipes to the same bits? `record` with each one's Python, then `compare`.

    $ python scripts/same_bits.py record before.json        # with the environment of the version before
    $ python scripts/same_bits.py record after.json         # with that of the version after
    $ python scripts/same_bits.py compare before.json after.json

Every shipped recipe whose data is at hand is trained to its end in a temporary folder; of each the digest of the final
weights and of the history without its clock is kept. HORNBOOK_DATA names the folder with the named data sets.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CLOCK = {"train_seconds", "seconds"}
FIRST = ("fashion_model_a",)  # what others reuse


def record(file: Path, only: list[str]) -> None:
    """Train the recipes and write {name: digests, or why there are none}; what the file holds already is kept."""
    import hornbook
    from hornbook.errors import HornbookError
    from hornbook.recipes import shipped_recipes

    done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    file = file.absolute()
    names = only or sorted(shipped_recipes(), key=lambda name: (name not in FIRST, name))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in names:
            if name in done and name not in FIRST:
                continue
            start = time.perf_counter()
            try:
                recipe = hornbook.load_recipe(name)
                if recipe.sweep is not None:
                    recipe = hornbook.load_recipe(name, ["~sweep"])
                result = hornbook.train(recipe, progress=False)
            except HornbookError as error:
                done[name] = {"error": str(error).splitlines()[0]}
            else:
                weights = hashlib.sha256(b"".join(array.tobytes() for array in result.model.get_weights()))
                rows = [{key: value for key, value in row.items() if key not in CLOCK} for row in result.history]
                history = hashlib.sha256(json.dumps(rows, sort_keys=True, default=float).encode())
                done[name] = {"weights": weights.hexdigest(), "history": history.hexdigest(), "epochs": len(rows)}
            file.write_text(json.dumps(done, indent=2) + "\n")
            print(f"{name:<32} {time.perf_counter() - start:6.1f} s", flush=True)


def compare(before: Path, after: Path) -> int:
    """Print every recipe whose digests differ; 1 where there is one."""
    old, new = (json.loads(file.read_text()) for file in (before, after))
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    for name in differing:
        print(f"{name}: {old.get(name)} then {new.get(name)}")
    trained = sum("weights" in entry for entry in old.values())
    print(f"{trained - sum('weights' in old.get(name, {}) for name in differing)} of {trained} recipes: the same bits")
    return int(bool(differing))


def main() -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("file", type=Path)
    recording.add_argument("names", nargs="*")
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.command == "record":
        record(given.file, given.names)
        return 0
    return compare(given.before, given.after)


if __name__ == "__main__":
    sys.exit(main())
