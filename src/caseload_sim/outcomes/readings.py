"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import Scores
from caseload_sim.clients.severity import ONE_YEAR_DAYS, Trajectory, Treated, elapsed, scores_after, severity_after
from caseload_sim.draws.streams import Draws
from caseload_sim.outcomes.contacts import _Seen
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags, Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """How each client is read, with the service or without it.

    last_phq9, last_gad7: (n,) int8, at the last contact
    end, month_12, sustained: rung -> (n,) bool, at the end, 365 days later, and at the end with no relapse since
    without, without_month_12: (n, d) bool, the disorder is absent at interview, whether or not it was there at the start
    clear, clear_month_12: (n, d) bool, absent by the margin of full remission
    relapsed: (n,) bool, within 365 days if remitted
    """

    last_phq9: Scores
    last_gad7: Scores
    end: dict[str, Flags]
    month_12: dict[str, Flags]
    sustained: dict[str, Flags]
    without: Flags
    clear: Flags
    without_month_12: Flags
    clear_month_12: Flags
    relapsed: Flags


def _relapse_risk(scenario: Scenario, care: Care, seen: _Seen) -> Floats:
    """Chance of relapse within 365 days of remission: by the last course if finished, (n,) float64."""
    outcome = scenario.outcome
    by_step = [
        s.relapse_within_a_year.value if isinstance(s, CourseStep) else 0.0 for s in scenario.pathway.steps.values()
    ]
    risk = np.where(seen.dropped_out, outcome.relapse_unfinished.value, np.array(by_step)[seen.last_course])
    return np.where(seen.last_course < 0, outcome.relapse_untreated.value, risk)


@dataclass(frozen=True, slots=True)
class _Interview:
    """What interviews and relapse are judged by; the same with the service and without."""

    diagnosed: Flags
    principal: NDArray[np.int8]
    error_end: Floats
    error_month_12: Floats
    margin: float
    relapse_u: Floats
    relapse_day_u: Floats


def _interview_error(draws: Draws, clients: Clients, purpose: str, sd: float) -> Floats:
    error = np.empty_like(clients.severity)
    purposes = [f"{purpose}:{name}" for name in clients.disorder_names]
    for j, drawn in enumerate(draws.normals(purposes, clients.id)):
        error[:, j] = sd * drawn
    return error


def _reading(
    scenario: Scenario,
    path: Trajectory,
    treated: Treated | None,
    elapsed_days: tuple[NDArray[np.int32], NDArray[np.int32]],
    interview: _Interview,
    relapse_risk: Floats,
) -> Reading:
    read_after, last_after = elapsed_days
    last_phq9, last_gad7 = scores_after(scenario, path, last_after, treated)
    severity, _ = severity_after(path, read_after, treated)
    at_end = severity + interview.error_end
    relapsed = interview.relapse_u < relapse_risk
    gone = at_end <= 0
    # Severity 365 days on: the natural course goes on; what was gone and relapsed starts again from referral's level
    # on the day of relapse, and may remit again.
    later, _ = severity_after(path, (read_after + ONE_YEAR_DAYS).astype(np.int32), treated)
    since_relapse = np.floor((1 - interview.relapse_day_u) * ONE_YEAR_DAYS).astype(np.int32)
    again = path.severity + path.state_change - elapsed(path.pace, since_relapse)[:, None] * path.improvement
    at_month_12 = np.where(relapsed[:, None] & gone, again, later) + interview.error_month_12
    clear = at_end <= -interview.margin
    gone_later, clear_later = at_month_12 <= 0, at_month_12 <= -interview.margin
    end = _rungs(gone, clear, interview)
    sustained = {rung: flags & ~relapsed for rung, flags in end.items()}
    return Reading(
        last_phq9=last_phq9,
        last_gad7=last_gad7,
        end=end,
        month_12=_rungs(gone_later, clear_later, interview),
        sustained=sustained,
        without=gone,
        clear=clear,
        without_month_12=gone_later,
        clear_month_12=clear_later,
        relapsed=relapsed,
    )


def _rungs(without: Flags, clear: Flags, interview: _Interview) -> dict[str, Flags]:
    """Rungs 2 to 4 of the ladder, each (n,) bool; nobody without a starting diagnosis counts as remitted.

    without, clear: (n, d), below the threshold at interview, and clearly below it
    """
    some, others = interview.principal >= 0, ~interview.diagnosed
    return {
        "principal_remission": some & without[np.arange(len(some)), interview.principal],
        "all_remission": some & (without | others).all(axis=1),
        "full_remission": some & (clear | others).all(axis=1),
    }
