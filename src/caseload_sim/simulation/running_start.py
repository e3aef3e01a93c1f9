"""Who is with a service already when it opens: from the pool, fitted into the places there are, with their past."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import NEVER, NOT_YET, Capacity, Plans, plans_from
from caseload_sim.pathway.care import Care, Drawn
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.policies import POLICIES, Policy
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import DAYS_PER_WEEK
from caseload_sim.simulation.pool import Pool, _by_the_clock, _by_the_queue, _opened_earlier, _over_at_opening
from caseload_sim.support.columns import rows_of


@dataclass(frozen=True, slots=True)
class Opening:
    """Everybody who is there at opening, in the same order in all three tables, and what had happened to them before.

    history: stays that were over before opening; start_of: the scenario to which they belong
    """

    clients: Clients
    plans: Plans
    care: Care
    history: Episodes
    start_of: Scenario


def running_start(scenario: Scenario, draws: Draws, policy: Policy | None = None) -> Opening:
    """Who is booked, waiting or in a course at opening, with the stays that lie behind them.

    The queue itself, over the two years before: with the referrals, staff and days off of those years, and on the first of
    them the people whom the clock finds (`_by_the_clock`), of whom hardly anybody is left at opening. Where
    `start.waiting` says how many wait, the clock alone decides, since a queue has the list that its staff leave.
    policy: the one that the scenario names if None
    """
    return opening_of(Pool(scenario, draws, policy or POLICIES[scenario.pathway.policy]))


def opening_of(pool: "Pool", drawn: Drawn | None = None) -> Opening:
    """`running_start` from its pool. drawn: all about the pool, where it has been drawn already."""
    scenario, draws = pool.scenario, pool.draws
    plans, mean_disorders = pool.plans(drawn)
    before = places(_over_at_opening(_opened_earlier(scenario)), draws, mean_disorders, before_opening=True)
    stays = _by_the_clock(scenario, plans, before)
    if not scenario.start.waiting:
        stays = _by_the_queue(plans, _at_opening(plans, stays, _there(plans, stays)), before)
    there = _there(plans, stays)
    clients, care = pool.tables_of(np.flatnonzero(there))
    past = rows_of(stays, np.flatnonzero(stays.ended_day != NOT_YET))
    return Opening(clients, _at_opening(plans, stays, there), care, _of_some(past, there), scenario)


def within_places(there: Opening, capacity: Capacity, draws: Draws) -> Opening:
    """Without those who would hold a place beyond the ones staffed in the first week, drawn by lot.

    Only where `start.waiting` says how many wait: the queue never lets more people start than there are places.
    """
    if not there.start_of.start.waiting:
        return there
    lot = draws.uniform("start_lot", there.clients.id)
    held = np.flatnonzero(there.plans.started_day != NOT_YET)
    step_of = there.plans.step[there.plans.first[held]]
    stays = np.ones(len(lot), dtype=bool)
    for s, _, _ in there.start_of.pathway.each_course():
        who, room = held[step_of == s], int(capacity.counted[:DAYS_PER_WEEK, s].max(initial=0))
        stays[who[np.argsort(lot[who])[room:]]] = False
    rows = np.flatnonzero(stays)
    return Opening(
        rows_of(there.clients, rows),
        plans_from(there.plans, rows, there.plans.first[rows]),
        rows_of(there.care, rows),
        _of_some(there.history, stays),
        there.start_of,
    )


def _of_some(stays: Episodes, who: NDArray[np.bool_]) -> Episodes:
    """The stays of some of the clients, numbered from 0."""
    new_row = np.cumsum(who, dtype=np.int32) - np.int32(1)
    stays = rows_of(stays, np.flatnonzero(who[stays.client]))
    return replace(stays, client=new_row[stays.client])


def _there(plans: Plans, stays: Episodes) -> NDArray[np.bool_]:
    """Who of the pool is with the service at opening, (n,) bool: booked, or in a stay that is not over."""
    there = plans.joins_day >= 0
    there[stays.client[stays.ended_day == NOT_YET]] = True
    return there


def _at_opening(plans: Plans, stays: Episodes, there: NDArray[np.bool_]) -> Plans:
    """The plans of those who are there, with days counted from the list they are on or were on last."""
    joined, started, first = plans.joins_day.copy(), np.full_like(plans.joins_day, NOT_YET), plans.first.copy()
    now = np.flatnonzero(stays.ended_day == NOT_YET)
    who = stays.client[now]
    joined[who], started[who] = stays.joined_day[now], stays.started_day[now]
    n_steps = np.int64(plans.step.max(initial=0)) + 1
    first[who] = np.searchsorted(plans.client * n_steps + plans.step, who * n_steps + stays.step[now])
    rows = np.flatnonzero(there)
    some = plans_from(plans, rows, first[rows])
    later = (joined - plans.joins_day)[rows][some.client]

    def since_now(days: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(days == NEVER, NEVER, days - later).astype(np.int32)

    return replace(
        some,
        joins_day=joined[rows],
        started_day=started[rows],
        inside_from=since_now(some.inside_from),
        well_after=since_now(some.well_after),
    )


def with_history(episodes: Episodes, history: Episodes) -> Episodes:
    """The engine's table with the stays that were over before opening."""
    if len(history.client) == 0:
        return episodes
    return canonical([np.concatenate([getattr(history, f.name), getattr(episodes, f.name)]) for f in fields(Episodes)])
