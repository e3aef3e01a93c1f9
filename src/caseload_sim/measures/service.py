"""Measures of the service: how referrals end, how long clients wait, what they attend, and scores by course."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.questionnaires import below_caseness
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.counting import Counted, Counts, added, by_number, quantile_of, ratio, total_of
from caseload_sim.measures.simulation import OverTime, Replication, Simulation, low_steps, within
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.pathway.working_days import working_days
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags

SIX_WEEKS_DAYS, EIGHTEEN_WEEKS_DAYS = 42, 126  # waiting standards of NHS England
FOUR_WEEKS_DAYS, NINETY_DAYS = 28, 90  # as published
# What the service writes down as the reason for an ending, by how it ended in the model.
RECORDED_AS = {
    "reason_not_suitable": ("not_suitable", "not_suitable_seen"),
    "reason_declined": ("declined", "declined_treatment"),
    "reason_not_assessed": ("not_assessed",),
    "reason_incomplete_assessment": ("incomplete_assessment",),
    "reason_advice_or_elsewhere": ("advice",),
    "reason_mutually_agreed": ("finished",),
    "reason_unplanned": ("dropped_out", "gave_up"),
}
REASONS_OF_THEIR_OWN = (
    "reason_not_suitable",
    "reason_declined",
    "reason_not_assessed",
    "reason_mutually_agreed",
    "reason_unplanned",
)
MISSED = ("not_attended", "client_cancelled", "provider_cancelled")
SCORES = ("first_phq9", "first_gad7", "last_phq9", "last_gad7")
INTENSITIES = ("low", "high")


def funnel(simulation: Simulation) -> Iterator[Counted]:
    """How referrals end, in the model and as recorded; where courses begin, and who goes up or down."""
    out, care = simulation.outcomes, simulation.care
    ended = within(simulation, out.end_day)
    yield Counted("ended_before_treatment", "all", "", "", out.contacts == 0, ended)
    yield Counted("ended_after_one_contact", "all", "", "", out.contacts == 1, ended)
    yield Counted("ended_after_finishing", "all", "", "", out.contacts >= 2, ended)
    for name in ("not_assessed", "gave_up", "dropped_out"):
        yield Counted(name, "all", "", "", out.left == LEFT.index(name), ended)
    for name, ways in (
        ("not_suitable", RECORDED_AS["reason_not_suitable"]),
        ("declined", RECORDED_AS["reason_declined"]),
        ("incomplete_assessment", RECORDED_AS["reason_incomplete_assessment"]),
        ("discharged_with_advice", RECORDED_AS["reason_advice_or_elsewhere"]),
    ):
        yield Counted(name, "all", "", "", _left_by(simulation, ways), ended)
    recorded = {name: _left_by(simulation, ways) & care.reason_recorded for name, ways in RECORDED_AS.items()}
    for name, flags in recorded.items():
        yield Counted(name, "all", "", "", flags, ended)
    named = np.logical_or.reduce([recorded[name] for name in REASONS_OF_THEIR_OWN])
    yield Counted("reason_other", "all", "", "", ~named, ended)
    finished = ended & out.finished & (out.first_course >= 0)
    low = low_steps(simulation.scenario)
    if low.any():
        low_first = low[np.maximum(out.first_course, 0)]
        yield Counted("low_intensity_first", "finished", "", "", low_first, finished)
        yield Counted("stepped_up", "finished", "", "", out.stepped_up, finished & low_first)
        yield Counted("stepped_down", "finished", "", "", out.stepped_down, finished & ~low_first)
    referred = within(simulation, simulation.clients.referral_day)
    yield Counted("unfinished", "referred", "", "", ~out.ended, referred)
    yield Counted("right_target", "referred", "", "", care.right_target, referred)


def _left_by(simulation: Simulation, ways: tuple[str, ...]) -> Flags:
    return np.array([way in ways for way in LEFT])[simulation.outcomes.left]


def waits(simulation: Simulation) -> Counts:
    """Days waited, and how many waited so long: to first contact, to second, by intensity, to stepping up, at each step."""
    out, episodes, steps = simulation.outcomes, simulation.episodes, simulation.scenario.steps
    seen = within(simulation, out.first_contact_day)
    again = within(simulation, out.second_contact_day)
    days = out.second_contact_day[again] - out.first_contact_day[again]
    course = out.first_course[again]
    low = low_steps(simulation.scenario)[np.maximum(course, 0)] & (course >= 0)
    went_up = within(simulation, out.end_day) & (out.step_up_wait_days != NOT_YET)
    counts = {
        "first_contact_days": by_number(out.first_contact_day[seen] - simulation.clients.referral_day[seen]),
        "second_contact_days": by_number(days),
        "low_wait_days": by_number(days[low]),
        "high_wait_days": by_number(days[~low & (course >= 0)]),
        "step_up_wait_days": by_number(out.step_up_wait_days[went_up]),
    }
    started = within(simulation, episodes.started_day)
    for s, name in enumerate(steps):
        rows = started & (episodes.step == s)
        counts[f"wait_days:{name}"] = by_number(episodes.started_day[rows] - episodes.joined_day[rows])
    return counts


def wait_rows(scenario: Scenario, counts: Counts) -> Iterator[tuple[Quantity, Value]]:
    """Referral to first contact, first to second, assessment to first session, and waiting lists."""
    days = counts["first_contact_days"]
    yield from _spread("first_contact_days", "started", "all", days)
    yield _quantile("first_contact_days_90th_percentile", "started", "all", days, 0.9)
    yield _within("first_contact_within_28_days", "started", days, FOUR_WEEKS_DAYS)
    yield _within("first_contact_within_6_weeks", "started", days, SIX_WEEKS_DAYS)
    yield _within("first_contact_within_18_weeks", "started", days, EIGHTEEN_WEEKS_DAYS)
    days = counts["second_contact_days"]
    yield from _spread("second_contact_days", "finished", "all", days)
    yield _quantile("second_contact_days_90th_percentile", "finished", "all", days, 0.9)
    for name, longest in (("28", FOUR_WEEKS_DAYS), ("90", NINETY_DAYS)):
        over = ratio(days[longest + 1 :].sum(), days.sum())
        yield Quantity(f"second_contact_over_{name}_days", "finished", "", "", "all"), over
    for name in INTENSITIES:
        yield _mean("treatment_wait_days_mean", "finished", f"intensity={name}", counts[f"{name}_wait_days"])
    yield _mean("step_up_wait_days_mean", "finished", "all", counts["step_up_wait_days"])
    for name in scenario.steps:
        days = counts[f"wait_days:{name}"]
        yield from _spread("wait_days", "started", f"step={name}", days)
        yield _quantile("wait_days_90th_percentile", "started", f"step={name}", days, 0.9)


def _mean(name: str, base: str, group: str, counts: NDArray[np.int64]) -> tuple[Quantity, Value]:
    return Quantity(name, base, "", "", group), ratio(total_of(counts), counts.sum())


def _spread(name: str, base: str, group: str, counts: NDArray[np.int64]) -> Iterator[tuple[Quantity, Value]]:
    yield _mean(f"{name}_mean", base, group, counts)
    yield _quantile(f"{name}_median", base, group, counts, 0.5)


def _quantile(name: str, base: str, group: str, counts: NDArray[np.int64], share: float) -> tuple[Quantity, Value]:
    return Quantity(name, base, "", "", group), Value(np.nan, float(counts.sum()), quantile_of(counts, share))


def _within(name: str, base: str, counts: NDArray[np.int64], longest: int) -> tuple[Quantity, Value]:
    return Quantity(name, base, "", "", "all"), ratio(counts[: longest + 1].sum(), counts.sum())


def contacts(simulation: Simulation) -> Counts:
    """Contacts attended, as counted and as coded, and how many have so many; contacts missed; days between sessions."""
    out, care, scenario = simulation.outcomes, simulation.care, simulation.scenario
    ended = within(simulation, out.end_day)
    finished = ended & out.finished
    counts = {"contacts": by_number(out.contacts[finished])}
    low = low_steps(scenario)
    coded = out.sessions[:, low].sum(axis=1, dtype=np.int32), out.sessions[:, ~low].sum(axis=1, dtype=np.int32)
    assessment = (care.assessment_coded_low & (out.first_course >= 0)).astype(np.int32)
    for name, number in zip(INTENSITIES, (coded[0] + assessment, coded[1]), strict=True):
        counts[f"coded_{name}"] = by_number(number[finished & (number > 0)])
    for s, name, _ in scenario.pathway.each_course():
        here = out.sessions[finished, s]
        counts[f"contacts:{name}"] = by_number(here[here > 0])
    missed = [getattr(out, name)[ended].sum(dtype=np.int64) for name in MISSED]
    counts["booked"] = np.array([*missed, out.contacts[ended].sum(dtype=np.int64)], dtype=np.int64)
    episodes = simulation.episodes
    done = within(simulation, episodes.ended_day) & (episodes.started_day != NOT_YET)
    done &= scenario.pathway.is_course[episodes.step]
    who, step = episodes.client[done], episodes.step[done]
    days = episodes.ended_day[done] - episodes.started_day[done] - care.lag_days[who, step]
    gaps = care.attended[who, step] - 1
    spaced = gaps > 0
    counts["days_and_gaps"] = np.array([days[spaced].sum(dtype=np.int64), gaps[spaced].sum(dtype=np.int64)])
    return counts


def contact_rows(scenario: Scenario, counts: Counts) -> Iterator[tuple[Quantity, Value]]:
    """Contacts attended, as counted and as coded; contacts missed, by kind; days between sessions."""
    yield from _spread("contacts", "finished", "all", counts["contacts"])
    for name in INTENSITIES:
        yield _mean("coded_contacts_mean", "finished", f"intensity={name}", counts[f"coded_{name}"])
    for name in scenario.pathway.courses:
        yield from _spread("contacts", "finished", f"step={name}", counts[f"contacts:{name}"])
    *by_kind, attended = counts["booked"].tolist()
    missed = sum(by_kind)
    for name, number in (*zip(MISSED, by_kind, strict=True), ("missed_contacts", missed)):
        yield Quantity(name, "all", "", "", "all"), ratio(number, missed + attended)
    yield Quantity("days_between_contacts_mean", "courses", "", "", "all"), ratio(*counts["days_and_gaps"].tolist())


def courses(simulation: Simulation) -> Counts:
    """Scores of therapy courses of two or more sessions, ended in the period, how many have each; caseness and recovery."""
    scores = simulation.outcomes.course_scores
    low = low_steps(simulation.scenario)[scores.step]
    counted = scores.sessions >= 2
    counts = {}
    for intensity, rows in (("low", counted & low), ("high", counted & ~low)):
        for name in SCORES:
            counts[f"{name}:{intensity}"] = by_number(getattr(scores, name)[rows])
        case = rows & ~below_caseness(scores.first_phq9, scores.first_gad7)
        well = case & below_caseness(scores.last_phq9, scores.last_gad7)
        counts[f"courses:{intensity}"] = np.array([rows.sum(), case.sum(), well.sum()], dtype=np.int64)
    return counts


def course_rows(counts: Counts) -> Iterator[tuple[Quantity, Value]]:
    """Scores per therapy course of two or more sessions, ended in the period: the basis of tables by therapy."""
    low, high = ({name: counts[f"{name}:{i}"] for name in (*SCORES, "courses")} for i in INTENSITIES)
    for group, some in (("all", added(low, high)), ("intensity=low", low), ("intensity=high", high)):
        n, case, well = some["courses"].tolist()
        for name in SCORES:
            total, squares = total_of(some[name]), int(some[name] @ np.arange(len(some[name])) ** 2)
            yield Quantity(f"course_{name}_mean", "courses", "", "", group), ratio(total, n)
            sd = float(np.sqrt(squares / n - (total / n) ** 2)) if n else np.nan
            yield Quantity(f"course_{name}_sd", "courses", "", "", group), Value(np.nan, n, sd)
        yield Quantity("course_at_caseness", "courses", "", "", group), ratio(case, n)
        yield Quantity("course_recovery", "courses", "", "", group), ratio(well, case)


DAYS_PER_WEEK = 7


def place_rows(replication: Replication) -> Iterator[tuple[Quantity, Value]]:
    """How much of the places is used, and how waiting lists stand, at each step in the data collection period."""
    scenario = replication.scenario
    first, after = scenario.run.period
    held, waiting = replication.daily
    staffed, working = replication.capacity.counted, working_days(scenario)
    is_course = scenario.pathway.is_course
    for s, name in enumerate(scenario.steps):
        # A course holds its place over the weekend; an appointment that is booked again takes up nobody's time on a day off.
        counted = np.flatnonzero(working[first:after] | is_course[s]) + first
        used, there = (table[counted, s].sum(dtype=np.int64) for table in (held, staffed))
        yield Quantity("utilisation", "all", "", "", f"step={name}"), ratio(used, there)
        waited = waiting[first:after, s].sum(dtype=np.int64)
        yield Quantity("waiting_list", "all", "", "", f"step={name}"), ratio(waited, after - first)
        grown = DAYS_PER_WEEK * _slope(waiting[first:after, s])
        yield Quantity("waiting_list_growth", "all", "", "", f"step={name}"), Value(np.nan, np.nan, grown)


def _slope(counts: NDArray[np.int32]) -> float:
    """What a straight line through these counts gains from one to the next, by least squares; NaN with fewer than two.

    From whole numbers, of which only the last division is rounded.
    """
    n = len(counts)
    twice_x = 2 * np.arange(n, dtype=np.int64) - (n - 1)  # twice the distance from the middle
    return 6 * int(twice_x @ counts) / (n * (n * n - 1)) if n > 1 else np.nan


def over_time(replication: Replication) -> OverTime:
    """(measure, step) -> (days,) float64: waiting list and utilisation at the end of each day from opening."""
    held, waiting = replication.daily
    result: OverTime = {}
    staffed = replication.capacity.counted
    for s, name in enumerate(replication.scenario.steps):
        result["waiting_list", name] = waiting[:, s].astype(np.float64)
        places = staffed[:, s]
        result["utilisation", name] = np.where(places > 0, held[:, s] / np.maximum(places, 1), np.nan)
    return result
