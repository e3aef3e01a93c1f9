"""Renew the generated parts of the documentation: `python docs/refresh.py`.

Writes the tables between `<!-- generated: SCENARIO -->` and `<!-- end -->` in population.md and costs.md, the figures beside,
and the tables between `<!-- generated: validation SCENARIO REPLICATIONS -->`, or `fitted SCENARIO`, and `<!-- end -->` in
service.md; those of outcome.md, whose kinds are in OUTCOME_TABLES (`python docs/refresh.py outcome.md` renews that page alone, and
`python docs/refresh.py outcome.md KIND ...` tables of these kinds alone); the assurance pages (assurance_pages.py); then a page
for each scenario (scenario_pages.py, which takes some minutes; run it alone with a name for one page); then numbers inside sentences
(sentence_numbers.py), and what notebooks print and draw (stored_outputs.py); each of these can be run alone.
"""

import re
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from caseload_sim import (
    Results,
    Row,
    audit,
    calibrate_service,
    figure_in,
    get_scenario,
    list_scenarios,
    misfits,
    population_report,
    rank,
    reconcile,
    reconcile_scenarios,
    replicate,
    uncertainty,
    validate_model,
)
from caseload_sim.analysis.calibrate_outcome import EvidenceRow, evidence_rows, verdicts_in_words
from caseload_sim.analysis.population_report import Comparison
from caseload_sim.analysis.rank import WHAT_IFS, RankRow
from caseload_sim.analysis.reconcile import ReconcileRow
from caseload_sim.analysis.validate_model import ValidationRow
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, DIFFERENCE, HELPED, SERVICES, words
from caseload_sim.experiments.could_be import IN_USE, read_structures, structure_rows
from caseload_sim.experiments.replicate import simulate
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.figures.style import rung_in_words
from caseload_sim.measures.rows import value_text
from caseload_sim.scenario.costs import financial_year
from caseload_sim.scenario.numbers import numbers

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


