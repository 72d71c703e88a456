"""Proposals of Optuna's samplers: what follows from the seed, from the record, from the rules, and from the scores."""

import json
import math

import pytest

pytest.importorskip("optuna", reason="needs hornbook[optuna]: make test-optuna")

SPACE = {
    "optimizer.learning_rate": {"min": 1e-3, "max": 0.5, "sampling": "log"},
    "optimizer.momentum": {"min": 0.0, "max": 0.99},
}
SAMPLERS = ["tpe", "cma_es", "nsga2"]
OPTIONS = {"tpe": {"startup_trials": 4}, "cma_es": {"population": 4}, "nsga2": {"population": 4}}


def reached(proposal):
    """Pretend: the best rate is 0.05 and the best momentum 0.8; the third trial fails."""
    if proposal.trial == 2:
        return None
    rate, momentum = (proposal.values.get(f"optimizer.{name}", 0.8) for name in ("learning_rate", "momentum"))
    return {"val_accuracy": -(math.log10(rate / 0.05) ** 2) - (momentum - 0.8) ** 2}


def ask_all(advisor, count, told=reached):
    found = []
    while len(found) < count and (proposal := advisor.ask()) is not None:
        found.append((proposal, advisor.drawn(proposal.trial)))
        advisor.tell(proposal.trial, told(proposal))
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_that_hears_its_record_again_goes_on_as_if_nothing_had_been(sampler, advisor_of, capfd):
    whole = ask_all(advisor_of(sampler, options=OPTIONS[sampler]), 20)
    again = advisor_of(sampler, options=OPTIONS[sampler])
    for proposal, drawn in whole[:13]:
        again.replay(proposal, json.loads(json.dumps(drawn)))
        again.tell(proposal.trial, reached(proposal))
    rest = []
    for _ in range(7):
        proposal = again.ask()
        rest.append(proposal)
        again.tell(proposal.trial, reached(proposal))
    assert rest == [proposal for proposal, _ in whole[13:]]
    out, err = capfd.readouterr()
    assert out + err == ""


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_runs_while_a_trial_is_proposed_is_part_of_the_record(sampler, advisor_of):
    """Three at once: each proposal knows all trials but the last two, also after a stop."""

    def go(advisor, until, replayed=()):
        found, running = [], []
        for number in range(until):
            if number < len(replayed):
                advisor.replay(replayed[number], {})
                proposal = replayed[number]
            else:
                proposal = advisor.ask()
            found.append(proposal)
            running.append(proposal)
            if len(running) == 3:
                first = running.pop(0)
                advisor.tell(first.trial, reached(first))
        return found

    whole = go(advisor_of(sampler, options=OPTIONS[sampler]), 16)
    assert go(advisor_of(sampler, options=OPTIONS[sampler]), 16, whole[:9]) == whole


@pytest.mark.parametrize("sampler", ["tpe", "cma_es"])
def test_what_a_sampler_is_told_moves_what_it_proposes(sampler, advisor_of):
    count, late = 50, 15
    found = [reached(proposal) for proposal, _ in ask_all(advisor_of(sampler), count)]
    scores = [one["val_accuracy"] for one in found if one is not None]
    assert sum(scores[-late:]) / late > sum(scores[:late]) / late + 0.1
    assert max(scores) > -0.02


def test_trials_without_a_score_keep_tpe_away_from_where_they_were(advisor_of):
    def told(proposal):
        rate = proposal.values["optimizer.learning_rate"]
        return None if rate > 0.02 else {"val_accuracy": math.log10(rate)}  # the best is next to what fails

    found = ask_all(advisor_of("tpe"), 40, told)
    failed = sum(told(proposal) is None for proposal, _ in found[-20:])
    assert failed < 15  # 18 and more where they are left out


def test_a_changed_library_is_noticed(advisor_of):
    from dataclasses import replace

    from hornbook.errors import RunError

    first = advisor_of()
    proposal = first.ask()
    changed = replace(proposal, values={**proposal.values, "optimizer.momentum": 0.123})
    with pytest.raises(RunError, match="Optuna proposes other values than it did when this sweep began"):
        advisor_of().replay(changed, first.drawn(0))


