"""The lines of a run that need no training to be seen."""

import io

import pytest
from rich.console import Console

from hornbook.recipes.load import load_recipe
from hornbook.trainer.listeners import Position
from hornbook.trainer.progress import ConsoleProgress, _figures, _runs_of_equal


@pytest.mark.parametrize(
    ("units", "texts"),
    [
        ([300, 100], ["300", "100"]),
        ([100, 100], ["100", "100"]),
        ([100] * 20, ["100(×20)"]),
        ([50, 50, 50, 20, 20, 50], ["50(×3)", "20", "20", "50"]),
        ([], []),
    ],
)
def test_equal_layers_in_a_row_are_counted(units, texts):
    assert _runs_of_equal(units) == texts


def test_the_live_line_never_shows_an_epoch_whose_figures_stand_above_it():
    from rich.live import Live
    from rich.text import Text

    text = io.StringIO()
    progress = ConsoleProgress(Console(file=text, force_terminal=True, width=80, color_system=None))
    progress._live = Live(Text(""), console=progress.console, transient=True, auto_refresh=False)
    with progress._live:
        progress.on_chunk(Position("training", 1, 10, 10))
        progress._live.refresh()
        progress.on_epoch({"epoch": 1}, is_best=False)
        progress.on_epoch({"epoch": 2}, is_best=False)
        _, _, below = text.getvalue().partition("    1  " + "━" * 30)
    assert "━" not in below


def test_figures_of_heads_fit_into_a_terminal_and_none_is_broken_in_two():
    metrics = ["mean_absolute_error", "r2_score", "root_mean_squared_error"]
    heads = {"price_of_the_house": {"task": "regression", "metrics": metrics}, "sold": {"metrics": ["accuracy"]}}
    recipe = load_recipe({"data": "arrays", "model": "mlp", "heads": heads}, for_training=False)
    values = {"loss": 1.0} | {f"price_of_the_house_{name}": 0.25 for name in ("loss", *metrics)} | {"sold_loss": 0.5}
    assert _figures("test", values, recipe, "(a remark)") == [
        "test    loss 1.0000",
        "        price_of_the_house_loss 0.2500  price_of_the_house_mae 0.2500",
        "        price_of_the_house_r2_score 0.2500  price_of_the_house_rmse 0.2500",
        "        sold_loss 0.5000  (a remark)",
    ]
