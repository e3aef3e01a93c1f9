"""What each client would receive at each step, and how long they would wait: all drawn before the queue runs.

Whatever depends on the queue becomes a whole number here: a wait that ends in giving up is a patience in days, and
whether a client steps up is the first day of ending from which the client would count as a responder.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, of_the_person, people
from caseload_sim.clients.remission import complexity_of
from caseload_sim.clients.severity import scores_at_referral
from caseload_sim.draws.distributions import binomial
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import (
    FINISHED,
    LONGEST_DAYS,
    NEVER,
    NO_CLIENT,
    NO_STEP,
    NOT_YET,
    Courses,
    Plans,
    plans_of,
)
from caseload_sim.pathway.assessment import (
    TREATED,
    disclosed_conditions,
    exits,
    first_course,
    leaves_at_assessment,
    never_assessed,
    recorded_problem,
)
from caseload_sim.pathway.sessions import (
    NOT_REACHED,
    attended_sessions,
    booking_days,
    drop_out_by_complexity,
    drop_out_effects,
    lag_days,
    missed_sessions,
    missed_shares,
    modality_of,
    patience_days,
    patience_factor,
)
from caseload_sim.pathway.stepping import Ahead, moves, next_steps, no_longer_come_from, reached_steps
from caseload_sim.scenario.pathway import ASSESSMENT, CourseStep
from caseload_sim.scenario.policies import POLICIES, Decision, Known, Policy
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags, Floats, Ids, by_name, read_only

Table = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Care:
    """What care would be like, beyond what the queue needs to know.

    target: (n,) int8, index of the recorded problem, which is what is treated
    right_target: (n,) bool, the recorded problem is the most severe disorder
    response: (n, s) float64, multiplier of the effect at each step: the client's therapist there, and the area
    attended, missed: (n, s) int32, booked contacts that were attended, and that were missed or cancelled, if the step is
        reached and not interrupted; 1 and 0 at steps that the client cannot reach
    booking_days: (n,) int32, from referral to joining the first list
    lag_days: (n, s) int32, from the offer of a place to the first session
    modality: (n,) int8, index into `pathway.modalities`, or -1 for those whom none reaches
    exit: (n,) int8, index into EXITS: how the referral ends when it never reaches a course
    assessment_coded_low: (n,) bool, the assessment of somebody sent straight to high intensity is coded low intensity
    reason_recorded: (n,) bool, the service records why the referral ended
    disclosed: (n, f) bool, what the client tells at assessment, columns as `pathway.routing.disclosure`
    lot: (n,) int8, 1 or 2 by the toss of a coin, the same whenever the person is referred: which arm of a trial they are in
    """

    target: Codes
    right_target: NDArray[np.bool_]
    response: Floats
    attended: Table
    missed: Table
    booking_days: Days
    lag_days: Table
    modality: Codes
    exit: Codes
    assessment_coded_low: NDArray[np.bool_]
    reason_recorded: NDArray[np.bool_]
    disclosed: Flags
    lot: Codes


Drawn = tuple[Clients, Plans, Care]


def draw_courses(
    scenario: Scenario, clients: Clients, draws: Draws, policy: Policy | None = None
) -> tuple[Courses, Care]:
    """Draw everything that would happen to each client, were there always a free place.

    policy: the one that the scenario names if None
    """
    policy = policy or POLICIES[scenario.pathway.policy]
    care, ahead, queueing = _draw(scenario, clients, draws, policy)
    n = len(clients.id)
    following = next_steps(scenario, clients, draws, ahead)
    well_after = _well_after(scenario, clients, care, ahead.first, draws)
    # After the assessment comes the first course; nothing for those who stop there, or would be well by the soonest first session.
    following.next_outside[:, ASSESSMENT] = ahead.first
    following.next_outside[:, ASSESSMENT][np.flatnonzero(leaves_at_assessment(care.exit))] = NO_STEP
    following.inside_from[:, ASSESSMENT] = well_after.min(axis=1)
    day, first_step = clients.referral_day, np.full(n, ASSESSMENT, dtype=np.int8)
    first_step[np.flatnonzero(never_assessed(care.exit))] = NO_STEP
    return Courses(
        joins_day=np.where(day == NOT_YET, NOT_YET, day + care.booking_days).astype(np.int32),
        first_step=first_step,
        course_days=queueing.course_days,
        patience_days=queueing.patience_days,
        priority=_priority(scenario, queueing.decision, n),
        ending=ahead.ending,
        **by_name(following),
        well_after=well_after,
        started_day=np.full(n, NOT_YET, dtype=np.int32),
        returns_as=np.full(n, NO_CLIENT, dtype=np.int32),
        return_after_days=np.ones(n, dtype=np.int32),
    ), care


def _well_after(scenario: Scenario, clients: Clients, care: Care, first: Codes, draws: Draws) -> Days:
    """Days from joining the first list from which a client, well again, no longer waits for the first course, (n, s) int32.

    NEVER at all other steps, and for those who are never assessed. The first session follows the offer of a place by the client's lag: whoever is well by then even
    with a place at once is through with the assessment.
    """
    well = no_longer_come_from(scenario, clients, draws, ~never_assessed(care.exit))
    days = np.full(care.lag_days.shape, NEVER, dtype=np.int32, order="F")
    for s in range(len(scenario.steps)):
        rows = np.flatnonzero((first == s) & (well != NEVER))
        days[:, s][rows] = well[rows] - care.lag_days[:, s][rows] - care.booking_days[rows]
    return days


def draw_people(scenario: Scenario, ids: Ids, referral_day: Days, draws: Draws, policy: Policy) -> Drawn:
    """Who has these places in every random stream, referred on these days, and everything that would happen to them."""
    clients = people(scenario, draws, ids, referral_day)
    courses, care = draw_courses(scenario, clients, draws, policy)
    return clients, plans_of(courses), care


def draw_care(scenario: Scenario, clients: Clients, draws: Draws, policy: Policy) -> Care:
    """The care of `draw_courses` alone."""
    return _draw(scenario, clients, draws, policy)[0]


@dataclass(frozen=True, slots=True)
class _Queueing:
    """What the queue alone asks about each client: how long they hold a place, how long they would wait, and in what order.

    course_days, patience_days: (n, s) int32, as in Courses
    """

    decision: Decision
    course_days: Table
    patience_days: Table


def _draw(scenario: Scenario, clients: Clients, draws: Draws, policy: Policy) -> tuple[Care, Ahead, _Queueing]:
    ids, steps = clients.id, list(scenario.pathway.steps.items())
    shape = (len(ids), len(steps))
    modality = modality_of(scenario, clients, draws)
    target, principal = recorded_problem(scenario, clients, draws, policy)
    disclosed = disclosed_conditions(scenario, clients, draws)
    known = known_of(scenario, clients, target, draws, disclosed)
    decision = policy.decide(known, scenario.pathway.routing)
    first = first_course(scenario, clients, decision, draws)
    exit_ = exits(scenario, clients, known, modality != NOT_REACHED, policy, draws)
    attended, course_days, patience = (np.ones(shape, dtype=np.int32, order="F") for _ in range(3))
    missed, lag = (np.zeros(shape, dtype=np.int32, order="F") for _ in range(2))
    ending = np.full(shape, FINISHED, dtype=np.int8, order="F")
    may = moves(scenario, clients, first, draws, steps_up=policy.steps_up)
    there = reached_steps(first, exit_, may)
    word, notice, provider = missed_shares(scenario, clients, modality)
    share_missed = word + notice + provider
    leaving, patient = drop_out_effects(scenario, clients, modality), patience_factor(scenario, clients)
    complexity = complexity_of(scenario, clients)
    for s, (name, step) in enumerate(steps):
        rows = np.flatnonzero(there[:, s])
        if len(rows) == 0:
            continue
        there_ids = ids[rows]
        leaves = leaving[rows] + drop_out_by_complexity(step, complexity[rows])
        sessions, ending[:, s][rows] = attended_sessions(name, step, there_ids, leaves, draws)
        not_held = missed_sessions(name, there_ids, sessions, share_missed[rows], draws)
        held = sessions + not_held
        if isinstance(step, CourseStep):
            days = lag_days(scenario, name, step, first[rows], there_ids, draws)
            lag[:, s][rows] = days  # a column is written faster than so many cells of a table
            held = days + np.rint(step.days_between_sessions.value * (held - 1))
        attended[:, s][rows], missed[:, s][rows] = sessions, not_held
        course_days[:, s][rows] = np.clip(held, 1, LONGEST_DAYS)  # rule R5
        patience[:, s][rows] = patience_days(name, step, there_ids, patient[rows], draws)
    straight = first == (scenario.steps.index(policy.steps[-1]) if policy.steps else NO_STEP - 1)
    coded = draws.uniform("assessment_coded", ids) < scenario.pathway.routing.assessment_coded_low.value
    treatment = scenario.outcome.treatment
    by_area = np.exp(treatment.per_deprivation_sd.value * clients.deprivation)
    response = np.ones(shape, order="F")
    courses = list(scenario.pathway.each_course())
    drawn_for = draws.normals([f"therapist:{name}" for _, name, _ in courses], ids)
    for (s, _, _), drawn in zip(courses, drawn_for, strict=True):
        response[:, s] = np.maximum(1 + treatment.therapist_sd.value * drawn, 0.0) * by_area
    care = Care(
        target=target,
        right_target=target == principal,
        response=response,
        attended=attended,
        missed=missed,
        booking_days=booking_days(scenario, clients, draws),
        lag_days=lag,
        modality=modality,
        exit=exit_,
        assessment_coded_low=straight & coded & (exit_ == TREATED),
        reason_recorded=draws.uniform("reason", ids) >= scenario.pathway.reason_not_recorded.value,
        disclosed=disclosed,
        lot=np.int8(2) - (draws.uniform("lot", of_the_person(ids)) < 1 / 2),
    )
    ahead = Ahead(first, may, there, attended, ending, target, care.response, care.booking_days)
    return care, ahead, _Queueing(decision, course_days, patience)


def exits_of(scenario: Scenario, clients: Clients, draws: Draws) -> Codes:
    """How each referral would end short of a course, were there no waiting, (n,) int8, index into EXITS."""
    policy = POLICIES[scenario.pathway.policy]
    recorded, _ = recorded_problem(scenario, clients, draws, policy)
    known = known_of(scenario, clients, recorded, draws)
    return exits(scenario, clients, known, modality_of(scenario, clients, draws) != NOT_REACHED, policy, draws)


def known_of(
    scenario: Scenario, clients: Clients, recorded: Codes, draws: Draws, disclosed: Flags | None = None
) -> Known:
    """What the service knows of each client at assessment, in arrays that cannot be written to.

    recorded: (n,) int8, index of the recorded problem; disclosed: as in Care, drawn if None
    """
    disclosed = disclosed_conditions(scenario, clients, draws) if disclosed is None else disclosed
    phq9, gad7 = scores_at_referral(scenario, clients, draws)
    not_known_yet = clients.referral_day == NOT_YET
    columns = (
        np.where(not_known_yet, scenario.run.horizon_days, clients.referral_day).astype(np.int32),
        recorded.copy(),
        phq9,
        gad7,
        disclosed.sum(axis=1, dtype=np.int8),
    )
    for column in columns:
        read_only(column)
    day, problem, phq9, gad7, flags = columns
    return Known(day, problem, clients.disorder_names, phq9, gad7, flags, scenario.steps)


def in_order_of(policy: Policy, scenario: Scenario, clients: Clients, care: Care, draws: Draws) -> NDArray[np.int32]:
    """Priority of each client at each step under a policy, whoever recorded their problem, (n, s) int32."""
    known = known_of(scenario, clients, care.target, draws)
    return _priority(scenario, policy.decide(known, scenario.pathway.routing), len(clients.id))


def _priority(scenario: Scenario, decision: Decision, n_clients: int) -> NDArray[np.int32]:
    priority = np.zeros((n_clients, len(scenario.steps)), dtype=np.int32, order="F")
    for name, ranks in decision.priority.items():
        priority[:, scenario.steps.index(name)] = ranks
    return priority


def missed_by_kind(scenario: Scenario, clients: Clients, care: Care, draws: Draws) -> tuple[Table, Table, Table]:
    """Missed contacts split into not attended, cancelled by the client, and by the provider, each (n, s) int32."""
    word, notice, provider = missed_shares(scenario, clients, care.modality)
    together = np.maximum(word + notice + provider, 1e-12)
    without_word = np.maximum(word + notice, 1e-12)
    kinds = tuple(np.zeros(care.missed.shape, dtype=np.int32, order="F") for _ in range(3))
    for s, name in enumerate(scenario.steps):
        rows = np.flatnonzero(care.missed[:, s])
        ids, missed = clients.id[rows], care.missed[:, s][rows]
        by_provider = binomial(draws.uniform(f"missed_provider:{name}", ids), missed, (provider / together)[rows])
        by_client = missed - by_provider
        not_attended = binomial(draws.uniform(f"missed_word:{name}", ids), by_client, (word / without_word)[rows])
        for kind, number in zip(kinds, (not_attended, by_client - not_attended, by_provider), strict=True):
            kind[:, s][rows] = number
    return kinds[0], kinds[1], kinds[2]
