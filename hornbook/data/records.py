"""`DataInfo` as JSON, the form in which it stays with a run."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from hornbook.data.facts import Block, DataInfo, Feature, HeadInfo
from hornbook.errors import DataError

__all__ = ["from_json", "to_json"]


def to_json(info: DataInfo) -> dict[str, Any]:
    """Return the facts as a dictionary of JSON's types; `from_json` gives an equal `DataInfo` back."""
    record: dict[str, Any] = _plain(asdict(info))
    return record


def from_json(record: Mapping[str, Any]) -> DataInfo:
    """Return the facts that `to_json` wrote. Keys that are not known any more are left out.

    Raises:
        DataError: If a key is missing.
    """
    known = {field.name for field in fields(DataInfo)}
    values: dict[str, Any] = {key: record[key] for key in record if key in known}
    missing = known - set(values) - {"warnings", "extra", "blocks", "heads"}
    if missing:
        raise DataError(
            f"the record of the data lacks {', '.join(sorted(missing))}. It was written by another version."
        )
    for key in ("input_shape", "class_counts", "warnings", "class_names"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    if values["features"] is not None:
        values["features"] = tuple(
            Feature(
                feature["name"],
                feature["type"],
                tuple(feature["categories"]),
                feature.get("column", ""),
                feature.get("part", ""),
            )
            for feature in values["features"]
        )
    values["heads"] = tuple(map(_head, values.get("heads") or ()))
    values["blocks"] = tuple(Block(**{**each, "shape": tuple(each["shape"])}) for each in values.get("blocks", ()))
    return DataInfo(**values)


def _head(record: Mapping[str, Any]) -> HeadInfo:
    lists = ("class_names", "class_counts", "columns", "target_names")
    values: dict[str, Any] = {
        key: tuple(value) if key in lists and value is not None else value for key, value in record.items()
    }
    return HeadInfo(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
