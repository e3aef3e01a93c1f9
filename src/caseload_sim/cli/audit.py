"""The command that says what an independent audit by interview would find."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from caseload_sim.analysis.audit import AuditRow
from caseload_sim.analysis.audit import audit as run_audit
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, percent, print_json, print_meanings, replications_text
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.gallery import drawn, tables_of


@takes(*OF_A_TABLE)
def audit(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    n: Annotated[int, typer.Option("--n", help="Clients interviewed by the audit.")] = 90,
    result: Annotated[float, typer.Option(help="Share found well by the audit, 0 to 1.")] = 0.092,
) -> None:
    """Show what an independent audit by interview would find by each definition, and what a given result would take.

    Example:

        caseload-sim audit hepgul_2016 --n 90 --result 0.092
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    announce_work([chosen], shared.beyond_limits, jobs=shared.jobs)
    with table_folder(shared, chosen, "audit", {"n": n, "result": result}) as folder:
        with at_work(shared, folder, chosen) as how:
            rows = run_audit(chosen, n=n, result=result, **how)
        folder.save_table(rows, AuditRow, lambda: drawn("audit", tables_of("audit", chosen, table=rows)))
    if shared.json:
        print_json(rows)
    else:
        print_audit(rows)
    saved_in(folder)


def print_audit(rows: Sequence[AuditRow]) -> None:
    """What an audit would find, by each definition."""
    page = Page()
    first = rows[0]
    page.title(f"AN AUDIT OF {first.n:,} that found {percent(first.result)}: {first.scenario}")
    print_meanings(page, [row.measure for row in rows])
    page.heading(in_columns(("", -42), ("model", 6), ("95% of audits", 15), ("<=found", 8), ("odds", 5)))
    mark = {"definition": "d", "both": "b", "selection": "s"}
    for row in rows:
        label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.audited_lower_95:.1f}-{100 * row.audited_upper_95:.1f}"
        chance = f"{row.chance_of_result:.3f}" if row.chance_of_result >= 0.0005 else "<0.001"
        odds = "-" if np.isnan(row.sampling_odds) else f"{row.sampling_odds:.1f}"
        cells = (
            (label, -42),
            (percent(row.value), 6),
            (between, 15),
            (chance, 8),
            (odds, 5),
            (mark[row.explained_by], -2),
        )
        page.line(in_columns(*cells))
    page.gap()
    page.note(
        f"{replications_text(first.n_replications)}. 95% of audits: where the rates of such audits "
        "fall, by chance of the sample and of the year. <=found: chance of the result or less. odds: how many times likelier "
        "somebody still ill would have to be sampled than somebody well, for the result to be what is expected. d: the "
        "definition alone explains the result; s: only selection could, for a figure by questionnaire; b: it takes this "
        "definition and selection. The model's own doubt is not in it: see `caseload-sim uncertainty`."
    )
