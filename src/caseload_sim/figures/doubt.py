"""Pictures of `uncertainty`: how far each rung could lie from the model's figure, and which inputs move it most."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
from caseload_sim.definitions.labels import capitalised, in_words
from caseload_sim.definitions.quantities import LADDER
from caseload_sim.figures.canvas import Sheet, literal, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.marks import published_rungs
from caseload_sim.figures.style import (
    BLUE,
    BROWN,
    ORANGE,
    VERMILION,
    is_narrow,
    mark,
    new_axes,
    new_panels,
    plain,
    rows_high,
    rung_in_words,
    said,
    sheet_of,
    tick_of_share,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OF_A_YEAR = 1.96  # standard deviations, between which 95 of 100 years fall
_MOST_INPUTS = 6
_TOO_LITTLE = 0.0005  # of a share: an input that moves a rung by less is not shown
_HOW_FAR = (
    "Thin bar: chance, where 95 of 100 simulated years fall. Pale band: what it could be, where 95 of 100 years fall when published "
    "figures and inputs that nobody has measured are drawn too. Other models of outcomes are not in it: `structures`."
)


@literal
def plot_spread(table: Sequence[DoubtRow], *, ax: "Axes | None" = None) -> "Axes":
    """How far each rung could lie: chance as a thin bar, everything in doubt as a pale band, published figures as ticks."""
    rows = list(table)
    labels = _labels(rows)
    ax = new_axes(ax, rows_high(labels, 1.3))
    _draw_spread(ax, rows, labels)
    headed(ax, _finding(rows), _HOW_FAR, rows=rows)
    return ax


def _labels(rows: Sequence[DoubtRow]) -> list[str]:
    return [wrapped(capitalised(rung_in_words(row.measure, row.base, row.at)), 0.36, 0.83) for row in rows]


def _draw_spread(ax: "Axes", rows: Sequence[DoubtRow], labels: Sequence[str]) -> None:
    ticks = {one.quantity[:3]: one for one in published_rungs()}
    furthest = 10.0
    for y, row in enumerate(rows):
        value, half = 100 * row.value, 100 * _OF_A_YEAR * row.sd_chance
        could_be = 100 * row.lower_95_range, 100 * row.upper_95_range
        _, high = mark(ax, y, value, (max(value - half, 0), value + half), could_be, colour=BLUE, marker="o")
        published = ticks.get((row.measure, row.base, row.at))
        if published:
            tick_of_share(ax, published.value, y, published.name)
            high = max(high, 100 * published.value)
        said(ax, f"{value:.0f}%: {could_be[0]:.0f} to {could_be[1]:.0f}", (high, y), (6, 0))
        furthest = max(furthest, high)
    ax.set_yticks(range(len(rows)), labels, fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.95)
    ax.set_xlim(0, (1.4 if is_narrow() else 1.2) * furthest)
    ax.set_xlabel("People (%), of those named")
    plain(ax, "x")


def _finding(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow] = ()) -> str:
    if not rows:
        return "How sure is each figure?"
    first = rows[0]
    what = rung_in_words(first.measure, first.base, first.at).split(", of")[0]
    title = f"{capitalised(what)}: {100 * first.value:.0f}%, but it could be anything from {100 * first.lower_95_range:.0f} to {100 * first.upper_95_range:.0f}"
    most = max(rows, key=lambda row: max(row.sd_structure, row.sd_sampling, row.sd_chance))
    parts = {
        "what nobody has measured": most.sd_structure,
        "the sampling of the sources": most.sd_sampling,
        "chance": most.sd_chance,
    }
    return f"{title}, mostly for {max(parts, key=lambda part: parts[part])}" if not tornado else title


@literal
def plot_tornado(table: Sequence[TornadoRow], *, ax: "Axes | None" = None) -> "Axes":
    """How far one rung moves as each soft input goes to the ends of its range: the six that move it most, the strongest on top."""
    rows = _strongest(table)
    labels = _input_labels(rows)
    ax = new_axes(ax, rows_high(labels, 0.8) + 0.2)
    _draw_tornado(ax, rows, labels)
    what = rung_in_words(rows[0].measure, rows[0].base, rows[0].at) if rows else "it"
    title = "Nothing in doubt moves it"
    if rows:
        swing = 100 * abs(rows[0].value_at_high - rows[0].value_at_low)
        title = f"{capitalised(in_words(rows[0].name))} moves {what} most: by {swing:.1f} points"
    headed(ax, title, _ONE_AT_A_TIME, rows=rows)
    return ax


_ONE_AT_A_TIME = (
    "Each input at the low end of its range (dot) and at the high end (triangle), all else as it is and on the same draws: no bars of "
    "chance, and no pale bands, since it is doubt itself that is drawn."
)


def _strongest(table: Sequence[TornadoRow]) -> list[TornadoRow]:
    rows = sorted(table, key=lambda row: -abs(row.value_at_high - row.value_at_low))
    return [row for row in rows if abs(row.value_at_high - row.value_at_low) >= _TOO_LITTLE][:_MOST_INPUTS] or rows[:1]


def _input_labels(rows: Sequence[TornadoRow]) -> list[str]:
    return [wrapped(capitalised(row.meaning or in_words(row.name)), 0.4, 0.83) for row in rows]


def _draw_tornado(ax: "Axes", rows: Sequence[TornadoRow], labels: Sequence[str]) -> None:
    size = points() / 10
    ends = [100 * end for row in rows for end in (row.value, row.value_at_low, row.value_at_high)] or [0.0]
    for y, row in enumerate(rows):
        at_low, at_high = 100 * row.value_at_low, 100 * row.value_at_high
        ax.hlines(y, min(at_low, at_high), max(at_low, at_high), color=ORANGE, alpha=0.3, linewidth=9 * size)
        ax.plot(at_low, y, "o", color=BLUE, markersize=6 * size)
        ax.plot(at_high, y, "^", color=VERMILION, markersize=6 * size)
        left = at_low <= at_high
        for end, at, colour, to_left in ((row.low, at_low, BLUE, left), (row.high, at_high, VERMILION, not left)):
            said(ax, f"{end:g}", (at, y), (-7 if to_left else 7, 0), ha="right" if to_left else "left", color=colour)
    if rows:
        ax.axvline(100 * rows[0].value, color="#444444", linewidth=size, zorder=0)
        said(ax, f"as it is: {100 * rows[0].value:.1f}%", (100 * rows[0].value, -0.6), (3, 0), color=BROWN)
    width = max(ends) - min(ends) or 1.0
    ax.set_xlim(min(ends) - 0.25 * width, max(ends) + 0.25 * width)
    ax.set_yticks(range(len(rows)), labels, fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.95)
    what = rung_in_words(rows[0].measure, rows[0].base, rows[0].at) if rows else ""
    ax.set_xlabel(f"{capitalised(what)} (%)")
    plain(ax, "x")


@on_our_sheet
def draw_uncertainty(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> Sheet:
    """How far each rung could lie, and below, which inputs move the strictest of them most."""
    last = rows[-1] if rows else LADDER[-1]
    of_last = _strongest(
        [row for row in tornado if (row.measure, row.base, row.at) == (last.measure, last.base, last.at)]
    )
    labels, inputs = _labels(rows), _input_labels(of_last)
    above, below = new_panels([rows_high(labels, 1.3), rows_high(inputs, 0.8) + 0.4])
    _draw_spread(above, rows, labels)
    _draw_tornado(below, of_last, inputs)
    headed(above, _finding(rows), _HOW_FAR, "Below: " + _ONE_AT_A_TIME[0].lower() + _ONE_AT_A_TIME[1:], rows=rows)
    return sheet_of(above)
