"""What published figures a result is read beside: national standards of waiting, and what was found by others."""

from typing import NamedTuple

from caseload_sim.definitions.quantities import Quantity


class Standard(NamedTuple):
    """A national standard: the share that the figure should reach, and how it is said; source: a key of `list sources`."""

    quantity: Quantity
    share: float
    in_words: str
    source: str


class Published(NamedTuple):
    """A figure that somebody has published; found_by: who, and when; source: a key of `list sources`."""

    quantity: Quantity
    value: float
    found_by: str
    source: str


WITHIN_6_WEEKS = Standard(
    Quantity("first_contact_within_6_weeks", "started", group="all"), 0.75, "within 6 weeks", "nhstt_manual"
)
WITHIN_18_WEEKS = Standard(
    Quantity("first_contact_within_18_weeks", "started", group="all"), 0.95, "within 18 weeks", "nhstt_manual"
)
# Annual report 2024-25, per finished referral at caseness: the figure of [official.recovery] in national_2024_25.toml.
ENGLAND = Published(Quantity("recovery", "finished", "end", "service", "all"), 0.505, "England 2024-25", "nhse2025")
