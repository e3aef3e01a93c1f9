"""Referrals that are not a first one from opening on: those already with the service, and those who come back.

A running start is a pool of clients referred over the two years before opening, led through the pathway by the clock alone:
at each step everybody waits as long as the staff there makes them wait. Whoever is then still booked, waiting or holding
a place at opening is there on day 0, with a past; stays are length-biased because the long ones are likelier to be met.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.care import Care, draw_courses
from caseload_sim.clients import Clients, draw_population
from caseload_sim.columns import CLIENTS_AT_ONCE, blocks_of, rows_of, slice_of, stacked
from caseload_sim.courses import NO_STEP, NOT_YET, Courses
from caseload_sim.demand import DAYS_PER_YEAR
from caseload_sim.draws import START_IDS, Draws
from caseload_sim.episodes import Episodes, canonical
from caseload_sim.operations import DAYS_PER_WEEK
from caseload_sim.pathway import CourseStep
from caseload_sim.policies import POLICIES, Policy
from caseload_sim.scenario import Scenario

POOL_DAYS = 2 * DAYS_PER_YEAR  # before opening; few are with a service for longer


@dataclass(frozen=True, slots=True)
class Referrals:
    """Everybody the engine is to know of, one row each in all three tables, and what had happened before opening.

    history: stays that were over before opening
    start_of, first_at_opening: the scenario to which rows from there on belong: those who were there at opening
    """

    clients: Clients
    courses: Courses
    care: Care
    history: Episodes
    start_of: Scenario
    first_at_opening: int


def _drawn_in_blocks(scenario: Scenario, clients: Clients, draws: Draws, policy: Policy) -> tuple[Courses, Care]:
    """`draw_courses`, some clients at a time; all at once for a user's own policy, which may compare clients."""
    n = len(clients.id)
    shipped = any(policy is one for one in POLICIES.values())
    blocks = blocks_of(n, CLIENTS_AT_ONCE if shipped else max(n, 1))
    if len(blocks) < 2:
        return draw_courses(scenario, clients, draws, policy)
    drawn = (draw_courses(scenario, slice_of(clients, some), draws, policy) for some in blocks)
    courses, care = zip(*drawn, strict=True)
    return stacked(*courses), stacked(*care)


# --- those who are there at opening --------------------------------------------------------------------------------


def running_start(scenario: Scenario, capacity: Capacity, draws: Draws, policy: Policy | None = None) -> Referrals:
    """Who is booked, waiting or in a course at opening, with the stays that lie behind them.

    `start.waiting` says how many wait at a step; where it does not, as many as the staff of that step leave waiting in the
    long run: those with the least patience give up until the rest can be served. All wait equally long here, whatever the
    order of the lists, which is kept from opening on.
    policy: the one that the scenario names if None
    """
    size = round(scenario.demand.referrals_per_year.value * POOL_DAYS / DAYS_PER_YEAR)
    pool = draw_population(scenario, draws, size, first_id=START_IDS)
    referred = np.floor((np.arange(size) - size) * (POOL_DAYS / max(size, 1))).astype(np.int64)
    order = draws.uniform("start", pool.id).argsort()  # who came when: not by place in the stream
    referral_day = np.empty(size, dtype=np.int64)
    referral_day[order] = referred
    pool = replace(pool, referral_day=referral_day.astype(np.int32))
    policy = policy or POLICIES[scenario.pathway.policy]
    courses, care = _drawn_in_blocks(scenario, pool, draws, policy)
    joined_first = referral_day + care.booking_days
    # Where each is led to next, and since when; and where they are at opening, once that is found.
    leads_to, joined = courses.first_step.astype(np.int64), joined_first.copy()
    now = _Now(leads_to.copy(), joined_first.copy(), np.full(size, NOT_YET, dtype=np.int64), joined_first >= 0)
    history = []
    staffed = capacity.places if capacity.staffed is None else capacity.staffed
    for s, name in enumerate(scenario.steps):
        here = np.flatnonzero(leads_to == s)
        patience, days = courses.patience_days[here, s].astype(np.int64), courses.course_days[here, s].astype(np.int64)
        wait = _wait_days(scenario, name, float(staffed[:DAYS_PER_YEAR, s].mean()), patience, days)
        stays, begins = patience > wait, joined[here] + wait
        ends = begins + days
        waiting = (joined[here] < 0) & (np.where(stays, begins, joined[here] + patience) >= 0)
        held = stays & (begins < 0) & (ends >= 0)
        rows = here[waiting | held]
        now.step[rows], now.joined[rows], now.there[rows] = s, joined[rows], True
        now.started[here[held]] = begins[held]
        past = stays & (ends < 0)
        passed = here[past]
        history.append((passed, s, joined[passed], begins[past], ends[past], courses.ending[passed, s]))
        onward, over = here[stays], ends[stays]
        since = over - joined_first[onward]
        inside = (courses.inside_from[onward, s] <= since) & (since <= courses.inside_to[onward, s])
        leads_to[here] = NO_STEP
        leads_to[onward] = np.where(inside, courses.next_inside[onward, s], courses.next_outside[onward, s])
        joined[onward] = over
    now.there[_surplus(scenario, staffed, now, draws, pool)] = False
    return _as_referrals(scenario, pool, courses, care, now, referral_day, joined_first, history)


