"""What a service costs, and what a recovery or remission costs by each definition, on a terminal at 80 columns."""

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.text import Text

from caseload_sim.cost_measures import BASES
from caseload_sim.costs import Costs, financial_year
from caseload_sim.experiment import Row

# Label, measure without "cost_per_" or "cost_per_extra_", and when it is read.
_LINES = (
    ("referral", "referral", ""),
    ("finished course", "finished_course", ""),
    ("recovery", "recovery", "end"),
    ("principal remission", "principal_remission", "end"),
    ("all remission", "all_remission", "end"),
    ("full remission", "full_remission", "end"),
    ("full, sustained a year", "full_remission", "sustained"),
)
_NAME, _NUMBER = 26, 18


def print_costs(rows: Sequence[Row], costs: Costs) -> None:
    """Pounds per referral, course, recovery and remission, and per one more than the same clients reach untreated."""
    console = Console(highlight=False)
    found = {(row.measure, row.base, row.at): row for row in rows if row.group == "all"}
    console.print(
        Text(f"WHAT IT COSTS: pounds at {financial_year(costs.report_year)} prices, {_basis(costs)}", "bold reverse")
    )
    console.print(Text(f"{'all the money, per':<{_NAME}}{''.join(f'{base:>{_NUMBER}}' for base in BASES)}", "dim"))
    for prefix, heading in (
        ("cost_per_", ""),
        ("cost_per_extra_", "per one more than the same clients reach untreated"),
    ):
        if heading:
            console.print(Text(heading, "dim"))
        for label, name, at in _LINES:
            some = [found.get((prefix + name, base, at)) for base in BASES]
            if any(some):
                line = f"  {label:<{_NAME - 2}}" + "".join(f"{_pounds(row):>{_NUMBER}}" for row in some)
                console.print(Text(line.rstrip()), soft_wrap=True)
    console.print(
        Text(
            "Referrals ended in the period, those of the column: with two or more contacts, with any, all. Money spent on "
            "those who did not get better is in. \u00b1: 95% interval of the mean over replications. -: not defined, or the "
            f"service adds none. Prices are of {_years(costs)}: see [costs] in `explain`.",
            "dim",
        )
    )
    console.print()


def _basis(costs: Costs) -> str:
    return "each contact at a price" if costs.basis == "sessions" else "by staff in post"


def _years(costs: Costs) -> str:
    year = (costs.sessions if costs.basis == "sessions" else costs.wte).price_year.value
    factor = costs.inflated(year)
    return f"{financial_year(year)}" + (f", times {factor:.2f}" if factor != 1 else "")


def _pounds(row: Row | None) -> str:
    if row is None:
        return ""
    if np.isnan(row.value):
        return "-"
    half = row.upper_95_ci - row.value
    return f"{row.value:,.0f}" + ("" if np.isnan(half) else f" \u00b1{half:,.0f}")
