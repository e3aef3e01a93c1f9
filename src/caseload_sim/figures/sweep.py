"""Pictures of what changes when one input is stepped, or two: how far a figure lies from today, on the same people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.definitions.labels import capitalised, in_words, path_in_words
from caseload_sim.experiments.sweep import Sweep, SweepPoint
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import (
    BLACK,
    LINES,
    mark,
    name_ends,
    new_axes,
    new_panels,
    number,
    plain,
    rung_in_words,
    said,
    sheet_of,
)
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SERVICES = {"service": "with the service", "none": "the same people untreated", "difference": "what the service adds"}
_HOW = "Thin bar: chance, the paired 95% interval. Pale band: what it could be, by other models of outcomes that fit no worse."
_MOST_LINES = 6


@literal
def plot_sweep(swept: Sweep, *, ax: "Axes | None" = None) -> "Axes":
    """A figure over the values of an input, and below how far it lies from today's; of two inputs that distance alone.

    ax: draws the distance from today alone. Returns the axes of the distance.
    """
    if len(swept.paths) == 2:
        ax = new_axes(ax, 3.8)
        _draw_two(ax, swept)
    elif ax is None:
        above, ax = new_panels([2.0, 3.0], sharex=True)
        _draw_levels(above, swept)
        _draw_changes(ax, swept)
        _head(above, swept)
        return ax
    else:
        _draw_changes(ax, swept)
    _head(ax, swept)
    return ax


@on_our_sheet
def draw_sweep(swept: Sweep) -> Sheet:
    """The same on a sheet of its own."""
    return sheet_of(plot_sweep(swept))


def _head(ax: "Axes", swept: Sweep) -> None:
    headed(ax, _finding(swept), "Below, paired: the same people and draws as today." if len(swept.paths) == 1 else "", _HOW,
           rows=[row for point in swept.points for row in point.rows])  # fmt: skip


def _finding(swept: Sweep) -> str:
    """From the first value to the last, how far the first row moves."""
    first, last = swept.points[0], swept.points[-1]
    row = last.rows[0]
    what = rung_in_words(row.measure, "" if row.base == "all" else row.base, row.at)
    moved = (
        (last.from_today[0].difference - first.from_today[0].difference)
        if first.from_today and last.from_today
        else np.nan
    )
    if len(swept.paths) == 2 or np.isnan(moved):
        return f"How does this move: {what}?"
    ends = [_at(swept.paths[0], point.at[swept.paths[0]]) for point in (first, last)]
    points_of = " points" if row.unit == "share" else f" {row.unit}"
    return (
        f"{capitalised(path_in_words(swept.paths[0]))} from {ends[0]} to {ends[1]} moves this by "
        f"{number(moved, row.unit, signed=True)}{points_of}: {what}"
    )


def _at(path: str, value: float) -> str:
    return f"{100 * value:.3g}%" if _is_share(path) else f"{value:,.4g}"


def _is_share(path: str) -> bool:
    return path.startswith("population.prevalence.")


def _label(row: Row) -> str:
    return _SERVICES.get(
        row.service, in_words(row.group.removeprefix("step=")) if row.group != "all" else in_words(row.measure)
    )


def _draw_levels(ax: "Axes", swept: Sweep) -> None:
    """Lines of the figure itself, from 0 on; what the service adds is a distance, and is drawn below alone."""
    x = _x(swept)
    ends, highest = [], 0.0
    for k, row in enumerate(swept.points[0].rows):
        if row.service == "difference" and len(swept.points[0].rows) > 1:
            continue
        scale = 100 if row.unit == "share" else 1
        value, low, high = (
            scale * np.array([getattr(point.rows[k], name) for point in swept.points])
            for name in ("value", "lower_95_ci", "upper_95_ci")
        )
        colour, style, _ = LINES[k % len(LINES)]
        ax.plot(x, value, style, color=colour)
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        highest = max(highest, np.nanmax([*value, *high, 0.0]))
        ends.append((x[-1], value[-1], _label(row), colour))
    ax.set_ylim(0, 1.1 * highest or 1)
    ax.set_ylabel(_unit(swept, "{}"))
    _today(ax, swept)
    ax.tick_params(labelbottom=False)
    name_ends(ax, [end for end in ends if not np.isnan(end[1])], 0, 1.1 * highest or 1)
    plain(ax, "y")


def _draw_changes(ax: "Axes", swept: Sweep) -> None:
    """The paired distance of each row from today's, at each value."""
    x, ends, outer = _x(swept), [], [0.0]
    n = len(swept.points[0].rows)
    nudge = 0.012 * (max(x) - min(x) or 1)
    for k, row in enumerate(swept.points[0].rows):
        colour, style, marker = LINES[k % len(LINES)]
        at = [place + nudge * (k - (n - 1) / 2) for place in x]
        values = [
            _marked(ax, place, point, k, colour, marker, outer) for place, point in zip(at, swept.points, strict=True)
        ]
        ax.plot(at, values, style, color=colour, linewidth=points() / 10)
        ends.append((at[-1], values[-1], _label(row), colour))
    _finish(ax, swept, outer)
    name_ends(ax, [end for end in ends if not np.isnan(end[1])], *ax.get_ylim())
    ax.set_xlabel(_path_label(swept.paths[0]))


