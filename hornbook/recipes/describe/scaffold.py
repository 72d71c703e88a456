"""Writes the recipe that `hornbook new` starts from: all six ingredients, each with what choosing it means.

What a file of one's own holds is looked at by `hornbook.data.preview.draft`, which gives it to `written` as a `Start`.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from hornbook.errors import UsageError
from hornbook.recipes.describe.docstrings import example
from hornbook.recipes.describe.schema import SCHEMA_FILE
from hornbook.recipes.describe.words import flow_yaml
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import Component, catalog, noun, summary
from hornbook.recipes.language.text import parse
from hornbook.recipes.load import check_recipe
from hornbook.recipes.sources import DataSpec, SplitSpec

__all__ = ["SCHEMA_FILE", "Length", "Row", "Start", "new_recipe", "small_share", "start_on", "written", "written_as"]

BACKBONES = {
    "tokens": "rnn", "sequence": "rnn", "image_folder": "cnn", "image_list": "cnn", "text_folder": "mean_embedding",
    "sentences": "mean_embedding",
}  # fmt: skip
"""What suits a data source, else a kind of data, if it is no mlp."""
LAYERS = {
    "tokens": "[{name: embedding, input_dim: 10000, output_dim: 64}, global_average_pooling1d, {name: dense, units: 64}]",
    "table": "[{name: dense, units: 64}, {name: dense, units: 32}]",
}
UNITS = {"image": "[300, 100]", "table": "[64, 32]"}
TABLE_UNITS = {300: "[32, 16]", 5_000: "[64, 32]", 50_000: "[128, 64]", math.inf: "[256, 128]"}
"""Hidden layers for a table with fewer training rows than the key."""
SMALL = 1000
"""Examples below which a tenth of them is too few to judge an epoch by."""
BATCH_SIZES = {1_000: 16, 10_000: 32, 50_000: 64, math.inf: 128}
"""Examples per batch of a training split of fewer examples than the key."""
STEPS = 2500
"""Updates in which a network of this size learns, at these rates, what a small table or set of images has to teach."""
FEWEST_EPOCHS = {"table": 100}
"""Epochs that many examples take: rows are quick and their functions fine; of anything else 20 do."""
MOST_EPOCHS = 300
EPOCHS_OF_UNKNOWN = 100
WIDTH = 120
WHAT_FOLLOWS = "What it leaves out follows from the data: task, head, loss, metric."
HEADER = """\
# yaml-language-server: $schema=./{schema}
{title}
# Data:  {about}
# Check: hornbook check --config FILE       every problem, with line and column
# Train: hornbook train --config FILE
# Try:   hornbook train --config FILE optimizer.learning_rate=0.01
# Watch: hornbook train --config FILE "tracking=[tensorboard]"
# More:  hornbook list activation, hornbook show activation elu
"""


def new_recipe(*, data: str = "digits", model: str | None = None) -> str:
    """Return the text of a commented recipe.

    Args:
        data: A data source.
        model: A backbone; omitted: one that suits the data.

    Raises:
        UsageError: If there is no such data source or backbone, or the two do not fit.
    """
    return written(start_on(data), model=model)


def start_on(data: str) -> "Start":
    """Return what is known of a data source.

    Raises:
        UsageError: If there is no such data source.
    """
    source = _component("data", data)
    data_kind = getattr(source, "data_kind", None)
    data_kind = data_kind if isinstance(data_kind, str) else "table"
    value = _value(source)
    length = Length.of(_section(value))
    if length.validation:
        value = _with_validation(value, length.validation)
    comment = "others: hornbook list data; your own file: hornbook new --data FILE"
    return Start(data, data, summary(source), data_kind, (("data", value, comment),), length)


def written_as(start: "Start", sections: Mapping[str, Any], notes: Sequence[str], model: str) -> str:
    """Return the text of the recipe of a network that is there already, checked as far as that goes without the data.

    Args:
        start: What the data is.
        sections: {key: plain value} of network and training.
        notes: What the recipe cannot say of it.
        model: What to call the network.

    Raises:
        UsageError: If these sections and the data contradict each other.
    """
    named = {row[0] for row in start.data if row is not None}
    training = dict(sections.get("training", {}))
    rows: list[Row] = [
        *start.data,
        *[(key, _on_lines(value), "") for key, value in sections.items() if key not in {"training", *named}],
        None,
        *_training_rows(start.length),
        *start.training,
        *[(f"  {key}", flow_yaml(value), "") for key, value in training.items()],
        ("seed", "42", "the same seed gives the same run"),
    ]
    return _checked(start, rows, f"The recipe of {model}.", (*start.notes, *notes), f"the model {model}")


def written(start: "Start", *, model: str | None = None) -> str:
    """Return the text of a recipe, checked as far as that goes without the data.

    Args:
        start: What the data is.
        model: A backbone; omitted: one that suits the kind of data.

    Raises:
        UsageError: If there is no such backbone, or it does not fit the data.
    """
    backbone = _component("model", model or BACKBONES.get(start.source) or BACKBONES.get(start.data_kind, "mlp"))
    name, length = backbone.model_fields["name"].default, start.length
    rows: list[Row] = [
        *start.data,
        *_backbone_rows(name, backbone, start),
        None,
        *_ingredient_rows(name, start),
        None,
        *_training_rows(length),
        *start.training,
        ("seed", "42", "the same seed gives the same run"),
    ]
    title = f"A recipe to start from: {name} on {start.name}. {WHAT_FOLLOWS}"
    return _checked(start, rows, title, start.notes, f"model '{name}'")


def _checked(start: "Start", rows: Sequence["Row"], title: str, notes: Sequence[str], what: str) -> str:
    header = HEADER.format(schema=SCHEMA_FILE, title=_comment("", title), about=start.about)
    header += "".join(_comment("", f"Look:  {note}") + "\n" for note in notes)
    text = header + "\n".join(_line(row) for row in rows) + "\n"
    problems = [problem for problem in check_recipe(text).problems if problem.severity == "error"]
    if problems:
        raise UsageError(f"no recipe with data '{start.name}' and {what}: {problems[0].sentence()}")
    return text


Row = tuple[str, str, str] | None
"""A key with its value and what choosing it means; spaces in place of a key for a comment alone; None for an empty line."""


@dataclass(frozen=True)
class Start:
    """What the data of a new recipe is, as far as it is known.

    Attributes:
        name: The source, or the file.
        source: The source that reads it.
        about: The data in one line.
        data_kind: What the inputs are.
        data: The rows of `data`, and of `task` where it is named.
        length: How long to train.
        training: Further rows of `training`.
        notes: What can be read in two ways, one line each.
    """

    name: str
    source: str
    about: str
    data_kind: str
    data: tuple[Row, ...]
    length: "Length"
    training: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_tiny(self) -> bool:
        """Whether there are so few examples that none is held out."""
        return self.length.validation == 0


@dataclass(frozen=True)
class Length:
    """How long to train, and in what batches: what follows from the number of examples.

    Attributes:
        size: Training examples; None where only loading can tell.
        validation: The share to hold out, where the source's own or the usual one is not right; 0: there is none.
        epochs: Passes over the examples.
        batch_size: Examples per batch.
        patience: Epochs that early stopping waits; None: there is no validation split to stop by.
    """

    size: int | None
    validation: float | None
    epochs: int
    batch_size: int
    patience: int | None

    @classmethod
    def of(cls, data: DataSpec) -> "Length":
        """Return what suits the data, by its size where that is known."""
        sizes, split = data.sizes(), data.effective_split()
        if split.validation == 0:
            return cls(4, 0, MOST_EPOCHS, 4, None)
        if sizes is None:
            return cls(None, None, EPOCHS_OF_UNKNOWN, 32, _patience(EPOCHS_OF_UNKNOWN))
        share = small_share(sizes["train"]) if split.validation is None else None
        if share is not None:
            split = SplitSpec.model_validate({**split.model_dump(exclude_unset=True), "validation": share})
        size = sizes["train"] - sum(split.counts(sizes["train"], set(sizes) - {"train"}))
        return cls.of_size(size, data.data_kind or "", share)

    @classmethod
    def of_size(cls, size: int, data_kind: str, share: float | None = None) -> "Length":
        """Return what suits a training split of so many examples, of which `share` are held out for validation."""
        batch_size = min(next(batch for limit, batch in BATCH_SIZES.items() if size < limit), size)
        if size % batch_size == 1:  # a last batch of one example has no variance
            batch_size = min(batch_size * 2, size)
        epochs = math.ceil(STEPS / math.ceil(size / batch_size) / 10) * 10
        epochs = min(max(epochs, FEWEST_EPOCHS.get(data_kind, 20)), MOST_EPOCHS)
        return cls(size, share, epochs, batch_size, _patience(epochs))


def small_share(num_examples: int) -> float | None:
    """Return the share of the examples to hold out where a tenth of them would be too few; None: a tenth will do."""
    return 0.2 if num_examples < SMALL else None


def _patience(epochs: int) -> int:
    """Return a quarter: a pause of the loss is shorter, and what overfits is ended."""
    return epochs // 4


def _section(value: str) -> DataSpec:
    """Return the source that a recipe's `data: value` means."""
    tree = parse(f"data: {value}", origin="data").tree["data"]
    options = tree if isinstance(tree, dict) else {"name": tree}
    return cast(DataSpec, catalog("data")[options["name"]].model_validate(options))


