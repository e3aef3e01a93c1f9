"""A provider's year, made of its months: twelve that follow each other, each figure with the published measures it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from caseload_sim.errors import CatalogueError
from caseload_sim.services.published import ENGLAND, Provider, Published
from caseload_sim.support.columns import Columns

MONTHS = 12
MOST_MISSING = 2  # months of a year: the others then stand for all of it
Series = Mapping[str, Mapping[str, float]]  # measure -> month -> value


@dataclass(frozen=True, slots=True)
class Made:
    """How a figure of a year is made of monthly ones.

    how: "sum" of a count; "share", one sum over another; "complement", 1 less that; "mean", of monthly means, weighted by a count where one is named;
        "last", the value of the last month; "last_share", a share of the last month
    of: measures that are added up; over: those of the denominator or the weight; less: taken from the denominator
    """

    name: str
    words: str
    unit: str
    how: str
    of: tuple[str, ...]
    over: tuple[str, ...] = ()
    less: tuple[str, ...] = ()


FIGURES = (
    Made("referrals_received", "referrals received", "referrals", "sum", ("M001",)),
    Made("self_referrals", "referred themselves", "share", "share", ("M002",), ("M001",)),
    Made("ended_before_treatment", "ended before any treatment", "share", "share", ("M153",), ("M056",)),
    Made("ended_treated_once", "ended after one treatment contact", "share", "share", ("M075",), ("M056",)),
    Made("entered_treatment", "had a first treatment contact", "referrals", "sum", ("M031",)),
    Made("finished_course_treatment", "finished: two contacts or more", "referrals", "sum", ("M076",)),
    Made("at_caseness", "of these, at caseness at the start", "share", "complement", ("M179",), ("M076",)),
    Made("recovery", "recovered, of those at caseness", "share", "share", ("M191",), ("M076",), ("M179",)),
    Made("reliable_recovery", "reliably recovered, of those at caseness", "share", "share", ("M193",), ("M076",), ("M179",)),
    Made("improvement", "reliably improved, of finished courses", "share", "share", ("M185",), ("M076",)),
    Made("deterioration", "reliably deteriorated, of finished courses", "share", "share", ("M189",), ("M076",)),
    Made("within_6_weeks", "first contact within six weeks (aim: 75%)", "share", "share", ("M052",), ("M076",)),
    Made("within_18_weeks", "first contact within 18 weeks (aim: 95%)", "share", "share", ("M054",), ("M076",)),
    Made("first_wait_days", "mean wait for the first treatment contact", "days", "mean", ("M048",), ("M031",)),
    Made("over_90_days", "over 90 days from first to second contact", "share", "share", ("M047",), ("M184",)),
    Made("low_intensity_wait_days", "mean wait from assessment to low intensity", "days", "mean", ("M348",)),
    Made("high_intensity_wait_days", "mean wait from assessment to high intensity", "days", "mean", ("M347",)),
    Made("step_up_wait_days", "mean wait at a step up", "days", "mean", ("M350",)),
    Made("appointments", "appointments booked", "appointments", "sum", ("M082",)),
    Made("attended", "of these, attended", "share", "share", ("M086",), ("M082",)),
    Made("days_between", "mean days between treatment contacts", "days", "mean", ("M351",), ("M076",)),
    Made("contacts_of_finished", "treatment contacts of a finished course", "contacts", "mean", ("M141",), ("M076",)),
    Made("low_intensity_sessions", "sessions of low intensity", "contacts", "mean", ("M120",), ("M076",)),
    Made("high_intensity_sessions", "sessions of high intensity", "contacts", "mean", ("M112",), ("M076",)),
    Made("waiting_for_assessment", "waiting for an assessment, at the end", "referrals", "last", ("M029",)),
    Made("waiting_for_treatment", "waiting for treatment, at the end", "referrals", "last", ("M038",)),
    Made("waiting_over_90_days", "of these, for over 90 days", "share", "last_share", ("M045",), ("M038",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class YearFigure:
    """One figure of a provider's year; NaN where a part of it was not published. england: the same of the whole country.

    measure_ids: what it is made of; n_months: in how many of the year's months all its parts were published
    """

    name: str
    words: str
    unit: str
    value: float
    england: float
    measure_ids: str
    n_months: int


@dataclass(frozen=True, slots=True)
class ProviderYear:
    """A provider's latest year: twelve months that follow each other, the last of which is the last published.

    missing: months in which referrals or finished courses are not published
    """

    provider: Provider
    first_month: str
    last_month: str
    missing: tuple[str, ...]
    figures: tuple[YearFigure, ...]

    @property
    def is_full(self) -> bool:
        """Whether referrals and finished courses were published in all months."""
        return not self.missing

    def value(self, name: str) -> float:
        """The figure of that name."""
        (found,) = (one.value for one in self.figures if one.name == name)
        return found

    def of_twelve_months(self, name: str) -> float:
        """A sum of the year's months; where some are not published, twelve times the mean of the others."""
        (found,) = (one.value * MONTHS / one.n_months for one in self.figures if one.name == name)
        return found


