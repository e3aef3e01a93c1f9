"""When problems are over: each rule by hand, on one problem at a time."""

from dataclasses import fields, replace
from math import exp, expm1

import numpy as np
import pytest
from scipy import stats

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.remission import (
    DAYS_PER_MONTH,
    Given,
    Illness,
    complexity_of,
    distress_over_by,
    drawn_lengths,
    illness_of,
    over_by,
    over_from,
    principal_of,
    share_reaching,
    treatment_given,
    well_from,
    years_to_relapse,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import rows_of

N = 4000
LONGEST = 10_000
DRAWS = Draws(1, 0)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return get_scenario()


@pytest.fixture(scope="module")
def clients(scenario: Scenario) -> Clients:
    return draw_population(scenario, DRAWS, N)


@pytest.fixture(scope="module")
def illness(scenario: Scenario, clients: Clients) -> Illness:
    return illness_of(scenario, clients, DRAWS)


def one_client(scenario: Scenario, disorder: str, length: float, hazard: float) -> Illness:
    """Somebody with one disorder, and with distress that ends a hundred times as late."""
    shape = 1, len(scenario.disorders)
    present = np.array([[name == disorder for name in scenario.disorders]])
    return Illness(
        present=present,
        length=np.full(shape, length),
        hazard=np.full(shape, hazard),
        distress_length=np.array([100 * length]),
        distress_hazard=np.array([hazard]),
        depth=np.full(shape, 0.5),
    )


def full_course(scenario: Scenario, target: str, strength: float = 1.0, n: int = 1) -> Given:
    return Given(np.full(n, strength), np.full(n, scenario.disorders.index(target), dtype=np.int8))


def over_on(scenario: Scenario, illness: Illness, day: int, given: Given | None, disorder: str) -> bool:
    days = np.full(len(illness.length), day, dtype=np.int32)
    return bool(over_by(scenario, illness, days, given, scenario.disorders.index(disorder))[0])


# --- the day on which a problem is over -----------------------------------------------------------------------------


def test_time_uses_a_length_up_at_the_hazard(scenario: Scenario) -> None:
    """A length of 1 at a hazard of 1/64 a day, which is exact in binary, lasts 64 days, and no other disorder is there."""
    ill = one_client(scenario, "ptsd", length=1.0, hazard=1 / 64)
    assert not over_on(scenario, ill, 63, None, "ptsd")
    assert over_on(scenario, ill, 64, None, "ptsd")
    assert not over_on(scenario, ill, 64, None, "ocd"), "what is not there is never over"
    first = over_from(scenario, ill, None, LONGEST)
    assert first[0, scenario.disorders.index("ptsd")] == 64
    assert first[0, scenario.disorders.index("ocd")] == LONGEST
    assert first[0, -1] == 6400, "the distress comes last of the columns"


def test_treatment_takes_its_piece_off_at_once(scenario: Scenario) -> None:
    """Three times tau as long at one tau a day: three days without, one with a full course and a half."""
    tau = scenario.outcome.treatment.full_course.value
    ill = one_client(scenario, "ptsd", length=3 * tau, hazard=tau * (1 + 1e-12))
    for strength, day in ((0.0, 3), (1.0, 2), (1.5, 2), (2.0, 1), (3.5, 0)):
        given = full_course(scenario, "ptsd", strength)
        assert over_from(scenario, ill, given, LONGEST)[0, scenario.disorders.index("ptsd")] == day, strength


@pytest.mark.parametrize("disorder", ["ptsd", "ocd", "social_anxiety", "major_depression"])
def test_what_is_not_the_target_gets_the_spill(scenario: Scenario, disorder: str) -> None:
    treatment = scenario.outcome.treatment
    spill = (treatment.spill[disorder] if disorder in treatment.spill else treatment.spill["default"]).value
    given = full_course(scenario, "generalised_anxiety")
    j = scenario.disorders.index(disorder)
    assert share_reaching(scenario, given, j).tolist() == [spill]
    assert share_reaching(scenario, full_course(scenario, disorder), j).tolist() == [1.0]
    taken = spill * treatment.full_course.value
    for length, over in ((taken * 0.999, True), (taken * 1.001, False)):
        assert over_on(scenario, one_client(scenario, disorder, length, 0.001), 0, given, disorder) is over


def test_distress_is_over_by_time_and_by_treatment_whoever_is_the_target(scenario: Scenario) -> None:
    tau = scenario.outcome.treatment.full_course_of_distress.value
    ill = replace(
        one_client(scenario, "ptsd", 9.0, 1.0),
        distress_length=np.array([1.5 * tau + 1]),
        distress_hazard=np.array([0.5]),
    )
    day_1, day_2, day_3 = (np.array([day], dtype=np.int32) for day in (1, 2, 3))
    for target in ("ptsd", "ocd"):
        assert not distress_over_by(scenario, ill, day_1, full_course(scenario, target, 1.501))[0]
        assert distress_over_by(scenario, ill, day_2, full_course(scenario, target, 1.501))[0]
    assert not distress_over_by(scenario, ill, day_3, None)[0]


def test_the_first_day_is_the_one_on_which_readings_agree(
    scenario: Scenario, clients: Clients, illness: Illness
) -> None:
    """Everybody, treated or not: over on that whole day, and not on the day before."""
    target = np.argmax(clients.severity, axis=1).astype(np.int8)
    for given in (None, Given(np.full(N, 0.4), target), Given(np.linspace(0, 2, N), target)):
        first = over_from(scenario, illness, given, LONGEST)
        assert first.min() == 0 or given is None
        for j in range(first.shape[1]):
            last = j == first.shape[1] - 1
            there = np.ones(N, dtype=bool) if last else illness.present[:, j]
            known = there & (first[:, j] < LONGEST)

            def over(days: np.ndarray, j: int = j, last: bool = last, given: Given | None = given) -> np.ndarray:
                if last:
                    return distress_over_by(scenario, illness, days, given)
                return over_by(scenario, illness, days, given, j)

            assert known.sum() > 100
            assert over(first[:, j])[known].all()
            assert not over(first[:, j] - 1)[known & (first[:, j] > 0)].any()
            assert not over(np.full(N, LONGEST - 1, dtype=np.int32))[there & (first[:, j] == LONGEST)].any()


def test_rounding_does_not_part_the_day_from_what_readings_say(scenario: Scenario) -> None:
    """Lengths that are whole multiples of the hazard, such as 0.1: where division and multiplication round apart."""
    n, j = 3000, 0
    whole = np.arange(1, n + 1)
    ill = one_client(scenario, scenario.disorders[j], 1.0, 0.1)
    shape = n, len(scenario.disorders)
    for hazard in (0.1, 0.3, 1 / 3, 0.0037):
        many = Illness(
            np.broadcast_to(ill.present, shape), np.repeat((whole * hazard)[:, None], shape[1], axis=1),
            np.full(shape, hazard), np.ones(n), np.ones(n), np.zeros(shape),
        )  # fmt: skip
        first = over_from(scenario, many, None, LONGEST)[:, j]
        assert np.array_equal(first, whole)
        apart = np.ceil(many.length[:, j] / many.hazard[:, j]) != whole
        assert over_by(scenario, many, first, None, j).all()
        assert not over_by(scenario, many, first - 1, None, j).any(), apart.sum()


def test_well_is_who_has_lost_the_most_severe_disorder_and_the_distress(scenario: Scenario) -> None:
    present, length = np.array([[True], [True], [False]]), np.array([[20.0], [1.0], [np.inf]])
    ill = Illness(present, length, np.full((3, 1), 1.0), np.full(3, 5.0), np.full(3, 1.0), np.zeros((3, 1)))
    assert well_from(scenario, ill, LONGEST).tolist() == [20, 5, 5], "the third came for the distress alone"
    late = replace(ill, distress_length=np.full(3, 30.0))
    assert well_from(scenario, late, LONGEST).tolist() == [30, 30, 30]


def test_the_principal_is_the_most_severe_of_all_disorders(
    scenario: Scenario, clients: Clients, illness: Illness
) -> None:
    """Of some clients, and to the last bit: the one that readings find gone must be the one of which it was asked when."""
    rows = np.flatnonzero(np.arange(N) % 3)
    principal, at = principal_of(scenario, clients, DRAWS, rows), (rows, np.argmax(clients.severity[rows], axis=1))
    assert len(set(at[1].tolist())) == len(scenario.disorders)
    assert 0 < principal.present.sum() < len(rows)
    there = principal.present[:, 0]
    for name in ("present", "length"):
        assert np.array_equal(getattr(principal, name)[:, 0], getattr(illness, name)[at]), name
    assert np.array_equal(principal.hazard[there, 0], illness.hazard[at][there])
    for name in ("distress_length", "distress_hazard"):
        assert np.array_equal(getattr(principal, name), getattr(illness, name)[rows]), name


# --- how long, how fast ---------------------------------------------------------------------------------------------


def test_lengths_are_exponential_and_alike_within_a_client(scenario: Scenario, clients: Clients) -> None:
    shared = scenario.outcome.remission.shared.value
    length, distress_length = drawn_lengths(scenario, clients, DRAWS)
    lengths = np.column_stack([length, distress_length])
    scores = stats.norm.ppf(np.exp(-lengths))
    r = np.corrcoef(scores.T)
    for j in range(lengths.shape[1]):
        assert stats.kstest(lengths[:, j], "expon").pvalue > 1e-4
        for k in range(j):
            assert r[j, k] == pytest.approx(shared, abs=4 * (1 - shared**2) / np.sqrt(N))
    again, distress_again = drawn_lengths(scenario, clients, DRAWS, "relapse_")
    assert stats.kstest(distress_again, "expon").pvalue > 1e-4
    assert abs(np.corrcoef(again[:, 0], length[:, 0])[0, 1]) < 4 / np.sqrt(N), "a relapse lasts a length of its own"


def test_one_length_by_hand(scenario: Scenario, clients: Clients, illness: Illness) -> None:
    shared = scenario.outcome.remission.shared.value
    i = np.flatnonzero(clients.has("ptsd"))[0]
    g, h = (DRAWS.normal(p, clients.id[i : i + 1])[0] for p in ("length_shared", "length_own:ptsd"))
    by_hand = -np.log(stats.norm.cdf(np.sqrt(shared) * g + np.sqrt(1 - shared) * h))
    assert illness.length[i, scenario.disorders.index("ptsd")] == pytest.approx(by_hand, rel=1e-9)


def test_what_is_not_asked_for_is_not_drawn_and_moves_nothing_else(
    scenario: Scenario, clients: Clients, illness: Illness
) -> None:
    """Of all clients, and of some alone."""
    every, of_distress = drawn_lengths(scenario, clients, DRAWS)
    there = np.column_stack([clients.has(name) for name in scenario.disorders])
    assert np.array_equal(illness.present, there)
    assert np.array_equal(illness.length, np.where(there, every, np.inf))
    assert np.array_equal(illness.distress_length, of_distress)
    assert not np.any(illness.depth[~there])
    rows = np.arange(1, N, 7)
    some = illness_of(scenario, rows_of(clients, rows), DRAWS)
    for f in fields(Illness):
        assert np.array_equal(getattr(some, f.name), getattr(illness, f.name)[rows]), f.name


def test_one_hazard_by_hand() -> None:
    """Rates of our own choosing: everything that slows somebody down, taken together, on the log."""
    changes: dict[str, float] = {
        "outcome.remission.monthly_hazard.ptsd": 0.1, "outcome.remission.usual_care": 1.5,
        "outcome.remission.per_emotional_disorder": -0.2, "outcome.remission.reference_disorders": 2,
        "outcome.remission.per_severity_sd": -0.3, "outcome.remission.per_deprivation_sd": -0.05,
        "outcome.remission.monthly_hazard_of_distress": 0.4,
    }  # fmt: skip
    by_condition = {
        "personality_disorder": -0.4, "alcohol_dependence": -0.1, "other_substance_dependence": -0.2,
        "childhood_sexual_abuse": -0.3, "childhood_physical_abuse": -0.5,
    }  # fmt: skip
    scenario = get_scenario(
        changes=changes | {f"outcome.remission.by_condition.{k}": v for k, v in by_condition.items()}
    )
    clients = draw_population(scenario, DRAWS, 300)
    ill = illness_of(scenario, clients, DRAWS)
    j, seen = scenario.disorders.index("ptsd"), set()
    for i in np.flatnonzero(clients.has("ptsd")).tolist():
        n = sum(bool(clients.has(name)[i]) for name in scenario.disorders)
        others = [name for name in by_condition if clients.has(name)[i]]
        slower = -0.2 * (n - 2) - 0.05 * clients.deprivation[i] + sum(by_condition[name] for name in others)
        severity = min(clients.severity[i, j], 3.0)
        assert ill.hazard[i, j] == pytest.approx(
            0.1 * 1.5 / DAYS_PER_MONTH * exp(slower - 0.3 * (severity - 1)), rel=1e-12
        )
        assert ill.distress_hazard[i] == pytest.approx(0.4 * 1.5 / DAYS_PER_MONTH * exp(slower), rel=1e-12)
        seen |= set(others) | ({"severe"} if clients.severity[i, j] > 3 else set())
    assert seen == {*by_condition, "severe"}, "nobody to show a rule on"


def test_as_many_are_well_after_so_many_days_as_their_hazards_say(
    scenario: Scenario, clients: Clients, illness: Illness
) -> None:
    """Of those with a disorder, the mean of 1 - exp(-hazard * days), within four standard errors."""
    for j in range(len(scenario.disorders)):
        rows = np.flatnonzero(illness.present[:, j])
        for day in (30, 182, 700):
            chance = -np.expm1(-illness.hazard[rows, j] * day)
            got = over_by(scenario, illness, np.full(N, day, dtype=np.int32), None, j)[rows].mean()
            assert got == pytest.approx(chance.mean(), abs=4 * np.sqrt((chance * (1 - chance)).sum()) / len(rows))


def test_what_is_over_lies_below_the_threshold_by_the_gap_and_an_exponential_depth(
    scenario: Scenario, illness: Illness
) -> None:
    rule = scenario.outcome.remission
    for j in range(illness.depth.shape[1]):
        beyond = illness.depth[illness.present[:, j], j] - rule.hysteresis.value
        assert beyond.min() > 0
        assert stats.kstest(beyond / rule.depth_mean.value, "expon").pvalue > 1e-4


# --- what treatment gives -------------------------------------------------------------------------------------------


def given_by(
    scenario: Scenario,
    target: str,
    sessions: dict[str, int],
    *,
    complexity: int = 1,
    response: float | list[float] = 1.0,
    contacts: int = 9,
    first: str | None = None,
) -> float:
    table = np.array([[sessions.get(step, 0) for step in scenario.steps]], dtype=np.int32)
    given = treatment_given(
        scenario, np.array([scenario.disorders.index(target)], dtype=np.int8), np.broadcast_to(response, (1, len(scenario.steps))),
        np.array([complexity]), table, np.array([contacts], dtype=np.int32),
        None if first is None else np.array([scenario.steps.index(first)], dtype=np.int8),
    )  # fmt: skip
    return float(given.strength[0])


def test_the_dose_of_a_course_by_hand(scenario: Scenario) -> None:
    """Effect times 1 - exp(-3 sessions / sessions for 95 per cent); a second course works on what the first has left."""
    low, high = (scenario.pathway.steps[name] for name in ("low_intensity", "high_intensity"))
    assert low.kind == high.kind == "course"
    five = low.effect["major_depression"].value * -expm1(-15 / low.sessions_for_95_percent.value)
    eight = high.effect["default"].value * -expm1(-24 / high.sessions_for_95_percent.value)
    fidelity = scenario.outcome.treatment.fidelity.value
    assert given_by(scenario, "major_depression", {"low_intensity": 5}) == pytest.approx(fidelity * five)
    assert given_by(scenario, "major_depression", {"high_intensity": 8}) == pytest.approx(fidelity * eight)
    both = {"low_intensity": 5, "high_intensity": 8}
    assert given_by(scenario, "major_depression", both) == pytest.approx(fidelity * (1 - (1 - five) * (1 - eight)))
    assert given_by(scenario, "major_depression", both, response=1.4) == pytest.approx(
        1.4 * given_by(scenario, "major_depression", both)
    )
    assert given_by(scenario, "major_depression", both, contacts=1) == 0, "one contact is no course"
    assert given_by(scenario, "major_depression", {}) == 0


def test_a_course_below_works_on_what_the_course_above_has_left(scenario: Scenario) -> None:
    """Of somebody who steps down: a therapist below who does nothing takes away nothing of what was given above."""
    high, both = {"high_intensity": 8}, {"high_intensity": 8, "low_intensity": 5}
    nothing_below = [0.0 if name == "low_intensity" else 1.0 for name in scenario.steps]
    alone = given_by(scenario, "major_depression", high, first="high_intensity")
    assert alone == given_by(scenario, "major_depression", high)
    assert given_by(
        scenario, "major_depression", both, response=nothing_below, first="high_intensity"
    ) == pytest.approx(alone)
    up = given_by(scenario, "major_depression", both, response=nothing_below, first="low_intensity")
    assert up == given_by(scenario, "major_depression", both, response=nothing_below)
    assert 0 < up < alone, "going up, the therapist above works on what a course below has used up"


def test_low_intensity_does_less_for_the_complex_and_high_intensity_does_not(scenario: Scenario) -> None:
    per_point = scenario.pathway.steps["low_intensity"].effect_per_complexity.value  # type: ignore[union-attr]
    assert per_point < 0
    plain = given_by(scenario, "generalised_anxiety", {"low_intensity": 6})
    assert given_by(scenario, "generalised_anxiety", {"low_intensity": 6}, complexity=0) == plain
    assert given_by(scenario, "generalised_anxiety", {"low_intensity": 6}, complexity=4) == pytest.approx(
        plain * exp(3 * per_point)
    )
    high = {given_by(scenario, "ptsd", {"high_intensity": 6}, complexity=k) for k in range(5)}
    assert len(high) == 1


def test_complexity_counts_disorders_beyond_the_first_dependences_and_personality_disorder(
    scenario: Scenario, clients: Clients
) -> None:
    counted = ("alcohol_dependence", "other_substance_dependence", "personality_disorder")
    for i, complexity in enumerate(complexity_of(scenario, clients)[:500].tolist()):
        n = sum(bool(clients.has(name)[i]) for name in scenario.disorders)
        assert complexity == max(n - 1, 0) + sum(bool(clients.has(name)[i]) for name in counted)


def test_fidelity_takes_its_share(scenario: Scenario) -> None:
    whole, half = (get_scenario(changes={"outcome.treatment.fidelity": f}) for f in (1.0, 0.5))
    sessions = {"high_intensity": 4}
    assert given_by(half, "ptsd", sessions) == pytest.approx(given_by(whole, "ptsd", sessions) / 2)


# --- relapse --------------------------------------------------------------------------------------------------------


def test_the_day_of_a_relapse_by_hand(scenario: Scenario) -> None:
    """By a year, the chance of a relapse is 1 - exp(-hazard); with residual symptoms the hazard is multiplied."""
    rule = scenario.outcome.relapse
    hazard, more, shape = rule.yearly_hazard.value, rule.residual_symptoms.value, rule.shape.value
    u = np.array([exp(-hazard), exp(-hazard * more), exp(-hazard * 4**shape), exp(-hazard * 0.5**shape)])
    residual = np.array([False, True, False, False])
    assert years_to_relapse(scenario, u, residual) == pytest.approx([1, 1, 4, 0.5])


def test_without_a_hazard_nobody_relapses() -> None:
    scenario = get_scenario(changes={"outcome.relapse.yearly_hazard": 0})
    assert np.isinf(years_to_relapse(scenario, np.array([0.3]), np.array([True]))).all()
