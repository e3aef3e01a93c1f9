"""Compiled code reads clients as NumPy does: severities to the last bit, and the same scores."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import pytest

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import GAD7_MAX, PHQ9_MAX, score
from caseload_sim.clients.remission import Given, illness_of
from caseload_sim.clients.severity import FIRST, LAST, Condition, condition_of, passing_at, severity_on
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.outcome import Instrument
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import rows_of
from caseload_sim.support.compiled import numba_is_there

pytestmark = pytest.mark.skipif(not numba_is_there(), reason="nothing is compiled without numba")
N, DRAWS = 5_000, Draws(4, 0)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return get_scenario()


@pytest.fixture(scope="module")
def clients(scenario: Scenario) -> Clients:
    return draw_population(scenario, DRAWS, N)


@pytest.fixture(scope="module")
def who(scenario: Scenario, clients: Clients) -> Condition:
    return condition_of(scenario, clients, illness_of(scenario, clients, DRAWS), DRAWS)


@pytest.fixture
def both_ways(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[Any]]:
    """What a function gives compiled, and what by NumPy."""

    def call(function: Callable[[], Any]) -> list[Any]:
        found = []
        for compiled in (True, False):
            for module in ("severity", "questionnaires"):
                monkeypatch.setattr(
                    f"caseload_sim.clients.{module}.numba_is_loaded", lambda compiled=compiled: compiled
                )
            found.append(function())
        return found

    return call


@pytest.mark.parametrize("reading", [FIRST, LAST])
@pytest.mark.parametrize("treated", [False, True])
@pytest.mark.parametrize("some", [False, True])
def test_severities_are_the_same_to_the_last_bit(
    scenario: Scenario, clients: Clients, who: Condition, both_ways: Callable[[Callable[[], Any]], list[Any]], reading: str,
    treated: bool, some: bool,
) -> None:  # fmt: skip
    """Of everybody and of some; of some also the same as if these alone had been there."""
    rows = np.arange(1, N, 3) if some else np.arange(N)
    passing = passing_at(scenario, clients, reading, DRAWS, rows)
    days = (np.arange(len(rows)) % 700).astype(np.int32)
    target = np.argmax(clients.severity[rows], axis=1).astype(np.int8)
    given = Given(np.linspace(0, 2, len(rows)), target) if treated else None
    ways = both_ways(lambda: severity_on(scenario, who, passing, days, given, rows if some else None))
    alone = both_ways(lambda: severity_on(scenario, who.rows(rows), passing, days, given))
    for one in (*ways[1:], *alone):
        for found, expected in zip(one, ways[0], strict=True):
            assert np.array_equal(found, expected)
    of_some = passing_at(scenario, rows_of(clients, rows), reading, DRAWS)
    for f in fields(passing):
        assert np.array_equal(np.array(getattr(of_some, f.name)), np.array(getattr(passing, f.name))), f.name


@pytest.mark.parametrize("changes", [{}, {"softness": 0.1}, {"softness": 5}, {"others_weight": 60}, {"intercept": -40}])
@pytest.mark.parametrize("severe", [0.0, 1.5, 400.0])
def test_scores_are_the_same(
    scenario: Scenario, both_ways: Callable[[Callable[[], Any]], list[Any]], changes: dict[str, float], severe: float
) -> None:
    """Also where the curves end, and where error puts somebody into the very middle between two scores."""
    rng = np.random.default_rng(8)
    severity = np.asfortranarray(rng.normal(0, 0.1 + severe, (N, len(scenario.disorders))))
    distress = rng.normal(0, 1 + severe, N)
    for instrument, highest in ((scenario.instruments.phq9, PHQ9_MAX), (scenario.instruments.gad7, GAD7_MAX)):
        of = _with(instrument, changes)
        expected = score_without_error(of, scenario, severity, distress)
        for apart in (0.0, 1e-12, -1e-12, 1e-7, -1e-7, 1e-4, 0.3):
            error = rng.integers(-3, 28, N) + 0.5 - expected + apart
            compiled, by_numpy = both_ways(partial(score, of, scenario.disorders, severity, distress, error, highest))
            assert np.array_equal(compiled, by_numpy)
            assert len(np.unique(compiled)) > 10


def score_without_error(of: Instrument, scenario: Scenario, severity: np.ndarray, distress: np.ndarray) -> np.ndarray:
    """Points before the error, by the formula of `Instrument`."""
    seen = sum(
        of.sees.get(name, of.sees["default"]).value * np.maximum(severity[:, j], 0)
        for j, name in enumerate(scenario.disorders)
        if name != of.own_disorder
    )
    own = severity[:, scenario.disorders.index(of.own_disorder)]
    points = of.intercept.value + of.own_weight.value * np.maximum(own, -1) + of.distress_weight.value * distress
    points = points + of.others_weight.value * (1 - np.exp(-seen))
    return np.asarray(of.softness.value * np.logaddexp(0, points / of.softness.value))


def _with(instrument: Instrument, changes: dict[str, float]) -> Instrument:
    return instrument.model_copy(
        update={name: getattr(instrument, name).model_copy(update={"value": value}) for name, value in changes.items()}
    )
