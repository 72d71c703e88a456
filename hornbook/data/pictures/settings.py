"""How pictures are read: the size and colours that all of them get. A run keeps it, so that prediction reads alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Fit", "PictureSettings"]

Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class PictureSettings:
    """What every picture becomes: (height, width, channels) uint8.

    Attributes:
        height: Rows of pixels.
        width: Columns of pixels.
        fit: What happens to a picture of another shape: `crop` keeps its middle, `pad` keeps all of it and fills the rest
            with the background, `stretch` changes its proportions.
        channels: 1 for grey, 3 for red, green and blue.
        background: A colour by its name in HTML, or as ``#rrggbb``: behind transparent parts, and around padded pictures.
    """

    height: int
    width: int
    fit: Fit = "crop"
    channels: int = 3
    background: str = "white"

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a picture's pixels."""
        return self.height, self.width, self.channels

    @classmethod
    def of_spec(cls, spec: Any) -> "PictureSettings":
        """Return how a recipe wants pictures to be read: a `PictureReading`, which no packaged copy of this knows."""
        height, width = spec.height_and_width
        return cls(height, width, spec.fit, spec.channels, spec.background)

    def to_json(self) -> dict[str, Any]:
        """Return what a run records, of JSON's types: what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "PictureSettings":
        """Return what a run has recorded."""
        return cls(**value)

    @classmethod
    def of_run(cls, extra: Mapping[str, Any]) -> "PictureSettings | None":
        """Return how the pictures of a run were read, from `DataInfo.extra`; None where it was not trained on files."""
        recorded = extra.get("pictures")
        return None if recorded is None else cls.from_json(recorded["settings"])
