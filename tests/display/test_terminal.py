"""Control characters never reach a terminal, what rich draws does, and data for programs stays as it is."""

import io
import os
import sys

import pytest

from hornbook.display import terminal
from hornbook.display.text import cut, cut_inside
from hornbook.errors import Problem, escaped

NASTY = "a\x1b[31mred\a\rb\x9b2J\u202eback"
SHOWN = r"a\x1b[31mred\x07\rb\x9b2J\u202eback"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def streams(monkeypatch):
    """A function that makes stdout and stderr terminals of the command line; pytest sets its own after a fixture."""

    def start():
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", terminal.Escaping(out))
        monkeypatch.setattr(sys, "stderr", terminal.Escaping(err))
        return out, err

    return start


def test_what_is_printed_after_the_terminal_has_gone_is_dropped_in_silence(monkeypatch):
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", buffering=1) as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        patched.setattr(sys, "stdout", stream)
        with terminal.escaping_streams():
            print("seen", file=sys.stderr)
            assert os.read(ours, 100) == b"seen\r\n"
            os.close(ours)
            with pytest.raises(OSError, match="Input/output error"):
                os.write(theirs, b"the terminal has gone")
            print("unseen", file=sys.stderr)
            print("a result", flush=True)
            terminal.console(stderr=True).print(terminal.line("unseen as well"))
            assert not terminal.reader_has_gone()
        os.dup2(os.open(os.devnull, os.O_WRONLY), theirs)  # closing the file writes what it still holds


def test_a_pipe_without_a_reader_ends_results_and_is_remembered_of_progress(monkeypatch):
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", buffering=1) as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        patched.setattr(sys, "stdout", stream)
        with terminal.escaping_streams():
            assert not terminal.reader_has_gone()
            os.close(reader)
            print("progress", file=sys.stderr)
            assert terminal.reader_has_gone()
            with pytest.raises(BrokenPipeError):
                print("a result", flush=True)
        with pytest.raises(BrokenPipeError):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # closing the file writes what it still holds


def test_the_command_lines_streams_are_put_back():
    before = sys.stdout, sys.stderr
    with terminal.escaping_streams():
        assert isinstance(sys.stdout, terminal.Escaping)
        assert isinstance(sys.stderr, terminal.Escaping)
    assert (sys.stdout, sys.stderr) == before


def test_a_text_is_escaped_and_keeps_its_lines():
    assert escaped(NASTY) == SHOWN
    assert escaped("Häuser\tin\nZürich ★ 👨‍👩‍👧") == "Häuser\tin\nZürich ★ 👨‍👩‍👧"
    assert escaped("a\nb", one_line=True) == r"a\nb"


def test_what_is_printed_is_escaped_on_both_streams(streams):
    out, err = streams()
    print(NASTY)
    print(NASTY, file=sys.stderr)
    sys.stderr.writelines([NASTY, "\n"])
    assert out.getvalue() == f"{SHOWN}\n"
    assert err.getvalue() == f"{SHOWN}\n{SHOWN}\n"


def test_rich_keeps_its_own_control_characters_and_gets_no_others(streams):
    out, _ = streams()
    console = terminal.console()
    assert console.is_terminal
    console.print(terminal.line(NASTY), soft_wrap=True)
    assert out.getvalue() == f"{SHOWN}\n"
    console.control(terminal_bell())
    assert out.getvalue().endswith("\a")


def terminal_bell():
    from rich.control import Control

    return Control.bell()


def test_data_for_a_program_is_as_it_is_and_escaped_in_a_terminal(streams, monkeypatch):
    out, _ = streams()
    terminal.data_stream().write(NASTY)
    assert out.getvalue() == SHOWN
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal.Escaping(pipe))
    terminal.data_stream().write(NASTY)
    assert pipe.getvalue() == NASTY


def test_a_problem_and_a_cell_of_a_table_stay_in_one_line():
    assert Problem(("x\r",), "no 'a\nb'.").sentence() == r"x\r: no 'a\nb'."
    assert cut("a\nb\x1b", 20) == r"a\nb\x1b"
    assert cut_inside("a\nb", 20) == r"a\nb"


def test_waiting_is_said_in_a_terminal_and_taken_back(streams):
    _, err = streams()
    with terminal.passing("loading …"):
        assert err.getvalue() == "\r\x1b[Kloading …"
    assert err.getvalue() == "\r\x1b[Kloading …\r\x1b[K"


def test_a_bar_moves_and_goes_away(streams):
    _, err = streams()
    bar = terminal.Bar("predicting", 4, patience_s=0)
    bar.move(2)
    assert err.getvalue() == f"\r\x1b[Kpredicting  {'━' * 15}{' ' * 15}  50 %"
    bar.close()
    assert err.getvalue().endswith("\r\x1b[K")


def test_nothing_passing_is_said_in_a_pipe_or_by_the_library(monkeypatch):
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal.Escaping(pipe))
    with terminal.passing("loading …"):
        terminal.Bar("predicting", 4, patience_s=0).move(2)
    library = Terminal()
    monkeypatch.setattr(sys, "stderr", library)
    with terminal.passing("loading …"):
        terminal.Bar("predicting", 4, patience_s=0).move(2)
    assert pipe.getvalue() == library.getvalue() == ""


@pytest.mark.parametrize("sign", [("JPY_PARENT_PID", "1"), ("MPLBACKEND", "module://matplotlib_inline.backend_inline")])
def test_a_command_in_a_notebook_draws_nothing_again_and_sends_no_control_characters(streams, monkeypatch, sign):
    out, err = streams()  # a notebook's commands have a terminal
    monkeypatch.setenv(*sign)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with terminal.passing("loading …"):
        terminal.Bar("predicting", 4, patience_s=0).move(2)
    console = terminal.console()
    console.print(terminal.line("epoch 1"), style="bold")
    assert (console.is_terminal, console.is_jupyter) == (False, False)
    assert (out.getvalue(), err.getvalue()) == ("epoch 1\n", "")


def test_the_library_prints_plain_lines_in_a_notebook(monkeypatch, capsys):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr("rich.console.get_ipython", lambda: shell, raising=False)
    terminal.console().print(terminal.line("epoch 1"))
    assert capsys.readouterr().out == "epoch 1\n"
