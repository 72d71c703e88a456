"""What is wrong with a sweep is found before anything is trained: exact texts, with line and column."""

import pytest

from hornbook.recipes import check_recipe

HEAD = """data: digits
model: {name: mlp, units: [32]}
optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}
sweep:
"""
SPACE = "  max_trials: 3\n  space:\n    "
CASES = [
    (
        "objective: val_acuracy\n" + SPACE + "activation: [elu, relu]\n",
        "5:14 sweep.objective: 'val_acuracy' is not recorded. Recorded: val_loss, val_accuracy."
        " Did you mean 'val_accuracy'?",
    ),
    (
        "objective: val_auc\n" + SPACE + "activation: [elu, relu]\n",
        "5:14 sweep.objective: 'val_auc' is not recorded. Recorded: val_loss, val_accuracy."
        " Add it to 'training.metrics'.",
    ),
    (
        "objective: accuracy\n" + SPACE + "activation: [elu, relu]\n",
        "5:14 sweep.objective: 'accuracy' is measured on the training examples, which every trial can learn by heart."
        " Use 'val_accuracy'.",
    ),
    (
        "tuner: hyperband\n" + SPACE + "activation: [elu, relu]\n",
        "6:15 sweep.max_trials: hyperband's number of trials follows from 'max_epochs' and 'factor'."
        " Remove it, or limit 'total_epochs'.",
    ),
    (
        "tuner: {name: hyperband}\n  space: {training.epochs: [1, 2]}\n",
        "6:28 sweep.space.training.epochs: hyperband decides how long each trial is trained."
        " Set 'tuner.max_epochs' instead.",
    ),
    (
        "tuner: {name: random, max_epochs: 3}\n" + SPACE + "activation: [elu, relu]\n",
        "5:25 sweep.tuner.max_epochs: unknown key for tuner 'random'. Known: name.",
    ),
    (
        "tuner: random\n  space:\n    activation: [elu, relu]\n",
        "5:3 sweep: 'random' does not end by itself. Set 'max_trials', 'total_epochs' or 'max_time'.",
    ),
    (
        "tuner: random\n" + SPACE + "optimizer.learning_rte: [0.1]\n",
        "8:5 sweep.space.optimizer.learning_rte: unknown key for optimizer 'sgd'. Did you mean 'learning_rate'?",
    ),
    (
        "tuner: random\n" + SPACE + "activaton: [elu]\n",
        "8:5 sweep.space.activaton: a recipe has no key 'activaton'. Did you mean 'activation'?",
    ),
    (
        "tuner: random\n" + SPACE + "activation: [elu, rellu]\n",
        "8:23 sweep.space.activation.1: unknown activation 'rellu'. Did you mean 'relu'?",
    ),
    (
        "tuner: random\n" + SPACE + "optimizer.momentum: {min: 0.5, max: 2}\n",
        "8:25 sweep.space.optimizer.momentum: expected a number below 1, found 2.",
    ),
    (
        "tuner: random\n" + SPACE + "data.split: [1]\n",
        "8:17 sweep.space.data.split: trials are compared on one validation split, which this would change."
        " Remove it from the space.",
    ),
    (
        "tuner: random\n" + SPACE + "optimizer.momentum: {min: 0.9, max: 0.5}\n",
        "8:25 sweep.space.optimizer.momentum: the range is empty: min is 0.9 and max 0.5.",
    ),
    (
        "tuner: random\n" + SPACE + "optimizer.learning_rate: {min: 0, max: 0.5, sampling: log}\n",
        "8:30 sweep.space.optimizer.learning_rate: a logarithmic range cannot contain 0:"
        " every value has to be above 0.",
    ),
    (
        "tuner: random\n" + SPACE + "activation: []\n",
        "8:17 sweep.space.activation: there is no value to choose from.",
    ),
    (
        "tuner: random\n"
        + SPACE
        + "activation: {choices: [elu], when: {optimizr: adam}}\n    optimizer: [adam, nadam]\n",
        "8:51 sweep.space.activation.when.optimizr: 'optimizr' is not in the space, so there is nothing to wait for."
        " Did you mean 'optimizer'?",
    ),
    (
        "tuner: random\n"
        + SPACE
        + "activation: {choices: [elu], when: {optimizer: sgd}}\n    optimizer: [adam, nadam]\n",
        "8:52 sweep.space.activation.when.optimizer: 'optimizer' is never 'sgd'. Its choices: 'adam', 'nadam'.",
    ),
    (
        "objective: [val_accuracy, val_acuracy]\n" + SPACE + "activation: [elu, relu]\n",
        "5:29 sweep.objective.1: 'val_acuracy' is not recorded. Recorded: val_loss, val_accuracy."
        " Did you mean 'val_accuracy'?",
    ),
    (
        "objective: [val_loss, parameters, val_loss]\n" + SPACE + "activation: [elu, relu]\n",
        "5:37 sweep.objective.2: 'val_loss' is listed twice. Remove one of them.",
    ),
    (
        "objective: parameters\n" + SPACE + "activation: [elu, relu]\n",
        "5:14 sweep.objective: the smallest model is found without training; what it is to be good at is missing."
        " Add a figure of the validation split: [val_loss, parameters].",
    ),
    (
        "select: knee\n" + SPACE + "activation: [elu, relu]\n",
        "5:11 sweep.select: with one objective the best trial wins. Remove it, or list several objectives.",
    ),
    (
        "objective: [val_loss, parameters]\n  mode: min\n" + SPACE + "activation: [elu, relu]\n",
        "6:9 sweep.mode: 'mode' is the direction of a single objective. Remove it: metrics know which direction is better.",
    ),
    (
        "objective: [val_loss, parameters]\n  select: smallest\n" + SPACE + "activation: [elu, relu]\n",
        "6:11 sweep.select: 'smallest' is neither 'knee' nor a condition. Write for instance 'parameters<=20000'.",
    ),
    (
        "objective: [val_loss, parameters]\n  select: val_accuracy>0.9\n" + SPACE + "activation: [elu, relu]\n",
        "6:11 sweep.select: 'val_accuracy' is no objective. Objectives: val_loss, parameters.",
    ),
    (
        "tuner: bayesian\n  objective: [val_loss, parameters]\n" + SPACE + "activation: [elu, relu]\n",
        "5:10 sweep.tuner: 'bayesian' decides by one figure, and there are 2 objectives."
        " Use 'optuna' with its samplers tpe or nsga2, or 'random' or 'grid'.",
    ),
    (
        "tuner: hyperband\n  objective: [val_loss, parameters]\n  space:\n    activation: [elu, relu]\n",
        "5:10 sweep.tuner: 'hyperband' decides by one figure, and there are 2 objectives."
        " Use 'optuna' with its samplers tpe or nsga2, or 'random' or 'grid'.",
    ),
    (
        "tuner: {name: optuna, sampler: nsga2, sigma: 0.1}\n" + SPACE + "activation: [elu, relu]\n",
        "5:10 sweep.tuner: the sampler 'nsga2' has no 'sigma'. It has: population.",
    ),
    (
        "tuner: {name: optuna, sampler: cma_es}\n" + SPACE + "activation: [elu, relu]\n",
        "5:34 sweep.tuner.sampler: cma_es searches two ranges or more, and the space has none that always count."
        " Use the sampler tpe.",
    ),
    (
        "tuner: {name: optuna, sampler: cma_es}\n  objective: [val_loss, parameters]\n"
        + SPACE
        + "optimizer.momentum: {min: 0, max: 0.9}\n    model.units: {min: 1, max: 9}\n",
        "5:34 sweep.tuner.sampler: 'cma_es' decides by one figure, and there are 2 objectives."
        " Use 'optuna' with its samplers tpe or nsga2, or 'random' or 'grid'.",
    ),
    (
        "tuner: optuna\n  space:\n    activation: [elu, relu]\n",
        "5:3 sweep: 'optuna' does not end by itself. Set 'max_trials', 'total_epochs' or 'max_time'.",
    ),
]


