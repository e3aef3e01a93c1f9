"""Outcome measures: official figures by questionnaire, and the rungs of the ladder by interview."""

from collections.abc import Iterator, Sequence

import numpy as np

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import (
    BASES,
    DIFFERENCE,
    HELPED_TO,
    READINGS,
    REMISSIONS,
    SCORED,
    SERVICES,
    Quantity,
)
from caseload_sim.definitions.times import DAYS_PER_YEAR
from caseload_sim.measures.bands import bands
from caseload_sim.measures.counting import Counted, Counts, group_sums, ratios
from caseload_sim.measures.simulation import Simulation, groups, scored, within
from caseload_sim.outcomes.outcomes import Outcomes, recovered, reliable_change
from caseload_sim.outcomes.readings import Reading
from caseload_sim.support.columns import Columns, Flags


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
    read = [(at, service, reading) for at in SCORED for service, reading in _readings(out)]
    changes = {(at, service): reliable_change(out, reading, at) for at, service, reading in read}
    recovery = {(at, service): recovered(out, reading, at) & both_scores for at, service, reading in read}
    reliable = {which: recovery[which] & improved for which, (improved, _) in changes.items()}
    for base, denominator in bases.items():
        case_of_base = denominator & case
        for name, success in (("recovery", recovery), ("reliable_recovery", reliable)):
            for (at, service), flags in success.items():
                yield Counted(name, base, at, service, flags, case_of_base)
    for (at, service), (improved, _) in changes.items():
        yield Counted("improvement", "finished", at, service, improved, finished)
    for (at, service), (improved, worse) in changes.items():
        if at == "end":
            yield Counted("no_reliable_change", "finished", at, service, ~improved & ~worse, finished)
    for (at, service), (_, worse) in changes.items():
        yield Counted("deterioration", "finished", at, service, worse, finished)
    for name, first in (("phq9", out.first_phq9), ("gad7", out.first_gad7)):
        yield Counted(f"first_{name}_mean", "finished", "", "", first, finished)
        for at, service, reading in read:
            measure = f"last_{name}_mean" if at == "end" else f"{at}_{name}_mean"
            yield Counted(measure, "finished", at, service, reading.scores(at)[name == "gad7"], finished)


def ladder_keys(simulation: Simulation) -> tuple[Quantity, ...]:
    """Official figures and rungs alone, for every group, with the differences between service and none."""
    rows, by_group = _shares(simulation), _members(simulation)
    keys = [Quantity(row.measure, row.base, row.at, row.service, group) for row in rows for group in by_group]
    keys += [
        Quantity(rows[i].measure, rows[i].base, rows[i].at, DIFFERENCE, group)
        for i in _twins(rows)
        for group in by_group
    ]
    return (*keys, *helped_keys(_names(rows), list(by_group)), *_disorder_keys(simulation.clients.disorder_names))


def ladder_values(simulation: Simulation, fewest: int, stands_for: float = 1) -> Columns:
    """The value of each of `ladder_keys`, (keys,); NaN over fewer than `fewest` in the denominator.

    stands_for: how many clients each of these stands for, where the others are left out; only people helped hang on it
    """
    rows = _shares(simulation)
    sums = group_sums(
        [*((row.numerator, row.denominator) for row in rows), *((row.denominator, row.denominator) for row in rows)],
        list(_members(simulation).values()),
    )
    numerators, denominators = np.split(sums, 2)
    values = np.full(numerators.shape, np.nan)
    np.divide(numerators, denominators, out=values, where=denominators >= max(fewest, 1))
    differences = [values[i - 1] - values[i] for i in _twins(rows)]
    helped = stands_for * helped_numbers(_names(rows), numerators, simulation.scenario.run.data_collection_days)[..., 2]
    helped[[denominators[i] < fewest for _, _, i in _helped(_names(rows))]] = np.nan
    by_disorder = _disorder_numbers(_disorders(simulation)).reshape(-1, len(SERVICES) + 1, 3)
    by_disorder[by_disorder[:, 0, 1] < fewest] = np.nan
    return np.concatenate([values.ravel(), *differences, helped.ravel(), by_disorder[:, :, 2].ravel()])


