"""Does the model say what is published? Every service fitted to its own figures, and each figure beside those of two rivals.

The rivals are the mean of the other services, and a linear regression through the other services on four things that everybody
knows of a service: how many are referred for each finished course, how deprived they are, how many are sent to low intensity
first, and the logarithm of its size. Neither has seen the service's own value. The model has, of a figure that it was fitted
to; of a check it has not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isnan, log

import numpy as np

from caseload_sim.definitions.measures import definition
from caseload_sim.errors import CatalogueError
from caseload_sim.experiments.tasks import Finished
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.each import WHY_NOT, ServiceTask
from caseload_sim.services.published import ENGLAND, Published
from caseload_sim.services.rivals import correlation, lines_of_others, mean_absolute_error, means_of_others
from caseload_sim.services.scenario_file import service_scenario
from caseload_sim.services.targets import TARGETS
from caseload_sim.services.year import months_before
from caseload_sim.services.yearly import has_full_year
from caseload_sim.support.columns import Floats

COVARIATES = ("referrals for each finished course", "mean decile of deprivation", "share sent to low intensity first", "log of referrals a year")  # fmt: skip
_ITSELF = {
    "ended_after_finishing": 0,
    "low_intensity_first": 2,
}  # figures that are one of the covariates, or follow from it
_DECILES = "deprivation_decile"


@dataclass(frozen=True, slots=True)
class ServiceFigure:
    """A figure of a service: as published, in the model, and by the two rivals. role: "fitted" or "check", for this service."""

    code: str
    service: str
    quantity: str
    role: str
    published: float
    model: float
    mean_of_others: float
    regression: float


@dataclass(frozen=True, slots=True)
class ValidatedRow:
    """A figure over all services in which it has the same role. unit: share, days or contacts; correlations are with published."""

    quantity: str
    role: str
    unit: str
    n_services: int
    published_mean: float
    published_sd: float
    correlation: float
    mae_model: float
    mae_mean_of_others: float
    mae_regression: float
    correlation_regression: float


def tasks_of_a_year(
    published: Published, parent: Scenario, codes: Sequence[str] = ()
) -> tuple[list[ServiceTask], list[str]]:
    """A task for each service with a full last year, and the codes of those of which no scenario can be made.

    The year is the last twelve months published for England. codes: only these services, in which a month or two may be missing;
    all if none
    """
    last = max(published.series(ENGLAND)["M001"])
    tasks, left_out = [], []
    for code in codes or published.codes:
        if not codes and not has_full_year(published.series(code), months_before(last)):
            continue
        try:
            tasks.append(ServiceTask(code, service_scenario(published, code, parent, last)))
        except CatalogueError:
            left_out.append(code)
    return tasks, left_out


def validated(
    published: Published, tasks: Sequence[ServiceTask], results: Mapping[str, Finished]
) -> tuple[list[ValidatedRow], list[ServiceFigure], dict[str, str]]:
    """The rows of the table, every figure of every service, and why others could not be fitted, by code."""
    why_not = {code: one.digests[WHY_NOT] for code, one in results.items() if WHY_NOT in one.digests}
    fitted = [task for task in tasks if task.code in results and task.code not in why_not]
    covariates = np.array([_covariates(task.scenario) for task in fitted]).reshape(-1, len(COVARIATES))
    figures = [one for target in TARGETS for one in _figures(published, target.name, fitted, results, covariates)]
    return list(_rows(figures, fitted)), figures, why_not


def _figures(
    published: Published,
    quantity: str,
    tasks: Sequence[ServiceTask],
    results: Mapping[str, Finished],
    covariates: Floats,
) -> Iterator[ServiceFigure]:
    """One figure of every service for which it is published and was counted in the model."""
    official = [task.scenario.official.get(quantity) for task in tasks]
    values = np.array([float("nan") if one is None or one.assumption else one.value for one in official])
    model = np.array([results[task.code].read.get(quantity, float("nan")) for task in tasks])
    values = np.where(np.isnan(model), np.nan, values)
    kept = [k for k in range(len(COVARIATES)) if k != _ITSELF.get(quantity)]
    lines, means = lines_of_others(covariates[:, kept], values), means_of_others(values)
    for task, one, value, ours, mean, line in zip(tasks, official, values, model, means, lines, strict=True):
        if one is not None and not isnan(value):
            name = published.provider(task.code).name
            yield ServiceFigure(
                task.code, name, quantity, one.role, float(value), float(ours), float(mean), float(line)
            )


def _rows(figures: Sequence[ServiceFigure], tasks: Sequence[ServiceTask]) -> Iterator[ValidatedRow]:
    units = {name: definition(one.measure).unit for task in tasks for name, one in task.scenario.official.items()}
    for quantity, some in groupby(figures, key=lambda one: one.quantity):
        for role, same in groupby(sorted(some, key=lambda one: one.role == "check"), key=lambda one: one.role):
            one = list(same)
            value, model, mean, line = (
                np.array([getattr(figure, column) for figure in one])
                for column in ("published", "model", "mean_of_others", "regression")
            )
            spread = float(value.std(ddof=1)) if len(value) > 1 else float("nan")
            yield ValidatedRow(
                quantity, role, units[quantity], len(one), float(value.mean()), spread, correlation(model, value),
                mean_absolute_error(model, value), mean_absolute_error(mean, value), mean_absolute_error(line, value),
                correlation(line, value),
            )  # fmt: skip


def _covariates(scenario: Scenario) -> tuple[float, ...]:
    """What the regression goes by; NaN for what is not published. Of deprivation the parent's mean stands for that."""
    official, strata = scenario.official, scenario.population.strata.get(_DECILES, {})
    finished = official["ended_after_finishing"].value if "ended_after_finishing" in official else float("nan")
    low = official["low_intensity_first"].value if "low_intensity_first" in official else float("nan")
    decile = sum(int(label.split("_")[0]) * share.value for label, share in strata.items()) if strata else float("nan")
    return (1 / finished if finished else float("nan"), decile, low, log(scenario.demand.referrals_per_year.value))
