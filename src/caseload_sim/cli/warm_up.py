"""The command `warm-up`: how long a service takes to settle, and what it prints."""

from collections.abc import Sequence

from caseload_sim.analysis.warm_up import WarmUpRow
from caseload_sim.analysis.warm_up import warm_up as by_rule
from caseload_sim.cli.options import DEFAULT, OF_A_TABLE, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, print_json
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.experiments.replicate import days_of
from caseload_sim.experiments.settings import with_run
from caseload_sim.figures.solve import draw_warm_up


@takes(*OF_A_TABLE)
def warm_up(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Say by a published rule, MSER-5, how many days from opening to leave out, beside what the scenario leaves out.

    The rule looks at every waiting list and at the use of places, means over the replications, until data collection ends. A
    scenario with a running start opens with its lists full, and may need little.

    Example:

        caseload-sim warm-up national_2024_25 --replications 10 --jobs 2
    """
    chosen = with_run(shared.opened(scenario), shared.seed, shared.replications)
    announce_work([chosen], shared.beyond_limits, jobs=shared.jobs)
    with table_folder(shared, chosen, "warm-up", "warm-up") as folder:
        with at_work(shared, folder, chosen) as how:
            over_time = days_of(chosen, **how)
        rows = by_rule(chosen, over_time)
        folder.save_table(rows, WarmUpRow, lambda: draw_warm_up(rows, over_time))
    if shared.json:
        print_json(rows)
    else:
        print_warm_up(rows)
    saved_in(folder)


def print_warm_up(rows: Sequence[WarmUpRow]) -> None:
    """Each series with the day on which it settles, and the longest beside what the scenario leaves out."""
    page = Page()
    page.title("WARM-UP by MSER-5: first day that counts, of means over replications on working days")
    page.note(in_columns(("", -48), ("mean", 9), ("first day", 14)))
    for row in rows:
        mean = (
            "-"
            if row.settled_day is None
            else f"{100 * row.mean:.1f}%"
            if row.measure == "utilisation"
            else f"{row.mean:.1f}"
        )
        day = "cannot tell" if row.settled_day is None else str(row.settled_day)
        style = "" if row.is_long_enough else "bold"
        page.say(in_columns((f"{words(row.measure)}, {words(row.step)}", -48), (mean, 9), (day, 14)), style)
    known = [row.settled_day for row in rows if row.settled_day is not None]
    own = rows[0].own_warm_up_days if rows else 0
    if known:
        enough = "enough" if max(known) <= own else "too short"
        page.say(f"The rule: {max(known)} days. The scenario leaves out {own}: {enough}.", "bold")
    else:
        page.say(f"The rule cannot tell. The scenario leaves out {own} days.", "bold")
    page.note("cannot tell: cut in the second half, so that it still moves, with seasons or with a list that grows.")
