"""A folder that predicts and answers where no Hornbook is: model, recipe, requirements, two programs, the model card."""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from importlib import metadata, resources
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.features.tokens import layer_name, text_front
from hornbook.data.pictures import decode as decode_module
from hornbook.data.pictures import settings as settings_module
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array
from hornbook.data.tables.columns import moments
from hornbook.data.text import encoder as encoder_module
from hornbook.data.text import subwords, vocabulary
from hornbook.data.text import tokens as tokens_module
from hornbook.data.text.encoder import TextEncoder
from hornbook.exports import rows
from hornbook.exports import texts as texts_module
from hornbook.exports.formats import FORMATS, Exportable, Format, RefusedError
from hornbook.exports.stripped import stripped
from hornbook.inference.report.card import card_of
from hornbook.inference.trust.confidence import gives_probabilities
from hornbook.recipes.sources.table import Table

__all__ = ["run", "write"]

TRIED = {"fastapi": "0.165.0", "uvicorn": "0.54.0"}
"""Versions of what the service needs, where they are not installed here."""
PROOF = """
import sys
sys.modules["hornbook"] = None
sys.path.insert(0, sys.argv[1])
import numpy
import predict
numpy.save(sys.argv[3], predict.predict(numpy.load(sys.argv[2])))
"""
PROOF_OF_TEXTS = """
import json, pathlib, sys
sys.modules["hornbook"] = None
sys.path.insert(0, sys.argv[1])
import numpy
import texts
encoders = texts.encoders_of(json.loads((pathlib.Path(sys.argv[1]) / "texts.json").read_text(encoding="utf-8")))
numpy.save(sys.argv[3], texts.encode(json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")), encoders))
"""
ODD = ("", " ", "…", "\u202eשלום", "👍 fine", "a\0b", "DULL! it's", "Ä é ß", "one\ttwo\n", "word " * 1000, "w" * 1000)
"""Texts that programs like to read differently."""
TEXT = "A few words."
JSON = "/predict -H 'Content-Type: application/json' -d '{body}'"
START = """## How to start

```sh
pip install -r requirements.txt
python predict.py {example}
uvicorn service:app --port 8000
curl http://127.0.0.1:8000{service}
```

`predict.py` prints an answer for each {reads}; `service.py` answers the same. Neither needs Hornbook.
"""


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a folder; its model is ONNX where that can be had here, else Keras."""
    path.mkdir()
    onnx = FORMATS["onnx"]
    kind = None if onnx.missing() else _written(onnx, exportable, path, precision)
    if kind is None:
        kind = FORMATS["keras"]
        plain = stripped(exportable.trained.model, unrolls=True, is_plain=True)
        kind.writer()(replace(exportable, model=plain), path / "model.keras", precision)
    facts = _facts(exportable)
    columns, texts = _columns(exportable), _texts(exportable)
    _write_text(path / "facts.json", json.dumps(facts, indent=2, ensure_ascii=False))
    _write_text(path / "recipe.yaml", exportable.metadata["recipe"])
    _write_text(path / "requirements.txt", _requirements(kind, facts))
    for name in ("predict.py", "service.py"):
        _write_text(
            path / name,
            _program(
                name,
                task=facts["task"],
                has_onnx=kind is onnx,
                has_columns=columns is not None,
                has_pictures=facts["pictures"] is not None,
                has_texts=bool(texts),
            ),
        )
    if columns is not None:
        _write_text(path / "columns.json", columns)
        _write_text(path / "rows.py", _together(moments, rows))
    if facts["pictures"] is not None:
        _write_text(path / "pictures.py", _reader_of_pictures())
    if texts:
        _write_text(path / "texts.json", json.dumps(texts, indent=2, ensure_ascii=False))
        _write_text(path / "texts.py", _reader_of_texts())
        _check_texts(exportable, texts, path)
    _write_text(path / "README.md", _card(exportable))


def run(path: Path, inputs: Array) -> Array:
    """Return what a folder's `predict.py` makes of inputs, in a process that cannot import Hornbook.

    Raises:
        RefusedError: If it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "inputs.npy", Path(folder) / "outputs.npy"
        np.save(given, inputs)
        _in_a_process(PROOF, path, given, found, program="predict.py")
        outputs: Array = np.load(found)
    return outputs


