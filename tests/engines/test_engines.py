"""The rules of the day, each by a case small enough to work out by hand. Every engine must obey them."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from building import ENGINES, capacity, courses, plans, rows
from caseload_sim.engines.episodes import check_invariants, check_plans, occupancy
from caseload_sim.engines.plans import (
    DROPPED_OUT,
    FINISHED,
    GAVE_UP,
    NEVER,
    NO_STEP,
    NOT_YET,
    NOT_YET_ENDED,
    Courses,
    plans_of,
)
from caseload_sim.measures.simulation import Simulation
from caseload_sim.support.provenance import digest

pytestmark = pytest.mark.parametrize("engine", list(ENGINES))


def test_unlimited_places_mean_no_waiting(engine: str) -> None:
    episodes = ENGINES[engine](plans([0, 0, 3, 5, 5, 5], days=[4, 1, 9, 2, 2, 2]), capacity(100, 30))
    assert np.array_equal(episodes.started_day, episodes.joined_day)


def test_one_place_is_taken_in_order_of_joining_and_freed_before_it_is_filled(engine: str) -> None:
    """R2 before R4: the first course ends on day 3, and the next client starts that same day."""
    episodes = ENGINES[engine](plans([0, 1, 2], days=[3, 2, 4]), capacity(1, 20))
    assert rows(episodes) == [(0, 0, 0, 0, 3, FINISHED), (1, 0, 1, 3, 5, FINISHED), (2, 0, 2, 5, 9, FINISHED)]


def test_what_has_not_happened_by_the_horizon_is_not_yet(engine: str) -> None:
    """R7, horizon exclusive: with a horizon of 3 a course ending on day 3 has not ended."""
    episodes = ENGINES[engine](plans([0, 1, 3], days=[3, 2, 1]), capacity(1, 3))
    assert rows(episodes) == [(0, 0, 0, 0, NOT_YET, NOT_YET_ENDED), (1, 0, 1, NOT_YET, NOT_YET, NOT_YET_ENDED)]


def test_patience_ends_before_places_are_filled(engine: str) -> None:
    """R2: with patience 3 from day 1 the client leaves on day 4, although a place frees on that very day."""
    episodes = ENGINES[engine](plans([0, 1], days=[4, 2], patience=[NEVER, 3]), capacity(1, 20))
    assert rows(episodes)[1] == (1, 0, 1, NOT_YET, 4, GAVE_UP)
    a_day_more = ENGINES[engine](plans([0, 1], days=[4, 2], patience=[NEVER, 4]), capacity(1, 20))
    assert rows(a_day_more)[1] == (1, 0, 1, 4, 6, FINISHED)


def test_a_patience_that_ends_at_the_horizon_has_not_ended(engine: str) -> None:
    episodes = ENGINES[engine](plans([0, 0], days=[9, 1], patience=[NEVER, 5]), capacity(1, 5))
    assert rows(episodes)[1] == (1, 0, 0, NOT_YET, NOT_YET, NOT_YET_ENDED)


def test_priority_comes_before_joining_and_joining_before_client(engine: str) -> None:
    """R4: order by (priority, joined_day, client)."""
    episodes = ENGINES[engine](
        plans([0, 1, 2, 2, 2], days=5, priority=[0, 1, 0, 0, -1]), capacity(1, 100)
    )  # fmt: skip
    order = sorted(rows(episodes), key=lambda row: row[3])
    assert [row[0] for row in order] == [0, 4, 2, 3, 1]


def test_on_one_day_earlier_steps_fill_first_but_each_from_its_own_list(engine: str) -> None:
    plan = plans([0, 0], steps=2, days=[[2, 3], [2, 3]], next_inside=[[1, NO_STEP], [1, NO_STEP]])
    episodes = ENGINES[engine](plan, capacity([2, 1], 30))
    assert rows(episodes) == [
        (0, 0, 0, 0, 2, FINISHED), (0, 1, 2, 2, 5, FINISHED),
        (1, 0, 0, 0, 2, FINISHED), (1, 1, 2, 5, 8, FINISHED),
    ]  # fmt: skip


def test_capacity_that_falls_sends_nobody_away_and_lets_nobody_in(engine: str) -> None:
    """R6: two held, one place from day 1: nobody starts until fewer than one is held."""
    places = np.array([[2]] + [[1]] * 19)
    episodes = ENGINES[engine](plans([0, 0, 1], days=[3, 5, 2]), capacity(places, 20))
    assert rows(episodes) == [(0, 0, 0, 0, 3, FINISHED), (1, 0, 0, 0, 5, FINISHED), (2, 0, 1, 5, 7, FINISHED)]


def test_capacity_that_rises_lets_in_on_the_day(engine: str) -> None:
    places = np.array([[0]] * 4 + [[2]] * 6)
    episodes = ENGINES[engine](plans([0, 1, 2], days=1), capacity(places, 10))
    assert episodes.started_day.tolist() == [4, 4, 5]


def test_a_course_that_ends_before_its_deadline_leads_elsewhere_than_one_that_ends_on_it_or_later(engine: str) -> None:
    """R2: courses end on days 4, 5 and 6 against a deadline of 5 days, which is counted from the day of joining."""
    for day in (0, 3):
        plan = plans(
            [day] * 3, steps=2, days=[[4, 1], [5, 1], [6, 1]], inside_from=[[5, 0]] * 3, next_outside=[[1, NO_STEP]] * 3
        )
        episodes = ENGINES[engine](plan, capacity([9, 9], 30))
        assert episodes.client[episodes.step == 1].tolist() == [0]


def test_the_deadline_counts_from_the_first_list_not_from_the_list_of_the_course(engine: str) -> None:
    """Step 1 is joined on day 4 and its course ends on day 6: six days after joining the first list, two after its own."""
    for deadline, goes_on in ((6, False), (7, True)):
        plan = plans(
            [0], steps=3, days=[[4, 2, 1]], inside_from=[[0, deadline, 0]],
            next_inside=[[1, NO_STEP, NO_STEP]], next_outside=[[1, 2, NO_STEP]],
        )  # fmt: skip
        episodes = ENGINES[engine](plan, capacity([1, 1, 1], 30))
        assert (2 in episodes.step) == goes_on


# --- who is well again no longer waits: a place at step 0 is held until day 6 by client 0 ---------------------------


def test_who_is_well_again_leaves_the_list_before_places_are_filled_on_that_day(engine: str) -> None:
    """R2: joined on day 1, well after 5 days: gone on day 6, although a place comes free then; after 6 the place came first."""
    plan = plans([0, 1], days=[6, 2], well_after=[NEVER, 5])
    assert rows(ENGINES[engine](plan, capacity(1, 20)))[1] == (1, 0, 1, NOT_YET, 6, GAVE_UP)
    a_day_later = plans([0, 1], days=[6, 2], well_after=[NEVER, 6])
    assert rows(ENGINES[engine](a_day_later, capacity(1, 20)))[1] == (1, 0, 1, 6, 8, FINISHED)


def test_who_has_a_place_keeps_it_when_well_again(engine: str) -> None:
    """The day falls into the course, which goes on to its end."""
    episodes = ENGINES[engine](plans([0], days=6, well_after=2), capacity(1, 20))
    assert rows(episodes) == [(0, 0, 0, 0, 6, FINISHED)]


def test_patience_or_being_well_whichever_comes_first(engine: str) -> None:
    for patience, well_after, leaves in ((2, 4, 3), (4, 2, 3), (3, 3, 4), (NEVER, 4, 5), (4, NEVER, 5)):
        plan = plans([0, 1], days=[9, 2], patience=[NEVER, patience], well_after=[NEVER, well_after])
        episodes = ENGINES[engine](plan, capacity(1, 20))
        assert rows(episodes)[1] == (1, 0, 1, NOT_YET, leaves, GAVE_UP), (patience, well_after)


@pytest.mark.parametrize("well_after", [1, 0, -3, NOT_YET])
def test_who_is_well_already_waits_for_the_day_of_joining_alone(engine: str, well_after: int) -> None:
    """R5: whoever finds a place on the day of joining takes it, else leaves on the next day and not before."""
    plan = plans([0, 1], days=[6, 2], well_after=[NEVER, well_after])
    assert rows(ENGINES[engine](plan, capacity(1, 20)))[1] == (1, 0, 1, NOT_YET, 2, GAVE_UP)
    assert rows(ENGINES[engine](plan, capacity(2, 20)))[1] == (1, 0, 1, 1, 3, FINISHED)


def test_being_well_counts_from_the_first_list_and_asks_only_whoever_waits_for_this_step(engine: str) -> None:
    """Both come to step 1 on day 4, where the place is held until day 10; a day that passed at step 0 is not looked at."""
    for well_after, leaves in ((7, 7), (5, 5), (4, 5), (2, 5)):
        plan = plans(
            [0, 0], steps=2, days=[[4, 1], [1, 10]], first_step=[0, 1],
            well_after=[[NEVER, well_after], [NEVER, NEVER]], next_inside=[[1, NO_STEP]] * 2,
        )  # fmt: skip
        episodes = ENGINES[engine](plan, capacity([1, 1], 30))
        assert rows(episodes)[:2] == [(0, 0, 0, 0, 4, FINISHED), (0, 1, 4, NOT_YET, leaves, GAVE_UP)], well_after
    elsewhere = plans(
        [0, 0], steps=2, days=[[4, 1], [1, 10]], first_step=[0, 1], well_after=[[6, NEVER]] * 2,
        next_inside=[[1, NO_STEP]] * 2,
    )  # fmt: skip
    assert rows(ENGINES[engine](elsewhere, capacity([1, 1], 30)))[1] == (0, 1, 4, 10, 11, FINISHED)


def test_who_was_waiting_before_opening_leaves_when_well_again(engine: str) -> None:
    """R0: on the list since day -5 and well after 5, 6 or 20 days: gone on day 0, on day 1, or served on day 2."""
    plan = plans([-9, -5, -5, -5], days=[9, 1, 1, 1], started=[-7, *[NOT_YET] * 3], well_after=[NEVER, 5, 6, 20])
    check_plans(plan)
    assert rows(ENGINES[engine](plan, capacity(1, 20))) == [
        (0, 0, -9, -7, 2, FINISHED), (1, 0, -5, NOT_YET, 0, GAVE_UP),
        (2, 0, -5, NOT_YET, 1, GAVE_UP), (3, 0, -5, 2, 3, FINISHED),
    ]  # fmt: skip
    on_day_0 = plans([-1, -1], days=2, well_after=-4)  # the day of joining was yesterday
    check_plans(on_day_0)
    assert [row[3:] for row in rows(ENGINES[engine](on_day_0, capacity(1, 9)))] == [(NOT_YET, 0, GAVE_UP)] * 2


def test_who_comes_back_is_well_again_so_many_days_after_joining_anew(engine: str) -> None:
    """Client 1 is what client 0 comes back as on day 5, a day the engine finds; client 2 holds the place by then."""
    for well_after, leaves in ((3, 8), (0, 6)):
        plan = plans(
            [0, NOT_YET, 3], days=[3, 2, 20], well_after=[NEVER, well_after, NEVER],
            returns_as=[1, -1, -1], return_after=[2, 1, 1],
        )  # fmt: skip
        episodes = ENGINES[engine](plan, capacity(1, 30))
        assert rows(episodes)[1] == (1, 0, 5, NOT_YET, leaves, GAVE_UP)


def test_who_left_when_well_again_can_come_back(engine: str) -> None:
    """Left on day 4, back three days later, though nobody's turn had come to notice."""
    plan = plans([0, 1, NOT_YET], days=[30, 2, 2], well_after=[NEVER, 3, NEVER], returns_as=[-1, 2, -1], return_after=3)
    episodes = ENGINES[engine](plan, capacity(1, 20))
    assert rows(episodes)[1:] == [(1, 0, 1, NOT_YET, 4, GAVE_UP), (2, 0, 7, NOT_YET, NOT_YET, NOT_YET_ENDED)]


