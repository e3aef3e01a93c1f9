"""Run folders read back: the tables that figures are drawn from, checked as they are read."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from io import StringIO
from math import nan
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from caseload_sim.analysis.client_tables import People
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row
from caseload_sim.runs.kept_replications import UNFINISHED, how_many
from caseload_sim.runs.known_rows import excess_in_rows
from caseload_sim.runs.packed_files import excess_in_footer, excess_in_parquet
from caseload_sim.runs.record import IN_FRONT, RECORD, TABLE_KINDS
from caseload_sim.runs.tables import put_back, unquoted
from caseload_sim.scenario.checks import contradictions
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from caseload_sim.support.limits import (
    MOST_RECORD_BYTES,
    excess_in_content,
    json_in,
    read_regular,
)
from caseload_sim.support.surroundings import at_home

KINDS = ("run", "comparison")  # that figures are drawn from
MOST_TABLE_BYTES = 200_000_000
_OTHER_VERSION = "It is damaged, or another version of caseload-sim wrote it; run the scenario again."
MOST_ROWS_OF_A_COMMAND = 500_000  # of a table of a command besides `run` and `compare`: days of warm-up are most
MOST_IN_FRONT = 50  # rows of a file, of which none has so many columns
MAY_BE_NULL = ("end_day", "referral_day")
MOST_CONTACTS = 10_000  # of a client, of whom one with as many has one a day for 27 years
T = TypeVar("T", bound=Row | OverTimeRow | CostEffectRow)


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run folder, or the folder of a comparison: its record, and its tables as they are asked for.

    kind: "run" or "comparison"; scenario: of the run, or the one that others are compared with
    measures_shown: what a comparison's figure was asked to show, empty for the headlines
    n_rows: how many rows each table has by its file's name, so that one cut short is known
    in_front: which rows of a file stand before all others, by where they belong
    scenario_names: of all that are compared, or the one
    Tables raise RunError when the folder lacks the file, or the file cannot be read.
    """

    folder: Path
    kind: str
    scenario: Scenario
    measures_shown: tuple[str, ...]
    n_rows: Mapping[str, int]
    scenario_names: tuple[str, ...]
    in_front: Mapping[str, list[int]]

    @property
    def period(self) -> tuple[int, int]:
        """First day of data collection, and the first day after it."""
        return self.scenario.run.period

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every measure."""
        return self._table("measures.csv", Row)

    @property
    def over_time(self) -> tuple[OverTimeRow, ...]:
        """Every day."""
        return self._table("over_time.csv", OverTimeRow)

    @property
    def cost_effects(self) -> tuple[CostEffectRow, ...]:
        """What the service costs and adds, by replication and base."""
        return self._table("cost_effectiveness.csv", CostEffectRow)

    @property
    def differences(self) -> tuple[ComparisonRow, ...]:
        """Every measure of every scenario compared."""
        return self._table("differences.csv", ComparisonRow)

    def _table(self, name: str, row_type: type[T]) -> tuple[T, ...]:
        rows = _rows(self.folder / name, row_type)
        if len(rows) != self.n_rows.get(name):
            raise damaged(self.folder / name, f"{len(rows):,} rows, not the {self.n_rows.get(name)} of its record")
        if excess := excess_in_rows(rows, row_type, self.scenario_names, self.scenario.steps):
            raise damaged(self.folder / name, excess)
        return tuple(put_back(rows, self.in_front.get(name, ())))

    @property
    def people(self) -> People:
        """The clients of the first replication."""
        population = self.scenario.population
        names, emotional = population.conditions(), set(population.conditions("emotional_disorder"))
        clients = _columns(self.folder / "clients.parquet", {"referral_day": "int32", **dict.fromkeys(names, "bool")})
        outcomes = _columns(self.folder / "outcomes.parquet", {"contacts": "int32", "end_day": "int32"})
        if len(clients["referral_day"]) != len(outcomes["contacts"]):
            raise damaged(self.folder / "outcomes.parquet", "not as many rows as clients.parquet")
        contacts = outcomes["contacts"].to_numpy(zero_copy_only=False)
        if contacts.min(initial=0) < 0 or contacts.max(initial=0) > MOST_CONTACTS:
            raise damaged(self.folder / "outcomes.parquet", f"more contacts of a client than {MOST_CONTACTS:,}")
        conditions = np.stack([clients[name].to_numpy(zero_copy_only=False) for name in names], axis=1).astype(bool)
        is_emotional = [name in emotional for name in names]
        return People(
            condition_names=names,
            conditions=conditions,
            n_emotional=conditions[:, is_emotional].sum(axis=1, dtype=np.int64),
            contacts=contacts.astype(np.int32),
            referred=self.scenario.run.within_period(clients["referral_day"].to_numpy(zero_copy_only=False)),
            ended=~outcomes["end_day"].is_null().to_numpy(zero_copy_only=False),
        )


def read_run(folder: str | Path) -> SavedRun:
    """A folder that `caseload-sim run` or `compare` saved.

    Raises RunError when it is no such folder, or its run.json cannot be read.
    """
    folder = at_home(folder)
    if not is_folder(folder):
        raise RunError(f"{folder}: no such folder. Give the folder that `caseload-sim run` or `compare` saved.")
    record = read_record(folder)
    scenarios = scenarios_in(folder / RECORD, record)
    scenario = scenarios[record["versus"] if record["kind"] == "comparison" else next(iter(scenarios))]
    shown = record.get("measures_shown", [])
    if not isinstance(shown, list) or not all(isinstance(name, str) for name in shown):
        raise damaged(folder / RECORD, "not the record it should be")
    n_rows, in_front = _of_rows(folder, record)
    return SavedRun(folder, record["kind"], scenario, tuple(shown), n_rows, tuple(scenarios), in_front)


def saved_rows(folder: Path, name: str, row_type: type[Any], record: Mapping[str, Any]) -> list[Any]:
    """A table of a command besides `run` and `compare`, in the order in which it was made.

    Raises RunError when it is not there, or not what the record says.
    """
    rows, (n_rows, in_front) = _rows(folder / name, row_type), _of_rows(folder, record)
    if len(rows) != n_rows.get(name) or len(rows) > MOST_ROWS_OF_A_COMMAND:
        raise damaged(folder / name, f"{len(rows):,} rows, not the {n_rows.get(name)} of its record")
    return put_back(rows, in_front.get(name, ()))


def _of_rows(folder: Path, record: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, list[int]]]:
    """How many rows each table has by its record, and which of them stand in front."""
    n_rows, in_front = record.get("rows"), record.get(IN_FRONT, {})  # the second in no folder of earlier versions
    if not isinstance(n_rows, dict):
        raise damaged(folder / RECORD, "does not say how many rows its tables have")
    if not isinstance(in_front, dict) or not all(map(_are_places, in_front.values())):
        raise damaged(folder / RECORD, "not the record it should be")
    return n_rows, in_front


def _are_places(value: Any) -> bool:
    """Whether that is a short list of row numbers, as `rows_in_front` gives it."""
    return (
        isinstance(value, list)
        and len(value) <= MOST_IN_FRONT
        and all(isinstance(k, int) and not isinstance(k, bool) and k >= 0 for k in value)
    )


def is_folder(path: Path) -> bool:
    """Whether it is a folder that can be looked at."""
    try:
        return path.is_dir()
    except OSError:  # its name is too long, or it is another user's
        return False


def read_record(stored: Path, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
    """What a run.json says, given itself or its folder.

    Raises RunError when there is none, the run is unfinished, or the file is not the record of one of the kinds.
    """
    path = stored / RECORD if is_folder(stored) else stored
    folder = path.parent
    try:
        record = json_in(read_regular(path, MOST_RECORD_BYTES))
    except FileNotFoundError:
        if (folder / UNFINISHED).is_dir():
            n = how_many(folder / UNFINISHED)
            raise RunError(
                f"{folder}: not complete; {n} replications of it are finished. Go on with the same command and --resume."
            ) from None
        within = sorted(p.parent.name for p in folder.glob(f"*/{RECORD}"))
        hint = f" There are run folders in it, such as {within[0]}." if within else ""
        if (folder / "table.csv").exists():
            hint = " An earlier version saved it, which wrote none for this command: give the command again."
        raise RunError(f"{folder}: not a run folder, because it has no {RECORD}.{hint}") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except ValueError as error:
        raise damaged(path, str(error)) from None
    kind = record.get("kind") if isinstance(record, dict) else None
    if isinstance(kind, str) and kind in TABLE_KINDS and kind not in kinds:
        raise RunError(
            f"{path}: the record of `caseload-sim {TABLE_KINDS[kind]}`, and this needs that of a {' or a '.join(kinds)}. Its "
            "inputs are in it under `given`: give that command again to have its tables and its figure anew."
        )
    if kind not in kinds:
        raise damaged(path, f"not the record of a {' or a '.join(kinds)}")
    return dict(record)


def scenarios_in(path: Path, record: dict[str, Any]) -> dict[str, Scenario]:
    """The scenarios of a record by name; that which others are compared with is among them."""
    try:
        contents = record["scenarios"] if record["kind"] == "comparison" else [record["scenario"]]
        for content in contents:
            if excess := excess_in_content(content):
                raise damaged(path, f"its scenario cannot be used, at {'.'.join(excess[0])}: {excess[1]}")
        scenarios = [Scenario.model_validate_json(json.dumps(content)) for content in contents]
        known = set(list_sources())
        for scenario in scenarios:
            for found_at, what in contradictions(scenario, known | set(scenario.sources)):
                raise damaged(path, f"its scenario cannot be used, at {'.'.join(found_at)}: {what.rstrip('.')}")
        by_name = {scenario.name: scenario for scenario in scenarios}
        if record["kind"] == "comparison" and record["versus"] not in by_name:
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else ""
        raise damaged(path, f"its scenario cannot be used{f', at {where}' if where else ''}") from None
    return by_name


def _rows(path: Path, row_type: type[T]) -> tuple[T, ...]:
    """A table saved as CSV; blank is NaN."""
    kinds = {field.name: field.type for field in fields(row_type)}
    try:
        data = read_regular(path, MOST_TABLE_BYTES)
        if len(data) > MOST_TABLE_BYTES:
            raise damaged(path, f"more than {MOST_TABLE_BYTES:,} bytes")
        if data and not data.endswith(b"\n"):
            raise damaged(path, "ends in the middle of a line")
        reader = csv.DictReader(StringIO(data.decode("utf-8"), newline=""))
        missing = [name for name in kinds if name not in (reader.fieldnames or ())]
        if missing:
            raise damaged(path, f"no column {missing[0]}")
        rows = tuple(row_type(**{name: _cell(line[name], kinds[name]) for name in kinds}) for line in reader)
    except OSError as error:
        raise _unreadable(path, error) from None
    except (LookupError, ValueError, TypeError, AttributeError, csv.Error):
        raise damaged(path, "not the table it should be") from None
    if not rows:
        raise damaged(path, "no rows")
    return rows


def _cell(text: str, kind: Any) -> Any:
    if kind is str:
        return unquoted(text)
    if kind is bool:
        return {"True": True, "False": False}[text]
    if kind == int | None:
        return int(text) if text else None
    return int(text) if kind is int else float(text) if text else nan


def _columns(path: Path, types: Mapping[str, str]) -> dict[str, Any]:
    """Columns of a table saved as Parquet, as Arrow arrays, which must have these types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise _unreadable(path, FileNotFoundError())
    if not path.is_file():
        raise damaged(path, "not a file")
    try:
        if excess := excess_in_footer(path):
            raise damaged(path, excess)
        file = pq.ParquetFile(path)
        there = {field.name: str(field.type) for field in file.schema_arrow}
        for name, kind in types.items():
            if name not in there:
                raise damaged(path, f"no column {name}")
            if there[name] != kind:
                raise damaged(path, f"column {name} is of type {there[name]}, not {kind}")
        if excess := excess_in_parquet(file.metadata, types):
            raise damaged(path, excess)
        table = file.read(columns=list(types))
        for name in types:
            if name not in MAY_BE_NULL and table.column(name).null_count:
                raise damaged(path, f"no value in a row of column {name}")
        return {name: table.column(name).combine_chunks() for name in types}
    except (OSError, pa.ArrowException, ValueError, LookupError, MemoryError):
        raise damaged(path, "not the table it should be") from None


def _unreadable(path: Path, error: OSError) -> RunError:
    if isinstance(error, FileNotFoundError):
        return RunError(f"{path.parent}: lacks {path.name}. Run the scenario again to have it.")
    return RunError(f"{path}: cannot be read ({error.strerror or error}).")


def damaged(path: Path, why: str) -> RunError:
    """What to say of a file that is not what it should be."""
    return RunError(f"{path}: {why}. {_OTHER_VERSION}")