def _marked(ax: "Axes", place: float, point: SweepPoint, k: int, colour: str, marker: str, outer: list[float]) -> float:
    """One paired distance with its marks; adds its ends to `outer`."""
    change, scale = point.from_today[k], 100 if point.rows[k].unit == "share" else 1
    chance = scale * change.difference_lower_95_ci, scale * change.difference_upper_95_ci
    could_be = scale * change.difference_could_be_low, scale * change.difference_could_be_high
    value = scale * change.difference
    if not np.isnan(value):
        outer.extend(mark(ax, place, value, chance, could_be, colour=colour, marker=marker, upright=True))
    return value


def _finish(ax: "Axes", swept: Sweep, outer: Sequence[float]) -> None:
    ax.axhline(0, color=BLACK, linewidth=points() / 10, zorder=0)
    room = 0.12 * (max(outer) - min(outer)) or 1.0
    ax.set_ylim(min(outer) - room, max(outer) + room)
    ax.set_ylabel(_unit(swept, "Further than today, {}"))
    _today(ax, swept)
    if _is_share(swept.paths[0]):
        ax.xaxis.set_major_formatter("{x:g}%")
    plain(ax, "y")


def _draw_two(ax: "Axes", swept: Sweep) -> None:
    """A line for each value of the second input, over those of the first; of more than six, six of them."""
    first, second = swept.paths
    values = sorted({point.at[second] for point in swept.points})
    chosen = (
        values
        if len(values) <= _MOST_LINES
        else [values[round(k)] for k in np.linspace(0, len(values) - 1, _MOST_LINES)]
    )
    scale, ends, outer = 100 if _is_share(first) else 1, [], [0.0]
    every = [scale * point.at[first] for point in swept.points]
    nudge = 0.012 * (max(every) - min(every) or 1)
    for k, value in enumerate(chosen):
        colour, style, marker = LINES[k % len(LINES)]
        some = [point for point in swept.points if point.at[second] == value]
        at = [scale * point.at[first] + nudge * (k - (len(chosen) - 1) / 2) for point in some]
        found = [_marked(ax, place, point, 0, colour, marker, outer) for place, point in zip(at, some, strict=True)]
        ax.plot(at, found, style, color=colour, linewidth=points() / 10)
        ends.append((at[-1], found[-1], f"{path_in_words(second)}: {_at(second, value)}", colour))
    _finish(ax, swept, outer)
    name_ends(ax, [end for end in ends if not np.isnan(end[1])], *ax.get_ylim())
    ax.set_xlabel(_path_label(first))


def _today(ax: "Axes", swept: Sweep) -> None:
    """Where the input is today, as a named tick on the axis."""
    if not swept.today or np.isnan(swept.today[0]):
        return
    now = swept.today[0] * (100 if _is_share(swept.paths[0]) else 1)
    x = [point.at[swept.paths[0]] * (100 if _is_share(swept.paths[0]) else 1) for point in swept.points]
    if min(x) <= now <= max(x):
        ax.plot([now, now], [0, 0.05], color=BLACK, linewidth=1.8 * points() / 10, transform=ax.get_xaxis_transform())
        said(
            ax,
            "today",
            (now, 0.05),
            (0, 2),
            xycoords=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize="x-small",
        )


def _x(swept: Sweep) -> list[float]:
    scale = 100 if _is_share(swept.paths[0]) else 1
    return [scale * point.at[swept.paths[0]] for point in swept.points]


def _unit(swept: Sweep, said_so: str) -> str:
    row = swept.points[0].rows[0]
    is_change = said_so != "{}"
    return said_so.format(("points of 100" if is_change else "People (%)") if row.unit == "share" else row.unit)


def _path_label(path: str) -> str:
    return capitalised(path_in_words(path))
