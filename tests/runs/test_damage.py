"""Each file of a run, damaged in each way, under each command: a message that names it, never a traceback."""

import json
import shutil
from pathlib import Path

import pytest

from hornbook.errors import RunError

DEEP = 100_000
JSON_FILES = ("result.json", "data.json", "environment.json", "reuse.json", "history.jsonl")
READS = {
    "evaluate {run}": ("result.json", "data.json"),
    "predict {run} -i x.npy": ("result.json", "data.json"),
    "resume {run} training.epochs=3": ("result.json", "data.json", "environment.json", "reuse.json"),
    "reproduce {run}": ("result.json", "environment.json", "history.jsonl"),
    "compare {run} other": ("result.json", "environment.json", "history.jsonl"),
    "reuse-report {run}": ("result.json", "history.jsonl", "reuse.json"),
}
"""Which files of JSON each command reads; all read the recipe."""


def _write(content):
    return lambda path: path.write_bytes(content)


def _folder(path):
    path.unlink()
    path.mkdir()


def _flip(path, place):
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 0x80
    path.write_bytes(bytes(content))


WAYS = {
    "list": _write(b"[1]\n"),
    "null": _write(b"null\n"),
    "empty": _write(b"{}\n"),
    "nothing": _write(b"\n"),
    "latin1": _write(b'{"state": "\xe4"}\n'),
    "deep": _write(b"[" * DEEP + b"]" * DEEP + b"\n"),
    "deep_mapping": _write(b'{"a":' * DEEP + b"\n"),
    "first_byte": lambda path: _flip(path, 0),
    "some_byte": lambda path: _flip(path, 41),
    "folder": _folder,
    "loop": lambda path: (path.unlink(), path.symlink_to(path)),
    "missing": lambda path: path.unlink(),
}


@pytest.fixture(scope="module")
def trained(tensorflow, tmp_path_factory):
    """A folder with a finished run that reuses another one, and that other one as `other`."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    folder = tmp_path_factory.mktemp("damaged")
    small = {
        "data": {"name": "moons", "examples": 40},
        "model": {"name": "mlp", "units": [4]},
        "training": {"epochs": 1, "batch_size": 9, "engine": "graph", "checkpoint": {"every": "1 hours"}},
    }
    first = train(load_recipe(small | {"name": "first"}), runs=folder / "runs").run
    shutil.copytree(first, folder / "other")
    second = {**small, "name": "second", "reuse": {"from": str(folder / "other")}}
    train(load_recipe(second), runs=folder / "runs")
    return folder


@pytest.fixture
def place(trained, tmp_path, monkeypatch):
    """A copy of it, in which the tests work; the run's folder."""
    import numpy as np

    shutil.copytree(trained, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    np.save("x.npy", np.zeros((1, 2), np.float32))
    (run,) = Path("runs/second").glob("2*")
    return run


@pytest.fixture
def damaged(place):
    """A function: (file, way) → the run's folder with that damage, and no other."""
    whole = place.with_name("whole")
    place.rename(whole)

    def damage(name, way):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(whole, place)
        WAYS[way](place / name)
        return place

    return damage


CASES = [(line, file) for line, files in READS.items() for file in files]


@pytest.mark.parametrize(("line", "file"), CASES, ids=[f"{line.split()[0]}-{file}" for line, file in CASES])
def test_a_damaged_file_is_named(line, file, damaged, hornbook_command):
    for way in WAYS:
        if way == "missing" and file in {"history.jsonl", "reuse.json"}:
            continue  # a run may have none
        if way == "loop" and file in {"history.jsonl", "reuse.json"}:
            continue  # the same as none
        if file == "history.jsonl" and way == "nothing":
            continue
        run = damaged(file, way)
        outcome = hornbook_command(f"hornbook {line.format(run=run)}")
        assert outcome.code in {1, 2}, (way, outcome)
        assert file in outcome.err, (way, outcome.err)
        assert "Traceback" not in outcome.err


@pytest.mark.parametrize("line", READS, ids=lambda line: line.split()[0])
def test_a_damaged_recipe_is_named(line, damaged, hornbook_command):
    """All read it with one function, which the first shows in every way; the others pass on what it says."""
    for way in WAYS if line == next(iter(READS)) else ("list", "latin1", "folder", "missing"):
        run = damaged("recipe.yaml", way)
        outcome = hornbook_command(f"hornbook {line.format(run=run)}")
        assert outcome.code in {1, 2}, (way, outcome)
        assert run.name in outcome.err, (way, outcome.err)


@pytest.mark.parametrize("line", ["evaluate {run}", "predict {run} -i x.npy"], ids=lambda line: line.split()[0])
def test_a_damaged_model_is_named(line, damaged, hornbook_command):
    for way in WAYS:
        if way not in {"first_byte", "some_byte"}:  # which may hit what nobody reads
            run = damaged("checkpoints/last.keras", way)
            outcome = hornbook_command(f"hornbook {line.format(run=run)}")
            assert (outcome.code, "last.keras" in outcome.err) == (1, True), (way, outcome)


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_state_is_not_gone_on_with(way, damaged, hornbook_command):
    (state,) = damaged("recipe.yaml", "null").glob("checkpoints/state/*.bin")
    run = damaged(f"checkpoints/state/{state.name}", way)
    outcome = hornbook_command(f"hornbook resume {run} training.epochs=3")
    assert (outcome.code, "no whole state" in outcome.err) == (1, True), outcome


@pytest.mark.parametrize("line", ["runs list", "runs list --json", "runs prune"])
def test_the_other_runs_are_shown(line, damaged, hornbook_command):
    for way in WAYS:
        damaged("result.json", way)
        outcome = hornbook_command(f"hornbook {line}")
        assert outcome.code == 1, way
        assert "result.json" in outcome.err, way
        assert "first/" in outcome.out, way


def test_any_flipped_bit_of_a_result_is_shown_or_named(damaged, hornbook_command):
    """Runs are listed and compared whatever a byte becomes; a changed digit or letter may stay a result."""
    size = (damaged("result.json", "null").with_name("whole") / "result.json").stat().st_size
    for offset in range(0, size, 11):
        run = damaged("result.json", "null")
        content = bytearray((run.with_name("whole") / "result.json").read_bytes())
        content[offset] ^= 1 << offset % 7
        (run / "result.json").write_bytes(bytes(content))
        for line in ("runs list", f"compare {run} other"):
            outcome = hornbook_command(f"hornbook {line}")
            assert outcome.code == 0 or "result.json" in outcome.err, (offset, outcome)


def test_a_source_that_is_no_text_is_named_before_a_run_is_gone_on_with(damaged, hornbook_command):
    run = damaged("source.yaml", "latin1")
    (run.parent / "latest").unlink()
    (run.parent / "latest").symlink_to(run.name)
    outcome = hornbook_command("hornbook train -c runs/second/latest/recipe.yaml --resume name=second")
    assert (outcome.code, "source.yaml" in outcome.err) == (1, True), outcome


@pytest.mark.parametrize("file", [*JSON_FILES, "recipe.yaml"])
def test_a_file_that_may_not_be_read_is_named(file, damaged, hornbook_command, monkeypatch):
    """As root may read everything, the refusal is made here."""
    run = damaged("log.txt", "nothing")
    reads = {name: getattr(Path, name) for name in ("read_bytes", "read_text")}

    def refusing(name):
        def read(self, *arguments, **options):
            if self.name == file and run.name in str(self):
                raise PermissionError(13, "Permission denied", str(self))
            return reads[name](self, *arguments, **options)

        return read

    for name in reads:
        monkeypatch.setattr(Path, name, refusing(name))
    line = next(line for line, files in READS.items() if file in (*files, "recipe.yaml"))
    outcome = hornbook_command(f"hornbook {line.format(run=run)}")
    assert outcome.code in {1, 2}
    assert file in outcome.err
    assert "Permission denied" in outcome.err


def test_a_folder_that_may_not_be_entered_is_named_and_hides_no_other(place, hornbook_command, monkeypatch):
    stat = Path.stat

    def refuse(self, *arguments, **options):
        if place.name in self.parts and self.name != place.name:
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, *arguments, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    for line, code in ((f"evaluate {place}", 2), (f"compare {place} other", 2), ("runs list", 1), ("runs prune", 1)):
        outcome = hornbook_command(f"hornbook {line}")
        assert (outcome.code, place.name in outcome.err) == (code, True), (line, outcome)
        assert "Permission denied" in outcome.err
    assert "first/" in outcome.out


def test_a_history_with_a_damaged_line_is_not_cut_there(damaged, hornbook_command):
    """Lines behind it would be lost without a word."""
    run = damaged("log.txt", "nothing")
    row = (run / "history.jsonl").read_text()
    (run / "history.jsonl").write_text(row + "{\n" + row)
    outcome = hornbook_command(f"hornbook compare {run} other")
    assert outcome.code == 1
    assert "history.jsonl, line 2: damaged" in outcome.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "done"}, "state: Input should be 'running'"),
        ({"final": "../../other"}, "final: Input should be 'best' or 'last'"),
        ({"test": {"loss": "0.1"}}, "test.loss: Input should be a valid number"),
    ],
)
def test_what_is_wrong_is_said(change, message, damaged, hornbook_command):
    run = damaged("log.txt", "nothing")
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps(result | change))
    outcome = hornbook_command(f"hornbook evaluate {run}")
    assert outcome.code == 1
    assert message in outcome.err


