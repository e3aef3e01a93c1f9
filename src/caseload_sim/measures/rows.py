"""One reported figure: its row in the results, how it is found, and how its value is written.

Nothing that simulates is loaded with this module, since whoever draws the rows need not load it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions.quantities import Goal
from caseload_sim.errors import RunError, did_you_mean


@dataclass(frozen=True, slots=True)
class Row:
    """One reported figure: mean over replications, its interval, and where a single year's figure falls."""

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    value: float
    lower_95_ci: float
    upper_95_ci: float
    lower_95_range: float
    upper_95_range: float
    numerator: float
    denominator: float
    unit: str
    n_replications: int


@dataclass(frozen=True, slots=True)
class OverTimeRow:
    """One day of a waiting list or of utilisation; days count from opening, 0 first."""

    scenario: str
    measure: str
    step: str
    day: int
    value: float
    lower_95_ci: float
    upper_95_ci: float


@dataclass(frozen=True, slots=True)
class UncertaintyRow:
    """The spread of one figure between replications, split: chance alone, and the doubt about published prevalences.

    sd_chance: with prevalences as published; sd_parameters: of the difference that drawing them makes
    """

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    sd_total: float
    sd_chance: float
    sd_parameters: float
    n_replications: int


_PREFERRED = {"base": "finished", "at": "end", "service": "service", "group": "all"}  # where a measure has several


def chosen_row(rows: Sequence[Row], goal: Goal) -> int:
    """Which of the rows a goal is about: its index. Raises RunError where it does not say enough, or names none."""
    left = [i for i, row in enumerate(rows) if row.measure == goal.measure]
    wanted = {"base": goal.base, "at": goal.at, "group": goal.group, "service": ""}
    for name, value in wanted.items():
        there = list(dict.fromkeys(getattr(rows[i], name) for i in left))
        if not value and len(there) > 1:
            value = _PREFERRED[name] if _PREFERRED[name] in there else value
        if value and value not in there:
            raise RunError(f"{goal.measure} has no {name} '{value}'. {did_you_mean(value, filter(None, there))}")
        if not value and len(there) > 1:
            raise RunError(f"{goal.measure} has several of {name}; name one: {', '.join(there[:12])}.")
        left = [i for i in left if getattr(rows[i], name) == (value or there[0])]
    if len(left) != 1:
        raise RunError(f"{goal.measure}: this scenario does not report it.")
    return left[0]


_WHOLE = ("referrals", "clients", "GBP")  # units of which no fraction is shown


def point_text(row: Row) -> str:
    """The value alone, as 41.7%; a dash where there is none."""
    if np.isnan(row.value):
        return "-"
    if row.unit == "share":
        return f"{100 * row.value:.1f}%"
    return f"{row.value:,.0f}" if row.unit in _WHOLE else f"{row.value:.1f}"


def value_text(row: Row) -> str:
    """The value with its interval, as 41.7% (40.9-42.5)."""
    if np.isnan(row.lower_95_ci) or np.isnan(row.value):
        return point_text(row)
    scale, digits = (100, ".1f") if row.unit == "share" else (1, ",.0f" if row.unit in _WHOLE else ".1f")
    dash = "," if row.lower_95_ci < 0 else "-"
    return f"{point_text(row)} ({scale * row.lower_95_ci:{digits}}{dash}{scale * row.upper_95_ci:{digits}})"
