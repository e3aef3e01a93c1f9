"""The service: who is there at opening, who is screened out, what depends on the client, and figures against it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caseload_sim.analysis.calibrate_service import calibrate_service
from caseload_sim.analysis.validate_model import tolerance_of, validate_model
from caseload_sim.clients.population import draw_population
from caseload_sim.clients.questionnaires import RESIDUAL_PHQ9, below_caseness
from caseload_sim.clients.remission import years_to_relapse
from caseload_sim.clients.severity import scores_at_referral
from caseload_sim.definitions.quantities import Quantity, words
from caseload_sim.draws.distributions import binomial, negative_binomial
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.engine import ENGINES
from caseload_sim.engines.episodes import check_invariants, check_plans, occupancy
from caseload_sim.engines.plans import NEVER, NOT_YET, plans_of
from caseload_sim.errors import CaseloadError
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.service import RECORDED_AS
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.assessment import ADVICE, EXITS, TREATED
from caseload_sim.pathway.care import draw_courses, missed_by_kind
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.simulation.pool import Pool
from caseload_sim.simulation.providers import provider_scenarios
from caseload_sim.simulation.running_start import opening_of, running_start
from commands import call_here
from small_services import alike

Numbers = np.ndarray[Any, Any]

# --- who is there at opening ----------------------------------------------------------------------------------------


def growth(simulation: Simulation, step: str) -> float:
    return measure(simulation)[Quantity("waiting_list_growth", "all", "", "", f"step={step}")].value


def test_a_running_start_opens_a_service_that_stands_still() -> None:
    """Staff constant and demand flat: over the first year the list of high intensity neither grows nor falls.

    Its mean change over replications must lie within 3 standard errors of 0, and within a client a week.
    """
    flat = {
        "run.staff_turnover": False, "demand.seasonal": False, "run.warm_up_days": 0, "run.data_collection_days": 365,
        "run.follow_up_days": 0, "demand.referrals_per_year": 5114,
        "staff.high_intensity_therapist.wte": 11.5, "staff.psychological_wellbeing_practitioner.wte": 4.7, "staff.assessor.wte": 5,
    }  # fmt: skip
    scenario = get_scenario(changes=flat)
    slopes = np.array([growth(simulate(scenario, replication=k), "high_intensity") for k in range(8)])
    empty = simulate(scenario.with_changes({"start.running": False}))
    assert abs(slopes.mean()) < max(3 * slopes.std(ddof=1) / np.sqrt(len(slopes)), 0.3)
    assert abs(slopes.mean()) < 1
    assert growth(empty, "high_intensity") > 2, "opened empty, the list is still filling up"


def plain_service(referrals_per_year: int) -> Scenario:
    """A service whose staff and demand stand still, so that every day after some years is like every other."""
    share = referrals_per_year / 3000
    plain = {
        "run.staff_turnover": False, "demand.seasonal": False, "run.weekends_off": False,
        "demand.referrals_per_year": referrals_per_year, "staff.high_intensity_therapist.wte": 7.6 * share,
        "staff.psychological_wellbeing_practitioner.wte": 2.75 * share, "staff.assessor.wte": 3 * share,
        "run.warm_up_days": 0, "run.data_collection_days": 30, "run.follow_up_days": 0,
    }  # fmt: skip
    return get_scenario(changes=plain)


def held_and_waiting_at_opening(scenario: Scenario, replication: int) -> tuple[Numbers, Numbers]:
    """Clients holding a place, and on the list, when the scenario opens with a running start, both (s,)."""
    draws, n_steps = Draws(scenario.run.seed, replication), len(scenario.steps)
    plans = running_start(scenario, draws).plans
    held = plans.started_day != NOT_YET
    waiting = (plans.joins_day < 0) & ~held
    held_at, waiting_at = (np.bincount(plans.step[plans.first[some]], minlength=n_steps) for some in (held, waiting))
    return held_at, waiting_at


def held_and_waiting_in_the_long_run(scenario: Scenario, replication: int) -> tuple[Numbers, Numbers]:
    """The same on average over the fifth to the eighth year after it opened empty, with other draws than any opening."""
    years = scenario.with_changes({"start.running": False, "run.data_collection_days": 8 * 365})
    draws = Draws(scenario.run.seed + 1, replication)
    capacity = places(years, draws, 3.0)
    courses, _ = draw_courses(years, draw_clients(years, draws), draws)
    held, waiting = occupancy(ENGINES["kernel"](plans_of(courses), capacity), len(years.steps), years.run.horizon_days)
    return held[4 * 365 :].mean(axis=0), waiting[4 * 365 :].mean(axis=0)


@pytest.mark.parametrize(("referrals_per_year", "n_openings", "n_long_runs"), [(1000, 32, 12), (3000, 24, 6)])
def test_at_opening_there_are_as_many_as_a_service_run_for_years_has(
    referrals_per_year: int, n_openings: int, n_long_runs: int
) -> None:
    """The list at opening against the queue itself, years after it opened empty: within 3 standard errors of the difference.

    Those are a twelfth of the list at most, so that a list a quarter too long or too short is found out. Places that are
    always full are held from day 0.
    """
    scenario = plain_service(referrals_per_year)
    opening = [held_and_waiting_at_opening(scenario, k) for k in range(n_openings)]
    long_run = [held_and_waiting_in_the_long_run(scenario, k) for k in range(n_long_runs)]
    held, waiting = (np.array(column, dtype=float) for column in zip(*opening, strict=True))
    held_after, waiting_after = (np.array(column, dtype=float) for column in zip(*long_run, strict=True))
    lists, lists_after = waiting.sum(axis=1), waiting_after.sum(axis=1)
    error = np.hypot(stats.sem(lists), stats.sem(lists_after))
    assert error < lists_after.mean() / 10
    assert lists.mean() == pytest.approx(lists_after.mean(), abs=3 * error)
    for step in ("low_intensity", "high_intensity"):
        s = scenario.steps.index(step)
        assert held[:, s].mean() == pytest.approx(held_after[:, s].mean(), rel=0.02)


def test_whoever_is_met_in_a_course_at_opening_is_likelier_to_have_a_long_one() -> None:
    """As after six years: booked contacts of three hundred clients, so the means of the two are within 12%, 3 standard errors."""
    scenario = plain_service(3000)
    years = {"start.running": False, "run.warm_up_days": 2190, "run.data_collection_days": 1}
    started, queue = simulate(scenario), simulate(scenario.with_changes(years))
    high = scenario.steps.index("high_intensity")

    def lengths(simulation: Simulation, day: int) -> np.ndarray[Any, Any]:
        e = simulation.episodes
        there = (e.step == high) & (e.started_day != NOT_YET) & (e.started_day <= day)
        there &= (e.ended_day == NOT_YET) | (e.ended_day > day)
        who = e.client[there]
        care = simulation.care
        return np.asarray((care.attended + care.missed)[who, high])

    fresh = started.care.attended[started.outcomes.first_course == high, high].mean()
    at_opening, after = lengths(started, 0), lengths(queue, 2190)
    assert at_opening.mean() > fresh
    assert at_opening.mean() == pytest.approx(after.mean(), rel=0.12)


def test_who_is_there_at_opening_does_not_depend_on_how_long_is_simulated() -> None:
    """Whether somebody steps up within the two years before is known, however soon the run ends."""
    month = plain_service(1000)
    years = month.with_changes({"run.data_collection_days": 1500})
    short, long = (running_start(s, Draws(1, 0)) for s in (month, years))
    assert np.array_equal(short.clients.id, long.clients.id)
    for column in ("joins_day", "first", "step", "started_day"):
        assert np.array_equal(getattr(short.plans, column), getattr(long.plans, column))
    assert np.array_equal(short.history.joined_day, long.history.joined_day)


@pytest.mark.parametrize("asked", [{}, {"high_intensity": 20.0}])
def test_some_who_are_there_at_opening_have_stepped_down(asked: dict[str, float]) -> None:
    scenario = plain_service(1000).with_changes({"pathway.steps.high_intensity.step_down_share": 0.5})
    content = scenario.model_dump(exclude_none=True)
    content["start"]["waiting"] = {step: {"value": number, "assumption": "test"} for step, number in asked.items()}
    scenario = Scenario.model_validate(content)
    start = running_start(scenario, Draws(1, 0))
    low, high = (scenario.steps.index(name) for name in ("low_intensity", "high_intensity"))
    down = np.intersect1d(
        start.history.client[start.history.step == high], np.flatnonzero(start.plans.step[start.plans.first] == low)
    )
    assert len(down) >= 5


@pytest.mark.parametrize("asked", [{}, {"high_intensity": 20.0}])
def test_deadlines_fall_on_the_same_days_for_those_who_are_there_at_opening(asked: dict[str, float]) -> None:
    """They count from another list than the first, so they are other numbers; nobody well is still on the list of a first course."""
    content = plain_service(1000).model_dump(exclude_none=True)
    content["start"]["waiting"] = {step: {"value": number, "assumption": "test"} for step, number in asked.items()}
    scenario = Scenario.model_validate(content)
    pool = Pool(scenario, Draws(1, 0), POLICIES[scenario.pathway.policy])
    before, _ = pool.plans()
    there = opening_of(pool)
    now = there.plans
    check_plans(now)
    who = np.searchsorted(pool.ids, there.clients.id)[now.client]
    steps = len(scenario.steps)
    row = np.searchsorted(before.client * steps + before.step, who * steps + now.step)
    counted_later = now.joins_day[now.client] > before.joins_day[who]
    for name in ("inside_from", "well_after"):
        old, new = getattr(before, name)[row], getattr(now, name)
        assert np.array_equal(old == NEVER, new == NEVER)
        asks = old != NEVER
        assert np.sum(asks & counted_later) > 20
        assert np.array_equal((old + before.joins_day[who])[asks], (new + now.joins_day[now.client])[asks])
    waits = now.first[(now.started_day == NOT_YET) & (now.joins_day < 0)]
    well_on = now.joins_day[now.client[waits]] + now.well_after[waits].astype(np.int64)
    assert np.all((well_on >= 0) | (now.joins_day[now.client[waits]] == -1))
    assert np.sum(now.well_after[waits] != NEVER) > 5


def test_those_there_at_opening_have_a_past_and_are_not_of_the_cohort(small_simulation: Simulation) -> None:
    out, clients = small_simulation.outcomes, small_simulation.clients
    before = clients.referral_day < 0
    assert before.sum() > 100
    in_course = before & (out.first_contact_day != NOT_YET) & (out.first_contact_day < 0)
    assert in_course.sum() > 50
    assert np.all(out.contacts[in_course] >= 1), "the assessment before opening counts"
    table = measure(small_simulation)
    run = small_simulation.scenario.run
    received = np.sum((clients.referral_day >= run.warm_up_days) & (clients.referral_day < run.warm_up_days + 200))
    assert table[Quantity("referrals_received", "all", "", "", "all")].value == received


def test_every_day_clients_in_the_service_are_those_who_came_less_those_who_left(small_simulation: Simulation) -> None:
    """Conservation: on each day from opening, joined and not yet left equals waiting plus held, over all steps."""
    episodes, run = small_simulation.episodes, small_simulation.scenario.run
    days = np.arange(run.horizon_days)
    held, waiting = occupancy(episodes, len(small_simulation.scenario.steps), run.horizon_days)
    rank = np.flatnonzero(np.append(True, episodes.client[1:] != episodes.client[:-1]))
    came = np.sort(np.maximum(episodes.joined_day[rank], 0))
    last = np.append(rank[1:], len(episodes.client)) - 1
    left = np.sort(episodes.ended_day[last][episodes.ended_day[last] != NOT_YET])
    inside = np.searchsorted(came, days, side="right") - np.searchsorted(left, days, side="right")
    assert np.array_equal(inside, (held + waiting).sum(axis=1))
    assert inside.min() > 100


# --- what is decided at assessment -----------------------------------------------------------------------------------


def test_those_below_caseness_are_mostly_advised_and_not_treated(small: Scenario) -> None:
    draws = Draws(5, 0)
    clients = draw_population(small, draws, 40_000)
    _, care = draw_courses(small, clients, draws)
    below = below_caseness(*scores_at_referral(small, clients, draws))
    assessed = care.exit >= EXITS.index("advice")
    assessed |= care.exit == TREATED
    screening = small.pathway.screening
    unsuitable = screening.not_suitable.value
    for some, share in ((below, screening.advice_below_caseness.value), (~below, screening.advice_at_caseness.value)):
        n = np.sum(assessed & some)
        expected = share * (1 - unsuitable)
        error = np.sqrt(expected * (1 - expected) / n)
        assert np.mean(care.exit[assessed & some] == ADVICE) == pytest.approx(expected, abs=4 * error)


def test_recorded_reasons_and_none_add_up_to_all_that_ended(small_simulation: Simulation) -> None:
    table = measure(small_simulation)
    recorded = {name: table[Quantity(name, "all", "", "", "all")] for name in (*RECORDED_AS, "reason_other")}
    own = ("not_suitable", "declined", "not_assessed", "mutually_agreed", "unplanned", "other")
    assert sum(recorded[f"reason_{name}"].value for name in own) == pytest.approx(1)
    missing = small_simulation.scenario.pathway.reason_not_recorded.value
    said = sum(recorded[name].value for name in RECORDED_AS)
    n = recorded["reason_other"].denominator
    assert said == pytest.approx(1 - missing, abs=4 * np.sqrt(missing * (1 - missing) / n))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.94])
@pytest.mark.parametrize("number", [1, 7, 60])
def test_missed_sessions_follow_the_negative_binomial_and_their_kinds_the_binomial(share: float, number: int) -> None:
    """Against scipy's own inverse distribution functions, at the same uniforms."""
    u = np.random.default_rng(1).random(400)
    sessions = np.full(400, number, dtype=np.int32)
    ours = negative_binomial(u, sessions, np.full(400, share))
    theirs = stats.nbinom.ppf(u, number, 1 - share) if share else np.zeros(400)
    assert np.array_equal(ours, theirs)
    assert np.array_equal(binomial(u, sessions, np.full(400, share)), stats.binom.ppf(u, number, share))


