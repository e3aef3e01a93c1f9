"""From a scenario to its measures at several sizes and loads, each in a fresh process, in turns."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.services import queue_of, service
from benchmarks.timing import ROOT, in_a_fresh_process, progress

ENGINE_ROUNDS = 7
LOAD_NUMBA = """
import sys, time
import numpy as np
from caseload_sim.engines.plans import Capacity
from caseload_sim.engines.plans import Plans
from caseload_sim.engines import kernel
with np.load(sys.argv[1]) as file:
    columns = dict(file)
capacity = Capacity(columns.pop("places"), ())
plans = Plans(**columns)
start = time.perf_counter()
kernel.run(plans, capacity, compiled=True)
print(time.perf_counter() - start)
"""


def at_sizes(rounds_of: Mapping[int, int], loads: Sequence[float], offered: dict[str, float]) -> list[dict[str, Any]]:
    """One row for each size and load: the shortest time and the most memory of so many rounds.

    rounds_of: by number of clients
    """
    rows: dict[tuple[int, float], dict[str, Any]] = {}
    for round_no in range(max(rounds_of.values())):
        for n_clients, rounds in rounds_of.items():
            for load in loads if round_no < rounds else ():
                progress(f"round {round_no + 1}: {n_clients:,} clients, load {load:g}")
                row = one_size(n_clients, load, offered, ENGINE_ROUNDS)
                best = rows.setdefault((n_clients, load), row)
                for name in (one for one in row if one.endswith("seconds")):
                    best[name] = min(best[name], row[name])
                best["peak_bytes"] = row["peak_bytes"] and max(best["peak_bytes"], row["peak_bytes"])
    return list(rows.values())


def one_size(n_clients: int, load: float, offered: dict[str, float], engine_rounds: int) -> dict[str, Any]:
    """One replication in a fresh process; see one_size.py."""
    order = {"n_clients": n_clients, "load": load, "offered": offered, "engine_rounds": engine_rounds}
    return in_a_fresh_process("benchmarks.one_size", order)


def seconds_to_load_numba(n_clients: int, offered: dict[str, float]) -> float:
    """First compiled run in a fresh process with a warm cache, the shortest of three, seconds: nearly all of it is loading."""
    progress("loading numba")
    plans, capacity = queue_of(service(n_clients, 1.0, offered))
    columns = {name: getattr(plans, name) for name in plans.__dataclass_fields__}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "queue.npz"
        np.savez(path, places=capacity.places, **columns)
        words = [sys.executable, "-c", LOAD_NUMBA, str(path)]
        timings = [subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout for _ in range(3)]
    return min(map(float, timings))
