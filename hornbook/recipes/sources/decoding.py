"""How picture files become pixels: the keys that sources of pictures and tables with columns of them share."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from hornbook.recipes.language.spec import PositiveInt, Spec, as_tuple

__all__ = ["PictureReading"]

Pair = Annotated[tuple[PositiveInt, PositiveInt], BeforeValidator(as_tuple)]
MOST_PIXELS = 4096 * 4096


class PictureReading(Spec):
    """How picture files become pixels: the size and colours that all of them get."""

    size: PositiveInt | Pair
    """Height and width that every picture gets, `[96, 128]`; one number for squares."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """What happens to pictures of another shape: `crop` keeps the middle, `pad` keeps all and fills the rest with the
    background, `stretch` changes the proportions."""
    channels: Literal[1, 3] = 3
    """1 reads all pictures as grey, 3 as red, green and blue."""
    background: Annotated[str, Field(min_length=1)] = "white"
    """The colour behind transparent parts and around padded pictures: a name of HTML, or `'#808080'`."""

    @field_validator("background")
    @classmethod
    def _is_colour(cls, value: str) -> str:
        from PIL import ImageColor  # only where a recipe names a colour

        try:
            ImageColor.getrgb(value)
        except ValueError:
            raise ValueError(
                f"there is no colour {value!r}; expected one like white, black, grey or '#808080'"
            ) from None
        return value

    @field_validator("size")
    @classmethod
    def _fits_memory(cls, value: int | tuple[int, int]) -> int | tuple[int, int]:
        height, width = value if isinstance(value, tuple) else (value, value)
        if height * width > MOST_PIXELS:
            raise ValueError(f"{height:,} × {width:,} pixels are more than a network takes; at most {MOST_PIXELS:,}")
        return value

    @property
    def height_and_width(self) -> tuple[int, int]:
        """The size as two numbers."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)
