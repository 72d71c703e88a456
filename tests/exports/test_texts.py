"""Texts of rows become token numbers where no Hornbook is; what a row lacks is named."""

import json
import subprocess
import sys

import pytest

from hornbook.exports.texts import encode, encoders_of, read

FACTS = {
    "review": {
        "tokens": "words", "ngrams": 2, "standardize": "lower_and_strip_punctuation", "length": 4,
        "vocabulary": ["a", "film", "fine", "fine film"],
    },
    "title": {
        "tokens": "subwords", "ngrams": 1, "standardize": "lower", "length": 3, "vocabulary": ["\u2581go", "od", "!"],
    },
}  # fmt: skip
ROWS = [
    {"review": "A FINE film!", "title": "Good!", "stars": 3},
    {"review": None, "title": "od"},
    {"review": "a\tfilm\n", "title": ""},
]
NUMBERS = [[2, 4, 3, 1, 2, 3, 4], [0, 0, 0, 0, 1, 3, 0], [2, 3, 1, 0, 0, 0, 0]]
OUTSIDE = """
import json, sys
sys.modules["hornbook"] = None  # importing it fails
import texts
rows, facts = json.load(sys.stdin)
print(json.dumps(texts.encode(rows, texts.encoders_of(facts)).tolist()))
"""


def test_each_text_has_its_tokens_those_of_a_column_behind_the_other():
    assert encode(ROWS, encoders_of(FACTS)).tolist() == NUMBERS


def test_the_program_of_a_package_does_the_same_without_hornbook(tensorflow, tmp_path):
    from hornbook.exports.package import _reader_of_texts

    (tmp_path / "texts.py").write_text(_reader_of_texts(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE], cwd=tmp_path, input=json.dumps([ROWS, FACTS]), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == NUMBERS


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"stars": 3}, "row 2: no column 'review', which the model reads."),
        ({"review": ["fine"], "title": ""}, "row 2, column 'review': a text is expected, found ['fine']."),
    ],
)
def test_what_a_row_lacks_is_named(row, message):
    with pytest.raises(ValueError, match=r"^row 2") as caught:
        encode([ROWS[0], row], encoders_of(FACTS))
    assert str(caught.value) == message


def test_lines_of_a_file_are_texts_and_a_table_has_cells_of_any_size(tmp_path):
    (tmp_path / "new.txt").write_bytes(b"\xef\xbb\xbfa fine film\r\n\ndull\n")
    assert [row["review"] for row in read(tmp_path / "new.txt", encoders_of(FACTS))] == ["a fine film", "", "dull"]
    (tmp_path / "new.csv").write_text('title,review\n"two\nlines",' + "fine " * 40_000 + "\n")
    (row,) = read(tmp_path / "new.csv", encoders_of(FACTS))
    assert (row["title"], len(row["review"])) == ("two\nlines", 200_000)
