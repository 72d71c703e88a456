"""The end of the command line's process: at once, and nothing that a program promises at its end is lost."""

import pstats
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, gc, sys, threading, time
from hornbook.ending import leave_after

def later():
    time.sleep(0.2)
    print("thread")

def main():
    global held
    gc.freeze()
    held = [open("text.txt", "w"), open("bytes.bin", "wb"), open("closed.txt", "w")]
    held[2].close()
    held[0].write("a line")
    held[1].write(b"some bytes")
    held[0].itself = held
    atexit.register(print, "atexit")
    threading.Thread(target=later).start()
    print("main")
    END

leave_after(main)
"""


def run(end: str, *, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", PROGRAM.replace("END", end)], capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(("end", "code"), [("pass", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('why')", 1)])
def test_threads_functions_and_open_files_come_to_their_end(end, code, tmp_path):
    done = run(end, cwd=tmp_path)
    assert (done.returncode, done.stdout.split()) == (code, ["main", "thread", "atexit"])
    assert done.stderr == ("why\n" if code == 1 else "")
    assert (tmp_path / "text.txt").read_text() == "a line"
    assert (tmp_path / "bytes.bin").read_bytes() == b"some bytes"


def test_an_error_that_nobody_expected_keeps_its_traceback(tmp_path):
    done = run("1 / 0", cwd=tmp_path)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert (tmp_path / "text.txt").read_text() == "a line"


def test_a_profiler_gets_to_write_what_it_saw(process, tmp_path):
    process(f"{sys.executable} -m cProfile -o {tmp_path / 'profile'} -m hornbook version")
    assert any("hornbook" in file for file, *_ in pstats.Stats(str(tmp_path / "profile")).stats)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("line", ["version", "list"], ids=["written at the end", "written on the way"])
def test_output_that_cannot_be_written_is_said(line, process):
    done = process(f"bash -c 'hornbook {line} > /dev/full'")
    assert (done.code, done.err) == (1, "writing: No space left on device.\n")


def test_a_reader_that_went_away_is_no_error(process):
    done = process("bash -o pipefail -c 'hornbook version | true'")
    assert (done.code, done.err) == (1, "")


@pytest.mark.parametrize(("line", "code"), [("version >&-", 0), ("check --config no_such 2>&-", 2)])
def test_a_closed_stream_is_one_that_nobody_reads(line, code, process):
    done = process(f"bash -c 'hornbook {line}'")
    assert (done.code, done.out, done.err) == (code, "", "")
