"""Who comes back, and when: those treated who relapse by the rule by which everybody is read, found together with the queue.

Whether somebody relapses depends on what was over at the end and on the last score, so on when the queue let them in; and who
comes back joins the queue. So the queue is run without returns, clients are read, and the queue is run again with those who
then relapse, until a run ends with the returns that it was given. That comes about, because a return acts only on later days
than its cause: each run is right for at least a day more than the one before, and mostly the third or fourth is right to the
horizon.
"""

import numpy as np

from caseload_sim.clients.remission import illness_of
from caseload_sim.clients.severity import condition_of
from caseload_sim.engines.engine import Engine
from caseload_sim.engines.episodes import Episodes, stays_of
from caseload_sim.engines.plans import NEVER, NO_CLIENT, Capacity, Plans
from caseload_sim.outcomes.outcomes import days_until_relapse
from caseload_sim.simulation.intake import Intake, Rows
from caseload_sim.support.columns import Days
from caseload_sim.support.threads import each_in_order


def plans_with_returns(intake: Intake, capacity: Capacity, engine: Engine) -> Plans:
    """The plans of everybody, those who come back included, for an engine. Can be called only once, as `Intake.plans`."""
    plans = intake.plans()
    if len(intake.parents):
        with_returns(intake, plans, capacity, engine(plans, capacity), engine)
    return plans


def with_returns(intake: Intake, plans: Plans, capacity: Capacity, queue: Episodes, engine: Engine) -> Episodes:
    """Run the queue with those who come back, and write who they are, and after how many days, into the plans.

    queue: as it is when nobody comes back
    """
    rows = intake.n_first + np.arange(len(intake.parents))
    before = np.full(len(rows), NEVER, dtype=np.int32)
    while not np.array_equal(delay := _days_until_relapse(intake, queue), before):
        comes = delay != NEVER
        plans.returns_as[intake.parents] = np.where(comes, rows, NO_CLIENT)
        # Referred on the day of the relapse, and on a list once booked.
        after = np.where(comes, delay, 0) + intake.booking_days[rows]
        plans.return_after_days[intake.parents] = np.where(comes, np.maximum(after, 1), 1)
        queue, before = engine(plans, capacity), delay
    return queue


def _days_until_relapse(intake: Intake, queue: Episodes) -> Days:
    """Days from the end until each of those who would come back relapses, (k,) int32; NEVER for who does not."""

    def each(part: Rows) -> Days:
        scenario, clients, care = intake.tables_of(part)
        who = condition_of(scenario, clients, illness_of(scenario, clients, intake.draws), intake.draws)
        return days_until_relapse(scenario, clients, who, care, stays_of(queue, part), intake.draws)

    return np.concatenate(list(each_in_order(each, intake.parts_of(intake.parents))))
