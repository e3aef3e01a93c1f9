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
from caseload_sim.scenario.population import DEPRIVATION, Eligibility, Population
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import CLIENTS_AT_ONCE, Floats, Ids, blocks_of, stacked
from caseload_sim.support.threads import each_in_order

MOST_CANDIDATES_PER_CLIENT = 2_000
FEWEST_TO_JUDGE_BY = 100  # clients that so many candidates should have given


@dataclass(frozen=True, slots=True)
class Clients:
    """The people referred, in order of referral.

    id: (n,) int64, place in every random stream; ascending. In the tables of several providers, that place in the streams
        of the client's own provider, plus IDS_OF_A_PROVIDER for each provider before it: no two clients have one id
    provider: (n,) int16, the number of the provider, from 1; 1 where there is one alone
    referral_day: (n,) int32, days from opening
    conditions: (n, c) bool, meets criteria (true state), columns as `condition_names`
    severity: (n, d) float64, SD above threshold at referral, columns as `disorder_names`: scaled to the same mean for
        every disorder that is present; of those that are not, negative, as the liability has it. Nobody stands within
        the hysteresis on either side of the threshold
    state_start: (n, d) float64, SD, the passing part of each disorder at referral
    distress: (n,) float64, SD, general distress
    deprivation: (n,) float64, SD, how deprived the client's area is, as a normal score; 0 where it is not known
    strata: name -> (n,) int8, index into `stratum_names[name]`
    """

    id: Ids
    provider: NDArray[np.int16]
    referral_day: NDArray[np.int32]
    conditions: NDArray[np.bool_]
    severity: Floats
    state_start: Floats
    distress: Floats
    deprivation: Floats
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
    population, places = scenario.population, of_the_person(ids)
    names, disorders = population.conditions(), scenario.disorders
    u = {name: draws.uniform(f"stratum:{name}", places) for name in population.strata}
    strata = {name: category(u[name], shares) for name, shares in _shares(population)}
    deprivation = _normal_score(u[DEPRIVATION]) if DEPRIVATION in u else np.zeros(len(ids))
    by_area = population.deprivation_correlation.value if DEPRIVATION in u else 0.0
    common = by_area * deprivation + np.sqrt(1 - by_area**2) * draws.normal("common_factor", places)
    conditions = np.empty((len(ids), len(names)), dtype=bool, order="F")
    severity, state_start = (np.empty((len(ids), len(disorders)), order="F") for _ in range(2))
    gap = scenario.outcome.remission.hysteresis.value
    for c, (name, liability, state) in enumerate(_liabilities(scenario, draws, places, common)):
        threshold, scale = _scale_of(population, name, strata)
        conditions[:, c] = liability > threshold
        if name in disorders:
            j = disorders.index(name)
            # Scaled above the threshold only: otherwise a rare disorder would make everybody without it look the better.
            above, ill = liability - threshold, np.flatnonzero(conditions[:, c])
            scaled = gap + (1 - gap) * above[ill] * np.broadcast_to(scale, above.shape)[ill]
            above -= gap
            above[ill] = scaled
            severity[:, j], state_start[:, j] = above, state
    return Clients(
        id=ids,
        provider=np.ones(len(ids), dtype=np.int16),
        referral_day=referral_day,
        conditions=conditions,
        severity=severity,
        state_start=state_start,
        distress=_distress(scenario, draws, places, common, deprivation),
        deprivation=deprivation,
        strata=strata,
        condition_names=names,
        disorder_names=disorders,
        stratum_names={name: tuple(shares) for name, shares in population.strata.items()},
    )


def _normal_score(u: Floats) -> Floats:
    """How deprived an area is, in SD, from the uniform draw that also gives its decile: 0 the least deprived of all."""
    from scipy.special import ndtri

    return np.asarray(ndtri(u))


def _distress(scenario: Scenario, draws: Draws, places: Ids, common: Floats, deprivation: Floats) -> Floats:
    """General distress, (n,) float64, SD: a little of it by the common factor and by deprivation, the rest its own."""
    population, per_area = scenario.population, scenario.outcome.distress.per_deprivation_sd.value
    shared, by_area = population.distress_correlation.value, per_area if DEPRIVATION in population.strata else 0.0
    own = np.sqrt(1 - shared**2 - by_area**2)
    return np.asarray(shared * common + by_area * deprivation + own * draws.normal("distress", places))


def of_the_person(ids: Ids) -> Ids:
    """Places at which people themselves are drawn: of somebody who returns, those of the first referral."""
    return np.where((ids >= RETURN_IDS) & (ids < START_IDS), ids - RETURN_IDS, ids)


def _liabilities(scenario: Scenario, draws: Draws, places: Ids, common: Floats) -> Iterator[tuple[str, Floats, Floats]]:
    """Each condition in turn with its liability at referral and the passing part of that, both (n,) float64.

    Sums run in a fixed order, element by element, so that no result depends on how many clients are drawn.
    """
    population = scenario.population
    names = list(population.prevalence)
    factor = residual_factor(population)
    trait = list(draws.normals([f"trait:{name}" for name in names], places))
    occur = population.conditions()
    there = [name for name in names if name in occur]  # nobody has the others
    for name, drawn in zip(there, draws.normals([f"state_start:{name}" for name in there], places), strict=True):
        c, liability = names.index(name), population.loading_of(name) * common
        for k in np.flatnonzero(factor[c]).tolist():  # none beyond c
            liability += factor[c, k] * trait[k]
        state = np.sqrt(population.state_share_of(name)) * drawn
        yield name, liability + state, state


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


def _shares(population: Population) -> list[tuple[str, list[float]]]:
    return [(name, [share.value for share in shares.values()]) for name, shares in population.strata.items()]


def are_eligible(scenario: Scenario, draws: Draws, rules: Eligibility, ids: Ids) -> NDArray[np.bool_]:
    """Which candidates meet the rules, (n,) bool; ids: their places in every random stream, (n,)."""
    candidates = people(scenario, draws, ids, np.zeros(len(ids), dtype=np.int32))
    n_disorders = candidates.count(scenario, "emotional_disorder")
    ok = (n_disorders >= rules.emotional_disorders_min) & (n_disorders <= rules.emotional_disorders_max)
    ok &= candidates.severity.max(axis=1) >= rules.principal_severity_min
    for name in rules.excluded_conditions:
        ok &= ~candidates.has(name)
    return np.asarray(ok)


def _eligible_ids(scenario: Scenario, draws: Draws, rules: Eligibility, wanted: int, first_id: int) -> Ids:
    """The first `wanted` candidates who meet the rules; a client's id is the candidate's."""
    found: list[Ids] = []
    n_found, first, block = 0, first_id, CLIENTS_AT_ONCE
    while n_found < wanted:
        seen = first - first_id
        if seen > MOST_CANDIDATES_PER_CLIENT * FEWEST_TO_JUDGE_BY and n_found * MOST_CANDIDATES_PER_CLIENT < seen:
            raise RunError(
                f"population.eligibility: only {n_found} of {seen:,} candidates are eligible, too few to fill a "
                "service. Raise the prevalence of what is asked for, or exclude less."
            )
        ids = np.arange(first, first + block, dtype=np.int64)
        ok = are_eligible(scenario, draws, rules, ids)
        found.append(ids[ok])
        n_found += int(ok.sum())
        first += block
    return np.concatenate(found)[:wanted] if found else np.empty(0, dtype=np.int64)