def _shares(simulation: Simulation) -> list[Counted]:
    """Shares and mean scores; of counts no structure says anything but by way of these."""
    rows = [*_official(simulation), *_ladder(simulation)]
    return [row for row in rows if definition(row.measure).unit != "referrals"]


def _members(simulation: Simulation) -> dict[str, Flags]:
    return {**groups(simulation), **bands(simulation)}


def _twins(rows: Sequence[Counted]) -> list[int]:
    """Rows of the untreated; the row before each is that with the service."""
    return [i for i, row in enumerate(rows) if row.service == "none"]


def _names(rows: Sequence[Counted]) -> list[Quantity]:
    return [Quantity(row.measure, row.base, row.at, row.service) for row in rows]


def _helped(names: Sequence[Quantity]) -> list[tuple[str, str, int]]:
    """Each measure and reading of people helped, and which row is the success untreated; that with the service is before it."""
    return [
        (measure, name.at, i)
        for measure, success in HELPED_TO.items()
        for i, name in enumerate(names)
        if (name.measure, name.base, name.service) == (success, "referred", "none") and name.at in SCORED
    ]


def helped_keys(names: Sequence[Quantity], group_names: Sequence[str]) -> Iterator[Quantity]:
    """The rows of people helped, in each group; names: what is counted, group by group."""
    for measure, at, _ in _helped(names):
        yield from (Quantity(measure, "referred", at, "", group) for group in group_names)


def helped_numbers(names: Sequence[Quantity], numerators: Columns, days: int) -> Columns:
    """People helped in a period of so many days, the years that it has, and people a year, (measures, groups, 3).

    numerators: how many succeed, (rows, groups)
    """
    more = np.array([numerators[i - 1] - numerators[i] for _, _, i in _helped(names)])
    return ratios(more, np.full(more.shape, days / DAYS_PER_YEAR))


def _readings(out: Outcomes) -> tuple[tuple[str, Reading], ...]:
    return tuple(zip(SERVICES, (out.service, out.none), strict=True))


def _ladder(simulation: Simulation) -> Iterator[Counted]:
    out = simulation.outcomes
    cohort = within(simulation, simulation.clients.referral_day) & out.ended
    ladder = cohort & (out.principal >= 0) & out.at_caseness
    bases = {"finished": ladder & out.finished, "started": ladder & out.started, "referred": ladder}
    for rung in REMISSIONS:
        for base, denominator in bases.items():
            for at in READINGS:
                for service, reading in _readings(out):
                    yield Counted(rung, base, at, service, getattr(reading, at)[rung], denominator)
    both = [(service, recovered(out, reading), reading.end["all_remission"]) for service, reading in _readings(out)]
    for service, got_better, well in both:
        yield Counted("recovered_still_diagnosed", "finished", "end", service, ~well, bases["finished"] & got_better)
    for service, got_better, well in both:
        yield Counted("not_recovered_no_diagnosis", "finished", "end", service, well, bases["finished"] & ~got_better)


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


def _disorder_keys(disorders: tuple[str, ...]) -> Iterator[Quantity]:
    """For each disorder, how many of those who had it at the start interview are without it at the end."""
    for base in BASES:
        for name in disorders:
            for service in (*SERVICES, DIFFERENCE):
                yield Quantity("disorder_remission", base, "end", service, f"{name}=yes")


def _disorder_numbers(counts: Counts) -> Columns:
    had, *without = counts["disorders"].swapaxes(0, 1)
    table = np.full((*had.shape, len(SERVICES) + 1, 3), np.nan)
    for k, number in enumerate(without):
        table[:, :, k] = ratios(number, had)
    table[:, :, -1, 2] = table[:, :, 0, 2] - table[:, :, 1, 2]
    return table.reshape(-1, 3)
