"""Many rows of one kind, held column by column: rows are made for whoever asks for them one by one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import starmap
from typing import Any, Generic, TypeVar, overload

R = TypeVar("R")


class RowTable(Sequence[R], Generic[R]):
    """Rows of a flat dataclass, in order.

    kind: the dataclass; columns: a sequence for each of its fields, in their order, all of one length
    Tables of a run have tens of thousands of rows, of which what is printed or drawn needs some hundreds.
    """

    def __init__(self, kind: type[R], columns: Iterable[Sequence[Any]]) -> None:
        self.kind, self.columns = kind, tuple(columns)
        assert len(self.columns) == len(fields(kind)), "a column for each field"  # type: ignore[arg-type]
        self._places: dict[str, dict[Any, list[int]]] = {}

    @cached_property
    def _rows(self) -> tuple[R, ...]:
        return tuple(starmap(self.kind, zip(*self.columns, strict=True)))

    def column(self, name: str) -> Sequence[Any]:
        """What all rows have under that name."""
        return self.columns[[field.name for field in fields(self.kind)].index(name)]  # type: ignore[arg-type]

    def find(self, **wanted: Any) -> list[R]:
        """The rows that have these values, in order; fastest with the name first that tells most of them apart."""
        return self.at(self.places(**wanted))

    def places(self, **wanted: Any) -> list[int]:
        """Where the rows are that `find` gives."""
        (first, value), *others = wanted.items()
        if first not in self._places:
            places: dict[Any, list[int]] = {}
            for place, one in enumerate(self.column(first)):
                places.setdefault(one, []).append(place)
            self._places[first] = places
        found = self._places[first].get(value, [])
        for name, other in others:
            column = self.column(name)
            found = [place for place in found if column[place] == other]
        return found

    def at(self, places: Iterable[int]) -> list[R]:
        """The rows at these places."""
        return [self.kind(*(column[place] for column in self.columns)) for place in places]

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[R, ...]: ...
    def __getitem__(self, place: int | slice) -> R | tuple[R, ...]:
        return self._rows[place]

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
    """The same rows held in columns; a table is what it was."""
    if isinstance(rows, RowTable):
        return rows
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return RowTable(kind, [[getattr(row, name) for row in rows] for name in names])