@pytest.fixture
def sweep(tmp_path):
    """The folder of an unfinished sweep with one trial that has ended."""
    from hornbook.runs.sweeps import Outcome, Proposal, SweepFolder, TrialRow

    folder = SweepFolder.create(tmp_path, "few", "data: digits\n")
    folder.start(TrialRow(Proposal(0, {"activation": "elu"}), {}), rejected=())
    folder.end(0, Outcome("finished", 0.5, (0.5,), 2, 0.1, runs=("trials/trial-001/a",)), elapsed_s=0.1)
    folder.close()
    return folder.path


def open_again(sweep):
    from hornbook.runs.sweeps import SweepFolder

    return SweepFolder.find_unfinished(sweep.parents[1], "few", "data: digits\n")


@pytest.mark.parametrize("file", ["result.json", "trials.jsonl"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "nothing"])
def test_a_damaged_record_of_a_sweep_is_named_and_left_as_it_is(file, way, sweep):
    WAYS[way](sweep / file)
    with pytest.raises(RunError, match=file):
        open_again(sweep)


def test_the_last_line_of_a_sweep_that_a_kill_cut_off_is_dropped(sweep):
    whole = (sweep / "trials.jsonl").read_text()
    (sweep / "trials.jsonl").write_text(whole + '{"event": "start", "tri')
    again = open_again(sweep)
    again.close()
    assert list(again.rows) == [0]
    assert (sweep / "trials.jsonl").read_text() == whole


@pytest.mark.parametrize("run", ["../../precious", "/precious", ""])
def test_a_record_names_no_run_outside_of_its_sweep(run, sweep):
    """What it names may be deleted."""
    path = sweep / "trials.jsonl"
    path.write_text(path.read_text().replace("trials/trial-001/a", run))
    with pytest.raises(RunError, match=r"trials\.jsonl, line 2: damaged \(runs\.0"):
        open_again(sweep)
