"""The ablate and compare commands. TensorFlow is imported when ablate runs."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import jsonable
from hornbook.commands.completion import complete_run
from hornbook.commands.options import (
    ConfigOption,
    EachOption,
    OnOption,
    OverrideArguments,
    ParallelOption,
    examples,
    import_tensorflow,
    say_on_stderr,
)  # fmt: skip
from hornbook.errors import HornbookError, format_problems
from hornbook.machines.where import where_of
from hornbook.runs.studies import STUDY_FILES

__all__ = ["COMMANDS"]


def ablate(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    vary: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE,VALUE", help="A key and the values to try; may be repeated")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY,KEY+KEY", help="Keys to leave out, each in a cell of its own; + for one cell"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per cell, with the seeds that follow the recipe's")] = 5,
    folds: Annotated[int | None, typer.Option(help="Folds of a cross-validation in place of seeds")] = None,
    cross: Annotated[bool, typer.Option("--cross", help="Try all combinations, not one change at a time")] = False,
    tune: Annotated[
        str | None, typer.Option(metavar="KEY", help="Let every cell choose this first: optimizer.learning_rate")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What to compare; omitted: the first metric, on validation")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Count epochs and seconds until 'val_accuracy>=0.95'")] = None,
    runs: Annotated[Path, typer.Option(help="Folder below which runs are made")] = Path("runs"),
    parallel: ParallelOption = None,
    on: OnOption = None,
    each: EachOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Vary ingredients over the same seeds and say what differs.

    Every cell is an ordinary run per seed; what is trained already is found again.
    """
    from hornbook.study.factors import ORIGIN, parse_factors
    from hornbook.study.plan import make_plan

    where = where_of(on, each)
    factors = parse_factors(vary or (), drop or (), cross=cross)
    plan = make_plan(config, overrides or (), factors, seeds=seeds, cross=cross, tune=tune, folds=folds)
    if plan.warnings:
        print(format_problems(plan.warnings, origin=ORIGIN), file=sys.stderr)
    import_tensorflow()
    from hornbook.study.ablate import ablate as run_ablation
    from hornbook.study.table import as_json as study_as_json
    from hornbook.study.table import as_text

    study, folder = run_ablation(
        plan,
        runs=runs,
        metric=metric,
        target=target,
        parallel=parallel,
        on=where,
        say=say_on_stderr,
    )
    if as_json:
        print(json.dumps(jsonable({"study": str(folder), **study_as_json(study)}), indent=2))
    else:
        print(f"{as_text(study)}\n\nstudy   {folder}/{', '.join(STUDY_FILES)}")
    if not study.rows[0].group.values:
        raise HornbookError("no run of the baseline finished, so there is nothing to compare with.")


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN", help="Folders of runs, or recipes' names", autocompletion=complete_run),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Show how runs differ: recipes line by line, and results.

    Runs that differ in the seed alone are repeats, and get intervals and a verdict.
    """
    from hornbook.study.compare import compare_runs

    comparison = compare_runs(runs)
    print(json.dumps(jsonable(comparison.json()), indent=2) if as_json else comparison.text())


COMMANDS = (
    (
        ablate,
        examples(
            "hornbook ablate -c he_elu_bn.yaml --vary activation=elu,relu,tanh",
            "hornbook ablate -c he_elu_bn.yaml --drop normalization,regularization",
            "hornbook ablate -c default_adam --vary activation=elu,relu,tanh --cross",
            "hornbook ablate -c he_elu_bn --vary activation=elu,tanh --on ray",
        ),
    ),
    (compare, examples("hornbook compare he_elu_bn default_adam", "hornbook compare runs/he_elu_bn/2026*")),
)
