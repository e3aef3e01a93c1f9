"""Names as a reader sees them, in tables and in figures."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure and the value it should have.

    base, at, group: which of its rows; empty: the only one, or finished, end, all
    sign: ">=" at least, "<=" at most, "=" to reach the value, from above or from below
    """

    measure: str
    base: str
    at: str
    group: str
    sign: str
    value: float

    def good_side(self, value: float) -> bool:
        """Whether a value lies on the side of the target that is asked for; for "=", at or above it. NaN never does."""
        return value <= self.value if self.sign == "<=" else value >= self.value

    def met_by(self, value: float) -> bool:
        """Whether a value of the measure meets the goal."""
        return value == self.value if self.sign == "=" else self.good_side(value)


REMISSIONS = ("principal_remission", "all_remission", "full_remission")


class Key(NamedTuple):
    """Which row of a measure table: `at` and `service` are empty where they do not apply."""

    measure: str
    base: str
    at: str
    service: str
    group: str


class Value(NamedTuple):
    """One row's numerator, denominator and value; NaN where there is none."""

    numerator: float
    denominator: float
    value: float


SERVICES = ("service", "none")


class Name(NamedTuple):
    """What a row is of, whichever the group."""

    measure: str
    base: str
    at: str
    service: str


def words(name: str) -> str:
    """A name as a reader sees it: underscores become spaces, and nothing is taken for mathematics."""
    return name.replace("_", " ").replace("$", r"\$")
