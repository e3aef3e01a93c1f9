"""Every measure of a simulation: counted, averaged and grouped as definitions.py says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.cost_measures import BASES, cost_keys, cost_numbers, paid
from caseload_sim.counted import (
    Counted,
    Counts,
    Key,
    Simulation,
    Value,
    added,
    group_sums,
    groups,
    period,
    ratio,
    ratios,
    scored,
    within,
)
from caseload_sim.definitions import MEASURES
from caseload_sim.measure_table import MeasureTable, Rows
from caseload_sim.outcomes import REMISSIONS, Outcomes, Reading, recovered, reliable_change
from caseload_sim.pathway import CourseStep
from caseload_sim.scenario import Scenario
from caseload_sim.service_measures import contact_rows, contacts, course_rows, courses, funnel, wait_rows, waits
from caseload_sim.working_days import working_days

Columns = NDArray[np.float64]
Daily = tuple[NDArray[np.int32], NDArray[np.int32]]
SERVICES = ("service", "none")
DAYS_PER_WEEK = 7


class Name(NamedTuple):
    """What a row is of, whichever the group."""

    measure: str
    base: str
    at: str
    service: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What measures need to know of clients, in counts that can be added to those of others.

    rows: measure, base, at, service of what is counted in every group; groups, cost_groups: their names
    """

    rows: tuple[Name, ...]
    groups: tuple[str, ...]
    cost_groups: tuple[str, ...]
    counts: Counts

    def __add__(self, other: "Tally") -> "Tally":
        return replace(self, counts=added(self.counts, other.counts))


def tally(simulation: Simulation) -> Tally:
    """Count the clients of a replication, or some of them."""
    by_group = groups(simulation)
    rows = [*_official(simulation), *_ladder(simulation), *funnel(simulation)]
    bases = {id(row.denominator): row.denominator for row in rows}  # far fewer than rows
    base_of = [list(bases).index(id(row.denominator)) for row in rows]
    of_costs, more_groups, costs = paid(simulation)
    summands = [*((row.numerator, row.denominator) for row in rows), *((base, base) for base in bases.values())]
    sums = group_sums([*summands, *of_costs], [*by_group.values(), *more_groups.values()])
    numerators, denominators = np.split(sums[: len(summands), : len(by_group)], [len(rows)])
    counts = {
        "numerators": numerators,
        "denominators": denominators[base_of],
        "paid": sums[len(summands) :],
        "contacts_attended": np.array([simulation.outcomes.contacts.sum(dtype=np.int64)]),
        **_disorders(simulation),
        **waits(simulation),
        **contacts(simulation),
        **courses(simulation),
        **costs,
    }
    names = tuple(Name(row.measure, row.base, row.at, row.service) for row in rows)
    return Tally(names, tuple(by_group), (*by_group, *more_groups), counts)


def measure(simulation: Simulation) -> MeasureTable:
    """Every measure of one replication, in the order of MEASURES."""
    return measured(simulation.scenario, simulation.capacity, simulation.daily, tally(simulation))


def measured(scenario: Scenario, capacity: Capacity, daily: Daily, counted: Tally) -> MeasureTable:
    """Every measure of the clients who were counted, in the order of MEASURES.

    daily: clients holding a place, and clients waiting, at each step at the end of each day, both (days, s)
    """
    counts = counted.counts
    single = dict(
        chain(
            wait_rows(scenario, counts),
            contact_rows(scenario, counts),
            course_rows(counts),
            _place_rows(scenario, capacity, daily),
        )
    )
    rows, order = _in_order(counted.rows, counted.groups, counted.cost_groups, scenario.disorders, tuple(single))
    numbers = np.concatenate(
        [
            _outcome_numbers(scenario, counted),
            cost_numbers(scenario, capacity, counts),
            _disorder_numbers(counts),
            _population_numbers(counted),
            np.fromiter(chain.from_iterable(single.values()), np.float64, 3 * len(single)).reshape(-1, 3),
        ]
    )
    return MeasureTable(rows, numbers.T.take(order, axis=1).T)  # column by column in memory, as they are summarised


@lru_cache(maxsize=16)
def _in_order(
    names: tuple[Name, ...],
    group_names: tuple[str, ...],
    cost_groups: tuple[str, ...],
    disorders: tuple[str, ...],
    single: tuple[Key, ...],
) -> tuple[Rows, NDArray[np.intp]]:
    """The rows of a table in the order of MEASURES, and which of those put together each is."""
    outcomes = list(_outcome_keys(names, group_names))
    keys = [
        *outcomes, *cost_keys(cost_groups), *_disorder_keys(disorders), *_population_keys(group_names, disorders), *single,
    ]  # fmt: skip
    twins = [2 * i + 1 for i, name in enumerate(names) if name.service == "none"]  # a difference follows its twin
    within_measure = np.zeros(len(keys))
    within_measure[: len(outcomes)] = np.repeat([*range(0, 2 * len(names), 2), *twins], len(group_names))
    place = {m.name: i for i, m in enumerate(MEASURES)}
    order = np.lexsort((within_measure, np.array([place[key.measure] for key in keys])))
    return Rows([keys[row] for row in order], (_rows, (names, group_names, cost_groups, disorders, single))), order


