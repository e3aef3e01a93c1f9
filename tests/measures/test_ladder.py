"""The outcome model, one mechanism at a time by hand, and the ladder that is read from it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from caseload_sim.analysis.calibrate_service import calibrate_service, effect_that_reaches
from caseload_sim.analysis.misfits import FINDINGS, misfits, screening
from caseload_sim.analysis.validate_model import validate_model
from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import illness_of
from caseload_sim.definitions.quantities import REMISSIONS
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.outcomes.outcomes import recovered, reliable_change
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from caseload_sim.support.columns import Flags
from second_readings import second_readings

DEPRESSION, TRAUMA = "major_depression", "ptsd"
# Nothing moves: no problem ends, no passing state, no error, no effect, and nobody leaves for being well.
STILL: dict[str, Any] = {
    "outcome.treatment.full_course": 0, "outcome.treatment.full_course_of_distress": 0, "outcome.treatment.therapist_sd": 0,
    "outcome.treatment.per_deprivation_sd": 0, "outcome.endings.well_do_not_come": 0,
    "outcome.remission.monthly_hazard_of_distress": 0, "instruments.interview_error_sd": 0,
    "demand.referrals_per_year": 1500, "start.running": False, "run.warm_up_days": 0,
    **{f"outcome.remission.monthly_hazard.{name}": 0 for name in get_scenario().disorders},
    **{f"population.state_share.{name}": 0 for name in get_scenario().disorders},
}  # fmt: skip
FOR_DEPRESSION = {"pathway.routing.right_problem": 0, "pathway.routing.otherwise_recorded": [DEPRESSION]}


def alone(*disorders: str, name: str = "hepgul_2016", **changes: Any) -> Scenario:
    """A scenario with only these disorders, in which nothing moves but what is changed; dots are written as __."""
    absent = {f"population.prevalence.{other}.value": 0 for other in get_scenario().disorders if other not in disorders}
    given = {path.replace("__", "."): value for path, value in changes.items()}
    own = [disorder for disorder in (DEPRESSION,) if disorder in disorders]
    return get_scenario(
        name, changes=STILL | absent | {"pathway.routing.otherwise_recorded": own or list(disorders)} | given
    )


def gone(simulation: Simulation, disorder: str = DEPRESSION) -> tuple[Flags, Flags]:
    """Who had the disorder, and who is without it with the service."""
    out, j = simulation.outcomes, simulation.clients.disorder_names.index(disorder)
    return out.diagnosed[:, j], out.service.without[:, j]


# --- each mechanism alone ---------------------------------------------------------------------------------------------


def lengths_of(simulation: Simulation) -> np.ndarray:
    """The length of each disorder, in mean lengths, straight from the draws."""
    shared, ids = simulation.scenario.outcome.remission.shared.value, simulation.clients.id
    draws = Draws(simulation.scenario.run.seed, 0)
    own = [draws.normal(f"length_own:{name}", ids) for name in simulation.clients.disorder_names]
    z = np.sqrt(shared) * draws.normal("length_shared", ids) + np.sqrt(1 - shared) * np.array(own)
    return np.asarray(-stats.norm.logcdf(z).T)


@pytest.mark.parametrize("days", [182, 365])
def test_time_alone_ends_those_as_short_as_the_hazard_says(days: int) -> None:
    """A tenth a month, with nothing that slows anybody down: over if, and only if, shorter than that times the days."""
    plain = {f"outcome__remission__by_condition__{name}": 0 for name in get_scenario().outcome.remission.by_condition}
    scenario = alone(
        DEPRESSION, name="no_service", outcome__measured_after_days=days, outcome__remission__usual_care=1,
        outcome__remission__per_emotional_disorder=0, outcome__remission__per_severity_sd=0,
        outcome__remission__per_deprivation_sd=0, outcome__remission__monthly_hazard__major_depression=0.1, **plain,
    )  # fmt: skip
    simulation = simulate(scenario)
    had, without = gone(simulation)
    used, length = 0.1 * 12 / 365 * days, lengths_of(simulation)[:, 0]
    clear = np.abs(length - used) > 1e-6
    assert np.array_equal((had & without)[clear], (had & (length < used))[clear])
    share = 1 - np.exp(-used)
    assert without[had].mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / had.sum()))


def test_treatment_alone_takes_effect_times_dose() -> None:
    """Two lengths times 1 - (1 - dose of low intensity)(1 - dose of high), dose = effect (1 - exp(-3 sessions / N95))."""
    simulation = simulate(alone(DEPRESSION, outcome__treatment__full_course=2))
    out, scenario = simulation.outcomes, simulation.scenario
    had, without = gone(simulation)
    counted = ("alcohol_dependence", "other_substance_dependence", "personality_disorder")
    complexity = sum(simulation.clients.has(name).astype(int) for name in counted)  # there is one disorder at most
    remaining = np.ones(len(had))
    for name, step in scenario.pathway.steps.items():
        if step.kind == "course":
            effect = (step.effect[DEPRESSION] if DEPRESSION in step.effect else step.effect["default"]).value
            slowed = effect * np.exp(step.effect_per_complexity.value * np.maximum(complexity - 1, 0))
            attended = out.sessions[:, scenario.steps.index(name)]
            remaining *= 1 - slowed * (1 - np.exp(-3 * attended / step.sessions_for_95_percent.value))
    taken = np.where(out.contacts >= 2, 2 * scenario.outcome.treatment.fidelity.value * (1 - remaining), 0)
    length = lengths_of(simulation)[:, 0]
    clear = np.abs(length - taken) > 1e-6
    assert (had & without).sum() > 50
    assert np.array_equal((had & without)[clear], (had & (length < taken))[clear])
    assert not (out.none.without & out.diagnosed).any()


def test_fidelity_takes_its_share_of_the_effect_and_0_takes_all() -> None:
    half = simulate(alone(DEPRESSION, outcome__treatment__full_course=1, outcome__treatment__fidelity=0.5))
    same = simulate(alone(DEPRESSION, outcome__treatment__full_course=0.5, outcome__treatment__fidelity=1))
    none = simulate(alone(DEPRESSION, outcome__treatment__full_course=1, outcome__treatment__fidelity=0))
    # Those who step up differ, because fidelity is of the relief of distress too; so those of one course alone.
    one_course = ~(half.outcomes.stepped_up | same.outcomes.stepped_up)
    assert np.array_equal(half.outcomes.service.without[one_course], same.outcomes.service.without[one_course])
    assert (half.outcomes.service.without & half.outcomes.diagnosed).any()
    assert not (none.outcomes.service.without & none.outcomes.diagnosed).any()


def test_what_is_not_the_target_gets_the_spill_alone() -> None:
    """Everybody is treated for depression with a full effect of two lengths; PTSD gets its spill of it."""
    scenario = alone(
        DEPRESSION, TRAUMA, outcome__treatment__full_course=2, pathway__routing__right_problem=0,
        pathway__routing__otherwise_recorded=[DEPRESSION], pathway__routing__direct_intercept=10,
        pathway__steps__high_intensity__sessions_for_95_percent=0.1,
    )  # fmt: skip
    simulation = simulate(scenario)
    out, treatment = simulation.outcomes, scenario.outcome.treatment
    had, without = gone(simulation, TRAUMA)
    treated = (out.contacts >= 2) & (out.first_course == scenario.steps.index("high_intensity"))
    length = lengths_of(simulation)[:, simulation.clients.disorder_names.index(TRAUMA)]
    taken = 2 * treatment.fidelity.value * treatment.spill[TRAUMA].value
    assert (had & treated).sum() > 30
    assert 0 < (had & without & treated).sum() < (had & treated).sum()
    assert np.array_equal((had & without)[treated], (had & (length < taken))[treated])


def test_passing_state_alone_moves_both_ways() -> None:
    simulation = simulate(alone(DEPRESSION, name="no_service", population__state_share__major_depression=0.2))
    had, without = gone(simulation)
    draws, clients = Draws(simulation.scenario.run.seed, 0), simulation.clients
    first, last = (np.sqrt(0.2) * draws.normal(f"{p}:{DEPRESSION}", clients.id) for p in ("state_start", "state:last"))
    assert np.array_equal(had, clients.severity[:, 0] > 0)
    assert np.array_equal(without, clients.severity[:, 0] - first + last <= 0)
    assert (had & without).sum() > 0
    assert (~had & ~without).sum() > 0


def test_interview_error_alone_makes_some_come_and_go() -> None:
    scenario = alone(DEPRESSION, name="no_service", instruments__interview_error_sd=0.3)
    simulation = simulate(scenario)
    had, without = gone(simulation)
    draws, clients = Draws(scenario.run.seed, 0), simulation.clients
    first, last = (
        clients.severity[:, 0] + 0.3 * draws.normal(f"{purpose}:{DEPRESSION}", clients.id)
        for purpose in ("interview_start", "interview_end")
    )
    assert np.array_equal(had, first > 0)
    assert np.array_equal(without, last <= 0)
    assert (had & without).sum() > 10


@pytest.mark.parametrize("condition", ["personality_disorder", "alcohol_dependence"])
def test_a_condition_that_slows_moves_only_those_who_have_it_and_0_switches_it_off(condition: str) -> None:
    on = get_scenario(changes={"demand.referrals_per_year": 500, "start.running": False})
    path = f"outcome.remission.by_condition.{condition}"
    off, clients, draws = on.with_changes({path: 0}), simulate(on).clients, Draws(on.run.seed, 0)
    with_it, without = (illness_of(scenario, clients, draws) for scenario in (on, off))
    effect = on.outcome.remission.by_condition[condition].value
    ratio = np.exp(np.where(clients.has(condition), effect, 0))
    assert effect < 0
    assert np.allclose(with_it.hazard, without.hazard * ratio[:, None], rtol=1e-12, atol=0)
    assert np.array_equal(without.hazard > 0, without.present), "of a disorder that is not there nothing ends"
    assert np.allclose(with_it.distress_hazard / without.distress_hazard, ratio, rtol=1e-12)


@pytest.mark.parametrize(("hazard", "relapses"), [(0.0, False), (1000.0, True)])
def test_relapse_of_all_undoes_what_treatment_did_and_of_none_leaves_it(hazard: float, relapses: bool) -> None:
    """Where nothing ends by itself, whoever relapses is as ill again as at referral, and stays so."""
    scenario = alone(DEPRESSION, outcome__treatment__full_course=1, outcome__relapse__yearly_hazard=hazard)
    reading = simulate(scenario).outcomes.service
    for rung in REMISSIONS:
        assert reading.end[rung].sum() > 20
        assert np.array_equal(reading.sustained[rung], reading.end[rung] & (not relapses))
        assert np.array_equal(reading.month_12[rung], reading.end[rung] & (not relapses))


def test_no_margin_means_that_gone_is_fully_gone(small: Scenario) -> None:
    reading = simulate(small.with_changes({"instruments.full_remission_margin": 0})).outcomes.service
    assert np.array_equal(reading.end["full_remission"], reading.end["all_remission"])


# --- the ladder -----------------------------------------------------------------------------------------------------


def test_the_untreated_twin_is_the_client_without_a_service_read_on_the_same_day(small: Scenario) -> None:
    """Everybody is read on day 182 in both worlds: the twins of one are the clients of the other, one by one."""
    same_day = small.with_changes({"outcome": {"read_everybody_after_days": 182}, "start.running": False})
    served, alone_ = simulate(same_day), simulate(same_day.with_changes({"pathway.policy": "no_service"}))
    twin, client = served.outcomes.none, alone_.outcomes.service
    assert np.array_equal(served.clients.id, alone_.clients.id)
    assert served.outcomes.started.sum() > 100
    assert np.array_equal(twin.last_phq9, client.last_phq9)
    assert np.array_equal(twin.last_gad7, client.last_gad7)
    for name in ("without", "clear", "without_month_12", "clear_month_12", "relapsed"):
        assert np.array_equal(getattr(twin, name), getattr(client, name)), name
    for at in ("end", "month_12", "sustained"):
        for rung in REMISSIONS:
            assert np.array_equal(getattr(twin, at)[rung], getattr(client, at)[rung]), (at, rung)


def test_the_ladder_never_rises_from_rung_2_to_4(small_results: Results) -> None:
    table = {(row.measure, row.base, row.at, row.service, row.group): row.value for row in small_results.rows}
    checked = 0
    for (measure, *rest), value in table.items():
        if measure in REMISSIONS[1:] and rest[2] != "difference" and not np.isnan(value):
            below = REMISSIONS[REMISSIONS.index(measure) - 1]
            assert value <= table[(below, rest[0], rest[1], rest[2], rest[3])] + 1e-12, (measure, rest)
            checked += 1
    assert checked > 200


@pytest.mark.parametrize(("phq9", "gad7", "below"), [(9, 7, True), (10, 7, False), (9, 8, False), (10, 8, False)])
def test_caseness_begins_at_10_and_at_8(phq9: int, gad7: int, below: bool) -> None:
    scores = (np.array([score], dtype=np.int8) for score in (phq9, gad7))
    assert bool(below_caseness(*scores)[0]) is below


@pytest.mark.parametrize(
    ("phq9_down", "gad7_down", "improved"), [(5, 3, False), (6, 3, True), (5, 4, True), (6, -4, False), (-6, 4, False)]
)
def test_change_is_reliable_from_6_and_from_4(
    phq9_down: int, gad7_down: int, improved: bool, small_simulation: Simulation
) -> None:
    def one(score: int) -> Any:
        return np.array([score], dtype=np.int8)

    out = replace(small_simulation.outcomes, first_phq9=one(14), first_gad7=one(12))
    reading = replace(out.service, last_phq9=one(14 - phq9_down), last_gad7=one(12 - gad7_down))
    assert bool(reliable_change(out, reading)[0][0]) is improved


def test_recovered_by_still_diagnosed_is_a_two_by_two_of_the_ladders_finishers(small: Scenario) -> None:
    results = replicate(small, replications=1)
    simulation, out = results.first, results.first.outcomes
    ladder = within(simulation, simulation.clients.referral_day) & out.ended & (out.principal >= 0)
    ladder &= out.at_caseness & out.finished
    well, still = recovered(out, out.service), ~out.service.end["all_remission"]
    among_recovered = results.find("recovered_still_diagnosed", service="service")
    among_others = results.find("not_recovered_no_diagnosis", service="service")
    assert (among_recovered.numerator, among_recovered.denominator) == ((ladder & well & still).sum(), (ladder & well).sum())  # fmt: skip
    assert (among_others.numerator, among_others.denominator) == ((ladder & ~well & ~still).sum(), (ladder & ~well).sum())  # fmt: skip
    assert among_recovered.denominator + among_others.denominator == ladder.sum()


# --- against what is published ----------------------------------------------------------------------------------------


def test_screening_counts_those_found_and_those_rightly_let_pass(small: Scenario) -> None:
    simulation = simulate(small.with_changes({"pathway.policy": "no_service", "start.running": False}))
    out = simulation.outcomes
    ill = out.diagnosed[:, simulation.clients.disorder_names.index(DEPRESSION)]
    for above, expected in ((ill, 1.0), (~ill, 0.0)):
        scores = np.where(above, 10, 9).astype(np.int8)
        found = screening(replace(simulation, outcomes=replace(out, first_phq9=scores)))
        assert (found["phq9_sensitivity"], found["phq9_specificity"]) == (expected, expected)
    assert all(0 < value < 1 for value in screening(simulation).values())


def test_every_finding_was_read_twice_and_has_a_source() -> None:
    again = second_readings("hepgul_2016")
    for name, finding in FINDINGS.items():
        entry = again[f"findings.{name}"]
        assert finding.value == pytest.approx(entry["value"], abs=0.0006), name
        assert finding.source in list_sources(), name
        assert finding.low < finding.value < finding.high, name
        if "interval" in entry:
            assert (finding.low, finding.high) == pytest.approx(entry["interval"], abs=0.006), name


def test_findings_are_judged_by_their_own_range_and_misses_are_said(small: Scenario) -> None:
    rows = misfits(small, replications=1)
    assert [row.quantity for row in rows] == list(FINDINGS)
    for row in rows:
        assert (row.verdict == "met") == (row.low <= row.value <= row.high)
    assert any(row.verdict == "missed" for row in rows)
    passing = [row.value for row in rows if row.quantity.startswith("untreated_depression")]
    assert passing == sorted(passing)


def test_findings_are_of_one_provider() -> None:
    with pytest.raises(RunError, match="national_2024_25_providers: judge one provider, not several"):
        misfits(get_scenario("national_2024_25_providers"), replications=1)


def test_the_outcome_model_finds_the_reference_values_of_its_prototype() -> None:
    """Every row within 2 points, and what sampling may add: another point, and 3 for the few who have one number of disorders."""
    rows = validate_model(get_scenario("outcome_reference_trial"), replications=2)
    assert all(row.role == "check" for row in rows), "reference values are never fitted to"
    assert len(rows) == 14
    near = {row.quantity: 0.05 if row.quantity.startswith("recovery_with_") else 0.03 for row in rows}
    assert {row.quantity: row.value for row in rows if abs(row.value - row.target) > near[row.quantity]} == {}
    by_number = [row.value for row in rows if row.quantity.startswith("recovery_with_")]
    assert len(by_number) == 5
    assert by_number == sorted(by_number, reverse=True), "the more disorders, the fewer recover"


def test_the_anchor_holds_and_its_targets_are_no_checks() -> None:
    """Values in use are those of the default, fitted to these two and all other anchors: within two tolerances, 4 points."""
    scenario = get_scenario("trial_anchored")
    in_use, default = scenario.outcome, get_scenario().outcome
    assert (in_use.remission, in_use.treatment) == (default.remission, default.treatment)
    rows = validate_model(scenario, replications=1)
    assert {row.role for row in rows} == {"fitted"}
    assert all(abs(row.value - row.target) < 0.04 for row in rows)


def test_the_outcome_is_fitted_alone_and_says_what_is_in_use() -> None:
    """From two thirds of the effect in use it finds what it finds from the effect in use, and then meets its targets."""
    path, smaller = (
        "outcome.treatment.full_course",
        get_scenario("trial_anchored", changes={"demand.referrals_per_year": 3000}),
    )
    in_use = smaller.outcome.treatment.full_course.value
    started_low = smaller.with_changes({path: in_use * 2 / 3})
    fit, again = (calibrate_service(s, part="outcome", replications=1) for s in (smaller, started_low))
    assert again.in_use[path] == in_use * 2 / 3
    assert again.changes[path] == pytest.approx(fit.changes[path], rel=0.03)
    assert again.after == pytest.approx(again.target, abs=0.005)
    assert 'fitted = "calibrate outcome trial_anchored"' in again.fragment()
    with pytest.raises(RunError, match=r"says what is `fitted_by` it under `outcome.`, so there is nothing to fit"):
        calibrate_service(get_scenario("national_2024_25"), part="outcome")


def test_the_multiple_that_reaches_a_figure_may_lie_below_one() -> None:
    """Where treatment does half as much again as in the trials, less than that suffices for what the trials' effect gives."""
    scenario = get_scenario(
        "outcome_reference_trial",
        changes={
            "demand.referrals_per_year": 8000, "official.recovery.value": 0.43, "official.recovery.low": 0.41,
            "official.recovery.high": 0.45, "outcome.treatment.full_course": 0.95, "outcome.treatment.full_course_of_distress": 1.45,
        },
    )  # fmt: skip
    assert 0.4 < effect_that_reaches(scenario, "recovery", replications=1) < 1
