"""What a service should reach, written as within_18_weeks>=0.95: a measure, at least or at most, and a value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from caseload_sim.definitions import check_measures, definition
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiment import Row

SHORT_NAMES = {
    "within_28_days": "first_contact_within_28_days",
    "within_6_weeks": "first_contact_within_6_weeks",
    "within_18_weeks": "first_contact_within_18_weeks",
}
_HOW = "write MEASURE[:base[:at[:group]]] then >=, <= or = and a value, in quotes, as in 'within_18_weeks>=0.95'"
_WRITTEN = re.compile(r"(?P<what>.*[^<>=\s])\s*(?P<sign>>=|<=|=)\s*(?P<value>[^<>=]+)")  # the last sign counts
_PREFERRED = {"base": "finished", "at": "end", "service": "service", "group": "all"}  # where a measure has several


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


def goal_from(text: str) -> Goal:
    """A goal as written.

    >>> goal_from("within_18_weeks>=0.95")
    Goal(measure='first_contact_within_18_weeks', base='', at='', group='', sign='>=', value=0.95)
    >>> goal_from("all_remission:started:sustained:ptsd=yes = 20%").group
    'ptsd=yes'

    Raises RunError, saying what is wrong with it.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise RunError(f"--target {text}: {_HOW}.")
    measure, *rest = [part.strip() for part in found["what"].split(":")]
    if len(rest) > 3:
        raise RunError(f"--target {text}: too many colons; {_HOW}.")
    measure = SHORT_NAMES.get(measure, measure)
    check_measures([measure])
    base, at, group = (*rest, "", "", "")[:3]
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
    return Goal(measure, base, at, group, found["sign"], number)


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
