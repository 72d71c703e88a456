"""The installed script in a shell: pipes, encodings, standard input."""

import os

import pytest


def test_a_recipe_can_be_piped_in(process):
    done = process("hornbook check -c -", input="data: digits\nmodel: mlp\n")
    assert (done.code, done.out) == (0, "standard input: ok\n")


def test_a_reader_that_stops_early_causes_no_message(process):
    done = process("bash -c 'set -o pipefail; hornbook show recipe he_elu_bn | head -1; exit 0'")
    assert done.err == ""
    assert done.out.startswith("#")


@pytest.mark.parametrize("line", ["hornbook list recipes", "hornbook show recipe he_elu_bn", "hornbook --help"])
def test_a_terminal_without_unicode_gets_question_marks_not_a_traceback(line, process):
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = process(line, env=plain)
    assert (done.code, done.err) == (0, "")
    assert done.out.isascii()


def test_python_m_hornbook_is_the_same_program(process):
    assert process("python -m hornbook check -c he_elu_bn").out == "he_elu_bn.yaml: ok\n"
