"""Every measure of a simulation: counted, averaged and grouped as definitions/measures.toml says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.quantities import DIFFERENCE, Quantity
from caseload_sim.measures.costs import cost_keys, cost_numbers, paid
from caseload_sim.measures.counting import Counts, added, group_sums, ratios
from caseload_sim.measures.ladder import _disorder_keys, _disorder_numbers, _disorders, _ladder, _official
from caseload_sim.measures.service import (
    contact_rows,
    contacts,
    course_rows,
    courses,
    funnel,
    place_rows,
    wait_rows,
    waits,
)
from caseload_sim.measures.simulation import Replication, Simulation, groups
from caseload_sim.measures.table import MeasureTable, Rows
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns


@dataclass(frozen=True, slots=True)
class Tally:
    """What measures need to know of clients, in counts that can be added to those of others.

    rows: what is counted in every group, the group left out; groups, cost_groups: their names
    """

    rows: tuple[Quantity, ...]
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
    names = tuple(Quantity(row.measure, row.base, row.at, row.service) for row in rows)
    return Tally(names, tuple(by_group), (*by_group, *more_groups), counts)


def measure(simulation: Simulation) -> MeasureTable:
    """Every measure of one replication, in the order of MEASURES."""
    return measured(simulation, tally(simulation))


def measured(replication: Replication, counted: Tally) -> MeasureTable:
    """Every measure of the clients of a replication who were counted, in the order of MEASURES."""
    scenario, counts = replication.scenario, counted.counts
    single = dict(
        chain(
            wait_rows(scenario, counts),
            contact_rows(scenario, counts),
            course_rows(counts),
            place_rows(replication),
        )
    )
    rows, order = _in_order(counted.rows, counted.groups, counted.cost_groups, scenario.disorders, tuple(single))
    numbers = np.concatenate(
        [
            _outcome_numbers(scenario, counted),
            cost_numbers(scenario, replication.capacity, counts),
            _disorder_numbers(counts),
            _population_numbers(counted),
            np.fromiter(chain.from_iterable(single.values()), np.float64, 3 * len(single)).reshape(-1, 3),
        ]
    )
    return MeasureTable(rows, numbers.T.take(order, axis=1).T)  # column by column in memory, as they are summarised


@lru_cache(maxsize=16)
def _in_order(
    names: tuple[Quantity, ...],
    group_names: tuple[str, ...],
    cost_groups: tuple[str, ...],
    disorders: tuple[str, ...],
    single: tuple[Quantity, ...],
) -> tuple[Rows, NDArray[np.intp]]:
    """The rows of a table in the order of MEASURES, and which of those put together each is."""
    outcomes = list(_outcome_keys(names, group_names))
    keys = [
        *outcomes, *cost_keys(cost_groups), *_disorder_keys(disorders), *_population_keys(group_names, disorders), *single,
    ]  # fmt: skip
    twins = [2 * i + 1 for i, name in enumerate(names) if name.service == "none"]  # a difference follows its twin
    within_measure = np.zeros(len(keys))
    within_measure[: len(outcomes)] = np.repeat([*range(0, 2 * len(names), 2), *twins], len(group_names))
    place = {name: i for i, name in enumerate(all_measures())}
    order = np.lexsort((within_measure, np.array([place[key.measure] for key in keys])))
    return Rows([keys[row] for row in order], (_rows, (names, group_names, cost_groups, disorders, single))), order


def _rows(*shape: Any) -> Rows:
    return _in_order(*shape)[0]


def _outcome_keys(names: tuple[Quantity, ...], group_names: tuple[str, ...]) -> Iterator[Quantity]:
    for name in names:
        yield from (Quantity(*name[:4], group) for group in group_names)
    for name in names:
        if name.service == "none":
            yield from (Quantity(*name[:3], DIFFERENCE, group) for group in group_names)


def _outcome_numbers(scenario: Scenario, counted: Tally) -> Columns:
    """Numerator, denominator and value of each row and group, then the differences of those with a twin, (rows, 3)."""
    names, counts = counted.rows, counted.counts
    table = ratios(counts["numerators"], counts["denominators"])
    empty = not scenario.pathway.steps or counts["contacts_attended"][0] == 0
    is_count = {name: one.unit == "referrals" for name, one in all_measures().items()}
    for i, name in enumerate(names):
        if is_count[name.measure]:
            table[i, :, 1:] = np.stack([np.full(len(counted.groups), np.nan), table[i, :, 0]], axis=1)
        elif empty and name.base in ("finished", "started"):
            table[i] = np.nan
    twins = np.array([i for i, name in enumerate(names) if name.service == "none"], dtype=np.intp)
    differences = np.full((len(twins), len(counted.groups), 3), np.nan)
    differences[..., 2] = table[twins - 1, :, 2] - table[twins, :, 2]  # the row before a twin is that with the service
    return np.concatenate([table.reshape(-1, 3), differences.reshape(-1, 3)])


def _population_keys(group_names: tuple[str, ...], disorders: tuple[str, ...]) -> Iterator[Quantity]:
    """How many of those referred are in each group, and have each disorder at interview."""
    for group in group_names:
        if not group.startswith("step="):
            yield Quantity("share_of_clients", "referred", "", "", group)
    for name in disorders:
        yield Quantity("share_at_interview", "referred", "", "", f"{name}=yes")


def _population_numbers(counted: Tally) -> Columns:
    received = [row.measure for row in counted.rows].index("referrals_received")
    referred = counted.counts["numerators"][received]
    some = [n for group, n in zip(counted.groups, referred, strict=True) if not group.startswith("step=")]
    return ratios(np.concatenate([some, counted.counts["at_interview"]]), referred[0])  # the first group is of all
