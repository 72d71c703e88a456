"""State files: exact round trips, two generations, and what happens when one of them is damaged."""

import json
import math
import pickle
import re

import numpy as np
import pytest

from hornbook.errors import RunError
from hornbook.runs.states import State, load_state, save_state

ARRAYS = {
    "weights": np.array([[1.5, -0.0], [np.nan, np.inf]], np.float32),
    "iterations": np.array(7, np.int64),
    "mask": np.array([True, False, True]),
    "seeds": np.array([2**32 - 1, 0], np.uint32),
    "nothing": np.zeros((0, 3), np.float32),
    "half": np.array([1e-7, 65504.0], np.float16),
}


def state_of(number):
    return State({"weights": np.full(4, number, np.float32)}, {"epoch": number})


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def flip_a_bit(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_arrays_come_back_with_every_bit(tmp_path):
    save_state(tmp_path / "state", State(ARRAYS, {}))
    state, notes = load_state(tmp_path / "state")
    assert notes == []
    assert state.arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        found = state.arrays[name]
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes()), name


def test_facts_come_back_exactly_infinity_and_nan_included(tmp_path):
    third, tiny = 1 / 3, 5e-324
    facts = {
        "best": math.inf, "worst": -math.inf, "third": third, "tiny": tiny, "epoch": 3, "done": False, "none": None,
        "reason": "no better “val_loss” ★", "history": [{"loss": third, "epoch": 1}, {"loss": math.nan, "epoch": 2}],
        "numpy": np.float32(0.1), "numpy infinity": np.float32(np.inf), "count": np.int64(4), "pair": (1, 2),
    }  # fmt: skip
    save_state(tmp_path / "state", State({}, facts))
    found = load_state(tmp_path / "state")[0].facts
    assert math.isnan(found["history"][1].pop("loss"))
    assert found == {
        **facts,
        "history": [{"loss": third, "epoch": 1}, {"epoch": 2}],
        "numpy": 0.10000000149011612,
        "numpy infinity": math.inf,
        "pair": [1, 2],
    }
    assert isinstance(found["epoch"], int)
    assert found["done"] is False


def test_two_generations_are_kept_and_the_newest_is_read(tmp_path):
    for number in range(1, 13):
        save_state(tmp_path / "state", state_of(number))
        assert load_state(tmp_path / "state")[0].facts["epoch"] == number
    assert files(tmp_path / "state") == ["state-00000011.bin", "state-00000012.bin"]


def test_without_a_folder_there_is_no_state(tmp_path):
    assert load_state(tmp_path / "state") == (None, [])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), r"\d+ of \d+ bytes"),
        (lambda path: path.write_bytes(path.read_bytes() + b"more"), r"\d+ of \d+ bytes"),
        (lambda path: flip_a_bit(path, -200), "checksum does not match"),
        (lambda path: flip_a_bit(path, 30), "checksum does not match"),
        (lambda path: flip_a_bit(path, 3), "not a state of this version"),
        (lambda path: path.write_bytes(b""), "not a state of this version"),
        (lambda path: path.write_bytes(b"\x80\x04" + bytes(1000)), "not a state of this version"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"state 1 ", b"state 2 ", 1)), "not a state of this version"),
        (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
    ],
    ids=["cut", "longer", "body", "checksum", "magic", "empty", "foreign", "newer version", "a folder"],
)  # fmt: skip
def test_a_damaged_newest_state_falls_back_to_the_one_before_with_a_note(tmp_path, damage, reason):
    for number in (1, 2):
        save_state(tmp_path, state_of(number))
    damage(tmp_path / "state-00000002.bin")
    state, notes = load_state(tmp_path)
    assert state.facts == {"epoch": 1}
    assert len(notes) == 1
    assert re.fullmatch(rf"state-00000002\.bin is damaged \({reason}\); going back to the state before it\.", notes[0])


