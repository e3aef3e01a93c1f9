"""Packed files, .npz and Parquet: what they would unpack to, by their headers, looked at before anything is unpacked."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from caseload_sim.errors import RunError
from caseload_sim.support.limits import is_regular

MOST_KEPT_BYTES = 64_000_000  # of one replication that is kept, unpacked; those of the shipped scenarios take 2 million
MOST_TABLE_ROWS = 20_000_000  # as many clients as one replication may have unasked
MOST_COLUMN_BYTES = 1_000_000_000  # of the columns that are read of one table
MOST_FOOTER_BYTES = 8_000_000  # of a Parquet file: columns and groups of rows; ours take some thousands
PARQUET_CODEC = "SNAPPY"  # at most some twenty times smaller than what it unpacks to, unlike gzip and zstd
_MOST_DIRECTORY_BYTES = 4_000  # of a zip file; those of the at most six arrays that are kept take 400
_END, _END_64 = b"PK\5\6", b"PK\6\7"  # the record that ends a zip file, and what stands before it in one of over 4 GB
_CODECS = ("UNCOMPRESSED", PARQUET_CODEC)
_BYTES = {"bool": 1, "int32": 4}  # of a value once it is read


def write_npz(file: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Arrays by name as numpy.savez_compressed writes them, but only text is packed.

    Of a replication that is two thirds, which shrinks to a sixteenth; numbers would take longer, and shrink to a third.
    """
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as packed:
        for name, array in arrays.items():
            packed.compression = ZIP_DEFLATED if array.dtype == np.uint8 else ZIP_STORED
            with packed.open(f"{name}.npy", "w") as member:
                npy.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def read_npz(path: Path, types: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file, of which each must have its type; those that are not there are left out.

    Raises RunError where the file, or what its headers say that it unpacks to, is larger than allowed; ValueError where it
    is not a file of such arrays; and whatever reading a damaged file does.
    """
    if not is_regular(path):
        raise ValueError("not a file")
    with path.open("rb") as file:
        _refuse(path, path.stat().st_size, "of a file", MOST_KEPT_BYTES)
        _check_directory(path, file)
        with ZipFile(file) as packed:
            members = packed.infolist()
            _refuse(path, sum(one.file_size for one in members), "when unpacked", MOST_KEPT_BYTES)
            if any(one.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for one in members):
                raise ValueError("packed in another way")
            arrays = {}
            for one in members:
                name = one.filename.removesuffix(".npy")
                with packed.open(one) as member:
                    arrays[name] = _array(path, member, np.dtype(types[name]))
            return arrays


def _check_directory(path: Path, file: IO[bytes]) -> None:
    """Look at the record at the very end of a zip file: a directory of millions of names must not be read."""
    file.seek(-42, 2)
    before, end = file.read(20), file.read(22)
    if not end.startswith(_END) or not end.endswith(b"\0\0"):
        raise ValueError("no zip file, or one with a comment")
    if before.startswith(_END_64):
        raise ValueError("a zip file of the kind that is for more than 4 GB")
    _refuse(path, int.from_bytes(end[12:16], "little"), "of a directory", _MOST_DIRECTORY_BYTES)


def _array(path: Path, member: IO[bytes], kind: np.dtype[Any]) -> NDArray[Any]:
    """One array, read only if its own header asks for no more than allowed, since room is made for what the header says."""
    if npy.read_magic(member) != (1, 0):
        raise ValueError("an array written in another way")
    shape, in_columns, dtype = npy.read_array_header_1_0(member)
    if dtype != kind or in_columns:
        raise ValueError("an array of another type")
    n_bytes = kind.itemsize
    for length in shape:
        n_bytes *= length
    _refuse(path, n_bytes, "for an array", MOST_KEPT_BYTES)
    content = member.read(n_bytes + 1)
    if len(content) != n_bytes:
        raise ValueError("an array shorter or longer than it says")
    return np.frombuffer(content, dtype=kind).reshape(shape)


def _refuse(path: Path, n_bytes: int, of_what: str, most: int) -> None:
    """Raises RunError for more bytes than may be."""
    if n_bytes > most:
        raise RunError(
            f"{path}: {n_bytes:,} bytes {of_what}; at most {most:,}. caseload-sim writes none so large. Delete it."
        )


def excess_in_footer(path: Path) -> str | None:
    """Why the end of a Parquet file, which says what is in it, should not even be read; None when it may be."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, 2) - 8, 0))
        end = file.read()
    if end[4:] not in (b"PAR1", b"PARE"):
        return None  # no Parquet file at all, which whoever reads it sees at once
    n_bytes = int.from_bytes(end[:4], "little")
    return (
        f"{n_bytes:,} bytes about its columns; at most {MOST_FOOTER_BYTES:,}" if n_bytes > MOST_FOOTER_BYTES else None
    )


def excess_in_parquet(about: Any, types: Mapping[str, str]) -> str | None:
    """Why these columns of a Parquet file should not be read, by what pyarrow's FileMetaData says; None when they may be.

    Equal values take next to no room in the file, so it is rows that count, and what each takes once it is read.
    """
    n_rows = n_packed = 0
    for g in range(about.num_row_groups):
        group = about.row_group(g)
        columns = [group.column(c) for c in range(group.num_columns)]
        read = [column for column in columns if column.path_in_schema in types]
        for column in read:
            if column.compression not in _CODECS:
                return f"packed with {column.compression}; only {' and '.join(_CODECS)} are read"
        n_rows += max([group.num_rows, *(column.num_values for column in read)])
        n_packed += sum(column.total_uncompressed_size for column in read)
    n_rows = max(n_rows, about.num_rows)
    if n_rows > MOST_TABLE_ROWS:
        return f"{n_rows:,} rows; at most {MOST_TABLE_ROWS:,}"
    n_bytes = max(n_packed, n_rows * sum(_BYTES[kind] for kind in types.values()))
    return f"{n_bytes:,} bytes when unpacked; at most {MOST_COLUMN_BYTES:,}" if n_bytes > MOST_COLUMN_BYTES else None
