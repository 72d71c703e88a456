"""Runs that the first version has left: every later version lists, evaluates, resumes and reproduces them.

tests/fixtures/runs_0_1 was made by commit ec33f95 and stands for the runs that people have on their disks. It is never made
again, and expected.json never rewritten, to get a test green: a test that fails here says that a version breaks runs of
an earlier one. Repair that, or say in the changelog what changed and put that beside the expectation here.

What is computed is compared to the last bit where processor, threads and versions are those of the time, elsewhere to 1e-3;
`test_bits_are_compared` is skipped with the reason where they are not.
"""

import hashlib
import json
import shutil
import tarfile
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

pytestmark = pytest.mark.usefixtures("tensorflow")

FIXTURE = Path(__file__).parents[1] / "fixtures" / "runs_0_1"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text())
DIGEST = "d865638f6a106060ac9d5ebd1d674285ee733a6f79382ecc8fc1f53a228bda0e"
"""SHA-256 of names and contents; whoever has to change it makes other runs than those that people have."""
CLOCK = {"train_seconds", "seconds"}
FIGURES = ("epochs", "best_epoch", "monitor", "final", "rollbacks", "state")
reads_models = pytest.mark.skipif(
    keras.__version__.split(".")[:2] == ["3", "14"],
    reason="Keras 3.14 does not read the models that Keras 3.15 wrote: HeNormal has arguments that it does not know",
)
MOONS = [[0.0, 1.0], [1.0, -0.5], [-0.9, 0.2], [1.9, 0.4], [0.5, 0.25]]


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """A copy of the runs, as the first version left them, in the current folder."""
    folder = tmp_path / "runs"
    shutil.copytree(FIXTURE, folder, symlinks=True)
    for packed in folder.rglob("*.tar.xz"):
        with tarfile.open(packed) as archive:
            archive.extractall(packed.parent, filter="data")
        packed.unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def ok(hornbook_command):
    """A function that runs a command that has to end well, and returns its result."""

    def run(line):
        done = hornbook_command(f"hornbook {line}")
        assert done.code == 0, done.out + done.err
        return done.out

    return run


def lines_of(run):
    return (run / "history.jsonl").read_text().splitlines()


def timeless(lines):
    return [{key: value for key, value in json.loads(line).items() if key not in CLOCK} for line in lines]