def test_samplers_take_a_different_number_and_share_for_each_row() -> None:
    """Against scipy's own inverse distribution functions, far in the tail and where all or none can be found too."""
    rng = np.random.default_rng(6)
    u, number, share = rng.random(5_000), rng.integers(1, 60, 5_000).astype(np.int32), rng.uniform(0.01, 0.94, 5_000)
    u[0], number[0], share[0] = 1 - 2**-33, 400, 0.3
    assert np.array_equal(negative_binomial(u, number, share), stats.nbinom.ppf(u, number, 1 - share))
    assert np.array_equal(binomial(u, number, share), stats.binom.ppf(u, number, share))
    all_and_none = binomial(np.full(2, 1 - 2**-33), np.array([3, 0], dtype=np.int32), np.ones(2))
    assert all_and_none.tolist() == [3, 0]


def test_hundreds_of_sessions_nearly_all_missed_are_no_endless_loop() -> None:
    u = np.array([0.01, 0.5, 0.99])
    found = negative_binomial(u, np.full(3, 900, dtype=np.int32), np.full(3, 0.95))
    assert found == pytest.approx(stats.nbinom.ppf(u, 900, 0.05), rel=0.02)


# --- what depends on the client, each with its switch ----------------------------------------------------------------

SWITCHES = ("patience", "missed", "drop_out")


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_leaves_its_mechanism_out_and_nothing_else(name: str, small: Scenario) -> None:
    draws = Draws(3, 0)
    strong = {f"pathway.influences.{name}.per_emotional_disorder": -0.5 if name == "patience" else 0.5}
    changed = small.with_changes(strong)
    off = changed.with_changes({f"pathway.influences.{name}.switched_on": False})
    none = small.with_changes(
        {f"pathway.influences.{name}.per_emotional_disorder": 0, f"pathway.influences.{name}.per_deprivation_decile": 0}
    )
    clients = draw_population(small, draws, 5_000)
    results = [draw_courses(scenario, clients, draws) for scenario in (changed, off, none)]
    (on, on_care), (without, off_care), (zero, zero_care) = results
    assert np.array_equal(without.patience_days, zero.patience_days)
    assert np.array_equal(off_care.attended, zero_care.attended)
    assert np.array_equal(off_care.missed, zero_care.missed)
    complex_ones = clients.count(small, "emotional_disorder") >= 5
    high = small.steps.index("high_intensity")
    seen = {
        "patience": (on.patience_days, without.patience_days),
        "missed": (on_care.missed, off_care.missed),
        "drop_out": (-on_care.attended, -off_care.attended),
    }
    with_it, without_it = seen[name]
    sign = -1 if name == "patience" else 1
    assert sign * (with_it[complex_ones, high].mean() - without_it[complex_ones, high].mean()) > 0
    for other in set(SWITCHES) - {name, "missed"}:
        assert np.array_equal(*seen[other]), f"{other} must not change"


