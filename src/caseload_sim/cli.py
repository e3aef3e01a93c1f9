"""The command line: each command parses, calls one public function, and prints."""

from __future__ import annotations

import json as json_module
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseload_sim.errors import CaseloadError, CatalogueError, RunError, did_you_mean

if TYPE_CHECKING:
    from caseload_sim.experiment import Results
    from caseload_sim.scenario import Scenario

DEFAULT = "hepgul_2016"
BAD_INPUT, INTERRUPTED = 2, 130

app = typer.Typer(
    help="What remission can a talking-therapy service reach, for those really referred, under which definition?\n\n"
    "Start with `caseload-sim run`: the default scenario, a table, five pictures, and where they were saved.\n\n"
    "Exit codes: 0 done, 2 bad input, 130 interrupted, 1 anything unforeseen.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=True,
    pretty_exceptions_enable=False,
)

ScenarioArgument = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A scenario's name, or your own .toml file.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="Change one value; repeat for more. Paths are as `explain` shows."
    ),
]
Paths = Annotated[
    list[Path] | None,
    typer.Option("--scenario-path", metavar="FOLDER", help="Look for scenarios here too; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    scenario: ScenarioArgument = DEFAULT,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all randomness; the scenario's own if not given.")
    ] = None,
    replications: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many replications.")] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's own folder is made.")] = Path("results"),
    sets: Sets = None,
    scenario_path: Paths = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this figure; repeatable. `caseload-sim list figures` shows all."),
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
    json: Annotated[bool, typer.Option("--json", help="Print every row as JSON instead of the table.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV instead of the table.")] = False,
) -> None:
    """Run a scenario and print every measure with its definition, numerator, denominator and interval.

    Examples:

        caseload-sim run

        caseload-sim run trial_world --seed 7 --replications 20 --out results/

        caseload-sim run hepgul_2016 --set population.prevalence.alcohol_dependence.value=0.30
    """
    if json and csv:
        raise RunError("--json and --csv: choose one.")
    from caseload_sim.engines import ENGINES

    if engine not in ENGINES:
        raise RunError(f"--engine {engine}: no such engine. {did_you_mean(engine, ENGINES)}")
    chosen = _open(scenario, scenario_path, sets)
    names = [] if no_figures else _figure_names(figure)

    from caseload_sim.experiment import replicate
    from caseload_sim.progress import Progress
    from caseload_sim.store import RunFolder, as_json, run_name, write_csv

    run_part = chosen.run
    changes = {
        "seed": run_part.seed if seed is None else seed,
        "replications": replications or run_part.replications,
    }
    chosen = chosen.model_copy(update={"run": run_part.model_copy(update=changes)})
    folder = RunFolder(out, run_name(chosen, "parameter_uncertainty" if parameter_uncertainty else ""))
    try:
        with Progress(chosen) as progress:
            results = replicate(chosen, engine=engine, parameter_uncertainty=parameter_uncertainty, progress=progress)
        saved = folder.save(results, engine, names)
    finally:
        folder.discard()
    if json:
        print(as_json(results.rows))
    elif csv:
        from caseload_sim.experiment import Row

        write_csv(results.rows, Row, sys.stdout)
    else:
        _print_results(results)
    print(f"Saved in {saved}" + (f" (figures: {', '.join(names)})" if names else ""), file=sys.stderr)


@app.command()
def population(
    scenario: ScenarioArgument = DEFAULT,
    clients: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many clients to draw.")] = 200_000,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; the scenario's own if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder in which a folder with the table and the figure is made.")] = Path(
        "results"
    ),
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Show who is referred: every prevalence, count, pair, score and stratum, target against achieved."""
    chosen = _open(scenario, scenario_path, sets)
    from caseload_sim.checks import impossible_targets
    from caseload_sim.population_figures import draw_population
    from caseload_sim.report import Comparison, population_report
    from caseload_sim.store import as_json, run_name, save_table

    rows = population_report(chosen, clients, seed)
    name = run_name(chosen, f"population of {clients}, seed {seed}")
    saved = save_table(
        out, name.replace(chosen.name, f"{chosen.name}-population", 1), rows, Comparison, lambda: draw_population(rows)
    )
    if json:
        print(as_json(rows))
    else:
        from caseload_sim.tables import print_population

        print_population(rows, chosen, clients)
    for path, message in impossible_targets(chosen.population):
        print(f"Note: {'.'.join(path)}: {message}", file=sys.stderr)
    print(f"Saved in {saved}", file=sys.stderr)


@app.command()
def calibrate(
    what: Annotated[str, typer.Argument(metavar="KIND", help="population: so far the only kind.")],
    scenario: ScenarioArgument = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="Write the fitted values to this scenario file as well.")] = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Fit what is assumed about the population to the published count of disorders; published prevalences stay.

    Prints what was fitted and a scenario fragment with the fitted values, each marked `fitted`.
    """
    if what != "population":
        raise CatalogueError(f"{what}: nothing of that kind to calibrate. {did_you_mean(what, ['population'])}")
    chosen = _open(scenario, scenario_path, sets)
    from caseload_sim.calibration import calibrate_population
    from caseload_sim.tables import print_fit

    found = calibrate_population(chosen)
    print_fit(found)
    fragment = found.fragment(chosen.name)
    print(fragment)
    if out is not None:
        from caseload_sim.store import save_text

        save_text(out, fragment)
        print(f"Saved in {out}", file=sys.stderr)


