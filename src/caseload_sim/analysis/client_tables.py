"""Tables about the clients of one replication: what they have together, how long they stay, and whether they are as asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.rows import Row
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags
from caseload_sim.support.statistics import wilson_interval

_RAREST_SHOWN = 0.005  # of starters: beyond it a curve is a few people


@dataclass(frozen=True, slots=True)
class People:
    """What is asked of each client here, fresh from a simulation or read from a run folder.

    condition_names: as `Population.conditions` has them; conditions: (n, c) bool, true state
    n_emotional: (n,) int64, emotional disorders; contacts: (n,) int32, attended
    referred: (n,) bool, in the data collection period; ended: (n,) bool, referral over by the horizon
    """

    condition_names: tuple[str, ...]
    conditions: Flags
    n_emotional: NDArray[np.int64]
    contacts: NDArray[np.int32]
    referred: Flags
    ended: Flags


@dataclass(frozen=True, slots=True)
class ComorbidityRow:
    """Of the clients with the first condition, the share who have the second too; of all clients where both are one."""

    first: str
    second: str
    share: float
    n_clients: int


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """Of the clients of a group who had a first contact, the share who attended at least so many.

    lower_95_ci, upper_95_ci: Wilson's interval of a share found in `n_clients`
    """

    group: str
    contacts: int
    share: float
    lower_95_ci: float
    upper_95_ci: float
    n_clients: int


@dataclass(frozen=True, slots=True)
class PrevalenceRow:
    """A condition's prevalence as the scenario asks for it and as the run shows it, both with 95% intervals.

    target_lower, target_upper: what the source's n allows (Wilson), NaN where it is not known
    achieved_lower, achieved_upper: of the mean over replications, NaN with one replication
    """

    condition: str
    target: float
    target_lower: float
    target_upper: float
    achieved: float
    achieved_lower: float
    achieved_upper: float


def people_of(simulation: Simulation) -> People:
    """The clients of one replication."""
    clients, out, scenario = simulation.clients, simulation.outcomes, simulation.scenario
    return People(
        condition_names=clients.condition_names,
        conditions=clients.conditions,
        n_emotional=clients.count(scenario, "emotional_disorder"),
        contacts=out.contacts,
        referred=scenario.run.within_period(clients.referral_day),
        ended=out.end_day != NOT_YET,
    )


def comorbidity(people: People) -> tuple[ComorbidityRow, ...]:
    """Every pair of conditions among the clients referred in the data collection period; NaN where nobody has the first."""
    has = people.conditions[people.referred]
    # Sums of whole numbers below 2**53 are exact in any order, so a matrix product is safe here.
    both = has.astype(np.float64).T @ has.astype(np.float64)
    rows = []
    for i, first in enumerate(people.condition_names):
        for j, second in enumerate(people.condition_names):
            of = len(has) if i == j else both[i, i]
            rows.append(ComorbidityRow(first, second, float(both[i, j] / of) if of else np.nan, int(of)))
    return tuple(rows)


def retention(people: People) -> tuple[RetentionRow, ...]:
    """How many contacts starters attend: clients referred in the period, referral over, with a first contact.

    For all of them and by number of emotional disorders; up to the number that one in 200 starters reaches.
    """
    starters = people.referred & people.ended & (people.contacts >= 1)
    contacts, disorders = people.contacts[starters], people.n_emotional[starters]
    if not len(contacts):
        return ()
    most = int(np.quantile(contacts, 1 - _RAREST_SHOWN, method="inverted_cdf"))
    groups = {
        "all starters": np.ones(len(contacts), dtype=bool),
        "none or one emotional disorder": disorders <= 1,
        "two emotional disorders": disorders == 2,
        "three or more": disorders >= 3,
    }
    return tuple(row for name, members in groups.items() for row in _curve(name, contacts[members], most))


def _curve(group: str, contacts: NDArray[np.int32], most: int) -> Iterator[RetentionRow]:
    n, ordered = len(contacts), np.sort(contacts)
    for k in range(1, most + 1) if n else ():
        share = float(n - np.searchsorted(ordered, k)) / n
        yield RetentionRow(group, k, share, *wilson_interval(share, n), n)


def prevalences(scenario: Scenario, rows: Sequence[Row]) -> tuple[PrevalenceRow, ...]:
    """Each condition that occurs: what the scenario asks for, and the mean over replications of a run's rows."""
    found = {row.group: row for row in rows if row.measure == "share_of_clients"}
    result = []
    for name in scenario.population.conditions():
        asked, got = scenario.population.prevalence[name], found[f"{name}=yes"]
        low, high = wilson_interval(asked.value, asked.n) if asked.n else (np.nan, np.nan)
        result.append(PrevalenceRow(name, asked.value, low, high, got.value, got.lower_95_ci, got.upper_95_ci))
    return tuple(result)
