"""Pictures of scenarios side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.compare import ComparisonRow, shown
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, new_axes, plain
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # one more than colours, so that pairs repeat late
_UNITS = {"share": "percentage points", "days": "days", "points": "points of the questionnaire"}
_LEGEND_COLUMNS = 3
_SPREAD = 0.7  # of the room of one quantity, for its scenarios


@literal
def plot_differences(table: Sequence[ComparisonRow], *, unit: str = "share", ax: "Axes | None" = None) -> "Axes":
    """A forest plot: how far each scenario's figures lie from those of the scenario compared with.

    table: the rows to show (`shown` chooses the headlines); those of another unit, and without a difference, are left out
    unit: "share", "days", "contacts", "clients", "referrals" or "points"
    """
    rows = [row for row in table if row.unit == unit and row.versus]
    labels = list(dict.fromkeys(_label(row) for row in rows))
    names = list(dict.fromkeys(row.scenario for row in rows))
    ax = new_axes(ax, 8.5, 1.9 + _height(len(labels), len(names)))
    scale = 100 if unit == "share" else 1
    ax.axvline(0, color="black", linewidth=1)
    for k, name in enumerate(names):
        offset = (k - (len(names) - 1) / 2) * _SPREAD / max(len(names), 1)
        colour, marker = _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]
        named = False
        for row in rows:
            if row.scenario == name and not np.isnan(row.difference):
                y = labels.index(_label(row)) + offset
                value = scale * row.difference
                low = scale * np.nan_to_num(row.difference - row.difference_lower_95_ci)
                high = scale * np.nan_to_num(row.difference_upper_95_ci - row.difference)
                ax.errorbar(
                    value, y, xerr=[[low], [high]], fmt=marker, color=colour, capsize=3,
                    label=None if named else _in_legend(name),
                )  # fmt: skip
                right = value >= 0
                ax.annotate(
                    f"{value:+z,.0f}" if abs(value) >= 100 else f"{value:+z.1f}",
                    (value + high if right else value - low, y), xytext=(6 if right else -6, 0),
                    textcoords="offset points", ha="left" if right else "right", va="center", fontsize=8,
                )  # fmt: skip
                named = True
    in_legend = len(ax.get_legend_handles_labels()[0])
    if in_legend:
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=_LEGEND_COLUMNS)
    else:
        ax.annotate("no difference can be told", (0.5, 0.5), xycoords="axes fraction", ha="center")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.margins(x=0.18)
    versus = rows[0].versus if rows else "another scenario"
    lines_above = -(-in_legend // _LEGEND_COLUMNS)
    ax.set_title(f"Compared with {versus}, on common random numbers", pad=8 + 18 * lines_above)
    ax.set_xlabel(f"Difference from {versus}, {_UNITS.get(unit, unit)}\n(bars: paired 95% interval over replications)")
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


def draw_differences(rows: Sequence[ComparisonRow], measures: Sequence[str] = ()) -> Figure:
    """The headlines, or the measures asked for, on one sheet: a panel for each unit, shares first."""
    chosen = shown(rows, measures)
    compared = [row for row in chosen if row.versus]
    units = sorted(dict.fromkeys(row.unit for row in compared), key=lambda unit: unit != "share") or ["share"]
    n_names = len({row.scenario for row in compared})
    heights = [1.2 + _height(len({_label(row) for row in compared if row.unit == unit}), n_names) for unit in units]
    figure = Figure(figsize=(9, 0.9 + sum(heights)), layout="constrained")
    panels = figure.subplots(len(units), height_ratios=heights, squeeze=False)[:, 0]
    for k, (unit, panel) in enumerate(zip(units, panels, strict=True)):
        plot_differences(chosen, unit=unit, ax=panel)
        if k:
            panel.set_title("")
            if panel.get_legend():
                panel.get_legend().remove()
    return figure


def _height(n_labels: int, n_names: int) -> float:
    """Inches for so many quantities of so many scenarios each."""
    return n_labels * max(0.42, 0.1 + 0.19 * n_names)


def reading(row: Row) -> str:
    """Which row of a measure this is, in words: base, at, step, and whether it is the service less none."""
    base = "" if row.base == "all" else row.base
    group = "" if row.group == "all" else words(row.group.removeprefix("step="))
    added = "service less none" if row.service == "difference" else ""
    return ", ".join(filter(None, (base, words(row.at), group, added)))


def _label(row: Row) -> str:
    return "\n".join(filter(None, (words(row.measure), reading(row))))


def _in_legend(name: str) -> str:
    """A scenario's name, which a legend would leave out if it began with an underscore."""
    return f" {name}" if name.startswith("_") else name
