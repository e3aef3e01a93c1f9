"""Which figure is meant: one address for all, how it is written, and the ladder of figures that everything is told by.

>>> Quantity.parse("wait_days_mean///step=high_intensity").group
'step=high_intensity'
>>> str(Quantity("full_remission", "started", "sustained", "service", "all"))
'full_remission/started/sustained'
"""

from typing import NamedTuple

from caseload_sim.definitions.measures import check_measures
from caseload_sim.errors import RunError, did_you_mean

SHORT_NAMES = {
    "within_28_days": "first_contact_within_28_days",
    "within_6_weeks": "first_contact_within_6_weeks",
    "within_18_weeks": "first_contact_within_18_weeks",
}
HOW_WRITTEN = (
    "Write MEASURE/BASE/AT/GROUP, as in recovery/finished/end/ptsd=yes or wait_days_mean///step=high_intensity."
)

# The ladder: its rungs from the mildest to the strictest, whom they are over, and when they are read, each in words.
REMISSIONS = ("principal_remission", "all_remission", "full_remission")
RUNGS = {
    "recovery": "official recovery (questionnaire)",
    "principal_remission": "principal disorder gone (interview)",
    "all_remission": "all starting disorders gone",
    "full_remission": "all fully gone",
}
# People helped beyond no service: the measure, and the success that is counted less the same success untreated.
HELPED_TO = {"helped_to_recovery": "recovery", "helped_to_remission": "principal_remission"}
BASES = {
    "finished": "finished a course",
    "started": "of all who had a first contact",
    "referred": "of all referred",
}
READINGS = {"end": "at the end", "month_12": "at month 12", "sustained": "sustained for a year"}
SCORED = ("end", "month_12")  # when questionnaires are read

SERVICES = ("service", "none")
DIFFERENCE = "difference"  # of the two, client by client
_EVERY_BASE = (*BASES, "all", "courses")  # operations are counted over all, or by course, and have no rungs


class Quantity(NamedTuple):
    """Which row of a measure table: a measure, over whom (base), read when (at), with the service or not, of which group.

    As the address of a row, it is complete: `at` and `service` are empty where the measure has none. As what a user asks for,
    an empty part was left out: it is then the only one that the measure has, or finished, end, service, all.
    A tuple, because a table has sixteen thousand of them, which are looked up and compared.
    """

    measure: str
    base: str = ""
    at: str = ""
    service: str = ""
    group: str = ""

    @classmethod
    def parse(cls, text: str) -> "Quantity":
        """A figure as written: MEASURE/BASE/AT/GROUP, of which parts may be empty or left out at the end.

        With a fifth part, `none` or `difference`, it is that of the same clients untreated, or what the service adds.
        Colons, with which figures were written formerly, do as well.
        Raises RunError for a measure, base, reading or service that no figure has; whether this measure has it in this
        scenario is seen where its row is looked for, by `measures.rows.place_of`.
        """
        measure, *others = (part.strip() for part in with_slashes(text).split("/"))
        if len(others) > len(cls._fields) - 1:
            raise RunError(f"{text}: too many parts. {HOW_WRITTEN}")
        measure = SHORT_NAMES.get(measure, measure)
        check_measures([measure])
        base, at, group, service = (*others, "", "", "", "")[:4]
        for value, known, part in (
            (base, _EVERY_BASE, "base"),
            (at, READINGS, "reading"),
            (service, (*SERVICES, DIFFERENCE), "service"),
        ):
            if value and value not in known:
                raise RunError(f"{text}: '{value}' is not a {part}. {did_you_mean(value, known)} {HOW_WRITTEN}")
        if group and group != "all" and "=" not in group:
            raise RunError(f"{text}: '{group}' is not a group: all, or NAME=VALUE. {HOW_WRITTEN}")
        return cls(measure, base, at, service, group)

    def __str__(self) -> str:
        """As it is written, without what is meant where nothing is said."""
        group = "" if self.group == "all" else self.group
        service = "" if self.service == "service" else self.service
        return "/".join((self.measure, self.base, self.at, group, service)).rstrip("/")


LADDER = (
    *(Quantity(rung, "finished", "end", "service", "all") for rung in RUNGS),
    Quantity("full_remission", "started", "end", "service", "all"),
    Quantity("full_remission", "started", "sustained", "service", "all"),
)
HELPED = tuple(Quantity(measure, "referred", "end", "", "all") for measure in HELPED_TO)  # people, in a year
# Comparisons go one rung further than the picture of the ladder, where everybody shown has been seen.
LADDER_TO_REFERRED = (*LADDER, Quantity("full_remission", "referred", "end", "service", "all"))


class Value(NamedTuple):
    """One row's numerator, denominator and value; NaN where there is none."""

    numerator: float
    denominator: float
    value: float


def with_slashes(text: str) -> str:
    """A figure as it is written now, where it is written as formerly: `recovery:started` is `recovery/started`."""
    return text if "/" in text else text.replace(":", "/")


def words(name: str) -> str:
    """A name as a reader sees it: underscores become spaces."""
    return name.replace("_", " ")
