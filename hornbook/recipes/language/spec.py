"""The base of every typed piece of a recipe, and the catalog that components are registered in.

A component is one frozen, strict pydantic class: its options, its docstring (what, when to use it, source) and the
target it builds. Registering it is all that is needed: loader, builder, command line, JSON Schema, docs and contract
tests find it in the catalog. Ours and a user's are registered the same way. No TensorFlow here.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from hornbook.errors import UsageError
from hornbook.recipes.language.hints import did_you_mean, is_same, what_it_is
from hornbook.recipes.language.text import shown

__all__ = [
    "Component",
    "ComponentOf",
    "Fraction",
    "NonNegative",
    "Positive",
    "PositiveInt",
    "Rate",
    "Spec",
    "as_tuple",
    "catalog",
    "component_class",
    "register",
    "resolve_target",
]

ENTRY_POINT_GROUP = "hornbook.components"
KINDS = (
    "initializer",
    "activation",
    "normalization",
    "optimizer",
    "schedule",
    "model",
    "embedding",
    "data",
    "loss",
    "metric",
    "pretraining",
    "tuner",
    "tracker",
)
NOUNS = {
    "data": "data source",
    "model": "backbone",
    "pretraining": "pretraining method",
    "embedding": "embedding of numbers",
}
"""What messages call a kind, where its key in the recipe is no noun for one of them."""
PLACES = {
    "loss": "head.loss",
    "metric": "training.metrics",
    "tuner": "sweep.tuner",
    "tracker": "tracking",
    "embedding": "model.numbers",
}
"""Where a component of a kind stands, if not under a key of the recipe that is called like it."""
LISTED = frozenset({"metric", "tracker"})
"""Kinds of which a recipe has a list."""
FILES = {
    ".csv": "table", ".tsv": "table", ".txt": "table", ".parquet": "table", ".pq": "table", ".jsonl": "table",
    ".ndjson": "table", ".xlsx": "table", ".gz": "table", ".zst": "table",
    ".npz": "npz",
}  # fmt: skip
"""Which data source reads files that end so."""

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
PositiveInt = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # dropout rates, momentum: 1 would drop or freeze everything


def as_tuple(value: Any) -> Any:
    """Turn YAML's lists, nested ones too, into the tuples that a strict field wants."""
    return tuple(as_tuple(item) for item in value) if isinstance(value, list | tuple) else value


class Spec(BaseModel):
    """A section of a recipe: frozen, strict, and without room for keys that nobody reads."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, serialize_by_alias=True, defer_build=True
    )
    path_fields: ClassVar[frozenset[str]] = frozenset()
    """Options that are paths: relative to the current folder in a recipe, absolute in a run."""

    def paths(self) -> dict[str, str]:
        """Return {option: path} of those that have a value, as written; of a list {option.place: path}."""
        found: dict[str, str] = {}
        for name in sorted(self.path_fields):
            value = getattr(self, name)
            if isinstance(value, tuple):
                found |= {f"{name}.{place}": path for place, path in enumerate(value)}
            elif value is not None:
                found[name] = value
        return found

    def absolute_paths(self) -> dict[str, str]:
        """Return what `paths` returns, absolute."""
        return {key: str(Path(path).expanduser().absolute()) for key, path in self.paths().items()}


class Component(Spec):
    """One named choice of an ingredient.

    Subclasses have ``name: Literal["…"] = "…"``, their options as fields, and a docstring that says what, when and
    from which source, with an ``Example:`` block of YAML.
    """

    name: str
    kind: ClassVar[str]
    builds: ClassVar[str | None] = None
    """Dotted path ``module:attribute`` of what it builds. In code only, never in YAML."""
    fixed: ClassVar[Mapping[str, Any]] = {}
    """Arguments of the target that are not options."""
    shared: ClassVar[frozenset[str]] = frozenset()
    """Fields of the kind (``position``, ``warmup`` …) that are not arguments of the target."""

    def options(self) -> dict[str, Any]:
        """Return the component's own options by the target's argument names (shared keys of the kind left out)."""
        own = [name for name in type(self).model_fields if name != "name" and name not in self.shared]
        return {name: getattr(self, name) for name in own}

    def import_target(self) -> Any:
        """Import and return what this component builds. This is where Keras gets imported."""
        if self.builds is None:
            raise TypeError(f"{type(self).__name__} builds nothing")
        return resolve_target(self.builds)

    def build(self, **arguments: Any) -> Any:
        """Return the built object: the target called with the options, the fixed arguments and `arguments`."""
        return self.import_target()(**{**self.fixed, **self.options(), **arguments})


def resolve_target(path: str) -> Any:
    """Import ``package.module:attribute``."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


