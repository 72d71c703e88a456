"""Print the lowest versions that pyproject.toml allows, as constraints for pip: what `make test-oldest` installs."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
LOWER_BOUND = re.compile(r"([\w.-]+)>=([\w.]+)")
UNBOUNDED = {"types-PyYAML"}  # no library: its newest version is the one that is right


def lowest_versions(text: str) -> list[str]:
    """Return ``name==version`` of every direct dependency, those for development too.

    Raises:
        ValueError: If a dependency has no lower bound, so that nobody knows what to test.
    """
    project = tomllib.loads(text)["project"]
    pins = []
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        match = LOWER_BOUND.match(requirement)
        if match:
            pins.append(f"{match[1]}=={match[2]}")
        elif requirement not in UNBOUNDED:
            raise ValueError(
                f"{requirement}: this dependency has no lower bound. Give the lowest version that was tested."
            )
    return pins


if __name__ == "__main__":
    print("\n".join(lowest_versions(PYPROJECT.read_text(encoding="utf-8"))))
