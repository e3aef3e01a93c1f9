"""A comparison as a table on a terminal, readable at 80 columns."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from caseload_sim.comparison import Compared, ComparisonRow, shown
from caseload_sim.comparison_figures import reading
from caseload_sim.definitions import definition
from caseload_sim.tables import value_text
from caseload_sim.wording import words

_NAME_WIDTH = 24


def print_comparison(compared: Compared, measures: Sequence[str] = ()) -> None:
    """Headlines, or the measures asked for: each under its definition and denominator, a line for each scenario."""
    console = Console(highlight=False)
    run = compared.results[0].scenario.run
    console.print(Text(f"COMPARED WITH {compared.versus}, on common random numbers", "bold reverse"))
    console.print(Text(f"{'':<{_NAME_WIDTH}}{'value':>22}{'difference':>25}{'removed':>9}", "dim"), soft_wrap=True)
    said = ""
    for measure, rows in groupby(shown(compared.rows, measures), key=lambda row: row.measure):
        meaning = definition(measure)
        console.print(Text.assemble((words(measure), "bold"), ": ", (meaning.definition, "dim")))
        if meaning.denominator and meaning.denominator != said:
            console.print(Padding(Text(f"of: {meaning.denominator}", "dim"), (0, 0, 0, 2), expand=False))
        said = meaning.denominator
        for label, same in groupby(rows, key=reading):
            if label:
                console.print(Text(f"  {label}"))
            for row in same:
                for line in _lines(row):
                    console.print(Text(line), soft_wrap=True)
    console.print()
    console.print(
        Text(
            f"Seed {run.seed}, {run.replications} replication{'s' * (run.replications > 1)}. difference: less "
            f"{compared.versus}, shares in points of %. Brackets: 95% interval over replications, of differences paired; "
            "chance alone, not the doubt about assumptions. removed: share of the variance of the difference that common "
            "draws take away, itself rough with few replications. All rows, for every group of clients, are in differences.csv.",
            "dim",
        )
    )


def _lines(row: ComparisonRow) -> list[str]:
    lines = []
    name = f"    {row.scenario}"
    if len(name) > _NAME_WIDTH:
        lines.append(name)
        name = ""
    removed = "" if np.isnan(row.variance_removed) else f"{100 * row.variance_removed:.0f}%"
    return [*lines, f"{name:<{_NAME_WIDTH}}{value_text(row):>22}{_difference(row):>25}{removed:>9}".rstrip()]


def _difference(row: ComparisonRow) -> str:
    """The difference with its interval, as +2.4 (+1.3, +3.5), signed throughout."""
    if not row.versus:
        return "compared with"
    if np.isnan(row.difference):
        return "-"
    scale = 100 if row.unit == "share" else 1
    digits = "+z,.0f" if row.unit in ("referrals", "clients", "GBP") else "+z.1f"
    if np.isnan(row.difference_lower_95_ci):
        return f"{scale * row.difference:{digits}}"
    low, high = scale * row.difference_lower_95_ci, scale * row.difference_upper_95_ci
    return f"{scale * row.difference:{digits}} ({low:{digits}}, {high:{digits}})"
