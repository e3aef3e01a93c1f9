"""What a figure is to reach: a goal, and how one is written."""

import re
from dataclasses import dataclass

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError

_HOW = "write MEASURE/BASE/AT/GROUP then >=, <= or = and a value, in quotes, as in 'within_18_weeks>=0.95'"
_WRITTEN = re.compile(r"(?P<what>.*[^<>=\s])\s*(?P<sign>>=|<=|=)\s*(?P<value>[^<>=]+)")  # the last sign counts


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and the value it should have.

    sign: ">=" at least, "<=" at most, "=" to reach the value, from above or from below
    """

    quantity: Quantity
    sign: str
    value: float

    def good_side(self, value: float) -> bool:
        """Whether a value is on the side of the target that is asked for. For "=" that is the target or above; NaN never is."""
        return value <= self.value if self.sign == "<=" else value >= self.value

    def met_by(self, value: float) -> bool:
        """Whether a value of the measure meets the goal."""
        return value == self.value if self.sign == "=" else self.good_side(value)


def goal_from(text: str) -> Goal:
    """A goal as written.

    >>> goal = goal_from("all_remission/started/sustained/ptsd=yes = 20%")
    >>> str(goal.quantity), goal.sign, goal.value
    ('all_remission/started/sustained/ptsd=yes', '=', 0.2)

    Raises RunError, saying what is wrong with it.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise RunError(f"--target {text}: {_HOW}.")
    quantity = Quantity.parse(found["what"])
    measure = quantity.measure
    unit, value = definition(measure).unit, found["value"].strip()
    try:
        number = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise RunError(f"--target {text}: {value} is not a number; {_HOW}.") from None
    if value.endswith("%") and unit != "share":
        raise RunError(f"--target {text}: {measure} is in {unit}, not in %.")
    if not abs(number) < float("inf"):
        raise RunError(f"--target {text}: {value} is not a finite number.")
    if unit == "share" and measure != "utilisation" and not 0 <= number <= 1:
        raise RunError(f"--target {text}: {measure} is a share, from 0 to 1; write 95% as 0.95 or 95%.")
    return Goal(quantity, found["sign"], number)
