"""Commands about who is referred."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    Json,
    Out,
    Paths,
    ScenarioArgument,
    Seed,
    Sets,
    opened,
    print_json,
    save_and_show,
)
from caseload_sim.errors import CatalogueError, did_you_mean

KINDS = ("population", "service", "outcome")


def population(
    scenario: ScenarioArgument = DEFAULT,
    clients: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many clients to draw.")] = 200_000,
    seed: Seed = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Show who is referred: every prevalence, count, pair, score and stratum, target against achieved."""
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.checks import impossible_targets
    from caseload_sim.population_figures import draw_population
    from caseload_sim.report import Comparison, population_report
    from caseload_sim.tables import print_population

    rows = population_report(chosen, clients, seed)

    def show() -> None:
        if json:
            print_json(rows)
        else:
            print_population(rows, chosen, clients)
        for path, message in impossible_targets(chosen.population):
            print(f"Note: {'.'.join(path)}: {message}", file=sys.stderr)

    asked = f"population of {clients}, seed {seed}"
    save_and_show(chosen, "population", asked, out, rows, Comparison, lambda: draw_population(rows), show)


def calibrate(
    what: Annotated[str, typer.Argument(metavar="KIND", help="population, service or outcome.")],
    scenario: ScenarioArgument = DEFAULT,
    replications: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Of each run, when a service or an outcome is fitted; more give a steadier fit."
        ),
    ] = 6,
    out: Annotated[Path | None, typer.Option(help="Write the fitted values to this scenario file as well.")] = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Fit what has no source to what is published; nothing that has a source is moved.

    population: one loading and one shift of all assumed prevalences, to the count of disorders or to mean scores.

    service: what `fitted_by` names under each official figure, such as staff to waits.

    outcome: the same for the outcome model alone, of trial_anchored (what trials found) or service_claim (the claim of 50%).

    Prints what was fitted and a scenario fragment with the fitted values, each marked `fitted`.
    """
    if what not in KINDS:
        raise CatalogueError(f"{what}: nothing of that kind to calibrate. {did_you_mean(what, KINDS)}")
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.tables import print_fit, print_service_fit

    if what == "population":
        from caseload_sim.calibration import calibrate_population

        population_fit = calibrate_population(chosen)
        print_fit(population_fit)
        fragment = population_fit.fragment(chosen.name)
    else:
        from caseload_sim.progress import Progress
        from caseload_sim.service_fit import calibrate_service

        with Progress(chosen, "runs", f"calibrate {what} {chosen.name}") as progress:
            service_fit = calibrate_service(chosen, part=what, replications=replications, progress=progress)
        print_service_fit(service_fit)
        fragment = service_fit.fragment()
    print(fragment)
    if out is not None:
        from caseload_sim.store import save_text

        save_text(out, fragment)
        print(f"Saved in {out}", file=sys.stderr)
