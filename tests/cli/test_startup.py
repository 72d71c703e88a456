"""Commands that need no TensorFlow do not import it, and nothing else that is slow: they answer at once."""

import json
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("tensorflow", "keras", "numpy", "polars", "sklearn", "matplotlib", "rich", "pandas")
LINES = [
    "hornbook --help",
    "hornbook train --help",
    "hornbook list",
    "hornbook list recipes",
    "hornbook check -c he_elu_bn",
    "hornbook show activation elu",
    "hornbook show recipe he_elu_bn",
    "hornbook new mine.yaml",
    "hornbook schema",
    "hornbook version",
    "hornbook runs list",
    "hornbook evaluate nowhere",
    "hornbook compare nowhere elsewhere",
    "hornbook ablate -c he_elu_bn --vary activation=elux",
    "hornbook learning-curve -c he_elu_bn --vary activation=elux,relu",
]
PROGRAM = """
import contextlib, io, json, shlex, sys
from hornbook import cli
found = {}
for line in sys.argv[1:]:
    before, sys.argv, code = {*sys.modules}, shlex.split(line), 0
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    found[line] = code, sorted({name.split(".")[0] for name in {*sys.modules} - (before if found else set())})
print(json.dumps(found))
"""


def test_nothing_slow_is_imported(process):
    done = process(shlex.join([sys.executable, "-c", PROGRAM, *LINES]))
    found = {line: {*names} for line, (_, names) in json.loads(done.out).items()}
    assert list(found) == LINES
    assert {line: names & {*HEAVY} for line, names in found.items() if names & {*HEAVY}} == {}


@pytest.mark.parametrize("line", ["hornbook --help", "hornbook list activation", "hornbook check -c he_elu_bn"])
def test_the_answer_takes_less_than_half_a_second_of_work(line, process):
    """Processor time, at the third attempt at the latest, because other processes may keep the machine busy."""
    assert shutil.which("hornbook")
    took = []
    while not took or (took[-1] >= 0.5 and len(took) < 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process(line)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert took[-1] < 0.5, took


WHO_IMPORTS = """
import importlib.abc, sys, traceback
from pathlib import Path
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib":
            files = [frame.filename for frame in traceback.extract_stack() if "hornbook" in frame.filename]
            ends = sum(text.read_text().count('"end"') for text in Path("runs").rglob("trials.jsonl"))
            print("matplotlib for", "/".join(files[-1].split("/")[-2:]), "after", ends, file=sys.__stderr__)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.whole
def test_training_imports_no_package_for_tables_and_a_sweep_one_for_pictures_when_its_page_is_drawn():
    """Ctrl-C ends the training, in a process that began as it does for users."""
    train = "hornbook train -c xor_mlp training.epochs=10000 training.engine=graph"
    sweep = (
        "hornbook sweep -q -c sweep_random sweep.max_trials=2 sweep.confirm=0 training.epochs=1 training.engine=graph "
        "data.limit=96"
    )
    command = [sys.executable, "-c", WHO_IMPORTS + PROGRAM, train, sweep]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        history = Path("runs/xor_mlp/latest/history.jsonl")
        while not (history.exists() and history.read_text(encoding="utf-8").count("\n") > 1):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    found = {line: (code, {*names}) for line, (code, names) in json.loads(out).items()}
    assert found[train][0] == 130
    assert json.loads(history.with_name("result.json").read_text(encoding="utf-8"))["state"] == "interrupted"
    assert found[train][1] & {"tensorflow", "polars", "pandas", "sklearn", "matplotlib"} == {"tensorflow"}
    assert found[sweep][0] == 0
    drawn = [line for line in err.splitlines() if "matplotlib" in line]
    assert drawn == ["matplotlib for display/chart.py after 2"]
