"""The published figures of a service with which its scenario is compared, and what is moved to meet each of them.

Some published figures cannot all be true of one service in which everybody waits their turn: a mean wait for high intensity
that is longer than its share of the mean wait for a second contact leaves room for, or more people never assessed than ended
before treatment. Which figure is then a check, and not fitted, is decided here: see `targets_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log

from caseload_sim.measures.service import FOUR_WEEKS_DAYS
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.published import Published
from caseload_sim.services.year import MONTHS, Made, ProviderYear, made_of, months_before

MEAN_OVER_90_DAYS = 150.0
FEWEST_DAYS = 10.0  # a mean wait for high intensity below it is of assessments that are coded as treatment
LONGEST_FOR_LOW = 2.0  # times as long as everybody's: more than that nobody waits for low intensity alone
MOST_NOT_ASSESSED = 0.7  # of those who end before treatment; others decline or are not suitable
PRACTITIONERS, THERAPISTS = "staff.psychological_wellbeing_practitioner.wte", "staff.high_intensity_therapist.wte"
_LOW_COURSES = ("low_intensity", "group", "internet_guided")
_COURSES = (*_LOW_COURSES, "high_intensity")


@dataclass(frozen=True, slots=True)
class Count:
    """A count of the annual publication: of a group, or of a part of it, which measure."""

    kind: str
    group: str
    part: str = ""
    measure: str = "finished_course_treatment_count"


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure of the service: of which measure of the model, and what is moved to meet it; nothing for a check.

    made: how it is made of monthly figures; annual: or of annual counts, a numerator over denominators, by group and part
    bands: or of annual counts by days waited, each with the mean days of its band
    """

    name: str
    measure: str
    moves: tuple[str, ...] = ()
    made: Made | None = None
    annual: tuple["Count", tuple["Count", ...]] | None = None
    bands: tuple[tuple["Count", float], ...] = ()
    less_than_one: bool = False
    base: str = ""
    at: str = ""
    group: str = ""

    @property
    def unit(self) -> str:
        return self.made.unit if self.made else "share"


def _share(top: str, under: str) -> Made:
    return Made("", "", "share", "share", tuple(top.split("+")), (under,))


def _mean(measure: str, unit: str, weight: str = "M076") -> Made:
    return Made("", "", unit, "mean", (measure,), (weight,))


def _of_steps(name: str, steps: tuple[str, ...] = _LOW_COURSES) -> tuple[str, ...]:
    return tuple(f"pathway.steps.{step}.{name}" for step in steps)


_PATHWAY, _SECOND = "Stepped Care Pathway", "First to Second treatment"
_LOW = Count(_PATHWAY, "Assessment to first low intensity therapy")
_HIGH = Count(_PATHWAY, "Assessment to first high intensity therapy")
_UP = Count(_PATHWAY, "Step up - Last low to first high intensity therapy")
_FINISHED, _CASES = Count("Total", "NULL"), Count("Total", "NULL", "", "at_caseness_count")

# Days from the first to the second contact are published in bands. Within a band the middle is taken, and above 90 days what
# makes the mean of England 61 days, as it is in national_2024_25.
_BANDS = tuple(
    (Count("Waiting Time", _SECOND, part), days)
    for part, days in (("<=28 days", 14.0), ("29-56 days", 42.5), ("57-90 days", 73.5), (">90 days", MEAN_OVER_90_DAYS))
)


def _total(measure: str) -> Count:
    return Count("Total", "NULL", "", measure)


