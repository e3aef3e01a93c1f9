"""Pictures of the clients of a run: what they have, what they have together, how long they stay, how they do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.client_tables import ComorbidityRow, PrevalenceRow, RetentionRow
from caseload_sim.definitions.labels import capitalised, in_words
from caseload_sim.definitions.quantities import RUNGS
from caseload_sim.figures.canvas import literal, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    LINES,
    NO_DOUBT_HERE,
    ORANGE,
    VERMILION,
    how_to_read,
    is_narrow,
    mark_row,
    name_ends,
    new_axes,
    nothing,
    plain,
    rows_high,
    rung_in_words,
    said,
    wrapped,
)
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DISORDERS = (*(str(k) for k in range(6)), "6+")
_CURVES = ((BLACK, "-"), (BLUE, "--"), (ORANGE, "-."), (VERMILION, ":"), (GREEN, "-"))
_FINISHED, _LATER = 2, 8  # contacts: the NHS definition of a finished course; about what a course has
_NEAR = 0.01  # of a target, where the source has no interval


@literal
def plot_prevalences(table: Sequence[PrevalenceRow], *, who: str = "referred", ax: "Axes | None" = None) -> "Axes":
    """Each condition's prevalence as asked for and as achieved; grey: what the source's n allows.

    who: of whom the shares are, in words
    """
    labels = [wrapped(in_words(row.condition), 0.3) for row in table]
    ax = new_axes(ax, rows_high(labels, 0.7))
    size = points() / 10
    for k, row in enumerate(table):
        if not np.isnan(row.target_lower):
            ax.barh(
                k, 100 * (row.target_upper - row.target_lower), left=100 * row.target_lower, height=0.6, color="#dddddd"
            )
        ax.plot(100 * row.target, k, "D", color=ORANGE, markerfacecolor="none", markersize=10 * size, mew=1.8 * size)
        ax.hlines(k, 100 * row.achieved_lower, 100 * row.achieved_upper, color=BLUE, linewidth=1.3 * size)
        ax.plot(100 * row.achieved, k, "x", color=BLUE, markersize=6.5 * size, mew=1.8 * size)
        ends = [
            100 * end for end in (row.target, row.target_upper, row.achieved, row.achieved_upper) if not np.isnan(end)
        ]
        said(ax, f"{100 * row.achieved:.0f}%", (max(ends, default=0), k), (9, 0), color=BLUE)
    ax.set_yticks(range(len(table)), labels)
    ax.set_ylim(len(table) - 0.4, -0.8)
    ax.set_xlim(-2, 106)
    ax.set_xticks(range(0, 101, 20))
    ax.set_xlabel(f"{capitalised(who)} (%)")
    met = sum(_met(row) for row in table)
    headed(
        ax, f"{met} of {len(table)} conditions are as common among those {who} as the sources say",
        "Open diamond: the source; grey: its 95% sampling interval, where its n is known. Cross: what came out; thin bar: chance, 95%.",
        NO_DOUBT_HERE, rows=table,
    )  # fmt: skip
    plain(ax, "x")
    return ax


def _met(row: PrevalenceRow) -> bool:
    low, high = (
        (row.target_lower, row.target_upper)
        if not np.isnan(row.target_lower)
        else (row.target - _NEAR, row.target + _NEAR)
    )
    return bool(low <= row.achieved <= high)


@literal
def plot_comorbidity(table: Sequence[ComorbidityRow], *, ax: "Axes | None" = None) -> "Axes":
    """A matrix: of the clients with the condition of a row, the percentage who have that of the column too.

    How many of all have the condition is said beside its name, not on the diagonal, where it would be of other people.
    """
    names = list(dict.fromkeys(row.first for row in table))
    labels = [in_words(name) for name in names]
    grid = np.array([100 * row.share for row in table]).reshape(len(names), len(names))
    of_all = np.diag(grid).copy()
    np.fill_diagonal(grid, np.nan)
    ax = new_axes(ax, 1.7 + (0.33 if is_narrow() else 0.3) * len(names))
    image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for i in range(len(names)):
        for j in range(len(names)):
            if i != j:
                text = "-" if np.isnan(grid[i, j]) else f"{grid[i, j]:.0f}"
                dark = (
                    sum(
                        part * weight
                        for part, weight in zip(image.to_rgba(grid[i, j])[:3], (0.3, 0.6, 0.1), strict=True)
                    )
                    < 0.5
                )
                ax.annotate(
                    text, (j, i), ha="center", va="center", fontsize="small", color="white" if dark else "black"
                )
    ax.set_xticks(range(len(names)), labels, rotation=50, ha="right", rotation_mode="anchor", fontsize="small")
    sides = [
        "nobody" if np.isnan(share) or not share else f"{label} ({share:.0f}%)"
        for label, share in zip(labels, of_all, strict=True)
    ]
    ax.set_yticks(range(len(names)), [wrapped(side, 0.32, 0.83) for side in sides], fontsize="small")
    ax.set_xlabel("... this share (%) also have this")
    ax.set_ylabel("Of those with this ...")
    title = "Which problems come together?"
    if np.isfinite(grid).any():
        i, j = divmod(int(np.nanargmax(grid)), len(names))
        title = (
            f"Of 100 people with {labels[i]}, {grid[i, j]:.0f} have {labels[j]} too: nothing goes together more often"
        )
    headed(
        ax, title, "In brackets: how many of all who are referred. People of one simulated year, counted whole: no bars of chance.",
        NO_DOUBT_HERE, rows=table,
    )  # fmt: skip
    return ax


@literal
def plot_outcomes_by_disorders(table: Sequence[Row], *, base: str = "finished", ax: "Axes | None" = None) -> "Axes":
    """Each rung at the end, with the service, by the number of emotional disorders that a client has.

    base: "finished", "started" or "referred"; all referred where there are no such clients, as with no service
    """
    ax = new_axes(ax, 3.6)
    found = {
        (row.measure, row.base, row.group.removeprefix("emotional_disorders=")): row
        for row in table
        if (row.at, row.service) == ("end", "service") and row.group.startswith("emotional_disorders=")
    }
    read = {b: [k for k in _DISORDERS if not np.isnan(found["all_remission", b, k].value)] for b in (base, "referred")}
    base = base if read[base] else "referred"
    shown = read[base]
    ends = []
    for k, (measure, (colour, style, marker)) in enumerate(zip(RUNGS, LINES, strict=False)):
        rows = [found[measure, base, disorders] for disorders in shown]
        at = np.arange(len(rows)) + 0.07 * (k - (len(RUNGS) - 1) / 2)
        kept = [(x, row) for x, row in zip(at, rows, strict=True) if not np.isnan(row.value)]
        for x, row in kept:
            mark_row(ax, x, row, colour=colour, marker=marker, upright=True)
        ax.plot(
            [x for x, _ in kept],
            [100 * row.value for _, row in kept],
            style,
            color=colour,
            linewidth=1.3 * points() / 10,
        )
        if kept:
            ends.append((float(kept[-1][0]), 100 * kept[-1][1].value, rung_in_words(measure), colour))
    if not shown:
        nothing(ax, "nobody was referred")
    counts = [found["all_remission", base, label].denominator for label in shown]
    labels = [f"{name.replace('+', ' or more')}\n({n:,.0f})" for name, n in zip(shown, counts, strict=True)]
    ax.set_xticks(range(len(shown)), [wrapped(label, 0.09) for label in labels], fontsize="small")
    ax.set_xlim(-0.5, max(len(shown), 1) - 0.5)
    ax.set_ylim(0, 100)
    name_ends(ax, ends, 0, 100)
    ax.set_xlabel("Emotional disorders that somebody truly has\n(in brackets: people in the year)")
    ax.set_ylabel(f"Those who {base} (%)" if base != "referred" else "Those referred (%)")
    headed(
        ax, _by_number(found, base, shown), "With no emotional disorder, a recorded main disorder is one that is not there; "
        "so it is soon 'gone'." if "0" in shown else "",
        how_to_read([found[measure, base, k] for measure in RUNGS for k in shown]), rows=table,
    )  # fmt: skip
    plain(ax, "y")
    return ax


def _by_number(found: dict[tuple[str, str, str], Row], base: str, shown: Sequence[str]) -> str:
    some = [k for k in shown if k != "0"]
    if len(some) < 2:
        return "How do people do who have more disorders?"
    first, last = (100 * found["all_remission", base, k].value for k in (some[0], some[-1]))
    numbers = {"1": "one disorder", "6+": "six or more"}
    of = [numbers.get(k, f"{k} disorders") for k in (some[0], some[-1])]
    return (
        f"Of 100 people with {of[0]}, {first:.0f} are free of all disorders at the end; of 100 with {of[1]}, {last:.0f}"
    )


@literal
def plot_retention(table: Sequence[RetentionRow], *, ax: "Axes | None" = None) -> "Axes":
    """Contact by contact, the share of those who had a first one who attended at least so many; bands: 95% intervals."""
    ax = new_axes(ax, 3.6)
    groups = list(dict.fromkeys(row.group for row in table))
    most = max((row.contacts for row in table), default=1)
    ends = []
    for group, (colour, style) in zip(groups, _CURVES * len(groups), strict=False):
        rows = [row for row in table if row.group == group]
        at = [row.contacts for row in rows]
        ax.plot(at, [100 * r.share for r in rows], style, color=colour)
        ax.fill_between(
            at,
            [100 * r.lower_95_ci for r in rows],
            [100 * r.upper_95_ci for r in rows],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        apart = rows[min(_FINISHED, len(rows)) - 1]  # where the curves are furthest from one another
        ends.append((float(apart.contacts), 100 * apart.share, f"{group} ({rows[0].n_clients:,})", colour))
    ax.set_xlim(1, most + 0.2)
    ax.set_ylim(0, 104)
    said_at = {k: next((100 * row.share for row in table if row.contacts == k), np.nan) for k in (_FINISHED, _LATER)}
    for k, share in said_at.items():
        if not np.isnan(share):
            ax.plot(k, share, "o", color=BLACK, markersize=5 * points() / 10)
            said(
                ax,
                f"{share:.0f}% come {'twice: a finished course' if k == _FINISHED else f'{k} times or more'}",
                (k, share),
                (8, 7),
            )
    if groups:
        ax.set_xticks(range(1, most + 1, max(1, most // (6 if is_narrow() else 12))))
    else:
        nothing(ax, "nobody had a contact")
    name_ends(ax, ends, 0, 104, at=0.3, within=(72, 104))
    ax.set_yticks(range(0, 101, 20))
    ax.set_xlabel("Attended contacts, at least so many; assessment is the first")
    ax.set_ylabel("Of those with a first contact (%)")
    second = said_at[_FINISHED]
    headed(
        ax, "How long do people stay?" if np.isnan(second) else f"Of 100 people who come once, {second:.0f} come a second time",
        "People of one simulated year (how many: in brackets). Pale: chance, the 95% interval of a share of so many.", NO_DOUBT_HERE,
        rows=table,
    )  # fmt: skip
    plain(ax, "y")
    return ax
