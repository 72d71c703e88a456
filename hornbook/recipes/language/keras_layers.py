"""Names and arguments of Keras's layers, read from the installed source without importing it.

`hornbook check` must know which layers and arguments exist and still answer at once; importing Keras takes seconds,
parsing the one file that defines a layer a millisecond.
"""

import ast
import importlib.util
import inspect
import pathlib
import re
from functools import cache

__all__ = [
    "argument_names",
    "class_name",
    "defaults",
    "docstring",
    "layer_names",
    "required_arguments",
    "written_default",
]

# Layers that need code or other layers as arguments, which YAML cannot say; RNN cells and abstract parents.
LEFT_OUT = frozenset(
    {"Layer", "Lambda", "TFSMLayer", "Wrapper", "Bidirectional", "TimeDistributed", "RNN", "StackedRNNCells",
     "InputLayer", "Input", "InputSpec", "FlaxLayer", "JaxLayer", "TorchModuleWrapper", "SpectralNormalization",
     "Pipeline", "MultiHeadAttention", "AdditiveAttention", "GroupQueryAttention", "MaxNumBoundingBoxes",
     "ReversibleEmbedding", "CutMix", "MixUp", "StringLookup", "IntegerLookup", "TextVectorization", "Hashing",
     "HashedCrossing"}
)  # fmt: skip
SPELLINGS = {"ReLU": "relu", "PReLU": "prelu", "LeakyReLU": "leaky_relu"}


def _snake(name: str) -> str:
    if name in SPELLINGS or name.isupper():
        return SPELLINGS.get(name, name.lower())
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return split.replace("1D", "1d").replace("2D", "2d").replace("3D", "3d").lower()


@cache
def _modules() -> dict[str, tuple[str, pathlib.Path]]:
    """Return {snake_case name: (class name, file)} of every layer in keras.layers."""
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        return {}
    root = pathlib.Path(spec.origin).parent
    tree = ast.parse((root / "layers" / "__init__.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if not isinstance(node, ast.ImportFrom) or not module.startswith("keras.src.layers"):
            continue
        path = root.joinpath(*module.split(".")[1:]).with_suffix(".py")
        for alias in node.names:
            is_short_form = alias.asname not in (None, alias.name)
            is_left_out = alias.name in LEFT_OUT or alias.name.endswith("Cell")
            if alias.name[0].isupper() and not is_short_form and not is_left_out and path.exists():
                found[_snake(alias.name)] = (alias.name, path)
    return found


def layer_names() -> tuple[str, ...]:
    """Return the names that a free list of layers may use: ``dense``, ``conv2d``, ``max_pooling2d`` …"""
    return tuple(sorted(_modules()))


def class_name(name: str) -> str:
    """Return Keras's class name of a layer: ``conv2d`` → ``Conv2D``."""
    return _modules()[name][0]


@cache
def _classes(name: str) -> tuple[ast.ClassDef, ...]:
    """Return the definition of a layer's class, then those of its parents in the same file."""
    wanted, path = _modules()[name]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: list[ast.ClassDef] = []
    node: ast.ClassDef | None = classes.get(wanted)
    while node is not None:
        found.append(node)
        base = node.bases[0] if node.bases else None
        node = classes.get(base.id) if isinstance(base, ast.Name) else None
    return tuple(found)


def _arguments(name: str) -> ast.arguments | None:
    for node in _classes(name):
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                return item.args
    return None


def docstring(name: str) -> str:
    """Return what Keras says about a layer."""
    wanted, path = _modules()[name]
    pattern = rf'^class {wanted}\([^)]*\):\s+r?"""(.*?)"""'  # parsing a hundred files for `list layers` takes too long
    match = re.search(pattern, path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return inspect.cleandoc(match[1]) if match else ""


def defaults(name: str) -> dict[str, str]:
    """Return {argument: its default as YAML} in order, without `name` and `dtype`; empty for None and no default."""
    return {key: _as_yaml(value) for key, value in _defaults(name).items()}


def written_default(name: str, argument: str) -> str | None:
    """Return an argument's default as Keras's source writes it, ``None`` included; None where it has none."""
    value = _defaults(name).get(argument)
    return None if value is None else ast.unparse(value)


@cache
def _defaults(name: str) -> dict[str, ast.expr | None]:
    arguments = _arguments(name)
    if arguments is None:
        return {}
    names = [argument.arg for argument in arguments.args[1:]]
    written: list[ast.expr | None] = [None] * (len(names) - len(arguments.defaults)) + list(arguments.defaults)
    names += [argument.arg for argument in arguments.kwonlyargs]
    written += arguments.kw_defaults
    return {key: value for key, value in zip(names, written, strict=True) if key not in {"name", "dtype"}}


def _as_yaml(value: ast.expr | None) -> str:
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return ""
    if isinstance(value, ast.Constant) and isinstance(value.value, bool | str):
        return str(value.value).lower() if isinstance(value.value, bool) else value.value
    text = ast.unparse(value).replace("(", "[").replace(")", "]")
    return "" if re.search(r"[A-Za-z_]{2}", text) else text  # the name of a constant says nothing in YAML


def argument_names(name: str) -> tuple[str, ...]:
    """Return the arguments of a layer's constructor, without `name` and `dtype`."""
    return tuple(defaults(name))


def required_arguments(name: str) -> frozenset[str]:
    """Return the arguments that have no default."""
    arguments = _arguments(name)
    if arguments is None:
        return frozenset()
    names = [argument.arg for argument in arguments.args[1:]]
    return frozenset(names[: len(names) - len(arguments.defaults)])
