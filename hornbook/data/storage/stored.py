"""Opens .npy and .npz files without reading them: arrays as `Rows`, of which the pipeline decides what goes into memory."""

import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from hornbook.data.storage.files import existing_file, read_header, unreadable
from hornbook.data.storage.readers import COLUMN_ORDER, Array, FileReader
from hornbook.data.storage.rows import Inputs, Rows
from hornbook.errors import DataError

__all__ = ["open_npy", "open_npz"]

NPY_MAGIC = b"\x93NUMPY"
VERIFY_BYTES = 1 << 20
LOCAL_HEADER_BYTES = 30  # of a zip member, before its name and extra field (APPNOTE.TXT 4.3.7)


def open_npz(path: str | Path) -> dict[str, Inputs]:
    """Return the arrays of a .npz file by name, unread; single values are read. Nothing is unpickled.

    Raises:
        DataError: If the file is missing, no archive, incomplete, or holds Python objects.
    """
    file = existing_file(path)
    try:
        with file.open("rb") as stream:  # opened here, since ZipFile leaves a damaged archive open
            magic = stream.read(len(NPY_MAGIC))
            if magic == NPY_MAGIC:
                raise DataError(f"{file}: holds a single array, expected an archive written with numpy.savez.")
            if not magic.startswith(b"PK"):
                raise unreadable(file, ValueError("allow_pickle"))
            with zipfile.ZipFile(stream) as archive:
                members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
                return {info.filename.removesuffix(".npy"): _member(file, stream, archive, info) for info in members}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib, OSError, ValueError, EOFError: a damaged file fails in many ways
        raise unreadable(file, error) from error


def open_npy(path: str | Path) -> Inputs:
    """Return the array of a .npy file, unread. Errors as of `open_npz`."""
    file = existing_file(path)
    try:
        with file.open("rb") as stream:
            if stream.read(len(NPY_MAGIC)) != NPY_MAGIC:
                raise unreadable(file, ValueError("allow_pickle"))
            stream.seek(0)
            shape, is_fortran, dtype = read_header(stream)
            return _opened(_Place(file, None, shape, dtype), stream.tell(), is_fortran=is_fortran)
    except DataError:
        raise
    except Exception as error:  # as above
        raise unreadable(file, error) from error


def _member(file: Path, stream: IO[bytes], archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Inputs:
    with archive.open(info) as member:
        shape, is_fortran, dtype = read_header(member)
        heading = member.tell()
    place = _Place(file, info.filename, shape, dtype)
    if info.compress_type != zipfile.ZIP_STORED:
        return _opened(place, None, is_fortran=is_fortran)
    stream.seek(info.header_offset)
    name_bytes, extra_bytes = struct.unpack("<HH", stream.read(LOCAL_HEADER_BYTES)[-4:])
    start = info.header_offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes
    return _opened(place, start + heading, is_fortran=is_fortran)


class _Place:
    """Where an array is: a .npy file, or a member of a .npz file."""

    def __init__(self, path: Path, member: str | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if dtype.hasobject:
            raise unreadable(path, ValueError("allow_pickle"))
        self.path, self.member, self.shape, self.dtype = path, member, shape, dtype

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}: array '{self.member.removesuffix('.npy')}'"

    def load(self) -> Array:
        """Return the whole array; a member's checksum is verified."""
        try:
            if self.member is None:
                return np.asarray(np.load(self.path, allow_pickle=False))
            with (
                self.path.open("rb") as stream,
                zipfile.ZipFile(stream) as archive,
                archive.open(self.member) as member,
            ):
                return np.asarray(np.lib.format.read_array(member, allow_pickle=False))
        except Exception as error:  # as above
            raise unreadable(self.path, error) from error

    def verify(self) -> None:
        """Raise a DataError if a member's checksum does not fit; a .npy file has none."""
        if self.member is None:
            return
        try:
            with (
                self.path.open("rb") as stream,
                zipfile.ZipFile(stream) as archive,
                archive.open(self.member) as member,
            ):
                while member.read(VERIFY_BYTES):
                    pass
        except Exception as error:  # as above
            raise unreadable(self.path, error) from error


def _opened(place: _Place, offset: int | None, *, is_fortran: bool) -> Inputs:
    """Return the array at a place; offset None where it is compressed."""
    if not place.shape:
        return place.load()
    if offset is None:
        return Rows(_Packed(place, f"{place} is compressed"))
    if is_fortran and sum(size > 1 for size in place.shape) > 1:
        return Rows(_Packed(place, f"{place} {COLUMN_ORDER}"))
    return Rows(_Stored(place, offset))


class _Stored(FileReader):
    """Reads rows in place."""

    def __init__(self, place: _Place, offset: int) -> None:
        super().__init__(place.path, offset=offset, shape=place.shape, dtype=place.dtype)
        self._place = place

    def verify(self) -> None:
        """Read a member of an archive once through, to check its checksum."""
        self._place.verify()


class _Packed:
    """An array that can only be read as a whole."""

    def __init__(self, place: _Place, refusal: str) -> None:
        self.shape, self.dtype = place.shape, place.dtype
        self.refusal: str | None = refusal
        self._place = place

    def read(self, rows: range | Array) -> Array:
        """Return these rows of the whole array, which is read every time."""
        whole = self.load()
        return np.ascontiguousarray(whole[rows.start : rows.stop] if isinstance(rows, range) else whole[rows])

    def load(self) -> Array:
        """Return the whole array; a member's checksum is verified."""
        return self._place.load()

    def verify(self) -> None:
        """Do nothing: `load` does."""
