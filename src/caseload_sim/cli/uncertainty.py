"""The command that says how sure each rung is."""

from collections.abc import Sequence
from math import isnan
from typing import Annotated

import typer

from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow, n_runs
from caseload_sim.analysis.uncertainty import uncertainty as run_uncertainty
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_A_TABLE, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, percent, print_json, say
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import RunError
from caseload_sim.experiments.could_be import IN_USE, StructureRow, read_structures, structure_rows
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.figures.style import rung_in_words
from caseload_sim.runs.tables import as_json
from caseload_sim.scenario.scenario import Scenario

_TOO_LITTLE_TO_SHOW = 0.0005
_NAME_WIDTH = 22
NOBODY_COUNTED = "nobody was counted; structures need a longer data collection or more referrals."


@takes(*(name for name in OF_A_TABLE if name != "replications"))
def uncertainty(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    draws: Annotated[
        int, typer.Option("--draws", "--replications", help="How many draws; each is a replication run four times.")
    ] = 20,
) -> None:
    """Say how sure each rung is: chance, sampling error of the sources, and doubt about what nobody has measured.

    Draws soft inputs from the ranges that the scenario gives in [doubt], and shows which of them moves each rung most.
    Then what other structures of the outcome model say of the same clients, as `structures` does.

    Example:

        caseload-sim uncertainty hepgul_2016 --draws 20
    """
    chosen = with_run(shared.opened(scenario), shared.seed, draws if draws > 0 else None)
    times = n_runs(chosen, draws) / max(draws, 1)
    announce_work([chosen], shared.beyond_limits, times=times, jobs=shared.jobs, keeping=Keeping(all_tables=True))
    with table_folder(shared, chosen, "uncertainty", {"draws": draws}) as folder:
        with at_work(shared, folder, chosen, "runs") as how:
            rows, tornado = run_uncertainty(chosen, draws=draws, **how)
        beside = {"tornado": (tornado, TornadoRow)}
        folder.save_table(
            rows,
            DoubtRow,
            lambda: drawn("uncertainty", tables_of("uncertainty", chosen, table=rows, tornado=tornado)),
            beside=beside,
        )
    by_structure = () if why_no_structures(chosen) else rows_by_structure(chosen)
    if shared.json:
        say(f'{{"rungs": {as_json(rows)},\n"tornado": {as_json(tornado)},\n"structures": {as_json(by_structure)}}}')
    else:
        print_doubt(rows, tornado)
        if by_structure:
            print_structures(by_structure)
        else:
            Page().note(why_no_structures(chosen) or NOBODY_COUNTED)
    saved_in(folder)


