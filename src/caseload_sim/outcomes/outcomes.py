"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import GAD7_RELIABLE_CHANGE, PHQ9_RELIABLE_CHANGE, Scores, below_caseness
from caseload_sim.clients.severity import Trajectory, scores_after, treated_by
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.outcomes.contacts import _contacts
from caseload_sim.outcomes.readings import Reading, _Interview, _interview_error, _reading, _relapse_risk
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags, largest_column, rows_of, stacked


@dataclass(frozen=True, slots=True)
class CourseScores:
    """One row for each course ended in the data collection period, whatever became of the referral.

    client: (m,) int32; step: (m,) int8; sessions: (m,) int32, attended in this course
    first_phq9, first_gad7, last_phq9, last_gad7: (m,) int8, at its start (the first contact, for a client's first course) and its last session
    """

    client: Days
    step: Codes
    sessions: Days
    first_phq9: Scores
    first_gad7: Scores
    last_phq9: Scores
    last_gad7: Scores


def course_scores(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    care: Care,
    episodes: Episodes,
    at_first_contact: tuple[Scores, Scores],
) -> CourseScores:
    """Scores by course. A client's first course starts with the first score there is, that of the first contact; a second
    one from where the first has ended by its first session, with the same passing state.

    at_first_contact: PHQ-9 and GAD-7 of each client, both (n,)
    """
    run = scenario.run
    is_course = np.array([isinstance(step, CourseStep) for step in scenario.pathway.steps.values()])
    held = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET) & is_course[episodes.step]
    rows = np.flatnonzero(held)
    who, step = episodes.client[rows], episodes.step[rows]
    order = _rank_within_client(who)
    ended = episodes.ended_day[rows]
    chosen = (ended >= run.warm_up_days) & (ended < run.warm_up_days + run.data_collection_days)
    scores = [np.zeros(len(rows), dtype=np.int8) for _ in range(4)]
    sessions = np.zeros(care.attended.shape, dtype=np.int32)
    for k in range(int(order.max(initial=-1)) + 1):
        here = np.flatnonzero(order == k)
        counted = here[chosen[here]]
        client = who[counted].astype(np.intp)
        read = partial(_scores_on, scenario, clients, path.rows(client), care, client)
        if k == 0:
            start = [score[client] for score in at_first_contact]
        else:
            began = episodes.started_day[rows[counted]] + care.lag_days[client, step[counted]]
            start = [*read(began, sessions[client])]
        sessions[who[here], step[here]] = care.attended[who[here], step[here]]
        for column, score in zip(scores, (*start, *read(ended[counted], sessions[client])), strict=True):
            column[counted] = score
    return CourseScores(
        who[chosen], step[chosen], care.attended[who, step][chosen], *(column[chosen] for column in scores)
    )


def _scores_on(
    scenario: Scenario, clients: Clients, path: Trajectory, care: Care, who: NDArray[np.intp], day: Days, sessions: Days
) -> tuple[Scores, Scores]:
    """PHQ-9 and GAD-7 of some clients after so many sessions at each step; path: theirs, day: (k,), sessions: (k, s)."""
    contacts = sessions.sum(axis=1, dtype=np.int32) + 1
    treated = treated_by(scenario, care.target[who], care.therapist[who], sessions, contacts)
    return scores_after(scenario, path, (day - clients.referral_day[who]).astype(np.int32), treated)


