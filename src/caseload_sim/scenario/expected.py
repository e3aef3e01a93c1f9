"""What is true of a population on average, calculated without simulation: how many disorders clients have, and the like."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import log

import numpy as np

from caseload_sim.errors import RunError
from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.correlations import both_below, odds_ratio, residual_covariance
from caseload_sim.scenario.population import DEPRIVATION, Population
from caseload_sim.support.bounded import share_of_one_logit
from caseload_sim.support.columns import Floats

MOST_HANGING_TOGETHER = 6  # every combination of them is reckoned, at every node
N_NODES = 96  # Gauss-Hermite: the count mix is stable to 1e-9 from 64 on


def counted_conditions(population: Population) -> tuple[str, ...]:
    """The conditions that `disorders=` counts: emotional disorders and dependence."""
    return population.conditions("emotional_disorder", "dependence")


def count_distribution(population: Population, names: Sequence[str]) -> Floats:
    """Chance of having exactly 0, 1, ... of the named conditions, (len(names) + 1,) float64.

    The common factor is what makes somebody with one disorder likelier to have others. For people with the same value of it,
    conditions are independent, except those with a named correlation, which are counted together. The counts at each value
    are then averaged over its distribution (Gauss-Hermite quadrature), and over strata where a prevalence differs by them.
    """
    kinds = sorted({kind for name in names for kind in population.prevalence_by.get(name, {})})
    if kinds:
        total = np.zeros(len(names) + 1)
        for parts in product(*(population.strata[kind] for kind in kinds)):
            share = np.prod([population.strata[kind][part].value for kind, part in zip(kinds, parts, strict=True)])
            total += share * count_distribution(_of_stratum(population, dict(zip(kinds, parts, strict=True))), names)
        return total / sum(
            np.prod([s.value for s in combo]) for combo in product(*(population.strata[k].values() for k in kinds))
        )
    nodes, weights = _nodes()
    counts = np.zeros((len(nodes), len(names) + 1))
    counts[:, 0] = 1.0
    filled = 1
    for cluster in _clusters(population, names):
        own = _cluster_counts(population, cluster, nodes)
        merged = np.zeros_like(counts)
        for k in range(len(cluster) + 1):
            merged[:, k : k + filled] += own[:, [k]] * counts[:, :filled]
        counts, filled = merged, filled + len(cluster)
    return np.asarray(weights @ counts)


def count_mix(population: Population, groups: Sequence[str]) -> Floats:
    """Share of clients in each group of counts, such as "0-1", "2" and "3+", (len(groups),) float64."""
    chances = count_distribution(population, counted_conditions(population))
    return np.array([sum(chances[k] for k in counts_in(group, len(chances) - 1)) for group in groups])


def counts_in(group: str, most: int) -> range:
    """The counts that a group such as "0-1", "2" or "3+" stands for, none above `most`."""
    low, dash, high = group.rstrip("+").partition("-")
    last = most if group.endswith("+") else int(high) if dash else int(low)
    return range(int(low), min(last, most) + 1)


def share_with_all(population: Population, names: Sequence[str]) -> float:
    """Share of clients with all of the named conditions."""
    return float(count_distribution(population, names)[-1])


def implied_odds_ratio(population: Population, first: str, second: str) -> float:
    """Odds ratio of two conditions in this population."""
    p, q = (population.prevalence[name].value for name in (first, second))
    return odds_ratio(p, q, share_with_all(population, (first, second)))


def _of_stratum(population: Population, parts: dict[str, str]) -> Population:
    """The population of one part of each given stratum, such as women, with the prevalences of that part."""
    table = dict(population.prevalence)
    for name, by_kind in population.prevalence_by.items():
        for kind, shares in by_kind.items():
            if kind in parts:
                table[name] = table[name].model_copy(update={"value": shares[parts[kind]].value})
    rest = {name: by for name, by in population.prevalence_by.items() if not set(by) & set(parts)}
    return population.model_copy(update={"prevalence": table, "prevalence_by": rest})


def _nodes() -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    return nodes, weights / weights.sum()


def _clusters(population: Population, names: Sequence[str]) -> list[list[str]]:
    """Groups of conditions: two with a named correlation are in the same group, so that groups are independent of each other."""
    cluster_of = {name: {name} for name in names}
    for first, others in population.correlation.items():
        for second in others:
            if first in cluster_of and second in cluster_of and cluster_of[first] is not cluster_of[second]:
                joined = cluster_of[first] | cluster_of[second]
                for name in joined:
                    cluster_of[name] = joined
    unique = {id(cluster): sorted(cluster, key=list(names).index) for cluster in cluster_of.values()}
    return list(unique.values())


def _cluster_counts(population: Population, cluster: Sequence[str], nodes: Floats) -> Floats:
    """Chance of exactly 0, 1, ... of a cluster's conditions at each value of the common factor, (nodes, k + 1)."""
    from scipy.special import ndtr, ndtri

    every = list(population.prevalence)
    loading = np.array([population.loading_of(name) for name in cluster])
    spread = np.sqrt(1 - loading**2)
    threshold = -ndtri(np.array([population.prevalence[name].value for name in cluster]))
    level = (loading * nodes[:, None] - threshold) / spread  # having it: a standard normal below this
    if len(cluster) == 1:
        has = ndtr(level[:, 0])
        return np.stack([1 - has, has], axis=1)
    rows = [every.index(name) for name in cluster]
    residual = residual_covariance(population)[np.ix_(rows, rows)] / np.outer(spread, spread)
    np.fill_diagonal(residual, 1.0)
    if len(cluster) == 2:
        both = both_below(level[:, 0], level[:, 1], residual[0, 1])
        one = ndtr(level[:, 0]) + ndtr(level[:, 1]) - 2 * both
        return np.stack([1 - one - both, one, both], axis=1)
    return _counts_of_many(level, residual)


