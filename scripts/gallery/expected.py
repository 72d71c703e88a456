"""What the `Expected` line of a recipe promises in figures, and whether a run keeps it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

KEYS = {
    "root mean squared error": "root_mean_squared_error",
    "mean squared error": "mean_squared_error",
    "mean absolute error": "mean_absolute_error",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "AUC": "auc",
    "R²": "r2_score",
    "MASE": "mean_absolute_scaled_error",
    "loss": "loss",
}
"""What a line calls a figure, and what a run calls it."""
EPOCHS, SMALL_WEIGHTS = "epochs", "small weights, %"
"""Figures that belong to a run and to none of its splits."""
NUMBER = r"\d+(?:\.\d+)?"
RANGE = rf"(?P<low>{NUMBER})(?:-(?P<high>{NUMBER}))?"
HEADER = re.compile(r"^# Expected: +(.+)$", re.MULTILINE)
TIME = re.compile(r"[,;] (?:about )?[\d-]+ s(?: of training)? on 2 CPU cores$")
BREAK = re.compile(r"[,;:] (?![^(]*\))| with (?=over)")
"""Between two clauses, outside of brackets."""
FIGURE = re.compile(rf"^(?:(?P<split>test|validation) )?(?P<figure>{'|'.join(KEYS)}) {RANGE}(?![\d.]*\d)(?P<rest>.*)$")
OF_HEAD = re.compile(rf"^of the (?P<head>\w+) output {RANGE}$")
AFTER = re.compile(rf"^after {RANGE} epochs$")
SMALL = re.compile(rf"^(?P<over>over )?{RANGE} % of the weights below 0\.001$")


@dataclass(frozen=True)
class Claim:
    """A figure that a line promises.

    Attributes:
        text: How the line says it.
        figure: A value of `KEYS`, `EPOCHS` or `SMALL_WEIGHTS`.
        low, high: What it lies between, both included.
        split: ``test`` or ``validation``; empty where the line names none.
        head: The word behind it: the head it is of, where the recipe has one of that name.
    """

    text: str
    figure: str
    low: float
    high: float
    split: str = ""
    head: str = ""


class Promise(NamedTuple):
    """What a line says: figures that a run can be compared with, and figures that it cannot."""

    claims: tuple[Claim, ...]
    others: tuple[str, ...]


def expected_of(text: str) -> str:
    """Return the `Expected` line of a recipe's text, without its name.

    Raises:
        ValueError: If there is none.
    """
    match = HEADER.search(text)
    if match is None:
        raise ValueError("a recipe without a line '# Expected:'")
    return match[1]


def promise(line: str) -> Promise:
    """Return what an `Expected` line says. Times are left out; figures of other recipes are among `others`."""
    claims: list[Claim] = []
    others: list[str] = []
    split = ""
    for clause in BREAK.split(TIME.sub("", line)):
        if match := FIGURE.match(clause):
            split = match["split"] or split
            named = re.search(r"\((\w+)\)", match["rest"])
            claims.append(Claim(clause, KEYS[match["figure"]], *_bounds(match), split, named[1] if named else ""))
        elif claims and (match := OF_HEAD.match(clause)):
            claims.append(Claim(clause, claims[-1].figure, *_bounds(match), split, match["head"]))
        elif match := AFTER.match(clause):
            claims.append(Claim(clause, EPOCHS, *_bounds(match)))
        elif match := SMALL.match(clause):
            low, high = (float(match["low"]), 100.0) if match["over"] else _bounds(match)
            claims.append(Claim(clause, SMALL_WEIGHTS, low, high))
        elif re.search(r"\d", clause):
            others.append(clause)
    return Promise(tuple(claims), tuple(others))


def _bounds(match: re.Match[str]) -> tuple[float, float]:
    """Return the ends of a range, which were rounded outwards; a single number stands for all that round to it."""
    low, high = match["low"], match["high"]
    if high is not None:
        return float(low), float(high)
    half = 0.5 * 10.0 ** -len(low.partition(".")[2])
    return float(low) - half, float(low) + half


def figure_of(claim: Claim, figures: Mapping[str, Mapping[str, float]], heads: Sequence[str] = ()) -> float | None:
    """Return the figure of a run that a claim is about; None where the run has none such.

    Args:
        claim: What is promised.
        figures: {``train``, ``validation``, ``test`` or ``run``: {figure: value}}. Without a split the claim is about the
            test split, or the training split where there is no other.
        heads: Names of the recipe's heads; the first that has the figure is meant where the claim names none.
    """
    if claim.figure in {EPOCHS, SMALL_WEIGHTS}:
        return figures.get("run", {}).get(claim.figure)
    own = figures.get(claim.split or ("test" if figures.get("test") else "train"), {})
    names = [claim.head] if claim.head in heads else heads
    for key in (claim.figure, *(f"{name}_{claim.figure}" for name in names)):
        if key in own:
            return own[key]
    root = own.get("root_mean_squared_error")
    return root**2 if claim.figure == "mean_squared_error" and root is not None else None


def keeps(claim: Claim, value: float) -> bool:
    """Return whether a figure lies where a claim says."""
    slack = 1e-9 * max(abs(claim.low), abs(claim.high), 1.0)  # figures are kept with six digits
    return claim.low - slack <= value <= claim.high + slack