def test_more_is_missed_where_people_are_poorer(small: Scenario) -> None:
    draws = Draws(3, 0)
    clients = draw_population(small, draws, 20_000)
    _, care = draw_courses(small, clients, draws)
    not_attended, _, provider_cancelled = missed_by_kind(small, clients, care, draws)
    poorest, richest = (clients.strata["deprivation_decile"] == k for k in (9, 0))
    high = small.steps.index("high_intensity")

    def share(some: np.ndarray[Any, Any]) -> float:
        missed = not_attended[some, high].sum()
        return float(missed / (missed + care.attended[some, high].sum()))

    assert share(poorest) > share(richest) + 0.01
    cancelled = [provider_cancelled[some, high].sum() / care.attended[some, high].sum() for some in (poorest, richest)]
    assert cancelled[0] == pytest.approx(cancelled[1], rel=0.15), "what the provider cancels has nothing to do with it"


def test_without_a_connection_the_first_modality_is_what_is_left(small: Scenario) -> None:
    draws = Draws(3, 0)
    clients = draw_population(small, draws, 5_000)
    for reach in (0.0, 1.0):
        changed = small.with_changes({"pathway.modalities.video.reach": reach})
        _, care = draw_courses(changed, clients, draws)
        on_video = np.mean(care.modality == 2)
        assert on_video == pytest.approx(reach * changed.pathway.modalities["video"].share.value, abs=0.02)


