"""Who goes on to another step: the day from which a client ending a course would count as a responder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.clients.remission import (
    Given,
    complexity_of,
    illness_of,
    over_from,
    principal_of,
    treatment_given,
    well_from,
)
from caseload_sim.clients.severity import Condition, Passing, at_end_of, condition_of, passing_at, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import FINISHED, NEVER, NO_STEP
from caseload_sim.pathway.assessment import TREATED, never_assessed
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags, Floats, rows_of, stacked


@dataclass(frozen=True, slots=True)
class Moves:
    """Where a client would go on to, by chance alone, both (n, s) int8 indices of steps or NO_STEP.

    down: without being asked, from the first course alone; up: accepted if offered. Somebody going down is not offered
        to go up
    """

    down: Codes
    up: Codes


def moves(scenario: Scenario, clients: Clients, first_course: Codes, draws: Draws, *, steps_up: bool) -> Moves:
    """Who would step down from each step, and who would accept to step up.

    first_course: (n,) int8, step of each client's first course; steps_up: whether the policy lets anybody go up or down at all

    Whoever has stepped up stays above: their course below is over, and going down to it would lead up again for ever.
    """
    shape = (len(clients.id), len(scenario.steps))
    down, up = (np.full(shape, NO_STEP, dtype=np.int8, order="F") for _ in range(2))
    for s, name, step in scenario.pathway.each_course() if steps_up else ():
        if step.steps_down_to and step.step_down_share:
            drawn = draws.uniform(f"step_down:{name}", clients.id) < step.step_down_share.value
            drawn &= first_course == s
            down[:, s][np.flatnonzero(drawn)] = scenario.steps.index(step.steps_down_to)
        if step.steps_up_to and step.step_up_acceptance:
            accepts = draws.uniform(f"step_up:{name}", clients.id) < step.step_up_acceptance.value
            up[:, s][np.flatnonzero(accepts)] = scenario.steps.index(step.steps_up_to)
    return Moves(down, up)


def reached_steps(first_course: Codes, exit_: Codes, may: Moves) -> NDArray[np.bool_]:
    """Which steps each client could reach, were there places and nobody gave up, (n, s) bool."""
    n, n_steps = may.up.shape
    there = np.zeros((n, n_steps), dtype=bool, order="F")
    treated = exit_ == TREATED
    for s in range(n_steps):
        there[:, s] = treated & (first_course == s)
    ways = []
    for s in range(n_steps):
        for leads_to in (may.down[:, s], may.up[:, s]):
            target = int(leads_to.max(initial=NO_STEP))  # there is one such step at most
            if target != NO_STEP:
                ways.append((s, target, leads_to == target))
    for _ in ways:  # as many moves as there can be without going in circles
        for s, target, goes in ways:
            there[:, target] |= there[:, s] & goes
    if n_steps:
        there[:, ASSESSMENT] = ~never_assessed(exit_)
    return there


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies ahead of each client, drawn before the queue runs: all that decides on which step follows which.

    first: (n,) int8, step of the first course; may, there: see `moves` and `reached_steps`
    attended: (n, s) int32, sessions of each course; ending: (n, s) int8, how it ends by itself
    target, response, booking_days: as in Care
    """

    first: Codes
    may: Moves
    there: NDArray[np.bool_]
    attended: NDArray[np.int32]
    ending: Codes
    target: Codes
    response: Floats
    booking_days: Days


@dataclass(frozen=True, slots=True)
class NextSteps:
    """Which step follows each, and when; columns as in Courses, each (n, s).

    inside_from: the end day, from joining the first list, from which on no step-up follows
    """

    inside_from: Days
    next_inside: Codes
    next_outside: Codes


def next_steps(scenario: Scenario, clients: Clients, draws: Draws, ahead: Ahead) -> NextSteps:
    """Where each course leads: up for who is offered it, accepts, and is no responder on the day it ends; or down.

    Stepping down, where a step has it, is by chance alone, and nobody who has stepped down steps up again.
    """
    shape, may = ahead.attended.shape, ahead.may
    inside_from = np.zeros(shape, dtype=np.int32, order="F")
    inside, outside = (np.full(shape, NO_STEP, dtype=np.int8, order="F") for _ in range(2))
    asked = []
    for s, _, _ in scenario.pathway.each_course():
        finished = ahead.there[:, s] & (ahead.ending[:, s] == FINISHED)
        down = np.flatnonzero(finished & (may.down[:, s] != NO_STEP))
        inside[:, s][down] = outside[:, s][down] = may.down[:, s][down]
        accepts = finished & (may.up[:, s] != NO_STEP)
        if accepts.any():
            offered = _offered(scenario, ahead, s, accepts)
            outside[:, s][offered.rows] = may.up[:, s][offered.rows]
            asked.append(offered)
    if asked:  # all courses at once: few are asked, and calling NumPy would take longer than its work
        rows, sessions = (np.concatenate([getattr(of, name) for of in asked]) for name in ("rows", "sessions"))
        some, contacts = rows_of(clients, rows), sessions.sum(axis=1, dtype=np.int32) + 1
        given = treatment_given(
            scenario, ahead.target[rows], ahead.response[rows], complexity_of(scenario, some), sessions, contacts
        )
        who = condition_of(scenario, some, illness_of(scenario, some, draws), draws)
        passing = stacked(
            *(passing_at(scenario, clients, at_end_of(scenario.steps[of.step]), draws, of.rows) for of in asked)
        )
        day = responder_from(scenario, who, passing, given)
        until = np.where(day == NEVER, NEVER, day - ahead.booking_days[rows])
        for of, theirs in zip(asked, np.split(until, np.cumsum([len(of.rows) for of in asked])[:-1]), strict=True):
            inside_from[:, of.step][of.rows] = theirs
    return NextSteps(inside_from, inside, outside)


