"""Pictures of a run: disorders, flow, waits, waiting list and ladder; each takes rows and draws on Axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import BASES, LADDER, SERVICES, Quantity, words
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.style import (
    BLUE,
    DAYS_PER_WEEK,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    _intervals,
    ladder_label,
    new_axes,
    plain,
)
from caseload_sim.measures.rows import OverTimeRow, Row, row_of
from caseload_sim.support.row_table import RowTable, as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEP_STYLES = (
    (BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (ORANGE, "-", "v"), (SKY, "--", "P"),
)  # fmt: skip


def _numbers(table: RowTable[OverTimeRow], name: str, row_numbers: Sequence[int]) -> NDArray[np.float64]:
    column = table.column(name)
    return np.array([column[k] for k in row_numbers], dtype=np.float64)


@literal
def plot_disorders(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """How many disorders each referred client has: emotional disorders and dependence, true state."""
    held = as_table(table, Row)
    ax = new_axes(ax, 7, 4.2)
    labels = [*(str(k) for k in range(8)), "8+"]
    shares = [row_of(held, Quantity("share_of_clients", group=f"disorders={label}")) for label in labels]
    if np.isnan(shares[0].value):
        ax.annotate("nobody was referred", (0.5, 0.5), xycoords="axes fraction", ha="center")
        shares = []
    colours = [SKY if k < 2 else ORANGE if k == 2 else VERMILION for k in range(len(labels))]
    hatches = ["" if k < 2 else "//" if k == 2 else ".." for k in range(len(labels))]
    heights = [100 * row.value for row in shares]
    if shares:
        ax.bar(range(len(labels)), heights, color=colours, hatch=hatches, edgecolor="white", width=0.8)
    for k, height in enumerate(heights):
        ax.annotate(f"{height:.0f}%", (k, height), xytext=(0, 3), textcoords="offset points", ha="center")
    for group, name, at in (
        ()
        if not shares
        else (
            ("disorders=0-1", "none or one", 0.5),
            ("disorders=2", "two", 2),
            ("disorders=3+", "three or more", 5.5),
        )
    ):
        share = 100 * row_of(held, Quantity("share_of_clients", group=group)).value
        ax.annotate(
            f"{name}\n{share:.0f}%",
            (at, 0.93),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="top",
            weight="bold",
        )
    ax.set_xticks(range(len(labels)), labels)
    ax.set_ylim(0, 1.55 * max(heights, default=1))
    ax.set_xlabel("Emotional disorders and dependence, number per client")
    ax.set_ylabel("Clients referred (%)")
    ax.set_title("How many disorders a referred client has")
    plain(ax)
    return ax


@literal
def plot_flow(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """From 100 referrals to each rung: how many are left at each stage, and where the others went."""
    held = as_table(table, Row)
    ax = new_axes(ax, 8.5, 5)
    ended = row_of(held, Quantity("ended_before_treatment")).denominator
    cohort = row_of(held, Quantity("unfinished")).denominator
    share = {name: 100 * row_of(held, Quantity(name)).value for name in (
        "ended_before_treatment", "ended_after_one_contact", "not_suitable", "not_assessed", "declined", "discharged_with_advice", "gave_up")}  # fmt: skip
    stages = [
        ("referred", 100.0, ""),
        ("first contact", 100 - share["ended_before_treatment"], "others: not assessed, unsuitable, declined, gave up"),
        ("finished a course\n(two or more contacts)", 100 - share["ended_before_treatment"] - share["ended_after_one_contact"],
         "others: advice only, declined treatment, gave up"),
        ("recovered, by questionnaire\n(official)", _per_100(row_of(held, Quantity("recovery", base="finished", service="service")), ended), "of those at caseness at first contact"),
    ]  # fmt: skip
    rungs = (
        ("principal_remission", "end", "principal disorder gone,\nby interview"),
        ("all_remission", "end", "all disorders gone"),
        ("full_remission", "end", "all fully gone"),
        ("full_remission", "sustained", "... and no relapse\nwithin a year"),
    )
    for measure, at, label in rungs:
        stages.append(
            (label, _per_100(row_of(held, Quantity(measure, base="finished", at=at, service="service")), cohort), "")
        )
    for k, (_, value, note) in enumerate(stages):
        colour, hatch = (SKY, "") if k < 3 else (ORANGE, "//") if k == 3 else (BLUE, "..")
        if np.isnan(value):
            ax.annotate("none: nobody is treated", (1, k), va="center", color="#555555")
            continue
        ax.barh(k, value, color=colour, hatch=hatch, edgecolor="white")
        ax.annotate(
            f"{value:.0f}" if value >= 10 else f"{value:.1f}",
            (value, k),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            weight="bold",
        )
        if note and value < 99.5:  # at 100 there are no others
            ax.annotate(
                note,
                (value, k),
                xytext=(34, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color="#444444",
            )
    ax.set_yticks(range(len(stages)), [label for label, _, _ in stages])
    ax.set_ylim(len(stages) - 0.4, -0.6)
    ax.set_xlim(0, 145)
    ax.set_xticks(range(0, 101, 20))
    ax.set_xlabel("Per 100 referrals")
    ax.set_title("From referral to each rung of the ladder, finishers only")
    plain(ax)
    return ax


def _per_100(row: Row, referrals: float) -> float:
    return 100 * row.numerator / referrals if referrals and not np.isnan(row.value) else np.nan


@literal
def plot_waits(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """Days on each step's waiting list, for those who started there: mean, median and 90th percentile."""
    held = as_table(table, Row)
    ax = new_axes(ax, 7.5, 4)
    kinds = (
        ("wait_days_median", "median", SKY, "o", -0.22),
        ("wait_days_mean", "mean", BLUE, "s", 0.0),
        ("wait_days_90th_percentile", "90th percentile", VERMILION, "^", 0.22),
    )
    steps = [row.group for row in held.find(measure="wait_days_mean")]
    labels = [words(group.removeprefix("step=")) for group in steps]
    entries: list[tuple[str, list[Row]]] = [
        (label, [row_of(held, Quantity(kind, group=group)) for kind, *_ in kinds])
        for label, group in zip(labels, steps, strict=True)
    ]
    for position, label, name in (
        (0, "referral to\nfirst contact", "first_contact_days"),
        (len(entries) + 1, "first to\nsecond contact", "second_contact_days"),
    ):
        rows = [row for what in ("median", "mean", "90th_percentile") for row in held.find(measure=f"{name}_{what}")]
        entries.insert(position, (label, rows))
    numbers: list[tuple[float, float, float]] = []  # days, where their bar ends, how high
    for i, (_, label, colour, marker, offset) in enumerate(kinds):
        placed = [(k + offset, rows[i]) for k, (_, rows) in enumerate(entries) if rows[i:]]
        placed = [(y, row) for y, row in placed if not np.isnan(row.value)]
        if not placed:
            continue
        ys = [y for y, _ in placed]
        values, error = [row.value for _, row in placed], _intervals([row for _, row in placed])
        ax.errorbar(values, ys, xerr=error, fmt=marker, color=colour, capsize=3, label=label)
        numbers.extend(zip(values, values + error[1], ys, strict=True))
    furthest = max([10.0, *(end for _, end, _ in numbers)])
    for value, end, y in numbers:
        ax.annotate(
            f"{value:.0f}", (end, y), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8
        )  # fmt: skip
    if numbers:
        ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(kinds))
    else:
        ax.annotate("nobody waits: there is no service", (0.5, 0.5), xycoords="axes fraction", ha="center")
    ax.set_yticks(range(len(entries)), [label for label, _ in entries])
    ax.set_ylim(len(entries) - 0.5, -0.5)
    ax.set_xlim(-1, 1.08 * furthest)
    ax.set_xlabel("Days waited by those who started, middle year\n(bars: 95% interval of the middle year)")
    ax.set_title("How long clients wait", pad=26)
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


