"""Models that need no training: the facts of a run, and a function in the place of its network."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from hornbook.data.facts import Block, DataInfo, Feature
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.tables.dialect import Dialect
from hornbook.serving.facts import Facts
from hornbook.serving.models import Model

FACTS = {
    "version": "20260101-000000-abcd", "weights": "best", "runtime": "TensorFlow", "proof": "", "dtype": "float32",
    "output": "probabilities", "units": 3, "threshold": None, "has_probabilities": True, "targets": (), "scale": None,
    "means": None, "batch": 8,
}  # fmt: skip
INFO = {
    "num_classes": 3, "target_size": 1, "class_names": ("ant", "bee", "cow"), "features": None, "vocabulary_size": None,
    "counts": {"train": 10, "validation": 0, "test": 0}, "class_counts": (), "fingerprint": "", "split_method": "random",
    "task": "multiclass",
}  # fmt: skip


def of_sums(x):
    """Three numbers for each row that tell the rows apart: the sum, its double, its square."""
    sums = np.nan_to_num(np.asarray(x, np.float32)).reshape(len(x), -1).sum(axis=1)
    with np.errstate(over="ignore"):
        return np.stack([sums, 2 * sums, sums**2], axis=1)


def make_table(run=of_sums, **facts):
    """A model of a table with a number, a category and a boolean."""
    features = (
        Feature("age", "number"),
        Feature("city", "category", ("Bern", "Uri")),
        Feature("member", "category", ("False", "True")),
    )
    extra = {**Dialect().recorded(), "has_missing": False, "whole": ["city", "member"]}
    info = DataInfo(
        name="table",
        kind="table",
        input_shape=(3,),
        input_dtype="float32",
        extra=extra,
        **{**INFO, "features": features},
    )
    return Model(Facts(name="people", **{**FACTS, "means": (41.5, float("nan"), 0.0), **facts}), info, run)


def make_dates(run=of_sums, **facts):
    """A model of a table with a number, and a column of dates that becomes two."""
    parts = tuple(Feature(f"day.{part}", "number", column="day", part=part) for part in ("elapsed", "year"))
    extra = {**Dialect(dates={"day": "%d.%m.%Y"}).recorded(), "has_missing": False}
    info = DataInfo(
        name="table",
        kind="table",
        input_shape=(3,),
        input_dtype="float32",
        extra=extra,
        **{**INFO, "features": (Feature("age", "number"), *parts)},
    )
    return Model(Facts(name="signed", **{**FACTS, "means": (41.5, 9000.0, 2024.0), **facts}), info, run)


def make_pictures(run=of_sums, shape=(4, 4, 1), scale=16.0, name="pictures", **facts):
    """A model of small pictures whose white is 16."""
    info = DataInfo(name="digits", kind="image", input_shape=shape, input_dtype="uint8", **INFO)
    return Model(Facts(name=name, **{**FACTS, "dtype": "uint8", "scale": scale, **facts}), info, run)


def make_tokens(run=of_sums):
    """A model of texts as numbers of tokens, of any length."""
    info = DataInfo(
        name="imdb", kind="tokens", input_shape=(None,), input_dtype="int32", **{**INFO, "vocabulary_size": 50}
    )
    return Model(Facts(name="texts", **{**FACTS, "dtype": "int32"}), info, run)


def make_houses(run=of_sums):
    """A model of a table with a number, a category, and a picture beside them."""
    settings = PictureSettings(4, 4, "stretch", 1)
    features = (Feature("rooms", "number"), Feature("city", "category", ("Bern", "Uri")))
    extra = {**Dialect().recorded(), "has_missing": False, "picture_columns": {"settings": settings.to_json()}}
    info = DataInfo(
        name="table", kind="table", input_shape=(2 + 16,), input_dtype="float32", extra=extra,
        blocks=(Block("photo", "picture", settings.shape, scale=255.0),), **{**INFO, "features": features},
    )  # fmt: skip
    return Model(Facts(name="houses", **{**FACTS, "means": (3.0, 0.0)}), info, run)


def make_numbers(run=of_sums, names=("low", "twice", "square")):
    """A regression on a table without names."""
    info = DataInfo(
        name="numbers", kind="table", input_shape=(2,), input_dtype="float32",
        **{**INFO, "task": "regression", "num_classes": 0, "class_names": None, "target_size": 3},
    )  # fmt: skip
    facts = {**FACTS, "output": "values", "has_probabilities": False, "targets": names}
    return Model(Facts(name="numbers", **facts), info, run)


@pytest.fixture(scope="session")
def make():
    """Functions that make a model of a kind."""
    return SimpleNamespace(
        table=make_table,
        dates=make_dates,
        pictures=make_pictures,
        tokens=make_tokens,
        numbers=make_numbers,
        houses=make_houses,
    )


@pytest.fixture
def models():
    """One model of each kind."""
    return [make_table(), make_pictures(), make_tokens(), make_numbers(), make_houses()]


@pytest.fixture
def ask(models):
    """A function: requests to a service of all models, one after the other → their responses."""
    httpx = pytest.importorskip("httpx", reason="not installed: hornbook[serve] and httpx")
    for package in ("fastapi_offline", "orjson", "prometheus_client", "multipart", "uvicorn"):
        pytest.importorskip(package, reason="not installed: hornbook[serve]")
    from hornbook.serving.app import make_app
    from hornbook.serving.service import Limits, Service

    def send(*requests, token=None, base="http://localhost", **limits):
        async def run():
            app = make_app(Service({}, models, Limits(**limits)), token=token)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return [await client.request(**request) for request in requests]

        found = asyncio.run(run())
        return found[0] if len(found) == 1 else found

    return send
