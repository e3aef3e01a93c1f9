"""Commands that account for a figure: where it comes from, what an audit would find, how sure it is, what would raise it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.analysis.rank import RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
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
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity, words
from caseload_sim.errors import RunError

ORDER_MATTERS = (
    "The order matters: a mechanism that comes later has less left to take. `in order` is the order of the table; `any order` "
    "is the mean over all orders (Shapley)."
)
_TOO_LITTLE_TO_SHOW = 0.0005
_CHANCE_ALONE = "Brackets: 95% interval over replications, paired; chance alone, not the doubt about assumptions."


def print_reconciliation(rows: Sequence[ReconcileRow]) -> None:
    """The way from one figure to another, a line for each mechanism."""
    console = Console(highlight=False)
    start, end = (next(row for row in rows if row.kind == kind) for kind in ("start", "end"))
    console.print(Text(f"RECONCILED: {start.scenario}", "bold reverse"))
    console.print(Text(f"from {start.name}\nto {end.name}", "bold"))
    _print_meanings(console, [Quantity.parse(row.name.partition(" in ")[0]).measure for row in (start, end)])
    console.print(Text(f"{'':<32}{'figure':>6}{'in order':>21}{'any order':>21}", "dim"), soft_wrap=True)
    for row in rows:
        ends = row.kind in ("start", "end")
        name = row.name if ends else f" {'of it: ' * (row.kind == 'part')}{row.meaning}"
        if len(name) > 32:
            console.print(Text(name, "bold" if ends else ""), soft_wrap=True)
            name = ""
        changed = "" if ends else _signed(row.change, row.change_lower_95_ci, row.change_upper_95_ci)
        averaged = _signed(row.shapley, row.shapley_lower_95_ci, row.shapley_upper_95_ci)
        line = f"{name:<32}{_percent(row.value):>6}{changed:>21}{averaged:>21}".rstrip()
        console.print(Text(line, "bold" if ends else ""), soft_wrap=True)
    console.print()
    n = start.n_replications
    console.print(
        Text(f"{n} replication{'s' * (n != 1)}, points of 100. {ORDER_MATTERS} {_CHANCE_ALONE}", "dim"),
    )


# Columns of the ranking, after the rung: heading, width, and what stands there.
_RANK_COLUMNS: tuple[tuple[str, int, Callable[[RankRow], str]], ...] = (
    ("value", 7, lambda row: _percent(row.value)),
    ("gain", 22, lambda row: _signed(row.gain, row.gain_lower_95_ci, row.gain_upper_95_ci)),
    ("GBP each", 12, lambda row: "-" if np.isnan(row.gbp_per_one_more) else f"{row.gbp_per_one_more:,.0f}"),
)


def _print_meanings(console: Console, measures: Sequence[str]) -> None:
    """Each measure's definition, and each denominator once, under the measures that have it."""
    found = [definition(measure) for measure in dict.fromkeys(measures)]
    for denominator in dict.fromkeys(meaning.denominator for meaning in found):
        for meaning in found:
            if meaning.denominator == denominator:
                console.print(Text.assemble((words(meaning.name), "bold"), ": ", (meaning.definition, "dim")))
        console.print(Padding(Text(f"of: {denominator}", "dim"), (0, 0, 0, 2), expand=False))


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}%"


def _signed(value: float, low: float, high: float) -> str:
    """A change with its interval, as -2.4 (-3.5, -1.3); empty where there is none."""
    if np.isnan(value):
        return ""
    if np.isnan(low):
        return f"{100 * value:+z.1f}"
    return f"{100 * value:+z.1f} ({100 * low:+z.1f}, {100 * high:+z.1f})"


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
    from caseload_sim.analysis.reconcile import figure_in

    to = figure_in(as_written_now("--to", end))
    since = figure_in(as_written_now("--from", start or "recovery/finished"))
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    second = None if other is None else with_run(opened(other, scenario_path, sets), seed, replications)

    from caseload_sim.analysis.reconcile import GROUPS, ReconcileRow, reconcile_scenarios
    from caseload_sim.analysis.reconcile import reconcile as run_reconcile
    from caseload_sim.cli.progress import Progress
    from caseload_sim.cli.reconcile import print_reconciliation
    from caseload_sim.figures.accounts import plot_waterfall
    from caseload_sim.figures.style import whole

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
