"""A sweep that is killed or stopped at any stage goes on and ends like one that was left alone."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[1] / "soak.py"
STAGES = ("opening", "trial", "between", "confirm", "report")


@pytest.mark.whole
def test_a_sweep_survives_kills_and_sigterm_at_every_stage(tmp_path, warm):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [warm.python, SOAK, "--sweep", "44"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    survived = re.findall(r"^(\w+) \d+( TERM)?: survived$", done.stdout, re.MULTILINE)
    assert {stage for stage, _ in survived} == set(STAGES)
    assert {stage for stage, term in survived if term} == set(STAGES) - {"opening"}


FILE = """
data: {name: moons, examples: 60}
model: {name: mlp, units: [4]}
training: {epochs: 2, engine: graph}
sweep: {objective: val_accuracy, max_trials: 2, confirm: 0, space: {optimizer.learning_rate: [0.01, 0.1]}}
"""
WORKER = "#!{python}\nimport time\nprint(end='', flush=True)\ntime.sleep(60)\n"


def test_workers_that_are_stopped_as_they_start_have_not_died(tmp_path, warm):
    """A worker that still imports TensorFlow ends at SIGTERM like any process: nobody goes on with its trial."""
    (tmp_path / "few.yaml").write_text(FILE)
    worker = tmp_path / "worker"  # it stays in its import for ever
    worker.write_text(WORKER.format(python=sys.executable))
    worker.chmod(0o755)
    code = "import sys, hornbook.cli; sys.argv = ['hornbook', 'sweep', '-c', 'few.yaml', '--workers', '2']; "
    code += f"sys.executable = {str(worker)!r}; hornbook.cli.main()"
    process = subprocess.Popen(
        [warm.python, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    events = tmp_path / "runs" / "few" / "latest-sweep" / "trials.jsonl"
    while not (events.exists() and events.read_text().count('"start"') == 2):
        assert process.poll() is None
        time.sleep(0.02)
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143, output
    assert "died" not in output
    assert '"end"' not in events.read_text()
