"""Pictures of waiting: how long people wait against the standards, the lists over the months, and when a list has settled."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.labels import in_words
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.made import Made
from caseload_sim.figures.marks import STANDARDS
from caseload_sim.figures.style import (
    BLACK,
    BLUE,
    DAYS_PER_WEEK,
    LINES,
    NO_DOUBT_HERE,
    VERMILION,
    distances,
    how_to_read,
    is_narrow,
    label_months,
    name_ends,
    new_axes,
    new_panels,
    nothing,
    plain,
    rows_high,
    said,
    sheet_of,
    tick,
    wrapped,
)
from caseload_sim.measures.rows import OverTimeRow, Row, row_of
from caseload_sim.support.row_table import RowTable, as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from caseload_sim.analysis.warm_up import WarmUpRow

FEW = 200  # people, of whom nine in ten is read off twenty: over fewer, a year's figure is mostly chance
_COLUMNS, _COLUMNS_NARROW = (1.11, 1.24, 1.32), (1.19, 1.45, 1.6)  # of numbers at the right, and where the axis ends
_DAYS_APART = (7, 14, 28, 56, 112, 364, 728, 3_640, 36_400, float("inf"))
_BETWEEN_CONTACTS = {
    "first_contact_days": "referral to first contact",
    "second_contact_days": "first to second contact",
}
Entry = tuple[str, str, Row, Row, float]  # what it is, its label, median, 90th percentile, people


@literal
def plot_waits(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """How long half and nine in ten of those seen have waited, against the standards; people who started in the period."""
    held = as_table(table, Row)
    entries = _entries(held)
    labels = [wrapped(label, 0.3 if is_narrow() else 0.36, 0.9) for _, label, *_ in entries]
    ax = new_axes(ax, rows_high(labels, 1.0) + 0.3)
    furthest = 30.0
    for k, (what, _, half, most, people) in enumerate(entries):
        if np.isnan(half.value):
            continue
        few = people < FEW
        size = points() / 10
        ax.hlines(k, half.value, most.value, color=BLUE, alpha=0.25, linewidth=7 * size, zorder=1)
        for row, marker, colour, off in ((half, "o", BLUE, -0.13), (most, "^", VERMILION, 0.13)):
            ax.errorbar(
                row.value, k + off, xerr=distances([row.value], [row.lower_95_ci], [row.upper_95_ci]), fmt=marker, color=colour,
                markerfacecolor="white" if few else colour, markersize=6 * size, elinewidth=1.3 * size,
            )  # fmt: skip
            furthest = max(furthest, row.value, np.nan_to_num(row.upper_95_ci))
        for standard in STANDARDS.get(what, ()):
            tick(ax, standard.days, k, standard.words.split(":")[0] if is_narrow() else standard.words)
            furthest = max(furthest, standard.days + 6)
    columns = _COLUMNS_NARROW if is_narrow() else _COLUMNS
    for at, text, colour in zip(columns, ("half\nwithin", "9 in 10\nwithin"), (BLUE, VERMILION), strict=False):
        said(ax, text, (at * furthest, -0.8), ha="center", va="bottom", color=colour)
        for k, (_, _, *both, _) in enumerate(entries):
            value = both[colour == VERMILION].value
            said(ax, "-" if np.isnan(value) else f"{value:,.0f}", (at * furthest, k), ha="center", color=colour)
    if all(np.isnan(half.value) for _, _, half, *_ in entries):
        nothing(ax, "nobody waits: there is no service")
    ax.set_yticks(range(len(entries)), labels, fontsize="small" if is_narrow() else None)
    ax.set_ylim(len(entries) - 0.5, -1.3)
    ax.set_xlim(-0.02 * furthest, columns[-1] * furthest)
    step = next(step for step in _DAYS_APART if furthest / step <= (5 if is_narrow() else 8))
    ax.set_xticks(np.arange(0, furthest, step))
    ax.set_xlabel("Days")
    headed(
        ax, _finding(held), "Dots: half waited no longer; triangles: nine in ten did not. The first two are between contacts, "
        "the others are days on one list, of those who started.",
        f"Open marks: fewer than {FEW} people in the year, of whom chance tells most." if any(0 < n < FEW for *_, n in entries) else "",
        how_to_read([row for _, _, half, most, _ in entries for row in (half, most)], NO_DOUBT_HERE), rows=held,
    )  # fmt: skip
    plain(ax, "x")
    return ax


def _entries(held: RowTable[Row]) -> list[Entry]:
    """What is waited for, in the order in which it happens."""
    found = []
    for what, label in _BETWEEN_CONTACTS.items():
        rows = [held.find(measure=f"{what}_{which}") for which in ("median", "90th_percentile")]
        if rows[0] and rows[1]:
            found.append((what, label, rows[0][0], rows[1][0], rows[0][0].denominator))
    for row in held.find(measure="wait_days_median"):
        most = row_of(held, Quantity("wait_days_90th_percentile", group=row.group))
        step = in_words(row.group.removeprefix("step="))
        found.append((row.group, f"on the list for {step}", row, most, row.denominator))
    return [
        (what, f"{label}\n{people:,.0f} people{', which is few' * (0 < people < FEW)}", half, most, people)
        for what, label, half, most, people in ((w, t, h, m, 0.0 if np.isnan(n) else n) for w, t, h, m, n in found)
    ]


def _finding(held: RowTable[Row]) -> str:
    half, within = (held.find(measure=f"first_contact_{which}") for which in ("days_median", "within_6_weeks"))
    if not half or np.isnan(half[0].value):
        return "How long do people wait?"
    text = f"Half wait no longer than {half[0].value:.0f} days for a first contact"
    if not within or np.isnan(within[0].value):
        return text
    return f"{text}; {100 * within[0].value:.0f}% are seen within 6 weeks (standard: 75%)"


@literal
def plot_waiting_list(
    over_time: Sequence[OverTimeRow],
    *,
    period: tuple[int, int] | None = None,
    opens: date | None = None,
    axes: "tuple[Axes, Axes] | None" = None,
) -> "tuple[Axes, Axes]":
    """Each step's waiting list from opening to the end of data collection; below, how full its places were then.

    period: first day of data collection and the day after its last; the whole run if None
    opens: the date of day 0; without it the axis counts days
    """
    held = as_table(over_time, OverTimeRow)
    steps = list(dict.fromkeys(held.column("step")))
    labels = [wrapped(in_words(step), 0.3) for step in steps]
    top, bottom = axes or new_panels([3.0, rows_high(labels, 0.3) + 0.25])
    last = max([*(period[1:] if period else ()), *([] if period else held.column("day")), 1])
    mean_lists = _draw_lists(top, held, steps, last, period)
    if period:
        top.axvspan(period[0], period[1], color="#f0f0f0", zorder=0)
        said(top, "the year that is counted" if period[1] - period[0] > 300 else "counted", (sum(period) / 2, 1.0), (0, 2),
             xycoords=("data", "axes fraction"), ha="center", va="bottom", color="#555555")  # fmt: skip
    if opens:
        label_months(top, opens, 0, last)
    else:
        top.set_xlabel("Days since opening")
    top.set_ylabel("People waiting")
    counted = period or (0, last)
    size = points() / 10
    for k, step in enumerate(steps):
        used = _numbers(held, "value", held.places(step=step, measure="utilisation"))[counted[0] : counted[1]]
        mean = 100 * float(np.nanmean(used)) if np.isfinite(used).any() else np.nan
        if np.isnan(mean):
            said(bottom, "no places of its own" if used.size else "-", (1, k), color="#555555")
            continue
        bottom.hlines(k, 0, mean, color="#cccccc", linewidth=1.5 * size)
        bottom.plot(mean, k, "o", color=LINES[k % len(LINES)][0], markersize=6 * size)
        said(bottom, f"{mean:.0f}%", (mean, k), (6, 0))
    bottom.set_yticks(range(len(steps)), labels)
    bottom.set_ylim(len(steps) - 0.5, -0.5)
    bottom.set_xlim(0, 112)
    bottom.set_xticks(range(0, 101, 20))
    bottom.set_xlabel("Places in use (%), mean of the days that are counted")
    for ax in (top, bottom):
        plain(ax)
    everybody = sum(mean_lists.values())
    most = max(mean_lists, key=lambda step: mean_lists[step]) if mean_lists else ""
    title = (
        f"{everybody:,.0f} people wait on an average day, most of them for {in_words(most)}"
        if everybody >= 1
        else "Nobody waits"
    )
    headed(
        top, title, "Lines: the middle one of the simulated years; pale: chance, the 95% interval of it.", NO_DOUBT_HERE,
        made=Made(opens=opens, period=period), under=bottom,
    )  # fmt: skip
    return top, bottom


def _draw_lists(
    ax: "Axes", held: RowTable[OverTimeRow], steps: Sequence[str], last: int, period: tuple[int, int] | None
) -> dict[str, float]:
    """A line for each list, named where it ends. Returns how many wait on an average day that is counted, by step."""
    ends, means, highest = [], {}, 1.0
    for step, (colour, style, _) in zip(steps, LINES * len(steps), strict=False):
        places = held.places(step=step, measure="waiting_list")
        day, value, low, high = (
            _numbers(held, name, places[: last + 1 : DAYS_PER_WEEK])
            for name in ("day", "value", "lower_95_ci", "upper_95_ci")
        )
        if not len(day):
            continue
        ax.plot(day, value, style, color=colour)
        ax.fill_between(day, low, high, color=colour, alpha=0.15, linewidth=0)
        inside = (day >= period[0]) & (day < period[1]) if period else np.ones(len(day), dtype=bool)
        means[step] = float(value[inside].mean()) if inside.any() else 0.0
        highest = max(highest, np.nanmax(value), np.nanmax(np.nan_to_num(high)))
        ends.append((float(day[-1]), float(value[-1]), f"{in_words(step)} {value[-1]:,.0f}", colour))
    ax.set_xlim(0, last)
    ax.set_ylim(0, 1.08 * highest)
    name_ends(ax, ends, 0, 1.08 * highest)
    return means


def _numbers(table: RowTable[OverTimeRow], name: str, row_numbers: Sequence[int]) -> NDArray[np.float64]:
    column = table.column(name)
    return np.array([column[k] for k in row_numbers], dtype=np.float64)


@literal
def plot_warm_up(
    rows: "Sequence[WarmUpRow]", over_time: Sequence[OverTimeRow], *, axes: "tuple[Axes, Axes] | None" = None
) -> "tuple[Axes, Axes]":
    """Waiting lists from opening, and below when each list and each use of places has settled by the rule MSER-5."""
    held = as_table(over_time, OverTimeRow)
    steps = list(dict.fromkeys(held.column("step")))
    names = {"waiting_list": "list for {}", "utilisation": "use of places, {}"}
    labels = [wrapped(names.get(row.measure, "{}").format(in_words(row.step)), 0.34) for row in rows]
    top, bottom = axes or new_panels([2.8, rows_high(labels, 0.35) + 0.25])
    last = int(max([*held.column("day"), 1]))
    own = next((row.own_warm_up_days for row in rows), 0)
    _draw_lists(top, held, steps, last, None)
    top.set_ylabel("People waiting")
    size = points() / 10
    for ax in (top, bottom):
        ax.axvspan(0, own, color="#f0f0f0", zorder=0)
        plain(ax)
    said(top, f"left out: {own:,} days", (own / 2 if own > last / 8 else 0, 1.0), (0, 2), xycoords=("data", "axes fraction"),
         ha="center" if own > last / 8 else "left", va="bottom", color="#555555")  # fmt: skip
    for k, row in enumerate(rows):
        if row.settled_day is None:
            said(bottom, "cannot tell: it still moves", (own, k), (4, 0), color="#555555")
            continue
        colour = BLACK if row.is_long_enough else VERMILION
        bottom.plot(row.settled_day, k, "o" if row.is_long_enough else "X", color=colour, markersize=6 * size)
        said(bottom, f"day {row.settled_day:,}", (row.settled_day, k), (6, 0), color=colour)
    bottom.set_yticks(range(len(rows)), labels, fontsize="small")
    bottom.set_ylim(len(rows) - 0.5, -0.5)
    bottom.set_xlim(0, last)
    bottom.set_xlabel("Days since opening")
    known = [row.settled_day for row in rows if row.settled_day is not None]
    only = "" if max(known, default=0) <= own else "only "
    title = (
        f"What can be told has settled by day {max(known):,}; {only}the first {own:,} days are left out"
        if known
        else "Whether lists have settled cannot be told"
    )
    headed(
        top, title, "Below: from which day on each has settled, by the rule MSER-5; crosses: later than what is left out.",
        "Pale above: chance, the 95% interval.", NO_DOUBT_HERE, rows=rows, under=bottom,
    )  # fmt: skip
    return top, bottom


@on_our_sheet
def draw_warm_up(rows: "Sequence[WarmUpRow]", over_time: Sequence[OverTimeRow]) -> Sheet:
    """The same on a figure of its own."""
    return sheet_of(plot_warm_up(rows, over_time)[0])
