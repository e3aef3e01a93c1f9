"""What all pictures share: colours that the colour-blind tell apart, axes, titles, and intervals of rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import BASES, LADDER, RUNGS, Quantity
from caseload_sim.figures.canvas import Figure
from caseload_sim.measures.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, told apart by the colour-blind; each colour also has a marker, a hatch or a line style.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip


DAYS_PER_WEEK = 7


def new_axes(ax: "Axes | None", width: float, height: float) -> "Axes":
    """The axes given, or new ones on a figure of that size in inches."""
    return Figure(figsize=(width, height), layout="constrained").subplots() if ax is None else ax


def _intervals(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Distances below and above each value to its 95% interval, (2, rows), 0 where there is none."""
    both = np.array([(row.value - row.lower_95_ci, row.upper_95_ci - row.value) for row in rows]).T
    distances: NDArray[np.float64] = np.nan_to_num(both)
    return distances


def figure_of(ax: "Axes") -> Figure:
    """The figure that these axes belong to."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def plain(ax: "Axes") -> None:
    """Take away the frame lines that carry nothing."""
    ax.spines[["top", "right"]].set_visible(False)


def ladder_label(rung: Quantity) -> str:
    """A rung of LADDER in two lines: its number and what it asks for, then whom it is over."""
    what = "... and no relapse within a year" if rung.at == "sustained" else RUNGS[rung.measure]
    return f"{LADDER.index(rung) + 1} {what}\n{BASES[rung.base]}"
