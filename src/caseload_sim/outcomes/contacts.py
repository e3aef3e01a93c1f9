"""Who is better, by which rule: questionnaires and interview for every client, and for the same client untreated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import ASSESSED, DROPPED_OUT, FINISHED, GAVE_UP, NOT_YET
from caseload_sim.pathway.assessment import EXITS, NO_SERVICE, TREATED, never_assessed
from caseload_sim.pathway.care import Care, missed_by_kind
from caseload_sim.scenario.pathway import CourseStep
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags

LEFT = (*EXITS[1:], "gave_up", "dropped_out", "finished", "not_yet")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What each client received; columns as in Outcomes. last_course: (n,) int8; dropped_out: (n,) bool, of it."""

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
    last_course: NDArray[np.int8]
    stepped_up: Flags
    stepped_down: Flags
    step_up_wait_days: Days
    dropped_out: Flags


def _contacts(scenario: Scenario, clients: Clients, care: Care, episodes: Episodes, draws: Draws) -> _Seen:
    n, n_steps = care.attended.shape
    who, step = episodes.client, episodes.step
    is_course = np.array([isinstance(s, CourseStep) for s in scenario.pathway.steps.values()])
    began = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
    sessions = np.zeros((n, n_steps), dtype=np.int32, order="F")
    rows = began & is_course[step]
    sessions[who[rows], step[rows]] = care.attended[who[rows], step[rows]]
    missed = [
        np.bincount(who[began], weights=kind[who[began], step[began]], minlength=n).astype(np.int32)
        for kind in missed_by_kind(scenario, clients, care, draws)
    ]
    assessed = np.zeros(n, dtype=np.int32)
    assessed[who[episodes.ending == ASSESSED]] = 1
    contacts = assessed + sessions.sum(axis=1, dtype=np.int32)

    # A contact at assessment is on the last day its slot is held; the first of a course is when the client can come.
    first_day = np.where(is_course[step], episodes.started_day + care.lag_days[who, step], episodes.ended_day - 1)
    last_day = np.where(is_course[step], episodes.ended_day, episodes.ended_day - 1)
    first_contact = np.full(n, NOT_YET, dtype=np.int32)
    last_contact = np.full(n, NOT_YET, dtype=np.int32)
    second_contact = np.full(n, NOT_YET, dtype=np.int32)
    begun = np.flatnonzero(began)
    last_contact[who[begun]] = last_day[begun]  # rows are in order of time, so the last one stays
    first_contact[who[begun[::-1]]] = first_day[begun[::-1]]
    after_assessment = rows & (first_day > first_contact[who])
    later = np.flatnonzero(after_assessment)
    second_contact[who[later[::-1]]] = first_day[later[::-1]]

    course_rows = np.flatnonzero(rows)
    first_course, last_course = np.full(n, -1, dtype=np.int8), np.full(n, -1, dtype=np.int8)
    last_course[who[course_rows]] = step[course_rows]
    first_course[who[course_rows[::-1]]] = step[course_rows[::-1]]
    first_at, last_at = np.full(n, NOT_YET, dtype=np.int32), np.full(n, NOT_YET, dtype=np.int32)
    last_at[who[course_rows]] = first_day[course_rows]
    first_at[who[course_rows[::-1]]] = last_day[course_rows[::-1]]
    moved = (sessions > 0).sum(axis=1) > 1
    below = _steps_below(scenario)
    down = moved & below[np.maximum(first_course, 0), np.maximum(last_course, 0)]
    dropped = np.zeros(n, dtype=bool)
    dropped[who[course_rows]] = episodes.ending[course_rows] == DROPPED_OUT
    end_day, left = leaving(scenario, clients.referral_day, care.exit, care.booking_days, episodes)
    return _Seen(
        end_day, left, first_contact, second_contact, last_contact, contacts, sessions, missed[0], missed[1], missed[2],
        first_course, last_course, moved & ~down, down,
        np.where(moved & ~down, last_at - first_at, NOT_YET).astype(np.int32), dropped,
    )  # fmt: skip


def _steps_below(scenario: Scenario) -> NDArray[np.bool_]:
    """Whether the second step is the one that the first steps down to, (s, s) bool."""
    steps = scenario.pathway.steps
    below = np.zeros((max(len(steps), 1),) * 2, dtype=bool)
    for s, step in enumerate(steps.values()):
        if isinstance(step, CourseStep) and step.steps_down_to:
            below[s, scenario.steps.index(step.steps_down_to)] = True
    return below


def leaving(
    scenario: Scenario, referral_day: Days, exit_: Codes, booking_days: Days, episodes: Episodes
) -> tuple[Days, Codes]:
    """Day on which each referral was over, and how it ended as an index into LEFT."""
    n = len(referral_day)
    left = np.where(exit_ == TREATED, LEFT.index("not_yet"), exit_ - 1).astype(np.int8)
    joins_day = np.where(referral_day == NOT_YET, NOT_YET, referral_day + booking_days)
    end_day = np.where(never_assessed(exit_), joins_day, NOT_YET).astype(np.int32)
    end_day[exit_ == NO_SERVICE] = referral_day[exit_ == NO_SERVICE]
    end_day[end_day >= scenario.run.horizon_days] = NOT_YET
    last_row = np.full(n, -1, dtype=np.int64)
    last_row[episodes.client] = np.arange(len(episodes.client))
    rows = np.flatnonzero(last_row >= 0)
    end_day[rows] = episodes.ended_day[last_row[rows]]
    ending = episodes.ending[last_row[rows]]
    for code, name in ((GAVE_UP, "gave_up"), (DROPPED_OUT, "dropped_out"), (FINISHED, "finished")):
        left[rows[ending == code]] = LEFT.index(name)
    left[end_day == NOT_YET] = LEFT.index("not_yet")
    return end_day, left
