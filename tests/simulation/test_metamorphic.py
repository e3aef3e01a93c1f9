"""What must not change, or change in a known way, when the question does; and nobody is lost on any day.

Exact relations between two runs: more places, clients renumbered, all days doubled, somebody added at the end, two services
side by side. They need no known answer, and hold for every engine.
"""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from building import ENGINES
from caseload_sim.engines import engine as engine_module
from caseload_sim.engines import reference
from caseload_sim.engines.episodes import Episodes, first_difference
from caseload_sim.engines.plans import NEVER, NO_CLIENT, NO_STEP, NOT_YET, Capacity, Courses, Plans, plans_of
from caseload_sim.experiments.replicate import simulate
from caseload_sim.scenario.catalogue import list_scenarios
from random_services import random_service
from renew_digests import short

SEEDS = range(90)
QUICK = ("reference", "kernel interpreted, bounds checked")
each_engine = pytest.mark.parametrize("engine", QUICK)


def run(engine: str, courses: Courses, capacity: Capacity) -> Episodes:
    return ENGINES[engine](plans_of(courses), capacity)


def with_columns(courses: Courses, change: Any) -> Courses:
    return Courses(**{f.name: change(f.name, getattr(courses, f.name)) for f in fields(Courses)})


def assert_same(ours: Episodes, theirs: Episodes, capacity: Capacity, what: str) -> None:
    difference = first_difference(ours, theirs, capacity.steps)
    assert difference is None, f"{what}: {difference}"


def some_rows(episodes: Episodes, clients: np.ndarray, steps: np.ndarray) -> Episodes:
    """Rows of these clients and steps, both numbered anew from 0."""
    rows = np.isin(episodes.client, clients) & np.isin(episodes.step, steps)
    part = Episodes(*(getattr(episodes, f.name)[rows] for f in fields(Episodes)))
    return replace(
        part,
        client=np.searchsorted(clients, part.client).astype(np.int32),
        step=np.searchsorted(steps, part.step).astype(np.int8),
    )


# --- metamorphic ----------------------------------------------------------------------------------------------------


@each_engine
def test_more_places_never_make_the_total_wait_longer(engine: str) -> None:
    """One step, no patience, nobody goes on or is well again: the wait of each client, and so the sum, does not grow."""
    for seed in SEEDS:
        courses, capacity = random_service(seed)
        n = len(courses.joins_day)
        plan = with_columns(courses, lambda name, column: column[:, :1] if column.ndim == 2 else column)
        fresh = np.maximum(plan.joins_day, 0)
        plan = replace(
            plan,
            joins_day=fresh, first_step=np.zeros(n, dtype=np.int8), started_day=np.full(n, NOT_YET, dtype=np.int32),
            course_days=np.maximum(plan.course_days, 1), patience_days=np.full((n, 1), NEVER, dtype=np.int32),
            well_after=np.full((n, 1), NEVER, dtype=np.int32),
            priority=np.zeros((n, 1), dtype=np.int32), returns_as=np.full(n, NO_CLIENT, dtype=np.int32),
            next_inside=np.full((n, 1), NO_STEP, dtype=np.int8), next_outside=np.full((n, 1), NO_STEP, dtype=np.int8),
        )  # fmt: skip
        horizon = len(capacity.places)
        waits = []
        for more in (0, 1, 3):
            table = run(engine, plan, Capacity(capacity.places[:, :1] + np.int32(more), ("step_0",)))
            waits.append(np.where(table.started_day == NOT_YET, horizon, table.started_day) - table.joined_day)
        assert np.all(waits[1] <= waits[0]), seed
        assert np.all(waits[2] <= waits[1]), seed


