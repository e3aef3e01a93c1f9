"""Tables made of columns: choose rows, cut into blocks, put one table after another. Any dataclass of arrays will do."""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Table = TypeVar("Table")
Column = TypeVar("Column", bound=NDArray[Any])
CLIENTS_AT_ONCE = 65_536  # fewer, and calling numpy costs more than its work; more, and columns leave the cache


def blocks_of(n: int, size: int | None = None) -> list[slice]:
    """Cut n rows into blocks of at most `size` rows, CLIENTS_AT_ONCE if None; no block when n is 0.

    >>> blocks_of(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = size or CLIENTS_AT_ONCE
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]


def fit_one_block(n: int) -> bool:
    """Whether `blocks_of` cuts so many rows into at most one block."""
    return n <= CLIENTS_AT_ONCE


def rows_of(table: Table, rows: NDArray[np.intp]) -> Table:
    """A table with only these rows. Arrays of two dimensions then lie column by column in memory, which is how they are used."""
    result: Table = _each_column(lambda column: column.T.take(rows, axis=-1).T, table)
    return result


def with_rows(table: Table, rows: NDArray[np.intp], theirs: Table) -> Table:
    """A table in which these rows are those of another, which has them alone."""

    def put(column: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        result = column.copy(order="K")
        result.T[..., rows] = new.T
        return result

    result: Table = _each_column(put, table, theirs)
    return result


def slice_of(table: Table, rows: slice) -> Table:
    """A table with a stretch of the rows. Nothing is copied: its columns are views of the same memory."""
    result: Table = _each_column(lambda column: column[rows], table)
    return result


def stacked(*tables: Table) -> Table:
    """One table with the rows of the first table, then those of the second, and so on. What is no column is taken from the first."""
    result: Table = _each_column(lambda *columns: np.concatenate(columns), *tables)
    return result


def as_rows(columns: Iterable[NDArray[Any]], some: slice) -> NDArray[np.float32]:
    """A matrix with a row for each of these columns, cut to a stretch, (columns, n) float32.

    For matrix products of flags and small whole numbers, which float32 holds exactly.
    """
    chosen = [column[some] for column in columns]
    result = np.empty((len(chosen), some.stop - some.start), dtype=np.float32)
    for k, column in enumerate(chosen):
        result[k] = column
    return result


def read_only(column: Column) -> Column:
    """Make an array unwritable and return it: for arrays in a cache, which every caller shares."""
    column.flags.writeable = False
    return column


def by_name(row: Any) -> dict[str, Any]:
    """The fields of a flat dataclass by name. Ten times as fast as `dataclasses.asdict`, which copies each value in depth."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def largest_column(table: NDArray[np.float64]) -> NDArray[np.int8]:
    """For each row, the number of the column with the largest value, (n,) int8; the first of them if several are equal."""
    best, which = table[:, 0].copy(), np.zeros(len(table), dtype=np.int8)
    for j in range(1, table.shape[1]):
        better = table[:, j] > best
        np.maximum(which, better.view(np.int8) * np.int8(j), out=which)  # a mask would take ten times as long
        np.maximum(best, table[:, j], out=best)
    return which


@cache
def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a dataclass in order; none of anything else."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _each_column(change: Callable[..., NDArray[Any]], *tables: Any) -> Any:
    """A table made by calling `change` for each column, with that column of each of the tables.

    It goes down into dicts, tuples and dataclasses within the table. No function is defined in here: calling itself, it would
    be part of a reference cycle, and columns would stay in memory until the next garbage collection.
    """
    first = tables[0]
    kind: Any = type(first)
    if kind is np.ndarray:
        return change(*tables)
    if kind is dict:
        return {key: _each_column(change, *[table[key] for table in tables]) for key in first}
    if kind is tuple and not all(isinstance(part, str) for part in first):
        return tuple([_each_column(change, *parts) for parts in zip(*tables, strict=True)])
    if names := field_names(kind):
        return kind(*[_each_column(change, *[getattr(table, name) for table in tables]) for name in names])
    return first


Columns = NDArray[np.float64]


Days = NDArray[np.int32]
Codes = NDArray[np.int8]


Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


Flags = NDArray[np.bool_]
