"""Pictures of `reconcile`, `audit`, `uncertainty` and `rank`: where a figure comes from, and how sure it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.audit import AuditRow
from caseload_sim.analysis.rank import RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
from caseload_sim.definitions.quantities import READINGS, Quantity, words
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.style import BLUE, GREEN, ORANGE, SKY, VERMILION, new_axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EXPLAINED = {
    "definition": (GREEN, "o", "the definition alone explains the result"),
    "both": (ORANGE, "s", "it takes selection as well"),
    "selection": (VERMILION, "^", "only selection could"),
}
_PARTS_OF_SPREAD = (
    ("sd_chance", "chance", SKY, ""),
    ("sd_sampling", "sampling error of sources", ORANGE, "//"),
    ("sd_structure", "doubt about soft inputs", VERMILION, ".."),
)
_HIDDEN_BELOW = 0.06  # share of a bar too narrow for its number


def rung_label(measure: str, base: str, at: str) -> str:
    """A rung in words: "full remission, started, sustained for a year"."""
    return f"{words(measure)}, {base}, {READINGS[at]}"


@literal
def plot_waterfall(table: Sequence[ReconcileRow], *, ax: "Axes | None" = None) -> "Axes":
    """The way from one figure to another: what it is made of, where it starts, each mechanism, and where it ends.

    Bars go in the order of the table; a diamond shows where a bar would end if it had its mean length over all orders
    (Shapley). Shares as points of 100.
    """
    rows = list(table)
    ax = new_axes(ax, 9.5, 1.9 + 0.5 * len(rows))
    before, lowest = 0.0, 0.0
    for y, row in enumerate(rows):
        value, low = 100 * row.value, 0.0
        if row.kind in ("start", "end"):
            colour, hatch, label = BLUE, "", f"{value:.1f}%"
        elif row.kind == "part":
            low, colour, hatch, label = before, SKY, "..", f"{100 * row.change:+.1f}"
        else:
            low, label = before, f"{100 * row.change:+z.1f}"
            colour, hatch = (VERMILION, "//") if row.change <= 0 else (GREEN, "\\\\")
        ax.barh(y, value - low, left=low, color=colour, hatch=hatch, edgecolor="white", height=0.62)
        if y:
            ax.plot([low or value] * 2, [y - 0.69, y - 0.31], color="#888888", linewidth=0.8)
        right = max(value, low)
        if row.kind == "mechanism" and not np.isnan(row.shapley):
            averaged = low + 100 * row.shapley
            ax.plot(averaged, y, "D", color="black", markerfacecolor="white", markersize=7, zorder=3)
            label += f"  (any order {100 * row.shapley:+z.1f})"
            right, lowest = max(right, averaged + 0.8), min(lowest, averaged - 1)
        ax.annotate(label, (right, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
        before = value
    labels = [_wrapped(row) for row in rows]
    ax.set_yticks(range(len(rows)), labels)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    highest = max((100 * row.value for row in rows), default=1)
    ax.set_xlim(lowest, 1.36 * max(highest, 1))
    ax.set_title(f"From one figure to the other, same clients: {rows[0].scenario if rows else ''}")
    ax.set_xlabel("Points of 100 clients\n(bars in this order; diamond: mean over all orders, Shapley)")
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


def _wrapped(row: ReconcileRow) -> str:
    if row.kind not in ("start", "end"):
        return words(row.meaning) if row.kind == "mechanism" else f"of it: {row.meaning}"
    figure, _, scenario = row.name.partition(" in ")
    label = rung_label(*Quantity.parse(figure)[:3])
    return label.replace(", ", "\n", 1) + (f"\n{scenario}" if scenario else "")


@literal
def plot_audit(table: Sequence[AuditRow], *, ax: "Axes | None" = None) -> "Axes":
    """What an audit by interview would find, by each definition, beside the result that such an audit had.

    The number at the right is how many times likelier the ill would have to be sampled for the result to be expected.
    """
    rows = list(table)
    ax = new_axes(ax, 9.5, 1.9 + 0.33 * len(rows))
    named: set[str] = set()
    for y, row in enumerate(rows):
        colour, marker, meaning = _EXPLAINED[row.explained_by]
        ends = [100 * row.audited_lower_95, 100 * row.audited_upper_95]
        ax.plot(ends, [y, y], color=colour, linewidth=4, alpha=0.45, solid_capstyle="butt")
        label = None if row.explained_by in named else meaning
        ax.plot(100 * row.value, y, marker, color=colour, markersize=7, linestyle="none", label=label)
        named.add(row.explained_by)
        odds = "-" if np.isnan(row.sampling_odds) else f"x {row.sampling_odds:.1f}"
        ax.annotate(
            odds, (1.0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0), textcoords="offset points",
            ha="right", va="center", fontsize=8,
        )  # fmt: skip
    if rows:
        result = 100 * rows[0].result
        ax.axvline(result, color="black", linestyle="--", linewidth=1.2, label=f"result of the audit, {result:.1f}%")
        ax.set_xlim(0, 1.22 * max(100 * row.audited_upper_95 for row in rows))
    ax.set_yticks(range(len(rows)), [rung_label(row.measure, row.base, row.at) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    n = rows[0].n if rows else 0
    ax.set_title(f"What an audit of {n:,} clients would find, by definition", pad=46)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    ax.set_xlabel(
        "Clients found well (%): mean, and where 95% of audits fall\n(x: how much likelier the ill must be sampled)"
    )
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


@literal
def plot_tornado(table: Sequence[TornadoRow], *, ax: "Axes | None" = None) -> "Axes":
    """How far one rung moves as each soft input goes to the ends of its range, the strongest on top."""
    rows = sorted(table, key=lambda row: -abs(row.value_at_high - row.value_at_low))
    ax = new_axes(ax, 9.5, 1.9 + 0.5 * len(rows))
    for y, row in enumerate(rows):
        middle = 100 * row.value
        for end, value, colour, hatch in (
            (row.low, row.value_at_low, SKY, ""),
            (row.high, row.value_at_high, ORANGE, "//"),
        ):
            reached = 100 * value
            which = "low" if end == row.low else "high"
            label = f"input at the {which} end of its range" if y == 0 else None
            ax.barh(
                y, reached - middle, left=middle, color=colour, hatch=hatch, edgecolor="white", height=0.6, label=label
            )
    if rows:
        ax.axvline(100 * rows[0].value, color="black", linewidth=1)
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
        title = f"Which input moves {rung_label(rows[0].measure, rows[0].base, rows[0].at)}"
        ax.set_title(title, pad=28)
    ax.set_yticks(range(len(rows)), [f"{words(row.name)}\n{row.low:g} to {row.high:g}" for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.set_xlabel("Clients (%); one input at an end of its range, all else as it is, same draws")
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


@literal
def plot_spread(table: Sequence[DoubtRow], *, ax: "Axes | None" = None) -> "Axes":
    """What the spread of each rung is made of: shares of variance, since standard deviations add in squares.

    The numbers in the bars are the standard deviations themselves, in points of 100.
    """
    rows = list(table)
    ax = new_axes(ax, 9.5, 1.9 + 0.42 * len(rows))
    for y, row in enumerate(rows):
        variances = [getattr(row, name) ** 2 for name, *_ in _PARTS_OF_SPREAD]
        total, left = sum(variances) or 1.0, 0.0
        for (name, label, colour, hatch), variance in zip(_PARTS_OF_SPREAD, variances, strict=True):
            width = 100 * variance / total
            ax.barh(
                y, width, left=left, color=colour, hatch=hatch, edgecolor="white", height=0.62,
                label=label if y == 0 else None,
            )  # fmt: skip
            if width > 100 * _HIDDEN_BELOW:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
                sd = f"{100 * getattr(row, name):.1f}"
                ax.annotate(sd, (left + width / 2, y), ha="center", va="center", fontsize=8, bbox=box)
            left += width
        between = f"{100 * row.lower_95_range:.0f}-{100 * row.upper_95_range:.0f}%"
        ax.annotate(between, (100, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), [rung_label(row.measure, row.base, row.at) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, 114)
    ax.set_xticks(range(0, 101, 20))
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=3)
    ax.set_title("How sure each rung is", pad=28)
    ax.set_xlabel("Share of the variance (%); in the bars: SD in points\n(right: where 95% of all draws fall)")
    plain(ax)
    return ax


def draw_uncertainty(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> Figure:
    """What each rung's spread is made of, and the tornado of the last rung: all fully gone, no relapse, of all starters."""
    last = rows[-1]
    of_last = [row for row in tornado if (row.measure, row.base, row.at) == (last.measure, last.base, last.at)]
    heights = [1.9 + 0.42 * len(rows), 1.9 + 0.5 * len(of_last)]
    figure = Figure(figsize=(9.5, sum(heights)), layout="constrained")
    above, below = figure.subplots(2, height_ratios=heights)
    plot_spread(rows, ax=above)
    plot_tornado(of_last, ax=below)
    return figure


