"""One file holds every private attribute of Keras and TensorFlow that Hornbook touches."""

import ast
import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hornbook"
FILES = sorted(PACKAGE.rglob("*.py"))
ELSEWHERE = {
    "upstream.py",
    "sweep/tuners/oracle.py",
    "ending.py",
}  # the others have keras-tuner's oracles and Python's own end


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


@pytest.mark.parametrize(
    "name",
    ["keras.src.saving.serialization_lib", "tensorflow.python.eager.context", "tensorflow.python.framework.ops"],
)
def test_the_private_modules_are_there(name, tensorflow):
    assert importlib.import_module(name)


@pytest.fixture
def compiled(tensorflow):
    """A function that XLA has compiled, and what it gives."""
    function = tensorflow.function(lambda x: tensorflow.tanh(x) * 2.0, jit_compile=True)
    return function, float(function(tensorflow.constant(0.5)))


def test_xla_forgets_what_it_has_compiled_and_compiles_it_again(compiled, tensorflow):
    from hornbook.upstream import forget_executables

    function, result = compiled
    assert forget_executables()
    assert not forget_executables()  # nothing is left
    assert float(function(tensorflow.constant(0.5))) == result
    assert forget_executables()


@pytest.mark.whole
def test_to_forget_where_there_is_nothing_is_silent():
    code = "import tensorflow as tf; from hornbook.upstream import forget_compiled; tf.zeros(1); forget_compiled()"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_CPP")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert "OP_REQUIRES" not in done.stderr  # a script that imports TensorFlow by itself shows its warnings


def test_nothing_is_forgotten_that_another_thread_may_be_running(compiled, tensorflow):
    from hornbook.upstream import forget_compiled, forget_executables

    started, over = threading.Event(), threading.Event()

    def wait():
        started.set()
        over.wait(60)

    thread = threading.Thread(target=lambda: tensorflow.py_function(wait, [], []))
    thread.start()
    try:
        assert started.wait(60)
        assert not forget_compiled()
    finally:
        over.set()
        thread.join()
    assert forget_executables()  # it was still there
    assert forget_compiled()


def test_what_is_traced_to_be_forgotten_keeps_one_stack_for_all_operations(tensorflow):
    from hornbook.upstream import forgettable

    def deep(x):
        return tensorflow.exp(x)

    function = tensorflow.function(lambda x: deep(tensorflow.sin(x)))
    with forgettable():
        concrete = function.get_concrete_function(tensorflow.TensorSpec([], tensorflow.float32))
    stacks = [[(frame.filename, frame.lineno) for frame in op.traceback] for op in concrete.graph.get_operations()]
    assert stacks[1:] == stacks[:-1]
    usual = tensorflow.function(lambda x: deep(tensorflow.sin(x)))
    graph = usual.get_concrete_function(tensorflow.TensorSpec([], tensorflow.float32)).graph
    assert len({len(op.traceback) for op in graph.get_operations()}) > 1
