"""How many sessions each client would attend and miss, how long they would wait, and when they could come."""

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.distributions import category, counts_from_uniform, negative_binomial
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import ASSESSED, DROPPED_OUT, FINISHED, LONGEST_DAYS
from caseload_sim.scenario.pathway import CourseStep, Influence, Step
from caseload_sim.scenario.population import DEPRIVATION
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.bounded import bounded_exp, share_of_logit
from caseload_sim.support.columns import Codes, Days, Floats, Ids

REFERENCE_COMPLEXITY = 3  # at which `drop_out_per_session` holds as it stands
NOT_REACHED = -1  # by any modality; such clients are never assessed, so what their contacts would be like is never read


def booking_days(scenario: Scenario, clients: Clients, draws: Draws) -> Days:
    """Days from referral until the client can be booked, (n,) int32."""
    booking, ids = scenario.pathway.booking, clients.id
    days = draws.gamma_days("booking", ids, booking.mean_days.value, booking.shape.value)
    slow = np.flatnonzero(draws.uniform("booking_slow", ids) < booking.slow_share.value)
    days[slow] = draws.exponential_days("booking_slow_days", ids[slow], booking.slow_mean_days.value)
    return np.minimum(days, LONGEST_DAYS)


def modality_of(scenario: Scenario, clients: Clients, draws: Draws) -> Codes:
    """How each client's contacts take place, (n,) int8, index into `pathway.modalities`, or NOT_REACHED.

    Whoever cannot be reached by what was offered has the modality that reaches most clients of their area; of several, the
    first by name. If that does not reach them, none does, since one draw decides for all.
    """
    modalities = list(scenario.pathway.modalities.values())
    offered = category(draws.uniform("modality", clients.id), [modality.share.value for modality in modalities])
    u, least = draws.uniform("modality_reach", clients.id), -_towards_most_deprived(scenario, clients)
    otherwise, widest = np.full(len(u), NOT_REACHED, dtype=np.int8), np.zeros(len(u))
    by_offer = np.zeros(len(u), dtype=bool)
    for k, modality in enumerate(modalities):
        reach = _shifted(modality.reach.value, modality.reach_per_deprivation_decile.value * least)
        reached, wider = u < reach, reach > widest
        otherwise[reached & wider] = k
        widest[wider] = reach[wider]
        by_offer |= reached & (offered == k)
    return np.where(by_offer, offered, otherwise)


def influence(scenario: Scenario, clients: Clients, effects: Influence) -> Floats:
    """Sum of effects on a log or logit, by complexity and deprivation, (n,) float64; zeros when switched off."""
    if not effects.switched_on:
        return np.zeros(len(clients.id))
    n_emotional = clients.count(scenario, "emotional_disorder")
    total = effects.per_emotional_disorder.value * (n_emotional - effects.reference_disorders.value)
    return np.asarray(total + effects.per_deprivation_decile.value * _towards_most_deprived(scenario, clients))


def _towards_most_deprived(scenario: Scenario, clients: Clients) -> Floats:
    """Deciles of deprivation from the middle, (n,) float64; zeros where it is not known."""
    if DEPRIVATION not in clients.strata:
        return np.zeros(len(clients.id))
    return np.array(scenario.population.steps_from_the_middle(DEPRIVATION))[clients.strata[DEPRIVATION]]


def drop_out_effects(scenario: Scenario, clients: Clients, modality: Codes) -> Floats:
    """What moves the chance of leaving after each session at every step, on the logit scale, (n,)."""
    effects = np.array([m.drop_out.value for m in scenario.pathway.modalities.values()])[modality]
    return np.asarray(effects + influence(scenario, clients, scenario.pathway.influences.drop_out))


def drop_out_by_complexity(step: Step, complexity: NDArray[np.int64]) -> Floats:
    """What complexity adds at one step to the chance of leaving after each session, on the logit scale, (n,)."""
    if not isinstance(step, CourseStep):
        return np.zeros(len(complexity))
    return np.asarray(step.drop_out_per_complexity.value * (complexity - REFERENCE_COMPLEXITY))


