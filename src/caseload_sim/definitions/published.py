"""What others have set or found, and figures are held against: the standards of the service, and the one audit by interview.

England's other figures are in the scenarios (`official`) and in `analysis/outcome_evidence.toml`.
"""

from typing import NamedTuple

from caseload_sim.definitions.quantities import Quantity


class Standard(NamedTuple):
    """How many are to be seen within how many days.

    share: of all, 0 to 1; words: its name on a picture; quantity: the figure that it asks for, None where there is none;
    source: a key of `list sources`
    """

    days: int
    share: float
    words: str
    quantity: Quantity | None = None
    source: str = "nhstt_manual"


# Of referral to first contact; and from first to second contact, where none is set and NHS England reports those over it.
SIX_WEEKS = Standard(42, 0.75, "6 weeks: 75% by then", Quantity("first_contact_within_6_weeks", "started", group="all"))
EIGHTEEN_WEEKS = Standard(
    126, 0.95, "18 weeks: 95% by then", Quantity("first_contact_within_18_weeks", "started", group="all")
)
NINETY_DAYS = Standard(90, 1.0, "90 days")


class Published(NamedTuple):
    """A figure of a whole country. found_by: who, and of when; source: a key of `list sources`."""

    quantity: Quantity
    value: float
    found_by: str
    source: str


# Annual report 2024-25, per finished referral at caseness: [official.recovery] of national_2024_25.toml has it too, and a test compares.
ENGLAND = Published(Quantity("recovery", "finished", "end", "service", "all"), 0.505, "England 2024-25", "nhse2025")


class Audit(NamedTuple):
    """The result of an audit by diagnostic interview. found: share found fully recovered; n: clients, about."""

    found: float
    n: int
    words: str
    source: str


SCOTT_2018 = Audit(0.092, 90, "audit, Scott 2018", "scott2018")
