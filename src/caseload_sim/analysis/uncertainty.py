"""How sure each rung of the ladder is, given chance, sampling error of the sources, and inputs that nobody has measured."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from caseload_sim.definitions.quantities import LADDER
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.experiments.tasks import Finished
from caseload_sim.scenario.outcome import Doubt
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns
from caseload_sim.support.statistics import range_of_one_more, variance_of


@dataclass(frozen=True, slots=True)
class DoubtRow:
    """One rung: its value, the range into which one more draw falls 95 times in 100, and what that spread comes from.

    sd_chance: the spread between years when every input is fixed
    sd_sampling: what is added by drawing published prevalences from their sampling distributions
    sd_structure: what is added by drawing soft inputs, which nobody has measured, from their ranges
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
    """A rung with one soft input at the low and at the high end of its range, and all other inputs as they are."""

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
    **how: Unpack[RunKeywords],
) -> tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]]:
    """Two tables: how far each rung of the ladder spreads over everything in doubt, and what each soft input alone moves.

    For the first, the scenario runs four times in each draw, with the same random numbers: as it is, with prevalences drawn,
    with soft inputs drawn, and with both. So what each adds is a difference between runs of the same clients. For the
    second, each soft input is set to the low and to the high end of its range.
    draws: how many
    how: the keywords of `RunOptions`, see `replicate`, but parameter_uncertainty, which is part of the answer here
    Raises RunError for a scenario that gives no ranges in `doubt`.
    """
    if not scenario.doubt:
        raise RunError(f"{scenario.name}: gives no ranges in [doubt], so there is no structural doubt to draw over.")
    if draws < 2:
        raise RunError(f"draws {draws}: two at least, or no spread can be told.")
    if seed is not None:
        scenario = scenario.model_copy(update={"run": scenario.run.model_copy(update={"seed": seed})})
    options = RunOptions(**how)
    if options.parameter_uncertainty:
        raise RunError("parameter_uncertainty: published prevalences are drawn here anyway; leave it out.")
    with closing(finish_each(_requests(scenario, draws), options)) as each:
        values = [_ladder_of(finished) for (finished,), _ in each]
    of_draws, of_ends = np.array(values[: 4 * draws]).reshape(draws, 4, len(LADDER)), values[4 * draws :]
    chance, sampling, structure, everything = np.moveaxis(of_draws, 1, 0)
    low, high = (np.clip(end, 0.0, 1.0) for end in range_of_one_more(everything))
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
    tornado = []
    for k, (name, doubt) in enumerate(scenario.doubt.items()):
        ends = of_ends[2 * k : 2 * k + 2]
        tornado += [
            TornadoRow(
                scenario.name, *rung[:3], name, doubt.meaning, doubt.low, doubt.high,
                float(ends[0][i]), float(chance[0, i]), float(ends[1][i]),
            )
            for i, rung in enumerate(LADDER)
        ]  # fmt: skip
    return rows, tuple(tornado)


def n_runs(scenario: Scenario, draws: int) -> int:
    """How many simulations `uncertainty` takes."""
    return 4 * draws + 2 * len(scenario.doubt)


def _requests(scenario: Scenario, draws: int) -> list[Request]:
    """The runs of `uncertainty` in order: four for each draw, then two for each soft input."""
    requests = []
    for k in range(draws):
        drawn = with_drawn_doubts(scenario, k)
        of_draw = (scenario, with_drawn_prevalences(scenario, k), drawn, with_drawn_prevalences(drawn, k))
        requests += [Request(one, only=(k,)) for one in of_draw]
    ends = [{name: end} for name, doubt in scenario.doubt.items() for end in (doubt.low, doubt.high)]
    return requests + [Request(with_doubts(scenario, end), only=(0,)) for end in ends]


def _ladder_of(finished: Finished) -> Columns:
    return np.array([finished.measures[rung].value for rung in LADDER])


def with_drawn_doubts(scenario: Scenario, replication: int) -> Scenario:
    """The scenario with every soft input drawn from its range, all values equally likely. The same replication draws the same."""
    draws, first = Draws(scenario.run.seed, replication), np.zeros(1, dtype=np.int64)
    at = {
        name: float(doubt.low + (doubt.high - doubt.low) * draws.uniform(f"doubt:{name}", first)[0])
        for name, doubt in scenario.doubt.items()
    }
    return with_doubts(scenario, at)


def with_doubts(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """The scenario with these soft inputs: its numbers are multiplied by the value or set to it, as the `doubt` in the file says."""
    changes: dict[str, float] = {}
    for name, value in sorted(values.items()):
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
