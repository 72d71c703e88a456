"""The train command. TensorFlow is imported when it runs."""

import json
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.check import ConfigOption, OverrideArguments, examples, load_or_explain
from hornbook.errors import GateError, UsageError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import catalog
from hornbook.report.condition import Condition
from hornbook.runs.directory import find_run, find_unfinished

if TYPE_CHECKING:
    from hornbook.recipes.recipe import Recipe
    from hornbook.trainer.progress import Reporter
    from hornbook.trainer.result import TrainResult

__all__ = ["COMMANDS", "reproduce", "resume", "train"]

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, runs/NAME/latest, or a recipe's name")]


class Device(StrEnum):
    """What to train on."""

    cpu = "cpu"
    gpu = "gpu"


DeviceOption = Annotated[Device | None, typer.Option(help="cpu or gpu; omitted: a GPU if there is one")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result")]
process_start = time.perf_counter()


def train(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    runs: Annotated[str, typer.Option(help="Folder below which the run's folder is made")] = "runs",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print layers, parameters, steps and rates, and stop")
    ] = False,
    require: Annotated[
        list[str] | None, typer.Option(help="A gate such as 'val_accuracy>=0.9'; exit code 3 where it fails")
    ] = None,
    device: DeviceOption = None,
    control: Annotated[
        bool, typer.Option("--control", help="Train with nothing learned before: no pretraining, no reused weights")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run of this recipe if it is unfinished")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a recipe and leave a run directory."""
    gates = [_parse_gate(gate) for gate in require or []]
    checked = load_or_explain(config, overrides)
    recipe = checked.recipe
    if recipe is None:
        raise TypeError("load_or_explain returned no recipe")
    _check_names(gates, recipe)
    if control:
        from hornbook.recipes.control import control_of

        recipe = control_of(recipe)

    if dry_run:
        _import_tensorflow(device)
        from hornbook.trainer.plan import plan_lines
        from hornbook.trainer.prepare import prepare

        print("\n".join(plan_lines(prepare(recipe, finds_rate=False))))
        return

    def run_it(reporter: "Reporter") -> "TrainResult | None":
        from hornbook.trainer.train import train as train_recipe

        source = (checked.config.text, (*checked.overrides, *(["--control"] if control else [])))
        unfinished = find_unfinished(Path(runs), recipe.name or "recipe", source) if resume else None
        if unfinished is not None:
            from hornbook.trainer.resume import resume as resume_run

            return resume_run(unfinished, reporter=reporter)
        return train_recipe(recipe, runs=runs, reporter=reporter, source=source)

    result = _run(run_it, device=device, as_json=as_json, quiet=quiet)
    if result is not None:
        _check_gates(gates, result)


def resume(
    run: RunArgument,
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Train longer: training.epochs=40")
    ] = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Continue an interrupted run, or train a finished one longer.

    The result is bit for bit that of a run without the interruption.
    """

    found = find_run(run)  # before TensorFlow, which takes seconds to import

    def run_it(reporter: "Reporter") -> "TrainResult | None":
        from hornbook.trainer.resume import resume as resume_run

        return resume_run(run, overrides or (), reporter=reporter)

    if _run(run_it, device=device, as_json=as_json, quiet=quiet) is None:
        reason = found.result["stop_reason"]
        longer = "training.max_time=TIME" if reason.startswith("max_time") else "training.epochs=NUMBER"
        print(f"{run}: this run is finished ({reason}), there is nothing left to do.")
        print(f"To train it longer: hornbook resume {run} {longer}")


def reproduce(
    run: RunArgument,
    runs: Annotated[str, typer.Option(help="Folder below which the new run's folder is made")] = "runs",
) -> None:
    """Train a run again from its recipe and seed, and compare.

    The comparison is to the last bit; exit code 3 where it differs.
    """
    _import_tensorflow()
    from rich.console import Console

    from hornbook.trainer.progress import ConsoleReporter
    from hornbook.trainer.reproduce import reproduce as reproduce_run

    console = ConsoleReporter(Console(stderr=True, highlight=False), process_start=process_start)
    try:
        comparison = reproduce_run(run, runs=runs, reporter=console)
    finally:
        console.close()
    print(comparison.text())
    if not comparison.is_same:
        raise typer.Exit(3)


def _import_tensorflow(device: Device | None = None) -> None:
    from hornbook import startup

    startup.import_for_command(device.value if device is not None else None)


def _run(
    run_it: "Callable[[Reporter], TrainResult | None]", *, device: Device | None, as_json: bool, quiet: bool
) -> "TrainResult | None":
    """Train with progress on stderr and the result on stdout; an interrupted run ends the command with its code."""
    _import_tensorflow(device)
    from rich.console import Console

    from hornbook.trainer.progress import ConsoleReporter, SilentReporter

    progress, results = Console(stderr=True, highlight=False), Console(highlight=False, quiet=as_json)
    console = ConsoleReporter(progress, results, process_start=process_start)
    try:
        result = run_it(SilentReporter(process_start=process_start) if quiet else console)
    finally:
        console.close()
    if result is None:
        return None
    if as_json:
        print(json.dumps(_record(result), indent=2))
    elif quiet:
        print(result)
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)
    return result


def _record(result: "TrainResult") -> dict[str, object]:
    return {
        "run": str(result.run),
        "state": result.state,
        "stop_reason": result.stop_reason,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "final": result.final,
        "validation": result.validation,
        "test": result.test,
    }


def _parse_gate(text: str) -> Condition:
    condition = Condition.parse(text)
    if condition is None:
        raise UsageError(f"--require '{text}': expected something like 'val_accuracy>=0.9' or 'test_loss<0.3'.")
    return condition


def _split_and_name(condition: Condition) -> tuple[str, str]:
    """Return what a gate is about; a name without `val_` is of the test split."""
    split, _, name = condition.name.partition("_")
    return (split, name) if split in ("test", "val") and name else ("test", condition.name)


def _check_names(gates: list[Condition], recipe: "Recipe") -> None:
    """Refuse a gate on something that cannot be recorded, before any work."""
    given = recipe.training.metrics
    known = ["loss", *(catalog("metric") if given is None else (metric.name for metric in given))]
    for gate in gates:
        _, name = _split_and_name(gate)
        if name not in known:
            raise UsageError(f"--require: '{name}' is not recorded. {did_you_mean(name, known)}")


def _check_gates(gates: list[Condition], result: "TrainResult") -> None:
    """Compare the final weights' figures with the gates."""
    failed = []
    for gate in gates:
        split, name = _split_and_name(gate)
        values = result.validation if split == "val" else result.test
        if name not in values:
            known = [f"val_{key}" for key in result.validation] + [f"test_{key}" for key in result.test]
            raise UsageError(f"--require: '{name}' was not recorded. Recorded: {', '.join(known)}.")
        if not gate.holds(values[name]):
            failed.append(f"{split}_{name} is {values[name]:.4g}, required {gate.relation} {gate.bound:g}")
    if failed:
        raise GateError("gate not met: " + "; ".join(failed) + ".")


COMMANDS = (
    (
        train,
        examples(
            "hornbook train --config he_elu_bn.yaml",
            "hornbook train -c he_elu_bn.yaml activation=leaky_relu training.epochs=5",
            "hornbook train -c he_elu_bn.yaml --dry-run",
        ),
    ),
    (resume, examples("hornbook resume runs/he_elu_bn/latest", "hornbook resume default_nesterov training.epochs=40")),
    (reproduce, examples("hornbook reproduce runs/he_elu_bn/latest")),
)
