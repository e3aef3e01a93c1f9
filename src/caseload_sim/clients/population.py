"""Who is referred: a liability-threshold population whose every prevalence is exact and can be changed alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.draws.distributions import category
from caseload_sim.draws.streams import RETURN_IDS, START_IDS, Draws
from caseload_sim.errors import RunError
from caseload_sim.scenario.correlations import residual_factor
from caseload_sim.scenario.population import Eligibility, Population
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import CLIENTS_AT_ONCE, Floats, Ids, blocks_of, stacked
from caseload_sim.support.threads import each_in_order

MOST_CANDIDATES_PER_CLIENT = 2_000


@dataclass(frozen=True, slots=True)
class Clients:
    """The people referred, in order of referral.

    id: (n,) int64, place in every random stream; ascending
    referral_day: (n,) int32, days from opening
    conditions: (n, c) bool, meets criteria (true state), columns as `condition_names`
    severity: (n, d) float64, SD above threshold at referral, columns as `disorder_names`: scaled to the same mean for
        every disorder above the threshold; below it, negative, as the liability has it
    distress: (n,) float64, SD, general distress
    strata: name -> (n,) int8, index into `stratum_names[name]`
    """

    id: Ids
    referral_day: NDArray[np.int32]
    conditions: NDArray[np.bool_]
    severity: Floats
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
        prevalence, total = scenario.population.prevalence, np.zeros(len(self.id), dtype=np.int8)
        for name, has in zip(self.condition_names, self.conditions.T, strict=True):
            if prevalence[name].group in groups:
                total += has
        return total.astype(np.int64)


def draw_population(scenario: Scenario, draws: Draws, n_clients: int, *, first_id: int = 0) -> Clients:
    """So many clients, whatever the demand, all on day 0: to look at who is referred rather than when.

    first_id: place of the first in every random stream
    """
    ids = ids_of_clients(scenario, draws, n_clients, first_id=first_id)
    days = np.zeros(n_clients, dtype=np.int32)
    blocks = blocks_of(n_clients) or [slice(0, 0)]
    return stacked(*each_in_order(lambda some: people(scenario, draws, ids[some], days[some]), blocks))


def ids_of_clients(scenario: Scenario, draws: Draws, n_clients: int, *, first_id: int = 0) -> Ids:
    """Places of so many clients in every random stream, the first being `first_id` or the first who is eligible, (n,)."""
    eligibility = scenario.population.eligibility
    if eligibility is None:
        return np.arange(first_id, first_id + n_clients, dtype=np.int64)
    return _eligible_ids(scenario, draws, eligibility, n_clients, first_id)


def people(scenario: Scenario, draws: Draws, ids: Ids, referral_day: NDArray[np.int32]) -> Clients:
    """The clients with these places in every random stream, referred on these days, both (n,).

    A client who returns is the person who was referred first, and as ill.
    """
    population, places = scenario.population, _of_the_person(ids)
    names, disorders = population.conditions(), scenario.disorders
    common = draws.normal("common_factor", places)
    strata = {name: _stratum(shares, draws.uniform(f"stratum:{name}", places)) for name, shares in _shares(scenario)}
    conditions = np.empty((len(ids), len(names)), dtype=bool, order="F")
    severity = np.empty((len(ids), len(disorders)), order="F")
    for c, (name, liability) in enumerate(_liabilities(scenario, draws, places, common)):
        threshold, scale = _scale_of(population, name, strata)
        conditions[:, c] = liability > threshold
        if name in disorders:
            # Scaled above the threshold only: otherwise a rare disorder would make everybody without it look the better.
            above, ill = liability - threshold, np.flatnonzero(conditions[:, c])
            above[ill] *= np.broadcast_to(scale, above.shape)[ill]
            severity[:, disorders.index(name)] = above
    shared = population.distress_correlation.value
    distress = shared * common + np.sqrt(1 - shared**2) * draws.normal("distress", places)
    return Clients(
        id=ids,
        referral_day=referral_day,
        conditions=conditions,
        severity=severity,
        distress=distress,
        strata=strata,
        condition_names=names,
        disorder_names=disorders,
        stratum_names={name: tuple(shares) for name, shares in population.strata.items()},
    )


def _of_the_person(ids: Ids) -> Ids:
    """Places at which people themselves are drawn: of somebody who returns, those of the first referral."""
    return np.where((ids >= RETURN_IDS) & (ids < START_IDS), ids - RETURN_IDS, ids)


def _liabilities(scenario: Scenario, draws: Draws, places: Ids, common: Floats) -> Iterator[tuple[str, Floats]]:
    """Each condition in turn with its liability at the start, (n,) float64.

    Sums run in a fixed order, element by element, so that no result depends on how many clients are drawn.
    """
    population = scenario.population
    names = list(population.prevalence)
    factor = residual_factor(population)
    state_sd = np.sqrt(population.state_share.value)
    trait = list(draws.normals([f"trait:{name}" for name in names], places))
    occur = population.conditions()
    there = [name for name in names if name in occur]  # nobody has the others
    for name, state in zip(there, draws.normals([f"state_start:{name}" for name in there], places), strict=True):
        c, liability = names.index(name), population.loading_of(name) * common
        for k in np.flatnonzero(factor[c]).tolist():  # none beyond c
            liability += factor[c, k] * trait[k]
        yield name, liability + state_sd * state


def state_change(scenario: Scenario, clients: Clients, draws: Draws) -> Floats:
    """Change of each disorder's transient state from the start to the end of care, (n, d) float64, SD."""
    population, places = scenario.population, _of_the_person(clients.id)
    state_sd, again = np.sqrt(population.state_share.value), population.state_correlation.value
    change, names = np.empty_like(clients.severity), clients.disorder_names
    states = draws.normals([f"state_{when}:{name}" for name in names for when in ("start", "end")], places)
    for j, (name, start, own) in enumerate(zip(names, states, states, strict=True)):  # two of them for each name
        end = again * start + np.sqrt(1 - again**2) * own
        _, scale = _scale_of(population, name, clients.strata)
        moved, ill = state_sd * (end - start), np.flatnonzero(clients.has(name))
        moved[ill] *= np.broadcast_to(scale, moved.shape)[ill]
        change[:, j] = moved
    return change


@lru_cache(maxsize=1024)
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
    return category(u, list(shares.values()))


def _eligible_ids(scenario: Scenario, draws: Draws, rules: Eligibility, wanted: int, first_id: int) -> Ids:
    """The first `wanted` candidates who meet the rules; a client's id is the candidate's."""
    found: list[Ids] = []
    n_found, first, block = 0, first_id, CLIENTS_AT_ONCE
    while n_found < wanted:
        if first - first_id > MOST_CANDIDATES_PER_CLIENT * max(wanted, 100):
            raise RunError(
                f"population.eligibility: only {n_found} of {first - first_id:,} candidates are eligible, too few to fill a "
                "service. Raise the prevalence of what is asked for, or exclude less."
            )
        ids = np.arange(first, first + block, dtype=np.int64)
        candidates = people(scenario, draws, ids, np.zeros(block, dtype=np.int32))
        n_disorders = candidates.count(scenario, "emotional_disorder")
        ok = (n_disorders >= rules.emotional_disorders_min) & (n_disorders <= rules.emotional_disorders_max)
        ok &= candidates.severity.max(axis=1) >= rules.principal_severity_min
        for name in rules.excluded_conditions:
            ok &= ~candidates.has(name)
        found.append(ids[ok])
        n_found += int(ok.sum())
        first += block
    return np.concatenate(found)[:wanted] if found else np.empty(0, dtype=np.int64)