@takes("seed", *OF_A_SCENARIO, "beyond_limits", "json")
def structures(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Show what other structures of the outcome model, no worse by the evidence, say of the same clients.

    Each changes one assumption that nobody has measured and is fitted to the same published figures. The lowest and the
    highest are what a figure could be; they are never pooled, since nobody knows how likely each structure is.

    Example:

        caseload-sim structures hepgul_2016
    """
    chosen = with_run(shared.opened(scenario), shared.seed, 1)
    if why_not := why_no_structures(chosen):
        raise RunError(f"{chosen.name}: {why_not}")
    announce_work([chosen], shared.beyond_limits, keeping=Keeping(all_tables=True, painted=False))
    rows = rows_by_structure(chosen)
    if not rows:
        raise RunError(f"{chosen.name}: {NOBODY_COUNTED}")
    if shared.json:
        print_json(rows)
    else:
        print_structures(rows)


def why_no_structures(scenario: Scenario) -> str:
    """Why structures cannot be compared for a scenario; empty when they can."""
    return "" if scenario.providers is None else "structures are compared for one provider, not several."


def rows_by_structure(scenario: Scenario) -> tuple[StructureRow, ...]:
    """The clients of one replication by every structure; none where nobody was counted."""
    found = read_structures(simulate(with_run(scenario, None, 1)), most_clients=20_000)
    return () if found is None else structure_rows(scenario.name, found)


def print_structures(rows: Sequence[StructureRow]) -> None:
    """What each structure changes, how well it fits, and what it makes of official recovery and of each rung."""
    page = Page()
    page.title(f"WHAT NOBODY KNOWS: {rows[0].scenario}, the same clients by each structure of the outcome model")
    page.note(
        "Of those who finished a course, at the end: with the service, and in brackets what it adds to no service."
    )
    headings = "recovery", "principal", "all gone", "fully gone"
    page.heading(in_columns(("", -_NAME_WIDTH), ("misfit", 6), *((heading, 13) for heading in headings)))
    for row in rows:
        figures = [(_with_gain(value, gain), 13) for value, gain in row.figures]
        misfit = "-" if isnan(row.misfit) else f"{row.misfit:.0f}"
        style, name = "bold" if row.structure == IN_USE else "", words(row.structure)
        if len(name) > _NAME_WIDTH:  # a line of its own
            page.line(name, style)
            name = ""
        page.line(in_columns((name, -_NAME_WIDTH), (misfit, 6), *figures), style)
        page.below(row.meaning)
    lows, highs = (
        [
            _with_gain(pick(v for v, _ in column), pick(g for _, g in column))
            for column in zip(*(r.figures for r in rows), strict=True)
        ]
        for pick in (min, max)
    )
    page.line(in_columns(("could be, from", -28), *((one, 13) for one in lows)))
    page.line(in_columns(("could be, to", -28), *((one, 13) for one in highs)))
    page.gap()
    page.note(
        "misfit: squared distance from the anchors, in tolerances, after the fit. One replication, its stays kept as they were; "
        "points of 100. Lowest and highest over structures are no interval."
    )


def _with_gain(value: float, gain: float) -> str:
    return f"{100 * value:.1f} ({100 * gain:+.1f})"


def print_doubt(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> None:
    """How sure each rung is, what of, and which soft input moves it most."""
    page = Page()
    page.title(f"HOW SURE EACH RUNG IS: {rows[0].scenario}, {rows[0].n_draws} draws")
    page.heading(in_columns(("", -38), ("model", 6), ("95% range", 12), ("chance", 8), ("sources", 8), ("doubt", 7)))
    for row in rows:
        label = f"{words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.lower_95_range:.1f}-{100 * row.upper_95_range:.1f}"
        sds = (
            (f"{100 * sd:.2f}", width)
            for sd, width in ((row.sd_chance, 8), (row.sd_sampling, 8), (row.sd_structure, 7))
        )
        page.line(in_columns((label, -38), (percent(row.value), 6), (between, 12), *sds))
    page.gap()
    for rung in rows:
        page.say(f"What moves {rung_in_words(rung.measure, rung.base, rung.at)}", "bold")
        key = (rung.measure, rung.base, rung.at)
        of_it = [input_row for input_row in tornado if (input_row.measure, input_row.base, input_row.at) == key]
        for soft in sorted(of_it, key=lambda soft: -abs(soft.value_at_high - soft.value_at_low)):
            swing = soft.value_at_high - soft.value_at_low
            if abs(swing) >= _TOO_LITTLE_TO_SHOW:
                ends = f"{percent(soft.value_at_low)} at {soft.low:g}, {percent(soft.value_at_high)} at {soft.high:g}"
                page.line(in_columns((f"  {words(soft.name)}", -34), (ends, 34), (f"{100 * swing:+.1f}", 10)))
    page.gap()
    page.note(
        "model: mean over the draws with nothing drawn but chance. 95% range: of one year, with published prevalences and soft "
        "inputs drawn together. chance, sources, doubt: SD in points between years, added by drawing prevalences from their "
        "sampling distributions, added by drawing soft inputs evenly from their ranges; they add in squares. What moves: one "
        "input at the ends of its range, all else as it is, on the same draws; inputs that move it by less than 0.05 points are left out. Each rung over those it names, as "
        "`caseload-sim list measures` says."
    )
