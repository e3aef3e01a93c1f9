"""Where a service settles, on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from caseload_sim.settling import WarmUpRow
from caseload_sim.wording import words


def print_warm_up(rows: Sequence[WarmUpRow]) -> None:
    """Each series with the day on which it settles, and the longest beside what the scenario leaves out."""
    console = Console(highlight=False)
    console.print(
        Text("WARM-UP by MSER-5: first day that counts, of means over replications on working days", "bold reverse")
    )
    console.print(Text(f"{'':<48}{'mean':>9}{'first day':>14}", "dim"))
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
        console.print(Text(f"{words(row.measure) + ', ' + words(row.step):<48}{mean:>9}{day:>14}", style))
    known = [row.settled_day for row in rows if row.settled_day is not None]
    own = rows[0].own_warm_up_days if rows else 0
    if known:
        enough = "enough" if max(known) <= own else "too short"
        console.print(Text(f"The rule: {max(known)} days. The scenario leaves out {own}: {enough}.", "bold"))
    else:
        console.print(Text(f"The rule cannot tell. The scenario leaves out {own} days.", "bold"))
    console.print(
        Text(
            "cannot tell: cut in the second half, so that it still moves, with seasons or with a list that grows.",
            "dim",
        )
    )
