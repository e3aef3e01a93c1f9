"""Renew the generated parts of the documentation: `python docs/refresh.py`.

Writes the tables between `<!-- generated: SCENARIO -->` and `<!-- end -->` in population.md, the figures beside, and the
tables between `<!-- generated: validation SCENARIO REPLICATIONS -->`, or `fitted SCENARIO`, and `<!-- end -->` in service.md;
then a page for each scenario (scenario_pages.py, which takes some minutes; run it alone with a name for one page).
"""

import re
from pathlib import Path

import numpy as np

from caseload_sim import get_scenario, list_scenarios, population_report, validate_model
from caseload_sim.definitions import definition
from caseload_sim.figures import words
from caseload_sim.origin import numbers
from caseload_sim.population_figures import draw_population
from caseload_sim.report import Comparison
from caseload_sim.service_fit import ValidationRow

HERE = Path(__file__).parent
N_CLIENTS = 200_000
MARKED = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table(rows: tuple[Comparison, ...]) -> str:
    """Rows as a Markdown table; strata with equal assumed shares are left out."""
    lines = [
        f"{N_CLIENTS:,} clients drawn with the scenario's seed. The interval is the source's own sampling error, where its n is known.",
        "",
        "| quantity | target | achieved | source 95% | use and origin |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if row.quantity.startswith("deprivation_decile"):
            continue
        target = "" if np.isnan(row.target) else f"{row.target:.3f}"
        interval = "" if np.isnan(row.lower_95_ci) else f"{row.lower_95_ci:.3f} to {row.upper_95_ci:.3f}"
        lines.append(f"| {words(row.quantity)} | {target} | {row.achieved:.3f} | {interval} | {row.source} |")
    return "\n".join(lines) + "\n"


def population_page() -> str:
    """population.md with its tables renewed."""
    text = (HERE / "population.md").read_text(encoding="utf-8")

    def renewed(match: re.Match[str]) -> str:
        rows = population_report(get_scenario(match[2]), N_CLIENTS)
        return f"{match[1]}\n{table(rows)}\n{match[4]}"

    return MARKED.sub(renewed, text)


SERVICE_MARKED = re.compile(r"(<!-- generated: (validation|fitted) (\w+) ?(\d*) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def service_page() -> str:
    """service.md with its tables renewed: simulated, which takes minutes."""
    text = (HERE / "service.md").read_text(encoding="utf-8")

    def renewed(match: re.Match[str]) -> str:
        rows = fitted_table(match[3]) if match[2] == "fitted" else validation_table(match[3], int(match[4]))
        return f"{match[1]}\n{rows}\n{match[6]}"

    return SERVICE_MARKED.sub(renewed, text)


def validation_table(name: str, replications: int) -> str:
    """Every official figure of a scenario against the model."""
    scenario = get_scenario(name)
    rows = validate_model(scenario, replications=replications)
    lines = [
        f"{replications} replications with the scenario's seed. Brackets: 95% interval of the model's mean.",
        "",
        "| quantity | official | model | tolerance | role | verdict | source or note |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        official = scenario.official[row.quantity]

        def shown(value: float, measure: str = official.measure) -> str:
            if np.isnan(value):
                return "-"
            return f"{100 * value:.1f}%" if definition(measure).unit == "share" else f"{value:.1f}"

        model = f"{shown(row.value)} ({shown(row.lower_95_ci)} to {shown(row.upper_95_ci)})"
        why = "; ".join(filter(None, (official.origin(), official.note)))
        verdict = row.verdict if row.verdict == "met" else f"**{row.verdict}**"
        target, tolerance = shown(row.target), shown(row.tolerance)
        lines.append(f"| {words(row.quantity)} | {target} | {model} | {tolerance} | {row.role} | {verdict} | {why} |")
    return "\n".join([*lines, "", summary(rows)]) + "\n"


def summary(rows: tuple[ValidationRow, ...]) -> str:
    """How many of each role are met."""
    parts = []
    for role in ("fitted", "check"):
        some = [row for row in rows if row.role == role]
        if some:
            parts.append(f"{role}: {sum(row.verdict == 'met' for row in some)} of {len(some)} met")
    return "; ".join(parts).capitalize() + "."


def fitted_table(name: str) -> str:
    """What was moved to meet official figures, and to where."""
    scenario = get_scenario(name)
    known = {path: number for path, number, _ in numbers(scenario)}
    lines = ["| figure | moved to meet it | to |", "|---|---|---|"]
    for quantity, official in scenario.official.items():
        for path in official.fitted_by:
            lines.append(f"| {words(quantity)} | `{path}` | {known[path].value:g} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pages and their figures."""
    (HERE / "service.md").write_text(service_page(), encoding="utf-8", newline="\n")
    for name in ("hepgul_2016", "national_2024_25"):
        figure = draw_population(population_report(get_scenario(name), N_CLIENTS))
        figure.savefig(HERE / "images" / f"population_{name}.png", dpi=80)
    (HERE / "population.md").write_text(population_page(), encoding="utf-8", newline="\n")
    from scenario_pages import write_pages

    write_pages(list_scenarios())


if __name__ == "__main__":
    main()