TARGETS = (
    Target("ended_before_treatment", "ended_before_treatment", ("pathway.declined",), _share("M153", "M056")),
    Target("ended_after_one_contact", "ended_after_one_contact", ("pathway.attendance.intercept",), _share("M075", "M056")),
    Target("ended_after_finishing", "ended_after_finishing", (), _share("M076", "M056")),
    Target("reason_not_assessed", "reason_not_assessed", ("pathway.not_assessed",), _share("M342", "M056")),
    Target("reason_not_suitable", "reason_not_suitable", ("pathway.screening.not_suitable",), _share("M057+M058", "M056")),
    Target("reason_advice_or_elsewhere", "reason_advice_or_elsewhere",
           ("pathway.screening.advice_below_caseness", "pathway.screening.advice_at_caseness"), _share("M059+M060", "M056")),
    Target("reason_unplanned", "reason_unplanned", _of_steps("drop_out_per_session", _COURSES), _share("M344", "M056")),
    Target("reason_declined", "reason_declined", (), _share("M061", "M056")),
    Target("low_intensity_first", "low_intensity_first", ("pathway.routing.direct_intercept",),
           annual=(_LOW, (_LOW, _HIGH))),
    Target("stepped_up", "stepped_up", _of_steps("step_up_acceptance"),
           annual=(_UP, (_LOW,))),
    Target("low_intensity_contacts", "coded_contacts_mean", _of_steps("planned_sessions_mean"),
           _mean("M120", "contacts"), group="intensity=low"),
    Target("high_intensity_contacts", "coded_contacts_mean", ("pathway.steps.high_intensity.planned_sessions_mean",),
           _mean("M112", "contacts"), group="intensity=high"),
    Target("contacts_mean", "contacts_mean", (), _mean("M141", "contacts")),
    Target("days_between_contacts", "days_between_contacts_mean", _of_steps("days_between_sessions", _COURSES), _mean("M351", "days")),
    Target("not_attended", "not_attended", ("pathway.missed.not_attended",), _share("M084", "M082")),
    Target("client_cancelled", "client_cancelled", ("pathway.missed.client_cancelled",), _share("M083", "M082")),
    Target("provider_cancelled", "provider_cancelled", ("pathway.missed.provider_cancelled",), _share("M085", "M082")),
    Target("first_contact_days_mean", "first_contact_days_mean", ("pathway.booking.mean_days",), _mean("M048", "days", "M031")),
    Target("first_contact_within_6_weeks", "first_contact_within_6_weeks", (), _share("M052", "M076")),
    Target("first_contact_within_18_weeks", "first_contact_within_18_weeks", (), _share("M054", "M076")),
    Target("second_contact_days_mean", "second_contact_days_mean", (PRACTITIONERS,), bands=_BANDS),
    Target("second_contact_over_28_days", "second_contact_over_28_days", _of_steps("lag_days_mean", _COURSES),
           annual=(Count("Waiting Time", _SECOND, "<=28 days"), (_FINISHED,)), less_than_one=True),
    Target("second_contact_over_90_days", "second_contact_over_90_days", (),
           annual=(Count("Waiting Time", _SECOND, ">90 days"), (_FINISHED,))),
    Target("assessment_to_high_intensity_days", "treatment_wait_days_mean", (THERAPISTS,),
           _mean("M347", "days"), group="intensity=high"),
    Target("assessment_to_low_intensity_days", "treatment_wait_days_mean", (), _mean("M348", "days"), group="intensity=low"),
    Target("step_up_wait_days", "step_up_wait_days_mean", (), _mean("M350", "days")),
    Target("recovery", "recovery", annual=(_total("recovery_count"), (_CASES,)), base="finished", at="end"),
    Target("reliable_recovery", "reliable_recovery", annual=(_total("reliable_recovery_count"), (_CASES,)), base="finished", at="end"),
    Target("improvement", "improvement", annual=(_total("improvement_count"), (_FINISHED,)), base="finished", at="end"),
    Target("deterioration", "deterioration", annual=(_total("deterioration_count"), (_FINISHED,)), base="finished", at="end"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A target with its published value, and where that stands; or with an assumed one, and why."""

    target: Target
    value: float
    where: str = ""
    assumption: str = ""


def targets_of(published: Published, year: ProviderYear, parent: Scenario) -> list[Found]:
    """The figures of the service that are published, in the order of `TARGETS`, each with what is moved to meet it.

    parent: the scenario that a service's file extends; it says how long clients wait where the service does not
    """
    code, months = year.provider.code, months_before(year.last_month)
    annual_year, annual = annual_of(published, year)
    series, found = published.series(code), []
    for target in TARGETS:
        if target.made:
            value, n = made_of(target.made, series, months)
            parts = "+".join(target.made.of), "+".join(target.made.over), "+".join(target.made.less)
            of = f" of {parts[1]}" if parts[1] and target.made.how == "share" else ""
            where = (
                f"monthly, {parts[0]}{of}{' less ' + parts[2] if parts[2] else ''}, {code}, {n} months to {months[-1]}"
            )
        elif target.bands:
            counts = [_annual_count(annual, one) for one, _ in target.bands]
            n = 0 if None in counts else MONTHS
            weighted = sum((k or 0) * days for k, (_, days) in zip(counts, target.bands, strict=True))
            value = weighted / sum(k or 0 for k in counts) if n else float("nan")
            where = f"annual {annual_year}, waiting time, {_SECOND}, bands with assumed means, {code}"
        else:
            assert target.annual is not None
            top, *unders = (_annual_count(annual, one) for one in (target.annual[0], *target.annual[1]))
            n = 0 if None in (top, *unders) else MONTHS
            under = sum(one or 0 for one in unders)
            value = (top or 0) / under if n and under else float("nan")
            value = 1 - value if target.less_than_one else value
            one = target.annual[0]
            what = ", ".join(filter(None, (one.kind.lower(), one.group.replace("NULL", ""), one.part)))
            where = f"annual {annual_year}, {what}, {one.measure}, {code}"
        if n and value == value:
            found.append(Found(target, value, where))
    if not any(one.target.bands for one in found):
        found += _second_contact_assumed({one.target.name: one.value for one in found}, parent)
    moved = moved_by({one.target.name: one.value for one in found}, parent)
    return [replace(one, target=replace(one.target, moves=moved[one.target.name])) for one in found]


def _second_contact_assumed(values: Mapping[str, float], parent: Scenario) -> list[Found]:
    """The mean wait for a second contact where its bands are not all published: from the share over 28 days, else the parent's."""
    (target,) = (one for one in TARGETS if one.bands)
    over = values.get("second_contact_over_28_days")
    if over is not None and 0 < over < 1:
        why = f"not published: if waits are exponential, that of which {100 * over:.1f}% is over 28 days"
        return [Found(target, -FOUR_WEEKS_DAYS / log(over), "", why)]
    assumed = parent.official.get(target.name)
    return [Found(target, assumed.value, "", f"not published: as in {parent.name}")] if assumed else []


def moved_by(values: Mapping[str, float], parent: Scenario) -> dict[str, tuple[str, ...]]:
    """What is moved to meet each figure of a service, given all its figures; nothing where another figure contradicts it.

    A mean wait for high intensity is met by therapists where it leaves those sent to low intensity a wait that can be: the
    mean wait for a second contact is that of both, so with 0.6 sent to high intensity for 140 days and 90 days for all, low
    intensity would have 15. Where it cannot be, practitioners and therapists are both moved to the wait for a second contact.
    parent: says how many are sent to low intensity first where the service does not
    """
    moves = {target.name: target.moves for target in TARGETS if target.name in values}
    high, second = values.get("assessment_to_high_intensity_days"), values.get("second_contact_days_mean")
    if second is not None and (high is None or not _can_be(high, second, _share_low(values, parent))):
        moves["second_contact_days_mean"] = (PRACTITIONERS, THERAPISTS)
        moves["assessment_to_high_intensity_days"] = ()
    if values.get("reason_not_assessed", 0.0) > MOST_NOT_ASSESSED * values.get("ended_before_treatment", 1.0):
        moves["reason_not_assessed"] = ()
    return moves


def _can_be(high: float, second: float, share_low: float) -> bool:
    """Whether people wait so long for high intensity if all wait so long for a second contact."""
    low = (second - (1 - share_low) * high) / share_low
    return high >= FEWEST_DAYS and FEWEST_DAYS <= low <= LONGEST_FOR_LOW * second


def _share_low(values: Mapping[str, float], parent: Scenario) -> float:
    """Share of those treated who are sent to low intensity first."""
    if "low_intensity_first" in values:
        return values["low_intensity_first"]
    assumed = parent.official.get("low_intensity_first")
    return assumed.value if assumed else 1 / 2


def annual_of(published: Published, year: ProviderYear) -> tuple[str, Mapping[tuple[str, str, str, str], float]]:
    """The annual figures of the financial year in which most of a provider's year lies, or of the one before; with its name."""
    ours = financial_year(year.last_month)
    for name in (ours, _year_before(ours)):
        if found := published.annual(year.provider.code, name):
            return name, found
    return ours, {}


def financial_year(last_month: str) -> str:
    """The financial year, from April to March, in which most of the twelve months up to that one lie.

    >>> financial_year("2025-03"), financial_year("2025-02"), financial_year("2025-10")
    ('2024-25', '2024-25', '2025-26')
    """
    begins = (int(last_month[:4]) * MONTHS + int(last_month[5:]) - 1 - MONTHS + 3) // MONTHS
    return f"{begins}-{(begins + 1) % 100:02d}"


def _year_before(name: str) -> str:
    begins = int(name[:4]) - 1
    return f"{begins}-{(begins + 1) % 100:02d}"


def _annual_count(annual: Mapping[tuple[str, str, str, str], float], one: Count) -> float | None:
    """That many; None where it is suppressed."""
    return annual.get((one.kind, one.group, one.part, one.measure))
