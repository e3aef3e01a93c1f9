"""Commands that account for a figure: where it comes from, what an audit would find, how sure it is, what would raise it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.analysis.audit import AuditRow
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
from caseload_sim.cli.reconcile import _percent, _print_meanings
from caseload_sim.definitions.quantities import words


def print_audit(rows: Sequence[AuditRow]) -> None:
    """What an audit would find, by each definition."""
    console = Console(highlight=False)
    first = rows[0]
    console.print(
        Text(f"AN AUDIT OF {first.n:,} that found {_percent(first.result)}: {first.scenario}", "bold reverse")
    )
    _print_meanings(console, [row.measure for row in rows])
    console.print(Text(f"{'':<42}{'model':>6}{'95% of audits':>15}{'<=found':>8}{'odds':>5}", "dim"), soft_wrap=True)
    mark = {"definition": " d", "both": " b", "selection": " s"}
    for row in rows:
        label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
        between = f"{100 * row.audited_lower_95:.1f}-{100 * row.audited_upper_95:.1f}"
        chance = f"{row.chance_of_result:.3f}" if row.chance_of_result >= 0.0005 else "<0.001"
        odds = "-" if np.isnan(row.sampling_odds) else f"{row.sampling_odds:.1f}"
        line = f"{label:<42}{_percent(row.value):>6}{between:>15}{chance:>8}{odds:>5}{mark[row.explained_by]}"
        console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(
        Text(
            f"{first.n_replications} replication{'s' * (first.n_replications != 1)}. 95% of audits: where the rates of such audits "
            "fall, by chance of the sample and of the year. <=found: chance of the result or less. odds: how many times likelier "
            "somebody still ill would have to be sampled than somebody well, for the result to be what is expected. d: the "
            "definition alone explains the result; s: only selection could, for a figure by questionnaire; b: it takes this "
            "definition and selection. The model's own doubt is not in it: see `caseload-sim uncertainty`.",
            "dim",
        )
    )


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
    from caseload_sim.analysis.audit import AuditRow
    from caseload_sim.analysis.audit import audit as run_audit
    from caseload_sim.cli.audit import print_audit
    from caseload_sim.cli.progress import Progress
    from caseload_sim.figures.accounts import plot_audit
    from caseload_sim.figures.style import whole

    announce_work([chosen], beyond_limits)
    with Progress(chosen) as progress:
        rows = run_audit(chosen, n=n, result=result, progress=progress)
    save_and_show(
        chosen, "audit", f"audit {n} {result}", out, rows, AuditRow, lambda: whole(plot_audit(rows)),
        lambda: print_json(rows) if json else print_audit(rows),
    )  # fmt: skip
