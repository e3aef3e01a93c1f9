"""Clients referred over the two years before opening, from whom those come who are there on day 0.

They go through the very queue that opens. Whoever is then still booked, waiting or holding a place is there, with a past;
stays are length-biased because the long ones are likelier to be met.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, ids_of_clients, people
from caseload_sim.draws.distributions import counts_from_uniform
from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines.engine import engine_at_hand
from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import GAVE_UP, NEVER, NO_STEP, NOT_YET, NOT_YET_ENDED, Capacity, Plans, PlansInParts
from caseload_sim.pathway.care import Care, Drawn, draw_care, draw_people
from caseload_sim.pathway.demand import POOL_DAYS, referrals_per_day
from caseload_sim.scenario.policies import Policy, is_own
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Days, Floats, blocks_of, rows_of, slice_of, stacked
from caseload_sim.support.threads import each_in_order


def referred_in_pool(scenario: Scenario) -> int:
    """How many are referred over the two years before opening, on average: many more than are there at opening."""
    return int(_referrals_per_day(scenario).sum())


def _referrals_per_day(scenario: Scenario) -> Floats:
    """Mean number of referrals on each of the pool's days."""
    return referrals_per_day(_opened_earlier(scenario))[:POOL_DAYS]


class Pool:
    """The clients referred over the two years before opening, a Poisson number each day, with days counted from opening.

    Most of them are gone at opening, so who they are is not kept but drawn again, the very same, for those who are there;
    unless they are few, or a user's own policy decides.

    ids: (n,) int64, places in every random stream; referral_day: (n,) int32, below 0
    """

    def __init__(self, scenario: Scenario, draws: Draws, policy: Policy) -> None:
        self.scenario, self.draws, self._policy = scenario, draws, policy
        days = np.arange(POOL_DAYS, dtype=np.int64)
        self.referral_day = np.repeat(
            (days - POOL_DAYS).astype(np.int32),
            counts_from_uniform(draws.uniform("referrals", START_IDS + days), _referrals_per_day(scenario)),
        )
        self.ids = ids_of_clients(scenario, draws, len(self.referral_day), first_id=START_IDS)
        self._kept: tuple[Clients, Care] | None = None

    def plans(self, drawn: Drawn | None = None) -> tuple[Plans, float]:
        """What lay ahead of everybody, and the emotional disorders of the mean client, 0 with no clients."""
        n = len(self.ids)

        def each(some: slice) -> tuple[Plans, int]:
            clients, plans, care = drawn or draw_people(
                self.scenario, self.ids[some], self.referral_day[some], self.draws, self._policy
            )
            if len(blocks) < 2:
                self._kept = clients, care
            return plans, int(clients.count(self.scenario, "emotional_disorder").sum())

        blocks = [slice(0, n)] if drawn or is_own(self._policy) else blocks_of(n) or [slice(0, 0)]
        parts, disorders = PlansInParts(n), 0
        for plans, emotional in each_in_order(each, blocks):
            parts.add(plans)
            disorders += emotional
        return parts.together(), disorders / n if n else 0.0

    def tables_of(self, rows: NDArray[np.intp]) -> tuple[Clients, Care]:
        """Who some of them are, and what care would be like for them."""
        if self._kept is not None:
            return rows_of(self._kept[0], rows), rows_of(self._kept[1], rows)

        def again(some: slice) -> tuple[Clients, Care]:
            part = rows[some]
            clients = people(self.scenario, self.draws, self.ids[part], self.referral_day[part])
            return clients, draw_care(self.scenario, clients, self.draws, self._policy)

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


def _by_the_clock(scenario: Scenario, plans: Plans, before: Capacity) -> Episodes:
    """Stays of the pool that began before opening, if all wait equally long at a step: as long as its staff make them.

    `start.waiting` says how many wait at a step; where it does not, as many as the staff leave waiting in the long run:
    those with the least patience, or well soonest, leave until the rest can be served. Whatever the order of the lists.
    """
    leads_to, joined = plans.first.copy(), plans.joins_day.astype(np.int64)
    staffed = before.counted
    waits: dict[int, int] = {}
    stays: list[tuple[Any, ...]] = []
    for s in [*range(len(scenario.steps))] * 2:  # twice, for those who step down
        here = np.flatnonzero(leads_to != NO_STEP)
        here = here[plans.step[leads_to[here]] == s]
        if s in waits and len(here) == 0:
            continue  # nobody stepped down to it
        row = leads_to[here]
        days = plans.course_days[row].astype(np.int64)
        patience = _days_until_leaving(plans, row, joined[here])
        if s not in waits:
            waits[s] = _wait_days(scenario, scenario.steps[s], float(staffed[:, s].mean()), patience, days)
        served, came = patience > waits[s], joined[here] + waits[s]
        over = np.where(served, came + days, joined[here] + patience)
        stays.append((
            here, np.full(len(here), s), joined[here], np.where(served & (came < 0), came, NOT_YET),
            np.where(over < 0, over, NOT_YET), np.where(over < 0, np.where(served, plans.ending[row], GAVE_UP), NOT_YET_ENDED),
        ))  # fmt: skip
        since = over - plans.joins_day[here]
        inside = plans.inside_from[row] <= since
        onward = np.where(inside, plans.next_inside[row], plans.next_outside[row])
        leads_to[here], joined[here] = np.where(served, onward, NO_STEP), over
    columns = [np.concatenate(column) for column in zip(*stays, strict=True)]
    begun = np.flatnonzero(columns[2] < 0)
    return canonical([column[begun] for column in columns])


def _days_until_leaving(plans: Plans, row: Days, joined: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days after joining these lists until patience ends or the client is well, whichever comes first; or NEVER.

    row: of the plans; joined: day of joining, both (k,)
    """
    patience, well_after = (column[row].astype(np.int64) for column in (plans.patience_days, plans.well_after))
    well = np.maximum(plans.joins_day[plans.client[row]] + well_after - joined, 1)  # rule R5
    return np.where(well_after == NEVER, patience, np.minimum(patience, well))


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


def _by_the_queue(plans: Plans, at_first: Plans, before: Capacity) -> Episodes:
    """Stays of the pool that began before opening, by the rules of the day.

    at_first: those who are there when the two years begin: doubles of people of the pool. The few who stay for longer
        than two years leave their places at opening.
    before: places over the two years
    """
    n = len(plans.joins_day)
    both = PlansInParts(n + len(at_first.joins_day))
    both.add(replace(plans, joins_day=plans.joins_day + np.int32(POOL_DAYS)))
    both.add(at_first)
    queue = engine_at_hand(both.n_clients)(both.together(), before)
    queue = slice_of(queue, slice(0, int(np.searchsorted(queue.client, n))))

    def from_opening(day: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(day == NOT_YET, day, day - POOL_DAYS).astype(np.int32)

    return replace(
        queue,
        joined_day=from_opening(queue.joined_day),
        started_day=from_opening(queue.started_day),
        ended_day=from_opening(queue.ended_day),
    )
