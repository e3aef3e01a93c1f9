"""How severity changes and what questionnaires read, against arithmetic by hand."""

import numpy as np
import pytest

from caseload_sim.clients.questionnaires import Line, below_caseness
from caseload_sim.clients.severity import (
    Trajectory,
    Treated,
    elapsed,
    scores_after,
    severity_after,
    trajectory,
    treated_by,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.pathway.stepping import responder_days
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients

DAYS = np.array([0, 182, 365, 36500], dtype=np.int32)


def path_of(scenario: Scenario) -> Trajectory:
    draws = Draws(1, 0)
    return trajectory(scenario, draw_clients(scenario, draws), draws)


@pytest.fixture(scope="module")
def path(small: Scenario) -> Trajectory:
    return path_of(small)


def test_the_natural_course_passes_through_its_points_and_saturates(path: Trajectory) -> None:
    reached = elapsed(path.pace, DAYS)
    assert reached[:3] == pytest.approx([0, 1, 1.4], abs=1e-9)
    assert reached[3] == pytest.approx(path.pace[0], abs=1e-6)
    steps = np.diff(elapsed(path.pace, np.arange(1000, dtype=np.int32)))
    assert np.all(steps > 0)
    assert np.all(np.diff(steps) < 0), "concave"


def test_on_day_0_nothing_has_changed_yet(path: Trajectory) -> None:
    zero = np.zeros(len(path.distress), dtype=np.int32)
    severity, distress = severity_after(path, zero, at_end=False)
    assert np.array_equal(severity, path.severity)
    assert np.array_equal(distress, path.distress)


def test_treatment_is_subtracted_once(path: Trajectory) -> None:
    days = np.full(len(path.distress), 100, dtype=np.int32)
    treated = Treated(np.full_like(path.severity, 0.5), np.full_like(path.distress, 0.25))
    without, with_treatment = severity_after(path, days), severity_after(path, days, treated)
    assert with_treatment[0] == pytest.approx(without[0] - 0.5)
    assert with_treatment[1] == pytest.approx(without[1] - 0.25)


def test_moderators_slow_the_improvement_of_those_who_have_the_condition() -> None:
    scenario = get_scenario(changes={"run.warm_up_days": 0, "run.data_collection_days": 30, "run.follow_up_days": 0})
    off = scenario.with_changes({"outcome.moderators.personality_disorder": 0})
    clients = draw_clients(scenario, Draws(1, 0))
    slower = path_of(off).improvement - path_of(scenario).improvement
    assert slower == pytest.approx(0.12 * np.repeat(clients.has("personality_disorder")[:, None], 7, axis=1))


def test_the_dose_of_a_course_by_hand() -> None:
    """High intensity, 7 sessions of N95 14: 1 - exp(-1.5). Low intensity on PTSD: nothing. Spill to depression: .60."""
    scenario = get_scenario()
    target = np.array([4, 4, 0, 0], dtype=np.int8)
    low, high = scenario.steps.index("low_intensity"), scenario.steps.index("high_intensity")
    sessions = np.zeros((4, len(scenario.steps)), dtype=np.int32)
    sessions[:, low], sessions[:, high] = [0, 5, 7, 0], [7, 0, 14, 7]
    contacts = np.array([8, 6, 22, 1], dtype=np.int32)
    treated = treated_by(scenario, target, np.array([1.0, 1.0, 0.5, 1.0]), sessions, contacts)
    hi_7, full = 1 - np.exp(-1.5), 1 - np.exp(-3)
    both = 1 - (1 - 0.75 * full) * (1 - full)
    expected = [0.6 * hi_7, 0.0, 0.5 * 0.6 * both, 0.0]
    assert treated.distress == pytest.approx(expected)
    assert treated.disorders[0, 4] == pytest.approx(0.6 * hi_7)
    assert treated.disorders[0, 0] == pytest.approx(0.6 * hi_7 * 0.60)
    assert treated.disorders[2, 5] == pytest.approx(expected[2] * 0.30)
    assert np.all(treated.disorders[3] == 0), "one contact is no course"


def test_questionnaires_stay_within_their_ranges_and_fall_with_severity(small: Scenario, path: Trajectory) -> None:
    days = np.zeros(len(path.distress), dtype=np.int32)
    phq9, gad7 = scores_after(small, path, days, at_end=False)
    better = Treated(np.full_like(path.severity, 1.0), np.full_like(path.distress, 1.0))
    phq9_less, gad7_less = scores_after(small, path, days, better, at_end=False)
    for scores, highest in ((phq9, 27), (gad7, 21)):
        assert scores.min() >= 0
        assert scores.max() == highest
    assert np.all(phq9_less <= phq9)
    assert np.all(gad7_less <= gad7)


def test_a_phq9_by_hand() -> None:
    """Softplus of 12.8 + 5.1 * (.55 * own + .45 * mean + .6 * u) / sqrt(1.36), softness 4.6, error 1.2."""
    scenario = get_scenario()
    severity = np.array([[1.0, 0.5, 0.0, -0.5, -1.0, -1.5, 0.8]])
    zero = np.zeros((1, 7))
    error = np.array([1.2])
    path = Trajectory(
        severity,
        zero,
        zero,
        np.array([0.3]),
        np.zeros(1),
        (1.0, 100.0),
        np.zeros(1),
        np.zeros(1),
        (error, error),
        (error, error),
    )
    level = (0.55 * 1.0 + 0.45 * severity.mean() + 0.6 * 0.3) / np.sqrt(1.36)
    by_hand = round(4.6 * np.log(1 + np.exp((12.8 + 5.1 * level) / 4.6)) + 1.2)
    phq9, _ = scores_after(scenario, path, np.zeros(1, dtype=np.int32), at_end=False)
    assert phq9.tolist() == [by_hand]


def test_caseness_at_its_edges() -> None:
    phq9 = np.array([9, 10, 9, 10], dtype=np.int8)
    gad7 = np.array([7, 7, 8, 8], dtype=np.int8)
    assert below_caseness(phq9, gad7).tolist() == [True, False, False, False]


def test_distress_falls_by_its_own_improvement_in_the_course_of_time(path: Trajectory) -> None:
    n = len(path.distress)
    _, half_a_year = severity_after(path, np.full(n, 182, dtype=np.int32))
    _, a_year = severity_after(path, np.full(n, 365, dtype=np.int32))
    assert half_a_year == pytest.approx(path.distress - path.distress_improvement)
    assert a_year == pytest.approx(path.distress - 1.4 * path.distress_improvement)


@pytest.mark.parametrize("off_by", [None, 0, 1, -1, 2, -300, np.nan], ids=str)
def test_responder_days_are_those_on_which_both_scores_are_below(
    small: Scenario, monkeypatch: pytest.MonkeyPatch, off_by: float | None
) -> None:
    """Asked of every day; and wherever the first guess lies: off_by so many days, or nowhere at all."""
    draws = Draws(1, 0)
    clients = draw_clients(small, draws)
    n = len(clients.id)
    path = trajectory(small, clients, draws)
    target, sessions = np.zeros(n, dtype=np.int8), np.full((n, len(small.steps)), 2, dtype=np.int32)
    contacts = np.full(n, 5, dtype=np.int32)
    if off_by is not None:
        progress_at = Line.progress_at
        day = elapsed(path.pace, np.arange(1, dtype=np.int32) + 1)[0]  # what a day moves, at the start
        monkeypatch.setattr(Line, "progress_at", lambda line, points: progress_at(line, points) + off_by * day)
    first, last = responder_days(small, path, target, np.ones(n), sessions, contacts)
    treated = treated_by(small, target, np.ones(n), sessions, contacts)
    turned = np.zeros(n, dtype=bool)
    for asked in range(0, int(last.max()) + 1, 7):
        below = below_caseness(*scores_after(small, path, np.full(n, asked, dtype=np.int32), treated))
        assert np.array_equal(below, (first <= asked) & (asked <= last)), asked
        turned |= below != (first == 0)
    assert np.mean(turned) > 0.01, "too few who turn for the test to tell anything"
