"""The courses of treatment that took place, one row each, and the scores at the start and at the end of each."""

from collections.abc import Callable
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
from caseload_sim.support.columns import Codes, Days, Flags, stacked


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
    client, step = courses.client, courses.step
    chosen = scenario.run.within_period(courses.last_day)
    is_last = np.zeros(len(client), dtype=bool)
    is_last[courses.last_rows] = True
    so_far = np.zeros(care.attended.shape, dtype=np.int32)  # sessions attended at each step
    before, after = (np.zeros((len(client), len(scenario.steps)), dtype=np.int32) for _ in range(2))
    for k in range(int(courses.order.max(initial=-1)) + 1):
        here = np.flatnonzero(courses.order == k)
        before[here] = so_far[client[here]]
        so_far[client[here], step[here]] = courses.sessions[here]
        after[here] = so_far[client[here]]
    begun = np.full(len(so_far), NO_STEP, dtype=np.int8)
    begun[client[courses.first_rows]] = step[courses.first_rows]
    complexity = complexity_of(scenario, clients)

    def read(
        rows: NDArray[np.intp], name_at: Callable[[str], str], days: Days, sessions: Days, *, later_course: bool
    ) -> tuple[Scores, Scores]:
        """PHQ-9 and GAD-7 at the start or the end of these courses, after so many sessions at each step."""
        if len(rows) == 0:
            return _NO_CODES, _NO_CODES
        at = client[rows].astype(np.intp)
        given = treatment_given(
            scenario, care.target[at], care.response[at], complexity[at], sessions[rows],
            sessions[rows].sum(axis=1, dtype=np.int32) + 1, begun[at],
        )  # fmt: skip
        parts = [step[rows] == s for s in range(len(scenario.steps))]
        passing = stacked(
            *(
                passing_at(scenario, clients, name_at(name), draws, at[mine], later_course=later_course)
                for name, mine in zip(scenario.steps, parts, strict=True)
            )
        )
        in_order = np.empty(len(rows), dtype=np.intp)
        in_order[np.concatenate([np.flatnonzero(mine) for mine in parts])] = np.arange(len(rows))
        after_referral = (days[rows] - clients.referral_day[at]).astype(np.int32)
        return scores_on(scenario, who, passing.rows(in_order), after_referral, given, at)

    columns = [*(np.zeros(len(client), dtype=np.int8) for _ in range(2)), *(scores[client] for scores in last_scores)]
    for rows, name_at, days, sessions, later in (
        (np.flatnonzero(chosen & (courses.order == 0)), at_start_of, courses.first_day, before, False),
        (np.flatnonzero(chosen & (courses.order > 0)), at_start_of, courses.first_day, before, True),
        (np.flatnonzero(chosen & ~is_last), at_end_of, courses.last_day, after, True),
    ):
        found = read(rows, name_at, days, sessions, later_course=later)
        for column, scores in zip(columns[:2] if name_at is at_start_of else columns[2:], found, strict=True):
            column[rows] = scores
    return CourseScores(client[chosen], step[chosen], courses.sessions[chosen], *(column[chosen] for column in columns))
