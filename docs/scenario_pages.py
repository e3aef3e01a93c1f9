"""Write a page for each shipped scenario: `python docs/scenario_pages.py [NAME ...]`, all of them without a name.

A page has two parts. The first says what the scenario is, what it changes and where each number comes from; it is made
from the scenario alone, and a test keeps it up to date. The second, between two marks, holds simulated figures.
"""

import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np

from caseload_sim import get_scenario, list_scenarios, list_sources, replicate, what_differs
from caseload_sim.definitions.quantities import DIFFERENCE, HELPED_TO, LADDER, SERVICES, Quantity
from caseload_sim.experiments.compare import ComparisonRow, differences
from caseload_sim.experiments.replicate import Results
from caseload_sim.figures.gallery import FreshRun, drawn
from caseload_sim.figures.style import ladder_label
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.scenario.files import shipped_folder
from caseload_sim.scenario.in_words import PUBLISHED, Difference
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario

FOLDER = Path(__file__).parent / "scenarios"
REPLICATIONS, REPLICATIONS_OF_PROVIDERS = 5, 2
DOTS_PER_INCH = 70
SIMULATED, END = "<!-- simulated -->", "<!-- end of simulated -->"
PEOPLE_AND_WAITS = (
    ("helped_to_recovery", "people helped beyond no service, by questionnaires"),
    ("helped_to_remission", "people helped beyond no service, by interview"),
    ("first_contact_days_mean", "days from referral to first contact, mean"),
    ("second_contact_days_mean", "days from first to second contact, mean"),
)


def parent_of(name: str) -> str | None:
    """The scenario that a shipped one extends, None for one that stands by itself."""
    content = tomllib.loads((shipped_folder() / f"{name}.toml").read_text("utf-8"))
    extends: str | None = content.get("extends")
    return extends


def page(name: str) -> str:
    """The part of a page that follows from the scenario alone."""
    scenario, parent = get_scenario(name), parent_of(name)
    against = f"compare {parent} {name}" if parent else f"explain {name}"
    lines = [
        f"# {name}",
        "",
        "<!-- Made by docs/refresh.py: change the scenario, not this page. -->",
        "",
        f"**{scenario.title}.** {scenario.summary.strip()}",
        "",
        f"**Look at:** {scenario.look_at}",
        "",
        f"[All scenarios](README.md) · `caseload-sim run {name}` · `caseload-sim {against}`",
        "",
        *(_differences(scenario, parent) if parent else _root(scenario)),
    ]
    return "\n".join(lines) + "\n"


def index() -> str:
    """The list of all scenarios."""
    lines = [
        "# Scenarios",
        "",
        "<!-- Made by docs/refresh.py. -->",
        "",
        "Each changes what its question is about and nothing else. Its page gives the reason, what differs, where every number "
        "comes from, and what came out of a few replications.",
        "",
        "| scenario | what it is | extends | look at |",
        "|---|---|---|---|",
    ]
    for name in list_scenarios():
        scenario, parent = get_scenario(name), parent_of(name) or ""
        lines.append(f"| [{name}]({name}.md) | {scenario.title} | {parent} | {scenario.look_at} |")
    return "\n".join(lines) + "\n"


def _root(scenario: Scenario) -> list[str]:
    every = [number for _, number, _ in numbers(scenario)]
    sourced, fitted = sum(bool(n.source) for n in every), sum(bool(n.fitted) for n in every)
    return [
        "## What it assumes",
        "",
        f"It extends nothing. Of its {len(every)} numbers {sourced} have a source, {fitted} are fitted, and "
        f"{len(every) - sourced - fitted} are assumptions; `caseload-sim explain {scenario.name}` gives all of them.",
        "",
        "## Sources",
        "",
        *_cited({n.source for n in every if n.source}),
    ]


def _differences(scenario: Scenario, parent: str) -> list[str]:
    found = what_differs(get_scenario(parent), scenario)
    published = [one for one in found if one.path.startswith(PUBLISHED)]
    inputs = [one for one in found if one not in published]
    lines = [
        f"## What differs from [{parent}]({parent}.md)",
        "",
        f"| input | {parent} | here | origin of the value here |",
        "|---|---|---|---|",
        *(
            f"| `{one.path}`<br>{one.meaning} | {_said(one.first)} | {_said(one.second)} | {_origin(one)} |"
            for one in inputs
        ),
        "",
    ]
    if published:
        lines += [
            f"Besides, {len(published)} entries of published figures to compare with; `caseload-sim diff {parent} {scenario.name} --all` gives all.",
            "",
        ]
    keys = {
        number.source for path, number, _ in numbers(scenario) if number.source and path in {one.path for one in inputs}
    }
    return [*lines, "## Sources", "", *(_cited(keys) or ["None: what it changes is assumed, or a choice."])]


