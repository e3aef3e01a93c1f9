"""Commands that say whether a model can be trusted: `validate-model` against official figures, `warm-up` on when it has settled."""

from collections.abc import Sequence
from typing import Annotated

import typer

from caseload_sim.analysis.calibrate_service import MOST_RUNS_FOR_AN_EFFECT, effect_that_reaches
from caseload_sim.analysis.validate_model import ValidationRow
from caseload_sim.analysis.validate_model import validate_model as compare_with_official
from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.analysis.warm_up import warm_up as by_rule
from caseload_sim.cli.options import (
    DEFAULT,
    NATIONAL,
    OF_A_SCENARIO,
    OF_A_TABLE,
    OF_RUNS,
    ScenarioArgument,
    Shared,
    takes,
)
from caseload_sim.cli.printing import Page, in_columns, print_json
from caseload_sim.cli.running import announce_work, at_work, passing_folder, saved_in, table_folder
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.replicate import days_of
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.solve import draw_warm_up
from caseload_sim.scenario.scenario import Scenario


@takes("seed", "replications", *OF_A_SCENARIO, *OF_RUNS, "beyond_limits", "json")
def validate_model(
    shared: Shared,
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario with official figures, or your own .toml file.")
    ] = NATIONAL,
) -> None:
    """Compare the model with every official figure: which were fitted, which are checks, which are missed.

    met: the model's mean lies within 1 point (shares) or 5% (all else); its interval never widens that.
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    more = with_run(chosen, None, MOST_RUNS_FOR_AN_EFFECT)  # where the effect that would reach recovery is looked for
    announce_work([chosen, more], shared.beyond_limits, jobs=shared.jobs, keeping=Keeping(painted=False))
    multiple = None
    with (
        passing_folder(shared, chosen, "validate-model", "validate-model") as folder,
        at_work(shared, folder, chosen) as how,
    ):
        rows = compare_with_official(chosen, **how)
        missed = any(row.quantity == "recovery" and row.verdict == "missed" for row in rows)
        if missed and not shared.json:
            multiple = effect_that_reaches(chosen, "recovery", **(how | {"progress": None}))
    if shared.json:
        print_json(rows)
    else:
        print_validation(chosen, rows, multiple)


def print_validation(scenario: Scenario, rows: Sequence[ValidationRow], multiple: float | None) -> None:
    """Every official figure against the model, with its note, and how many are met."""
    page = Page()
    page.title(f"OFFICIAL FIGURES AGAINST THE MODEL: {scenario.title}")
    page.note(in_columns(("", -34), ("official", 9), ("model", 9), ("95% interval", 15), ("role", -8)))
    for row in rows:
        official = scenario.official[row.quantity]
        numbers = [
            _official_text(official.measure, x) for x in (row.target, row.value, row.lower_95_ci, row.upper_95_ci)
        ]
        style = "" if row.verdict == "met" else "bold"
        figures = (numbers[0], 9), (numbers[1], 9), (f"{numbers[2]}-{numbers[3]}", 15)
        page.line(in_columns((words(row.quantity)[:34], -34), *figures, (row.role, -8), (row.verdict, -3)), style)
        if official.note:
            page.below(official.note)
    for role in ("fitted", "check"):
        some = [row for row in rows if row.role == role]
        met = sum(row.verdict == "met" for row in some)
        page.say(f"{role}: {met} of {len(some)} met, within 1 point for shares and 5% for all else")
    if multiple is not None:
        reach = f"{multiple:.1f} times" if multiple == multiple else "no multiple up to four of"
        page.say(f"Recovery per finished referral would be met with {reach} the effect used here.")


def _official_text(measure: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{100 * value:.1f}%" if definition(measure).unit == "share" else f"{value:.1f}"


@takes(*OF_A_TABLE)
def warm_up(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Say by a published rule, MSER-5, how many days from opening to leave out, beside what the scenario leaves out.

    The rule looks at every waiting list and at the use of places, means over the replications, until data collection ends. A
    scenario with a running start opens with its lists full, and may need little.

    Example:

        caseload-sim warm-up national_2024_25 --replications 10 --jobs 2
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    announce_work([chosen], shared.beyond_limits, jobs=shared.jobs)
    with table_folder(shared, chosen, "warm-up", "warm-up") as folder:
        with at_work(shared, folder, chosen) as how:
            over_time = days_of(chosen, **how)
        rows = by_rule(chosen, over_time)
        folder.save_table(rows, WarmUpRow, lambda: draw_warm_up(rows, over_time))
    if shared.json:
        print_json(rows)
    else:
        print_warm_up(rows)
    saved_in(folder)


def print_warm_up(rows: Sequence[WarmUpRow]) -> None:
    """Each series with the day on which it settles, and the longest beside what the scenario leaves out."""
    page = Page()
    page.title("WARM-UP by MSER-5: first day that counts, of means over replications on working days")
    page.note(in_columns(("", -48), ("mean", 9), ("first day", 14)))
    for row in rows:
        mean = (
            "-"
            if row.settled_day is None
            else f"{100 * row.mean:.1f}%"
            if row.measure == "utilisation"
            else f"{row.mean:.1f}"
        )
        day = "cannot tell" if row.settled_day is None else str(row.settled_day)
        style = "" if row.is_long_enough else "bold"
        page.say(in_columns((f"{words(row.measure)}, {words(row.step)}", -48), (mean, 9), (day, 14)), style)
    known = [row.settled_day for row in rows if row.settled_day is not None]
    own = rows[0].own_warm_up_days if rows else 0
    if known:
        enough = "enough" if max(known) <= own else "too short"
        page.say(f"The rule: {max(known)} days. The scenario leaves out {own}: {enough}.", "bold")
    else:
        page.say(f"The rule cannot tell. The scenario leaves out {own} days.", "bold")
    page.note("cannot tell: cut in the second half, so that it still moves, with seasons or with a list that grows.")
