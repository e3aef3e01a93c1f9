"""One replication of one size at one load, in a process of its own: `python -m benchmarks.one_size ORDER`, JSON in and out.

Time from a scenario to its measures and the most memory until then; then the queue alone by the kernel and by the same loop
in C; then the bare cost of the random numbers that were asked for, which nothing that draws them can beat.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from benchmarks.c_loop import compiler, loop_in_c
from benchmarks.services import queue_of, service
from benchmarks.timing import peak_memory_bytes, seconds, shortest
from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel
from caseload_sim.engines.episodes import first_difference
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.support.columns import Floats, Ids

WARM_UP_CLIENTS = 4000  # fewer have no whole place at some step
CLIENTS_AGAIN = 400_000  # so many of a small service are run once more: what a first replication prepares is then there
COMPILED = partial(kernel.run, compiled=True)

Asked = Counter[tuple[str, int, int, int]]


def measured(order: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, of one service.

    order: n_clients, load, offered (see services.py), and engine_rounds, 0 for end to end alone
    """
    scenario = service(order["n_clients"], order["load"], order["offered"])
    finish(Task(service(WARM_UP_CLIENTS, order["load"], order["offered"]), 0, COMPILED))
    with counted_draws() as asked:
        first = seconds(lambda: finish(Task(scenario, 0, COMPILED)))
    further = [seconds(lambda: finish(Task(scenario, 0, COMPILED))) for _ in range(CLIENTS_AGAIN // order["n_clients"])]
    answer = {
        "n_asked": order["n_clients"],
        "load": order["load"],
        "n_days": scenario.run.horizon_days,
        "first_seconds": first,
        "seconds": min([first, *further]),
        "peak_bytes": peak_memory_bytes(),
    }
    if order["engine_rounds"]:
        answer |= floor(asked) | queue_alone(scenario, order["engine_rounds"])
    return answer


@contextmanager
def counted_draws() -> Iterator[Asked]:
    """While it is open, every request for random numbers is counted, by purpose, first and last client and number."""
    uniforms, asked = Draws.uniforms, Counter[tuple[str, int, int, int]]()

    def counting(draws: Draws, purposes: Sequence[str], ids: Ids) -> Floats:
        for purpose in purposes if len(ids) else ():
            asked[purpose, int(ids[0]), int(ids[-1]), len(ids)] += 1
        return uniforms(draws, purposes, ids)

    Draws.uniforms = counting  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        Draws.uniforms = uniforms  # type: ignore[method-assign]


def floor(asked: Asked) -> dict[str, Any]:
    """How long it takes to draw as many random bits and do nothing with them; those asked for twice are drawn once."""
    assert asked, "Draws was not asked for anything: random numbers are now drawn elsewhere"

    def draw() -> None:
        for key, (_, _, _, n) in enumerate(asked):
            words = np.random.Generator(np.random.Philox(key=key))
            words.integers(0, 2**64 - 1, (n + 1) // 2, dtype=np.uint64, endpoint=True)  # a draw takes half a word

    return {
        "n_draws": sum(n * times for (*_, n), times in asked.items()),
        "n_different_draws": sum(n for *_, n in asked),
        "floor_seconds": min(seconds(draw) for _ in range(3)),
    }


class Timed:
    """A loop that remembers how long it took, without what `kernel.run` does before and after."""

    def __init__(self, loop: Callable[..., int]) -> None:
        self.loop, self.took = loop, float("inf")

    def __call__(self, *columns: Any) -> int:
        start = time.perf_counter()
        n_rows = self.loop(*columns)
        self.took = min(self.took, time.perf_counter() - start)
        return n_rows


def queue_alone(scenario: Scenario, rounds: int) -> dict[str, Any]:
    """The kernel and the same loop in C on the same arrays, in turns; whose answers must be identical."""
    clients_seconds = seconds(lambda: draw_clients(scenario, Draws(scenario.run.seed, 0)))
    plans, capacity = queue_of(scenario)
    ours = kernel.run(plans, capacity, compiled=True)
    answer = {"n_clients": len(plans.joins_day), "n_stays": len(ours.client), "clients_seconds": clients_seconds}
    actions = {"engine_seconds": lambda: kernel.run(plans, capacity, compiled=True)}
    if compiler() is None:
        return answer | shortest(actions, rounds)
    from numba import njit

    loops = {
        "kernel_loop_seconds": Timed(njit(cache=True, nogil=True)(kernel.pass_the_days)),
        "c_loop_seconds": Timed(loop_in_c()),
    }
    for name, loop in loops.items():
        difference = first_difference(ours, kernel.run(plans, capacity, compiled=True, loop=loop), capacity.steps)
        assert difference is None, f"{name}: {difference}"
        loop.took = float("inf")  # the first time it was compiled, or its memory was new
        actions[name] = partial(kernel.run, plans, capacity, compiled=True, loop=loop)
    runs = shortest(actions, rounds)
    return answer | {
        "engine_seconds": runs["engine_seconds"],
        "c_seconds": runs["c_loop_seconds"],
        **{name: loop.took for name, loop in loops.items()},
    }


if __name__ == "__main__":
    print(json.dumps(measured(json.loads(sys.argv[1]))))
