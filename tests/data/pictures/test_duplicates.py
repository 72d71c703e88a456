"""Copies of a picture are found whatever was done to them, and other pictures of the same thing are no copies."""

import io

import numpy as np
import pytest
from pictures import encoded
from PIL import Image, ImageEnhance
from sklearn.datasets import load_digits, load_sample_images

from hornbook.data.pictures.decode import decode
from hornbook.data.pictures.duplicates import alike, grey_copies
from hornbook.data.pictures.settings import PictureSettings

SETTINGS = PictureSettings(32, 32)


def groups(images):
    found = [decode(encoded(image), SETTINGS) for image in images]
    sizes = (np.array([getattr(one, axis) for one in found], float) for axis in ("width", "height"))
    return alike(*grey_copies(np.stack([one.thumb for one in found])), *sizes).tolist()


def photographs():
    """Eight pieces of two photographs, none of which overlap, of 200×200 pixels."""
    pieces = [(left, top) for left in (0, 210, 420) for top in (0, 210)]
    return [
        Image.fromarray(image).crop((left, top, left + 200, top + 200))
        for image in load_sample_images().images
        for left, top in pieces
    ]


def compressed(image, quality):
    return Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality)))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((100, 100), Image.Resampling.LANCZOS),
        lambda image: image.resize((300, 300), Image.Resampling.BICUBIC),
        lambda image: compressed(image, 40),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
        lambda image: ImageEnhance.Contrast(image).enhance(1.2),
        lambda image: image.crop((2, 2, 198, 198)),
        lambda image: compressed(image.crop((0, 3, 200, 200)).resize((120, 120)), 70),
    ],
    ids=["half", "larger", "compressed", "brighter", "darker", "contrast", "cropped", "all"],
)
def test_a_changed_copy_of_a_photograph_is_found(change):
    originals = photographs()
    count = len(originals)
    assert groups(originals) == list(range(count))
    found = groups([*originals, *map(change, originals)])
    assert found[:count] == list(range(count))
    hits = sum(found[count + place] == place for place in range(count))
    assert hits >= count - 1
    assert all(group in {place, place + count} for place, group in enumerate(found[count:]))


def test_other_photographs_of_the_same_place_are_no_copies():
    image = Image.fromarray(load_sample_images().images[0])
    shifted = [image.crop((left, 40, left + 300, 340)) for left in range(0, 330, 30)]
    assert groups(shifted) == list(range(len(shifted)))


def test_different_small_digits_of_a_class_are_no_copies():
    bunch = load_digits()
    images = [
        Image.fromarray((255 - values * 255 / 16).astype(np.uint8)).resize((28, 28), Image.Resampling.BICUBIC)
        for values in bunch.images[:600]
    ]
    found = np.array(groups(images))
    assert np.mean(found != np.arange(len(found))) < 0.005
    twice = groups([*images[:100], *(compressed(image, 95) for image in images[:100])])
    assert np.mean(np.array(twice[100:]) == np.arange(100)) > 0.95


def test_plain_pictures_and_pictures_of_other_colours_are_no_copies():
    assert groups([Image.new("RGB", (80, 80), colour) for colour in ("white", "white", "navy")]) == [0, 1, 2]
    ramp = np.linspace(0, 255, 80).astype(np.uint8)[None].repeat(80, axis=0)
    red, green = np.zeros((2, 80, 80, 3), np.uint8)
    red[..., 0], green[..., 1] = ramp, ramp
    assert groups([Image.fromarray(red), Image.fromarray(green), Image.fromarray(red[:, ::-1].copy())]) == [0, 1, 2]


def test_no_pair_is_missed_by_the_search():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (60, 16, 16)).astype(float)
    copies = np.concatenate([base, base + rng.normal(0, 9, base.shape), base + rng.normal(0, 14, base.shape)])
    copies = copies.clip(0, 255).astype(np.uint8)
    vectors = copies.reshape(len(copies), -1).astype(float)
    correlation = np.corrcoef(vectors)
    found = alike(copies, np.zeros((len(copies), 3), np.uint8), np.full(len(copies), 80.0), np.full(len(copies), 80.0))
    for first, second in zip(*np.nonzero(correlation >= 0.9852), strict=True):
        assert found[first] == found[second]
    joined = found[:, None] == found[None]
    assert joined.sum() > len(copies) + 60
