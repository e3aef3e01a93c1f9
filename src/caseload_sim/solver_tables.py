"""A solution on a terminal: the curve, the answer in a sentence, and what to mind."""

import numpy as np
from rich.console import Console
from rich.text import Text

from caseload_sim.definitions import definition
from caseload_sim.pathway import AssessmentStep
from caseload_sim.solver_figures import or_more, row_in_words
from caseload_sim.staffing_solver import Solution, SolutionPoint
from caseload_sim.tables import value_text
from caseload_sim.wording import words


def print_solution(solution: Solution) -> None:
    """The curve, one line a value tried, then the answer."""
    console = Console(highlight=False)
    goal = solution.goal
    meaning = definition(goal.measure)
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
        said.append(f"Warning: {words(goal.measure)} hardly moves with {solution.path}.{_whose(solution)}")
    return said


def _verdict(point: SolutionPoint, solution: Solution) -> str:
    if np.isnan(point.value):
        return "-"
    if solution.goal.sign == "=":
        return "met" if point.met else "above" if point.value > solution.goal.value else "below"
    return "yes" if point.met else "no"


def _whose(solution: Solution) -> str:
    """What first-contact waits do depend on."""
    if not solution.goal.measure.startswith("first_contact"):
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
