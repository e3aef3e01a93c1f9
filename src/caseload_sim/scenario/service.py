"""When, for whom and with whom a service runs: calendar, demand, who is there at opening, staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from caseload_sim.definitions.times import DAYS_PER_WEEK, FIRST_DATE, LAST_DATE, days_waited, number_of_month
from caseload_sim.scenario.numbers import (
    Amount,
    DaysLong,
    Factor,
    Part,
    Problems,
    RelativeRise,
    Share,
    Table,
    Vacancy,
    WeeklyContacts,
    WholeTime,
    YearlyChange,
    YearlyRate,
)

MOST_DAYS = 73_000  # of a run: no patience and no course is cut shorter than that (LONGEST_DAYS)
ROUNDING = 1e-9  # by which sums of decimal fractions may miss 1
MOST_OF_AN_INDEX = 2  # the mean of a monthly index, or one divided by it: beyond that, something else was typed


def _as_date(value: Any) -> Any:
    """A date as TOML writes it, or the same in quotes; anything else is left for the schema to refuse."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r:.40} is not a date; write it as 2022-04-02") from None
    if type(value) is date and not FIRST_DATE <= value <= LAST_DATE:
        raise ValueError(f"{value} is out of range; it must be from {FIRST_DATE} to {LAST_DATE}")
    return value


Date = Annotated[date, BeforeValidator(_as_date)]


class Run(Part):
    """How long is simulated, from which day on, how often, and with which seed."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    replications: Annotated[int, Field(ge=1, le=100_000)]
    warm_up_days: Annotated[int, Field(ge=0, le=36_500)]
    data_collection_days: Annotated[int, Field(ge=1, le=36_500)]
    follow_up_days: Annotated[int, Field(ge=0, le=36_500)]
    opens: Date = Field(description="the date of day 0")
    weekends_off: bool = Field(description="nobody starts on weekends and bank holidays of England")
    staff_turnover: bool = Field(description="staff leave and are replaced; otherwise all posts are filled for good")

    @model_validator(mode="after")
    def _ends_some_day(self) -> Self:
        if self.horizon_days > MOST_DAYS:
            raise ValueError(
                f"warm-up, data collection and follow-up add up to {self.horizon_days:,} days; at most {MOST_DAYS:,}, "
                "which are two hundred years"
            )
        return self

    @property
    def horizon_days(self) -> int:
        """Days simulated: warm-up, data collection and follow-up."""
        return self.warm_up_days + self.data_collection_days + self.follow_up_days

    @property
    def period(self) -> tuple[int, int]:
        """First day of data collection, and the first day after it."""
        return self.warm_up_days, self.warm_up_days + self.data_collection_days

    def within_period(self, days: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which days lie in the data collection period; a day that never came does not."""
        first, after = self.period
        return (days >= first) & (days < after)


class MonthlyIndex(Part):
    """Referrals of each calendar month, as a multiple of the mean month; only their proportions count.

    Their mean is about 1. Where it is far from that, counts were typed, which belong in `Demand.monthly_referrals`.
    """

    january: Amount = Field(description="referrals of the month, of the mean month")
    february: Amount = Field(description="referrals of the month, of the mean month")
    march: Amount = Field(description="referrals of the month, of the mean month")
    april: Amount = Field(description="referrals of the month, of the mean month")
    may: Amount = Field(description="referrals of the month, of the mean month")
    june: Amount = Field(description="referrals of the month, of the mean month")
    july: Amount = Field(description="referrals of the month, of the mean month")
    august: Amount = Field(description="referrals of the month, of the mean month")
    september: Amount = Field(description="referrals of the month, of the mean month")
    october: Amount = Field(description="referrals of the month, of the mean month")
    november: Amount = Field(description="referrals of the month, of the mean month")
    december: Amount = Field(description="referrals of the month, of the mean month")

    def values(self) -> list[float]:
        """The twelve numbers, January first."""
        return [getattr(self, month).value for month in type(self).model_fields]

    @model_validator(mode="after")
    def _is_not_all_zero(self) -> Self:
        if not any(self.values()):
            raise ValueError("all months are 0; at least one must be above 0")
        return self

    @model_validator(mode="after")
    def _is_no_count(self) -> Self:
        mean = float(np.mean(self.values()))
        if not 1 / MOST_OF_AN_INDEX <= mean <= MOST_OF_AN_INDEX:
            raise ValueError(
                f"the months have a mean of {mean:.4g}; each is a multiple of the mean month, so that their mean is about 1. "
                'Referrals as counted go into demand.monthly_referrals, by year and month, as in "2025-04" = { value = 412, '
                'assumption = "our count" }'
            )
        return self


