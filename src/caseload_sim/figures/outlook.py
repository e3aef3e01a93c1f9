"""The outlook from today: referrals as counted and as expected, by month, and the lists from those stated to those to come."""

from collections.abc import Mapping, Sequence
from datetime import date
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import words
from caseload_sim.definitions.times import days_of_month, number_of_month
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.run import STEP_STYLES
from caseload_sim.figures.style import BLUE, DAYS_PER_WEEK, ORANGE, plain
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
LETTERS_IN_A_LINE = 90
_MONTHS_APART = (1, 2, 3, 6, 12)
_MOST_LABELS = 12
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
    if axes is None:
        top, bottom = Figure(figsize=(9, 6.6), layout="constrained").subplots(2, sharex=True)
    else:
        top, bottom = axes
    first, last = _draw_referrals(top, scenario)
    waits = _waits_in_words(scenario, rows)
    _draw_lists(bottom, scenario, over_time, last, waits)
    for ax in (top, bottom):
        ax.axvline(0, color="#333333", linewidth=1.2)
        ax.set_xlim(first, last + (0.33 if waits else 0.2) * (last - first))
        plain(ax)
    opens = scenario.run.opens
    top.annotate(f"today, {_in_words(opens)}", (0, 1.0), xycoords=("data", "axes fraction"),
                 xytext=(4, -2), textcoords="offset points", va="top", fontsize=9, weight="bold")  # fmt: skip
    _label_dates(bottom, opens, first, last)
    top.tick_params(labelbottom=False)
    top.set_ylabel("Referrals in the month")
    bottom.set_ylabel("Clients waiting")
    about = "Bands, bars and brackets: 95% of the futures that the scenario allows."
    if waits:
        since, until = (
            date.fromordinal(opens.toordinal() + day) for day in (scenario.run.period[0], scenario.run.period[1] - 1)
        )
        about += f"\nWait: mean days on the list of those who start from {_in_words(since)} to {_in_words(until)}"
    bottom.set_xlabel(about)
    title = f"{scenario.title}: referrals and waiting lists from today"
    top.set_title("\n".join(wrap(title, LETTERS_IN_A_LINE)), fontsize=11)
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
        begins, ends = (day.toordinal() - opens.toordinal() for day in days_of_month(_label(month)))
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
            ax.errorbar((begins + ends) / 2, mean, yerr=low_and_high, color="#444444", capsize=2, linewidth=1)
        start, _ = labelled.get(given, (begins, ends))
        labelled[given] = (start, ends)
        heights.append(mean + half)
        first, last = min(first, begins), max(last, ends)
    top = 1.3 * max(max(heights), 1.0)
    ax.set_ylim(0, top)
    for given, (start, end) in labelled.items():
        text = "as counted" if given else "as expected"
        ax.annotate(
            text, ((start + end) / 2, 0.9 * top), ha="center", va="top", fontsize=9, color=BLUE if given else "#8a5a00"
        )
    if not months:
        ax.annotate("no whole month", (0.5, 0.5), xycoords="axes fraction", ha="center")
    return first, max(last, float(min(until, MOST_MONTHS * 31)))


def _draw_lists(
    ax: "Axes", scenario: Scenario, over_time: Sequence[OverTimeRow], last: float, waits: Mapping[str, str]
) -> None:
    """A line for each step's list with its range, its name and wait at the end, and a mark where it was stated."""
    table = as_table(over_time, OverTimeRow)
    lists = of_each(scenario, lambda one: one.start.stated())
    ends: list[tuple[float, str, str]] = []
    highest = 1.0
    for step, (colour, style, marker) in zip(scenario.steps, STEP_STYLES * len(scenario.steps), strict=False):
        places = table.places(step=step, measure="waiting_list")[: int(last) + 1 : DAYS_PER_WEEK]
        if len(places) == 0:
            continue
        day, value, upper = (_column(table.column(name), places) for name in ("day", "value", "upper_95_ci"))
        half = _of_one_more(upper - value, scenario)
        ax.plot(day, value, style, color=colour)
        ax.fill_between(day, np.maximum(value - half, 0), value + half, color=colour, alpha=0.18, linewidth=0)
        if step in lists[0]:
            n = sum(part.clients for stated in lists for part in stated[step])
            ax.plot([0], [n], marker, color=colour, markersize=8, clip_on=False, zorder=4)
            ax.annotate(f"{n:,} stated", (0, n), xytext=(-9, 0), textcoords="offset points", ha="right", va="center",
                        fontsize=8, color=colour)  # fmt: skip
        highest = max(highest, float((value + half).max()))
        wait = f", {waits[step]}" if step in waits else ""
        ends.append((float(value[-1]), f"{words(step)} {value[-1]:,.0f}{wait}", colour))
    ax.set_ylim(0, 1.12 * highest)
    if not ends:
        ax.annotate("nobody waits: there is no service", (0.5, 0.5), xycoords="axes fraction", ha="center")
    for height, (_, text, colour) in zip(_apart([end for end, _, _ in ends], highest / 13), ends, strict=True):
        ax.annotate(text, (last, height), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5, color=colour,
                    annotation_clip=False)  # fmt: skip


def _column(column: Sequence[float], places: Sequence[int]) -> NDArray[np.float64]:
    return np.array([column[k] for k in places], dtype=np.float64)


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """Heights for labels, as near to these as they can be when none is nearer than `least` to the next, or half that to 0."""
    placed = [0.0] * len(heights)
    below = -least / 2
    for k in sorted(range(len(heights)), key=lambda k: heights[k]):
        placed[k] = below = max(heights[k], below + least)
    return placed


def _label_dates(ax: "Axes", opens: date, first: float, last: float) -> None:
    """Ticks on the first days of months, so many apart that their names have room."""
    month = number_of_month(f"{date.fromordinal(opens.toordinal() + int(first)):%Y-%m}")
    ticks = []
    while (day := days_of_month(_label(month))[0].toordinal() - opens.toordinal()) <= last:
        if day >= first:
            ticks.append((day, month))
        month += 1
    apart = next((n for n in _MONTHS_APART if len(ticks) / n <= _MOST_LABELS), _MONTHS_APART[-1])
    ticks = [(day, month) for day, month in ticks if month % 12 % apart == 0]
    ax.set_xticks(
        [day for day, _ in ticks], [f"{_NAMES[month % 12]}\n{1970 + month // 12}" for _, month in ticks], fontsize=8
    )


def _in_words(day: date) -> str:
    return f"{day.day} {_NAMES[day.month - 1]} {day.year}"


def _label(month: int) -> str:
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"
