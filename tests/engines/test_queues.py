"""Known queues: with one step and nothing clinical, both engines are the queues of the textbooks.

Time is in whole days, so the exact answer is that of the queue in discrete time: Poisson referrals a day, courses and
patiences geometric in days (an exponential time rounded up). Each expected value below is computed from the Markov
chain of that queue, or from its closed form, without either engine; the chains are first checked against the textbook
formula that they approach when a day is short. Simulated means must lie within four standard errors, over independent
runs at fixed seeds, after a warm-up of at least ten relaxation times.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse.linalg import spsolve

from building import ENGINES, capacity, plans
from caseload_sim.engines.episodes import occupancy
from caseload_sim.engines.plans import GAVE_UP, NO_STEP, NOT_YET
from queue_theory import Sampler, days_on_list, erlang_c_wait, expected_waiting, geometric, queue, relaxation_days

N_RUNS = 24
both_engines = pytest.mark.parametrize("engine", list(ENGINES))


def assert_within_four_standard_errors(runs: list[float], expected: float) -> None:
    standard_error = np.std(runs, ddof=1) / np.sqrt(len(runs))
    assert abs(np.mean(runs) - expected) < 4 * standard_error, (np.mean(runs), expected, standard_error)
    assert 4 * standard_error < 0.25 * expected, "the test would not notice much"


def mean_waits(engine: str, rate: float, service: Sampler, places: int, warm_up: int, days: int) -> list[float]:
    runs = []
    for seed in range(N_RUNS):
        episodes = queue(engine, seed, rate, service, places, warm_up + days)
        counted = (episodes.joined_day >= warm_up) & (episodes.joined_day < warm_up + days * 9 // 10)
        runs.append(float(days_on_list(episodes, warm_up + days)[counted].mean()))
    return runs


def test_the_chain_approaches_erlang_c_as_days_grow_short() -> None:
    """At the same load, a day a tenth as long brings the wait (in service times) ten times nearer to Erlang C."""
    gaps = []
    for mean_days in (10.0, 100.0):
        rate = 0.8 * 4 / mean_days
        exact = erlang_c_wait(rate, mean_days, 4)
        gaps.append(abs(expected_waiting(rate, mean_days, 4, most=250) / rate - exact) / exact)
    assert gaps[0] < 0.08
    assert gaps[1] == pytest.approx(gaps[0] / 10, rel=0.15)


def test_the_chain_approaches_erlang_a_as_days_grow_short() -> None:
    """M/M/c with patience: the continuous birth-and-death chain gives the mean number waiting in closed form."""
    places, offered, patience = 3, 3.3, 2.0  # in service times
    weights = [1.0]
    for n in range(1, 300):
        weights.append(weights[-1] * offered / (min(n, places) + max(n - places, 0) / patience))
    chance = np.array(weights) / sum(weights)
    exact = float(chance @ np.maximum(np.arange(300) - places, 0))
    assert expected_waiting(offered / 100, 100.0, places, 200.0, most=120) == pytest.approx(exact, rel=0.02)


@both_engines
def test_one_place_with_exponential_courses_is_m_m_1(engine: str) -> None:
    """Mean wait in whole days: rate * E[B^2] / (2 (1 - rho)), with E[B^2] = (2 - p) / p^2 for geometric B."""
    rate, mean = 0.07, 10.0
    p, load = 1 / mean, rate * mean
    expected = rate * (2 - p) / p**2 / (2 * (1 - load))
    assert expected == pytest.approx(expected_waiting(rate, mean, 1) / rate, rel=1e-6), "closed form against the chain"
    assert expected == pytest.approx(erlang_c_wait(rate, mean, 1), rel=0.06), "and near the textbook's"
    warm_up = int(10 * relaxation_days(rate, mean, 1)) + 1
    assert_within_four_standard_errors(mean_waits(engine, rate, geometric(mean), 1, warm_up, 12_000), expected)


@both_engines
def test_several_places_with_exponential_courses_are_m_m_c(engine: str) -> None:
    rate, mean, places = 0.31, 10.0, 4
    expected = expected_waiting(rate, mean, places) / rate
    warm_up = int(10 * relaxation_days(rate, mean, places)) + 1
    assert_within_four_standard_errors(mean_waits(engine, rate, geometric(mean), places, warm_up, 14_000), expected)


@both_engines
def test_any_distribution_of_courses_is_m_g_1(engine: str) -> None:
    """Pollaczek-Khinchine with the moments in whole days: courses of 2 days or, one in ten, of 40."""

    def service(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        return np.where(rng.random(n) < 0.1, 40, 2)

    rate, mean, square = 0.1, 0.9 * 2 + 0.1 * 40, 0.9 * 4 + 0.1 * 1600
    expected = rate * square / (2 * (1 - rate * mean))
    warm_up = int(10 * (square / mean) / (1 - np.sqrt(rate * mean)) ** 2) + 1
    assert_within_four_standard_errors(mean_waits(engine, rate, service, 1, warm_up, 12_000), expected)


@both_engines
def test_courses_with_patience_are_m_m_c_with_abandonment(engine: str) -> None:
    """More referred than can be served: the share who give up and the days on the list, as Erlang A in whole days."""
    rate, mean, places, patience = 0.36, 10.0, 3, 25.0
    waiting = expected_waiting(rate, mean, places, patience)
    warm_up, days = 2000, 6000  # relaxation is at most the longer of a course and a patience
    on_list, gave_up = [], []
    for seed in range(N_RUNS):
        episodes = queue(engine, seed, rate, geometric(mean), places, warm_up + days, geometric(patience))
        counted = (episodes.joined_day >= warm_up) & (episodes.joined_day < warm_up + days * 9 // 10)
        on_list.append(float(days_on_list(episodes, warm_up + days)[counted].mean()))
        gave_up.append(float((episodes.ending[counted] == GAVE_UP).mean()))
    assert_within_four_standard_errors(on_list, waiting / rate)
    assert_within_four_standard_errors(gave_up, waiting / rate / patience)


def tandem_waiting(rate: float, means: tuple[float, float], most: int = 70) -> tuple[float, float]:
    """Mean numbers waiting at two single places in a row, from the joint chain of (first, second) at the end of a day."""
    arrivals = stats.poisson(rate).pmf(np.arange(6))
    cells: dict[tuple[int, int], float] = {}
    for first in range(most):
        for second in range(most):
            for d1, d2 in ((0, 0), (0, 1), (1, 0), (1, 1)):
                p1, p2 = (1 / means[0] if first else 0.0), (1 / means[1] if second else 0.0)
                chance = (p1 if d1 else 1 - p1) * (p2 if d2 else 1 - p2)
                if chance:
                    for a, pa in enumerate(arrivals):
                        to = min(first - d1 + a, most - 1) * most + min(second - d2 + d1, most - 1)
                        key = (to, first * most + second)
                        cells[key] = cells.get(key, 0.0) + chance * pa
    size = most * most
    rows, columns = np.array(list(cells)).T
    matrix = sparse.csr_matrix((list(cells.values()), (rows, columns)), shape=(size, size)) - sparse.eye(size)
    matrix = sparse.vstack([matrix[:-1], np.ones((1, size))]).tocsc()
    chance_of = spsolve(matrix, np.eye(1, size, size - 1)[0]).reshape(most, most)
    waiting = np.maximum(np.arange(most) - 1, 0)
    return float(chance_of.sum(axis=1) @ waiting), float(chance_of.sum(axis=0) @ waiting)


@both_engines
def test_two_steps_in_a_row_are_a_tandem_queue(engine: str) -> None:
    """Stage 1 by its closed form, stage 2 by the joint chain; near the product form of the textbook."""
    rate, means = 0.05, (10.0, 12.0)
    expected = tandem_waiting(rate, means)
    assert expected[0] == pytest.approx(expected_waiting(rate, means[0], 1), rel=1e-4)
    textbook = (rate * means[1]) ** 2 / (1 - rate * means[1])
    assert expected[1] == pytest.approx(textbook, rel=0.12)
    warm_up, days = int(20 * relaxation_days(rate, means[1], 1)) + 1, 12_000
    runs: tuple[list[float], list[float]] = ([], [])
    for seed in range(N_RUNS):
        rng = np.random.default_rng([seed, 72])
        joins = np.repeat(np.arange(warm_up + days), rng.poisson(rate, warm_up + days))
        lengths = np.stack([rng.geometric(1 / mean, len(joins)) for mean in means], axis=1)
        plan = plans(joins.tolist(), steps=2, days=lengths, next_inside=[[1, NO_STEP]] * len(joins))
        _, waiting = occupancy(ENGINES[engine](plan, capacity([1, 1], warm_up + days)), 2, warm_up + days)
        for stage in (0, 1):
            runs[stage].append(float(waiting[warm_up:, stage].mean()))
    for stage in (0, 1):
        assert_within_four_standard_errors(runs[stage], expected[stage])


@both_engines
def test_littles_law_holds_exactly(engine: str) -> None:
    """Place-days and waiting-list-days that the engine itself counts, day by day, are the days its Episodes say."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n, days = 200, 150
        plan = plans(
            np.sort(rng.integers(0, days, n)).tolist(), steps=2, days=rng.integers(1, 9, (n, 2)),
            patience=rng.integers(1, 40, (n, 2)), next_inside=[[1, NO_STEP]] * n,
        )  # fmt: skip
        counted = np.zeros((2, days, 2), dtype=np.int32)
        run = ENGINES[engine]
        episodes = run(plan, capacity([4, 3], days), daily=counted)
        held, waiting = occupancy(episodes, 2, days)
        held_by_engine, waiting_by_engine = counted
        assert np.array_equal(held, held_by_engine)
        assert np.array_equal(waiting, waiting_by_engine)
        begun = episodes.started_day != NOT_YET
        ended = np.where(episodes.ended_day == NOT_YET, days, episodes.ended_day)
        for step in range(2):
            here = episodes.step == step
            assert held_by_engine[:, step].sum() == (ended - episodes.started_day)[here & begun].sum()
            assert waiting_by_engine[:, step].sum() == days_on_list(episodes, days)[here].sum()


@both_engines
@settings(max_examples=60, deadline=None)
@given(
    clients=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=40),
    places=st.integers(0, 4),
)
def test_more_places_never_lengthen_anyones_wait(engine: str, clients: list[tuple[int, int]], places: int) -> None:
    """One step, no patience, first come first served."""
    plan = plans([c[0] for c in clients], days=[c[1] for c in clients])
    fewer, more = (ENGINES[engine](plan, capacity(p, 400)) for p in (places, places + 1))
    assert np.all(days_on_list(more, 400) <= days_on_list(fewer, 400))
