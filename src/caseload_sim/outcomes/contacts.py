"""What took place: when each referral began to be seen and was over, and which contacts were attended and missed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import ASSESSED, DROPPED_OUT, FINISHED, GAVE_UP, NOT_YET
from caseload_sim.outcomes.courses import Courses
from caseload_sim.pathway.assessment import EXITS, NO_SERVICE, TREATED, never_assessed
from caseload_sim.pathway.care import Care, missed_by_kind
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Codes, Days, Flags

LEFT = (*EXITS[1:], "gave_up", "dropped_out", "finished", "not_yet")


@dataclass(frozen=True, slots=True)
class Contacts:
    """What each client received, one row a client; days count from opening, NOT_YET when it did not happen by the horizon.

    end_day: (n,) the last stay ended, or the client left; left: (n,) int8, index into LEFT
    first_contact_day, second_contact_day, last_contact_day: (n,)
    contacts: (n,) attended, assessment included; sessions: (n, s) attended treatment sessions
    not_attended, client_cancelled, provider_cancelled: (n,) other booked contacts
    first_course: (n,) int8, step of the first course begun, -1 for none
    stepped_up, stepped_down: (n,) bool, began a course at a step above, below, the first
    step_up_wait_days: (n,) int32, last session before stepping up to the first after it, NOT_YET for all others
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


def contacts_of(
    scenario: Scenario, clients: Clients, care: Care, episodes: Episodes, courses: Courses, draws: Draws
) -> Contacts:
    """What some clients received in their stays; courses: those of the same stays."""
    n, n_steps = care.attended.shape
    sessions = np.zeros((n, n_steps), dtype=np.int32, order="F")
    sessions[courses.client, courses.step] = courses.sessions
    who, step = episodes.client, episodes.step
    began = (episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET)
    not_attended, client_cancelled, provider_cancelled = (
        np.bincount(who[began], weights=kind[who[began], step[began]], minlength=n).astype(np.int32)
        for kind in missed_by_kind(scenario, clients, care, draws)
    )
    assessed = np.zeros(n, dtype=np.int32)
    assessed[who[episodes.ending == ASSESSED]] = 1
    first_contact, second_contact, last_contact = _contact_days(scenario, care, episodes, courses)
    end_day, left = leaving(scenario, clients.referral_day, care.exit, care.booking_days, episodes)

    first, last = courses.first_rows, courses.last_rows  # of the same clients
    treated = courses.client[first]
    first_course = np.full(n, -1, dtype=np.int8)
    first_course[treated] = courses.step[first]
    moved = (sessions > 0).sum(axis=1) > 1
    down = np.zeros(n, dtype=bool)
    down[treated] = _steps_below(scenario)[courses.step[first], courses.step[last]]
    down &= moved
    step_up_wait = np.full(n, NOT_YET, dtype=np.int32)
    step_up_wait[treated] = courses.first_day[last] - courses.last_day[first]
    step_up_wait[~moved | down] = NOT_YET
    return Contacts(
        end_day=end_day,
        left=left,
        first_contact_day=first_contact,
        second_contact_day=second_contact,
        last_contact_day=last_contact,
        contacts=assessed + sessions.sum(axis=1, dtype=np.int32),
        sessions=sessions,
        not_attended=not_attended,
        client_cancelled=client_cancelled,
        provider_cancelled=provider_cancelled,
        first_course=first_course,
        stepped_up=moved & ~down,
        stepped_down=down,
        step_up_wait_days=step_up_wait,
    )


def _contact_days(scenario: Scenario, care: Care, episodes: Episodes, courses: Courses) -> tuple[Days, Days, Days]:
    """Days of the first, the second and the last contact of each client, each (n,) int32, NOT_YET if there was none.

    The second is the first session of a course that is not itself the first contact.
    """
    # A contact at assessment is on the last day its slot is held; the first of a course is when the client can come.
    begun = np.flatnonzero((episodes.started_day != NOT_YET) & (episodes.ended_day != NOT_YET))
    who, step = episodes.client[begun], episodes.step[begun]
    started, ended = episodes.started_day[begun], episodes.ended_day[begun]
    is_course = scenario.pathway.is_course[step]
    first_day = np.where(is_course, started + care.lag_days[who, step], ended - 1)
    last_day = np.where(is_course, ended, ended - 1)
    first, second, last = (np.full(len(care.attended), NOT_YET, dtype=np.int32) for _ in range(3))
    # Stays are in order of time, and of several assignments to one client the last one stays: to keep the first, backwards.
    last[who] = last_day
    first[who[::-1]] = first_day[::-1]
    later = np.flatnonzero(courses.first_day > first[courses.client])[::-1]
    second[courses.client[later]] = courses.first_day[later]
    return first, second, last


def _steps_below(scenario: Scenario) -> NDArray[np.bool_]:
    """Whether the second step is the one that the first steps down to, (s, s) bool."""
    below = np.zeros((len(scenario.steps),) * 2, dtype=bool)
    for s, _, step in scenario.pathway.each_course():
        if step.steps_down_to:
            below[s, scenario.steps.index(step.steps_down_to)] = True
    return below


def leaving(
    scenario: Scenario, referral_day: Days, exit_: Codes, booking_days: Days, episodes: Episodes
) -> tuple[Days, Codes]:
    """Day on which each referral was over, and how it ended as an index into LEFT."""
    n = len(referral_day)
    left, end_day = exit_ - np.int8(1), np.full(n, NOT_YET, dtype=np.int32)
    left[np.flatnonzero(exit_ == TREATED)] = LEFT.index("not_yet")
    came = referral_day != NOT_YET
    here, turned_away = np.flatnonzero(came & never_assessed(exit_)), np.flatnonzero(exit_ == NO_SERVICE)
    end_day[here] = referral_day[here] + booking_days[here]
    end_day[turned_away] = referral_day[turned_away]
    end_day[np.flatnonzero(end_day >= scenario.run.horizon_days)] = NOT_YET
    last_row = np.full(n, -1, dtype=np.int64)
    last_row[episodes.client] = np.arange(len(episodes.client))
    rows = np.flatnonzero(last_row >= 0)
    end_day[rows] = episodes.ended_day[last_row[rows]]
    ending = episodes.ending[last_row[rows]]
    for code, name in ((GAVE_UP, "gave_up"), (DROPPED_OUT, "dropped_out"), (FINISHED, "finished")):
        left[rows[np.flatnonzero(ending == code)]] = LEFT.index(name)
    # Let through, but would not have come to a first session.
    well_by_then = np.flatnonzero((ending == ASSESSED) & (exit_[rows] == TREATED))
    left[rows[well_by_then]] = LEFT.index("gave_up")
    left[np.flatnonzero(end_day == NOT_YET)] = LEFT.index("not_yet")
    return end_day, left
