"""A run as a model card: Markdown with the head in YAML that model hubs read. TensorFlow has to be imported.

Mitchell et al. (2019), "Model cards for model reporting".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hornbook.display.forecasts import figure_rows
from hornbook.display.intervals import share_interval
from hornbook.display.shrunk import gains
from hornbook.display.text import path_text
from hornbook.errors import RunError, escaped
from hornbook.inference.report.examination import MOST_CLASSES, Examination
from hornbook.inference.report.gathered import Finding, Gathered, class_means, gather, shown_finding
from hornbook.recipes.language.text import to_yaml
from hornbook.runs.directory import Run

__all__ = ["card_of"]

FEW = 100
"""With fewer examples, figures of a split are mostly chance."""
PIPELINES = {
    ("image", False): "image-classification",
    ("table", False): "tabular-classification",
    ("table", True): "tabular-regression",
    ("tokens", False): "text-classification",
}
"""What hubs call a task, by kind of input and whether it is a regression."""
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def card_of(
    run: Run, *, findings: Sequence[Finding] | None = None, trust: bool = False, start: str | None = None
) -> str:
    """Return a run's model card; see `page.page_of`. `start` is a section in place of how to load."""
    found = gather(run, trust=trust)
    name = run.path.parent.name
    parts = [
        f"---\n{to_yaml(_head(name, found))}---\n",
        f"# {_plain(name)}\n",
        *_about(run, found),
        *([start] if start is not None else []),
        "## Data\n",
        *_data(found),
        "## Figures\n",
        *_figures(found),
        "## Limits\n",
        *_limits(found),
        *_findings(run, findings),
        *_smaller(found),
        *(_how_to_load(found) if start is None else []),
        *_exports(run),
        "## Recipe\n",
        f"Trains the same model again, with `hornbook train --config recipe.yaml`.\n\n{_fenced(found.recipe_text)}\n",
        "## Environment\n",
        *_environment(found),
    ]
    return escaped("\n".join(parts)).encode("utf-8", "replace").decode("utf-8")  # as `render` does


def _plain(value: Any) -> str:
    """Return a text as it is to be read, in one line: nothing in it is Markdown or HTML."""
    return SPECIAL.sub(r"\\\1", escaped(str(value), one_line=True)).replace("&", "&amp;")


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}yaml\n{text.rstrip()}\n{fence}\n"


def _head(name: str, found: Gathered) -> dict[str, Any]:
    data = found.data
    head: dict[str, Any] = {"library_name": "keras", "tags": ["keras", "hornbook"]}
    if not data:
        return head
    is_one = data["task"] != "several"
    task = PIPELINES.get((data["kind"], data["task"] == "regression"), "other") if is_one else "other"
    head |= {"pipeline_tag": task} if task != "other" else {}
    results = [
        {
            "task": {"type": task},
            "dataset": {"name": data["name"], "type": data["name"], "split": split},
            "metrics": [{"type": key, "value": value} for key, value in figures.items() if value is not None],
        }
        for split in ("test", "validation")
        if (figures := found.result.get(split))
    ]
    return head | ({"model-index": [{"name": name, "results": results}]} if results else {})


def _about(run: Run, found: Gathered) -> Iterator[str]:
    result, data = found.result, found.data
    heads = data.get("heads") or []
    tasks = ", ".join(f"{head['name']} ({head['task']})" for head in heads) or data.get("task")
    what = f"{tasks} of {data['kind']} data" if data else "unknown task"
    size = f", {found.seen.parameters[0]:,} parameters" if found.seen is not None and found.seen.parameters else ""
    yield f"A Keras model for {_plain(what)}{size}, trained by Hornbook.\n"
    epochs = f" after {result['epochs']} epochs" if result.get("epochs") else ""
    best = f"; the weights are those of epoch {found.best_epoch}" if result.get("final") == "best" else ""
    reason = f" ({_plain(result['stop_reason'])})" if result.get("stop_reason") else ""
    yield f"Run `{path_text(run.path)}`: {result['state']}{epochs}{reason}{best}.\n"


