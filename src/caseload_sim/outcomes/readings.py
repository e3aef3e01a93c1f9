"""How each client is found when read: by questionnaire at the last contact, by interview at the end and 365 days later.

Everybody is read twice on the same days with the same draws: with what they received, and as if there had been no service.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import RESIDUAL_PHQ9, Scores, below_caseness
from caseload_sim.clients.remission import Given, distress_over_by, drawn_lengths, over_by, over_from, years_to_relapse
from caseload_sim.clients.severity import (
    AGAIN,
    LAST,
    MONTH_12,
    ONE_YEAR_DAYS,
    Condition,
    Passing,
    passing_at,
    scores_of,
    scores_on,
    severity_on,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.outcomes.contacts import Contacts
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Days, Flags, Floats, by_name, largest_column, rows_of, with_rows

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ReadingDays:
    """The occasions on which each client is read, in days after referral, each (n,) int32.

    first_contact: first scores; last_contact: last scores; end: interview at the end of care, month 12 being 365 days later
    """

    first_contact: Days
    last_contact: Days
    end: Days


def reading_days(scenario: Scenario, referral_day: Days, contacts: Contacts) -> ReadingDays:
    """When each client is read. Those never seen: at referral, and `measured_after_days` after it.

    Referrals not over by the horizon are read there too, but measures leave them out.
    """
    outcome = scenario.outcome
    never_seen = contacts.first_contact_day == NOT_YET
    measured = referral_day + np.int32(outcome.measured_after_days)
    ended = np.where(contacts.ended, contacts.end_day, scenario.run.horizon_days)
    first = np.where(never_seen, referral_day, contacts.first_contact_day)
    last = np.where(never_seen, measured, contacts.last_contact_day)
    end = np.where(never_seen, measured, ended)
    if (fixed := outcome.read_everybody_after_days) is not None:
        last = end = referral_day + np.int32(fixed)
    return ReadingDays(*((day - referral_day).astype(np.int32) for day in (first, last, end)))


@dataclass(frozen=True, slots=True)
class Occasions:
    """What is drawn for the last readings of each client; the same with the service and without.

    diagnosed: (n, d) bool, at interview at referral; principal: (n,) int8, the most severe of them, -1 for none
    last, month_12: states, moods and errors of the last contact, and of month 12
    error_end, error_month_12: (n, d) float64, SD, of interviews; margin: SD below the threshold that is fully gone
    looked_at_again: (n,) bool, would be read once more if still at caseness at the planned end
    relapse_u: (n,) uniform, when a client relapses
    clients, draws: of whom and from which what only some need is drawn when it is known who they are
    """

    diagnosed: Flags
    principal: NDArray[np.int8]
    last: Passing
    month_12: Passing
    error_end: Floats
    error_month_12: Floats
    margin: float
    looked_at_again: Flags
    relapse_u: Floats
    clients: Clients
    draws: Draws

    def rows(self, chosen: Rows) -> "Occasions":
        """The same for some clients only."""
        columns = {name: rows_of(column, chosen) for name, column in by_name(self).items() if name != "draws"}
        return replace(self, **columns)

    def one_more_look(self, scenario: Scenario, rows: Rows) -> Passing:
        """States, moods and errors of some clients when they are read once more."""
        return passing_at(scenario, self.clients, AGAIN, self.draws, rows)

    def lengths_after_relapse(self, scenario: Scenario, rows: Rows, of: Flags) -> tuple[Floats, Floats]:
        """How long each disorder, (k, d), and the distress, (k,), of some clients lasts once it has come back.

        of: (k, d) bool, the disorders of which it is asked
        """
        return drawn_lengths(scenario, self.clients, self.draws, "relapse_", of=of, rows=rows)


def occasions_of(scenario: Scenario, clients: Clients, draws: Draws) -> Occasions:
    """The interview of each client at referral, and all that later readings are judged by."""
    sd, ids = scenario.instruments.interview_error_sd.value, clients.id
    at_start = clients.severity + _interview_error(draws, clients, "interview_start", sd)
    diagnosed = at_start > 0
    return Occasions(
        diagnosed=diagnosed,
        principal=np.where(diagnosed.any(axis=1), largest_column(at_start), -1).astype(np.int8),
        last=passing_at(scenario, clients, LAST, draws),
        month_12=passing_at(scenario, clients, MONTH_12, draws),
        error_end=_interview_error(draws, clients, "interview_end", sd),
        error_month_12=_interview_error(draws, clients, "interview_month_12", sd),
        margin=scenario.instruments.full_remission_margin.value,
        looked_at_again=draws.uniform("one_more_look", ids) < scenario.outcome.endings.one_more_look.value,
        relapse_u=draws.uniform("relapse", ids),
        clients=clients,
        draws=draws,
    )


def _interview_error(draws: Draws, clients: Clients, purpose: str, sd: float) -> Floats:
    error = np.empty_like(clients.severity)
    purposes = [f"{purpose}:{name}" for name in clients.disorder_names]
    for j, drawn in enumerate(draws.normals(purposes, clients.id)):
        error[:, j] = sd * drawn
    return error


@dataclass(frozen=True, slots=True)
class Reading:
    """How each client is read, with the service or without it.

    last_phq9, last_gad7: (n,) int8, at the last contact; month_12_phq9, month_12_gad7: (n,) int8, 365 days after the end
    end, month_12, sustained: rung -> (n,) bool, at the end, 365 days later, and at the end with no relapse since
    without, without_month_12: (n, d) bool, the disorder is absent at interview, whether or not it was there at the start
    clear, clear_month_12: (n, d) bool, absent by the margin of full remission
    relapsed: (n,) bool, within 365 days of the end, if remitted
    """

    last_phq9: Scores
    last_gad7: Scores
    month_12_phq9: Scores
    month_12_gad7: Scores
    end: dict[str, Flags]
    month_12: dict[str, Flags]
    sustained: dict[str, Flags]
    without: Flags
    clear: Flags
    without_month_12: Flags
    clear_month_12: Flags
    relapsed: Flags

    def scores(self, at: str) -> tuple[Scores, Scores]:
        """PHQ-9 and GAD-7 at the last contact ("end"), or 365 days after the end ("month_12"), each (n,) int8."""
        return {"end": (self.last_phq9, self.last_gad7), "month_12": (self.month_12_phq9, self.month_12_gad7)}[at]


def with_service_and_without(
    scenario: Scenario, who: Condition, given: Given, days: ReadingDays, occasions: Occasions, planned_end: Flags
) -> tuple[Reading, Reading]:
    """Everybody read with what they received, and as if there had been no service; arguments as in `reading_of`.

    Whoever was given nothing, and ended no treatment as planned, is read the same both times.
    """
    without = reading_of(scenario, who, None, days, occasions)
    rows = np.flatnonzero((given.strength != 0) | planned_end)
    treated = reading_of(
        scenario, who.rows(rows), given.rows(rows), rows_of(days, rows), occasions.rows(rows), planned_end[rows]
    )
    return with_rows(without, rows, treated), without


def reading_of(
    scenario: Scenario,
    who: Condition,
    given: Given | None,
    days: ReadingDays,
    occasions: Occasions,
    planned_end: Flags | None = None,
) -> Reading:
    """Read some clients.

    given: what treatment has given by the end, None for the same clients without the service
    planned_end: (n,) bool, whose treatment ended as planned, of whom some are read once more; nobody if None
    """
    last = _last_scores(scenario, who, given, days, occasions, planned_end)
    severity, _ = severity_on(scenario, who, occasions.last, days.end, given)
    end = _found(severity + occasions.error_end, occasions)
    relapse = _relapse_day(scenario, who, given, days, occasions, last[0])
    relapsed = relapse <= days.end + ONE_YEAR_DAYS
    severity, scores = _a_year_on(scenario, who, given, days, occasions, np.where(relapsed, relapse, np.inf))
    month_12 = _found(severity + occasions.error_month_12, occasions)
    return Reading(
        last_phq9=last[0],
        last_gad7=last[1],
        month_12_phq9=scores[0],
        month_12_gad7=scores[1],
        end=end.rungs,
        month_12=month_12.rungs,
        sustained={rung: flags & ~relapsed for rung, flags in end.rungs.items()},
        without=end.without,
        clear=end.clear,
        without_month_12=month_12.without,
        clear_month_12=month_12.clear,
        relapsed=relapsed,
    )


def day_of_relapse(
    scenario: Scenario,
    who: Condition,
    given: Given | None,
    days: ReadingDays,
    occasions: Occasions,
    planned_end: Flags | None = None,
) -> Floats:
    """Day since referral on which what was over at the end comes back, (n,) float64; inf where nothing was over by then.

    The same rule as that of `Reading.sustained` and of month 12, for arguments as in `reading_of`.
    """
    over = distress_over_by(scenario, who.illness, days.end, given)
    for j in range(who.severity.shape[1]):
        over = over | over_by(scenario, who.illness, days.end, given, j)
    last = _last_scores(scenario, who, given, days, occasions, planned_end)
    return np.where(over, _relapse_day(scenario, who, given, days, occasions, last[0]), np.inf)


def _last_scores(
    scenario: Scenario,
    who: Condition,
    given: Given | None,
    days: ReadingDays,
    occasions: Occasions,
    planned_end: Flags | None,
) -> tuple[Scores, Scores]:
    """The last scores, each (n,) int8; of one more look where there was one and it was better."""
    last = scores_on(scenario, who, occasions.last, days.last_contact, given)
    if planned_end is None:
        return last
    return _after_one_more_look(scenario, who, given, days, occasions, planned_end, last)


def _after_one_more_look(
    scenario: Scenario,
    who: Condition,
    given: Given | None,
    days: ReadingDays,
    occasions: Occasions,
    planned_end: Flags,
    last: tuple[Scores, Scores],
) -> tuple[Scores, Scores]:
    """The last scores, where somebody still at caseness at the planned end was read once more and was below by then."""
    rows = np.flatnonzero(planned_end & occasions.looked_at_again & ~below_caseness(*last))
    later = days.last_contact[rows] + np.int32(scenario.outcome.endings.one_more_look_after_days)
    received = None if given is None else given.rows(rows)
    again = scores_on(scenario, who.rows(rows), occasions.one_more_look(scenario, rows), later, received)
    better = below_caseness(*again)
    phq9, gad7 = last[0].copy(), last[1].copy()
    phq9[rows[better]], gad7[rows[better]] = again[0][better], again[1][better]
    return phq9, gad7


def _relapse_day(
    scenario: Scenario, who: Condition, given: Given | None, days: ReadingDays, occasions: Occasions, phq9: Scores
) -> Floats:
    """Day since referral on which each client falls ill again, (n,) float64: a Weibull time from when they were well.

    phq9: (n,) int8, the last; residual symptoms raise the hazard. Time runs from the end of care for the treated, and for
    the untreated, with a service or without one, from the day on which the last of the problems was over that are over by
    then.
    """
    years = years_to_relapse(scenario, occasions.relapse_u, phq9 >= RESIDUAL_PHQ9)
    since = days.end.astype(np.float64)
    untreated = np.arange(len(since)) if given is None else np.flatnonzero(given.strength == 0)
    illness, end = who.illness if given is None else who.illness.rows(untreated), days.end[untreated]
    last = np.zeros(len(untreated), dtype=np.int32)
    for over in over_from(scenario, illness, None, _AFTER_ALL).T:
        np.maximum(last, over * (over <= end), out=last)
    since[untreated] = last
    return np.asarray(since + ONE_YEAR_DAYS * years)


_AFTER_ALL = 2**30  # a day that no reading reaches


def _a_year_on(
    scenario: Scenario, who: Condition, given: Given | None, days: ReadingDays, occasions: Occasions, relapse: Floats
) -> tuple[Floats, tuple[Scores, Scores]]:
    """Severity (n, d) and scores 365 days after the end: problems that were over by then burn again after a relapse.

    relapse: (n,) day since referral, inf for none. A problem that comes back is as severe as at referral, lasts for a new
    length from the day of relapse, and can be over again.
    """
    illness, passing = who.illness, occasions.month_12
    later = days.end + np.int32(ONE_YEAR_DAYS)
    severity, distress = severity_on(scenario, who, passing, later, given)
    rows = np.flatnonzero(np.isfinite(relapse))
    since, end = np.maximum(later[rows] - relapse[rows], 0.0), days.end[rows]
    received = None if given is None else given.rows(rows)
    over = np.empty((len(rows), severity.shape[1]), dtype=bool, order="F")
    for j in range(severity.shape[1]):
        over[:, j] = over_by(scenario, illness, end, received, j, rows)
    length, distress_length = occasions.lengths_after_relapse(scenario, rows, over)
    for j in range(severity.shape[1]):
        back = np.flatnonzero(over[:, j])
        at = rows[back]
        burns = illness.hazard[:, j][at] * since[back] < length[:, j][back]
        at = at[burns]
        severity[:, j][at] = who.severity[:, j][at] + (passing.state[:, j][at] - who.state_start[:, j][at])
    calm = distress_over_by(scenario, illness, end, received, rows)
    upset = calm & (illness.distress_hazard[rows] * since < distress_length)
    distress[rows[upset]] += scenario.outcome.distress.reactive.value
    return severity, scores_of(scenario, passing, severity, distress)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one interview finds.

    without, clear: (n, d) bool, below the threshold, and below it by the margin of full remission
    rungs: rungs 2 to 4 of the ladder, each (n,) bool; nobody without a starting diagnosis counts as remitted
    """

    without: Flags
    clear: Flags
    rungs: dict[str, Flags]


def _found(as_heard: Floats, occasions: Occasions) -> _Found:
    """What an interview finds that hears of this severity, (n, d) SD, its own error included."""
    without, clear = as_heard <= 0, as_heard <= -occasions.margin
    some, others = occasions.principal >= 0, ~occasions.diagnosed
    rungs = {
        "principal_remission": some & without[np.arange(len(some)), occasions.principal],
        "all_remission": some & (without | others).all(axis=1),
        "full_remission": some & (clear | others).all(axis=1),
    }
    return _Found(without, clear, rungs)
