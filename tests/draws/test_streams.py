"""Randomness: one stream a purpose, one place a client."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from caseload_sim.draws.distributions import counts_from_uniform
from caseload_sim.draws.streams import PURPOSES, RETURN_IDS, START_IDS, Draws
from caseload_sim.support.compiled import numba_is_there

N = 20_000


def test_more_clients_leave_the_earlier_draws_unchanged() -> None:
    few, many = np.arange(1000), np.arange(5000)
    draws = Draws(1, 0)
    assert np.array_equal(draws.uniform("trait:ptsd", few), draws.uniform("trait:ptsd", many)[:1000])


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(4, 12), np.arange(5, 9), np.array([3, 6, 7, 1000]), np.array([0]), np.array([7, 8, 9, 2, 3, 3, 1000]),
        np.arange(9, 0, -1),
    ],
)  # fmt: skip
def test_any_selection_of_clients_gets_the_draws_of_those_clients(ids: np.ndarray) -> None:
    draws = Draws(7, 3)
    assert np.array_equal(draws.uniform("relapse", ids), draws.uniform("relapse", np.arange(1001))[ids])


@pytest.mark.skipif(not numba_is_there(), reason="nothing is compiled without numba")
@pytest.mark.parametrize(
    "ids",
    [
        np.arange(70_000), np.arange(5, 9), np.array([3, 6, 7, 1000]), np.array([0]), np.array([7, 8, 9, 2, 3, 3, 1000]),
        np.arange(9, 0, -1), np.arange(0, 90_000, 3), RETURN_IDS + np.arange(1, 50), START_IDS + np.arange(6, 70_000),
        np.arange(1000)[::7],
    ],
)  # fmt: skip
def test_compiled_draws_are_those_of_numpy_to_the_last_bit(ids: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for compiled in (True, False):
        monkeypatch.setattr("caseload_sim.draws.streams.numba_is_loaded", lambda compiled=compiled: compiled)
        draws = Draws(2**63 - 1, 12)
        drawn.append([draws.uniform("route", ids), draws.normal("route", ids), draws.gamma("route", ids, 2.5)])
    for compiled_ones, numpy_ones in zip(*drawn, strict=True):
        assert np.array_equal(compiled_ones, numpy_ones)


@pytest.mark.parametrize("n", [0, 1, 5_000, 60_000, 140_000])
def test_normals_of_several_purposes_are_those_of_each(n: int) -> None:
    """All of a few clients at once, of more a few purposes at once, of many one by one."""
    draws, ids = Draws(5, 2), RETURN_IDS + np.arange(n)
    purposes = ["distress", *(f"trait:{k}" for k in range(30 if n <= 5_000 else 3))]
    together = list(draws.normals(purposes, ids))
    assert len(together) == len(purposes)
    for purpose, drawn in zip(purposes, together, strict=True):
        assert np.array_equal(drawn, draws.normal(purpose, ids))


def test_numba_is_loaded_for_a_large_job_before_anything_is_drawn_and_never_for_draws_alone() -> None:
    """In a process of its own: here it has been loaded long since."""
    words = (
        "import sys, numpy as np; from caseload_sim.draws.streams import Draws; from caseload_sim.engines.engine import engine_for, load\n"
        "Draws(1, 0).uniform('route', np.arange(100_000)); print('numba' in sys.modules)\n"
        "for runs in (100, 10**7): load(engine_for('kernel', runs)); print('numba' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", words], capture_output=True, encoding="utf-8", check=True)
    assert result.stdout.split() == ["False", "False", str(numba_is_there())]


def test_draws_of_clients_far_apart_are_those_of_each_alone() -> None:
    """First referrals, returns and those there at opening have places in blocks of their own."""
    draws, ids = Draws(7, 3), np.array([0, 5, RETURN_IDS + 2, RETURN_IDS + 3, START_IDS + 1, 6])
    alone = [draws.normal("relapse", ids[k : k + 1])[0] for k in range(len(ids))]
    assert np.array_equal(draws.normal("relapse", ids), alone)


def test_nobody_gets_no_draws() -> None:
    assert Draws(1, 0).uniform("relapse", np.empty(0, dtype=np.int64)).shape == (0,)


def test_seed_replication_and_purpose_each_change_the_draws() -> None:
    ids = np.arange(100)
    base = Draws(1, 0).uniform("route", ids)
    for other in (
        Draws(2, 0).uniform("route", ids),
        Draws(1, 1).uniform("route", ids),
        Draws(1, 0).uniform("advice", ids),
    ):
        assert not np.array_equal(base, other)


def test_an_unlisted_purpose_is_refused() -> None:
    with pytest.raises(AssertionError, match="astrology"):
        Draws(1, 0).uniform("astrology", np.arange(3))


def test_no_two_purposes_correlate() -> None:
    """Of all pairs, the largest |r| stays within what chance gives (Bonferroni, 4.9 SE for 500 pairs at 1 in 2,000)."""
    ids = np.arange(N)
    columns = {purpose: Draws(11, 0).normal(purpose, ids) for purpose in PURPOSES}
    worst = max(abs(np.corrcoef(columns[a], columns[b])[0, 1]) for a, b in combinations(PURPOSES, 2))
    assert worst < 4.9 / np.sqrt(N)


def test_uniform_draws_are_uniform() -> None:
    u = np.sort(Draws(5, 0).uniform("route", np.arange(N)))
    assert u[0] > 0
    assert u[-1] < 1
    distance = np.max(np.abs(u - (np.arange(N) + 0.5) / N))
    assert distance < 1.95 / np.sqrt(N)  # Kolmogorov-Smirnov, 1 in 1,000


@pytest.mark.parametrize("shape", [1.0, 3.0])
def test_gamma_draws_have_mean_0_sd_1_and_their_skew(shape: float) -> None:
    x = Draws(5, 0).gamma("booking", np.arange(200_000), shape)
    assert abs(x.mean()) < 4 / np.sqrt(len(x))
    assert x.std() == pytest.approx(1, abs=0.02)
    assert (x**3).mean() == pytest.approx(2 / np.sqrt(shape), abs=0.1)


@pytest.mark.parametrize(("mean", "shape"), [(0.4, np.inf), (28.0, np.inf), (6.4, 1.5), (3.0, 1.0)])
def test_counts_have_their_mean_and_variance(mean: float, shape: float) -> None:
    u = Draws(5, 0).uniform("planned_sessions", np.arange(200_000))
    counts = counts_from_uniform(u, mean, shape)
    variance = mean if np.isinf(shape) else mean + mean**2 / shape
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / len(u)))
    assert counts.var() == pytest.approx(variance, rel=0.05)


def test_counts_follow_their_distribution_function_at_its_steps() -> None:
    """Poisson(1): P(0) = e^-1; just below it the count is 0, just above it 1."""
    p0 = np.exp(-1)
    assert counts_from_uniform(np.array([p0 - 1e-9, p0 + 1e-9, 2 * p0 + 1e-9]), 1.0).tolist() == [0, 1, 2]
    assert counts_from_uniform(np.array([0.001, 0.999]), 0.0).tolist() == [0, 0]