def _counts_of_many(level: Floats, correlation: Floats) -> Floats:
    """`_cluster_counts` for three or more conditions: adds up the multivariate normal chances of all their combinations."""
    from scipy.stats import multivariate_normal

    size = level.shape[1]
    if size > MOST_HANGING_TOGETHER:
        raise RunError(
            f"population.correlation: {size} conditions hang together by named correlations; how many of them clients have is "
            f"reckoned for at most {MOST_HANGING_TOGETHER}. Name fewer correlations."
        )
    counts = np.zeros((len(level), size + 1))
    for signs in product((1, -1), repeat=size):
        flip = np.array(signs)
        normal = multivariate_normal(cov=correlation * np.outer(flip, flip), allow_singular=True)
        counts[:, signs.count(1)] += [float(normal.cdf(row * flip, rng=np.random.default_rng(0))) for row in level]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def bounds_of_any(prevalences: Sequence[float]) -> tuple[float, float]:
    """Frechet bounds of the share with at least one of several conditions."""
    return max(prevalences), min(1.0, sum(prevalences))


def bounds_of_all(prevalences: Sequence[float]) -> tuple[float, float]:
    """Frechet bounds of the share with all of several conditions."""
    return max(0.0, sum(prevalences) - len(prevalences) + 1), min(prevalences)


def nearest_count_mix(prevalences: Sequence[float], groups: Sequence[str], wanted: Sequence[float]) -> Floats:
    """The mix of counts nearest to the wanted one (least sum of differences) that some population can have.

    A distribution of counts is possible with these prevalences exactly when its mean is their sum and, for every r,
    the r largest of them add up to at most the mean of min(count, r) (Gale and Ryser): a small linear programme.
    Returns (len(groups),) float64; equal to `wanted` when that is possible.
    """
    p = np.sort(np.asarray(prevalences))[::-1]
    if _is_possible(p, groups, wanted):
        return np.asarray(wanted, dtype=np.float64)
    from scipy.optimize import linprog  # takes longer to load than most scenarios

    m, g = len(p), len(groups)
    member = np.array([[float(k in counts_in(group, m)) for k in range(m + 1)] for group in groups])
    # Unknowns: chance of each count, then how far each group is from what is wanted, upwards and downwards.
    cost = np.concatenate([np.zeros(m + 1), np.ones(2 * g)])
    equal = np.vstack([
        np.concatenate([np.ones(m + 1), np.zeros(2 * g)]),
        np.concatenate([np.arange(m + 1.0), np.zeros(2 * g)]),
        np.hstack([member, -np.eye(g), np.eye(g)]),
    ])  # fmt: skip
    equal_to = np.concatenate([[1.0, p.sum()], np.asarray(wanted)])
    at_most = [np.concatenate([-np.minimum(np.arange(m + 1), r), np.zeros(2 * g)]) for r in range(1, m)]
    limits = [-p[:r].sum() for r in range(1, m)]
    found = linprog(cost, A_ub=at_most or None, b_ub=limits or None, A_eq=equal, b_eq=equal_to)
    return np.asarray(member @ found.x[: m + 1])


