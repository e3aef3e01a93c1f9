"""Tables of a simulation as Parquet: columns with plain names, null for what did not happen, labels for codes."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import TextIOWrapper
from operator import attrgetter
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from caseload_sim.analysis.event_log import EVENT_TYPES, NO_PLACE, EventLog
from caseload_sim.definitions.columns import Column, saved_tables
from caseload_sim.definitions.quantities import READINGS, REMISSIONS, SCORED, SERVICES
from caseload_sim.engines.plans import ENDINGS, NOT_YET
from caseload_sim.measures.arrow import described, replications_as_arrow, rows_as_arrow
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.table import MeasureTable
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.runs.disk import new_file
from caseload_sim.runs.packed_files import PARQUET_CODEC
from caseload_sim.support.columns import by_name
from caseload_sim.support.row_table import RowTable


@dataclass(frozen=True, slots=True)
class DictionaryRow:
    """A line of data_dictionary.csv: a column of a table, what it is, and the unit of its numbers."""

    file: str
    column: str
    unit: str
    meaning: str


def dictionary_of(file: str, columns: Iterable[Column]) -> list[DictionaryRow]:
    """The lines of the data dictionary for one table."""
    return [DictionaryRow(file, one.name, one.unit, one.meaning) for one in columns]


def write_tables(folder: Path, simulation: Simulation) -> list[DictionaryRow]:
    """The clients, episodes and outcomes of a replication as files of a folder. Returns what their columns are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names, said = names_in(simulation), []
    for name, columns in (
        ("clients", _client_columns(simulation)),
        ("episodes", _episode_columns(simulation)),
        ("outcomes", _outcome_columns(simulation)),
    ):
        known = saved_tables()[name]
        meanings = known.expanded(names)
        table = described({key: _arrow(column) for key, column in columns.items()}, meanings, known.rows)
        said += dictionary_of(known.file, (meanings[key] for key in columns))
        # Of numbers that hardly repeat, a dictionary takes half the time of writing, and a fifth more space.
        repeating = [
            field.name for field in table.schema if field.name != "id" and not pa.types.is_floating(field.type)
        ]
        with new_file(folder / f"{name}.parquet") as file:
            pq.write_table(table, file, compression=PARQUET_CODEC, use_dictionary=repeating)
    return said


def names_in(simulation: Simulation) -> dict[str, tuple[str, ...]]:
    """What the placeholders of columns.toml stand for in the tables of a replication."""
    scenario, clients = simulation.scenario, simulation.clients
    return {
        "condition": clients.condition_names,
        "disorder": clients.disorder_names,
        "stratum": tuple(clients.strata),
        "told": tuple(scenario.pathway.routing.disclosure),
        "step": tuple(scenario.pathway.courses),
        "rung": REMISSIONS,
        "reading": tuple(READINGS),
        "day": SCORED,
        "service": SERVICES,
    }


def write_rows(path: Path, rows: Sequence[Any], row_type: type[Any], table: str) -> None:
    """Flat rows as Parquet, null where there is no value; table: its name in columns.toml."""
    import pyarrow.parquet as pq

    with new_file(path) as file:
        pq.write_table(rows_as_arrow(rows, row_type, table), file, compression=PARQUET_CODEC)


def write_replications(path: Path, tables: Mapping[str, Sequence[MeasureTable]]) -> None:
    """Every value of every replication as Parquet; see `replications_as_arrow`."""
    import pyarrow.parquet as pq

    writer = None
    with new_file(path) as file:
        for table in replications_as_arrow(tables):
            writer = writer or pq.ParquetWriter(file, table.schema, compression=PARQUET_CODEC)
            writer.write_table(table)
        assert writer is not None, "at least one replication"
        writer.close()


def write_events(path: Path, log: EventLog) -> None:
    """An event log as Parquet, with plain text and null where no place is held."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "entity_id": pa.array(log.entity_id),
        "event_type": _labelled(log.event_type, EVENT_TYPES).cast(pa.string()),
        "event": _labelled(log.event, log.event_names).cast(pa.string()),
        "time": pa.array(log.time),
        "pathway": _labelled(log.pathway, log.pathway_names).cast(pa.string()),
        "run_number": pa.array(np.full(len(log.time), log.run_number, dtype=np.int64)),
        "resource_id": pa.array(log.resource_id, mask=log.resource_id == NO_PLACE),
        "provider": pa.array(log.provider),
    }
    known = saved_tables()["events"]
    with new_file(path) as file:
        pq.write_table(described(columns, known.expanded(), known.rows), file, compression=PARQUET_CODEC)


def _arrow(column: Any) -> Any:
    """A column for Parquet: days that did not happen become null."""
    import pyarrow as pa

    if isinstance(column, np.ndarray) and column.dtype == np.int32:
        return pa.array(column, mask=column == NOT_YET)
    return pa.array(column)


def _labelled(codes: Any, labels: Sequence[str]) -> Any:
    """Codes with their labels; -1 means none."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(list(labels)))


