"""Pictures of who is referred, against what was asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.analysis.population_report import Comparison
from caseload_sim.definitions.labels import in_words
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.made import Made
from caseload_sim.figures.style import (
    BLUE,
    NO_DOUBT_HERE,
    ORANGE,
    is_narrow,
    new_axes,
    new_panels,
    plain,
    rows_high,
    said,
    sheet_of,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 24  # of shares
MOST_SCORES = 8
MOST_PAIRS = 10  # those furthest from what was asked for
_NEAR = 0.01  # of a share, where the source has no interval
_KEY = (
    "Open diamond: what was asked for; grey: the 95% sampling interval of its source, where its n is known. Cross: what came out, of so "
    "many people that chance hardly shows: no thin bars."
)
_KINDS = ("prevalence: ", "odds ratio: ", "score at referral: ", "disorders: ")


@literal
def plot_population(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Target against achieved, for shares: prevalences, counts, combinations, strata; grey: what the source's n allows.

    Where there are more than 24, those furthest from their targets.
    """
    chosen = _shares(rows)
    ax = new_axes(ax, _high(chosen))
    _draw_shares(ax, chosen)
    headed(ax, _finding(rows), _KEY, NO_DOUBT_HERE)
    return ax


@literal
def plot_pairs(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Odds ratios of pairs of conditions: stated or published against achieved, the ten that are furthest apart."""
    chosen = _pairs(rows)
    ax = new_axes(ax, _high(chosen))
    _draw_pairs(ax, chosen)
    headed(ax, "Do conditions go together as they should? The ten pairs furthest from it", _KEY, NO_DOUBT_HERE)
    return ax


@literal
def plot_scores(rows: Sequence[Comparison], *, ax: "Axes | None" = None) -> "Axes":
    """Means of questionnaire scores at referral, with a bar of one SD to each side; official figures where there are any."""
    chosen = _scores(rows)
    ax = new_axes(ax, _high(chosen))
    _draw_scores(ax, rows)
    headed(ax, "What do people score when they are referred?", _KEY, "Blue bar: one SD to each side.", NO_DOUBT_HERE)
    return ax


@on_our_sheet
def draw_population(rows: Sequence[Comparison], made: Made | None = None) -> Sheet:
    """The three comparisons on one sheet."""
    shares, pairs, scores = _shares(rows), _pairs(rows), _scores(rows)
    parts = [(shares, _draw_shares), (pairs, _draw_pairs), (scores, lambda ax, _: _draw_scores(ax, rows))]
    there = [(some, draw) for some, draw in parts if some]
    panels = new_panels([_high(some) for some, _ in there] or [2.0])
    for panel, (some, draw) in zip(panels, there, strict=False):
        draw(panel, some)
    headed(
        panels[0], _finding(rows), _KEY, f"Pairs: the {MOST_PAIRS} furthest from it; published odds ratios are mostly of all people, among whom they are larger." if pairs else "", "Scores: blue bar, one SD to each side.",
        NO_DOUBT_HERE, made=made or Made(),
    )  # fmt: skip
    return sheet_of(panels[0])


def _finding(rows: Sequence[Comparison]) -> str:
    every = [row for row in rows if _is_share(row) and not np.isnan(row.target)]
    met = sum(_is_met(row) for row in every)
    return f"Of {len(every)} things known of who is referred, {met} come out as the sources say"


def _is_met(row: Comparison) -> bool:
    if np.isnan(row.lower_95_ci):
        return abs(row.achieved - row.target) <= _NEAR
    return row.lower_95_ci <= row.achieved <= row.upper_95_ci


def _is_share(row: Comparison) -> bool:
    return not row.quantity.startswith(("odds ratio", "score", "disorders: mean", "deprivation"))


def _furthest(rows: Sequence[Comparison], most: int, off: Sequence[float]) -> list[Comparison]:
    """So many of them, those that are off most, in the order in which they are."""
    kept = sorted(sorted(range(len(rows)), key=lambda k: -off[k])[:most])
    return [rows[k] for k in kept]


def _shares(rows: Sequence[Comparison]) -> list[Comparison]:
    every = [row for row in rows if not np.isnan(row.target) and _is_share(row)]
    return _furthest(every, MOST_ROWS, [abs(row.achieved - row.target) for row in every])


def _pairs(rows: Sequence[Comparison]) -> list[Comparison]:
    every = [row for row in rows if row.quantity.startswith("odds ratio") and row.target > 0 and row.achieved > 0]
    return _furthest(every, MOST_PAIRS, [abs(np.log(row.achieved / row.target)) for row in every])


def _scores(rows: Sequence[Comparison]) -> list[Comparison]:
    every = [
        row
        for row in rows
        if row.quantity.startswith("score") and "sd" not in row.quantity and "at_caseness" not in row.quantity
    ]
    return _furthest(
        every, MOST_SCORES, [np.inf if "mean" in row.quantity else abs(row.achieved - row.target) for row in every]
    )


def _names(rows: Sequence[Comparison]) -> list[str]:
    names = []
    for row in rows:
        name = row.quantity
        for kind in _KINDS[:3]:
            name = name.removeprefix(kind)
        names.append(wrapped(in_words(name), 0.42 if is_narrow() else 0.36, 0.83))
    return names


def _high(rows: Sequence[Comparison]) -> float:
    return rows_high(_names(rows), 0.5) + 0.25


def _draw_shares(ax: "Axes", rows: Sequence[Comparison]) -> None:
    _compare(ax, rows, 100, "{:.0f}%")
    ax.set_xlim(-1, 106)
    ax.set_xticks(range(0, 101, 20))
    ax.set_xlabel("People referred (%)")


def _draw_pairs(ax: "Axes", rows: Sequence[Comparison]) -> None:
    _compare(ax, rows, 1, "{:.1f}")
    ax.set_xscale("log", base=2)
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.set_xlabel("Odds ratio")


def _draw_scores(ax: "Axes", rows: Sequence[Comparison]) -> None:
    chosen = _scores(rows)
    spread = {row.quantity: row.achieved for row in rows if row.quantity.startswith("score")}
    _compare(ax, chosen, 1, "{:.1f}")
    for k, row in enumerate(chosen):
        sd = spread.get(row.quantity.replace("mean", "sd"), np.nan) if "mean" in row.quantity else np.nan
        if not np.isnan(sd):
            ax.hlines(k, row.achieved - sd, row.achieved + sd, color=BLUE, alpha=0.5, linewidth=1.3 * points() / 10)
    ax.set_xlim(0, 27)
    ax.set_xlabel("Points")


def _compare(ax: "Axes", rows: Sequence[Comparison], scale: float, written: str) -> None:
    size = points() / 10
    for k, row in enumerate(rows):
        low, high = scale * row.lower_95_ci, scale * row.upper_95_ci
        if not np.isnan(low) and _is_share(row):
            ax.barh(k, high - low, left=low, height=0.55, color="#dddddd")
        ax.plot(scale * row.target, k, "D", color=ORANGE, markerfacecolor="none", markersize=8 * size, mew=1.6 * size)
        ax.plot(scale * row.achieved, k, "x", color=BLUE, markersize=6 * size, mew=1.6 * size)
        ends = [
            end
            for end in (scale * row.target, scale * row.achieved, high if _is_share(row) else np.nan)
            if not np.isnan(end)
        ]
        said(ax, written.format(scale * row.achieved), (max(ends), k), (8, 0), color=BLUE)
    ax.set_yticks(range(len(rows)), _names(rows), fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.8)
    plain(ax, "x")
