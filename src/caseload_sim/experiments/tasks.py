"""One replication as a task for a worker, and what is kept of it: enough for every result, and small."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from caseload_sim.engines.engine import Engine
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.measures.simulation import OverTime, Simulation
from caseload_sim.measures.table import MeasureTable
from caseload_sim.scenario.policies import Decide
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import run_once

Place = tuple[int, int]  # what was run, as a number (see `Request.number`), and which replication of it, from 0
# What is to be read off all tables of a replication, by name. It is sent to worker processes, and told from others by its
# repr: a frozen dataclass that can be called, of a module.
Read = Callable[[Simulation], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Finished:
    """The measures of one replication, its days, and the digests of its tables.

    as_published: the measures with prevalences as published, where they were drawn; else None
    read: what was read off all tables besides, where that was asked for
    """

    measures: MeasureTable
    over_time: OverTime
    digests: dict[str, str]
    as_published: MeasureTable | None = None
    read: dict[str, float] = field(default_factory=dict)


Kept = MutableMapping[Place, Finished]


@dataclass(frozen=True, slots=True)
class Task:
    """One replication to be run, with all that a worker process must be told.

    parameter_uncertainty: run it with prevalences as published as well as drawn
    whole: its tables are wanted, not only measures; read: what is to be read off them where they are
    """

    scenario: Scenario
    replication: int
    engine: Engine
    start_of: Scenario | None = None
    parameter_uncertainty: bool = False
    whole: bool = False
    policy: Decide | None = None
    read: Read | None = None


def finish(task: Task) -> tuple[Finished, Simulation | None]:
    """Run one replication: what is kept of it, and the whole of it where that is wanted."""

    whole = task.whole or task.read is not None

    def run(one: Scenario) -> tuple[MeasureTable, OverTime, dict[str, str], Simulation | None]:
        return run_once(one, task.replication, task.engine, task.start_of, task.policy, whole=whole)

    table, days, digests, every = run(task.scenario)
    as_published = None
    if task.parameter_uncertainty:
        as_published = table
        table, days, digests, every = run(with_drawn_prevalences(task.scenario, task.replication))
    read = task.read(every) if task.read and every else {}
    return Finished(table, days, digests, as_published, read), every if task.whole else None
