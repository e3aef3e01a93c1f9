"""What each client would receive at each step, and how long they would wait: all drawn before the queue runs.

Whatever depends on the queue becomes a whole number here: a wait that ends in giving up is a patience in
days, and stepping up is an interval of end days on which the client would count as a responder.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients import Clients
from caseload_sim.draws import Draws, Floats, counts_from_uniform
from caseload_sim.policies import POLICIES, Known
from caseload_sim.scenario import CourseStep, Scenario, Step
from caseload_sim.severity import Trajectory, below_caseness, scores_after, treated_by

NOT_YET = np.iinfo(np.int32).min  # a day that has not happened
NEVER = np.iinfo(np.int32).max  # a patience without end
NO_STEP = -1
NO_CLIENT = -1
NOT_YET_ENDED, GAVE_UP, ASSESSED, FINISHED, DROPPED_OUT = range(5)
ENDINGS = ("not_yet", "gave_up", "assessed", "finished", "dropped_out")
# How a referral ends without a course: before any contact, or after the assessment.
EXITS = ("treated", "no_service", "not_suitable", "declined", "not_assessed", "advice", "declined_treatment")
TREATED, NO_SERVICE, NOT_SUITABLE, DECLINED, NOT_ASSESSED, ADVICE, DECLINED_TREATMENT = range(7)
_LONGEST_WAIT = 100_000

Days = NDArray[np.int32]
Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Courses:
    """What the engine needs to know of each client, in whole numbers (n clients, s steps).

    joins_day: (n,) day of joining the first list; NOT_YET for a return whose day the engine finds
    first_step: (n,) index of the first step, NO_STEP if never joining
    course_days: (n, s) days a place is held, >= 1; patience_days: (n, s) >= 1, or NEVER
    priority: (n, s) lower starts first; ending: (n, s) index into ENDINGS when the course ends by itself
    inside_from, inside_to: (n, s) days of ending, both inclusive, on which `next_inside` follows; else `next_outside`
    started_day: (n,) for a running start, the day (< 0) on which the first course began, else NOT_YET
    returns_as: (n,) row that this client returns as after leaving, or NO_CLIENT; return_after_days: (n,) >= 1
    """

    joins_day: Days
    first_step: Codes
    course_days: Days
    patience_days: Days
    priority: Days
    ending: Codes
    inside_from: Days
    inside_to: Days
    next_inside: Codes
    next_outside: Codes
    started_day: Days
    returns_as: Days
    return_after_days: Days


@dataclass(frozen=True, slots=True)
class Care:
    """What care would be like, beyond what the queue needs to know.

    target: (n,) int8, index of the recorded problem, which is what is treated
    right_target: (n,) bool, the recorded problem is the most severe disorder
    therapist: (n,) float64, multiplier of the effect
    attended, missed: (n, s) int32, sessions if the step is reached and not interrupted
    exit: (n,) int8, index into EXITS: how the referral ends when it never reaches a course
    """

    target: Codes
    right_target: NDArray[np.bool_]
    therapist: Floats
    attended: NDArray[np.int32]
    missed: NDArray[np.int32]
    exit: Codes


def draw_courses(scenario: Scenario, clients: Clients, path: Trajectory, draws: Draws) -> tuple[Courses, Care]:
    """Draw everything that would happen to each client, were there always a free place."""
    n, steps = len(clients.id), list(scenario.pathway.steps.items())
    shape = (n, len(steps))
    attended, missed = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.int32)
    course_days, patience = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.int32)
    ending = np.empty(shape, dtype=np.int8)
    for s, (name, step) in enumerate(steps):
        attended[:, s], ending[:, s] = _sessions(name, step, clients, draws)
        u = draws.uniform(f"missed:{name}", clients.id)
        missed[:, s] = _missed(u, attended[:, s], step.missed_share.value)
        booked = attended[:, s] + missed[:, s]
        between = step.days_between_sessions.value if isinstance(step, CourseStep) else 1.0
        held = np.rint(between * (booked - 1)) if isinstance(step, CourseStep) else booked
        course_days[:, s] = np.clip(held, 1, _LONGEST_WAIT)  # rule R5
        waits = draws.exponential_days(f"patience:{name}", clients.id, step.patience_mean_days.value)
        patience[:, s] = np.minimum(waits, _LONGEST_WAIT) + 1
    care, first_course = _care(scenario, clients, path, draws, attended, missed)
    inside, following = _step_up(scenario, clients, path, draws, care, ending, first_course)
    never_assessed = np.isin(care.exit, (NO_SERVICE, NOT_SUITABLE, DECLINED, NOT_ASSESSED))
    after_assessment = np.where(np.isin(care.exit, (ADVICE, DECLINED_TREATMENT)), NO_STEP, first_course)
    next_inside = np.full(shape, NO_STEP, dtype=np.int8)
    next_outside = following
    for s, (_, step) in enumerate(steps):
        if step.kind == "assessment":
            next_inside[:, s] = next_outside[:, s] = after_assessment
    booking = draws.exponential_days("booking", clients.id, scenario.pathway.booking_days_mean.value)
    courses = Courses(
        joins_day=clients.referral_day + np.minimum(booking, _LONGEST_WAIT),
        first_step=np.where(never_assessed, NO_STEP, 0).astype(np.int8),  # the first step is the assessment
        course_days=course_days,
        patience_days=patience,
        priority=np.zeros(shape, dtype=np.int32),
        ending=ending,
        inside_from=inside[0],
        inside_to=inside[1],
        next_inside=next_inside,
        next_outside=next_outside,
        started_day=np.full(n, NOT_YET, dtype=np.int32),
        returns_as=np.full(n, NO_CLIENT, dtype=np.int32),
        return_after_days=np.ones(n, dtype=np.int32),
    )
    return courses, care


def check_courses(courses: Courses) -> None:
    """Assert what engines rely on: rule R5, and in a running start nothing that ended before opening (rule R0)."""
    assert courses.course_days.min(initial=1) >= 1, "rule R5: a course lasts at least a day"
    assert courses.patience_days.min(initial=1) >= 1, "rule R5: a patience lasts at least a day"
    assert courses.return_after_days.min(initial=1) >= 1, "rule R5: a return takes at least a day"
    early = np.flatnonzero((courses.joins_day < 0) & (courses.joins_day != NOT_YET) & (courses.first_step >= 0))
    step, joined, began = courses.first_step[early], courses.joins_day[early], courses.started_day[early]
    ends = began.astype(np.int64) + courses.course_days[early, step]
    gives_up = joined.astype(np.int64) + courses.patience_days[early, step]
    held = began != NOT_YET
    assert np.all((began[held] >= joined[held]) & (began[held] < 0)), "rule R0: held since before opening"
    assert np.all(np.where(held, ends, gives_up) >= 0), "rule R0: whoever left before opening is not in the table"


def _sessions(name: str, step: Step, clients: Clients, draws: Draws) -> tuple[NDArray[np.int32], Codes]:
    """Sessions attended, (n,) int32 >= 1, and how the course ends, (n,) int8."""
    n = len(clients.id)
    if not isinstance(step, CourseStep):
        return np.ones(n, dtype=np.int32), np.full(n, ASSESSED, dtype=np.int8)
    beyond_first = max(step.planned_sessions_mean.value - 1, 0.0)
    u = draws.uniform(f"planned_sessions:{name}", clients.id)
    planned = 1 + counts_from_uniform(u, beyond_first, step.planned_sessions_shape.value)
    chance = step.drop_out_per_session.value
    if chance in (0, 1):
        stays = np.where(chance == 1, 1, planned).astype(np.int32)
    else:
        leaves_after = np.log(draws.uniform(f"drop_out:{name}", clients.id)) / np.log1p(-chance)
        stays = 1 + np.minimum(leaves_after, 1e6).astype(np.int32)
    ending = np.where(stays < planned, DROPPED_OUT, FINISHED).astype(np.int8)
    return np.minimum(planned, stays).astype(np.int32), ending


def _missed(u: Floats, attended: NDArray[np.int32], share: float) -> NDArray[np.int32]:
    """Sessions missed before the last attended one: negative binomial, mean attended * share / (1 - share)."""
    missed = np.zeros(len(u), dtype=np.int32)
    odds = share / (1 - share)
    for number in np.unique(attended):
        rows = attended == number
        missed[rows] = counts_from_uniform(u[rows], float(number) * odds, float(number))
    return missed


def _care(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    draws: Draws,
    attended: NDArray[np.int32],
    missed: NDArray[np.int32],
) -> tuple[Care, Codes]:
    """What is recorded, treated and decided at assessment; and the step of the first course, (n,) int8."""
    ids, names = clients.id, clients.disorder_names
    target, principal = recorded_problem(scenario, clients, draws)
    phq9, gad7 = scores_after(scenario, path, np.zeros(len(ids), dtype=np.int32), at_end=False)
    known = Known(target, names, phq9, gad7, _flags(scenario, clients, draws))
    therapist = 1 + scenario.outcome.treatment.therapist_sd.value * draws.normal("therapist", ids)
    care = Care(
        target=target,
        right_target=target == principal,
        therapist=np.maximum(therapist, 0.0),
        attended=attended,
        missed=missed,
        exit=_exits(scenario, clients, draws),
    )
    return care, _first_course(scenario, known, draws.uniform("route", ids))


def recorded_problem(scenario: Scenario, clients: Clients, draws: Draws) -> tuple[Codes, Codes]:
    """The problem that the service records, and the most severe disorder, as indices of disorders, each (n,) int8."""
    routing, names = scenario.pathway.routing, clients.disorder_names
    principal = np.argmax(clients.severity, axis=1).astype(np.int8)
    others = [names.index(name) for name in routing.otherwise_recorded if name in names] or [0]
    which = (draws.uniform("problem_other", clients.id) * len(others)).astype(np.int64)
    looked_right = draws.uniform("problem_right", clients.id) < routing.right_problem.value
    return np.where(looked_right, principal, np.array(others)[which]).astype(np.int8), principal


def _flags(scenario: Scenario, clients: Clients, draws: Draws) -> Codes:
    flags = np.zeros(len(clients.id), dtype=np.int8)
    for name, chance in scenario.pathway.routing.disclosure.items():
        flags += clients.has(name) & (draws.uniform(f"disclosure:{name}", clients.id) < chance.value)
    return flags


def _first_course(scenario: Scenario, known: Known, u: Floats) -> Codes:
    policy = POLICIES[scenario.pathway.policy]
    if not policy.steps:
        return np.full(len(u), NO_STEP, dtype=np.int8)
    index = [scenario.steps.index(name) for name in policy.steps]
    last = u < policy.chance_of_last(known, scenario.pathway.routing)
    return np.where(last, index[-1], index[0]).astype(np.int8)


def _exits(scenario: Scenario, clients: Clients, draws: Draws) -> Codes:
    """How each referral ends when it never reaches a course, (n,) int8; TREATED when nothing stands in the way."""
    pathway, ids = scenario.pathway, clients.id
    attendance = pathway.attendance
    logit = attendance.intercept.value + attendance.per_emotional_disorder.value * clients.count(
        scenario, "emotional_disorder"
    )
    for name, effect in attendance.by_condition.items():
        logit = logit + effect.value * clients.has(name)
    exits = np.full(len(ids), TREATED, dtype=np.int8)
    exits[draws.uniform("attendance", ids) >= 1 / (1 + np.exp(-logit))] = DECLINED_TREATMENT
    exits[draws.uniform("advice", ids) < pathway.discharged_with_advice.value] = ADVICE
    edges = np.cumsum([pathway.not_suitable.value, pathway.declined.value, pathway.not_assessed.value])
    before = np.searchsorted(edges, draws.uniform("before_assessment", ids), side="right")
    for i, code in enumerate((NOT_SUITABLE, DECLINED, NOT_ASSESSED)):
        exits[before == i] = code
    if not POLICIES[pathway.policy].steps:
        exits[:] = NO_SERVICE
    return exits


def _step_up(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    draws: Draws,
    care: Care,
    ending: Codes,
    first_course: Codes,
) -> tuple[tuple[Days, Days], Codes]:
    """End days on which no step-up follows, as (from, to) each (n, s); and the step that follows outside them.

    Whoever reaches a step from below has had the sessions of every step from the first course on.
    """
    shape = ending.shape
    inside_from, inside_to = np.zeros(shape, dtype=np.int32), np.full(shape, NEVER, dtype=np.int32)
    following = np.full(shape, NO_STEP, dtype=np.int8)
    stepping = POLICIES[scenario.pathway.policy].steps_up
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        if not (stepping and isinstance(step, CourseStep) and step.steps_up_to and step.step_up_acceptance):
            continue
        accepts = draws.uniform(f"step_up:{name}", clients.id) < step.step_up_acceptance.value
        rows = np.flatnonzero(accepts & (ending[:, s] == FINISHED))
        following[rows, s] = scenario.steps.index(step.steps_up_to)
        sessions = np.zeros((len(rows), shape[1]), dtype=np.int32)
        sessions[:, s] = care.attended[rows, s]
        for begun in range(shape[1]):
            below = np.flatnonzero(first_course[rows] == begun)
            for earlier in _steps_between(scenario, begun, s):
                sessions[below, earlier] = care.attended[rows[below], earlier]
        first, last = responder_days(
            scenario,
            path.rows(rows),
            care.target[rows],
            care.therapist[rows],
            sessions,
            sessions.sum(axis=1, dtype=np.int32) + 1,
        )
        inside_from[rows, s] = clients.referral_day[rows] + first
        inside_to[rows, s] = clients.referral_day[rows] + last
    return (inside_from, inside_to), following


def _steps_between(scenario: Scenario, first: int, last: int) -> list[int]:
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

    def below(days: Days, which: int) -> NDArray[np.bool_]:
        phq9, gad7 = scores_after(scenario, path, days, treated)
        never_case = np.zeros(len(days), dtype=np.int8)
        return below_caseness(phq9, never_case) if which == 0 else below_caseness(never_case, gad7)

    n = len(target)
    first, last = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)
    for which in (0, 1):
        at_start = below(np.zeros(n, dtype=np.int32), which)
        at_end = below(np.full(n, longest, dtype=np.int32), which)
        low, high = np.zeros(n, dtype=np.int32), np.full(n, longest, dtype=np.int32)
        while np.any(high - low > 1):  # invariant: the answer at `low` is at_start, at `high` at_end
            middle = (low + high) // 2
            same = below(middle, which) == at_start
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        first = np.maximum(first, np.where(at_start, 0, np.where(at_end, high, longest + 1)))
        last = np.minimum(last, np.where(at_end, longest, np.where(at_start, low, -1)))
    return first.astype(np.int32), last.astype(np.int32)
