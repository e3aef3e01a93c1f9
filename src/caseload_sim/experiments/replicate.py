"""One replication, or many with intervals: from a scenario to its results."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import closing, nullcontext
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel
from caseload_sim.engines.engine import DEFAULT_ENGINE, ENGINES
from caseload_sim.engines.episodes import first_difference
from caseload_sim.errors import RunError
from caseload_sim.experiments.settings import _engine, _side_by_side, with_run
from caseload_sim.experiments.tasks import Finished, Kept, Place, Task, collected, finish
from caseload_sim.experiments.workers import Team
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow, row_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.summary import (
    cost_effects,
    split_of_variance,
    summarise,
    summarise_days,
    values_by_replication,
)
from caseload_sim.pathway.own_policy import OwnPolicy, own_policy
from caseload_sim.scenario.policies import POLICIES, Decide
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import everybody, run_once
from caseload_sim.support.compiled import numba_is_there


@dataclass(frozen=True, slots=True)
class Results:
    """All replications of a scenario.

    rows: every measure, summarised; over_time: every day
    digests: one dict of table digests a replication; first: the first replication, with all its tables
    uncertainty: what the spread between replications is made of, when prevalences were drawn
    values: (replications, rows) float64, the value of each row in each replication, NaN where it has none; of a ratio of
        means, what the replication adds to it (see `values_by_replication`)
    cost_effects: what the service costs and adds for each referral, by replication and base
    policy: the user's own, where one decided instead of the scenario's
    """

    scenario: Scenario
    rows: Sequence[Row]
    over_time: Sequence[OverTimeRow]
    digests: tuple[dict[str, str], ...]
    first: Simulation
    uncertainty: tuple["UncertaintyRow", ...] = ()
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    policy: OwnPolicy | None = None
    cost_effects: tuple["CostEffectRow", ...] = ()

    def find(self, measure: str, *, base: str = "", at: str = "", service: str = "", group: str = "all") -> Row:
        """The one row with these names; where nothing is said, the only one there is, or finished, end, service.

        Raises RunError where there is no such row, or more must be said.
        """
        return row_of(self.rows, Quantity(measure, base, at, service, group))


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
    engine_ready = _engine(engine, scenario)
    *_, every = run_once(scenario, replication, engine_ready, start_of, policy, whole=True)
    assert every is not None
    return every


def replicate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    engine: str = DEFAULT_ENGINE,
    parameter_uncertainty: bool = False,
    start_of: Scenario | None = None,
    executor: Executor | None = None,
    kept: Kept | None = None,
    progress: Callable[[int, int], None] | None = None,
    policy: Decide | None = None,
) -> Results:
    """Run a scenario several times and summarise.

    replications: the scenario's own if None; progress: called with (done, of) after each
    start_of: a scenario with the same steps, whose running start is used; see `simulate`
    parameter_uncertainty: draw each published prevalence anew for each replication (`with_drawn_prevalences`); every
    replication then runs twice, with and without, so that chance can be told from the doubt about the sources
    policy: a function of your own; see `simulate`. Its name and the digest of its source stay with the results
    executor: where replications run, such as `Workers(4)`; in this process if None. The answer is the same
    kept: finished replications by (0, replication): those in it are not run again, and those that run are put in
    Raises RunError for a policy of your own together with an executor: other processes do not know your function.
    """
    if policy is not None and executor is not None:
        raise RunError("a policy of your own runs in this process alone: leave out the executor, or --jobs.")
    scenario = with_run(scenario, seed, replications)
    each = replicate_each(
        [scenario],
        engine=engine,
        parameter_uncertainty=parameter_uncertainty,
        starts=[start_of],
        policy=policy,
        executor=executor,
        kept=kept,
        progress=progress,
    )
    with closing(each):
        return next(each)


def replicate_each(
    scenarios: Sequence[Scenario],
    *,
    engine: str = DEFAULT_ENGINE,
    parameter_uncertainty: bool = False,
    starts: Sequence[Scenario | None] = (),
    policy: Decide | None = None,
    executor: Executor | None = None,
    kept: Kept | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Results, None, None]:
    """The results of several scenarios, in their order, run with their own seeds and replications by the same workers.

    starts: whose running start each uses, its own if empty; else see `replicate`. progress counts all replications.
    The first replication of each runs even if it is kept, since all its tables are wanted.
    """
    each = finish_each(
        scenarios,
        engine=engine,
        parameter_uncertainty=parameter_uncertainty,
        starts=starts,
        policy=policy,
        whole=True,
        executor=executor,
        kept=kept,
        progress=progress,
    )
    with closing(each):
        for scenario, (finished, first) in zip(scenarios, each, strict=True):
            assert first is not None
            yield results_of(scenario, finished, first, own_policy(policy) if policy else None)


def finish_each(
    scenarios: Sequence[Scenario],
    *,
    engine: str = DEFAULT_ENGINE,
    parameter_uncertainty: bool = False,
    starts: Sequence[Scenario | None] = (),
    policy: Decide | None = None,
    whole: bool = False,
    executor: Executor | None = None,
    kept: Kept | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
    """All replications of each scenario, in order, without a summary; see `replicate_each`.

    whole: with all tables of the first replication of each; None in their place otherwise
    Raises RunError when the first replication is not what was kept of it.
    """
    n_processes = executor.n_workers if isinstance(executor, Team) else 1
    ready = [_engine(engine, scenario, n_processes) for scenario in scenarios]

    def task_of(place: Place) -> Task:
        k, r = place
        start = starts[k] if starts else None
        return Task(scenarios[k], r, ready[k], start, parameter_uncertainty, whole and r == 0, policy)

    n = [scenario.run.replications for scenario in scenarios]
    # A policy of the user's own need not bear to be called by two threads at once.
    here = nullcontext(executor) if executor or policy else _side_by_side(scenarios, ready)
    with here as executor:
        yield from collected(finish, task_of, n, whole=whole, executor=executor, kept=kept, progress=progress)


def results_of(
    scenario: Scenario, finished: list[Finished], first: Simulation, policy: OwnPolicy | None = None
) -> Results:
    """The results of all replications of a scenario, the first of them whole."""
    tables = [one.measures for one in finished]
    as_published = [one.as_published for one in finished if one.as_published is not None]
    return Results(
        scenario=scenario,
        rows=summarise(scenario.name, tables),
        over_time=summarise_days(scenario.name, [one.over_time for one in finished]),
        digests=tuple(one.digests for one in finished),
        first=first,
        uncertainty=split_of_variance(scenario.name, tables, as_published) if as_published else (),
        values=values_by_replication(tables),
        policy=policy,
        cost_effects=cost_effects(scenario.name, tables),
    )


def check_engines(scenario: Scenario, *, seed: int | None = None, replication: int = 0) -> tuple[int, str | None]:
    """Run one replication through every engine: the number of stays, and in words where two first differ, if they do.

    The kernel runs both interpreted and, where numba is there, compiled.
    """
    scenario = with_run(scenario, seed, 1)
    intake, capacity = everybody(scenario, Draws(scenario.run.seed, replication), POLICIES[scenario.pathway.policy])
    plans = intake.plans()
    reference = ENGINES["reference"](plans, capacity)
    others = [kernel.run(plans, capacity, compiled=compiled) for compiled in (False, True)[: 1 + numba_is_there()]]
    differences = (first_difference(reference, other, capacity.steps) for other in others)
    return len(reference.client), next((text for text in differences if text), None)
