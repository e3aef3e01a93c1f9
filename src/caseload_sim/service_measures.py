"""Measures of the service: how referrals end, how long clients wait, what they attend, and scores by course."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caseload_sim.counted import Counted, Flags, Key, Simulation, Value, ratio, within
from caseload_sim.courses import NOT_YET
from caseload_sim.outcomes import LEFT
from caseload_sim.pathway import CourseStep
from caseload_sim.severity import below_caseness

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
    low = low_steps(simulation)
    if low.any():
        low_first = low[np.maximum(out.first_course, 0)]
        yield Counted("low_intensity_first", "finished", "", "", low_first, finished)
        yield Counted("stepped_up", "finished", "", "", out.stepped_up, finished & low_first)
        yield Counted("stepped_down", "finished", "", "", out.stepped_down, finished & ~low_first)
    referred = within(simulation, simulation.clients.referral_day)
    yield Counted("unfinished", "referred", "", "", ~out.ended, referred)
    yield Counted("right_target", "referred", "", "", care.right_target, referred)


def low_steps(simulation: Simulation) -> Flags:
    """Which steps are the first course of the pathway, or stand beside it, (s,) bool."""
    steps = simulation.scenario.pathway.steps
    courses = [name for name, step in steps.items() if isinstance(step, CourseStep)]
    return np.array(
        [
            isinstance(step, CourseStep) and len(courses) > 1 and courses[0] in (name, step.instead_of)
            for name, step in steps.items()
        ],
        dtype=bool,
    )


def _left_by(simulation: Simulation, ways: tuple[str, ...]) -> Flags:
    return np.isin(simulation.outcomes.left, [LEFT.index(way) for way in ways])


def _spread(name: str, base: str, group: str, numbers: NDArray[np.int32]) -> Iterator[tuple[Key, Value]]:
    yield Key(f"{name}_mean", base, "", "", group), ratio(numbers.sum(dtype=np.int64), len(numbers))
    yield _quantile(f"{name}_median", base, group, numbers, 0.5)


def _quantile(name: str, base: str, group: str, numbers: NDArray[np.int32], share: float) -> tuple[Key, Value]:
    value = float(np.quantile(numbers, share, method="inverted_cdf")) if len(numbers) else np.nan
    return Key(name, base, "", "", group), Value(np.nan, len(numbers), value)


def _share(name: str, base: str, flags: Flags, group: str = "all") -> tuple[Key, Value]:
    return Key(name, base, "", "", group), ratio(flags.sum(), len(flags))


def wait_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    """Referral to first contact, first to second, assessment to first session, and waiting lists."""
    out, episodes, steps = simulation.outcomes, simulation.episodes, simulation.scenario.steps
    chosen = within(simulation, out.first_contact_day)
    days = out.first_contact_day[chosen] - simulation.clients.referral_day[chosen]
    yield from _spread("first_contact_days", "started", "all", days)
    yield _quantile("first_contact_days_90th_percentile", "started", "all", days, 0.9)
    yield _share("first_contact_within_28_days", "started", days <= FOUR_WEEKS_DAYS)
    yield _share("first_contact_within_6_weeks", "started", days <= SIX_WEEKS_DAYS)
    yield _share("first_contact_within_18_weeks", "started", days <= EIGHTEEN_WEEKS_DAYS)
    chosen = within(simulation, out.second_contact_day)
    days = out.second_contact_day[chosen] - out.first_contact_day[chosen]
    yield from _spread("second_contact_days", "finished", "all", days)
    yield _quantile("second_contact_days_90th_percentile", "finished", "all", days, 0.9)
    yield _share("second_contact_over_28_days", "finished", days > FOUR_WEEKS_DAYS)
    yield _share("second_contact_over_90_days", "finished", days > NINETY_DAYS)
    low = np.append(low_steps(simulation), False)
    for name, first in (("low", low[out.first_course]), ("high", ~low[out.first_course] & (out.first_course >= 0))):
        some = first[chosen]
        yield (
            Key("treatment_wait_days_mean", "finished", "", "", f"intensity={name}"),
            ratio(days[some].sum(dtype=np.int64), some.sum()),
        )
    waited = out.step_up_wait_days[within(simulation, out.end_day) & (out.step_up_wait_days != NOT_YET)]
    yield Key("step_up_wait_days_mean", "finished", "", "", "all"), ratio(waited.sum(dtype=np.int64), len(waited))
    started = within(simulation, episodes.started_day)
    for s, name in enumerate(steps):
        rows = started & (episodes.step == s)
        days = episodes.started_day[rows] - episodes.joined_day[rows]
        yield from _spread("wait_days", "started", f"step={name}", days)
        yield _quantile("wait_days_90th_percentile", "started", f"step={name}", days, 0.9)


def contact_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    """Contacts attended, as counted and as coded; contacts missed, by kind; days between sessions."""
    out, care, scenario = simulation.outcomes, simulation.care, simulation.scenario
    ended = within(simulation, out.end_day)
    finished = ended & out.finished
    yield from _spread("contacts", "finished", "all", out.contacts[finished])
    low = low_steps(simulation)
    coded = out.sessions[:, low].sum(axis=1, dtype=np.int32), out.sessions[:, ~low].sum(axis=1, dtype=np.int32)
    assessment = (care.assessment_coded_low & (out.first_course >= 0)).astype(np.int32)
    for name, number in (("low", coded[0] + assessment), ("high", coded[1])):
        some = number[finished & (number > 0)]
        yield Key("coded_contacts_mean", "finished", "", "", f"intensity={name}"), ratio(some.sum(), len(some))
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        if isinstance(step, CourseStep):
            here = out.sessions[finished, s]
            yield from _spread("contacts", "finished", f"step={name}", here[here > 0])
    kinds = {name: getattr(out, name)[ended].sum(dtype=np.int64) for name in _MISSED}
    missed = sum(kinds.values())
    booked = missed + out.contacts[ended].sum(dtype=np.int64)
    for name, number in kinds.items():
        yield Key(name, "all", "", "", "all"), ratio(number, booked)
    yield Key("missed_contacts", "all", "", "", "all"), ratio(missed, booked)
    episodes = simulation.episodes
    done = within(simulation, episodes.ended_day) & (episodes.started_day != NOT_YET)
    done &= np.array([isinstance(step, CourseStep) for step in scenario.pathway.steps.values()])[episodes.step]
    who, step = episodes.client[done], episodes.step[done]
    days = episodes.ended_day[done] - episodes.started_day[done] - care.lag_days[who, step]
    gaps = care.attended[who, step] - 1
    spaced = gaps > 0
    yield (
        Key("days_between_contacts_mean", "courses", "", "", "all"),
        ratio(days[spaced].sum(dtype=np.int64), gaps[spaced].sum(dtype=np.int64)),
    )


_MISSED = ("not_attended", "client_cancelled", "provider_cancelled")


def course_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    """Scores per therapy course of two or more sessions, ended in the period: the basis of tables by therapy."""
    scores = simulation.outcomes.course_scores
    low = low_steps(simulation)
    counted = scores.sessions >= 2
    for group, rows in (
        ("all", counted),
        ("intensity=low", counted & low[scores.step]),
        ("intensity=high", counted & ~low[scores.step]),
    ):
        n = int(rows.sum())
        for name in ("first_phq9", "first_gad7", "last_phq9", "last_gad7"):
            points = getattr(scores, name)[rows].astype(np.int64)
            total, squares = int(points.sum()), int((points**2).sum())
            yield Key(f"course_{name}_mean", "courses", "", "", group), ratio(total, n)
            sd = float(np.sqrt(squares / n - (total / n) ** 2)) if n else np.nan
            yield Key(f"course_{name}_sd", "courses", "", "", group), Value(np.nan, n, sd)
        case = rows & ~below_caseness(scores.first_phq9, scores.first_gad7)
        well = case & below_caseness(scores.last_phq9, scores.last_gad7)
        yield Key("course_at_caseness", "courses", "", "", group), ratio(case.sum(), n)
        yield Key("course_recovery", "courses", "", "", group), ratio(well.sum(), case.sum())
