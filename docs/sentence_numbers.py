"""Numbers inside sentences of the documentation: `python docs/sentence_numbers.py [PAGE ...]`, all pages without a name.

A simulated number in a sentence stands between two marks, which say what it is, of which scenario and of how many:

    <!-- number: recovery/finished/end hepgul_2016 5 -->44.0%<!-- /number -->
    <!-- number: odds ratio: ptsd and personality_disorder hepgul_2016 200000 -->4.3<!-- /number -->

A figure as `run` has it, MEASURE/BASE/AT/GROUP/SERVICE, is the mean over so many replications; a quantity of `population` (its
name has a colon and a space) is of so many clients. Each scenario is run once for all its numbers.
"""

import re
import sys
from functools import lru_cache
from pathlib import Path

from caseload_sim import Results, get_scenario, population_report, replicate
from caseload_sim.analysis.population_report import Comparison
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.measures.rows import row_of

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted(HERE.glob("*.md")))
NUMBER = re.compile(r"(<!-- number: ([^>]+) (\w+) (\d+) -->)(.*?)(<!-- /number -->)", re.DOTALL)
OF_POPULATION = ": "  # in the names of its quantities, and in no figure
# How a number of each unit is written in a sentence; of a population, shares begin with these words.
WRITTEN = {"share": "{:.1%}", "days": "{:.0f}", "contacts": "{:.1f}", "GBP": "{:,.0f}", "clients a year": "{:,.0f}"}
SHARES = ("prevalence", "any of", "disorders")


def with_numbers(text: str) -> str:
    """The text of a page with every number in its sentences renewed."""
    return NUMBER.sub(lambda found: f"{found[1]}{number(found[2], found[3], int(found[4]))}{found[6]}", text)


def number(figure: str, scenario: str, how_many: int) -> str:
    """One number as it is written. Raises RunError for an unknown figure, KeyError for one of a unit with no form."""
    if OF_POPULATION in figure:
        return form_of(figure).format(_population(scenario, how_many)[figure].achieved)
    row = row_of(_results(scenario, how_many).rows, Quantity.parse(figure))
    return WRITTEN[row.unit].format(row.value)


def form_of(quantity: str) -> str:
    """How a quantity of a population is written."""
    return WRITTEN["share"] if quantity.startswith(SHARES) else "{:.1f}"


@lru_cache
def _results(scenario: str, replications: int) -> Results:
    return replicate(get_scenario(scenario), replications=replications)


@lru_cache
def _population(scenario: str, n_clients: int) -> dict[str, Comparison]:
    return {row.quantity: row for row in population_report(get_scenario(scenario), n_clients)}


def write_numbers(*names: str) -> None:
    """Renew the numbers of these pages, or of all."""
    for page in PAGES:
        if not names or page.name in names:
            text = page.read_text(encoding="utf-8")
            page.write_text(with_numbers(text), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_numbers(*sys.argv[1:])
