"""Who is there when the service opens, on days that count from the first list."""

from typing import Any

import numpy as np
import pytest

import building
from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines.plans import ASSESSED, FINISHED, GAVE_UP, NEVER, NO_STEP, NOT_YET, NOT_YET_ENDED, Capacity
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation import running_start as running_start_module
from caseload_sim.simulation.pool import Pool, _days_until_leaving, _stays_with_equal_waits, _wait_days
from caseload_sim.simulation.replication import everybody


def test_everybody_in_a_course_at_opening_was_assessed_before(small_simulation: Simulation) -> None:
    """Their past is in the table of stays: nobody comes to a course but by way of an assessment."""
    clients, episodes = small_simulation.clients, small_simulation.episodes
    there = clients.id[episodes.client] >= START_IDS
    in_course = set(episodes.client[there & (episodes.step > 0) & (episodes.joined_day < 0)].tolist())
    assessed = set(episodes.client[there & (episodes.step == 0) & (episodes.ending == ASSESSED)].tolist())
    assert len(in_course) > 50
    assert in_course <= assessed
    assert np.all(np.diff(episodes.client) >= 0), "the past stands before the rest of the same client"


def test_before_opening_a_deadline_counts_from_joining_the_first_list(small: Scenario) -> None:
    """Assessed for 10 days and 100 days in low intensity, with room for everybody: 110 days from the first list to the end.

    Whoever counts as a responder from day 110 on is well and leaves; from day 111 on, goes up. Third, the same client later:
    still in the course at opening. Fourth, booked for the day of opening.
    """
    steps = small.steps
    low, high = steps.index("low_intensity"), steps.index("high_intensity")
    n, n_steps = 4, len(steps)
    days, inside_from, following, ending = (np.full((n, n_steps), value) for value in (1, 0, NO_STEP, FINISHED))
    days[:, 0], days[:, low], days[:, high] = 10, 100, 60
    ending[:, 0] = ASSESSED
    inside_from[:, low] = [110, 111, 110, 110]
    following[:, 0] = low
    onward = following.copy()
    onward[:, low] = high
    plans = building.plans(
        [-300, -300, -50, 0], days=days, steps=n_steps, inside_from=inside_from, ending=ending,
        next_inside=following, next_outside=onward,
    )  # fmt: skip
    stays = _stays_with_equal_waits(small, plans, building.capacity([1000] * n_steps, 730))
    assert building.rows(stays) == [
        (0, 0, -300, -300, -290, ASSESSED),
        (0, low, -290, -290, -190, FINISHED),
        (1, 0, -300, -300, -290, ASSESSED),
        (1, low, -290, -290, -190, FINISHED),
        (1, high, -190, -190, -130, FINISHED),
        (2, 0, -50, -50, -40, ASSESSED),
        (2, low, -40, -40, NOT_YET, NOT_YET_ENDED),
    ]


def test_staff_on_the_last_day_before_opening_are_those_of_the_first_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts are filled and vacant by chance, told forwards from opening and backwards: the two meet there."""
    scenario = get_scenario(
        changes={"demand.referrals_per_year": 300, "run.warm_up_days": 30, "run.data_collection_days": 30}
    )
    before: list[Capacity] = []

    def watched(*asked: Any, **how: Any) -> Capacity:
        before.append(places(*asked, **how))
        return before[-1]

    monkeypatch.setattr(running_start_module, "places", watched)
    for replication in range(3):
        before.clear()
        _, after = everybody(scenario, Draws(1, replication), POLICIES["stepped"])
        (pool,) = before
        assert pool.in_post is not None
        assert after.in_post is not None
        assert np.array_equal(pool.in_post[-1], after.in_post[0])
        assert len(np.unique(pool.in_post, axis=0)) > 5, "they come and go"


def test_the_mean_number_of_disorders_before_opening_is_counted_person_by_person(small: Scenario) -> None:
    pool = Pool(small, Draws(small.run.seed, 0), POLICIES["stepped"])
    clients, _ = Pool(small, Draws(small.run.seed, 0), POLICIES["stepped"]).tables_of(np.arange(len(pool.ids)))
    each = [sum(bool(clients.has(name)[i]) for name in small.disorders) for i in range(0, len(pool.ids))]
    assert pool.plans()[1] == pytest.approx(sum(each) / len(each))
    assert 1 < sum(each) / len(each) < 5


def test_the_least_patient_leave_until_the_staff_can_serve_the_rest() -> None:
    """Each of ten holds a place for all the two years: with 3 places 3 are served, once the seven others have left.

    The wait is the patience of the fourth most patient, who just leaves; with 10 places nobody waits.
    """
    patience, days = np.array([5, 80, 20, 60, 10, 70, 40, 50, 30, 90]), np.full(10, POOL_DAYS)
    for staffed, wait in ((3.0, 60), (2.99, 70), (9.0, 5), (10.0, 0), (0.0, 90)):
        assert _wait_days(staffed, patience, days) == wait


@pytest.mark.parametrize(
    ("well_after", "patience", "expected"),
    [(50, 60, 40), (50, 30, 30), (5, 60, 1), (10, 60, 1), (NEVER, 60, 60), (NEVER, NEVER, NEVER)],
)
def test_whoever_is_well_before_opening_leaves_the_list_so_many_days_after_the_first(
    well_after: int, patience: int, expected: int
) -> None:
    """The first list was joined on day -300 and this one on day -290: well after 50 days is 40 days from now, and not today."""
    plans = building.plans([-300], well_after=well_after, patience=patience)
    assert _days_until_leaving(plans, np.array([0], dtype=np.int32), np.array([-290])).tolist() == [expected]


def test_a_list_without_places_is_left_by_patience(small: Scenario) -> None:
    """Nobody is served where there is no place: whoever waits 20 days gives up on the 20th, if that is before opening."""
    plans = building.plans([-40, -10], days=1, steps=len(small.steps), patience=20)
    stays = _stays_with_equal_waits(small, plans, building.capacity([0] * len(small.steps), 730))
    assert building.rows(stays) == [(0, 0, -40, NOT_YET, -20, GAVE_UP), (1, 0, -10, NOT_YET, NOT_YET, NOT_YET_ENDED)]
