"""What a model does on a split, from outputs that are written out here: no network is trained."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from hornbook.data.facts import DataInfo, Feature
from hornbook.data.source import Split
from hornbook.inference.report import examination
from hornbook.inference.report.charts import pictures_of
from hornbook.inference.report.examination import examine_split

NO_LOSS = SimpleNamespace(gives_scores=False)


def info_of(task, classes, *, kind="table", features=None, names=None, extra=None):
    return DataInfo(
        name="x", kind=kind, input_shape=(2,), input_dtype="float32", task=task, num_classes=classes, target_size=1,
        class_names=names, features=features, vocabulary_size=None, counts={}, class_counts=(), fingerprint="",
        split_method="random", extra=extra or {},
    )  # fmt: skip


@pytest.fixture
def examine(monkeypatch, tensorflow):
    """A function: facts, the outputs of a model, the truth, inputs, its last activation → what is found."""

    def run(info, scores, y, x=None, head="softmax"):
        scores = np.asarray(scores, np.float32)
        x = np.zeros((len(scores), 2), np.float32) if x is None else x
        monkeypatch.setattr(examination, "predict_scores", lambda *_, **__: scores)
        recipe = SimpleNamespace(head=SimpleNamespace(activation=SimpleNamespace(name=head), loss=NO_LOSS))
        model = SimpleNamespace(trainable_weights=[np.zeros((2, 3))], count_params=lambda: 8, layers=[])
        return examine_split(SimpleNamespace(info=info, recipe=recipe, model=model), "test", Split(x, np.asarray(y)))

    return run


def test_three_classes(examine):
    scores = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9], [0.2, 0.75, 0.05]]
    seen = examine(info_of("multiclass", 3, names=("a", "b", "c")), scores, [0, 1, 1, 2, 2])
    assert seen.confusion == ((1, 0, 0), (1, 1, 0), (0, 1, 1))
    assert [(one.true, one.predicted, one.count) for one in seen.confused] == [("b", "a", 1), ("c", "b", 1)]
    b = seen.classes[1]
    assert (b.name, b.precision, b.recall, b.support, b.predicted) == ("b", 0.5, 0.5, 2, 2)
    assert b.area == pytest.approx(5 / 6)  # of six pairs of a b and another, one is in the wrong order
    assert seen.num_wrong == 2
    assert [(one.index, one.true, one.predicted) for one, _ in seen.mistakes] == [(4, "c", "b"), (2, "b", "a")]
    worst, _ = seen.mistakes[0]
    assert (worst.probability, worst.probability_of_true) == pytest.approx((0.75, 0.05))
    assert seen.calibration.accuracy == pytest.approx(0.6)
    assert seen.parameters == (8, 6)
    assert {"roc", "precision_recall", "reliability"} <= pictures_of(seen).keys()


def test_two_classes_have_one_curve(examine):
    seen = examine(
        info_of("binary", 2, names=("no", "yes")), [[0.9], [0.3], [0.2], [0.6]], [1, 1, 0, 0], head="sigmoid"
    )
    assert [curve.name for curve in seen.roc] == ["yes"]
    assert seen.classes[1].area == pytest.approx(0.75)
    assert [(one.true, one.predicted, round(one.probability, 4)) for one, _ in seen.mistakes] == [
        ("yes", "no", 0.7), ("no", "yes", 0.6),
    ]  # fmt: skip
    assert (seen.roc[0].x[0], seen.roc[0].y[-1]) == (0, 1)


def test_scores_that_are_no_probabilities_are_not_calibrated(examine):
    seen = examine(info_of("multiclass", 2), [[3.0, 1.0], [5.0, -2.0]], [0, 1], head="linear")
    assert seen.calibration is None
    assert (seen.mistakes[0][0].score, seen.mistakes[0][0].probability) == (5, None)


def test_several_labels(examine):
    scores = [[0.9, 0.8], [0.2, 0.7], [0.3, 0.1]]
    seen = examine(info_of("multilabel", 2, names=("x", "y")), scores, [[1, 0], [0, 1], [1, 0]], head="sigmoid")
    assert seen.confusion == ()
    assert [(one.name, one.recall) for one in seen.classes] == [("x", 0.5), ("y", 1.0)]
    assert [(one.index, one.of, one.true, one.predicted) for one, _ in seen.mistakes] == [
        (0, "y", "no", "yes"), (2, "x", "yes", "no"),
    ]  # fmt: skip


def test_a_split_of_one_class_has_no_curves_and_says_so(examine):
    seen = examine(info_of("multiclass", 2), [[0.9, 0.1], [0.3, 0.7]], [0, 0])
    assert (seen.roc, seen.classes[0].area) == ((), None)
    assert seen.confusion == ((1, 1), (0, 0))
    assert "2 of 2 classes have no curves" in seen.notes[0]
    assert "roc" not in pictures_of(seen)


def test_a_thousand_classes_have_pairs_in_place_of_a_matrix(examine, generator):
    y = np.repeat(np.arange(1000), 2)
    scores = np.eye(1000)[np.where(np.arange(2000) < 10, 7, y)] + generator.random((2000, 1000)) * 0.1
    seen = examine(info_of("multiclass", 1000), scores, y, head="linear")
    assert (len(seen.classes), seen.confusion, len(seen.roc)) == (1000, (), 7)
    assert sum(one.area is not None for one in seen.classes) == 30
    assert (seen.confused[0].true, seen.confused[0].predicted, seen.confused[0].share) == ("0", "7", 1)
    assert len(seen.mistakes) == 10


def test_predictions_that_are_not_finite_are_left_out_and_counted(examine):
    seen = examine(info_of("multiclass", 2), [[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]], [0, 1, 1])
    assert (seen.count, seen.num_wrong) == (3, 0)
    assert seen.notes[0].startswith("1 of 3 predictions are not finite")
    assert examine(info_of("regression", 0), [[np.inf]], [1.0], head="linear").targets == ()


def test_a_regression_has_residuals_and_its_largest_first(examine):
    seen = examine(info_of("regression", 0), [[1.0], [2.0], [9.0]], [1.0, 3.0, 5.0], head="linear")
    (target,) = seen.targets
    assert (target.largest, target.bias, target.mean_absolute) == pytest.approx((4, 1, 5 / 3))
    assert target.explained == pytest.approx(1 - 17 / 8)  # squared errors 0, 1, 16 over squared deviations 4, 0, 4
    assert sum(target.counts) == 3
    assert [(one.index, one.residual) for one, _ in seen.mistakes] == [(2, 4), (1, -1), (0, 0)]
    assert len(pictures_of(seen)["targets"]) == 1


def test_of_several_targets_the_one_predicted_worst_comes_first(examine):
    y = np.array([[0.0, 0.0], [1.0, 100.0], [2.0, 200.0]], np.float32)
    info = info_of("regression", 0, extra={"target_names": ["small", "large"]})
    info = DataInfo(**{**vars(info), "target_size": 2})
    seen = examine(info, y + np.array([[0, 10], [2, 0], [0, 9]]), y, head="linear")
    assert [target.name for target in seen.targets] == ["small", "large"]
    assert (seen.mistakes[0][0].of, seen.mistakes[0][0].index, seen.mistakes[0][0].residual) == ("small", 1, 2)


def test_rows_are_shown_by_their_columns(examine):
    features = (Feature("age", "number"), Feature("city", "category", ("Bonn", "Ulm")))
    x = np.array([[30.5, 2], [np.nan, 0]], np.float32)
    seen = examine(info_of("multiclass", 2, features=features), [[0.9, 0.1], [0.8, 0.2]], [1, 1], x)
    assert [example.values for _, example in seen.mistakes] == [
        (("age", "30.5"), ("city", "Ulm")), (("age", "missing"), ("city", "missing")),
    ]  # fmt: skip


def test_images_are_shown_as_they_are_large_ones_thinned(examine):
    x = np.zeros((1, 200, 300, 3), np.uint8)
    x[0, :, :150] = (255, 0, 0)
    seen = examine(info_of("multiclass", 2, kind="image"), [[0.9, 0.1]], [1], x)
    example = seen.mistakes[0][1]
    picture = imread(io.BytesIO(base64.b64decode(example.picture.partition(",")[2])), format="png")
    assert example.size == (75, 50) == picture.shape[1::-1]
    assert picture[0, 0, :3].tolist() == [1, 0, 0]
    assert picture[0, -1, :3].tolist() == [0, 0, 0]


def test_tokens_are_shown_without_padding(examine):
    x = np.array([[0, 0, 5, 6]], np.int32)
    seen = examine(info_of("multiclass", 2, kind="tokens"), [[0.9, 0.1]], [1], x)
    assert seen.mistakes[0][1].text == "5 6"