def attended_sessions(name: str, step: Step, ids: Ids, effects: Floats, draws: Draws) -> tuple[Days, Codes]:
    """Sessions attended, (n,) int32 >= 1, and how the course ends, (n,) int8.

    effects: see `drop_out_effects`
    """
    n = len(ids)
    if not isinstance(step, CourseStep):
        return np.ones(n, dtype=np.int32), np.full(n, ASSESSED, dtype=np.int8)
    beyond_first = max(step.planned_sessions_mean.value - 1, 0.0)
    u = draws.uniform(f"planned_sessions:{name}", ids)
    planned = 1 + counts_from_uniform(u, beyond_first, step.planned_sessions_shape.value)
    chance = _shifted(step.drop_out_per_session.value, effects)
    with np.errstate(divide="ignore"):  # a chance of 0 is never met, one of 1 at once
        leaves_after = np.log(draws.uniform(f"drop_out:{name}", ids)) / np.log1p(-chance)
    stays = 1 + np.minimum(leaves_after, LONGEST_DAYS).astype(np.int32)
    ending = np.full(n, FINISHED, dtype=np.int8)
    ending[np.flatnonzero(stays < planned)] = DROPPED_OUT
    return np.minimum(planned, stays).astype(np.int32), ending


def missed_shares(scenario: Scenario, clients: Clients, modality: Codes) -> tuple[Floats, Floats, Floats]:
    """Share of each client's booked contacts not attended, cancelled by the client, and by the provider, each (n,).

    What the provider cancels does not depend on the client.
    """
    missed = scenario.pathway.missed
    effects = np.array([m.missed.value for m in scenario.pathway.modalities.values()])[modality]
    by_client = missed.not_attended.value + missed.client_cancelled.value
    shifted = _shifted(by_client, effects + influence(scenario, clients, scenario.pathway.influences.missed))
    shifted = np.minimum(shifted, 0.95 - missed.provider_cancelled.value)
    word = missed.not_attended.value / by_client if by_client > 0 else 0.0
    provider = np.full(len(clients.id), missed.provider_cancelled.value)
    return shifted * word, shifted * (1 - word), provider


def missed_sessions(name: str, ids: Ids, attended: Days, share: Floats, draws: Draws) -> Days:
    """Booked contacts missed or cancelled before the last attended one: negative binomial, (n,) int32."""
    return negative_binomial(draws.uniform(f"missed:{name}", ids), attended, share)


def patience_factor(scenario: Scenario, clients: Clients) -> Floats:
    """Mean patience of each client, of that of the mean client, (n,)."""
    return bounded_exp(influence(scenario, clients, scenario.pathway.influences.patience))


def patience_days(name: str, step: Step, ids: Ids, factor: Floats, draws: Draws) -> Days:
    """Days on a step's list before giving up, or until an offer would be declined, (n,) int32 >= 1.

    factor: see `patience_factor`
    """
    days = -(step.patience_mean_days.value * factor) * np.log(draws.uniform(f"patience:{name}", ids))
    return (np.minimum(days, LONGEST_DAYS) + 1).astype(np.int32)


def lag_days(scenario: Scenario, name: str, step: CourseStep, first_course: Codes, ids: Ids, draws: Draws) -> Days:
    """Days from the offer of a place until the client can first come, (n,) int32; more for those stepped up."""
    mean = np.full(len(ids), step.lag_days_mean.value)
    for s, _, below in scenario.pathway.each_course():
        if below.steps_up_to == name and below.step_up_lag_days:
            mean[np.flatnonzero(first_course == s)] += below.step_up_lag_days.value
    days = -mean * np.log(draws.uniform(f"lag:{name}", ids))
    return np.asarray(np.minimum(days, LONGEST_DAYS), dtype=np.int32)


def _shifted(share: float, by: NDArray[np.float64]) -> Floats:
    """A share moved by so much on the logit scale, (n,); 0 and 1 stay what they are."""
    if share in (0, 1):
        return np.full(len(by), float(share))
    return share_of_logit(np.log(share / (1 - share)) + by)