@pytest.mark.parametrize("after", ["patience", "well_after"])
def test_a_day_far_beyond_the_horizon_is_not_wrapped_to_one_before_it(engine: str, after: str) -> None:
    days: dict[str, Any] = {after: [NEVER, NEVER - 1]}
    plan = plans([5, 5], days=20, **days)
    assert rows(ENGINES[engine](plan, capacity(1, 30)))[1][3:] == (25, NOT_YET, NOT_YET_ENDED)


def test_the_patience_of_one_step_does_not_follow_a_client_to_the_next(engine: str) -> None:
    """Patience 6 at step 0 ran out of use when the client started there; at step 1 the wait lasts past day 6."""
    plan = plans(
        [0, 0],
        steps=2,
        days=[[2, 1], [1, 20]],
        patience=[[6, 30]] * 2,
        next_inside=[[1, NO_STEP]] * 2,
        first_step=[0, 1],
    )
    episodes = ENGINES[engine](plan, capacity([1, 1], 60))
    assert rows(episodes)[:2] == [(0, 0, 0, 0, 2, FINISHED), (0, 1, 2, 20, 21, FINISHED)]


def test_stepping_down_is_a_step_that_comes_earlier(engine: str) -> None:
    plan = plans([0], steps=2, days=[[2, 3]], first_step=1, next_inside=[[NO_STEP, 0]])
    episodes = ENGINES[engine](plan, capacity([1, 1], 20))
    assert rows(episodes) == [(0, 1, 0, 0, 3, FINISHED), (0, 0, 3, 3, 5, FINISHED)]


