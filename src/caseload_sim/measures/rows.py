"""One reported figure: its row in the results, how it is found, and how its value is written.

Nothing that simulates is loaded with this module, since whoever draws the rows need not load it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from caseload_sim.definitions.measures import check_measures
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.support.row_table import RowTable


@dataclass(frozen=True, slots=True)
class Row:
    """One reported figure: mean over replications, its interval, and where a single year's figure falls.

    Of waits and lists it is the middle replication, and the interval holds the middle of many more (`statistics.middle`): in
    some years assessors fall behind, so that a mean of few years misleads.
    could_be_low, could_be_high: lowest and highest value by other structures of the outcome model that fit no worse (see
        `could_be.py`); no interval, since nobody knows how likely each is. NaN for what does not hang on that model, over
        few clients, and where it was not asked for
    """

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
    could_be_low: float
    could_be_high: float


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


@dataclass(frozen=True, slots=True)
class CostEffectRow:
    """What the service costs and adds for a referral ended in the period, in one replication: a point of the plane.

    base: of whom, the ladder's; referrals: how many they are
    extra_gbp: pounds for each, where no service costs nothing; extra_qalys: for each, beyond the same clients untreated
    """

    scenario: str
    replication: int
    base: str
    referrals: int
    extra_gbp: float
    extra_qalys: float


# What is meant where a part of a figure is left out and its measure has several.
UNSAID = Quantity("", "finished", "end", "service", "all")
_PARTS = {"base": "base", "at": "reading", "group": "group", "service": "service"}  # in the order in which they narrow


class Addressed(Protocol):
    """Whatever has the address of a figure: rows of every table, and addresses themselves."""

    @property
    def measure(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def group(self) -> str: ...


A = TypeVar("A", bound=Addressed)


def quantity_of(row: Addressed) -> Quantity:
    """The whole address of a row."""
    return Quantity(row.measure, row.base, row.at, row.service, row.group)


def row_of(rows: Sequence[A], quantity: Quantity) -> A:
    """The one row of a figure; see `place_of`."""
    place = place_of(rows, quantity)
    return rows.at([place])[0] if isinstance(rows, RowTable) else rows[place]


def place_of(rows: Sequence[Addressed], quantity: Quantity) -> int:
    """Where the one row of a figure is. Raises RunError where the figure does not say enough, or there is none."""
    places = places_of(rows, quantity)
    if len(places) != 1:
        raise RunError(f"{quantity}: {len(places)} rows are of this figure. Look for it in the rows of one scenario.")
    return places[0]


def places_of(rows: Sequence[Addressed], quantity: Quantity, unsaid: Quantity = UNSAID) -> list[int]:
    """Where the rows of a figure are, in order: one at least.

    unsaid: what is meant by a part that is left out, where the measure has several; a part that is left out there too
    stays open, and rows of every kind are found
    Raises RunError with what there is, where a part is not among it or needs to be said.
    """
    left = _places_of_measure(rows, quantity.measure)
    for part, word in _PARTS.items():
        there = _values(rows, part, left)
        known = list(dict.fromkeys(there))
        said = getattr(quantity, part)
        wanted = said or (known[0] if len(known) == 1 else getattr(unsaid, part))
        if not said and not getattr(unsaid, part):
            continue
        if wanted not in known:
            if said:
                hint = did_you_mean(said, filter(None, known))
                raise RunError(f"{quantity.measure} has no {word} '{said}'. {hint}")
            raise RunError(f"{quantity.measure} has several of {word}; name one: {', '.join(known[:12])}.")
        left = [place for place, value in zip(left, there, strict=True) if value == wanted]
    return left


def _places_of_measure(rows: Sequence[Addressed], measure: str) -> list[int]:
    if isinstance(rows, RowTable):
        found = rows.places(measure=measure)
    else:
        found = [place for place, row in enumerate(rows) if row.measure == measure]
    if not found:
        check_measures([measure])
        raise RunError(f"{measure}: this scenario does not report it.")
    return found


def _values(rows: Sequence[Addressed], part: str, places: Sequence[int]) -> list[str]:
    """What the rows at these places have as that part of their address."""
    if isinstance(rows, RowTable):  # which makes all its rows when it is asked for one
        column = rows.column(part)
        return [column[place] for place in places]
    return [getattr(rows[place], part) for place in places]


_DIGITS = {"referrals": ",.0f", "clients": ",.0f", "clients a year": ",.0f", "GBP": ",.0f", "QALYs": ".4f"}


def digits_of(unit: str) -> str:
    """How a number in this unit is written; of a share, its percentage points."""
    return _DIGITS.get(unit, ".1f")


def point_text(row: Row) -> str:
    """The value alone, as 41.7%; a dash where there is none."""
    if np.isnan(row.value):
        return "-"
    if row.unit == "share":
        return f"{100 * row.value:.1f}%"
    return f"{row.value:{digits_of(row.unit)}}"


def value_text(row: Row) -> str:
    """The value with its interval, as 41.7% (40.9-42.5)."""
    if np.isnan(row.lower_95_ci) or np.isnan(row.value):
        return point_text(row)
    scale, digits = 100 if row.unit == "share" else 1, digits_of(row.unit)
    dash = "," if row.lower_95_ci < 0 else "-"
    return f"{point_text(row)} ({scale * row.lower_95_ci:{digits}}{dash}{scale * row.upper_95_ci:{digits}})"


def could_be_text(low: float, high: float, unit: str, *, with_sign: bool = False) -> str:
    """What a figure could be by other structures of the outcome model, as 40.8 to 49.7; empty where nothing is known."""
    if np.isnan(low) or np.isnan(high):
        return ""
    scale, form = 100 if unit == "share" else 1, f"{'+z' if with_sign else 'z'}{digits_of(unit)}"
    return f"{scale * low:{form}} to {scale * high:{form}}"
