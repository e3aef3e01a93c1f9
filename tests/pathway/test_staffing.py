"""Who is at work, and the places that makes: rounding, working days, turnover, trainees, surge teams, shared staff."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from building import ENGINES
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import check_invariants, occupancy
from caseload_sim.engines.plans import NOT_YET, Capacity, plans_of
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.service import over_time
from caseload_sim.pathway.care import draw_courses
from caseload_sim.pathway.staffing import leaving_per_year, places, wte_at_work
from caseload_sim.pathway.working_days import dates, working_days
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients

THERAPIST, PRACTITIONER = "high_intensity_therapist", "psychological_wellbeing_practitioner"
STEADY = {"run.staff_turnover": False, "run.weekends_off": False}
REFERENCE = 3.0  # disorders at which the shipped rates of leaving hold


def capacity_of(scenario: Scenario, replication: int = 0) -> Capacity:
    return places(scenario, Draws(1, replication), REFERENCE)


def wte(scenario: Scenario, kind: str = THERAPIST, replication: int = 0, disorders: float = REFERENCE) -> np.ndarray:
    return wte_at_work(scenario, kind, Draws(1, replication), disorders)


def turnover(kind: str = THERAPIST, **values: Any) -> Scenario:
    """hepgul_2016 over ten years, with some values of one kind of staff changed."""
    run = {"run.warm_up_days": 0, "run.data_collection_days": 3650, "run.follow_up_days": 0}
    return get_scenario(changes={**run, **{f"staff.{kind}.{name}": value for name, value in values.items()}})


# --- steady staff: rounding -----------------------------------------------------------------------------------------


def test_places_by_hand(small: Scenario) -> None:
    """1.4 WTE at 25 contacts a week, 80% of weeks, 16 days between sessions: 1.4 * 25 * .8 / 7 * 16 = 64 places.

    Half of them for one client at a time, 32; 0.3 of them in groups, 0.3 * 64 / 0.2 = 96; 0.2 of them by internet,
    0.2 * 64 / 0.3 = 42.7.
    """
    scenario = small.with_changes(
        {
            **STEADY,
            "staff.assessor.wte": 1.4,
            f"staff.{PRACTITIONER}.wte": 1.4,
            f"staff.{THERAPIST}.wte": 2.5,
            "pathway.steps.low_intensity.share_of_staff": 0.5,
            "pathway.steps.group.share_of_staff": 0.3,
            "pathway.steps.group.staff_time_per_contact": 0.2,
            "pathway.steps.internet_guided.share_of_staff": 0.2,
            "pathway.steps.internet_guided.staff_time_per_contact": 0.3,
        }
    )
    capacity = capacity_of(scenario)
    by_hand = {"assessment": 4, "low_intensity": 32, "group": 96, "internet_guided": 42, "high_intensity": 100}
    assert capacity.places.shape == (small.run.horizon_days, len(by_hand))
    assert dict(zip(capacity.steps, capacity.places[0].tolist(), strict=True)) == by_hand
    assert np.all(capacity.places[:, 1:] == capacity.places[0, 1:])
    assert capacity.staffed is not None
    assert np.array_equal(capacity.places, capacity.staffed)


def test_steady_staff_have_the_places_that_they_had_before_turnover_was_known() -> None:
    """Whole floors of WTE * contacts * share / 7 * days between, and of running totals for appointments.

    Steps that share a kind of staff have their part of it, over the staff time that a client's contact takes.
    """
    rng = np.random.default_rng(4)
    for _ in range(40):
        numbers = np.round(rng.uniform(0.5, 60, 3), 1).tolist()
        kinds = ("assessor", PRACTITIONER, THERAPIST)
        scenario = get_scenario(
            changes={**STEADY, **{f"staff.{k}.wte": n for k, n in zip(kinds, numbers, strict=True)}}
        )
        a_day = {k: n * contacts * 0.8 / 7 for k, n, contacts in zip(kinds, numbers, (25, 25, 22), strict=True)}
        so_far = np.floor(a_day["assessor"] * np.arange(scenario.run.horizon_days + 1) + 1e-6)
        got = capacity_of(scenario).places
        assert np.array_equal(got[:, scenario.steps.index("assessment")], np.diff(so_far)), numbers
        parts = {"high_intensity": (THERAPIST, 1.0)}
        for name in ("low_intensity", "group", "internet_guided"):
            step = scenario.pathway.steps[name]
            assert isinstance(step, CourseStep)
            parts[name] = PRACTITIONER, step.share_of_staff.value / step.staff_time_per_contact.value
        assert {"assessment", *parts} == set(scenario.steps)
        for name, (kind, part) in parts.items():
            expected = np.floor(part * a_day[kind] * 16 + 1e-6)
            assert np.all(got[:, scenario.steps.index(name)] == expected), (name, numbers)


def test_whole_places_are_not_lost_to_floating_point() -> None:
    """3.0 WTE * 30 * 0.7 / 7 is nine appointments a day, though a computer says a hair less."""
    staff = {
        "wte": 3.0,
        "contacts_per_week": 30,
        "leave_share": 0.2,
        "sickness_share": 0.1,
        "training_and_admin_share": 0,
    }
    changes = {f"staff.assessor.{name}": value for name, value in staff.items()}
    assert capacity_of(get_scenario(changes={**STEADY, **changes})).places[0, 0] == 9


def test_no_appointment_is_lost_to_rounding() -> None:
    """2.4 WTE * 25 * 0.8 / 7 = 6.857 appointments a day: six or seven, and 6.857 on average; 0.3 WTE: six a week."""
    for number in (2.4, 0.3):
        a_day = number * 25 * 0.8 / 7
        column = capacity_of(get_scenario(changes={**STEADY, "staff.assessor.wte": number})).places[:, 0]
        assert set(np.unique(column)) <= {int(a_day), int(a_day) + 1}
        assert abs(column.sum() - len(column) * a_day) < 1


def test_the_parts_of_time_away_add_up_to_the_share_available() -> None:
    for staff in get_scenario().staff.values():
        assert staff.available_share == pytest.approx(0.80)


# --- working days ---------------------------------------------------------------------------------------------------


def test_on_days_off_no_place_is_open_but_those_of_courses_stay_staffed() -> None:
    scenario = get_scenario(changes={"run.staff_turnover": False})
    working, capacity = working_days(scenario), capacity_of(scenario)
    assert capacity.staffed is not None
    assert not capacity.places[~working].any()
    assert np.all(capacity.places[working] > 0)
    assert np.array_equal(capacity.places[working], capacity.staffed[working])
    assert np.all(capacity.staffed[:, 1:] == capacity.staffed[0, 1:])


def test_a_week_has_the_same_appointments_whether_or_not_weekends_are_worked() -> None:
    """Whole weeks from a Monday on: running totals at each week's end differ by less than one appointment."""
    steady = {"run.staff_turnover": False, "run.opens": "2023-01-02", "staff.assessor.wte": 7.3}
    off, on = (get_scenario(changes={**steady, "run.weekends_off": value}) for value in (True, False))
    totals = [np.cumsum(capacity_of(s).places[:, 0])[6::7] for s in (off, on)]
    assert np.all(np.abs(totals[0] - totals[1]) <= 1)
    by_day = capacity_of(off).places[:7, 0]  # New Year's Day is made up for on Monday 2 January
    assert by_day[0] == 0
    assert set(by_day[1:5]) <= {int(7.3 * 20 / 4), int(7.3 * 20 / 4) + 1}
    assert by_day[5:].tolist() == [0, 0]