def _rows(*shape: Any) -> Rows:
    return _in_order(*shape)[0]


# --- shares, counted for all groups at once -----------------------------------------------------------------


def _outcome_keys(names: tuple[Name, ...], group_names: tuple[str, ...]) -> Iterator[Key]:
    for name in names:
        yield from (Key(*name, group) for group in group_names)
    for name in names:
        if name.service == "none":
            yield from (Key(*name[:3], "difference", group) for group in group_names)


def _outcome_numbers(scenario: Scenario, counted: Tally) -> Columns:
    """Numerator, denominator and value of each row and group, then the differences of those with a twin, (rows, 3)."""
    names, counts = counted.rows, counted.counts
    table = ratios(counts["numerators"], counts["denominators"])
    empty = not scenario.pathway.steps or counts["contacts_attended"][0] == 0
    is_count = {m.name: m.unit == "referrals" for m in MEASURES}
    for i, name in enumerate(names):
        if is_count[name.measure]:
            table[i, :, 1:] = np.stack([np.full(len(counted.groups), np.nan), table[i, :, 0]], axis=1)
        elif empty and name.base in ("finished", "started"):
            table[i] = np.nan
    twins = np.array([i for i, name in enumerate(names) if name.service == "none"], dtype=np.intp)
    differences = np.full((len(twins), len(counted.groups), 3), np.nan)
    differences[..., 2] = table[twins - 1, :, 2] - table[twins, :, 2]  # the row before a twin is that with the service
    return np.concatenate([table.reshape(-1, 3), differences.reshape(-1, 3)])


def _official(simulation: Simulation) -> Iterator[Counted]:
    out, clients = simulation.outcomes, simulation.clients
    referred = within(simulation, clients.referral_day)
    finished = within(simulation, out.end_day) & out.finished
    ones = np.ones(len(clients.id), dtype=bool)
    yield Counted("referrals_received", "all", "", "", ones, referred)
    yield Counted("finished_course_treatment", "all", "", "", ones, finished)
    yield Counted("at_caseness", "finished", "", "", out.at_caseness, finished)
    cohort = referred & out.ended
    bases = {"finished": finished, "started": cohort & out.started, "referred": cohort}
    both_scores, case = scored(simulation), out.at_caseness
    changes = {service: reliable_change(out, reading) for service, reading in _readings(out)}
    recovery = {service: recovered(out, reading) & both_scores for service, reading in _readings(out)}
    reliable = {service: recovery[service] & improved for service, (improved, _) in changes.items()}
    for base, denominator in bases.items():
        case_of_base = denominator & case
        for name, success in (("recovery", recovery), ("reliable_recovery", reliable)):
            for service, flags in success.items():
                yield Counted(name, base, "end", service, flags, case_of_base)
    for service, (improved, _) in changes.items():
        yield Counted("improvement", "finished", "end", service, improved, finished)
    for service, (improved, worse) in changes.items():
        yield Counted("no_reliable_change", "finished", "end", service, ~improved & ~worse, finished)
    for service, (_, worse) in changes.items():
        yield Counted("deterioration", "finished", "end", service, worse, finished)
    for name, first, last in (
        ("phq9", out.first_phq9, "last_phq9"),
        ("gad7", out.first_gad7, "last_gad7"),
    ):
        yield Counted(f"first_{name}_mean", "finished", "", "", first, finished)
        for service, reading in _readings(out):
            yield Counted(f"last_{name}_mean", "finished", "end", service, getattr(reading, last), finished)


def _readings(out: Outcomes) -> tuple[tuple[str, Reading], ...]:
    return tuple(zip(SERVICES, (out.service, out.none), strict=True))


def _ladder(simulation: Simulation) -> Iterator[Counted]:
    out = simulation.outcomes
    cohort = within(simulation, simulation.clients.referral_day) & out.ended
    ladder = cohort & (out.principal >= 0) & out.at_caseness
    bases = {"finished": ladder & out.finished, "started": ladder & out.started, "referred": ladder}
    for rung in REMISSIONS:
        for base, denominator in bases.items():
            for at in ("end", "month_12", "sustained"):
                for service, reading in _readings(out):
                    yield Counted(rung, base, at, service, getattr(reading, at)[rung], denominator)
    both = [(service, recovered(out, reading), reading.end["all_remission"]) for service, reading in _readings(out)]
    for service, got_better, well in both:
        yield Counted("recovered_still_diagnosed", "finished", "end", service, ~well, bases["finished"] & got_better)
    for service, got_better, well in both:
        yield Counted("not_recovered_no_diagnosis", "finished", "end", service, well, bases["finished"] & ~got_better)


# --- the population -----------------------------------------------------------------------------------------


