"""Renew the generated parts of the documentation: `python docs/refresh.py`.

Writes the tables between `<!-- generated: SCENARIO -->` and `<!-- end -->` in population.md and costs.md, the figures beside,
and the tables between `<!-- generated: validation SCENARIO REPLICATIONS -->`, or `fitted SCENARIO`, and `<!-- end -->` in
service.md; then a page for each scenario (scenario_pages.py, which takes some minutes; run it alone with a name for one page).
"""

import re
from pathlib import Path

import numpy as np

from caseload_sim import Results, Row, get_scenario, list_scenarios, population_report, replicate, validate_model
from caseload_sim.costs import financial_year
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


def published_costs(results: Results) -> str:
    """Every published cost beside the model's, both at the prices that are reported."""
    costs = results.scenario.costs
    lines = [
        f"Pounds at {financial_year(costs.report_year)} prices; {results.scenario.name}, {len(results.values)} replications.",
        "",
        "| published | as published | at these prices | model, by session | model of published |",
        "|---|---|---|---|---|",
    ]
    for name, published in costs.published.items():
        row = results.find(published.measure, base=published.base, at=published.at, group=published.group)
        inflated = published.value * costs.inflated(published.price_year)
        said = f"{words(name)} ({published.source}){f'; {published.note}' if published.note else ''}"
        lines.append(
            f"| {said} | {published.value:,.0f} in {financial_year(published.price_year)} | {inflated:,.0f} "
            f"| {_pounds(row)} | {row.value / inflated:.2f} |"
        )
    return "\n".join(lines) + "\n"


def costs_by_definition(by_session: Results, by_staff: Results) -> str:
    """What each result costs, over those who finished a course, by session and by staff."""
    costs = by_session.scenario.costs
    lines = [
        f"Pounds at {financial_year(costs.report_year)} prices, those with two or more contacts: what they cost over those who got there.",
        "",
        "| per | by session | by staff in post | one more than untreated, by session | by staff in post |",
        "|---|---|---|---|---|",
    ]
    for name, at in COSTED:
        cells = []
        for kind in ("cost_per", "cost_per_extra"):
            for results in (by_session, by_staff):
                base = "referred" if name == "referral" else "finished"
                there = any(row.measure == f"{kind}_{name}" for row in results.rows)
                cells.append(_pounds(results.find(f"{kind}_{name}", base=base, at=at)) if there else "")
        lines.append(f"| {words(name)}{f', {words(at)}' if at else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


COSTED = (
    ("referral", ""), ("finished_course", ""), ("recovery", "end"), ("principal_remission", "end"),
    ("all_remission", "end"), ("full_remission", "end"), ("full_remission", "sustained"),
)  # fmt: skip


def _pounds(row: Row) -> str:
    return f"{row.value:,.0f} ({row.lower_95_ci:,.0f} to {row.upper_95_ci:,.0f})"


def costs_page() -> str:
    """costs.md with its tables renewed."""
    text = (HERE / "costs.md").read_text(encoding="utf-8")
    by_session = replicate(get_scenario("national_2024_25"))
    by_staff = replicate(get_scenario("national_2024_25", changes={"costs.basis": "wte"}))
    tables = {
        "published_costs": published_costs(by_session),
        "costs_by_definition": costs_by_definition(by_session, by_staff),
    }
    return MARKED.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n{match[4]}", text)


def main() -> None:
    """Write the pages and their figures."""
    (HERE / "service.md").write_text(service_page(), encoding="utf-8", newline="\n")
    for name in ("hepgul_2016", "national_2024_25"):
        figure = draw_population(population_report(get_scenario(name), N_CLIENTS))
        figure.savefig(HERE / "images" / f"population_{name}.png", dpi=80)
    (HERE / "population.md").write_text(population_page(), encoding="utf-8", newline="\n")
    (HERE / "costs.md").write_text(costs_page(), encoding="utf-8", newline="\n")
    from scenario_pages import write_pages

    write_pages(list_scenarios())


if __name__ == "__main__":
    main()
