"""The command that ranks what-ifs by what they gain."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Annotated

import numpy as np
import typer

from caseload_sim.analysis.rank import RANKED_BY, WHAT_IFS, RankRow, ranked_by
from caseload_sim.analysis.rank import rank as run_rank
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, as_written_now, takes
from caseload_sim.cli.printing import (
    CHANCE_ALONE,
    Page,
    changed,
    in_columns,
    percent,
    print_json,
    print_meanings,
    replications_text,
)
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.measures.rows import could_be_text


@takes(*OF_A_TABLE)
def rank(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    what_ifs: Annotated[
        list[str] | None, typer.Argument(metavar="[SCENARIO...]", help="What-ifs; the shipped ones if none is named.")
    ] = None,
    by: Annotated[
        str, typer.Option(metavar="FIGURE", help="What to rank by: people helped, or a rung, MEASURE/BASE/AT.")
    ] = str(RANKED_BY),
) -> None:
    """Compare what-ifs with a scenario on the same clients, and rank them by how many people more they help.

    Examples:

        caseload-sim rank hepgul_2016

        caseload-sim rank hepgul_2016 right_target my_service.toml --by recovery/finished
    """
    figure = ranked_by(as_written_now("--by", by))
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    others = [shared.opened(name) for name in what_ifs or WHAT_IFS]
    run, everybody = chosen.run, (chosen, *others)
    works = [with_run(one, None, run.replications) for one in everybody]
    announce_work(works, shared.beyond_limits, jobs=shared.jobs)
    with table_folder(shared, chosen, "rank", {"by": str(figure)}, others) as folder:
        with at_work(shared, folder, chosen, named=", ".join(one.name for one in everybody)) as how:
            rows = run_rank(chosen, others, by=figure, seed=run.seed, replications=run.replications, **how)
        folder.save_table(rows, RankRow, lambda: drawn("ranking", tables_of("rank", chosen, of="", table=rows)))
    if shared.json:
        print_json(rows)
    else:
        print_ranking(rows)
    saved_in(folder)


# Columns of the ranking, after the rung: heading, width, and what stands there.
_RANK_COLUMNS: tuple[tuple[str, int, Callable[[RankRow], str]], ...] = (
    ("value", 7, lambda row: percent(row.value) if row.unit == "share" else f"{row.value:,.0f}"),
    ("gain", 22, lambda row: _gain(row)),
    ("GBP each", 12, lambda row: _each(row.gbp_per_one_more)),
)


def _gain(row: RankRow) -> str:
    return changed(row.unit, row.gain, row.gain_lower_95_ci, row.gain_upper_95_ci)


def _each(gbp: float) -> str:
    """What one more costs: a dash where there are none, and no negative price where there are more for less money."""
    return "-" if np.isnan(gbp) else "costs less" if gbp < 0 else f"{gbp:,.0f}"


def print_ranking(rows: Sequence[RankRow]) -> None:
    """What-ifs by gain, the largest first, each with its gain in people and in every rung."""
    page = Page()
    by = rows[0].ranked_by
    page.title(f"RANKED BY GAIN IN {by}, over {rows[0].versus}")
    print_meanings(page, [row.measure for row in rows])
    page.heading(in_columns(("", -39), *((name, width) for name, width, _ in _RANK_COLUMNS)))
    for place, some in groupby(rows, key=lambda row: row.place):
        of_one = list(some)
        page.say(f"{place}  {of_one[0].scenario}", "bold")
        for row in of_one:
            label = f"   {words(row.measure)}, {row.base}, {words(row.at)}"
            page.line(in_columns((label, -39), *((text(row), width) for _, width, text in _RANK_COLUMNS)))
            if could_be := could_be_text(row.gain_could_be_low, row.gain_could_be_high, row.unit, with_sign=True):
                page.line(in_columns(("     could be", -39), (could_be, 29)), "dim")
    page.gap()
    n = rows[0].n_replications
    page.note(
        f"{replications_text(n)} on common random numbers. gain: over {rows[0].versus}, in people or in points of 100. {CHANCE_ALONE} "
        "could be: lowest and highest gain by other structures of the outcome model, no interval. "
        "GBP each: what is spent more for each client more who is well or helped; - where there are not more, `costs less` where "
        "there are and less is spent. Places whose intervals overlap may change with another seed."
    )
