"""The command that runs again what was stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import (
    DEFAULT,
    BeyondLimits,
    Dask,
    Jobs,
    Paths,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    opened,
    workers,
)


def rerun(
    place: Annotated[Path, typer.Argument(metavar="FOLDER|RUN.JSON", help="A saved run, sweep or comparison.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on where the program or its libraries have another version.")
    ] = False,
    jobs: Jobs = 1,
    dask: Dask = None,
    beyond_limits: BeyondLimits = False,
) -> None:
    """Run a stored run again, and compare the digest of every table; exit code 1 when one differs.

    Example:

        caseload-sim rerun results/FOLDER
    """
    from caseload_sim.runs.rerun import read_recorded
    from caseload_sim.runs.rerun import rerun as run_again

    recorded = read_recorded(place)
    announce_work(recorded.scenarios, beyond_limits, times=1 + recorded.parameter_uncertainty, jobs=jobs)
    with workers(jobs, dask) as executor:
        outcome = run_again(place, anyway=anyway, executor=executor)
    for note in outcome.notes:
        print(f"Note: {note}", file=sys.stderr)
    if outcome.differing:
        print(f"{place}: {len(outcome.differing)} of {outcome.n_digests} digests differ.")
        print("\n".join(outcome.differing))
        raise typer.Exit(1)
    print(f"{place}: all {outcome.n_digests} digests are equal.")


def check(
    scenario: ScenarioArgument = DEFAULT,
    seed: Seed = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Run a scenario through both engines and compare every row; exit code 1 when they differ."""
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.experiments.replicate import check_engines

    stays, difference = check_engines(chosen, seed=seed)
    if difference:
        print(f"{chosen.name}: the engines differ. {difference}")
        raise typer.Exit(1)
    print(f"{chosen.name}: the engines agree on all {stays:,} stays.")
