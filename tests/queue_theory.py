"""Queues whose answer is known: one step, run by either engine, and the exact answer of the textbooks and of Markov chains."""

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from building import ENGINES, capacity, plans
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import NEVER, NOT_YET

Sampler = Callable[[np.random.Generator, int], NDArray[np.int64]]


def geometric(mean_days: float) -> Sampler:
    return lambda rng, n: rng.geometric(1 / mean_days, n)


def queue(
    engine: str, seed: int, rate: float, service: Sampler, places: int, days: int, patience: Sampler | None = None
) -> Episodes:
    rng = np.random.default_rng([seed, 71])
    joins = np.repeat(np.arange(days), rng.poisson(rate, days))
    n = len(joins)
    waits = patience(rng, n)[:, None] if patience else NEVER
    return ENGINES[engine](plans(joins.tolist(), days=service(rng, n), patience=waits), capacity(places, days))


def days_on_list(episodes: Episodes, horizon: int) -> NDArray[np.int64]:
    """Days from joining to starting or giving up, up to the horizon."""
    left = np.where(episodes.started_day != NOT_YET, episodes.started_day, episodes.ended_day)
    return np.where(left == NOT_YET, horizon, left).astype(np.int64) - episodes.joined_day


def relaxation_days(rate: float, mean_days: float, places: int) -> float:
    """Relaxation time of M/M/c: 1 / (c * mu * (1 - sqrt(rho))**2)."""
    load = rate * mean_days / places
    return float(mean_days / places / (1 - np.sqrt(load)) ** 2)


def expected_waiting(
    rate: float, mean_days: float, places: int, patience_mean_days: float = np.inf, most: int = 400
) -> float:
    """Mean number waiting at the end of a day, from the chain: departures and leavers binomial, arrivals Poisson."""
    transition = np.zeros((most, most))
    arrivals = stats.poisson(rate).pmf(np.arange(40))
    for n in range(most):
        busy, waiting = min(n, places), max(n - places, 0)
        leave = np.convolve(
            stats.binom(busy, 1 / mean_days).pmf(np.arange(busy + 1)),
            stats.binom(waiting, 1 / patience_mean_days).pmf(np.arange(waiting + 1)),
        )[:40]
        for gone, chance in enumerate(leave):
            to = np.minimum(n - gone + np.arange(40), most - 1)
            np.add.at(transition[n], to, chance * arrivals)
    balance = transition.T - np.eye(most)
    balance[-1] = 1
    probabilities = np.linalg.solve(balance, np.eye(most)[-1])
    assert probabilities[-1] < 1e-9, "truncated too early"
    return float(probabilities @ np.maximum(np.arange(most) - places, 0))


def erlang_c_wait(rate: float, mean_days: float, places: int) -> float:
    offered = rate * mean_days
    top = offered**places / factorial(places) * places / (places - offered)
    chance = top / (sum(offered**k / factorial(k) for k in range(places)) + top)
    return float(chance * mean_days / (places - offered))
