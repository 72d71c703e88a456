"""The tables of docs/shrink.md: a smaller mnist_300_100, and what each item of the low-latency list is worth.

    python benchmarks/shrink.py [--write] [size] [latency]

Needs the extra onnx, and HORNBOOK_DATA for MNIST. What is compared is called in turn, in one process, after two calls each
to warm up; a figure is the median of its rounds' medians with the lowest and the highest of them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import hornbook
from hornbook import startup

PAGE = Path(__file__).parents[1] / "docs" / "shrink.md"
SIZES = {
    "folded": {},
    "float16": {"precision": "float16"},
    "int8": {"precision": "int8"},
    "80 % zeros in each layer": {"prune": {"share": 0.8}},
    "90 % zeros in each layer": {"prune": {"share": 0.9}},
    "90 % zeros over all layers": {"prune": {"share": 0.9, "scope": "global"}},
    "the same, float16": {"prune": {"share": 0.9, "scope": "global"}, "precision": "float16"},
    "the same, int8": {"prune": {"share": 0.9, "scope": "global"}, "precision": "int8"},
    "the same, int8, all zeros at once": {
        "prune": {"share": 0.9, "scope": "global", "schedule": "once"},
        "precision": "int8",
    },
    "95 % zeros over all layers, int8": {"prune": {"share": 0.95, "scope": "global"}, "precision": "int8"},
}
EPOCHS = 10
DEEP = """name: %s
data: digits
model: {name: mlp, units: [%s]}
activation: elu
normalization: {name: batch_normalization, momentum: 0.9}
optimizer: {name: nadam, learning_rate: 0.001}
training: {epochs: 3, batch_size: 32, engine: graph}
"""
WIDE = """name: wide_%s
data: digits
model: {name: mlp, units: [%s]}
activation: %s
training: {epochs: 1, batch_size: 64, engine: graph}
"""
LAYERS, WIDTHS = 20, (16, 32, 100)
ROUNDS, CALLS = 9, 40


def medians(calls):
    """Return {name: (median, lowest, highest)} of milliseconds of the processor a call, over rounds in which all take turns.

    Time of the processor, so that what else the machine does plays a small part.
    """
    rounds = {name: [] for name in calls}
    for call in calls.values():
        call(), call()
    for _ in range(ROUNDS):
        seconds = {name: [] for name in calls}
        for _ in range(CALLS):
            for name, call in calls.items():
                start = time.process_time()
                call()
                seconds[name].append(time.process_time() - start)
        for name, taken in seconds.items():
            rounds[name].append(1e3 * float(np.median(taken)))
    return {name: (float(np.median(each)), min(each), max(each)) for name, each in rounds.items()}


def text(figure):
    """Return a figure with its range."""
    return f"{figure[0]:.3f} ({figure[1]:.3f} to {figure[2]:.3f})"


def ratio(before, after):
    """Return how many times faster."""
    return f"{before[0] / after[0]:.2f} ×"


def sizes(folder):
    """Yield the lines of the table of sizes."""
    run = hornbook.train("mnist_300_100", runs=folder, progress=False).run
    yield "| what | test accuracy | lost, points | zeros | file, bytes | with gzip | smaller |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for number, (label, section) in enumerate(SIZES.items()):
        epochs = EPOCHS if "prune" in section else 0
        record = hornbook.shrink(run, epochs=epochs, max_loss=5.0, runs=folder, progress=False, **section).shrink
        before, after, test = record["size"]["before"], record["size"]["after"], record["metric"]["test"]
        if number == 0:
            yield f"| as trained | {test['before']:.2f} | | 0% | {before['file']:,} | {before['compressed']:,} | |"
        lost = f"{test['lost']:.2f} ± {test['half'] or 0:.2f}"
        cells = [
            label,
            f"{test['after']:.2f}",
            lost,
            f"{after['zeros'] / after['parameters']:.0%}",
            f"{after['file']:,}",
        ]
        cells += [f"{after['compressed']:,}", f"{before['compressed'] / after['compressed']:.1f} ×"]
        print(*cells, file=sys.stderr, flush=True)
        yield "| " + " | ".join(cells) + " |"


def trained(name, source, folder):
    """Return the run of a recipe's text."""
    path = Path(folder) / f"{name}.yaml"
    path.write_text(source)
    return hornbook.train(path, runs=folder, progress=False).run


def onnx_call(run, folder, rows, precision="float32"):
    """Return a call of a run's model in ONNX Runtime, with one thread; a single picture needs no more."""
    import onnxruntime

    from hornbook.exports.export import export_run

    target = Path(folder) / f"{Path(run).name}-{precision}.onnx"
    written = export_run(run, "onnx", precision=precision, output=target)[0]
    if written.path is None:
        raise SystemExit(f"{run}: {written.reason}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": rows})