def test_near_seeds_draw_other_trials(advisor_of):
    def rates(seed):
        return {proposal.values["optimizer.learning_rate"] for proposal, _ in ask_all(advisor_of(seed=seed), 6)}

    assert rates(0) == rates(0)
    assert not rates(0) & rates(1)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_conditions_steps_whole_numbers_and_components_arrive_as_the_recipe_takes_them(sampler, advisor_of):
    adam, sgd = {"name": "adam", "beta_1": 0.8}, {"name": "sgd", "momentum": 0.9}
    space = {
        "optimizer.momentum": {"min": 0.5, "max": 0.99, "when": {"optimizer": "sgd"}},
        "optimizer": [sgd, adam],
        "optimizer.learning_rate": {"min": 0.001, "max": 0.1, "sampling": "log"},
        "training.batch_size": {"min": 4, "max": 64, "sampling": "log"},
        "regularization.dropout": {"min": 0.0, "max": 0.3, "step": 0.1},
        "model.units": [[300, 100], [100]],
    }
    found = [proposal.values for proposal, _ in ask_all(advisor_of(sampler, options=OPTIONS[sampler], space=space), 40)]
    assert {("optimizer.momentum" in values, values["optimizer"] == adam) for values in found} == {
        (True, False), (False, True),
    }  # fmt: skip
    assert {type(values["training.batch_size"]) for values in found} == {int}
    assert all(4 <= values["training.batch_size"] <= 64 for values in found)
    assert {values["regularization.dropout"] for values in found} == {0.0, 0.1, 0.2, 0.3}
    assert all(0.001 <= values["optimizer.learning_rate"] <= 0.1 for values in found)
    small = sum(values["optimizer.learning_rate"] < 0.01 for values in found[:15])
    assert small >= 3  # equal ratios are equally likely: half of the first, and not a tenth
    assert sorted({json.dumps(v["model.units"]): v["model.units"] for v in found}.values())[::-1] == [[300, 100], [100]]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_what_the_rules_reject_and_what_was_tried_is_not_proposed(sampler, advisor_of):
    space = {
        "optimizer.learning_rate": [0.01, 0.02, 0.05],
        "optimizer.nesterov": [True, False],
        "optimizer.momentum": [0.0, 0.9],
    }  # Nesterov without momentum is an error: nine combinations are left
    advisor = advisor_of(sampler, options=OPTIONS[sampler], space=space)
    found = [proposal.values for proposal, _ in ask_all(advisor, 30)]
    assert len(found) == len({json.dumps(values) for values in found}) == 9
    assert not any(values["optimizer.nesterov"] and not values["optimizer.momentum"] for values in found)
    assert {one.values["optimizer.learning_rate"] for one in advisor.rejected} == {0.01, 0.02, 0.05}
    assert "momentum" in advisor.rejected[0].reason


@pytest.mark.parametrize(("sampler", "options"), [("tpe", {}), ("nsga2", {"population": 10})])
def test_several_objectives_are_told_and_learned_from(sampler, options, advisor_of):
    keys = {"objective": ["val_accuracy", "parameters"], "space": {**SPACE, "model.units": {"min": 1, "max": 200}}}

    def missed(proposal):
        return -(reached(proposal) or {"val_accuracy": 0.0})["val_accuracy"]

    def told(proposal):
        if proposal.trial == 2:
            return None
        units = proposal.values["model.units"]  # more than 50 only cost
        return {"val_accuracy": min(units, 50) / 50 - missed(proposal), "parameters": 75 * units}

    found = [proposal for proposal, _ in ask_all(advisor_of(sampler, options=options, **keys), 80, told)]
    assert sum(map(missed, found[-40:])) / 40 < 0.8 * sum(map(missed, found[:10])) / 10
    assert sum(one.values["model.units"] for one in found[-40:]) / 40 < 85  # 100 at random


def test_facts_say_what_a_sampler_became(advisor_of):
    facts = advisor_of("tpe", options={"startup_trials": 7, "candidates": 9}).facts()
    assert facts["tuner"] == {"class": "TPESampler", "sampler": "tpe", "startup_trials": 7, "candidates": 9}
    assert facts["space"]["optimizer.learning_rate"]["kind"] == "FloatDistribution"
