"""Every cell is checked before anything is trained."""

import pytest

from hornbook.errors import RecipeError, UsageError
from hornbook.study.factors import parse_factors
from hornbook.study.plan import make_plan


def plan(vary=(), drop=(), *overrides, seeds=2, **options):
    return make_plan("he_elu_bn", overrides, parse_factors(vary, drop), seeds=seeds, **options)


def test_all_invalid_cells_are_refused_at_once_naming_their_options():
    with pytest.raises(RecipeError) as found:
        plan(["activation=elux,relu", "optimizer.lr=1,2"], ["pretraining"])
    assert str(found.value) == (
        "hornbook ablate: 4 problems\n"
        "  --vary activation=elux: activation: unknown activation 'elux'. Did you mean 'elu'?\n"
        "  --vary optimizer.lr=1: optimizer.lr: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?\n"
        "  --vary optimizer.lr=2: optimizer.lr: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?\n"
        "  --drop pretraining: pretraining: there is no such key to delete."
    )
    assert found.value.exit_code == 2


def test_a_wrong_recipe_is_refused_with_line_and_column(tmp_path):
    (tmp_path / "r.yaml").write_text("data: digits\nmodel: mlp\nactivation: elux\n")
    with pytest.raises(RecipeError, match=r"3:13  activation: unknown activation 'elux'"):
        make_plan(str(tmp_path / "r.yaml"), [], parse_factors(["optimizer=sgd"], []), seeds=2)


@pytest.mark.parametrize("seeds", [1, 0, -3])
def test_too_few_seeds_for_an_interval_are_refused(seeds):
    with pytest.raises(UsageError, match=f"--seeds {seeds}: too few seeds for an interval. Use 2 at least, better 5."):
        plan(["activation=relu"], seeds=seeds)


def test_seeds_count_up_from_the_recipes_own():
    assert plan(["activation=relu"], [], "seed=7", seeds=3).seeds == (7, 8, 9)


def test_a_cell_that_is_the_recipe_gives_its_name_to_the_baseline():
    cells = plan(["activation=elu,relu"], ["normalization"]).cells
    assert [cell.cell.label for cell in cells] == ["baseline (activation=elu)", "activation=relu", "no normalization"]


def test_cells_that_are_the_same_recipe_are_refused():
    with pytest.raises(RecipeError, match="--drop normalization: the same recipe as 'normalization=none'. Remove one"):
        make_plan(
            "he_elu_bn",
            [],
            [*parse_factors(["normalization=none"], []), *parse_factors([], ["normalization"])],
            seeds=2,
        )


def test_nothing_left_to_compare_is_refused():
    with pytest.raises(RecipeError, match="nothing is left to compare"):
        plan(["activation=elu"])


def test_what_theory_calls_unwise_is_a_warning_that_names_its_cell():
    (warning,) = plan(["activation=tanh,relu"]).warnings
    assert (warning.origin, warning.severity) == ("--vary activation=tanh", "warning")


def test_overrides_reach_every_cell_and_its_own_come_last():
    cells = plan(["activation=relu"], [], "training.epochs=3").cells
    assert cells[1].overrides == ("training.epochs=3", "activation=relu")
    assert {cell.recipe.training.epochs for cell in cells} == {3}


def test_tuning_tries_five_values_around_each_cells_own_with_a_seed_of_its_own():
    found = plan(["optimizer=adam"], tune="optimizer.learning_rate")
    grids = [[override.partition("=")[2] for override, _ in cell.grid] for cell in found.cells]
    assert grids == [
        ["0.005", "0.0158", "0.05", "0.158", "0.5"],
        ["0.0001", "0.000316", "0.001", "0.00316", "0.01"],
    ]
    assert found.seeds == (43, 44)
    assert {recipe.seed for cell in found.cells for _, recipe in cell.grid} == {42}
    assert found.num_runs == 14


@pytest.mark.parametrize(
    ("vary", "key", "message"),
    [
        ("activation=relu", "data", "--tune data: 'baseline' has no number above 0 there. Give it one in the recipe."),
        ("activation=relu", "optimizer.lr", "--tune optimizer.lr: 'baseline' has no number above 0 there."),
        ("batch=1", "optimizer.learning_rate", "unknown key"),
        ("optimizer.learning_rate=0.1", "optimizer.learning_rate", "is varied, so it cannot be tuned for every cell"),
        ("activation=relu", "regularization.dropout", "regularization.dropout: expected a number below 1, found 2.0."),
    ],
)
def test_what_cannot_be_tuned_is_refused(vary, key, message):
    with pytest.raises(RecipeError, match=message):
        plan([vary], tune=key)


def test_folds_take_the_place_of_seeds():
    found = plan(["activation=relu"], folds=3)
    assert found.seeds == (0, 1, 2)
    recipe, overrides = found.repeat(found.cells[1].recipe, 2)
    assert (recipe.seed, recipe.data.split.folds, recipe.data.split.fold) == (42, 3, 2)
    assert overrides == ("data.split.folds=3", "data.split.fold=2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "--folds 1: too few folds for an interval. Use 2 at least, better 5 or 10."),
        ({"folds": 5, "tune": "optimizer.learning_rate"}, "--tune: the folds hold every example"),
    ],
)
def test_folds_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        plan(["activation=relu"], **options)
