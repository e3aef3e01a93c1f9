"""Pictures of `solve` and `warm_up`: a curve with the target it meets, and lists that settle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.solve import Solution
from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.definitions.quantities import words
from caseload_sim.figures.canvas import Figure, NullFormatter, NullLocator, literal
from caseload_sim.figures.run import plot_waiting_list
from caseload_sim.figures.style import BLACK, BLUE, ORANGE, VERMILION, new_axes, plain
from caseload_sim.measures.rows import OverTimeRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS_PER_YEAR = 365.25


@literal
def plot_warm_up(
    rows: Sequence[WarmUpRow], over_time: Sequence[OverTimeRow], *, axes: "tuple[Axes, Axes] | None" = None
) -> "tuple[Axes, Axes]":
    """Waiting lists and use of places, with the last cut that the rule makes in each and the scenario's own warm-up."""
    top, bottom = plot_waiting_list(over_time, axes=axes)
    for ax, measure in ((top, "waiting_list"), (bottom, "utilisation")):
        days = [row.settled_day for row in rows if row.measure == measure and row.settled_day is not None]
        if days:
            ax.axvline(max(days) / DAYS_PER_YEAR, color=VERMILION, linestyle="--", label=f"MSER-5: day {max(days)}")
        own = next((row.own_warm_up_days for row in rows), 0)
        ax.axvline(own / DAYS_PER_YEAR, color=BLACK, linestyle=":", label=f"run.warm_up_days: {own}")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
        ax.legend(frameon=False, ncols=3, loc="upper left", fontsize=8)
    top.set_title("Warm-up by MSER-5, and the scenario's own")
    return top, bottom


def draw_warm_up(rows: Sequence[WarmUpRow], over_time: Sequence[OverTimeRow]) -> Figure:
    """The same on a figure of its own."""
    figure = plot_warm_up(rows, over_time)[0].get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


ROOM_FOR_A_LABEL = 0.08  # of the width of the picture


@literal
def plot_solution(solution: Solution, *, ax: "Axes | None" = None) -> "Axes":
    """The measure against the varied number with its 95% band; the target, the solution with its interval, and today."""
    ax = new_axes(ax, 8, 5)
    points, goal = solution.points, solution.goal
    scale = 100 if solution.now.unit == "share" else 1
    x = np.array([point.set_to for point in points])
    value, low, high = (
        scale * np.array([getattr(point, name) for point in points]) for name in ("value", "lower_95_ci", "upper_95_ci")
    )
    ax.plot(x, value, "-o", color=BLUE, markersize=4, label="mean over replications, with 95% interval")
    ax.fill_between(x, low, high, color=BLUE, alpha=0.2, linewidth=0)
    said = {">=": "at least", "<=": "at most", "=": "reach"}[goal.sign]
    target = scale * goal.value
    ax.axhline(target, color=VERMILION, linestyle="--", label=f"target: {said} {target:g}{_unit(solution.now.unit)}")
    if x[0] > 0:
        ax.set_xscale("log")
        ticks = [float(x[0])]
        for value in x[1:].tolist():
            if np.log(value / ticks[-1]) > ROOM_FOR_A_LABEL * np.log(x[-1] / x[0]):
                ticks.append(value)
        ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_minor_formatter(NullFormatter())
    if not np.isnan(solution.value):
        ends = [solution.lower_95_ci, solution.upper_95_ci]
        if not np.isnan(solution.now.lower_95_ci):
            ends = [edge if np.isnan(end) else end for end, edge in zip(ends, (x[0], x[-1]), strict=True)]
            ax.axvspan(*ends, color=ORANGE, alpha=0.2, linewidth=0)
        shaded = "" if np.isnan(solution.now.lower_95_ci) else " (shaded: 95% interval)"
        label = f"solution: {solution.value:.4g}{or_more(solution)}{shaded}"
        ax.plot(solution.value, target, "*", color=ORANGE, markersize=16, markeredgecolor=BLACK, label=label, zorder=5)
    ax.plot(
        solution.present, scale * solution.now.value, "D", color=BLACK, label=f"now: {solution.present:.4g}", zorder=4
    )
    ax.set_xlabel(words(solution.path).replace(".", " \u203a "))
    ax.set_ylabel(f"{words(goal.quantity.measure).capitalize()} ({'%' if scale == 100 else solution.now.unit})")
    ax.set_title(f"{solution.scenario.name}: {row_in_words(solution.now)}", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    ax.grid(color="#eeeeee")
    plain(ax)
    return ax


def draw_solution(solution: Solution) -> Figure:
    """The same on a sheet of its own."""
    figure = plot_solution(solution).get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def or_more(solution: Solution) -> str:
    """On which side of the solution the target is met; nothing where it is to be reached."""
    return "" if solution.goal.sign == "=" else " or more" if solution.more_is_better else " or less"


def row_in_words(row: object) -> str:
    """Which row of a measure: its name, base, reading and group, where it has them."""
    parts = [getattr(row, name) for name in ("measure", "base", "at", "group")]
    return ", ".join(words(part) for part in parts if part and part != "all")


def _unit(unit: str) -> str:
    return "%" if unit == "share" else f" {unit}"
