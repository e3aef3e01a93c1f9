"""The command that runs a scenario at many values of one input, or two."""

from typing import Annotated

import typer

from caseload_sim.cli.options import OF_A_TABLE, ScenarioArgument, Shared, as_written_now, takes
from caseload_sim.cli.printing import Page, fraction, in_columns, print_json
from caseload_sim.cli.running import announce_work, at_work, kept_if_stopped, saved_in, table_name
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity, words
from caseload_sim.engines.engine import DEFAULT_ENGINE
from caseload_sim.errors import RunError
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.sweep import Sweep, SweepRow, combinations, flattened, values_in
from caseload_sim.experiments.sweep import sweep as run_sweep
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.measures.rows import could_be_text, value_text
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.record import inputs_of_sweep, record_of_sweep


@takes(*OF_A_TABLE)
def sweep(
    shared: Shared,
    scenario: ScenarioArgument,
    path: Annotated[str, typer.Argument(help="What to change, as `explain` shows it.")],
    values: Annotated[str, typer.Argument(help="from:to:count, or a list such as 0.1,0.2,0.3.")],
    second_path: Annotated[str | None, typer.Argument(help="A second value to change.")] = None,
    second_values: Annotated[str | None, typer.Argument(help="Its values: a line for each.")] = None,
    measure: Annotated[
        str,
        typer.Option(
            metavar="FIGURE", help="MEASURE or MEASURE/BASE/AT/GROUP; `caseload-sim list measures` shows all measures."
        ),
    ] = "all_remission",
    base: Annotated[
        str | None,
        typer.Option(help="finished, started or referred, where the measure has several; finished if not given."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(help="end, month_12 or sustained, where the measure has several; end if not given."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Which clients, such as ptsd=yes or step=high_intensity; all if not given.")
    ] = None,
) -> None:
    """Run a scenario at several values of one input, or two, on the same clients, and plot any measure.

    Example:

        caseload-sim sweep hepgul_2016 population.prevalence.alcohol_dependence.value 0.05:0.40:8 --measure all_remission
    """
    if (second_path is None) != (second_values is None):
        raise RunError("a second path needs its values, as in ... population.prevalence.ptsd.value 0.1:0.4:4")
    chosen = shared.opened(scenario)
    quantity = Quantity.parse(as_written_now("--measure", measure))
    shown = _shown(quantity, {"base": base, "at": at, "group": group})
    asked = {path: values_in(values)}
    if second_path is not None and second_values is not None:
        asked[second_path] = values_in(second_values)
    chosen = with_run(chosen, shared.seed, shared.replications)
    settings = combinations(asked)
    # What is swept may be the number of referrals: of all settings, those at the corners have the most clients.
    corners = [chosen.with_changes(corner) for corner in combinations({p: (min(v), max(v)) for p, v in asked.items()})]
    announce_work(corners, shared.beyond_limits, times=len(settings) / len(corners), jobs=shared.jobs)
    looks = shared.looks
    name = table_name(chosen, "sweep", f"sweep {asked} {' '.join(shown.values())}")
    folder = RunFolder(shared.out, name, inputs_of_sweep(chosen, asked, DEFAULT_ENGINE, shown), resume=shared.resume)
    folder.looks = looks
    with kept_if_stopped(folder):
        with at_work(shared, folder, chosen, "points") as how:
            swept = run_sweep(chosen, asked, quantity, base=shown["base"], at=shown["at"], group=shown["group"], **how)
        rows = flattened(swept)
        record = record_of_sweep(swept, asked, DEFAULT_ENGINE, shown)
        folder.save_table(rows, SweepRow, lambda: drawn("sweep", tables_of("sweep", chosen, swept, table=rows)), record)
    if shared.json:
        print_json(rows)
    else:
        print_sweep(swept)
    saved_in(folder)


def _shown(quantity: Quantity, options: dict[str, str | None]) -> dict[str, str]:
    """Which figure is shown, part by part, by what --measure and the options say, or else the usual."""
    shown = {"measure": quantity.measure, "base": "finished", "at": "end", "group": "all"}
    for part, option in options.items():
        said = getattr(quantity, part)
        if said and option and said != option:
            raise RunError(f"--{part} {option}: --measure {quantity} says {said}. Leave one of the two out.")
        shown[part] = said or option or shown[part]
    return shown | ({"service": quantity.service} if quantity.service else {})


def print_sweep(swept: Sweep) -> None:
    """One line for each point and row of a sweep."""
    page = Page()
    page.title(f"SWEEP of {' and '.join(swept.paths)}: {words(swept.measure)}")
    page.note(definition(swept.measure).definition)
    for point in swept.points:
        values = ", ".join(f"{value:g}" for value in point.at.values())
        for row in point.rows:
            label = ", ".join(filter(None, (row.base if row.base != "all" else "", words(row.at), row.service)))
            page.line(in_columns((values, -16), (label, -30), (value_text(row), 22), (fraction(row), 12)))
            if could_be := could_be_text(row.could_be_low, row.could_be_high, row.unit):
                page.line(in_columns(("", -16), ("  could be", -30), (could_be, 22)), "dim")
