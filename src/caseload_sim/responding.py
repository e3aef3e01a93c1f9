"""Who goes on to another step: days on which a client ending a course would count as a responder."""

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients import Clients
from caseload_sim.courses import FINISHED, NEVER, NO_STEP, Codes, Days
from caseload_sim.draws import Draws, Floats
from caseload_sim.pathway import CourseStep
from caseload_sim.scenario import Scenario
from caseload_sim.severity import (
    GAD7_CASENESS,
    PHQ9_CASENESS,
    Line,
    Trajectory,
    elapsed,
    score_lines,
    treated_by,
)


def next_steps(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    draws: Draws,
    therapist: Floats,
    target: Codes,
    attended: NDArray[np.int32],
    ending: Codes,
    first_course: Codes,
    booking_days: Days,
    *,
    steps_up: bool,
) -> tuple[Days, Days, Codes, Codes]:
    """End days, from joining the first list, on which no step-up follows; and the step that follows inside and outside them.

    steps_up: whether the policy lets anybody go up or down at all

    Whoever reaches a step from below has had the sessions of every step from the first course on. Stepping down, where
    a step has it, is by chance alone, and nobody who has stepped down steps up again.
    Returns (inside_from, inside_to, next_inside, next_outside), each (n, s).
    """
    shape = attended.shape
    inside_from, inside_to = np.zeros(shape, dtype=np.int32), np.full(shape, NEVER, dtype=np.int32)
    inside, outside = np.full(shape, NO_STEP, dtype=np.int8), np.full(shape, NO_STEP, dtype=np.int8)
    if not steps_up:
        return inside_from, inside_to, inside, outside
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        if not isinstance(step, CourseStep):
            continue
        finished = ending[:, s] == FINISHED
        if step.steps_down_to and step.step_down_share:
            down = finished & (draws.uniform(f"step_down:{name}", clients.id) < step.step_down_share.value)
            inside[down, s] = outside[down, s] = scenario.steps.index(step.steps_down_to)
        if not (step.steps_up_to and step.step_up_acceptance):
            continue
        accepts = draws.uniform(f"step_up:{name}", clients.id) < step.step_up_acceptance.value
        sessions = np.zeros(shape, dtype=np.int32)
        sessions[:, s] = attended[:, s]
        comes_by = first_course == s
        for begun in range(shape[1]):
            earlier = steps_between(scenario, begun, s)
            below = (first_course == begun) & bool(earlier)
            comes_by |= below
            for passed in earlier:
                sessions[below, passed] = attended[below, passed]
        rows = np.flatnonzero(accepts & finished & comes_by)
        outside[rows, s] = scenario.steps.index(step.steps_up_to)
        given = sessions[rows]
        first, last = responder_days(
            scenario, path.rows(rows), target[rows], therapist[rows], given, given.sum(axis=1, dtype=np.int32) + 1
        )
        inside_from[rows, s] = first - booking_days[rows]
        inside_to[rows, s] = last - booking_days[rows]
    return inside_from, inside_to, inside, outside


def steps_between(scenario: Scenario, first: int, last: int) -> list[int]:
    """The steps through which stepping up leads from `first` to `last`, the last left out; none if it does not lead there."""
    steps, passed, here = list(scenario.pathway.steps.values()), [], first
    while here != last:
        passed.append(here)
        step = steps[here]
        following = step.steps_up_to if isinstance(step, CourseStep) else None
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
    that outcomes.py uses. Where the two scores never agree, first > last.
    Returns two (n,) int32.
    """
    treated = treated_by(scenario, target, therapist, sessions, contacts)
    longest = scenario.run.horizon_days + 1
    n = len(target)
    first, last = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)
    progress_by_day = elapsed(path.pace, np.arange(longest + 1, dtype=np.int32))
    for line, caseness in zip(score_lines(scenario, path, treated), (PHQ9_CASENESS, GAD7_CASENESS), strict=True):
        low, high, at_start, at_end = _halve(line, caseness, progress_by_day)
        first = np.maximum(first, np.where(at_start, 0, np.where(at_end, high, longest + 1)))
        last = np.minimum(last, np.where(at_end, longest, np.where(at_start, low, -1)))
    return first.astype(np.int32), last.astype(np.int32)


def _halve(
    line: Line, caseness: int, progress_by_day: Floats
) -> tuple[Days, Days, NDArray[np.bool_], NDArray[np.bool_]]:
    """Last day on which the answer "below the cut-off" is that of day 0, the day after it, and the answers at both ends."""
    n, longest = len(line.start), len(progress_by_day) - 1
    low, high = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)
    at_start = line.score(progress_by_day[low]) < caseness
    at_end = line.score(progress_by_day[high]) < caseness
    while np.any(high - low > 1):  # invariant: the answer at `low` is at_start, at `high` at_end
        middle = (low + high) // 2
        same = (line.score(progress_by_day[middle]) < caseness) == at_start
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return low, high, at_start, at_end