def _client_columns(simulation: Simulation) -> dict[str, Any]:
    clients, care = simulation.clients, simulation.care
    columns: dict[str, Any] = {"id": clients.id, "provider": clients.provider, "referral_day": clients.referral_day}
    columns |= {name: clients.conditions[:, c] for c, name in enumerate(clients.condition_names)}
    columns |= {f"severity_{name}": clients.severity[:, j] for j, name in enumerate(clients.disorder_names)}
    columns["distress"] = clients.distress
    columns["deprivation_sd"] = clients.deprivation
    columns |= {name: _labelled(codes, clients.stratum_names[name]) for name, codes in clients.strata.items()}
    columns["recorded_problem"] = _labelled(care.target, clients.disorder_names)
    for k, name in enumerate(simulation.scenario.pathway.routing.disclosure):
        columns[f"disclosed_{name}"] = care.disclosed[:, k]
    return columns | {"lot": care.lot}


def _episode_columns(simulation: Simulation) -> dict[str, Any]:
    episodes, clients = simulation.episodes, simulation.clients
    return {
        "id": clients.id[episodes.client],
        "provider": clients.provider[episodes.client],
        "step": _labelled(episodes.step, simulation.scenario.steps),
        "joined_day": episodes.joined_day,
        "started_day": episodes.started_day,
        "ended_day": episodes.ended_day,
        "ending": _labelled(episodes.ending, ENDINGS),
    }


def _outcome_columns(simulation: Simulation) -> dict[str, Any]:
    out, clients = simulation.outcomes, simulation.clients
    columns: dict[str, Any] = {
        "id": clients.id,
        "provider": clients.provider,
        "end_day": out.end_day,
        "left": _labelled(out.left, LEFT),
        "first_contact_day": out.first_contact_day,
        "second_contact_day": out.second_contact_day,
        "last_contact_day": out.last_contact_day,
        "contacts": out.contacts,
        "first_course": _labelled(out.first_course, simulation.scenario.steps),
        "stepped_up": out.stepped_up,
        "first_phq9": out.first_phq9,
        "first_gad7": out.first_gad7,
        "principal_disorder": _labelled(out.principal, clients.disorder_names),
    }
    for s, name, _ in simulation.scenario.pathway.each_course():
        columns |= {f"sessions_{name}": out.sessions[:, s], **_course_scores(simulation, s, name)}
    columns |= {f"diagnosed_{name}": out.diagnosed[:, j] for j, name in enumerate(clients.disorder_names)}
    for service, reading in (("service", out.service), ("none", out.none)):
        for at, name in zip(SCORED, ("last", "month_12"), strict=True):
            columns[f"{name}_phq9_{service}"], columns[f"{name}_gad7_{service}"] = reading.scores(at)
        for at, without in zip(SCORED, (reading.without, reading.without_month_12), strict=True):
            for j, name in enumerate(clients.disorder_names):
                columns[f"diagnosed_{name}_{at}_{service}"] = ~without[:, j]
        for at in READINGS:
            columns |= {f"{rung}_{at}_{service}": flags for rung, flags in getattr(reading, at).items()}
    return columns


def _course_scores(simulation: Simulation, step: int, name: str) -> dict[str, Any]:
    """Scores at the first and the last session at a step, of courses ended in the data collection period; null of others."""
    import pyarrow as pa

    courses, n = simulation.outcomes.course_scores, len(simulation.clients.id)
    rows = np.flatnonzero(courses.step == step)  # nobody has two courses at a step
    none = np.ones(n, dtype=bool)
    none[courses.client[rows]] = False
    columns = {}
    for which in ("first_phq9", "first_gad7", "last_phq9", "last_gad7"):
        scores = np.zeros(n, dtype=np.int8)
        scores[courses.client[rows]] = getattr(courses, which)[rows]
        columns[f"course_{which}_{name}"] = pa.array(scores, mask=none)
    return columns


