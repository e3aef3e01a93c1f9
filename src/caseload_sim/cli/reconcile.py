"""The command that accounts for the way from one figure to another."""

from collections.abc import Sequence
from typing import Annotated

import typer

from caseload_sim.analysis.reconcile import GROUPS, ReconcileRow, figure_in, reconcile_scenarios
from caseload_sim.analysis.reconcile import reconcile as run_reconcile
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, as_written_now, takes
from caseload_sim.cli.printing import (
    CHANCE_ALONE,
    Page,
    in_columns,
    percent,
    print_json,
    print_meanings,
    replications_text,
    signed,
)
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import drawn, tables_of

ORDER_MATTERS = (
    "The order matters: a mechanism that comes later has less left to take. `in order` is the order of the table; `any order` "
    "is the mean over all orders (Shapley)."
)


def print_reconciliation(rows: Sequence[ReconcileRow]) -> None:
    """The way from one figure to another, a line for each mechanism."""
    page = Page()
    start, end = (next(row for row in rows if row.kind == kind) for kind in ("start", "end"))
    page.title(f"RECONCILED: {start.scenario}")
    page.say(f"from {start.name}\nto {end.name}", "bold")
    print_meanings(page, [Quantity.parse(row.name.partition(" in ")[0]).measure for row in (start, end)])
    page.heading(in_columns(("", -32), ("figure", 6), ("in order", 21), ("any order", 21)))
    for row in rows:
        ends = row.kind in ("start", "end")
        name = row.name if ends else f" {'of it: ' * (row.kind == 'part')}{row.meaning}"
        if len(name) > 32:
            page.line(name, "bold" if ends else "")
            name = ""
        changed = "" if ends else signed(row.change, row.change_lower_95_ci, row.change_upper_95_ci)
        averaged = signed(row.shapley, row.shapley_lower_95_ci, row.shapley_upper_95_ci)
        line = in_columns((name, -32), (percent(row.value), 6), (changed, 21), (averaged, 21))
        page.line(line, "bold" if ends else "")
    page.gap()
    n = start.n_replications
    page.note(f"{replications_text(n)}, points of 100. {ORDER_MATTERS} {CHANCE_ALONE}")


@takes(*OF_A_TABLE)
def reconcile(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second scenario: the same figure in both.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="FIGURE", help="MEASURE/BASE/AT to start from; recovery/finished if not given."),
    ] = None,
    end: Annotated[
        str, typer.Option("--to", metavar="FIGURE", help="MEASURE/BASE/AT to end at, or the figure of both scenarios.")
    ] = "all_remission/started/month_12",
) -> None:
    """Account for the way from one figure to another, mechanism by mechanism, on the same clients.

    With a second scenario, the same figure in both, by groups of inputs. The order matters, so the mean over all orders
    (Shapley) stands beside.

    Examples:

        caseload-sim reconcile hepgul_2016 --from recovery/finished --to all_remission/started/month_12

        caseload-sim reconcile hepgul_2016 national_2024_25 --to recovery/finished
    """
    if other is not None and start is not None:
        raise RunError("--from: between two scenarios the figure is the same in both; name it with --to alone.")
    to = figure_in(as_written_now("--to", end))
    since = figure_in(as_written_now("--from", start or "recovery/finished"))
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    second = None if other is None else with_run(shared.opened(other), shared.seed, shared.replications)
    # Between two scenarios, every mixture of groups runs, half of them nearer to each.
    both = [chosen] if second is None else [chosen, second]
    times = 1 if second is None else 2 ** (len(GROUPS) - 1)
    announce_work(both, shared.beyond_limits, times=times, jobs=shared.jobs, keeping=Keeping(all_tables=True))
    asked = {"from": str(since if second is None else to), "to": str(to)}
    with table_folder(shared, chosen, "reconcile", asked, both[1:]) as folder:
        if second is None:
            with at_work(shared, folder, chosen) as how:
                rows = run_reconcile(chosen, since, to, **how)
        else:
            n = chosen.run.replications
            with at_work(shared, folder, chosen, "runs", f"{chosen.name}, {second.name}") as how:
                rows = reconcile_scenarios(chosen, second, to, seed=shared.seed, replications=n, **how)
        folder.save_table(rows, ReconcileRow, lambda: drawn("waterfall", tables_of("reconcile", chosen, table=rows)))
    if shared.json:
        print_json(rows)
    else:
        print_reconciliation(rows)
    saved_in(folder)
