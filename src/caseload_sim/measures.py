"""Every measure of a simulation: counted, averaged and grouped as definitions.py says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.clients import Clients
from caseload_sim.courses import Care
from caseload_sim.definitions import MEASURES
from caseload_sim.episodes import Episodes, occupancy
from caseload_sim.outcomes import LEFT, REMISSIONS, Outcomes, Reading, recovered, reliable_change
from caseload_sim.scenario import CourseStep, Scenario
from caseload_sim.working_days import working_days

Flags = NDArray[np.bool_]
Columns = NDArray[np.float64]
SIX_WEEKS_DAYS, EIGHTEEN_WEEKS_DAYS = 42, 126  # waiting standards of NHS England
HIDDEN_WAIT_DAYS, LONG_HIDDEN_WAIT_DAYS = 28, 90  # first to second contact, as published
SERVICES = ("service", "none")


class Key(NamedTuple):
    """Which row of a measure table: `at` and `service` are empty where they do not apply."""

    measure: str
    base: str
    at: str
    service: str
    group: str


class Value(NamedTuple):
    """One row's numerator, denominator and value; NaN where there is none."""

    numerator: float
    denominator: float
    value: float


MeasureTable = dict[Key, Value]


@dataclass(frozen=True, slots=True)
class Simulation:
    """One replication of a scenario, every table of it; what `simulate` returns."""

    scenario: Scenario
    replication: int
    clients: Clients
    care: Care
    capacity: Capacity
    episodes: Episodes
    outcomes: Outcomes
    digests: dict[str, str]


def measure(simulation: Simulation) -> MeasureTable:
    """Every measure of one replication, in the order of MEASURES."""
    table: MeasureTable = {}
    for rows in (_outcome_rows, _population_rows, _wait_rows, _contact_rows, _place_rows):
        table.update(rows(simulation))
    order = {m.name: i for i, m in enumerate(MEASURES)}
    return dict(sorted(table.items(), key=lambda item: order[item[0].measure]))


# --- who is counted ----------------------------------------------------------------------------------------


def _period(simulation: Simulation) -> tuple[int, int]:
    run = simulation.scenario.run
    return run.warm_up_days, run.warm_up_days + run.data_collection_days


def _within(simulation: Simulation, days: NDArray[np.int32]) -> Flags:
    first, after = _period(simulation)
    return (days >= first) & (days < after)


def groups(simulation: Simulation) -> dict[str, Flags]:
    """Clients by group name, "all" first: counts and conditions (true state), strata, first step, each (n,) bool."""
    clients, scenario = simulation.clients, simulation.scenario
    n_emotional = clients.count(scenario, "emotional_disorder")
    n_disorders = clients.count(scenario, "emotional_disorder", "dependence")
    result = {"all": np.ones(len(clients.id), dtype=bool)}
    for k in range(6):
        result[f"emotional_disorders={k}"] = n_emotional == k
    result["emotional_disorders=6+"] = n_emotional >= 6
    result["emotional_disorders=3+"] = n_emotional >= 3
    for k in range(8):
        result[f"disorders={k}"] = n_disorders == k
    result["disorders=8+"] = n_disorders >= 8
    result["disorders=0-1"] = n_disorders <= 1
    result["disorders=3+"] = n_disorders >= 3
    dependent = clients.count(scenario, "dependence") > 0
    abused = clients.count(scenario, "childhood_abuse") > 0
    for name, has in (("dependence", dependent), ("childhood_abuse", abused)):
        result[f"{name}=yes"], result[f"{name}=no"] = has, ~has
    for c, name in enumerate(clients.condition_names):
        result[f"{name}=yes"], result[f"{name}=no"] = clients.conditions[:, c], ~clients.conditions[:, c]
    for name, stratum in clients.strata.items():
        for k, label in enumerate(clients.stratum_names[name]):
            result[f"{name}={label}"] = stratum == k
    for s, name in enumerate(scenario.steps):
        if isinstance(scenario.pathway.steps[name], CourseStep):
            result[f"step={name}"] = simulation.outcomes.first_course == s
    return result