# --- returns --------------------------------------------------------------------------------------------------------


def test_some_of_those_due_to_relapse_are_referred_again(small: Scenario) -> None:
    returning = small.with_changes({"pathway.returns.chance": 0.5, "outcome.relapse.yearly_hazard": 2})
    simulation, without = simulate(returning), simulate(small)
    clients, episodes = simulation.clients, simulation.episodes
    again = clients.id >= 2**40
    again &= clients.id < 2**41
    came = again & (clients.referral_day != NOT_YET)
    assert came.sum() > 50
    who = np.flatnonzero(came)
    for row in who[:50]:
        first = int(np.flatnonzero(clients.id == clients.id[row] - 2**40)[0])
        left = episodes.ended_day[episodes.client == first].max()
        joined = clients.referral_day[row] + simulation.care.booking_days[row]
        u = Draws(returning.run.seed, 0).uniform("relapse", clients.id[[first]])
        residual = simulation.outcomes.service.last_phq9[[first]] >= RESIDUAL_PHQ9
        ill_again = int(365 * years_to_relapse(returning, u, residual)[0])
        booked = int(simulation.care.booking_days[row])
        assert joined == left + max(ill_again + booked, 1), "referred again on the day of falling ill again"
        assert np.array_equal(clients.conditions[row], clients.conditions[first]), "the same person"
        assert np.array_equal(clients.severity[row], clients.severity[first]), "as ill as at the first referral"
    table, before = measure(simulation), measure(without)
    received = Quantity("referrals_received", "all", "", "", "all")
    assert table[received].value > before[received].value
    assert np.sum(clients.referral_day[again & ~came] != NOT_YET) == 0


