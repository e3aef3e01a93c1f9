"""Every sampler against the distribution that it is said to have, over fixed seeds.

Kolmogorov-Smirnov for continuous ones, chi-square for counts, each with 20,000 draws and a chance of 1 in 10,000 of failing if the
sampler is right: with all tests of this file together, 1 in 300. As the seeds are fixed, a failure means that something changed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.draws.distributions import binomial, counts_from_uniform, negative_binomial
from caseload_sim.draws.streams import PURPOSES, Draws
from caseload_sim.engines.plans import DROPPED_OUT, FINISHED, LONGEST_DAYS
from caseload_sim.pathway.sessions import (
    attended_sessions,
    booking_days,
    drop_out_effects,
    lag_days,
    missed_sessions,
    modality_of,
    patience_days,
    patience_factor,
)
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.scenario import Scenario

N, SMALLEST_P = 20_000, 1e-4
IDS = np.arange(N, dtype=np.int64)
Frozen = Any  # a frozen distribution of scipy.stats
NO_INFLUENCE = {f"pathway.influences.{name}.switched_on": False for name in ("patience", "missed", "drop_out")}


def check_continuous(draws: NDArray[Any], expected: Frozen) -> None:
    assert stats.kstest(draws, expected.cdf).pvalue > SMALLEST_P


def check_counts(counts: NDArray[Any], share_of: Callable[..., NDArray[np.float64]]) -> None:
    """Chi-square over the values from 0 on that are expected five times or more, and all beyond them as one."""
    assert counts.min() >= 0
    expected = share_of(np.arange(int(counts.max()) + 1)) * len(counts)
    often = expected >= 5
    observed = np.bincount(counts).astype(np.float64)
    cells = [np.append(x[often], len(counts) - x[often].sum()) for x in (observed, expected)]
    if cells[1][-1] < 5:
        cells = [np.append(x[:-2], x[-2:].sum()) for x in cells]
    assert len(cells[0]) >= 3
    assert stats.chisquare(*cells).pvalue > SMALLEST_P


def shares_of_days(expected: Frozen, days: NDArray[np.int64], *, plus: float = 0.0) -> NDArray[np.float64]:
    """Chance of each whole day when a time is rounded down after `plus` is added: 0.5 rounds it to the nearest."""
    return np.asarray(expected.cdf(days + 1 - plus) - expected.cdf(days - plus))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return get_scenario(changes=NO_INFLUENCE)


@pytest.fixture(scope="module")
def clients(scenario: Scenario) -> Clients:
    return draw_population(scenario, Draws(3, 0), N)


# --- draws, streams -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_uniform_and_normal_draws_have_their_distribution_in_every_stream(seed: int) -> None:
    """One in 10,000 for all streams together, so that many streams do not make a false alarm likelier."""
    for k, purpose in enumerate(PURPOSES):
        draws = Draws(seed, k)
        assert stats.kstest(draws.uniform(purpose, IDS), "uniform").pvalue > SMALLEST_P / len(PURPOSES), purpose
    check_continuous(Draws(seed, 0).normal("trait:ptsd", IDS), stats.norm())


@pytest.mark.parametrize("shape", [0.7, 1.0, 4.0])
def test_gamma_draws_are_gamma(shape: float) -> None:
    standardised = stats.gamma(shape, loc=-np.sqrt(shape), scale=1 / np.sqrt(shape))
    check_continuous(Draws(1, 0).gamma("booking", IDS, shape), standardised)


@pytest.mark.parametrize(("mean", "shape"), [(6.0, 0.8), (20.0, 3.0)])
def test_gamma_days_are_gamma_times_rounded_to_the_nearest_day(mean: float, shape: float) -> None:
    days = Draws(1, 0).gamma_days("booking", IDS, mean, shape)
    check_counts(days, lambda k: shares_of_days(stats.gamma(shape, scale=mean / shape), k, plus=0.5))


@pytest.mark.parametrize("mean", [1.5, 30.0])
def test_exponential_days_are_exponential_times_rounded_down(mean: float) -> None:
    days = Draws(1, 0).exponential_days("booking_slow_days", IDS, mean)
    check_counts(days, lambda k: shares_of_days(stats.expon(scale=mean), k))


@pytest.mark.parametrize(("mean", "shape"), [(0.3, np.inf), (11.0, np.inf), (4.5, 1.2), (9.0, 6.0)])
def test_counts_from_uniform_are_poisson_or_negative_binomial(mean: float, shape: float) -> None:
    expected = stats.poisson(mean) if np.isinf(shape) else stats.nbinom(shape, shape / (shape + mean))
    check_counts(counts_from_uniform(Draws(1, 0).uniform("planned_sessions", IDS), mean, shape), expected.pmf)


# --- counts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trials", "share"), [(1, 0.3), (8, 0.25), (40, 0.9)])
def test_binomial_is_binomial(trials: int, share: float) -> None:
    u = Draws(1, 0).uniform("missed_word", IDS)
    counts = binomial(u, np.full(N, trials, dtype=np.int32), np.full(N, share))
    expected = stats.binom(trials, share)
    if trials == 1:
        assert stats.binomtest(int(counts.sum()), N, share).pvalue > SMALLEST_P
    else:
        check_counts(counts, expected.pmf)


@pytest.mark.parametrize(("successes", "share"), [(1, 0.2), (7, 0.25), (12, 0.6)])
def test_negative_binomial_is_negative_binomial(successes: int, share: float) -> None:
    u = Draws(1, 0).uniform("missed", IDS)
    counts = negative_binomial(u, np.full(N, successes, dtype=np.int32), np.full(N, share))
    check_counts(counts, stats.nbinom(successes, 1 - share).pmf)


def test_missed_contacts_before_the_last_attended_one_are_negative_binomial(clients: Clients) -> None:
    counts = missed_sessions("group", clients.id, np.full(N, 5, dtype=np.int32), np.full(N, 0.3), Draws(3, 0))
    check_counts(counts, stats.nbinom(5, 0.7).pmf)


def test_bookings_are_a_mixture_of_gamma_and_exponential_days(scenario: Scenario, clients: Clients) -> None:
    booking = scenario.pathway.booking
    slow, shape = booking.slow_share.value, booking.shape.value
    assert 0 < slow < 1
    soon = stats.gamma(shape, scale=booking.mean_days.value / shape)
    late = stats.expon(scale=booking.slow_mean_days.value)

    def mixture(days: NDArray[np.int64]) -> NDArray[np.float64]:
        return (1 - slow) * shares_of_days(soon, days, plus=0.5) + slow * shares_of_days(late, days)

    check_counts(booking_days(scenario, clients, Draws(3, 0)), mixture)


def test_patience_is_an_exponential_time_rounded_up(scenario: Scenario, clients: Clients) -> None:
    for name, step in scenario.pathway.steps.items():
        days = patience_days(name, step, clients.id, patience_factor(scenario, clients), Draws(3, 0))
        check_counts(days - 1, lambda k, mean=step.patience_mean_days.value: shares_of_days(stats.expon(scale=mean), k))


def test_lags_are_exponential_times_rounded_down_and_longer_for_those_stepped_up(
    scenario: Scenario, clients: Clients
) -> None:
    low = scenario.steps.index("low_intensity")
    high, below = (scenario.pathway.steps[name] for name in ("high_intensity", "low_intensity"))
    assert isinstance(high, CourseStep)
    assert isinstance(below, CourseStep)
    assert below.step_up_lag_days is not None
    first = np.where(IDS % 2 == 0, low, scenario.steps.index("high_intensity")).astype(np.int8)
    days = lag_days(scenario, "high_intensity", high, first, clients.id, Draws(3, 0))
    for rows, mean in (
        (first == low, high.lag_days_mean.value + below.step_up_lag_days.value),
        (first != low, high.lag_days_mean.value),
    ):
        check_counts(days[rows], lambda k, m=mean: shares_of_days(stats.expon(scale=m), k))


def test_sessions_end_at_the_plan_or_at_a_geometric_drop_out_whichever_comes_first() -> None:
    """Planned: 1 + negative binomial. Leaving after session k: (1-d)^(k-1) d. The course is the shorter of the two."""
    scenario = get_scenario(
        changes={**NO_INFLUENCE, **{f"pathway.modalities.{m}.drop_out": 0 for m in get_scenario().pathway.modalities}}
    )
    clients, draws = draw_population(scenario, Draws(4, 0), N), Draws(4, 0)
    step = scenario.pathway.steps["high_intensity"]
    assert isinstance(step, CourseStep)
    effects = drop_out_effects(scenario, clients, modality_of(scenario, clients, draws))
    attended, ending = attended_sessions("high_intensity", step, clients.id, effects, draws)
    shape, mean = step.planned_sessions_shape.value, step.planned_sessions_mean.value - 1
    chance, planned = step.drop_out_per_session.value, stats.nbinom(shape, shape / (shape + mean))

    def shorter(beyond_first: NDArray[np.int64]) -> NDArray[np.float64]:
        """P(plan > k and stays > k) falls from 1; its steps are the chances."""
        more = planned.sf(beyond_first - 1) * (1 - chance) ** beyond_first
        return np.asarray(more - planned.sf(beyond_first) * (1 - chance) ** (beyond_first + 1))

    check_counts(attended - 1, shorter)
    k = np.arange(LONGEST_DAYS // 100)
    finishing = float(np.sum(planned.pmf(k) * (1 - chance) ** k))
    assert stats.binomtest(int((ending == FINISHED).sum()), N, finishing).pvalue > SMALLEST_P
    assert set(np.unique(ending)) == {FINISHED, DROPPED_OUT}


def test_modalities_are_offered_in_their_shares() -> None:
    reachable = {f"pathway.modalities.{m}.reach": 1 for m in get_scenario().pathway.modalities}
    scenario = get_scenario(changes=reachable)
    clients = draw_population(scenario, Draws(5, 0), N)
    counts = np.bincount(modality_of(scenario, clients, Draws(5, 0)))
    shares = np.array([m.share.value for m in scenario.pathway.modalities.values()])
    there = shares > 0
    assert stats.chisquare(counts[there], (shares / shares.sum())[there] * N).pvalue > SMALLEST_P