@each_engine
def test_clients_numbered_anew_in_the_order_of_ties_get_the_same_days(engine: str) -> None:
    """Where nobody ties, any numbers will do; here numbers keep their order and leave gaps that never join."""
    rng = np.random.default_rng(17)
    for seed in SEEDS:
        courses, capacity = random_service(seed)
        n = len(courses.joins_day)
        numbers = np.sort(rng.choice(3 * n, n, replace=False))
        new_of = np.append(numbers, NO_CLIENT)

        def spread(name: str, column: Any, n: int = n, numbers: Any = numbers, new_of: Any = new_of) -> Any:
            wide = np.ones((3 * n, *column.shape[1:]), dtype=column.dtype)
            wide[numbers] = new_of[column] if name == "returns_as" else column
            nobody = {"joins_day": NOT_YET, "first_step": NO_STEP, "started_day": NOT_YET, "returns_as": NO_CLIENT}
            if name in nobody:
                wide[np.setdiff1d(np.arange(3 * n), numbers)] = nobody[name]
            return wide

        ours, theirs = run(engine, courses, capacity), run(engine, with_columns(courses, spread), capacity)
        assert_same(ours, some_rows(theirs, numbers, np.arange(len(capacity.steps))), capacity, f"seed {seed}")


@each_engine
def test_when_every_day_counts_twice_everything_takes_twice_as_long(engine: str) -> None:
    for seed in SEEDS:
        courses, capacity = random_service(seed)
        courses = replace(courses, well_after=_after_joining(courses))
        timed = (
            "joins_day",
            "course_days",
            "patience_days",
            "inside_from",
            "well_after",
            "started_day",
            "return_after_days",
        )

        def doubled(name: str, column: Any, timed: Any = timed) -> Any:
            never = (column == NOT_YET) | (column == NEVER)
            return np.where(never, column, 2 * column).astype(column.dtype) if name in timed else column

        twice = replace(capacity, places=np.repeat(capacity.places, 2, axis=0))
        ours, theirs = run(engine, courses, capacity), run(engine, with_columns(courses, doubled), twice)
        expected = with_days_doubled(ours)
        assert_same(expected, theirs, capacity, f"seed {seed}")


def _after_joining(courses: Courses) -> Any:
    """`well_after` only where it falls on a later day than that of joining the list: the next day, which rule R5 gives to
    whoever is well already, is not doubled. So for the first step alone, and for those who never come to it again."""
    clients, first = np.arange(len(courses.joins_day)), courses.first_step
    later = np.zeros(courses.well_after.shape, dtype=bool)
    comes_again = np.any((courses.next_inside == first[:, None]) | (courses.next_outside == first[:, None]), axis=1)
    later[clients, first] = ~comes_again & (first != NO_STEP)
    return np.where(later & (courses.well_after > 0), courses.well_after, NEVER).astype(np.int32)


def with_days_doubled(episodes: Episodes) -> Episodes:
    days = {
        name: np.where(column == NOT_YET, NOT_YET, 2 * column).astype(np.int32)
        for name in ("joined_day", "started_day", "ended_day")
        for column in (getattr(episodes, name),)
    }
    return replace(
        episodes, joined_day=days["joined_day"], started_day=days["started_day"], ended_day=days["ended_day"]
    )


@each_engine
def test_a_client_who_comes_last_changes_nothing_for_those_before(engine: str) -> None:
    """Added with the highest number, the last day of joining and the last priority, at the first step that was fullest."""
    for seed in SEEDS:
        courses, capacity = random_service(seed)
        last = max(int(courses.joins_day.max(initial=0)), 0)

        def longer(name: str, column: Any, last: int = last) -> Any:
            extra = {
                "joins_day": last, "first_step": 0, "patience_days": NEVER, "well_after": NEVER, "priority": 99, "next_inside": NO_STEP,
                "next_outside": NO_STEP, "started_day": NOT_YET, "returns_as": NO_CLIENT,
            }.get(name, 1)  # fmt: skip
            return np.concatenate([column, np.full((1, *column.shape[1:]), extra, dtype=column.dtype)])

        # Those who go on, come back or stand behind in priority join after the newcomer: keep them out of this relation.
        first_only = replace(
            courses,
            next_inside=np.full_like(courses.next_inside, NO_STEP), next_outside=np.full_like(courses.next_outside, NO_STEP),
            returns_as=np.full_like(courses.returns_as, NO_CLIENT),
        )  # fmt: skip
        ours, theirs = run(engine, first_only, capacity), run(engine, with_columns(first_only, longer), capacity)
        n, steps = len(courses.joins_day), np.arange(len(capacity.steps))
        assert_same(ours, some_rows(theirs, np.arange(n), steps), capacity, f"seed {seed}")
        assert n in theirs.client.tolist() or last >= len(capacity.places)


