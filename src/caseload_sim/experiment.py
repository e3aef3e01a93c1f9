"""From a scenario to its results: one replication, or many with intervals."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.checks import SMALLEST_PREVALENCE
from caseload_sim.clients import draw_clients
from caseload_sim.compiled import numba_is_there
from caseload_sim.counted import Simulation
from caseload_sim.courses import NOT_YET
from caseload_sim.demand import referrals_per_day
from caseload_sim.draws import Draws
from caseload_sim.engines import DEFAULT_ENGINE, ENGINES, Engine, engine_for, is_compiled, kernel
from caseload_sim.episodes import first_difference
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.finished import Finished, Kept, Place, collected
from caseload_sim.measure_table import MeasureTable, stacked_numbers
from caseload_sim.measures import OverTime
from caseload_sim.opening import running_start, within_places
from caseload_sim.own_policies import OwnPolicy, own_policy
from caseload_sim.policies import POLICIES, Decide
from caseload_sim.replication import everybody, mean_disorders, run_once
from caseload_sim.reported import OverTimeRow, Row, UncertaintyRow
from caseload_sim.row_table import as_table
from caseload_sim.scenario import Scenario
from caseload_sim.staffing import places
from caseload_sim.summaries import (
    half_widths,
    mean_of,
    split_of_variance,
    summarise,
    summarise_days,
    variance_of,
)
from caseload_sim.threads import threads_here
from caseload_sim.workers import Team, pickled, unpickled

MOST_SEED, MOST_REPLICATIONS = 2**63 - 1, 100_000
# Clients of replications that gain from running side by side in threads: fewer, and they wait for Python's lock; more, and
# one alone has work for all processors, and needs much memory.
SIDE_BY_SIDE = range(20_000, 300_000)
__all__ = [  # also what is reported, under the name by which it has always been found
    "MOST_REPLICATIONS",
    "MOST_SEED",
    "OverTimeRow",
    "Results",
    "Row",
    "Task",
    "UncertaintyRow",
    "check_engines",
    "finish",
    "finish_each",
    "half_widths",
    "mean_disorders",
    "mean_of",
    "replicate",
    "replicate_each",
    "results_of",
    "simulate",
    "summarise",
    "variance_of",
    "waiting_at_opening",
    "with_drawn_prevalences",
    "with_run",
]


@dataclass(frozen=True, slots=True)
class Results:
    """All replications of a scenario.

    rows: every measure, summarised; over_time: every day
    digests: one dict of table digests a replication; first: the first replication, with all its tables
    uncertainty: what the spread between replications is made of, when prevalences were drawn
    values: (replications, rows) float64, the value of each row in each replication, NaN where it has none
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

    def find(self, measure: str, *, base: str = "", at: str = "", service: str = "", group: str = "all") -> Row:
        """The one row with these names; empty names match what the measure has.

        Raises RunError when no row or more than one fits.
        """
        named = {name: value for name, value in (("base", base), ("at", at), ("service", service)) if value}
        table = as_table(self.rows, Row)
        found = table.find(measure=measure, group=group, **named)
        if len(found) != 1:
            same = table.find(measure=measure)
            hint = did_you_mean(measure, (row.measure for row in self.rows))
            if found:
                hint = "name base, at and service"
            elif same:
                hint = f"it has the groups {', '.join(sorted({row.group for row in same})[:12])}, among these rows"
            raise RunError(f"{measure}, group {group}: {len(found)} rows fit; {hint}")
        return found[0]


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
        and how waiting lists are ordered, instead of the policy that the scenario names (see own_policies.py)
    Raises RunError for an unknown engine, and for a policy that cannot be used.
    """
    scenario = with_run(scenario, seed, 1)
    engine_ready = _engine(engine, scenario)
    *_, every = run_once(scenario, replication, engine_ready, start_of, policy, whole=True)
    assert every is not None
    return every


def with_run(scenario: Scenario, seed: int | None, replications: int | None) -> Scenario:
    """The scenario with another seed or number of replications, its own where None; RunError for impossible ones."""
    run = scenario.run
    changes = {
        "seed": run.seed if seed is None else seed,
        "replications": run.replications if replications is None else replications,
    }
    for name, value in changes.items():
        lowest, highest = (0, MOST_SEED) if name == "seed" else (1, MOST_REPLICATIONS)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise RunError(f"{name} {value!r:.40}: must be a whole number from {lowest} to {highest:,}.")
    return scenario.model_copy(update={"run": run.model_copy(update=changes)})


def _engine(name: str, scenario: Scenario, n_processes: int = 1) -> Engine:
    """The engine for a run; what loading it costs must be repaid in each process."""
    if name not in ENGINES:
        raise RunError(f"{name}: no such engine. {did_you_mean(name, ENGINES)}")
    providers = scenario.providers.number if scenario.providers else 1
    return engine_for(name, _clients_of_one(scenario) * providers * scenario.run.replications // n_processes)


def _clients_of_one(scenario: Scenario) -> int:
    """How many are referred to one provider within a replication."""
    return int(referrals_per_day(scenario).sum())


def _side_by_side(scenarios: Sequence[Scenario], engines: Sequence[Engine]) -> AbstractContextManager[Executor | None]:
    """Threads for replications of these scenarios, or None where one after the other is as fast.

    One replication uses several processors only for its largest steps; several at once use them all the time.
    """
    gains = all(map(is_compiled, engines)) and all(_clients_of_one(one) in SIDE_BY_SIDE for one in scenarios)
    n_threads = min(threads_here(), sum(one.run.replications for one in scenarios))
    return ThreadPoolExecutor(n_threads) if gains and n_threads > 1 else nullcontext()


def with_drawn_prevalences(scenario: Scenario, replication: int) -> Scenario:
    """The scenario with each prevalence that has an n drawn from its sampling distribution.

    Beta(n p + 1/2, n (1 - p) + 1/2), by the inverse distribution function; the draw belongs to seed, replication and
    condition, so every scenario that has the same prevalence draws the same one. Values stay within what severities
    can be scaled for. Fitted and assumed values have no n and stay. Prevalences by stratum move with their whole, by the
    same shift in logits.
    """
    from scipy.special import betaincinv, expit, logit

    draws, table = Draws(scenario.run.seed, replication), {}
    by_stratum = dict(scenario.population.prevalence_by)
    for name, prevalence in scenario.population.prevalence.items():
        if prevalence.n and 0 < prevalence.value < 1:
            (u,) = draws.uniform(f"parameter:{name}", np.zeros(1, dtype=np.int64))
            a, b = prevalence.n * prevalence.value + 0.5, prevalence.n * (1 - prevalence.value) + 0.5
            value = float(np.clip(betaincinv(a, b, u), SMALLEST_PREVALENCE, 1 - SMALLEST_PREVALENCE))
            shift = logit(value) - logit(prevalence.value)
            for kind, shares in by_stratum.get(name, {}).items():
                moved = {
                    part: share.model_copy(update={"value": float(expit(logit(share.value) + shift))})
                    for part, share in shares.items()
                }
                by_stratum[name] = {kind: moved}
            prevalence = prevalence.model_copy(update={"value": value})
        table[name] = prevalence
    population = scenario.population.model_copy(update={"prevalence": table, "prevalence_by": by_stratum})
    return scenario.model_copy(update={"population": population})


@dataclass(frozen=True, slots=True)
class Task:
    """One replication to be run, with all that a worker process must be told.

    as_published: run it with prevalences as published as well as drawn; whole: its tables are wanted, not only measures
    """

    scenario: Scenario
    replication: int
    engine: Engine
    start_of: Scenario | None = None
    parameter_uncertainty: bool = False
    whole: bool = False
    policy: Decide | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        start = None if self.start_of is None else pickled(self.start_of)
        return _task, (pickled(self.scenario), start, *(getattr(self, name) for name in _NOT_SCENARIOS))


_NOT_SCENARIOS = ("replication", "engine", "parameter_uncertainty", "whole", "policy")


def _task(scenario: bytes, start_of: bytes | None, *others: Any) -> Task:
    """A task that was sent: all those of a scenario share it."""
    start = None if start_of is None else unpickled(start_of)
    return Task(unpickled(scenario), start_of=start, **dict(zip(_NOT_SCENARIOS, others, strict=True)))


def finish(task: Task) -> tuple[Finished, Simulation | None]:
    """Run one replication: what is kept of it, and the whole of it where that is wanted."""

    def run(one: Scenario) -> tuple[MeasureTable, OverTime, dict[str, str], Simulation | None]:
        return run_once(one, task.replication, task.engine, task.start_of, task.policy, whole=task.whole)

    table, days, digests, every = run(task.scenario)
    as_published = None
    if task.parameter_uncertainty:
        as_published = table
        table, days, digests, every = run(with_drawn_prevalences(task.scenario, task.replication))
    return Finished(table, days, digests, as_published), every


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
        values=stacked_numbers(tables)[2],
        policy=policy,
    )


def waiting_at_opening(scenario: Scenario, draws: Draws) -> dict[str, int]:
    """How many clients are on the list of each step when a scenario with a running start opens; empty without one."""
    if not scenario.start.running or not POLICIES[scenario.pathway.policy].steps:
        return {}
    capacity = places(scenario, draws, mean_disorders(scenario, draw_clients(scenario, draws)))
    plans = within_places(running_start(scenario, draws), capacity, draws).plans
    on_list = plans.first[(plans.joins_day < 0) & (plans.started_day == NOT_YET)]
    return {name: int(np.sum(plans.step[on_list] == s)) for s, name in enumerate(scenario.steps)}


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
