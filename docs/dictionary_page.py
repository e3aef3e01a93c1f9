"""Write data_dictionary.md: every table of every result folder, its columns, and every measure. `python docs/dictionary_page.py`.

Made of definitions/columns.toml and definitions/measures.toml alone, in a moment; a test says when the page is not what they make.
"""

from collections.abc import Iterator
from pathlib import Path

from caseload_sim.definitions.columns import saved_tables
from caseload_sim.definitions.measures import all_measures

PAGE = Path(__file__).parent / "data_dictionary.md"
INTRODUCTION = """# Data dictionary

Every table of every result folder, column by column. `python docs/dictionary_page.py` makes this page; what it says stands in
`definitions/columns.toml` and `definitions/measures.toml`, and so does what each folder has in `data_dictionary.csv` and
`measure_definitions.csv`, and each Parquet file in the metadata of its columns (`description` and `unit`). How tables are written,
and how to join them, is in [tables.md](tables.md).

A name in braces stands for each of the scenario's own: `severity_{disorder}` is `severity_ptsd` and others. A number without a
value is an empty cell in CSV and null in Parquet, never a word; shares are from 0 to 1. "as `unit`": in the unit that the row names.
"""


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|")


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_tables(), *_measures()])


def _tables() -> Iterator[str]:
    for table in saved_tables().values():
        also = f" and {table.also}" if table.also else ""
        yield f"## {table.file}{also}: {table.name.replace('_', ' ')}"
        yield ""
        kinds = "every folder" if len(table.by) > 3 else f"the folder of {', '.join(table.by)}"
        yield f"In {kinds}. One row is {table.rows}."
        yield ""
        yield "| column | unit | what it is |"
        yield "|---|---|---|"
        for column in table.columns:
            yield f"| `{column.name}` | {column.unit} | {cell(column.meaning)} |"
        yield ""


def _measures() -> Iterator[str]:
    yield "## Measures"
    yield ""
    yield "What the column `measure` names. NHS: the same measure of NHS England's monthly statistics, or the counts of which it is made;"
    yield "only where the definition is the same, for all clients, finished, at the end, with the service, where there are several."
    yield ""
    yield "| measure | unit | NHS | what it is | numerator | denominator |"
    yield "|---|---|---|---|---|---|"
    for one in all_measures().values():
        words = " | ".join(map(cell, (one.definition, one.numerator, one.denominator)))
        yield f"| `{one.name}` | {one.unit} | {one.nhs} | {words} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
