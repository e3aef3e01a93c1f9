"""What is recorded and decided at assessment, and who never comes to it."""

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NO_STEP
from caseload_sim.scenario.policies import POLICIES, Decision, Known, Policy
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.bounded import share_of_logit
from caseload_sim.support.columns import Codes, Flags, Floats, largest_column

# How a referral ends without a course: without a service, before any contact, or after the assessment.
EXITS = (
    "treated", "no_service", "not_suitable", "declined", "not_assessed",
    "advice", "declined_treatment", "not_suitable_seen", "incomplete_assessment",
)  # fmt: skip
(
    TREATED, NO_SERVICE, NOT_SUITABLE, DECLINED, NOT_ASSESSED,
    ADVICE, DECLINED_TREATMENT, NOT_SUITABLE_SEEN, INCOMPLETE_ASSESSMENT,
) = range(9)  # fmt: skip


def never_assessed(exit_: Codes) -> NDArray[np.bool_]:
    """Whose referral ends before any contact, (n,) bool."""
    return (exit_ >= NO_SERVICE) & (exit_ <= NOT_ASSESSED)


def leaves_at_assessment(exit_: Codes) -> NDArray[np.bool_]:
    """Whose referral ends with the assessment, (n,) bool."""
    return np.asarray(exit_ > NOT_ASSESSED)


def recorded_problem(
    scenario: Scenario, clients: Clients, draws: Draws, policy: Policy | None = None
) -> tuple[Codes, Codes]:
    """The problem that the service records, and the most severe disorder, as indices of disorders, each (n,) int8.

    policy: the scenario's own if None; it says whether somebody looks for the problem, and how
    """
    routing, names = scenario.pathway.routing, clients.disorder_names
    records = (policy or POLICIES[scenario.pathway.policy]).records
    principal = largest_column(clients.severity)
    if records == "by_lot":
        lot = draws.uniform("problem_by_lot", clients.id) * len(names)
        return np.minimum(lot, len(names) - 1).astype(np.int8), principal
    chance = routing.right_problem_by_interview if records == "by_interview" else routing.right_problem
    others = [names.index(name) for name in routing.otherwise_recorded if name in names] or [0]
    which = (draws.uniform("problem_other", clients.id) * len(others)).astype(np.int64)
    looked_right = draws.uniform("problem_right", clients.id) < chance.value
    recorded, rows = np.array(others, dtype=np.int8)[which], np.flatnonzero(looked_right)
    recorded[rows] = principal[rows]
    return recorded, principal


def disclosed_conditions(scenario: Scenario, clients: Clients, draws: Draws) -> Flags:
    """Which other conditions each client discloses at assessment, (n, those that can be disclosed) bool."""
    disclosure = scenario.pathway.routing.disclosure
    flags = np.zeros((len(clients.id), len(disclosure)), dtype=bool, order="F")
    for k, (name, chance) in enumerate(disclosure.items()):
        rows = np.flatnonzero(clients.has(name))
        flags[:, k][rows] = draws.uniform(f"disclosure:{name}", clients.id[rows]) < chance.value
    return flags


def first_course(scenario: Scenario, clients: Clients, decision: Decision, draws: Draws) -> Codes:
    """The step to which the policy sends each client, or the step taken instead of it, (n,) int8."""
    ids = clients.id
    if not decision.chance:
        return np.full(len(ids), NO_STEP, dtype=np.int8)
    (*others, last) = sorted(
        decision.chance, key=scenario.steps.index
    )  # whatever the order in which a policy names them
    u, below = draws.uniform("route", ids), decision.chance[last]
    chosen = np.full(len(ids), scenario.steps.index(others[0] if others else last), dtype=np.int8)
    chosen[np.flatnonzero(u < below)] = scenario.steps.index(last)
    for name in reversed(others):
        chosen[np.flatnonzero((u >= below) & (u < below + decision.chance[name]))] = scenario.steps.index(name)
        below = below + decision.chance[name]
    u, so_far = draws.uniform("variant", ids), np.zeros(len(ids))
    result = chosen.copy()
    for s, _, step in scenario.pathway.each_course():
        if step.instead_of and step.instead_share:
            here = chosen == scenario.steps.index(step.instead_of)
            result[np.flatnonzero(here & (u >= so_far) & (u < so_far + step.instead_share.value))] = s
            so_far += here * step.instead_share.value
    return result


def exits(
    scenario: Scenario, clients: Clients, known: Known, reached: NDArray[np.bool_], policy: Policy, draws: Draws
) -> Codes:
    """How each referral ends when it never reaches a course, (n,) int8; TREATED when nothing stands in the way.

    reached: (n,) bool, some modality reaches the client; all others are never assessed
    Before any contact by chance alone; at assessment by the scores that the service sees, and by how likely somebody
    with these conditions is to take up treatment.
    """
    pathway, ids = scenario.pathway, clients.id
    result = np.full(len(ids), TREATED, dtype=np.int8)
    stays_away = draws.uniform("attendance", ids) >= _chance_of_taking_up(scenario, clients)
    incomplete = draws.uniform("incomplete", ids) < pathway.attendance.incomplete_share.value
    result[np.flatnonzero(stays_away)] = DECLINED_TREATMENT
    result[np.flatnonzero(stays_away & incomplete)] = INCOMPLETE_ASSESSMENT
    screening, u = pathway.screening, draws.uniform("advice", ids)
    below = below_caseness(known.phq9, known.gad7)
    advised = below & (u < screening.advice_below_caseness.value) | ~below & (u < screening.advice_at_caseness.value)
    result[np.flatnonzero(advised)] = ADVICE
    result[np.flatnonzero(draws.uniform("not_suitable_seen", ids) < screening.not_suitable.value)] = NOT_SUITABLE_SEEN
    result[np.flatnonzero(~reached)] = NOT_ASSESSED
    edges = np.cumsum([pathway.not_suitable.value, pathway.declined.value, pathway.not_assessed.value])
    u = draws.uniform("before_assessment", ids)
    for edge, code in zip(edges[::-1], (NOT_ASSESSED, DECLINED, NOT_SUITABLE), strict=True):
        result[np.flatnonzero(u < edge)] = code
    if not policy.steps:
        result[:] = NO_SERVICE
    return result


def _chance_of_taking_up(scenario: Scenario, clients: Clients) -> Floats:
    attendance = scenario.pathway.attendance
    n_emotional = clients.count(scenario, "emotional_disorder")
    logit = attendance.intercept.value + attendance.per_emotional_disorder.value * n_emotional
    logit = logit + attendance.per_deprivation_sd.value * clients.deprivation
    for name, effect in attendance.by_condition.items():
        logit = logit + effect.value * clients.has(name)
    return share_of_logit(np.asarray(logit, dtype=np.float64))
