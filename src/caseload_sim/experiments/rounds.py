"""Rounds of replications: ask for many at once, run those that are not finished already, and get them in the order asked for.

A comparison of two scenarios, for example, is two requests. Their replications run in any order, on all processors.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from hashlib import sha256

from caseload_sim.errors import RunError
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.settings import engine_of, side_by_side
from caseload_sim.experiments.tasks import Finished, Read, ReplicationKey, Task, finish
from caseload_sim.experiments.workers import Team, answers
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.in_vain import warn_of_what_is_in_vain
from caseload_sim.pathway.own_policy import own_policy
from caseload_sim.scenario.scenario import Scenario

Index = tuple[int, int]  # which request, by its position in the list of requests, and which replication of it
_BYTES_OF_A_NUMBER = (
    7  # of a digest: enough that two requests never get the same number, and few enough to be exact in JSON
)


@dataclass(frozen=True, slots=True)
class Request:
    """Replications of one scenario.

    start_of: a scenario with the same steps, whose running start is used; its own if None
    only: which replications, counted from 0; all that the scenario has if None
    all_tables: all tables of the first replication are wanted; it is then run even if it was finished before, since only
        measures are kept
    read: called with all tables of each replication; what it returns is kept with the measures
    could_be: the clients of the first replication are read by every structure of the outcome model too
    """

    scenario: Scenario
    start_of: Scenario | None = None
    only: tuple[int, ...] | None = None
    all_tables: bool = False
    read: Read | None = None
    could_be: bool = False

    @property
    def replications(self) -> Sequence[int]:
        return range(self.scenario.run.replications) if self.only is None else self.only

    def number(self, options: RunOptions) -> int:
        """A number by which kept replications are found again: equal requests have the same number, others never.

        How many replications are asked for makes no difference. So after a run of 10, a run of 20 needs only the other 10.
        """
        own = own_policy(options.policy) if options.policy else None
        asked = [
            _without_replications(self.scenario),
            None if self.start_of is None else _without_replications(self.start_of),
            options.parameter_uncertainty,
            repr(own),
            repr(self.read),
            self.could_be,
        ]
        digest = sha256(json.dumps(asked).encode()).digest()
        return int.from_bytes(digest[:_BYTES_OF_A_NUMBER], "big")


def _without_replications(scenario: Scenario) -> str:
    run = scenario.run.model_copy(update={"replications": 1})
    return scenario.model_copy(update={"run": run}).model_dump_json()


def finish_each(
    requests: Sequence[Request], options: RunOptions | None = None
) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
    """All replications of each request, request by request; with the tables of the first where `all_tables` is set.

    Replications that were kept are not run again. One that is, for its tables, must come out as it was kept.
    Raises RunError when it does not.
    """
    options = options or RunOptions()
    warn_of_what_is_in_vain([request.scenario for request in requests])
    n_processes = options.executor.n_workers if isinstance(options.executor, Team) else 1
    amounts = [(request.scenario, len(request.replications)) for request in requests]
    engine = engine_of(options.engine, amounts, n_processes)

    def task_of(k: int, r: int) -> Task:
        asked = requests[k]
        is_first = r == asked.replications[0]
        return Task(
            asked.scenario,
            r,
            engine,
            asked.start_of,
            options.parameter_uncertainty,
            asked.all_tables and is_first,
            options.policy,
            asked.read,
            asked.could_be and is_first and (k, r) in waiting.missing,
        )

    # A policy that a user wrote may go wrong if two threads call it at once, so then only one thread works.
    alone = options.executor or options.policy
    with nullcontext(options.executor) if alone else side_by_side(amounts, engine) as executor:
        waiting = _Waiting(requests, options)
        tasks = ((index, task_of(*index)) for index in waiting.to_run())
        with closing(answers(finish, tasks, executor)) as coming:
            for index, (one, simulation) in coming:
                waiting.take(index, one, simulation)
                options.report(waiting.n_done, waiting.n)
                yield from waiting.complete()
        yield from waiting.complete()


class _Waiting:
    """Keeps count of which replications have been asked for, which are finished, and whose turn it is."""

    def __init__(self, requests: Sequence[Request], options: RunOptions) -> None:
        self.requests, self.kept = requests, options.kept
        indices = [(k, r) for k, request in enumerate(requests) for r in request.replications]
        numbers = [0 if self.kept is None else request.number(options) for request in requests]
        self.key_of: dict[Index, ReplicationKey] = {(k, r): (numbers[k], r) for k, r in indices}
        self.missing = {index for index in indices if self.kept is None or self.key_of[index] not in self.kept}
        self.left = [sum((k, r) in self.missing for r in request.replications) for k, request in enumerate(requests)]
        self.n, self.following = len(indices), 0
        self.done: dict[Index, Finished] = {}
        self.firsts: dict[int, Simulation] = {}

    @property
    def n_done(self) -> int:
        return self.n - len(self.missing)

    def to_run(self) -> list[Index]:
        """Replications that are not finished, and first ones of which all tables are wanted."""
        with_tables = {(k, request.replications[0]) for k, request in enumerate(self.requests) if request.all_tables}
        return [index for index in self.key_of if index in self.missing or index in with_tables]

    def take(self, index: Index, one: Finished, simulation: Simulation | None) -> None:
        """Note that a replication is finished, and keep it. Raises RunError if it was kept before and differs from that."""
        if simulation is not None:
            self.firsts[index[0]] = simulation
        if self.kept is not None:
            key = self.key_of[index]
            if key in self.kept:  # it was run for its tables, or two requests are equal
                _check_same(self.kept[key], one)
            else:
                self.kept[key] = one
        if index in self.missing:
            self.missing.remove(index)
            self.left[index[0]] -= 1
            self.done[index] = one

    def complete(self) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
        """The next requests in order, up to the first that is not complete yet."""
        while self.following < len(self.requests):
            k = self.following
            request = self.requests[k]
            if self.left[k] or (request.all_tables and k not in self.firsts):
                return
            self.following += 1
            yield [self._finished((k, r)) for r in request.replications], self.firsts.pop(k, None)

    def _finished(self, index: Index) -> Finished:
        if index in self.done:
            return self.done.pop(index)
        assert self.kept is not None
        return self.kept[self.key_of[index]]


def _check_same(before: Finished, now: Finished) -> None:
    differing = [name for name in now.digests if before.digests.get(name) != now.digests[name]]
    if differing:
        raise RunError(
            f"the first replication now has other {', '.join(differing)} than when the run was begun: the program or the "
            "machine has changed. Run again without --resume."
        )
