"""Which hyperparameter mattered: as much as the number of trials allows to say."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.runs.sweeps import TrialRow

__all__ = ["Importance", "importance"]

FEW, MANY = 8, 30  # trials with a score: below FEW nothing is said, from MANY on a forest is asked
REPEATS = 10


@dataclass(frozen=True)
class Importance:
    """How much the objective depends on each key of the space.

    Attributes:
        method: How it was measured, in a sentence; where there are too few trials, that.
        shares: {key: importance}, the largest first; empty with too few trials.
        unit: What the numbers are.
    """

    method: str
    shares: dict[str, float]
    unit: str = ""


def importance(rows: Sequence[TrialRow], keys: Sequence[str], seed: int, *, objective: str = "") -> Importance:
    """Return the importance of each key over the trials with a score, for one objective of several or the only one.

    From 30 trials on the permutation importance of a random forest over ranks (Breiman 2001, "Random forests"): how much
    worse it predicts the trials it was not fitted to when the key's values are shuffled. Below that the strength of the
    rank association: for numbers Spearman's |rho|, for choices the correlation ratio of the ranks.
    """
    scored = [row for row in rows if row.outcome is not None and row.outcome.score is not None]
    if len(scored) < FEW:
        return Importance(
            f"{len(scored)} trials are too few to tell which key mattered; {FEW} would be a beginning.", {}
        )
    scores = _ranks(
        [row.outcome.figures.get(objective, row.outcome.score) for row in scored if row.outcome is not None]
    )
    if len(scored) < MANY:
        found = {key: _association([row.proposal.values.get(key) for row in scored], scores) for key in keys}
        method = (
            f"Strength of the association of ranks (Spearman's |rho|; for choices the correlation ratio) over {len(scored)} "
            f"trials. With so few, values below {2 / math.sqrt(len(scored)):.1f} may well be chance."
        )
        return Importance(method, _sorted(found), "0 none … 1 complete")
    method = (
        f"Permutation importance of a random forest over {len(scored)} trials: how much worse it predicts the rank of "
        "trials that it was not fitted to when the key's values are shuffled."
    )
    return Importance(method, _sorted(_forest(scored, keys, scores, seed)), "loss of R²")


def _sorted(found: dict[str, float]) -> dict[str, float]:
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _ranks(values: Sequence[Any]) -> Any:
    """Return ranks from 0 to 1, equal values sharing one; missing values are in the middle."""
    from scipy.stats import rankdata

    numbers = [math.nan if value is None else float(value) for value in values]
    ranks = (rankdata(numbers, nan_policy="omit") - 1) / max(len(numbers) - 1, 1)
    return np.nan_to_num(ranks, nan=0.5)


def _is_number(values: Sequence[Any]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)


def _association(values: Sequence[Any], scores: Any) -> float:
    total = float(((scores - scores.mean()) ** 2).sum())
    if total == 0 or len({repr(value) for value in values}) < 2:
        return 0.0
    if _is_number(values):
        ranks = _ranks(values)
        return abs(float(np.corrcoef(ranks, scores)[0, 1])) if ranks.std() else 0.0
    groups: dict[str, list[float]] = {}
    for value, score in zip(values, scores, strict=True):
        groups.setdefault(repr(value), []).append(float(score))
    between = sum(len(group) * (float(np.mean(group)) - float(scores.mean())) ** 2 for group in groups.values())
    return math.sqrt(between / total)


def _forest(rows: Sequence[TrialRow], keys: Sequence[str], scores: Any, seed: int) -> dict[str, float]:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold

    columns: list[Any] = []
    owners: list[str] = []
    for key in keys:
        values = [row.proposal.values.get(key) for row in rows]
        if _is_number(values):
            columns, owners = [*columns, _ranks(values)], [*owners, key]
            continue
        for choice in sorted({repr(value) for value in values}):
            columns.append(np.asarray([repr(value) == choice for value in values], float))
            owners.append(key)
    x, generator = np.stack(columns, axis=1), np.random.default_rng(seed)
    lost: dict[str, list[float]] = {key: [] for key in keys}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fitted, left in KFold(5, shuffle=True, random_state=seed).split(x):
            forest = RandomForestRegressor(100, random_state=seed).fit(x[fitted], scores[fitted])
            tables = [x[left]]
            for key in keys:
                own = [place for place, owner in enumerate(owners) if owner == key]
                for _ in range(REPEATS):
                    tables.append(x[left].copy())
                    tables[-1][:, own] = x[left][generator.permutation(len(left))][:, own]
            guesses = np.split(forest.predict(np.concatenate(tables)), len(tables))  # one call: each has its overhead
            base, *rest = (r2_score(scores[left], guess) for guess in guesses)
            for place, key in enumerate(keys):
                lost[key] += [base - one for one in rest[place * REPEATS : (place + 1) * REPEATS]]
    return {key: max(float(np.mean(values)), 0.0) for key, values in lost.items()}
