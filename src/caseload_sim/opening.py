"""Who is with a service already when it opens.

A running start is a pool of clients referred over the two years before opening, who go through the very queue that opens.
Whoever is then still booked, waiting or holding a place is there on day 0, with a past; stays are length-biased because
the long ones are likelier to be met.
"""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.care import Care, draw_care, draw_courses
from caseload_sim.clients import Clients, ids_of_clients, people
from caseload_sim.columns import blocks_of, rows_of, slice_of, stacked
from caseload_sim.courses import GAVE_UP, NEVER, NO_CLIENT, NO_STEP, NOT_YET, NOT_YET_ENDED, Courses
from caseload_sim.demand import DAYS_PER_YEAR, referrals_per_day
from caseload_sim.draws import START_IDS, Draws, Ids, counts_from_uniform
from caseload_sim.engines import engine_at_hand
from caseload_sim.episodes import Episodes, canonical
from caseload_sim.operations import DAYS_PER_WEEK
from caseload_sim.pathway import CourseStep
from caseload_sim.policies import POLICIES, Policy
from caseload_sim.scenario import Scenario
from caseload_sim.staffing import places
from caseload_sim.threads import each_in_order

POOL_DAYS = 2 * DAYS_PER_YEAR  # before opening; few are with a service for longer


@dataclass(frozen=True, slots=True)
class Opening:
    """Everybody who is there at opening, one row each in all three tables, and what had happened to them before.

    history: stays that were over before opening; start_of: the scenario to which they belong
    """

    clients: Clients
    courses: Courses
    care: Care
    history: Episodes
    start_of: Scenario


def running_start(scenario: Scenario, capacity: Capacity, draws: Draws, policy: Policy | None = None) -> Opening:
    """Who is booked, waiting or in a course at opening, with the stays that lie behind them.

    The queue itself, over the two years before: with the referrals, staff and days off of those years, and on the first of
    them the people whom the clock finds (`_by_the_clock`), of whom hardly anybody is left at opening. Where
    `start.waiting` says how many wait, the clock alone decides, since a queue has the list that its staff leave.
    capacity: places from opening on; policy: the one that the scenario names if None
    """
    policy = policy or POLICIES[scenario.pathway.policy]
    pool = _Pool(_opened_earlier(scenario), draws, policy)
    courses, mean_disorders = pool.courses()
    before = places(_over_at_opening(pool.scenario), draws, mean_disorders, before_opening=True)
    stays = _by_the_clock(scenario, courses, before)
    if scenario.start.waiting:
        there = _there(courses, stays)
        there[_surplus(scenario, capacity, stays, draws, pool.ids)] = False
    else:
        stays = _by_the_queue(courses, _at_opening(courses, stays, _there(courses, stays)), before)
        there = _there(courses, stays)
    rows = np.flatnonzero(there)
    new_row = np.full(len(there), NO_CLIENT, dtype=np.int32)
    new_row[rows] = np.arange(len(rows))
    past = rows_of(stays, np.flatnonzero((stays.ended_day != NOT_YET) & there[stays.client]))
    clients, care = pool.tables_of(rows)
    return Opening(
        clients, _at_opening(courses, stays, there), care, replace(past, client=new_row[past.client]), scenario
    )


