"""Pictures of what the service costs and adds against no service: a point for each replication, and whether it is worth it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from caseload_sim.definitions.quantities import BASES
from caseload_sim.figures.canvas import literal, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.style import BLACK, BLUE, BROWN, GREEN, ORANGE, VERMILION, new_axes, plain, said
from caseload_sim.measures.rows import CostEffectRow
from caseload_sim.support.columns import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Pounds that may be paid for a QALY: between the two the committees of NICE decide by more than cost (source nice2022).
THRESHOLDS_GBP = {20_000: (GREEN, "--"), 30_000: (VERMILION, "-.")}
_MOST_GBP = 200_000  # per QALY, on the axis of the acceptability curve
_POINTS = 2_001  # of that curve
_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # so that no line goes through a word
_NO_BAND = "No pale band: what QALYs could be by other models of outcomes is not read."


@literal
def plot_cost_effectiveness(
    table: Sequence[CostEffectRow], *, base: str = "referred", ax: "Axes | None" = None
) -> "Axes":
    """The cost-effectiveness plane: pounds and QALYs more than with no service, for each referral of a base.

    Below a line the service costs less than that much for each QALY.
    """
    ax = new_axes(ax, 3.8)
    size = points() / 10
    pounds, qalys = _of_base(table, base)
    ax.plot(qalys, pounds, "o", color=BLUE, alpha=0.7, markeredgecolor="white", markersize=6 * size)
    mean = float(qalys.mean()), float(pounds.mean())
    ax.plot(*mean, "D", color=ORANGE, markeredgecolor=BLACK, markersize=8 * size, zorder=4)
    width, height = (
        1.25 * max(float(np.max(np.abs(each), initial=0)), least) for each, least in ((qalys, 0.001), (pounds, 10))
    )
    left, bottom = (-size if each.min() < 0 else -0.1 * size for each, size in ((qalys, width), (pounds, height)))
    for threshold, (colour, style) in THRESHOLDS_GBP.items():
        ax.plot([left, width], [threshold * left, threshold * width], color=colour, linestyle=style)
        x = min(width, height / threshold)  # where the line leaves the picture
        said(
            ax,
            _per_qaly(threshold),
            (0.97 * x, 0.97 * x * threshold),
            (-2, 8 if threshold == max(THRESHOLDS_GBP) else -12),
            ha="right",
            color=colour,
        )
    said(ax, "mean", mean, (9, 4), color=BROWN)
    ax.axhline(0, color="#888888", linewidth=0.8 * size)
    ax.axvline(0, color="#888888", linewidth=0.8 * size)
    ax.set_xlim(left, width)
    ax.set_ylim(bottom, height)
    ax.locator_params(axis="x", nbins=6)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("QALYs more than untreated, per referral, in the year after it")
    ax.set_ylabel("Pounds more than with\nno service, per referral")
    price = mean[1] / mean[0] if mean[0] > 0 else np.nan
    headed(
        ax, "Is the service worth its cost?" if np.isnan(price) else f"A QALY costs about {price:,.0f} pounds, against no service",
        f"{_people(base).capitalize()}. A point for each simulated year: their spread is chance. Below a line the service costs less "
        "than that much for a QALY; between the two lines NICE decides by more than cost.", _NO_BAND, rows=table,
    )  # fmt: skip
    plain(ax)
    return ax


@literal
def plot_acceptability(table: Sequence[CostEffectRow], *, base: str = "referred", ax: "Axes | None" = None) -> "Axes":
    """The acceptability curve: in how many replications what is gained is worth its cost, by what a QALY is worth."""
    ax = new_axes(ax, 3.4)
    pounds, qalys = _of_base(table, base)
    prices = np.divide(pounds, qalys, out=np.zeros_like(pounds), where=qalys > 0)
    most = min(max(2.0 * max(THRESHOLDS_GBP), 1.25 * float(prices.max())), _MOST_GBP)
    worth = np.linspace(0, most, _POINTS)
    ax.plot(
        worth,
        100 * acceptability(table, worth, base=base),
        color=BLUE,
        linewidth=2 * points() / 10,
        drawstyle="steps-post",
    )
    shares = {each: float(acceptability(table, np.array([float(each)]), base=base)[0]) for each in THRESHOLDS_GBP}
    for k, (threshold, (colour, style)) in enumerate(THRESHOLDS_GBP.items()):
        ax.axvline(threshold, color=colour, linestyle=style)
        said(
            ax,
            f"{_per_qaly(threshold)}: {100 * shares[threshold]:.0f}%",
            (threshold, 52 - 16 * k),
            (4, 0),
            color=colour,
            bbox=_WHITE,
        )
    ax.set_xlim(0, most)
    ax.set_ylim(-4, 104)
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("What a QALY is worth (pounds)")
    ax.set_ylabel("Simulated years in which the\nservice is worth its cost (%)")
    n, least = len(pounds), min(THRESHOLDS_GBP)
    headed(
        ax, f"At {least:,} pounds a QALY the service is worth its cost in {n * shares[least]:.0f} of {n} simulated years",
        f"{_people(base).capitalize()}, against no service. The curve is chance alone, not the doubt about assumptions.", _NO_BAND,
        rows=table,
    )  # fmt: skip
    plain(ax)
    return ax


def acceptability(table: Sequence[CostEffectRow], worth: Floats, *, base: str = "referred") -> Floats:
    """The share of replications in which QALYs at this worth in pounds come to more than the cost, for each worth."""
    pounds, qalys = _of_base(table, base)
    return np.asarray((worth[:, None] * qalys > pounds).mean(axis=1))


def _of_base(table: Sequence[CostEffectRow], base: str) -> tuple[Floats, Floats]:
    """Pounds and QALYs for a referral, by replication; 0 of both where nobody of the base is there."""
    some = [row for row in table if row.base == base and row.referrals] or [CostEffectRow("", 0, base, 0, 0.0, 0.0)]
    return np.array([row.extra_gbp for row in some]), np.array([row.extra_qalys for row in some])


def _people(base: str) -> str:
    return "all referred" if base == "referred" else BASES[base].removeprefix("of ")


def _per_qaly(threshold: int) -> str:
    return f"{threshold:,} a QALY (NICE)"
