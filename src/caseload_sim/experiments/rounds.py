"""Rounds of replications: everything that can be named beforehand is asked for at once, and comes in the order asked for."""

import json
from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from hashlib import sha256

from caseload_sim.errors import RunError
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.settings import engine_of, side_by_side
from caseload_sim.experiments.tasks import Finished, Place, Read, Task, finish
from caseload_sim.experiments.workers import Team, answers
from caseload_sim.measures.simulation import Simulation
from caseload_sim.pathway.own_policy import own_policy
from caseload_sim.scenario.scenario import Scenario

_BYTES_OF_A_NUMBER = 7  # so many of a digest: enough never to meet twice, and exact in JSON


@dataclass(frozen=True, slots=True)
class Request:
    """Replications of one scenario.

    start_of: a scenario with the same steps, whose running start is used; its own if None
    only: which replications, from 0; all that the scenario has if None
    whole: with all tables of the first of them, which therefore runs even if it is kept
    read: what is to be read off all tables of each replication, and kept with it
    """

    scenario: Scenario
    start_of: Scenario | None = None
    only: tuple[int, ...] | None = None
    whole: bool = False
    read: Read | None = None

    @property
    def replications(self) -> Sequence[int]:
        return range(self.scenario.run.replications) if self.only is None else self.only

    def number(self, options: RunOptions) -> int:
        """A number that equal requests have, and no others, whenever and in whatever order they are made.

        It does not depend on how many replications are asked for: a longer run takes up what a shorter one has finished.
        """
        own = own_policy(options.policy) if options.policy else None
        asked = [
            _without_replications(self.scenario),
            None if self.start_of is None else _without_replications(self.start_of),
            options.parameter_uncertainty,
            repr(own),
            repr(self.read),
        ]
        digest = sha256(json.dumps(asked).encode()).digest()
        return int.from_bytes(digest[:_BYTES_OF_A_NUMBER], "big")


def _without_replications(scenario: Scenario) -> str:
    run = scenario.run.model_copy(update={"replications": 1})
    return scenario.model_copy(update={"run": run}).model_dump_json()


def finish_each(
    requests: Sequence[Request], options: RunOptions | None = None
) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
    """All replications of each request, request by request; with the first simulation of those that want it whole.

    Raises RunError when a first replication is not what was kept of it.
    """
    options = options or RunOptions()
    n_processes = options.executor.n_workers if isinstance(options.executor, Team) else 1
    amounts = [(request.scenario, len(request.replications)) for request in requests]
    engine = engine_of(options.engine, amounts, n_processes)

    def task_of(k: int, r: int) -> Task:
        asked = requests[k]
        whole = asked.whole and r == asked.replications[0]
        return Task(
            asked.scenario, r, engine, asked.start_of, options.parameter_uncertainty, whole, options.policy, asked.read
        )

    # A policy of the user's own need not bear to be called by two threads at once.
    alone = options.executor or options.policy
    with nullcontext(options.executor) if alone else side_by_side(amounts, engine) as executor:
        waiting = _Waiting(requests, options)
        tasks = ((place, task_of(*place)) for place in waiting.to_run())
        with closing(answers(finish, tasks, executor)) as coming:
            for place, (one, simulation) in coming:
                waiting.take(place, one, simulation)
                options.report(waiting.n_done, waiting.n)
                yield from waiting.complete()
        yield from waiting.complete()


class _Waiting:
    """What has been asked for, and what of it is there. Places here are (which request, which replication)."""

    def __init__(self, requests: Sequence[Request], options: RunOptions) -> None:
        self.requests, self.kept = requests, options.kept
        places = [(k, r) for k, request in enumerate(requests) for r in request.replications]
        numbers = [0 if self.kept is None else request.number(options) for request in requests]
        self.key_of: dict[Place, Place] = {(k, r): (numbers[k], r) for k, r in places}
        self.missing = {place for place in places if self.kept is None or self.key_of[place] not in self.kept}
        self.left = [sum((k, r) in self.missing for r in request.replications) for k, request in enumerate(requests)]
        self.n, self.following = len(places), 0
        self.done: dict[Place, Finished] = {}
        self.firsts: dict[int, Simulation] = {}

    @property
    def n_done(self) -> int:
        return self.n - len(self.missing)

    def to_run(self) -> list[Place]:
        """What is missing, and each first replication that is wanted whole."""
        wanted_whole = {(k, request.replications[0]) for k, request in enumerate(self.requests) if request.whole}
        return [place for place in self.key_of if place in self.missing or place in wanted_whole]

    def take(self, place: Place, one: Finished, simulation: Simulation | None) -> None:
        """Note that a replication is finished, and keep it. Raises RunError when it was kept, and was another."""
        if simulation is not None:
            self.firsts[place[0]] = simulation
        if self.kept is not None:
            key = self.key_of[place]
            if key in self.kept:  # run for its tables; or equal to another that was asked for
                _check_same(self.kept[key], one)
            else:
                self.kept[key] = one
        if place in self.missing:
            self.missing.remove(place)
            self.left[place[0]] -= 1
            self.done[place] = one

    def complete(self) -> Generator[tuple[list[Finished], Simulation | None], None, None]:
        """Those whose turn it is, as long as they are complete."""
        while self.following < len(self.requests):
            k = self.following
            request = self.requests[k]
            if self.left[k] or (request.whole and k not in self.firsts):
                return
            self.following += 1
            yield [self._finished((k, r)) for r in request.replications], self.firsts.pop(k, None)

    def _finished(self, place: Place) -> Finished:
        if place in self.done:
            return self.done.pop(place)
        assert self.kept is not None
        return self.kept[self.key_of[place]]


def _check_same(before: Finished, now: Finished) -> None:
    differing = [name for name in now.digests if before.digests.get(name) != now.digests[name]]
    if differing:
        raise RunError(
            f"the first replication now has other {', '.join(differing)} than when the run was begun: the program or the "
            "machine has changed. Run again without --resume."
        )