LOOKED_AT = 50  # rows: what readers decide by is more, but they may skip some

# What a spreadsheet takes for a formula, also after a space or in full width, and what it drops before it looks.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")

_ENCLOSED = re.compile('[,"\r\n]')


def quoted(text: str) -> str:
    """A text as a cell of CSV: with a quote before it where a spreadsheet would take it for a formula; see `unquoted`."""
    return f"'{text}" if _FORMULA.match(text) else text


def unquoted(cell: str) -> str:
    """The text of a cell that `quoted` made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell


def write_csv(rows: Iterable[Any], row_type: type[Any], file: TextIO) -> set[str]:
    """Rows with a header line; blank where there is no value. Returns the texts before which it put a quote."""
    names = [field.name for field in fields(row_type)]
    file.write(",".join(names) + "\n")
    lines = zip(*rows.columns, strict=True) if isinstance(rows, RowTable) else map(attrgetter(*names), rows)
    cells = _Cells()
    # Only NaN differs from itself. No function is called for a cell, of which there are some hundred thousand.
    file.writelines(
        ",".join(
            [
                cells[value]
                if isinstance(value, str)
                else (
                    ""
                    if value != value
                    else text
                    if "." in (text := f"{value:.10g}") or "e" in text or "n" in text
                    else text + ".0"
                )
                if isinstance(value, float)
                else ("" if value is None else f"{value}")
                for value in line
            ]
        )
        + "\n"
        for line in lines
    )
    return {text for text in cells if quoted(text) != text}


class _Cells(dict[str, str]):
    """How each text stands in CSV, found out once for each. Python's own writer leaves a carriage return bare."""

    def __missing__(self, text: str) -> str:
        cell = quoted(text)
        if _ENCLOSED.search(cell):
            cell = '"' + cell.replace('"', '""') + '"'
        self[text] = cell
        return cell


def save_csv(path: Path, rows: Iterable[Any], row_type: type[Any]) -> tuple[set[str], list[int]]:
    """Rows as a new file, those of `rows_in_front` first. Returns the texts with a quote, and which rows these were. Raises OSError."""
    there = rows if isinstance(rows, RowTable) else list(rows)
    front = rows_in_front(there, row_type)
    moved: Iterable[Any] = there
    if front:
        others = set(range(len(there))) - set(front)
        order = [*front, *sorted(others)]
        if isinstance(there, RowTable):
            moved = RowTable(row_type, [[column[k] for k in order] for column in there.columns])
        else:
            moved = [there[k] for k in order]
    with TextIOWrapper(new_file(path), encoding="utf-8", newline="") as file:
        return write_csv(moved, row_type, file), front


def rows_in_front(rows: Sequence[Any], row_type: type[Any]) -> list[int]:
    """Which rows must stand first so that every column of numbers that has any has one early: mostly none, or one or two.

    Polars and DuckDB decide by the first rows what a column is. Of a column that is empty there they say that it is text, and
    then all its numbers are text. Rows are counted from 0, in order.
    """
    missing = {}
    for field in fields(row_type):
        if field.type not in (str, bool):
            column = (
                rows.column(field.name) if isinstance(rows, RowTable) else [getattr(row, field.name) for row in rows]
            )
            if (
                first := next((k for k, value in enumerate(column) if _is_there(value)), None)
            ) is not None and first >= LOOKED_AT:
                missing[field.name] = first, column
    front: list[int] = []
    for first, column in missing.values():
        if not any(_is_there(column[k]) for k in front):
            front.append(first)
    return sorted(front)


def put_back(rows: Sequence[Any], front: Sequence[int]) -> list[Any]:
    """Rows in the order that they had before `save_csv` moved these to the front."""
    result = list(rows[len(front) :])
    for k, row in zip(front, rows, strict=False):
        result.insert(min(k, len(result)), row)  # a file may say anything
    return result


def _is_there(value: Any) -> bool:
    return value is not None and value == value


def as_json(rows: Iterable[Any]) -> str:
    """Rows as a JSON list; null where there is no value."""
    plain = (
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in by_name(row).items()} for row in rows
    )
    return "[\n" + ",\n".join(json.dumps(row) for row in plain) + "\n]"


def as_json_object(one: Any) -> str:
    """A dataclass with all that it holds as a JSON object; null where there is no number."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(held) for key, held in value.items()}
        if isinstance(value, list | tuple):
            return [plain(held) for held in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return json.dumps(plain(asdict(one)), indent=1)
