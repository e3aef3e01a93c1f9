"""What all pictures share: colours that the colour-blind tell apart, axes, marks of chance and of doubt, and labels with room."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.labels import in_words
from caseload_sim.definitions.quantities import BASES, LADDER, READINGS, RUNGS, Quantity
from caseload_sim.definitions.times import days_of_month, number_of_month
from caseload_sim.figures.canvas import Figure, Sheet, new_sheet, points
from caseload_sim.figures.frame import lines_within
from caseload_sim.figures.made import MONTHS, month_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, told apart by the colour-blind; each colour also has a marker, a hatch or a line style.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
LINES = (
    (BLUE, "-", "o"), (VERMILION, "--", "s"), (GREEN, "-.", "^"), (PURPLE, ":", "D"), (ORANGE, "-", "v"), (SKY, "--", "P"),
)  # fmt: skip
BROWN = "#8A5A00"  # of words about what is orange, which is too pale for letters

DAYS_PER_WEEK = 7
MONTHS_APART = (1, 2, 3, 6, 12, 24)
_MOST_LABELS = 12
_TICK = 0.62  # of a row, how tall
_SMALL_SHARE = 0.15
NO_DOUBT_HERE = "No pale band: this does not hang on the model of outcomes."
_CHANCE = "Thin bar: chance alone, the 95% interval over simulated years."
_ONE_RUN = "No thin bar: one simulated year does not tell what is chance."
_COULD_BE = "Pale band: what it could be, by other models of outcomes that fit the evidence no worse."
_UNKNOWN = "No pale band: what it could be by other models of outcomes is not in these rows."


def new_axes(ax: "Axes | None", height: float, *, letters: bool = True) -> "Axes":
    """The axes given, or new ones on a sheet of their own. height: in inches of a picture with letters of 10 points

    letters: whether the height is that of lines of letters, and not a share of the width
    """
    if ax is not None:
        return ax
    return new_sheet(height * points() / 10 if letters else height).subplots()


def new_panels(heights: Sequence[float], *, sharex: bool = False) -> "list[Axes]":
    """Panels below one another on one sheet. heights: of each, in inches of a picture with letters of 10 points"""
    sheet = new_sheet(sum(heights) * points() / 10)
    made: Any = sheet.subplots(len(heights), height_ratios=heights, squeeze=False, sharex=sharex)
    return list(made[:, 0])


def letters_wide() -> float:
    """How many letters fit side by side on the sheet that is drawn for."""
    return float(new_sheet(1).get_size_inches()[0] * 72 / (0.55 * points()))


def is_narrow() -> bool:
    """Whether the sheet that is drawn for is a single column, where labels need more lines."""
    return letters_wide() < 85


def wrapped(text: str, share: float, size: float = 1.0) -> str:
    """A text in lines no wider than this share of the sheet; its own line breaks stay. size: of its letters, of those of labels"""
    inches = share * new_sheet(1).get_size_inches()[0]
    return "\n".join("\n".join(lines_within(part, inches, size * points())) for part in text.split("\n"))


def rows_high(labels: Sequence[str], room: float = 0.7) -> float:
    """Inches, for letters of 10 points, that rows with these labels take. room: between them, in lines"""
    most = max((label.count("\n") + 1 for label in labels), default=1)
    return len(labels) * (most + room) * 0.17 + 0.5


def figure_of(ax: "Axes") -> Figure:
    """The figure that these axes belong to."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def sheet_of(ax: "Axes") -> Sheet:
    """The sheet of ours that these axes were made on."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Sheet)
    return figure


def plain(ax: "Axes", grid: str = "") -> None:
    """Take away the frame lines that carry nothing. grid: "x" or "y", along which axis there are pale lines"""
    ax.spines[["top", "right"]].set_visible(False)
    if grid:
        ax.grid(axis=grid, color="#e4e4e4")  # type: ignore[arg-type]
        ax.set_axisbelow(True)


def distances(value: Any, low: Any, high: Any) -> NDArray[np.float64]:
    """Distances below and above each value to the ends of its interval, (2, values), 0 where there is none."""
    found: NDArray[np.float64] = np.nan_to_num(
        np.array([np.subtract(value, low), np.subtract(high, value)], dtype=float)
    )
    return found


def mark(
    ax: "Axes", at: float, value: float, chance: tuple[float, float], could_be: tuple[float, float], *,
    colour: str, marker: str, upright: bool = False, filled: bool = True,
) -> tuple[float, float]:  # fmt: skip
    """One figure: its marker, a thin bar for chance, and a pale band for what it could be. Returns the outermost ends of all.

    at: its place on the other axis; chance, could_be: low and high, NaN where there is none; upright: the figure is on the y axis
    """
    scale = points() / 10
    draw = ax.vlines if upright else ax.hlines
    if not np.isnan(could_be).any():
        draw(at, *could_be, color=colour, alpha=0.25, linewidth=9 * scale, zorder=1)
    if not np.isnan(chance).any():
        draw(at, *chance, color=colour, linewidth=1.3 * scale, zorder=2)
    x, y = (at, value) if upright else (value, at)
    ax.plot(
        x, y, marker, color=colour, markersize=6.5 * scale, markerfacecolor=colour if filled else "white",
        markeredgewidth=1.3 * scale, zorder=3,
    )  # fmt: skip
    ends = [end for end in (value, *chance, *could_be) if not np.isnan(end)]
    return min(ends, default=value), max(ends, default=value)


def mark_row(
    ax: "Axes", at: float, row: Any, *, colour: str, marker: str, upright: bool = False, filled: bool = True
) -> tuple[float, float]:
    """The same of a row of measures; shares as points of 100."""
    scale = 100 if row.unit == "share" else 1
    value, *ends = (
        scale * end for end in (row.value, row.lower_95_ci, row.upper_95_ci, row.could_be_low, row.could_be_high)
    )
    return mark(
        ax,
        at,
        value,
        (ends[0], ends[1]),
        (ends[2], ends[3]),
        colour=colour,
        marker=marker,
        upright=upright,
        filled=filled,
    )


def how_to_read(rows: Sequence[Any], no_band: str = _UNKNOWN) -> str:
    """What thin bars and pale bands are, or why there are none. no_band: why these rows have no band"""
    chance = _CHANCE if any(not np.isnan(row.lower_95_ci) for row in rows) else _ONE_RUN
    band = _COULD_BE if any(not np.isnan(row.could_be_low) for row in rows) else no_band
    return f"{chance} {band}"


def tick(ax: "Axes", value: float, at: float, name: str, *, ha: str = "center") -> None:
    """A published figure or a standard: an upright black tick in the row `at`, with its name above. ha: of the name"""
    ax.plot([value] * 2, [at - _TICK / 2, at + _TICK / 2], color=BLACK, linewidth=1.8 * points() / 10, zorder=4)
    off = (-3, 1) if ha == "left" else (0, 1)
    said(ax, name, (value, at - _TICK / 2), off, ha=ha, va="bottom", fontsize="x-small")  # rows go down


def tick_of_share(ax: "Axes", share: float, at: float, name: str) -> None:
    """The same of a published share, with its number; the name of a small one begins at its tick."""
    tick(ax, 100 * share, at, f"{name}: {100 * share:.1f}%", ha="left" if share < _SMALL_SHARE else "center")


def said(ax: "Axes", text: str, at: Any, off: tuple[float, float] = (0, 0), **how: Any) -> Any:
    """A word beside a mark. off: how far, in letters"""
    coordinates = how.pop("xycoords", "data")
    step = points() / 10
    return ax.annotate(
        text, at, xycoords=coordinates, xytext=(off[0] * step, off[1] * step), textcoords="offset points",
        **{"va": "center", "fontsize": "small", **how},
    )  # fmt: skip


def nothing(ax: "Axes", why: str) -> None:
    """Say in the middle of an empty picture why it is empty."""
    ax.annotate(why, (0.5, 0.5), xycoords="axes fraction", ha="center")


def name_ends(
    ax: "Axes", ends: Sequence[tuple[float, float, str, str]], lowest: float, highest: float, *,
    at: float = 1.02, within: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Name lines where they end, at the right of the axes, none over another; a hair leads from each name to its line.

    ends: x and y where the line ends, its name, its colour; lowest, highest: of the y axis
    at: where the names begin, as a part of the width of the axes; within: between which heights they stand, if not all
    """
    names = [wrapped(text, 0.24 if at > 1 else 0.6, 0.83) for _, _, text, _ in ends]
    line = _line_of(ax, lowest, highest)
    need = [(name.count("\n") + 1) * line for name in names]
    heights = spread([y for _, y, _, _ in ends], need, *(within or (lowest, highest)))
    for (x, y, _, colour), name, height in zip(ends, names, heights, strict=True):
        ax.annotate(
            name, (x, y), xytext=(at, (height - lowest) / (highest - lowest)), textcoords="axes fraction", va="center",
            fontsize="small", color=BROWN if colour == ORANGE else colour, annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5),
            },
        )  # fmt: skip


