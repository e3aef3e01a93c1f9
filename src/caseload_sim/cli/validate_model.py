"""Commands about a service: the model against official figures, and a short file for one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.analysis.validate_model import ValidationRow
from caseload_sim.cli.options import Json, Paths, Replications, Seed, Sets, opened, with_run
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import words
from caseload_sim.scenario.scenario import Scenario

NATIONAL = "national_2024_25"


def validate_model(
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario with official figures, or your own .toml file.")
    ] = NATIONAL,
    seed: Seed = None,
    replications: Replications = None,
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Compare the model with every official figure: which were fitted, which are checks, which are missed.

    met: the model's mean lies within 1 point (shares) or 5% (all else); its interval never widens that.
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.analysis.calibrate_service import effect_that_reaches
    from caseload_sim.analysis.validate_model import validate_model as compare_with_official
    from caseload_sim.cli.progress import Progress

    with Progress(chosen) as progress:
        rows = compare_with_official(chosen, progress=progress)
    if json:
        from caseload_sim.runs.tables import as_json

        print(as_json(rows))
        return
    from caseload_sim.cli.validate_model import print_validation

    missed = any(row.quantity == "recovery" and row.verdict == "missed" for row in rows)
    print_validation(chosen, rows, effect_that_reaches(chosen, "recovery") if missed else None)


def print_validation(scenario: Scenario, rows: Sequence[ValidationRow], multiple: float | None) -> None:
    """Every official figure against the model, with its note, and how many are met."""
    console = Console(highlight=False)
    console.print(Text(f"OFFICIAL FIGURES AGAINST THE MODEL: {scenario.title}", "bold reverse"))
    console.print(Text(f"{'':<34}{'official':>9}{'model':>9}{'95% interval':>15}{'':>1}{'role':>6}", "dim"))
    for row in rows:
        official = scenario.official[row.quantity]
        numbers = [
            _official_text(official.measure, x) for x in (row.target, row.value, row.lower_95_ci, row.upper_95_ci)
        ]
        style = "" if row.verdict == "met" else "bold"
        line = f"{words(row.quantity):<34.34}{numbers[0]:>9}{numbers[1]:>9}{numbers[2] + '-' + numbers[3]:>15} {row.role:<7}{row.verdict}"
        console.print(Text(line, style), soft_wrap=True)
        if official.note:
            console.print(Padding(Text(official.note, "dim"), (0, 0, 0, 4)))
    for role in ("fitted", "check"):
        some = [row for row in rows if row.role == role]
        met = sum(row.verdict == "met" for row in some)
        console.print(Text(f"{role}: {met} of {len(some)} met, within 1 point for shares and 5% for all else"))
    if multiple is not None:
        reach = f"{multiple:.1f} times" if multiple == multiple else "no multiple up to four of"
        console.print(Text(f"Recovery per finished referral would be met with {reach} the effect used here."))


def _official_text(measure: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{100 * value:.1f}%" if definition(measure).unit == "share" else f"{value:.1f}"
