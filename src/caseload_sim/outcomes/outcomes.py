"""The table of outcomes: what took place and how each client is then read; who recovered, and who reliably changed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import GAD7_RELIABLE_CHANGE, PHQ9_RELIABLE_CHANGE, Scores, below_caseness
from caseload_sim.clients.remission import Given, complexity_of, treatment_given
from caseload_sim.clients.severity import FIRST, Condition, passing_at, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import LONGEST_DAYS, NEVER
from caseload_sim.outcomes.contacts import Contacts, contacts_of
from caseload_sim.outcomes.courses import NO_COURSE_SCORES, Courses, CourseScores, course_scores, courses_of
from caseload_sim.outcomes.readings import Reading, day_of_relapse, occasions_of, reading_days, with_service_and_without
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Days, Flags, by_name, field_names, rows_of, stacked


@dataclass(frozen=True, slots=True)
class Outcomes(Contacts):
    """What each client received (the columns of Contacts), and how they were read; one row a client.

    first_phq9, first_gad7: (n,) int8, at the first contact
    diagnosed: (n, d) bool, at interview at referral; principal: (n,) int8, the most severe of them, -1 for none
    course_scores: scores by course
    service, none: readings with the service and for the same client without
    """

    first_phq9: Scores
    first_gad7: Scores
    diagnosed: Flags
    principal: NDArray[np.int8]
    course_scores: CourseScores
    service: Reading
    none: Reading

    @property
    def received(self) -> Contacts:
        """What each client received."""
        return Contacts(**{name: getattr(self, name) for name in field_names(Contacts)})

    @property
    def at_caseness(self) -> Flags:
        """At caseness at the first contact (or at referral if there was none), (n,) bool."""
        return ~below_caseness(self.first_phq9, self.first_gad7)


def read_outcomes(
    scenario: Scenario,
    clients: Clients,
    who: Condition,
    care: Care,
    episodes: Episodes,
    draws: Draws,
    *,
    by_course: bool = True,
    known: Contacts | None = None,
) -> Outcomes:
    """Read every client once with what they received, and once as if there had been no service.

    who: the clients as they came, and how long each problem lasts; episodes: of these clients alone, whose rows it names
    by_course: read the scores of each course too, which no rung of the ladder needs; without it there are none
    known: what each client received, where it is known already

    Both readings are on the same days, with the same draws.
    """
    courses = courses_of(scenario, care, episodes)
    contacts = known or contacts_of(scenario, clients, care, episodes, courses, draws)
    days = reading_days(scenario, clients.referral_day, contacts)
    occasions = occasions_of(scenario, clients, draws)
    first_scores = scores_on(scenario, who, passing_at(scenario, clients, FIRST, draws), days.first_contact)
    given, planned_end = _given(scenario, clients, care, courses, contacts)
    service, none = with_service_and_without(scenario, who, given, days, occasions, planned_end)
    scores_of_courses = (
        course_scores(scenario, clients, who, care, courses, (service.last_phq9, service.last_gad7), draws)
        if by_course
        else NO_COURSE_SCORES
    )
    return Outcomes(
        **by_name(contacts),
        first_phq9=first_scores[0],
        first_gad7=first_scores[1],
        diagnosed=occasions.diagnosed,
        principal=occasions.principal,
        course_scores=scores_of_courses,
        service=service,
        none=none,
    )


def days_until_relapse(
    scenario: Scenario, clients: Clients, who: Condition, care: Care, episodes: Episodes, draws: Draws
) -> Days:
    """Whole days from the end of treatment until a client falls ill again, (n,) int32; NEVER for all others.

    The others were not treated, are not over by the horizon, have nothing that was over, or fell ill again before the end.
    Arguments as in `read_outcomes`, by whose rule a client relapses.
    """
    courses = courses_of(scenario, care, episodes)
    contacts = contacts_of(scenario, clients, care, episodes, courses, draws)
    days, occasions = reading_days(scenario, clients.referral_day, contacts), occasions_of(scenario, clients, draws)
    given, planned_end = _given(scenario, clients, care, courses, contacts)
    relapse = day_of_relapse(scenario, who, given, days, occasions, planned_end)
    after = relapse - (contacts.end_day.astype(np.float64) - clients.referral_day)
    relapses = contacts.ended & (contacts.first_course >= 0) & np.isfinite(after) & (after >= 0)
    return np.where(relapses, np.minimum(np.where(relapses, after, 0), LONGEST_DAYS), NEVER).astype(np.int32)


def _given(
    scenario: Scenario, clients: Clients, care: Care, courses: Courses, contacts: Contacts
) -> tuple[Given, Flags]:
    """What treatment has given each client by the end, and whose treatment ended as planned, (n,) bool."""
    complexity, received = (
        complexity_of(scenario, clients),
        (contacts.sessions, contacts.contacts, contacts.first_course),
    )
    planned_end = np.zeros(len(clients.id), dtype=bool)
    planned_end[courses.client[courses.last_rows]] = ~courses.dropped_out[courses.last_rows]
    return treatment_given(scenario, care.target, care.response, complexity, *received), planned_end


def one_after_the_other(tables: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of several sets of clients, one set after the other."""
    first_row = np.cumsum([0] + [len(one.end_day) for one in tables])
    return stacked(*(numbered_from(one, row) for one, row in zip(tables, first_row, strict=False)))


def numbered_from(outcomes: Outcomes, first_row: int) -> Outcomes:
    """The same, as part of a table in which these clients begin at a row."""
    scores = outcomes.course_scores
    return replace(outcomes, course_scores=replace(scores, client=scores.client + np.int32(first_row)))


def of_clients(outcomes: Outcomes, rows: NDArray[np.intp]) -> Outcomes:
    """The outcomes of some clients, whose rows ascend, with their scores by course."""
    scores = outcomes.course_scores
    theirs = np.flatnonzero(np.isin(scores.client, rows))
    scores = rows_of(scores, theirs) if len(theirs) < len(scores.client) else scores
    renumbered = replace(scores, client=np.searchsorted(rows, scores.client).astype(np.int32))
    columns = {f.name: getattr(outcomes, f.name) for f in fields(Outcomes) if f.name != "course_scores"}
    return Outcomes(course_scores=renumbered, **rows_of(columns, rows))


def recovered(outcomes: Outcomes, reading: Reading, at: str = "end") -> Flags:
    """At caseness at the first contact, below both cut-offs at the last (source nhstt_manual), (n,) bool.

    at: "end", the last contact, or "month_12", 365 days after the end
    """
    return outcomes.at_caseness & below_caseness(*reading.scores(at))


def reliable_change(outcomes: Outcomes, reading: Reading, at: str = "end") -> tuple[Flags, Flags]:
    """Reliably improved, and reliably deteriorated, each (n,) bool (source nhstt_manual); at: as for `recovered`.

    Improved: PHQ-9 down by 6 or GAD-7 down by 4, neither up by as much. Deteriorated: the reverse.
    """
    last_phq9, last_gad7 = reading.scores(at)
    phq9 = last_phq9.astype(np.int16) - outcomes.first_phq9
    gad7 = last_gad7.astype(np.int16) - outcomes.first_gad7
    down = (phq9 <= -PHQ9_RELIABLE_CHANGE) | (gad7 <= -GAD7_RELIABLE_CHANGE)
    up = (phq9 >= PHQ9_RELIABLE_CHANGE) | (gad7 >= GAD7_RELIABLE_CHANGE)
    return down & ~up, up & ~down
