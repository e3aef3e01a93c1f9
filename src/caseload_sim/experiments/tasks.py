"""One replication as a task for a worker, and what is kept of it: its measures, from which every result can be made."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from caseload_sim.engines.engine import Engine
from caseload_sim.experiments.could_be import read_structures
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.measures.simulation import OverTime, Simulation
from caseload_sim.measures.summary import Moved
from caseload_sim.measures.table import MeasureTable
from caseload_sim.scenario.policies import Decide
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import run_once

ReplicationKey = tuple[
    int, int
]  # what was run, as a number (see `Request.number`), and which replication of it, from 0
# A function that reads some figures off all tables of a replication, by name. It must be a frozen dataclass with `__call__`,
# defined in a module: it is pickled for worker processes, and two are the same if their repr is.
Read = Callable[[Simulation], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Finished:
    """The measures of one replication, its days, and the digests of its tables.

    as_published: the measures with published prevalences, if `measures` is of drawn ones; else None
    read: what `Task.read` returned
    moved: what each structure of the outcome model adds to each row, if `Task.could_be`; see `CouldBe.over`
    """

    measures: MeasureTable
    over_time: OverTime
    digests: dict[str, str]
    as_published: MeasureTable | None = None
    read: dict[str, float] = field(default_factory=dict)
    moved: Moved | None = None


Kept = MutableMapping[ReplicationKey, Finished]


@dataclass(frozen=True, slots=True)
class Task:
    """One replication to be run, with all that a worker process must be told.

    parameter_uncertainty: run it with prevalences as published as well as drawn
    all_tables: return all tables too, not only measures
    read: called with all tables where they are, so that only what it returns has to be sent back
    could_be: read the clients by every structure of the outcome model too
    """

    scenario: Scenario
    replication: int
    engine: Engine
    start_of: Scenario | None = None
    parameter_uncertainty: bool = False
    all_tables: bool = False
    policy: Decide | None = None
    read: Read | None = None
    could_be: bool = False


def finish(task: Task) -> tuple[Finished, Simulation | None]:
    """Run one replication. Returns what is kept of it, and all its tables if the task asks for them, else None."""

    all_tables = task.all_tables or task.could_be or task.read is not None

    def run(one: Scenario) -> tuple[MeasureTable, OverTime, dict[str, str], Simulation | None]:
        return run_once(one, task.replication, task.engine, task.start_of, task.policy, all_tables=all_tables)

    table, days, digests, every = run(task.scenario)
    as_published = None
    if task.parameter_uncertainty:
        as_published = table
        table, days, digests, every = run(with_drawn_prevalences(task.scenario, task.replication))
    read = task.read(every) if task.read and every else {}
    could_be = read_structures(every) if task.could_be and every else None
    moved = could_be.over(table.rows) if could_be else None
    return Finished(table, days, digests, as_published, read, moved), every if task.all_tables else None
