"""Commands that account for a figure: where it comes from, what an audit would find, how sure it is, what would raise it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.rank import RankRow
from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    BeyondLimits,
    Json,
    Out,
    Paths,
    Replications,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    as_written_now,
    opened,
    print_json,
    save_and_show,
    with_run,
)
from caseload_sim.cli.reconcile import _CHANCE_ALONE, _RANK_COLUMNS, _print_meanings
from caseload_sim.definitions.quantities import words


def print_ranking(rows: Sequence[RankRow]) -> None:
    """What-ifs by gain, the largest first, each with its gain in every rung."""
    console = Console(highlight=False)
    by = rows[0].ranked_by
    console.print(Text(f"RANKED BY GAIN IN {by}, over {rows[0].versus}", "bold reverse"))
    _print_meanings(console, [row.measure for row in rows])
    heading = "".join(f"{name:>{width}}" for name, width, _ in _RANK_COLUMNS)
    console.print(Text(f"{'':<39}{heading}", "dim"), soft_wrap=True)
    for place, some in groupby(rows, key=lambda row: row.place):
        of_one = list(some)
        console.print(Text(f"{place}  {of_one[0].scenario}", "bold"))
        for row in of_one:
            label = f"   {words(row.measure)}, {row.base}, {words(row.at)}"
            cells = "".join(f"{text(row):>{width}}" for _, width, text in _RANK_COLUMNS)
            console.print(Text(f"{label:<39}{cells}"), soft_wrap=True)
    console.print()
    n = rows[0].n_replications
    console.print(
        Text(
            f"{n} replication{'s' * (n != 1)} on common random numbers. gain: points of 100 over {rows[0].versus}. {_CHANCE_ALONE} "
            "GBP each: what is spent more for each client more who is well; - where there are not more. Places whose intervals overlap may change with another seed.",
            "dim",
        )
    )


def rank(
    scenario: ScenarioArgument = DEFAULT,
    what_ifs: Annotated[
        list[str] | None, typer.Argument(metavar="[SCENARIO...]", help="What-ifs; the shipped ones if none is named.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="FIGURE", help="MEASURE/BASE/AT to rank by.")] = "full_remission/started",
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
) -> None:
    """Compare what-ifs with a scenario on the same clients, and rank them by what they gain in a rung of the ladder.

    Examples:

        caseload-sim rank hepgul_2016

        caseload-sim rank hepgul_2016 right_target my_service.toml --by recovery/finished
    """
    from caseload_sim.analysis.reconcile import figure_in

    figure = figure_in(as_written_now("--by", by))
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)

    from caseload_sim.analysis.rank import WHAT_IFS, RankRow
    from caseload_sim.analysis.rank import rank as run_rank
    from caseload_sim.cli.progress import Progress
    from caseload_sim.cli.rank import print_ranking
    from caseload_sim.figures.accounts import plot_ranking
    from caseload_sim.figures.style import whole

    others = [opened(name, scenario_path, sets) for name in what_ifs or WHAT_IFS]
    announce_work([with_run(one, None, chosen.run.replications) for one in (chosen, *others)], beyond_limits)
    with Progress(chosen, named=", ".join(one.name for one in (chosen, *others))) as progress:
        rows = run_rank(
            chosen, others, by=figure, seed=chosen.run.seed, replications=chosen.run.replications, progress=progress
        )
    asked = f"rank {figure} {[one.model_dump_json() for one in others]}"
    save_and_show(
        chosen, "rank", asked, out, rows, RankRow, lambda: whole(plot_ranking(rows)),
        lambda: print_json(rows) if json else print_ranking(rows),
    )  # fmt: skip
