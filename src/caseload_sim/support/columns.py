"""Rows of any table of columns: some of them, those of several tables one after the other, or block by block; or one row by name."""

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
    """Stretches of at most so many rows that together are n rows, CLIENTS_AT_ONCE if None; none when n is 0."""
    size = size or CLIENTS_AT_ONCE
    return [slice(first, min(first + size, n)) for first in range(0, n, size)]


def fit_one_block(n: int) -> bool:
    """Whether so many rows are at most one of `blocks_of`."""
    return n <= CLIENTS_AT_ONCE


def rows_of(table: Table, rows: NDArray[np.intp]) -> Table:
    """Some rows of a table of columns; those with two dimensions are then column by column in memory."""
    result: Table = _each_column(lambda column: column.T.take(rows, axis=-1).T, table)
    return result


def slice_of(table: Table, rows: slice) -> Table:
    """A stretch of rows of a table of columns, which are views of the same memory."""
    result: Table = _each_column(lambda column: column[rows], table)
    return result


def stacked(*tables: Table) -> Table:
    """The rows of several tables of the same kind, one table after the other; what is no column is the first's."""
    result: Table = _each_column(lambda *columns: np.concatenate(columns), *tables)
    return result


def as_rows(columns: Iterable[NDArray[Any]], some: slice) -> NDArray[np.float32]:
    """Some rows of columns, one column after the other, (columns, n) float32: for matrix products of flags and small counts."""
    chosen = [column[some] for column in columns]
    result = np.empty((len(chosen), some.stop - some.start), dtype=np.float32)
    for k, column in enumerate(chosen):
        result[k] = column
    return result


def read_only(column: Column) -> Column:
    """The same array, which nobody can write to: for those that are kept, and given to whoever asks."""
    column.flags.writeable = False
    return column


def by_name(row: Any) -> dict[str, Any]:
    """The fields of a flat dataclass; `dataclasses.asdict` copies each value in depth, which takes ten times as long."""
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def largest_column(table: NDArray[np.float64]) -> NDArray[np.int8]:
    """Which column of each row has the largest number, the first of equals, (n,) int8."""
    best, which = table[:, 0].copy(), np.zeros(len(table), dtype=np.int8)
    for j in range(1, table.shape[1]):
        better = table[:, j] > best
        np.copyto(which, j, where=better)
        np.maximum(best, table[:, j], out=best)
    return which


@cache
def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a dataclass in order; none of anything else."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


def _each_column(change: Callable[..., NDArray[Any]], *tables: Any) -> Any:
    """Tables of the same kind with every column changed. No function within this one: it would hold on to columns in a cycle."""
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
