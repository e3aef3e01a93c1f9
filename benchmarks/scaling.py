"""What a client costs, and so what England costs, on one process, two and a Dask cluster: `python -m benchmarks.scaling`.

Prints the table of docs/scaling.md. England is 150 services with 12,000 referrals a year each, run as five replications of
thirty; cost per client is measured on four of them, in processor time, memory as what the process then has needed, since a task holds one
service at a time, and what workers gain on twelve replications of one service of 5,000. All is loaded before anything is timed.
"""

import os
from concurrent.futures import Executor
from time import process_time

from distributed import LocalCluster

from benchmarks.timing import peak_memory_bytes
from benchmarks.timing import seconds as seconds_of
from caseload_sim.engines.engine import Engine, engine_for
from caseload_sim.experiments.dask_workers import DaskWorkers
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.experiments.workers import Workers, answers
from caseload_sim.pathway.demand import referrals_per_day
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario

REFERRALS_A_YEAR, N_SERVICES, SERVICES_A_TASK = 12_000, 150, 30
STAFF_LOG_SD = 0.33  # so far apart that waits differ as between real services
N_WORKERS, N_TASKS, ENOUGH_CLIENTS = 2, 12, 10**9


def england(n_services: int) -> Scenario:
    """So many services of England's 150."""
    alike = {"number": n_services, "staff_log_sd": {"value": STAFF_LOG_SD}}
    changes = {"demand.referrals_per_year": REFERRALS_A_YEAR, "providers": alike}
    return get_scenario("national_2024_25", changes=changes | {"run.warm_up_days": 90, "run.follow_up_days": 365})


def n_clients(scenario: Scenario) -> int:
    """Clients referred from opening to the horizon, on average."""
    return int(referrals_per_day(scenario).sum() * (scenario.providers.how_many if scenario.providers else 1))


def gains(engine: Engine) -> dict[str, float]:
    """How many times as fast some replications of one service are with workers as one after the other."""
    scenario = england(2).with_changes({"demand.referrals_per_year": 5_000}).model_copy(update={"providers": None})

    def job(executor: Executor | None = None) -> None:
        list(answers(finish, ((r, Task(scenario, r, engine)) for r in range(N_TASKS)), executor))

    with (
        Workers(N_WORKERS) as processes,
        LocalCluster(
            n_workers=N_WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        DaskWorkers(cluster.scheduler_address) as dask,
    ):  # fmt: skip
        job(processes)
        job(dask)
        alone = seconds_of(job)
        return {
            f"--jobs {N_WORKERS}": alone / seconds_of(lambda: job(processes)),
            f"--dask, {N_WORKERS} workers": alone / seconds_of(lambda: job(dask)),
        }


def main() -> None:
    """Print the table."""
    engine = engine_for("kernel", ENOUGH_CLIENTS)
    few, more, task = england(2), england(4), england(SERVICES_A_TASK)
    finish(Task(few, 0, engine))
    begun = process_time()
    finish(Task(more, 0, engine))
    seconds = (process_time() - begun) / n_clients(more)
    memory = peak_memory_bytes()
    held = f"{memory / 1e9:.2f} GB" if memory else "not known on this system"
    whole = n_clients(task) * N_SERVICES // SERVICES_A_TASK
    print(f"| measured on {os.cpu_count()} cores | |\n|---|---|")
    print(
        f"| one client, all measures and the untreated twin included | {1e6 * seconds:.1f} microseconds of one core |"
    )
    print(f"| memory of a process, which holds one service at a time | {held} |")
    for name, gain in gains(engine).items():
        print(
            f"| {name}: {N_TASKS} replications of one service | {gain:.2f} times as fast as one process, which uses threads |"
        )
    print("| **England, from these** | |")
    print(
        f"| clients from opening to the horizon | {whole / 1e6:.1f} million, in {N_SERVICES // SERVICES_A_TASK} tasks |"
    )
    print(f"| England once, one core | {whole * seconds / 60:.1f} minutes |")
    print(f"| England twenty times, one core | {20 * whole * seconds / 60:.0f} minutes |")
    print(
        f"| England twenty times, a worker for each of its 100 tasks | {whole * seconds / 5:.0f} seconds and the start |"
    )


if __name__ == "__main__":
    main()
