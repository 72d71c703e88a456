"""The texts that a source brings beside its inputs become the inputs: token numbers by the training split's vocabulary."""

from collections.abc import Mapping
from dataclasses import replace

from hornbook.data.source import Source, Split
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
    (name,) = source.texts
    texts = {split: part.texts[name] for split, part in parts.items()}
    settings = getattr(spec, "text", None) or TextSettings()
    encoded = encode_splits(texts, settings, name, memory_budget=memory_budget)
    parts = {split: replace(part, x=encoded.rows[split], texts={}) for split, part in parts.items()}
    source = replace(
        source,
        vocabulary_size=encoded.encoder.size,
        extra={**source.extra, "texts": {name: encoded.facts}},
        warnings=(*source.warnings, *encoded.warnings),
    )
    return parts, source, {name: encoded.tables}
