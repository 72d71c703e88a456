"""A recipe as a scikit-learn estimator: for pipelines, cross-validation and searches over its keys.

TensorFlow is imported when it is fitted or loaded, not before.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from hornbook import startup
from hornbook.data.canonical import guess_kind, is_frame
from hornbook.data.readings import Reading
from hornbook.data.source import Array, Source
from hornbook.errors import DataError, HornbookError, RecipeError, UsageError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.language.text import parse, to_flow
from hornbook.recipes.load import load_recipe, read_config
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources.common import DataSpec

__all__ = ["Estimator"]

OWN = ("recipe", "overrides", "task", "random_state", "runs")
CLASSES = ("classification", "multiclass", "binary")
TASKS = (*CLASSES, "multilabel", "regression")
METHODS = ("random", "stratified", "first", "last")
"""How rows can be divided that have no column to divide by."""


def _is_classifier(estimator: "Estimator") -> bool:
    return estimator._learned() in CLASSES


class Estimator(BaseEstimator):
    """A recipe that scikit-learn can fit, clone, search over and put into a pipeline.

    It trains as `hornbook.train` does, on all rows that it is given but those that the recipe holds out for validation
    (`data.split.validation`, a tenth when it says nothing), which early stopping and the best epoch need. Of `data` only
    the keys that all sources share apply. The run's folder is temporary unless `runs` is given.

    Arrays hold numbers; rows of pictures and sequences have their axes. Columns of polars and pandas data frames have types:
    numbers may be missing, texts and categories are categories.

    Args:
        recipe: A recipe's file, the name of a shipped one, a mapping, or a checked recipe.
        overrides: Keys of the recipe with other values: ``{"optimizer.learning_rate": 0.01}``. Each is a parameter of its
            own for `set_params` and searches, written with dots or with ``__``.
        task: ``classification`` or ``regression``, or a recipe's task, where the recipe does not say it.
        random_state: In place of the recipe's seed; the same number gives the same model.
        runs: A folder below which each fit leaves its run; None leaves none.

    Attributes:
        classes_: The classes, sorted, of a classification.
        n_features_in_: Columns that it was fitted on.
        feature_names_in_: Their names, of data frames.
        model_: The plain `keras.Model`.
        recipe_: The recipe with every default filled in.
        history_: One mapping per epoch.
        n_iter_: Epochs that were trained.
        run_: The run's folder; None where it was temporary.

    Examples:
        >>> search = GridSearchCV(hornbook.Estimator("small.yaml"), {"optimizer.learning_rate": [0.001, 0.01]})
        >>> search.fit(x, y).best_params_
    """

    def __init__(
        self,
        recipe: Any,
        overrides: Mapping[str, Any] | None = None,
        *,
        task: str | None = None,
        random_state: Any = None,
        runs: str | Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.overrides = overrides
        self.task = task
        self.random_state = random_state
        self.runs = runs

    # ---- parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` also each key of the recipe that is overridden."""
        parameters = {name: getattr(self, name) for name in OWN}
        return {**parameters, **(self.overrides or {})} if deep else parameters

    def set_params(self, **params: Any) -> Self:
        """Set parameters: those of the constructor, and any key of the recipe.

        Raises:
            ValueError: If a recipe has no such key.
        """
        keys = {}
        for name, value in params.items():
            if name in OWN:
                setattr(self, name, value)
                continue
            key = name.replace("__", ".")
            first = key.split(".", 1)[0]
            if first not in Recipe.model_fields:
                hint = did_you_mean(first, sorted({*OWN, *Recipe.model_fields}))
                raise ValueError(f"Invalid parameter {name!r}: a recipe has no key {first!r}. {hint}")
            keys[key] = value
        if keys:
            self.overrides = {**(self.overrides or {}), **keys}
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags, learned = super().__sklearn_tags__(), self._learned()
        tags.target_tags.required = True
        if learned in CLASSES:
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags(multi_class=learned != "binary")
        elif learned == "regression":
            tags.estimator_type = "regressor"
            tags.regressor_tags = RegressorTags()
            tags.target_tags.multi_output = True
        return tags

    # ---- fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (N, …) and targets y (N,) or (N, K); `sample_weight` (N,) counts in loss and metrics.

        Raises:
            ValueError: If recipe, parameters or data cannot be used; with what is wrong.
        """
        learned = self._learned()
        if learned is None:
            raise ValueError(
                "Estimator: the recipe does not say what is learned. Set task='classification' or 'regression'."
            )
        X, y = self._rows(X, y, learned)
        weights = None if sample_weight is None else np.asarray(_check_sample_weight(sample_weight, X))
        with _as_value_error():
            names = None
            if learned in CLASSES:
                check_classification_targets(y)
                self.classes_, y = np.unique(y, return_inverse=True)
                names = tuple(str(name) for name in self.classes_)
            self._train(_source(X, y, weights, names), learned)
        return self

    def _train(self, source: Source, learned: str) -> None:
        startup.import_tensorflow()
        from hornbook.data.sources.arrays import from_arrays
        from hornbook.trainer.train import train

        recipe = self._recipe(learned)
        splits = from_arrays(source, spec=recipe.data, seed=recipe.seed, task=recipe.task)
        if recipe.training.batch_size > len(splits.train):  # folds are of many sizes
            recipe = recipe.replaced({"training.batch_size": len(splits.train)})
        with tempfile.TemporaryDirectory() as folder:
            result = train(recipe, data=splits, runs=self.runs if self.runs is not None else folder)
        if result.state == "interrupted":
            raise KeyboardInterrupt
        self.model_, self.recipe_, self.history_ = result.model, result.recipe, result.history
        self.n_iter_ = result.epochs
        self.run_ = str(result.run) if self.runs is not None else None
        self._info, self._means = splits.info, splits.preprocessing.mean

    def _rows(self, X: Any, y: Any, learned: str) -> tuple[Any, Array]:
        """Return checked rows and targets; sets what scikit-learn wants to know of the columns."""
        if y is None:
            raise ValueError("Estimator requires y to be passed, but the target y is None.")
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
            y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
            if len(X) != len(y):
                raise ValueError(f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(y)}]")
            y = _column(y)
        else:
            X, y = validate_data(
                self, X, y, allow_nd=True, multi_output=True, y_numeric=learned == "regression", dtype="numeric"
            )
            y = _column(y)
        if len(y) < 2:
            raise ValueError(f"Estimator needs rows to train on and to hold out, found n_samples = {len(y)}.")
        if y.ndim == 2 and learned in CLASSES:
            raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
        return X, y

    # ---- the recipe

    def _tree(self) -> dict[str, Any]:
        """Return the recipe as a mapping, before overrides."""
        if isinstance(self.recipe, Recipe):
            return self.recipe.to_dict()
        if isinstance(self.recipe, Mapping):
            return dict(self.recipe)
        is_text = isinstance(self.recipe, str) and "\n" in self.recipe
        text = self.recipe if is_text else read_config(self.recipe).text
        tree = parse(text, origin=str(self.recipe) if not is_text else "recipe").tree
        return dict(tree) if isinstance(tree, Mapping) else {}

    def _learned(self) -> str | None:
        """Return what is learned: the parameter, the recipe's task, or that of its data; None where none says it."""
        if self.task is not None:
            return str(self.task)
        try:
            tree = self._tree()
        except HornbookError:
            return None  # fit says why
        task = (self.overrides or {}).get("task", tree.get("task"))
        if isinstance(task, str):
            return task
        data = tree.get("data")
        name = data.get("name") if isinstance(data, Mapping) else data
        known: Any = catalog("data").get(name) if isinstance(name, str) else None
        if known is None:
            return None
        return known.task_hint or ("classification" if known.known_classes is not None else None)

    def _recipe(self, learned: str) -> Recipe:
        """Return the recipe that is trained: on arrays, all of them but what is held out for validation."""
        if learned not in TASKS:
            raise UsageError(f"task: there is no task {learned!r}. Expected: {', '.join(TASKS)}.")
        tree = self._tree()
        if "heads" in tree:
            raise UsageError(
                "heads: scikit-learn's estimators predict one thing. Train recipes with several heads by hornbook.train."
            )
        data = tree.get("data")
        shared = (
            {key: value for key, value in data.items() if key in DataSpec.shared} if isinstance(data, Mapping) else {}
        )
        split = dict(shared.get("split") or {})
        method = split.get("method")
        if method not in {None, *METHODS}:
            raise UsageError(
                f"data.split.method: '{method}' needs a column to split by, which rows that are passed do not have. Set "
                "another for what is held out for validation ({'data.split.method': 'last'}), and split by "
                f"{'TimeSeriesSplit' if method == 'time' else 'GroupKFold'} outside."
            )
        split = {key: split[key] for key in ("validation", "method", "seed") if key in split}
        tree["data"] = {**shared, "name": "arrays", "split": {**split, "test": 0}}
        if learned != "classification":
            tree["task"] = learned
        if self.runs is None:
            tree |= {"health": "off", "tracking": []}
        recipe = load_recipe(tree, [f"{key}={to_flow(_plain(value))}" for key, value in (self.overrides or {}).items()])
        if self.random_state is not None:
            recipe = recipe.replaced({"seed": _seed(self.random_state)})
        return recipe

    # ---- predicting

    def predict(self, X: Any) -> Array:
        """Return the classes (N,), 0/1 rows (N, K) of labels, or numbers (N,) or (N, K)."""
        scores = self._scores(X)
        if self._info.task == "regression":
            return np.asarray(scores[:, 0] if self._info.target_size == 1 else scores, np.float64)
        from hornbook.builder.heads.single import decision_threshold
        from hornbook.data.targets.labels import decided

        numbers = decided(scores, self._info.task, decision_threshold(self.recipe_))
        return np.asarray(self.classes_[numbers] if hasattr(self, "classes_") else numbers)

    @available_if(_is_classifier)
    def predict_proba(self, X: Any) -> Array:
        """Return probabilities (N, K) in the order of `classes_`.

        Raises:
            ValueError: If the recipe's head returns scores that are no probabilities.
        """
        head = self.recipe_.head.activation if hasattr(self, "recipe_") else None
        if head is not None and head.name not in {"sigmoid", "softmax"}:
            raise ValueError(f"the recipe's head ends in {head.name!r}, whose outputs are no probabilities.")
        scores = self._scores(X).astype(np.float64)
        if scores.shape[1] == 1:
            return np.column_stack([1 - scores[:, 0], scores[:, 0]])
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of classes and labels, or R² of numbers, as scikit-learn's estimators do."""
        score = r2_score if self._learned() == "regression" else accuracy_score
        return float(score(y, self.predict(X), sample_weight=sample_weight))

    def _scores(self, X: Any) -> Array:
        """Return the model's outputs (N, K) float32."""
        check_is_fitted(self, "model_")
        startup.import_tensorflow()
        from hornbook.engine.prediction import large_batch, predict_scores

        if is_frame(X):
            validate_data(self, X, reset=False, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=False, allow_nd=True, dtype="numeric")
        with _as_value_error():
            rows = self._inputs(X)
            size = max(
                large_batch(self.model_) // 8, 32
            )  # of one size, so that a row's outputs are the same in any company
            parts = [rows[start : start + size] for start in range(0, len(rows), size)]
            padded = [np.concatenate([part, np.repeat(part[:1], size - len(part), axis=0)]) for part in parts]
            return predict_scores(self.model_, np.concatenate(padded), batch_size=size)[: len(rows)]

    def _inputs(self, X: Any) -> Any:
        from hornbook.data.inputs.files import fit_inputs

        if not is_frame(X):
            return fit_inputs(X, self._info, where="X")[0]
        from hornbook.data.tables.columns.features import polars_frame
        from hornbook.data.tables.inputs import fit_frame

        reading = Reading()
        if not self._info.extra.get("has_missing", True) and self._means is not None:
            reading = Reading(
                missing="fill", means=np.asarray(self._means, np.float32)
            )  # of rows that training had none like
        x = fit_frame(polars_frame(X), self._info, reading, where="X", name="X").x
        return x if reading.means is None else np.where(np.isnan(x), reading.means, x)

    # ---- keeping

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _as_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if isinstance(state.get("model_"), bytes):
            state["model_"] = _from_bytes(state["model_"])
        super().__setstate__(state)


def _source(X: Any, y: Array, weights: Array | None, names: tuple[str, ...] | None) -> Source:
    """Return rows and targets as a source: a table with typed columns, or an array."""
    if is_frame(X):
        from hornbook.data.tables.columns.features import frame_source

        return replace(frame_source({"x": X, "y": y}), class_names=names, weights=weights)
    return Source(X, y, guess_kind(X), class_names=names, weights=weights)


def _column(y: Array) -> Array:
    """Return targets (N, 1) as (N,), with scikit-learn's warning."""
    return np.asarray(column_or_1d(y, warn=True)) if y.ndim == 2 and y.shape[1] == 1 else y


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Turn what Hornbook says of data and recipe into the errors that scikit-learn's tools expect."""
    try:
        yield
    except (DataError, RecipeError, UsageError) as error:
        raise ValueError(str(error)) from error


def _plain(value: Any) -> Any:
    """Return a parameter as YAML has it: searches draw NumPy's numbers."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _seed(random_state: Any) -> int:
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _as_bytes(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _from_bytes(content: bytes) -> Any:
    startup.import_tensorflow()
    from hornbook.inference.trained import load_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return load_model(path)
