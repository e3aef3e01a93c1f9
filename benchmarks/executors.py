"""Replications one after the other, in threads and in processes, as ratios: `python benchmarks/executors.py`.

Times 8 replications of hepgul_2016 in a program that has loaded everything: serial, in 2 threads, and in 2 `Workers` with
their start and without it; the kernel interpreted and compiled. Each is the shortest of three, taken in turns. Also what one
replication sends between processes and keeps on disk, and what clients cost in time and memory.
"""

import os
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from timing import best_of

from caseload_sim.catalogue import get_scenario
from caseload_sim.engines import kernel
from caseload_sim.experiment import Task, finish
from caseload_sim.unfinished import begin
from caseload_sim.workers import Workers, answers

N_REPLICATIONS, N_WORKERS, ROUNDS = 8, 2, 3


def main() -> None:
    """Print the table."""
    scenario = get_scenario()

    def job(executor: Executor | None, compiled: bool) -> None:
        engine = partial(kernel.run, compiled=compiled)
        list(answers(finish, ((r, Task(scenario, r, engine)) for r in range(N_REPLICATIONS)), executor))

    def fresh(compiled: bool) -> None:
        with Workers(N_WORKERS) as processes:
            job(processes, compiled)

    with ThreadPoolExecutor(N_WORKERS) as threads, Workers(N_WORKERS) as processes:
        ways: dict[str, Callable[[bool], None]] = {
            "serial": partial(job, None),
            "threads": partial(job, threads),
            "processes, with their start": fresh,
            "processes, once started": partial(job, processes),
        }
        job(None, True), job(processes, True)
        timings = {(name, compiled): float("inf") for compiled in (False, True) for name in ways}
        for _ in range(ROUNDS):
            for name, compiled in timings:
                took = best_of(1, lambda way=ways[name], compiled=compiled: way(compiled))
                timings[name, compiled] = min(timings[name, compiled], took)
    print(f"{N_REPLICATIONS} replications of {scenario.name}, {N_WORKERS} workers, {os.cpu_count()} processors")
    for (name, compiled), took in timings.items():
        words = f"{name}, kernel {'compiled' if compiled else 'interpreted'}"
        print(f"  {words:<52}{took:8.2f} s {took / timings['serial', compiled]:8.2f} x")
    finished, _ = finish(Task(scenario, 0, kernel.run))
    with TemporaryDirectory() as folder:
        kept = begin(Path(folder) / "unfinished", {"kind": "benchmark"})
        storing = best_of(3, lambda: kept.__setitem__((0, 0), finished))
        (file,) = kept.folder.glob("*.npz")
        print(
            f"  one replication: {len(pickle.dumps(finished)):,} bytes sent, {file.stat().st_size:,} kept in {storing:.3f} s"
        )


if __name__ == "__main__":
    main()
