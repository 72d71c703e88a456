"""The learning-curve command. TensorFlow is imported when it runs."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import jsonable
from hornbook.commands.options import (
    ConfigOption,
    JsonOption,
    OverrideArguments,
    ParallelOption,
    RunsOption,
    examples,
    import_tensorflow,
    say_on_stderr,
)  # fmt: skip
from hornbook.errors import HornbookError, format_problems
from hornbook.runs.studies import STUDY_FILES

__all__ = ["COMMANDS"]


def learning_curve(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    amounts: Annotated[
        str | None,
        typer.Option(
            "--examples", metavar="N,N", help="Training examples: 10%,50%,100% or counts; omitted: five doublings"
        ),
    ] = None,
    vary: Annotated[
        str | None,
        typer.Option(metavar="KEY=VALUE,VALUE", help="Sizes of the network, from small to large: model.units=[8],[32]"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per point, with the seeds that follow the recipe's")] = 5,
    metric: Annotated[str | None, typer.Option(help="What to measure; omitted: the first metric")] = None,
    parallel: ParallelOption = None,
    runs: RunsOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Train on ever more examples and say if more would help.

    With --vary also: is the network large enough? Training and validation of every point over the same seeds, with
    intervals; what is trained already is found again.
    """
    from hornbook.study.learning.plan import ORIGIN, make_plan

    plan = make_plan(config, overrides or (), examples=amounts, vary=vary, seeds=seeds)
    if plan.warnings:
        print(format_problems(plan.warnings, origin=ORIGIN), file=sys.stderr)
    import_tensorflow()
    from hornbook.study.learning.run import learning_curve as run_learning_curve
    from hornbook.study.learning.table import as_json as json_of

    curve, folder = run_learning_curve(plan, runs=runs, metric=metric, parallel=parallel, say=say_on_stderr)
    if as_json:
        print(json.dumps(jsonable({"study": str(folder), **json_of(curve)}), indent=2))
    else:
        print(f"{curve}\n\nstudy   {folder}/{', '.join(STUDY_FILES)}")
    if not any(point.validation for point in curve.points):
        raise HornbookError("no run finished, so there is no curve.")


COMMANDS = (
    (
        learning_curve,
        examples(
            "hornbook learning-curve -c he_elu_bn.yaml",
            "hornbook learning-curve -c he_elu_bn --examples 50,100,200,400 --seeds 10",
            "hornbook learning-curve -c default_adam --vary model.units=[4],[16],[64]",
        ),
    ),
)
