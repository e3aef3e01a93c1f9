"""Pictures of scenarios side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.definitions.labels import capitalised, in_words
from caseload_sim.definitions.quantities import HELPED, HELPED_TO, RUNGS, words
from caseload_sim.experiments.compare import ComparisonRow, shown
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import (
    BLUE,
    BROWN,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    is_narrow,
    mark,
    new_axes,
    new_panels,
    nothing,
    number,
    plain,
    rung_in_words,
    said,
    sheet_of,
    wrapped,
)
from caseload_sim.measures.rows import Row, quantity_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # one more than colours, so that pairs repeat late
_UNITS = {
    "share": "points of 100",
    "days": "days",
    "points": "points of the questionnaire",
    "clients": "people",
    "clients a year": "people a year",
    "referrals": "people",
    "GBP": "pounds",
}
_PEOPLE_FIRST = ("clients a year", "clients", "referrals", "people", "share", "days")
_SPREAD = 0.72  # of the room of one quantity, for its scenarios
# Which way is better, where there is one.
_MORE_IS_BETTER = {*RUNGS, *HELPED_TO, "finished_course_treatment", "reliable_recovery", "reliable_improvement"}
_LESS_IS_BETTER = {"ended_before_treatment", "first_contact_days_mean", "second_contact_days_mean", "wait_days_mean"}


@literal
def plot_differences(table: Sequence[ComparisonRow], *, unit: str = "share", ax: "Axes | None" = None) -> "Axes":
    """A forest plot: how far each scenario's figures lie from those of the scenario compared with, on the same people.

    table: the rows to show (`shown` chooses the headlines); those of another unit, and without a difference, are left out
    unit: "share", "days", "contacts", "clients", "clients a year", "referrals" or "points"
    """
    ax = ax or new_axes(None, _height(table, unit))
    _forest(ax, table, unit)
    _head(ax, table)
    return ax


@on_our_sheet
def draw_differences(rows: Sequence[ComparisonRow], measures: Sequence[str] = ()) -> Sheet:
    """The headlines, or the measures asked for, on one sheet: a panel for each unit, people first."""
    chosen = shown(rows, measures)
    units = list(dict.fromkeys(row.unit for row in chosen if row.versus))
    units.sort(key=lambda unit: _PEOPLE_FIRST.index(unit) if unit in _PEOPLE_FIRST else len(_PEOPLE_FIRST))
    panels = new_panels([_height(chosen, unit) for unit in units or ["share"]])
    for unit, panel in zip(units or ["share"], panels, strict=True):
        _forest(panel, chosen, unit)
    _head(panels[0], chosen)
    return sheet_of(panels[0])


def _forest(ax: "Axes", table: Sequence[ComparisonRow], unit: str) -> None:
    rows = [row for row in table if row.unit == unit and row.versus]
    keys = list(dict.fromkeys(_label(row) for row in rows))
    names = list(dict.fromkeys(row.scenario for row in table if row.versus))
    scale = 100 if unit == "share" else 1
    ax.axvline(0, color="black", linewidth=points() / 10)
    furthest = 0.0
    for row in rows:
        if np.isnan(row.difference):
            continue
        k = names.index(row.scenario)
        y = keys.index(_label(row)) + (k - (len(names) - 1) / 2) * _SPREAD / max(len(names), 1)
        colour, marker = _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]
        chance = scale * row.difference_lower_95_ci, scale * row.difference_upper_95_ci
        could_be = scale * row.difference_could_be_low, scale * row.difference_could_be_high
        low, high = mark(ax, y, scale * row.difference, chance, could_be, colour=colour, marker=marker)
        right = row.difference >= 0
        text = number(row.difference, unit, signed=True)
        if len(names) > 1:
            text = (
                f"{text}  {wrapped(in_words(row.scenario), 0.3, 0.8)}" if right else f"{in_words(row.scenario)}  {text}"
            )
        said(ax, text, (high if right else low, y), (6 if right else -6, 0), ha="left" if right else "right",
             fontsize="x-small" if len(names) > 1 else "small", color=BROWN if colour == ORANGE else colour)  # fmt: skip
        furthest = max(furthest, abs(low), abs(high))
    if not furthest and not any(not np.isnan(row.difference) for row in rows):
        nothing(ax, "no difference can be told")
    room = 1.35 if len(names) == 1 else 1.9
    ax.set_xlim(-room * (furthest or 1), room * (furthest or 1))
    ax.locator_params(axis="x", nbins=5 if is_narrow() else 9)
    ax.set_yticks(
        range(len(keys)), [wrapped(key, 0.3 if is_narrow() else 0.36, 0.83) for key in keys], fontsize="small"
    )
    ax.set_ylim(len(keys) - 0.4, -0.6)
    ax.set_xlabel(f"Difference, {_UNITS.get(unit, unit)}")
    plain(ax, "x")


def _head(ax: "Axes", table: Sequence[ComparisonRow]) -> None:
    """The title says what becomes of people, then of the share, where there is one other scenario; the question otherwise."""
    rows = [row for row in table if row.versus]
    versus = in_words(rows[0].versus) if rows else "another scenario"
    names = list(dict.fromkeys(row.scenario for row in rows))
    title = f"What is different from {versus}?"
    people = next((row for row in rows if quantity_of(row) == HELPED[0]), None)
    if len(names) == 1 and people and not np.isnan(people.difference):
        n, more = abs(round(people.difference)), "more" if people.difference >= 0 else "fewer"
        title = (
            f"With {in_words(names[0])} instead of {versus}, {n:,} {more} people a year are helped beyond no service"
        )
        told = next((row for row in rows if (row.measure, row.base, row.at) == ("recovery", "finished", "end")), None)
        if told and not np.isnan(told.difference):
            title += f", and the share recovered by questionnaire moves by {number(told.difference, 'share', signed=True)} points"
    has = any(not np.isnan(row.difference_could_be_low) for row in rows)
    headed(
        ax, title, f"{capitalised(versus)} is the line at 0; the same people and the same draws in each.",
        "Thin bar: chance, the paired 95% interval." if any(not np.isnan(row.difference_lower_95_ci) for row in rows)
        else "No thin bar: one simulated year does not tell what is chance.",
        "Pale band: what it could be, by other models of outcomes that fit no worse." if has else
        "No pale band: none of it hangs on the model of outcomes.",
        "(+) more is better, (-) less is better.", rows=table,
    )  # fmt: skip


def _height(table: Sequence[ComparisonRow], unit: str) -> float:
    """Inches, for letters of 10 points, that the panel of a unit takes."""
    rows = [row for row in table if row.unit == unit and row.versus]
    keys = {_label(row) for row in rows}
    lines = max((wrapped(key, 0.3 if is_narrow() else 0.36, 0.83).count("\n") + 1 for key in keys), default=1)
    n_names = len({row.scenario for row in table if row.versus})
    return 0.75 + len(keys) * max(0.17 * lines + 0.1, 0.12 + 0.17 * n_names)


def reading(row: Row) -> str:
    """Which row of a measure this is, in words: base, at, step, and whether it is the service less none."""
    base = "" if row.base == "all" else row.base
    group = "" if row.group == "all" else words(row.group.removeprefix("step="))
    added = "service less none" if row.service == "difference" else ""
    return ", ".join(filter(None, (base, words(row.at), group, added)))


def _label(row: Row) -> str:
    better = " (+)" if row.measure in _MORE_IS_BETTER else " (-)" if row.measure in _LESS_IS_BETTER else ""
    if row.measure in RUNGS:
        added = "" if row.service != "difference" else "\nbeyond no service"
        return rung_in_words(row.measure, row.base, row.at) + better + added
    group = "" if row.group == "all" else in_words(row.group.removeprefix("step="))
    return "\n".join(filter(None, (capitalised(in_words(row.measure)) + better, group)))
