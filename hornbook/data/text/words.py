"""What is said about columns of texts, from the facts that stay with a run."""

from collections.abc import Mapping
from typing import Any

__all__ = ["lines_about"]


def lines_about(texts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each column of texts: its vocabulary and lengths, what was cut, what is unknown."""
    return [_line(name, facts) for name, facts in texts.items()]


def _line(name: str, facts: Mapping[str, Any]) -> str:
    noun = "tokens" if facts["ngrams"] > 1 else facts["tokens"]
    known, length = len(facts["vocabulary"]), facts["length"]
    half, most = facts["lengths"]
    cut = ", ".join(f"{count:,} of {split}" for split, count in facts["cut"].items() if count)
    unknown = ", ".join(f"{share:.1%} of {split}" for split, share in facts["unknown"].items() if share)
    embeddings = facts.get("embeddings")
    from_file = f", {embeddings['found']:,} with embeddings of {embeddings['file']}" if embeddings else ""
    return (
        f"text '{name}': {known:,} of {facts['distinct']:,} {noun}{from_file}; half of the texts have up to {half:,}, 95 % "
        f"up to {most:,}, the longest {facts['longest']:,}; {f'cut behind {length:,}: {cut}' if cut else 'none is cut'}; "
        f"unknown: {unknown or 'none'}"
    )