# --- extremes -------------------------------------------------------------------------------------------------------

EXTREMES: dict[str, dict[str, Any]] = {
    "nobody suitable": {"pathway.not_suitable": 1.0, "pathway.declined": 0.0, "pathway.not_assessed": 0.0},
    "everybody unsuitable at assessment": {"pathway.screening.not_suitable": 1.0},
    "everybody stepped up": {
        "pathway.routing.direct_intercept": -10, "pathway.steps.low_intensity.step_up_acceptance": 1.0,
        "instruments.phq9.intercept": 40,
    },
    "one therapist": {"staff.high_intensity_therapist.wte": 1},
    "no assessor": {"staff.assessor.wte": 0},
    "everybody returns": {"pathway.returns.chance": 1.0, "outcome.relapse.yearly_hazard": 20},
    "nobody is patient": {"pathway.steps.high_intensity.patience_mean_days": 0.01},
}  # fmt: skip


@pytest.mark.parametrize("name", list(EXTREMES))
def test_a_service_of_extremes_keeps_its_rules(name: str, small: Scenario) -> None:
    scenario = small.with_changes(EXTREMES[name])
    simulation = simulate(scenario)
    table = measure(simulation)
    before = table[Quantity("ended_before_treatment", "all", "", "", "all")].value
    if name in ("nobody suitable", "no assessor"):
        assert before == 1
        assert np.all(simulation.outcomes.contacts[simulation.clients.referral_day >= 0] == 0)
    elif name == "everybody unsuitable at assessment":
        assert table[Quantity("ended_after_finishing", "all", "", "", "all")].value == 0
    elif name == "everybody stepped up":
        finished = simulation.outcomes.left == simulation.outcomes.left
        low = [scenario.steps.index(n) for n in ("low_intensity",)]
        e = simulation.episodes
        done = np.isin(e.step, low) & (e.ending == 3) & (simulation.outcomes.first_course[e.client] == low[0])
        went_up = np.isin(e.client[done], e.client[e.step == scenario.steps.index("high_intensity")])
        assert finished.all()
        assert went_up.mean() > 0.97, "all who finished low intensity are still at caseness, and nobody refuses"
    elif name == "one therapist":
        growth_of_list = table[Quantity("waiting_list_growth", "all", "", "", "step=high_intensity")].value
        assert np.isfinite(growth_of_list)
        held, _ = occupancy(simulation.episodes, 5, scenario.run.horizon_days)
        assert held[1:, scenario.steps.index("high_intensity")].max() <= simulation.capacity.staffed[0, 4]  # type: ignore[index]