def qalys_by_base(by_session: Results, by_staff: Results) -> str:
    """QALYs of the year with the service and without, and what each more costs, for each base."""
    costs = by_session.scenario.costs
    lines = [
        f"Of one client in the 365 days from referral; pounds at {financial_year(costs.report_year)} prices.",
        "",
        "| | QALYs with the service | untreated | more | pounds per QALY, by session | by staff in post |",
        "|---|---|---|---|---|---|",
    ]
    for base, said in BASES.items():
        cells = [f"{by_session.find('qalys_mean', base=base, service=name).value:.4f}" for name in SERVICES]
        cells.append(value_text(by_session.find("qalys_mean", base=base, service=DIFFERENCE)))
        cells += [_pounds(results.find("cost_per_qaly", base=base)) for results in (by_session, by_staff)]
        lines.append(f"| {said} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


COSTED = (
    ("referral", ""), ("finished_course", ""), ("recovery", "end"), ("principal_remission", "end"),
    ("all_remission", "end"), ("full_remission", "end"), ("full_remission", "sustained"),
)  # fmt: skip


def _pounds(row: Row) -> str:
    if np.isnan(row.value):
        return "not defined"
    return f"{row.value:,.0f} ({row.lower_95_ci:,.0f} to {row.upper_95_ci:,.0f})"


def costs_page() -> str:
    """costs.md with its tables renewed."""
    text = (HERE / "costs.md").read_text(encoding="utf-8")
    by_session = replicate(get_scenario("national_2024_25"))
    by_staff = replicate(get_scenario("national_2024_25", changes={"costs.basis": "wte"}))
    tables = {
        "published_costs": published_costs(by_session),
        "costs_by_definition": costs_by_definition(by_session, by_staff),
        "qalys_by_base": qalys_by_base(by_session, by_staff),
    }
    return MARKED.sub(lambda match: f"{match[1]}\n{tables[match[2]]}\n{match[4]}", text)


# --- outcome.md -----------------------------------------------------------------------------------------------------

OUTCOME_MARKED = re.compile(r"(<!-- generated: (\w+) ([\w/ ]+) (\d+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def outcome_page(kinds: Sequence[str] = ()) -> str:
    """outcome.md with its tables renewed, or those of some kinds alone: simulated, which takes minutes."""
    text = (HERE / "outcome.md").read_text(encoding="utf-8")

    def renewed(match: re.Match[str]) -> str:
        if kinds and match[2] not in kinds:
            return match[0]
        return f"{match[1]}\n{OUTCOME_TABLES[match[2]](match[3].split(), int(match[4]))}\n{match[6]}"

    return OUTCOME_MARKED.sub(renewed, text)


def percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f}%"


def points(value: float, low: float, high: float) -> str:
    """A change with its interval, in points of 100."""
    return "" if np.isnan(value) else f"{100 * value:+z.1f} ({100 * low:+z.1f} to {100 * high:+z.1f})"


def anchor_table(names: list[str], replications: int) -> str:
    """What the outcome model was fitted to, what the fit finds now, and what is in use."""
    lines = ["| scenario | target | published | model | moved | in use | fit finds |", "|---|---|---|---|---|---|---|"]
    for name in names:
        scenario = get_scenario(name)
        fit = calibrate_service(scenario, part="outcome", replications=replications)
        for quantity, target, before in zip(fit.quantities, fit.target, fit.before, strict=True):
            for path in scenario.official[quantity].fitted_by:
                values = f"{fit.in_use[path]:.2f} | {fit.changes[path]:.2f}"
                lines.append(
                    f"| `{name}` | {words(quantity)} | {percent(target)} | {percent(before)} | `{path}` | {values} |"
                )
    return "\n".join([*lines, "", f"{replications} replications. model: with the value in use."]) + "\n"


def reference_table(names: list[str], replications: int) -> str:
    """Reference values of the ladder against the model, misses marked."""
    (name,) = names
    return validation_table(name, replications).replace("| official |", "| reference |")


def evidence_table(names: list[str], replications: int) -> str:
    """Every anchor and every check of the outcome model, published and simulated."""
    rows = evidence_of(names, replications)
    lines = []
    for role, heading in (("anchor", "Anchors, which the fit may use"), ("check", "Checks, which it never uses")):
        some = [row for row in rows if row.role == role]
        lines += [
            f"**{heading}: {verdicts_in_words(some)}.**", "",
            "| figure | published | model | tolerance | model off by | chance | verdict | source |", "|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for row in some:
            verdict = row.verdict if row.verdict == "met" else "**missed**"
            shown = " | ".join(as_published(row, value) for value in (row.published, row.model, row.tolerance))
            off_by = f"{row.distance:+.1f} | {row.chance:.1f}"
            lines.append(f"| {words(row.name)} | {shown} | {off_by} | {verdict} | {row.source}: {row.where} |")
        lines.append("")
    lines.append(
        f"{replications} replications. Shares of 1. Off by, and chance, the standard error of the model's figure: in tolerances; within two counts as met, and a verdict within two standard errors of that line may be chance."
    )
    return "\n".join(lines) + "\n"


def missed_list(names: list[str], replications: int) -> str:
    """The figures that the model misses, the farthest first."""
    missed = sorted(
        (row for row in evidence_of(names, replications) if row.verdict == "missed"), key=lambda row: -abs(row.distance)
    )
    lines = ["| missed | published | model | so the model is | role |", "|---|---|---|---|---|"]
    for row in missed:
        side = "too high" if row.distance > 0 else "too low"
        shown = " | ".join(as_published(row, value) for value in (row.published, row.model))
        lines.append(f"| {words(row.name)} | {shown} | {side}, by {abs(row.distance):.1f} tolerances | {row.role} |")
    return "\n".join([*lines, "", f"{replications} replications; the farthest first."]) + "\n"


@lru_cache(maxsize=1)
def _evidence_of(name: str, replications: int) -> tuple[EvidenceRow, ...]:
    return evidence_rows(get_scenario(name), replications=replications)


def evidence_of(names: list[str], replications: int) -> tuple[EvidenceRow, ...]:
    """Rows of evidence, simulated once for both tables."""
    (name,) = names
    return _evidence_of(name, replications)


def as_published(row: EvidenceRow, value: float) -> str:
    """A figure to a digit more than its tolerance, which tells shares from points."""
    return f"{value:.3f}" if row.tolerance < 0.1 else f"{value:.2f}"


def structures_table(names: list[str], most_thousands: int) -> str:
    """What each structure of the outcome model makes of the same clients, so many thousand at most."""
    (name,) = names
    found = read_structures(simulate(get_scenario(name)), most_clients=1000 * most_thousands)
    assert found is not None
    rows = structure_rows(name, found)
    lines = [
        "| structure | what it changes | misfit | recovery | principal gone | all gone | fully gone |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = " | ".join(f"{percent(value)} ({100 * gain:+.1f})" for value, gain in row.figures)
        misfit = "" if row.structure == IN_USE else f"{row.misfit:.0f}"
        label = "**as used**" if row.structure == IN_USE else words(row.structure)
        lines.append(f"| {label} | {row.meaning} | {misfit} | {cells} |")
    for end, pick in (("lowest", min), ("highest", max)):
        cells = " | ".join(
            f"{percent(pick(value for value, _ in column))} ({100 * pick(gain for _, gain in column):+.1f})"
            for column in zip(*(row.figures for row in rows), strict=True)
        )
        lines.append(f"| **could be, {end}** | | | {cells} |")
    note = "One replication, finishers, at the end; in brackets what the service adds, in points. misfit: squared distance from the anchors."
    return "\n".join([*lines, "", note]) + "\n"


def misfit_table(names: list[str], replications: int) -> str:
    """Published findings that nothing was fitted to, against the model."""
    scenario = get_scenario(*names)
    lines = ["| finding | published | model | verdict | source |", "|---|---|---|---|---|"]
    rows = misfits(scenario, replications=replications)
    for row in rows:
        shown = (lambda x: f"{x:.2f}") if "odds" in row.quantity else percent
        published = f"{shown(row.published)} ({shown(row.low)} to {shown(row.high)})"
        verdict = row.verdict if row.verdict == "met" else "**missed**"
        lines.append(
            f"| {words(row.quantity)} | {published} | {shown(row.value)} | {verdict} | {row.source}: {row.where} |"
        )
    reference = validate_model(get_scenario("outcome_reference_trial"), replications=replications)
    missed = ", ".join(words(row.quantity) for row in reference if row.verdict == "missed") or "nothing"
    return "\n".join([*lines, "", f"Reference values missed, of the table above: {missed}."]) + "\n"


def two_by_two_table(names: list[str], replications: int) -> str:
    """Recovered by questionnaire against still diagnosed by interview, per 100 finishers of the ladder."""
    results = replicate(get_scenario(*names), replications=replications)
    ill = results.find("recovered_still_diagnosed", service="service")
    well = results.find("not_recovered_no_diagnosis", service="service")
    n = (ill.denominator + well.denominator) / 100
    cells = [
        (ill.denominator - ill.numerator) / n, ill.numerator / n, well.numerator / n, (well.denominator - well.numerator) / n,
    ]  # fmt: skip
    lines = [
        "| of 100 finishers | no starting disorder left | a starting disorder left |",
        "|---|---|---|",
        f"| officially recovered | {cells[0]:.1f} | {cells[1]:.1f} |",
        f"| not recovered | {cells[2]:.1f} | {cells[3]:.1f} |",
        "",
        f"{percent(ill.value)} of the recovered keep a disorder; {percent(well.value)} of the others have none. {replications} replications.",
    ]
    return "\n".join(lines) + "\n"


def waterfall_rows(rows: tuple[ReconcileRow, ...]) -> str:
    """A way from one figure to another as a table."""
    lines = ["| | figure | in this order | mean over orders (Shapley) |", "|---|---|---|---|"]
    for row in rows:
        if row.kind in ("start", "end"):
            lines.append(f"| **`{row.name}`** | **{percent(row.value)}** | | |")
            continue
        change = points(row.change, row.change_lower_95_ci, row.change_upper_95_ci)
        shapley = points(row.shapley, row.shapley_lower_95_ci, row.shapley_upper_95_ci)
        lines.append(
            f"| {'of it: ' * (row.kind == 'part')}{row.meaning} | {percent(row.value)} | {change} | {shapley} |"
        )
    return "\n".join([*lines, "", f"{rows[-1].n_replications} replications; brackets: paired 95% intervals."]) + "\n"


def waterfall_table(names: list[str], replications: int) -> str:
    """Scenario, figure to start from, figure to end at; its picture is drawn as well."""
    name, start, end = names
    rows = reconcile(get_scenario(name), figure_in(start), figure_in(end), replications=replications)
    if end.endswith("sustained"):
        figure = drawn("waterfall", tables_of("reconcile", get_scenario(name), table=rows))
        figure.savefig(HERE / "images" / "waterfall.png", dpi=80)
    return waterfall_rows(rows)


def scenarios_table(names: list[str], replications: int) -> str:
    """Two scenarios and a figure."""
    first, second, figure = names
    pair = get_scenario(first), get_scenario(second)
    return waterfall_rows(reconcile_scenarios(*pair, figure_in(figure), replications=replications))


def audit_table(names: list[str], replications: int) -> str:
    """What an audit of 90 would find by each definition, against 9.2%."""
    lines = [
        "| definition | model | 95% of audits of 90 | chance of 9.2% or less | sampling odds | explained by |",
        "|---|---|---|---|---|---|",
    ]
    for row in audit(get_scenario(*names), replications=replications):
        between = f"{percent(row.audited_lower_95)} to {percent(row.audited_upper_95)}"
        chance = f"{row.chance_of_result:.3f}" if row.chance_of_result >= 0.0005 else "below 0.001"
        lines.append(
            f"| {rung_in_words(row.measure, row.base, row.at)} | {percent(row.value)} | {between} | {chance} | {row.sampling_odds:.1f} | {row.explained_by} |"
        )
    return "\n".join([*lines, "", f"{replications} replications."]) + "\n"


def doubt_table(names: list[str], draws: int) -> str:
    """How sure each rung is, and what moves it most."""
    rows, tornado = uncertainty(get_scenario(*names), draws=draws)
    lines = ["| rung | model | 95% range | chance | sources | doubt | moved most by |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        of_it = [one for one in tornado if (one.measure, one.base, one.at) == (row.measure, row.base, row.at)]
        first, second, *_ = sorted(of_it, key=lambda one: -abs(one.value_at_high - one.value_at_low))
        moved = "; ".join(
            f"{words(one.name)} ({percent(one.value_at_low)} at {one.low:g}, {percent(one.value_at_high)} at {one.high:g})"
            for one in (first, second)
        )
        sds = " | ".join(f"{100 * sd:.1f}" for sd in (row.sd_chance, row.sd_sampling, row.sd_structure))
        between = f"{percent(row.lower_95_range)} to {percent(row.upper_95_range)}"
        lines.append(
            f"| {rung_in_words(row.measure, row.base, row.at)} | {percent(row.value)} | {between} | {sds} | {moved} |"
        )
    return "\n".join([*lines, "", f"{draws} draws. chance, sources, doubt: SD in points; they add in squares."]) + "\n"


def rank_table(names: list[str], replications: int) -> str:
    """What-ifs by how many people more they help, with what they gain in three rungs beside."""
    rows = rank(get_scenario(*names), [get_scenario(name) for name in WHAT_IFS], replications=replications)
    shown = (
        *HELPED[::-1],
        *map(figure_in, ("full_remission/started", "full_remission/started/sustained", "recovery/finished")),
    )
    heading = " | ".join(f"`{figure}`" for figure in shown)
    lines = [f"| | what if | {heading} |", f"|---|---|{'---|' * len(shown)}"]
    for place in range(1, len(WHAT_IFS) + 1):
        own = {(row.measure, row.base, row.at): row for row in rows if row.place == place}
        cells = [own[f.measure, f.base, f.at] for f in shown]
        gains = " | ".join(gain_text(cell) for cell in cells)
        lines.append(f"| {place} | `{cells[0].scenario}` | {gains} |")
    return (
        "\n".join(
            [
                *lines,
                "",
                f"{replications} replications; people a year, shares in points; brackets: paired 95% intervals.",
            ]
        )
        + "\n"
    )


def gain_text(row: RankRow) -> str:
    """What a what-if gains, with its interval."""
    if row.unit == "share":
        return points(row.gain, row.gain_lower_95_ci, row.gain_upper_95_ci)
    return f"{row.gain:+,.0f} ({row.gain_lower_95_ci:+,.0f} to {row.gain_upper_95_ci:+,.0f})"


OUTCOME_TABLES: dict[str, Callable[[list[str], int], str]] = {
    "anchor": anchor_table,
    "reference": reference_table,
    "misfits": misfit_table,
    "evidence": evidence_table,
    "missed": missed_list,
    "structures": structures_table,
    "two_by_two": two_by_two_table,
    "waterfall": waterfall_table,
    "scenarios": scenarios_table,
    "audit": audit_table,
    "doubt": doubt_table,
    "rank": rank_table,
}


def main() -> None:
    """Write the pages and their figures, or the page named alone."""
    if "outcome.md" in sys.argv[1:] or len(sys.argv) == 1:
        (HERE / "outcome.md").write_text(outcome_page(sys.argv[2:]), encoding="utf-8", newline="\n")
    if len(sys.argv) > 1:
        return
    (HERE / "service.md").write_text(service_page(), encoding="utf-8", newline="\n")
    for name in ("hepgul_2016", "national_2024_25"):
        rows = population_report(get_scenario(name), N_CLIENTS)
        figure = drawn("population", tables_of("population", get_scenario(name), table=rows))
        figure.savefig(HERE / "images" / f"population_{name}.png", dpi=80)
    (HERE / "population.md").write_text(population_page(), encoding="utf-8", newline="\n")
    (HERE / "costs.md").write_text(costs_page(), encoding="utf-8", newline="\n")
    from assurance_pages import write_pages as write_assurance_pages
    from scenario_pages import write_pages
    from sentence_numbers import write_numbers
    from stored_outputs import store_all

    write_assurance_pages()
    write_pages(list_scenarios())
    write_numbers()
    store_all()


if __name__ == "__main__":
    main()
