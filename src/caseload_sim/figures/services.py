"""Figures of many services: each figure as published against the model, a panel for each."""

from collections.abc import Sequence
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from caseload_sim.definitions.labels import in_words
from caseload_sim.figures.canvas import Sheet, new_sheet, on_our_sheet, points
from caseload_sim.figures.frame import headed
from caseload_sim.figures.made import Made
from caseload_sim.figures.style import BLACK, BLUE, ORANGE, is_narrow, plain, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS, COLUMNS_NARROW = 5, 3
_INCHES = 1.9
_MARKS = (("o", BLUE, "Dots"), ("^", ORANGE, "Triangles"))


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


def plot_published_against_model(
    figures: Sequence[Compared], roles: Sequence[str], ax: "Axes", n_columns: int = COLUMNS
) -> "Axes":
    """One figure of many services, a point each, marked by role; on the line the model says what is published."""
    for role, (marker, colour, _) in zip(roles, _MARKS, strict=False):
        some = [one for one in figures if one.role == role]
        if some:
            x, y = [one.published for one in some], [one.model for one in some]
            ax.plot(x, y, marker, color=colour, markersize=3 * points() / 10, alpha=0.7)
    values = [value for one in figures for value in (one.published, one.model)]
    ends = [min(values), max(values)]
    ax.plot(ends, ends, color=BLACK, linewidth=0.8 * points() / 10)
    ax.set_title(wrapped(in_words(figures[0].quantity), 0.85 / n_columns, 0.75), fontsize=0.75 * points())
    ax.tick_params(labelsize="x-small")
    ax.locator_params(nbins=3)
    plain(ax)
    return ax


@on_our_sheet
def draw_services(figures: Sequence[Compared], of: str = "", made: Made | None = None) -> Sheet:
    """A panel for each figure, on one sheet. of: what is published and what the model says, if not simply the value."""
    by_quantity = [list(some) for _, some in groupby(figures, key=lambda one: one.quantity)]
    roles = list(dict.fromkeys(one.role for one in sorted(figures, key=lambda one: one.role, reverse=True)))
    n_columns = COLUMNS_NARROW if is_narrow() else COLUMNS
    n_rows = max(ceil(len(by_quantity) / n_columns), 1)
    sheet = new_sheet(_INCHES * n_rows * points() / 10)
    panels = sheet.subplots(n_rows, n_columns, squeeze=False).ravel()
    for k, (panel, some) in enumerate(zip(panels, by_quantity, strict=False)):
        plot_published_against_model(some, roles, panel, n_columns)
        if k % n_columns == 0:
            panel.set_ylabel(f"{of} in the model".strip(), fontsize="small")
        if k + n_columns >= len(by_quantity):  # nothing is below it
            panel.set_xlabel(f"{of} published".strip(), fontsize="small")
    for panel in panels[len(by_quantity) :]:
        panel.set_axis_off()
    marks = "; ".join(f"{mark}: {_ROLES.get(role, role)}" for role, (*_, mark) in zip(roles, _MARKS, strict=False))
    headed(
        panels[0], _finding(by_quantity, of), f"A mark is a service; on the line the model says what is published. {marks}.",
        "No thin bars: a service is one simulated year. No pale bands: other models of outcomes are not read for each service.", made=made or Made(),
    )  # fmt: skip
    return sheet


_ROLES = {"fitted": "fitted to that very figure", "check": "not seen by the fit"}


def _finding(by_quantity: Sequence[Sequence[Any]], of: str) -> str:
    """Of how many figures that were not fitted the services come out in about the order that is published."""
    checked = [[one for one in some if one.role != "fitted"] for some in by_quantity]
    known = [r for some in checked if len(some) > 2 and not np.isnan(r := _correlation(some))]
    what = f"{of}s" if of else "figures"
    if not known:
        return f"Does the model tell services apart, by their {what}?"
    good = sum(r > 0.5 for r in known)
    return f"Of {len(known)} {what} that were not fitted, {good} go up and down with those published (r above 0.5)"


def _correlation(some: Sequence[Any]) -> float:
    pairs = np.array([(one.published, one.model) for one in some], dtype=float)
    if len(pairs) < 2 or np.isnan(pairs).any() or (pairs.std(axis=0) == 0).any():
        return float("nan")
    return float(np.corrcoef(pairs.T)[0, 1])
