"""Commands about who is referred."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.calibrate_population import PopulationFit
from caseload_sim.analysis.calibrate_service import ServiceFit
from caseload_sim.cli.options import DEFAULT, Paths, ScenarioArgument, Sets, opened
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import CatalogueError, did_you_mean

KINDS = ("population", "service", "outcome")


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
    from caseload_sim.cli.calibrate import print_fit, print_service_fit

    if what == "population":
        from caseload_sim.analysis.calibrate_population import calibrate_population

        population_fit = calibrate_population(chosen)
        print_fit(population_fit)
        fragment = population_fit.fragment(chosen.name)
    else:
        from caseload_sim.analysis.calibrate_service import calibrate_service
        from caseload_sim.cli.progress import Progress

        with Progress(chosen, "runs", f"calibrate {what} {chosen.name}") as progress:
            service_fit = calibrate_service(chosen, part=what, replications=replications, progress=progress)
        print_service_fit(service_fit)
        fragment = service_fit.fragment()
    print(fragment)
    if out is not None:
        from caseload_sim.runs.folder import save_text

        save_text(out, fragment)
        print(f"Saved in {out}", file=sys.stderr)


def print_fit(found: PopulationFit) -> None:
    """What a calibration moved, and how near it came."""
    console = Console(highlight=False)
    console.print(Text("FITTED: one loading and one shift of all assumed prevalences", "bold reverse"))
    console.print(Text(f"{'':<20}{'target':>10}{'before':>10}{'after':>10}", "dim"))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        console.print(Text(f"{words(name):<20}{target:>10.4f}{before:>10.4f}{after:>10.4f}"))
    console.print(Text(f"loading {found.loading}; assumed prevalences shifted by {found.prevalence_shift:+.3f} logits"))
    if found.at_bounds:
        console.print(
            Text(f"Stopped by the bound of: {', '.join(found.at_bounds)}. The mix above is the nearest within bounds.")
        )
    console.print()


def print_service_fit(found: ServiceFit) -> None:
    """What the fit of a service came to."""
    console = Console(highlight=False)
    console.print(Text(f"FITTED: what has no source, to published figures of the {found.part}", "bold reverse"))
    console.print(Text(f"{'':<38}{'target':>10}{'before':>10}{'after':>10}", "dim"))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        console.print(Text(f"{words(name):<38}{target:>10.4g}{before:>10.4g}{after:>10.4g}"))
    console.print(Text(f"{'':<48}{'in use':>10}{'fitted':>10}", "dim"))
    for path, value in found.changes.items():
        console.print(Text(f"{path:<48}{found.in_use[path]:>10.4g}{value:>10.4g}"), soft_wrap=True)
    console.print(Text(f"{found.rounds} round{'s' * (found.rounds != 1)} after the first", "dim"))
    console.print()
