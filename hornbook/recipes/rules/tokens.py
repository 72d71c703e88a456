"""Rules about networks that read tokens and sequences: what they read, in which order, by which embeddings."""

from collections.abc import Iterator

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.connections import sources
from hornbook.recipes.sections.model import Cnn, Layers, ReadsTokens, Rnn, Transformer

OF_STEPS = ("none", "layer_normalization", "rms_normalization")
"""Normalizations of each step by itself."""
AS_THEY_ARE = frozenset({"embedding", "masking"})
"""Layers that look for certain numbers in their inputs."""


def embedding_needs_tokens(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """An embedding given for data without tokens would be ignored, or does not fit the file of embeddings."""
    model = recipe.model
    if isinstance(model, Layers) and facts.kind == "tokens" and facts.vocabulary_size is not None:
        for place, layer in enumerate(model.layers):
            rows = layer.arguments().get("input_dim") if layer.name == "embedding" else None
            if isinstance(rows, int) and rows < facts.vocabulary_size:
                message = f"{rows:,} embeddings are fewer than the {facts.vocabulary_size:,} different tokens."
                hint = f"Write {facts.vocabulary_size}."
                yield Problem(("model", "layers", place, "input_dim"), message, hint)
    if not isinstance(model, ReadsTokens | Transformer):
        return
    key = "embedding" if isinstance(model, ReadsTokens) else "width"
    width = getattr(model, key)
    if facts.kind not in {None, "tokens"}:
        if key == "embedding" and width is not None:
            yield Problem(("model", key), f"only tokens are embedded, and this is {facts.kind} data.", "Remove it.")
        if model.frozen_embedding:
            message = f"only tokens are embedded, and this is {facts.kind} data."
            yield Problem(("model", "frozen_embedding"), message, "Remove it.")
        return
    text = getattr(recipe.data, "text", None)
    has_file = text is not None and text.embeddings is not None
    if model.frozen_embedding and not has_file:
        message = "embeddings that are drawn and never learn say nothing."
        yield Problem(("model", "frozen_embedding"), message, "Name a file in 'data.text.embeddings', or remove it.")
    if facts.embedding is not None and width not in {None, facts.embedding}:
        message = f"the file of embeddings has {facts.embedding:,} numbers per token, and this is {width:,}."
        yield Problem(("model", key), message, "Remove it.")


def numbers_stay_as_they_are(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Layers that read the inputs and look for numbers which standardized or scaled inputs no longer have."""
    model, reuse = recipe.model, recipe.reuse
    is_on_top = reuse is not None and reuse.copy_ is None and not reuse.holds_weights_alone
    if not isinstance(model, Layers) or is_on_top:
        return
    largest = (facts.inputs or {}).get("largest", 0.0)
    is_scaled = facts.kind == "image" and recipe.data.scale is not False and largest <= 1
    for place, (layer, reads) in enumerate(zip(model.layers, sources(model.layers), strict=True)):
        if -1 not in reads or layer.name not in AS_THEY_ARE:
            continue
        looks_for = "whole numbers"
        if layer.name == "masking":
            looks_for = f"steps whose numbers are all {layer.arguments().get('mask_value', 0.0):g}"
        changed = {"standardized": "data.standardize"} if facts.is_standardized else {}
        if is_scaled and layer.name == "embedding":
            changed["scaled to at most 1"] = "data.scale"
        if changed:
            message = f"'{layer.name}' looks for {looks_for}, and the inputs are {' and '.join(changed)}."
            keys = " and ".join(f"'{key}: false'" for key in changed.values())
            yield Problem(("model", "layers", place), message, f"Set {keys}.", severity="warning")


def embeddings_are_read(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A file of embeddings, or an order of tokens, that the backbone has no use for."""
    text, model = getattr(recipe.data, "text", None), recipe.model
    if text is None:
        return
    if text.embeddings is not None and not isinstance(model, ReadsTokens | Transformer):
        message = f"'{model.name}' embeds no tokens."
        hint = "Remove it, or use 'model: {name: mean_embedding}'."
        yield Problem(("data", "text", "embeddings"), message, hint)
    if text.ngrams > 1 and isinstance(model, Cnn | Rnn | Transformer):
        message = f"pairs of tokens stand behind the single ones, and '{model.name}' reads tokens in their order."
        yield Problem(("data", "text", "ngrams"), message, "Remove it, or use 'model: {name: bag_of_words}'.")


def steps_are_read(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Options of a backbone that have no meaning for steps, or would let padding change what a text means."""
    model, kind = recipe.model, facts.kind
    if isinstance(model, Cnn) and kind in {"sequence", "tokens"}:
        noun = "tokens" if kind == "tokens" else "sequences"
        idle = {"separable": model.separable}
        if kind == "tokens":
            idle |= {
                "stem_strides": model.stem_strides != 1,
                "padding": model.padding != "same",
                "pooling": model.pooling == "stride",
            }
        for key, is_there in idle.items():
            if is_there:
                yield Problem(("model", key), f"is for images, and this network reads {noun}.", "Remove it.")
    if isinstance(model, Transformer) and (model.width or 64) % model.heads:
        message = f"{model.heads} heads do not divide a width of {model.width or 64}."
        yield Problem(("model", "heads"), message, "Use a number that divides it.")
    normalization = recipe.normalization
    is_of_tokens = isinstance(model, Cnn | Rnn) and kind == "tokens"
    if isinstance(model, Transformer) and normalization.name not in OF_STEPS:
        message = f"'{normalization.name}' mixes steps, padding included, and a transformer normalizes each by itself."
        yield Problem(("normalization",), message, "Use 'layer_normalization', or omit it.")
    elif isinstance(model, Transformer) and getattr(normalization, "position", "") == "after_activation":
        message = "a transformer normalizes in front of attention and dense layers."
        yield Problem(("normalization", "position"), message, "Remove it.")
    elif is_of_tokens and normalization.name == "group_normalization":
        message = "'group_normalization' mixes steps, padding included."
        yield Problem(("normalization",), message, "Use 'layer_normalization'.")


RULES = (
    ("embedding", ("data", "model"), embedding_needs_tokens),
    ("layer-inputs", ("data", "model", "reuse", "normalization"), numbers_stay_as_they_are),
    ("text-read", ("data", "model"), embeddings_are_read),
    ("steps", ("data", "model", "normalization"), steps_are_read),
)
