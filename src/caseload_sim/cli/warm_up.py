"""The command `warm-up`: how long a service takes to settle, and what it prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.warm_up import WarmUpRow
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
from caseload_sim.definitions.quantities import words


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
    from caseload_sim.analysis.warm_up import WarmUpRow
    from caseload_sim.analysis.warm_up import warm_up as by_rule
    from caseload_sim.cli.progress import Progress
    from caseload_sim.cli.warm_up import print_warm_up
    from caseload_sim.experiments.replicate import replicate
    from caseload_sim.figures.solve import draw_warm_up

    with Progress(chosen) as progress, workers(jobs, dask) as executor:
        over_time = replicate(chosen, executor=executor, progress=progress).over_time
    rows = by_rule(chosen, over_time)
    save_and_show(
        chosen, "warm-up", "warm-up", out, rows, WarmUpRow, lambda: draw_warm_up(rows, over_time),
        lambda: print_json(rows) if json else print_warm_up(rows),
    )  # fmt: skip


def print_warm_up(rows: Sequence[WarmUpRow]) -> None:
    """Each series with the day on which it settles, and the longest beside what the scenario leaves out."""
    console = Console(highlight=False)
    console.print(
        Text("WARM-UP by MSER-5: first day that counts, of means over replications on working days", "bold reverse")
    )
    console.print(Text(f"{'':<48}{'mean':>9}{'first day':>14}", "dim"))
    for row in rows:
        mean = (
            "-"
            if row.settled_day is None
            else f"{100 * row.mean:.1f}%"
            if row.measure == "utilisation"
            else f"{row.mean:.1f}"
        )
        day = "cannot tell" if row.settled_day is None else str(row.settled_day)
        style = "" if row.is_long_enough else "bold"
        console.print(Text(f"{words(row.measure) + ', ' + words(row.step):<48}{mean:>9}{day:>14}", style))
    known = [row.settled_day for row in rows if row.settled_day is not None]
    own = rows[0].own_warm_up_days if rows else 0
    if known:
        enough = "enough" if max(known) <= own else "too short"
        console.print(Text(f"The rule: {max(known)} days. The scenario leaves out {own}: {enough}.", "bold"))
    else:
        console.print(Text(f"The rule cannot tell. The scenario leaves out {own} days.", "bold"))
    console.print(
        Text(
            "cannot tell: cut in the second half, so that it still moves, with seasons or with a list that grows.",
            "dim",
        )
    )