def test_the_ending_of_a_course_is_the_one_drawn_for_it(engine: str) -> None:
    episodes = ENGINES[engine](plans([0, 0], days=2, ending=[FINISHED, DROPPED_OUT]), capacity(2, 9))
    assert episodes.ending.tolist() == [FINISHED, DROPPED_OUT]


def test_somebody_who_joins_no_step_leaves_no_row(engine: str) -> None:
    episodes = ENGINES[engine](plans([0, 1], first_step=[NO_STEP, 0]), capacity(1, 9))
    assert episodes.client.tolist() == [1]


def test_a_return_joins_some_days_after_leaving_by_course_or_by_giving_up(engine: str) -> None:
    plan = plans(
        [0, 1, NOT_YET, NOT_YET], days=[4, 1, 2, 2], patience=[NEVER, 2, NEVER, NEVER],
        returns_as=[2, 3, -1, -1], return_after=[6, 3, 1, 1],
    )  # fmt: skip
    episodes = ENGINES[engine](plan, capacity(1, 30))
    assert rows(episodes) == [
        (0, 0, 0, 0, 4, FINISHED), (1, 0, 1, NOT_YET, 3, GAVE_UP),
        (2, 0, 10, 10, 12, FINISHED), (3, 0, 6, 6, 8, FINISHED),
    ]  # fmt: skip