def _line_of(ax: "Axes", lowest: float, highest: float) -> float:
    """The height of a small line of letters on these axes, in units of y; about, since axes have their size only at last."""
    _, inches = figure_of(ax).get_size_inches()
    return float(1.5 * 0.83 * points() / 72 / (ax.get_position().height * inches) * (highest - lowest))


def spread(heights: Sequence[float], need: Sequence[float], lowest: float, highest: float) -> list[float]:
    """Heights for labels as near to these as may be, none over another. need: how high each is"""
    placed = [0.0] * len(heights)
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    below = lowest
    for k in order:
        placed[k] = max(heights[k], below + need[k] / 2)
        below = placed[k] + need[k] / 2
    above = highest
    for k in reversed(order):  # what was pushed out above comes down again
        placed[k] = min(placed[k], above - need[k] / 2)
        above = placed[k] - need[k] / 2
    return placed


def label_months(ax: "Axes", opens: date, first: float, last: float) -> None:
    """Ticks on the first days of months, so many apart that their names have room. first, last: days from `opens` on"""
    month = number_of_month(f"{date.fromordinal(opens.toordinal() + int(first)):%Y-%m}")
    ticks = []
    while (day := days_of_month(month_label(month))[0].toordinal() - opens.toordinal()) <= last:
        if day >= first:
            ticks.append((day, month))
        month += 1
    most = _MOST_LABELS // 2 if is_narrow() else _MOST_LABELS
    apart = next((n for n in MONTHS_APART if len(ticks) / n <= most), MONTHS_APART[-1])
    ticks = [(day, month) for day, month in ticks if month % 12 % apart == 0]
    labels = [f"{MONTHS[month % 12]}\n{1970 + month // 12}" for _, month in ticks]
    ax.set_xticks([day for day, _ in ticks], labels, fontsize="small")


