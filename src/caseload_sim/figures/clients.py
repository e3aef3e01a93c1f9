"""Pictures of the clients of a run: what they have, what they have together, how long they stay, how they do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.client_tables import ComorbidityRow, PrevalenceRow, RetentionRow
from caseload_sim.definitions.quantities import RUNGS, words
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, VERMILION, new_axes, plain
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DISORDERS = (*(str(k) for k in range(6)), "6+")
_STYLES = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"))  # one for each of RUNGS
_CURVES = ((BLACK, "-", "o"), (BLUE, "--", "s"), (ORANGE, "-.", "^"), (VERMILION, ":", "D"))
_FINISHED = 2  # contacts: the NHS definition of a finished course


@literal
def plot_prevalences(table: Sequence[PrevalenceRow], *, ax: "Axes | None" = None) -> "Axes":
    """Each condition's prevalence as asked for and as achieved; grey: what the source's n allows."""
    ax = new_axes(ax, 8, 1.6 + 0.32 * len(table))
    for k, row in enumerate(table):
        if not np.isnan(row.target_lower):
            left, width = 100 * row.target_lower, 100 * (row.target_upper - row.target_lower)
            ax.barh(k, width, left=left, height=0.6, color="#dddddd")
        ax.plot(
            100 * row.target,
            k,
            "D",
            color=ORANGE,
            markerfacecolor="none",
            markersize=11,
            mew=2,
            label=None if k else "target",
        )
        error = 100 * np.nan_to_num([[row.achieved - row.achieved_lower], [row.achieved_upper - row.achieved]])
        ax.errorbar(
            100 * row.achieved, k, xerr=error, fmt="x", color=BLUE, markersize=7, mew=2, capsize=3,
            label=None if k else "achieved",
        )  # fmt: skip
    ax.set_yticks(range(len(table)), [words(row.condition) for row in table])
    ax.set_ylim(len(table) - 0.4, -0.8)
    ax.set_xlim(-2, 100)
    ax.legend(frameon=False, loc="lower right")
    ax.set_xlabel(
        "Clients referred in the data collection period (%)\n"
        "(grey: 95% sampling interval of the source;\nbars: 95% interval of the mean over replications)"
    )
    ax.set_title("Who is referred: target against achieved")
    ax.grid(axis="x", color="#eeeeee")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


@literal
def plot_comorbidity(table: Sequence[ComorbidityRow], *, ax: "Axes | None" = None) -> "Axes":
    """A matrix: of the clients with the condition of a row, the percentage who have that of the column too."""
    names = list(dict.fromkeys(row.first for row in table))
    size = 3.2 + 0.48 * len(names)
    ax = new_axes(ax, size + 1.2, size)
    grid = np.array([100 * row.share for row in table]).reshape(len(names), len(names))
    image = ax.imshow(grid, cmap="cividis", vmin=0, vmax=100)
    for i in range(len(names)):
        for j in range(len(names)):
            said = "-" if np.isnan(grid[i, j]) else f"{grid[i, j]:.0f}"
            weight = "bold" if i == j else "normal"
            ax.annotate(
                said, (j, i), ha="center", va="center", fontsize=9, weight=weight,
                color="white" if grid[i, j] < 50 else "black",
            )  # fmt: skip
    labels = [words(name) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=50, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), labels)
    ax.set_xlabel("... also have this")
    ax.set_ylabel("Of the clients with this ...")
    ax.set_title("What clients have together\n(%; bold: of all referred; first replication)", fontsize=11)
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.colorbar(image, ax=ax, label="Clients (%)", shrink=0.7)
    return ax


@literal
def plot_outcomes_by_disorders(table: Sequence[Row], *, base: str = "finished", ax: "Axes | None" = None) -> "Axes":
    """Each rung at the end, with the service, by the number of emotional disorders that a client has.

    base: "finished", "started" or "referred"; all referred where there are no such clients, as with no service
    """
    ax = new_axes(ax, 8.5, 5)
    found = {
        (row.measure, row.base, row.group.removeprefix("emotional_disorders=")): row
        for row in table
        if (row.at, row.service) == ("end", "service") and row.group.startswith("emotional_disorders=")
    }
    read = {b: [k for k in _DISORDERS if not np.isnan(found["all_remission", b, k].value)] for b in (base, "referred")}
    base = base if read[base] else "referred"
    shown = read[base]
    for k, ((measure, label), (colour, style, marker)) in enumerate(zip(RUNGS.items(), _STYLES, strict=True)):
        rows = [found[measure, base, disorders] for disorders in shown]
        at = np.arange(len(rows)) + 0.06 * (k - (len(RUNGS) - 1) / 2)
        value = 100 * np.array([row.value for row in rows])
        low, high = (100 * np.array([getattr(row, name) for row in rows]) for name in ("lower_95_ci", "upper_95_ci"))
        error = np.nan_to_num(np.array([value - low, high - value]))
        ax.errorbar(at, value, yerr=error, fmt=f"{marker}{style}", color=colour, capsize=3, label=label)
    if shown:
        ax.legend(frameon=False)
    else:
        ax.annotate("nobody was referred", (0.5, 0.5), xycoords="axes fraction", ha="center")
    counts = [found["all_remission", base, label].denominator for label in shown]
    ax.set_xticks(range(len(shown)), [f"{name}\nof {n:,.0f}" for name, n in zip(shown, counts, strict=True)])
    ax.set_xlim(-0.5, max(len(shown), 1) - 0.5)
    ax.set_ylim(0, 100)
    ax.set_xlabel(
        "Emotional disorders, number per client (true state)\n(of: clients over whom remission is read, mean of replications)"
    )
    ax.set_ylabel(f"Clients who {base} (%)" if base != "referred" else "Clients referred (%)")
    ax.set_title(
        f"How clients do by number of disorders\n({base}, at the end; bars: 95% interval of the mean)", fontsize=11
    )
    ax.grid(axis="y", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax


@literal
def plot_retention(table: Sequence[RetentionRow], *, ax: "Axes | None" = None) -> "Axes":
    """Contact by contact, the share of those who had a first one who attended at least so many; bands: 95% intervals."""
    ax = new_axes(ax, 8, 4.8)
    groups = list(dict.fromkeys(row.group for row in table))
    for group, (colour, style, marker) in zip(groups, _CURVES * len(groups), strict=False):
        rows = [row for row in table if row.group == group]
        at = [row.contacts for row in rows]
        label = f"{group} ({rows[0].n_clients:,})"
        ax.plot(at, [100 * r.share for r in rows], style, marker=marker, markersize=4, color=colour, label=label)
        low, high = [100 * r.lower_95_ci for r in rows], [100 * r.upper_95_ci for r in rows]
        ax.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
    finished = next((row for row in table if row.contacts == _FINISHED), None)
    if finished:
        ax.axvline(_FINISHED, color="#888888", linewidth=1)
        ax.annotate(
            f"finished a course: {100 * finished.share:.0f}%", (_FINISHED, 104), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8, color="#444444",
        )  # fmt: skip
    if groups:
        ax.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.95))
        most = max(row.contacts for row in table)
        ax.set_xticks(range(1, most + 1, max(1, most // 12)))
    else:
        ax.annotate("nobody had a contact", (0.5, 0.5), xycoords="axes fraction", ha="center")
    ax.set_ylim(0, 108)
    ax.set_yticks(range(0, 101, 20))
    ax.set_xlabel(
        "Attended contacts, assessment included (at least)\n(clients referred in the period; first replication)"
    )
    ax.set_ylabel("Of those with a first contact (%)")
    ax.set_title("How long clients stay")
    ax.grid(axis="y", color="#dddddd")
    ax.set_axisbelow(True)
    plain(ax)
    return ax
