"""What a reading finds: severity, distress and scores, each rule by hand, and what must hold of any thousand clients."""

from dataclasses import fields, replace
from itertools import pairwise
from math import exp, log1p

import numpy as np
import pytest

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import GAD7_MAX, PHQ9_MAX, below_caseness
from caseload_sim.clients.remission import Given, Illness, illness_of
from caseload_sim.clients.severity import (
    AGAIN,
    FIRST,
    LAST,
    MONTH_12,
    Condition,
    Passing,
    at_end_of,
    at_start_of,
    condition_of,
    passing_at,
    scores_at_referral,
    scores_of,
    scores_on,
    severity_on,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario

N = 5000
DRAWS = Draws(1, 0)
DAYS = (0, 1, 20, 50, 90, 150, 250, 400, 700, 1500)
READINGS = (FIRST, at_start_of("low_intensity"), at_end_of("low_intensity"), LAST, AGAIN, MONTH_12)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return get_scenario()


@pytest.fixture(scope="module")
def clients(scenario: Scenario) -> Clients:
    return draw_population(scenario, DRAWS, N)


@pytest.fixture(scope="module")
def who(scenario: Scenario, clients: Clients) -> Condition:
    return condition_of(scenario, clients, illness_of(scenario, clients, DRAWS), DRAWS)


def treated(clients: Clients, strength: float) -> Given:
    return Given(np.full(len(clients.id), strength), np.argmax(clients.severity, axis=1).astype(np.int8))


def on(day: int, n: int = N) -> np.ndarray:
    return np.full(n, day, dtype=np.int32)


# --- one client by hand ---------------------------------------------------------------------------------------------


def one_client(scenario: Scenario, disorder: str, severity: float, *, days: float, distress_days: float) -> Condition:
    """Somebody with one disorder of so many days, and nothing else but distress of so many; nothing passing at referral."""
    shape = 1, len(scenario.disorders)
    present = np.array([[name == disorder for name in scenario.disorders]])
    illness = Illness(
        present=present,
        length=np.full(shape, days),
        hazard=np.ones(shape),
        distress_length=np.array([distress_days]),
        distress_hazard=np.ones(1),
        depth=np.full(shape, 0.7),
    )
    return Condition(
        severity=np.where(present, severity, -2.0),
        state_start=np.zeros(shape),
        distress=np.array([0.3]),
        drift=np.array([0.9]),
        illness=illness,
    )


def nothing_passing(
    scenario: Scenario, *, state: float = 0.0, drifted: float = 1.0, errors: tuple[float, float] = (0.0, 0.0)
) -> Passing:
    """A reading with the same passing state of every disorder, and no mood."""
    phq9, gad7 = errors
    return Passing(
        np.full((1, len(scenario.disorders)), state), np.zeros(1), drifted, (np.array([phq9]), np.array([gad7]))
    )


def test_a_disorder_is_as_severe_as_at_referral_until_it_is_over_and_then_below_by_its_depth(
    scenario: Scenario,
) -> None:
    j = scenario.disorders.index("ptsd")
    me, calm = one_client(scenario, "ptsd", 1.4, days=30, distress_days=99), nothing_passing(scenario)
    for day, expected in ((0, 1.4), (29, 1.4), (30, -0.7), (400, -0.7)):
        assert severity_on(scenario, me, calm, on(day, 1))[0][0, j] == pytest.approx(expected), day


@pytest.mark.parametrize(("state", "ill", "well"), [(0.4, 1.4 + 0.4, -0.7 + 0.4), (-0.4, 1.4 - 0.4, -0.7 - 0.4)])
def test_the_passing_state_of_the_reading_moves_both(scenario: Scenario, state: float, ill: float, well: float) -> None:
    j = scenario.disorders.index("ptsd")
    me, moved = one_client(scenario, "ptsd", 1.4, days=30, distress_days=99), nothing_passing(scenario, state=state)
    assert severity_on(scenario, me, moved, on(29, 1))[0][0, j] == pytest.approx(ill)
    assert severity_on(scenario, me, moved, on(30, 1))[0][0, j] == pytest.approx(well)


def test_the_passing_state_at_referral_is_taken_back(scenario: Scenario) -> None:
    """It is part of the severity at referral; of what is over it leaves nothing."""
    j = scenario.disorders.index("ptsd")
    me = replace(one_client(scenario, "ptsd", 1.4, days=30, distress_days=99), state_start=np.full((1, 7), 0.5))
    moved = nothing_passing(scenario, state=0.2)
    assert severity_on(scenario, me, moved, on(29, 1))[0][0, j] == pytest.approx(1.4 + 0.2 - 0.5)
    assert severity_on(scenario, me, moved, on(30, 1))[0][0, j] == pytest.approx(-0.7 + 0.2)


def test_who_would_be_better_than_their_depth_stays_so(scenario: Scenario) -> None:
    """A mild disorder of somebody who was in a bad week at referral: 0.4 - 1.5 lies below -0.7, and being over never makes worse."""
    j = scenario.disorders.index("ptsd")
    me = replace(one_client(scenario, "ptsd", 0.4, days=30, distress_days=99), state_start=np.full((1, 7), 1.5))
    for day in (29, 30):
        assert severity_on(scenario, me, nothing_passing(scenario), on(day, 1))[0][0, j] == pytest.approx(0.4 - 1.5)


def test_a_disorder_that_was_not_there_moves_with_its_state_alone(scenario: Scenario) -> None:
    j = scenario.disorders.index("ocd")
    me = one_client(scenario, "ptsd", 1.4, days=30, distress_days=99)
    for day in (0, 30, 10_000):
        moved = severity_on(scenario, me, nothing_passing(scenario, state=0.6), on(day, 1))[0][0, j]
        assert moved == pytest.approx(-2.0 + 0.6)


def test_distress_is_what_brought_them_until_that_is_over_and_drift_and_mood(scenario: Scenario) -> None:
    brought = scenario.outcome.distress.reactive.value
    me = one_client(scenario, "ptsd", 1.4, days=30, distress_days=50)
    for drifted, drift in ((0.0, 0.0), (0.5, 0.45), (1.0, 0.9)):
        passing = replace(nothing_passing(scenario, drifted=drifted), mood=np.array([-0.2]))
        for day, there in ((49, 1), (50, 0)):
            got = severity_on(scenario, me, passing, on(day, 1))[1]
            assert got == pytest.approx(0.3 - 0.2 + drift + there * brought)


def test_treatment_relieves_distress_at_once_and_ends_it_sooner(scenario: Scenario) -> None:
    treatment, brought = scenario.outcome.treatment, scenario.outcome.distress.reactive.value
    tau = treatment.full_course_of_distress.value
    given = Given(np.array([0.5]), np.array([scenario.disorders.index("ptsd")], dtype=np.int8))
    plain = 0.3 + 0.9 - 0.5 * treatment.distress_relief.value
    for days, there in ((0.5 * tau + 0.01, 1), (0.5 * tau - 0.01, 0)):
        me = one_client(scenario, "ptsd", 1.4, days=99, distress_days=days)
        got = severity_on(scenario, me, nothing_passing(scenario), on(0, 1), given)[1]
        assert got == pytest.approx(plain + there * brought)


def test_treatment_as_a_shift_lowers_what_it_reaches_and_the_rest_by_the_spill() -> None:
    """A structure of its own, which no candle has a part in: half a full course of 0.8 SD."""
    scenario = get_scenario(changes={"outcome.treatment.full_course": 0, "outcome.treatment.severity_shift": 0.8})
    spill = scenario.outcome.treatment.spill["ocd"].value
    me = one_client(scenario, "ptsd", 1.4, days=99, distress_days=99)
    given = Given(np.array([0.5]), np.array([scenario.disorders.index("ptsd")], dtype=np.int8))
    severity = severity_on(scenario, me, nothing_passing(scenario), on(0, 1), given)[0][0]
    assert severity[scenario.disorders.index("ptsd")] == pytest.approx(1.4 - 0.4)
    assert severity[scenario.disorders.index("ocd")] == pytest.approx(-2.0 - 0.4 * spill)


def test_scores_by_hand(scenario: Scenario) -> None:
    """Own disorder in points, others present with diminishing returns, distress; bent at the floor; error; rounded."""
    names = scenario.disorders
    level = {"major_depression": 0.8, "generalised_anxiety": -0.4, "ptsd": 1.2, "ocd": 0.5}
    severity = np.array([[level.get(name, -1.7) for name in names]])
    errors = (1.3, -0.8)
    got = scores_of(scenario, nothing_passing(scenario, errors=errors), severity, np.array([0.6]))
    for of, own, others, error, score in (
        (scenario.instruments.phq9, 0.8, {"ptsd": 1.2, "ocd": 0.5}, 1.3, got[0]),
        (scenario.instruments.gad7, -0.4, {"major_depression": 0.8, "ptsd": 1.2, "ocd": 0.5}, -0.8, got[1]),
    ):
        seen = sum(of.sees[name].value * s for name, s in others.items())
        points = of.intercept.value + of.own_weight.value * own + of.others_weight.value * (1 - exp(-seen))
        points += of.distress_weight.value * 0.6
        by_hand = of.softness.value * log1p(exp(points / of.softness.value)) + error
        assert abs(by_hand - round(by_hand)) < 0.499, "a half would be rounded either way"
        assert score.tolist() == [round(by_hand)]


def test_nobody_scores_lower_for_being_further_than_1_sd_below_the_threshold(scenario: Scenario) -> None:
    calm, distress = nothing_passing(scenario), np.array([1.5])
    by_level = [scores_of(scenario, calm, np.full((1, 7), level), distress) for level in (-1.0, -1.5, -6.0)]
    assert by_level[0] == by_level[1] == by_level[2]
    assert scores_of(scenario, calm, np.full((1, 7), -0.5), distress)[0] > by_level[0][0]


def test_a_disorder_that_is_not_listed_is_seen_as_the_default(scenario: Scenario) -> None:
    content = scenario.model_dump(exclude_none=True)
    for instrument in ("phq9", "gad7"):
        content["instruments"][instrument]["sees"] = {"default": {"value": 0.3, "assumption": "test"}}
    alike = Scenario.model_validate(content)
    severity = np.full((2, 7), -2.0)
    severity[0, alike.disorders.index("ptsd")] = severity[1, alike.disorders.index("ocd")] = 1.5
    passing = Passing(np.zeros((2, 7)), np.zeros(2), 0.0, (np.zeros(2), np.zeros(2)))
    for scores in scores_of(alike, passing, severity, np.full(2, 1.0)):
        assert scores[0] == scores[1]


def test_caseness_at_its_edges() -> None:
    phq9 = np.array([9, 10, 9, 10], dtype=np.int8)
    gad7 = np.array([7, 7, 8, 8], dtype=np.int8)
    assert below_caseness(phq9, gad7).tolist() == [True, False, False, False]


# --- readings -------------------------------------------------------------------------------------------------------


def test_every_reading_has_an_error_a_mood_and_states_of_its_own(scenario: Scenario, clients: Clients) -> None:
    drawn = [passing_at(scenario, clients, reading, DRAWS) for reading in READINGS]
    errors = [column for passing in drawn for column in (*passing.errors, passing.mood)]
    states = [passing.state[:, 0] for passing in drawn]
    assert len(drawn) == len(READINGS) == 6
    for columns in (errors, states):
        r = np.corrcoef(columns)
        assert np.abs(r - np.eye(len(columns))).max() < 4.5 / np.sqrt(N)


def test_what_is_drawn_for_a_reading_has_the_sizes_of_the_scenario(scenario: Scenario, clients: Clients) -> None:
    passing, four = passing_at(scenario, clients, LAST, DRAWS), 4 / np.sqrt(2 * N)
    instruments, distress = scenario.instruments, scenario.outcome.distress
    for column, sd in (
        (passing.errors[0], instruments.phq9.error_sd.value), (passing.errors[1], instruments.gad7.error_sd.value),
        (passing.mood, distress.mood_sd.value),
    ):  # fmt: skip
        assert column.std() == pytest.approx(sd, rel=four)
        assert column.mean() == pytest.approx(0, abs=4 * sd / np.sqrt(N))
    for j, name in enumerate(clients.disorder_names):
        share = scenario.population.state_share_of(name)
        for reading in (FIRST, LAST):
            state = passing_at(scenario, clients, reading, DRAWS).state[:, j]
            assert state.var() == pytest.approx(share, rel=2 * four), name


def test_the_first_reading_has_the_state_at_referral_and_no_drift_and_a_course_begins_half_way(
    scenario: Scenario, clients: Clients
) -> None:
    drifted = {reading: passing_at(scenario, clients, reading, DRAWS).drifted for reading in READINGS}
    assert drifted == {FIRST: 0, "start_low_intensity": 0.5, "end_low_intensity": 1, LAST: 1, AGAIN: 1, MONTH_12: 1}
    assert np.array_equal(passing_at(scenario, clients, FIRST, DRAWS).state, clients.state_start)


def test_what_has_drifted_for_good_does_not_come_back(scenario: Scenario, clients: Clients) -> None:
    """The readings of somebody who steps up, in order of time; a later course draws all else as a first one does."""
    in_time = (
        FIRST,
        at_start_of("low_intensity"),
        at_end_of("low_intensity"),
        at_start_of("high_intensity"),
        LAST,
        AGAIN,
    )
    drifted = [passing_at(scenario, clients, one, DRAWS, later_course=k > 2).drifted for k, one in enumerate(in_time)]
    assert drifted == sorted(drifted) == [0, 0.5, 1, 1, 1, 1]
    first, later = (
        passing_at(scenario, clients, at_start_of("high_intensity"), DRAWS, later_course=one) for one in (False, True)
    )
    assert np.array_equal(first.state, later.state)
    assert np.array_equal(first.mood, later.mood)
    assert np.array_equal(first.errors, later.errors)


def test_drift_is_drawn_once_for_each_client(scenario: Scenario, clients: Clients, who: Condition) -> None:
    sd = scenario.outcome.distress.drift_sd.value
    assert who.drift.std() == pytest.approx(sd, rel=4 / np.sqrt(2 * N))
    assert np.array_equal(who.drift, sd * DRAWS.normal("drift", clients.id))


def test_scores_at_referral_are_the_first_reading_on_day_0_when_nothing_is_over(
    scenario: Scenario, clients: Clients
) -> None:
    endless = get_scenario(changes=dict.fromkeys(
        [f"outcome.remission.monthly_hazard.{name}" for name in scenario.disorders], 0.0
    ) | {"outcome.remission.monthly_hazard_of_distress": 0.0})  # fmt: skip
    ill = condition_of(endless, clients, illness_of(endless, clients, DRAWS), DRAWS)
    first = passing_at(scenario, clients, FIRST, DRAWS)
    for ours, theirs in zip(
        scores_at_referral(scenario, clients, DRAWS), scores_on(scenario, ill, first, on(0)), strict=True
    ):
        assert np.array_equal(ours, theirs)


# --- what must hold of everybody ------------------------------------------------------------------------------------


def everything(
    scenario: Scenario, who: Condition, passing: Passing, day: int, given: Given | None = None
) -> list[np.ndarray]:
    """Severity, distress, PHQ-9 and GAD-7 on a reading."""
    severity, distress = severity_on(scenario, who, passing, on(day), given)
    phq9, gad7 = scores_on(scenario, who, passing, on(day), given)
    return [severity, distress, phq9, gad7]


@pytest.mark.parametrize("reading", [FIRST, at_end_of("low_intensity"), LAST, MONTH_12])
@pytest.mark.parametrize("strength", [None, 0.5, 1.0])
def test_no_score_and_no_severity_of_a_reading_rises_with_its_day(
    scenario: Scenario, clients: Clients, who: Condition, reading: str, strength: float | None
) -> None:
    passing, given = (
        passing_at(scenario, clients, reading, DRAWS),
        None if strength is None else treated(clients, strength),
    )
    before = None
    for day in DAYS:
        now = everything(scenario, who, passing, day, given)
        if before is not None:
            assert all(np.all(later <= earlier) for later, earlier in zip(now, before, strict=True))
        before = now


def test_the_treated_are_never_above_their_untreated_twin_and_no_treatment_is_the_twin_itself(
    scenario: Scenario, clients: Clients, who: Condition
) -> None:
    lower = 0
    for reading in READINGS:
        passing = passing_at(scenario, clients, reading, DRAWS)
        for day in DAYS:
            twin = everything(scenario, who, passing, day)
            for strength in (0.0, 0.3, 1.2):
                client = everything(scenario, who, passing, day, treated(clients, strength))
                for ours, theirs in zip(client, twin, strict=True):
                    assert np.all(ours <= theirs)
                    assert strength > 0 or np.array_equal(ours, theirs)
                lower += int(np.sum(client[2] < twin[2]))
    assert lower > N, "too few helped for the test to tell anything"


def test_more_treatment_never_does_less(scenario: Scenario, clients: Clients, who: Condition) -> None:
    passing = passing_at(scenario, clients, LAST, DRAWS)
    by_strength = [scores_on(scenario, who, passing, on(120), treated(clients, s)) for s in (0.1, 0.4, 0.8, 1.6)]
    for less, more in pairwise(by_strength):
        assert np.all(more[0] <= less[0])
        assert np.all(more[1] <= less[1])


def test_scores_keep_to_their_ranges(scenario: Scenario, clients: Clients, who: Condition) -> None:
    for highest, scores in zip((PHQ9_MAX, GAD7_MAX), zip(*(
        scores_on(scenario, who, passing_at(scenario, clients, reading, DRAWS), on(day), treated(clients, 1.0))
        for reading in READINGS for day in (0, 1500)
    ), strict=True), strict=True):  # fmt: skip
        assert min(s.min() for s in scores) == 0
        assert max(s.max() for s in scores) == highest


@pytest.mark.parametrize("n", [1, 7, 1000])
def test_some_clients_read_alone_have_the_same_bits_as_among_all(
    scenario: Scenario, clients: Clients, who: Condition, n: int
) -> None:
    passing, given, days = (
        passing_at(scenario, clients, LAST, DRAWS),
        treated(clients, 0.7),
        DRAWS.uniform("route", clients.id),
    )
    at = np.rint(500 * days).astype(np.int32)
    severity, distress = severity_on(scenario, who, passing, at, given)
    phq9, gad7 = scores_on(scenario, who, passing, at, given)
    alone = draw_population(scenario, DRAWS, n, first_id=40)
    rows = np.arange(40, 40 + n)
    me = condition_of(scenario, alone, illness_of(scenario, alone, DRAWS), DRAWS)
    for whole, part in zip(fields_of(who.rows(rows)), fields_of(me), strict=True):
        assert np.array_equal(whole, part)
    mine = passing_at(scenario, alone, LAST, DRAWS)
    ours = severity_on(scenario, me, mine, at[rows], given.rows(rows))
    assert np.array_equal(ours[0], severity[rows])
    assert np.array_equal(ours[1], distress[rows])
    for whole, part in zip((phq9, gad7), scores_on(scenario, me, mine, at[rows], given.rows(rows)), strict=True):
        assert np.array_equal(whole[rows], part)


def fields_of(table: object) -> list[np.ndarray]:
    """Every column of a table, and of the tables in it."""
    columns: list[np.ndarray] = []
    for field in fields(table):  # type: ignore[arg-type]
        column = getattr(table, field.name)
        columns += [column] if isinstance(column, np.ndarray) else fields_of(column)
    return columns


@pytest.mark.parametrize("name", ["ptsd", "major_depression", "ocd"])
@pytest.mark.parametrize("prevalence", [0.1, 0.75])
def test_a_prevalence_moves_nobody_who_does_not_have_it(
    scenario: Scenario, clients: Clients, who: Condition, name: str, prevalence: float
) -> None:
    """Lengths of all stay, and so do hazards, severities and scores of whoever has it neither before nor after.

    On the first reading those of everybody without it. On a later one its passing state may bring somebody without it above
    the threshold for the moment, and more easily where it is more common: that questionnaires see.
    """
    other = get_scenario(changes={f"population.prevalence.{name}": prevalence})
    moved = draw_population(other, DRAWS, N)
    them = condition_of(other, moved, illness_of(other, moved, DRAWS), DRAWS)
    j, kept = clients.disorder_names.index(name), [k for k, n in enumerate(clients.disorder_names) if n != name]
    ours, theirs = who.illness, them.illness
    both = ours.present & theirs.present
    assert both[:, j].sum() > 50
    assert np.array_equal(ours.length[both], theirs.length[both])
    assert np.array_equal(ours.distress_length, theirs.distress_length)
    assert np.array_equal(ours.depth[both], theirs.depth[both])
    assert np.array_equal(ours.present[:, kept], theirs.present[:, kept])
    assert np.array_equal(who.severity[:, kept], them.severity[:, kept])
    assert np.array_equal(who.state_start, them.state_start)
    assert np.array_equal(who.distress, them.distress)
    assert np.array_equal(who.drift, them.drift)
    without = np.flatnonzero(~(ours.present | theirs.present)[:, j])
    assert 500 < len(without) < N
    assert np.array_equal(ours.hazard[without][:, kept], theirs.hazard[without][:, kept])
    assert np.array_equal(ours.distress_hazard[without], theirs.distress_hazard[without])
    of_others, given = _unlike(scenario, name), treated(clients, 0.6)
    for reading in READINGS:
        passing = passing_at(scenario, clients, reading, DRAWS)
        for day in (0, 80, 400):
            for what in (None, given):
                before, after = (
                    severity_on(s, w, passing, on(day), what)[0] for s, w in ((scenario, who), (other, them))
                )
                hidden = without[(np.maximum(before, after)[:, j] <= 0)[without]]
                assert len(hidden) == len(without) if reading == FIRST else len(hidden) > 0.7 * len(without)
                scores = [scores_on(s, w, passing, on(day), what) for s, w in ((scenario, who), (other, them))]
                for k in of_others:
                    assert np.array_equal(scores[0][k][hidden], scores[1][k][hidden])


def _unlike(scenario: Scenario, name: str) -> list[int]:
    """The questionnaires whose own disorder this is not: their own one sees a little below the threshold too."""
    own = (scenario.instruments.phq9.own_disorder, scenario.instruments.gad7.own_disorder)
    return [k for k, disorder in enumerate(own) if disorder != name]


def test_an_interview_on_the_next_day_finds_few_disorders_gone(
    scenario: Scenario, clients: Clients, who: Condition
) -> None:
    """At most 15% of any disorder: the first edition of the outcome lost a third of PTSD and OCD overnight."""
    sd = scenario.instruments.interview_error_sd.value
    last = severity_on(scenario, who, passing_at(scenario, clients, LAST, DRAWS), on(1))[0]
    for j, name in enumerate(clients.disorder_names):
        found = clients.severity[:, j] + sd * DRAWS.normal(f"interview_start:{name}", clients.id) > 0
        gone = found & (last[:, j] + sd * DRAWS.normal(f"interview_end:{name}", clients.id) <= 0)
        assert gone.sum() / found.sum() <= 0.15, name
