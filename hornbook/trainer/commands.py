"""The train command. TensorFlow is imported when it runs."""

import json
import operator
import re
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.errors import GateError, UsageError
from hornbook.recipes.commands import ConfigOption, OverrideArguments, examples, load_or_explain

if TYPE_CHECKING:
    from hornbook.trainer.result import TrainResult

__all__ = ["TRAIN_EXAMPLES", "train"]

TRAIN_EXAMPLES = examples(
    "hornbook train --config he_elu_bn.yaml",
    "hornbook train -c he_elu_bn.yaml activation=leaky_relu optimizer.learning_rate=0.02",
    "hornbook train -c he_elu_bn.yaml --dry-run",
)
process_start = time.perf_counter()
GATE = re.compile(r"(?:(test|val)_)?([a-z0-9_]+)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)")
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


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
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result")] = False,
) -> None:
    """Train a recipe and leave a run directory."""
    gates = [_parse_gate(gate) for gate in require or []]
    checked = load_or_explain(config, overrides)
    assert checked.recipe is not None

    from hornbook import startup

    startup.import_tensorflow()
    from rich.console import Console

    from hornbook.trainer.plan import plan_lines
    from hornbook.trainer.prepare import prepare
    from hornbook.trainer.progress import ConsoleReporter, SilentReporter
    from hornbook.trainer.train import train as run_training

    if dry_run:
        print("\n".join(plan_lines(prepare(checked.recipe))))
        return
    results = Console(highlight=False, quiet=as_json)
    progress = Console(stderr=True, highlight=False)
    reporter = SilentReporter(process_start=process_start) if quiet else None
    console = ConsoleReporter(progress, results, process_start=process_start) if not quiet else None
    try:
        result = run_training(
            checked.recipe, runs=runs, reporter=reporter or console, source=(checked.config.text, checked.overrides)
        )
    finally:
        if console is not None:
            console.close()
    if as_json:
        print(json.dumps(_record(result), indent=2))
    elif quiet:
        print(result)
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)
    _check_gates(gates, result)


def _record(result: "TrainResult") -> dict[str, object]:
    return {
        "run": str(result.run),
        "state": result.state,
        "stop_reason": result.stop_reason,
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "final": result.final,
        "validation": result.validation,
        "test": result.test,
    }


def _parse_gate(text: str) -> tuple[str, str, str, float]:
    match = GATE.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        return match[1] or "test", match[2], match[3], float(match[4])
    except ValueError as error:
        raise UsageError(
            f"--require {text}: expected something like 'val_accuracy>=0.9' or 'test_loss<0.3'."
        ) from error


def _check_gates(gates: list[tuple[str, str, str, float]], result: "TrainResult") -> None:
    """Compare the final weights' figures with the gates; a name without `val_` is of the test split."""
    failed = []
    for split, name, comparison, bound in gates:
        values = result.validation if split == "val" else result.test
        if name not in values:
            known = [f"val_{key}" for key in result.validation] + [f"test_{key}" for key in result.test]
            raise UsageError(f"--require: '{name}' was not recorded. Recorded: {', '.join(known)}.")
        if not COMPARE[comparison](values[name], bound):
            failed.append(f"{split}_{name} is {values[name]:.4g}, required {comparison} {bound:g}")
    if failed:
        raise GateError("gate not met: " + "; ".join(failed) + ".")
