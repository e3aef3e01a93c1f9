"""One replication as a task for a worker, and what is kept of it: enough for every result, and small."""

from collections.abc import Callable, Generator, MutableMapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from caseload_sim.engines.engine import Engine
from caseload_sim.errors import RunError
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.experiments.workers import answers
from caseload_sim.measures.simulation import OverTime, Simulation
from caseload_sim.measures.table import MeasureTable
from caseload_sim.scenario.policies import Decide
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import run_once

Place = tuple[int, int]  # which of the scenarios, and which replication of it, both from 0
AnyTask = TypeVar("AnyTask")


@dataclass(frozen=True, slots=True)
class Finished:
    """The measures of one replication, its days, and the digests of its tables.

    as_published: the measures with prevalences as published, where they were drawn; else None
    """

    measures: MeasureTable
    over_time: OverTime
    digests: dict[str, str]
    as_published: MeasureTable | None = None


Kept = MutableMapping[Place, Finished]


def collected(
    finish: Callable[[AnyTask], tuple[Finished, Simulation | None]],
    task_of: Callable[[Place], AnyTask],
    replications: Sequence[int],
    *,
    whole: bool,
    executor: Executor | None,
    kept: Kept | None,
    progress: Callable[[int, int], None] | None,
) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
    """All replications of each scenario, scenario by scenario, in whatever order they were finished.

    finish, task_of: how a replication is run, and what for; replications: how many of each scenario
    whole: also the simulation of each first replication, which then runs even if it is kept
    kept: those not to be run again, into which goes what is run

    Raises RunError when a first replication is not what was kept of it.
    """
    kept = _Nothing() if kept is None else kept
    places = [(k, r) for k, n in enumerate(replications) for r in range(n)]
    left = [n - sum((k, r) in kept for r in range(n)) for k, n in enumerate(replications)]
    done: dict[Place, Finished] = {}
    firsts: dict[int, Simulation] = {}
    tasks = ((place, task_of(place)) for place in places if place not in kept or (whole and place[1] == 0))

    def is_complete(k: int) -> bool:
        return left[k] == 0 and (k in firsts or not whole)

    def all_of(k: int) -> tuple[list[Finished], Simulation | None]:
        return [done.pop((k, r)) if (k, r) in done else kept[k, r] for r in range(replications[k])], firsts.pop(k, None)

    following = 0
    with closing(answers(finish, tasks, executor)) as coming:
        for place, (one, simulation) in coming:
            if simulation is not None:
                firsts[place[0]] = simulation
            if place in kept:
                _check_same(kept[place], one)
            else:
                kept[place] = done[place] = one
                left[place[0]] -= 1
            if progress:
                progress(len(places) - sum(left), len(places))
            while following < len(left) and is_complete(following):
                yield all_of(following)
                following += 1
    for k in range(following, len(left)):
        yield all_of(k)


class _Nothing(dict[Place, Finished]):
    """Keeps nothing."""

    def __setitem__(self, place: Place, finished: Finished) -> None:
        pass


def _check_same(before: Finished, now: Finished) -> None:
    differing = [name for name in now.digests if before.digests.get(name) != now.digests[name]]
    if differing:
        raise RunError(
            f"the first replication now has other {', '.join(differing)} than when the run was begun: the program or the "
            "machine has changed. Run again without --resume."
        )


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
