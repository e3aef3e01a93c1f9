"""Which rows are in which saved table, and readers that tell whether its numbers are numbers from the first row to the last."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from caseload_sim.analysis.audit import AuditRow
from caseload_sim.analysis.event_log import EventRow
from caseload_sim.analysis.population_report import Comparison
from caseload_sim.analysis.rank import RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
from caseload_sim.analysis.solve import SolutionPoint
from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.definitions.columns import saved_table
from caseload_sim.definitions.measures import Measure
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.experiments.sweep import SweepRow
from caseload_sim.experiments.trial import TrialRow
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow
from caseload_sim.runs.record import RECORD
from caseload_sim.runs.tables import DictionaryRow
from caseload_sim.services.backtest import BacktestRow, ServicePrediction
from caseload_sim.services.validated import ServiceFigure, ValidatedRow

ROWS: dict[str, type[Any]] = {
    "measures": Row, "over_time": OverTimeRow, "cost_effectiveness": CostEffectRow, "split_of_variance": UncertaintyRow,
    "measure_definitions": Measure, "events": EventRow, "differences": ComparisonRow, "trial": TrialRow, "sweep": SweepRow,
    "solve": SolutionPoint, "reconcile": ReconcileRow, "audit": AuditRow, "uncertainty": DoubtRow, "tornado": TornadoRow,
    "rank": RankRow, "population": Comparison, "warm_up": WarmUpRow, "validated": ValidatedRow, "services": ServiceFigure,
    "backtest": BacktestRow, "predictions": ServicePrediction, "data_dictionary": DictionaryRow,
}  # fmt: skip
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
# What each reader takes a column for: "number", "empty" where nothing is in it, or else whatever it calls its type.
Reader = Callable[[Path], dict[str, str]]


def numbers_of(kind: str, file: str) -> set[str]:
    """Which columns of a CSV file are numbers, by the rows that are written there."""
    wanted = set()
    for field in fields(ROWS[saved_table(kind, file).name]):
        kinds = get_args(field.type) or (field.type,)
        if int in kinds or float in kinds:
            wanted.add(field.name)
    return wanted


def by_csv(path: Path) -> dict[str, str]:
    """Python's own reader, cell by cell: a number as everybody writes it, or nothing at all; and one early, where there is any."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert all(len(row) == len(head) for row in rows)
    columns = dict(zip(head, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(head, ())
    return {
        name: "text"
        if not all(not cell or NUMBER.fullmatch(cell) for cell in cells)
        else "late"
        if any(cells) and not any(cells[:100])
        else "cut"  # some with a point, some without, which is another kind of number to those who guess by the first rows
        if len({"." in cell or "e" in cell for cell in cells if cell}) > 1
        else "number"
        for name, cells in columns.items()
    }


def by_arrow(path: Path) -> dict[str, str]:
    """pyarrow, which R's arrow is too: it decides on a type by what stands first, and fails where later rows are of another."""
    table = pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    return {field.name: _arrow_kind(field.type) for field in table.schema}


def _arrow_kind(kind: Any) -> str:
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return "number" if is_number else "empty" if pa.types.is_null(kind) else str(kind)


def by_pandas(path: Path) -> dict[str, str]:
    import pandas as pd

    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    return {name: "number" if kind.kind in "iuf" else str(kind) for name, kind in table.dtypes.items()}


def by_polars(path: Path) -> dict[str, str]:
    import polars as pl

    table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    kinds = dict(table.schema)
    empty = {name for name in table.columns if table[name].null_count() == len(table)}
    return {
        name: "number" if kind.is_numeric() else "empty" if name in empty else str(kind) for name, kind in kinds.items()
    }


def by_duckdb(path: Path) -> dict[str, str]:
    import duckdb

    relation = duckdb.read_parquet(str(path)) if path.suffix == ".parquet" else duckdb.read_csv(str(path))
    number = re.compile("(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT)")
    kinds = {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
    return {name: "number" if number.fullmatch(kind) else _filled(relation, name, kind) for name, kind in kinds.items()}


def _filled(relation: Any, name: str, kind: str) -> str:
    ((n,),) = relation.aggregate(f'count("{name}")').fetchall()
    return kind if n else "empty"


READERS: dict[str, Reader] = {
    "csv": by_csv, "pyarrow": by_arrow, "pandas": by_pandas, "polars": by_polars, "duckdb": by_duckdb,
}  # fmt: skip


def numbers_are_numbers(folder: Path, reader: str) -> int:
    """Assert that a reader takes every column of numbers of a folder for numbers. Returns how many columns these were."""
    kind, n = json.loads((folder / RECORD).read_text(encoding="utf-8"))["kind"], 0
    for path in sorted(folder.glob("*.csv")) + (sorted(folder.glob("*.parquet")) if reader != "csv" else []):
        found = READERS[reader](path)
        if path.suffix == ".csv":
            wanted = numbers_of(kind, path.name)
        else:  # which says itself what each column is
            wanted = {field.name for field in pq.read_schema(path) if _arrow_kind(field.type) == "number"}
        assert wanted <= set(found), path.name
        assert {name: found[name] for name in wanted if found[name] not in ("number", "empty")} == {}, path.name
        n += len(wanted)
    return n
