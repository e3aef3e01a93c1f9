"""Prepare a run: set its seed and replications, choose engine and threads, and draw prevalences if they are uncertain."""

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import numpy as np

from caseload_sim.definitions.times import FIRST_DATE
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.engine import ENGINES, Engine, engine_for, is_compiled
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.pathway.demand import referrals_per_day
from caseload_sim.scenario.checks_population import SMALLEST_PREVALENCE
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.providers import of_each
from caseload_sim.support.threads import threads_here

MOST_SEED, MOST_REPLICATIONS = 2**63 - 1, 100_000
DAYS_OF_A_YEAR = 365
# Clients of replications that gain from running side by side in threads: fewer, and they wait for Python's lock; more, and
# one alone has work for all processors, and needs much memory.
SIDE_BY_SIDE = range(20_000, 300_000)


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


def year_before(scenario: Scenario) -> Scenario:
    """The service over the twelve months before it opens, after a year that is left out; itself where no lists are stated.

    Waits that are known of a service are of the year that is over. Where its lists at opening are stated, the year to come
    begins with them; here the queue grows by itself, with the referrals, posts and dates of those months.
    """
    if not scenario.start.waiting:
        return scenario
    run = scenario.run.model_copy(
        update={
            "opens": max(scenario.run.opens - timedelta(days=2 * DAYS_OF_A_YEAR), FIRST_DATE),
            "warm_up_days": DAYS_OF_A_YEAR,
            "data_collection_days": DAYS_OF_A_YEAR,
        }
    )
    start = scenario.start.model_copy(update={"waiting": {}})
    return scenario.model_copy(update={"run": run, "start": start})


def engine_of(name: str, amounts: Sequence[tuple[Scenario, int]], n_processes: int = 1) -> Engine:
    """The engine for so many replications of each scenario; what loading it costs must be repaid in each process."""
    if name not in ENGINES:
        raise RunError(f"{name}: no such engine. {did_you_mean(name, ENGINES)}")
    n_clients = sum(sum(_clients_of_each(scenario)) * n for scenario, n in amounts)
    return engine_for(name, n_clients // n_processes)


def _clients_of_each(scenario: Scenario) -> list[int]:
    """How many are referred to each provider within a replication."""
    return [int(n) for n in of_each(scenario, lambda one: float(referrals_per_day(one).sum()))]


def side_by_side(amounts: Sequence[tuple[Scenario, int]], engine: Engine) -> AbstractContextManager[Executor | None]:
    """Threads for so many replications of each scenario, or None where one after the other is as fast.

    One replication uses several processors only for its largest steps; several at once use them all the time.
    """
    gains = is_compiled(engine) and all(n in SIDE_BY_SIDE for one, _ in amounts for n in _clients_of_each(one))
    n_threads = min(threads_here(), sum(n for _, n in amounts))
    return ThreadPoolExecutor(n_threads) if gains and n_threads > 1 else nullcontext()


def with_drawn_prevalences(scenario: Scenario, replication: int) -> Scenario:
    """The scenario with each prevalence that has an n drawn from its sampling distribution.

    Beta(n p + 1/2, n (1 - p) + 1/2), by the inverse distribution function; the draw belongs to seed, replication and
    condition, so every scenario that has the same prevalence draws the same one. Values stay within what severities
    can be scaled for. Fitted and assumed values have no n and stay. Prevalences by stratum move with the
    overall one, by the same shift in logits.
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