_CATALOG: dict[str, dict[str, type[Component]]] = {kind: {} for kind in KINDS}
_plugins_loaded = False
C = TypeVar("C", bound=Component)


def register(cls: type[C]) -> type[C]:
    """Add a component to the catalog, under its ``kind`` and ``name``. Use as a decorator.

    Raises:
        TypeError: If the class has no name, no docstring, or its name is taken by another class.
    """
    name = cls.model_fields["name"].default if "name" in cls.model_fields else None
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise TypeError(f'{cls.__name__} needs a field like: name: Literal["my_name"] = "my_name" (snake_case)')
    if cls.kind not in _CATALOG:
        raise TypeError(f"{cls.__name__}: unknown kind {cls.kind!r}. Expected one of: {', '.join(KINDS)}")
    if not cls.__dict__.get("__doc__"):
        raise TypeError(f"{cls.__name__} needs a docstring: what it is, when to use it, and its source")
    known = _CATALOG[cls.kind].get(name)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise TypeError(f"{cls.kind} {name!r} is registered already, by {known.__module__}.{known.__qualname__}")
    _CATALOG[cls.kind][name] = cls
    return cls


def catalog(kind: str) -> Mapping[str, type[Component]]:
    """Return the components of one kind by name, plug-ins of installed packages included."""
    global _plugins_loaded
    if not _plugins_loaded:
        _plugins_loaded = True
        for entry_point in entry_points(group=ENTRY_POINT_GROUP):
            try:
                entry_point.load()
            except Exception as error:
                what = f"plug-in '{entry_point.name}' ({entry_point.value}) cannot be loaded: {error}."
                raise UsageError(f"{what} Repair or uninstall it.") from error
    return _CATALOG[kind]


def component_class(kind: str, name: str) -> type[Component] | None:
    """Return the class of a component, or None where there is none of that name."""
    return catalog(kind).get(name)


T_co = TypeVar("T_co", covariant=True)


class ComponentOf(Generic[T_co]):
    """Annotation of a field that holds any registered component of one kind, in shorthand or as a mapping."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value.model_dump()),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-hornbook-kind": self.kind}  # schema.py makes it a reference

    def _validate(self, value: Any) -> Component:
        if isinstance(value, Component) and value.kind == self.kind:
            return value
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict):
            raise PydanticCustomError(
                "component_type",
                "expected the name of {article} {kind}, or a mapping with 'name', found {found}",
                {"kind": noun(self.kind), "article": article(noun(self.kind)), "found": shown(value)},
            )
        names = catalog(self.kind)
        name = value.get("name")
        if not isinstance(name, str) or name not in names:
            raise PydanticCustomError(
                "unknown_component" if name is not None else "component_name",
                "{message}",
                {"kind": self.kind, "found": name, "message": _unknown_message(self.kind, name)},
            )
        return names[name].model_validate(value)


def noun(kind: str) -> str:
    """Return what one component of a kind is called: ``optimizer``, ``data source``."""
    return NOUNS.get(kind, kind)


def article(word: str) -> str:
    """Return ``a`` or ``an``."""
    return "an" if word[0] in "aeiou" else "a"


def _unknown_message(kind: str, name: Any) -> str:
    word = noun(kind)
    if name is None:
        return f"'name' is missing: which {word}? Known: {', '.join(sorted(catalog(kind)))}."
    if not isinstance(name, str):
        return f"the name of {article(word)} {word} is text, found {shown(name)}."
    return f"unknown {word} '{name}'. {_meant(kind, name)}"


def _meant(kind: str, name: str) -> str:
    """Return a hint: the nearest name, the kind that a name is of, or how a file of data is named."""
    names = catalog(kind)
    if said := what_it_is(name, known=names):
        return said
    if kind == "data" and (source := FILES.get(Path(name).suffix.lower())) is not None:
        return f"A file is named by its path: 'data: {{name: {source}, path: {name}, target: COLUMN}}'."
    if not is_same(name, names, kind=kind):
        for other in KINDS:
            if name in catalog(other):
                place = PLACES.get(other, other)
                written = f"[{name}]" if other in LISTED else name
                return f"That is {article(noun(other))} {noun(other)}: write '{place}: {written}'."
    return did_you_mean(name, names, kind=kind)


def summary(cls: type[Component]) -> str:
    """Return the first sentence of a component's docstring."""
    return inspect.cleandoc(cls.__doc__ or "").split("\n", 1)[0]
