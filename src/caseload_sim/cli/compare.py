"""The command that puts scenarios side by side."""

import sys
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import numpy as np
import typer

from caseload_sim.cli.options import OF_A_TABLE, Shared, takes
from caseload_sim.cli.printing import Page, print_json, replications_text
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.measures import check_measures, definition
from caseload_sim.definitions.quantities import words
from caseload_sim.engines.engine import DEFAULT_ENGINE
from caseload_sim.errors import RunError, ScenarioError, did_you_mean
from caseload_sim.experiments.compare import Compared, ComparisonRow, check_names, shown
from caseload_sim.experiments.compare import compare as run_compare
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.compare import reading
from caseload_sim.measures.rows import digits_of, value_text
from caseload_sim.runs.tables import write_csv
from caseload_sim.scenario.scenario import Scenario


@takes(
    *OF_A_TABLE,
    out="Folder in which the comparison's own folder is made.",
    sets="Change one value in all the scenarios; repeat for more.",
    json="Print rows as JSON: all, or those of --measure.",
)
def compare(
    shared: Shared,
    scenarios: Annotated[
        list[str], typer.Argument(metavar="NAME|FILE...", help="Two scenarios or more, by name or by file.")
    ],
    versus: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare the others with this one; with the first if not given.")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Show this measure instead of the headlines; repeatable. `list measures` shows all."),
    ] = None,
    own_start: Annotated[
        bool,
        typer.Option(
            "--own-start",
            help="Open each with the lists that it would have in the long run, instead of those of the scenario compared with.",
        ),
    ] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw no figure.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print rows as CSV: all, or those of --measure.")] = False,
) -> None:
    """Run several scenarios on the same clients and draws, and show how each differs from the first.

    Seed and replications are those of the scenario compared with, unless given.

    Examples:

        caseload-sim compare hepgul_2016 national_2024_25 service_claim

        caseload-sim compare hepgul_2016 my_service.toml --measure second_contact_days_mean --replications 20
    """
    if shared.json and csv:
        raise RunError("--json and --csv: choose one.")
    check_measures(measure or [])
    chosen = [_opened(name, shared) for name in scenarios]
    reference = _reference(scenarios, chosen, versus)
    check_names(chosen)
    reference = with_run(reference, shared.seed, shared.replications)
    run = reference.run
    works = [with_run(one, None, run.replications) for one in chosen]
    announce_work(works, shared.beyond_limits, jobs=shared.jobs)
    inputs = [
        one.model_copy(update={"run": one.run.model_copy(update={"seed": 0, "replications": 1})}) for one in chosen
    ]
    asked = f"compare {[one.model_dump_json() for one in inputs]}{' own start' * own_start}"
    with table_folder(shared, reference, "compare", asked) as folder:
        with at_work(shared, folder, reference, named=", ".join(one.name for one in chosen)) as how:
            compared = run_compare(
                chosen,
                versus=reference.name,
                seed=run.seed,
                replications=run.replications,
                own_start=own_start,
                **how,
            )
        saved = folder.save_comparison(compared, DEFAULT_ENGINE, measure or [], draw=not no_figures)
    rows = [row for row in compared.rows if not measure or row.measure in measure]
    if shared.json:
        print_json(rows)
    elif csv:
        write_csv(rows, ComparisonRow, sys.stdout)
    else:
        print_comparison(compared, measure or [])
    for note in compared.notes:
        print(f"Note: {note}", file=sys.stderr)
    saved_in(saved)


def _opened(name: str, shared: Shared) -> Scenario:
    """One of the scenarios; an error in --set says in which of them."""
    try:
        return shared.opened(name)
    except ScenarioError as error:
        if shared.sets:
            raise ScenarioError(f"in {name}: {error}") from None
        raise


def _reference(typed: list[str], scenarios: list[Scenario], versus: str | None) -> Scenario:
    """The scenario to compare with, which may be given as it was typed or by its name."""
    if versus is None:
        return scenarios[0]
    for as_typed, scenario in zip(typed, scenarios, strict=True):
        if versus in (as_typed, scenario.name):
            return scenario
    raise RunError(
        f"--versus {versus}: not among those compared. {did_you_mean(versus, [one.name for one in scenarios])}"
    )


_NAME_WIDTH = 24


def print_comparison(compared: Compared, measures: Sequence[str] = ()) -> None:
    """Headlines, or the measures asked for: each under its definition and denominator, a line for each scenario."""
    page = Page()
    run = compared.results[0].scenario.run
    page.title(f"COMPARED WITH {compared.versus}, on common random numbers")
    page.heading(f"{'':<{_NAME_WIDTH}}{'value':>22}{'difference':>25}{'removed':>9}")
    said = ""
    for measure, rows in groupby(shown(compared.rows, measures), key=lambda row: row.measure):
        meaning = definition(measure)
        page.meaning(words(measure), meaning.definition)
        if meaning.denominator and meaning.denominator != said:
            page.denominator(meaning.denominator)
        said = meaning.denominator
        for label, same in groupby(rows, key=reading):
            if label:
                page.say(f"  {label}")
            for row in same:
                for line in _lines(row):
                    page.line(line)
    page.gap()
    page.note(
        f"Seed {run.seed}, {replications_text(run.replications)}. difference: less "
        f"{compared.versus}, shares in points of %. Brackets: 95% interval over replications, of differences paired; "
        "chance alone, not the doubt about assumptions. removed: share of the variance of the difference that common "
        "draws take away, itself rough with few replications. All rows, for every group of clients, are in differences.csv."
    )


def _lines(row: ComparisonRow) -> list[str]:
    lines = []
    name = f"    {row.scenario}"
    if len(name) > _NAME_WIDTH:
        lines.append(name)
        name = ""
    removed = "" if np.isnan(row.variance_removed) else f"{100 * row.variance_removed:.0f}%"
    return [*lines, f"{name:<{_NAME_WIDTH}}{value_text(row):>22}{_difference(row):>25}{removed:>9}".rstrip()]


def _difference(row: ComparisonRow) -> str:
    """The difference with its interval, as +2.4 (+1.3, +3.5), signed throughout."""
    if not row.versus:
        return "compared with"
    if np.isnan(row.difference):
        return "-"
    scale = 100 if row.unit == "share" else 1
    digits = f"+z{digits_of(row.unit)}"
    if np.isnan(row.difference_lower_95_ci):
        return f"{scale * row.difference:{digits}}"
    low, high = scale * row.difference_lower_95_ci, scale * row.difference_upper_95_ci
    return f"{scale * row.difference:{digits}} ({low:{digits}}, {high:{digits}})"