def test_every_single_flipped_bit_is_noticed(tmp_path):
    save_state(tmp_path, state_of(1))
    path = tmp_path / "state-00000001.bin"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        flip_a_bit(path, place)
        assert load_state(tmp_path)[0] is None, place
        path.write_bytes(whole)
    assert load_state(tmp_path)[0] is not None


def test_when_both_are_damaged_there_is_no_state_and_a_note_for_each(tmp_path):
    for number in (1, 2):
        save_state(tmp_path, state_of(number))
        flip_a_bit(tmp_path / f"state-0000000{number}.bin", -1)
    state, notes = load_state(tmp_path)
    assert state is None
    assert [note.split()[0] for note in notes] == ["state-00000002.bin", "state-00000001.bin"]


def test_saving_goes_on_after_a_damaged_state_and_leaves_a_whole_one(tmp_path):
    for number in (1, 2):
        save_state(tmp_path, state_of(number))
    (tmp_path / "state-00000002.bin").write_bytes(b"cut")
    save_state(tmp_path, state_of(3))
    assert load_state(tmp_path)[0].facts == {"epoch": 3}
    save_state(tmp_path, state_of(4))
    assert files(tmp_path) == ["state-00000003.bin", "state-00000004.bin"]


@pytest.mark.parametrize("name", ["state-foreign.bin", "state-.bin", "notes.txt", "state-00000003.bin.bak"])
def test_a_foreign_file_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    save_state(tmp_path, state_of(1))
    save_state(tmp_path, state_of(2))
    state, notes = load_state(tmp_path)
    assert (state.facts, notes) == ({"epoch": 2}, [])
    assert (tmp_path / name).read_text() == "mine"


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    (tmp_path / ".state-00000001-abc.bin").write_bytes(b"half")
    save_state(tmp_path, state_of(1))
    assert files(tmp_path) == ["state-00000001.bin"]


def test_a_failed_save_leaves_the_states_as_they_were(tmp_path, monkeypatch):
    for number in (1, 2):
        save_state(tmp_path, state_of(number))

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="state-00000003.bin: cannot be written .No space left on device"):
        save_state(tmp_path, state_of(3))
    assert files(tmp_path) == ["state-00000001.bin", "state-00000002.bin"]
    assert load_state(tmp_path)[0].facts == {"epoch": 2}


@pytest.mark.parametrize("place", ["state", "missing/state"])
def test_a_folder_that_cannot_be_made_is_a_run_error(tmp_path, place):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(RunError, match="cannot be written"):
        save_state(tmp_path / place, state_of(1))


def test_a_folder_that_cannot_be_written_is_a_run_error(tmp_path, monkeypatch):
    def refuse(**options):  # the tests may run as root, who may write anywhere
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(RunError, match="state-00000001.bin: cannot be written .Permission denied"):
        save_state(tmp_path, state_of(1))


def test_nothing_is_pickled_and_no_pickle_is_read(tmp_path):
    with pytest.raises((ValueError, TypeError)):
        save_state(tmp_path, State({"object": np.array([{"a": 1}], dtype=object)}, {}))
    with pytest.raises((ValueError, TypeError)):
        save_state(tmp_path, State({}, {"object": object()}))
    assert files(tmp_path) == []
    (tmp_path / "state-00000001.bin").write_bytes(pickle.dumps({"epoch": 1}))
    assert load_state(tmp_path)[0] is None


def test_a_file_is_a_line_of_text_and_a_plain_npz(tmp_path):
    save_state(tmp_path, state_of(1))
    head, _, body = (tmp_path / "state-00000001.bin").read_bytes().partition(b"\n")
    assert head.split()[:2] == [b"hornbook-state", b"1"]
    assert int(head.split()[3]) == len(body)
    (tmp_path / "body.npz").write_bytes(body)
    with np.load(tmp_path / "body.npz", allow_pickle=False) as arrays:
        assert json.loads(arrays["facts"].tobytes()) == {"epoch": 1}