def _with_validation(value: str, share: float) -> str:
    """Return the value of `data` with a share to hold out."""
    if not value.startswith("{"):
        value = f"{{name: {value}}}"
    return f"{value[:-1]}, split: {{validation: {share}}}}}"


def _component(kind: str, name: str) -> type[Component]:
    found = catalog(kind).get(name)
    if found is None:
        raise UsageError(f"unknown {noun(kind)} '{name}'. {did_you_mean(name, catalog(kind), kind=kind)}")
    return found


def _value(cls: type[Component]) -> str:
    """Return a component's name where that says enough, otherwise what its example shows."""
    if any(field.is_required() for field in cls.model_fields.values()):
        return flow_yaml(parse(example(cls), origin="example").tree[cls.kind])
    return str(cls.model_fields["name"].default)


def _backbone_rows(name: str, cls: type[Component], start: Start) -> list[Row]:
    data_kind, size = start.data_kind, start.length.size
    units = "[4]" if start.is_tiny else UNITS.get(data_kind, "[100]")
    width = "hidden layers; wider ones learn more, and overfit sooner"
    if data_kind == "table" and size is not None and not start.is_tiny:
        units = next(units for limit, units in TABLE_UNITS.items() if size < limit)
        width = f"for {size:,} rows; wider layers learn more, and overfit sooner"
    known = {
        "mlp": (f"{{name: mlp, units: {units}}}", width),
        "cnn": ("{name: cnn, filters: [32, 64], dense: [100]}", "one block per number, each halves the image"),
        "residual_cnn": ("{name: residual_cnn, filters: [16, 32], blocks: 1}", "more blocks: deeper, and slower"),
        "rnn": ("{name: rnn, cell: lstm, units: [64]}", "gru is a little faster, simple forgets sooner"),
        "bag_of_words": ("{name: bag_of_words, dense: [16]}", "which words are there; tf_idf weighs rare ones more"),
        "mean_embedding": ("{name: mean_embedding, embedding: 64, dense: [64]}", "the baseline of networks for texts"),
        "transformer": ("{name: transformer, width: 64, heads: 4, blocks: 2}", "each step looks at all others"),
        "layers": (
            f"{{name: layers, layers: {LAYERS.get(data_kind, '[flatten, {name: dense, units: 100}]')}}}",
            "any Keras layers: hornbook list layers",
        ),
    }
    value, comment = known.get(name, (_value(cls), summary(cls)))
    return [("model", value, comment)]


