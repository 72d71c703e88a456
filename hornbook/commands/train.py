"""The command `hornbook train`. TensorFlow is imported when it runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    OverrideArguments,
    QuietOption,
    examples,
    import_tensorflow,
    load_or_explain,
)
from hornbook.commands.running import train_and_print
from hornbook.errors import GateError, UsageError
from hornbook.recipes.control import control_of
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.recipe import Recipe
from hornbook.report.condition import Condition
from hornbook.runs.directory import find_unfinished
from hornbook.startup import process_start

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.result import TrainResult

__all__ = ["COMMANDS"]


def train(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    runs: Annotated[str, typer.Option(help="Folder below which the run's folder is made")] = "runs",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print layers, steps, rates, memory and time, and stop")
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
    recipe, checked = load_or_explain(config, overrides)
    _check_names(gates, recipe)
    if control:
        recipe = control_of(recipe)

    if dry_run:
        import_tensorflow(device, quiet=quiet)
        from hornbook.trainer.plan import plan_lines
        from hornbook.trainer.prepare import prepare

        print("\n".join(plan_lines(prepare(recipe))))
        return

    def run_it(listeners: "Sequence[Listener]") -> "TrainResult | None":
        from hornbook.trainer.resume import resume as resume_run
        from hornbook.trainer.train import train as train_recipe

        source = (checked.config.text, (*checked.overrides, *(["--control"] if control else [])))
        unfinished = find_unfinished(Path(runs), recipe.name or "recipe", source) if resume else None
        started = process_start()
        if unfinished is not None:
            return resume_run(unfinished, listeners=listeners, started=started, trust=recipe.is_trusted)
        return train_recipe(recipe, runs=runs, listeners=listeners, source=source, started=started)

    result = train_and_print(run_it, device=device, as_json=as_json, quiet=quiet)
    if result is not None:
        _check_gates(gates, result)


def _parse_gate(text: str) -> Condition:
    condition = Condition.parse(text)
    if condition is None:
        raise UsageError(f"--require '{text}': expected something like 'val_accuracy>=0.9' or 'test_loss<0.3'.")
    return condition


def _split_and_name(condition: Condition) -> tuple[str, str]:
    """Return what a gate is about; a name without `val_` is of the test split."""
    split, _, name = condition.name.partition("_")
    return (split, name) if split in ("test", "val") and name else ("test", condition.name)


def _check_names(gates: list[Condition], recipe: Recipe) -> None:
    """Refuse a gate on something that cannot be recorded, before any work."""
    given = recipe.training.metrics
    known = ["loss", *(catalog("metric") if given is None else (metric.recorded for metric in given))]
    for gate in gates:
        _, name = _split_and_name(gate)
        if name not in known:
            raise UsageError(f"--require: '{name}' is not recorded. {did_you_mean(name, known, kind='metric')}")


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
)