# --- shares, counted for all groups at once -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counted:
    """A row to be counted for every group: who is in the numerator and who in the denominator."""

    measure: str
    base: str
    at: str
    service: str
    numerator: NDArray[Any]
    denominator: Flags


def _outcome_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    out = simulation.outcomes
    by_group = groups(simulation)
    membership = np.stack(list(by_group.values())).astype(np.float64)
    rows = [*_official(simulation), *_ladder(simulation), *_funnel(simulation)]
    numerators = np.stack([np.where(r.denominator, r.numerator, 0) for r in rows]).astype(np.float64)
    denominators = np.stack([r.denominator for r in rows]).astype(np.float64)
    # Sums of whole numbers below 2**53 are exact in any order, so a matrix product is safe here.
    counted, over = numerators @ membership.T, denominators @ membership.T
    is_count = {m.name: m.unit == "referrals" for m in MEASURES}
    empty = not simulation.scenario.pathway.steps or bool(np.all(out.contacts == 0))
    for i, row in enumerate(rows):
        for g, group in enumerate(by_group):
            key = Key(row.measure, row.base, row.at, row.service, group)
            if is_count[row.measure]:
                yield key, Value(counted[i, g], np.nan, counted[i, g])
            elif empty and row.base in ("finished", "started"):
                yield key, Value(np.nan, np.nan, np.nan)
            else:
                yield key, _ratio(counted[i, g], over[i, g])
        if row.service == "none":  # the row before it is the same with the service
            for g, group in enumerate(by_group):
                key = Key(row.measure, row.base, row.at, "difference", group)
                with_service, without = (
                    _ratio(counted[i - 1, g], over[i - 1, g]),
                    _ratio(counted[i, g], over[i, g]),
                )
                blank = empty and row.base in ("finished", "started")
                difference = np.nan if blank else with_service.value - without.value
                yield key, Value(np.nan, np.nan, difference)


def _ratio(numerator: float, denominator: float) -> Value:
    return Value(float(numerator), float(denominator), float(numerator / denominator) if denominator else np.nan)


def _official(simulation: Simulation) -> Iterator[_Counted]:
    out, clients = simulation.outcomes, simulation.clients
    referred = _within(simulation, clients.referral_day)
    finished = _within(simulation, out.end_day) & out.finished
    ones = np.ones(len(clients.id), dtype=bool)
    yield _Counted("referrals_received", "all", "", "", ones, referred)
    yield _Counted("finished_course_treatment", "all", "", "", ones, finished)
    yield _Counted("at_caseness", "finished", "", "", out.at_caseness, finished)
    cohort = referred & out.ended
    bases = {"finished": finished, "started": cohort & out.started, "referred": cohort}
    for base, denominator in bases.items():
        case = denominator & out.at_caseness
        for name, reliable in (("recovery", False), ("reliable_recovery", True)):
            for service, reading in _readings(out):
                success = recovered(out, reading) & _scored(simulation)
                if reliable:
                    success &= reliable_change(out, reading)[0]
                yield _Counted(name, base, "end", service, success, case)
    for name in ("improvement", "no_reliable_change", "deterioration"):
        for service, reading in _readings(out):
            improved, worse = reliable_change(out, reading)
            flags = {
                "improvement": improved,
                "deterioration": worse,
                "no_reliable_change": ~improved & ~worse,
            }[name]
            yield _Counted(name, "finished", "end", service, flags, finished)
    for name, first, last in (
        ("phq9", out.first_phq9, "last_phq9"),
        ("gad7", out.first_gad7, "last_gad7"),
    ):
        yield _Counted(f"first_{name}_mean", "finished", "", "", first, finished)
        for service, reading in _readings(out):
            yield _Counted(f"last_{name}_mean", "finished", "end", service, getattr(reading, last), finished)


def _scored(simulation: Simulation) -> Flags:
    """Who has a first and a last score: those with two contacts, and everybody where there is no service at all."""
    out = simulation.outcomes
    never = out.left == LEFT.index("no_service")
    return np.asarray(out.finished | never)