@dataclass(frozen=True, slots=True)
class _Now:
    """Where the people of a pool are at opening: columns filled step by step.

    step: (n,), the first one for those only booked; joined: (n,) day of joining its list
    started: (n,) day of starting there, or NOT_YET; there: (n,) bool, with the service at all
    """

    step: NDArray[np.int64]
    joined: NDArray[np.int64]
    started: NDArray[np.int64]
    there: NDArray[np.bool_]


def _wait_days(
    scenario: Scenario, name: str, places: float, patience: NDArray[np.int64], days: NDArray[np.int64]
) -> int:
    """Days that everybody waits at a step, for so many arrivals over the pool's days."""
    if len(patience) == 0:
        return 0
    if name in scenario.start.waiting:
        wanted = scenario.start.waiting[name].value
        low, high = 0, POOL_DAYS
        while high - low > 1:  # the list grows with the wait: arrivals a day times the mean stay on it
            middle = (low + high) // 2
            on_list = np.minimum(patience, middle).sum() / POOL_DAYS
            low, high = (middle, high) if on_list <= wanted else (low, middle)
        return low
    most_patient_first = np.argsort(-patience, kind="stable")
    needed = np.cumsum(days[most_patient_first]) / POOL_DAYS  # places held if so many are served
    served = int(np.searchsorted(needed, places, side="right"))
    return 0 if served >= len(patience) else int(min(patience[most_patient_first[served]], POOL_DAYS))


def _surplus(
    scenario: Scenario, staffed: NDArray[np.int32], now: _Now, draws: Draws, pool: Clients
) -> NDArray[np.intp]:
    """Rows that would hold a place beyond those staffed in the first week, drawn by lot."""
    lot = draws.uniform("start_lot", pool.id)
    dropped = []
    for s, step in enumerate(scenario.pathway.steps.values()):
        held = np.flatnonzero(now.there & (now.step == s) & (now.started != NOT_YET))
        room = int(staffed[:DAYS_PER_WEEK, s].max(initial=0))
        if isinstance(step, CourseStep) and len(held) > room:
            dropped.append(held[np.argsort(lot[held])[room:]])
    return np.concatenate(dropped) if dropped else np.empty(0, dtype=np.intp)


def _as_referrals(
    scenario: Scenario,
    pool: Clients,
    courses: Courses,
    care: Care,
    now: _Now,
    referral_day: NDArray[np.int64],
    joined_first: NDArray[np.int64],
    history: list[Any],
) -> Referrals:
    """The rows of those who are there, with days counted from opening and from the list they are on now."""
    rows = np.flatnonzero(now.there)
    new_row = np.full(len(now.there), -1, dtype=np.int64)
    new_row[rows] = np.arange(len(rows))
    later = (now.joined - joined_first)[rows, None]

    def since_now(days: NDArray[np.int32]) -> NDArray[np.int32]:
        unlimited = days[rows] == np.iinfo(np.int32).max
        return np.where(unlimited, days[rows], days[rows] - later).astype(np.int32)

    planned = replace(
        rows_of(courses, rows),
        joins_day=now.joined[rows].astype(np.int32),
        first_step=now.step[rows].astype(np.int8),
        started_day=now.started[rows].astype(np.int32),
        inside_from=since_now(courses.inside_from),
        inside_to=since_now(courses.inside_to),
    )
    parts = [(new_row[who], np.full(len(who), s), a, b, c, d) for who, s, a, b, c, d in history]
    client, step, joins, begins, ends, ending = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    kept = client >= 0
    past = canonical(client[kept], step[kept], joins[kept], begins[kept], ends[kept], ending[kept])
    people = replace(rows_of(pool, rows), referral_day=referral_day[rows].astype(np.int32))
    return Referrals(people, planned, rows_of(care, rows), past, scenario, 0)


def with_history(episodes: Episodes, history: Episodes) -> Episodes:
    """The engine's table with the stays that were over before opening."""
    if len(history.client) == 0:
        return episodes
    columns = [np.concatenate([getattr(history, f.name), getattr(episodes, f.name)]) for f in fields(Episodes)]
    return canonical(*columns)
