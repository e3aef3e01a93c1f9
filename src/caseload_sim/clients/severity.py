"""How ill a client is after some days and some treatment, and the scores that the questionnaires then give.

Used twice with the same draws: by pathway/stepping.py to find when a client would count as a responder, and by
outcomes/readings.py to read everybody at the end. Elementwise throughout, so both get the same bits.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, state_change
from caseload_sim.clients.questionnaires import _ERRORS, GAD7_MAX, PHQ9_MAX, Line, Scores, _levels, score_of
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.outcome import by_disorder
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats, rows_of

SIX_MONTHS_DAYS = 182
ONE_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Trajectory:
    """How each client would fare untreated; treatment is subtracted where there was any.

    severity: (n, d) float64, SD above threshold at referral
    state_change: (n, d), SD, added to every reading after the first contact
    improvement: (n, d), SD by day 182; distress_improvement: (n,), SD by day 182
    distress: (n,), SD at referral
    pace: (ceiling, days) of the curve `elapsed`
    phq9_fall, gad7_fall: (n,), SD, what each questionnaire's level loses by day 182
    errors: (start, end) of PHQ-9 and of GAD-7, each (n,) in points
    """

    severity: Floats
    state_change: Floats
    improvement: Floats
    distress: Floats
    distress_improvement: Floats
    pace: tuple[float, float]
    phq9_fall: Floats
    gad7_fall: Floats
    phq9_errors: tuple[Floats, Floats]
    gad7_errors: tuple[Floats, Floats]

    def rows(self, chosen: NDArray[np.intp]) -> "Trajectory":
        """The same for some clients only."""
        return rows_of(self, chosen)


@dataclass(frozen=True, slots=True)
class Treated:
    """What treatment has taken away by a reading.

    disorders: (n, d) float64, SD; distress: (n,) float64, SD
    """

    disorders: Floats
    distress: Floats


def trajectory(scenario: Scenario, clients: Clients, draws: Draws) -> Trajectory:
    """How each client would fare untreated: natural course, moderators and individual spread.

    improvement by day 182 = at_six_months * pace of the disorder + moderators + shared and own spread
    """
    outcome, ids, names = scenario.outcome, clients.id, clients.disorder_names
    moderators = np.zeros(len(ids))
    for name, effect in outcome.moderators.items():
        moderators = moderators + effect.value * clients.has(name)
    spread = outcome.spread
    shared = spread.shared.value * draws.gamma("change_shared", ids, spread.shared_shape.value)
    base = outcome.natural_course.at_six_months.value
    improvement = np.empty_like(clients.severity)  # column by column in memory, as they are drawn and read
    *own, distress_own = draws.normals([*(f"change_own:{name}" for name in names), "change_distress"], ids)
    for j, relative in enumerate(by_disorder(dict(outcome.natural_course.by_disorder), names)):
        improvement[:, j] = base * relative + moderators + shared + spread.own.value * own[j]
    distress_improvement = (
        base + moderators + spread.distress_shared.value * shared + spread.distress_own.value * distress_own
    )
    instruments = scenario.instruments.phq9, scenario.instruments.gad7
    falls = _levels(instruments, names, improvement, distress_improvement)
    phq9_start, gad7_start, phq9_end, gad7_end = (
        instrument.error_sd.value * drawn
        for instrument, drawn in zip(instruments * 2, draws.normals(_ERRORS, ids), strict=True)
    )
    return Trajectory(
        severity=clients.severity,
        state_change=state_change(scenario, clients, draws),
        improvement=improvement,
        distress=clients.distress,
        distress_improvement=distress_improvement,
        pace=_pace(outcome.natural_course.at_one_year.value),
        phq9_fall=falls[0],
        gad7_fall=falls[1],
        phq9_errors=(phq9_start, phq9_end),
        gad7_errors=(gad7_start, gad7_end),
    )


def scores_at_referral(scenario: Scenario, clients: Clients, draws: Draws) -> tuple[Scores, Scores]:
    """PHQ-9 (0-27) and GAD-7 (0-21) on the day of referral, each (n,) int8: what `scores_after` reads on day 0."""
    scores = []
    instruments, highest = (scenario.instruments.phq9, scenario.instruments.gad7), (PHQ9_MAX, GAD7_MAX)
    levels = _levels(instruments, clients.disorder_names, clients.severity, clients.distress)
    errors = draws.normals(_ERRORS[:2], clients.id)
    for instrument, most, level, drawn in zip(instruments, highest, levels, errors, strict=True):
        scores.append(score_of(level, instrument.error_sd.value * drawn, instrument, most))
    return scores[0], scores[1]


@lru_cache(maxsize=64)
def _pace(at_one_year: float) -> tuple[float, float]:
    """Ceiling and time constant (days) of the curve through 1 at day 182 and `at_one_year` at day 365."""
    low, high = 1.0, 1e6
    for _ in range(200):  # bisection on the time constant: the ratio rises with it from 1 towards 365/182
        days = (low * high) ** 0.5
        ratio = np.expm1(-ONE_YEAR_DAYS / days) / np.expm1(-SIX_MONTHS_DAYS / days)
        low, high = (days, high) if ratio < at_one_year else (low, days)
    return float(-1 / np.expm1(-SIX_MONTHS_DAYS / days)), float(days)


def elapsed(pace: tuple[float, float], days: NDArray[np.int32]) -> Floats:
    """Share of the six-month improvement reached after `days`: 0 at day 0, 1 at day 182, saturating. (n,) float64."""
    ceiling, constant = pace
    return np.asarray(-ceiling * np.expm1(-np.maximum(days, 0) / constant))


def severity_after(
    path: Trajectory, days: NDArray[np.int32], treated: Treated | None = None, *, at_end: bool = True
) -> tuple[Floats, Floats]:
    """Severity (n, d) and distress (n,) after `days` from referral, SD.

    at_end: the transient state is that of the end of care, otherwise that of the start
    """
    progress = elapsed(path.pace, days)
    severity = path.severity - progress[:, None] * path.improvement
    distress = path.distress - progress * path.distress_improvement
    if at_end:
        severity = severity + path.state_change
    if treated is not None:
        severity, distress = severity - treated.disorders, distress - treated.distress
    return severity, distress


def score_lines(
    scenario: Scenario, path: Trajectory, treated: Treated | None = None, *, at_end: bool = True
) -> tuple[Line, Line]:
    """What PHQ-9 and GAD-7 read in the course of time; see `severity_after`."""
    severity, distress = path.severity, path.distress
    if at_end:
        severity = severity + path.state_change
    if treated is not None:
        severity, distress = severity - treated.disorders, distress - treated.distress
    instruments, which = scenario.instruments, int(at_end)
    phq9, gad7 = _levels((instruments.phq9, instruments.gad7), scenario.disorders, severity, distress)
    return (
        Line(phq9, path.phq9_fall, path.phq9_errors[which], instruments.phq9, PHQ9_MAX),
        Line(gad7, path.gad7_fall, path.gad7_errors[which], instruments.gad7, GAD7_MAX),
    )


def scores_after(
    scenario: Scenario,
    path: Trajectory,
    days: NDArray[np.int32],
    treated: Treated | None = None,
    *,
    at_end: bool = True,
) -> tuple[Scores, Scores]:
    """PHQ-9 (0-27) and GAD-7 (0-21) after `days` from referral, each (n,) int8; see `severity_after`."""
    progress = elapsed(path.pace, days)
    phq9, gad7 = score_lines(scenario, path, treated, at_end=at_end)
    return phq9.score(progress), gad7.score(progress)


def treated_by(
    scenario: Scenario,
    target: NDArray[np.int8],
    therapist: Floats,
    sessions: NDArray[np.int32],
    contacts: NDArray[np.int32],
) -> Treated:
    """What courses of treatment take away from each disorder and from distress, SD.

    target: (n,) int8, index of the treated disorder; therapist: (n,) float64, multiplier
    sessions: (n, s) int32, attended treatment sessions by step, 0 at steps not reached
    contacts: (n,) int32, attended contacts, assessment included; below two there is no course and no effect

    A step gives effect[target] * (1 - exp(-3 * sessions / sessions_for_95_percent)); steps combine as
    1 - product of (1 - each). Other disorders receive the share in `spill`.
    """
    treatment, names = scenario.outcome.treatment, scenario.disorders
    remaining = np.ones(len(target))
    for s, _, step in scenario.pathway.each_course():
        effect = np.array(by_disorder(dict(step.effect), names))[target]
        dose = -np.expm1(-3.0 * sessions[:, s] / step.sessions_for_95_percent.value)
        remaining = remaining * (1 - effect * dose)
    strength = treatment.trial_effect.value * treatment.fidelity.value * therapist * (1 - remaining)
    strength = np.where(contacts >= 2, strength, 0.0)
    disorders = np.empty((len(target), len(names)), order="F")  # column by column in memory, like a trajectory
    for j, spill in enumerate(by_disorder(dict(treatment.spill), names)):
        np.multiply(strength, np.where(target == j, 1.0, spill), out=disorders[:, j])
    return Treated(disorders=disorders, distress=strength)