@pytest.fixture
def installed(monkeypatch):
    """Whatever a tuner needs is said to be there."""
    monkeypatch.setattr("hornbook.recipes.rules.installed.is_installed", lambda package: True)


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_mistake_is_named_with_its_place(text, expected, installed):
    problems = check_recipe(HEAD + "  " + text).problems
    assert [f"{p.line}:{p.column} {p.sentence()}" for p in problems] == [expected]


def test_a_tuner_whose_library_is_missing_names_the_extra(monkeypatch):
    monkeypatch.setattr("hornbook.recipes.rules.installed.is_installed", lambda package: package != "cmaes")
    [problem] = check_recipe(HEAD + "  tuner: optuna\n" + SPACE + "activation: [elu, relu]\n").errors
    assert problem.sentence() == (
        "sweep.tuner: 'optuna' needs the package 'cmaes', which is not installed."
        " Install it: pip install 'hornbook[optuna]'. Or use another tuner."
    )


def test_what_evolution_leaves_to_chance_is_said(installed):
    text = "  tuner: {name: optuna, sampler: cma_es}\n" + SPACE
    text += "optimizer.momentum: {min: 0, max: 0.9}\n    model.units: {min: 1, max: 9}\n    activation: [elu, relu]\n"
    [problem] = check_recipe(HEAD + text).problems
    assert (problem.severity, problem.sentence()) == (
        "warning",
        "warning: sweep.tuner.sampler: cma_es searches ranges that always count; activation will be drawn at random."
        " The sampler tpe learns of these too.",
    )


