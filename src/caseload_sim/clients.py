"""Who is referred: a liability-threshold population whose every prevalence is exact and can be changed alone."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.demand import referral_days
from caseload_sim.dependence import residual_factor
from caseload_sim.draws import Draws, Floats, Ids
from caseload_sim.errors import RunError
from caseload_sim.scenario import Eligibility, Population, Scenario

MOST_CANDIDATES_PER_CLIENT = 2_000


@dataclass(frozen=True, slots=True)
class Clients:
    """The people referred, in order of referral.

    id: (n,) int64, place in every random stream; ascending
    referral_day: (n,) int32, days from opening
    conditions: (n, c) bool, meets criteria (true state), columns as `condition_names`
    severity: (n, d) float64, SD above threshold at referral, columns as `disorder_names`: scaled to the same mean for
        every disorder above the threshold; below it, negative, as the liability has it
    state_change: (n, d) float64, SD, change of the transient state from start to end
    distress: (n,) float64, SD, general distress
    strata: name -> (n,) int8, index into `stratum_names[name]`
    """

    id: Ids
    referral_day: NDArray[np.int32]
    conditions: NDArray[np.bool_]
    severity: Floats
    state_change: Floats
    distress: Floats
    strata: dict[str, NDArray[np.int8]]
    condition_names: tuple[str, ...]
    disorder_names: tuple[str, ...]
    stratum_names: dict[str, tuple[str, ...]]

    def has(self, condition: str) -> NDArray[np.bool_]:
        """Who has the condition, (n,) bool; nobody when the scenario leaves it out."""
        if condition not in self.condition_names:
            return np.zeros(len(self.id), dtype=bool)
        return self.conditions[:, self.condition_names.index(condition)]

    def count(self, scenario: Scenario, *groups: str) -> NDArray[np.int64]:
        """How many conditions of these groups each client has, (n,) int64."""
        columns = [scenario.population.prevalence[name].group in groups for name in self.condition_names]
        return np.asarray(self.conditions[:, columns].sum(axis=1, dtype=np.int64))


def draw_clients(scenario: Scenario, draws: Draws) -> Clients:
    """Everybody referred from opening to the horizon.

    Raises RunError when hardly anybody is eligible.
    """
    referral_day = referral_days(scenario, draws)
    return replace(draw_population(scenario, draws, len(referral_day)), referral_day=referral_day)


def draw_population(scenario: Scenario, draws: Draws, n_clients: int, *, first_id: int = 0) -> Clients:
    """So many clients, whatever the demand, all on day 0: to look at who is referred rather than when.

    first_id: place of the first in every random stream
    """
    days = np.zeros(n_clients, dtype=np.int32)
    eligibility = scenario.population.eligibility
    ids = np.arange(first_id, first_id + n_clients, dtype=np.int64)
    if eligibility is not None:
        ids = _eligible_ids(scenario, draws, eligibility, n_clients, first_id)
    return _people(scenario, draws, ids, days)


def _people(scenario: Scenario, draws: Draws, ids: Ids, referral_day: NDArray[np.int32]) -> Clients:
    population = scenario.population
    names, disorders = population.conditions(), scenario.disorders
    liabilities, state_changes, common = _liabilities(scenario, draws, ids)
    strata = {name: _stratum(shares, draws.uniform(f"stratum:{name}", ids)) for name, shares in _shares(scenario)}
    conditions = np.empty((len(ids), len(names)), dtype=bool)
    severity = np.empty((len(ids), len(disorders)))
    change = np.empty_like(severity)
    for c, name in enumerate(names):
        liability, state_change = liabilities[name], state_changes[name]
        threshold, scale = _scale_of(population, name, strata)
        conditions[:, c] = liability > threshold
        if name in disorders:
            j = disorders.index(name)
            # Scaled above the threshold only: otherwise a rare disorder would make everybody without it look the better.
            factor = np.where(conditions[:, c], scale, 1.0)
            severity[:, j] = factor * (liability - threshold)
            change[:, j] = factor * state_change
    shared = population.distress_correlation.value
    distress = shared * common + np.sqrt(1 - shared**2) * draws.normal("distress", ids)
    return Clients(
        id=ids,
        referral_day=referral_day,
        conditions=conditions,
        severity=severity,
        state_change=change,
        distress=distress,
        strata=strata,
        condition_names=names,
        disorder_names=disorders,
        stratum_names={name: tuple(shares) for name, shares in population.strata.items()},
    )


def _liabilities(scenario: Scenario, draws: Draws, ids: Ids) -> tuple[dict[str, Floats], dict[str, Floats], Floats]:
    """Liability at the start, change of its transient part by the end (both per condition), and the common factor.

    Sums run in a fixed order, element by element, so that no result depends on how many clients are drawn.
    """
    population = scenario.population
    names = list(population.prevalence)
    factor = residual_factor(population)
    state_sd = np.sqrt(population.state_share.value)
    again = population.state_correlation.value
    common = draws.normal("common_factor", ids)
    trait = [draws.normal(f"trait:{name}", ids) for name in names]
    liabilities, changes = {}, {}
    for c, name in enumerate(names):
        liability = population.loading_of(name) * common
        for k in range(c + 1):
            if factor[c, k] != 0:
                liability = liability + factor[c, k] * trait[k]
        start = draws.normal(f"state_start:{name}", ids)
        liabilities[name] = liability + state_sd * start
        end = again * start + np.sqrt(1 - again**2) * draws.normal(f"state_end:{name}", ids)
        changes[name] = state_sd * (end - start)
    return liabilities, changes, common


def severity_scale(prevalence: float, mean_severity: float) -> tuple[float, float]:
    """Threshold of a liability, and the factor that gives those above it the wanted mean severity.

    prevalence: 0 to 1; mean_severity: SD above threshold
    The mean excess of a standard normal above threshold a is density(a) / prevalence - a.
    """
    from scipy.special import ndtri

    if prevalence >= 1:
        return -np.inf, 1.0
    threshold = float(-ndtri(prevalence))
    density = np.exp(-(threshold**2) / 2) / np.sqrt(2 * np.pi)
    return threshold, float(mean_severity / (density / prevalence - threshold))


def _scale_of(
    population: Population, name: str, strata: dict[str, NDArray[np.int8]]
) -> tuple[Floats | float, Floats | float]:
    """`severity_scale` of a condition, client by client where its prevalence differs by stratum."""
    mean = population.mean_severity.value
    for kind, by_part in population.prevalence_by.get(name, {}).items():
        scales = np.array([severity_scale(by_part[part].value, mean) for part in population.strata[kind]])
        return scales[strata[kind], 0], scales[strata[kind], 1]
    return severity_scale(population.prevalence[name].value, mean)


def _shares(scenario: Scenario) -> list[tuple[str, dict[str, float]]]:
    return [(name, {k: s.value for k, s in shares.items()}) for name, shares in scenario.population.strata.items()]


def _stratum(shares: dict[str, float], u: Floats) -> NDArray[np.int8]:
    edges = np.cumsum(list(shares.values()))
    return np.minimum(np.searchsorted(edges / edges[-1], u), len(shares) - 1).astype(np.int8)


def _eligible_ids(scenario: Scenario, draws: Draws, rules: Eligibility, wanted: int, first_id: int) -> Ids:
    """The first `wanted` candidates who meet the rules; a client's id is the candidate's."""
    found: list[Ids] = []
    n_found, first, block = 0, first_id, max(4096, 4 * wanted)
    while n_found < wanted:
        if first - first_id > MOST_CANDIDATES_PER_CLIENT * max(wanted, 100):
            raise RunError(
                f"population.eligibility: only {n_found} of {first - first_id:,} candidates are eligible, too few to fill a "
                "service. Raise the prevalence of what is asked for, or exclude less."
            )
        ids = np.arange(first, first + block, dtype=np.int64)
        people = _people(scenario, draws, ids, np.zeros(block, dtype=np.int32))
        n_disorders = people.count(scenario, "emotional_disorder")
        ok = (n_disorders >= rules.emotional_disorders_min) & (n_disorders <= rules.emotional_disorders_max)
        ok &= people.severity.max(axis=1) >= rules.principal_severity_min
        for name in rules.excluded_conditions:
            ok &= ~people.has(name)
        found.append(ids[ok])
        n_found += int(ok.sum())
        first += block
    return np.concatenate(found)[:wanted] if found else np.empty(0, dtype=np.int64)