def test_an_opening_on_a_saturday_loses_no_appointment() -> None:
    scenario = get_scenario(changes={"run.staff_turnover": False, "run.opens": "2022-04-02", "staff.assessor.wte": 7.0})
    column = capacity_of(scenario).places[:9, 0]
    assert column[:2].tolist() == [0, 0]
    assert column.sum() == 9 * 20 == 180, "two days of the weekend and seven of the week"


@pytest.mark.parametrize("engine", list(ENGINES))
def test_nobody_starts_on_a_day_off(small: Scenario, engine: str) -> None:
    draws = Draws(2, 0)
    clients = draw_clients(small, draws)
    courses, _ = draw_courses(small, clients, draws)
    capacity = capacity_of(small)
    plans = plans_of(courses)
    episodes = ENGINES[engine](plans, capacity)
    check_invariants(episodes, plans, capacity)
    started = episodes.started_day[episodes.started_day != NOT_YET]
    assert len(started) > 1000
    assert working_days(small)[started].all()
    ended = episodes.ended_day[(episodes.ended_day != NOT_YET) & (episodes.started_day != NOT_YET)]
    assert 0.2 < np.mean(~working_days(small)[ended]) < 0.4, (
        "courses still end on any day, about two in seven of them off"
    )


# --- turnover -------------------------------------------------------------------------------------------------------


