"""Proposals of all four tuners: what follows from the seed, from the record, and from the rules."""

import math
from functools import partial

import pytest

ALL = ["random", "grid", "hyperband", "bayesian"]
TUNERS = {
    "random": {"tuner": "random", "max_trials": 8},
    "grid": {"tuner": "grid", "max_trials": None},
    "hyperband": {"tuner": {"name": "hyperband", "max_epochs": 4, "factor": 2}, "max_trials": None},
    "bayesian": {
        "tuner": {"name": "bayesian", "num_initial_points": 3},
        "max_trials": 8,
        "space": {"optimizer.learning_rate": {"min": 1e-3, "max": 0.5, "sampling": "log"}},  # two keys: test_sweep.py
    },
}
COUNT = {"random": 8, "grid": 8, "hyperband": 12, "bayesian": 5}  # fitting a Gaussian process takes a while


def score(proposal):
    """Pretend: the best rate is 0.05; the third trial fails."""
    if proposal.trial == 2:
        return None
    return {"val_accuracy": -abs(math.log(proposal.values["optimizer.learning_rate"] / 0.05))}


@pytest.fixture
def advisor_of(tensorflow, recipe_of):
    from hornbook.recipes.trial import why_rejected
    from hornbook.sweep.coordinator import advisor_of

    def make(sweep, **sections):
        recipe = recipe_of(sweep, **sections)
        return advisor_of(recipe, {"val_accuracy": "max"}, partial(why_rejected, recipe))

    return make


def ask_all(advisor, count):
    found = []
    while len(found) < count and (proposal := advisor.ask()) is not None:
        found.append((proposal, advisor.drawn(proposal.trial)))
        advisor.tell(proposal.trial, score(proposal))
    return found


@pytest.mark.parametrize("tuner", ALL)
def test_an_oracle_that_hears_its_record_again_goes_on_as_if_nothing_had_been(tuner, advisor_of, capfd):
    count = COUNT[tuner]
    whole = ask_all(advisor_of(TUNERS[tuner]), count)
    assert len(whole) == count
    again = advisor_of(TUNERS[tuner])
    for proposal, drawn in whole[: count - 1]:
        again.replay(proposal, drawn)
        again.tell(proposal.trial, score(proposal))
    assert again.ask() == whole[-1][0]
    out, err = capfd.readouterr()
    assert out + err == ""  # keras-tuner prints debugging lines and tracebacks


def test_another_proposal_than_the_recorded_one_is_an_error(advisor_of):
    from dataclasses import replace

    from hornbook.errors import RunError

    first = advisor_of(TUNERS["random"])
    proposal = first.ask()
    changed = replace(proposal, values={**proposal.values, "training.batch_size": 7})
    with pytest.raises(RunError, match="other values than it did when this sweep began"):
        advisor_of(TUNERS["random"]).replay(changed, first.drawn(0))


def test_a_seed_of_zero_is_a_seed_and_near_seeds_draw_other_trials(advisor_of):
    def first_four(seed):
        return [proposal.values for proposal, _ in ask_all(advisor_of(TUNERS["random"], seed=seed), 4)]

    assert first_four(0) == first_four(0)
    rates = [{values["optimizer.learning_rate"] for values in first_four(seed)} for seed in (0, 1, 2)]
    assert not rates[0] & rates[1]
    assert not rates[1] & rates[2]


def test_the_grid_contains_the_last_step_of_a_range(advisor_of):
    space = {"regularization.dropout": {"min": 0.0, "max": 0.3, "step": 0.1}, "optimizer.learning_rate": [0.1]}
    found = ask_all(advisor_of({**TUNERS["grid"], "space": space}), 20)
    assert [proposal.values["regularization.dropout"] for proposal, _ in found] == [0.0, 0.1, 0.2, 0.3]


def test_a_grid_over_a_range_without_steps_takes_ten_values_with_both_ends(advisor_of):
    space = {"optimizer.learning_rate": {"min": 0.001, "max": 1.0, "sampling": "log"}}
    rates = [
        p.values["optimizer.learning_rate"] for p, _ in ask_all(advisor_of({**TUNERS["grid"], "space": space}), 20)
    ]
    assert len(rates) == 10
    assert (rates[0], rates[-1]) == (0.001, 1.0)


def test_whole_numbers_are_drawn_where_the_key_takes_no_others(advisor_of):
    space = {
        "training.batch_size": {"min": 4, "max": 64, "sampling": "log"},
        "regularization.dropout": {"min": 0, "max": 0.5},
        "optimizer.learning_rate": [0.1, 0.2],
    }
    values = [proposal.values for proposal, _ in ask_all(advisor_of({**TUNERS["random"], "space": space}), 8)]
    assert all(isinstance(one["training.batch_size"], int) and 4 <= one["training.batch_size"] <= 64 for one in values)
    assert any(0 < one["regularization.dropout"] < 0.5 for one in values)


def test_conditional_keys_appear_only_under_their_condition(advisor_of):
    space = {
        "optimizer.momentum": {"min": 0.5, "max": 0.99, "when": {"optimizer": "sgd"}},
        "optimizer": [{"name": "sgd", "momentum": 0.9}, "adam"],
        "optimizer.learning_rate": [0.001, 0.01, 0.1],
    }
    found = [proposal.values for proposal, _ in ask_all(advisor_of({**TUNERS["random"], "space": space}), 8)]
    assert {("optimizer.momentum" in values, values["optimizer"] == "adam") for values in found} == {
        (True, False), (False, True),
    }  # fmt: skip


@pytest.mark.parametrize("tuner", ["random", "grid", "hyperband"])
def test_combinations_that_the_rules_reject_are_counted_and_never_proposed(tuner, advisor_of):
    space = {
        "optimizer.learning_rate": [0.01, 0.02, 0.05, 0.1],
        "optimizer.nesterov": [True, False],
        "optimizer.momentum": [0.0, 0.9],
    }  # Nesterov without momentum is an error
    advisor = advisor_of({**TUNERS[tuner], "space": space})
    found = [proposal.values for proposal, _ in ask_all(advisor, 8)]
    assert len(found) == 8
    assert not any(one["optimizer.nesterov"] and not one["optimizer.momentum"] for one in found)
    assert advisor.rejected


def test_hyperband_trains_the_better_ones_further_and_survives_failures(advisor_of):
    found = [proposal for proposal, _ in ask_all(advisor_of(TUNERS["hyperband"]), 100)]
    assert {proposal.until for proposal in found} == {1, 2, 4}
    first = [proposal for proposal in found if proposal.until == 1]
    best = max((p for p in first if score(p) is not None), key=lambda p: score(p)["val_accuracy"])
    assert (
        next(proposal.parent for proposal in found if proposal.until == 2 and proposal.parent is not None) == best.trial
    )


def test_an_exhausted_space_ends_the_search(advisor_of):
    space = {"optimizer.learning_rate": [0.1, 0.2, 0.3]}
    assert len(ask_all(advisor_of({**TUNERS["random"], "space": space}), 20)) == 3