def number(value: float, unit: str, *, signed: bool = False) -> str:
    """A number as people read it: people, days and pounds whole, shares in points of 100 to one digit, all else to one."""
    sign = "+z" if signed else "z"
    scaled = 100 * value if unit == "share" else value
    whole = unit in ("clients", "clients a year", "referrals", "people", "days", "GBP")
    return f"{scaled:{sign},.0f}" if whole else f"{scaled:{sign},.1f}"


_RUNGS = {
    **RUNGS,
    "recovery": "recovered by the service's questionnaires (model)",
    "principal_remission": "main disorder gone, by interview",
    "all_remission": "all disorders gone, by interview",
    "full_remission": "all disorders clearly gone, by interview",
}
_OF = {
    "finished": "of those who finished a course",
    "started": "of all who had a first contact",
    "referred": "of all referred",
}
_WHEN = {**READINGS, "sustained": "and no relapse for a year", "month_12": "a year later"}


def rung_in_words(measure: str, base: str = "", at: str = "") -> str:
    """A rung as a sentence would have it: "all disorders clearly gone, by interview, of those who finished a course".

    When it is read is said where that is not at the end.
    """
    what = _RUNGS.get(measure) or in_words(measure)
    when = "" if at in ("", "end") else _WHEN[at]
    of = _OF.get(base, "" if base in ("", "all") else in_words(base))
    return ", ".join(filter(None, (what, when, of)))


def ladder_label(rung: Quantity) -> str:
    """A rung of LADDER in two lines: its number and what it asks for, then whom it is over."""
    what = "... and no relapse for a year" if rung.at == "sustained" else _RUNGS[rung.measure]
    return f"{LADDER.index(rung) + 1} {what}\n{_OF.get(rung.base, BASES[rung.base])}"