def _is_possible(p: Floats, groups: Sequence[str], wanted: Sequence[float]) -> bool:
    """Whether some population has this mix of counts; p: prevalences, the largest first.

    Within the groups everybody first has the fewest conditions that the group allows; those still to be given go where
    counts are lowest, which is best for the mean of min(count, r) whatever r is.
    """
    m, rounding = len(p), 1e-9
    allowed = [counts_in(group, m) for group in groups]
    if not all(allowed) or abs(sum(wanted) - 1) > rounding:
        return False
    least = np.array([min(counts) for counts in allowed])
    more_at = np.zeros(m)  # share of clients who may go from each count to the next
    for share, counts in zip(wanted, allowed, strict=True):
        more_at[min(counts) : max(counts)] += share
    left = p.sum() - least @ np.asarray(wanted)
    given = np.clip(left - np.concatenate([[0.0], more_at.cumsum()[:-1]]), 0, more_at)
    means = [np.minimum(least, r) @ np.asarray(wanted) + given[:r].sum() for r in range(1, m + 1)]
    return bool(np.all(p.cumsum() <= np.array(means) + rounding) and abs(means[-1] - p.sum()) <= rounding)


def reach_in_stratum(reach: float, effect: float, towards_least_deprived: float) -> float:
    """The share whom a modality reaches in one decile of deprivation, 0 to 1, if `reach` is that of the middle.

    It rises or falls by `effect` logits a decile; a share of 0 or 1 is the same in all deciles.
    """
    if reach in (0, 1):
        return reach
    return share_of_one_logit(log(reach / (1 - reach)) + effect * towards_least_deprived)


def shares_of_clients(scenario: Assumptions) -> tuple[dict[str, float], float]:
    """Expected share of each modality among those reached, and the share whom none reaches, all 0 to 1.

    A client whom the offered modality does not reach has the one that reaches most. One draw decides for all modalities: if
    telephone reaches 95% and video 80%, the 5% without a telephone are among the 20% without video.
    """
    modalities = scenario.pathway.modalities
    names, offers = list(modalities), sum(m.share.value for m in modalities.values())
    result, lost = dict.fromkeys(names, 0.0), 0.0
    for weight, deciles in _strata(scenario):
        reach = [
            reach_in_stratum(m.reach.value, m.reach_per_deprivation_decile.value, deciles) for m in modalities.values()
        ]
        edges, widest = sorted({0.0, 1.0, *reach}), names[reach.index(max(reach))]
        for low, high in pairwise(edges):
            reached = [name for name, share in zip(names, reach, strict=True) if share >= high]
            for name, modality in modalities.items():
                clients = weight * (high - low) * modality.share.value / offers
                if not reached:
                    lost += clients
                else:
                    result[name if name in reached else widest] += clients
    total = sum(result.values())
    return {name: share / total if total else 0.0 for name, share in result.items()}, lost


def staff_time_of_a_contact(scenario: Assumptions) -> float:
    """Staff time of the mean contact in multiples of a standard contact, > 0; exactly 1 when all contacts are standard."""
    standard = scenario.pathway.standard_contact_minutes.value
    minutes = {name: modality.contact_minutes.value for name, modality in scenario.pathway.modalities.items()}
    if set(minutes.values()) <= {standard}:
        return 1.0
    shares, _ = shares_of_clients(scenario)
    return 1 + sum(share * (minutes[name] / standard - 1) for name, share in shares.items())


def _strata(scenario: Assumptions) -> Iterator[tuple[float, float]]:
    """Share of clients in each decile of deprivation, and its distance from the middle towards the least deprived."""
    parts = scenario.population.strata.get(DEPRIVATION, {})
    if not parts:
        yield 1.0, 0.0
        return
    total = sum(part.value for part in parts.values())
    for part, above in zip(parts.values(), scenario.population.steps_from_the_middle(DEPRIVATION), strict=True):
        yield part.value / total, -above
