"""Does the model predict? A year fitted, the next one run with its own referrals, against "next year like this one".

The prediction is last year's published figure and what the model says that changes: its second year less its first, on the
same clients and draws, or for a count of people its second year over its first. So a figure that the model has at the wrong
level is not the further off for it. What the model itself says of the second year stands beside it, as the level.
Nothing is fitted to the second year, and nothing of it is given but referrals, and in a second line attended appointments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.errors import CatalogueError
from caseload_sim.experiments.tasks import Finished
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.each import ServiceTask, TwoYears
from caseload_sim.services.levers import share_for_a_fit
from caseload_sim.services.published import Published
from caseload_sim.services.rivals import mean_absolute_error, ratio_of_errors
from caseload_sim.services.scenario_file import service_scenario
from caseload_sim.services.two_years import with_counts
from caseload_sim.services.year import Series
from caseload_sim.services.yearly import YEARLY, Yearly, full_services, months_of, ratio_of_attended

LINES = {"given_referrals": "given referrals", "given_attended": "and appointments"}
HOW = ("change", "level")


@dataclass(frozen=True, slots=True)
class ServicePrediction:
    """A figure of the second year of a service, predicted. line: a key of LINES; how: "change" or "level", see the module."""

    code: str
    service: str
    figure: str
    line: str
    how: str
    published_first: float
    published_second: float
    model_first: float
    model_second: float
    predicted: float


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """A figure over all services: mean absolute errors, and that of the model over that of persistence with its 95% interval.

    mae_persistence: over the same services as mae; persistence_of_all: over all that have both years, n_of_all of them
    """

    figure: str
    unit: str
    line: str
    how: str
    n_services: int
    mae: float
    mae_persistence: float
    ratio: float
    ratio_lower_95_ci: float
    ratio_upper_95_ci: float
    persistence_of_all: float
    n_of_all: int


def check_years(first: str, second: str) -> None:
    """Raises CatalogueError for what are no financial years, or do not follow each other."""
    if int(months_of(first)[-1][:4]) != int(months_of(second)[0][:4]):
        raise CatalogueError(f"{first} and {second}: the second year must follow the first, as 2024-25 does 2023-24.")


def tasks_of_two_years(
    published: Published,
    parent: Scenario,
    first: str,
    second: str,
    codes: Sequence[str] = (),
    replications: int | None = None,
) -> tuple[list[ServiceTask], dict[str, Series]]:
    """A task for each service with both years in full of which a scenario can be made; and the figures of all with both years.

    codes: only these services; all if none. replications: see `TwoYears`. Raises CatalogueError as `check_years`, and for a year that is not published.
    """
    check_years(first, second)
    full = full_services(published, first, second)
    chosen = {code: series for code, series in full.items() if not codes or code in codes}
    tasks = []
    for code, series in chosen.items():
        last = months_of(first)[-1]
        try:
            scenario = service_scenario(published, code, parent, last)
        except CatalogueError:
            continue
        counts = series["M001"]
        known = {month: count for month, count in counts.items() if month <= last}
        both = {month: count for month, count in counts.items() if month <= months_of(second)[-1]}
        years = TwoYears(first, second, tuple(both.items()), ratio_of_attended(series, first, second), replications)
        tasks.append(ServiceTask(code, with_counts(scenario, known), years))
    return tasks, chosen


def backtest(
    published: Published, tasks: Sequence[ServiceTask], results: Mapping[str, Finished], full: Mapping[str, Series]
) -> tuple[list[BacktestRow], list[ServicePrediction]]:
    """The rows of the table, figure by figure, and every prediction of every service.

    full: figures by month of all services with both years, as `tasks_of_two_years` gives them
    """
    if not tasks:
        return [], []
    years = tasks[0].years
    assert years is not None
    predictions = [
        one
        for task in tasks
        if task.code in results
        for one in _predictions(published, task, results[task.code].read, full[task.code])
    ]
    return list(_rows(predictions, full, years)), _by_figure(predictions)


def _predictions(
    published: Published, task: ServiceTask, read: Mapping[str, float], series: Series
) -> Iterator[ServicePrediction]:
    assert task.years is not None
    name, size = published.provider(task.code).name, share_for_a_fit(task.scenario)
    for one in YEARLY:
        first, second = (one.published(series, months_of(year)) for year in (task.years.first, task.years.second))
        for line in LINES:
            scale = size if one.is_count else 1.0
            before, after = (
                read.get(f"{line}/{year}/{one.name}", float("nan")) / scale for year in ("first", "second")
            )
            for how in HOW:
                value = after if how == "level" else changed(one, first, before, after)
                if not isnan(value + first + second):
                    yield ServicePrediction(task.code, name, one.name, line, how, first, second, before, after, value)


def changed(one: Yearly, published: float, before: float, after: float) -> float:
    """Last year's figure with what the model says changes; never below 0, and no share above 1.

    >>> changed(YEARLY[0], 30.0, 20.0, 26.0), changed(YEARLY[4], 300.0, 200.0, 260.0), changed(YEARLY[2], 0.1, 0.4, 0.1)
    (36.0, 390.0, 0.0)
    """
    if one.is_count:
        return published * after / before if before else float("nan")
    value = max(published + after - before, 0.0)
    return min(value, 1.0) if one.unit == "share" else value


@dataclass(frozen=True, slots=True)
class Change:
    """How a figure of a service changed from the first year to the second, as published and as predicted; for a picture."""

    quantity: str
    role: str
    published: float
    model: float


def changes_of(predictions: Sequence[ServicePrediction]) -> list[Change]:
    """Every prediction by change, in both lines, in the order given."""
    return [
        Change(
            one.figure, LINES[one.line], one.published_second - one.published_first, one.predicted - one.published_first
        )
        for one in predictions
        if one.how == "change"
    ]


def _by_figure(predictions: Sequence[ServicePrediction]) -> list[ServicePrediction]:
    """The same in the order of `YEARLY`."""
    order = [one.name for one in YEARLY]
    return sorted(predictions, key=lambda one: order.index(one.figure))


def _rows(
    predictions: Sequence[ServicePrediction], full: Mapping[str, Series], years: TwoYears
) -> Iterator[BacktestRow]:
    draws = Draws(0, 0)
    for one in YEARLY:
        first, second = (
            np.array([one.published(series, months_of(year)) for series in full.values()])
            for year in (years.first, years.second)
        )
        n_of_all, of_all = int((~np.isnan(first - second)).sum()), mean_absolute_error(first, second)
        for line in LINES:
            for how in HOW:
                some = [p for p in predictions if (p.figure, p.line, p.how) == (one.name, line, how)]
                off, stays = (
                    np.array([abs(getattr(p, column) - p.published_second) for p in some])
                    for column in ("predicted", "published_first")
                )
                none = np.zeros(len(some))
                yield BacktestRow(
                    one.name, one.unit, line, how, len(some), mean_absolute_error(off, none),
                    mean_absolute_error(stays, none), *ratio_of_errors(off, stays, draws), of_all, n_of_all,
                )  # fmt: skip
