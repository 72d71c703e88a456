"""The whole recipe on one page: six ingredients, and the data, model and training they are for."""

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr

from hornbook.recipes.faults import CODES
from hornbook.recipes.language.keys import put, split_key
from hornbook.recipes.language.spec import Component, ComponentOf, Spec, as_tuple
from hornbook.recipes.language.text import Document, to_yaml
from hornbook.recipes.sections.activation import Activation
from hornbook.recipes.sections.head import Head, Task
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sections.initializer import Default, Initializer
from hornbook.recipes.sections.model import Backbone
from hornbook.recipes.sections.normalization import NoNormalization, Normalization
from hornbook.recipes.sections.optimizer import Adam, Optimizer
from hornbook.recipes.sections.pretraining import Pretraining
from hornbook.recipes.sections.regularization import Regularization
from hornbook.recipes.sections.reuse import Reuse
from hornbook.recipes.sections.schedule import ConstantSchedule, Schedule
from hornbook.recipes.sections.shrink import Shrink
from hornbook.recipes.sections.sweep import Sweep
from hornbook.recipes.sections.tracking import Tracker
from hornbook.recipes.sections.training import Training
from hornbook.recipes.sources import DataSpec

__all__ = ["Recipe"]

RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]


class Recipe(Spec):
    """A validated description of one training.

    Get one from `hornbook.load_recipe`. What is None here follows from the data (`task`, `head`) or from the backbone
    (`activation`) and is filled in by `resolve`.
    """

    format: Literal[1] = 1
    """Version of the recipe language."""
    name: RunName | None = None
    """What the run is called; omitted: the file's name."""
    notes: str | None = None
    """Free text that stays with the run."""
    tags: Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)] = ()
    """Words to find the run by."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42
    """One number that every random draw follows from."""

    data: Annotated[DataSpec, ComponentOf("data")]
    """Where the examples come from, and how they are split and scaled."""
    task: Task | None = None
    """What is predicted; omitted: known from the data."""
    model: Backbone
    """The backbone; the six ingredients apply to its hidden layers."""
    head: Head = Head()
    """The last layer and the loss; omitted: all follow from the task."""
    heads: Heads | None = None
    """Several heads in place of `head`, by name: each has its own target, loss, metrics and weight in the sum of losses."""

    initializer: Initializer = Default()
    """Where kernels (and, with `bias`, biases) start."""
    activation: Activation | None = None
    """Of every hidden layer; omitted: relu, and tanh inside recurrent cells."""
    normalization: Normalization = NoNormalization()
    """Of every hidden layer, before or after its activation."""
    regularization: Regularization = Regularization()
    """Penalties, dropout, noise and limits on weights, in any combination."""
    optimizer: Optimizer = Adam()
    """How gradients become steps."""
    schedule: Schedule = ConstantSchedule()
    """How the learning rate changes during the run."""

    reuse: Reuse | None = None
    """Layers of an earlier model to begin with; omitted: everything starts from the initializer."""
    pretraining: Pretraining | None = None
    """What the hidden layers learn from unlabeled inputs first; omitted: nothing."""
    shrink: Shrink | None = None
    """Make an earlier run's model smaller; data, network and training are that run's where the recipe leaves them out."""
    training: Training = Training()
    """How long, in what batches, and when to stop."""
    health: Literal["on", "off", "dense"] = "on"
    """Whether outputs, gradients and steps of each layer are recorded while training: `dense` after every epoch, `on` often
    at first and ever less often later."""
    mute: Annotated[tuple[Literal[CODES], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)] = ()  # type: ignore[valid-type]
    """Codes of findings that `hornbook doctor` is not to mention."""
    tracking: Annotated[tuple[Tracker, ...], BeforeValidator(as_tuple)] = ()
    """Where the run is shown besides its folder: `tensorboard`, `mlflow`, `wandb`; omitted: nowhere."""
    sweep: Sweep | None = None
    """Many trainings that differ in a few values, for `hornbook sweep`; omitted: the recipe is one training."""

    _document: Document | None = PrivateAttr(default=None)

    def __eq__(self, other: object) -> bool:
        """Return whether both describe the same training; the texts they came from may differ."""
        return isinstance(other, Recipe) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        """Return what was set, as YAML that is a recipe again; a component always with its name."""
        return to_yaml(_as_set(self))

    __str__ = __repr__

    def from_document(self, document: Document) -> "Recipe":
        """Return the same recipe, remembering the text it came from, so that later problems can name the line."""
        placed = self.model_copy()
        placed._document = document
        return placed

    @property
    def document(self) -> Document | None:
        """The text the recipe came from, with the place of each key."""
        return self._document

    @property
    def is_trusted(self) -> bool:
        """Whether code that an earlier model holds may be run."""
        return any(section is not None and section.trust for section in (self.reuse, self.shrink))

    def replaced(self, values: Mapping[str, Any]) -> "Recipe":
        """Return the recipe with other values in place, remembering the text it came from.

        Only the sections that change are validated again; the others are taken as they are.

        Args:
            values: {key: plain value}; a key has dots, ``training.engine``, and None leaves it without a value. Whole
                sections are set before what is inside them.

        Raises:
            KeyPathError: If a key leads through something that has no keys.
            pydantic.ValidationError: If the recipe has no such key, or it takes no such value.
        """
        tree: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        items = [(split_key(key), value) for key, value in values.items()]
        for path, value in sorted(items, key=lambda item: len(item[0])):
            section = str(path[0])
            if len(path) > 1 and isinstance(tree.get(section), BaseModel | tuple | dict):
                tree[section] = _plain(tree[section])
            put(tree, path, copy.deepcopy(value))
        changed = type(self).model_validate(tree)
        changed._document = self._document
        return changed

    def of_head(self, name: str) -> "Recipe":
        """Return the recipe as if it had this one of its heads alone: as `head`, with its task, metrics and targets."""
        named = (self.heads or {})[name]
        head = Head(**{key: getattr(named, key) for key in Head.model_fields})
        data, columns = self.data, named.named_columns()
        listed = getattr(data, "target", None)
        if not columns and isinstance(listed, tuple) and name in listed:
            columns = (name,)
        if listed is not None and columns:
            data = data.model_copy(update={"target": columns if len(columns) > 1 else columns[0]})
        training = self.training.model_copy(update={"metrics": named.metrics, "class_weights": named.class_weights})
        own = {"head": head, "heads": None, "task": named.task, "data": data, "training": training}
        return self.model_copy(update=own)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain lists, mappings, numbers and text, ready for YAML; keys without a value left out."""
        plain = _plain(self)
        return {key: value for key, value in plain.items() if value not in ({}, [])}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        items = {field.alias or name: getattr(value, name) for name, field in fields.items()}
        # A key without a value is left out, unless leaving it out would bring a default back.
        kept = {key for key, field in fields.items() if getattr(value, key) is None and field.default is not None}
        items = {key: item for key, item in items.items() if item is not None or key in kept}
        return {key: _plain(item) for key, item in (items | (value.model_extra or {})).items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _as_set(value: Any) -> Any:
    """Return what was set of a recipe as plain values, components without options as their names."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        names = [name for name in fields if name in value.model_fields_set or (name == "name" and value.name)]  # type: ignore[attr-defined]
        items = {fields[name].alias or name: _as_set(getattr(value, name)) for name in names} | (
            value.model_extra or {}
        )
        return items["name"] if isinstance(value, Component) and list(items) == ["name"] else items
    if isinstance(value, dict):
        return {key: _as_set(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_set(item) for item in value]
    return value
