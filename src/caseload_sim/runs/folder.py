"""The run folder: the files of a run, which appear all together or not at all, and a lock for who is writing them."""

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EEXIST
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caseload_sim.analysis.event_log import EventRow, event_log
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import Compared, ComparisonRow
from caseload_sim.experiments.precision import Reached
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.trial import TrialRow
from caseload_sim.figures.painter import Image, Images, NotDrawn, picture
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow
from caseload_sim.runs.kept_replications import INPUTS, UNFINISHED, Unfinished, begin, how_many, refuse_others, take_up
from caseload_sim.runs.record import RECORD, record_of_comparison, record_of_run
from caseload_sim.runs.tables import _created, write_csv, write_events, write_rows, write_tables
from caseload_sim.runs.whole_files import ELSEWHERE, MAKE_ROOM, flush, flush_folder, unwritable, write_text
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.limits import read_regular
from caseload_sim.support.surroundings import at_home
from caseload_sim.support.threads import run_in_background

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_TEXT_BYTES = 1_000  # of the text that says who holds a lock


class Lock:
    """The right to write to a folder: only one process has it at a time, from here until `release`.

    Whoever comes second gets a RunError at once. It is a lock of the operating system on a file beside the folder, so when
    a process is killed its lock is free at once. A second file, a text, says who holds it: on Windows nobody can read a file
    that is locked.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises RunError when somebody else has it, OSError when it cannot be written."""
        self.path, self.text = path, path.with_name(f"{path.name}.txt")
        self._file: int | None = self._take()
        who = f"process {os.getpid()} on {socket.gethostname()} has been writing there since"
        with suppress(OSError):  # only a message lacks something without it
            self.text.unlink(missing_ok=True)  # of a process that was killed, and perhaps of another user
            self.text.write_text(f"{who} {time.strftime('%Y-%m-%d %H:%M:%S')}", encoding="utf-8")

    def _take(self) -> int:
        """Open the lock file and lock it. Returns the number by which the system knows the open file."""
        from filelock import lock_descriptor  # takes some hundredths of a second to load

        while True:
            number = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if not lock_descriptor(number, blocking=False):
                    raise RunError(
                        f"{self.path.with_suffix('')}: {self._holder()}. Wait until it has ended, or choose another folder "
                        "with --out."
                    )
                if os.fstat(number).st_nlink:
                    return number
            except BaseException:
                os.close(number)
                raise
            os.close(
                number
            )  # whoever held it removed the file just after it was opened here, and the next makes a new one

    def _holder(self) -> str:
        try:
            who = read_regular(self.text, _MOST_TEXT_BYTES).decode("utf-8")
        except (OSError, ValueError):
            who = ""
        return who if who.isprintable() and who else "another process is writing there"

    def release(self) -> None:
        """Let others write, and leave no file behind. Does nothing the second time."""
        if self._file is None:
            return
        number, self._file = self._file, None
        self._remove(self.text)
        if os.name == "posix":
            self._remove(self.path)  # while it is held: afterwards it may be that of the next
        os.close(number)
        if os.name != "posix":
            self._remove(self.path)  # Windows removes no file that is open, neither this one's nor that of the next

    def _remove(self, file: Path) -> None:
        with suppress(OSError):
            file.unlink()


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock. It finds out by taking it for a moment."""
    if not path.exists():
        return False
    try:
        Lock(path).release()
    except (RunError, OSError):  # or it is another user's, so that nobody here can tell
        return True
    return False


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
    not_drawn: why figures are missing from what was saved, by name
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
        self.kept: Unfinished | None = None
        self.notes: tuple[str, ...] = ()
        self.not_drawn: dict[str, str] = {}
        try:
            str(self.final).encode()  # Parquet takes only names that are text
            out.mkdir(parents=True, exist_ok=True)
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
            self.unfinished.mkdir(parents=True, exist_ok=True)
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
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir()
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
            with run_in_background(partial(write_tables, self.partial, results.first), worth_it=True) as written:
                with _created(self.partial / "measures.csv") as file:
                    write_csv(results.rows, Row, file)
                with _created(self.partial / "over_time.csv") as file:
                    write_csv(results.over_time, OverTimeRow, file)
                with _created(self.partial / "cost_effectiveness.csv") as file:
                    write_csv(results.cost_effects, CostEffectRow, file)
                written()
            if results.uncertainty:
                with _created(self.partial / "uncertainty.csv") as file:
                    write_csv(results.uncertainty, UncertaintyRow, file)
            if with_events:
                log = event_log(results.first)
                write_events(self.partial / "events.parquet", log)
                with _created(self.partial / "events.csv") as file:
                    write_csv(log.rows(), EventRow, file)
            for figure, image in (images() if images else {}).items():
                self._write_image(f"figures/{figure}.png", image)
            self._record(record_of_run(results, engine, parameter_uncertainty, reached))
        return self.final

    def save_comparison(self, compared: Compared, engine: str, measures: Sequence[str], draw: bool) -> Path:
        """Write every row of a comparison, its inputs and its forest plot, and complete the folder. Returns its path.

        measures: what the forest plot shows, the headlines if empty
        """
        with self._write_all_or_none():
            with _created(self.partial / "differences.csv") as file:
                write_csv(compared.rows, ComparisonRow, file)
            write_rows(self.partial / "differences.parquet", compared.rows, ComparisonRow)
            if compared.trial:
                with _created(self.partial / "trial.csv") as file:
                    write_csv(compared.trial, TrialRow, file)
            if draw:
                from caseload_sim.figures.compare import draw_differences

                drawn = picture(lambda: draw_differences(compared.rows, measures))
                self._write_image("figures/differences.png", drawn)
            self._record(record_of_comparison(compared, engine, measures))
        return self.final

    def save_table(
        self,
        rows: Sequence[Any],
        row_type: type[Any],
        draw: "Callable[[], Figure]",
        record: dict[str, Any] | None = None,
        beside: "Mapping[str, tuple[Sequence[Any], type[Any]]] | None" = None,
    ) -> Path:
        """Write one table as CSV, one figure, and the record if there is one, and complete the folder. Returns its path.

        beside: further tables by file name, each its rows and their type
        """
        with self._write_all_or_none():
            for table, (some, some_type) in {"table": (rows, row_type), **(beside or {})}.items():
                with _created(self.partial / f"{table}.csv") as file:
                    write_csv(some, some_type, file)
            self._write_image("figure.png", picture(draw))
            if record is not None:
                self._record(record)
        return self.final

    @property
    def n_kept(self) -> int:
        """How many finished replications are on disk. Files are counted, because Ctrl-C may come between a file and a count."""
        return 0 if self.kept is None else how_many(self.unfinished)

    def discard(self) -> None:
        """Delete files that are half written, keep finished replications, and release the lock."""
        shutil.rmtree(self.partial, ignore_errors=True)
        if not self.n_kept:
            shutil.rmtree(self.unfinished, ignore_errors=True)
            with suppress(OSError):
                self.final.rmdir()  # only if it is empty
        self._lock.release()

    def remove(self) -> None:
        """Delete the folder, finished replications included. For a command that saves no files, when it is done."""
        self.kept = None
        self.discard()
        with suppress(OSError):
            self.final.parent.rmdir()  # only if it is empty

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

    def _write_image(self, name: str, image: Image) -> None:
        if isinstance(image, NotDrawn):
            self.not_drawn[Path(name).stem] = image.why
            return
        path = self.partial / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)

    def _record(self, record: dict[str, Any]) -> None:
        write_text(self.partial / RECORD, json.dumps(record, indent=1))

    def _move_into_folder(self) -> None:
        """Move all files from `partial` to the run folder, run.json last. Other files that are in the folder stay."""
        files = sorted(path for path in self.partial.rglob("*") if path.is_file())
        for file in files:
            flush(file)
        (self.final / RECORD).unlink(
            missing_ok=True
        )  # without it the folder counts as incomplete, while its files may be of two runs
        for file in sorted(files, key=lambda path: path.name == RECORD):
            target = self.final / file.relative_to(self.partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        flush_folder(self.final)
        self.kept = None


def _refuse_what_is_in_the_way(folder: Path) -> None:
    """Raises OSError for what stands in a run folder where files are to be written, before anything is done for them."""
    for path in folder.iterdir():
        of_ours = path.suffix in (".csv", ".json", ".parquet", ".png")
        if (of_ours and path.is_dir()) or (path.name == "figures" and not (path.is_dir() and os.access(path, os.W_OK))):
            raise FileExistsError(EEXIST, f"{path.name} is in the way", str(path))


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
