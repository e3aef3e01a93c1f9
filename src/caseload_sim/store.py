"""The run folder: everything a run produced, complete or not there at all."""

import csv
import json
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from caseload_sim.comparison import Compared, ComparisonRow
from caseload_sim.counted import Simulation
from caseload_sim.courses import ENDINGS, NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.events import EVENT_TYPES, NO_PLACE, EventLog, EventRow, event_log
from caseload_sim.experiment import OverTimeRow, Results, Row, UncertaintyRow
from caseload_sim.outcomes import LEFT
from caseload_sim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS_OF_THE_ANSWER = ("caseload-sim", "numpy", "scipy", "simpy")


def run_name(scenario: Scenario, asked: str = "") -> str:
    """`<scenario>-<seed>-<digest>`: the digest is of all inputs and the version, so equal names mean equal runs.

    asked: whatever else the answer depends on
    """
    inputs = json.dumps([scenario.model_dump(mode="json"), asked, version("caseload-sim")], sort_keys=True)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", scenario.name)[:60] or "scenario"
    return f"{safe}-{scenario.run.seed}-{sha256(inputs.encode()).hexdigest()[:10]}"


class RunFolder:
    """A folder being written: made at once, so that an unwritable place shows before the work, named at the end."""

    def __init__(self, out: Path, name: str) -> None:
        """Raises RunError when nothing can be written there."""
        self.final = out / name
        try:
            out.mkdir(parents=True, exist_ok=True)
            self.partial = Path(mkdtemp(prefix=f".{name}.", suffix=".partial", dir=out))
            str(self.final).encode()  # Parquet takes only names that are text
        except (OSError, UnicodeError) as error:
            raise _unwritable(out, error) from None

    def save(self, results: Results, engine: str, figure_names: Sequence[str], *, with_events: bool = False) -> Path:
        """Write all files and put the folder in place. Returns its path.

        with_events: the event log of the first replication too
        """
        try:
            with _created(self.partial / "measures.csv") as file:
                write_csv(results.rows, Row, file)
            with _created(self.partial / "over_time.csv") as file:
                write_csv(results.over_time, OverTimeRow, file)
            if results.uncertainty:
                with _created(self.partial / "uncertainty.csv") as file:
                    write_csv(results.uncertainty, UncertaintyRow, file)
            _write_parquet(self.partial, results.first)
            if with_events:
                log = event_log(results.first)
                _write_events(self.partial / "events.parquet", log)
                with _created(self.partial / "events.csv") as file:
                    write_csv(log.rows(), EventRow, file)
            if figure_names:
                from caseload_sim.gallery import FIGURES, FreshRun

                figures = {name: FIGURES[name].draw(FreshRun(results)) for name in figure_names}
                save_figures(self.partial / "figures", figures)
            with _created(self.partial / "run.json") as file:
                json.dump(_provenance(results, engine), file, indent=1)
            return self.put_in_place()
        except (OSError, UnicodeError) as error:
            raise _unwritable(self.final, error) from None
        finally:
            self.discard()

    def save_comparison(self, compared: Compared, engine: str, measures: Sequence[str], draw: bool) -> Path:
        """Write every row of a comparison, its inputs and its forest plot, and put the folder in place.

        measures: what the forest plot shows, the headlines if empty
        """
        try:
            with _created(self.partial / "differences.csv") as file:
                write_csv(compared.rows, ComparisonRow, file)
            _write_rows(self.partial / "differences.parquet", compared.rows, ComparisonRow)
            if draw:
                from caseload_sim.comparison_figures import draw_differences

                save_figures(self.partial / "figures", {"differences": draw_differences(compared.rows, measures)})
            with _created(self.partial / "run.json") as file:
                record = {**_provenance_of_comparison(compared, engine), "measures_shown": list(measures)}
                json.dump(record, file, indent=1)
            return self.put_in_place()
        except (OSError, UnicodeError) as error:
            raise _unwritable(self.final, error) from None
        finally:
            self.discard()

    def put_in_place(self) -> Path:
        """Give the complete folder its name. Returns its path.

        A folder of that name holds the same run: its files are replaced one by one, and what else is in it stays.
        """
        self.partial.chmod(0o755)
        if not self.final.exists():
            with suppress(OSError):  # somebody else may have finished the same run just now
                self.partial.rename(self.final)
                return self.final
        for file in sorted(path for path in self.partial.rglob("*") if path.is_file()):
            place = self.final / file.relative_to(self.partial)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
        return self.final

    def discard(self) -> None:
        """Leave nothing half-written behind."""
        shutil.rmtree(self.partial, ignore_errors=True)


def save_table(
    out: Path,
    name: str,
    rows: Sequence[Any],
    row_type: type[Any],
    draw: Callable[[], "Figure"],
    beside: "Mapping[str, tuple[Sequence[Any], type[Any]]] | None" = None,
) -> Path:
    """A folder with one table as CSV and one figure, written whole or not at all. Returns its path.

    beside: further tables by file name, each its rows and their type
    """
    folder = RunFolder(out, name)
    try:
        with _created(folder.partial / "table.csv") as file:
            write_csv(rows, row_type, file)
        for table, (others, other_type) in (beside or {}).items():
            with _created(folder.partial / f"{table}.csv") as file:
                write_csv(others, other_type, file)
        draw().savefig(folder.partial / "figure.png", dpi=150)
        return folder.put_in_place()
    except (OSError, UnicodeError) as error:
        raise _unwritable(folder.final, error) from None
    finally:
        folder.discard()