def long_run_vacancy(leaving: float, days_to_replace: float) -> float:
    """The share of posts vacant in the long run: of leaving a times a year, r years to replace: a r / (1 + a r).

    The alternating renewal process of Cox (1962): a share of time is the mean of its spells over the mean of a cycle.
    """
    cycle = leaving * days_to_replace / 365
    return cycle / (1 + cycle)


@pytest.mark.parametrize(("leaving", "replacing"), [(0.22, 120), (0.09, 120), (1.5, 60), (6.0, 200), (0.5, 0), (0, 99)])
def test_the_long_run_vacancy_is_that_of_the_renewal_process(leaving: float, replacing: float) -> None:
    """1,000 posts at the end of ten years, from all filled: within four standard errors sqrt(v (1 - v) / n) of the theory.

    After ten years nothing is left of the start, which decays as exp(-(a + 1 / r) t).
    """
    v = long_run_vacancy(leaving, replacing)
    scenario = turnover(wte=1000, vacancy_share=0, leavers_per_year=leaving, days_to_replace=replacing)
    vacant = 1 - wte(scenario)[-1] / 1000
    assert vacant == pytest.approx(v, abs=max(4 * np.sqrt(v * (1 - v) / 1000), 1e-9))
    assert wte(scenario)[0] == 1000


def test_from_the_long_run_share_vacancies_stay_what_they_are_on_average() -> None:
    """Ten years of 1,000 posts: the mean of a chain that forgets in 1 / (a + 1 / r) = 0.307 years.

    Standard error: sqrt(v (1 - v) / n * 2 * 0.307 / 10).
    """
    leaving, replacing = 0.22, 120
    v = long_run_vacancy(leaving, replacing)
    scenario = turnover(wte=1000, vacancy_share=v, leavers_per_year=leaving, days_to_replace=replacing)
    error = np.sqrt(v * (1 - v) / 1000 * 2 * 0.307 / 10)
    assert 1 - wte(scenario).mean() / 1000 == pytest.approx(v, abs=4 * error)


def test_people_leave_as_often_as_said() -> None:
    """Replaced only after decades, posts filled fall as exp(-a t): 0.22 a year for five years leaves a third."""
    scenario = turnover(wte=1000, vacancy_share=0, leavers_per_year=0.22, days_to_replace=1e6)
    left = np.exp(-0.22 * 5)
    assert wte(scenario)[5 * 365] / 1000 == pytest.approx(left, abs=4 * np.sqrt(left * (1 - left) / 1000))


