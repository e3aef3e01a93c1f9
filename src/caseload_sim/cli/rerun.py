"""The commands about what was saved: draw it again, run it again; and one replication through every engine."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_RUNS, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import say, tell
from caseload_sim.cli.running import announce_work, at_work, passing_folder
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.replicate import check_engines
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import figure_names, of_kind
from caseload_sim.figures.painter import NotDrawn, image_of_saved
from caseload_sim.runs.read import read_run
from caseload_sim.runs.rerun import read_recorded
from caseload_sim.runs.rerun import rerun as run_again
from caseload_sim.runs.whole_files import folder_of_figures, save_images

FORMATS = ("png", "svg", "pdf")
_MOST_DIFFERING = 1_000  # lines


def plot(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A folder that `run` or `compare` saved.")],
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this figure; repeatable. `caseload-sim list figures` shows all."),
    ] = None,
    figure_format: Annotated[str, typer.Option("--format", help="png, svg or pdf.")] = "png",
) -> None:
    """Draw a saved run's figures again, or the rest of the gallery, into its folder `figures`.

    Without --figure, all that the folder has the tables for.

    Examples:

        caseload-sim plot results/hepgul_2016-2016-0123456789

        caseload-sim plot results/hepgul_2016-2016-0123456789 --figure retention --format svg
    """
    if figure_format not in FORMATS:
        raise RunError(f"--format {figure_format}: not a format for figures. {did_you_mean(figure_format, FORMATS)}")

    saved = read_run(folder)
    names = figure_names(figure, saved.kind) if figure else of_kind(saved.kind)
    into = folder_of_figures(folder)
    images: dict[str, bytes] = {}
    for name in names:
        image = image_of_saved(saved, name, figure_format)
        if not isinstance(image, NotDrawn):
            images[name] = image
        elif figure:
            raise RunError(f"{name}: not drawn. {image.why}")
        else:
            tell(f"Not drawn: {name}. {image.why}")
    if not images:
        raise RunError(f"{folder}: no figure could be drawn.")
    for path in save_images(into, images, figure_format):
        say(str(path))


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
