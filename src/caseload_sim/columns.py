"""Rows of any table of columns: some of them, or those of several tables one after the other."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Table = TypeVar("Table")


def rows_of(table: Table, rows: NDArray[np.intp]) -> Table:
    """Some rows of a table of columns."""
    return _each_column(lambda column: column[rows], table)


def stacked(*tables: Table) -> Table:
    """The rows of several tables of the same kind, one table after the other; what is no column is the first's."""
    return _each_column(lambda *columns: np.concatenate(columns), *tables)


def _each_column(change: Callable[..., NDArray[Any]], *tables: Table) -> Table:
    def one(*values: Any) -> Any:
        first = values[0]
        if isinstance(first, np.ndarray):
            return change(*values)
        if isinstance(first, dict):
            return {key: one(*(value[key] for value in values)) for key in first}
        if isinstance(first, tuple):
            return tuple(one(*parts) for parts in zip(*values, strict=True))
        if is_dataclass(first) and not isinstance(first, type):
            return replace(first, **{f.name: one(*(getattr(value, f.name) for value in values)) for f in fields(first)})
        return first

    result: Table = one(*tables)
    return result
