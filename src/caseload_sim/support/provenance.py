"""How to tell later whether an answer is the same: digests of tables, and versions of all that an answer can depend on."""

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.support.columns import field_names


class Digest:
    """SHA-256 over names, types, shapes and little-endian bytes of a table's integer and boolean columns.

    Columns of the tables within it count too, each under its dotted name. Floats do not: they differ between machines.
    A table may be added block by block: the digest is the same as if it were added at once.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[Any, str, int]] = {}

    def add(self, table: object) -> None:
        """Add more rows of the table."""
        for name, column in _columns_of(table, ""):
            if column.dtype.kind in "iub":
                little = np.ascontiguousarray(column, _little(column.dtype))
                if name not in self._columns:
                    self._columns[name] = sha256(), f"{name}:{little.dtype.str}:{little.shape[1:]}", 0
                so_far, about, n = self._columns[name]
                so_far.update(little)
                self._columns[name] = so_far, about, n + len(little)

    def hexdigest(self) -> str:
        """The digest of all that was added."""
        each = (f"{about}:{n}:{column.hexdigest()}" for column, about, n in self._columns.values())
        return sha256(";".join(each).encode()).hexdigest()


@cache
def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def digest(table: object) -> str:
    """The digest of a table; see `Digest`."""
    result = Digest()
    result.add(table)
    return result.hexdigest()


def _columns_of(table: object, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Every array of a table with its dotted name, in the table's order."""
    if isinstance(table, np.ndarray):
        yield name, table
    elif isinstance(table, Mapping):
        for key, value in table.items():
            yield from _columns_of(value, f"{name}.{key}")
    elif isinstance(table, tuple | list):
        for k, value in enumerate(table):
            yield from _columns_of(value, f"{name}.{k}")
    else:
        kind: Any = type(table)
        for field in field_names(kind):
            yield from _columns_of(getattr(table, field), f"{name}.{field}" if name else field)


PARTS_OF_THE_ANSWER = ("caseload-sim", "numpy", "scipy", "simpy")


def versions_here() -> dict[str, str]:
    """Versions of all that an answer can depend on."""
    return {name: version(name) for name in PARTS_OF_THE_ANSWER}


def other_versions(there: dict[str, str], here_is: str = "here") -> list[str]:
    """Say in words which packages have another version there than here."""
    here = versions_here()
    return [
        f"{name} {there.get(name, 'none')}, and {here_is} is {here.get(name, 'none')}"
        for name in dict.fromkeys([*here, *there])
        if there.get(name) != here.get(name)
    ]
