"""Renew the generated parts of the documentation: `python docs/refresh.py`.

Writes the tables between `<!-- generated: SCENARIO -->` and `<!-- end -->` in population.md, and the figures beside; then a
page for each scenario (scenario_pages.py, which takes some minutes; run it alone with a name for one page).
"""

import re
from pathlib import Path

import numpy as np

from caseload_sim import get_scenario, list_scenarios, population_report
from caseload_sim.figures import words
from caseload_sim.population_figures import draw_population
from caseload_sim.report import Comparison

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


def main() -> None:
    """Write the page and its figures."""
    for name in ("hepgul_2016", "national_2024_25"):
        figure = draw_population(population_report(get_scenario(name), N_CLIENTS))
        figure.savefig(HERE / "images" / f"population_{name}.png", dpi=80)
    (HERE / "population.md").write_text(population_page(), encoding="utf-8", newline="\n")
    from scenario_pages import write_pages

    write_pages(list_scenarios())


if __name__ == "__main__":
    main()
