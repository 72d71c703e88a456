"""The doctor on runs with several heads: whose fault it is, and where the change belongs."""

from types import SimpleNamespace

import numpy as np
import pytest

import hornbook
from hornbook.commands.doctor import doctor
from hornbook.doctor import treat
from hornbook.doctor.case import Case
from hornbook.doctor.diagnose import Diagnosis
from hornbook.doctor.finding import Finding
from hornbook.doctor.heads import cases_of_heads, of_heads
from hornbook.runs import find_run

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 3))
RARE = X[:, 0] > 1.9  # a class of a few percent
TREE = {
    "name": "ill",
    "data": {"name": "table", "split": {"validation": 80, "test": 0}},
    "model": {"name": "mlp", "units": [8]},
    "heads": {
        "sold": {"metrics": ["accuracy"]},
        "price": {"loss": "mean_absolute_percentage_error", "standardize_targets": False},
        "price_log": {"target": "other"},
    },
    "training": {"epochs": 6},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow, health):
    folder = tmp_path_factory.mktemp("doctor")
    other, price = 2 + X[:, 1] + 0.1 * RNG.normal(size=400), X[:, 1]  # prices from below 0 to above
    lines = [
        f"{a:.4f},{b:.4f},{c:.4f},{'yes' if sold else 'no'},{cost:.4f},{log:.4f}"
        for (a, b, c), sold, cost, log in zip(X, RARE, price, other, strict=True)
    ]
    (folder / "t.csv").write_text("\n".join(["a,b,c,sold,price,other", *lines]) + "\n")
    tree = {**TREE, "data": {**TREE["data"], "path": str(folder / "t.csv")}}
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False).run


def test_each_fault_is_said_of_its_head_with_a_change_that_the_recipe_takes(run):
    findings = hornbook.diagnose(run).findings
    said = {(finding.code, finding.evidence.split(":")[0]): finding for finding in findings}
    loss = said["wrong-loss", "head 'price'"]
    assert loss.overrides == ("heads.price.loss=mean_squared_error",)
    rare = said["class-imbalance", "head 'sold'"]
    assert rare.overrides == ("heads.sold.class_weights=balanced",)
    assert not any(
        finding.evidence.startswith("head 'price_log'") and finding.fault == "wrong_loss" for finding in findings
    )
    overrides = [override for finding in (loss, rare) for override in finding.overrides]
    assert hornbook.load_recipe(run / "recipe.yaml", overrides).heads["sold"].class_weights == "balanced"


def test_each_head_is_seen_with_its_own_figures_layers_and_targets(run):
    read = find_run(run)
    recipe = hornbook.load_recipe(run / "recipe.yaml")
    cases = cases_of_heads(Case(recipe, read.data, read.history, read.health, read.result))
    assert [*cases] == ["sold", "price", "price_log"]
    row = read.history[-1]
    for name, case in cases.items():
        assert case.losses[-1] == row[f"{name}_loss"]
        assert case.validation_losses[-1] == row[f"val_{name}_loss"]
        assert case.kernels == ["hidden_1", "head"]
    assert cases["price_log"].history[-1]["root_mean_squared_error"] == row["price_log_root_mean_squared_error"]
    assert cases["sold"].class_shares == pytest.approx(
        [1 - cases["sold"].class_shares[1], cases["sold"].class_shares[1]]
    )
    assert (cases["sold"].majority > 0.9, cases["price"].is_regression) == (True, True)


def test_what_heads_share_has_to_show_in_all_of_them():
    slow, wrong = (Finding(fault, "issue", 0.9, "evidence") for fault in ("lr_too_low", "wrong_loss"))
    tip = Finding("lr_too_low", "tip", 0.3, "less")
    assert [*of_heads({"a": [slow], "b": []})] == []
    assert [*of_heads({"a": [slow], "b": [tip]})] == [tip]
    assert [each.evidence for each in of_heads({"a": [], "b": [wrong]})] == ["head 'b': evidence"]


MEASURES = {"sold_accuracy": treat._Measure(1, "sold"), "price_mae": treat._Measure(-1, "price")}
BEFORE = {"sold_accuracy": (0.70, 0.71, 0.72), "price_mae": (2.0, 2.1, 2.2)}
BETTER = (0.90, 0.91, 0.93)


@pytest.mark.parametrize(
    ("head", "sold", "price", "helps"),
    [
        ("sold", BETTER, (2.1, 2.0, 2.2), True),
        ("sold", BETTER, (2.3, 2.4, 2.6), False),  # at the cost of the other head
        ("price", BETTER, (2.1, 2.0, 2.2), False),  # which is not the head that it is for
        (None, BETTER, (1.9, 2.2, 2.1), True),  # both in the mean, one for sure
        (None, BETTER, (2.1, 2.2, 2.1), False),
        ("sold", (0.90, None, 0.93), (1.0, 1.0, 1.0), False),
    ],
)
def test_a_change_helps_its_head_and_harms_none(head, sold, price, helps):
    finding = Finding("plateau", "issue", 0.9, "evidence", ("training.epochs=9",), head=head)
    after = {"sold_accuracy": sold, "price_mae": price}
    assert treat._compared(finding, BEFORE, after, MEASURES).helps is helps


def test_numbers_that_were_lost_and_are_back_help():
    finding = Finding("diverged", "issue", 0.9, "evidence", ("optimizer.learning_rate=0.01",))
    before = {**BEFORE, "sold_accuracy": (None, None, None), "price_mae": (None, None, None)}
    assert treat._compared(finding, before, BEFORE, MEASURES).helps


def test_changes_are_tried_by_the_first_metric_of_each_head(run, monkeypatch, tmp_path, capsys):
    findings = (
        Finding("wrong_metric", "issue", 0.95, "head 'sold': numbers", ("heads.sold.task=regression",), head="sold"),
        Finding(
            "class_imbalance", "issue", 0.9, "head 'sold': rare", ("heads.sold.class_weights=balanced",), head="sold"
        ),
    )

    def trained(recipe, *, runs, **others):
        (runs / "recipe.yaml").write_text("")
        share = 0.95 if recipe.heads["sold"].class_weights is not None else 0.9
        figures = {
            "sold_accuracy": share,
            "price_root_mean_squared_error": 2.0,
            "price_log_root_mean_squared_error": 1.0,
        }
        return SimpleNamespace(validation={name: value + recipe.seed / 1e6 for name, value in figures.items()}, test={})

    monkeypatch.setattr(treat, "train", trained)
    monkeypatch.setattr(treat, "diagnose", lambda path, mute=(): Diagnosis(path, findings, ()))
    monkeypatch.chdir(tmp_path)
    doctor(str(run), try_changes=True, seeds=2)
    said = capsys.readouterr()
    assert "heads.sold.task=regression: not tried (another task has other metrics" in said.err
    assert "heads.sold.class_weights=balanced: helps" in said.err
    assert "val_price_log_root_mean_squared_error 1 → 1" in said.err
    assert "cured  val_sold_accuracy 0.9" in said.out
    assert hornbook.load_recipe(tmp_path / "ill-cured.yaml").heads["sold"].class_weights == "balanced"