class _Pool:
    """The clients referred over the two years before opening, a Poisson number each day, with days counted from opening.

    Most of them are gone at opening, so who they are is not kept but drawn again, the very same, for those who are there;
    unless they are few, or a user's own policy decides, which may compare clients and sees all of them at once.
    """

    def __init__(self, opened_earlier: Scenario, draws: Draws, policy: Policy) -> None:
        self.scenario, self._draws, self._policy = opened_earlier, draws, policy
        days = np.arange(POOL_DAYS, dtype=np.int64)
        per_day = referrals_per_day(opened_earlier)[:POOL_DAYS]
        self.referral_day = np.repeat(
            (days - POOL_DAYS).astype(np.int32),
            counts_from_uniform(draws.uniform("referrals", START_IDS + days), per_day),
        )
        self.ids = ids_of_clients(opened_earlier, draws, len(self.referral_day), first_id=START_IDS)
        self._own = all(policy is not one for one in POLICIES.values())
        self._kept: tuple[Clients, Care] | None = None

    def courses(self) -> tuple[Courses, float]:
        """What lay ahead of everybody, and the emotional disorders of the mean client, 0 with no clients."""
        n = len(self.ids)

        def drawn(some: slice) -> tuple[Courses, int]:
            clients = people(self.scenario, self._draws, self.ids[some], self.referral_day[some])
            courses, care = draw_courses(self.scenario, clients, self._draws, self._policy)
            if len(blocks) < 2:
                self._kept = clients, care
            return courses, int(clients.count(self.scenario, "emotional_disorder").sum())

        blocks = [slice(0, n)] if self._own else blocks_of(n) or [slice(0, 0)]
        courses, disorders = zip(*each_in_order(drawn, blocks), strict=True)
        return stacked(*courses), sum(disorders) / n if n else 0.0

    def tables_of(self, rows: NDArray[np.intp]) -> tuple[Clients, Care]:
        """Who some of them are, and what care would be like for them."""
        if self._kept is not None:
            return rows_of(self._kept[0], rows), rows_of(self._kept[1], rows)

        def again(some: slice) -> tuple[Clients, Care]:
            part = rows[some]
            clients = people(self.scenario, self._draws, self.ids[part], self.referral_day[part])
            return clients, draw_care(self.scenario, clients, self._draws, self._policy)

        clients, care = zip(*each_in_order(again, blocks_of(len(rows)) or [slice(0, 0)]), strict=True)
        return stacked(*clients), stacked(*care)


def _opened_earlier(scenario: Scenario) -> Scenario:
    """The scenario as it would be had it opened two years earlier: what happens on a date happens on the same date."""
    run = scenario.run
    earlier = {"opens": run.opens - timedelta(days=POOL_DAYS), "warm_up_days": run.warm_up_days + POOL_DAYS}
    return scenario.model_copy(update={"run": run.model_copy(update=earlier)})


def _over_at_opening(opened_earlier: Scenario) -> Scenario:
    """The same, of which only the two years are simulated."""
    only = {"warm_up_days": 0, "data_collection_days": POOL_DAYS, "follow_up_days": 0}
    return opened_earlier.model_copy(update={"run": opened_earlier.run.model_copy(update=only)})


def _by_the_clock(scenario: Scenario, courses: Courses, before: Capacity) -> Episodes:
    """Stays of the pool that began before opening, if all wait equally long at a step: as long as its staff make them.

    `start.waiting` says how many wait at a step; where it does not, as many as the staff leave waiting in the long run:
    those with the least patience give up until the rest can be served. Whatever the order of the lists.
    """
    leads_to, joined = courses.first_step.copy(), courses.joins_day.astype(np.int64)
    staffed = before.places if before.staffed is None else before.staffed
    waits: dict[int, int] = {}
    stays: list[tuple[Any, ...]] = []
    for s in [*range(len(scenario.steps))] * 2:  # twice, for those who step down
        here = np.flatnonzero(leads_to == s)
        patience, days = courses.patience_days[here, s].astype(np.int64), courses.course_days[here, s].astype(np.int64)
        if s not in waits:
            waits[s] = _wait_days(scenario, scenario.steps[s], float(staffed[:, s].mean()), patience, days)
        served, came = patience > waits[s], joined[here] + waits[s]
        over = np.where(served, came + days, joined[here] + patience)
        stays.append((
            here, np.full(len(here), s), joined[here], np.where(served & (came < 0), came, NOT_YET),
            np.where(over < 0, over, NOT_YET), np.where(over < 0, np.where(served, courses.ending[here, s], GAVE_UP), NOT_YET_ENDED),
        ))  # fmt: skip
        since = over - courses.joins_day[here]
        inside = (courses.inside_from[here, s] <= since) & (since <= courses.inside_to[here, s])
        onward = np.where(inside, courses.next_inside[here, s], courses.next_outside[here, s])
        leads_to[here], joined[here] = np.where(served, onward, NO_STEP), over
    columns = [np.concatenate(column) for column in zip(*stays, strict=True)]
    begun = np.flatnonzero(columns[2] < 0)
    return canonical(*(column[begun] for column in columns))


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


