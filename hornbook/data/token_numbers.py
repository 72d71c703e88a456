"""The texts that a source brings beside its inputs become inputs: token numbers by the training split's vocabulary.

They are all of the inputs, or blocks behind the columns of a table.
"""

from collections.abc import Mapping
from dataclasses import replace

from hornbook.data.facts import Block
from hornbook.data.source import Array, Inputs, Source, Split
from hornbook.data.storage.rows import Rows, joined
from hornbook.data.text.splits import encode_splits
from hornbook.data.text.tables import TextTables
from hornbook.recipes.sources.common import DataSpec
from hornbook.recipes.sources.texts import TextSettings

__all__ = ["with_token_numbers"]

Parts = dict[str, Split]


def with_token_numbers(
    parts: Parts, source: Source, spec: DataSpec, *, memory_budget: int | None
) -> tuple[Parts, Source, Mapping[str, TextTables]]:
    """Return the splits with token numbers of their texts as inputs; the source with facts and warnings; tables by column.

    Splits without texts come back as they are. Arguments and errors as of `encode_splits`.
    """
    if not source.texts:
        return parts, source, {}
    settings = getattr(spec, "text", None) or TextSettings()
    encoded = {
        name: encode_splits(
            {split: part.texts[name] for split, part in parts.items()}, settings, name, memory_budget=memory_budget
        )
        for name in source.texts
    }
    source = replace(
        source,
        extra={**source.extra, "texts": {name: one.facts for name, one in encoded.items()}},
        warnings=(*source.warnings, *(warning for one in encoded.values() for warning in one.warnings)),
    )
    tables = {name: one.tables for name, one in encoded.items()}
    if source.kind == "tokens":
        (alone,) = encoded.values()
        parts = {split: replace(part, x=alone.rows[split], texts={}) for split, part in parts.items()}
        return parts, replace(source, vocabulary_size=alone.encoder.size), tables
    parts = {
        split: replace(part, x=_behind(part.x, [one.rows[split] for one in encoded.values()]), texts={})
        for split, part in parts.items()
    }
    blocks = [
        Block(name, "text", (one.encoder.length,), vocabulary_size=one.encoder.size) for name, one in encoded.items()
    ]
    return parts, replace(source, blocks=(*source.blocks, *blocks)), tables


def _behind(x: Inputs, tokens: list[Array]) -> Inputs:
    """Return rows of a table with token numbers behind them, in memory where the rows are."""
    rows = joined([x, *tokens])
    return rows if isinstance(x, Rows) else rows.load()