@pytest.mark.parametrize("back", [29, 30, 31])
def test_who_gave_up_and_would_be_back_on_the_horizon_is_not(engine: str, back: int) -> None:
    """Client 0 holds the only place; client 1 gives up on day 3, and would come back as client 2."""
    plan = plans(
        [0, 1, NOT_YET], days=[40, 1, 1], patience=[9, 2, 9], returns_as=[-1, 2, -1], return_after=[1, back - 3, 1]
    )
    there = [(2, 0, 29, NOT_YET, NOT_YET, NOT_YET_ENDED)] if back < 30 else []
    assert rows(ENGINES[engine](plan, capacity(1, 30))) == [
        (0, 0, 0, 0, NOT_YET, NOT_YET_ENDED), (1, 0, 1, NOT_YET, 3, GAVE_UP), *there,
    ]  # fmt: skip


def test_two_priorities_are_enough_to_go_by(engine: str) -> None:
    episodes = ENGINES[engine](plans([0, 0], days=2, priority=[1, 0]), capacity(1, 9))
    assert rows(episodes) == [(0, 0, 0, 2, 4, FINISHED), (1, 0, 0, 0, 2, FINISHED)]


def test_clients_who_join_more_than_a_lifetime_apart_join_in_order(engine: str) -> None:
    """Days too far apart for 16 bits, in which the kernel sorts those who join."""
    episodes = ENGINES[engine](plans([0, 66_000, 500]), capacity(1, 66_010))
    assert rows(episodes) == [(who, 0, day, day, day + 1, FINISHED) for who, day in ((0, 0), (1, 66_000), (2, 500))]


