"""Each rule of the doctor on hand-made cases: it speaks where it should, and is silent beside."""

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.doctor.case import Case, Examples
from hornbook.doctor.diagnose import findings_of
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
    from hornbook.inference import page
    from hornbook.runs.directory import Run

    def damaged(run):
        raise RunError("health.jsonl, line 1: damaged")

    (tmp_path / "recipe.yaml").write_text("data: digits\nmodel: mlp\n", encoding="utf-8")
    monkeypatch.setattr(diagnose, "diagnose", damaged)
    monkeypatch.setattr(page, "page_of", lambda run, *, findings, trust: str(findings))
    assert pages.write_page_of(Run(tmp_path)).read_text(encoding="utf-8") == "None"
