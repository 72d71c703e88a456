"""A folder that predicts and answers where no Hornbook is: model, recipe, requirements, two programs, the model card."""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from importlib import metadata, resources
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import numpy as np

from hornbook.data.pictures import decode as decode_module
from hornbook.data.pictures import settings as settings_module
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array
from hornbook.data.tables.columns import moments
from hornbook.exports import rows
from hornbook.exports.formats import FORMATS, Exportable, Format, RefusedError
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
        kind.writer()(exportable, path / "model.keras", precision)
    facts = _facts(exportable)
    columns = exportable.metadata.get("columns")
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
            ),
        )
    if columns is not None:
        _write_text(path / "columns.json", columns)
        _write_text(path / "rows.py", _together(moments, rows))
    if facts["pictures"] is not None:
        _write_text(path / "pictures.py", _reader_of_pictures())
    _write_text(path / "README.md", _card(exportable))


def run(path: Path, inputs: Array) -> Array:
    """Return what a folder's `predict.py` makes of inputs, in a process that cannot import Hornbook.

    Raises:
        RefusedError: If it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "inputs.npy", Path(folder) / "outputs.npy"
        np.save(given, inputs)
        command = [sys.executable, "-c", PROOF, str(path), str(given), str(found)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise RefusedError(f"its predict.py fails: {lines[-1]}")
        outputs: Array = np.load(found)
    shutil.rmtree(path / "__pycache__", ignore_errors=True)
    return outputs


def _written(onnx: Format, exportable: Exportable, path: Path, precision: str) -> Format | None:
    try:
        onnx.writer()(exportable, path / "model.onnx", precision)
    except OSError:
        raise
    except Exception:  # what ONNX cannot have Keras can
        (path / "model.onnx").unlink(missing_ok=True)
        return None
    return onnx


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
    trained, columns = exportable.trained, exportable.metadata.get("columns")
    if columns is not None:
        row = {each.get("column", each["name"]): _example(each) for each in json.loads(columns)}
        start = START.format(
            example="rows.csv",
            service=JSON.format(body=_quoted({"rows": [row]})),
            reads="row of a CSV file, or of a .npy file of numbers",
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