def _data(found: Gathered) -> Iterator[str]:
    data = found.data
    if not data:
        yield "Unknown: the record of the data cannot be read.\n"
        return
    shape = " × ".join("?" if size is None else str(size) for size in data["input_shape"])
    yield f"{_plain(data['name'])}, inputs of shape {shape} ({data['input_dtype']}), fingerprint {data['fingerprint']}.\n"
    yield from _table(["split", "examples"], [[split, f"{count:,}"] for split, count in data["counts"].items()])
    by = (data.get("extra") or {}).get("stratified_by")
    yield f"Divided by: {data['split_method']}{f', the classes of {_plain(by)} alike in each split' if by else ''}.\n"
    for head in data.get("heads") or [data]:
        names = head["class_names"] or [str(number) for number in range(head["num_classes"])]
        if names and head["task"] != "regression":
            shown = ", ".join(map(_plain, names[:MOST_CLASSES]))
            of = f"{_plain(head['name'])}: " if head is not data else ""
            yield f"{of}{len(names):,} classes: {shown}{', …' if len(names) > MOST_CLASSES else ''}.\n"


def _table(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    lines = [heading, ["---"] * len(heading), *([_plain(cell) for cell in row] for row in rows)]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _figures(found: Gathered) -> Iterator[str]:
    result, seen = found.result, found.seen
    rows = [
        [split, key.replace("_", " "), _number(value), _interval(key, split, value, found)]
        for split in ("test", "validation")
        for key, value in (result.get(split) or {}).items()
    ]
    if rows:
        yield from _table(["split", "metric", "value", "95 % interval"], rows)
        yield "Intervals are Wilson's, for shares of right examples; they say nothing about another seed or other data.\n"
    else:
        yield "None was measured.\n"
    if result.get("forecast"):
        table = figure_rows(result["forecast"])
        rows = [[name, *map(_number, values)] for name, values in table.rows]
        yield from _table(["forecast", *(key.replace("_", " ") for key in table.keys)], rows)
    elif result.get("baseline"):
        listed = ", ".join(f"{_plain(key)} {_number(value)}" for key, value in result["baseline"].items())
        yield f"Predicting the training mean everywhere: {listed}.\n"
    for head, one in ({} if seen is None else seen.heads or {"": seen}).items():
        yield from [f"### {_plain(head)}\n"] if head else []
        yield from _of_one(one)


def _of_one(seen: Examination) -> Iterator[str]:
    """Say how well each class or target of a head is predicted."""
    if seen.classes:
        yield from _classes(seen)
    if seen.targets:
        heading = ["target", "R²", "root mean squared error", "mean absolute error"]
        yield from _table(
            heading,
            [
                [one.name, _number(one.explained), _number(one.root_mean_squared), _number(one.mean_absolute)]
                for one in seen.targets
            ],
        )


def _classes(seen: Examination) -> Iterator[str]:
    classes = sorted(seen.classes, key=lambda one: one.f1)[:MOST_CLASSES]
    chosen = classes if len(classes) < len(seen.classes) else seen.classes
    more = f"; the {len(chosen)} of {len(seen.classes):,} with the smallest F1" if chosen is classes else ""
    yield f"Each class on the {seen.split} split{more}:\n"
    rows = [[one.name, *map(_number, (one.precision, one.recall, one.f1)), f"{one.support:,}"] for one in chosen]
    means = class_means(seen)
    rows += [["mean of all", *(_number(means[key]) for key in ("precision", "recall", "f1")), ""]] if means else []
    yield from _table(["class", "precision", "recall", "F1", "examples"], rows)
    if seen.calibration is not None:
        yield f"Expected calibration error {_number(seen.calibration.expected_calibration_error)}.\n"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _interval(key: str, split: str, value: float | None, found: Gathered) -> str:
    """Return Wilson's interval of an accuracy over so many examples."""
    count = found.data.get("counts", {}).get(split)
    tasks = {f"{head['name']}_accuracy": head["task"] for head in found.data.get("heads") or ()}
    tasks = tasks or {"accuracy": found.data.get("task")}
    if value is None or not count or tasks.get(key) in {None, "multilabel"}:
        return ""
    low, high = share_interval(value, count)
    return f"{low:.4f} to {high:.4f}"


def _limits(found: Gathered) -> Iterator[str]:
    data, seen = found.data, found.seen
    sentences = [*found.gaps, *(data.get("warnings") or ()), *_notes(seen)]
    counts = data.get("counts") or {}
    if counts and not counts.get("test"):
        sentences.append("There is no test split: no figure here is of examples that played no part in training.")
    elif counts and counts["test"] < FEW:
        sentences.append(f"Only {counts['test']} test examples: the figures may be off by much.")
    sentences.append("Examples of another origin than the training data were not tried.")
    if seen is not None and seen.confused:
        pairs = ", ".join(f"{one.true} taken for {one.predicted} ({one.count})" for one in seen.confused[:5])
        sentences.append(f"Most often confused: {pairs}.")
    yield "\n".join(f"- {_plain(sentence)}" for sentence in sentences) + "\n"


def _notes(seen: Examination | None) -> list[str]:
    if seen is None:
        return []
    return [*seen.notes, *(f"{head}: {note}" for head, one in seen.heads.items() for note in one.notes)]


def _findings(run: Run, findings: Sequence[Finding] | None) -> Iterator[str]:
    if findings is None:
        return
    yield "## Findings\n"
    if not findings:
        yield "Nothing was found that calls for action.\n"
    for one in (shown_finding(run, finding) for finding in findings):
        yield f"- **{one['severity']}: {_plain(one['what'])}** ({one['code']}): {_plain(one['evidence'])}\n"


def _environment(found: Gathered) -> Iterator[str]:
    environment = found.environment
    if not environment:
        yield "Unknown: the record cannot be read.\n"
        return
    rows = [
        [key, environment[key]] for key in ("device", "threads", "seed", "platform") if environment.get(key) is not None
    ]
    yield from _table(["what", "value"], [*rows, *environment["versions"].items()])


def _how_to_load(found: Gathered) -> Iterator[str]:
    yield "## How to load\n"
    yield (
        "```python\nimport hornbook.layers  # layers that Keras lacks\nimport keras\n\n"
        f'model = keras.saving.load_model("{found.result.get("final") or "last"}.keras")\n```\n'
    )
    yield "Or predict for a file: `hornbook predict RUN --input FILE`, with RUN the run's folder.\n"


def _smaller(found: Gathered) -> Iterator[str]:
    """Say what a smaller model was made of, what it gained and what it cost."""
    if found.shrink is None:
        return
    yield "## Made smaller\n"
    yield f"From `{path_text(found.shrink['source'])}`.\n"
    rows = list(gains(found.shrink))
    if rows:
        yield from _table(["what", "before and after"], rows)


def _exports(run: Run) -> Iterator[str]:
    """Say in which other formats the model is, and how to load them."""
    try:
        exports = run.exports
    except RunError as error:
        yield f"Other formats: {_plain(error)}\n"
        return
    if exports:
        yield "## Other formats\n"
        yield (
            "Files in the run's folder `exports`. Each was run in its own runtime and compared with the run's model, and is "
            "loaded so:\n"
        )
        yield from _table(
            ["file", "weights", "largest difference"],
            [[each["path"], each["precision"], _compared(each)] for each in exports],
        )
        yield "```python\n" + "\n".join(each["load"] for each in exports) + "\n```\n"


def _compared(export: Mapping[str, Any]) -> str:
    difference = f"{export['difference']:.0e}" if export["difference"] else "none"
    return f"{difference} on {export['rows']:,} rows"
