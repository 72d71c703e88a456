"""The table of docs/export.md: every structure of the shipped recipes, every activation and normalization, in every format.

    python benchmarks/exports.py [--write] [NAME …]

Each is trained for some epochs on at most 2,000 examples, then exported in all formats and precisions and compared in the
format's own runtime. Needs the extras onnx, litert and openvino, and HORNBOOK_DATA for MNIST and Fashion-MNIST.
"""

import argparse
import contextlib
import json
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import hornbook
from hornbook import startup
from hornbook.errors import HornbookError
from hornbook.exports.formats import FORMATS, PRECISIONS
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.load import load_recipe, shipped_recipes

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
BLOCK = re.compile("<!-- table -->.*?<!-- end -->", re.DOTALL)
SHORT = ["training.epochs=4", "data.limit=2000"]
IGNORED = {"name", "seed", "trainable", "build_config", "registered_name", "module", "dtype"}
COLUMNS = [(form, precision) for form, each in FORMATS.items() for precision in each.precisions]


def shape_of(value):
    """Return a layer's config without what changes no operation: names, seeds, initializers, penalties, sizes."""
    if isinstance(value, dict):
        if value.get("class_name", "").endswith("KerasTensor"):
            return "tensor"
        kept = {key: shape_of(item) for key, item in value.items() if key not in IGNORED}
        return {key: item for key, item in kept.items() if not re.search("initializer|regularizer|constraint", key)}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else value


def structure(model):
    """Return what makes two models the same to a converter: the kinds of their layers in order, each kind of row once."""
    config = json.loads(model.to_json())["config"]["layers"]
    rows = []
    for layer in config:
        row = json.dumps([layer["class_name"], shape_of(layer["config"])], sort_keys=True)
        if row not in rows:
            rows.append(row)
    return "\n".join(rows)


def cases(wanted, runs):
    """Yield (label, recipe) for each thing to export; what recipes need beside their text is made below `runs`."""
    for name in sorted(shipped_recipes()):
        if not wanted or name in wanted:
            yield name, (f"{name}.yaml", [*SHORT, *needed(name, runs)])
    base = {"data": "digits", "model": {"name": "mlp", "units": [32, 16]}, "training": {"epochs": 15}}
    for name in sorted(set(catalog("activation")) - {"linear", "step"}):
        if not wanted or name in wanted:
            yield f"activation {name}", ({**base, "activation": name}, [])
    for name in sorted(set(catalog("normalization"))):
        if not wanted or name in wanted:
            for position in ("before_activation", "after_activation"):
                chosen = {
                    "name": name,
                    "position": position,
                    **({"groups": 4} if name == "group_normalization" else {}),
                }
                yield f"{name} {position.split('_')[0]} the activation", (
                    {**base, "activation": "relu", "normalization": chosen}, [],
                )  # fmt: skip


def needed(name, runs):
    """Return what a recipe needs: no sweep, an earlier run, or examples in the place of a download."""
    if name.startswith("sweep_"):
        return ["~sweep"]
    if name in {"fashion_b_best", "fashion_b_on_a"}:
        earlier = hornbook.train(load_recipe("fashion_model_a.yaml", SHORT), runs=runs, progress=False)
        return [f"reuse.from={earlier.run}", "~reuse.unfreeze"]
    if name == "reused_application":
        return ["reuse.from.weights=none", "reuse.from.size=32", "~reuse.unfreeze"]
    if name == "picture_folder":
        digits = load_digits()
        for number, (values, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            path = Path(runs) / "pictures" / str(label) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.uint8(255 - values * 15.9)).resize((32, 32)).save(path)
        return [f"data.path={Path(runs) / 'pictures'}", "data.size=32"]
    if name == "rnn_imdb":
        draw, path = np.random.default_rng(0), Path(runs) / "reviews.npz"
        words = draw.integers(1, 2000, (500, 40)) * (np.arange(40) < draw.integers(3, 41, (500, 1)))
        np.savez(path, x=words, y=(words > 1000).mean(axis=1) > 0.2)
        return ["data={name: npz, path: " + str(path) + ", input_kind: tokens}", "~data.limit"]
    return []


def trained(source, overrides, runs):
    """Return the run of a case, trained for a moment."""
    for extra in (overrides, [each for each in overrides if "limit" not in each]):
        with contextlib.suppress(HornbookError):
            recipe = load_recipe(source, extra)
            return hornbook.train(recipe, runs=runs, progress=False)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true", help="put the table into docs/export.md")
    arguments = parser.parse_args()
    startup.import_tensorflow()
    from hornbook.exports.export import export_run

    seen, rows, reasons = {}, [], []
    needs = tempfile.TemporaryDirectory()
    for label, (source, overrides) in cases(set(arguments.names), needs.name):
        with tempfile.TemporaryDirectory() as folder:
            result = trained(source, overrides, folder)
            if result is None:
                print(f"{label}: not trained", file=sys.stderr)
                continue
            if isinstance(source, str):
                kind = structure(result.model)
                if kind in seen:
                    seen[kind][1].append(label)
                    continue
                seen[kind] = row = [label, [label], {}]
            else:
                row = [label, [label], {}]
            rows.append(row)
            for precision in PRECISIONS:
                for each in export_run(result.run, "all", precision=precision, force=True):
                    if (each.format, precision) in COLUMNS:
                        row[2][each.format, precision] = cell(each, reasons)
        print(label, *row[2].values(), file=sys.stderr, flush=True)
    text = "\n".join(table(rows, reasons))
    print(text)
    if arguments.write:
        block = f"<!-- table -->\n{text}\n<!-- end -->"
        PAGE.write_text(BLOCK.sub(lambda _: block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def cell(each, reasons):
    """Return what a cell says; a reason is numbered."""
    if each.path is not None:
        return "exact" if each.proof.is_exact else f"{each.proof.difference:.0e}"
    reason = re.sub(r"(?<![a-z])\d[\d.e-]*%?", "…", each.reason.split(",")[0])
    if reason not in reasons:
        reasons.append(reason)
    return f"refused ({reasons.index(reason) + 1})"


def table(rows, reasons):
    """Return the lines of the table."""
    titles = [form if precision == "float32" else f"{form} {precision}" for form, precision in COLUMNS]
    yield "| what | " + " | ".join(titles) + " |"
    yield "| --- |" + " --- |" * len(titles)
    for label, shared, cells in rows:
        more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
        yield f"| {label}{more} | " + " | ".join(cells.get(column, "") for column in COLUMNS) + " |"
    yield ""
    for number, reason in enumerate(reasons, 1):
        yield f"({number}) {reason}"
        yield ""


if __name__ == "__main__":
    main()
