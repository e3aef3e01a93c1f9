"""Commands that run a service: one scenario, many values of one input, or both engines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    BeyondLimits,
    Dask,
    Jobs,
    Json,
    Out,
    Paths,
    Replications,
    Resume,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    kept_if_stopped,
    opened,
    with_run,
    workers,
)
from caseload_sim.errors import RunError, did_you_mean


def run(
    context: typer.Context,
    scenario: ScenarioArgument = DEFAULT,
    seed: Seed = None,
    replications: Replications = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's own folder is made.")] = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw this figure instead of the five; repeatable. `caseload-sim list figures` shows all."),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")] = False,
    engine: Annotated[
        str, typer.Option(help="kernel, or reference: the SimPy engine, the same answer more slowly.")
    ] = "kernel",
    parameter_uncertainty: Annotated[
        bool,
        typer.Option(
            "--parameter-uncertainty",
            help="Draw each published prevalence anew for each replication, and split the spread into chance and sources.",
        ),
    ] = False,
    with_events: Annotated[
        bool,
        typer.Option(
            "--event-log", help="Save the first replication's events too: who waited and held which place when."
        ),
    ] = False,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="'FIGURE=WIDTH'",
            help="As many replications as it takes for the 95% interval of a figure, MEASURE/BASE/AT, to be within this of its "
            "value: 0.5pp (percentage points) for a share, a plain number for all else. 0.5pp alone is for recovery/finished/end. "
            "--replications is then the most there may be, 1,000 if not given.",
        ),
    ] = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    resume: Resume = False,
    beyond_limits: BeyondLimits = False,
    json: Annotated[bool, typer.Option("--json", help="Print every row as JSON instead of the table.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV instead of the table.")] = False,
) -> None:
    """Run a scenario and print every measure with its definition, numerator, denominator and interval.

    Examples:

        caseload-sim run

        caseload-sim run trial_world --seed 7 --replications 20 --out results/

        caseload-sim run hepgul_2016 --set population.prevalence.alcohol_dependence.value=0.30

        caseload-sim run --precision 0.5pp --jobs 2
    """
    if json and csv:
        raise RunError("--json and --csv: choose one.")
    from caseload_sim.engines import ENGINES

    if engine not in ENGINES:
        raise RunError(f"--engine {engine}: no such engine. {did_you_mean(engine, ENGINES)}")
    from caseload_sim.painting import Painter

    painter = context.with_resource(Painter(worth_it=not no_figures))
    names: list[str] = []
    if not no_figures:
        from caseload_sim.gallery import figure_names

        names = figure_names(figure, "run")
    chosen = opened(scenario, scenario_path, sets)
    if with_events:
        from caseload_sim.events import event_names

        event_names(chosen.steps)
    from caseload_sim.experiment import Row, replicate
    from caseload_sim.gallery import FreshRun
    from caseload_sim.precision import DEFAULT_MOST, FIRST_REPLICATIONS, precision_from, replicate_until
    from caseload_sim.progress import Progress
    from caseload_sim.records import inputs_of_run
    from caseload_sim.settling import too_short, warm_up
    from caseload_sim.store import RunFolder, as_json, run_name, write_csv

    wanted = precision_from(precision) if precision else None
    most = replications or DEFAULT_MOST
    longest = with_run(chosen, seed, most if wanted else replications)
    announce_work([longest], beyond_limits, times=1 + parameter_uncertainty, jobs=jobs)
    chosen = with_run(chosen, seed, min(FIRST_REPLICATIONS, most) if wanted else replications)
    asked = f"until {wanted!r} at most {most}" if wanted else ""
    name = run_name(chosen, f"{'parameter_uncertainty' if parameter_uncertainty else ''}{asked}")
    folder = RunFolder(out, name, inputs_of_run(chosen, engine, parameter_uncertainty, wanted), resume=resume)
    notes = (*folder.notes, f"More replications follow until {wanted} is precise enough.") if wanted else folder.notes
    reached = None
    with kept_if_stopped(folder):
        with Progress(chosen, notes=notes) as progress, workers(jobs, dask) as executor:
            how: dict[str, Any] = {
                "engine": engine,
                "parameter_uncertainty": parameter_uncertainty,
                "executor": executor,
                "kept": folder.kept,
                "progress": progress,
            }
            if wanted:
                results, reached = replicate_until(chosen, wanted, most=most, **how)
            else:
                results = replicate(chosen, **how)
        images = painter.begin(FreshRun.of(results), names) if names else None
        unprinted: BaseException | None = None
        try:
            if json:
                print(as_json(results.rows))
            elif csv:
                write_csv(results.rows, Row, sys.stdout)
            else:
                from caseload_sim.tables import print_results

                print_results(results)
            sys.stdout.flush()  # shown before figures are drawn, even to a program that reads it
        except (
            OSError,
            SystemExit,
        ) as error:  # it has no room, or nobody reads it any more, for which rich exits: saved all the same
            unprinted = error
        saved = folder.save(
            results,
            engine,
            images,
            with_events=with_events,
            parameter_uncertainty=parameter_uncertainty,
            reached=reached,
        )
    if note := too_short(warm_up(results.scenario, results.over_time)):
        print(f"Note: {note}", file=sys.stderr)
    if reached:
        print(reached.in_words(), file=sys.stderr)
    print(f"Saved in {saved}" + (f" (figures: {', '.join(names)})" if names else ""), file=sys.stderr)
    if unprinted:
        raise unprinted


def sweep(
    scenario: ScenarioArgument,
    path: Annotated[str, typer.Argument(help="What to change, as `explain` shows it.")],
    values: Annotated[str, typer.Argument(help="from:to:count, or a list such as 0.1,0.2,0.3.")],
    second_path: Annotated[str | None, typer.Argument(help="A second value to change.")] = None,
    second_values: Annotated[str | None, typer.Argument(help="Its values: the result is a heat map.")] = None,
    measure: Annotated[
        str, typer.Option(help="Which measure; `caseload-sim list measures` shows all.")
    ] = "all_remission",
    base: Annotated[
        str, typer.Option(help="finished, started or referred; where the measure has several.")
    ] = "finished",
    at: Annotated[str, typer.Option(help="end, month_12 or sustained; where the measure has several.")] = "end",
    group: Annotated[str, typer.Option(help="Which clients, such as ptsd=yes or step=high_intensity.")] = "all",
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    resume: Resume = False,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
) -> None:
    """Run a scenario at several values of one input, or two, on the same clients, and plot any measure.

    Example:

        caseload-sim sweep hepgul_2016 population.prevalence.alcohol_dependence.value 0.05:0.40:8 --measure all_remission
    """
    if (second_path is None) != (second_values is None):
        raise RunError("a second path needs its values, as in ... population.prevalence.ptsd.value 0.1:0.4:4")
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.engines import DEFAULT_ENGINE
    from caseload_sim.population_figures import draw_sweep
    from caseload_sim.progress import Progress
    from caseload_sim.records import inputs_of_sweep, of_sweep
    from caseload_sim.store import RunFolder, as_json, run_name
    from caseload_sim.sweeps import SweepRow, combinations, flattened, values_in
    from caseload_sim.sweeps import sweep as run_sweep

    asked = {path: values_in(values)}
    if second_path is not None and second_values is not None:
        asked[second_path] = values_in(second_values)
    chosen = with_run(chosen, seed, replications)
    settings = combinations(asked)
    # What is swept may be the number of referrals: of all settings, those at the corners have the most clients.
    corners = [chosen.with_changes(corner) for corner in combinations({p: (min(v), max(v)) for p, v in asked.items()})]
    announce_work(corners, beyond_limits, times=len(settings) / len(corners), jobs=jobs)
    name = run_name(chosen, f"sweep {asked} {measure} {base} {at} {group}")
    name = name.replace(chosen.name, f"{chosen.name}-sweep", 1)
    shown = {"measure": measure, "base": base, "at": at, "group": group}
    folder = RunFolder(out, name, inputs_of_sweep(chosen, asked, DEFAULT_ENGINE, shown), resume=resume)
    with kept_if_stopped(folder):
        with Progress(chosen, "points", notes=folder.notes) as progress, workers(jobs, dask) as executor:
            swept = run_sweep(
                chosen,
                asked,
                measure,
                base=base,
                at=at,
                group=group,
                executor=executor,
                kept=folder.kept,
                progress=progress,
            )
        rows = flattened(swept)
        record = of_sweep(swept, asked, DEFAULT_ENGINE)
        saved = folder.save_table(rows, SweepRow, lambda: draw_sweep(swept), record)
    if json:
        print(as_json(rows))
    else:
        from caseload_sim.tables import print_sweep

        print_sweep(swept)
    print(f"Saved in {saved}", file=sys.stderr)


def check(
    scenario: ScenarioArgument = DEFAULT,
    seed: Seed = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Run a scenario through both engines and compare every row; exit code 1 when they differ."""
    chosen = opened(scenario, scenario_path, sets)
    from caseload_sim.experiment import check_engines

    stays, difference = check_engines(chosen, seed=seed)
    if difference:
        print(f"{chosen.name}: the engines differ. {difference}")
        raise typer.Exit(1)
    print(f"{chosen.name}: the engines agree on all {stays:,} stays.")
