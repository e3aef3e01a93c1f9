"""What is reported of many replications, row by row.

Nothing is loaded with this module: whoever draws the rows need not load what simulates.
"""

from dataclasses import dataclass


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
