"""One replication, or many with intervals: from a scenario to its results."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel
from caseload_sim.engines.engine import DEFAULT_ENGINE, ENGINES
from caseload_sim.engines.episodes import first_difference
from caseload_sim.experiments.in_short import as_html, in_short
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import engine_of, with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.measures.arrow import Tabular, all_replications_as_arrow
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow, row_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.summary import (
    Moved,
    cost_effects,
    split_of_variance,
    summarise,
    summarise_days,
    values_by_replication,
)
from caseload_sim.measures.table import MeasureTable
from caseload_sim.pathway.in_vain import warn_of_what_is_in_vain
from caseload_sim.pathway.own_policy import OwnPolicy, own_policy
from caseload_sim.scenario.policies import POLICIES, Decide
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import everybody, run_once
from caseload_sim.simulation.returns import plans_with_returns
from caseload_sim.support.compiled import numba_is_there


@dataclass(frozen=True, slots=True)
class Summary(Tabular):
    """Every measure of a scenario over its replications, without the tables of any of them.

    rows: every measure, summarised
    values: (replications, rows) float64, the value of each row in each replication, NaN where it has none; of a ratio of
        means, what the replication adds to it (see `values_by_replication`)
    moved: (structures, rows) float32, what each structure of the outcome model adds to each row; None if not asked for
    """

    row_type, table = Row, "measures"
    scenario: Scenario
    rows: Sequence[Row]
    values: NDArray[np.float64]
    moved: Moved | None

    def __repr__(self) -> str:
        """A dozen lines: all that is in it would be hundreds of thousands of characters."""
        return in_short(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return as_html(self)

    def find(self, measure: str, *, base: str = "", at: str = "", service: str = "", group: str = "all") -> Row:
        """The one row with these names; where nothing is said, the only one there is, or finished, end, service.

        Raises RunError where there is no such row, or more must be said.
        """
        return row_of(self.rows, Quantity(measure, base, at, service, group))


@dataclass(frozen=True, slots=True)
class Results(Summary):
    """All replications of a scenario: its summary, and more.

    over_time: every day; digests: one dict of table digests a replication; first: the first replication, with all its tables
    uncertainty: what the spread between replications is made of, when prevalences were drawn
    policy: the user's own, where one decided instead of the scenario's
    cost_effects: what the service costs and adds for each referral, by replication and base
    tables: numerator, denominator and value of each row in each replication
    """

    over_time: Sequence[OverTimeRow]
    digests: tuple[dict[str, str], ...]
    first: Simulation
    uncertainty: tuple[UncertaintyRow, ...] = ()
    policy: OwnPolicy | None = None
    cost_effects: tuple[CostEffectRow, ...] = ()
    tables: tuple[MeasureTable, ...] = ()

    __repr__ = Summary.__repr__

    def replications(self) -> Any:
        """Every value of every replication, long, as a `pyarrow.Table`: what `replications.parquet` of a run has."""
        return all_replications_as_arrow({self.scenario.name: self.tables})


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    engine: str = DEFAULT_ENGINE,
    start_of: Scenario | None = None,
    policy: Decide | None = None,
) -> Simulation:
    """One replication: clients, what they would receive, the queue, and how they end.

    seed: the scenario's own if None; replication: from 0; engine: a name in ENGINES
    start_of: a scenario with the same steps, whose running start is used: the same people are then there on day 0
    policy: a function of your own, `def name(known: Known, routing: Routing) -> Decision`, that decides where clients start
        and how waiting lists are ordered, instead of the policy that the scenario names (see `pathway/own_policy.py`)
    Raises RunError for an unknown engine, and for a policy that cannot be used.
    """
    scenario = with_run(scenario, seed, 1)
    warn_of_what_is_in_vain([scenario])
    engine_ready = engine_of(engine, [(scenario, 1)])
    *_, every = run_once(scenario, replication, engine_ready, start_of, policy, all_tables=True)
    assert every is not None
    return every


def replicate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    start_of: Scenario | None = None,
    **how: Unpack[RunKeywords],
) -> Results:
    """Run a scenario several times and summarise.

    replications: the scenario's own if None; start_of: a scenario with the same steps, whose running start is used; see `simulate`

    And, as every function that simulates, the keywords of `RunOptions`:

    engine: a name in ENGINES; progress: called with (done, of) after each
    executor: where replications run, such as `Workers(4)`; in this process if None. The answer is the same
    kept: finished replications: those in it are not run again, and those that run are put in. Any mapping, such as a dict
    policy: a function of your own; see `simulate`. Its name and the digest of its source stay with the results
    parameter_uncertainty: draw each published prevalence anew for each replication (`with_drawn_prevalences`); every
    replication then runs twice, with and without, so that chance can be told from the doubt about the sources
    Raises RunError for a policy of your own together with an executor: other processes do not know your function.
    """
    request = Request(with_run(scenario, seed, replications), start_of)
    with closing(replicate_each([request], RunOptions(**how))) as each:
        return next(each)


def replicate_each(requests: Sequence[Request], options: RunOptions | None = None) -> Generator[Results, None, None]:
    """The results of several scenarios, in their order, run with their own seeds and replications by the same workers.

    The first replication of each runs even if it is kept, since all its tables are wanted; see `summarise_each`.
    """
    options = options or RunOptions()
    policy = own_policy(options.policy) if options.policy else None
    with closing(
        finish_each([replace(request, all_tables=True, could_be=True) for request in requests], options)
    ) as each:
        for request, (finished, first) in zip(requests, each, strict=True):
            assert first is not None
            yield results_of(request.scenario, finished, first, policy)


def summarise_each(requests: Sequence[Request], options: RunOptions | None = None) -> Generator[Summary, None, None]:
    """The measures of several scenarios, in their order. Kept replications are used as they are, and not run again."""
    with closing(finish_each(requests, options)) as each:
        for request, (finished, _) in zip(requests, each, strict=True):
            yield Summary(request.scenario, *_summarised(request.scenario, finished))


def days_of(
    scenario: Scenario, *, seed: int | None = None, replications: int | None = None, **how: Unpack[RunKeywords]
) -> Sequence[OverTimeRow]:
    """Every day of a scenario, over its replications: what `warm_up` looks at. See `replicate` for the keywords."""
    request = Request(with_run(scenario, seed, replications))
    with closing(finish_each([request], RunOptions(**how))) as each:
        finished, _ = next(each)
    return summarise_days(scenario.name, [one.over_time for one in finished])


def results_of(
    scenario: Scenario, finished: list[Finished], first: Simulation, policy: OwnPolicy | None = None
) -> Results:
    """Make results of all replications of a scenario; first: all tables of the first of them."""
    tables = [one.measures for one in finished]
    rows, values, moved = _summarised(scenario, finished)
    as_published = [one.as_published for one in finished if one.as_published is not None]
    return Results(
        scenario=scenario,
        rows=rows,
        over_time=summarise_days(scenario.name, [one.over_time for one in finished]),
        digests=tuple(one.digests for one in finished),
        first=first,
        uncertainty=split_of_variance(scenario.name, tables, as_published) if as_published else (),
        values=values,
        moved=moved,
        policy=policy,
        cost_effects=cost_effects(scenario.name, tables),
        tables=tuple(tables),
    )


def moved_apart(one: Summary, other: Summary, ours: Sequence[int], theirs: Sequence[int]) -> Moved | None:
    """What each structure adds to the difference of rows of two summaries, (structures, rows); None where one has none."""
    if one.moved is None or other.moved is None:
        return None
    return np.asarray(one.moved[:, ours] - other.moved[:, theirs])


def _summarised(
    scenario: Scenario, finished: Sequence[Finished]
) -> tuple[Sequence[Row], NDArray[np.float64], Moved | None]:
    """Rows, values and what structures add, as `Summary` has them."""
    tables, moved = [one.measures for one in finished], finished[0].moved
    return summarise(scenario.name, tables, moved), values_by_replication(tables), moved


def check_engines(scenario: Scenario, *, seed: int | None = None, replication: int = 0) -> tuple[int, str | None]:
    """Run one replication through every engine: the number of stays, and in words where two first differ, if they do.

    The kernel runs both interpreted and, where numba is there, compiled.
    """
    scenario = with_run(scenario, seed, 1)
    intake, capacity = everybody(scenario, Draws(scenario.run.seed, replication), POLICIES[scenario.pathway.policy])
    plans = plans_with_returns(intake, capacity, kernel.run)
    reference = ENGINES["reference"](plans, capacity)
    others = [kernel.run(plans, capacity, compiled=compiled) for compiled in (False, True)[: 1 + numba_is_there()]]
    differences = (first_difference(reference, other, capacity.steps) for other in others)
    return len(reference.client), next((text for text in differences if text), None)