def test_staff_before_opening_lead_up_to_those_at_opening_and_foretell_nothing() -> None:
    """Filled and vacant in turn looks the same either way in time, so the years before are told backwards from day 0.

    Ten years of 22 practitioners, 30 replications: both means within 4 standard errors of the renewal process.
    """
    scenario = turnover(PRACTITIONER, wte=22)
    both = [
        [wte_at_work(scenario, PRACTITIONER, Draws(1, k), REFERENCE, before_opening=early) for early in (True, False)]
        for k in range(30)
    ]
    staff = scenario.staff[PRACTITIONER]
    expected = 22 * (1 - long_run_vacancy(leaving_per_year(staff, REFERENCE), staff.days_to_replace.value))
    for before, after in both:
        assert before[-1] == after[0]
        assert not np.array_equal(before[::-1], after)
    means = np.array([[before.mean(), after.mean()] for before, after in both])
    errors = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    assert np.all(np.abs(means.mean(axis=0) - expected) < 4 * errors)


def test_the_shipped_posts_have_the_wte_in_post_that_the_renewal_process_says() -> None:
    """300 draws of the year of data collection: the mean is posts * (1 - v), within four standard errors.

    A post's mean over T years, which forgets in s = 1 / (a + 1 / r) years, has the variance
    v (1 - v) * 2 s / T * (1 - s / T * (1 - exp(-T / s))).
    """
    scenario = get_scenario()
    run = scenario.run
    year = slice(run.warm_up_days, run.warm_up_days + run.data_collection_days)
    years = run.data_collection_days / 365
    for kind, staff in scenario.staff.items():
        leaving, replacing = leaving_per_year(staff, REFERENCE), staff.days_to_replace.value
        v, forgets = long_run_vacancy(leaving, replacing), 1 / (leaving + 365 / replacing) / years
        draws = np.array([wte(scenario, kind, replication)[year].mean() for replication in range(300)])
        error = draws.std() / np.sqrt(len(draws))
        assert draws.mean() == pytest.approx(staff.wte.value * (1 - v), abs=4 * error), kind
        whole, fraction = divmod(staff.wte.value, 1)
        of_a_post = v * (1 - v) * 2 * forgets * (1 - forgets * (1 - np.exp(-1 / forgets)))
        assert draws.std() == pytest.approx(np.sqrt(of_a_post * (whole + fraction**2)), rel=0.25), "and they vary"


def test_another_post_leaves_the_others_as_they_were() -> None:
    shorter, longer = turnover(wte=7), turnover(wte=8)
    eighth = wte(longer) - wte(shorter)
    assert set(np.unique(eighth)) == {0.0, 1.0}
    fraction = wte(turnover(wte=7.25)) - wte(shorter)
    assert np.allclose(fraction, 0.25 * eighth), "the same post, a quarter of it"


def test_kinds_and_replications_have_turnovers_of_their_own() -> None:
    scenario = turnover(wte=40).with_changes({f"staff.{PRACTITIONER}.{k}": v for k, v in
        {"wte": 40, "leavers_per_year": 0.09, "vacancy_share": 0.029}.items()})  # fmt: skip
    series = [wte(scenario), wte(scenario, PRACTITIONER), wte(scenario, replication=1)]
    assert not any(np.array_equal(a, b) for a, b in ((series[0], series[1]), (series[0], series[2])))
    assert np.array_equal(series[0], wte(scenario))


def test_changes_to_one_rate_keep_the_draws_of_the_other() -> None:
    """Common random numbers: however quickly posts are filled, the first to leave leaves on the same day."""
    slow, quick = turnover(wte=1, days_to_replace=400), turnover(wte=1, days_to_replace=100)
    for replication in range(30):
        before, after = wte(slow, replication=replication), wte(quick, replication=replication)
        first_change = np.flatnonzero(np.diff(before))
        if before[0] == 1 and len(first_change):
            assert np.array_equal(before[: first_change[0] + 2], after[: first_change[0] + 2]), "leaves on the same day"


