"""Each rule of the doctor on hand-made cases: it speaks where it should, and is silent beside."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.doctor.case import Case, Examples
from hornbook.doctor.diagnose import findings_of
from hornbook.doctor.examples import near_rows
from hornbook.errors import RunError
from hornbook.recipes.faults import CODES, FAULTS
from hornbook.runs.directory import Run

DATA = {
    "task": "multiclass",
    "counts": {"train": 1280, "validation": 320, "test": 0},
    "class_counts": [128] * 10,
    "target_size": 1,
}
TABLE = {
    "task": "regression",
    "counts": {"train": 1280, "validation": 320, "test": 0},
    "class_counts": [],
    "target_size": 1,
}
STEP = 1e-3
LAYERS = {
    "inputs": {"mean": 0.3, "deviation": 0.35, "lowest": 0.0, "highest": 1.0},
    "hidden_1": {"deviation": 0.7, "gradient_rms": 1e-3, "weight_rms": 0.18, "gradient_norm": 0.1, "weight_norm": 10.0, "update_ratio": STEP},
    "hidden_1_activation": {"activation": "relu", "mean": 0.3, "deviation": 0.4, "dead": 0.02, "constant": 0.02},
    "hidden_2": {"deviation": 0.7, "gradient_rms": 1e-3, "weight_rms": 0.18, "gradient_norm": 0.1, "weight_norm": 10.0, "update_ratio": STEP},
    "hidden_2_activation": {"activation": "relu", "mean": 0.3, "deviation": 0.4, "dead": 0.02, "constant": 0.02},
    "hidden_3": {"deviation": 0.7, "gradient_rms": 1e-3, "weight_rms": 0.18, "gradient_norm": 0.1, "weight_norm": 10.0, "update_ratio": STEP},
    "hidden_3_activation": {"activation": "relu", "mean": 0.3, "deviation": 0.4, "dead": 0.02, "constant": 0.02},
    "head": {"deviation": 0.7, "gradient_rms": 1e-2, "weight_rms": 0.18, "gradient_norm": 0.3, "weight_norm": 5.0, "update_ratio": STEP},
}  # fmt: skip
LEARNED = [(1.2, 1.1), (0.6, 0.6), (0.35, 0.36), (0.25, 0.28), (0.2, 0.24), (0.17, 0.22), (0.15, 0.21), (0.14, 0.21)]
STUCK = [(2.3026, 2.3026)] * 8
GOOD = Examples(shared={"validation": 0.0}, distinct=1280, bits=300.0, nearest=0.9)


NEAR = replace(GOOD, nearest=0.98)


def case(
    *overrides, curve=LEARNED, layers=None, data=DATA, examples=GOOD, measured=(0, 40, 320), state="finished", **more
):
    """Return a case whose layers differ from those of a healthy one as said: {layer: {figure: value}}."""
    source = "digits" if data is DATA else {"name": "regression", "examples": 1600}
    tree = {
        "data": source,
        "model": {"name": "mlp", "units": [64, 64, 64]},
        "training": {"epochs": len(curve) or 1},
        **more,
    }
    recipe = load_recipe(tree, [*overrides])
    figures = {name: {**known, **(layers or {}).get(name, {})} for name, known in LAYERS.items()}
    health = [{"step": step, "epoch": step / 40, "loss": 2.3, "penalty": 0.0, "layers": figures} for step in measured]
    history = [
        {"epoch": n + 1, "loss": loss, "val_loss": held, "learning_rate": 1e-3, "accuracy": 1 - loss / 4, "val_accuracy": 1 - held / 4}
        for n, (loss, held) in enumerate(curve)
    ]  # fmt: skip
    return Case(
        recipe, data, history, health, {"state": state, "stop_reason": "the loss of batch 3 is not finite"}, examples
    )


def issues(*arguments, **keys):
    return [finding.fault for finding in findings_of(case(*arguments, **keys)) if finding.severity == "issue"]


def everywhere(**figures):
    return {name: figures for name in LAYERS if name != "inputs" and not name.endswith("activation")}


def test_a_healthy_run_has_nothing_to_change():
    assert findings_of(case()) == []


@pytest.mark.parametrize(
    ("fault", "ill"),
    [
        ("lr_too_high", {"curve": STUCK, "layers": everywhere(update_ratio=2.0)}),
        ("lr_too_high", {"curve": [], "layers": everywhere(update_ratio=0.5), "state": "diverged"}),
        ("lr_too_low", {"curve": STUCK, "layers": everywhere(update_ratio=1e-6)}),
        ("too_few_epochs", {"curve": [(1.9, 1.8)], "measured": (0, 40)}),
        ("bad_initializer", {"overrides": ["initializer=zeros"], "curve": STUCK}),
        ("wrong_activation_hidden", {"overrides": ["activation=linear"]}),
        ("vanishing_gradient", {"curve": STUCK, "layers": {"hidden_1": {"gradient_rms": 1e-7}}}),
        ("exploding_gradient", {"curve": STUCK, "layers": {"hidden_2": {"deviation": 200.0}, "hidden_3": {"deviation": 3e3}}}),
        ("dying_relu", {"curve": STUCK, "layers": {"hidden_2_activation": {"dead": 0.97}}}),
        ("saturated", {"overrides": ["activation=tanh"], "curve": STUCK,
                       "layers": {"hidden_1_activation": {"activation": "tanh", "saturated": 0.9}}}),
        ("not_normalized_inputs", {"layers": {"inputs": {"mean": 120.0, "deviation": 80.0, "highest": 255.0}}}),
        ("too_much_dropout", {"overrides": ["regularization.dropout=0.9"], "curve": STUCK}),
        ("clipping", {"overrides": ["training.gradient_clipping={by: global_norm, threshold: 1e-5}"], "curve": STUCK}),
        ("wrong_optimizer", {"overrides": ["optimizer={name: adadelta, learning_rate: 0.001}"], "curve": STUCK,
                             "layers": everywhere(update_ratio=1e-6)}),
        ("overfitting", {"curve": [(1.2, 1.1), (0.5, 0.6), (0.2, 0.7), (0.1, 0.8), (0.05, 1.0), (0.03, 1.2), (0.02, 1.4)]}),
        ("wrong_labels", {"examples": Examples(distinct=1280, bits=300.0, contradicting=0.4)}),
        ("duplicates_between_splits", {"examples": Examples(distinct=900, bits=300.0, shared={"test": 0.3})}),
        ("label_leak", {"examples": Examples(distinct=900, bits=30.0, leak=("paid", 0.999, 0.5), column_deviations=(1.0, 1.0))}),
        ("class_imbalance", {"data": {**DATA, "task": "binary", "class_counts": [1240, 40]}, "curve": [(0.15, 0.15)] * 6}),
    ],
)  # fmt: skip
def test_a_fault_is_the_first_thing_to_change(fault, ill):
    assert issues(*ill.pop("overrides", ()), **ill)[0] == fault


@pytest.mark.parametrize(
    ("fault", "head", "examples"),
    [
        (
            "wrong_head_activation",
            {"activation": "relu", "standardize_targets": False},
            Examples(0.0, 1.0, (-3.0, 3.0)),
        ),
        ("target_scale", {"standardize_targets": False}, Examples(5000.0, 900.0, (1000.0, 9000.0))),
    ],
)
def test_a_regression_whose_targets_cannot_be_returned(fault, head, examples):
    curve = [(40.0, 40.0)] * 6
    assert issues(data=TABLE, head=head, examples=examples, curve=curve)[0] == fault


def test_what_follows_from_a_fault_is_a_tip():
    ill = case("initializer=zeros", curve=STUCK, layers={"hidden_1_activation": {"dead": 1.0}})
    severities = {finding.fault: finding.severity for finding in findings_of(ill)}
    assert severities["bad_initializer"] == "issue"
    assert severities["dying_relu"] == "tip"


@pytest.mark.parametrize("layers", ["[]", '{"hidden_1": {"update_ratio": "x"}}', '{"hidden_1": 3}'])
def test_a_damaged_record_of_layers_is_named(tmp_path, layers):
    line = '{"step": 0, "epoch": 0.0, "loss": 1.0, "layers": ' + layers + "}\n"
    (tmp_path / "health.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(RunError, match=r"health.jsonl, line 1: damaged"):
        _ = Run(tmp_path).health


def test_rows_that_are_equal_by_chance_are_no_duplicates():
    """Of 100 different rows, two columns of 30 and 20 values."""
    coarse = Examples(distinct=100, bits=float(np.log2(30) + np.log2(20)), shared={"test": 0.4})
    assert issues(examples=coarse) == []


def test_codes_are_the_names_of_faults():
    assert len(set(CODES)) == len(FAULTS) == 31
    assert "lr-too-high" in CODES


def test_the_page_of_a_run_with_a_damaged_record_is_written_all_the_same(tmp_path, monkeypatch):
    from hornbook import pages
    from hornbook.doctor import diagnose
    from hornbook.inference.report import page
    from hornbook.runs.directory import Run

    def damaged(run):
        raise RunError("health.jsonl, line 1: damaged")

    (tmp_path / "recipe.yaml").write_text("data: digits\nmodel: mlp\n", encoding="utf-8")
    monkeypatch.setattr(diagnose, "diagnose", damaged)
    monkeypatch.setattr(page, "page_of", lambda run, *, findings, trust: str(findings))
    assert pages.write_page_of(Run(tmp_path)).read_text(encoding="utf-8") == "None"


def test_a_network_that_lost_what_it_had_learned_had_too_high_a_rate():
    """A rate that rises: units die of it, and the loss is back where it began."""
    collapsed = case(curve=[(1.5, 2.3), (2.4, 2.4), (2.3, 2.3)], layers={"hidden_2_activation": {"dead": 1.0}})
    for row, loss in zip(collapsed.health, (2.5, 0.45, 2.3), strict=True):
        row |= {"loss": loss, "learning_rate": 0.5}
    first = findings_of(collapsed)[0]
    assert first.fault == "lr_too_high"
    assert first.evidence == "the loss fell from 2.5 to 0.45 by step 40 and ended at 2.3, with rates up to 0.5"
    collapsed.health[-1]["loss"] = 0.9  # worse than at its best, but learned
    assert findings_of(collapsed)[0].fault == "dying_relu"


def flat(loss, **more):
    """Return what a run says whose loss has stood still at a level."""
    return {"curve": [(loss, loss)] * 8, "data": {**DATA, "task": "binary", "class_counts": [640, 640]}, **more}


def test_a_run_that_is_as_good_as_its_neighbours_has_no_plateau():
    """Of a coin loaded to 80 %, a neighbour tells (0.8² + 0.2²) and the best network 0.8: skills of 0.36 and 0.6."""
    assert issues(**flat(0.8, examples=Examples(distinct=1280, bits=300.0, nearest=0.36))) == []
    assert "plateau" in issues(**flat(2.0, examples=Examples(distinct=1280, bits=300.0, nearest=0.36)))


def test_numbers_that_an_embedding_returns_are_no_inputs_to_normalize():
    small = {"inputs": {"mean": 0.0, "deviation": 0.03, "lowest": -0.05, "highest": 0.05}}
    assert issues(layers=small, curve=[(1.5, 1.5)] * 4)[0] == "not_normalized_inputs"
    assert "not_normalized_inputs" not in issues(layers=small, curve=[(1.5, 1.5)] * 4, data={**DATA, "kind": "tokens"})


def test_an_application_gets_the_numbers_that_it_was_trained_with():
    pixels = {"inputs": {"mean": -10.0, "deviation": 80.0, "lowest": -123.0, "highest": 151.0}}
    on_top = {"reuse": {"from": {"application": "VGG16", "weights": "none"}}, "model": "mlp"}
    assert issues(layers=pixels, curve=STUCK)[0] == "not_normalized_inputs"
    assert "not_normalized_inputs" not in issues(layers=pixels, curve=STUCK, **on_top)


def test_columns_that_were_standardized_may_have_been_of_any_width():
    wide = Examples(distinct=1280, bits=300.0, column_deviations=(0.4, 90000.0, 12.0))
    scaled = {"inputs": {"mean": 0.1, "deviation": 0.35, "lowest": -3.0, "highest": 6.5}}
    assert "not_normalized_inputs" not in issues(examples=wide, layers=scaled, curve=STUCK)


def test_a_run_that_still_falls_a_little_is_a_tip():
    slow = [(1.9 * 0.97**n, 1.9 * 0.97**n) for n in range(8)]
    severities = {finding.fault: finding.severity for finding in findings_of(case(curve=slow, layers=everywhere()))}
    assert severities["too_few_epochs"] == "tip"


@pytest.mark.parametrize(
    ("fault", "overrides"),
    [
        ("too_much_dropout", ["regularization.input_dropout=0.9"]),
        ("too_much_regularization", ["regularization.gaussian_noise=10.0"]),
        ("too_much_regularization", ["optimizer={name: adamw, weight_decay: {rate: 500.0}}"]),
    ],
)
def test_what_leaves_nothing_to_learn_with_is_named(fault, overrides):
    assert issues(*overrides, curve=STUCK)[0] == fault


def test_a_small_loss_is_no_sign_of_a_large_penalty():
    penalized = case("regularization.l2=0.02", curve=[(0.9, 1.2)] * 6)
    for row in penalized.health:
        row |= {"loss": 0.1, "penalty": 0.2}
    assert "too_much_regularization" not in {finding.fault for finding in findings_of(penalized)}


def test_a_sigmoid_forgets_long_sequences():
    model = {"name": "rnn", "cell": "simple", "units": [24]}
    data = {**DATA, "task": "binary", "class_counts": [640, 640], "input_shape": [100, 1]}
    stuck = {"data": data, "curve": [(0.69, 0.69)] * 8, "model": model}
    assert issues("data=waves", "activation=sigmoid", **stuck)[0] == "wrong_activation_hidden"
    assert "wrong_activation_hidden" not in issues("data=waves", "activation=tanh", **stuck)


def test_rows_that_are_nearly_those_of_another_split_are_duplicates():
    near = Examples(distinct=1280, bits=300.0, nearest=0.9, near={"test": 0.6})
    assert issues(examples=near) == ["duplicates_between_splits"]


def test_a_jitter_does_not_hide_copies():
    rng, info = np.random.default_rng(3), SimpleNamespace(kind="table", task="binary")
    x = rng.normal(size=(400, 4))
    y = (x[:, :1] > 0).astype(int)
    copies = x[:200] + rng.normal(0, 0.001, (200, 4))
    assert near_rows((x[:300], y[:300]), (copies, y[:200]), info) > 0.9
    assert near_rows((x[:300], y[:300]), (x[300:], y[300:]), info) < 0.05


def test_a_leaking_column_is_dropped_beside_those_that_are():
    leak = Examples(distinct=900, bits=30.0, leak=("paid, net", 0.999, 0.5), column_deviations=(1.0, 1.0))
    source = {"name": "table", "path": "a.csv", "target": "y", "drop": ["id"]}
    tree = {"data": source, "model": "mlp"}
    finding = next(iter(findings_of(Case(load_recipe(tree), DATA, [], [], {}, leak))))
    assert finding.overrides == ("data.drop=[id, 'paid, net']",)
    assert not next(iter(findings_of(case(examples=leak)))).overrides  # digits have no columns to drop


def test_numbers_of_two_values_are_classes():
    pair = Examples(0.4, 0.49, (0.0, 1.0), target_values=2, distinct=1280, bits=300.0)
    learned = [(1.0, 1.0), (0.6, 0.6), (0.3, 0.3), (0.1, 0.1), (0.08, 0.08)]
    assert issues(data=TABLE, examples=pair, curve=learned, head={"loss": "huber"}) == ["wrong_loss"]


def test_a_run_on_mixtures_is_judged_by_what_it_knows_of_whole_examples():
    curve = [(2.2, 1.6), (1.9, 0.7), (1.7, 0.3), (1.6, 0.2), (1.5, 0.12), (1.5, 0.1)]
    assert "underfitting_capacity" in issues("data.augmentation={noise: 0.1}", curve=curve, examples=NEAR)
    assert issues("data.augmentation={mixup: 0.4}", curve=curve, examples=NEAR) == []


def test_of_several_targets_the_small_ones_count_too():
    """Their errors stand in one figure, in which a target of thousands hides one of tens."""
    stuck = case(
        data={**TABLE, "target_size": 2}, curve=[(1.0, 1.0)] * 6, head={"loss": "mean_squared_error", "standardize_targets": True},
        examples=Examples(1500.0, 400.0, (0.0, 4000.0)),
    )  # fmt: skip
    stuck.history[-1]["root_mean_squared_error"] = 40.0
    assert stuck.explained() == 0.0
