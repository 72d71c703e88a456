"""The doctor command. TensorFlow is imported only where changes are tried."""

import json
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.atomic import write_text
from hornbook.commands.options import RunArgument, examples, find_whole, import_tensorflow
from hornbook.display.terminal import console, line
from hornbook.display.text import COLUMNS
from hornbook.errors import UsageError
from hornbook.recipes.faults import CODES, FAULTS
from hornbook.recipes.language.hints import did_you_mean

if TYPE_CHECKING:
    from hornbook.doctor.diagnose import Diagnosis
    from hornbook.doctor.finding import Finding
    from hornbook.doctor.treat import Cure, Figures, Trial

__all__ = ["COMMANDS", "finding_lines"]

INDENT = 9


def doctor(
    run: RunArgument,
    mute: Annotated[list[str] | None, typer.Option(help="A code that is not to be mentioned; may be repeated")] = None,
    try_changes: Annotated[
        bool, typer.Option("--try", help="Train the proposed changes over paired seeds, and keep what helps")
    ] = False,
    seeds: Annotated[int, typer.Option(min=2, help="Trainings with and without each change")] = 3,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the recipe that helped goes; omitted: NAME-cured.yaml")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of findings, the likeliest first")] = False,
) -> None:
    """Say what is wrong with a run and what to change.

    Silent where nothing is. Findings are issues, where results suffer, or tips.
    """
    for code in mute or ():
        if code not in CODES:
            raise UsageError(f"--mute {code}: there is no such finding. {did_you_mean(code, CODES, kind='finding')}")
    trained = find_whole(run, "result", "data", "history", "health")
    from hornbook.doctor.diagnose import diagnose, record

    diagnosis = diagnose(trained.path, mute=mute or ())
    if as_json and not try_changes:
        print(json.dumps(record(diagnosis), indent=2))
        return
    out = console(quiet=as_json)
    for text in _lines(diagnosis, run):
        out.print(line(text), soft_wrap=True)
    if not try_changes:
        return
    if not diagnosis.findings:
        if as_json:
            print(json.dumps({"findings": [], "trials": [], "overrides": [], "recipe": None}, indent=2))
        return
    if output is not None and output.suffix not in (".yaml", ".yml"):
        raise UsageError(f"--output {output}: a recipe is a YAML file. Name a file that ends in .yaml.")
    import_tensorflow()
    from hornbook.doctor.treat import treat

    errors = console(stderr=True)

    def say(trial: "Trial") -> None:
        for text in _trial_lines(trial):
            errors.print(line(text), soft_wrap=True)

    errors.print(f"trying changes, {seeds} seeds with and without each …")
    cure = treat(trained.path, seeds=seeds, mute=mute or (), on_trial=say)
    path = output or Path(f"{trained.path.parent.name}-cured.yaml")
    if cure.recipe is not None:
        write_text(path, cure.recipe)
    if as_json:
        print(json.dumps({"findings": record(diagnosis), **_cure_record(cure, path)}, indent=2))
        return
    for text in _cure_lines(cure, path):
        out.print(line(text), soft_wrap=True)


def _lines(diagnosis: "Diagnosis", name: str) -> Iterator[str]:
    shown = [finding for finding in diagnosis.findings if not finding.follows_from]
    issues = sum(finding.severity == "issue" for finding in shown)
    tips = len(shown) - issues
    if not shown:
        yield f"{name}: nothing to change was found"
    else:
        counts = [f"{count} {word}{'s' * (count > 1)}" for count, word in ((issues, "issue"), (tips, "tip")) if count]
        yield f"{name}: {', '.join(counts)}"
    for finding in shown:
        yield ""
        yield from finding_lines(finding)
        follows = [each.code for each in diagnosis.findings if each.follows_from == finding.code]
        if follows:
            yield from textwrap.wrap(
                f"{'':<{INDENT}}may follow from it: {', '.join(follows)}",
                COLUMNS, subsequent_indent=" " * INDENT, break_on_hyphens=False,
            )  # fmt: skip
    if diagnosis.unknown:
        yield ""
    for sentence in diagnosis.unknown:
        yield from textwrap.wrap(f"unknown  {sentence}", COLUMNS, subsequent_indent=" " * INDENT)


