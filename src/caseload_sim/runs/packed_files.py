"""Parquet files too large to read: refuse them by what they say of themselves, before anything is unpacked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST_TABLE_ROWS = 20_000_000  # as many clients as one replication may have unasked
MOST_COLUMN_BYTES = 1_000_000_000  # of the columns that are read of one table
MOST_FOOTER_BYTES = 8_000_000  # of a Parquet file: columns and groups of rows; ours take some thousands
PARQUET_CODEC = "SNAPPY"  # at most some twenty times smaller than what it unpacks to, unlike gzip and zstd
_CODECS = ("UNCOMPRESSED", PARQUET_CODEC)
_BYTES = {"bool": 1, "int32": 4}  # of a value once it is read


def excess_in_footer(path: Path) -> str | None:
    """Why not even the footer of a Parquet file, which says what is in the file, should be read; None when it may be."""
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
    """Why these columns of a Parquet file should not be read; None when they may be.

    A small file can be a large table: a million equal values take a few bytes. So what counts is the number of rows, and
    how much memory each row takes once it is read.
    about: pyarrow's FileMetaData; types: the type of each column to be read
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