def test_complex_clients_make_staff_leave_more_and_simple_ones_less() -> None:
    staff = get_scenario().staff[PRACTITIONER]
    assert leaving_per_year(staff, 3.0) == pytest.approx(0.22)
    assert leaving_per_year(staff, 5.0) == pytest.approx(0.22 * 1.2)
    assert leaving_per_year(staff, 1.0) == pytest.approx(0.22 * 0.8)
    assert leaving_per_year(staff.model_copy(update={"leavers_per_disorder": staff.wte}), 0.0) == 0, (
        "never below nothing"
    )
    scenario = turnover(wte=1000, leavers_per_disorder=1.0, vacancy_share=0)
    assert wte(scenario, disorders=5.0)[-1] < wte(scenario, disorders=3.0)[-1] < wte(scenario, disorders=1.0)[-1]


def test_one_therapist_is_there_or_not_and_nobody_is_sent_away() -> None:
    changes = {
        "demand.referrals_per_year": 300, f"staff.{THERAPIST}.wte": 1, f"staff.{THERAPIST}.leavers_per_year": 1,
        f"staff.{THERAPIST}.vacancy_share": 0,
    }  # fmt: skip
    scenario = get_scenario(changes=changes)
    simulation = simulate(scenario)
    capacity = simulation.capacity
    assert capacity.staffed is not None
    places_of_one, high = int(22 * 0.8 / 7 * 16 + 1e-6), scenario.steps.index("high_intensity")
    staffed = capacity.staffed[:, high]
    assert set(np.unique(staffed)) == {0, places_of_one}
    held = occupancy(simulation.episodes, len(scenario.steps), scenario.run.horizon_days)[0][:, high]
    gone = np.flatnonzero((staffed[1:] == 0) & (staffed[:-1] > 0)) + 1
    assert len(gone)
    for day in gone:  # on the day of leaving only courses that were to end that day end
        assert held[day] >= 0.8 * held[day - 1] > 0


@pytest.mark.parametrize("engine", list(ENGINES))
def test_when_staff_are_cut_in_mid_flow_clients_finish_and_nobody_new_starts(small: Scenario, engine: str) -> None:
    """All therapists but one tenth gone on day 300: every course under way lasts as long as it was to last."""
    draws = Draws(2, 0)
    clients = draw_clients(small, draws)
    courses, _ = draw_courses(small, clients, draws)
    whole, high = capacity_of(small), small.steps.index("high_intensity")
    cut = whole.places.copy()
    cut[300:, high] //= 10
    plans = plans_of(courses)
    episodes = ENGINES[engine](plans, Capacity(places=cut, steps=whole.steps))
    check_invariants(episodes, plans, Capacity(places=cut, steps=whole.steps))
    here = (episodes.step == high) & (episodes.started_day != NOT_YET)
    across = here & (episodes.started_day < 300) & ((episodes.ended_day >= 300) | (episodes.ended_day == NOT_YET))
    assert across.sum() > 50
    done = across & (episodes.ended_day != NOT_YET)
    assert np.array_equal(
        episodes.ended_day[done] - episodes.started_day[done], courses.course_days[episodes.client[done], high]
    )
    held, _ = occupancy(episodes, len(small.steps), small.run.horizon_days)
    first_again = episodes.started_day[here & (episodes.started_day >= 300)].min()
    assert held[first_again, high] <= cut[first_again, high]
    assert first_again > 350


# --- trainees and surge teams ---------------------------------------------------------------------------------------


def test_trainees_see_their_share_of_clients() -> None:
    scenario = get_scenario(changes={**STEADY, f"staff.{THERAPIST}.wte": 22.2, f"staff.{THERAPIST}.trainees": 5})
    assert np.all(wte(scenario) == 22.2 + 5 * 0.6)


def test_those_who_qualify_fill_vacancies_and_otherwise_leave() -> None:
    """Nobody leaves and nobody else is found: 10 vacancies, 4 trainees a year, so 4, 8 and then 10 filled."""
    scenario = turnover(wte=10, vacancy_share=1, leavers_per_year=0, days_to_replace=1e6, trainees=4)
    filled = wte(scenario) - 4 * 0.6
    assert filled[0] == 0
    assert [round(filled[365 * year]) for year in (1, 2, 3, 9)] == [4, 8, 10, 10]
    assert np.all(np.diff(filled) >= 0)
    assert np.sum(np.diff(filled[:365]) > 0) == 4, "they qualify on days of their own, spread over the year"
    assert np.array_equal(
        np.flatnonzero(np.diff(filled[:365])) + 365, np.flatnonzero(np.diff(filled[365:730])) + 365
    ), "and the next ones a year later"


