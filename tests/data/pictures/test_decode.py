"""A picture file becomes the pixels that a person sees in it, whatever its format, mode, orientation and size."""

import io

import numpy as np
import pytest
from pictures import bomb, encoded
from PIL import Image
from sklearn.datasets import load_sample_images

from hornbook.data.pictures.decode import PictureError, TooLargeError, decode
from hornbook.data.pictures.settings import PictureSettings

SETTINGS = PictureSettings(24, 24)
RAMP = np.linspace(0, 255, 24).round().astype(np.uint8)
COLOURS = np.stack(np.broadcast_arrays(RAMP[:, None], RAMP[None, :], np.uint8(80)), axis=-1)
SMOOTH = Image.fromarray(COLOURS)
GREY = np.broadcast_to(RAMP[None, :], (24, 24))


def pixels(image, kind="PNG", settings=SETTINGS, **options):
    return decode(encoded(image, kind, **options), settings).pixels.astype(int)


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0), ("BMP", {}, 0), ("TIFF", {}, 0), ("TIFF", {"compression": "tiff_lzw"}, 0), ("PPM", {}, 0),
        ("WEBP", {"lossless": True}, 0), ("WEBP", {"quality": 95}, 12), ("JPEG", {"quality": 95, "subsampling": 0}, 8),
        ("GIF", {}, 40),
    ],
)  # fmt: skip
def test_each_format_gives_the_pixels_that_were_saved(kind, options, tolerance):
    assert np.abs(pixels(SMOOTH, kind, **options) - COLOURS).max() <= tolerance


def test_cmyk_is_turned_to_the_colours_it_prints_be_it_inverted_or_not():
    assert np.abs(pixels(SMOOTH.convert("CMYK"), "TIFF") - COLOURS).max() <= 1
    found = decode(encoded(SMOOTH.convert("CMYK"), "JPEG", quality=95), SETTINGS)  # Adobe's: inverted
    assert np.abs(found.pixels.astype(int) - COLOURS).mean() < 4
    assert (found.mode, found.notes) == ("CMYK", {"cmyk"})


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_reduced_to_eight_by_their_range(kind):
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    found = decode(encoded(deep, kind), PictureSettings(24, 24, channels=1))
    np.testing.assert_array_equal(found.pixels[..., 0], GREY)
    assert "sixteen_bit" in found.notes


def test_grey_and_black_and_white_are_the_same_in_all_channels():
    found = decode(encoded(Image.fromarray(GREY.copy())), SETTINGS)
    np.testing.assert_array_equal(found.pixels, np.repeat(GREY[..., None], 3, axis=2))
    assert found.notes == {"grey_to_colour"}
    two = Image.fromarray(GREY > 127)
    assert sorted(np.unique(pixels(two))) == [0, 255]


def test_colours_become_grey_by_their_luminance_and_it_is_said_where_there_were_any():
    settings = PictureSettings(24, 24, channels=1)
    found = decode(encoded(SMOOTH), settings)
    expected = COLOURS @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert np.abs(found.pixels[..., 0] - expected).max() <= 1
    assert found.notes == {"colour_to_grey"}
    assert decode(encoded(Image.fromarray(GREY.copy()).convert("RGB")), settings).notes == frozenset()


def test_transparent_parts_show_the_background():
    faint = np.dstack([COLOURS, np.broadcast_to(RAMP[:, None], (24, 24))])
    found = decode(encoded(Image.fromarray(faint)), PictureSettings(24, 24, background="#00ff80"))
    alpha = RAMP[:, None, None] / 255
    expected = COLOURS * alpha + np.array([0, 255, 128]) * (1 - alpha)
    assert np.abs(found.pixels - expected).max() <= 1.5
    assert found.notes == {"transparent"}


@pytest.mark.parametrize(
    ("kind", "mode", "options"), [("PNG", "P", {"transparency": 0}), ("GIF", "P", {"transparency": 0}), ("PNG", "L", {"transparency": 0}), ("PNG", "LA", {})]
)  # fmt: skip
def test_a_transparent_colour_shows_the_background_too(kind, mode, options):
    image = Image.new(mode, (24, 24), (0, 0) if mode == "LA" else 0)
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    assert (pixels(image, kind, **options) == 255).all()


