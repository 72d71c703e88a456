"""The lr-find command. TensorFlow is imported when it runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hornbook.atomic import write_text
from hornbook.commands.options import (
    ConfigOption,
    OverrideArguments,
    ParallelOption,
    examples,
    import_tensorflow,
    load_or_explain,
    say_on_stderr,
)  # fmt: skip
from hornbook.errors import UsageError
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.rules.rate import problems_of_search

__all__ = ["COMMANDS"]


def lr_find(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    seeds: Annotated[int, typer.Option(min=1, help="Range tests; each has another seed")] = 3,
    lowest: Annotated[float, typer.Option("--min", help="The first learning rate")] = 1e-7,
    highest: Annotated[float, typer.Option("--max", help="The last one, without divergence before")] = 10.0,
    steps: Annotated[int, typer.Option(min=50, max=5000, help="Optimizer updates of each test")] = 300,
    parallel: ParallelOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the plot to this .svg file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print rates, losses and suggestions as JSON")] = False,
) -> None:
    """Find a learning rate: rates rise until training diverges.

    Exit code 1 where the test is inconclusive.
    """
    if not 0 < lowest < highest < float("inf"):
        raise UsageError(f"--min {lowest:g} --max {highest:g}: expected two rates above 0, the smaller one first.")
    if output is not None and output.suffix != ".svg":
        raise UsageError(f"--output {output}: the plot is an SVG picture. Name a file that ends in .svg.")
    recipe, _ = load_or_explain(config, overrides)
    refuse_errors(recipe, list(problems_of_search(recipe)))  # before TensorFlow is imported
    import_tensorflow()
    from hornbook.trainer.lr_find.plot import svg
    from hornbook.trainer.lr_find.report import as_json as json_of
    from hornbook.trainer.lr_find.report import lines
    from hornbook.trainer.lr_find.search import find_learning_rate

    search = find_learning_rate(
        recipe,
        seeds=seeds,
        lowest=lowest,
        highest=highest,
        steps=steps,
        parallel=parallel,
        say=say_on_stderr,
    )
    if output is not None:
        outcome = f"learning rate {search.rate:g}" if search.rate is not None else "inconclusive"
        write_text(output, svg(search, f"{recipe.name or 'recipe'}: {outcome}"))
    kept = [text for text in overrides or () if not text.startswith("optimizer.learning_rate=")]
    print(json.dumps(json_of(search), indent=2) if as_json else "\n".join(lines(search, ["-c", config, *kept])))
    if search.rate is None:
        raise typer.Exit(1)


COMMANDS = (
    (
        lr_find,
        examples(
            "hornbook lr-find --config he_elu_bn.yaml",
            "hornbook lr-find -c he_elu_bn optimizer=sgd --seeds 5 -o lr_find.svg",
        ),
    ),
)
