"""`--quiet` drops progress, and nothing that the user should read."""

import pytest

RECIPE = """
data: {name: iris, limit: 5000}
model: {name: mlp, units: [4]}
training: {epochs: 2, engine: graph}
"""
WARNING = "limit is 5,000, but there are only 108 training examples."


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch, tensorflow):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.yaml").write_text(RECIPE)


def test_warnings_of_a_run_are_printed_and_no_progress(hornbook_command):
    done = hornbook_command("hornbook train -c few.yaml --quiet")
    assert done.code == 0
    assert done.err.splitlines() == [f"note    warning: {WARNING}"]
    again = hornbook_command("hornbook resume few training.epochs=3 --quiet")
    assert again.code == 0
    assert again.err.splitlines() == ["note    resumed in epoch 3 after 0 of 4 batches"]
