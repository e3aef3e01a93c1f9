"""Policies see what the service knows and nothing else; each does what it says, in both engines."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caseload_sim.clients.population import draw_population
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import check_engines, replicate, simulate
from caseload_sim.pathway.assessment import first_course
from caseload_sim.pathway.care import draw_courses, known_of
from caseload_sim.pathway.own_policy import LARGEST_PRIORITY, own_policy
from caseload_sim.pathway.staffing import places
from caseload_sim.runs.folder import RunFolder
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.in_words import explain
from caseload_sim.scenario.pathway import Routing
from caseload_sim.scenario.policies import POLICIES, Decision, Known, complexity
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from caseload_sim.simulation.intake import draw_clients

ALL_POLICIES = list(POLICIES)
PTSD = get_scenario().disorders.index("ptsd")


def known(problem: int = 0, phq9: int = 10, gad7: int = 10, flags: int = 0, referral_day: int = 0) -> Known:
    """One client as the service knows them."""

    def as_column(value: int) -> NDArray[np.int8]:
        return np.array([value], dtype=np.int8)

    scenario = get_scenario()
    return Known(
        np.array([referral_day], dtype=np.int32), as_column(problem), scenario.disorders,
        as_column(phq9), as_column(gad7), as_column(flags), scenario.steps,
    )  # fmt: skip


def chance_of_high(policy: str, one: Known) -> float:
    return float(POLICIES[policy].decide(one, get_scenario().pathway.routing).chance["high_intensity"][0])


def with_policy(scenario: Scenario, policy: str) -> Scenario:
    return scenario.with_changes({"pathway.policy": policy})


# --- what a policy can see ------------------------------------------------------------------------------------------


def test_a_policy_is_shown_nothing_but_what_the_service_knows() -> None:
    shown = {field.name for field in fields(Known)}
    assert shown == {"referral_day", "recorded_problem", "problems", "phq9", "gad7", "flags", "steps"}


def test_no_array_that_a_policy_is_shown_leads_to_the_truth(small: Scenario) -> None:
    """Whole numbers of one value a client, none a window on a larger array; severities are fractions, by disorder."""
    seen: list[Known] = []

    def spy(known: Known, routing: Routing, seen: list[Known] = seen) -> Decision:
        seen.append(known)
        return Decision({"low_intensity": np.ones(len(known.phq9))})

    simulate(small, policy=spy)
    assert len(seen) == 2, "once for those referred, once for those who are there at opening"
    for known in seen:
        columns = [value for field in fields(known) if isinstance(value := getattr(known, field.name), np.ndarray)]
        assert len(columns) == 5
        for column in columns:
            assert column.dtype in (np.int8, np.int32)
            assert column.shape == known.phq9.shape
            assert column.base is None
        assert all(isinstance(name, str) for name in (*known.problems, *known.steps))


def test_a_policy_cannot_write_to_what_it_is_shown(small: Scenario) -> None:
    def meddling(known: Known, routing: Routing) -> Decision:
        known.phq9[:] = 0
        return Decision({"high_intensity": np.ones(len(known.phq9))})

    with pytest.raises(ValueError, match="read-only"):
        simulate(small, policy=meddling)


# --- what each does -------------------------------------------------------------------------------------------------


def test_the_stepped_policy_sends_ptsd_social_anxiety_and_ocd_to_high_intensity() -> None:
    routing, disorders = get_scenario().pathway.routing, get_scenario().disorders
    for name in ("ptsd", "social_anxiety", "ocd"):
        assert chance_of_high("stepped", known(disorders.index(name), 5)) == 1.0
    mild, severe, flagged = (chance_of_high("stepped", known(0, *one)) for one in ((8,), (22,), (8, 10, 2)))
    assert mild < severe < 1
    assert mild < flagged < 1
    below = (
        routing.direct_per_phq9_sd.value * 7 / 6 + routing.direct_per_gad7_sd.value * 3 / 5
    )  # of 8 and 10, against 15 and 13
    assert mild == pytest.approx(1 / (1 + np.exp(-routing.direct_intercept.value + below)))


def test_the_complexity_score_adds_up_what_is_known() -> None:
    routing = get_scenario().pathway.routing
    assert complexity(known(0, 0, 0, 0), routing) == [0.0]
    assert complexity(known(0, 20, 10, 1), routing) == pytest.approx([2.0 + 1.0 + 0.5])
    assert complexity(known(PTSD, 20, 10, 1), routing) == pytest.approx([2.0 + 1.0 + 0.5 + 2.0])


def test_stratified_care_starts_those_at_the_threshold_at_high_intensity_and_no_others() -> None:
    assert chance_of_high("stratified", known(0, 17, 15)) == 0, "3.2 points, the threshold is 3.25"
    assert chance_of_high("stratified", known(0, 17, 16)) == 1
    assert chance_of_high("stratified", known(PTSD, 8, 5)) == 1
    assert chance_of_high("stratified", known(PTSD, 7, 5)) == 0


def test_about_as_many_start_at_high_intensity_stratified_as_stepped() -> None:
    shares = [simulate(get_scenario(name)).outcomes.first_course for name in ("hepgul_2016", "stratified")]
    high = get_scenario().steps.index("high_intensity")
    stepped, stratified = (np.mean(first[first >= 0] == high) for first in shares)
    assert stratified == pytest.approx(stepped, abs=0.03)


def test_roulette_ignores_the_problem_and_treats_any_disorder(small: Scenario) -> None:
    assert chance_of_high("roulette", known(PTSD, 27, 21, 5)) == chance_of_high("roulette", known(0, 0)) == 0.502
    care = simulate(with_policy(small, "roulette")).care
    counts = np.bincount(care.target, minlength=len(small.disorders))
    n, share = len(care.target), 1 / len(small.disorders)
    assert np.all(np.abs(counts / n - share) < 4 * np.sqrt(share * (1 - share) / n)), "four standard errors"


def test_an_interview_finds_more_right_problems_and_takes_longer(small: Scenario) -> None:
    interviewed = with_policy(small, "diagnose_first")
    before, after = (simulate(one).care.right_target.mean() for one in (small, interviewed))
    assert after > before + 0.1
    draws, assessment = Draws(1, 0), small.steps.index("assessment")
    appointments = [places(one, draws, 3.0).places[:, assessment].sum() for one in (small, interviewed)]
    longer = small.pathway.routing.interview_assessment_time.value
    assert appointments[1] == pytest.approx(appointments[0] / longer, abs=1)


def started_in_order(scenario: Scenario, step: str, key: Callable[[Any, Any], Any]) -> tuple[int, int]:
    """Pairs on one list on one day, one of whom started that day and not the other: in order of `key`, and against it."""
    simulation = simulate(scenario)
    episodes, s = simulation.episodes, scenario.steps.index(step)
    rows = np.flatnonzero((episodes.step == s) & (episodes.joined_day >= 0))
    keys = key(simulation, rows)
    joined, started, ended = episodes.joined_day[rows], episodes.started_day[rows], episodes.ended_day[rows]
    left = np.where(started != NOT_YET, started, np.where(ended != NOT_YET, ended, np.iinfo(np.int32).max))
    right = wrong = 0
    for day in range(300, 500):
        begins = started == day
        waits = (joined < day) & (left > day)
        if begins.any() and waits.any():
            right += int(keys[begins].max() <= keys[waits].min())
            wrong += int(keys[begins].max() > keys[waits].min())
    return right, wrong


def test_lists_are_served_by_day_of_referral_or_by_complexity_when_the_policy_says_so(small: Scenario) -> None:
    small, step = small.with_changes({"staff.high_intensity_therapist.wte": 1.5}), "high_intensity"

    def by_referral(simulation: Any, rows: NDArray[np.int64]) -> Any:
        return simulation.clients.referral_day[simulation.episodes.client[rows]]

    def by_complexity(simulation: Any, rows: NDArray[np.int64]) -> Any:
        draws = Draws(small.run.seed, 0)
        shown = known_of(small, simulation.clients, simulation.care.target, draws)
        return -np.rint(10 * complexity(shown, small.pathway.routing))[simulation.episodes.client[rows]]

    for policy, key in (("longest_wait_first", by_referral), ("complexity_first", by_complexity)):
        right, wrong = started_in_order(with_policy(small, policy), step, key)
        assert right >= 10
        assert wrong == 0, policy
        assert started_in_order(small, step, key)[1] > 0, "under stepped the list is in another order"


def test_every_list_after_assessment_is_served_by_complexity_in_tenths_of_a_point(small: Scenario) -> None:
    """12 points and a quarter: place -122 on each list (of two even tenths the even one), before somebody of 11.5 points.

    With the weights of one point for each point of PHQ-9, a quarter for each condition told, and nothing else.
    """
    weights = {"per_phq9_point": 1, "per_gad7_point": 0, "per_flag": 0.25, "high_intensity_problem": 0}
    routing = small.with_changes(
        {f"pathway.routing.complexity.{name}": x for name, x in weights.items()}
    ).pathway.routing
    steps = small.steps
    for phq9, flags, place in ((12, 1, -122), (11, 2, -115), (0, 0, 0)):
        shown = replace(known(phq9=phq9, flags=flags, gad7=21, referral_day=-400), steps=steps)
        decision = POLICIES["complexity_first"].decide(shown, routing)
        assert {step: order.tolist() for step, order in decision.priority.items()} == {
            name: [place] for name in steps[1:]
        }
    assert "low_intensity" in steps[1:]


@pytest.mark.parametrize("step", ["low_intensity", "high_intensity"])
def test_the_most_complex_of_those_on_a_list_begins_first(small: Scenario, step: str) -> None:
    scenario = with_policy(small, "complexity_first").with_changes(
        {"staff.psychological_wellbeing_practitioner.wte": 0.7, "staff.high_intensity_therapist.wte": 1.5}
    )

    def by_complexity(simulation: Any, rows: NDArray[np.int64]) -> Any:
        shown = known_of(scenario, simulation.clients, simulation.care.target, Draws(scenario.run.seed, 0))
        return -np.rint(10 * complexity(shown, scenario.pathway.routing))[simulation.episodes.client[rows]]

    right, wrong = started_in_order(scenario, step, by_complexity)
    assert right >= 10
    assert wrong == 0


def test_before_assessment_complexity_is_not_known_and_does_not_count(small: Scenario) -> None:
    draws = Draws(1, 0)
    clients = draw_clients(small, draws)
    scenario = with_policy(small, "complexity_first")
    courses, _ = draw_courses(scenario, clients, draws)
    assert np.all(courses.priority[:, small.steps.index("assessment")] == 0)
    assert len(np.unique(courses.priority[:, small.steps.index("high_intensity")])) > 10


def test_whoever_waits_at_opening_is_served_by_the_policy_of_the_scenario_that_runs(small: Scenario) -> None:
    """The people are those of another scenario's running start; the order of the list is this one's."""
    scenario = with_policy(small, "complexity_first")
    changed = simulate(scenario, start_of=small)
    unchanged = simulate(small, start_of=small)
    assert np.array_equal(changed.clients.id, unchanged.clients.id)
    waited = [
        one.episodes.started_day[(one.episodes.joined_day < 0) & (one.episodes.started_day >= 0)]
        for one in (changed, unchanged)
    ]
    assert not np.array_equal(waited[0], waited[1])


@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_the_engines_agree_under_every_policy(small: Scenario, policy: str) -> None:
    scenario = with_policy(small, policy).with_changes({"pathway.returns.chance": 0.5})
    stays, difference = check_engines(scenario)
    assert difference is None
    assert stays > 500 or policy == "no_service"


@pytest.mark.parametrize("policy", ALL_POLICIES)
def test_every_policy_explains_itself(policy: str) -> None:
    text = " ".join(explain(with_policy(get_scenario(), policy), list_sources()).split())
    assert f"Policy {policy}: {POLICIES[policy].description}." in text
    assert len(POLICIES[policy].description.split()) >= 5


def test_a_policy_steps_up_unless_it_says_that_nobody_is_stepped_up_or_treated(small: Scenario) -> None:
    low, high = (small.steps.index(name) for name in ("low_intensity", "high_intensity"))
    for name, policy in POLICIES.items():
        assert policy.steps_up != ("nobody is stepped up" in policy.description), name
    for name, goes_up in (("stepped", True), ("low_intensity_only", False)):
        episodes = simulate(with_policy(small, name)).episodes
        below = set(episodes.client[episodes.step == low].tolist())
        above = set(episodes.client[episodes.step == high].tolist())
        assert bool(below & above) == goes_up, name


# --- a policy of one's own ------------------------------------------------------------------------------------------


def severest_first(known: Known, routing: Routing, cut_off: int = 20) -> Decision:
    """Those above a cut-off to high intensity, and the severest first everywhere but at assessment."""
    high = (known.phq9 >= cut_off).astype(np.float64)
    chance = {"low_intensity": (1 - high) / 2, "internet_guided": (1 - high) / 2, "high_intensity": high}
    order = dict.fromkeys(known.steps[1:], -known.phq9.astype(np.int64))
    return Decision(chance, {**order, "assessment": known.referral_day.astype(np.int64)})


def test_a_policy_of_ones_own_decides_and_the_engines_agree(small: Scenario) -> None:
    ours, theirs = (simulate(small, policy=severest_first, engine=engine) for engine in ("kernel", "reference"))
    assert ours.digests == theirs.digests
    assert ours.digests != simulate(small).digests
    at_referral = known_scores(small, ours)
    high = small.steps.index("high_intensity")
    first = ours.outcomes.first_course
    assert np.all(at_referral[first == high] >= 20)
    assert np.all(at_referral[(first >= 0) & (first != high)] < 20)


def known_scores(scenario: Scenario, simulation: Any) -> NDArray[np.int8]:
    draws = Draws(scenario.run.seed, 0)
    return known_of(scenario, simulation.clients, simulation.care.target, draws).phq9


def test_a_policy_of_ones_own_may_send_to_any_step_with_any_chance() -> None:
    draws, n = Draws(1, 0), 6000
    scenario = get_scenario(
        changes={"pathway.steps.group.instead_share": 0, "pathway.steps.internet_guided.instead_share": 0}
    )
    clients = draw_population(scenario, draws, n)
    chance = {"group": 0.2, "internet_guided": 0.5, "high_intensity": 0.3}
    decision = Decision({step: np.full(n, share) for step, share in chance.items()})
    first = first_course(scenario, clients, decision, draws)
    for step, share in chance.items():
        assert np.mean(first == scenario.steps.index(step)) == pytest.approx(share, abs=4 * np.sqrt(0.25 / n))


def test_a_run_remembers_the_name_and_the_digest_of_a_policy_of_ones_own(small: Scenario, tmp_path: Path) -> None:
    results = replicate(small, replications=1, policy=severest_first)
    assert results.policy == own_policy(severest_first)
    folder = RunFolder(tmp_path, "own").save(results, "kernel")
    record = json.loads((folder / "run.json").read_text("utf-8"))
    assert record["own_policy"]["name"] == "severest_first"
    assert len(record["own_policy"]["source_sha256"]) == 64
    plain = RunFolder(tmp_path, "plain").save(replicate(small, replications=1), "kernel")
    assert "own_policy" not in json.loads((plain / "run.json").read_text("utf-8"))


def test_another_source_is_another_policy() -> None:
    def send(known: Known, routing: Routing) -> Decision:
        return Decision({"high_intensity": np.ones(len(known.phq9))})

    first = own_policy(send)

    def send(known: Known, routing: Routing) -> Decision:  # type: ignore[no-redef]
        return Decision({"low_intensity": np.ones(len(known.phq9))})

    second = own_policy(send)
    assert first.name == second.name == "send"
    assert first.source_sha256 != second.source_sha256


def depends_on(threshold: int) -> Callable[[Known, Routing], Decision]:
    def closed(known: Known, routing: Routing) -> Decision:
        return Decision({"high_intensity": np.full(len(known.phq9), float(threshold))})

    return closed


def unreadable() -> Any:
    names: dict[str, Any] = {}
    exec("def typed_in(known, routing): return None", names)
    return names["typed_in"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (partial(severest_first, cut_off=3), "not a function"),
        ("stepped", "policy 'stepped': not a function"),
        (lambda known: Decision({}), "must take two arguments"),
        (depends_on(1), "uses threshold of the function around it"),
        (unreadable(), "policy typed_in: its source cannot be read"),
    ],
)
def test_what_cannot_be_known_again_is_refused_before_anything_runs(
    small: Scenario, function: Any, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        simulate(small, policy=function)
    with pytest.raises(RunError, match=message):
        replicate(small, policy=function)


def everybody(step: str, value: Any = 1.0) -> dict[str, NDArray[Any]]:
    return {step: np.full(N_SMALL, value)}


N_SMALL = 7


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (np.ones(N_SMALL), "returned ndarray, not a Decision"),
        (Decision(everybody("hi_intensity")), "'hi_intensity' is not a step to choose. Did you mean 'high_intensity'"),
        (Decision(everybody("assessment")), "'assessment' is not a step to choose"),
        (Decision({"high_intensity": np.ones(3)}), r"has shape \(3,\), but there are 7 clients"),
        (Decision(everybody("high_intensity", 1.5)), "every value must be a number from 0 to 1"),
        (Decision(everybody("high_intensity", np.nan)), "every value must be a number from 0 to 1"),
        (Decision(everybody("high_intensity", "all")), "every value must be a number from 0 to 1"),
        (Decision(everybody("high_intensity", 0.5)), "row 0 add up to 0.5; for each client they must add up to 1"),
        (Decision({}), "add up to 0"),
        (Decision(np.ones(N_SMALL)), "chance: ndarray, not a table"),  # type: ignore[arg-type]
        (Decision(None), "chance: NoneType, not a table"),  # type: ignore[arg-type]
        (Decision(everybody("high_intensity"), [1]), "priority: list, not a table"),  # type: ignore[arg-type]
        (Decision({"high_intensity": [[1.0], [1.0, 2.0]]}), "chance of high_intensity: lists of several lengths"),  # type: ignore[dict-item]
        (Decision(everybody("high_intensity"), everybody("high_intensity", 0.5)), "must be whole numbers"),
        (Decision(everybody("high_intensity"), everybody("high_intensity", LARGEST_PRIORITY + 1)), "must be whole"),
        (
            Decision(everybody("high_intensity"), {"assessment": np.arange(N_SMALL)}),
            "only the day of referral is known",
        ),
    ],
)
def test_a_decision_that_cannot_be_carried_out_says_what_is_wrong(decision: Any, message: str) -> None:
    from caseload_sim.pathway.own_policy import checked

    shown = known()
    columns: dict[str, Any] = {name: np.repeat(getattr(shown, name), N_SMALL) for name in ("referral_day", "phq9")}
    with pytest.raises(RunError, match=message) as caught:
        checked(decision, replace(shown, **columns), get_scenario(), "mine")
    assert str(caught.value).startswith("policy mine: ")


def test_a_policy_has_nothing_to_decide_without_a_service() -> None:
    with pytest.raises(RunError, match="nobody is assessed or treated, so there is nothing to decide"):
        simulate(get_scenario("no_service"), policy=severest_first)
