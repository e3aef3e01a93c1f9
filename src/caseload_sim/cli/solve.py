"""The command `solve`: how many are needed for a target, and what it prints."""

import json
from math import isfinite
from typing import Annotated, Any

import numpy as np
import typer

from caseload_sim.analysis.solve import MOST_RUNS, Solution, SolutionPoint, within_range
from caseload_sim.analysis.solve import solve as find
from caseload_sim.cli.compare import OF_CHANGES, print_change
from caseload_sim.cli.options import OF_A_TABLE, ScenarioArgument, Shared, as_written_now, takes
from caseload_sim.cli.printing import Page, in_columns, replications_text, say
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.goals import goal_from
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity, words
from caseload_sim.definitions.times import DAYS_PER_YEAR
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.figures.solve import or_more, row_in_words
from caseload_sim.measures.rows import could_be_text, quantity_of, value_text
from caseload_sim.runs.tables import as_json
from caseload_sim.scenario.pathway import AssessmentStep


@takes(*OF_A_TABLE)
def solve(
    shared: Shared,
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
    full: Annotated[bool, typer.Option("--full", help="Print every value tried, after the answer.")] = False,
) -> None:
    """Find how many therapists, or how much of anything, a target needs: halving a range on the same clients and draws.

    Waits for a first contact depend on who assesses, not on therapists: vary staff.assessor.wte for within_6_weeks and
    within_18_weeks, and look at second_contact_over_90_days, wait_days_mean or a rung of the ladder for therapists.

    Examples:

        caseload-sim solve national_2024_25 --target 'second_contact_over_90_days<=0.02' --vary staff.high_intensity_therapist.wte

        caseload-sim solve national_2024_25 --target 'wait_days_mean///step=high_intensity<=28' --vary staff.high_intensity_therapist.wte --from-today

        caseload-sim solve hepgul_2016 --target 'within_18_weeks>=0.95' --vary staff.assessor.wte
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    target = as_written_now("--target", target)
    goal = goal_from(target)
    tried = within_range(chosen, vary, low, high)  # what is varied may be the number of referrals
    announce_work(tried, shared.beyond_limits, times=MOST_RUNS / len(tried), jobs=shared.jobs)
    asked = {"target": target, "vary": vary, "from": low, "to": high, "from_today": from_today}
    with table_folder(shared, chosen, "solve", asked) as folder:
        with at_work(shared, folder, chosen, "values") as how:
            solution = find(chosen, goal, vary, low=low, high=high, from_today=from_today, **how)
        folder.save_table(
            solution.points,
            SolutionPoint,
            lambda: drawn("solution", tables_of("solve", chosen, solution, table=solution.points)),
        )
    if shared.json:
        say(json.dumps(_plain(solution), indent=1))
    else:
        print_solution(solution, full=full)
    saved_in(folder)


def _plain(solution: Solution) -> dict[str, Any]:
    """A solution as plain values, None where there is none."""

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
        "answer": finite(solution.answer),
        "in_words": sentences(solution),
        "points": json.loads(as_json(solution.points)),
    }


def print_solution(solution: Solution, *, full: bool = False) -> None:
    """The answer, and what else it changes; with `full` the curve too, one line a value tried."""
    page = Page()
    goal = solution.goal
    page.title(f"{row_in_words(solution.now)} {goal.sign} {_said(goal.value, solution)}")
    for sentence in sentences(solution):
        page.say(sentence, "bold")
    page.gap()
    if solution.change:
        print_change(page, solution.before, solution.change)
        page.gap()
    if full:
        _print_curve(page, solution)
    run = solution.scenario.run
    page.note(
        f"{definition(goal.quantity.measure).definition} Seed {run.seed}, {replications_text(run.replications)}, the same "
        f"clients and draws at every value. {_opening(solution)} In brackets after the answer: the values at which the target "
        "lies within the 95% interval of the mean, by straight lines between those tried; chance alone, not the doubt about "
        f"assumptions.{'' if full else ' All values tried: --full.'} {OF_CHANGES * bool(solution.change)}"
    )


def _print_curve(page: Page, solution: Solution) -> None:
    met = "target" if solution.goal.sign == "=" else "target met"
    page.note(in_columns((f"by {solution.path}", 12), ("measure", 32), ("could be", 14), (met, 14)))
    for point in solution.points:
        now = " now" if point.set_to == solution.present else ""
        could_be = could_be_text(point.could_be_low, point.could_be_high, point.unit) or "-"
        cells = (f"{point.set_to:.5g}", 12), (value_text(point), 32), (could_be, 14), (_verdict(point, solution), 14)
        page.line(in_columns(*cells, (now, -4)))
    page.gap()


def sentences(solution: Solution) -> list[str]:
    """The answer in words: solved, met already, or out of reach with the best there is; then warnings."""
    goal, said = solution.goal, []
    low, high = solution.points[0].set_to, solution.points[-1].set_to
    if solution.met_now:
        said.append(f"Met already: {value_text(solution.now)} at the present {solution.present:.5g}.")
    if not np.isnan(solution.value):
        answer = f"{_amount(solution.answer, solution)}{_interval(solution)}{or_more(solution)}"
        if solution.met_now and solution.answer == solution.present:
            said.append(f"No half post can be spared: it takes {solution.value:.4g}{_interval(solution)}.")
        elif solution.met_now:
            said.append(f"It would still be met with {answer}.")
        else:
            more = solution.answer - solution.present
            apart = f"{abs(more):.4g} {'more' if more > 0 else 'fewer' if _is_posts(solution) else 'less'} than now"
            said.append(f"{answer}, {apart}{_cost(solution)}.")
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


def _is_posts(solution: Solution) -> bool:
    return solution.path.startswith("staff.") and solution.path.endswith(".wte")


def _amount(value: float, solution: Solution) -> str:
    """A value of the number varied, with what it is: of staff in words, of all else by its path."""
    if _is_posts(solution):
        return f"{value:.4g} {words(solution.path.split('.')[1])} posts"
    return f"{solution.path} = {value:.4g}"


def _cost(solution: Solution) -> str:
    """What the answer costs more than now in a year, where money is counted."""
    per_referral = Quantity("cost_per_referral", "referred", "", "", "all")
    money = [
        next((row.numerator for row in rows if quantity_of(row) == per_referral), np.nan)
        for rows in (solution.before, solution.change)
    ]
    more = (money[1] - money[0]) * DAYS_PER_YEAR / solution.scenario.run.data_collection_days
    if np.isnan(more):
        return ""
    return f", about GBP {abs(more):,.0f} {'more' if more >= 0 else 'less'} a year"


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
    start = solution.scenario.start
    if not start.running:
        return "Every value opened empty."
    if start.stated():
        return "Every value opened with the lists that the file states."
    if solution.from_today:
        return "Every value opened with the lists and caseloads of the scenario as it is."
    return "Each value opened with the lists that it leads to in the long run."