def _cited(keys: set[str]) -> list[str]:
    sources = list_sources()
    return [f"- {key}: {sources[key].citation}{_doi(sources[key].doi)}" for key in sorted(keys)]


def _doi(doi: str | None) -> str:
    return f" [doi:{doi}](https://doi.org/{doi})" if doi else ""


def _origin(one: Difference) -> str:
    if one.path == "pathway.policy":
        return f"a choice: {POLICIES[one.second].description}"
    return one.second_origin.replace("|", "/") or ("not there" if one.second is None else "a choice")


def _said(value: object) -> str:
    if value is None:
        return "not there"
    if isinstance(value, float):
        return f"{value:.10g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# --- the simulated part ---------------------------------------------------------------------------------------------


def replications_of(name: str) -> int:
    """How many replications a page has, and its parent's beside them."""
    return REPLICATIONS_OF_PROVIDERS if get_scenario(name).providers else REPLICATIONS


@cache
def results_of(name: str, replications: int) -> Results:
    """A few replications of the scenario, with its own seed."""
    return replicate(get_scenario(name), replications=replications)


def simulated(name: str) -> str:
    """The part of a page that holds simulated figures, marks included."""
    n, parent = replications_of(name), parent_of(name)
    results = results_of(name, n)
    beside = differences([results], results_of(parent, n)) if parent else None
    in_parent = f" difference from {parent} |" if parent else ""
    lines = [
        SIMULATED,
        "",
        "## What came out",
        "",
        f"{n} replications with seed {results.scenario.run.seed}, each a simulated "
        f"{results.scenario.run.data_collection_days} days; in brackets the 95% interval of their mean, which "
        "is chance alone."
        + f" Differences from {parent} are paired: the same people and draws, so that only what differs parts the two."
        * bool(parent),
        "",
        f"| of all clients (%) | with the service | the same clients with none | added by the service |{in_parent}",
        f"|---|---|---|---|{'---|' if parent else ''}",
    ]
    rungs = {rung: ladder_label(rung) for rung in LADDER}
    rungs[Quantity("all_remission", "referred", "end")] = "all disorders gone\nof all referred"
    for rung, label in rungs.items():
        rows = [row_of(results.rows, rung._replace(service=service)) for service in (*SERVICES, DIFFERENCE)]
        last = f" {_change(row_of(beside, rung), 100, '.1f')} |" if beside else ""
        lines.append(
            f"| {', '.join(label.splitlines())} | {_percent(rows[0], True)} | {_percent(rows[1])} | {_percent(rows[2], True)} |{last}"
        )
    lines += ["", f"| a year, and days | here |{in_parent}", f"|---|---|{'---|' if parent else ''}"]
    for measure, label in PEOPLE_AND_WAITS:
        last = f" {_change(row_of(beside, Quantity(measure, at=_at(measure))), 1, ',.0f')} |" if beside else ""
        lines.append(f"| {label} | {_whole(results.find(measure, at=_at(measure)))} |{last}")
    alt = f"The ladder of {name}: each rung with the service and for the same clients with none, as in the table above"
    return "\n".join([*lines, "", f"![{alt}](images/{name}.png)", "", END]) + "\n"


def _percent(row: Row, with_interval: bool = False) -> str:
    if np.isnan(row.value):
        return "none"
    interval = f" ({100 * row.lower_95_ci:.1f} to {100 * row.upper_95_ci:.1f})" if with_interval else ""
    return f"{100 * row.value:.1f}{interval}"


def _whole(row: Row) -> str:
    return "none" if np.isnan(row.value) else f"{row.value:,.0f}"


def _change(row: ComparisonRow, times: float, digits: str) -> str:
    """A paired difference with its interval."""
    if np.isnan(row.difference):
        return "none"
    low, value, high = (times * end for end in (row.difference_lower_95_ci, row.difference, row.difference_upper_95_ci))
    return f"{value:+z{digits}} ({low:+z{digits}} to {high:+z{digits}})"


def _at(measure: str) -> str:
    return "end" if measure in HELPED_TO else ""


def without_simulated(text: str) -> str:
    """A page without its simulated part."""
    return re.sub(f"\n{re.escape(SIMULATED)}.*{re.escape(END)}\n", "", text, flags=re.DOTALL)


def write_pages(names: tuple[str, ...]) -> None:
    """Write these pages with their figures, and the index."""
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    for name in names:
        figure = drawn("ladder", FreshRun.of(results_of(name, replications_of(name))))
        figure.savefig(FOLDER / "images" / f"{name}.png", dpi=DOTS_PER_INCH)
        (FOLDER / f"{name}.md").write_text(f"{page(name)}\n{simulated(name)}", encoding="utf-8", newline="\n")
        print(name, file=sys.stderr)
    (FOLDER / "README.md").write_text(index(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_pages(tuple(sys.argv[1:]) or list_scenarios())