def _in_a_process(code: str, path: Path, given: Path, found: Path, *, program: str) -> None:
    """Run Python that reads one file and writes another, with a package's programs and without Hornbook.

    Raises:
        RefusedError: If it fails.
    """
    command = [sys.executable, "-c", code, str(path), str(given), str(found)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise RefusedError(f"its {program} fails: {lines[-1]}")
    shutil.rmtree(path / "__pycache__", ignore_errors=True)


def _written(onnx: Format, exportable: Exportable, path: Path, precision: str) -> Format | None:
    try:
        onnx.writer()(exportable, path / "model.onnx", precision)
    except OSError:
        raise
    except Exception:  # what ONNX cannot have Keras can
        (path / "model.onnx").unlink(missing_ok=True)
        return None
    return onnx


def _columns(exportable: Exportable) -> str | None:
    """Return the columns of a table as JSON; none where texts stand there by themselves; None where there is no table."""
    found = exportable.metadata.get("columns")
    return "[]" if found is None and exportable.trained.info.texts_beside else found


def _texts(exportable: Exportable) -> dict[str, Any]:
    """Return how the texts of each column become token numbers, by its name, in the order of a row."""
    info = exportable.trained.info
    known = info.extra.get("texts", {})
    return {name: TextEncoder.of_facts(known[name]).facts() for name in info.texts_beside or known}


def _check_texts(exportable: Exportable, texts: dict[str, Any], path: Path) -> None:
    """Compare the token numbers of a folder's program, where Hornbook cannot be imported, with Keras's `TextVectorization`.

    The texts are those of training rows as the network has read them, and odd ones.

    Raises:
        RefusedError: If one of them has others.
    """
    examples, start = (
        exportable.calibration,
        exportable.calibration.shape[1] - sum(facts["length"] for facts in texts.values()),
    )
    given, expected = dict[str, list[str]](), list[Array]()
    for name, facts in texts.items():
        encoder = TextEncoder.of_facts(facts)
        tokens = examples[:, start : start + encoder.length].astype(np.int32)
        given[name] = [*map(encoder.text_of, tokens), *ODD]
        start += encoder.length
        front = keras.Model(*text_front(layer_name(name), facts, layer_name(name)))
        expected.append(np.asarray(front(tf.constant(given[name]))))
    rows = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        asked, found = Path(folder) / "rows.json", Path(folder) / "tokens.npy"
        _write_text(asked, json.dumps(rows))
        _in_a_process(PROOF_OF_TEXTS, path, asked, found, program="texts.py")
        wrong = (np.load(found) != np.concatenate(expected, axis=1)).any(axis=1)
    if wrong.any():
        raise RefusedError(f"its texts.py gives {int(wrong.sum()):,} of {len(wrong):,} texts other token numbers")


def _facts(exportable: Exportable) -> dict[str, Any]:
    """Return what the programs need to know."""
    trained = exportable.trained
    info, data = trained.info, trained.recipe.data
    targets: tuple[str, ...] = ()
    settings = PictureSettings.of_run(info.extra)
    if info.task == "regression":
        targets = (data.target_columns if isinstance(data, Table) else info.target_names()) or ("prediction",)
    return {
        "name": trained.run.path.parent.name,
        "run": trained.run.path.name,
        "task": info.task,
        "dtype": exportable.dtype,
        "shape": list(info.input_shape),
        "pictures": settings.to_json() if settings is not None else None,
        "classes": list(info.class_names or map(str, range(info.num_classes))),
        "targets": list(targets),
        "threshold": trained.decision(),
        "outputs": "probabilities" if gives_probabilities(trained) else "scores",
    }


def _requirements(kind: Format, facts: dict[str, Any]) -> str:
    model = ["onnxruntime"] if kind.name == "onnx" else ["keras", "tensorflow"]
    reading = ["pillow"] if facts["pictures"] is not None else []
    lines = [*("numpy", *model, *reading), "# of service.py", *TRIED]
    return "".join(f"{line}\n" if line.startswith("#") else f"{line}=={_version(line)}\n" for line in lines)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return TRIED[name]


def _program(name: str, **facts: Any) -> str:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = (resources.files("hornbook.exports") / f"{name}.jinja").read_text(encoding="utf-8")
    return environment.from_string(text).render(facts)


def _reader_of_pictures() -> str:
    """Return the program that reads pictures as training did, in one file that needs NumPy and Pillow alone."""
    return _together(settings_module, decode_module, between="\n\nArray = Any\n\n")


def _reader_of_texts() -> str:
    """Return the program that makes token numbers of texts as training did, in one file that needs NumPy alone."""
    modules = (subwords, tokens_module, vocabulary, encoder_module, texts_module)
    return _together(*modules, between="\n\nfrom typing import Any\n\nArray = Any\n\n")


def _together(*modules: ModuleType, between: str = "\n\n") -> str:
    """Return modules as one that needs no Hornbook."""
    return between.join(_alone(Path(module.__file__ or "").read_text(encoding="utf-8")) for module in modules)


def _alone(text: str) -> str:
    """Return a module without what it imports from Hornbook, and without its list of names."""
    lines = text.splitlines(keepends=True)
    for node in ast.parse(text).body:
        is_ours = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hornbook")
        if is_ours or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "".join(lines)


def _card(exportable: Exportable) -> str:
    trained, columns, texts = exportable.trained, _columns(exportable), _texts(exportable)
    if columns is not None:
        row = {each.get("column", each["name"]): _example(each) for each in json.loads(columns)}
        row |= dict.fromkeys(texts, TEXT)
        start = START.format(
            example="rows.csv",
            service=JSON.format(body=_quoted({"rows": [row]})),
            reads="row of a CSV file, or of a .npy file of numbers",
        )
    elif texts:
        start = START.format(
            example="texts.txt",
            service=JSON.format(body=_quoted({"inputs": [TEXT]})),
            reads=f"line of a .txt file, or text in the column '{next(iter(texts))}' of a CSV file",
        )
    elif PictureSettings.of_run(trained.info.extra) is not None:
        start = START.format(
            example="photo.jpg",
            service="/picture --data-binary @photo.jpg",
            reads="picture, of a folder too (or row of a .npy file)",
        )
    else:
        shape = [5 if size is None else size for size in trained.info.input_shape]
        values = np.zeros([1, *shape], int).tolist()
        body = _quoted({"inputs": values}) if np.prod(shape) <= 100 else "@inputs.json"
        start = START.format(example="inputs.npy", service=JSON.format(body=body), reads="row of a .npy file")
    return card_of(trained.run, trust=True, start=start)


def _example(column: dict[str, Any]) -> Any:
    if column["type"] == "date":
        return moments.written(datetime(2024, 1, 31, 8, 30), column["format"])
    return column["categories"][0] if column["type"] == "category" else 0


def _quoted(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False).replace("'", "'\\''")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
