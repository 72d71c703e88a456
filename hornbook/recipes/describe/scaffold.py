"""Writes the recipe that `hornbook new` starts from: all six ingredients, each with what choosing it means."""

from hornbook.errors import UsageError
from hornbook.recipes.describe.docstrings import example
from hornbook.recipes.describe.schema import SCHEMA_FILE
from hornbook.recipes.describe.words import flow_yaml
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import Component, catalog, noun, summary
from hornbook.recipes.language.text import parse
from hornbook.recipes.load import check_recipe

__all__ = ["SCHEMA_FILE", "new_recipe"]

BACKBONES = {"tokens": "rnn", "sequence": "rnn"}
LAYERS = {
    "tokens": "[{name: embedding, input_dim: 10000, output_dim: 64}, global_average_pooling1d, {name: dense, units: 64}]",
    "table": "[{name: dense, units: 64}, {name: dense, units: 32}]",
}
UNITS = {"image": "[300, 100]", "table": "[64, 32]"}
HEADER = """\
# yaml-language-server: $schema=./{schema}
# A recipe to start from: {model} on {data}. What it leaves out follows from the data: task, head, loss, metric.
# Data:  {about}
# Check: hornbook check --config FILE       every problem, with line and column
# Train: hornbook train --config FILE
# Try:   hornbook train --config FILE optimizer.learning_rate=0.01
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
    source = _component("data", data)
    data_kind = getattr(source, "data_kind", None) or "table"
    backbone = _component("model", model or BACKBONES.get(data_kind, "mlp"))
    name = backbone.model_fields["name"].default
    default_split = getattr(source, "default_split", None)
    is_tiny = default_split is not None and default_split.validation == 0
    rows = [
        ("data", _value(source), "others: hornbook list data; your own file: hornbook show data table"),
        *_backbone_rows(name, backbone, data_kind, is_tiny=is_tiny),
        None,
        *_ingredient_rows(name, data_kind, is_tiny=is_tiny),
        None,
        *_training_rows(is_tiny=is_tiny),
        ("seed", "42", "the same seed gives the same run"),
    ]
    header = HEADER.format(schema=SCHEMA_FILE, model=name, data=data, about=summary(source))
    text = header + "\n".join(_line(row) for row in rows) + "\n"
    found = check_recipe(text).problems
    if found:
        raise UsageError(f"no recipe with data '{data}' and model '{name}': {found[0].sentence()}")
    return text


Row = tuple[str, str, str] | None


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


def _backbone_rows(name: str, cls: type[Component], data_kind: str, *, is_tiny: bool) -> list[Row]:
    units = "[4]" if is_tiny else UNITS.get(data_kind, "[100]")
    known = {
        "mlp": (f"{{name: mlp, units: {units}}}", "hidden layers; wider ones learn more, and overfit sooner"),
        "cnn": ("{name: cnn, filters: [32, 64], dense: [100]}", "one block per number, each halves the image"),
        "residual_cnn": ("{name: residual_cnn, filters: [16, 32], blocks: 1}", "more blocks: deeper, and slower"),
        "rnn": ("{name: rnn, cell: lstm, units: [64]}", "gru is a little faster, simple forgets sooner"),
        "layers": (
            f"{{name: layers, layers: {LAYERS.get(data_kind, '[flatten, {name: dense, units: 100}]')}}}",
            "any Keras layers: hornbook list layers",
        ),
    }
    value, comment = known.get(name, (_value(cls), summary(cls)))
    return [("model", value, comment)]


def _ingredient_rows(name: str, data_kind: str, *, is_tiny: bool) -> list[Row]:
    if name == "rnn":
        start = ("glorot_uniform", "suits tanh; recurrent weights start orthogonal")
        activation = ("tanh", "keeps states bounded over the steps")
    else:
        start = ("he_normal", "suits relu and its variants; omit it, and theory chooses")
        activation = ("relu", "fast; elu is often a little better, tanh needs glorot_uniform")
    normalization = ("batch_normalization", "allows larger rates; none is simpler and faster")
    if is_tiny or name == "rnn" or data_kind == "tokens":
        normalization = ("none", "batch_normalization wants batches of 16 or more")
    regularization = ("{dropout: 0.1}", "raise it when validation gets worse while training still improves")
    if is_tiny:
        regularization = ("{l2: 0.0}", "0.0001 keeps weights small; dropout needs more units than this")
    rate = "0.05" if is_tiny else "0.001"
    return [
        ("initializer", *start),
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


def _training_rows(*, is_tiny: bool) -> list[Row]:
    if is_tiny:
        return [
            ("training", "", ""),
            ("  epochs", "300", "there are few examples, so many passes"),
            ("  batch_size", "4", "all four examples in one step"),
        ]
    return [
        ("training", "", ""),
        ("  epochs", "20", "passes over the training examples; early stopping may end sooner"),
        ("  batch_size", "32", "larger is faster per epoch, and wants a larger rate"),
        ("  early_stopping", "{monitor: val_loss, patience: 5}", "ends with the weights of the best epoch"),
    ]


def _line(row: Row) -> str:
    if row is None:
        return ""
    key, value, comment = row
    start = f"{key}: {value}".rstrip()
    line = f"{start:<46}  # {comment}" if comment else start
    return line if len(line) <= 120 else f"# {comment}\n{start}"
