"""The outlook from today: referrals as counted and as expected, by month, and the lists from those stated to those to come."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.labels import in_words
from caseload_sim.definitions.times import days_of_month
from caseload_sim.figures.canvas import literal, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.made import date_in_words, made_of, month_label
from caseload_sim.figures.style import (
    BLUE,
    BROWN,
    DAYS_PER_WEEK,
    LINES,
    NO_DOUBT_HERE,
    ORANGE,
    label_months,
    name_ends,
    new_panels,
    nothing,
    plain,
    said,
)
from caseload_sim.measures.rows import OverTimeRow, Row
from caseload_sim.pathway.demand import referrals_per_day
from caseload_sim.pathway.working_days import dates
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.providers import of_each
from caseload_sim.support.row_table import as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MONTHS = 36  # before today, and after it
TWO_SIDED_95 = 1.96


@literal
def plot_outlook(
    scenario: Scenario,
    over_time: Sequence[OverTimeRow],
    rows: Sequence[Row] = (),
    *,
    axes: "tuple[Axes, Axes] | None" = None,
) -> "tuple[Axes, Axes]":
    """Referrals by month, before today as counted and after it as expected, and each list from today on, with waits.

    Today is the day on which the service opens. A range holds one future 95 times in 100, not the mean of many: of referrals
    by the Poisson numbers that are drawn, of lists and waits by how much replications differ.
    rows: of the run, for the waits of those who start; none are shown without
    """
    top, bottom = axes or new_panels([2.6, 3.2], sharex=True)
    first, last = _draw_referrals(top, scenario)
    waits = _waits_in_words(scenario, rows)
    now, then = _draw_lists(bottom, scenario, over_time, (first, last), waits)
    opens = scenario.run.opens
    for ax in (top, bottom):
        ax.axvline(0, color="#333333", linewidth=1.2 * points() / 10)
        ax.set_xlim(first, last)
        plain(ax)
    today = f"today, {date_in_words(opens)}"
    said(top, today, (0, 1.0), (0, 3), xycoords=("data", "axes fraction"), va="bottom", weight="bold")
    label_months(bottom, opens, first, last)
    top.tick_params(labelbottom=False)
    top.set_ylabel("Referrals\nin the month")
    bottom.set_ylabel("People waiting")
    bottom.set_xlabel("Month")
    since, until = (
        date_in_words(date.fromordinal(opens.toordinal() + day))
        for day in (scenario.run.period[0], scenario.run.period[1] - 1)
    )
    headed(
        top, f"{now:,.0f} people wait today, and {then:,.0f} would at the end of the picture" if now or then else "Nobody waits",
        "Pale bands, thin bars and brackets: chance, 95% of the futures that this scenario allows.", NO_DOUBT_HERE,
        f"Waits: mean days on the list, of those who start from {since} to {until}." if waits else "",
        made=made_of(scenario, scenario.run.replications), under=bottom,
    )  # fmt: skip
    return top, bottom


def _waits_in_words(scenario: Scenario, rows: Sequence[Row]) -> dict[str, str]:
    """The mean wait of those who start at each step, with its range; empty without rows, and without steps where nobody starts."""
    said = {}
    for row in as_table(rows, Row).find(measure="wait_days_mean") if rows else ():
        if not np.isnan(row.value):
            half = _of_one_more(row.upper_95_ci - row.value, scenario)
            low, high = max(row.value - half, 0), row.value + half
            days = f"{row.value:.0f} day{'s' * (round(row.value) != 1)}"
            said[row.group.removeprefix("step=")] = f"wait {days}" + (f" ({low:.0f}-{high:.0f})" if half else "")
    return said


def _of_one_more(half: Any, scenario: Scenario) -> Any:
    """The half-width of a range for one more replication, from that of the interval of the mean of n; 0 where there is none.

    The interval of a mean is the spread of replications over the root of n; of one more it is that spread, and the mean's own.
    """
    return np.nan_to_num(half * np.sqrt(scenario.run.replications + 1))


def _draw_referrals(ax: "Axes", scenario: Scenario) -> tuple[float, float]:
    """Bars of whole months: as counted, or as expected with a range. Returns the first and the last day of the picture."""
    opens, counts = scenario.run.opens, of_each(scenario, lambda one: one.demand.counted())
    counted = {month: sum(one[month] for one in counts) for month in counts[0]}
    day_month = dates(scenario).astype("datetime64[M]").astype(np.int64)
    per_day = np.sum(of_each(scenario, referrals_per_day), axis=0)
    until = scenario.run.period[1]
    this_month = int(day_month[0])
    coming = [int(month) for month in np.unique(day_month[:until])][:MOST_MONTHS]
    months = sorted({m for m in counted if this_month - MOST_MONTHS <= m < this_month} | set(coming))
    heights, first, last = [0.0], 0.0, 1.0
    labelled: dict[bool, tuple[float, float]] = {}
    for month in months:
        begins, ends = (day.toordinal() - opens.toordinal() for day in days_of_month(month_label(month)))
        ends += 1
        given = month in counted
        if not given and (begins < 0 or ends > until):
            continue  # of a month that is simulated in part alone, nobody could compare the number
        mean = counted[month] if given else float(per_day[day_month == month].sum())
        half = 0.0 if given else TWO_SIDED_95 * np.sqrt(mean)
        ax.bar(
            (begins + ends) / 2, mean, width=0.84 * (ends - begins), edgecolor="white",
            color=BLUE if given else ORANGE, hatch="" if given else "//", alpha=1 if given else 0.75,
        )  # fmt: skip
        if half:
            low_and_high = np.array([[min(half, mean)], [half]])
            ax.errorbar((begins + ends) / 2, mean, yerr=low_and_high, color="#444444", linewidth=1.3 * points() / 10)
        start, _ = labelled.get(given, (begins, ends))
        labelled[given] = (start, ends)
        heights.append(mean + half)
        first, last = min(first, begins), max(last, ends)
    top = 1.3 * max(max(heights), 1.0)
    ax.set_ylim(0, top)
    for given, (start, end) in labelled.items():
        text = "as counted" if given else "as expected"
        said(ax, text, ((start + end) / 2, 0.97 * top), ha="center", va="top", color=BLUE if given else BROWN)
    if not months:
        nothing(ax, "no whole month")
    return first, max(last, float(min(until, MOST_MONTHS * 31)))


def _draw_lists(
    ax: "Axes",
    scenario: Scenario,
    over_time: Sequence[OverTimeRow],
    ends: tuple[float, float],
    waits: Mapping[str, str],
) -> tuple[float, float]:
    """A line for each step's list with its range, its name and wait at the end, and a mark where it was stated.

    ends: first and last day of the picture
    Returns how many wait in all on the first and on the last day of the lines.
    """
    table = as_table(over_time, OverTimeRow)
    lists = of_each(scenario, lambda one: one.start.stated())
    named: list[tuple[float, float, str, str]] = []
    highest, began, ended = 1.0, 0.0, 0.0
    for step, (colour, style, marker) in zip(scenario.steps, LINES * len(scenario.steps), strict=False):
        places = table.places(step=step, measure="waiting_list")[: int(ends[1]) + 1 : DAYS_PER_WEEK]
        if len(places) == 0:
            continue
        day, value, upper = (_column(table.column(name), places) for name in ("day", "value", "upper_95_ci"))
        half = _of_one_more(upper - value, scenario)
        ax.plot(day, value, style, color=colour)
        ax.fill_between(day, np.maximum(value - half, 0), value + half, color=colour, alpha=0.15, linewidth=0)
        if step in lists[0]:
            n = sum(part.clients for stated in lists for part in stated[step])
            ax.plot([0], [n], marker, color=colour, markersize=8 * points() / 10, clip_on=False, zorder=4)
            said(ax, f"{n:,} stated", (0, n), (-9, 0), ha="right", color=colour)
        highest = max(highest, float((value + half).max()))
        began, ended = began + float(value[0]), ended + float(value[-1])
        wait = f", {waits[step]}" if step in waits else ""
        named.append((float(day[-1]), float(value[-1]), f"{in_words(step)} {value[-1]:,.0f}{wait}", colour))
    ax.set_xlim(*ends)
    ax.set_ylim(0, 1.12 * highest)
    if not named:
        nothing(ax, "nobody waits: there is no service")
    name_ends(ax, named, 0, 1.12 * highest)
    return began, ended


def _column(column: Sequence[float], places: Sequence[int]) -> NDArray[np.float64]:
    return np.array([column[k] for k in places], dtype=np.float64)
