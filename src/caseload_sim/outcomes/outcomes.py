"""The table of outcomes: what took place and how each client is then read; who recovered, and who reliably changed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import GAD7_RELIABLE_CHANGE, PHQ9_RELIABLE_CHANGE, Scores, below_caseness
from caseload_sim.clients.severity import Trajectory, scores_after, treated_by
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.episodes import Episodes
from caseload_sim.outcomes.contacts import Contacts, contacts_of
from caseload_sim.outcomes.courses import CourseScores, course_scores, courses_of
from caseload_sim.outcomes.readings import Reading, interviews_of, reading_days, reading_of, relapse_risk
from caseload_sim.pathway.care import Care
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags, by_name, rows_of, stacked


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

    Both readings are on the same days, with the same draws.
    """
    courses = courses_of(scenario, care, episodes)
    contacts = contacts_of(scenario, clients, care, episodes, courses, draws)
    days = reading_days(scenario, clients.referral_day, contacts)
    interviews = interviews_of(scenario, clients, draws)
    first_scores = scores_after(scenario, path, days.first_contact, at_end=False)
    treated = treated_by(scenario, care.target, care.therapist, contacts.sessions, contacts.contacts)
    risk = relapse_risk(scenario, courses, len(clients.id))
    untreated_risk = np.full(len(clients.id), scenario.outcome.relapse_untreated.value)
    return Outcomes(
        **by_name(contacts),
        first_phq9=first_scores[0],
        first_gad7=first_scores[1],
        diagnosed=interviews.diagnosed,
        principal=interviews.principal,
        course_scores=course_scores(scenario, clients, path, care, courses, first_scores),
        service=reading_of(scenario, path, treated, days, interviews, risk),
        none=reading_of(scenario, path, None, days, interviews, untreated_risk),
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