def year_of(published: Published, provider: Provider, last_month: str | None = None) -> ProviderYear:
    """A provider's year up to a month, the last in which anything is published if None.

    Raises CatalogueError where nothing is published in it.
    """
    series, england = published.series(provider.code), published.series(ENGLAND)
    there = sorted({month for values in series.values() for month in values})
    last = last_month or there[-1]
    months = months_before(last)
    if not set(months) & set(there):
        raise CatalogueError(
            f"{provider.code}: nothing is published from {months[0]} to {months[-1]}. There are figures from {there[0]} to {there[-1]}."
        )
    figures = tuple(
        YearFigure(
            made.name,
            made.words,
            made.unit,
            made_of(made, series, months)[0],
            made_of(made, england, months)[0],
            "+".join(dict.fromkeys((*made.of, *made.over, *made.less))),
            made_of(made, series, months)[1],
        )
        for made in FIGURES
    )
    missing = tuple(month for month in months if any(month not in series.get(one, {}) for one in ("M001", "M076")))
    return ProviderYear(provider, months[0], months[-1], missing, figures)


def months_before(last: str) -> tuple[str, ...]:
    """The twelve months that end with this one.

    >>> months_before("2025-03")[0], months_before("2025-03")[-1]
    ('2024-04', '2025-03')
    """
    number = int(last[:4]) * MONTHS + int(last[5:]) - 1
    return tuple(f"{one // MONTHS:04d}-{one % MONTHS + 1:02d}" for one in range(number - MONTHS + 1, number + 1))


def made_of(made: Made, series: Series, months: Sequence[str]) -> tuple[float, int]:
    """The figure, and in how many months all its parts are published; months that lack one are left out of all of it.

    A share without a numerator in some month is so small there that it is suppressed; it is left out too, which makes such
    shares a little too high for the smallest providers.
    """
    parts = (*made.of, *made.over, *made.less)
    whole = [month for month in months if all(month in series.get(part, {}) for part in parts)]
    if made.how.startswith("last"):
        whole = [month for month in whole if month == months[-1]]
    if not whole:
        return np.nan, 0

    def total(measures: Sequence[str]) -> Columns:
        return np.asarray(
            np.sum([[series[one][month] for month in whole] for one in measures], axis=0, dtype=np.float64)
        )

    top, under = total(made.of), total(made.over) if made.over else np.ones(len(whole))
    under = under - total(made.less) if made.less else under
    if made.how in ("sum", "last"):
        return float(top.sum()), len(whole)
    weighted = top * under if made.how == "mean" else top
    value = float(weighted.sum() / under.sum()) if under.sum() else np.nan
    return 1 - value if made.how == "complement" else value, len(whole)
