"""The pool: clients referred in the two years before opening, some of whom are still with the service on day 0.

They go through the same queue as everybody later. Whoever is then still booked, waiting or holding a place is there at
opening, and brings a past. Long stays are met more often than short ones, as on any day in a real service.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, ids_of_clients, people
from caseload_sim.draws.streams import START_IDS, Draws
from caseload_sim.engines.engine import engine_at_hand
from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import GAVE_UP, NEVER, NO_STEP, NOT_YET, NOT_YET_ENDED, Capacity, Plans, PlansInParts
from caseload_sim.pathway.care import Care, Drawn, draw_care, draw_people
from caseload_sim.pathway.demand import POOL_DAYS, referral_days, referrals_per_day
from caseload_sim.scenario.policies import Policy, is_own
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import blocks_of, rows_of, slice_of, stacked
from caseload_sim.support.threads import each_in_order


def referred_in_pool(scenario: Scenario) -> int:
    """How many are referred on average in the two years before opening. Most of them have left by then."""
    return int(referrals_per_day(_open_two_years_earlier(scenario))[:POOL_DAYS].sum())


class Pool:
    """The clients referred in the two years before opening, a Poisson number each day.

    Days are counted from opening, so that a referral 30 days before it is on day -30. To save memory, who the clients are
    is not kept. It is drawn a second time, with the same result, for those who are still there at opening. It is kept
    where the clients are few, or where a user's own policy decides.

    ids: (n,) int64, the position of each client in every random stream; referral_day: (n,) int32, below 0
    """

    def __init__(self, scenario: Scenario, draws: Draws, policy: Policy, first_id: int = START_IDS) -> None:
        """first_id: the position of its first client, and first day, in the random streams."""
        self.scenario, self.draws, self._policy = scenario, draws, policy
        earlier = _open_two_years_earlier(scenario)
        self.referral_day = referral_days(earlier, draws, n_days=POOL_DAYS, first_id=first_id) - np.int32(POOL_DAYS)
        self.ids = ids_of_clients(scenario, draws, len(self.referral_day), first_id=first_id)
        self._kept: tuple[Clients, Care] | None = None

    def another(self, first_id: int) -> "Pool":
        """A pool of other people for the same scenario, referred on other days."""
        return Pool(self.scenario, self.draws, self._policy, first_id)

    def plans(self, drawn: Drawn | None = None) -> tuple[Plans, float]:
        """The plans of everybody in the pool, and how many emotional disorders a client has on average, 0 with no clients.

        drawn: clients, plans and care, if they have been drawn already
        """
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
        return parts.combine(), disorders / n if n else 0.0

    def tables_of(self, rows: NDArray[np.intp]) -> tuple[Clients, Care]:
        """The clients in these rows, and what care would be like for them."""
        if self._kept is not None:
            return rows_of(self._kept[0], rows), rows_of(self._kept[1], rows)

        def again(some: slice) -> tuple[Clients, Care]:
            part = rows[some]
            clients = people(self.scenario, self.draws, self.ids[part], self.referral_day[part])
            return clients, draw_care(self.scenario, clients, self.draws, self._policy)

        clients, care = zip(*each_in_order(again, blocks_of(len(rows)) or [slice(0, 0)]), strict=True)
        return stacked(*clients), stacked(*care)


def _open_two_years_earlier(scenario: Scenario) -> Scenario:
    """The scenario opened two years earlier. What it says of a date, such as a bank holiday, stays on that date."""
    run = scenario.run
    earlier = {"opens": run.opens - timedelta(days=POOL_DAYS), "warm_up_days": run.warm_up_days + POOL_DAYS}
    return scenario.model_copy(update={"run": run.model_copy(update=earlier)})


def _end_at_opening(opened_earlier: Scenario) -> Scenario:
    """The scenario that opened two years earlier, ended on the day on which the real one opens."""
    only = {"warm_up_days": 0, "data_collection_days": POOL_DAYS, "follow_up_days": 0}
    return opened_earlier.model_copy(update={"run": opened_earlier.run.model_copy(update=only)})


def _stays_with_equal_waits(scenario: Scenario, plans: Plans, before: Capacity) -> Episodes:
    """The pool's stays that began before opening, if everybody waited equally long at a step.

    No queue is run: the wait at each step is reckoned beforehand, say 60 days, and whoever has more patience than that
    starts on the 60th day. It is the shortest wait at which enough people give up, or are well, that the staff can serve
    the rest.
    before: the capacity over the two years
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
            waits[s] = _wait_days(float(staffed[:, s].mean()), patience, days)
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


def _row_at(plans: Plans, client: NDArray[Any], step: NDArray[Any]) -> NDArray[np.intp]:
    """The rows of the plans of these clients at these steps, which they can come to, (k,)."""
    n_steps = np.int64(plans.step.max(initial=0)) + 1
    return np.asarray(np.searchsorted(plans.client * n_steps + plans.step, client * n_steps + step))


def _days_until_leaving(plans: Plans, row: NDArray[Any], joined: NDArray[np.int64]) -> NDArray[np.int64]:
    """Days after joining these lists until patience ends or the client is well, whichever comes first; or NEVER.

    row: of the plans; joined: day of joining, both (k,)
    """
    patience, well_after = (column[row].astype(np.int64) for column in (plans.patience_days, plans.well_after))
    well = np.maximum(plans.joins_day[plans.client[row]] + well_after - joined, 1)  # rule R5
    return np.asarray(np.where(well_after == NEVER, patience, np.minimum(patience, well)))


def _wait_days(places: float, patience: NDArray[np.int64], days: NDArray[np.int64]) -> int:
    """Days that everybody waits at a step; see `_stays_with_equal_waits`.

    places: staffed there on the mean day
    patience, days: (n,) of everybody who joins the list over the pool's days; days: how long each would hold a place
    """
    if len(patience) == 0:
        return 0
    most_patient_first = np.argsort(-patience, kind="stable")
    needed = np.cumsum(days[most_patient_first]) / POOL_DAYS  # places held if so many are served
    served = int(np.searchsorted(needed, places, side="right"))
    return 0 if served >= len(patience) else int(min(patience[most_patient_first[served]], POOL_DAYS))


def _stays_by_queueing(plans: Plans, at_first: Plans, before: Capacity) -> Episodes:
    """The pool's stays that began before opening, found by running the queue over the two years before.

    at_first: the people whom the service has when the two years begin. They are copies of people of the pool, and only
        fill lists and places: their own stays are not in the answer, and those still there at opening are forgotten.
    before: the capacity over the two years
    """
    n = len(plans.joins_day)
    both = PlansInParts(n + len(at_first.joins_day))
    both.add(replace(plans, joins_day=plans.joins_day + np.int32(POOL_DAYS)))
    both.add(at_first)
    queue = engine_at_hand(both.n_clients)(both.combine(), before)
    queue = slice_of(queue, slice(0, int(np.searchsorted(queue.client, n))))

    def from_opening(day: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(day == NOT_YET, day, day - POOL_DAYS).astype(np.int32)

    return replace(
        queue,
        joined_day=from_opening(queue.joined_day),
        started_day=from_opening(queue.started_day),
        ended_day=from_opening(queue.ended_day),
    )