@literal
def plot_waiting_list(
    over_time: Sequence[OverTimeRow],
    *,
    period: tuple[int, int] | None = None,
    axes: "tuple[Axes, Axes] | None" = None,
) -> "tuple[Axes, Axes]":
    """Waiting list and utilisation of each step from opening; the data collection period shaded.

    period: first day of data collection and the day after its last
    """
    if axes is None:
        top, bottom = Figure(figsize=(8, 6), layout="constrained").subplots(2, sharex=True)
    else:
        top, bottom = axes
    held = as_table(over_time, OverTimeRow)
    steps = list(dict.fromkeys(held.column("step")))
    for ax, measure, scale in ((top, "waiting_list", 1.0), (bottom, "utilisation", 100.0)):
        for step, (colour, style, _) in zip(steps, STEP_STYLES * len(steps), strict=False):
            row_numbers = held.places(step=step, measure=measure)
            if measure == "utilisation":  # a day's figure jumps with weekdays and small numbers: show weekly means
                values = _numbers(held, "value", row_numbers)
                full_weeks = len(values) // DAYS_PER_WEEK * DAYS_PER_WEEK
                days = values[:full_weeks].reshape(-1, DAYS_PER_WEEK)
                counted = np.sum(~np.isnan(days), axis=1)  # appointments have no figure on a day off
                weekly = np.where(counted, np.nansum(days, axis=1) / np.maximum(counted, 1), np.nan)
                ax.plot(np.arange(len(weekly)) / 52.18, scale * weekly, style, color=colour, label=words(step))
                continue
            day, value, low, high = (
                _numbers(held, name, row_numbers[::DAYS_PER_WEEK])
                for name in ("day", "value", "lower_95_ci", "upper_95_ci")
            )
            years = day / 365.25
            ax.plot(years, scale * value, style, color=colour, label=words(step))
            ax.fill_between(years, scale * low, scale * high, color=colour, alpha=0.2, linewidth=0)
        if period:
            ax.axvspan(period[0] / 365.25, period[1] / 365.25, color="#eeeeee", zorder=0)
            ax.annotate(
                "data collection",
                (sum(period) / 2 / 365.25, 0.02),
                xycoords=("data", "axes fraction"),
                ha="center",
                fontsize=8,
                color="#555555",
            )
        plain(ax)
    top.set_ylabel("Clients waiting")
    top.legend(frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, 1.0))
    waiting = _numbers(held, "value", held.places(measure="waiting_list"))
    top.set_ylim(0, 1.25 * waiting.max(initial=1.0))
    top.set_title("Waiting lists and use of places (band: 95% interval of the mean)")
    bottom.set_ylabel("Places in use (%)")
    bottom.set_ylim(0, 108)
    bottom.set_xlabel("Years since opening")
    return top, bottom


