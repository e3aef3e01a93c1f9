"""Pictures of `reconcile`, `audit` and `rank`: where a figure comes from, what an audit would find, and what would change it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.audit import AuditRow
from caseload_sim.analysis.rank import RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
from caseload_sim.definitions.labels import capitalised, in_words
from caseload_sim.definitions.quantities import HELPED, Quantity
from caseload_sim.figures.canvas import literal, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import (
    BLACK,
    BLUE,
    BROWN,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    is_narrow,
    mark,
    new_axes,
    nothing,
    number,
    plain,
    rows_high,
    rung_in_words,
    said,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EXPLAINED = {"definition": (GREEN, "o"), "both": (ORANGE, "s"), "selection": (VERMILION, "^")}
# Of twenty definitions those that people argue about: what is reported, each stricter rung, over more people, and later.
EIGHT = (
    ("recovery", "finished", "end"), ("principal_remission", "finished", "end"), ("all_remission", "finished", "end"),
    ("full_remission", "finished", "end"), ("full_remission", "started", "end"), ("full_remission", "finished", "month_12"),
    ("full_remission", "started", "month_12"), ("full_remission", "started", "sustained"),
)  # fmt: skip
_NO_BAND = "No pale band: other models of outcomes are not read here."


@literal
def plot_waterfall(table: Sequence[ReconcileRow], *, ax: "Axes | None" = None) -> "Axes":
    """The way from one figure to another: what it is made of, where it starts, each mechanism, and where it ends.

    Bars go in the order of the table, with the 95% interval of each as a thin bar. Shares as points of 100.
    """
    rows = list(table)
    labels = [wrapped(_step_label(row), 0.34 if is_narrow() else 0.38, 0.9) for row in rows]
    ax = new_axes(ax, rows_high(labels, 0.9))
    size = points() / 10
    before, highest, lowest = 0.0, 1.0, 0.0
    for y, row in enumerate(rows):
        value, low = 100 * row.value, 0.0
        if row.kind in ("start", "end"):
            colour, text = BLUE, f"{value:.1f}%"
        elif row.kind == "part":
            low, colour, text = before, SKY, f"{100 * row.change:+.1f}"
        else:
            low, colour, text = before, VERMILION if row.change <= 0 else GREEN, f"{100 * row.change:+z.1f}"
        ax.barh(
            y,
            value - low,
            left=low,
            color=colour,
            height=0.6,
            hatch="" if row.kind != "mechanism" else "//",
            edgecolor="white",
        )
        if y:
            ax.plot([low or value] * 2, [y - 0.7, y - 0.3], color="#888888", linewidth=0.8 * size)
        right = max(value, low)
        if row.kind in ("mechanism", "part") and not np.isnan(row.change_lower_95_ci):
            ends = [low + 100 * end for end in (row.change_lower_95_ci, row.change_upper_95_ci)]
            ax.hlines(y, ends[0], ends[1], color=BLACK, linewidth=1.3 * size, zorder=3)
            right, lowest = max(right, *ends), min(lowest, *ends)
        said(ax, text, (right, y), (6, 0))
        highest, before = max(highest, right), value
    ax.set_yticks(range(len(rows)), labels, fontsize="small" if is_narrow() else None)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(lowest, (1.3 if is_narrow() else 1.15) * highest)
    ax.set_xlabel("People, of 100")
    headed(
        ax, _way(rows), "Each step on the same people, in this order; in another order each is larger or smaller, which the table says "
        "(any order). Thin bar: chance, 95%.", _NO_BAND, rows=rows,
    )  # fmt: skip
    plain(ax, "x")
    return ax


def _way(rows: Sequence[ReconcileRow]) -> str:
    """From where to where, and by which step most."""
    ends = {row.kind: 100 * row.value for row in rows if row.kind in ("start", "end")}
    steps = [row for row in rows if row.kind == "mechanism" and not np.isnan(row.change)]
    if len(ends) < 2 or not steps:
        return "How does one figure become the other?"
    most = max(steps, key=lambda row: abs(row.change))
    largest = (
        f": the largest step is {in_words(most.meaning)} ({100 * most.change:+z.1f})" if abs(most.change) > 0 else ""
    )
    return f"From {ends['start']:.0f} to {ends['end']:.0f} of 100 people{largest}"


def _step_label(row: ReconcileRow) -> str:
    if row.kind not in ("start", "end"):
        return in_words(row.meaning) if row.kind == "mechanism" else f"of it: {row.meaning}"
    figure, _, scenario = row.name.partition(" in ")
    return rung_in_words(*Quantity.parse(figure)[:3]) + (f"\n{in_words(scenario)}" if scenario else "")


@literal
def plot_audit(table: Sequence[AuditRow], *, ax: "Axes | None" = None) -> "Axes":
    """What an audit by interview would find, by the eight definitions that matter, beside the result that such an audit had.

    After each bar, in words: whether chance explains the result, or how the sample would have had to be chosen.
    """
    by_name = {(row.measure, row.base, row.at): row for row in table}
    rows = [by_name[key] for key in EIGHT if key in by_name] or list(table)
    labels = [wrapped(capitalised(rung_in_words(row.measure, row.base, row.at)), 0.36, 0.83) for row in rows]
    ax = new_axes(ax, rows_high(labels, 1.0) + 0.2)
    size = points() / 10
    for y, row in enumerate(rows):
        colour, marker = _EXPLAINED[row.explained_by]
        low, high = 100 * row.audited_lower_95, 100 * row.audited_upper_95
        ax.hlines(y, low, high, color=colour, linewidth=1.3 * size)
        ax.plot(100 * row.value, y, marker, color=colour, markersize=6.5 * size)
        said(
            ax,
            wrapped(_verdict(row), 0.24, 0.7),
            (high, y),
            (6, 0),
            fontsize="x-small",
            color=BROWN if colour == ORANGE else colour,
        )
    if rows:
        result = 100 * rows[0].result
        ax.axvline(result, color=BLACK, linewidth=1.6 * size, zorder=0)
        said(ax, f"the audit found {result:.1f}%", (result, -0.62), (3, 0), ha="left")
        ax.set_xlim(0, (1.85 if is_narrow() else 1.65) * max(100 * row.audited_upper_95 for row in rows))
        n = sum(row.explained_by == "definition" for row in rows)
        title = (
            f"By {n} of {len(rows)} definitions, chance alone would let an audit of {rows[0].n:,} find {result:.1f}%"
        )
    else:
        nothing(ax, "nothing was audited")
        title = "What would an audit find?"
    ax.set_yticks(range(len(rows)), labels, fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -1.0)
    ax.set_xlabel("People whom the audit would find well (%)")
    headed(
        ax, title, "Mark: the model's share; thin bar: where 95 of 100 such audits fall, by chance of the sample and of the year.", _NO_BAND,
        rows=rows,
    )  # fmt: skip
    plain(ax, "x")
    return ax


def _verdict(row: AuditRow) -> str:
    if row.explained_by == "definition":
        return "chance explains it"
    if np.isnan(row.sampling_odds):
        return "nothing explains it"
    if row.sampling_odds < 1:
        return f"only if the well were {1 / row.sampling_odds:.1f} times likelier to be asked"
    return f"only if the ill were {row.sampling_odds:.1f} times likelier to be asked"


@literal
def plot_ranking(table: Sequence[RankRow], *, ax: "Axes | None" = None) -> "Axes":
    """What each what-if gains, the best on top: in the figure it is ranked by, and beside it in what the service's questionnaires say.

    Ranked by people helped, both are people a year; ranked by a rung, both are shares.
    """
    names = list(dict.fromkeys(row.scenario for row in table))
    labels = [wrapped(in_words(name), 0.3, 0.9) for name in names]
    ax = new_axes(ax, rows_high(labels, 1.9) + 0.2)
    ax.axvline(0, color="black", linewidth=points() / 10)
    by = table[0].ranked_by if table else ""
    people = by in map(str, HELPED)
    beside = str(HELPED[0]) if people else "recovery/finished/end"
    figures = {by: (BLUE, "o", -0.19), beside: (ORANGE, "D", 0.19)}
    if by == beside:
        figures = {by: (BLUE, "o", 0.0)}
    scale = 1 if people else 100
    ends = [0.0]
    for figure, (colour, marker, offset) in figures.items():
        for row in table:
            if f"{row.measure}/{row.base}/{row.at}" != figure or np.isnan(row.gain):
                continue
            y = names.index(row.scenario) + offset
            chance, could_be = (
                (scale * low, scale * high)
                for low, high in (
                    (row.gain_lower_95_ci, row.gain_upper_95_ci),
                    (row.gain_could_be_low, row.gain_could_be_high),
                )
            )
            low, high = mark(
                ax, y, scale * row.gain, chance, could_be, colour=colour, marker=marker, filled=colour == BLUE
            )
            text = number(row.gain, row.unit, signed=True)
            if row.scenario == names[0] and not is_narrow():  # the first says which is which
                text = wrapped(f"{text} {rung_in_words(*figure.split('/')).split(', of')[0]}", 0.3, 0.83)
            said(ax, text, (high, y), (6, 0), color=BROWN if colour == ORANGE else colour)
            ends += [low, high]
    width = max(ends) - min(ends) or 1.0
    ax.set_xlim(min(ends) - 0.06 * width, max(ends) + (0.75 if is_narrow() else 0.42) * width)
    ax.set_yticks(range(len(names)), labels)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel("Gain, people a year" if people else "Gain, in points of 100 people")
    headed(ax, *_words_of_ranking(table, by, people=people), rows=table)
    plain(ax, "x")
    return ax


def _words_of_ranking(table: Sequence[RankRow], by: str, *, people: bool) -> tuple[str, str, str, str]:
    """Its title, and how it is to be read. people: whether people are counted, not shares"""
    versus = in_words(table[0].versus) if table else "today"
    title = "What would help most?"
    if best := next((row for row in table if f"{row.measure}/{row.base}/{row.at}" == by), None):
        what = rung_in_words(*by.split("/")).split(", of")[0]
        of = f"people a year {what}" if people else f"of 100 with {what}"
        title = f"{capitalised(in_words(best.scenario))} gains most: {number(best.gain, best.unit, signed=True)} {of}"
        if best.gain_lower_95_ci <= 0:
            title = f"Nothing tried gains more than chance could: {what}"
    filled, beside = rung_in_words(*by.split("/")) if by else "", "what the service reports"
    caution = "Shares, not people: a change that sees fewer may gain in both."
    if people:
        beside = "the same by the service's questionnaires"
        caution = "Helped: beyond those who would be well by then without any service."
    return (
        title,
        f"{capitalised(versus)} is the line at 0. Filled: {filled}; open: {beside}.",
        caution,
        "Thin bar: chance, paired 95%. Pale band: what it could be, by other models of outcomes.",
    )
