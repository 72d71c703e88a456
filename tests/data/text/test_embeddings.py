"""Embeddings of one's own: rows for the words that are there, and the line of whatever cannot be read."""

import numpy as np
import pytest

from hornbook.data.text.embeddings import read_embeddings
from hornbook.errors import DataError

WORDS = ("cat", "école", "dog", "new york")


def written(tmp_path, text):
    path = tmp_path / "vectors.txt"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("heading", ["", "4 3\n"])
def test_rows_are_found_by_their_word(tmp_path, heading):
    text = heading + "cat 1 2.5 -3e-1\nécole 4 5 6\nhorse 7 8 9\nnew york 0 1 0\ncat 9 9 9\n"
    rows, found = read_embeddings(written(tmp_path, text), WORDS)
    np.testing.assert_allclose(rows, [[1, 2.5, -0.3], [4, 5, 6], [0, 0, 0], [0, 1, 0]], rtol=1e-6)
    assert found.tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("cat\n", "line 1 has no numbers"),
        ("cat 1 2\ndog 1\n", "line 2 has 1 numbers, expected 2"),
        ("cat 1 2\n\ndog 1 2\n", "line 2 is empty"),
        ("dog 1 2\ncat 1 x\n", "line 2: 'x' is no number"),
        ("dog 1 2\ncat 1 nan\n", "line 2: 'nan' is no number"),
        ("dog 1 2\ncat 1 1e99\n", "line 2: '1e99' is no number"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_embeddings(written(tmp_path, text), WORDS)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"glove\.txt: no such file"):
        read_embeddings(tmp_path / "glove.txt", WORDS)