@app.command()
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
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; the scenario's own if not given.")] = None,
    replications: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many replications.")] = None,
    out: Annotated[Path, typer.Option(help="Folder in which a folder with the table and the figure is made.")] = Path(
        "results"
    ),
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Run a scenario at several values of one input, or two, on the same clients, and plot any measure.

    Example:

        caseload-sim sweep hepgul_2016 population.prevalence.alcohol_dependence.value 0.05:0.40:8 --measure all_remission
    """
    if (second_path is None) != (second_values is None):
        raise RunError("a second path needs its values, as in ... population.prevalence.ptsd.value 0.1:0.4:4")
    chosen = _open(scenario, scenario_path, sets)
    from caseload_sim.population_figures import draw_sweep
    from caseload_sim.progress import Progress
    from caseload_sim.store import as_json, run_name, save_table
    from caseload_sim.sweeps import SweepRow, flattened, values_in
    from caseload_sim.sweeps import sweep as run_sweep

    asked = {path: values_in(values)}
    if second_path is not None and second_values is not None:
        asked[second_path] = values_in(second_values)
    changes = {
        "seed": chosen.run.seed if seed is None else seed,
        "replications": replications or chosen.run.replications,
    }
    chosen = chosen.model_copy(update={"run": chosen.run.model_copy(update=changes)})
    with Progress(chosen, "points") as progress:
        swept = run_sweep(
            chosen,
            asked,
            measure,
            base=base,
            at=at,
            group=group,
            seed=seed,
            replications=replications,
            progress=progress,
        )
    rows = flattened(swept)
    name = run_name(chosen, f"sweep {asked} {measure} {base} {at} {group}")
    saved = save_table(
        out, name.replace(chosen.name, f"{chosen.name}-sweep", 1), rows, SweepRow, lambda: draw_sweep(swept)
    )
    if json:
        print(as_json(rows))
    else:
        from caseload_sim.tables import print_sweep

        print_sweep(swept)
    print(f"Saved in {saved}", file=sys.stderr)


@app.command("list")
def list_command(
    what: Annotated[
        str,
        typer.Argument(metavar="KIND", help="scenarios, conditions, measures, figures, policies or sources."),
    ] = "scenarios",
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """List what there is: scenarios, conditions, measures, figures, policies or sources."""
    from caseload_sim.listings import LISTINGS

    if what not in LISTINGS:
        raise CatalogueError(f"{what}: nothing of that kind to list. {did_you_mean(what, LISTINGS)}")
    rows = LISTINGS[what](scenario_path or [])
    if json:
        print(json_module.dumps(rows, indent=1))
    else:
        _print_table(rows)


@app.command()
def explain(scenario: ScenarioArgument = DEFAULT, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Say in words what a scenario assumes, every number with its source or that it is an assumption."""
    from caseload_sim.catalogue import list_sources
    from caseload_sim.explanation import explain as in_words

    print(in_words(_open(scenario, scenario_path, sets), list_sources()))


@app.command()
def validate(scenario: ScenarioArgument, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Check a scenario file: says what is wrong and where, or that it is ready to run."""
    chosen = _open(scenario, scenario_path, sets)
    print(f"{scenario}: valid. {chosen.title}. Run it with: caseload-sim run {scenario}")


@app.command()
def check(
    scenario: ScenarioArgument = DEFAULT,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; the scenario's own if not given.")] = None,
    sets: Sets = None,
    scenario_path: Paths = None,
) -> None:
    """Run a scenario through both engines and compare every row; exit code 1 when they differ."""
    chosen = _open(scenario, scenario_path, sets)
    from caseload_sim.experiment import check_engines

    stays, difference = check_engines(chosen, seed=seed)
    if difference:
        print(f"{chosen.name}: the engines differ. {difference}")
        raise typer.Exit(1)
    print(f"{chosen.name}: the engines agree on all {stays:,} stays.")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"caseload-sim {installed('caseload-sim')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; user errors become one message and exit code 2."""
    if sys.stdout is None:  # closed by whoever called: there is nobody to print for
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" rather than failing
    try:
        app()
    except SystemExit as stop:  # typer turns Ctrl-C into this code, and says nothing
        if stop.code == INTERRUPTED:
            print("Interrupted: nothing was saved.", file=sys.stderr)
        raise
    except CaseloadError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # the reader of a pipe has left: not an error of ours
        sys.stdout = None
        sys.exit(0)
    except OSError as error:
        print(f"Not everything could be printed: {error.strerror or error}.", file=sys.stderr)
        sys.exit(BAD_INPUT)


# --- parsing -----------------------------------------------------------------------------------------------


def _open(name_or_file: str, paths: list[Path] | None, sets: list[str] | None) -> Scenario:
    from caseload_sim.catalogue import open_scenario, parse_value

    changes: dict[str, Any] = {}
    for text in sets or []:
        path, equals, value = text.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise RunError(f"--set {text}: write PATH=VALUE, as in population.prevalence.ptsd.value=0.3")
        changes[path.strip()] = parse_value(value.strip())
    return open_scenario(name_or_file, paths=paths or [], changes=changes)


def _figure_names(asked: list[str] | None) -> list[str]:
    from caseload_sim.figures import FIGURES

    for name in asked or []:
        if name not in FIGURES:
            raise CatalogueError(
                f"--figure {name}: no such figure. {did_you_mean(name, FIGURES)} `caseload-sim list figures` shows all."
            )
    return asked or list(FIGURES)


# --- printing ----------------------------------------------------------------------------------------------


def _print_results(results: Results) -> None:
    from caseload_sim.tables import print_results

    print_results(results)


def _print_table(rows: list[dict[str, Any]]) -> None:
    from caseload_sim.tables import print_plain

    print_plain(rows)