def processor():
    """The processor's name and a digest of its flags, by which libraries choose their code; None where unknown."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    facts = {line.partition("\t")[0]: line.partition(": ")[2] for line in lines}
    flags = hashlib.sha256(" ".join(sorted(facts.get("flags", "").split())).encode()).hexdigest()
    return f"{facts.get('model name')}, flags {flags[:12]}"


def differences():
    """What is not as it was when the runs were made, of what changes last bits."""
    from hornbook.engine.device import describe_device, num_threads

    then = json.loads((FIXTURE / "flowers" / "latest" / "environment.json").read_text())
    pairs = {"processor": (EXPECTED["cpu"], processor()), "device": (then["device"], describe_device())}
    pairs["threads"] = (then["threads"], num_threads())
    pairs |= {name: (then["versions"][name], version(name)) for name in ("tensorflow", "keras", "numpy")}
    return [f"{name} was {before} and is {now}" for name, (before, now) in pairs.items() if before != now]


def assert_equal(now, then):
    """Compare numbers, texts, lists and mappings, with the precision that can be asked for here."""
    assert type(now) is type(then)
    if isinstance(then, dict):
        assert now.keys() == then.keys()
        for key, value in then.items():
            assert_equal(now[key], value)
    elif isinstance(then, list):
        assert len(now) == len(then)
        for one, other in zip(now, then, strict=True):
            assert_equal(one, other)
    else:
        is_rounded = isinstance(then, float) and differences()
        assert now == (pytest.approx(then, rel=1e-3, abs=1e-3) if is_rounded else then)


def assert_as_expected(run, expected):
    """Compare history, figures and both models of a run with those that the first version arrived at."""
    result = json.loads((run / "result.json").read_text())
    assert_equal(timeless(lines_of(run)), expected["history"])
    for key in (*FIGURES, "validation", "test"):
        assert_equal(result[key], expected["result"][key])
    for which in ("best", "last"):
        model = keras.models.load_model(run / "checkpoints" / f"{which}.keras", compile=False)
        assert_equal([weight.tolist() for weight in model.get_weights()], expected[which])


def test_the_runs_are_those_of_the_first_version():
    """See the first lines of this file before changing anything here."""
    files = sorted(path for path in FIXTURE.rglob("*") if path.is_file() and "latest" not in path.parts)
    digest = hashlib.sha256()
    for path in files:
        if path.suffix != ".md":
            digest.update(path.relative_to(FIXTURE).as_posix().encode() + path.read_bytes())
    assert digest.hexdigest() == DIGEST
    assert sum(path.stat().st_size for path in files) < 100_000


def test_bits_are_compared():
    """Says in the summary of the tests whether this machine compares the last bits or three digits."""
    if differences():
        pytest.skip(f"figures of old runs are compared to 1e-3, not to the last bit: {'; '.join(differences())}")


def test_they_are_listed_with_state_epochs_and_score(ok):
    lines = ok("runs list").splitlines()
    assert [line.split("/")[0] for line in lines[:6:2]] == ["crescents", "flowers", "layers"]
    assert [line.split()[:3] for line in lines[1:6:2]] == [
        ["interrupted", "3", "ep."],
        ["finished", "6", "ep."],
        ["interrupted", "0", "ep."],
    ]
    assert lines[3].endswith("accuracy 0.9333")
    assert lines[6].startswith("3 runs, ")


@reads_models
@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_finished_run_is_evaluated_to_what_its_result_says(ok, runs, split):
    report = json.loads(ok(f"evaluate flowers --split {split} --json"))
    result = json.loads((runs / "flowers" / "latest" / "result.json").read_text())
    assert report["metrics"] == pytest.approx(result[split], abs=1e-6)


@reads_models
@pytest.mark.parametrize("name", ["flowers", "crescents"])
def test_evaluation_gives_the_same_figures_of_each_class(ok, name):
    report, expected = json.loads(ok(f"evaluate {name} --json")), EXPECTED[f"{name} evaluated"]
    assert report["metrics"] == pytest.approx(expected["metrics"], abs=1e-6)
    for key in ("split", "count", "weights", "classes", "confusion"):
        assert report[key] == expected[key]


@reads_models
@pytest.mark.parametrize("which", ["best", "last"])
def test_probabilities_are_those_of_the_saved_model_in_plain_keras(ok, runs, which):
    rows = load_iris().data[::10].astype(np.float32)
    np.savez("new.npz", x=rows)
    ok(f"predict flowers -i new.npz -o scores.npz --checkpoint {which}")
    model = keras.models.load_model(runs / "flowers" / "latest" / "checkpoints" / f"{which}.keras")
    with np.load("scores.npz") as predicted:
        np.testing.assert_allclose(predicted["probabilities"], model.predict(rows, verbose=0), rtol=1e-5)


@reads_models
def test_a_finished_run_is_made_smaller(ok, runs):
    ok("shrink flowers --precision float16 --max-loss 1")
    figures = [json.loads(ok(f"evaluate {name} --json"))["metrics"] for name in ("flowers", "flowers_shrunk")]
    assert figures[1] == pytest.approx(figures[0], rel=1e-2)


@reads_models
def test_an_interrupted_run_predicts_from_a_csv(ok, runs):
    Path("new.csv").write_text("x1,x2\n" + "".join(f"{a},{b}\n" for a, b in MOONS))
    header, *lines = ok("predict crescents -i new.csv").splitlines()
    model = keras.models.load_model(runs / "crescents" / "latest" / "checkpoints" / "best.keras")
    expected = model.predict(np.array(MOONS, np.float32), verbose=0)[:, 0]
    place = header.split(",").index("probability_1")
    assert [float(line.split(",")[place]) for line in lines] == pytest.approx(expected, rel=1e-5)


def test_a_run_interrupted_within_an_epoch_ends_where_it_would_have_ended(ok, runs):
    run = runs / "crescents" / "latest"
    before = lines_of(run)
    ok("resume crescents -q")
    assert lines_of(run)[:3] == before
    assert_as_expected(run, EXPECTED["crescents resumed"])


def test_a_run_interrupted_in_pretraining_ends_where_it_would_have_ended(ok, runs):
    ok("resume layers -q")
    assert_as_expected(runs / "layers" / "latest", EXPECTED["layers resumed"])


def test_a_finished_run_is_trained_longer_and_keeps_its_past(ok, runs):
    run = runs / "flowers" / "latest"
    before = lines_of(run)
    ok("resume flowers training.epochs=8 -q")
    assert lines_of(run)[:6] == before
    assert len(lines_of(run)) == 8
    assert_as_expected(run, EXPECTED["flowers resumed"])


@reads_models
def test_a_finished_run_is_reproduced(hornbook_command, runs):
    run = (runs / "flowers" / "latest").resolve()
    before = timeless(lines_of(run))
    done = hornbook_command(f"hornbook reproduce {run} --runs again")
    verdict, *rest = done.out.splitlines()
    again = Path("again/flowers/latest")
    if not differences():
        assert (done.code, verdict) == (0, f"reproduced {run}: same to the last bit")
        assert rest[:2] == ["  history: 6 epochs equal", "  weights: all 12 arrays equal"]
    assert done.code in (0, 3), done.err
    assert_equal(timeless(lines_of(again)), before)