def _by_the_queue(courses: Courses, at_first: Courses, before: Capacity) -> Episodes:
    """Stays of the pool that began before opening, by the rules of the day.

    at_first: those who are there when the two years begin: doubles of people of the pool. The few who stay for longer
        than two years leave their places at opening.
    before: places over the two years
    """
    joining = np.flatnonzero((courses.first_step != NO_STEP) & (courses.joins_day < 0))
    ours = rows_of(courses, joining)
    everybody = stacked(replace(ours, joins_day=ours.joins_day + np.int32(POOL_DAYS)), at_first)
    queue = engine_at_hand(len(everybody.joins_day))(everybody, before)
    queue = slice_of(queue, slice(0, int(np.searchsorted(queue.client, len(joining)))))

    def from_opening(day: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(day == NOT_YET, day, day - POOL_DAYS).astype(np.int32)

    return replace(
        queue,
        client=joining[queue.client].astype(np.int32),
        joined_day=from_opening(queue.joined_day),
        started_day=from_opening(queue.started_day),
        ended_day=from_opening(queue.ended_day),
    )


def _surplus(scenario: Scenario, capacity: Capacity, stays: Episodes, draws: Draws, ids: Ids) -> NDArray[np.int32]:
    """Rows that would hold a place beyond those staffed in the first week, drawn by lot."""
    lot = draws.uniform("start_lot", ids)
    staffed = capacity.places if capacity.staffed is None else capacity.staffed
    held = (stays.ended_day == NOT_YET) & (stays.started_day != NOT_YET)
    dropped = []
    for s, step in enumerate(scenario.pathway.steps.values()):
        who = stays.client[held & (stays.step == s)]
        room = int(staffed[:DAYS_PER_WEEK, s].max(initial=0))
        if isinstance(step, CourseStep) and len(who) > room:
            dropped.append(who[np.argsort(lot[who])[room:]])
    return np.concatenate(dropped) if dropped else np.empty(0, dtype=np.int32)


def _there(courses: Courses, stays: Episodes) -> NDArray[np.bool_]:
    """Who of the pool is with the service at opening, (n,) bool: booked, or in a stay that is not over."""
    there = courses.joins_day >= 0
    there[stays.client[stays.ended_day == NOT_YET]] = True
    return there


def _at_opening(courses: Courses, stays: Episodes, there: NDArray[np.bool_]) -> Courses:
    """The courses of those who are there, with days counted from the list they are on or were on last."""
    joined, started, step = (
        courses.joins_day.copy(),
        np.full_like(courses.joins_day, NOT_YET),
        courses.first_step.copy(),
    )
    now = np.flatnonzero(stays.ended_day == NOT_YET)
    who = stays.client[now]
    joined[who], started[who], step[who] = stays.joined_day[now], stays.started_day[now], stays.step[now]
    rows = np.flatnonzero(there)
    later = (joined - courses.joins_day)[rows, None]

    def since_now(days: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(days[rows] == NEVER, NEVER, days[rows] - later).astype(np.int32)

    return replace(
        rows_of(courses, rows),
        joins_day=joined[rows],
        first_step=step[rows],
        started_day=started[rows],
        inside_from=since_now(courses.inside_from),
        inside_to=since_now(courses.inside_to),
    )


def with_history(episodes: Episodes, history: Episodes) -> Episodes:
    """The engine's table with the stays that were over before opening."""
    if len(history.client) == 0:
        return episodes
    columns = [np.concatenate([getattr(history, f.name), getattr(episodes, f.name)]) for f in fields(Episodes)]
    return canonical(*columns)
