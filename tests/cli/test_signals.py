"""Ctrl-C and SIGTERM end a run in good order: exit code, state, and how to go on.

Ctrl-C in a process that started as it does for users is in test_startup.py.
"""

import json
import signal
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

LONG = """\
data: iris
model: {name: mlp, units: [8]}
training: {epochs: 100000, batch_size: 8, engine: graph}
"""  # some minutes of training


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_resumable(number, code, warm):
    Path("long.yaml").write_text(LONG, encoding="utf-8")
    with subprocess.Popen(
        [warm.hornbook, "train", "-c", "long.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.split()[0] == "2":
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    result = json.loads(Path("runs/long/latest/result.json").read_text(encoding="utf-8"))
    assert result["state"] == "interrupted"
    assert "Traceback" not in err
    assert [char for char in out + err if ord(char) < 32 and char != "\n"] == []
    assert next(line for line in out.splitlines() if line.startswith("next")).split()[1:3] == ["hornbook", "resume"]
    assert Path("runs/long/latest/checkpoints/last.keras").is_file()
