"""Commands that account for a figure: where it comes from, what an audit would find, how sure it is, what would raise it."""

from __future__ import annotations

from typing import Annotated

import typer

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
    opened,
    print_json,
    save_and_show,
    with_run,
)
from caseload_sim.errors import RunError


def reconcile(
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
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
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
    from caseload_sim.reconciliation import figure_in

    to, since = figure_in(end), figure_in(start or "recovery/finished")
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    second = None if other is None else with_run(opened(other, scenario_path, sets), seed, replications)

    from caseload_sim.account_figures import plot_waterfall
    from caseload_sim.account_tables import print_reconciliation
    from caseload_sim.figures import whole
    from caseload_sim.progress import Progress
    from caseload_sim.reconciliation import GROUPS, ReconcileRow, reconcile_scenarios
    from caseload_sim.reconciliation import reconcile as run_reconcile

    # Between two scenarios, every mixture of groups runs, half of them nearer to each.
    both = [chosen] if second is None else [chosen, second]
    announce_work(both, beyond_limits, times=1 if second is None else 2 ** (len(GROUPS) - 1))
    if second is None:
        with Progress(chosen) as progress:
            rows = run_reconcile(chosen, since, to, progress=progress)
        asked = f"reconcile {since} {to}"
    else:
        with Progress(chosen, "runs", f"{chosen.name}, {second.name}") as progress:
            rows = reconcile_scenarios(
                chosen, second, to, seed=seed, replications=chosen.run.replications, progress=progress
            )
        asked = f"reconcile {second.model_dump_json()} {to}"
    save_and_show(
        chosen, "reconcile", asked, out, rows, ReconcileRow, lambda: whole(plot_waterfall(rows)),
        lambda: print_json(rows) if json else print_reconciliation(rows),
    )  # fmt: skip


def audit(
    scenario: ScenarioArgument = DEFAULT,
    n: Annotated[int, typer.Option("--n", help="Clients interviewed by the audit.")] = 90,
    result: Annotated[float, typer.Option(help="Share found well by the audit, 0 to 1.")] = 0.092,
    seed: Seed = None,
    replications: Replications = None,
    out: Out = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    beyond_limits: BeyondLimits = False,
    json: Json = False,
) -> None:
    """Show what an independent audit by interview would find by each definition, and what a given result would take.

    Example:

        caseload-sim audit hepgul_2016 --n 90 --result 0.092
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.account_figures import plot_audit
    from caseload_sim.account_tables import print_audit
    from caseload_sim.audits import AuditRow
    from caseload_sim.audits import audit as run_audit
    from caseload_sim.figures import whole
    from caseload_sim.progress import Progress

    announce_work([chosen], beyond_limits)
    with Progress(chosen) as progress:
        rows = run_audit(chosen, n=n, result=result, progress=progress)
    save_and_show(
        chosen, "audit", f"audit {n} {result}", out, rows, AuditRow, lambda: whole(plot_audit(rows)),
        lambda: print_json(rows) if json else print_audit(rows),
    )  # fmt: skip


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
    from caseload_sim.account_figures import draw_uncertainty
    from caseload_sim.account_tables import print_doubt
    from caseload_sim.doubt import DoubtRow, TornadoRow
    from caseload_sim.doubt import uncertainty as run_uncertainty
    from caseload_sim.progress import Progress

    announce_work([chosen], beyond_limits, times=4 + (2 * len(chosen.doubt) + 1) / max(draws, 1))  # see `uncertainty`
    with Progress(chosen, "runs") as progress:
        rows, tornado = run_uncertainty(chosen, draws=draws, progress=progress)

    def show() -> None:
        if json:
            from caseload_sim.store import as_json

            print(f'{{"rungs": {as_json(rows)},\n"tornado": {as_json(tornado)}}}')
        else:
            print_doubt(rows, tornado)

    save_and_show(
        chosen, "uncertainty", f"uncertainty {draws}", out, rows, DoubtRow, lambda: draw_uncertainty(rows, tornado),
        show, beside={"tornado": (tornado, TornadoRow)},
    )  # fmt: skip


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
    from caseload_sim.reconciliation import figure_in

    figure = figure_in(by)
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)

    from caseload_sim.account_figures import plot_ranking
    from caseload_sim.account_tables import print_ranking
    from caseload_sim.figures import whole
    from caseload_sim.progress import Progress
    from caseload_sim.ranking import WHAT_IFS, RankRow
    from caseload_sim.ranking import rank as run_rank

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