def _readings(out: Outcomes) -> tuple[tuple[str, Reading], ...]:
    return tuple(zip(SERVICES, (out.service, out.none), strict=True))


def _ladder(simulation: Simulation) -> Iterator[_Counted]:
    out = simulation.outcomes
    cohort = _within(simulation, simulation.clients.referral_day) & out.ended
    ladder = cohort & (out.principal >= 0) & out.at_caseness
    bases = {"finished": ladder & out.finished, "started": ladder & out.started, "referred": ladder}
    for rung in REMISSIONS:
        for base, denominator in bases.items():
            for at in ("end", "month_12", "sustained"):
                for service, reading in _readings(out):
                    yield _Counted(rung, base, at, service, getattr(reading, at)[rung], denominator)
    for service, reading in _readings(out):
        got_better = recovered(out, reading)
        well = reading.end["all_remission"]
        yield _Counted("recovered_still_diagnosed", "finished", "end", service, ~well, bases["finished"] & got_better)
    for service, reading in _readings(out):
        got_better = recovered(out, reading)
        well = reading.end["all_remission"]
        yield _Counted("not_recovered_no_diagnosis", "finished", "end", service, well, bases["finished"] & ~got_better)


def _funnel(simulation: Simulation) -> Iterator[_Counted]:
    out, scenario = simulation.outcomes, simulation.scenario
    ended = _within(simulation, out.end_day)
    yield _Counted("ended_before_treatment", "all", "", "", out.contacts == 0, ended)
    yield _Counted("ended_after_one_contact", "all", "", "", out.contacts == 1, ended)
    yield _Counted("ended_after_finishing", "all", "", "", out.contacts >= 2, ended)
    for name in ("not_suitable", "not_assessed", "gave_up", "dropped_out"):
        yield _Counted(name, "all", "", "", out.left == LEFT.index(name), ended)
    declined = np.isin(out.left, [LEFT.index("declined"), LEFT.index("declined_treatment")])
    yield _Counted("declined", "all", "", "", declined, ended)
    yield _Counted("discharged_with_advice", "all", "", "", out.left == LEFT.index("advice"), ended)
    finished = ended & out.finished
    courses = [s for s, step in enumerate(scenario.pathway.steps.values()) if isinstance(step, CourseStep)]
    if courses:
        low_first = out.first_course == courses[0]
        yield _Counted("low_intensity_first", "finished", "", "", low_first, finished & (out.first_course >= 0))
        yield _Counted("stepped_up", "finished", "", "", out.stepped_up, finished & low_first)
    referred = _within(simulation, simulation.clients.referral_day)
    yield _Counted("unfinished", "referred", "", "", ~out.ended, referred)
    yield _Counted("right_target", "referred", "", "", simulation.care.right_target, referred)


# --- the population -----------------------------------------------------------------------------------------


def _population_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    clients = simulation.clients
    referred = _within(simulation, clients.referral_day)
    for group, members in groups(simulation).items():
        if not group.startswith("step="):
            yield (
                Key("share_of_clients", "referred", "", "", group),
                _ratio((members & referred).sum(), referred.sum()),
            )
    for j, name in enumerate(clients.disorder_names):
        present = simulation.outcomes.diagnosed[:, j] & referred
        yield (
            Key("share_at_interview", "referred", "", "", f"{name}=yes"),
            _ratio(present.sum(), referred.sum()),
        )


# --- waits, contacts, places --------------------------------------------------------------------------------


def _spread_rows(name: str, base: str, group: str, days: NDArray[np.int32]) -> Iterator[tuple[Key, Value]]:
    yield Key(f"{name}_mean", base, "", "", group), _ratio(days.sum(dtype=np.int64), len(days))
    yield _quantile(f"{name}_median", base, group, days, 0.5)


def _quantile(name: str, base: str, group: str, days: NDArray[np.int32], share: float) -> tuple[Key, Value]:
    value = float(np.quantile(days, share, method="inverted_cdf")) if len(days) else np.nan
    return Key(name, base, "", "", group), Value(np.nan, len(days), value)


