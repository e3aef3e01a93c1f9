"""The command `solve`: how many are needed for a target, and what it prints."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.solve import Solution, SolutionPoint
from caseload_sim.cli.options import (
    RESULTS,
    BeyondLimits,
    Json,
    Out,
    Paths,
    Replications,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    as_written_now,
    opened,
    save_and_show,
    with_run,
)
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import words
from caseload_sim.figures.solve import or_more, row_in_words
from caseload_sim.measures.rows import value_text
from caseload_sim.scenario.pathway import AssessmentStep


def solve(
    scenario: ScenarioArgument,
    target: Annotated[
        str,
        typer.Option(
            metavar="'MEASURE>=VALUE'",
            help="What to reach: MEASURE/BASE/AT/GROUP, then >= (at least), <= (at most) or = (reach), and a value; in "
            "quotes, for the shell. within_6_weeks and within_18_weeks are short for the first-contact standards.",
        ),
    ],
    vary: Annotated[str, typer.Option(metavar="PATH", help="The number to vary, as `explain` shows it.")],
    low: Annotated[
        float | None, typer.Option("--from", help="Lowest value to try; a quarter of the present one if not given.")
    ] = None,
    high: Annotated[
        float | None, typer.Option("--to", help="Highest value to try; four times the present one if not given.")
    ] = None,
    from_today: Annotated[
        bool,
        typer.Option(
            "--from-today",
            help="Open every value with the lists and caseloads of the scenario as it is: what a change has "
            "done by the year of data collection. Without it, each value opens with the lists that it would lead to in the long run.",
        ),
    ] = False,
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
) -> None:
    """Find how many therapists, or how much of anything, a target needs: halving a range on the same clients and draws.

    Waits for a first contact depend on who assesses, not on therapists: vary staff.assessor.wte for within_6_weeks and
    within_18_weeks, and look at second_contact_over_90_days, wait_days_mean or a rung of the ladder for therapists.

    Examples:

        caseload-sim solve national_2024_25 --target 'second_contact_over_90_days<=0.02' --vary staff.high_intensity_therapist.wte

        caseload-sim solve national_2024_25 --target 'wait_days_mean///step=high_intensity<=28' --vary staff.high_intensity_therapist.wte --from-today

        caseload-sim solve hepgul_2016 --target 'within_18_weeks>=0.95' --vary staff.assessor.wte
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.analysis.solve import MOST_RUNS, SolutionPoint, goal_from
    from caseload_sim.analysis.solve import solve as find
    from caseload_sim.cli.progress import Progress
    from caseload_sim.figures.solve import draw_solution

    target = as_written_now("--target", target)
    goal = goal_from(target)
    announce_work([chosen], beyond_limits, times=MOST_RUNS)
    with Progress(chosen, "values") as progress:
        solution = find(chosen, goal, vary, low=low, high=high, from_today=from_today, progress=progress)

    def show() -> None:
        if json:
            import json as json_module

            print(json_module.dumps(_plain(solution), indent=1))
        else:
            from caseload_sim.cli.solve import print_solution

            print_solution(solution)

    asked = f"solve {target} {vary} {low} {high} {from_today}"
    save_and_show(chosen, "solve", asked, out, solution.points, SolutionPoint, lambda: draw_solution(solution), show)


def _plain(solution: Solution) -> dict[str, Any]:
    """A solution as plain values, None where there is none."""
    import json as json_module
    from math import isfinite

    from caseload_sim.cli.solve import sentences
    from caseload_sim.runs.tables import as_json

    def finite(value: float) -> float | None:
        return value if isfinite(value) else None

    return {
        "scenario": solution.scenario.name,
        "path": solution.path,
        "goal": {**solution.goal.quantity._asdict(), "sign": solution.goal.sign, "value": solution.goal.value},
        "present": solution.present,
        "value": finite(solution.value),
        "lower_95_ci": finite(solution.lower_95_ci),
        "upper_95_ci": finite(solution.upper_95_ci),
        "more_is_better": solution.more_is_better,
        "met_now": solution.met_now,
        "hardly_moves": solution.hardly_moves,
        "from_today": solution.from_today,
        "best": solution.best.set_to,
        "in_words": sentences(solution),
        "points": json_module.loads(as_json(solution.points)),
    }


