"""Commands about who is referred."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.analysis.population_report import Comparison
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
from caseload_sim.definitions.quantities import words
from caseload_sim.scenario.scenario import Scenario


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
    from caseload_sim.analysis.population_report import Comparison, population_report
    from caseload_sim.cli.population import print_population
    from caseload_sim.figures.population import draw_population
    from caseload_sim.scenario.checks_population import impossible_targets

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


def print_population(rows: Sequence[Comparison], scenario: Scenario, n_clients: int) -> None:
    """Target against achieved, one quantity a line, its origin beneath when it is new."""
    console = Console(highlight=False)
    console.print(Text(f"WHO IS REFERRED: {scenario.title}, {n_clients:,} clients drawn", "bold reverse"))
    console.print(Text(f"{'':<46}{'target':>8}{'achieved':>10}{'source 95%':>14}", "dim"))
    origin = ""
    for row in rows:
        interval = "" if np.isnan(row.lower_95_ci) else f"{row.lower_95_ci:.3f}-{row.upper_95_ci:.3f}"
        target = "" if np.isnan(row.target) else f"{row.target:.3f}"
        name = words(row.quantity)
        if len(name) > 46:
            console.print(Text(name))
            name = ""
        console.print(Text(f"{name:<46}{target:>8}{row.achieved:>10.3f}{interval:>14}"))
        if row.source != origin:
            console.print(Padding(Text(row.source, "dim"), (0, 0, 0, 4)))
        origin = row.source