def test_conditions_that_wait_for_each_other_are_refused():
    text = (
        "  max_trials: 3\n  space:\n    activation: {choices: [elu, relu], when: {optimizer: adam}}\n"
        "    optimizer: {choices: [adam, nadam], when: {activation: elu}}\n"
    )
    assert [problem.message for problem in check_recipe(HEAD + text).problems] == [
        "these wait for each other: activation, optimizer."
    ]


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (
            "optimizer: [sgd, adam]\n    optimizer.nesterov: [true]\n",
            "sweep.space: the rules reject all 2 combinations. The first: optimizer.nesterov: ",
        ),
        (
            "optimizer: [sgd]\n    optimizer.nesterov: [true]\n    model.units: [[1], [2], [3], [4], [5], [6], [7]]\n"
            "    training.epochs: [1, 2, 3, 4, 5, 6]\n    training.batch_size: [1, 2, 3, 4, 5]\n",
            "sweep.space: the rules reject 200 combinations that were tried. The first: optimizer.nesterov: ",
        ),
    ],
)
def test_a_space_of_which_nothing_can_be_trained_is_an_error(space, expected):
    [problem] = check_recipe(HEAD + "  max_trials: 3\n  space:\n    " + space).errors
    assert problem.sentence().startswith(expected)
    assert problem.line == 7


def test_without_validation_there_is_nothing_to_compare():
    text = HEAD.replace("data: digits", "data: {name: digits, split: {validation: 0}}")
    problems = check_recipe(text + "  max_trials: 3\n  space: {activation: [elu, relu]}\n").errors
    assert [problem.sentence() for problem in problems] == [
        "sweep.objective: trials are compared on the validation split, and there is none."
        " Set 'data.split.validation' to hold out examples."
    ]


def test_a_good_sweep_passes_and_survives_a_round_trip():
    from hornbook.recipes.recipe import Recipe

    text = (
        "  tuner: bayesian\n  objective: val_accuracy\n  max_trials: 3\n  space:\n"
        "    optimizer: [{name: sgd, momentum: 0.9}, adam]\n"
        "    optimizer.momentum: {min: 0.5, max: 0.99, when: {optimizer: sgd}}\n"
        "    model.units: [[300, 100], [100]]\n    regularization.dropout: {min: 0, max: 0.5, step: 0.1}\n"
    )
    checked = check_recipe(HEAD + text)
    assert checked.problems == ()
    assert Recipe.model_validate(checked.recipe.to_dict()) == checked.recipe


@pytest.mark.parametrize(
    ("model", "is_good"),
    [("mlp", True), ("{name: mlp, units: [9, 9]}", True), ("{name: mlp, funnel: {from: 9, to: 3, layers: 3}}", False)],
)
def test_depth_and_a_shared_width_vary_together_whatever_the_recipe_has_in_their_places(model, is_good):
    """A funnel stays beside them in every trial, and leaves no room."""
    text = "  max_trials: 3\n  space: {model.depth: {min: 1, max: 4}, model.units: {min: 16, max: 64, step: 16}}\n"
    head = HEAD.replace("{name: mlp, units: [32]}", model)
    assert (check_recipe(head + text).problems == ()) == is_good


def test_mistakes_inside_and_outside_an_entry_are_found_together():
    text = (
        "  objective: val_acuracy\n  max_trials: 3\n  space:\n    optimizer: []\n"
        "    optimizer.momentum: {choices: [0.5], when: {optimizer: sgd}}\n    activaton: [elu]\n"
    )
    found = [f"{problem.line} {problem.message}" for problem in check_recipe(HEAD + text).problems]
    assert found == [
        "5 'val_acuracy' is not recorded. Recorded: val_loss, val_accuracy.",
        "8 there is no value to choose from.",
        "10 a recipe has no key 'activaton'.",
    ]


OVERRIDES = {
    "one number of a range": ("sweep.space.optimizer.learning_rate.max=0.2", "optimizer.learning_rate", "max", 0.2),
    "a whole range": ("sweep.space.optimizer.learning_rate=[0.1, 0.2]", "optimizer.learning_rate", "choices", (0.1, 0.2)),
    "a new entry": ("sweep.space.optimizer.momentum=[0.5]", "optimizer.momentum", "choices", (0.5,)),
    "a choice": ("sweep.space.optimizer.0=nadam", "optimizer", "choices", ("nadam", "sgd")),
}  # fmt: skip