class Period(Part):
    """From one date to another, both included."""

    from_date: Date
    to_date: Date

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_date < self.from_date:
            raise ValueError(f"to_date {self.to_date} is before from_date {self.from_date}; give the earlier first")
        return self


class Shock(Period):
    """A time in which referrals are some multiple of what they would have been."""

    factor: Factor = Field(description="referrals, as a multiple of what they would have been")


class Demand(Part):
    """How many clients are referred, and when."""

    referrals_per_year: Amount = Field(description="referrals a year, at the middle of data collection")
    growth_per_year: YearlyChange = Field(description="growth of referrals a year, as a share")
    seasonal: bool = Field(description="referrals follow the months of the year")
    monthly_index: MonthlyIndex
    monthly_referrals: Table[Amount] = Field(
        default_factory=dict,
        description="referrals counted in a calendar month, such as 2025-04; growth and shocks do not change them",
    )
    shocks: Table[Shock] = Field(default_factory=dict)

    def counted(self) -> dict[int, float]:
        """Referrals of each month that was counted, by its number: months since January 1970."""
        return {number_of_month(label): count.value for label, count in self.monthly_referrals.items()}


@dataclass(frozen=True, slots=True)
class StatedList:
    """How many wait for a step at opening, or are a part of those who do.

    path: where the scenario says so; from_days, to_days: that they have waited, both included; to_days: None without end
    """

    path: str
    clients: int
    from_days: int = 0
    to_days: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole list, of which no time waited is known."""
        return self.from_days == 0 and self.to_days is None


def _one_or_by_time(waiting: Any) -> str:
    return (
        "number" if isinstance(waiting, Amount) or (isinstance(waiting, Mapping) and "value" in waiting) else "by_time"
    )


# A list as a number, or as numbers by time waited, whose sum it then is.
Waiting = Annotated[
    Annotated[Amount, Tag("number")] | Annotated[Table[Amount], Tag("by_time")], Discriminator(_one_or_by_time)
]


class Start(Part):
    """Who is there at opening. Whoever has an assessment booked ahead is on no list yet."""

    running: bool = Field(description="false opens an empty service")
    waiting: Table[Waiting] = Field(
        default_factory=dict,
        description="clients on the list of each step at opening, also by time waited, such as under_28_days, 29_to_90_days "
        "and over_18_weeks; where not given, as many as its queue makes wait",
    )
    waited_since: Literal["joining_the_list", "referral"] = Field(
        default="joining_the_list", description="from when on times waited count"
    )

    def stated(self) -> dict[str, list[StatedList]]:
        """The lists that are stated, by step, in parts by time waited: one part where only a number is given.

        Raises ValueError for what is no time waited.
        """
        lists: dict[str, list[StatedList]] = {}
        for step, waiting in self.waiting.items():
            path = f"start.waiting.{step}"
            if isinstance(waiting, Amount):
                lists[step] = [StatedList(path, round(waiting.value))]
            elif waiting:
                parts = [
                    StatedList(f"{path}.{time}", round(n.value), *days_waited(time)) for time, n in waiting.items()
                ]
                lists[step] = sorted(parts, key=lambda part: part.from_days)
        return lists

    def overlaps(self) -> list[tuple[str, str]]:
        """The paths of parts of a list whose times waited overlap. Raises ValueError as `stated` does."""
        pairs = [pair for parts in self.stated().values() for pair in pairwise(parts)]
        return [(one.path, other.path) for one, other in pairs if one.to_days is None or other.from_days <= one.to_days]


class Surge(Period):
    """Extra staff for a time, on top of the posts: none of them leaves before its end."""

    wte: WholeTime = Field(description="whole-time equivalents added for a time")


NOT_KNOWN = (
    "not known: "  # how the assumption begins of a number that a file of a service has only in proportion to others
)
_NOT_GIVEN = "none, as the scenario does not say"


class Staff(Part):
    """Posts of one kind, who fills them, and the contacts they leave room for.

    Turnover and trainees are none for a kind of staff of one's own that does not mention them.
    """

    wte: WholeTime = Field(description="posts funded, whole-time equivalents")
    monthly_wte: Table[WholeTime] = Field(
        default_factory=dict, description="posts funded in a calendar month, such as 2025-04, where they were not `wte`"
    )
    contacts_per_week: WeeklyContacts = Field(description="booked contacts a week per WTE, when at work")
    leave_share: Share = Field(description="share of working time on annual leave and bank holidays")
    sickness_share: Share = Field(description="share of working time lost to sickness")
    training_and_admin_share: Share = Field(description="share of working time for training and administration")
    vacancy_share: Share = Field(
        default=Share(value=0, assumption=_NOT_GIVEN), description="share of posts vacant at opening"
    )
    leavers_per_year: YearlyRate = Field(
        default=YearlyRate(value=0, assumption=_NOT_GIVEN), description="leavers a year per person in post"
    )
    leavers_per_disorder: RelativeRise = Field(
        default=RelativeRise(value=0, assumption=_NOT_GIVEN),
        description="relative rise of leaving for each emotional disorder that clients have above the reference",
    )
    reference_disorders: Problems = Field(
        default=Problems(value=0, assumption=_NOT_GIVEN),
        description="emotional disorders of the mean client at which `leavers_per_year` holds",
    )
    days_to_replace: Vacancy = Field(
        default=Vacancy(value=0, assumption=_NOT_GIVEN), description="mean days that a post stays vacant"
    )
    trainees: WholeTime = Field(
        default=WholeTime(value=0, assumption=_NOT_GIVEN), description="trainees, whole-time equivalents"
    )
    trainee_share: Share = Field(
        default=Share(value=0, assumption=_NOT_GIVEN), description="contacts of a trainee, as a share of the qualified"
    )
    training_days: DaysLong = Field(
        default=DaysLong(value=365, assumption="a year, as the scenario does not say"),
        description="days until a trainee qualifies",
    )
    surge: Table[Surge] = Field(default_factory=dict)

    @property
    def available_share(self) -> float:
        """Share of working time left for clients, 0 to 1."""
        return 1 - (self.leave_share.value + self.sickness_share.value + self.training_and_admin_share.value)

    @property
    def contacts_per_wte_day(self) -> float:
        """Contacts that one WTE can book, averaged over all days of the year."""
        return self.contacts_per_week.value * self.available_share / DAYS_PER_WEEK

    def counted(self) -> dict[int, float]:
        """Posts of each month that was counted, by its number: months since January 1970."""
        return {number_of_month(label): wte.value for label, wte in self.monthly_wte.items()}

    def times(self, factor: float) -> "Staff":
        """The same staff with that many times the posts; surge teams and trainees as they are."""

        def more(wte: WholeTime) -> WholeTime:
            return wte.model_copy(update={"value": wte.value * factor})

        by_month = {month: more(wte) for month, wte in self.monthly_wte.items()}
        return self.model_copy(update={"wte": more(self.wte), "monthly_wte": by_month})

    @model_validator(mode="after")
    def _has_time_for_clients(self) -> Self:
        lost = 1 - self.available_share
        if lost > 1 + ROUNDING or (lost > 1 - ROUNDING and self.wte.value > 0):
            raise ValueError(
                f"leave_share, sickness_share and training_and_admin_share add up to {lost:g}; they must leave some time "
                "for clients, so together be below 1"
            )
        return self
