"""Commands about who is referred."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import DEFAULT, RESULTS, Json, Paths, ScenarioArgument, Seed, Sets, opened
from caseload_sim.errors import CatalogueError, did_you_mean


def population(
    scenario: ScenarioArgument = DEFAULT,
    clients: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many clients to draw.")] = 200_000,
    seed: Seed = None,
    out: Annotated[
        Path, typer.Option(help="Folder in which a folder with the table and the figure is made.")
    ] = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Show who is referred: every prevalence, count, pair, score and stratum, target against achieved."""
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.checks import impossible_targets
    from caseload_sim.population_figures import draw_population
    from caseload_sim.report import Comparison, population_report
    from caseload_sim.store import as_json, run_name, save_table

    rows = population_report(chosen, clients, seed)
    name = run_name(chosen, f"population of {clients}, seed {seed}")
    saved = save_table(
        out, name.replace(chosen.name, f"{chosen.name}-population", 1), rows, Comparison, lambda: draw_population(rows)
    )
    if json:
        print(as_json(rows))
    else:
        from caseload_sim.tables import print_population

        print_population(rows, chosen, clients)
    for path, message in impossible_targets(chosen.population):
        print(f"Note: {'.'.join(path)}: {message}", file=sys.stderr)
    print(f"Saved in {saved}", file=sys.stderr)


def calibrate(
    what: Annotated[str, typer.Argument(metavar="KIND", help="population: so far the only kind.")],
    scenario: ScenarioArgument = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="Write the fitted values to this scenario file as well.")] = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Fit what is assumed about the population to the published count of disorders; published prevalences stay.

    Prints what was fitted and a scenario fragment with the fitted values, each marked `fitted`.
    """
    if what != "population":
        raise CatalogueError(f"{what}: nothing of that kind to calibrate. {did_you_mean(what, ['population'])}")
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.calibration import calibrate_population
    from caseload_sim.tables import print_fit

    found = calibrate_population(chosen)
    print_fit(found)
    fragment = found.fragment(chosen.name)
    print(fragment)
    if out is not None:
        from caseload_sim.store import save_text

        save_text(out, fragment)
        print(f"Saved in {out}", file=sys.stderr)
