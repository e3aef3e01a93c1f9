"""Picture of `solve`: the curve of a measure, the target it meets, and how many that takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.solve import Solution, SolutionPoint
from caseload_sim.definitions.labels import capitalised, in_words, path_in_words
from caseload_sim.definitions.quantities import words
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import (
    BLACK,
    BLUE,
    BROWN,
    NO_DOUBT_HERE,
    ORANGE,
    VERMILION,
    how_to_read,
    mark_row,
    new_axes,
    plain,
    rung_in_words,
    said,
    sheet_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AROUND = (0.4, 1.8)  # of today's value and of the answer, between which the curve is shown


@literal
def plot_solution(solution: Solution, *, ax: "Axes | None" = None) -> "Axes":
    """The measure against the varied number, near today's value and the answer; the target, the answer and today are named."""
    ax = new_axes(ax, 3.8)
    goal, size = solution.goal, points() / 10
    scale = 100 if solution.now.unit == "share" else 1
    shown = _near(solution)
    heights = [0.0]
    for point in shown:
        heights += mark_row(ax, point.set_to, point, colour=BLUE, marker="o", upright=True)
    ax.plot([p.set_to for p in shown], [scale * p.value for p in shown], color=BLUE, linewidth=1.2 * size)
    target = scale * goal.value
    ax.axhline(target, color=BLACK, linestyle="--", linewidth=1.2 * size)
    x = [point.set_to for point in shown]
    width = (max(x) - min(x)) or 1.0
    ax.set_xlim(min(x) - 0.04 * width, max(x) + 0.04 * width)
    meant = {">=": "at least", "<=": "at most", "=": "exactly"}[goal.sign]
    said(ax, f"target: {meant} {target:g}{_unit(solution.now.unit)}", (max(x), target), (0, 3), ha="right", va="bottom")
    if not np.isnan(solution.value):
        if not np.isnan(solution.now.lower_95_ci):
            low, high = solution.lower_95_ci, solution.upper_95_ci
            ax.axvspan(
                x[0] if np.isnan(low) else low, x[-1] if np.isnan(high) else high, color=ORANGE, alpha=0.2, linewidth=0
            )
        ax.plot(solution.value, target, "*", color=ORANGE, markersize=15 * size, markeredgecolor=BLACK, zorder=5)
        said(ax, f"{_posts(solution.value)}{or_more(solution)}", (solution.value, target), (9, -10), color=BROWN)
    now = scale * solution.now.value
    ax.plot(solution.present, now, "D", color=VERMILION, markersize=6.5 * size, zorder=4)
    said(ax, f"today: {_posts(solution.present)}", (solution.present, now), (9, -9), color=VERMILION)
    high = max(*heights, target, now)
    ax.set_ylim(0, 1.08 * high)
    ax.set_xlabel(capitalised(path_in_words(solution.path)))
    unit = "%" if scale == 100 else solution.now.unit
    ax.set_ylabel(f"{capitalised(in_words(goal.quantity.measure))} ({unit})")
    band = NO_DOUBT_HERE if all(np.isnan(p.could_be_low) for p in shown) else ""
    headed(
        ax, _answer(solution), "Shaded: the answer's 95% interval, by chance alone." if not np.isnan(solution.value) else "",
        how_to_read(shown, band or NO_DOUBT_HERE), rows=solution.points,
    )  # fmt: skip
    plain(ax, "y")
    return ax


def _near(solution: Solution) -> Sequence[SolutionPoint]:
    """The points near today's value and the answer; all where there is no answer, or too few would be left."""
    if np.isnan(solution.value):
        return solution.points
    ends = sorted((solution.present, solution.value))
    low, high = _AROUND[0] * ends[0], _AROUND[1] * ends[1]
    near = [point for point in solution.points if low <= point.set_to <= high]
    return near if len(near) > 2 else solution.points


def _answer(solution: Solution) -> str:
    what = path_in_words(solution.path)
    target = (
        f"{100 * solution.goal.value:g}%"
        if solution.now.unit == "share"
        else f"{solution.goal.value:g} {solution.now.unit}"
    )
    quantity = solution.goal.quantity
    figure = rung_in_words(quantity.measure, quantity.base, quantity.at)
    if np.isnan(solution.value):
        low, high = solution.points[0].set_to, solution.points[-1].set_to
        if solution.met_now:
            return f"The target is met at every number tried, from {_posts(low)} to {_posts(high)} {what}"
        return f"No number from {_posts(low)} to {_posts(high)} of {what} meets the target of {target}: {figure}"
    between = (
        ""
        if np.isnan(solution.lower_95_ci) or np.isnan(solution.upper_95_ci)
        else f" ({_posts(solution.lower_95_ci)} to {_posts(solution.upper_95_ci)})"
    )
    return f"{_posts(solution.value)} {what}{or_more(solution)}{between} meet the target of {target}; today there are {_posts(solution.present)}"


def _posts(value: float) -> str:
    """Posts, and all else that is varied, to one decimal; small numbers as they need."""
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.3g}"


@on_our_sheet
def draw_solution(solution: Solution) -> Sheet:
    """The same on a sheet of its own."""
    return sheet_of(plot_solution(solution))


def or_more(solution: Solution) -> str:
    """On which side of the solution the target is met; nothing where it is to be reached."""
    return "" if solution.goal.sign == "=" else " or more" if solution.more_is_better else " or less"


def row_in_words(row: object) -> str:
    """Which row of a measure: its name, base, reading and group, where it has them."""
    parts = [getattr(row, name) for name in ("measure", "base", "at", "group")]
    return ", ".join(words(part) for part in parts if part and part != "all")


def _unit(unit: str) -> str:
    return "%" if unit == "share" else f" {unit}"