def keras_calls(run, rows):
    """Return calls of a run's model: a compiled function, and `predict`."""
    import tensorflow as tf

    from hornbook.inference.trained import load_run

    model = load_run(run).model
    call = tf.function(lambda batch: model(batch, training=False), autograph=False)
    floats = tf.constant(rows.astype(np.float32))
    return {"tf.function": lambda: call(floats).numpy(), "model.predict": lambda: model.predict(floats, verbose=0)}


def latency(folder):
    """Yield the lines of the tables of latencies."""
    rows = np.random.default_rng(0).integers(0, 17, (1, 8, 8, 1)).astype(np.uint8)
    yield f"{LAYERS} hidden layers with batch normalization and ELU, one picture; milliseconds of the processor, range of {ROUNDS} rounds."
    yield ""
    yield "| called by | units a layer | as trained | folded | faster |"
    yield "| --- | --- | --- | --- | --- |"
    for width in WIDTHS:
        deep = trained(f"deep_{width}", DEEP % (f"deep_{width}", ", ".join([str(width)] * LAYERS)), folder)
        folded = hornbook.shrink(deep, max_loss=0.0, runs=folder, progress=False).run
        pairs = {"before": deep, "after": folded}
        groups = [{("ONNX Runtime", name): onnx_call(run, folder, rows) for name, run in pairs.items()}]
        if width == WIDTHS[-1]:  # apart from the others, whose threads go on for a while
            made = {name: keras_calls(run, rows) for name, run in pairs.items()}
            groups += [{(kind, name): made[name][kind] for name in pairs} for kind in made["before"]]
        for calls in groups:
            found, kind = medians(calls), next(iter(calls))[0]
            before, after = found[kind, "before"], found[kind, "after"]
            line = f"| {kind} | {width} | {text(before)} | {text(after)} | {ratio(before, after)} |"
            print(line, file=sys.stderr, flush=True)
            yield line
    yield ""
    yield from listed(folder, rows, deep, folded)


def listed(folder, rows, deep, folded):
    """Yield the low-latency list: each item beside what it is an alternative to."""
    half = trained("half", DEEP % ("half", ", ".join([str(WIDTHS[-1])] * (LAYERS // 2))), folder)
    wide = {
        name: trained(f"wide_{name}", WIDE % (name, "512, 512, 512", name), folder)
        for name in ("relu", "elu", "gelu", "tanh")
    }
    sparse = hornbook.shrink(
        wide["relu"],
        prune={"share": 0.9},
        epochs=1,
        max_loss=100.0,
        runs=folder,
        progress=False,
        overrides=["name=wide_sparse"],
    ).run
    cases = [
        ("fewer layers", f"{LAYERS} with batch normalization", "half as many", deep, half, ("float32", "float32")),
        ("folded", "batch normalization", "folded", deep, folded, ("float32", "float32")),
        ("fast activation", "ELU", "ReLU", wide["elu"], wide["relu"], ("float32", "float32")),
        ("fast activation", "GELU", "ReLU", wide["gelu"], wide["relu"], ("float32", "float32")),
        ("fast activation", "tanh", "ReLU", wide["tanh"], wide["relu"], ("float32", "float32")),
        ("sparse", "dense weights", "90 % zeros, dead units gone", wide["relu"], sparse, ("float32", "float32")),
        ("half", "float32", "float16 weights", wide["relu"], wide["relu"], ("float32", "float16")),
        ("8 bits", "float32", "int8", wide["relu"], wide["relu"], ("float32", "int8")),
    ]
    many = np.repeat(rows, 256, axis=0)
    yield "The list, in ONNX Runtime; milliseconds of the processor. Where no depth is named: three layers of 512 units."
    yield ""
    yield "| item | before | after | one picture | faster | 256 pictures | faster |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for item, old, new, first, second, precisions in cases:
        cells = []
        for batch in (rows, many):
            found = medians({
                "before": onnx_call(first, tempfile.mkdtemp(dir=folder), batch, precisions[0]),
                "after": onnx_call(second, tempfile.mkdtemp(dir=folder), batch, precisions[1]),
            })  # fmt: skip
            cells += [f"{found['before'][0]:.3f} to {found['after'][0]:.3f}", ratio(found["before"], found["after"])]
        print(item, old, new, *cells, file=sys.stderr, flush=True)
        yield f"| {item} | {old} | {new} | " + " | ".join(cells) + " |"


def put(name, lines):
    """Put a table into the page, between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, mark, rest = page.partition(f"<!-- {name} -->\n")
    PAGE.write_text(before + mark + lines + "\n" + rest[rest.index("<!-- end -->") :], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="size, latency; omitted: both")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/shrink.md")
    arguments = parser.parse_args()
    startup.import_tensorflow()
    for name, table in (("size", sizes), ("latency", latency)):
        if arguments.tables and name not in arguments.tables:
            continue
        with tempfile.TemporaryDirectory() as folder:
            lines = "\n".join(table(folder))
        print(lines)
        if arguments.write:
            put(name, lines)


if __name__ == "__main__":
    main()