@pytest.mark.parametrize(("override", "key", "option", "value"), OVERRIDES.values(), ids=OVERRIDES)
def test_an_override_reaches_into_an_entry_whose_key_has_dots(override, key, option, value):
    text = (
        "  objective: val_accuracy\n  max_trials: 3\n  space:\n    optimizer: [adam, sgd]\n"
        "    optimizer.learning_rate: {min: 0.001, max: 0.1}\n"
        "    optimizer.nesterov: {choices: [true, false], when: {optimizer: sgd}}\n"
    )
    recipe = check_recipe(HEAD + text, [override]).recipe
    assert getattr(recipe.sweep.space[key], option) == value


def test_a_range_can_be_written_and_an_entry_deleted_from_the_command_line():
    text = (
        "  max_trials: 3\n  space: {activation: {choices: [elu], when: {seed: 1}}, optimizer.nesterov: [true, false]}\n"
    )
    lines = [
        "~sweep.space.optimizer.nesterov",
        "~sweep.space.activation.when",
        "sweep.space.seed.min=1",
        "sweep.space.seed.max=9",
    ]
    space = check_recipe(HEAD + text, lines).recipe.sweep.space
    assert list(space) == ["activation", "seed"]
    lines = [
        "~sweep.space.activation.when",
        "sweep.space.optimizer.momentum.min=0.5",
        "sweep.space.optimizer.momentum.max=0.9",
    ]
    entry = check_recipe(HEAD + text, lines).recipe.sweep.space["optimizer.momentum"]
    assert (entry.min, entry.max) == (0.5, 0.9)


HEADS = HEAD.partition("optimizer")[0] + "heads:\n  digit: {}\n  early: {weight: 0.1, from: hidden_1}\nsweep:\n"
OTHER_LOSSES = [
    (HEADS, "val_loss", "heads.early.weight: {min: 0.1, max: 1.0}", "val_digit_accuracy"),
    (HEADS, "val_digit_loss", "heads.digit.loss: [categorical_hinge, categorical_crossentropy]", "val_digit_accuracy"),
    (HEAD, "val_loss", "head.loss: [categorical_hinge, categorical_crossentropy]", "val_accuracy"),
    (HEAD, "val_loss", "head: [{loss: {name: categorical_crossentropy, label_smoothing: 0.1}}, {}]", "val_accuracy"),
]


@pytest.mark.parametrize(("head", "objective", "space", "other"), OTHER_LOSSES)
def test_a_loss_is_no_objective_over_keys_that_make_it_another_loss(head, objective, space, other):
    """The smallest of losses that are sums with other weights, or other functions, is that of the smallest weight."""
    text = f"  objective: {objective}\n  max_trials: 3\n  space:\n    {space}\n"
    [problem] = check_recipe(head + text).problems
    assert (problem.code, problem.severity) == ("sweep-loss", "error")
    assert problem.sentence() == (
        f"sweep.space.{space.partition(':')[0]}: trials with other values have another '{objective}', by which they are to be"
        f" compared. Use 'objective: {other}'."
    )
    assert check_recipe(head + text.replace(objective, other, 1)).problems == ()


def test_the_loss_of_a_head_may_tell_about_the_weights_of_heads():
    text = "  objective: val_digit_loss\n  max_trials: 3\n  space: {heads.early.weight: [0.1, 1.0]}\n"
    assert check_recipe(HEADS + text).problems == ()


def test_a_penalty_is_part_of_the_loss_by_which_trials_are_compared():
    text = SPACE + "regularization.l2: {min: 1e-6, max: 1e-2, sampling: log}\n"
    [problem] = check_recipe(HEAD + text).problems
    assert problem.sentence() == (
        "warning: sweep.space.regularization.l2: 'val_loss' holds the penalty: it is lower where that is smaller, whatever"
        " was learned. Use 'objective: val_accuracy'."
    )
    assert check_recipe(HEAD + text.replace("regularization.l2", "optimizer.weight_decay")).problems == ()


def test_a_head_that_the_recipe_lacks_is_no_key_of_a_space():
    text = "  objective: val_digit_loss\n  max_trials: 3\n  space: {heads.earlier.weight: [0.1, 1.0]}\n"
    [problem] = check_recipe(HEADS + text).problems
    assert problem.sentence() == (
        "sweep.space.heads.earlier.weight: the recipe has no head 'earlier'. Did you mean 'early'?"
    )
