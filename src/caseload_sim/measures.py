"""Every measure of a simulation: counted, averaged and grouped as definitions.py says."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caseload_sim.columns import blocks_of
from caseload_sim.cost_measures import cost_rows
from caseload_sim.counted import (
    Counted,
    Flags,
    Key,
    MeasureTable,
    Simulation,
    Value,
    groups,
    period,
    ratio,
    scored,
    within,
)
from caseload_sim.definitions import MEASURES
from caseload_sim.outcomes import REMISSIONS, Outcomes, Reading, recovered, reliable_change
from caseload_sim.pathway import CourseStep
from caseload_sim.service_measures import contact_rows, course_rows, funnel, wait_rows
from caseload_sim.working_days import working_days

Columns = NDArray[np.float64]
SERVICES = ("service", "none")
DAYS_PER_WEEK = 7


def measure(simulation: Simulation) -> MeasureTable:
    """Every measure of one replication, in the order of MEASURES."""
    table: MeasureTable = {}
    for rows in (
        _outcome_rows, _disorder_rows, _population_rows, wait_rows, contact_rows, course_rows, _place_rows, cost_rows,
    ):  # fmt: skip
        table.update(rows(simulation))
    order = {m.name: i for i, m in enumerate(MEASURES)}
    return dict(sorted(table.items(), key=lambda item: order[item[0].measure]))


# --- shares, counted for all groups at once -----------------------------------------------------------------


def _outcome_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    out = simulation.outcomes
    by_group = groups(simulation)
    rows = [*_official(simulation), *_ladder(simulation), *funnel(simulation)]
    counted, over = _sums(rows, list(by_group.values()))
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
                yield key, ratio(counted[i, g], over[i, g])
        if row.service == "none":  # the row before it is the same with the service
            for g, group in enumerate(by_group):
                key = Key(row.measure, row.base, row.at, "difference", group)
                with_service, without = (
                    ratio(counted[i - 1, g], over[i - 1, g]),
                    ratio(counted[i, g], over[i, g]),
                )
                blank = empty and row.base in ("finished", "started")
                difference = np.nan if blank else with_service.value - without.value
                yield key, Value(np.nan, np.nan, difference)


def _sums(rows: list[Counted], members: list[Flags]) -> tuple[Columns, Columns]:
    """Sum of numerators, and number in the denominator, for each row and group, both (rows, groups).

    Sums of whole numbers below 2**24 are exact in single precision in any order, so matrix products are safe here: so
    many clients are counted at once that scores of at most 27 stay below it.
    """
    counted, over = (np.zeros((len(rows), len(members))) for _ in range(2))
    for some in blocks_of(len(members[0])):
        membership, denominators, numerators = (
            np.empty((len(group), some.stop - some.start), dtype=np.float32) for group in (members, rows, rows)
        )
        for k, flags in enumerate(members):
            membership[k] = flags[some]
        for k, row in enumerate(rows):
            denominators[k], numerators[k] = row.denominator[some], row.numerator[some]
        numerators *= denominators
        counted += numerators @ membership.T
        over += denominators @ membership.T
    return counted, over


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
    for base, denominator in bases.items():
        case = denominator & out.at_caseness
        for name, reliable in (("recovery", False), ("reliable_recovery", True)):
            for service, reading in _readings(out):
                success = recovered(out, reading) & scored(simulation)
                if reliable:
                    success &= reliable_change(out, reading)[0]
                yield Counted(name, base, "end", service, success, case)
    for name in ("improvement", "no_reliable_change", "deterioration"):
        for service, reading in _readings(out):
            improved, worse = reliable_change(out, reading)
            flags = {
                "improvement": improved,
                "deterioration": worse,
                "no_reliable_change": ~improved & ~worse,
            }[name]
            yield Counted(name, "finished", "end", service, flags, finished)
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
    for service, reading in _readings(out):
        got_better = recovered(out, reading)
        well = reading.end["all_remission"]
        yield Counted("recovered_still_diagnosed", "finished", "end", service, ~well, bases["finished"] & got_better)
    for service, reading in _readings(out):
        got_better = recovered(out, reading)
        well = reading.end["all_remission"]
        yield Counted("not_recovered_no_diagnosis", "finished", "end", service, well, bases["finished"] & ~got_better)


# --- the population -----------------------------------------------------------------------------------------


def _disorder_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    """For each disorder, how many of those who had it at the start interview are without it at the end."""
    out = simulation.outcomes
    ladder = within(simulation, simulation.clients.referral_day) & out.ended & (out.principal >= 0) & out.at_caseness
    for base, some in (("finished", ladder & out.finished), ("started", ladder & out.started), ("referred", ladder)):
        for j, name in enumerate(simulation.clients.disorder_names):
            had = some & out.diagnosed[:, j]
            values = [
                ratio(float(np.sum(had & reading.without[:, j])), float(had.sum())) for _, reading in _readings(out)
            ]
            for service, value in zip(SERVICES, values, strict=True):
                yield Key("disorder_remission", base, "end", service, f"{name}=yes"), value
            difference = Value(np.nan, np.nan, values[0].value - values[1].value)
            yield Key("disorder_remission", base, "end", "difference", f"{name}=yes"), difference


def _population_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    clients = simulation.clients
    referred = within(simulation, clients.referral_day)
    for group, members in groups(simulation).items():
        if not group.startswith("step="):
            yield (
                Key("share_of_clients", "referred", "", "", group),
                ratio((members & referred).sum(), referred.sum()),
            )
    for j, name in enumerate(clients.disorder_names):
        present = simulation.outcomes.diagnosed[:, j] & referred
        yield (
            Key("share_at_interview", "referred", "", "", f"{name}=yes"),
            ratio(present.sum(), referred.sum()),
        )


def _place_rows(simulation: Simulation) -> Iterator[tuple[Key, Value]]:
    first, after = period(simulation)
    scenario = simulation.scenario
    held, waiting = simulation.daily
    staffed, working = _staffed(simulation), working_days(scenario)
    for s, (name, step) in enumerate(scenario.pathway.steps.items()):
        # A course holds its place over the weekend; an appointment that is booked again takes up nobody's time on a day off.
        counted = np.flatnonzero(working[first:after] | isinstance(step, CourseStep)) + first
        used, there = (table[counted, s].sum(dtype=np.int64) for table in (held, staffed))
        yield Key("utilisation", "all", "", "", f"step={name}"), ratio(used, there)
        waited = waiting[first:after, s].sum(dtype=np.int64)
        yield Key("waiting_list", "all", "", "", f"step={name}"), ratio(waited, after - first)
        grown = (
            float(np.polyfit(np.arange(after - first), waiting[first:after, s], 1)[0]) if after - first > 1 else np.nan
        )
        yield Key("waiting_list_growth", "all", "", "", f"step={name}"), Value(np.nan, np.nan, DAYS_PER_WEEK * grown)


def _staffed(simulation: Simulation) -> NDArray[np.int32]:
    """Places for which there was staff, (days, s) int32."""
    capacity = simulation.capacity
    return capacity.places if capacity.staffed is None else capacity.staffed


OverTime = dict[tuple[str, str], NDArray[np.float64]]


def over_time(simulation: Simulation) -> OverTime:
    """(measure, step) -> (days,) float64: waiting list and utilisation at the end of each day from opening."""
    scenario = simulation.scenario
    held, waiting = simulation.daily
    result: OverTime = {}
    staffed = _staffed(simulation)
    for s, name in enumerate(scenario.steps):
        result["waiting_list", name] = waiting[:, s].astype(np.float64)
        places = staffed[:, s]
        result["utilisation", name] = np.where(places > 0, held[:, s] / np.maximum(places, 1), np.nan)
    return result
