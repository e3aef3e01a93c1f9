"""Figures of many services: each figure as published against the model, a panel for each."""

from collections.abc import Sequence
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Protocol

from caseload_sim.definitions.quantities import words
from caseload_sim.figures.canvas import Figure
from caseload_sim.figures.style import BLACK, BLUE, ORANGE, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 5
_INCHES = 2.5
_MARKS = (("o", BLUE), ("^", ORANGE))


class Compared(Protocol):
    """A published value beside the model's. quantity: which panel; role: which of two marks."""

    @property
    def quantity(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def published(self) -> float: ...
    @property
    def model(self) -> float: ...


def plot_published_against_model(figures: Sequence[Compared], roles: Sequence[str], ax: "Axes") -> "Axes":
    """One figure of many services, a point each, marked by role; on the line the model says what is published."""
    for role, (marker, colour) in zip(roles, _MARKS, strict=False):
        some = [one for one in figures if one.role == role]
        if some:
            x, y = [one.published for one in some], [one.model for one in some]
            ax.plot(x, y, marker, color=colour, markersize=3, alpha=0.7, label=role)
    values = [value for one in figures for value in (one.published, one.model)]
    ends = [min(values), max(values)]
    ax.plot(ends, ends, color=BLACK, linewidth=0.8)
    ax.set_title(words(figures[0].quantity), fontsize=8, wrap=True)
    ax.tick_params(labelsize=7)
    plain(ax)
    return ax


def draw_services(figures: Sequence[Compared], of: str = "") -> Figure:
    """A panel for each figure, on one sheet. of: what is published and what the model says, if not simply the value."""
    by_quantity = [list(some) for _, some in groupby(figures, key=lambda one: one.quantity)]
    roles = list(dict.fromkeys(one.role for one in sorted(figures, key=lambda one: one.role, reverse=True)))
    n_rows = max(ceil(len(by_quantity) / COLUMNS), 1)
    figure = Figure(figsize=(_INCHES * COLUMNS, _INCHES * n_rows + 0.6), layout="constrained")
    panels = figure.subplots(n_rows, COLUMNS, squeeze=False).ravel()
    for k, (panel, some) in enumerate(zip(panels, by_quantity, strict=False)):
        plot_published_against_model(some, roles, panel)
        if k % COLUMNS == 0:
            panel.set_ylabel(f"{of} in the model".strip(), fontsize=8)
        if k + COLUMNS >= len(by_quantity):  # nothing is below it
            panel.set_xlabel(f"{of} published".strip(), fontsize=8)
    for panel in panels[len(by_quantity) :]:
        panel.set_axis_off()
    marks = {label: mark for panel in panels for mark, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(marks.values(), marks.keys(), loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    return figure
