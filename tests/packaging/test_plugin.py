"""A user's own distribution beside the installed wheel: its components are found through the entry point, like ours."""

import json

import pytest

pytestmark = pytest.mark.whole

MODULE = '''
"""Registered when Hornbook looks for components; Keras is imported only when something is built."""

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from hornbook import register
from hornbook.data import Source
from hornbook.recipes.activation import ActivationSpec
from hornbook.recipes.data import DataSpec
from hornbook.recipes.metric import MetricSpec


@register
class Sine(ActivationSpec):
    """Sine of the weighted sum, times a frequency.

    For periodic signals. Sitzmann et al. (2020), "Implicit neural representations with periodic activation functions".

    Example:
        activation: {name: sine, frequency: 2.0}
    """

    name: Literal["sine"] = "sine"
    builds: ClassVar[str | None] = "horn_layers:Sine"

    frequency: Annotated[float, Field(gt=0)] = 1.0
    """Factor before the sine is taken."""


@register
class Rings(DataSpec):
    """Two rings in the plane, one around the other.

    Synthetic: computed from the seed.

    Example:
        data: {name: rings, examples: 200}
    """

    name: Literal["rings"] = "rings"
    data_kind: ClassVar[str] = "table"
    task_hint: ClassVar[str] = "binary"

    examples: Annotated[int, Field(ge=10)] = 100
    """How many points."""

    def load_source(self, *, seed):
        random = np.random.default_rng(seed)
        labels = np.arange(self.examples) % 2
        angles = random.uniform(0, 2 * np.pi, self.examples)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (1 + labels[:, None])
        return Source(points.astype(np.float32), labels, "table", class_names=("inner", "outer"))


@register
class Misses(MetricSpec):
    """Fraction of wrong answers.

    Source: 1 minus accuracy.

    Example:
        training: {metrics: [misses]}
    """

    name: Literal["misses"] = "misses"
    builds: ClassVar[str | None] = "horn_layers:Misses"
    tasks: ClassVar[tuple[str, ...]] = ("binary",)
    mode: ClassVar[str] = "min"
'''
LAYERS = """
import keras


@keras.saving.register_keras_serializable("horn")
class Sine(keras.layers.Layer):
    def __init__(self, frequency=1.0, **options):
        super().__init__(**options)
        self.frequency = frequency

    def call(self, inputs):
        return keras.ops.sin(self.frequency * inputs)

    def get_config(self):
        return {**super().get_config(), "frequency": self.frequency}


class Misses(keras.metrics.BinaryAccuracy):
    def result(self):
        return 1 - super().result()
"""
RECIPE = """\
data: {name: rings, examples: 200}
model: {name: mlp, units: [8]}
activation: {name: sine, frequency: 2.0}
training: {epochs: 2, metrics: [misses], engine: graph}
"""


PROGRAM = """
import sys; sys.path[:0] = sys.argv.pop(1).split(';')
import gc, json, os, shlex
from hornbook import startup
startup.import_for_command()
from hornbook import cli
gc.freeze()  # a child that collects would otherwise copy every page
said = {}
for number, line in enumerate(sys.argv[1:]):
    child = os.fork()
    if not child:
        for stream in (1, 2):
            os.dup2(os.open(f"{number}-{stream}.txt", os.O_CREAT | os.O_WRONLY), stream)
        sys.argv = ["hornbook", *shlex.split(line)]
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said[line] = [code, *(open(f"{number}-{stream}.txt", encoding="utf-8").read() for stream in (1, 2))]
print(json.dumps(said))
"""
LINES = [
    "list activation",
    "list data",
    "list metrics",
    "show activation sine",
    "schema",
    "check -c rings.yaml activation.frequncy=3",
    "check -c rings.yaml --strict",
    "train -c rings.yaml --json --quiet",
    "evaluate rings",
    "train --config he_elu_bn.yaml training.epochs=1 training.engine=graph --json --quiet",
]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A folder with a distribution called horn-plugin, as pip would leave it."""
    folder = tmp_path_factory.mktemp("plugin")
    info = folder / "horn_plugin-1.0.dist-info"
    info.mkdir()
    (folder / "horn_plugin.py").write_text(MODULE, encoding="utf-8")
    (folder / "horn_layers.py").write_text(LAYERS, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: horn-plugin\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[hornbook.components]\nhorn = horn_plugin\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands run: a folder with nothing but the recipe."""
    folder = tmp_path_factory.mktemp("rings")
    (folder / "rings.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def said(python, plugin, outcome, folder):
    """{command: what it leaves} with the plug-in installed; each ran in a child of a process that had only imported ours."""
    done = python(PROGRAM, *LINES, folder=folder, also=plugin)
    assert done.returncode == 0, done.stderr
    return {line: outcome(*left) for line, left in json.loads(done.stdout).items()}


@pytest.mark.parametrize(("kind", "name"), [("activation", "sine"), ("data", "rings"), ("metrics", "misses")])
def test_a_component_is_listed(kind, name, said):
    assert name in [line.split()[0] for line in said[f"list {kind}"].out.splitlines()]


def test_a_component_is_shown_with_its_options_source_and_example(said):
    text = said["show activation sine"].out
    for part in ("frequency", "number > 0; default 1.0", "Factor before the sine is taken.", "Source: Sitzmann",
                 "activation: {name: sine, frequency: 2.0}"):  # fmt: skip
        assert part in text


def test_options_are_checked_and_names_suggested(said):
    done = said["check -c rings.yaml activation.frequncy=3"]
    assert done.code == 2
    assert "activation.frequncy: unknown key for activation 'sine'. Did you mean 'frequency'?" in done.out


def test_components_are_in_the_schema(said):
    definitions = json.loads(said["schema"].out)["$defs"]
    assert "sine" in definitions["activation"]["anyOf"][0]["enum"]


def test_a_run_trains_by_name_and_can_be_evaluated(said):
    assert said["check -c rings.yaml --strict"].out == "rings.yaml: ok\n"
    done = said["train -c rings.yaml --json --quiet"]
    assert done.code == 0, done.err
    assert set(json.loads(done.out)["test"]) == {"loss", "misses"}
    done = said["evaluate rings"]
    assert done.code == 0, done.err
    assert "misses" in done.out


def test_a_shipped_recipe_trains_too(said, folder):
    done = said[LINES[-1]]
    assert (done.code, done.err) == (0, "")
    result = json.loads(done.out)
    assert (result["state"], result["epochs"]) == ("finished", 1)
    assert (folder / result["run"] / "checkpoints" / "last.keras").is_file()
