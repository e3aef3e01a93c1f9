"""A million clients drawn, in one process, and the bare cost of the same random numbers: `python benchmarks/population.py`."""

import numpy as np
from timing import best_of

from caseload_sim.catalogue import get_scenario
from caseload_sim.clients import draw_population
from caseload_sim.draws import Draws

SIZES = (10_000, 100_000, 1_000_000)


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
