"""Correlations between conditions, odds ratios, and why some sets of them are impossible.

A condition is present where an unseen normal number, its liability, is above a threshold; correlations are those of liabilities.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario.numbers import Pair
from caseload_sim.scenario.population import Population
from caseload_sim.support.columns import Floats

SMALLEST_EIGENVALUE = 1e-9
MOST_NAMED = 20


def both_below(h: Floats | float, k: Floats | float, correlation: Floats | float) -> Floats:
    """Chance that two standard normals of that correlation are below h and below k, by Owen's T function.

    All arguments broadcast; -1 < correlation < 1. Exact to about 1e-15.
    """
    from scipy.special import ndtr, owens_t

    h, k, r = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (h, k, correlation)))
    h = np.where(np.abs(h) < 1e-12, 1e-12, h)  # the formula divides by both
    k = np.where(np.abs(k) < 1e-12, 1e-12, k)
    root = np.sqrt(1 - r**2)
    result = (ndtr(h) + ndtr(k)) / 2 - owens_t(h, (k / h - r) / root) - owens_t(k, (h / k - r) / root)
    return np.asarray(np.clip(result - np.where(h * k < 0, 0.5, 0.0), 0.0, 1.0))


def odds_ratio(p: float, q: float, both: float) -> float:
    """Odds ratio of two conditions with prevalences p and q, if a share `both` of people has the two."""
    neither = 1 - p - q + both
    off = (p - both) * (q - both)
    return float(both * neither / off) if off > 0 else np.inf


def tetrachoric(pair: Pair) -> float:
    """The correlation of liabilities of a pair: as it is given, or the one that makes its odds ratio at the prevalences `pair.at`."""
    if pair.measured_as == "tetrachoric" or pair.at is None:
        return pair.value
    return _correlation_with(pair.value, *pair.at)


@cache
def _correlation_with(wanted: float, p: float, q: float) -> float:
    """The correlation at which conditions of prevalences p and q have this odds ratio, found by halving: more of one, more of the other."""
    from scipy.special import ndtri

    h, k = float(ndtri(p)), float(ndtri(q))
    low, high = -0.999, 0.999
    while high - low > 1e-14:  # halving: a root finder of scipy.optimize would take a second to import
        middle = (low + high) / 2
        if odds_ratio(p, q, float(both_below(h, k, middle))) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def residual_covariance(population: Population) -> NDArray[np.float64]:
    """How conditions vary together beyond the common factor and the passing state, which all conditions share.

    Its diagonal is 1 - loading**2 - state_share. Two conditions with a named correlation of 0.6 whose loadings imply 0.4
    have 0.2 here; all other pairs have 0.
    Returns (c, c) float64 over all conditions in order of labels. Those that nobody has are in it too, so that setting a
    prevalence to 0 changes no draw of the others.
    """
    names = list(population.prevalence)
    loading = np.array([population.loading_of(name) for name in names])
    state = np.array([population.state_share_of(name) for name in names])
    covariance = np.diag(1 - loading**2 - state)
    for first, others in population.correlation.items():
        for second, wanted in others.items():
            i, j = names.index(first), names.index(second)
            covariance[i, j] = covariance[j, i] = tetrachoric(wanted) - loading[i] * loading[j]
    return covariance


def residual_factor(population: Population) -> NDArray[np.float64]:
    """Lower triangle L with L Lᵀ = `residual_covariance`; the scenario was checked, so it exists. (c, c) float64."""
    covariance = residual_covariance(population)
    return np.asarray(np.linalg.cholesky(covariance + SMALLEST_EIGENVALUE * np.eye(len(covariance))), dtype=np.float64)


def faults(population: Population) -> Iterator[tuple[tuple[str, ...], str]]:
    """Why no population can have these numbers: a loading that is too large, or correlations that contradict each other."""
    names = list(population.prevalence)
    room = {name: 1 - population.state_share_of(name) for name in names}
    crowded = [name for name in names if population.loading_of(name) ** 2 > room[name]]
    for name in crowded:
        own = name if name in population.loading else population.prevalence[name].group
        yield (
            ("loading", own),
            f"{population.loading_of(name):g} leaves no room beside the passing state; at most {room[name] ** 0.5:.3f}.",
        )
    if crowded or not names:
        return
    covariance = residual_covariance(population)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] > -SMALLEST_EIGENVALUE:
        return
    pairs = [
        (abs(vectors[names.index(a), 0] * vectors[names.index(b), 0]), a, b)
        for a, others in population.correlation.items()
        for b in others
    ]
    _, first, second = max(pairs)
    i, j = names.index(first), names.index(second)
    implied = population.loading_of(first) * population.loading_of(second)
    low, high = _feasible(covariance, i, j)
    if low > high:
        yield ("correlation", first, second, "value"), _contradiction(population, covariance)
        return
    yield (
        ("correlation", first, second, "value"),
        f"with the other correlations no population can have {tetrachoric(population.correlation[first][second]):.2g}; "
        f"use a correlation from {low + implied:.2f} to {high + implied:.2f}.",
    )


def _contradiction(population: Population, covariance: Floats) -> str:
    """Which pairs contradict one another, and the values they can have when all are drawn towards the common factor."""
    off = covariance - np.diag(np.diag(covariance))
    possible, impossible = 0.0, 1.0
    while impossible - possible > 1e-3:  # how much of each departure from the common factor can be kept
        middle = (possible + impossible) / 2
        fine = np.linalg.eigvalsh(covariance - (1 - middle) * off)[0] >= -SMALLEST_EIGENVALUE
        possible, impossible = (middle, impossible) if fine else (possible, middle)
    pairs = [(a, b, pair) for a, others in population.correlation.items() for b, pair in others.items()]
    named = []
    for first, second, pair in pairs[:MOST_NAMED]:
        implied, wanted = population.loading_of(first) * population.loading_of(second), tetrachoric(pair)
        kept = implied + possible * (wanted - implied)
        named.append(f"{first} with {second} ({wanted:.2f}; can be {kept:.2f})")
    if len(pairs) > MOST_NAMED:
        named.append(f"and {len(pairs) - MOST_NAMED} more")
    return f"no population can have all of these correlations, whichever one is changed: {', '.join(named)}."


def _feasible(covariance: NDArray[np.float64], i: int, j: int) -> tuple[float, float]:
    """Lowest and highest value of one entry that keep the matrix positive semidefinite, to 0.01."""

    def possible(value: float) -> bool:
        trial = covariance.copy()
        trial[i, j] = trial[j, i] = value
        return bool(np.linalg.eigvalsh(trial)[0] >= -SMALLEST_EIGENVALUE)

    allowed = [value for value in np.round(np.arange(-0.99, 1.0, 0.01), 2) if possible(float(value))]
    return (min(allowed), max(allowed)) if allowed else (1.0, -1.0)
