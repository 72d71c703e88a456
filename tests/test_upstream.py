"""One file holds every private attribute of Keras and TensorFlow that Hornbook touches."""

import ast
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hornbook"
FILES = sorted(PACKAGE.rglob("*.py"))
ELSEWHERE = {"upstream.py", "sweep/oracle.py"}  # the latter has keras-tuner's oracles, which are neither


@pytest.fixture(scope="module")
def parsed():
    """{file: its syntax tree} of the package."""
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def own_names(parsed):
    """Return the private names that Hornbook itself gives to functions, classes, attributes and fields."""
    names = set()
    for tree in parsed.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
                names.add(node.attr)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)  # slots, and attributes set by name
    return names


def is_own(value):
    return isinstance(value, ast.Name) and value.id in {"self", "cls", "view", "placed", "changed", "heart"}


def private_names(tree):
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if node.attr.startswith("_") and not node.attr.startswith("__")}


def private_modules(tree):
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [name for name in imported if name.startswith(("keras.src", "tensorflow.python"))]


def test_other_files_touch_no_private_attribute_of_keras_or_tensorflow(parsed):
    known = own_names(parsed)
    touched = {name: private_names(tree) - known for name, tree in parsed.items() if name not in ELSEWHERE}
    assert {name: names for name, names in touched.items() if names} == {}
    assert {name for name, tree in parsed.items() if private_modules(tree)} == {"upstream.py"}


def test_the_file_itself_would_be_noticed(parsed):
    assert {"_run_through_graph", "_iterations", "_flatten_layers"} <= private_names(parsed["upstream.py"])
    assert not own_names(parsed) & {"_run_through_graph", "_iterations", "_flatten_layers"}


@pytest.mark.parametrize("name", ["keras.src.saving.serialization_lib", "tensorflow.python.framework.ops"])
def test_the_private_modules_are_there(name, tensorflow):
    assert importlib.import_module(name)