def _rank_within_client(who: NDArray[np.int32]) -> NDArray[np.int64]:
    """0 for a client's first row, 1 for the second, and so on; rows are in order of client."""
    first = np.concatenate([[True], who[1:] != who[:-1]]) if len(who) else np.empty(0, dtype=bool)
    starts = np.flatnonzero(first)
    return np.arange(len(who)) - np.repeat(starts, np.diff(np.append(starts, len(who))))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One row a client; days count from opening, NOT_YET when it did not happen by the horizon.

    end_day: (n,) the last stay ended, or the client left; left: (n,) int8, index into LEFT
    first_contact_day, second_contact_day, last_contact_day: (n,)
    contacts: (n,) attended, assessment included; sessions: (n, s) attended treatment sessions
    not_attended, client_cancelled, provider_cancelled: (n,) other booked contacts
    first_course: (n,) int8, step of the first course begun, -1 for none
    stepped_up, stepped_down: (n,) bool, began a course at a step above, below, the first
    step_up_wait_days: (n,) int32, last session before stepping up to the first after it, NOT_YET for all others
    first_phq9, first_gad7: (n,) int8, at the first contact
    diagnosed: (n, d) bool, at interview at referral; principal: (n,) int8, the most severe of them, -1 for none
    course_scores: scores by course
    service, none: readings with the service and for the same client without
    """

    end_day: Days
    left: NDArray[np.int8]
    first_contact_day: Days
    second_contact_day: Days
    last_contact_day: Days
    contacts: Days
    sessions: Days
    not_attended: Days
    client_cancelled: Days
    provider_cancelled: Days
    first_course: NDArray[np.int8]
    stepped_up: Flags
    stepped_down: Flags
    step_up_wait_days: Days
    first_phq9: Scores
    first_gad7: Scores
    diagnosed: Flags
    principal: NDArray[np.int8]
    course_scores: CourseScores
    service: Reading
    none: Reading

    @property
    def ended(self) -> Flags:
        """Referrals over by the horizon, (n,) bool."""
        return np.asarray(self.end_day != NOT_YET)

    @property
    def started(self) -> Flags:
        """At least one attended contact, (n,) bool."""
        return self.contacts >= 1

    @property
    def finished(self) -> Flags:
        """Two or more attended contacts, the NHS definition of a finished course, (n,) bool."""
        return self.contacts >= 2

    @property
    def at_caseness(self) -> Flags:
        """At caseness at the first contact (or at referral if there was none), (n,) bool."""
        return ~below_caseness(self.first_phq9, self.first_gad7)


def read_outcomes(
    scenario: Scenario,
    clients: Clients,
    path: Trajectory,
    care: Care,
    episodes: Episodes,
    draws: Draws,
) -> Outcomes:
    """Read every client once with what they received, and once as if there had been no service.

    episodes: of these clients alone, whose rows it names

    Both readings are on the same days, with the same draws; those never seen are read `measured_after_days` after
    referral. Referrals not over by the horizon are read there too, but measures leave them out.
    """
    seen = _contacts(scenario, clients, care, episodes, draws)
    n = len(clients.id)
    never_seen = seen.first_contact_day == NOT_YET
    measured = clients.referral_day + np.int32(scenario.outcome.measured_after_days)
    ended_after = np.where(seen.end_day == NOT_YET, scenario.run.horizon_days, seen.end_day)
    read_day = np.where(never_seen, measured, ended_after).astype(np.int32)
    last_day = np.where(never_seen, measured, seen.last_contact_day).astype(np.int32)
    if (fixed := scenario.outcome.read_everybody_after_days) is not None:
        read_day = last_day = (clients.referral_day + np.int32(fixed)).astype(np.int32)
    first_day = np.where(never_seen, clients.referral_day, seen.first_contact_day)
    first_phq9, first_gad7 = scores_after(
        scenario, path, (first_day - clients.referral_day).astype(np.int32), at_end=False
    )
    treated = treated_by(scenario, care.target, care.therapist, seen.sessions, seen.contacts)
    sd = scenario.instruments.interview_error_sd.value
    at_start = clients.severity + _interview_error(draws, clients, "interview_start", sd)
    diagnosed = at_start > 0
    principal = np.where(diagnosed.any(axis=1), largest_column(at_start), -1).astype(np.int8)
    interview = _Interview(
        diagnosed,
        principal,
        _interview_error(draws, clients, "interview_end", sd),
        _interview_error(draws, clients, "interview_month_12", sd),
        scenario.instruments.full_remission_margin.value,
        draws.uniform("relapse", clients.id),
        draws.uniform("relapse_day", clients.id),
    )
    elapsed_days = (read_day - clients.referral_day, last_day - clients.referral_day)
    risk = _relapse_risk(scenario, care, seen)
    never = np.full(n, scenario.outcome.relapse_untreated.value)
    return Outcomes(
        end_day=seen.end_day,
        left=seen.left,
        first_contact_day=seen.first_contact_day,
        second_contact_day=seen.second_contact_day,
        last_contact_day=seen.last_contact_day,
        contacts=seen.contacts,
        sessions=seen.sessions,
        not_attended=seen.not_attended,
        client_cancelled=seen.client_cancelled,
        provider_cancelled=seen.provider_cancelled,
        first_course=seen.first_course,
        stepped_up=seen.stepped_up,
        stepped_down=seen.stepped_down,
        step_up_wait_days=seen.step_up_wait_days,
        first_phq9=first_phq9,
        first_gad7=first_gad7,
        diagnosed=diagnosed,
        principal=principal,
        course_scores=course_scores(scenario, clients, path, care, episodes, (first_phq9, first_gad7)),
        service=_reading(scenario, path, treated, elapsed_days, interview, risk),
        none=_reading(scenario, path, None, elapsed_days, interview, never),
    )


def one_after_the_other(tables: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of several sets of clients, one set after the other."""
    first_row = np.cumsum([0] + [len(one.end_day) for one in tables])
    return stacked(*(numbered_from(one, row) for one, row in zip(tables, first_row, strict=False)))


def numbered_from(outcomes: Outcomes, first_row: int) -> Outcomes:
    """The same, as part of a table in which these clients begin at a row."""
    scores = outcomes.course_scores
    return replace(outcomes, course_scores=replace(scores, client=scores.client + np.int32(first_row)))


def of_clients(outcomes: Outcomes, rows: NDArray[np.intp]) -> Outcomes:
    """The outcomes of some clients, among whom must be all who have scores by course."""
    scores = outcomes.course_scores
    renumbered = replace(scores, client=np.searchsorted(rows, scores.client).astype(np.int32))
    columns = {f.name: getattr(outcomes, f.name) for f in fields(Outcomes) if f.name != "course_scores"}
    return Outcomes(course_scores=renumbered, **rows_of(columns, rows))


def recovered(outcomes: Outcomes, reading: Reading) -> Flags:
    """At caseness at the first contact, below both cut-offs at the last (source nhstt_manual), (n,) bool."""
    return outcomes.at_caseness & below_caseness(reading.last_phq9, reading.last_gad7)


def reliable_change(outcomes: Outcomes, reading: Reading) -> tuple[Flags, Flags]:
    """Reliably improved, and reliably deteriorated, each (n,) bool (source nhstt_manual).

    Improved: PHQ-9 down by 6 or GAD-7 down by 4, neither up by as much. Deteriorated: the reverse.
    """
    phq9 = reading.last_phq9.astype(np.int16) - outcomes.first_phq9
    gad7 = reading.last_gad7.astype(np.int16) - outcomes.first_gad7
    down = (phq9 <= -PHQ9_RELIABLE_CHANGE) | (gad7 <= -GAD7_RELIABLE_CHANGE)
    up = (phq9 >= PHQ9_RELIABLE_CHANGE) | (gad7 >= GAD7_RELIABLE_CHANGE)
    return down & ~up, up & ~down