def save_text(path: Path, text: str) -> None:
    """Write a text file at once. Raises RunError when it cannot be written, or would replace a file."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise RunError(f"{path}: is there already. Choose another name with --out.") from None
    except OSError as error:
        raise _unwritable(path, error) from None


def write_csv(rows: Iterable[Any], row_type: type[Any], file: TextIO) -> None:
    """Rows with a header line; blank where there is no value."""
    names = [field.name for field in fields(row_type)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.10g}"
    return value


def as_json(rows: Iterable[Any]) -> str:
    """Rows as a JSON list; null where there is no value."""
    plain = (
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(row).items()} for row in rows
    )
    return "[\n" + ",\n".join(json.dumps(row) for row in plain) + "\n]"


def _created(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


def _unwritable(
    path: Path, error: OSError | UnicodeError, advice: str = "Choose another folder with --out."
) -> RunError:
    reason = getattr(error, "strerror", None) or error
    return RunError(f"{str(path).encode(errors='replace').decode()}: cannot be written ({reason}). {advice}")


def _provenance(results: Results, engine: str) -> dict[str, Any]:
    return {
        "what": "one run of caseload-sim; tables in Parquet are of replication 0, measures are over all replications",
        "kind": "run",
        "scenario": results.scenario.model_dump(mode="json", exclude_none=True),
        "seed": results.scenario.run.seed,
        **_made_with(engine),
        "digests": list(results.digests),
    }


def _provenance_of_comparison(compared: Compared, engine: str) -> dict[str, Any]:
    return {
        "what": "scenarios compared by caseload-sim on common random numbers",
        "kind": "comparison",
        "versus": compared.versus,
        "notes": list(compared.notes),
        "scenarios": [one.scenario.model_dump(mode="json", exclude_none=True) for one in compared.results],
        "seed": compared.results[0].scenario.run.seed,
        **_made_with(engine),
        "digests": {one.scenario.name: list(one.digests) for one in compared.results},
    }


def _made_with(engine: str) -> dict[str, Any]:
    return {
        "engine": engine,
        "versions": {name: version(name) for name in PARTS_OF_THE_ANSWER},
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
    }


def save_figures(folder: Path, figures: "Mapping[str, Figure]", figure_format: str = "png") -> list[Path]:
    """Figures by name as files of a folder, which is made when it is not there. Returns their paths.

    Raises RunError when they cannot be written.
    """
    paths = [folder / f"{name}.{figure_format}" for name in figures]
    try:
        folder.mkdir(exist_ok=True)
        for path, figure in zip(paths, figures.values(), strict=True):
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise _unwritable(folder, error, "Copy the run folder to where you may write.") from None
    return paths


def _write_parquet(folder: Path, simulation: Simulation) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, columns in (
        ("clients", _client_columns(simulation)),
        ("episodes", _episode_columns(simulation)),
        ("outcomes", _outcome_columns(simulation)),
    ):
        arrays = {key: _arrow(column) for key, column in columns.items()}
        pq.write_table(pa.table(arrays), folder / f"{name}.parquet")


def _write_rows(path: Path, rows: Sequence[Any], row_type: type[Any]) -> None:
    """Flat rows as Parquet, null where there is no value."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {f.name: pa.array([getattr(row, f.name) for row in rows], from_pandas=True) for f in fields(row_type)}
    pq.write_table(pa.table(columns), path)


def _write_events(path: Path, log: EventLog) -> None:
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
    }
    pq.write_table(pa.table(columns), path)


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
    columns: dict[str, Any] = {"id": clients.id, "referral_day": clients.referral_day}
    columns |= {name: clients.conditions[:, c] for c, name in enumerate(clients.condition_names)}
    columns |= {f"severity_{name}": clients.severity[:, j] for j, name in enumerate(clients.disorder_names)}
    columns["distress"] = clients.distress
    columns |= {name: _labelled(codes, clients.stratum_names[name]) for name, codes in clients.strata.items()}
    columns["recorded_problem"] = _labelled(care.target, clients.disorder_names)
    return columns


def _episode_columns(simulation: Simulation) -> dict[str, Any]:
    episodes, ids = simulation.episodes, simulation.clients.id
    return {
        "id": ids[episodes.client],
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
    columns |= {f"diagnosed_{name}": out.diagnosed[:, j] for j, name in enumerate(clients.disorder_names)}
    for service, reading in (("service", out.service), ("none", out.none)):
        columns[f"last_phq9_{service}"] = reading.last_phq9
        columns[f"last_gad7_{service}"] = reading.last_gad7
        for at in ("end", "month_12", "sustained"):
            columns |= {f"{rung}_{at}_{service}": flags for rung, flags in getattr(reading, at).items()}
    return columns
