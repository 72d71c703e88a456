"""Texts of your own: which tokens they become, and folders of text files, one for each class."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import PositiveInt, Spec, register
from hornbook.recipes.sources.common import Encoding, Stored

__all__ = ["TextFolder", "TextSettings"]

Length = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]
FileName = Annotated[str, Field(min_length=1)]


class TextSettings(Spec):
    """Which tokens a text becomes, and how many of them: what Keras's `TextVectorization` does with it.

    The vocabulary comes from the training split and is stored in the saved model. Token 0 fills short texts up, token 1 is
    whatever is not in the vocabulary.
    """

    tokens: Literal["words", "subwords", "characters"] = "words"
    """What a token is: a word (what stands between white space), a piece of one, or a single character. Pieces are learned
    on the training split by merging the most frequent pairs, and the longest that fits is read. Sennrich et al. (2016),
    arXiv:1508.07909."""
    ngrams: Annotated[int, Field(ge=1, le=5)] = 1
    """Up to so many tokens in a row count as a token as well, for networks that do not look at the order of tokens: they
    are appended to the single ones."""
    standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"] = (
        "lower_and_strip_punctuation"
    )
    """What happens to a text first. Lower case is of A to Z alone, and punctuation is ASCII's, as in Keras."""
    vocabulary: Annotated[int, Field(ge=3)] = 20_000
    """How many different tokens there are at most, the two special ones included: the most frequent."""
    min_count: PositiveInt = 1
    """How often a token has to be in the training split to be in the vocabulary."""
    length: Length = 0.95
    """Tokens of a text: a whole number; or the share of training texts that are to be kept whole (1.0: all of them). The
    end of longer texts is cut off."""
    embeddings: FileName | None = None
    """A text file with a token and its numbers in each line, as GloVe and word2vec write it: what embeddings begin with."""
    path_fields: ClassVar[frozenset[str]] = frozenset({"embeddings"})


@register
class TextFolder(Stored):
    """Text files in folders: one folder for each class.

    Or folders `train`, `validation` and `test` with such folders in them; `validation` may also be called `val` or `valid`.
    Reads .txt files, each of which is one text. The classes are in the order of the folders' names. Hornbook.

    Example:
        data: {name: text_folder, path: reviews, text: {vocabulary: 10000, length: 200}}
    """

    name: Literal["text_folder"] = "text_folder"
    builds = "hornbook.data.sources.texts:load_text_folder"
    data_kind = "tokens"
    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileName
    """The folder, relative to the current one."""
    encoding: Encoding = "utf-8"
    """How the files are encoded, by Python's names."""
    text: TextSettings = TextSettings()
    """Which tokens the texts become."""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield a task for which folders are no targets."""
        if task in {"regression", "multilabel"}:
            message = f"folders are classes, but the task is {task}."
            yield Problem((*path, "name"), message, "Use 'table', or remove 'task'.", code="data-classes")