# --- official figures -----------------------------------------------------------------------------------------------


def test_a_third_of_the_official_figures_are_checks_and_none_of_them_is_fitted_to() -> None:
    official = get_scenario("national_2024_25").official
    checks = [name for name, figure in official.items() if figure.role == "check"]
    assert len(official) >= 45
    assert len(checks) >= len(official) / 3
    assert not any(official[name].fitted_by for name in checks)
    assert "recovery" in checks
    assert "fail" in official["recovery"].note


def test_tolerances_are_a_point_for_shares_and_a_twentieth_for_all_else() -> None:
    official = get_scenario("national_2024_25").official
    assert tolerance_of(official["ended_before_treatment"]) == 0.01
    assert tolerance_of(official["first_contact_days_mean"]) == pytest.approx(0.05 * 21.4)


def test_a_wide_interval_does_not_make_a_miss_a_hit(small: Scenario) -> None:
    rows = validate_model(get_scenario("national_2024_25", changes={"demand.referrals_per_year": 300}), replications=2)
    assert len(rows) >= 45
    for row in rows:
        assert row.verdict == ("met" if abs(row.value - row.target) <= row.tolerance else "missed")
    missed_though_covered = [
        row for row in rows if row.verdict == "missed" and row.lower_95_ci <= row.target <= row.upper_95_ci
    ]
    assert missed_though_covered, "with two replications of a tiny service some interval covers a missed target"