@dataclass(frozen=True, slots=True)
class _Offered:
    """Who would be offered to step up at the end of a course unless they are responders.

    rows: (k,) clients; step: of the course; sessions: (k, s) int32, attended at each step by its end
    """

    rows: NDArray[np.intp]
    step: int
    sessions: NDArray[np.int32]


def _offered(scenario: Scenario, ahead: Ahead, step: int, accepts: NDArray[np.bool_]) -> _Offered:
    """Who comes to the end of this step and would accept: whose first course it is, and who has stepped up to it.

    Whoever reaches a step from below has had the sessions of every step from the first course on.
    """
    n_steps = ahead.attended.shape[1]
    earlier = {begun: passed for begun in range(n_steps) if (passed := steps_between(scenario, begun, step))}
    rows = np.flatnonzero(accepts)
    rows = rows[np.isin(ahead.first[rows], [step, *earlier])]
    sessions = np.zeros((len(rows), n_steps), dtype=np.int32)
    sessions[:, step] = ahead.attended[:, step][rows]
    for begun, passed in earlier.items():
        here = ahead.first[rows] == begun
        for s in passed:
            sessions[here, s] = ahead.attended[:, s][rows[here]]
    return _Offered(rows, step, sessions)


def steps_between(scenario: Scenario, first: int, last: int) -> list[int]:
    """The steps through which stepping up leads from `first` to `last`, the last left out; none if it does not lead there."""
    leads_to = {s: step.steps_up_to for s, _, step in scenario.pathway.each_course()}
    passed, here = [], first
    while here != last:
        passed.append(here)
        following = leads_to.get(here)
        if following is None:
            return []
        here = scenario.steps.index(following)
    return passed


def longest_days(scenario: Scenario) -> int:
    """Days from the first referral of a running start until after the horizon: what stands for "never" in a search."""
    return POOL_DAYS + scenario.run.horizon_days + 1


def responder_from(scenario: Scenario, who: Condition, passing: Passing, given: Given) -> Days:
    """First day since referral on which a client ending treatment would be below both cut-offs, (n,) int32; or NEVER.

    Scores of one reading only fall, and only on a day on which a problem is over: so the day is the first, or one of those
    days, found by halving among them with the very function by which everybody is read afterwards.
    """
    last_day = longest_days(scenario) - 1
    result = np.full(len(given.strength), NEVER, dtype=np.int32)

    def well(rows: NDArray[np.intp], day: Days) -> NDArray[np.bool_]:
        return below_caseness(*scores_on(scenario, who, passing.rows(rows), day, given.rows(rows), rows))

    rows = np.arange(len(result))
    at_once = well(rows, np.zeros(len(rows), dtype=np.int32))
    result[at_once] = 0
    rows = rows[~at_once]
    rows = rows[well(rows, np.full(len(rows), last_day, dtype=np.int32))]
    first_over = over_from(scenario, who.illness.rows(rows), given.rows(rows), last_day + 1)
    days = np.minimum(np.sort(first_over, axis=1), last_day)
    low, high = np.zeros(len(rows), dtype=np.intp), np.full(len(rows), days.shape[1] - 1, dtype=np.intp)
    while len(open_ := np.flatnonzero(low < high)):  # well on the day at `high`, whatever is between
        middle = (low + high)[open_] // 2
        enough = well(rows[open_], days[open_, middle])
        low[open_], high[open_] = np.where(enough, low[open_], middle + 1), np.where(enough, middle, high[open_])
    result[rows] = days[np.arange(len(rows)), high]
    return result


def no_longer_come_from(scenario: Scenario, clients: Clients, draws: Draws, asked: Flags | None = None) -> Days:
    """First day since referral on which a client would not come to a first session, being well again, (n,) int32; or NEVER.

    asked: (n,) bool, of whom it is asked, NEVER for all others; everybody if None
    """
    longest, day = longest_days(scenario), np.full(len(clients.id), NEVER, dtype=np.int32)
    stays_away = draws.uniform("well_leaves", clients.id) < scenario.outcome.endings.well_do_not_come.value
    rows = np.flatnonzero(stays_away if asked is None else stays_away & asked)
    well = well_from(scenario, principal_of(scenario, clients, draws, rows), longest)
    day[rows] = np.where(well < longest, well, NEVER)
    return day