def test_who_comes_back_and_joins_no_step_may_come_back_again_and_disturbs_nobody(engine: str) -> None:
    """On day 3 clients 1, 3, 5 and 8 come back and join nothing; 3 comes back once more. For 8, 10 and 12 it would be on the horizon."""
    plan = plans(
        [0, NOT_YET, 0, NOT_YET, 0, NOT_YET, NOT_YET, 0, NOT_YET, NOT_YET, 0, NOT_YET, 0, NOT_YET],
        first_step=[0, NO_STEP, 0, NO_STEP, 0, NO_STEP, 0, 0, NO_STEP, 0, NO_STEP, 0, 0, 0],
        returns_as=[1, -1, 3, 6, 5, -1, -1, 8, 9, -1, 11, -1, 13, -1],
        return_after=[2, 4, 2, 4, 2, 4, 1, 2, 27, 1, 30, 1, 29, 1],
    )  # fmt: skip
    episodes = ENGINES[engine](plan, capacity(10, 30))
    assert rows(episodes) == [
        *((client, 0, 0, 0, 1, FINISHED) for client in (0, 2, 4)), (6, 0, 7, 7, 8, FINISHED),
        *((client, 0, 0, 0, 1, FINISHED) for client in (7, 12)),
    ]  # fmt: skip


@pytest.mark.parametrize("leaves_by", ["course", "giving up", "never joining"])
def test_the_first_row_of_all_may_be_a_return_too(engine: str, leaves_by: str) -> None:
    """Client 2 holds the only place on days 0 to 2; client 1 leaves one way or another, and comes back as client 0."""
    days = [[2], [1], [3]] if leaves_by == "course" else [[2], [1], [30]]
    plan = plans(
        [NOT_YET, 1, 0], days=days, patience=[[9], [4], [9]], returns_as=[-1, 0, -1], return_after=[1, 3, 1],
        first_step=[0, NO_STEP if leaves_by == "never joining" else 0, 0],
    )  # fmt: skip
    episodes = ENGINES[engine](plan, capacity(1, 40))
    joined = {"course": 4 + 3, "giving up": 5 + 3, "never joining": 1 + 3}[leaves_by]
    assert rows(episodes)[0][:3] == (0, 0, joined)


def test_a_running_start_keeps_places_even_above_capacity_and_days_of_joining(engine: str) -> None:
    """R0: clients 0 and 1 hold places from before opening, 2 has waited since day -5; one place is open."""
    plan = plans([-20, -30, -5, 0], days=[12, 15, 2, 2], started=[-10, -10, NOT_YET, NOT_YET])
    episodes = ENGINES[engine](plan, capacity(1, 30))
    assert rows(episodes) == [
        (0, 0, -20, -10, 2, FINISHED), (1, 0, -30, -10, 5, FINISHED),
        (2, 0, -5, 5, 7, FINISHED), (3, 0, 0, 7, 9, FINISHED),
    ]  # fmt: skip