def finding_lines(finding: "Finding") -> Iterator[str]:
    """Yield a finding as lines of at most 80 characters."""
    heading = (
        f"{finding.severity:<{INDENT}}{finding.code}: {FAULTS[finding.fault]} (confidence {finding.confidence:.0%})"
    )
    yield from textwrap.wrap(heading, COLUMNS, subsequent_indent=" " * INDENT, break_on_hyphens=False)
    yield from textwrap.wrap(
        finding.evidence, COLUMNS, initial_indent=" " * INDENT, subsequent_indent=" " * INDENT, break_on_hyphens=False
    )
    if finding.overrides:
        yield f"{'try':>{INDENT - 1}} {' '.join(shlex.quote(override) for override in finding.overrides)}"
    if finding.advice:
        yield from textwrap.wrap(f"{'':<{INDENT}}{finding.advice}", COLUMNS, subsequent_indent=" " * INDENT)


def _trial_lines(trial: "Trial") -> Iterator[str]:
    what = " ".join(trial.finding.overrides)
    if trial.reason:
        yield f"  {what}: not tried ({trial.reason.splitlines()[-1].strip()})"
        return
    verdict = "helps" if trial.helps else "no gain"
    if len(trial.figures) > 1:
        yield f"  {what}: {verdict}"
    for figures in trial.figures:
        if len(trial.figures) == 1:
            comma = "" if trial.helps else ","
            yield f"  {what}: {_mean(figures.before)} → {_mean(figures.after)}{comma} {verdict}"
        else:
            yield f"    val_{figures.metric} {_mean(figures.before)} → {_mean(figures.after)}"
        if figures.gain is not None:
            low, high = figures.gain.mean - figures.gain.half, figures.gain.mean + figures.gain.half
            yield f"    gain {figures.gain.mean:+.4g} (95 %: {low:+.4g} to {high:+.4g})"


def _mean(scores: tuple[float | None, ...]) -> str:
    known = [score for score in scores if score is not None]
    lost = len(scores) - len(known)
    text = f"{sum(known) / len(known):.4g}" if known else "no figure"
    return text + (f" ({lost} of {len(scores)} diverged)" if lost else "")


def _cure_lines(cure: "Cure", path: Path) -> Iterator[str]:
    yield ""
    if cure.recipe is None:
        compared = " and ".join(f"val_{metric}" for metric in cure.metrics)
        yield f"none of {len(cure.trials)} changes helps (compared by {compared})"
        return
    helped, changes = [trial for trial in cure.trials if trial.helps], " ".join(cure.overrides)
    pairs = zip(helped[0].figures, helped[-1].figures, strict=True)
    gained = ", ".join(f"val_{first.metric} {_mean(first.before)} → {_mean(last.after)}" for first, last in pairs)
    yield f"cured  {gained} with {changes}"
    yield f"recipe {path}"
    yield f"next   hornbook train --config {path}"


def _cure_record(cure: "Cure", path: Path) -> dict[str, object]:
    only = len(cure.metrics) == 1
    return {
        **({"metric": f"val_{cure.metrics[0]}"} if only else {"metrics": [f"val_{metric}" for metric in cure.metrics]}),
        "trials": [
            {
                "code": trial.finding.code,
                "overrides": list(trial.finding.overrides),
                **(
                    _record(trial.figures[0])
                    if only
                    else {f"val_{each.metric}": _record(each) for each in trial.figures}
                ),
                "helps": trial.helps,
                **({"reason": trial.reason} if trial.reason else {}),
            }
            for trial in cure.trials
        ],
        "overrides": list(cure.overrides),
        "recipe": str(path) if cure.recipe is not None else None,
    }


def _record(figures: "Figures") -> dict[str, object]:
    gain = None if figures.gain is None else {"mean": figures.gain.mean, "half": figures.gain.half}
    return {"before": list(figures.before), "after": list(figures.after), "gain": gain}


COMMANDS = (
    (
        doctor,
        examples("hornbook doctor he_elu_bn", "hornbook doctor runs/deep/latest --json", "hornbook doctor deep --try"),
    ),
)
