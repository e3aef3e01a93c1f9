"""Commands that account for a figure: where it comes from, what an audit would find, how sure it is, what would raise it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    BeyondLimits,
    Json,
    Out,
    Paths,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    opened,
    save_and_show,
    with_run,
)
from caseload_sim.cli.reconcile import _TOO_LITTLE_TO_SHOW, _percent
from caseload_sim.definitions.quantities import words
from caseload_sim.figures.accounts import rung_label


def print_doubt(rows: Sequence[DoubtRow], tornado: Sequence[TornadoRow]) -> None:
    """How sure each rung is, what of, and which soft input moves it most."""
    console = Console(highlight=False)
    console.print(Text(f"HOW SURE EACH RUNG IS: {rows[0].scenario}, {rows[0].n_draws} draws", "bold reverse"))
    console.print(
        Text(f"{'':<38}{'model':>6}{'95% range':>12}{'chance':>8}{'sources':>8}{'doubt':>7}", "dim"), soft_wrap=True
    )
    for row in rows:
        label = f"{words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.lower_95_range:.1f}-{100 * row.upper_95_range:.1f}"
        sds = f"{100 * row.sd_chance:>8.2f}{100 * row.sd_sampling:>8.2f}{100 * row.sd_structure:>7.2f}"
        console.print(Text(f"{label:<38}{_percent(row.value):>6}{between:>12}{sds}"), soft_wrap=True)
    console.print()
    for rung in rows:
        console.print(Text(f"What moves {rung_label(rung.measure, rung.base, rung.at)}", "bold"))
        key = (rung.measure, rung.base, rung.at)
        of_it = [input_row for input_row in tornado if (input_row.measure, input_row.base, input_row.at) == key]
        for soft in sorted(of_it, key=lambda soft: -abs(soft.value_at_high - soft.value_at_low)):
            swing = soft.value_at_high - soft.value_at_low
            if abs(swing) >= _TOO_LITTLE_TO_SHOW:
                ends = f"{_percent(soft.value_at_low)} at {soft.low:g}, {_percent(soft.value_at_high)} at {soft.high:g}"
                console.print(Text(f"  {words(soft.name):<32}{ends:>34}{100 * swing:>+10.1f}"), soft_wrap=True)
    console.print()
    console.print(
        Text(
            "model: mean over the draws with nothing drawn but chance. 95% range: of one year, with published prevalences and soft "
            "inputs drawn together. chance, sources, doubt: SD in points between years, added by drawing prevalences from their "
            "sampling distributions, added by drawing soft inputs evenly from their ranges; they add in squares. What moves: one "
            "input at the ends of its range, all else as it is, on the same draws; inputs that move it by less than 0.05 points are left out. Each rung over those it names, as "
            "`caseload-sim list measures` says.",
            "dim",
        )
    )


def uncertainty(
    scenario: ScenarioArgument = DEFAULT,
    draws: Annotated[
        int, typer.Option("--draws", "--replications", help="How many draws; each is a replication run four times.")
    ] = 20,
    seed: Seed = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
) -> None:
    """Say how sure each rung is: chance, sampling error of the sources, and doubt about what nobody has measured.

    Draws soft inputs from the ranges that the scenario gives in [doubt], and shows which of them moves each rung most.

    Example:

        caseload-sim uncertainty hepgul_2016 --draws 20
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, draws if draws > 0 else None)
    from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow
    from caseload_sim.analysis.uncertainty import uncertainty as run_uncertainty
    from caseload_sim.cli.progress import Progress
    from caseload_sim.cli.uncertainty import print_doubt
    from caseload_sim.figures.accounts import draw_uncertainty

    announce_work([chosen], beyond_limits, times=4 + (2 * len(chosen.doubt) + 1) / max(draws, 1))  # see `uncertainty`
    with Progress(chosen, "runs") as progress:
        rows, tornado = run_uncertainty(chosen, draws=draws, progress=progress)

    def show() -> None:
        if json:
            from caseload_sim.runs.tables import as_json

            print(f'{{"rungs": {as_json(rows)},\n"tornado": {as_json(tornado)}}}')
        else:
            print_doubt(rows, tornado)

    save_and_show(
        chosen, "uncertainty", f"uncertainty {draws}", out, rows, DoubtRow, lambda: draw_uncertainty(rows, tornado),
        show, beside={"tornado": (tornado, TornadoRow)},
    )  # fmt: skip
