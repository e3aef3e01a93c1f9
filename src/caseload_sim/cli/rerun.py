"""The commands about what was saved: draw it again, run it again; and one replication through every engine."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from caseload_sim.analysis.audit import AuditRow
from caseload_sim.analysis.population_report import Comparison
from caseload_sim.analysis.rank import RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
from caseload_sim.analysis.solve import Solution, SolutionPoint, solution_of
from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_PICTURES, OF_RUNS, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import say, tell
from caseload_sim.cli.running import announce_work, at_work, passing_folder
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import check_engines
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.sweep import Sweep, SweepRow, sweep_of
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import (
    TablesOfACommand,
    figure_names,
    of_kind,
    tables_of,
)
from caseload_sim.figures.made import Made, made_of_comparison, made_of_run
from caseload_sim.figures.painter import NotDrawn, image_of_saved
from caseload_sim.measures.rows import OverTimeRow
from caseload_sim.runs.read import KINDS, SavedRun, damaged, is_folder, read_record, read_run, saved_rows, scenarios_in
from caseload_sim.runs.record import RECORD
from caseload_sim.runs.rerun import read_recorded
from caseload_sim.runs.rerun import rerun as run_again
from caseload_sim.runs.whole_files import folder_of_figures, save_images
from caseload_sim.services.backtest import ServicePrediction, changes_of
from caseload_sim.services.validated import ServiceFigure

_MOST_DIFFERING = 1_000  # lines
# What the figures of each command are drawn from, besides runs and comparisons: tables by the names of their files.
_ROWS: Mapping[str, Mapping[str, type[Any]]] = {
    "sweep": {"table": SweepRow},
    "solve": {"table": SolutionPoint},
    "reconcile": {"table": ReconcileRow},
    "audit": {"table": AuditRow},
    "uncertainty": {"table": DoubtRow, "tornado": TornadoRow},
    "rank": {"table": RankRow},
    "population": {"table": Comparison},
    "warm-up": {"table": WarmUpRow, "over_time": OverTimeRow},
    "validate-services": {"services": ServiceFigure},
    "backtest": {"predictions": ServicePrediction},
}


@takes(*OF_PICTURES)
def plot(
    shared: Shared,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that a command saved its results in.")],
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this figure; repeatable. `caseload-sim list figures` shows all."),
    ] = None,
) -> None:
    """Draw the figures of saved results again, for a screen, a journal or a slide, into their folder `figures`.

    Without --figure, all that the folder has the tables for: more than the command drew of itself.

    Examples:

        caseload-sim plot results/hepgul_2016-2016-0123456789

        caseload-sim plot results/hepgul_2016-2016-0123456789 --figure ladder --width one --format pdf --format svg
    """
    looks = shared.looks
    tables, made = _saved_tables(folder)
    names = figure_names(figure, tables.kind) if figure else of_kind(tables.kind)
    into = folder_of_figures(folder)
    images: dict[str, dict[str, bytes]] = {look.file_format: {} for look in looks}
    for name in names:
        for look in looks:
            image = image_of_saved(tables, name, look, made)
            if not isinstance(image, NotDrawn):
                images[look.file_format][name] = image
            elif figure:
                raise RunError(f"{name}: not drawn. {image.why}")
            else:
                tell(f"Not drawn: {name}. {image.why}")
                break
    if not any(images.values()):
        raise RunError(f"{folder}: no figure could be drawn.")
    for file_format, of_format in images.items():
        for path in save_images(into, of_format, file_format):
            say(str(path))


def _saved_tables(folder: Path) -> tuple[SavedRun | TablesOfACommand, Made]:
    """What a folder's figures are drawn from, and how that was made. Raises RunError when it is no folder of results, or lacks what it needs."""
    if not is_folder(folder):
        raise RunError(f"{folder}: no such folder. Give one that a command of caseload-sim saved its results in.")
    record = read_record(folder, (*KINDS, *_ROWS))
    if record["kind"] in _ROWS:
        tables = _tables_of_a_command(folder, record)
        return tables, tables.made
    saved = read_run(folder)
    made = made_of_comparison if saved.kind == "comparison" else made_of_run
    try:
        return saved, made(saved.scenario, record["digests"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged(folder / RECORD, "does not hold the digests of its tables") from None


def _tables_of_a_command(folder: Path, record: Mapping[str, Any]) -> TablesOfACommand:
    kind = record["kind"]
    scenario = next(iter(scenarios_in(folder / RECORD, dict(record)).values()))
    tables = {name: saved_rows(folder, f"{name}.csv", row_type, record) for name, row_type in _ROWS[kind].items()}
    given = record.get("given", {})
    answer: Sweep | Solution | None = None
    if kind == "sweep":
        answer = sweep_of(scenario, tables["table"])
    elif kind == "solve":
        if not isinstance(given, dict) or not {"target", "vary"} <= given.keys():
            raise RunError(
                f"{folder / RECORD}: does not say what was solved for. Run `solve` again to have its figure anew."
            )
        from_today = bool(given.get("from_today"))
        answer = solution_of(scenario, str(given["target"]), str(given["vary"]), tables["table"], from_today=from_today)
    elif kind == "backtest":
        tables = {"changes": changes_of(tables["predictions"])}
    of = "" if kind in ("rank", "backtest", "validate-services") else None
    return tables_of(kind, scenario, answer, of=of, **tables)


@takes(*OF_RUNS, "beyond_limits")
def rerun(
    shared: Shared,
    place: Annotated[Path, typer.Argument(metavar="FOLDER|RUN.JSON", help="A saved run, sweep or comparison.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on where the program or its libraries have another version.")
    ] = False,
) -> None:
    """Run a stored run again, and compare the digest of every table; exit code 1 when one differs.

    Example:

        caseload-sim rerun results/FOLDER
    """
    recorded = read_recorded(place)
    times = 1 + recorded.parameter_uncertainty
    announce_work(
        recorded.scenarios, shared.beyond_limits, times=times, jobs=shared.jobs, keeping=Keeping(painted=False)
    )
    scenarios = [scenario.model_dump_json() for scenario in recorded.scenarios]
    stored = sha256(repr((scenarios, recorded.digests)).encode()).hexdigest()
    with (
        passing_folder(shared, recorded.scenarios[0], "rerun", f"rerun {stored}") as folder,
        at_work(shared, folder, None) as how,
    ):
        outcome = run_again(place, anyway=anyway, **how)
    for note in outcome.notes:
        tell(f"Note: {note}")
    if outcome.differing:
        say(f"{place}: {len(outcome.differing)} of {outcome.n_digests} digests differ.")
        say("\n".join(outcome.differing[:_MOST_DIFFERING]))
        if len(outcome.differing) > _MOST_DIFFERING:
            say(f"... and {len(outcome.differing) - _MOST_DIFFERING:,} more")
        raise typer.Exit(1)
    say(f"{place}: all {outcome.n_digests} digests are equal.")


@takes("seed", *OF_A_SCENARIO, "beyond_limits")
def check(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Run a scenario through both engines and compare every row; exit code 1 when they differ."""
    chosen = shared.opened(scenario)
    # Every engine, one of them with an object for each client, which takes as much memory as all tables do.
    keeping = Keeping(all_tables=True, painted=False)
    announce_work([with_run(chosen, None, 1)], shared.beyond_limits, times=3, keeping=keeping)
    stays, difference = check_engines(chosen, seed=shared.seed)
    if difference:
        say(f"{chosen.name}: the engines differ. {difference}")
        raise typer.Exit(1)
    say(f"{chosen.name}: the engines agree on all {stays:,} stays.")
