"""The last step from a source to splits: what happens to inputs inside the model, and the facts that stay with the run."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.preprocessing import (
    Standardizing,
    check_columns,
    compute_preprocessing,
    faint_inputs,
    input_facts,
    keep_training_categories,
    with_block_moments,
    with_target_moments,
    without_category,
)
from hornbook.data.source import Inputs, Source, Split, Splits
from hornbook.data.storage.rows import Rows, blocks, first_columns, in_file_order
from hornbook.data.targets.heads import head_facts
from hornbook.data.targets.labels import target_facts
from hornbook.data.targets.meaning import Labels, copies
from hornbook.errors import DataError
from hornbook.recipes.sources.common import DataSpec

__all__ = ["finished", "source_name"]

Parts = dict[str, Split]
COLORS = ("brightness", "contrast", "saturation", "hue")  # what needs to know black and white
CHANNELS = {1, 3, 4}  # of grey, RGB and RGBA images


def finished(parts: Parts, source: Source, spec: DataSpec, labels: Labels, so_far: tuple[str, list[str]]) -> Splits:
    """Return the splits with preprocessing and facts."""
    method, warnings = so_far
    features = source.features
    if features is not None:
        parts, features, unseen = keep_training_categories(parts, features)
        warnings += unseen
    whole_rows, width = parts, parts["train"].x.shape[-1] - sum(block.size for block in source.blocks)
    if source.blocks:
        parts = {name: replace(part, x=first_columns(part.x, width)) for name, part in parts.items()}
    if source.kind == "table" and width:
        warnings += check_columns(parts["train"].x, features)
        warnings += copies(parts["train"], features, labels)
    scale, scale_warnings = _scale(parts["train"].x, source, spec.scale)
    _check_colors(parts["train"].x, spec, scale or 1.0)
    warnings += _channels_first(source)
    standardize = _standardize(source, spec)
    preprocessing = compute_preprocessing(
        parts, kind=source.kind, scale=scale, standardize=standardize if width else False, features=features
    )
    warnings += faint_inputs(preprocessing, features)
    if source.blocks and standardize:
        preprocessing = with_block_moments(preprocessing, whole_rows["train"].x, source.blocks)
    if labels.task in {"regression", "several"}:
        preprocessing = with_target_moments(preprocessing, parts["train"].y)
    preprocessing = replace(preprocessing, series=source.scales)
    info = _describe(whole_rows, replace(source, features=features), labels, name=source_name(spec))
    extra: dict[str, Any] = {**source.extra, "has_missing": preprocessing.has_missing}
    if any(isinstance(part.x, Rows) for part in whole_rows.values()):
        extra["streams"] = True
    if preprocessing.variance is None and source.kind != "tokens" and width:
        extra["inputs"] = input_facts(parts["train"].x, scale or 1.0, features)
    if preprocessing.features is not None:
        extra["whole"] = list(preprocessing.whole)
        for name in ("validation", "test"):
            if name in parts:
                rows, what = parts[name].x, f"{name} rows"
                warnings += without_category(rows, preprocessing.features, preprocessing.whole, what=what)
    if parts["train"].weights is not None:
        extra["weighted"] = True
    if labels.task == "regression":
        extra["targets"] = target_facts(part.y for part in parts.values())
    if "pictures" in extra and labels.class_names is not None and labels.task in {"multiclass", "binary"}:
        counts = {name: np.bincount(part.y, minlength=len(labels.class_names)).tolist() for name, part in parts.items()}
        extra["pictures"] = {**extra["pictures"], "classes": counts}
    if labels.target_names:
        extra["target_names"] = list(labels.target_names)
    if labels.stratifies_by is not None and method == "stratified":
        extra["stratified_by"] = labels.stratifies_by
    heads = head_facts(labels.heads, parts)
    info = replace(info, split_method=method, heads=heads, warnings=tuple(warnings + scale_warnings), extra=extra)
    parts = whole_rows
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), info, preprocessing)


def _scale(x: Inputs, source: Source, wanted: bool | None) -> tuple[float | None, list[str]]:
    """Return the divisor of images, and a warning where fractions make it doubtful."""
    if source.kind != "image" or wanted is False:
        return None, []
    if source.scale is not None:
        return (source.scale if source.scale != 1 else None), []
    largest = max(float(np.abs(block).max()) for block in blocks(in_file_order(x)))
    if wanted:
        return (255.0, []) if largest > 1 else (None, ["scale: the images lie between 0 and 1 already."])
    warning = f"images of type {x.dtype} reach {largest:g} and are not scaled; 'scale: true' divides by 255."
    return None, [warning] if largest > 16 else []


def _check_colors(x: Inputs, spec: DataSpec, scale: float) -> None:
    """Refuse to change colours where it is not known which numbers are black and white."""
    keys = [key for key in COLORS if spec.augmentation is not None and getattr(spec.augmentation, key)]
    if not keys or x.dtype == np.uint8:
        return
    ends = np.array([(block.min(), block.max()) for block in blocks(in_file_order(x))], np.float64) / scale
    lowest, highest = ends[:, 0].min(), ends[:, 1].max()
    if lowest < 0 or highest > 1:
        raise DataError(
            f"data.augmentation.{keys[0]}: black has to be 0 and white 1, or 255 of bytes, and these images reach from "
            f"{lowest:.4g} to {highest:.4g}{' once they are scaled' if scale != 1 else ''}. Write 'scale: true' where it is "
            "255, store them as bytes (uint8), or bring them to 0-1."
        )


def _channels_first(source: Source) -> list[str]:
    """Return a warning where the second axis looks like channels, and the last one does not."""
    if source.kind != "image":
        return []
    _, first, second, last = source.x.shape
    if first not in CHANNELS or last in CHANNELS:
        return []
    return [
        f"images of shape {first}×{second}×{last} are read as {first} rows with {last} channels. They look like channels "
        "first: save them as (examples, height, width, channels)."
    ]


def _standardize(source: Source, spec: DataSpec) -> bool | Standardizing:
    if spec.standardize is not None:
        return spec.standardize
    if spec.default_standardize is not None:
        return spec.default_standardize
    return source.kind in {"table", "sequence"}


def _describe(parts: Parts, source: Source, labels: Labels, *, name: str) -> DataInfo:
    """Return the facts about the splits."""
    train = parts["train"]
    is_classes = labels.task in {"multiclass", "binary"}
    target_size = 1 if train.y.ndim == 1 else train.y.shape[1]
    names = None if labels.task == "regression" else labels.class_names
    counts = np.bincount(train.y, minlength=len(names or ())).tolist() if is_classes else []
    return DataInfo(
        name=name,
        kind=source.kind,
        input_shape=tuple(train.x.shape[1:]),
        input_dtype=str(train.x.dtype),
        task=labels.task,
        num_classes=len(names or ()),
        target_size=target_size,
        class_names=names,
        features=source.features,
        vocabulary_size=source.vocabulary_size,
        counts={split: len(parts[split]) if split in parts else 0 for split in ("train", "validation", "test")},
        class_counts=tuple(counts),
        fingerprint=_fingerprint(parts, [facts["vocabulary"] for facts in source.extra.get("texts", {}).values()]),
        split_method="",
        blocks=source.blocks,
    )


def _fingerprint(parts: Parts, vocabularies: Sequence[Sequence[str]]) -> str:
    """Return the first 16 hex digits of the SHA-256 of all splits' types, shapes and bytes, and of what tokens mean."""
    digest = hashlib.sha256()
    for vocabulary in vocabularies:
        digest.update("\0".join(vocabulary).encode())
    for name in ("train", "validation", "test"):
        part = parts.get(name)
        for values in (part.x, part.y, part.weights) if part is not None else ():
            if values is None:
                continue
            digest.update(f"{name} {values.dtype.str} {values.shape} ".encode())
            for block in blocks(values):
                digest.update(block.data)
    return digest.hexdigest()[:16]


def source_name(spec: DataSpec) -> str:
    """Return what a section calls its source."""
    return str(getattr(spec, "name", "arrays"))
