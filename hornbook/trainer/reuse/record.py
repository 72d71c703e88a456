"""What a run says and keeps about reused layers: where each came from, when it learned, and how far it moved."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hornbook.builder.build import Built
from hornbook.display.text import COLUMNS, indented
from hornbook.runs.keras_file import checksum
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.reuse.timeline import Timeline, moved

__all__ = ["end_lines", "end_record", "reuse_lines", "start_record"]


def start_record(prepared: Prepared) -> dict[str, Any] | None:
    """Return what reuse.json holds when training begins; None where the recipe reuses nothing.

    Keys: ``source`` (file or application), ``sha256`` of the file, ``layers`` (one mapping per layer with weights:
    ``layer``, ``from``, ``learns``, ``parameters``), ``skipped`` ({layer of the earlier model: why}).
    """
    copied = prepared.built.copied
    if copied is None or prepared.recipe.reuse is None:
        return None
    timeline = Timeline(prepared.recipe, prepared.built, batches=prepared.table.batches)
    return {
        "source": copied.where,
        "sha256": copied.checksum,
        "weights": prepared.recipe.reuse.weights,
        "layers": _rows(prepared.built, timeline),
        "skipped": dict(copied.skipped),
    }


def _rows(built: Built, timeline: Timeline) -> list[dict[str, Any]]:
    copied = built.copied
    if copied is None:
        return []
    return [
        {
            "layer": layer.name,
            "from": copied.origin.get(layer.name),
            "learns": _learns(layer.name, timeline),
            "parameters": layer.count_params(),
        }
        for layer in built.training_model.layers
        if layer.weights and layer.count_params()
    ]


def _learns(name: str, timeline: Timeline) -> str:
    """Return ``always``, ``never`` or ``from epoch 5``, with the factor of its rate where it has one."""
    free = [phase for phase in timeline.phases if name not in phase.frozen]
    if not free:
        return "never"
    factor = free[-1].factors.get(name, 1.0)
    when = "always" if free[0].start == 0 else f"from epoch {free[0].start + 1}"
    return when if factor == 1 else f"{when} ×{factor:g}"


def reuse_lines(record: Mapping[str, Any] | None) -> list[str]:
    """Return the table of layers in lines of at most 80 characters; nothing where nothing is reused."""
    if record is None:
        return []
    what = "reuses the structure of" if record["weights"] == "fresh" else "reuses"
    near = os.path.relpath(record["source"])
    is_file = record["sha256"] is not None
    source = _short(near if is_file and not near.startswith(os.pardir) else record["source"], COLUMNS - 9 - len(what))
    lines = [f"{'reuse':<7} {what} {source}", f"        {'layer':<24} {'from':<18} {'learns':<18} {'weights':>9}"]
    for group in _grouped(record["layers"]):
        first, last = group[0], group[-1]
        name = first["layer"] if len(group) == 1 else f"{first['layer']} … ({len(group)} layers)"
        origin = first["from"] or "new"
        if len(group) > 1 and first["from"]:
            origin = f"{first['from'][:9]} … {last['from'][-9:]}"
        count = sum(row["parameters"] for row in group)
        lines.append(f"        {_short(name, 24):<24} {_short(origin, 18):<18} {first['learns']:<18} {count:>9,}")
    if record["skipped"]:
        names = [name for name in record["skipped"] if not any(name.startswith(f"{o}_") for o in record["skipped"])]
        shown = ", ".join(names[:3]) + (f" … {names[-1]}" if len(names) > 3 else "")
        why = next(iter(record["skipped"].values()))
        lines.append(f"        skipped: {shown[: COLUMNS - 21 - len(why)]} ({why})")
    return lines


def _grouped(rows: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return rows alone, or together where a deep network has many in a row that share their fate."""
    if len(rows) <= 20:
        return [[row] for row in rows]
    groups: list[list[Mapping[str, Any]]] = []
    for row in rows:
        same = groups and groups[-1][0]["learns"] == row["learns"] and bool(groups[-1][0]["from"]) == bool(row["from"])
        if same:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else f"…{text[1 - width :]}"


def end_record(record: Mapping[str, Any], built: Built) -> dict[str, Any]:
    """Return the record with what is known after training: ``moved`` per layer, and whether the source is ``unchanged``.

    ``moved`` is ‖w − w₀‖ / ‖w₀‖ over all weights of a layer, batch normalization's statistics included.
    """
    start = built.copied.start if built.copied is not None else {}
    distances = {name: moved(weights, built.model.get_layer(name).get_weights()) for name, weights in start.items()}
    layers = [row | {"moved": distances.get(row["layer"])} for row in record["layers"]]
    path = Path(record["source"])
    unchanged = record["sha256"] is None or (path.is_file() and checksum(path) == record["sha256"])
    return {**record, "layers": layers, "unchanged": unchanged}


def end_lines(record: Mapping[str, Any]) -> list[str]:
    """Return it in a sentence: how far the reused layers moved, and that the earlier model is as it was."""
    distances = {row["layer"]: row["moved"] for row in record["layers"] if row.get("moved") is not None}
    state = "earlier model unchanged" if record["unchanged"] else "the earlier model's file HAS CHANGED meanwhile"
    if not distances:
        return [f"{'reuse':<7} {state}"]
    still = sum(value == 0 for value in distances.values())
    farthest = max(distances, key=lambda name: distances[name])
    moving = f"{len(distances) - still} of {len(distances)} copied layers moved"
    most = f", most {farthest} by {100 * distances[farthest]:.1f} %" if distances[farthest] else ""
    return indented("reuse", f"{state}; {moving}{most}")
