"""Rows as Arrow tables, each column with what it is and its unit in its metadata; as Parquet keeps it, so do these.

pyarrow is loaded when a table is made, since whoever only prints rows need not wait for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib.util import find_spec
from types import NoneType
from typing import Any, ClassVar, get_args

import numpy as np

from caseload_sim.definitions.columns import Column, saved_tables
from caseload_sim.definitions.measures import definition
from caseload_sim.errors import RunError
from caseload_sim.measures.table import MeasureTable, stacked_numbers
from caseload_sim.support.row_table import RowTable

ROWS_AT_ONCE = 500_000  # of values by replication, of which a run can have many millions


class Tabular:
    """What has rows that can be had as a table of another library.

    row_type: the dataclass of its rows; table: the name in columns.toml of the table that they make
    """

    __slots__ = ()
    row_type: ClassVar[type[Any]]
    table: ClassVar[str]

    def to_arrow(self) -> Any:
        """Every row as a `pyarrow.Table`, each column with its `description` and `unit` in the metadata of its field."""
        rows: Sequence[Any] = self.rows  # type: ignore[attr-defined]
        return rows_as_arrow(rows, self.row_type, self.table)

    def to_pandas(self) -> Any:
        """Every row as a `pandas.DataFrame`. Raises RunError where pandas is not installed."""
        if find_spec("pandas") is None:
            raise RunError(
                "pandas is not installed here. Install it (pip install pandas), or use to_arrow(), which polars and DuckDB read too."
            )
        return self.to_arrow().to_pandas()


def described(columns: Mapping[str, Any], meanings: Mapping[str, Column], rows: str = "") -> Any:
    """An Arrow table of these columns, each an Arrow array, with its `description` and its `unit` in the metadata of its field.

    meanings: by column; rows: what one row is, kept as `rows` in the metadata of the table
    Raises KeyError for a column that nobody has described.
    """
    import pyarrow as pa

    schema = [pa.field(name, column.type, metadata=_metadata(meanings[name])) for name, column in columns.items()]
    about = {"rows": rows} if rows else None
    return pa.table(list(columns.values()), schema=pa.schema(schema, metadata=about))


def _metadata(column: Column) -> dict[str, str]:
    return {"description": column.meaning, **({"unit": column.unit} if column.unit else {})}


def rows_as_arrow(rows: Sequence[Any], row_type: type[Any], table: str) -> Any:
    """Rows of a flat dataclass as an Arrow table; null where there is no value.

    table: its name in columns.toml. Numbers are int64 and float64, also in a column without any value.
    """
    import pyarrow as pa

    kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    columns = {}
    for field in fields(row_type):
        kind: Any = next((one for one in get_args(field.type) if one is not NoneType), field.type)
        values = rows.column(field.name) if isinstance(rows, RowTable) else [getattr(row, field.name) for row in rows]
        columns[field.name] = pa.array(list(values), kinds[kind], from_pandas=True)
    known = saved_tables()[table]
    return described(columns, known.expanded(), known.rows)


def replications_as_arrow(tables: Mapping[str, Sequence[MeasureTable]]) -> Iterator[Any]:
    """Every value of every replication, long: an Arrow table for some replications at a time, all with the same columns.

    tables: of each scenario by name, a table of measures for each replication
    """
    import pyarrow as pa

    known = saved_tables()["replications"]
    for scenario, each in tables.items():
        keys = each[0].rows.keys
        units = [definition(key.measure).unit for key in keys]
        parts = zip(("measure", "base", "at", "service", "group"), zip(*keys, strict=True), strict=True)
        words = {name: pa.array(values).dictionary_encode() for name, values in [*parts, ("unit", units)]}
        words["scenario"] = pa.array([scenario] * len(keys)).dictionary_encode()
        at_once = max(ROWS_AT_ONCE // len(keys), 1)
        for first in range(0, len(each), at_once):
            some = each[first : first + at_once]
            numerators, denominators, values = stacked_numbers(some)
            numbers = {"value": values, "numerator": numerators, "denominator": denominators}
            counted = np.repeat(np.arange(first, first + len(some), dtype=np.int32), len(keys))
            columns = {
                "replication": pa.array(counted),
                **{name: _repeated(column, len(some)) for name, column in words.items()},
                **{name: pa.array(number.ravel(), from_pandas=True) for name, number in numbers.items()},
            }
            yield described(
                {column.name: columns[column.name] for column in known.columns}, known.expanded(), known.rows
            )


def all_replications_as_arrow(tables: Mapping[str, Sequence[MeasureTable]]) -> Any:
    """All that `replications_as_arrow` gives, as one Arrow table."""
    import pyarrow as pa

    return pa.concat_tables(replications_as_arrow(tables)).unify_dictionaries()


def _repeated(column: Any, times: int) -> Any:
    """A column of labels, so many times one after the other; each label is held once."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.tile(column.indices.to_numpy(), times)), column.dictionary)
