"""Hornbook in a kernel: what a cell prints and shows, and what an interrupted one leaves."""

import time

TRAIN = """\
import hornbook

text = {"name": "cell", "data": "digits", "model": {"name": "mlp", "units": [16]}, "training": {"epochs": EPOCHS}}
result = hornbook.train(hornbook.load_recipe(text))
result
"""
STOP = """\
import os, pathlib, signal, threading, time

def stop():
    while not [*pathlib.Path("runs").glob("cell/2*/history.jsonl")]:
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=stop).start()
"""


def test_a_training_is_one_output_of_plain_lines_and_its_result_a_picture(cells):
    (cell,) = cells(TRAIN.replace("EPOCHS", "3"))
    printed, shown = cell.outputs
    assert printed.name == "stdout"
    assert [line.split()[0] for line in printed.text.splitlines()[4:8]] == ["epoch", "1", "2", "3"]
    assert "\x1b" not in printed.text
    assert set(shown.data) == {"text/plain", "text/html"}
    assert shown.data["text/html"].count("<svg") == 3


def test_a_command_prints_what_it_prints_into_a_file(cells):
    recipe = "data: digits\\nmodel: {name: mlp, units: [16]}\\ntraining: {epochs: 3}\\n"
    write = f"with open('cell.yaml', 'w') as file:\n    file.write('{recipe}')\n"
    *_, command = cells(write, "!hornbook train --config cell.yaml")
    (printed,) = command.outputs
    assert "\x1b" not in printed.text
    assert "compiling" not in printed.text
    assert [line.split()[0] for line in printed.text.splitlines()[4:8]] == ["epoch", "1", "2", "3"]


def test_an_interrupted_cell_ends_its_run_in_good_order(cells):
    started = time.monotonic()
    *_, state = cells(
        STOP, TRAIN.replace("EPOCHS", "100000"), "print(result.state, hornbook.health(result.run).height > 0)"
    )
    assert state.outputs[0].text == "interrupted True\n"
    assert time.monotonic() - started < 120