def print_solution(solution: Solution) -> None:
    """The curve, one line a value tried, then the answer."""
    console = Console(highlight=False)
    goal = solution.goal
    meaning = definition(goal.quantity.measure)
    console.print(Text(f"SOLVE {row_in_words(solution.now)} {goal.sign} {_said(goal.value, solution)}", "bold reverse"))
    console.print(Text(f"by {solution.path}"))
    console.print(Text(meaning.definition, "dim"))
    console.print(Text(f"{'set to':>12}{'measure':>32}{'target' if goal.sign == '=' else 'target met':>14}", "dim"))
    for point in solution.points:
        now = "  now" if point.set_to == solution.present else ""
        line = f"{point.set_to:>12.5g}{value_text(point):>32}{_verdict(point, solution):>14}{now}"
        console.print(Text(line), soft_wrap=True)
    console.print()
    for sentence in sentences(solution):
        console.print(Text(sentence))
    run = solution.scenario.run
    console.print(
        Text(
            f"Seed {run.seed}, {run.replications} replication{'s' * (run.replications > 1)}, the same clients and draws at every "
            f"value. {_opening(solution)} Interval of the solution: the values at which the target lies within the 95% "
            "interval of the mean, by straight lines between those tried; chance alone, not the doubt about assumptions.",
            "dim",
        )
    )


def sentences(solution: Solution) -> list[str]:
    """The answer in words: solved, met already, or out of reach with the best there is; then warnings."""
    goal, said = solution.goal, []
    low, high = solution.points[0].set_to, solution.points[-1].set_to
    if solution.met_now:
        said.append(f"Met already: {value_text(solution.now)} at the present {solution.present:.5g}.")
    if not np.isnan(solution.value):
        answer = f"{solution.path} = {solution.value:.4g}{_interval(solution)}{or_more(solution)}"
        said.append(f"{'It would still be met with' if solution.met_now else 'Solution:'} {answer}.")
        if not solution.met_now:
            said.append(f"Now it is {solution.present:.5g}, where the measure is {value_text(solution.now)}.")
        if solution.n_crossings > 1:
            said.append(
                f"The curve crosses the target {solution.n_crossings} times; this is nearest to the present value. See the table."
            )
    elif solution.met_now:
        said.append(f"It is met at every value tried, from {low:.5g} to {high:.5g}.")
    else:
        verb = "gives" if goal.sign == "=" else "meets"
        said.append(
            f"No value from {low:.5g} to {high:.5g} {verb} {goal.sign} {_said(goal.value, solution)}. "
            f"The {'nearest' if goal.sign == '=' else 'best'} is {value_text(solution.best)}, at {solution.best.set_to:.5g}."
        )
    if solution.hardly_moves:
        said.append(f"Warning: {words(goal.quantity.measure)} hardly moves with {solution.path}.{_whose(solution)}")
    return said


def _verdict(point: SolutionPoint, solution: Solution) -> str:
    if np.isnan(point.value):
        return "-"
    if solution.goal.sign == "=":
        return "met" if point.met else "above" if point.value > solution.goal.value else "below"
    return "yes" if point.met else "no"


def _whose(solution: Solution) -> str:
    """What first-contact waits do depend on."""
    if not solution.goal.quantity.measure.startswith("first_contact"):
        return ""
    staff = {step.staff for step in solution.scenario.pathway.steps.values() if isinstance(step, AssessmentStep)}
    names = " and ".join(f"staff.{name}.wte" for name in sorted(staff))
    return f" Waits for a first contact depend on who assesses ({names}) and on days until booking (pathway.booking)."


def _interval(solution: Solution) -> str:
    if np.isnan(solution.now.lower_95_ci):
        return " (no interval with one replication)"
    low, high = (
        f"{none}" if np.isnan(end) else f"{end:.4g}"
        for end, none in ((solution.lower_95_ci, "below the range"), (solution.upper_95_ci, "beyond the range"))
    )
    return f" ({low} to {high})"


def _said(value: float, solution: Solution) -> str:
    return f"{100 * value:g}%" if solution.now.unit == "share" else f"{value:g} {solution.now.unit}"


def _opening(solution: Solution) -> str:
    if solution.from_today:
        return "Every value opened with the lists and caseloads of the scenario as it is."
    return "Each value opened with the lists that it leads to in the long run."