def _disorders(simulation: Simulation) -> Counts:
    """Of those who had each disorder at the start interview: how many, and how many are without it at the end.

    disorders: of each base, who had it, and who is without it by each of SERVICES, (bases, 3, d); at_interview: (d,)
    """
    out = simulation.outcomes
    ladder = within(simulation, simulation.clients.referral_day) & out.ended & (out.principal >= 0) & out.at_caseness
    columns = []
    for some in (ladder & out.finished, ladder & out.started, ladder):
        had = out.diagnosed & some[:, None]
        columns += [had, *(had & reading.without for _, reading in _readings(out))]
    referred = within(simulation, simulation.clients.referral_day)
    columns.append(out.diagnosed & referred[:, None])
    *by_base, at_interview = (column.sum(axis=0) for column in columns)
    return {"disorders": np.reshape(by_base, (len(BASES), -1, len(at_interview))), "at_interview": at_interview}


def _disorder_keys(disorders: tuple[str, ...]) -> Iterator[Key]:
    """For each disorder, how many of those who had it at the start interview are without it at the end."""
    for base in BASES:
        for name in disorders:
            for service in (*SERVICES, "difference"):
                yield Key("disorder_remission", base, "end", service, f"{name}=yes")


def _disorder_numbers(counts: Counts) -> Columns:
    had, *without = counts["disorders"].swapaxes(0, 1)
    table = np.full((*had.shape, len(SERVICES) + 1, 3), np.nan)
    for k, number in enumerate(without):
        table[:, :, k] = ratios(number, had)
    table[:, :, -1, 2] = table[:, :, 0, 2] - table[:, :, 1, 2]
    return table.reshape(-1, 3)


def _population_keys(group_names: tuple[str, ...], disorders: tuple[str, ...]) -> Iterator[Key]:
    """How many of those referred are in each group, and have each disorder at interview."""
    for group in group_names:
        if not group.startswith("step="):
            yield Key("share_of_clients", "referred", "", "", group)
    for name in disorders:
        yield Key("share_at_interview", "referred", "", "", f"{name}=yes")


def _population_numbers(counted: Tally) -> Columns:
    received = [row.measure for row in counted.rows].index("referrals_received")
    referred = counted.counts["numerators"][received]
    some = [n for group, n in zip(counted.groups, referred, strict=True) if not group.startswith("step=")]
    return ratios(np.concatenate([some, counted.counts["at_interview"]]), referred[0])  # the first group is of all


# --- places --------------------------------------------------------------------------------------------------


def _place_rows(scenario: Scenario, capacity: Capacity, daily: Daily) -> Iterator[tuple[Key, Value]]:
    first, after = period(scenario)
    held, waiting = daily
    staffed, working = _staffed(capacity), working_days(scenario)
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        # A course holds its place over the weekend; an appointment that is booked again takes up nobody's time on a day off.
        counted = np.flatnonzero(working[first:after] | isinstance(step, CourseStep)) + first
        used, there = (table[counted, s].sum(dtype=np.int64) for table in (held, staffed))
        yield Key("utilisation", "all", "", "", f"step={name}"), ratio(used, there)
        waited = waiting[first:after, s].sum(dtype=np.int64)
        yield Key("waiting_list", "all", "", "", f"step={name}"), ratio(waited, after - first)
        grown = DAYS_PER_WEEK * _slope(waiting[first:after, s])
        yield Key("waiting_list_growth", "all", "", "", f"step={name}"), Value(np.nan, np.nan, grown)


def _slope(counts: NDArray[np.int32]) -> float:
    """What a straight line through these counts gains from one to the next, by least squares; NaN with fewer than two.

    From whole numbers, of which only the last division is rounded.
    """
    n = len(counts)
    twice_x = 2 * np.arange(n, dtype=np.int64) - (n - 1)  # twice the distance from the middle
    return 6 * int(twice_x @ counts) / (n * (n * n - 1)) if n > 1 else np.nan


def _staffed(capacity: Capacity) -> NDArray[np.int32]:
    """Places for which there was staff, (days, s) int32."""
    return capacity.places if capacity.staffed is None else capacity.staffed


OverTime = dict[tuple[str, str], NDArray[np.float64]]


def over_time(simulation: Simulation) -> OverTime:
    """(measure, step) -> (days,) float64: waiting list and utilisation at the end of each day from opening."""
    return day_by_day(simulation.scenario, simulation.capacity, simulation.daily)


def day_by_day(scenario: Scenario, capacity: Capacity, daily: Daily) -> OverTime:
    """What `over_time` says, of places and clients counted each day."""
    held, waiting = daily
    result: OverTime = {}
    staffed = _staffed(capacity)
    for s, name in enumerate(scenario.steps):
        result["waiting_list", name] = waiting[:, s].astype(np.float64)
        places = staffed[:, s]
        result["utilisation", name] = np.where(places > 0, held[:, s] / np.maximum(places, 1), np.nan)
    return result
