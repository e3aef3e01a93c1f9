"""The clients whom a service already has on the day it opens: some booked, some waiting, some in a course.

They are taken from the pool (see `pool`), the clients referred in the two years before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import NEVER, NOT_YET, Plans, PlansInParts, plans_from
from caseload_sim.pathway.care import Care, Drawn
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.policies import POLICIES, Policy
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.pool import (
    Pool,
    _end_at_opening,
    _open_two_years_earlier,
    _row_at,
    _stays_by_queueing,
    _stays_with_equal_waits,
)
from caseload_sim.simulation.stated_lists import People, fit_to_stated_lists
from caseload_sim.support.columns import rows_of, stacked


@dataclass(frozen=True, slots=True)
class Opening:
    """Everybody who is with the service at opening.

    clients, plans, care: the same people in the same order
    history: their stays that were over before opening, such as an assessment a month earlier
    start_of: the scenario that they belong to
    """

    clients: Clients
    plans: Plans
    care: Care
    history: Episodes
    start_of: Scenario


def running_start(scenario: Scenario, draws: Draws, policy: Policy | None = None) -> Opening:
    """Who is booked, waiting or in a course at opening, and which stays they have behind them.

    The queue is run over the two years before opening, with the referrals, staff and days off of those years. It needs
    people to begin with too: those come from `_stays_with_equal_waits`, and hardly any of them are left at opening.
    Lists that the scenario states are then made as long as it says, see `stated_lists`.
    policy: the one that the scenario names if None
    """
    return opening_of(Pool(scenario, draws, policy or POLICIES[scenario.pathway.policy]))


def opening_of(pool: "Pool", drawn: Drawn | None = None) -> Opening:
    """The same as `running_start`, for a pool that exists already.

    drawn: the clients, plans and care of the pool, if they have been drawn already; else they are drawn here
    """
    scenario, draws = pool.scenario, pool.draws
    plans, mean_disorders = pool.plans(drawn)
    before = places(_end_at_opening(_open_two_years_earlier(scenario)), draws, mean_disorders, before_opening=True)
    stays = _stays_with_equal_waits(scenario, plans, before)
    stays = _stays_by_queueing(plans, _count_days_from_last_list(plans, stays, _find_those_there(plans, stays)), before)
    there = _find_those_there(plans, stays)
    ours = People(pool, plans, stays)
    if not scenario.start.stated():
        return _opening(ours, there)
    taken_off, added = fit_to_stated_lists(ours, before)
    there[taken_off] = False
    return _together([_opening(ours, there), *(_opening(more, _find_those_in_a_stay(more)) for more in added)])


def _opening(people: People, there: NDArray[np.bool_]) -> Opening:
    """Those of a pool who are there at opening."""
    plans, stays = people.plans, people.stays
    clients, care = people.pool.tables_of(np.flatnonzero(there))
    past = rows_of(stays, np.flatnonzero(stays.ended_day != NOT_YET))
    return Opening(
        clients, _count_days_from_last_list(plans, stays, there), care, _select_stays(past, there), people.pool.scenario
    )


def _together(openings: Sequence[Opening]) -> Opening:
    """Everybody of several pools, those of the first pool first."""
    numbers = [len(one.clients.id) for one in openings]
    plans, history = PlansInParts(sum(numbers)), []
    for one, before in zip(openings, np.cumsum([0, *numbers[:-1]], dtype=np.int32), strict=True):
        plans.add(one.plans)
        history.append(replace(one.history, client=one.history.client + before))
    clients, care = stacked(*((one.clients, one.care) for one in openings))
    return Opening(clients, plans.combine(), care, stacked(*history), openings[0].start_of)


def _select_stays(stays: Episodes, who: NDArray[np.bool_]) -> Episodes:
    """The stays of those clients for whom `who` is true, their rows counted anew from 0."""
    new_row = np.cumsum(who, dtype=np.int32) - np.int32(1)
    stays = rows_of(stays, np.flatnonzero(who[stays.client]))
    return replace(stays, client=new_row[stays.client])


def _find_those_in_a_stay(people: People) -> NDArray[np.bool_]:
    """Who of a pool is in a stay that is not over, (n,) bool."""
    there = np.zeros(len(people.pool.ids), dtype=bool)
    there[people.stays.client[people.stays.ended_day == NOT_YET]] = True
    return there


def _find_those_there(plans: Plans, stays: Episodes) -> NDArray[np.bool_]:
    """Who of the pool is with the service at opening, (n,) bool: those booked for later, and those in a stay that is not over."""
    there = plans.joins_day >= 0
    there[stays.client[stays.ended_day == NOT_YET]] = True
    return there


def _count_days_from_last_list(plans: Plans, stays: Episodes, there: NDArray[np.bool_]) -> Plans:
    """The plans of those who are there at opening, as if the list that they are on now had been their first.

    An engine counts `inside_from` and `inside_to` from the day of joining the first list. Somebody who joined that list on
    day -300 and is on a later one since day -100 has 200 taken off both, and -100 as the day of joining.
    """
    joined, started, first = plans.joins_day.copy(), np.full_like(plans.joins_day, NOT_YET), plans.first.copy()
    now = np.flatnonzero(stays.ended_day == NOT_YET)
    who = stays.client[now]
    joined[who], started[who] = stays.joined_day[now], stays.started_day[now]
    first[who] = _row_at(plans, who, stays.step[now])
    rows = np.flatnonzero(there)
    some = plans_from(plans, rows, first[rows])
    later = (joined - plans.joins_day)[rows][some.client]

    def count_from_last_list(days: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(days == NEVER, NEVER, days - later).astype(np.int32)

    return replace(
        some,
        joins_day=joined[rows],
        started_day=started[rows],
        inside_from=count_from_last_list(some.inside_from),
        well_after=count_from_last_list(some.well_after),
    )


def add_history(episodes: Episodes, history: Episodes) -> Episodes:
    """The stays that an engine wrote and those that were over before opening, in one table."""
    if len(history.client) == 0:
        return episodes
    return canonical([np.concatenate([getattr(history, f.name), getattr(episodes, f.name)]) for f in fields(Episodes)])