def _wait_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    out, episodes = simulation.outcomes, simulation.episodes
    first = out.first_contact_day[_within(simulation, out.first_contact_day)]
    days = first - simulation.clients.referral_day[_within(simulation, out.first_contact_day)]
    yield from _spread_rows("first_contact_days", "started", "all", days)
    yield _quantile("first_contact_days_90th_percentile", "started", "all", days, 0.9)
    for weeks, limit in ((6, SIX_WEEKS_DAYS), (18, EIGHTEEN_WEEKS_DAYS)):
        yield (
            Key(f"first_contact_within_{weeks}_weeks", "started", "", "", "all"),
            _ratio((days <= limit).sum(), len(days)),
        )
    chosen = _within(simulation, out.second_contact_day)
    days = out.second_contact_day[chosen] - out.first_contact_day[chosen]
    yield from _spread_rows("second_contact_days", "finished", "all", days)
    yield _quantile("second_contact_days_90th_percentile", "finished", "all", days, 0.9)
    for limit in (HIDDEN_WAIT_DAYS, LONG_HIDDEN_WAIT_DAYS):
        yield (
            Key(f"second_contact_over_{limit}_days", "finished", "", "", "all"),
            _ratio((days > limit).sum(), len(days)),
        )
    started = _within(simulation, episodes.started_day)
    for s, name in enumerate(simulation.scenario.steps):
        rows = started & (episodes.step == s)
        days = episodes.started_day[rows] - episodes.joined_day[rows]
        yield from _spread_rows("wait_days", "started", f"step={name}", days)
        yield _quantile("wait_days_90th_percentile", "started", f"step={name}", days, 0.9)


def _contact_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    out = simulation.outcomes
    ended = _within(simulation, out.end_day)
    finished = ended & out.finished
    yield from _spread_rows("contacts", "finished", "all", out.contacts[finished])
    for s, (name, step) in enumerate(simulation.scenario.pathway.steps.items()):
        if isinstance(step, CourseStep):
            here = out.sessions[finished, s]
            yield from _spread_rows("contacts", "finished", f"step={name}", here[here > 0])
    missed = out.missed[ended].sum(dtype=np.int64)
    booked = missed + out.contacts[ended].sum(dtype=np.int64)
    yield Key("missed_contacts", "all", "", "", "all"), _ratio(missed, booked)


def _place_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    first, after = _period(simulation)
    scenario = simulation.scenario
    held, waiting = occupancy(simulation.episodes, len(scenario.steps), scenario.run.horizon_days)
    staffed, working = _staffed(simulation), working_days(scenario)
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        # A course holds its place over the weekend; an appointment that is booked again takes up nobody's time on a day off.
        counted = np.flatnonzero(working[first:after] | isinstance(step, CourseStep)) + first
        used, there = (table[counted, s].sum(dtype=np.int64) for table in (held, staffed))
        yield Key("utilisation", "all", "", "", f"step={name}"), _ratio(used, there)
        waited = waiting[first:after, s].sum(dtype=np.int64)
        yield Key("waiting_list", "all", "", "", f"step={name}"), _ratio(waited, after - first)


def _staffed(simulation: Simulation) -> NDArray[np.int32]:
    """Places for which there was staff, (days, s) int32."""
    capacity = simulation.capacity
    return capacity.places if capacity.staffed is None else capacity.staffed


OverTime = dict[tuple[str, str], NDArray[np.float64]]


def over_time(simulation: Simulation) -> OverTime:
    """(measure, step) -> (days,) float64: waiting list and utilisation at the end of each day from opening."""
    scenario = simulation.scenario
    held, waiting = occupancy(simulation.episodes, len(scenario.steps), scenario.run.horizon_days)
    result: OverTime = {}
    staffed = _staffed(simulation)
    for s, name in enumerate(scenario.steps):
        result["waiting_list", name] = waiting[:, s].astype(np.float64)
        places = staffed[:, s]
        result["utilisation", name] = np.where(places > 0, held[:, s] / np.maximum(places, 1), np.nan)
    return result