@each_engine
def test_two_services_side_by_side_are_each_as_if_alone(engine: str) -> None:
    for seed in SEEDS:
        (one, its), (other, others) = random_service(seed), random_service(seed + 1000)
        horizon = min(len(its.places), len(others.places))
        n, s = one.course_days.shape
        both = {}
        for f in fields(Courses):
            a, b = getattr(one, f.name), getattr(other, f.name)
            if f.name == "returns_as":
                b = np.where(b == NO_CLIENT, NO_CLIENT, b + n).astype(b.dtype)
            if f.name in ("first_step", "next_inside", "next_outside"):
                b = np.where(b == NO_STEP, NO_STEP, b + s).astype(b.dtype)
            if a.ndim == 2:  # what a client would have at a step of the other service is never asked for
                a = np.concatenate([a, np.ones((len(a), b.shape[1]), dtype=a.dtype)], axis=1)
                b = np.concatenate([np.ones((len(b), s), dtype=b.dtype), b], axis=1)
            both[f.name] = np.concatenate([a, b])
        places = np.concatenate([its.places[:horizon], others.places[:horizon]], axis=1)
        names = tuple(f"step_{k}" for k in range(places.shape[1]))
        whole = run(engine, Courses(**both), Capacity(places, names))
        for courses, capacity, clients, steps in (
            (one, its, np.arange(n), np.arange(s)),
            (other, others, np.arange(n, len(both["joins_day"])), np.arange(s, places.shape[1])),
        ):
            alone = run(engine, courses, replace(capacity, places=capacity.places[:horizon]))
            assert_same(alone, some_rows(whole, clients, steps), capacity, f"seed {seed}")


# --- conservation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_scenarios())
def test_on_every_day_at_every_step_whoever_joined_waits_or_holds_a_place_or_has_left(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joined so far = waiting + held + left so far: the first and last from the table, the others as the engine counts them."""
    given: list[tuple[Plans, Capacity]] = []

    def listening(plans: Plans, capacity: Capacity) -> Episodes:
        given.append((plans, capacity))
        return reference.run(plans, capacity)

    monkeypatch.setitem(engine_module.ENGINES, "reference", listening)
    simulate(short(name), engine="reference")
    assert given
    for engine in QUICK:
        for plans, capacity in given:
            counted = np.zeros((2, *capacity.places.shape), dtype=np.int32)
            table = ENGINES[engine](plans, capacity, daily=counted)
            check_nobody_is_lost(table, counted[0], counted[1], capacity)
            assert len(table.client) > 30 or name == "no_service"


def check_nobody_is_lost(table: Episodes, held: np.ndarray, waiting: np.ndarray, capacity: Capacity) -> None:
    horizon = len(capacity.places)
    days = np.arange(horizon)
    left = np.where(table.ended_day == NOT_YET, horizon, table.ended_day)
    for s in range(len(capacity.steps)):
        here = table.step == s
        joined_so_far, left_so_far = (
            np.searchsorted(np.sort(column[here]), days, side="right") for column in (table.joined_day, left)
        )
        assert np.array_equal(joined_so_far, waiting[:, s] + held[:, s] + left_so_far)
    follows = np.flatnonzero(table.client[1:] == table.client[:-1]) + 1
    assert np.array_equal(table.joined_day[follows], left[follows - 1]), "whoever goes on joins on the day they left"
