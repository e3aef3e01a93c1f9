"""Pictures of a run: disorders, flow and ladder; each takes rows and draws on Axes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.definitions.quantities import LADDER, SERVICES, Quantity
from caseload_sim.figures.canvas import literal, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.marks import published_rungs
from caseload_sim.figures.style import (
    BLUE,
    BROWN,
    NO_DOUBT_HERE,
    ORANGE,
    SKY,
    how_to_read,
    is_narrow,
    ladder_label,
    mark_row,
    new_axes,
    nothing,
    plain,
    rows_high,
    said,
    tick_of_share,
    wrapped,
)
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.support.row_table import as_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_WIDE = 9  # points of 100 that a number beside a mark takes
_GROUPS = {
    "disorders=0-1": ("none or one", 0, 1),
    "disorders=2": ("two", 2, 2),
    "disorders=3+": ("three or more", 3, 8),
}


@literal
def plot_disorders(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """How many disorders each referred client has: emotional disorders and dependence, true state."""
    held = as_table(table, Row)
    ax = new_axes(ax, 3.4)
    labels = [*(str(k) for k in range(8)), "8 or\nmore"]
    shares = [
        row_of(held, Quantity("share_of_clients", group=f"disorders={label[:1]}{'+' * (k == 8)}"))
        for k, label in enumerate(labels)
    ]
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlabel("Number of disorders")
    ax.set_ylabel("People referred (%)")
    if np.isnan(shares[0].value):
        nothing(ax, "nobody was referred")
        headed(ax, "How many disorders has somebody who is referred?", rows=held)
        shares = []
    tops = [100 * np.nanmax([row.value, row.upper_95_ci]) for row in shares]
    for k, row in enumerate(shares):
        ax.bar(k, 100 * row.value, color=SKY if k < 2 else BLUE, alpha=1 if k != 2 else 0.6, width=0.8)
        ax.vlines(k, 100 * row.lower_95_ci, 100 * row.upper_95_ci, color="black", linewidth=points() / 10)
        said(ax, f"{100 * row.value:.0f}%", (k, tops[k]), (0, 3), ha="center", va="bottom")
    highest = max(tops, default=1)
    ax.set_ylim(0, 1.42 * highest)
    if shares:
        three = row_of(held, Quantity("share_of_clients", group="disorders=3+"))
        for group, (name, first, last) in _GROUPS.items():
            share = 100 * row_of(held, Quantity("share_of_clients", group=group)).value
            y = 1.17 * highest
            ax.plot([first - 0.4, last + 0.4], [y, y], color="#444444", linewidth=points() / 10)
            said(
                ax,
                wrapped(f"{name}: {share:.0f}%", 0.16 if last < 3 else 0.5, 0.83),
                ((first + last) / 2, y),
                (0, 2),
                ha="center",
                va="bottom",
            )
        headed(
            ax, f"Of 100 people referred, {100 * three.value:.0f} have three disorders or more",
            "Emotional disorders and dependence, as they truly are; recorded or not.", how_to_read(shares, NO_DOUBT_HERE), rows=held,
        )  # fmt: skip
    plain(ax)
    return ax


@literal
def plot_flow(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """From 100 referrals to each rung: how many are left at each stage, with the service and had they not been treated."""
    held = as_table(table, Row)
    share = {
        name: 100 * row_of(held, Quantity(name)).value for name in ("ended_before_treatment", "ended_after_one_contact")
    }
    seen = 100 - share["ended_before_treatment"]
    finished = seen - share["ended_after_one_contact"]
    rungs = [
        LADDER[0],
        *(rung for rung in LADDER if rung.measure != "recovery" and rung.base == "finished"),
        LADDER[-1]._replace(base="finished"),
    ]
    cohorts = {
        "recovery": row_of(held, Quantity("ended_before_treatment")).denominator,
        "": row_of(held, Quantity("unfinished")).denominator,
    }
    stages: list[tuple[str, float, float]] = [
        ("referred", 100.0, np.nan),
        ("had a first contact\nothers: not assessed, not suitable, declined, gave up", seen, np.nan),
        ("finished a course: two contacts or more\nothers: advice only, declined treatment, gave up", finished, np.nan),
    ]
    for rung in rungs:
        of = cohorts.get(rung.measure, cohorts[""])
        label = (
            ladder_label(LADDER[0])
            if rung == LADDER[0]
            else ladder_label(rung._replace(base="started") if rung.at == "sustained" else rung)
        )
        who = "of those who scored as a case at first contact" if rung.measure == "recovery" else ""
        treated, alone = (_per_100(row_of(held, rung._replace(service=service)), of) for service in SERVICES)
        stages.append(("\n".join(filter(None, (label.splitlines()[0][2:], who))), treated, alone))
    labels = [wrapped(label, 0.44 if is_narrow() else 0.48) for label, *_ in stages]
    ax = new_axes(ax, rows_high(labels, 0.5 if is_narrow() else 0.9))
    for k, (_, value, without) in enumerate(stages):
        if np.isnan(value):
            said(ax, "nobody is treated", (1, k), color="#555555")
            continue
        ax.barh(k, value, color=SKY if k < 3 else BLUE, height=0.62)
        text = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
        if not np.isnan(without):
            ax.plot(without, k, "D", color=ORANGE, markerfacecolor="white", markersize=6 * points() / 10, zorder=3)
            text += f"  (untreated {without:.0f})" if without >= 10 else f"  (untreated {without:.1f})"
        said(
            ax,
            text,
            (max(value, without if without == without else 0), k),
            (5, 0),
            weight="bold" if k < 3 else "normal",
        )
    ax.set_yticks(range(len(stages)), labels, fontsize="small")
    ax.set_ylim(len(stages) - 0.4, -0.6)
    ax.set_xlim(0, 112)
    ax.set_xticks(range(0, 101, 20))
    ax.set_xlabel("Of 100 people referred")
    headed(
        ax, f"Of 100 people referred, {seen:.0f} are seen and {finished:.0f} finish a course" if seen >= 0.5 else "Nobody who is referred is treated",
        "Dark: well at the end. Open diamond: the same people, had they not been treated. Questionnaires count only those who "
        "scored as a case, interviews everybody: the two are not of the same people.",
        "No bars of chance: counts of 100, to whole people. No pale bands: `ladder` has them.", rows=held,
    )  # fmt: skip
    plain(ax)
    return ax


def _per_100(row: Row, referrals: float) -> float:
    return 100 * row.numerator / referrals if referrals and not np.isnan(row.value) else np.nan


@literal
def plot_ladder(table: Sequence[Row], *, ax: "Axes | None" = None) -> "Axes":
    """The recovery ladder: each rung with the service, and for the same clients with none, and what both could be.

    Black ticks are what was published: by England of its questionnaires, and by the one audit by interview.
    """
    held = as_table(table, Row)
    rungs = {rung: ladder_label(rung) for rung in LADDER}
    untreated = np.isnan(row_of(held, LADDER[0]).value)
    if untreated:  # nobody had a contact: only the base of all referred has figures
        rungs = {
            rung._replace(base="referred"): f"{label.splitlines()[0]}\nof all referred"
            for rung, label in rungs.items()
            if rung.measure != "recovery"
            and (rung.base == "finished" or rung.at != "end")  # of all, 5 is the same as 4
        }
    labels = [wrapped(label, 0.36 if is_narrow() else 0.42) for label in rungs.values()]
    ax = new_axes(ax, rows_high(labels, 0.9 if is_narrow() else 1.6))
    ticks = {one.quantity: 100 * one.value for one in published_rungs()}
    limit, lowest = 60.0, 0.0
    rows = {service: [row_of(held, rung._replace(service=service)) for rung in rungs] for service in SERVICES}
    for service, colour, marker, right in (("none", ORANGE, "D", False), ("service", BLUE, "o", True)):
        if right and untreated:
            continue
        for k, row in enumerate(rows[service]):
            if np.isnan(row.value):
                continue
            low, high = mark_row(ax, k, row, colour=colour, marker=marker, filled=right)
            published = ticks.get(list(rungs)[k], -np.inf)
            if right and high - 1 < published < high + _LABEL_WIDE:
                high = published  # or its tick would go through the number
            limit, lowest = max(limit, high + _LABEL_WIDE), min(lowest, low - _LABEL_WIDE)
            text = f"{100 * row.value:.0f}%"
            said(
                ax,
                text,
                (high if right else low, k),
                (6 if right else -6, 0),
                ha="left" if right else "right",
                color=BLUE if right else BROWN,
            )
    if not untreated:
        ax.plot(
            [[100 * row.value for row in rows[service]] for service in SERVICES],
            [range(len(rungs))] * 2,
            color="#bbbbbb",
            linewidth=points() / 10,
            zorder=0,
        )
        for one in published_rungs():
            if one.quantity in rungs:
                tick_of_share(ax, one.value, list(rungs).index(one.quantity), one.name)
    _name_both(ax, rows, untreated=untreated)
    ax.set_yticks(range(len(rungs)), labels)
    ax.set_ylim(len(rungs) - 0.5, -0.95)
    ax.set_xlim(1.3 * lowest if is_narrow() else lowest, limit)
    ax.set_xticks(range(0, 101 if limit > 100 else int(limit) + 1, 20))
    ax.set_xlabel("People (%), of those named under each line")
    headed(ax, _finding(rows, untreated=untreated), how_to_read(rows["none" if untreated else "service"]), rows=held)
    plain(ax, "x")
    return ax


def _name_both(ax: "Axes", rows: Mapping[str, Sequence[Row]], *, untreated: bool) -> None:
    """What the two marks are, over those of the last rung, which have the most room at their right."""
    last = len(rows["none"]) - 1
    if untreated:
        said(ax, "with no service", (100 * rows["none"][last].value, last), (0, -13), ha="left", color=BROWN)
        return
    treated = rows["service"][last]
    furthest = 100 * np.nanmax([treated.value, treated.upper_95_ci, treated.could_be_high])
    said(ax, "filled: with the service", (furthest, last), (38, -5.5), color=BLUE)
    said(
        ax,
        "open: untreated" if is_narrow() else "open: the same people untreated",
        (furthest, last),
        (38, 5.5),
        color=BROWN,
    )


def _finding(rows: Mapping[str, Sequence[Row]], *, untreated: bool) -> str:
    if untreated:
        gone = rows["none"][1].value
        return "Nobody is treated. How many get well all the same?" if np.isnan(gone) else (
            f"Nobody is treated: of 100 people referred, {100 * gone:.0f} are free of all their disorders at the end all the same"
        )  # fmt: skip
    told, gone = rows["service"][0].value, rows["service"][2].value
    return f"Of 100 who finish, {100 * told:.0f} are recovered by questionnaire, and {100 * gone:.0f} free of all disorders by interview"