def test_trainees_who_find_no_vacancy_leave() -> None:
    full: dict[str, Any] = {"vacancy_share": 0, "leavers_per_year": 0}
    assert np.all(wte(turnover(wte=12, **full, trainees=3)) == 12 + 3 * 0.6)


def test_trainees_shorten_vacancies() -> None:
    slow: dict[str, Any] = {"wte": 100, "leavers_per_year": 0.5, "days_to_replace": 365, "vacancy_share": 1 / 3}
    without, with_some = turnover(**slow), turnover(**slow, trainees=20, trainee_share=0)
    filled = [float(wte(scenario)[365:].mean()) for scenario in (without, with_some)]
    # Without: v = .5 / 1.5, a third vacant. With 20 a year more: 0.5 f = (100 - f) + 20, so f = 80, while there are vacancies.
    assert filled[0] == pytest.approx(100 * 2 / 3, abs=4)
    assert filled[1] == pytest.approx(80, abs=4)


def test_a_surge_team_is_there_from_its_first_to_its_last_day() -> None:
    team = {"from_date": "2024-09-01", "to_date": "2024-09-30", "wte": {"value": 4}}
    posts = {f"staff.{THERAPIST}.wte": 22.2, f"staff.{PRACTITIONER}.wte": 12.9}
    scenario = get_scenario(changes={**STEADY, **posts, f"staff.{THERAPIST}.surge.autumn": team})
    days = dates(scenario)
    september = days.astype("datetime64[M]") == np.datetime64("2024-09")
    assert np.all(wte(scenario)[september] == 26.2)
    assert np.all(wte(scenario)[~september] == 22.2)
    assert np.all(wte(scenario, PRACTITIONER) == 12.9)


@pytest.mark.parametrize("turnover_too", [False, True])
def test_posts_of_a_counted_month_are_in_the_place_of_the_usual_ones(turnover_too: bool) -> None:
    posts = {f"staff.{THERAPIST}.wte": 20, "run.staff_turnover": turnover_too}
    usual = get_scenario(changes={"run.weekends_off": False, **posts})
    counted = usual.with_changes(
        {f"staff.{THERAPIST}.monthly_wte": {"2024-09": {"value": 30}, "2024-11": {"value": 0}}}
    )
    day = dates(usual).astype("datetime64[M]")
    ratio = np.where(day == np.datetime64("2024-09"), 1.5, np.where(day == np.datetime64("2024-11"), 0, 1))
    assert (day == np.datetime64("2024-09")).sum() == 30
    trainees = usual.staff[THERAPIST].trainee_share.value * usual.staff[THERAPIST].trainees.value
    assert wte(counted) == pytest.approx((wte(usual) - trainees) * ratio + trainees)


def test_posts_may_be_counted_where_there_are_usually_none() -> None:
    changes = {**STEADY, f"staff.{THERAPIST}.wte": 0, f"staff.{THERAPIST}.trainees": 0}
    none = get_scenario(changes=changes)
    counted = none.with_changes({f"staff.{THERAPIST}.monthly_wte": {"2024-09": {"value": 3}}})
    assert sorted(set(wte(counted))) == [0, 3]


def test_a_surge_team_of_ones_own_file_and_a_change_of_its_size(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        """extends = "hepgul_2016"
[run]
staff_turnover = false
[staff.assessor]
wte = { value = 10.2, assumption = "test" }
[staff.assessor.surge.backlog]
wte = { value = 2, assumption = "agency" }
from_date = 2023-04-02
to_date = 2023-04-30
""",
        encoding="utf-8",
    )
    assert wte(load_scenario(tmp_path / "mine.toml"), "assessor")[0] == pytest.approx(12.2)
    larger = load_scenario(tmp_path / "mine.toml", changes={"staff.assessor.surge.backlog.wte": 5})
    assert wte(larger, "assessor")[0] == pytest.approx(15.2)


