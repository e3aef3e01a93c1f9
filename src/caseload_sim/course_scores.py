"""What the questionnaires read at the start and at the end of each course: the basis of figures per therapy course."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from caseload_sim.care import Care
from caseload_sim.clients import Clients
from caseload_sim.courses import NOT_YET, Codes, Days
from caseload_sim.episodes import Episodes
from caseload_sim.pathway import CourseStep
from caseload_sim.scenario import Scenario
from caseload_sim.severity import Scores, Trajectory, scores_after, treated_by


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
