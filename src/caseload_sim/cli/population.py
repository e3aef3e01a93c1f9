"""The command that shows who is referred."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from caseload_sim.analysis.population_report import Comparison, population_report
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_PICTURES, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, print_json, tell
from caseload_sim.cli.running import announce_people, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.scenario.checks_population import impossible_targets
from caseload_sim.scenario.scenario import Scenario


@takes("seed", "out", *OF_A_SCENARIO, "beyond_limits", "json", *OF_PICTURES)
def population(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    clients: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many clients to draw.")] = 200_000,
) -> None:
    """Show who is referred: every prevalence, count, pair, score and stratum, target against achieved."""
    chosen = with_run(shared.opened(scenario), shared.seed, None)
    announce_people(chosen, clients, shared.beyond_limits)
    with table_folder(shared, chosen, "population", {"clients": clients}) as folder:
        rows = population_report(chosen, clients)
        folder.save_table(rows, Comparison, lambda: drawn("population", tables_of("population", chosen, table=rows)))
    if shared.json:
        print_json(rows)
    else:
        print_population(rows, chosen, clients)
    for path, message in impossible_targets(chosen.population):
        tell(f"Note: {'.'.join(path)}: {message}")
    saved_in(folder)


def print_population(rows: Sequence[Comparison], scenario: Scenario, n_clients: int) -> None:
    """Target against achieved, one quantity a line, its origin beneath when it is new."""
    page = Page()
    page.title(f"WHO IS REFERRED: {scenario.title}, {n_clients:,} clients drawn")
    page.note(in_columns(("", -46), ("target", 8), ("achieved", 10), ("source 95%", 14)))
    origin = ""
    for row in rows:
        interval = "" if np.isnan(row.lower_95_ci) else f"{row.lower_95_ci:.3f}-{row.upper_95_ci:.3f}"
        target = "" if np.isnan(row.target) else f"{row.target:.3f}"
        name = words(row.quantity)
        if len(name) > 46:
            page.say(name)
            name = ""
        page.say(in_columns((name, -46), (target, 8), (f"{row.achieved:.3f}", 10), (interval, 14)))
        if row.source != origin:
            page.below(row.source)
        origin = row.source