@literal
def plot_ranking(table: Sequence[RankRow], *, ax: "Axes | None" = None) -> "Axes":
    """What each what-if gains, the best on top: in the rung it is ranked by, and in the official figure beside it."""
    names = list(dict.fromkeys(row.scenario for row in table))
    ax = new_axes(ax, 9.5, 2.1 + 0.62 * len(names))
    ax.axvline(0, color="black", linewidth=1)
    by = table[0].ranked_by if table else ""
    for figure, colour, marker, offset in ((by, BLUE, "o", -0.16), ("recovery/finished/end", ORANGE, "D", 0.16)):
        some = [row for row in table if f"{row.measure}/{row.base}/{row.at}" == figure]
        if figure == by and offset > 0:
            continue
        for k, row in enumerate(some):
            y, gain = names.index(row.scenario) + offset, 100 * row.gain
            half = 100 * np.nan_to_num(row.gain_upper_95_ci - row.gain)
            ax.errorbar(
                gain, y, xerr=half, fmt=marker, color=colour, capsize=3,
                label=rung_label(*figure.split("/")) if k == 0 else None,
            )  # fmt: skip
            ax.annotate(
                f"{gain:+z.1f}", (gain + half, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.14)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    ax.set_title(f"What each would gain over {table[0].versus if table else ''}", pad=28)
    ax.set_xlabel("Gain in points of 100 clients\n(bars: paired 95% interval over replications)")
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax
