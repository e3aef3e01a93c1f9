"""Pictures of who is referred, and of what changes when that changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.population_report import Comparison
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.sweep import Sweep
from caseload_sim.figures.canvas import Figure, literal
from caseload_sim.figures.run import STEP_STYLES
from caseload_sim.figures.style import BLUE, ORANGE, new_axes, plain
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@literal
def plot_population(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Target against achieved, for every share: prevalences, counts, combinations, strata; grey: what the source's n allows."""
    chosen = [row for row in rows if not np.isnan(row.target) and _is_share(row)]
    ax = new_axes(ax, 8.5, 1.5 + 0.26 * len(chosen))
    _compare(ax, chosen, 100)
    ax.set_xlim(0, 100)
    ax.set_xlabel("Clients referred (%)\n(grey: 95% sampling interval of the source,\nwhere its n is known)")
    ax.set_title("Who is referred: target against achieved")
    return ax


@literal
def plot_pairs(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Odds ratios of pairs of conditions: stated or published against achieved."""
    chosen = [row for row in rows if row.quantity.startswith("odds ratio") and not np.isnan(row.target)]
    ax = new_axes(ax, 8.5, 1.5 + 0.26 * len(chosen))
    _compare(ax, chosen, 1)
    ax.set_xscale("log", base=2)
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.set_xlabel("Odds ratio\n(published: mostly general population, where it is larger)")
    ax.set_title("Conditions that go together")
    return ax


@literal
def plot_scores(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Mean and SD of questionnaire scores at the start: official against achieved, or achieved alone."""
    chosen = [row for row in rows if row.quantity.startswith("score") and "at_caseness" not in row.quantity]
    ax = new_axes(ax, 8.5, 1.5 + 0.26 * len(chosen))
    _compare(ax, chosen, 1)
    ax.set_xlim(0, 18)
    ax.legend(frameon=False, loc="lower left")  # means lie at the right
    ax.set_xlabel("Points")
    ax.set_title("Questionnaires at referral")
    return ax


def draw_population(rows: Sequence[Comparison]) -> Figure:
    """The three comparisons on one sheet."""
    heights = [
        2 + sum(not np.isnan(row.target) and _is_share(row) for row in rows),
        2 + sum(row.quantity.startswith("odds ratio") and not np.isnan(row.target) for row in rows),
        2 + sum(row.quantity.startswith("score") for row in rows),
    ]
    figure = Figure(figsize=(9, 1.5 + 0.27 * sum(heights)), layout="constrained")
    panels = figure.subplots(3, height_ratios=heights)
    for plot, panel in zip((plot_population, plot_pairs, plot_scores), panels, strict=True):
        plot(rows, ax=panel)
    return figure


def _is_share(row: Comparison) -> bool:
    return not row.quantity.startswith(("odds ratio", "score", "disorders: mean", "deprivation"))


def _compare(ax: "Axes", rows: Sequence[Comparison], scale: float) -> None:
    for k, row in enumerate(rows):
        low, high = scale * row.lower_95_ci, scale * row.upper_95_ci
        if not np.isnan(low) and _is_share(row):
            ax.barh(k, high - low, left=low, height=0.55, color="#dddddd")
        ax.plot(scale * row.target, k, "D", color=ORANGE, markersize=8, label="target" if k == 0 else None)
        ax.plot(scale * row.achieved, k, "x", color=BLUE, markersize=7, mew=2, label="achieved" if k == 0 else None)
    names = [
        row.quantity.removeprefix("prevalence: ").removeprefix("odds ratio: ").removeprefix("score at referral: ")
        for row in rows
    ]
    ax.set_yticks(range(len(rows)), [words(name) for name in names])
    ax.set_ylim(len(rows) - 0.4, -0.8)
    ax.legend(frameon=False, loc="lower right")
    ax.grid(axis="x", color="#eeeeee")
    ax.set_axisbelow(True)
    plain(ax)


@literal
def plot_sweep(swept: Sweep, *, ax: "Axes | None" = None) -> "Axes":
    """The curve of a measure over one value, with intervals; over two values a heat map of the first row."""
    if len(swept.paths) == 2:
        return _heat_map(swept, ax)
    ax = new_axes(ax, 8, 4.8)
    x = [point.at[swept.paths[0]] for point in swept.points]
    unit = swept.points[0].rows[0].unit
    scale = 100 if unit == "share" else 1
    labels = [_label(row) for row in swept.points[0].rows]
    for k, (label, (colour, style, marker)) in enumerate(zip(labels, STEP_STYLES * len(labels), strict=False)):
        rows = [point.rows[k] for point in swept.points]
        value = scale * np.array([row.value for row in rows])
        ax.plot(x, value, style, marker=marker, color=colour, label=label)
        low, high = (scale * np.array([getattr(row, name) for row in rows]) for name in ("lower_95_ci", "upper_95_ci"))
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.set_xlabel(_path_label(swept.paths[0]))
    ax.set_ylabel(f"{words(swept.measure).capitalize()} ({'%' if unit == 'share' else unit})")
    ax.set_title(
        f"{swept.scenario.name}: {words(swept.measure)}\n(band: 95% interval of the mean; same clients throughout)",
        fontsize=11,
    )
    if len(labels) > 1:
        ax.legend(frameon=False)
    ax.grid(color="#eeeeee")
    plain(ax)
    return ax


def draw_sweep(swept: Sweep) -> Figure:
    """The curve or heat map on a sheet of its own."""
    figure = plot_sweep(swept).get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _heat_map(swept: Sweep, ax: "Axes | None") -> "Axes":
    ax = new_axes(ax, 7.5, 5.5)
    first, second = (sorted({point.at[path] for point in swept.points}) for path in swept.paths)
    row = swept.points[0].rows[0]
    scale = 100 if row.unit == "share" else 1
    grid = scale * np.array([point.rows[0].value for point in swept.points]).reshape(len(first), len(second))
    image = ax.imshow(grid, origin="lower", aspect="auto", cmap="cividis")
    for i in range(len(first)):
        for j in range(len(second)):
            dark = grid[i, j] < (np.nanmin(grid) + np.nanmax(grid)) / 2
            ax.annotate(
                f"{grid[i, j]:.1f}", (j, i), ha="center", va="center", color="white" if dark else "black", fontsize=8
            )
    ax.set_xticks(range(len(second)), [f"{value:.4g}" for value in second])
    ax.set_yticks(range(len(first)), [f"{value:.4g}" for value in first])
    ax.set_xlabel(_path_label(swept.paths[1]))
    ax.set_ylabel(_path_label(swept.paths[0]))
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.colorbar(image, ax=ax, label=f"{words(swept.measure)} ({'%' if row.unit == 'share' else row.unit})")
    ax.set_title(f"{swept.scenario.name}: {words(swept.measure)}\n{_label(row)}", fontsize=11)
    return ax


def _label(row: Row) -> str:
    base, at, service = row.base, row.at, row.service
    named = {"service": "with the service", "none": "with none", "difference": "difference"}.get(service, "")
    return ", ".join(filter(None, (base if base != "all" else "", words(at), named))) or "all"


def _path_label(path: str) -> str:
    return words(path.removesuffix(".value").replace("population.prevalence.", "prevalence: ").replace(".", ", "))
