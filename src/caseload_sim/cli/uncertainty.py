"""The command that says how sure each rung is."""

from collections.abc import Sequence
from typing import Annotated

import typer

from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow, n_runs
from caseload_sim.analysis.uncertainty import uncertainty as run_uncertainty
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, percent
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.accounts import draw_uncertainty, rung_label
from caseload_sim.runs.tables import as_json

_TOO_LITTLE_TO_SHOW = 0.0005


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

    Example:

        caseload-sim uncertainty hepgul_2016 --draws 20
    """
    chosen = with_run(shared.opened(scenario), shared.seed, draws if draws > 0 else None)
    times = n_runs(chosen, draws) / max(draws, 1)
    announce_work([chosen], shared.beyond_limits, times=times, jobs=shared.jobs)
    with table_folder(shared, chosen, "uncertainty", f"uncertainty {draws}") as folder:
        with at_work(shared, folder, chosen, "runs") as how:
            rows, tornado = run_uncertainty(chosen, draws=draws, **how)
        beside = {"tornado": (tornado, TornadoRow)}
        saved = folder.save_table(rows, DoubtRow, lambda: draw_uncertainty(rows, tornado), beside=beside)
    if shared.json:
        print(f'{{"rungs": {as_json(rows)},\n"tornado": {as_json(tornado)}}}')
    else:
        print_doubt(rows, tornado)
    saved_in(saved)


def print_doubt(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> None:
    """How sure each rung is, what of, and which soft input moves it most."""
    page = Page()
    page.title(f"HOW SURE EACH RUNG IS: {rows[0].scenario}, {rows[0].n_draws} draws")
    page.heading(f"{'':<38}{'model':>6}{'95% range':>12}{'chance':>8}{'sources':>8}{'doubt':>7}")
    for row in rows:
        label = f"{words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.lower_95_range:.1f}-{100 * row.upper_95_range:.1f}"
        sds = f"{100 * row.sd_chance:>8.2f}{100 * row.sd_sampling:>8.2f}{100 * row.sd_structure:>7.2f}"
        page.line(f"{label:<38}{percent(row.value):>6}{between:>12}{sds}")
    page.gap()
    for rung in rows:
        page.say(f"What moves {rung_label(rung.measure, rung.base, rung.at)}", "bold")
        key = (rung.measure, rung.base, rung.at)
        of_it = [input_row for input_row in tornado if (input_row.measure, input_row.base, input_row.at) == key]
        for soft in sorted(of_it, key=lambda soft: -abs(soft.value_at_high - soft.value_at_low)):
            swing = soft.value_at_high - soft.value_at_low
            if abs(swing) >= _TOO_LITTLE_TO_SHOW:
                ends = f"{percent(soft.value_at_low)} at {soft.low:g}, {percent(soft.value_at_high)} at {soft.high:g}"
                page.line(f"  {words(soft.name):<32}{ends:>34}{100 * swing:>+10.1f}")
    page.gap()
    page.note(
        "model: mean over the draws with nothing drawn but chance. 95% range: of one year, with published prevalences and soft "
        "inputs drawn together. chance, sources, doubt: SD in points between years, added by drawing prevalences from their "
        "sampling distributions, added by drawing soft inputs evenly from their ranges; they add in squares. What moves: one "
        "input at the ends of its range, all else as it is, on the same draws; inputs that move it by less than 0.05 points are left out. Each rung over those it names, as "
        "`caseload-sim list measures` says."
    )