# --- shared staff ---------------------------------------------------------------------------------------------------


def test_steps_share_a_kind_of_staff_and_a_group_takes_less_of_it() -> None:
    """Practitioners: 40% of 12 WTE for assessments, 30% for clients one by one, 20% for groups, where a contact takes
    a fifth of one, and 10% by internet, where it takes half of one.
    """
    steps: dict[str, Any] = {
        "assessment": {"staff": PRACTITIONER, "share_of_staff": {"value": 0.4, "assumption": "test"}},
        "low_intensity": {"share_of_staff": {"value": 0.3}},
        "group": {"share_of_staff": {"value": 0.2}, "staff_time_per_contact": {"value": 0.2}},
        "internet_guided": {"share_of_staff": {"value": 0.1}, "staff_time_per_contact": {"value": 0.5}},
    }
    changes = {f"pathway.steps.{name}": change for name, change in steps.items()}
    scenario = get_scenario().with_changes({**STEADY, **changes, f"staff.{PRACTITIONER}.wte": 12})
    a_day = 12 * 25 * 0.8 / 7
    capacity = capacity_of(scenario)
    got = {name: capacity.places[:, s] for s, name in enumerate(capacity.steps)}
    assert got["assessment"][:700].sum() == int(0.4 * a_day * 700 + 1e-6)
    assert got["low_intensity"][0] == int(0.3 * a_day * 16 + 1e-6)
    assert got["group"][0] == int(0.2 * a_day * 16 / 0.2 + 1e-6)
    assert got["internet_guided"][0] == int(0.1 * a_day * 16 / 0.5 + 1e-6)


def test_shared_staff_leave_both_steps_on_the_same_day() -> None:
    half = {"value": 0.5}
    scenario = get_scenario().with_changes(
        {
            "run.weekends_off": False,
            "pathway.steps.low_intensity": {"staff": THERAPIST, "share_of_staff": half},
            "pathway.steps.high_intensity": {"share_of_staff": half},
        }
    )
    staffed = capacity_of(scenario).staffed
    assert staffed is not None
    low, high = (staffed[:, scenario.steps.index(name)] for name in ("low_intensity", "high_intensity"))
    assert np.array_equal(low, high)
    assert len(np.unique(low)) > 2


# --- what is reported, and how fast ---------------------------------------------------------------------------------


def test_use_of_places_is_measured_against_staff_and_not_against_open_doors(small: Scenario) -> None:
    """A full service is used to about 100%, weekends or not; appointments count on working days alone."""
    scenario = small.with_changes({f"staff.{PRACTITIONER}.wte": 0.8, f"staff.{THERAPIST}.wte": 2.0})
    simulation = simulate(scenario)
    table, daily = measure(simulation), over_time(simulation)
    assert scenario.steps == ("assessment", "low_intensity", "group", "internet_guided", "high_intensity")
    for step in scenario.steps[1:]:
        assert 0.9 < table[Quantity("utilisation", "all", "", "", f"step={step}")].value <= 1.0
        assert not np.isnan(daily["utilisation", step]).any()
    assert 0.5 < table[Quantity("utilisation", "all", "", "", "step=assessment")].value <= 1.1
    assert np.array_equal(np.isnan(daily["utilisation", "assessment"]), ~working_days(scenario))


def test_a_thousand_posts_of_each_kind_take_no_time() -> None:
    """Vectorised by post: far below a second, which one by one they would take."""
    changes: dict[str, Any] = {f"staff.{kind}.wte": 1000 for kind in get_scenario().staff}
    scenario = get_scenario(changes={**changes, f"staff.{THERAPIST}.trainees": 200})
    start = time.perf_counter()
    capacity_of(scenario)
    assert time.perf_counter() - start < 1