def _ingredient_rows(name: str, start: Start) -> list[Row]:
    is_tiny = start.is_tiny
    if name == "rnn":
        initializer = ("glorot_uniform", "suits tanh; recurrent weights start orthogonal")
        activation = ("tanh", "keeps states bounded over the steps")
    else:
        initializer = ("he_normal", "suits relu and its variants; omit it, and theory chooses")
        activation = ("relu", "fast; elu is often a little better, tanh needs glorot_uniform")
    normalization = ("batch_normalization", "allows larger rates; none is simpler and faster")
    if start.length.batch_size < 16 or name == "rnn" or start.data_kind == "tokens":
        normalization = ("none", "batch_normalization wants batches of 16 or more")
    if name == "transformer":
        normalization = ("layer_normalization", "of each step by itself, in front of attention and dense layers")
    regularization = ("{dropout: 0.1}", "raise it when validation gets worse while training still improves")
    if is_tiny:
        regularization = ("{l2: 0.0}", "0.0001 keeps weights small; dropout needs more units than this")
    rate = "0.05" if is_tiny else "0.001"
    return [
        ("initializer", *initializer),
        ("activation", *activation),
        ("normalization", *normalization),
        ("regularization", *regularization),
        (
            "optimizer",
            f"{{name: adam, learning_rate: {rate}}}",
            "loss jumps: lower the rate; loss creeps: raise it",
        ),
        ("schedule", "{name: cosine, warmup: 5%}", "rises, then falls to 0 at the last epoch; constant needs no plan"),
    ]


def _training_rows(length: Length) -> list[Row]:
    few = "there are few examples, so many passes"
    epochs = "passes over the training examples"
    if length.size is None:
        epochs = f"right for most tables; 150 examples want {MOST_EPOCHS}, 20,000 pictures 20"
    batch = "larger is faster per epoch, and wants a larger rate"
    if length.batch_size == length.size:
        batch = "all examples in one step"
    rows: list[Row] = [
        ("training", "", ""),
        ("  epochs", str(length.epochs), few if length.epochs > EPOCHS_OF_UNKNOWN else epochs),
        ("  batch_size", str(length.batch_size), batch),
    ]
    if length.patience is not None:
        stopping = f"{{monitor: val_loss, patience: {length.patience}}}"
        rows.append(("  early_stopping", stopping, "ends with the weights of the best epoch"))
    return rows


def _line(row: Row) -> str:
    if row is None:
        return ""
    key, value, comment = row
    if not key.strip():
        return _comment(key, comment)
    start = f"{key}:{value}" if value.startswith("\n") else f"{key}: {value}".rstrip()
    line = f"{start:<46}  # {comment}" if comment else start
    if len(line) <= WIDTH and "\n" not in value:
        return line
    indent = key[: len(key) - len(key.lstrip())]
    return "\n".join(filter(None, [_comment(indent, comment), start]))


def _on_lines(value: Any) -> str:
    """Return a value as YAML in one line, a list of layers with a line for each."""
    if not isinstance(value, Mapping) or "layers" not in value:
        return flow_yaml(value)
    options = [f"\n  {key}: {flow_yaml(item)}" for key, item in value.items() if key != "layers"]
    return "".join([*options, "\n  layers:", *(f"\n    - {flow_yaml(layer)}" for layer in value["layers"])])


def _comment(indent: str, text: str) -> str:
    """Return a comment of its own lines."""
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "))
