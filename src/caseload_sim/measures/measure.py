"""Every measure of a simulation: counted, averaged and grouped as definitions/measures.toml says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.quantities import DIFFERENCE, Quantity
from caseload_sim.measures.bands import bands, own_groups
from caseload_sim.measures.costs import cost_keys, cost_numbers, paid
from caseload_sim.measures.counting import Counts, added, group_sums, ratios
from caseload_sim.measures.ladder import (
    _disorder_keys,
    _disorder_numbers,
    _disorders,
    _ladder,
    _official,
    helped_keys,
    helped_numbers,
)
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
from caseload_sim.support.columns import Columns, Flags


@dataclass(frozen=True, slots=True)
class Tally:
    """What measures need to know of clients, in counts that can be added to those of others.

    rows: what is counted by group, the group left out, of which the first `n_outcomes` are of how clients end
    groups: names of those in which all is counted; bands: of those in which only outcomes are; cost_groups: only money
    """

    rows: tuple[Quantity, ...]
    n_outcomes: int
    groups: tuple[str, ...]
    bands: tuple[str, ...]
    cost_groups: tuple[str, ...]
    counts: Counts

    def __add__(self, other: "Tally") -> "Tally":
        return replace(self, counts=added(self.counts, other.counts))


def tally(simulation: Simulation, more_groups: Mapping[str, Flags] | None = None) -> Tally:
    """Count the clients of a replication, or some of them; more_groups: further ones in which all is counted, each (n,)."""
    by_group = {**groups(simulation), **(more_groups or {})}
    by_band = bands(simulation)
    outcomes = [*_official(simulation), *_ladder(simulation)]
    rows = [*outcomes, *funnel(simulation)]
    bases = {id(row.denominator): row.denominator for row in rows}  # far fewer than rows
    base_of = [list(bases).index(id(row.denominator)) for row in rows]
    of_costs, by_course, costs = paid(simulation)
    summands = [*((row.numerator, row.denominator) for row in rows), *((base, base) for base in bases.values())]
    sums = group_sums([*summands, *of_costs], [*by_group.values(), *by_band.values(), *by_course.values()])
    of_bands = slice(len(by_group), len(by_group) + len(by_band))
    numerators, denominators = np.split(sums[: len(summands), : of_bands.stop], [len(rows)])
    counts = {
        "numerators": numerators,
        "denominators": denominators[base_of],
        "paid": np.delete(sums[len(summands) :], of_bands, axis=1),
        "contacts_attended": np.array([simulation.outcomes.contacts.sum(dtype=np.int64)]),
        **_disorders(simulation),
        **waits(simulation),
        **contacts(simulation),
        **courses(simulation),
        **costs,
    }
    names = tuple(Quantity(row.measure, row.base, row.at, row.service) for row in rows)
    return Tally(names, len(outcomes), tuple(by_group), tuple(by_band), (*by_group, *by_course), counts)


def measure(simulation: Simulation, *, groups: Mapping[str, Flags] | None = None) -> MeasureTable:
    """Every measure of one replication, in the order of MEASURES.

    groups: further groups of clients by name, each True or False for every client of the simulation, in their order:
        `{"long_wait=yes": wait_days > 90}`. Whatever is counted by group is counted in them too, costs included, over those
        of them who are in its denominator. Columns to make them of are in the simulation's clients, care and outcomes.

    Raises RunError for a name that is taken or not written NAME=VALUE, and for flags of another length or type.
    """
    return measured(simulation, tally(simulation, own_groups(simulation, groups or {})))


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
    of_outcomes = _Outcomes(counted.rows, counted.n_outcomes, counted.groups, counted.bands)
    rows, order = _in_order(of_outcomes, counted.cost_groups, scenario.disorders, tuple(single))
    numbers = np.concatenate(
        [
            _outcome_numbers(scenario, counted, of_outcomes),
            cost_numbers(scenario, replication.capacity, counts),
            _disorder_numbers(counts),
            _population_numbers(counted),
            helped_numbers(counted.rows, counts["numerators"], scenario.run.data_collection_days).reshape(-1, 3),
            np.fromiter(chain.from_iterable(single.values()), np.float64, 3 * len(single)).reshape(-1, 3),
        ]
    )
    return MeasureTable(rows, numbers.T.take(order, axis=1).T)  # column by column in memory, as they are summarised


class _Outcomes(NamedTuple):
    """Which rows of a table are counted by group, and in which groups each is; as in Tally."""

    names: tuple[Quantity, ...]
    n_outcomes: int
    groups: tuple[str, ...]
    bands: tuple[str, ...]

    @property
    def twins(self) -> list[int]:
        """Which names are of the same clients untreated; the name before is that with the service."""
        return [i for i, name in enumerate(self.names) if name.service == "none"]

    def groups_of(self, i: int) -> tuple[str, ...]:
        """The groups that a name is counted in."""
        return (*self.groups, *self.bands) if i < self.n_outcomes else self.groups

    def keys(self) -> Iterator[Quantity]:
        """Every name by group, then the differences of those with a twin."""
        for i, name in enumerate(self.names):
            yield from (Quantity(*name[:4], group) for group in self.groups_of(i))
        for i in self.twins:
            yield from (Quantity(*self.names[i][:3], DIFFERENCE, group) for group in self.groups_of(i))


@lru_cache(maxsize=16)
def _in_order(
    of_outcomes: _Outcomes,
    cost_groups: tuple[str, ...],
    disorders: tuple[str, ...],
    single: tuple[Quantity, ...],
) -> tuple[Rows, NDArray[np.intp]]:
    """The rows of a table in the order of MEASURES, and which of those put together each is."""
    which = [*range(len(of_outcomes.names)), *of_outcomes.twins]
    after_twin = np.arange(len(which)) >= len(of_outcomes.names)  # a difference follows its twin
    places = np.repeat(2 * np.array(which) + after_twin, [len(of_outcomes.groups_of(i)) for i in which])
    keys = [
        *of_outcomes.keys(), *cost_keys(cost_groups), *_disorder_keys(disorders),
        *_population_keys(of_outcomes.groups, disorders), *helped_keys(of_outcomes.names, of_outcomes.groups_of(0)), *single,
    ]  # fmt: skip
    within_measure = np.zeros(len(keys))
    within_measure[: len(places)] = places
    of_measure = {name: i for i, name in enumerate(all_measures())}
    order = np.lexsort((within_measure, np.array([of_measure[key.measure] for key in keys])))
    return Rows([keys[row] for row in order], (_rows, (of_outcomes, cost_groups, disorders, single))), order


def _rows(*shape: Any) -> Rows:
    return _in_order(*shape)[0]


def _outcome_numbers(scenario: Scenario, counted: Tally, of_outcomes: _Outcomes) -> Columns:
    """Numerator, denominator and value of each row and group, then the differences of those with a twin, (rows, 3)."""
    names, counts = counted.rows, counted.counts
    table = ratios(counts["numerators"], counts["denominators"])
    empty = not scenario.pathway.steps or counts["contacts_attended"][0] == 0
    is_count = {name: one.unit == "referrals" for name, one in all_measures().items()}
    for i, name in enumerate(names):
        if is_count[name.measure]:
            table[i, :, 1:] = np.stack([np.full(table.shape[1], np.nan), table[i, :, 0]], axis=1)
        elif empty and name.base in ("finished", "started"):
            table[i] = np.nan
    twins = np.array(of_outcomes.twins, dtype=np.intp)
    differences = np.full((len(twins), *table.shape[1:]), np.nan)
    differences[..., 2] = table[twins - 1, :, 2] - table[twins, :, 2]
    is_row = np.ones(table.shape[:2], dtype=bool)
    is_row[counted.n_outcomes :, len(counted.groups) :] = False
    return np.concatenate([table[is_row], differences[is_row[twins]]])


def _population_keys(group_names: tuple[str, ...], disorders: tuple[str, ...]) -> Iterator[Quantity]:
    """How many of those referred are in each group, and have each disorder at interview."""
    for group in group_names:
        if not group.startswith("step="):
            yield Quantity("share_of_clients", "referred", "", "", group)
    for name in disorders:
        yield Quantity("share_at_interview", "referred", "", "", f"{name}=yes")


def _population_numbers(counted: Tally) -> Columns:
    received = [row.measure for row in counted.rows].index("referrals_received")
    referred = counted.counts["numerators"][received, : len(counted.groups)]
    some = [n for group, n in zip(counted.groups, referred, strict=True) if not group.startswith("step=")]
    return ratios(np.concatenate([some, counted.counts["at_interview"]]), referred[0])  # the first group is of all