def test_the_command_says_of_every_official_figure_whether_it_is_met(tmp_path: Path) -> None:
    command = ("validate-model", "national_2024_25", "--set", "demand.referrals_per_year=300", "--replications", "2")
    rows = json.loads(call_here(*command, "--json", folder=tmp_path).stdout)
    printed = call_here(*command, folder=tmp_path).stdout.splitlines()
    assert len(rows) >= 45
    for row in rows:
        (line,) = (line for line in printed if line.startswith(f"{words(row['quantity']):<34.34}"))
        assert line.endswith(f"{row['role']:<7}{row['verdict']}")
    for role in ("fitted", "check"):
        verdicts = [row["verdict"] for row in rows if row["role"] == role]
        assert any(line.startswith(f"{role}: {verdicts.count('met')} of {len(verdicts)} met") for line in printed)
    assert {row["verdict"] for row in rows if row["quantity"] == "recovery"} == {"missed"}
    assert printed[-1].startswith("Recovery per finished referral would be met with ")


def test_the_command_shows_what_was_fitted_beside_what_is_in_use(tmp_path: Path) -> None:
    command = ("calibrate", "outcome", "trial_anchored", "--replications", "1", "--out", "fitted.toml")
    path = "outcome.treatment.full_course"
    changes = ("--set", "demand.referrals_per_year=1500", "--set", f"{path}=0.4")
    result = call_here(*command, *changes, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(path))
    in_use, fitted = map(float, line.split()[1:])
    assert in_use == 0.4
    assert fitted != in_use
    fragment = (tmp_path / "fitted.toml").read_text(encoding="utf-8")
    assert result.stdout.endswith(fragment + "\n")
    again = load_scenario(tmp_path / "fitted.toml")
    assert again.outcome.treatment.full_course.value == pytest.approx(fitted, rel=1e-3)


def test_calibrating_recovers_a_known_truth() -> None:
    """Figures made by the model itself at known values are met again from elsewhere, and the values found again.

    Shares of a few hundred referrals move in steps, so values are found to within a tenth.
    """
    small = {
        "demand.referrals_per_year": 3000, "run.warm_up_days": 100, "run.data_collection_days": 365, "run.follow_up_days": 200,
        "run.staff_turnover": False, "staff.assessor.wte": 3, "staff.psychological_wellbeing_practitioner.wte": 2.8,
        "staff.high_intensity_therapist.wte": 8,
    }  # fmt: skip
    truth = {
        "pathway.not_assessed": 0.19,
        "pathway.booking.mean_days": 16.0,
        "pathway.steps.high_intensity.planned_sessions_mean": 9.5,
    }
    chosen = ("reason_not_assessed", "first_contact_days_mean", "high_intensity_contacts")
    national = get_scenario("national_2024_25", changes=small | truth)
    results = replicate(national, replications=2)
    figures = {}
    for name in chosen:
        figure = national.official[name]
        found = results.find(figure.measure, base=figure.base, at=figure.at, group=figure.group)
        figures[name] = figure.model_copy(update={"value": found.value})
    elsewhere = national.with_changes({
        "pathway.not_assessed": 0.25, "pathway.booking.mean_days": 11.0,
        "pathway.steps.high_intensity.planned_sessions_mean": 7.0,
    }).model_copy(update={"official": figures})  # fmt: skip
    fit = calibrate_service(elsewhere, replications=2)
    assert fit.after == pytest.approx(fit.target, rel=0.02)
    assert fit.before != pytest.approx(fit.target, rel=0.1)
    for path, value in truth.items():
        assert fit.changes[path] == pytest.approx(value, rel=0.1), path


