"""Engines alone, in one run on one machine, as ratios: `python benchmarks/engines.py`.

Times the queue of hepgul_2016 at about 10,000 and 100,000 clients: an ordinary SimPy program, the reference engine, the
kernel interpreted, and the kernel compiled. Also what loading numba costs a fresh process, hence from how many
client-runs on the compiled kernel pays (WORTH_COMPILING in engines/kernel.py).
"""

import subprocess
import sys

import idiomatic_simpy
from timing import best_of

from caseload_sim.capacity import Capacity
from caseload_sim.catalogue import get_scenario
from caseload_sim.clients import draw_clients
from caseload_sim.courses import Courses, draw_courses
from caseload_sim.draws import Draws
from caseload_sim.engines import kernel, reference
from caseload_sim.experiment import mean_disorders
from caseload_sim.staffing import places

SIZES = (10_000, 100_000)
LOAD_NUMBA = """
import time
import numpy, caseload_sim.engines
from caseload_sim.engines import kernel
start = time.perf_counter()
kernel.run(*__import__("pickle").load(open(0, "rb")), compiled=True)
print(time.perf_counter() - start)
"""


def inputs(n_clients: int) -> tuple[Courses, Capacity]:
    """Courses and capacity of hepgul_2016 scaled so that about so many clients are referred in all."""
    base = get_scenario()
    scale = n_clients / (base.demand.referrals_per_year.value * base.run.horizon_days / 365)
    changes = {"demand.referrals_per_year": base.demand.referrals_per_year.value * scale}
    changes |= {f"staff.{name}.wte": staff.wte.value * scale for name, staff in base.staff.items()}
    scenario, draws = base.with_changes(changes), Draws(1, 0)
    clients = draw_clients(scenario, draws)
    return draw_courses(scenario, clients, draws)[0], places(scenario, draws, mean_disorders(scenario, clients))


def seconds_to_load_numba(job: tuple[Courses, Capacity]) -> float:
    """First compiled run in a fresh process with a warm cache, seconds: nearly all of it is loading."""
    import pickle

    timings = []
    for _ in range(3):
        result = subprocess.run(
            [sys.executable, "-c", LOAD_NUMBA], input=pickle.dumps(job), capture_output=True, check=True
        )
        timings.append(float(result.stdout))
    return min(timings)


def main() -> None:
    """Print the table."""
    for size in SIZES:
        courses, capacity = job = inputs(size)
        n = len(courses.joins_day)
        kernel.run(courses, capacity, compiled=True)
        timings = {
            "kernel, compiled": best_of(7, lambda job=job: kernel.run(*job, compiled=True)),
            "kernel, interpreted": best_of(3, lambda job=job: kernel.run(*job, compiled=False)),
            "reference (SimPy, rules of the day)": best_of(2, lambda job=job: reference.run(*job)),
            "ordinary SimPy program": best_of(2, lambda job=job: idiomatic_simpy.run(*job)),
        }
        fastest = timings["kernel, compiled"]
        print(f"\n{n:,} clients over {capacity.places.shape[0]} days")
        for name, seconds in timings.items():
            print(f"  {name:<38}{seconds:9.3f} s {1e6 * seconds / n:9.2f} us/client {seconds / fastest:9.1f} x")
        load = seconds_to_load_numba(job)
        per_client = (timings["kernel, interpreted"] - fastest) / n
        print(f"  loading numba in a fresh process: {load:.2f} s, repaid by {load / per_client:,.0f} client-runs")


if __name__ == "__main__":
    main()
