"""One replication with all its tables, and how clients are counted: in whole numbers, so that counts can be added."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caseload_sim.capacity import Capacity
from caseload_sim.care import Care
from caseload_sim.clients import Clients
from caseload_sim.columns import as_rows, blocks_of
from caseload_sim.episodes import Episodes
from caseload_sim.outcomes import LEFT, Outcomes
from caseload_sim.pathway import CourseStep
from caseload_sim.scenario import Scenario

Flags = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class Simulation:
    """One replication of a scenario, every table of it; what `simulate` returns.

    daily: clients holding a place, and clients waiting, at each step at the end of each day, both (days, s) int32
    digests: by table; that of outcomes is of the clients whose referral was open in the data collection period, whom alone
        measures count
    """

    scenario: Scenario
    replication: int
    clients: Clients
    care: Care
    capacity: Capacity
    episodes: Episodes
    outcomes: Outcomes
    daily: tuple[NDArray[np.int32], NDArray[np.int32]]
    digests: dict[str, str]


def period(scenario: Scenario) -> tuple[int, int]:
    """First day of data collection, and the first day after it."""
    run = scenario.run
    return run.warm_up_days, run.warm_up_days + run.data_collection_days


def within(simulation: Simulation, days: NDArray[np.int32]) -> Flags:
    """Which days lie in the data collection period; a day that never came does not."""
    first, after = period(simulation.scenario)
    return (days >= first) & (days < after)


def groups(simulation: Simulation) -> dict[str, Flags]:
    """Clients by group name, "all" first: counts and conditions (true state), strata, first step, modality, each (n,) bool."""
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
    for k, name in enumerate(scenario.pathway.modalities):
        result[f"modality={name}"] = simulation.care.modality == k
    return result


@dataclass(frozen=True, slots=True)
class Counted:
    """A row to be counted for every group: who is in the numerator and who in the denominator."""

    measure: str
    base: str
    at: str
    service: str
    numerator: NDArray[Any]
    denominator: Flags


# Flags or small whole numbers of clients, and whose are added up, both (n,).
Summand = tuple[NDArray[Any], Flags]
COUNTED_AT_ONCE = 16_384  # clients: sums are exact as long as nobody has a thousand of anything


def group_sums(summands: Sequence[Summand], members: Sequence[Flags]) -> NDArray[np.float64]:
    """Sum of each column over those of its base who are in a group, (summands, groups).

    Sums of whole numbers below 2**24 are exact in single precision in any order, so matrix products are safe here.
    """
    total = np.zeros((len(summands), len(members)))
    for some in blocks_of(len(members[0]), COUNTED_AT_ONCE):
        each = np.empty((len(summands), some.stop - some.start), dtype=np.float32)
        for row, (column, base) in zip(each, summands, strict=True):
            np.multiply(column[some], base[some], out=row)
        total += each @ as_rows(members, some).T
    return total


def scored(simulation: Simulation) -> Flags:
    """Who has a first and a last score: those with two contacts, and everybody where there is no service at all, (n,)."""
    out = simulation.outcomes
    never = out.left == LEFT.index("no_service")
    return np.asarray(out.finished | never)


def ratio(numerator: float, denominator: float) -> Value:
    """A share or a mean; NaN over nobody."""
    return Value(float(numerator), float(denominator), float(numerator / denominator) if denominator else np.nan)


def ratios(numerators: NDArray[Any], denominators: NDArray[Any]) -> NDArray[np.float64]:
    """`ratio` of each pair, as numerator, denominator and value, (..., 3) float64."""
    result = np.full((*np.shape(numerators), 3), np.nan)
    result[..., 0], result[..., 1] = numerators, denominators
    np.divide(result[..., 0], result[..., 1], out=result[..., 2], where=result[..., 1] != 0)
    return result


Counts = dict[
    str, NDArray[Any]
]  # by what is counted; of one dimension, the longer may have more entries than the shorter


def added(first: Counts, second: Counts) -> Counts:
    """The counts of two sets of clients together."""
    return {name: _longer(column, second[name]) for name, column in first.items()}


def _longer(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    if a.shape == b.shape:
        return np.asarray(a + b)
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    total = longer.copy()
    total[: len(shorter)] += shorter
    return total


def by_number(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """How many have 0, 1, 2 ... days or contacts; of whom nobody has fewer than 0."""
    return np.bincount(numbers).astype(np.int64)


def total_of(counts: NDArray[np.int64]) -> int:
    """The sum of the numbers that `by_number` has counted."""
    return int(counts @ np.arange(len(counts)))


def quantile_of(counts: NDArray[np.int64], share: float) -> float:
    """The smallest number that so many of those counted do not exceed; NaN over nobody."""
    n = int(counts.sum())
    if n == 0:
        return np.nan
    place = max(int(np.ceil(n * share - 1)), 0)
    return float(np.searchsorted(counts.cumsum(), place, side="right"))