def test_what_cannot_be_fitted_is_refused_with_its_name(small: Scenario) -> None:
    with pytest.raises(CaseloadError, match="has no official figures to compare with"):
        validate_model(small)
    national = get_scenario("national_2024_25")
    figure = national.official["reason_declined"].model_copy(
        update={"role": "fitted", "fitted_by": ("pathway.decline",)}
    )
    wrong = national.model_copy(update={"official": {"reason_declined": figure}})
    with pytest.raises(CaseloadError, match=r"official\.reason_declined\.fitted_by: pathway\.decline is not a number"):
        calibrate_service(wrong)


# --- many providers -------------------------------------------------------------------------------------------------


def test_providers_pooled_count_what_each_of_them_counts() -> None:
    few = {
        "demand.referrals_per_year": 400, "staff.assessor.wte": 0.5, "staff.psychological_wellbeing_practitioner.wte": 3,
        "staff.high_intensity_therapist.wte": 1.2, "run.warm_up_days": 30, "run.data_collection_days": 200,
        "run.follow_up_days": 100, "pathway.steps.low_intensity.lag_days_mean": 5, **alike(3),
    }  # fmt: skip
    scenario = get_scenario("national_2024_25", changes=few)
    whole = simulate(scenario)
    scenarios = provider_scenarios(scenario, Draws(scenario.run.seed, 0))
    each = [simulate(one, replication=k) for k, one in enumerate(scenarios)]
    tables, table = [measure(one) for one in each], measure(whole)
    for name in ("referrals_received", "ended_before_treatment", "second_contact_over_28_days", "recovery"):
        base, at, service = {
            "recovery": ("finished", "end", "service"), "second_contact_over_28_days": ("finished", "", "")
        }.get(name, ("all", "", ""))  # fmt: skip
        key = Quantity(name, base, at, service, "all")
        assert table[key].numerator == sum(t[key].numerator for t in tables), name
    wtes = [one.staff["high_intensity_therapist"].wte.value for one in scenarios]
    assert len(set(wtes)) == 3
    rows = replicate(scenario, replications=1)
    low, high = (
        rows.find("second_contact_days_mean", group=f"providers={which} percentile").value for which in ("10th", "90th")
    )
    assert low <= rows.find("second_contact_days_mean", group="providers=median").value <= high


# --- the manager's file ---------------------------------------------------------------------------------------------


def test_a_file_of_ones_own_is_short_commented_and_runs(tmp_path: Path) -> None:
    made = call_here("new", "my service.toml", "--from", "national_2024_25", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "my service.toml").read_text(encoding="utf-8")
    assert text.count("\n") < 80
    assert text.startswith("#:schema ./caseload-sim.schema.json\n")
    assert json.loads((tmp_path / "caseload-sim.schema.json").read_text(encoding="utf-8"))["title"]
    for asked in ("referrals_per_year", "[start.waiting]", "wte = ", "# "):
        assert asked in text
    run = call_here(
        "run", "my service.toml", "--replications", "1", "--no-figures", "--set", "demand.referrals_per_year=2000",
        "--set", "staff.high_intensity_therapist.wte=5", "--csv", folder=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    for answer in ("wait_days_mean", "finished_course_treatment", "all_remission"):
        assert answer in run.stdout
    again = call_here("new", "my service.toml", folder=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    none = call_here("new", "other.toml", "--from", "no_service", folder=tmp_path)
    assert none.returncode == 2
    assert "nobody is treated in it" in none.stderr


def test_invariants_hold_with_everything_switched_on(small: Scenario) -> None:
    from caseload_sim.experiments.replicate import check_engines

    lively = small.with_changes({"pathway.returns.chance": 0.4, "run.staff_turnover": True})
    stays, difference = check_engines(lively)
    assert difference is None
    assert stays > 3000
    assert check_invariants is not None
