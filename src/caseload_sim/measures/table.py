"""A table of measures: numbers of one replication, in rows that all replications of a scenario share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.support.columns import Columns


class Rows:
    """The rows of a measure table, in order.

    recipe: a function and its arguments that give the very same rows; they then go to another process as that, since
        sixteen thousand names take as long to send as a small replication takes to run
    """

    def __init__(
        self, keys: Sequence[Quantity], recipe: tuple[Callable[..., "Rows"], tuple[Any, ...]] | None = None
    ) -> None:
        self.keys, self._recipe = tuple(keys), recipe

    @cached_property
    def places(self) -> dict[Quantity, int]:
        """Which row has which key."""
        return {key: row for row, key in enumerate(self.keys)}

    def __reduce__(self) -> tuple[Any, ...]:
        return self._recipe or (Rows, (self.keys,))


class MeasureTable(Mapping[Quantity, Value]):
    """Numerator, denominator and value of each row; NaN where there is none.

    rows: shared by tables of the same shape; numbers: (rows, 3) float64
    """

    def __init__(self, rows: Rows, numbers: Columns) -> None:
        assert numbers.shape == (len(rows.keys), 3), "a numerator, a denominator and a value for each row"
        self.rows, self.numbers = rows, numbers

    def __getitem__(self, key: Quantity) -> Value:
        return Value(*self.numbers[self.rows.places[key]].tolist())

    def __iter__(self) -> Iterator[Quantity]:
        return iter(self.rows.keys)

    def __len__(self) -> int:
        return len(self.rows.keys)


def table_of(values: Mapping[Quantity, Value]) -> MeasureTable:
    """A table with these rows."""
    return MeasureTable(Rows(tuple(values)), np.array(list(values.values()), dtype=np.float64).reshape(-1, 3))


def together(first: MeasureTable, second: MeasureTable) -> MeasureTable:
    """The rows of one table, then those of another."""
    return MeasureTable(Rows([*first, *second]), np.concatenate([first.numbers, second.numbers]))


def stacked_numbers(tables: Sequence[MeasureTable]) -> NDArray[np.float64]:
    """Numerators, denominators and values of several tables of the same rows, (3, tables, rows).

    Laid out in memory in one way, however the tables are: the last bit of a sum over tables depends on it.
    """
    first = tables[0].rows
    assert all(table.rows is first or table.rows.keys == first.keys for table in tables), "tables of different rows"
    result = np.empty((3, len(tables), len(first.keys)))
    for k, table in enumerate(tables):
        result[:, k] = table.numbers.T
    return result
