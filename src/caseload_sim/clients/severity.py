"""How ill a client is on a reading, and what the questionnaires then say.

A reading is what is seen at one moment: at first contact, at the start of a course, when stepping up is decided, at the last
contact, and a year later. Each has a passing state of every disorder, a mood and errors of its own, whatever the day on
which it takes place. Used twice with the same draws: to find the day from which a client counts as a responder, before the
queue runs, and to read everybody afterwards. Elementwise throughout, so that both get the same bits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.clients.questionnaires import GAD7_MAX, PHQ9_MAX, Scores, score
from caseload_sim.clients.remission import Given, Illness, distress_over_by, over_by, share_reaching
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.outcome import by_disorder
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats, rows_of
from caseload_sim.support.compiled import Compiled, numba_is_loaded

ONE_YEAR_DAYS = 365
FIRST, LAST, AGAIN, MONTH_12 = "first", "last", "again", "month_12"


def at_start_of(step: str) -> str:
    """The name of the reading at the first session of a course."""
    return f"start_{step}"


def at_end_of(step: str) -> str:
    """The name of the reading by which stepping up from a course is decided."""
    return f"end_{step}"


@dataclass(frozen=True, slots=True)
class Passing:
    """What is drawn for one reading of each client.

    state: (n, d) float64, SD, passing part of each disorder; mood: (n,), SD of distress
    drifted: share of the lasting drift of distress that has happened by then: 0, a half or all
    errors: of PHQ-9 and of GAD-7, each (n,) in points
    """

    state: Floats
    mood: Floats
    drifted: float
    errors: tuple[Floats, Floats]

    def rows(self, chosen: NDArray[np.intp]) -> "Passing":
        """The same for some clients only."""
        return rows_of(self, chosen)


@dataclass(frozen=True, slots=True)
class Condition:
    """Who the clients are on their first reading, from which every later one departs.

    severity: (n, d) float64, SD at referral; state_start: (n, d), the passing part of it
    distress: (n,), SD at referral, without what brought the client; drift: (n,), SD
    illness: how long each problem lasts
    """

    severity: Floats
    state_start: Floats
    distress: Floats
    drift: Floats
    illness: Illness

    def rows(self, chosen: NDArray[np.intp]) -> "Condition":
        """The same for some clients only."""
        return rows_of(self, chosen)


def condition_of(scenario: Scenario, clients: Clients, illness: Illness, draws: Draws) -> Condition:
    """The clients as they come, with the length of every problem."""
    drift = scenario.outcome.distress.drift_sd.value * draws.normal("drift", clients.id)
    return Condition(clients.severity, clients.state_start, clients.distress, drift, illness)


def passing_at(
    scenario: Scenario,
    clients: Clients,
    reading: str,
    draws: Draws,
    rows: NDArray[np.intp] | None = None,
    *,
    later_course: bool = False,
) -> Passing:
    """The passing state, the mood and the errors of one reading of these clients, or of some of them.

    reading: FIRST, LAST, AGAIN, MONTH_12, or the name that `at_start_of` or `at_end_of` gives
    later_course: the course that starts is not the client's first. What drifts for good had drifted by the end of the
        course before it, and does not come back
    """
    at = slice(None) if rows is None else rows
    population, names = scenario.population, clients.disorder_names
    instruments = scenario.instruments
    purposes = [f"error:{reading}:phq9", f"error:{reading}:gad7", f"mood:{reading}"]
    if reading == FIRST:  # the state at referral, by which the prevalences are
        state = clients.state_start[at]
    else:
        state = np.empty((len(clients.id[at]), len(names)), order="F")
        purposes += [f"state:{reading}:{name}" for name in names]
    phq9, gad7, mood, *states = draws.normals(purposes, clients.id[at])
    for j, (name, drawn) in enumerate(zip(names, states, strict=False)):
        state[:, j] = np.sqrt(population.state_share_of(name)) * drawn
    errors = instruments.phq9.error_sd.value * phq9, instruments.gad7.error_sd.value * gad7
    drifted = 0.0 if reading == FIRST else 0.5 if reading.startswith("start_") and not later_course else 1.0
    return Passing(state, scenario.outcome.distress.mood_sd.value * mood, drifted, errors)


def severity_on(
    scenario: Scenario,
    who: Condition,
    passing: Passing,
    days: NDArray[np.int32] | Floats,
    given: Given | None = None,
    rows: NDArray[np.intp] | None = None,
) -> tuple[Floats, Floats]:
    """Severity (n, d) and distress (n,) on a reading so many days after referral, SD.

    given: treatment received by then, none if None
    rows: who is read, everybody if None; `who` is of everybody, all else of those who are read
    """
    at = slice(None) if rows is None else rows
    severities = _severities_compiled if numba_is_loaded() else _severities_with_numpy
    severity = severities(scenario, who, passing, days, given, rows)
    outcome = scenario.outcome
    distress = who.distress[at] + passing.mood + passing.drifted * who.drift[at]
    if given is not None:
        distress -= outcome.treatment.distress_relief.value * given.strength
    distress += outcome.distress.reactive.value * ~distress_over_by(scenario, who.illness, days, given, rows)
    return severity, distress


def _severities_with_numpy(
    scenario: Scenario,
    who: Condition,
    passing: Passing,
    days: NDArray[np.int32] | Floats,
    given: Given | None,
    rows: NDArray[np.intp] | None,
) -> Floats:
    """The severities of `severity_on`."""
    at, illness = slice(None) if rows is None else rows, who.illness
    severity = np.empty((len(days), who.severity.shape[1]), order="F")
    for j in range(severity.shape[1]):
        state = passing.state[:, j]
        level = who.severity[:, j][at] + (state - who.state_start[:, j][at])
        if given is not None:
            level -= scenario.outcome.treatment.severity_shift.value * share_reaching(scenario, given, j)
        over = over_by(scenario, illness, days, given, j, rows)
        severity[:, j] = np.where(over, np.minimum(level, state - illness.depth[:, j][at]), level)
    return severity


def _severities_compiled(
    scenario: Scenario,
    who: Condition,
    passing: Passing,
    days: NDArray[np.int32] | Floats,
    given: Given | None,
    rows: NDArray[np.intp] | None,
) -> Floats:
    """The same to the last bit, in one pass by compiled code."""
    illness, treatment = who.illness, scenario.outcome.treatment
    tables = (
        who.severity, who.state_start, passing.state, illness.present, illness.length, illness.hazard, illness.depth
    )  # fmt: skip
    severity = np.empty((who.severity.shape[1], len(days)))
    _severities(
        *(np.ascontiguousarray(table.T) for table in tables),  # nothing is copied: tables lie column by column
        rows is not None,
        _NOBODY if rows is None else rows,
        np.asarray(days, dtype=np.float64),
        given is not None,
        _NONE if given is None else given.strength,
        _NO_TARGET if given is None else given.target,
        np.array(by_disorder(dict(treatment.spill), scenario.disorders)),
        treatment.severity_shift.value,
        treatment.full_course.value,
        severity,
    )
    return severity.T


_NOBODY, _NONE, _NO_TARGET = np.empty(0, dtype=np.intp), np.empty(0), np.empty(0, dtype=np.int8)


def _severities_code(
    severity: Any, state_start: Any, state: Any, present: Any, length: Any, hazard: Any, depth: Any,
    of_some: Any, rows: Any, days: Any, treated: Any, strength: Any, target: Any, spill: Any, shift: Any, full_course: Any,
    found: Any,
) -> None:  # fmt: skip  # pragma: no cover: Python itself does not run it
    for j in range(len(found)):
        for k in range(len(days)):
            i = np.uint64(rows[k]) if of_some else np.uint64(k)
            passing = state[j, k]
            level = severity[j, i] + (passing - state_start[j, i])
            used = hazard[j, i] * days[k]
            if treated:
                reaching = strength[k] if target[k] == j else spill[j] * strength[k]
                level -= shift * reaching
                used += full_course * reaching
            if present[j, i] and used >= length[j, i]:
                level = min(level, passing - depth[j, i])
            found[j, k] = level


_severities = Compiled(_severities_code)


def scores_at_referral(scenario: Scenario, clients: Clients, draws: Draws) -> tuple[Scores, Scores]:
    """PHQ-9 and GAD-7 of the first reading on the day of referral, when nothing is over yet, each (n,) int8."""
    passing = passing_at(scenario, clients, FIRST, draws)
    distress = clients.distress + passing.mood + scenario.outcome.distress.reactive.value
    return scores_of(scenario, passing, clients.severity, distress)


def scores_of(scenario: Scenario, passing: Passing, severity: Floats, distress: Floats) -> tuple[Scores, Scores]:
    """PHQ-9 (0-27) and GAD-7 (0-21) of what `severity_on` gives, each (n,) int8."""
    instruments, names = scenario.instruments, scenario.disorders
    return (
        score(instruments.phq9, names, severity, distress, passing.errors[0], PHQ9_MAX),
        score(instruments.gad7, names, severity, distress, passing.errors[1], GAD7_MAX),
    )


def scores_on(
    scenario: Scenario,
    who: Condition,
    passing: Passing,
    days: NDArray[np.int32] | Floats,
    given: Given | None = None,
    rows: NDArray[np.intp] | None = None,
) -> tuple[Scores, Scores]:
    """PHQ-9 (0-27) and GAD-7 (0-21) on a reading so many days after referral, each (n,) int8; arguments as in `severity_on`."""
    return scores_of(scenario, passing, *severity_on(scenario, who, passing, days, given, rows))
