"""What all commands that simulate have in common: progress, worker processes, and a folder that keeps what is finished."""

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from caseload_sim.cli.main import Stopped
from caseload_sim.cli.options import RESULTS, Shared
from caseload_sim.cli.printing import replications_text, styled, tell
from caseload_sim.errors import CaseloadError, RunError
from caseload_sim.experiments.dask_workers import DaskWorkers
from caseload_sim.experiments.run_options import RunKeywords
from caseload_sim.experiments.workers import Workers
from caseload_sim.experiments.workload import Keeping, Work, too_much, work_of, work_of_people
from caseload_sim.runs.folder import RunFolder, run_name
from caseload_sim.runs.record import inputs_of, inputs_of_table
from caseload_sim.scenario.scenario import Scenario

_MOST_QUOTED = 5


class Progress:
    """Shows progress on stderr: a bar on a terminal; elsewhere, one line at the start."""

    def __init__(
        self, scenario: Scenario, counted: str = "replications", named: str = "", notes: Sequence[str] = ()
    ) -> None:
        """named: what to call the work, if it is of several scenarios; notes: lines to print before the bar."""
        self.counted, self.notes = counted, notes
        run = scenario.run
        self.title = f"{named or scenario.name}, seed {run.seed}, {replications_text(run.replications)}"
        self.periods = f"{run.warm_up_days} days warm-up, {run.data_collection_days} data collection, {run.follow_up_days} follow-up"
        self.total = run.replications

    def __enter__(self) -> "Progress":
        console = Console(stderr=True)
        for line in (f"{self.title}: {self.periods}", *self.notes):
            console.print(styled(line), highlight=False, soft_wrap=True)
        columns = (TextColumn(self.counted), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("", total=self.total)
        self.bar.start()
        return self

    def __call__(self, done: int, of: int) -> None:
        self.bar.update(self.task, completed=done, total=of)

    def __exit__(self, *_: object) -> None:
        if not self.bar.disable:  # or older versions of rich print an empty line
            self.bar.stop()


@contextmanager
def table_folder(
    shared: Shared, scenario: Scenario, kind: str, given: Mapping[str, Any], others: Sequence[Scenario] = ()
) -> Iterator[RunFolder]:
    """The folder of a command that makes one table. If the command is stopped, finished replications stay in the folder.

    kind: of the table, such as "solve"; it is part of the folder's name
    given, others: everything besides the scenario that the table depends on, see `inputs_of_table`
    """
    looks = shared.looks  # before anything is begun
    inputs = inputs_of_table(kind, scenario, given, others)
    name = table_name(scenario, kind, json.dumps([kind, inputs["given"], inputs["others"]], sort_keys=True))
    folder = RunFolder(shared.out, name, inputs, resume=shared.resume)
    folder.looks = looks
    with kept_if_stopped(folder):
        yield folder


@contextmanager
def passing_folder(shared: Shared, scenario: Scenario, kind: str, asked: str) -> Iterator[RunFolder | None]:
    """A folder for a command that saves no files. It keeps finished replications for --resume, and is deleted at the end.

    Where no folder can be made, the command runs without one (None) and a note says so; with --resume it is an error.
    """
    name = table_name(scenario, kind, asked)
    try:
        folder = RunFolder(RESULTS, name, inputs_of(kind, scenario, asked=asked), resume=shared.resume)
    except RunError as error:
        if shared.resume:
            raise
        tell(f"Note: if this is ended early, nothing is kept. {error}")
        yield None
        return
    with kept_if_stopped(folder):
        yield folder
        folder.remove()


def saved_in(folder: RunFolder, figures: Sequence[str] = ()) -> None:
    """Say on stderr in which folder everything was saved, with which figures, and which could not be drawn."""
    for name, why in folder.not_drawn.items():
        tell(f"Not drawn: {name}. {why}")
    drawn = [name for name in figures if name not in folder.not_drawn]
    tell(f"Saved in {folder.final}" + (f" (figures: {', '.join(drawn)})" if drawn else ""))


def tell_quoted(folder: RunFolder) -> None:
    """Say which names stand in CSV with a quote before them, if any do."""
    if folder.quoted:
        some = ", ".join(sorted(folder.quoted)[:_MOST_QUOTED])
        more = f" and {len(folder.quoted) - _MOST_QUOTED} more" if len(folder.quoted) > _MOST_QUOTED else ""
        tell(
            f"Note: in CSV a ' stands before {some}{more}, which a spreadsheet would take for a formula; "
            "`caseload-sim plot` reads it without."
        )


def table_name(scenario: Scenario, kind: str, asked: str) -> str:
    """The name of the folder of a table of some kind; see `run_name`."""
    return run_name(scenario, asked).replace(scenario.name, f"{scenario.name}-{kind}", 1)


@contextmanager
def kept_if_stopped(folder: RunFolder) -> Iterator[None]:
    """Close a run folder when the block ends. After an error or Ctrl-C, say how many finished replications are in it."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt):  # a second Ctrl-C must not cut short what puts the folder in order
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # in case it came just before
        n = folder.n_kept
        advice = f"{n} finished replications are kept: go on with --resume." if n else "nothing was saved."
        raise Stopped(f"Interrupted: {advice}") from None
    except CaseloadError as error:
        if n := folder.n_kept:
            raise type(error)(f"{error} {n} finished replications are kept: go on with --resume.") from None
        raise
    finally:
        folder.discard()
        tell_quoted(folder)


@contextmanager
def at_work(
    shared: Shared,
    folder: RunFolder | None,
    scenario: Scenario | None,
    counted: str = "replications",
    named: str = "",
    notes: Sequence[str] = (),
) -> Iterator[RunKeywords]:
    """Start workers and the progress bar, and give the keywords with which simulations use them and the folder.

    scenario, counted, named, notes: for `Progress`; without a scenario no progress is shown, only the notes
    """
    notes = (*(folder.notes if folder else ()), *notes)
    if scenario is None:
        for note in notes:
            tell(note)
    with (
        nullcontext() if scenario is None else Progress(scenario, counted, named, notes) as progress,
        workers(shared.jobs, shared.dask) as executor,
    ):
        yield {"executor": executor, "kept": folder.kept if folder else None, "progress": progress}


@contextmanager
def workers(jobs: int, dask: str | None = None) -> Iterator[Executor | None]:
    """The workers that --jobs or --dask ask for; None for one job, which is done by this process itself.

    Processes end with the block, at once if it ends by an error. Raises RunError when both are asked for.
    """
    if dask is not None:
        if jobs > 1:
            raise RunError("--jobs and --dask: choose one; a cluster has the workers that were started for it.")
        with DaskWorkers(dask) as cluster:
            tell(cluster.in_words())
            yield cluster
        return
    with nullcontext() if jobs == 1 else Workers(jobs) as executor:
        yield executor


def announce_work(
    scenarios: Sequence[Scenario],
    beyond: bool,
    *,
    times: float = 1,
    jobs: int = 1,
    keeping: Keeping | None = None,
) -> None:
    """Say on stderr how much work is about to begin, if it is much. Raises RunError if it is too much.

    beyond: --beyond-limits was given, so that nothing is too much; times: how often each replication is run
    keeping: what the command keeps besides measures
    """
    _announce(work_of(scenarios, times=times, jobs=jobs, keeping=keeping), beyond)


def announce_people(scenario: Scenario, n_clients: int, beyond: bool, *, times: int = 1) -> None:
    """The same of drawing so many clients, some times over, without a queue."""
    _announce(work_of_people(scenario, n_clients, times), beyond)


def too_much_to_run(scenario: Scenario) -> str | None:
    """Why `run` would not begin a scenario unasked, in words; None when it would."""
    return too_much(work_of([scenario], keeping=Keeping(all_tables=True)), _memory_bytes())


def _announce(work: Work, beyond: bool) -> None:
    why = None if beyond else too_much(work, _memory_bytes())
    if why:
        raise RunError(
            f"{why}. Use fewer referrals a year, days, replications or --jobs; or begin all the same with --beyond-limits."
        )
    if work.is_remarkable:
        tell(f"Work: {work}.")


def _memory_bytes() -> int | None:
    """Memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
