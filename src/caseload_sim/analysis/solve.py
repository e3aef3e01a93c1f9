"""Find the value of one number of a scenario, such as staff, at which a measure reaches a target."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.goals import Goal, goal_from
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.compare import ComparisonRow, differences, start_of
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.replicate import Summary, summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import Row, place_of, row_of
from caseload_sim.scenario.numbers import Number, Share, numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns
from caseload_sim.support.statistics import half_widths, mean_of

FIRST_POINTS = 7
RANGE_FACTOR = 4  # from a quarter of the present value to four times it
MOST_ROUNDS = 9
MOST_RUNS = FIRST_POINTS + MOST_ROUNDS + 2  # values at which all replications run; for the present value and half posts
NEAR_ENOUGH = 0.005  # width of the last bracket, as a share of the value
HARDLY_SHARE, HARDLY_OTHER = 0.01, 0.01  # a range of a point, or of 1% of the value, hardly moves


@dataclass(frozen=True, slots=True)
class SolutionPoint(Row):
    """The measure where the varied number is `set_to`: the columns of `Row`, then three."""

    path: str
    set_to: float
    met: bool


@dataclass(frozen=True, slots=True)
class Solution:
    """What `solve` found.

    path, present: the number varied, and its value in the scenario; goal: what is to be reached
    points: the curve, ascending; now: the measure at the present value
    value: where the mean over replications crosses the target, NaN where it does not; of n_crossings crossings the one
        nearest to the present value
    lower_95_ci, upper_95_ci: between these two, the target lies in the 95% interval of the mean. NaN with one
        replication, and on a side where the target is still in the interval at the end of the range
    more_is_better: whether the target is met above `value`, or below (for "=", whether the measure rises there)
    best: the point furthest in the direction of the goal, or nearest to it for "="
    hardly_moves: over the range, the measure changes by no more than a point (or 1% if it is no share), or than chance
    from_today: every point opened with the lists and caseloads of the unvaried scenario
    answer: of posts, `value` in half posts, rounded so that the target is met; of anything else `value` itself
    before, change: every figure at the present value, and at the answer with its distance from it; empty where there is
        no answer, and where nothing needs to change
    """

    scenario: Scenario
    path: str
    present: float
    goal: Goal
    points: tuple[SolutionPoint, ...]
    now: Row
    value: float
    lower_95_ci: float
    upper_95_ci: float
    n_crossings: int
    more_is_better: bool
    met_now: bool
    best: SolutionPoint
    hardly_moves: bool
    from_today: bool
    answer: float
    before: Sequence[Row]
    change: Sequence[ComparisonRow]

    def __repr__(self) -> str:
        goal = f"{self.goal.quantity} {self.goal.sign} {self.goal.value:g}"
        found = f"{self.path} = {self.value:.4g} ({self.lower_95_ci:.4g} to {self.upper_95_ci:.4g})"
        return f"<Solution of {self.scenario.name}: {found} for {goal}; .points>"


def within_range(scenario: Scenario, vary: str, low: float | None = None, high: float | None = None) -> list[Scenario]:
    """The scenario as it is and at both ends of the range of values that `solve` would try. Raises as `solve` does."""
    path, number = _number(scenario, vary)
    values, _ = _first_values(number, low, high)
    return [scenario, *(scenario.with_changes({path: value}) for value in (min(values), max(values)))]


def solve(
    scenario: Scenario,
    target: str | Goal,
    vary: str,
    *,
    low: float | None = None,
    high: float | None = None,
    seed: int | None = None,
    replications: int | None = None,
    from_today: bool = False,
    **how: Unpack[RunKeywords],
) -> Solution:
    """The value of one number of a scenario at which a measure, as a mean over replications, reaches a target.

    A few values over the whole range give the curve; where it crosses the target, nearest to the present value, the range
    is halved until it is known to half a percent. All values have the same clients and draws.

    target: as `goal_from` reads it; vary: dotted path of a number; low, high: a quarter and four times its value if None
    from_today: open with the lists and caseloads of the scenario as it is, at every value: what a change would do in the
        years after it. Otherwise each value opens with the lists that it would lead to in the long run.
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (values done, values at most)
    Raises RunError for a target or a path that cannot be, ScenarioError for an impossible value, before the first run.
    """
    goal = goal_from(target) if isinstance(target, str) else target
    path, number = _number(scenario, vary)
    present = number.value
    first_values, logarithmic = _first_values(number, low, high)
    changed = {value: scenario.with_changes({path: value}) for value in first_values}
    check_figures(scenario, [goal.quantity])
    opens_as_today = from_today and scenario.start.running
    options = RunOptions(**how)
    runs: dict[float, Summary] = {}
    at_most = len(first_values) + MOST_ROUNDS + 1 + (present not in changed)

    def run_all(values: Sequence[float]) -> None:
        """Run the scenario at those of these values at which it has not been run, all at once."""
        new = [value for value in dict.fromkeys(values) if value not in runs]
        scenarios = [changed[value] if value in changed else scenario.with_changes({path: value}) for value in new]
        requests = [
            Request(
                with_run(one, seed, replications), start_of(one, scenario) if opens_as_today else None, could_be=True
            )
            for one in scenarios
        ]
        for value, summary in zip(new, summarise_each(requests, replace(options, progress=None)), strict=True):
            runs[value] = summary
            options.report(min(len(runs), at_most), at_most)

    def run(value: float) -> Row:
        run_all([value])
        return row_of(runs[value].rows, goal.quantity)

    run_all([present, *first_values])
    flips = _flips(goal, {value: run(value).value for value in first_values})
    bracket = min(flips, key=lambda pair: _distance(pair, present, logarithmic), default=None)
    for _ in range(MOST_ROUNDS):
        if bracket is None or bracket[1] - bracket[0] <= NEAR_ENOUGH * abs(bracket[1]):
            break
        left, right = bracket
        middle = float(np.sqrt(left * right)) if logarithmic else (left + right) / 2
        if not left < middle < right or np.isnan(run(middle).value):
            break
        same = goal.good_side(run(middle).value) == goal.good_side(run(left).value)
        bracket = (middle, right) if same else (left, middle)

    def so_far() -> Solution:
        x = sorted(runs)
        points = [SolutionPoint(**asdict(run(at)), path=path, set_to=at, met=goal.met_by(run(at).value)) for at in x]
        values = np.stack([runs[at].values[:, place_of(runs[at].rows, goal.quantity)] for at in x], axis=1)
        flat = _hardly_moves(values, points[0].unit)
        return _solution(scenario, goal, path, present, points, flat=flat, from_today=opens_as_today)

    solution = so_far()
    if np.isnan(solution.answer) or solution.answer == present:
        return solution
    run_all([solution.answer])
    change = differences([runs[solution.answer]], runs[present])
    return replace(so_far(), answer=solution.answer, before=runs[present].rows, change=change)


def solution_of(
    scenario: Scenario, target: str, vary: str, points: Sequence[SolutionPoint], *, from_today: bool = False
) -> Solution:
    """The solution that the points of one are of, as they were saved. points: ascending, one of them at the present value

    Whether the measure hardly moves is judged by replications, which points do not hold: it is said that it moves. What
    else the answer changes is not there either.
    Raises RunError as `solve` does, and where the present value is not among the points.
    """
    goal = goal_from(target)
    path, number = _number(scenario, vary)
    if all(point.set_to != number.value for point in points):
        raise RunError(f"{path}: no value was tried at {number.value:g}, that of {scenario.name}. Run `solve` again.")
    return _solution(scenario, goal, path, number.value, points, flat=False, from_today=from_today)


def _solution(
    scenario: Scenario,
    goal: Goal,
    path: str,
    present: float,
    points: Sequence[SolutionPoint],
    *,
    flat: bool,
    from_today: bool,
) -> Solution:
    """What the points say; see `Solution`. flat: the measure hardly moves"""
    now = next(point for point in points if point.set_to == present)
    values = {point.set_to: point.value for point in points}
    flips = _flips(goal, values)
    bracket = min(flips, key=lambda pair: _distance(pair, present, min(values) > 0), default=None)
    found, better = np.nan, False
    if bracket:
        left, right = (values[end] for end in bracket)
        found = bracket[0] + (goal.value - left) / (right - left) * (bracket[1] - bracket[0])
        better = goal.good_side(right)
    lower, upper = interval(points, goal.value, found)
    answer = _in_half_posts(path, found, up=better)
    return Solution(
        scenario, path, present, goal, tuple(points), now, float(found), lower, upper, len(flips), better,
        goal.met_by(now.value), _best(list(points), goal), flat, from_today, answer, (), (),
    )  # fmt: skip


def _in_half_posts(path: str, value: float, *, up: bool) -> float:
    """A number of posts in halves, up or down to the side on which the target is met; any other number as it is."""
    if np.isnan(value) or not (path.startswith("staff.") and path.endswith(".wte")):
        return float(value)
    return float((np.ceil if up else np.floor)(2 * value) / 2)


def interval(points: Sequence[SolutionPoint], target: float, found: float) -> tuple[float, float]:
    """The nearest values below and above `found` at which the target is no longer in the 95% interval of the curve.

    If a target of 0.5 is reached with 20 staff, and the interval holds 0.5 from 18 to 23 staff, these are 18 and 23. NaN on
    a side where the interval holds the target to the end.
    points: ascending; the interval is taken to go in straight lines between them
    """
    if np.isnan(found):
        return np.nan, np.nan
    x = np.array([point.set_to for point in points])
    limits = [np.array([getattr(point, name) for point in points]) for name in ("lower_95_ci", "upper_95_ci")]
    outside = np.maximum(
        limits[0] - target, target - limits[1]
    )  # how far the target is outside the interval; below 0 inside it
    at_found = [float(np.interp(found, x, limit)) for limit in limits]
    start = min(max(at_found[0] - target, target - at_found[1]), 0.0)

    def leaves(side: NDArray[np.intp]) -> float:
        before, inside = found, start
        for k in side:
            if np.isnan(outside[k]) or outside[k] > 0:
                return float(before + inside / (inside - outside[k]) * (x[k] - before))
            before, inside = float(x[k]), float(outside[k])
        return np.nan

    return leaves(np.flatnonzero(x < found)[::-1]), leaves(np.flatnonzero(x > found))


def _number(scenario: Scenario, vary: str) -> tuple[str, Number]:
    path = vary.strip().removesuffix(".value")
    known = {where: number for where, number, _ in numbers(scenario)}
    if path not in known:
        parent = path.rpartition(".")[0]
        near = [where for where in known if where.rpartition(".")[0] == parent]
        hint = did_you_mean(path, known)
        if not hint.startswith("Did") and near:
            hint = f"There are {', '.join(near[:12])}."
        raise RunError(f"--vary {vary}: not a number of {scenario.name}. {hint} `caseload-sim explain` shows all.")
    return path, known[path]


def _first_values(number: Number, low: float | None, high: float | None) -> tuple[list[float], bool]:
    """Values spread over the range, and whether by equal factors (1, 2, 4) or steps. The present one is among them if in range."""
    present = number.value
    if present <= 0 and (low is None or high is None):
        raise RunError(f"the present value is {present:g}, which has no quarter and no fourfold: give --from and --to.")
    first = present / RANGE_FACTOR if low is None else low
    last = present * RANGE_FACTOR if high is None else high
    if high is None and isinstance(number, Share):
        last = min(last, 1.0)
    if not first < last:
        raise RunError(f"the range from {first:g} to {last:g} is empty: --from must be below --to.")
    logarithmic = first > 0
    values = np.geomspace(first, last, FIRST_POINTS) if logarithmic else np.linspace(first, last, FIRST_POINTS)
    chosen = {float(f"{value:.6g}") for value in values[1:-1]} | {first, last}
    if first <= present <= last:
        chosen = {value for value in chosen if abs(value - present) > NEAR_ENOUGH * abs(present)} | {present}
        chosen |= {end for end in (first, last) if end != present}
    return sorted(chosen), logarithmic


def _flips(goal: Goal, curve: dict[float, float]) -> list[tuple[float, float]]:
    """Pairs of neighbouring values between which the curve crosses the target."""
    known = [value for value in sorted(curve) if not np.isnan(curve[value])]
    return [
        (left, right) for left, right in pairwise(known) if goal.good_side(curve[left]) != goal.good_side(curve[right])
    ]


def _distance(pair: tuple[float, float], present: float, logarithmic: bool) -> float:
    """How far a pair of values lies from the present value; 0 when the present value is between them."""
    left, right = (float(np.log(value)) for value in pair) if logarithmic else pair
    here = float(np.log(present)) if logarithmic and present > 0 else present if not logarithmic else -np.inf
    return max(left - here, here - right, 0.0)


def _best(points: list[SolutionPoint], goal: Goal) -> SolutionPoint:
    """The point furthest in the direction of the goal, or nearest to it for "="; the first of equals."""
    known = [point for point in points if not np.isnan(point.value)] or points
    if goal.sign == "=":
        return min(known, key=lambda point: abs(point.value - goal.value))
    return max(known, key=lambda point: point.value if goal.sign == ">=" else -point.value)


def _hardly_moves(values: Columns, unit: str) -> bool:
    """Whether the lowest and the highest mean are close together, or differ by no more than chance.

    values: (replications, points)
    """
    means = mean_of(values)
    known = np.flatnonzero(~np.isnan(means))
    if len(known) < 2:
        return False
    lowest, highest = known[np.argmin(means[known])], known[np.argmax(means[known])]
    apart = float(means[highest] - means[lowest])
    half, _ = half_widths((values[:, highest] - values[:, lowest])[:, None])
    enough = HARDLY_SHARE if unit == "share" else HARDLY_OTHER * abs(float(means[highest]))
    return apart < enough or bool(half[0] >= apart)
