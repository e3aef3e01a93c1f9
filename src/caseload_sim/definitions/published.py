"""What others have set or found, and figures are held against: the standards of the service, and the one audit by interview.

England's figures are in the scenarios (`official`) and in `analysis/outcome_evidence.toml`; these are in neither.
"""

from typing import NamedTuple


class Standard(NamedTuple):
    """How many are to be seen within how many days. share: of all, 0 to 1; words: its name on a picture."""

    days: int
    share: float
    words: str


# Of referral to first contact; and from first to second contact, where none is set and NHS England reports those over it.
SIX_WEEKS = Standard(42, 0.75, "6 weeks: 75% by then")
EIGHTEEN_WEEKS = Standard(126, 0.95, "18 weeks: 95% by then")
NINETY_DAYS = Standard(90, 1.0, "90 days")


class Audit(NamedTuple):
    """The result of an audit by diagnostic interview. found: share found fully recovered; n: clients, about."""

    found: float
    n: int
    words: str
    source: str


SCOTT_2018 = Audit(0.092, 90, "audit, Scott 2018", "scott2018")
