"""What the commands share: their common options, and how what was typed becomes a scenario."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseload_sim.definitions.quantities import with_slashes
from caseload_sim.errors import CaseloadError, RunError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from matplotlib.figure import Figure

    from caseload_sim.runs.folder import RunFolder
    from caseload_sim.scenario.scenario import Scenario

INTERRUPTED = 130

DEFAULT = "hepgul_2016"

ScenarioArgument = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A scenario's name, or your own .toml file.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one value; repeat for more. Paths are as `explain` shows."
    ),
]
Paths = Annotated[
    list[Path] | None,
    typer.Option("--scenario-path", metavar="FOLDER", help="Look for scenarios here too; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of all randomness; the scenario's own if not given.")]
Replications = Annotated[int | None, typer.Option(min=1, max=100_000, help="How many replications.")]
Jobs = Annotated[
    int,
    typer.Option(min=1, max=1024, help="How many processes run replications at the same time; the answer is the same."),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Run replications on a Dask cluster with its scheduler at tcp://HOST:PORT or tls://HOST:PORT; the answer is the same.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on where the same command was ended, with the replications it had finished."),
]
BeyondLimits = Annotated[
    bool,
    typer.Option(
        "--beyond-limits", help="Begin even where the work, or the memory it needs, is beyond all usual size."
    ),
]
RESULTS = Path("results")
Out = Annotated[Path, typer.Option(help="Folder in which a folder with the table and the figure is made.")]


class Stopped(SystemExit):
    """Ctrl-C, and what became of the work until then."""

    def __init__(self, message: str) -> None:
        super().__init__(INTERRUPTED)
        self.message = message


@contextmanager
def workers(jobs: int, dask: str | None = None) -> Iterator[Executor | None]:
    """Processes for so many jobs, none for one; or the workers of a Dask cluster.

    Processes end with the block, at once if it ends by an error. Raises RunError when both are asked for.
    """
    if dask is not None:
        if jobs > 1:
            raise RunError("--jobs and --dask: choose one; a cluster has the workers that were started for it.")
        from caseload_sim.experiments.dask_workers import DaskWorkers

        with DaskWorkers(dask) as cluster:
            print(cluster.in_words(), file=sys.stderr)
            yield cluster
        return
    if jobs == 1:
        yield None
        return
    from caseload_sim.experiments.workers import Workers

    with Workers(jobs) as executor:
        yield executor


@contextmanager
def kept_if_stopped(folder: RunFolder) -> Iterator[None]:
    """Close a run folder whatever happens; an error or Ctrl-C says how many finished replications are in it."""
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut short what puts the folder in order
        n = folder.n_kept
        advice = f"{n} finished replications are kept: go on with --resume." if n else "nothing was saved."
        raise Stopped(f"Interrupted: {advice}") from None
    except CaseloadError as error:
        if n := folder.n_kept:
            raise type(error)(f"{error} {n} finished replications are kept: go on with --resume.") from None
        raise
    finally:
        folder.discard()


def opened(name_or_file: str, paths: list[Path] | None, sets: list[str] | None) -> Scenario:
    """The scenario of that name or file, with the changes of --set. Raises CaseloadError."""
    from caseload_sim.scenario.catalogue import open_scenario

    return open_scenario(name_or_file, paths=paths or [], changes=changes_in(sets))


def changes_in(sets: list[str] | None) -> dict[str, Any]:
    """Dotted path -> value, as written after --set. Raises RunError when one is not PATH=VALUE."""
    from caseload_sim.scenario.changes import parse_value

    changes: dict[str, Any] = {}
    for text in sets or []:
        path, equals, value = text.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise RunError(f"--set {text}: write PATH=VALUE, as in population.prevalence.ptsd.value=0.3")
        changes[path.strip()] = parse_value(value.strip())
    return changes


def as_written_now(option: str, text: str) -> str:
    """What was typed for a figure, with slashes; a note on stderr where it has the colons of earlier versions."""
    slashed = with_slashes(text)
    if slashed != text:
        print(f"{option} {text}: colons still do; it is now written {slashed}", file=sys.stderr)
    return slashed


def save_and_show(
    scenario: Scenario,
    kind: str,
    asked: str,
    out: Path,
    rows: Sequence[Any],
    row_type: type[Any],
    draw: Callable[[], Figure],
    show: Callable[[], None],
    *,
    beside: Mapping[str, tuple[Sequence[Any], type[Any]]] | None = None,
) -> None:
    """Save a table with its figure in a folder of its own, show it, and say where it is.

    kind: of table, a part of the folder's name; asked: all that decides about the table besides the scenario
    """
    from caseload_sim.runs.folder import run_name, save_table

    name = run_name(scenario, asked).replace(scenario.name, f"{scenario.name}-{kind}", 1)
    saved = save_table(out, name, rows, row_type, draw, beside)
    show()
    print(f"Saved in {saved}", file=sys.stderr)


def print_json(rows: Sequence[Any]) -> None:
    """Rows as JSON."""
    from caseload_sim.runs.tables import as_json

    print(as_json(rows))


def announce_work(scenarios: Sequence[Scenario], beyond: bool, *, times: float = 1, jobs: int = 1) -> None:
    """Say on stderr what is about to be done, if it is much. Raises RunError when it is too much and not beyond limits.

    times: how often each replication is run
    """
    from caseload_sim.experiments.workload import too_much, work_of

    work = work_of(scenarios, times=times, jobs=jobs)
    why = None if beyond else too_much(work, _memory_bytes())
    if why:
        raise RunError(
            f"{why}. Use fewer referrals a year, days, replications or --jobs; or begin all the same with --beyond-limits."
        )
    if work.is_remarkable:
        print(f"Work: {work}.", file=sys.stderr)


def _memory_bytes() -> int | None:
    """Memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def with_run(scenario: Scenario, seed: int | None, replications: int | None) -> Scenario:
    """The scenario with seed and replications as typed, its own where nothing was."""
    run = scenario.run
    changes = {
        "seed": run.seed if seed is None else seed,
        "replications": replications or run.replications,
    }
    return scenario.model_copy(update={"run": run.model_copy(update=changes)})