def test_no_clients_and_no_days_are_no_trouble(engine: str) -> None:
    assert len(ENGINES[engine](plans([]), capacity(1, 10)).client) == 0
    assert len(ENGINES[engine](plans([0]), capacity(np.empty((0, 1)), 0)).client) == 0


def test_rows_of_clients_come_in_one_order_whatever_the_order_of_events(engine: str) -> None:
    episodes = ENGINES[engine](plans([5, 3, 1], days=1), capacity(1, 30))
    assert episodes.client.tolist() == [0, 1, 2]


def test_relabelling_clients_who_never_tie_relabels_the_answer(engine: str) -> None:
    """Whoever's story is told first, the answer is the same: only ties may depend on the client's number."""
    rng = np.random.default_rng(5)
    joins = rng.permutation(60).tolist()
    plan = courses(joins, days=rng.integers(1, 20, 60), patience=rng.integers(1, 40, 60))
    order = rng.permutation(60)
    shuffled = Courses(**{f.name: getattr(plan, f.name)[order] for f in fields(Courses)})
    one, other = (ENGINES[engine](plans_of(some), capacity(2, 150)) for some in (plan, shuffled))
    back = np.argsort(order)
    assert np.array_equal(one.started_day, other.started_day[back])
    assert np.array_equal(one.ended_day, other.ended_day[back])


def test_a_whole_service_breaks_no_rule_and_loses_nobody(engine: str, small_simulation: Simulation) -> None:
    held, waiting = occupancy(
        small_simulation.episodes, len(small_simulation.scenario.steps), small_simulation.scenario.run.horizon_days
    )
    assert held.min() >= 0
    assert waiting.min() >= 0
    staffed = small_simulation.capacity.staffed
    assert staffed is not None
    assert np.all(held[:, 1:] <= staffed[:, 1:]), (
        "the staff for courses is constant here, so its places are never exceeded"
    )


def test_the_invariants_notice_what_is_wrong(engine: str) -> None:
    """Each broken table must be caught: a check that cannot fail is none."""
    plan, places = plans([0, 1, 2], days=[3, 2, 4]), capacity(1, 20)
    good = ENGINES[engine](plan, places)
    check_invariants(good, plan, places)
    broken = {
        "before joining": replace(good, started_day=good.started_day - 2),
        "R6": replace(good, started_day=np.array([0, 1, 2], dtype=np.int32), ended_day=np.array([3, 3, 6], dtype=np.int32)),
        "R5": replace(good, ended_day=good.started_day),
        "after the horizon": replace(good, ended_day=good.ended_day + 20),
        "a client was lost": type(good)(*(getattr(good, f.name)[:2] for f in fields(good))),
        "without a day": replace(good, ending=np.array([0, 3, 3], dtype=np.int8)),
    }  # fmt: skip
    for message, table in broken.items():
        with pytest.raises(AssertionError, match=message):
            check_invariants(table, plan, places)


def test_inputs_that_no_engine_could_honour_are_noticed(engine: str) -> None:
    bad = {
        "rule R5: a course": plans([0], days=0),
        "rule R5: a patience": plans([0], patience=0),
        "rule R5: a return": plans([0], return_after=0),
        "held since": plans([-5], days=9, started=[-7]),
        "left before opening": plans([-5], days=2, started=[-4]),
        "whoever left": plans([-5], days=2, patience=3),
        "left before opening is": plans([-5], days=2, well_after=4),
        "not in the table": plans([-2], days=2, well_after=-9),
    }
    for message, plan in bad.items():
        with pytest.raises(AssertionError, match=message):
            check_plans(plan)
    check_plans(plans([-5, 3, -2], days=9, started=[-4, NOT_YET, NOT_YET]))


def test_a_digest_changes_with_any_cell(engine: str) -> None:
    good = ENGINES[engine](plans([0, 1, 2], days=[3, 2, 4]), capacity(1, 20))
    changed = replace(good, ended_day=good.ended_day + np.array([0, 0, 1], dtype=np.int32))
    assert digest(good) != digest(changed)
    assert digest(good) == digest(replace(good))
