"""The command that asks the other way round: how many are needed for a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    opened,
    save_and_show,
    with_run,
)

if TYPE_CHECKING:
    from caseload_sim.staffing_solver import Solution


def solve(
    scenario: ScenarioArgument,
    target: Annotated[
        str,
        typer.Option(
            metavar="'MEASURE>=VALUE'",
            help="What to reach: MEASURE[:base[:at[:group]]], then >= (at least), <= (at most) or = (reach), and a value; in "
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

        caseload-sim solve national_2024_25 --target 'wait_days_mean:::step=high_intensity<=28' --vary staff.high_intensity_therapist.wte --from-today

        caseload-sim solve hepgul_2016 --target 'within_18_weeks>=0.95' --vary staff.assessor.wte
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.goals import goal_from
    from caseload_sim.progress import Progress
    from caseload_sim.solver_figures import draw_solution
    from caseload_sim.staffing_solver import MOST_RUNS, SolutionPoint
    from caseload_sim.staffing_solver import solve as find

    goal = goal_from(target)
    announce_work([chosen], beyond_limits, times=MOST_RUNS)
    with Progress(chosen, "values") as progress:
        solution = find(chosen, goal, vary, low=low, high=high, from_today=from_today, progress=progress)

    def show() -> None:
        if json:
            import json as json_module

            print(json_module.dumps(_plain(solution), indent=1))
        else:
            from caseload_sim.solver_tables import print_solution

            print_solution(solution)

    asked = f"solve {target} {vary} {low} {high} {from_today}"
    save_and_show(chosen, "solve", asked, out, solution.points, SolutionPoint, lambda: draw_solution(solution), show)


def _plain(solution: Solution) -> dict[str, Any]:
    """A solution as plain values, None where there is none."""
    import json as json_module
    from dataclasses import asdict
    from math import isfinite

    from caseload_sim.solver_tables import sentences
    from caseload_sim.store import as_json

    def finite(value: float) -> float | None:
        return value if isfinite(value) else None

    return {
        "scenario": solution.scenario.name,
        "path": solution.path,
        "goal": asdict(solution.goal),
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
