"""What every column of every saved table means, as columns.toml beside this says: the one place from which all else takes it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

PLACEHOLDER = re.compile(r"\{(\w+)\}")
Names = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what it is, in words, and the unit of its numbers, empty where there is none.

    name: may have one placeholder or more, such as `severity_{disorder}`, for each name that the scenario has
    """

    name: str
    meaning: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class SavedTable:
    """A table as it stands in a result folder.

    name: of the table, of which there is one alone; file: its name in a folder, also: another with the same columns, or empty
    by: kinds of folder that have it, as run.json says them; rows: what one row is
    """

    name: str
    file: str
    also: str
    by: tuple[str, ...]
    rows: str
    columns: tuple[Column, ...]

    def expanded(self, names: Names | None = None) -> dict[str, Column]:
        """Its columns by name, in order, one for each name of the scenario where there is a placeholder.

        names: what each placeholder stands for, such as "disorder": ("ptsd", ...)
        """
        each = (one for column in self.columns for one in _filled(column, names or {}))
        return {column.name: column for column in each}


@cache
def saved_tables() -> dict[str, SavedTable]:
    """Every table by name, in the order of the file, which is read when it is first asked for."""
    import tomllib  # loaded with the file: what only imports this module needs neither
    from pathlib import Path

    content = tomllib.loads(Path(__file__).with_name("columns.toml").read_text(encoding="utf-8"))
    shared = content["columns"]
    return {
        name: SavedTable(
            name,
            one["file"],
            one.get("also", ""),
            tuple(one["by"]),
            one["rows"],
            tuple(_column(column, one.get("own", {}).get(column) or shared[column]) for column in one["columns"]),
        )
        for name, one in content["tables"].items()
    }


def saved_table(kind: str, file: str) -> SavedTable:
    """The table that is in that file of a folder of that kind. Raises KeyError where none is described."""
    for table in saved_tables().values():
        if kind in table.by and file in (table.file, table.also):
            return table
    raise KeyError(f"{file} of a folder of the kind {kind}: describe it in definitions/columns.toml")


def _column(name: str, content: Mapping[str, str]) -> Column:
    return Column(name, content["is"], content.get("unit", ""))


def _filled(column: Column, names: Names) -> Iterator[Column]:
    """The column for each name that its placeholders stand for, the last changing fastest; itself where there is none.

    A name may have braces of its own, which are none of ours.

    >>> [one.name for one in _filled(Column("last_{day}", "on {day}"), {"day": ("end", "{month}")})]
    ['last_end', 'last_{month}']
    """
    placeholders = list(dict.fromkeys(PLACEHOLDER.findall(column.name)))
    for chosen in product(*(names[placeholder] for placeholder in placeholders)):
        filled = dict(zip(placeholders, chosen, strict=True))
        spaced = {placeholder: name.replace("_", " ") for placeholder, name in filled.items()}
        yield replace(column, name=_put_in(filled, column.name), meaning=_put_in(spaced, column.meaning))


def _put_in(filled: Mapping[str, str], text: str) -> str:
    """A text with these in place of its placeholders, all at once: what is put in is not looked at again."""
    return PLACEHOLDER.sub(lambda found: filled[found[1]], text)
