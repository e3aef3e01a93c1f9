"""The command that says how long a service takes to settle."""

from __future__ import annotations

from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    Dask,
    Jobs,
    Json,
    Out,
    Paths,
    Replications,
    ScenarioArgument,
    Seed,
    Sets,
    opened,
    print_json,
    save_and_show,
    with_run,
    workers,
)


def warm_up(
    scenario: ScenarioArgument = DEFAULT,
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    json: Json = False,
) -> None:
    """Say by a published rule, MSER-5, how many days from opening to leave out, beside what the scenario leaves out.

    The rule looks at every waiting list and at the use of places, means over the replications, until data collection ends. A
    scenario with a running start opens with its lists full, and may need little.

    Example:

        caseload-sim warm-up national_2024_25 --replications 10 --jobs 2
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.experiment import replicate
    from caseload_sim.progress import Progress
    from caseload_sim.settling import WarmUpRow
    from caseload_sim.settling import warm_up as by_rule
    from caseload_sim.settling_figures import draw_warm_up
    from caseload_sim.settling_tables import print_warm_up

    with Progress(chosen) as progress, workers(jobs, dask) as executor:
        over_time = replicate(chosen, executor=executor, progress=progress).over_time
    rows = by_rule(chosen, over_time)
    save_and_show(
        chosen, "warm-up", "warm-up", out, rows, WarmUpRow, lambda: draw_warm_up(rows, over_time),
        lambda: print_json(rows) if json else print_warm_up(rows),
    )  # fmt: skip
