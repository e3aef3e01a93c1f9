"""A million clients drawn, in one process, and the bare cost of the same random numbers: `python benchmarks/population.py`."""

import time
from collections.abc import Callable

import numpy as np

from caseload_sim.catalogue import get_scenario
from caseload_sim.clients import draw_population
from caseload_sim.draws import Draws

SIZES = (10_000, 100_000, 1_000_000)


def best_of(n: int, action: Callable[[], object]) -> float:
    """Shortest of n timings, seconds."""
    times = []
    for _ in range(n):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    scenario = get_scenario()
    streams = 3 * len(scenario.population.prevalence) + 2
    for size in SIZES:
        ids, draws = np.arange(size), Draws(1, 0)
        drawn = best_of(3, lambda size=size: draw_population(scenario, Draws(1, 0), size))
        floor = best_of(3, lambda ids=ids, draws=draws: [draws.normal("trait", ids) for _ in range(streams)])
        print(
            f"{size:>9,} clients {drawn:7.3f} s   {streams} normal draws each {floor:7.3f} s   ratio {drawn / floor:.2f}"
        )


if __name__ == "__main__":
    main()
