"""A table of many rows of one dataclass that is held as columns; a row is made only when somebody asks for it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import starmap
from typing import Any, Generic, TypeVar, overload

R = TypeVar("R")


class RowTable(Sequence[R], Generic[R]):
    """A sequence of rows of a flat dataclass, held as one column for each field.

    A run has tens of thousands of rows, of which a printed page or a figure needs some hundreds: only those are made.
    kind: the dataclass; columns: a sequence for each of its fields, in their order, all of one length
    """

    def __init__(self, kind: type[R], columns: Iterable[Sequence[Any]]) -> None:
        self.kind, self.columns = kind, tuple(columns)
        assert len(self.columns) == len(fields(kind)), "a column for each field"  # type: ignore[arg-type]
        self._rows_by_value: dict[str, dict[Any, list[int]]] = {}

    @cached_property
    def _rows(self) -> tuple[R, ...]:
        return tuple(starmap(self.kind, zip(*self.columns, strict=True)))

    def column(self, name: str) -> Sequence[Any]:
        """The column of that name: one value for each row."""
        return self.columns[[field.name for field in fields(self.kind)].index(name)]  # type: ignore[arg-type]

    def find(self, **wanted: Any) -> list[R]:
        """The rows that have these values, in order, as in `find(measure="recovery", base="finished")`.

        It is fastest if the first name is the one with the most different values.
        """
        return self.at(self.places(**wanted))

    def places(self, **wanted: Any) -> list[int]:
        """The numbers, counted from 0, of the rows that `find` gives."""
        (first, value), *others = wanted.items()
        if first not in self._rows_by_value:
            row_numbers: dict[Any, list[int]] = {}
            for row_number, one in enumerate(self.column(first)):
                row_numbers.setdefault(one, []).append(row_number)
            self._rows_by_value[first] = row_numbers
        found = self._rows_by_value[first].get(value, [])
        for name, other in others:
            column = self.column(name)
            found = [row_number for row_number in found if column[row_number] == other]
        return found

    def at(self, row_numbers: Iterable[int]) -> list[R]:
        """The rows with these numbers, counted from 0."""
        return [self.kind(*(column[row_number] for column in self.columns)) for row_number in row_numbers]

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, row_number: int) -> R: ...
    @overload
    def __getitem__(self, row_number: slice) -> tuple[R, ...]: ...
    def __getitem__(self, row_number: int | slice) -> R | tuple[R, ...]:
        return self._rows[row_number]

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowTable) and (self.kind, self.columns) == (other.kind, other.columns)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self):,} rows of {self.kind.__name__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return RowTable, (self.kind, self.columns)


def as_table(rows: Sequence[R], kind: type[R]) -> RowTable[R]:
    """The rows as a `RowTable`; if they are one already, that one."""
    if isinstance(rows, RowTable):
        return rows
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return RowTable(kind, [[getattr(row, name) for row in rows] for name in names])