UPRIGHT = {
    1: lambda stored: stored, 2: lambda stored: stored[:, ::-1], 3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1], 5: lambda stored: stored.T, 6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].T, 8: lambda stored: np.rot90(stored),
}  # fmt: skip
"""EXIF 2.32, tag 274: where row 0 and column 0 of what is stored belong."""


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_picture_is_turned_upright_as_its_camera_says(orientation):
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    upright = UPRIGHT[orientation](stored)
    settings = PictureSettings(*upright.shape, channels=1)
    exif = Image.Exif()
    exif[274] = orientation
    for kind, options in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        found = decode(encoded(Image.fromarray(stored), kind, exif=exif, **options), settings)
        np.testing.assert_array_equal(found.pixels[..., 0], upright)
        assert (found.height, found.width) == upright.shape
        assert ("turned" in found.notes) == (orientation > 1)
    large = Image.fromarray(np.kron(stored, np.ones((80, 80), np.uint8)))  # decoded at a fraction of its size
    found = decode(encoded(large, "JPEG", exif=exif, quality=95), settings)
    assert np.abs(found.pixels[..., 0].astype(int) - upright).max() < 25
    assert (found.height, found.width) == (80 * upright.shape[0], 80 * upright.shape[1])


STRIPES = Image.fromarray(np.repeat(np.eye(3, dtype=np.uint8) * 255, 10, axis=0)[None].repeat(10, axis=0))


def test_fit_says_what_happens_to_other_shapes():
    cropped, padded, stretched = (
        pixels(STRIPES, settings=PictureSettings(size, size, fit, background="#102030"))
        for fit, size in (("crop", 10), ("pad", 30), ("stretch", 30))
    )
    assert (cropped == [0, 255, 0]).all()  # the middle stripe
    np.testing.assert_array_equal(padded[10:20], np.asarray(STRIPES))
    assert (padded[:10] == [0x10, 0x20, 0x30]).all()
    assert (padded[20:] == [0x10, 0x20, 0x30]).all()
    np.testing.assert_array_equal(stretched, np.repeat(np.asarray(STRIPES)[:1], 30, axis=0))


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_the_oddest_shapes_have_the_wanted_size(fit, size):
    found = decode(encoded(Image.new("RGB", size, "navy")), PictureSettings(8, 12, fit))
    assert found.pixels.shape == (8, 12, 3)
    assert (found.pixels == [0, 0, 128]).all(axis=2).any()
    assert "enlarged" in found.notes


def test_a_large_photograph_looks_like_pillows_own_small_copy_of_it():
    photograph = Image.fromarray(load_sample_images().images[0])
    data = encoded(photograph, "JPEG", quality=90)
    found = decode(data, PictureSettings(48, 64, "stretch")).pixels
    expected = Image.open(io.BytesIO(data)).resize((64, 48), Image.Resampling.BILINEAR)
    assert np.abs(found.astype(int) - np.asarray(expected)).mean() < 2


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        found = decode(data, SETTINGS)
        assert (found.pixels == [255, 0, 0]).all()
        assert "first_frame" in found.notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_file_that_was_cut_short_is_refused(kind):
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)), kind)
    for end in (len(data) // 2, len(data) - len(data) // 4):
        with pytest.raises(PictureError, match=r"^is (incomplete|damaged|no )"):
            decode(data[:end], SETTINGS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty (0 bytes)"),
        (b"\x00" * 200, "is nothing but zeros; expected JPEG"),
        (b"hello", "is no JPEG, PNG, GIF, BMP, WebP, TIFF or PPM file"),
        (b"%PDF-1.4 ...", "is PDF; expected"),
        (b"\x00\x00\x00\x18ftypheic....", "is HEIC; expected"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "is SVG; expected"),
        (b"<!DOCTYPE html><html>", "is a web page; expected"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "is a pointer of Git LFS, whose file was not fetched; expected",
        ),
        (bomb(), "claims 400,000,000 pixels, at most 100,000,000 are read"),
        (bomb(11_000, 10_000), "claims 11,000 × 10,000 pixels, at most 100,000,000 are read"),
    ],
)
def test_what_is_no_picture_has_its_reason(data, reason):
    with pytest.raises(PictureError) as caught:
        decode(data, SETTINGS)
    assert str(caught.value).startswith(reason)
    assert isinstance(caught.value, TooLargeError) == reason.startswith("claims")


@pytest.mark.parametrize(("mode", "what"), [("F", "fractions"), ("I", "numbers of 32 bits")])
def test_numbers_of_which_nobody_knows_the_white_are_refused(mode, what):
    with pytest.raises(PictureError, match=f"holds {what}, of which it is not known which one is white"):
        decode(encoded(Image.new(mode, (24, 24), 7), "TIFF"), SETTINGS)


def test_settings_survive_json():
    settings = PictureSettings(3, 4, "pad", 1, "#123456")
    assert PictureSettings.from_json(settings.to_json()) == settings
    assert PictureSettings.of_run({"pictures": {"settings": settings.to_json()}}) == settings
    assert PictureSettings.of_run({}) is None
