"""The seven figures of a service that a backtest predicts, as they are published for a financial year.

A year is made here of whatever months are published: a mean of a year is the mean of its monthly figures, and a count that is
suppressed in a month counts as none. So last year's figures miss this year's, over the 107 services that have both years, by
the amounts that were published with this project's aim.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import CatalogueError
from caseload_sim.services.published import ENGLAND, Published
from caseload_sim.services.scenario_file import FEWEST_FINISHED
from caseload_sim.services.year import Series, months_before

PER_CENT = 100


@dataclass(frozen=True, slots=True)
class Yearly:
    """A figure that is predicted.

    quantity: the same of the model; "numerator" is what of it counts, or "value"; "" for the list, which is no measure
    is_count: of people, so that it grows with the service, and is predicted as a multiple of last year's
    """

    name: str
    words: str
    unit: str
    published: Callable[[Series, Sequence[str]], float]
    quantity: Quantity | None = None
    part: str = "value"
    is_count: bool = False


def _known(series: Series, measure: str, months: Sequence[str]) -> list[float]:
    values = series.get(measure, {})
    return [values[month] for month in months if month in values]


def _mean(measure: str, scale: float = 1.0) -> Callable[[Series, Sequence[str]], float]:
    def of(series: Series, months: Sequence[str]) -> float:
        known = _known(series, measure, months)
        return float(np.mean(known)) / scale if known else float("nan")

    return of


def _sum(measure: str) -> Callable[[Series, Sequence[str]], float]:
    return lambda series, months: float(sum(_known(series, measure, months)))


def _share(top: str, under: str, less: str = "") -> Callable[[Series, Sequence[str]], float]:
    def of(series: Series, months: Sequence[str]) -> float:
        above, below = (
            _sum(top)(series, months),
            _sum(under)(series, months) - (_sum(less)(series, months) if less else 0),
        )
        return above / below if above > 0 and below > 0 else float("nan")

    return of


def _last(measure: str) -> Callable[[Series, Sequence[str]], float]:
    return lambda series, months: series.get(measure, {}).get(months[-1], float("nan"))


YEARLY = (
    Yearly("first_wait_days", "mean wait for a first contact", "days", _mean("M048"),
           Quantity("first_contact_days_mean", "started", "", "", "all")),
    Yearly("within_6_weeks", "first contact within six weeks", "share", _mean("M053", PER_CENT),
           Quantity("first_contact_within_6_weeks", "started", "", "", "all")),
    Yearly("over_90_days", "over 90 days to a second contact", "share", _share("M047", "M184"),
           Quantity("second_contact_over_90_days", "finished", "", "", "all")),
    Yearly("high_intensity_wait_days", "mean wait for high intensity", "days", _mean("M347"),
           Quantity("treatment_wait_days_mean", "finished", "", "", "intensity=high")),
    Yearly("waiting_for_treatment", "waiting for treatment in March", "people", _last("M038"), is_count=True),
    Yearly("finished", "finished courses", "people", _sum("M076"),
           Quantity("ended_after_finishing", "all", "", "", "all"), "numerator", is_count=True),
    Yearly("recovery", "recovery", "share", _share("M191", "M076", "M179"),
           Quantity("recovery", "finished", "end", "", "all")),
)  # fmt: skip


def months_of(year: str) -> tuple[str, ...]:
    """The months of a financial year written as 2023-24. Raises CatalogueError for what is no such year.

    >>> months_of("2023-24")[0], months_of("2023-24")[-1]
    ('2023-04', '2024-03')
    """
    first, dash, last = year.partition("-")
    if not (
        first.isascii() and first.isdigit() and len(first) == 4 and dash and last == f"{(int(first) + 1) % 100:02d}"
    ):
        raise CatalogueError(f"{year}: not a financial year. Write it as 2023-24, for April 2023 to March 2024.")
    return months_before(f"{int(first) + 1}-03")


def has_full_year(series: Series, months: Sequence[str]) -> bool:
    """Whether something is published in each of these months, and 200 finished courses in all of them."""
    there = {month for values in series.values() for month in values}
    return set(months) <= there and _sum("M076")(series, months) >= FEWEST_FINISHED


def full_services(published: Published, *years: str) -> dict[str, Series]:
    """Every provider with each of these financial years in full, by code, and its figures.

    Raises CatalogueError for a year in which some month is not published at all.
    """
    there = published.series(ENGLAND)["M001"]
    for year in years:
        if missing := [month for month in months_of(year) if month not in there]:
            raise CatalogueError(
                f"{year}: nothing is published for {missing[0]}. There are months from {min(there)} to {max(there)}; "
                "`caseload-sim import-statistics` adds newer ones."
            )
    all_series = {code: published.series(code) for code in published.codes}
    return {
        code: series
        for code, series in all_series.items()
        if all(has_full_year(series, months_of(year)) for year in years)
    }


def ratio_of_attended(series: Series, first: str, second: str) -> float:
    """Attended appointments of the second year over those of the first, in calendar months that both years have; NaN if none."""
    attended = series.get("M086", {})
    pairs = [
        (attended[one], attended[other])
        for one, other in zip(months_of(first), months_of(second), strict=True)
        if one in attended and other in attended
    ]
    before = sum(one for one, _ in pairs)
    return sum(other for _, other in pairs) / before if before else float("nan")
