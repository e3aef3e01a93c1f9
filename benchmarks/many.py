"""Many replications: one after the other, in threads and in processes, beside what two processes gain that only spin."""

import os
import pickle
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.services import service
from benchmarks.timing import progress, seconds, shortest
from caseload_sim.engines import kernel
from caseload_sim.experiments.replicate import replicate
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.experiments.workers import Workers, answers
from caseload_sim.runs.kept_replications import begin

N_WORKERS = 2
SPINS = 20_000_000
WHOLE_ROUNDS = 2  # of all replications; fewer of them are timed more often


def spin(times: int) -> int:
    """Keep one processor busy and touch no memory."""
    total = 0
    for number in range(times):
        total += number
    return total


def many_replications(
    n_clients: int, n_replications: int, n_in_turns: int, rounds: int, offered: dict[str, float], spins: int = SPINS
) -> dict[str, Any]:
    """Seconds of so many replications, and what two workers gain on fewer of them, measured in turns.

    n_in_turns: replications of which each way is timed so many rounds
    """
    scenario = service(n_clients, 1.0, offered)
    replicate(scenario, replications=1)

    def in_new_processes() -> None:
        with Workers(N_WORKERS) as executor:
            replicate(scenario, replications=n_replications, executor=executor)

    progress(f"{n_replications} replications of {n_clients:,} clients")
    actions = {"serial": lambda: replicate(scenario, replications=n_replications), "together": in_new_processes}
    whole = shortest(actions, WHOLE_ROUNDS)
    task = partial(Task, scenario, engine=partial(kernel.run, compiled=True))

    def job(executor: Executor | None) -> None:
        list(answers(finish, ((r, task(r)) for r in range(n_in_turns)), executor))

    def spin_in(executor: Executor, n_processes: int) -> None:
        for future in [executor.submit(spin, spins) for _ in range(n_processes)]:
            future.result()

    with ThreadPoolExecutor(N_WORKERS) as threads, Workers(N_WORKERS) as processes:
        job(processes)  # started, and everything loaded in both
        progress("one after the other, threads, processes, and processes that only spin")
        in_turns = shortest(
            {
                "serial": partial(job, None),
                "threads": partial(job, threads),
                "processes": partial(job, processes),
                "one_spins": partial(spin_in, processes, 1),
                "two_spin": partial(spin_in, processes, N_WORKERS),
            },
            rounds,
        )
    finished, _ = finish(task(0))
    with TemporaryDirectory() as folder:
        kept = begin(Path(folder) / "unfinished", {"kind": "benchmark"})
        storing = min(seconds(lambda: kept.__setitem__((0, 0), finished)) for _ in range(3))
        (file,) = kept.folder.glob("*.kept")
        on_disk = file.stat().st_size
    return {
        "n_clients": n_clients,
        "n_replications": n_replications,
        "n_processors": os.cpu_count(),
        "serial_seconds": whole["serial"],
        "two_processes_seconds": whole["together"],
        "n_in_turns": n_in_turns,
        "in_turns_seconds": in_turns,
        "speed_up": in_turns["serial"] / in_turns["processes"],
        "spinning_speed_up": N_WORKERS * in_turns["one_spins"] / in_turns["two_spin"],
        "bytes_sent": len(pickle.dumps(finished)),
        "bytes_on_disk": on_disk,
        "storing_seconds": storing,
    }
