"""Who goes on to another step: days on which a client ending a course would count as a responder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import GAD7_CASENESS, PHQ9_CASENESS, Line
from caseload_sim.clients.severity import Trajectory, elapsed, score_lines, trajectory, treated_by
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import FINISHED, NEVER, NO_STEP
from caseload_sim.pathway.assessment import TREATED, never_assessed
from caseload_sim.pathway.demand import POOL_DAYS
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Floats, rows_of, stacked


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
            down[:, s][drawn] = scenario.steps.index(step.steps_down_to)
        if step.steps_up_to and step.step_up_acceptance:
            accepts = draws.uniform(f"step_up:{name}", clients.id) < step.step_up_acceptance.value
            up[:, s][accepts] = scenario.steps.index(step.steps_up_to)
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
    target, therapist, booking_days: (n,), as in Care
    """

    first: Codes
    may: Moves
    there: NDArray[np.bool_]
    attended: NDArray[np.int32]
    ending: Codes
    target: Codes
    therapist: Floats
    booking_days: Days


@dataclass(frozen=True, slots=True)
class NextSteps:
    """Which step follows each, and when; columns as in Courses, each (n, s).

    The interval is of the end days, from joining the first list, on which no step-up follows.
    """

    inside_from: Days
    inside_to: Days
    next_inside: Codes
    next_outside: Codes


def next_steps(scenario: Scenario, clients: Clients, draws: Draws, ahead: Ahead) -> NextSteps:
    """Where each course leads: up for who is offered it, accepts, and is no responder on the day it ends; or down.

    Stepping down, where a step has it, is by chance alone, and nobody who has stepped down steps up again.
    """
    shape, may = ahead.attended.shape, ahead.may
    inside_from = np.zeros(shape, dtype=np.int32, order="F")
    inside_to = np.full(shape, NEVER, dtype=np.int32, order="F")
    inside, outside = (np.full(shape, NO_STEP, dtype=np.int8, order="F") for _ in range(2))
    asked = []
    for s, _, _ in scenario.pathway.each_course():
        finished = ahead.there[:, s] & (ahead.ending[:, s] == FINISHED)
        down = finished & (may.down[:, s] != NO_STEP)
        inside[:, s][down] = outside[:, s][down] = may.down[:, s][down]
        accepts = finished & (may.up[:, s] != NO_STEP)
        if accepts.any():
            offered = _offered(scenario, ahead, s, accepts)
            outside[:, s][offered.rows] = may.up[:, s][offered.rows]
            asked.append(offered)
    if asked:
        of = stacked(*asked)
        everybody = np.unique(of.rows)
        path = trajectory(scenario, rows_of(clients, everybody), draws).rows(np.searchsorted(everybody, of.rows))
        contacts = of.sessions.sum(axis=1, dtype=np.int32) + 1
        first, last = responder_days(
            scenario, path, ahead.target[of.rows], ahead.therapist[of.rows], of.sessions, contacts
        )
        inside_from[of.rows, of.step] = first - ahead.booking_days[of.rows]
        inside_to[of.rows, of.step] = last - ahead.booking_days[of.rows]
    return NextSteps(inside_from, inside_to, inside, outside)


@dataclass(frozen=True, slots=True)
class _Offered:
    """Who would be offered to step up at the end of a course unless they are responders.

    rows: (k,) clients; step: (k,), of the course; sessions: (k, s) int32, attended at each step by its end
    """

    rows: NDArray[np.intp]
    step: NDArray[np.intp]
    sessions: NDArray[np.int32]


def _offered(scenario: Scenario, ahead: Ahead, step: int, accepts: NDArray[np.bool_]) -> _Offered:
    """Who comes to the end of this step and would accept: whose first course it is, and who has stepped up to it.

    Whoever reaches a step from below has had the sessions of every step from the first course on.
    """
    n_steps = ahead.attended.shape[1]
    earlier = {begun: passed for begun in range(n_steps) if (passed := steps_between(scenario, begun, step))}
    comes_by = np.isin(ahead.first, [step, *earlier])
    rows = np.flatnonzero(accepts & comes_by)
    sessions = np.zeros((len(rows), n_steps), dtype=np.int32)
    sessions[:, step] = ahead.attended[:, step][rows]
    for begun, passed in earlier.items():
        here = ahead.first[rows] == begun
        for s in passed:
            sessions[here, s] = ahead.attended[:, s][rows[here]]
    return _Offered(rows, np.full(len(rows), step), sessions)


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


def responder_days(
    scenario: Scenario,
    path: Trajectory,
    target: Codes,
    therapist: Floats,
    sessions: NDArray[np.int32],
    contacts: NDArray[np.int32],
) -> tuple[Days, Days]:
    """Days since referral, first and last, on which a client ending treatment would be below both cut-offs.

    Each score moves one way in time (elapsed() does, and everything else stands still), so the days on which it is
    below its cut-off are a run from the start, a run to the end, all or none: found by halving, with the very function
    that outcomes are read with. Where the two scores never agree, first > last.
    Returns two (n,) int32.
    """
    treated = treated_by(scenario, target, therapist, sessions, contacts)
    longest = POOL_DAYS + scenario.run.horizon_days + 1  # from the first day of a running start to the end
    n = len(target)
    first, last = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)
    progress_by_day = elapsed(path.pace, np.arange(longest + 1, dtype=np.int32))
    for line, caseness in zip(score_lines(scenario, path, treated), (PHQ9_CASENESS, GAD7_CASENESS), strict=True):
        at_start, at_end = (line.score(progress_by_day[day]) < caseness for day in (0, longest))
        from_day = np.where(at_start, 0, longest + 1).astype(np.int32)
        until_day = np.where(at_end, longest, -1).astype(np.int32)
        turns = np.flatnonzero(at_start != at_end)
        turned = _turning_day(rows_of(line, turns), caseness, progress_by_day, at_start[turns])
        from_day[turns] = np.where(at_start[turns], 0, turned)
        until_day[turns] = np.where(at_start[turns], turned - 1, longest)
        first, last = np.maximum(first, from_day), np.minimum(last, until_day)
    return first, last


def _turning_day(line: Line, caseness: int, progress_by_day: Floats, at_start: NDArray[np.bool_]) -> Days:
    """First day on which the answer "below the cut-off" is no longer that of day 0, as it is not on the last, (n,) int32."""
    n, longest = len(line.start), len(progress_by_day) - 1

    def narrowed(low: Days, high: Days, day: Days) -> tuple[Days, Days]:
        same = (line.score(progress_by_day[day]) < caseness) == at_start
        return np.where(same, day, low), np.where(same, high, day)

    guess = np.searchsorted(progress_by_day, line.progress_at(caseness - 0.5)).clip(1, longest - 1).astype(np.int32)
    low, high = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)  # the answer at `low` is that of day 0
    low, high = narrowed(low, high, guess)
    low, high = narrowed(low, high, np.where(high == guess, guess - 1, guess + 1))
    while np.any(high - low > 1):  # where the guess was wrong, by rounding
        low, high = narrowed(low, high, (low + high) // 2)
    return high
