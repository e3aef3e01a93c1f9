"""Many providers instead of one: each with staff of its own measure, or by name with numbers of its own, all pooled as national statistics pool them."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from caseload_sim.clients.population import Clients
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.draws.streams import IDS_OF_A_PROVIDER, Draws
from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.measures.simulation import Replication, Simulation
from caseload_sim.measures.table import MeasureTable, stacked_numbers, table_of
from caseload_sim.outcomes.outcomes import one_after_the_other
from caseload_sim.scenario.changes import own_scenarios
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import stacked

T = TypeVar("T")
PERCENTILES = {"10th percentile": 0.1, "median": 0.5, "90th percentile": 0.9}


def provider_scenarios(scenario: Scenario, draws: Draws) -> list[Scenario]:
    """One scenario for each provider: with its own numbers where providers are named, in the order of their codes.

    Otherwise staff are more or fewer than the scenario's by a lognormal factor of median 1. Of each kind of staff that treats, the factors are the middles of equal slices of their distribution, given to the
    providers by lot, so that thirty providers are spread alike in every replication. Who assesses is everywhere as many.
    """
    from scipy.special import ndtri

    providers, pathway = scenario.providers, scenario.pathway
    assert providers is not None
    if providers.each:
        return own_scenarios(scenario)
    which = np.arange(providers.how_many, dtype=np.int64)
    treating = dict.fromkeys(step.staff for step in pathway.courses.values())
    factors = {}
    for kind in treating:
        slices = draws.uniform(f"provider:{kind}", which).argsort().argsort()
        factors[kind] = np.exp(providers.spread * ndtri((slices + 0.5) / providers.how_many))
    result = []
    for k in range(providers.how_many):
        staff = {
            kind: one.times(float(factors[kind][k])) if kind in factors else one for kind, one in scenario.staff.items()
        }
        result.append(scenario.model_copy(update={"staff": staff, "providers": None}))
    return result


def of_each(scenario: Scenario, count: Callable[[Scenario], T]) -> list[T]:
    """What is counted of each provider, from its scenario; chance in how many staff it has is left out."""
    if scenario.providers is None or not scenario.providers.each:
        return [count(scenario)] * (scenario.providers.how_many if scenario.providers else 1)
    return [count(one) for one in own_scenarios(scenario)]


def pooled(simulations: list[Simulation], all_of_them: Replication) -> Simulation:
    """The tables of several providers as one: the clients of the first, then those of the second, and so on.

    Every client has an id of their own, and the number of their provider.

    all_of_them: the places and days of the providers, added up already
    """
    first_row = np.cumsum([0] + [len(one.clients.id) for one in simulations])
    columns = {f.name: np.concatenate([getattr(one.episodes, f.name) for one in simulations]) for f in fields(Episodes)}
    columns["client"] = np.concatenate(
        [one.episodes.client + row for one, row in zip(simulations, first_row, strict=False)]
    )
    outcomes = one_after_the_other([one.outcomes for one in simulations])
    clients = stacked(*(_of_provider(one.clients, k) for k, one in enumerate(simulations)))
    care = stacked(*(one.care for one in simulations))
    return Simulation(
        scenario=all_of_them.scenario,
        replication=all_of_them.replication,
        capacity=all_of_them.capacity,
        daily=all_of_them.daily,
        digests=all_of_them.digests,
        clients=clients,
        care=care,
        episodes=canonical([*columns.values()]),
        outcomes=outcomes,
    )


def _of_provider(clients: Clients, k: int) -> Clients:
    """The clients of the provider with so many before it, with ids that no client of another one has."""
    number = np.full_like(clients.provider, k + 1)
    return replace(clients, id=clients.id + k * IDS_OF_A_PROVIDER, provider=number)


def percentiles(tables: list[MeasureTable]) -> MeasureTable:
    """How each measure over all clients differs between providers: groups "providers=10th percentile" and so on."""
    values = stacked_numbers(tables)[2]
    chosen = [j for j, key in enumerate(tables[0]) if key.group == "all" or key.group.startswith("intensity=")]
    known = ~np.isnan(values[:, chosen])
    quantiles = np.quantile(values[:, chosen], list(PERCENTILES.values()), axis=0)  # of those that all know
    for k in np.flatnonzero(known.any(axis=0) & ~known.all(axis=0)).tolist():
        quantiles[:, k] = np.quantile(values[known[:, k], chosen[k]], list(PERCENTILES.values()))
    keys, n_known = list(tables[0]), known.sum(axis=0)
    result = {
        Quantity(*keys[j][:4], f"providers={name}{'' if keys[j].group == 'all' else f', {keys[j].group}'}"): Value(
            np.nan, int(n_known[k]), float(quantiles[q, k])
        )
        for k, j in enumerate(chosen)
        for q, name in enumerate(PERCENTILES)
    }
    return table_of(result)
