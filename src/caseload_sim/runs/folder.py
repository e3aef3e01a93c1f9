"""The run folder: the files of a run, which appear all together or not at all, and a lock for who is writing them."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EEXIST
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caseload_sim.analysis.event_log import EventRow, event_log
from caseload_sim.definitions.columns import saved_table, saved_tables
from caseload_sim.definitions.measures import Measure, all_measures
from caseload_sim.experiments.compare import Compared, ComparisonRow
from caseload_sim.experiments.precision import Reached
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.trial import TrialRow
from caseload_sim.figures.painter import Image, Images, NotDrawn, picture
from caseload_sim.figures.sizes import USUAL, Look
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.table import MeasureTable
from caseload_sim.runs import disk
from caseload_sim.runs.kept_replications import INPUTS, UNFINISHED, Unfinished, begin, how_many, refuse_others, take_up
from caseload_sim.runs.lock import Lock, is_held
from caseload_sim.runs.record import (
    FILES,
    IN_FRONT,
    RECORD,
    record_of_comparison,
    record_of_run,
    record_of_table,
    sealed,
)
from caseload_sim.runs.tables import (
    DictionaryRow,
    dictionary_of,
    save_csv,
    write_events,
    write_replications,
    write_rows,
    write_tables,
)
from caseload_sim.runs.whole_files import (
    ELSEWHERE,
    MAKE_ROOM,
    digest_of_file,
    flush,
    flush_folder,
    unwritable,
    write_text,
)
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.surroundings import at_home
from caseload_sim.support.threads import run_in_background

if TYPE_CHECKING:
    from caseload_sim.figures.canvas import Sheet


def run_name(scenario: Scenario, asked: str = "") -> str:
    """The name of a run folder, such as `hepgul_2016-1-0f3a...`: scenario, seed, and a digest of all inputs and the version.

    Equal names mean equal runs.
    asked: whatever else the answer depends on
    """
    inputs = json.dumps([scenario.model_dump(mode="json"), asked, version("caseload-sim")], sort_keys=True)
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", scenario.name)[:60] or "scenario"
    return f"{safe}-{scenario.run.seed}-{sha256(inputs.encode()).hexdigest()[:10]}"


class RunFolder:
    """A run folder that is being written. It is complete when it holds run.json, which is written last.

    Until then it has a folder `unfinished` in it. It is made before the work begins, so that a folder that cannot be written
    to is noticed at once, and locked, so that nobody else writes to it.
    kept: finished replications, written as they come; None unless the inputs were given
    notes: sentences about work of an earlier run, such as how much of it is used
    quoted: texts before which CSV has a quote, so that no spreadsheet takes them for formulas
    not_drawn: why figures are missing from what was saved, by name
    looks: how each figure is saved, a file for each
    """

    def __init__(self, out: Path, name: str, inputs: Mapping[str, Any] | None = None, *, resume: bool = False) -> None:
        """Begin the folder `name` in `out`; or, to resume, go on where an earlier run with the same inputs was stopped.

        inputs: all that the answer depends on; without them no replications are kept if the run is stopped
        Raises RunError when nothing can be written there, somebody else is writing there, or inputs differ on resuming.
        """
        out = at_home(out)
        self.final = out / name
        self.unfinished = self.final / UNFINISHED
        self.partial = self.unfinished / "files"
        self.inputs = inputs
        self.kept: Unfinished | None = None
        self.notes: tuple[str, ...] = ()
        self.quoted: set[str] = set()
        self.not_drawn: dict[str, str] = {}
        self._dictionary: list[DictionaryRow] = []
        self.looks: tuple[Look, ...] = (USUAL,)
        self._in_front: dict[str, list[int]] = {}
        try:
            str(self.final).encode()  # Parquet takes only names that are text
            disk.make_folder(out, below=out)
            for folder in (self.final, self.unfinished, self.partial, self.final / "figures"):
                disk.refuse_link(folder)  # before the work, not after hours of it
            self._lock = Lock(_lock_of(self.final))
        except (OSError, ValueError) as error:
            raise unwritable(out, error) from None
        try:
            self._begin(out, inputs, resume)
        except (OSError, ValueError) as error:
            self.discard()
            raise unwritable(out, error) from None
        except BaseException:
            self._lock.release()
            raise

    def _begin(self, out: Path, inputs: Mapping[str, Any] | None, resume: bool) -> None:
        if inputs is None:
            disk.make_folder(self.unfinished, below=out)
        elif resume and (self.unfinished / INPUTS).exists():
            self.kept, damaged = take_up(self.unfinished, inputs)
            self.notes = (f"Resumed: {len(self.kept)} replications were finished in {self.final}.",)
            if damaged:
                self.notes += (f"{damaged} more were damaged, and are run again.",)
        else:
            if resume:
                refuse_others(out, inputs, lambda folder: is_held(_lock_of(folder)))
                self.notes = ("Nothing to resume: begun anew.",)
            elif n := how_many(self.unfinished):
                self.notes = (f"Begun anew; {n} finished replications of an earlier run were dropped (see --resume).",)
            self.kept = begin(self.unfinished, inputs)
        disk.remove_folder(self.partial)
        disk.make_folder(self.partial, below=out)
        _refuse_what_is_in_the_way(self.final)

    def save(
        self,
        results: Results,
        engine: str,
        images: Callable[[], Images] | None = None,
        *,
        with_events: bool = False,
        parameter_uncertainty: bool = False,
        reached: Reached | None = None,
    ) -> Path:
        """Write all files of a run, and complete the folder. Returns its path.

        images: called for the figures when everything else is written; see `Painter.begin`
        with_events: the event log of the first replication too; parameter_uncertainty: how the run was asked for
        reached: what came of asking for a precision
        """
        with self._write_all_or_none():
            values = {results.scenario.name: results.tables}
            with run_in_background(partial(self._write_parquet, results.first, values), worth_it=True) as written:
                self._save_csv("run", "measures.csv", results.rows, Row)
                self._save_csv("run", "over_time.csv", results.over_time, OverTimeRow)
                self._save_csv("run", "cost_effectiveness.csv", results.cost_effects, CostEffectRow)
                self._save_csv("run", "measure_definitions.csv", all_measures().values(), Measure)
                written()
            if results.uncertainty:
                self._save_csv("run", "uncertainty.csv", results.uncertainty, UncertaintyRow)
            if with_events:
                log = event_log(results.first)
                write_events(self.partial / "events.parquet", log)
                self._save_csv("run", "events.csv", log.rows(), EventRow)
            for figure, image in (images() if images else {}).items():
                self._write_image(f"figures/{figure}", image)
            self._record(record_of_run(results, engine, parameter_uncertainty, reached))
        return self.final

    def save_comparison(self, compared: Compared, engine: str, measures: Sequence[str], draw: bool) -> Path:
        """Write every row of a comparison, its inputs and its forest plot, and complete the folder. Returns its path.

        measures: what the forest plot shows, the headlines if empty
        """
        with self._write_all_or_none():
            self._save_csv("comparison", "differences.csv", compared.rows, ComparisonRow)
            write_rows(self.partial / "differences.parquet", compared.rows, ComparisonRow, "differences")
            self._write_replications({one.scenario.name: one.tables for one in compared.results})
            self._save_csv("comparison", "measure_definitions.csv", all_measures().values(), Measure)
            if compared.trial:
                self._save_csv("comparison", "trial.csv", compared.trial, TrialRow)
            if draw:
                self._write_pictures("figures/differences", partial(_differences, compared, measures))
            self._record(record_of_comparison(compared, engine, measures))
        return self.final

    def save_table(
        self,
        rows: Sequence[Any],
        row_type: type[Any],
        draw: "Callable[[], Sheet]",
        record: dict[str, Any] | None = None,
        beside: "Mapping[str, tuple[Sequence[Any], type[Any]]] | None" = None,
    ) -> Path:
        """Write one table as CSV, one figure, and the record, and complete the folder. Returns its path.

        record: where it is not that of the inputs; beside: further tables by file name, each its rows and their type
        """
        assert self.inputs is not None, "the folder of a table is begun with its inputs"
        tables = {"table": (rows, row_type), **(beside or {})}
        with self._write_all_or_none():
            for table, (some, some_type) in tables.items():
                self._save_csv(self.inputs["kind"], f"{table}.csv", some, some_type)
            self._write_pictures("figure", draw)
            if record is None:
                n_rows = {f"{table}.csv": len(some) for table, (some, _) in tables.items()}
                record = record_of_table(self.inputs, n_rows, self.kept.digests if self.kept is not None else {})
            self._record(record)
        return self.final

    @property
    def n_kept(self) -> int:
        """How many finished replications are on disk. Files are counted, because Ctrl-C may come between a file and a count."""
        return 0 if self.kept is None else how_many(self.unfinished)

    def discard(self) -> None:
        """Delete files that are half written, keep finished replications, and release the lock."""
        with suppress(OSError):
            disk.remove_folder(self.partial, disk.TIDYING_SECONDS)
        if not self.n_kept:
            with suppress(OSError):
                disk.remove_folder(self.unfinished, disk.TIDYING_SECONDS)
            with suppress(OSError):
                disk.remove_if_empty(self.final)
        self._lock.release()

    def remove(self) -> None:
        """Delete the folder, finished replications included. For a command that saves no files, when it is done."""
        self.kept = None
        self.discard()
        with suppress(OSError):
            disk.remove_if_empty(self.final.parent)

    @contextmanager
    def _write_all_or_none(self) -> Iterator[None]:
        """The block writes files to the folder `partial`; then all are moved to the run folder, or on an error none."""
        try:
            yield
            self._move_into_folder()
        except (OSError, UnicodeError) as error:
            raise unwritable(self.final, error, MAKE_ROOM if self.n_kept else ELSEWHERE) from None
        finally:
            self.discard()

    def _write_pictures(self, name: str, draw: "Callable[[], Sheet]") -> None:
        for look in self.looks:
            self._write_image(look.file_of(name), picture(draw, look))

    def _write_image(self, name: str, image: Image) -> None:
        if isinstance(image, NotDrawn):
            self.not_drawn[Path(name).stem] = image.why
            return
        path = self.partial / name
        disk.make_folder(path.parent, below=self.partial)
        with disk.new_file(path) as file:
            file.write(image)

    def _record(self, record: dict[str, Any]) -> None:
        """Write what the columns of all tables are, and a record with the digest of each table."""
        save_csv(self.partial / "data_dictionary.csv", self._described(), DictionaryRow)
        tables = sorted(path for path in self.partial.iterdir() if path.suffix in (".csv", ".parquet"))
        files = {path.name: digest_of_file(path) for path in tables}
        write_text(
            self.partial / RECORD, json.dumps(sealed({**record, IN_FRONT: self._in_front, FILES: files}), indent=1)
        )

    def _save_csv(self, kind: str, file: str, rows: Iterable[Any], row_type: type[Any]) -> None:
        """Write a table of a folder of that kind, one that columns.toml describes."""
        quoted, front = save_csv(self.partial / file, rows, row_type)
        self.quoted |= quoted
        if front:
            self._in_front[file] = front
        known = saved_table(kind, file)
        for name in filter(None, (known.file, known.also)):
            self._dictionary += dictionary_of(name, known.columns)

    def _described(self) -> list[DictionaryRow]:
        """What all columns are, by file: a thread has written some of them meanwhile, sooner or later."""
        return sorted(self._dictionary, key=lambda row: row.file)

    def _write_parquet(self, first: Simulation, tables: Mapping[str, Sequence[MeasureTable]]) -> None:
        """All tables of the first replication, and every value of all."""
        self._dictionary += write_tables(self.partial, first)
        self._write_replications(tables)

    def _write_replications(self, tables: Mapping[str, Sequence[MeasureTable]]) -> None:
        known = saved_tables()["replications"]
        write_replications(self.partial / known.file, tables)
        self._dictionary += dictionary_of(known.file, known.columns)

    def _move_into_folder(self) -> None:
        """Move all files from `partial` to the run folder, run.json last. Other files that are in the folder stay.

        Whether each can be replaced is found out first: a spreadsheet may have had one open for hours.
        """
        files = sorted(
            (path for path in self.partial.rglob("*") if path.is_file()), key=lambda path: path.name == RECORD
        )
        targets = [self.final / file.relative_to(self.partial) for file in files]
        for file, target in zip(files, targets, strict=True):
            flush(file)
            disk.make_folder(target.parent, below=self.final.parent)
            disk.refuse_held(target)
        before, left = self.unfinished / f"{RECORD}.before", len(files)
        if disk.is_there(self.final / RECORD):
            # Without it the folder counts as incomplete, while its files may be of two runs.
            disk.replace(self.final / RECORD, before)
        try:
            for file, target in zip(files, targets, strict=True):
                disk.replace(file, target)
                left -= 1
        except BaseException:
            if left == len(files) and disk.is_there(before):  # all are still those of the earlier run
                with suppress(OSError):
                    disk.replace(before, self.final / RECORD)
            raise
        flush_folder(self.final)
        self.kept = None


def _differences(compared: Compared, measures: Sequence[str]) -> "Sheet":
    """The forest plot of a comparison, with how it was made."""
    from caseload_sim.figures.compare import draw_differences
    from caseload_sim.figures.frame import with_made
    from caseload_sim.figures.made import made_of_comparison

    versus = next(one.scenario for one in compared.results if one.scenario.name == compared.versus)
    made = made_of_comparison(versus, {one.scenario.name: one.digests for one in compared.results})
    return with_made(draw_differences(compared.rows, measures), made)


def _refuse_what_is_in_the_way(folder: Path) -> None:
    """Raises OSError for what stands in a run folder where files are to be written, before anything is done for them."""
    for path in folder.iterdir():
        of_ours = path.suffix in (".csv", ".json", ".parquet", ".png", ".svg", ".pdf")
        if (of_ours and path.is_dir()) or (path.name == "figures" and not (path.is_dir() and os.access(path, os.W_OK))):
            raise FileExistsError(EEXIST, f"{path.name} is in the way", str(path))


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
