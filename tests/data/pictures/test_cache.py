"""Pixels are decoded once for the same bytes and settings, noticed when they change, and never half there."""

import os
import resource
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pictures import digit, encoded, write_digits

from hornbook.data.pictures import reading
from hornbook.data.pictures.index import known_digests, remember
from hornbook.data.pictures.listing import list_files
from hornbook.data.pictures.settings import PictureSettings
from hornbook.errors import DataError
from hornbook.runs import caches

SETTINGS = PictureSettings(12, 12, channels=1)
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    return write_digits(tmp_path / "digits", per_class=5)


@pytest.fixture
def decoded(monkeypatch):
    """What was decoded: the hash of each file."""
    found, decode = [], reading.decode

    def counted(data, settings):
        found.append(reading.digest_of(data))
        return decode(data, settings)

    monkeypatch.setattr(reading, "decode", counted)
    return found


@pytest.fixture
def aged(monkeypatch):
    """Files are older than the clock of any disk is coarse."""
    monkeypatch.setattr(reading, "now_ns", lambda: time.time_ns() + 10**10)


def read(folder, settings=SETTINGS):
    found = list_files(folder)
    return reading.read_pictures(folder, found.names, found.stats, settings)


def pixels(found):
    return found.rows.take(found.row)


def the_set(cache):
    (path,) = [path for path in cache.iterdir() if "-" in path.name and not path.name.startswith(".")]
    return path


def test_pictures_that_were_read_are_not_decoded_again(folder, tmp_path, decoded):
    first = pixels(read(folder))
    assert len(decoded) == 15
    np.testing.assert_array_equal(pixels(read(folder)), first)  # files this young are hashed again
    moved = folder.rename(tmp_path / "moved")
    (moved / "a").rename(moved / "z")
    np.testing.assert_array_equal(pixels(read(moved))[:10], first[5:])
    assert len(decoded) == 15
    read(moved, PictureSettings(12, 12, "pad", channels=1))
    assert len(decoded) == 30


def test_unchanged_files_are_not_even_opened(folder, aged, monkeypatch):
    first = pixels(read(folder))
    monkeypatch.setattr(reading, "_outcome", lambda *_: pytest.fail("opened"))
    kept = read(folder)
    assert kept.was_cached
    np.testing.assert_array_equal(pixels(kept), first)


def test_a_file_that_was_changed_just_before_it_was_read_is_not_trusted(folder):
    read(folder)
    found = list_files(folder)
    assert set(known_digests(folder, found.names, found.stats)) == {None}
    remember(folder, found.names, found.stats, [bytes(16)] * 15, read_ns=time.time_ns() + 10**10)
    assert set(known_digests(folder, found.names, found.stats)) == {bytes(16)}


def test_a_change_is_noticed_though_size_and_time_are_what_they_were(folder, aged):
    path = folder / "a" / "005.bmp" if (folder / "a" / "005.bmp").exists() else folder / "a" / "001.png"
    first, status = pixels(read(folder)), path.stat()
    data = bytearray(path.read_bytes())
    other = bytearray(encoded(digit(7, (32, 24)).transpose(1)))
    path.write_bytes(bytes(other[: len(data)]).ljust(len(data), b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    second = read(folder)
    place = list_files(folder).names.index(path.relative_to(folder).as_posix())
    assert place in second.reasons or not np.array_equal(pixels(second)[place], first[place])


def test_of_a_folder_that_grows_only_new_pictures_are_decoded(folder, decoded):
    first = pixels(read(folder))
    (folder / "a" / "zz.png").write_bytes(encoded(digit(100)))
    (folder / "a" / "same.jpg").write_bytes((folder / "a" / "000.jpg").read_bytes())
    second = read(folder)
    assert len(decoded) == 16
    names = list_files(folder).names
    old = [place for place, name in enumerate(names) if name not in {"a/zz.png", "a/same.jpg"}]
    np.testing.assert_array_equal(pixels(second)[old], first)
    assert second.row[names.index("a/same.jpg")] == second.row[names.index("a/000.jpg")]
    assert len(second.rows) == 16


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(path / "rows.npy"),
        lambda path: flip(path / "facts.bin"),
        lambda path: (path / "rows.npy").write_bytes((path / "rows.npy").read_bytes()[:-1]),
        lambda path: (path / "rows.npy").unlink(),
        lambda path: (path / "about.json").write_text("{"),
        lambda path: (path / "about.json").unlink(),
        lambda path: shutil.rmtree(path),
    ],
)
def test_a_damaged_cache_is_noticed_and_filled_again(folder, cache, aged, damage):
    first = pixels(read(folder))
    damage(the_set(cache))
    second = read(folder)
    assert not second.was_cached
    np.testing.assert_array_equal(pixels(second), first)
    assert read(folder).was_cached


def test_a_cache_that_is_deleted_while_it_is_used_can_be_read_to_the_end(folder, cache):
    found = read(folder)
    first = pixels(found)
    shutil.rmtree(cache)
    np.testing.assert_array_equal(pixels(found), first)


def test_a_full_disk_is_said_and_nothing_half_written_stays(folder, cache):
    (cache / "locks").mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DataError, match=r"cannot be kept: File too large\. Free some room \('hornbook runs prune'"):
            read(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size] == []
    assert len(pixels(read(folder))) == 15


def test_too_little_room_is_said_before_anything_is_written(folder, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1000, 0, 1000))
    with pytest.raises(DataError, match="15 pictures take up to 0 MB, 0 are free"):
        read(folder)


def test_a_place_that_cannot_be_written_is_said(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="cannot be written .*environment variable HORNBOOK_CACHE"):
        read(folder)


def test_of_two_that_read_the_same_pictures_one_waits_for_the_other(folder, decoded, aged):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: pixels(read(folder)), range(3)))
    assert len(decoded) == 15
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_what_a_killed_process_left_is_removed(folder, cache):
    read(folder)
    (key,) = [path.name for path in (cache / "locks").iterdir()]
    left = cache / f".filling-{key}-12345678"
    left.mkdir()
    (left / "rows.npy").write_bytes(bytes(1000))
    assert caches.remove_unfilled() == 1000
    assert not left.exists()
    left.mkdir()
    (folder / "a" / "zz.png").write_bytes(encoded(digit(100)))
    read(folder)
    assert not left.exists()


def test_a_picture_that_cannot_be_read_is_remembered(folder, decoded):
    (folder / "a" / "bad.png").write_bytes(b"no")
    first = read(folder)
    assert list(first.reasons.values()) == ["is no JPEG, PNG, GIF, BMP, WebP, TIFF or PPM file"]
    assert len(decoded) == 16
    assert read(folder).reasons == first.reasons
    assert len(decoded) == 16


def test_the_cache_is_listed_and_freed(folder, cache, hornbook_command, tmp_path):
    read(folder)
    (tmp_path / "runs").mkdir()
    out = hornbook_command(f"hornbook runs prune {tmp_path / 'runs'}").out
    assert "kept" in out
    assert "pixels of 15 pictures at 12×12×1" in out
    assert str(folder) in out
    os.utime(the_set(cache) / "about.json", (0, 0))
    assert "would free" in hornbook_command(f"hornbook runs prune {tmp_path / 'runs'}").out
    assert the_set(cache).exists()
    out = hornbook_command(f"hornbook runs prune {tmp_path / 'runs'} --yes").out
    assert "freed" in out
    assert caches.cached_sets() == []
    assert len(pixels(read(folder))) == 15
