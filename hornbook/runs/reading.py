"""The one way to read the files of a run, a sweep or a study, whose contents are those of `records`.

A file that is damaged in any way is a `RunError` that names it and the place. What is read is checked and returned as plain
values of JSON; keys that are not known stay.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from hornbook.errors import RunError

__all__ = ["read_lines", "read_record", "read_text"]

ADVICE = "Restore it from a copy, or leave this folder out."


def read_text(path: Path) -> str:
    """Return a text file of a run.

    Raises:
        RunError: If it is missing, is no file, cannot be read, or is not text.
    """
    return _decoded(_content(path), path)


def read_record(path: Path, kind: type[BaseModel]) -> dict[str, Any]:
    """Return what a JSON file of a run says.

    Raises:
        RunError: If it is missing or damaged.
    """
    return _checked(_parsed(read_text(path), f"{path}"), kind, f"{path}")


def read_lines(path: Path, kind: type[BaseModel]) -> Iterator[dict[str, Any]]:
    """Yield what each line of a file of a run says; the last line is left out where a kill has cut it off.

    Raises:
        RunError: If a line is damaged.
    """
    *whole, rest = _content(path).split(b"\n")
    for number, line in enumerate(whole, 1):
        where = f"{path}, line {number}"
        yield _checked(_parsed(_decoded(line, where), where), kind, where)
    try:
        last = _checked(_parsed(_decoded(rest, path), path), kind, path) if rest else None
    except RunError:
        last = None
    if last is not None:
        yield last


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise RunError(f"{path}: is no file. {ADVICE}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RunError(f"{path}: missing. The run ended before it was written.") from error
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}).") from error


def _decoded(content: bytes, where: Path | str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _damaged(where, f"byte {error.start} is no text in UTF-8") from error


def _parsed(text: str, where: Path | str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise _damaged(where, "nested too deeply") from error
    except ValueError as error:
        raise _damaged(where, f"no JSON: {error}") from error


def _checked(value: Any, kind: type[BaseModel], where: Path | str) -> dict[str, Any]:
    try:
        kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        message = "no mapping of keys" if first["type"] == "model_type" else first["msg"]
        raise _damaged(where, f"{place}: {message}" if place else message) from error
    return dict(value)


def _damaged(where: Path | str, reason: str) -> RunError:
    return RunError(f"{where}: damaged ({reason[:200]}). {ADVICE}")
