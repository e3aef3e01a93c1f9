"""How sure each rung is: chance, sampling error of the sources, and doubt about what nobody has measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions.quantities import LADDER
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.measures.measure import measure
from caseload_sim.scenario.outcome import Doubt
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns
from caseload_sim.support.statistics import variance_of


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """One rung: its value, between what it lies in 95 of 100 draws over all doubts, and what that spread is made of.

    sd_chance: between years with everything fixed; sd_sampling: added by drawing published prevalences from their sampling
    distributions; sd_structure: added by drawing the soft inputs from their ranges
    """

    scenario: str
    measure: str
    base: str
    at: str
    value: float
    lower_95_range: float
    upper_95_range: float
    sd_chance: float
    sd_sampling: float
    sd_structure: float
    n_draws: int


@dataclass(frozen=True, slots=True)
class TornadoRow:
    """One soft input, all others as they are: a rung with it at the low and at the high end of its range."""

    scenario: str
    measure: str
    base: str
    at: str
    name: str
    meaning: str
    low: float
    high: float
    value_at_low: float
    value: float
    value_at_high: float


def uncertainty(
    scenario: Scenario,
    *,
    draws: int = 20,
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]]:
    """Draw over soft inputs and published prevalences together, and one soft input after the other to its ends.

    draws: how many; each runs four times on common random numbers (as it is; prevalences drawn; soft inputs drawn; both), so
    that what each adds is a paired difference
    Raises RunError for a scenario that gives no ranges in `doubt`.
    """
    if not scenario.doubt:
        raise RunError(f"{scenario.name}: gives no ranges in [doubt], so there is no structural doubt to draw over.")
    if draws < 2:
        raise RunError(f"draws {draws}: two at least, or no spread can be told.")
    if seed is not None:
        scenario = scenario.model_copy(update={"run": scenario.run.model_copy(update={"seed": seed})})
    done, total = 0, 4 * draws + 2 * len(scenario.doubt) + 1

    def values(one: Scenario, replication: int) -> Columns:
        nonlocal done
        table = measure(simulate(one, replication=replication))
        done += 1
        if progress:
            progress(done, total)
        return np.array([table[rung].value for rung in LADDER])

    tables: dict[str, list[Columns]] = {"chance": [], "sampling": [], "structure": [], "all": []}
    for k in range(draws):
        drawn = with_drawn_doubts(scenario, k)
        tables["chance"].append(values(scenario, k))
        tables["sampling"].append(values(with_drawn_prevalences(scenario, k), k))
        tables["structure"].append(values(drawn, k))
        tables["all"].append(values(with_drawn_prevalences(drawn, k), k))
    chance, sampling, structure, everything = (np.array(tables[name]) for name in tables)
    low, high = np.quantile(everything, [0.025, 0.975], axis=0)
    sds = [np.sqrt(variance_of(column)) for column in (chance, sampling - chance, structure - chance)]
    rows = tuple(
        DoubtRow(
            scenario=scenario.name,
            measure=rung.measure,
            base=rung.base,
            at=rung.at,
            value=float(chance[:, i].mean()),
            lower_95_range=float(low[i]),
            upper_95_range=float(high[i]),
            sd_chance=float(sds[0][i]),
            sd_sampling=float(sds[1][i]),
            sd_structure=float(sds[2][i]),
            n_draws=draws,
        )
        for i, rung in enumerate(LADDER)
    )
    middle = values(scenario, 0)
    tornado = []
    for name, doubt in scenario.doubt.items():
        ends = [values(with_doubts(scenario, {name: end}), 0) for end in (doubt.low, doubt.high)]
        tornado += [
            TornadoRow(
                scenario.name, *rung[:3], name, doubt.meaning, doubt.low, doubt.high,
                float(ends[0][i]), float(middle[i]), float(ends[1][i]),
            )
            for i, rung in enumerate(LADDER)
        ]  # fmt: skip
    return rows, tuple(tornado)


def with_drawn_doubts(scenario: Scenario, replication: int) -> Scenario:
    """The scenario with every soft input drawn evenly from its range, by seed, replication and input."""
    draws, first = Draws(scenario.run.seed, replication), np.zeros(1, dtype=np.int64)
    at = {
        name: float(doubt.low + (doubt.high - doubt.low) * draws.uniform(f"doubt:{name}", first)[0])
        for name, doubt in scenario.doubt.items()
    }
    return with_doubts(scenario, at)


def with_doubts(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """The scenario with soft inputs at these values: each path multiplied, or set, as its doubt says."""
    changes: dict[str, float] = {}
    for name, value in values.items():
        doubt: Doubt = scenario.doubt[name]
        for path in doubt.paths:
            changes[path] = value * _number(scenario, path) if doubt.multiplies else value
    changed = scenario.with_changes(changes)
    return changed.model_copy(update={"name": scenario.name})


def _number(scenario: Scenario, path: str) -> float:
    table: object = scenario
    for part in path.split("."):
        table = table[part] if isinstance(table, dict) else getattr(table, part)
    return float(table.value)  # type: ignore[attr-defined]