@literal
def plot_ladder(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """The recovery ladder: each rung with the service, and for the same clients with none, and what both could be."""
    held = as_table(table, Row)
    ax = new_axes(ax, 8.5, 5.2)
    rungs = {rung: ladder_label(rung) for rung in LADDER}
    untreated = np.isnan(row_of(held, LADDER[0]).value)
    if untreated:  # nobody had a contact: only the base of all referred has figures
        rungs = {
            rung._replace(base="referred"): f"{label.splitlines()[0]}\n{BASES['referred']}"
            for rung, label in rungs.items()
            if rung.measure != "recovery"
            and (rung.base == "finished" or rung.at != "end")  # of all, 5 is the same as 4
        }
    heights = np.arange(len(rungs))
    with_it, without = ([row_of(held, rung._replace(service=service)) for rung in rungs] for service in SERVICES)
    values = 100 * np.array([[row.value for row in rows] for rows in (with_it, without)])
    ax.plot(values, [heights, heights], color="#aaaaaa", linewidth=2, zorder=1)
    highest = [max(row.value, row.could_be_high if row.could_be_high == row.could_be_high else 0) for row in with_it]
    limit = max(60.0, 100 * max(highest) + 12)
    for rows, value, colour, marker, right, label in (
        (with_it, values[0], BLUE, "o", True, "with the service"),
        (without, values[1], ORANGE, "D", False, "the same clients with none"),
    ):
        if right and untreated:
            continue
        error = 100 * _intervals(rows)
        ax.errorbar(value, heights, xerr=error, fmt=marker, color=colour, markersize=8, capsize=3, label=label)
        low, high = (100 * np.array([getattr(row, end) for row in rows]) for end in ("could_be_low", "could_be_high"))
        bands = ax.hlines(heights, low, high, color=colour, alpha=0.3, linewidth=9, zorder=1)
        if right and not np.isnan(low).all():
            bands.set_label("could be, by other structures of the outcome model")
        edges = np.fmax(value + error[1], high) if right else np.fmin(value - error[0], low)
        for k, edge in enumerate(edges):
            ax.annotate(
                f"{value[k]:.0f}%", (edge, k), xytext=(7 if right else -7, 0), textcoords="offset points",
                ha="left" if right else "right", va="center",
            )  # fmt: skip
    ax.set_yticks(range(len(rungs)), list(rungs.values()))
    ax.set_ylim(len(rungs) - 0.5, -0.9)
    ax.set_xlim(-3, limit)
    ax.legend(frameon=False, loc="lower right")
    ax.set_xlabel("Clients (%), of those named under each rung\n(bars: 95% interval of the mean over replications)")
    ax.set_title("One population, every definition")
    ax.grid(axis="x", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax
