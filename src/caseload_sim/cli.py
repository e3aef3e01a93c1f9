"""The command line: each command parses, calls one public function, and prints."""

from __future__ import annotations

import json as json_module
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
    from caseload_sim.store import RunFolder, as_json, run_name, write_csv

    run_part = chosen.run
    changes = {
        "seed": run_part.seed if seed is None else seed,
        "replications": replications or run_part.replications,
    }
    chosen = chosen.model_copy(update={"run": run_part.model_copy(update=changes)})
    folder = RunFolder(out, run_name(chosen))
    try:
        with _Progress(chosen) as progress:
            results = replicate(chosen, engine=engine, progress=progress)
        saved = folder.save(results, engine, names)
    except KeyboardInterrupt:
        print("Interrupted: nothing was saved.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
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
    kinds = {
        "scenarios": _list_scenarios,
        "conditions": _list_conditions,
        "measures": _list_measures,
        "figures": _list_figures,
        "policies": _list_policies,
        "sources": _list_sources,
    }
    if what not in kinds:
        raise CatalogueError(f"{what}: nothing of that kind to list. {did_you_mean(what, kinds)}")
    rows = kinds[what](scenario_path or [])
    if json:
        print(json_module.dumps(rows, indent=1))
    else:
        _print_table(rows)


@app.command()
def explain(scenario: ScenarioArgument = DEFAULT, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Say in words what a scenario assumes, every number with its source or that it is an assumption."""
    from caseload_sim.catalogue import list_sources
    from caseload_sim.explain import explain as in_words

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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" rather than failing
    try:
        app()
    except CaseloadError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # the reader of a pipe has left: not an error of ours
        sys.stdout = None
        sys.exit(0)


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


class _Progress:
    """Progress on stderr: a bar on a terminal, one line elsewhere."""

    def __init__(self, scenario: Scenario) -> None:
        run = scenario.run
        self.title = f"{scenario.name}, seed {run.seed}, {run.replications} replication{'s' * (run.replications > 1)}"
        self.periods = f"{run.warm_up_days} days warm-up, {run.data_collection_days} data collection, {run.follow_up_days} follow-up"
        self.total = run.replications

    def __enter__(self) -> _Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        console.print(f"{self.title}: {self.periods}", markup=False, highlight=False, soft_wrap=True)
        columns = (TextColumn("replications"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("", total=self.total)
        self.bar.start()
        return self

    def __call__(self, done: int, of: int) -> None:
        self.bar.update(self.task, completed=done)

    def __exit__(self, *_: object) -> None:
        self.bar.stop()


# --- printing ----------------------------------------------------------------------------------------------


def _print_results(results: Results) -> None:
    from caseload_sim.tables import print_results

    print_results(results)


def _print_table(rows: list[dict[str, Any]]) -> None:
    from caseload_sim.tables import print_plain

    print_plain(rows)


def _list_scenarios(paths: list[Path]) -> list[dict[str, Any]]:
    from caseload_sim.catalogue import get_scenario, list_scenarios

    found = [get_scenario(name, paths=paths) for name in list_scenarios(paths)]
    return [{"name": s.name, "title": s.title, "look_at": s.look_at} for s in found]


def _list_conditions(paths: list[Path]) -> list[dict[str, Any]]:
    from caseload_sim.catalogue import get_scenario

    prevalence = get_scenario().population.prevalence
    return [
        {"name": name, "group": p.group, "prevalence": p.value, "origin": p.origin()} for name, p in prevalence.items()
    ]


def _list_measures(paths: list[Path]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from caseload_sim.definitions import MEASURES

    return [asdict(measure) for measure in MEASURES]


def _list_figures(paths: list[Path]) -> list[dict[str, Any]]:
    from caseload_sim.figures import FIGURES

    return [{"name": name, "shows": picture.description} for name, picture in FIGURES.items()]


def _list_policies(paths: list[Path]) -> list[dict[str, Any]]:
    from caseload_sim.policies import POLICIES

    return [{"name": name, "description": policy.description} for name, policy in POLICIES.items()]


def _list_sources(paths: list[Path]) -> list[dict[str, Any]]:
    from caseload_sim.catalogue import list_sources

    return [{"key": key, **source.model_dump(exclude_none=True)} for key, source in list_sources().items()]
