"""The courses of treatment that took place, one row each, and the scores at the start and at the end of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import Scores
from caseload_sim.clients.remission import complexity_of, treatment_given
from caseload_sim.clients.severity import Condition, at_end_of, at_start_of, passing_at, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import DROPPED_OUT, NO_STEP, NOT_YET
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags


@dataclass(frozen=True, slots=True)
class Courses:
    """One row for each course begun and ended by the horizon; a client's courses stand together, in order of time.

    client: (m,) int32, row of the client; step: (m,) int8
    order: (m,) int64, 0 for a client's first course, 1 for the second, and so on
    first_day, last_day: (m,) int32, of the first session, and of the last
    sessions: (m,) int32, attended; dropped_out: (m,) bool, left before the planned end
    """

    client: Days
    step: Codes
    order: NDArray[np.int64]
    first_day: Days
    last_day: Days
    sessions: Days
    dropped_out: Flags

    @property
    def first_rows(self) -> NDArray[np.intp]:
        """Row of each treated client's first course, in order of client."""
        return np.flatnonzero(self.order == 0)

    @property
    def last_rows(self) -> NDArray[np.intp]:
        """Row of each treated client's last course, in order of client."""
        return np.append(self.first_rows[1:], len(self.order))[: len(self.first_rows)] - 1


def courses_of(scenario: Scenario, care: Care, episodes: Episodes) -> Courses:
    """The courses among the stays of some clients, who are numbered from 0 as in `care`."""
    began_and_ended = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
    rows = np.flatnonzero(began_and_ended & scenario.pathway.is_course[episodes.step])
    who, step = episodes.client[rows], episodes.step[rows]
    return Courses(
        client=who,
        step=step,
        order=_rank_within_client(who),
        first_day=episodes.started_day[rows] + care.lag_days[who, step],  # the place is held until the client can come
        last_day=episodes.ended_day[rows],
        sessions=care.attended[who, step],
        dropped_out=episodes.ending[rows] == DROPPED_OUT,
    )


def _rank_within_client(who: NDArray[np.int32]) -> NDArray[np.int64]:
    """0 for a client's first row, 1 for the second, and so on; rows are in order of client."""
    first = np.concatenate([[True], who[1:] != who[:-1]]) if len(who) else np.empty(0, dtype=bool)
    starts = np.flatnonzero(first)
    return np.arange(len(who)) - np.repeat(starts, np.diff(np.append(starts, len(who))))


@dataclass(frozen=True, slots=True)
class CourseScores:
    """One row for each course ended in the data collection period, whatever became of the referral.

    client: (m,) int32; step: (m,) int8; sessions: (m,) int32, attended in this course
    first_phq9, first_gad7, last_phq9, last_gad7: (m,) int8, at its first session and its last
    """

    client: Days
    step: Codes
    sessions: Days
    first_phq9: Scores
    first_gad7: Scores
    last_phq9: Scores
    last_gad7: Scores


_NO_DAYS, _NO_CODES = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int8)
NO_COURSE_SCORES = CourseScores(_NO_DAYS, _NO_CODES, _NO_DAYS, *[_NO_CODES] * 4)


def course_scores(
    scenario: Scenario,
    clients: Clients,
    who: Condition,
    care: Care,
    courses: Courses,
    last_scores: tuple[Scores, Scores],
    draws: Draws,
) -> CourseScores:
    """Scores by course: of its first session, and of its last, which for a client's last course are the last there are.

    last_scores: PHQ-9 and GAD-7 of each client at the last contact, both (n,)
    """
    client, step, last_day = courses.client, courses.step, courses.last_day
    chosen = scenario.run.within_period(last_day)
    is_last = np.zeros(len(client), dtype=bool)
    is_last[courses.last_rows] = True
    scores = [np.zeros(len(client), dtype=np.int8) for _ in range(4)]
    for column, last in zip(scores[2:], last_scores, strict=True):
        column[:] = last[client]
    sessions = np.zeros(care.attended.shape, dtype=np.int32)  # of the courses so far
    complexity, begun = complexity_of(scenario, clients), np.full(len(sessions), NO_STEP, dtype=np.int8)
    begun[client[courses.first_rows]] = step[courses.first_rows]
    for k in range(int(courses.order.max(initial=-1)) + 1):
        here = np.flatnonzero(courses.order == k)
        before = sessions[client[here]].copy()
        sessions[client[here], step[here]] = courses.sessions[here]
        for s in range(len(scenario.steps)):
            mine = chosen[here] & (step[here] == s)
            rows, so_far = here[mine], before[mine]
            _read(scores[:2], rows, scenario, clients, who, care, client[rows], at_start_of(scenario.steps[s]),
                  courses.first_day[rows], so_far, begun, complexity, draws, later_course=k > 0)  # fmt: skip
            rows = rows[~is_last[rows]]
            _read(scores[2:], rows, scenario, clients, who, care, client[rows], at_end_of(scenario.steps[s]),
                  last_day[rows], sessions[client[rows]], begun, complexity, draws, later_course=k > 0)  # fmt: skip
    return CourseScores(client[chosen], step[chosen], courses.sessions[chosen], *(column[chosen] for column in scores))


def _read(
    columns: list[Scores],
    rows: NDArray[np.intp],
    scenario: Scenario,
    clients: Clients,
    who: Condition,
    care: Care,
    client: Days,
    reading: str,
    day: Days,
    sessions: NDArray[np.int32],
    begun: Codes,
    complexity: NDArray[np.int64],
    draws: Draws,
    *,
    later_course: bool,
) -> None:
    """Put PHQ-9 and GAD-7 of some clients on some days, after so many sessions at each step, into rows of two columns.

    begun: (n,) int8, step of each client's first course; complexity: (n,), see `complexity_of`
    later_course: these courses are not the first
    """
    if len(rows) == 0:
        return
    at = client.astype(np.intp)
    contacts = sessions.sum(axis=1, dtype=np.int32) + 1
    given = treatment_given(scenario, care.target[at], care.response[at], complexity[at], sessions, contacts, begun[at])
    passing = passing_at(scenario, clients, reading, draws, at, later_course=later_course)
    after = (day - clients.referral_day[at]).astype(np.int32)
    for column, score in zip(columns, scores_on(scenario, who, passing, after, given, at), strict=True):
        column[rows] = score
