"""The tables of a run: the command `show`, and what `run --full` prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from caseload_sim.cli.printing import Page, fraction, replications_text, say
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, DIFFERENCE, words
from caseload_sim.errors import CatalogueError, RunError, did_you_mean
from caseload_sim.measures.headline import headline
from caseload_sim.measures.rows import (
    Row,
    UncertaintyRow,
    could_be_text,
    digits_of,
    point_text,
    quantity_of,
    row_of,
    value_text,
)
from caseload_sim.measures.stability import stability_of
from caseload_sim.runs.read import read_run
from caseload_sim.scenario.costs import Costs, financial_year
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.row_table import as_table
from caseload_sim.support.text_columns import in_columns


def show(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A folder that `run` saved.")],
    part: Annotated[
        str, typer.Argument(help="summary, ladder, official, flow, waits, costs, or all of them.")
    ] = "summary",
) -> None:
    """Show a saved run: its answer in few lines, or its tables with every definition.

    Examples:

        caseload-sim show results/hepgul_2016-2016-0123456789

        caseload-sim show results/hepgul_2016-2016-0123456789 waits
    """
    if part not in (known := ("summary", *PARTS, "all")):
        raise CatalogueError(f"{part}: no such part of a run. {did_you_mean(part, known)}")
    saved = read_run(folder)
    if saved.kind != "run":
        raise RunError(f"{folder}: not of one run but of a comparison; its figures are in differences.csv.")
    if part == "summary":
        say("\n".join(headline(saved.scenario, saved.rows).lines()))
    else:
        print_tables(saved.scenario, saved.rows, PARTS if part == "all" else (part,))


_BY_STEP = ("wait_days_mean", "wait_days_median", "wait_days_90th_percentile", "contacts_mean", "contacts_median",
            "utilisation", "waiting_list", "waiting_list_growth", "treatment_wait_days_mean")  # fmt: skip


# Label, measure without "cost_per_" or "cost_per_extra_", and when it is read.
_RESULTS = (
    ("recovery", "recovery", "end"),
    ("principal remission", "principal_remission", "end"),
    ("all remission", "all_remission", "end"),
    ("full remission", "full_remission", "end"),
    ("full, sustained a year", "full_remission", "sustained"),
)
# Heading, and under it: label, measure, when it is read, with the service or not.
_PARTS = (
    ("", (
        ("referral", "cost_per_referral", "", ""),
        ("finished course", "cost_per_finished_course", "", ""),
        *((label, f"cost_per_{name}", at, "") for label, name, at in _RESULTS),
    )),
    ("per one more than the same clients reach untreated", (
        *((label, f"cost_per_extra_{name}", at, "") for label, name, at in _RESULTS),
        ("QALY", "cost_per_qaly", "", ""),
    )),
    ("QALYs of a client in the year from referral", (
        ("with the service", "qalys_mean", "", "service"),
        ("untreated", "qalys_mean", "", "none"),
        ("more than untreated", "qalys_mean", "", "difference"),
    )),
)  # fmt: skip
_NAME, _NUMBER = 26, 18


def print_costs(rows: Sequence[Row], costs: Costs) -> None:
    """Pounds per referral, course, recovery and remission, and per one more than untreated; QALYs, and pounds for each more."""
    page = Page()
    found = {(row.measure, row.base, row.at, row.service): row for row in rows if row.group == "all"}
    page.title(f"WHAT IT COSTS: pounds at {financial_year(costs.report_year)} prices, {_basis(costs)}")
    page.note(in_columns(("all the money, per", -_NAME), *((base, _NUMBER) for base in BASES)))
    for heading, lines in _PARTS:
        if heading:
            page.note(heading)
        for label, name, at, service in lines:
            some = [found.get((name, base, at, service)) for base in BASES]
            if any(some):
                page.line(in_columns((f"  {label}", -_NAME), *((_with_half_width(row), _NUMBER) for row in some)))
    page.note(
        "Referrals ended in the period, those of the column: with two or more contacts, with any, all. Money spent on "
        "those who did not get better is in. \u00b1: the 95% interval over replications, its wider side. -: not defined, or "
        "what the service adds may be nothing (its interval includes 0). QALYs are by PHQ-9 and of one year, the money is "
        f"of all the care. Prices are of {_years(costs)}: see [costs] in `explain`."
    )
    page.gap()


def _basis(costs: Costs) -> str:
    return "each contact at a price" if costs.basis == "sessions" else "by staff in post"


def _years(costs: Costs) -> str:
    year = (costs.sessions if costs.basis == "sessions" else costs.wte).price_year.value
    factor = costs.inflated(year)
    return f"{financial_year(year)}" + (f", times {factor:.2f}" if factor != 1 else "")


def _with_half_width(row: Row | None) -> str:
    if row is None:
        return ""
    if np.isnan(row.value):
        return "-"
    half, digits = max(row.upper_95_ci - row.value, row.value - row.lower_95_ci), digits_of(row.unit)
    return f"{row.value:{digits}}" + ("" if np.isnan(half) else f" \u00b1{half:{digits}}")


# Above columns that tell the service from no service, and above all others.
_PAIRED = ("over, read at", -21), ("with service", 18), ("none", 7), ("difference", 19)
_ALONE = ("", -28), ("value", 31)
PARTS = ("official", "flow", "waits", "costs", "ladder")  # the ladder last: it is what is still on the screen
_SECTIONS = {
    "official": (
        "OFFICIAL FIGURES: questionnaires, referrals ended in the period",
        ("referrals_received", "finished_course_treatment", "at_caseness", "reliable_recovery", "improvement",
         "no_reliable_change", "deterioration"),
    ),
    "flow": (
        "FROM REFERRAL TO THE END: referrals ended in the period",
        ("ended_before_treatment", "ended_after_one_contact", "ended_after_finishing", "not_suitable", "not_assessed",
         "declined", "incomplete_assessment", "discharged_with_advice", "gave_up", "dropped_out", "low_intensity_first",
         "stepped_up", "stepped_down", "unfinished"),
    ),
    "waits": (
        "WAITS, CONTACTS AND PLACES",
        ("first_contact_days_mean", "first_contact_days_median", "first_contact_days_90th_percentile",
         "first_contact_within_6_weeks", "first_contact_within_18_weeks", "second_contact_days_mean",
         "second_contact_days_median", "second_contact_days_90th_percentile", "second_contact_over_28_days",
         "second_contact_over_90_days", "treatment_wait_days_mean", "step_up_wait_days_mean", "wait_days_mean",
         "wait_days_median", "wait_days_90th_percentile", "contacts_mean", "contacts_median", "missed_contacts",
         "utilisation", "waiting_list", "waiting_list_growth"),
    ),
    "ladder": (
        "THE LADDER: one population, every definition",
        ("recovery", "principal_remission", "all_remission", "full_remission", "recovered_still_diagnosed",
         "not_recovered_no_diagnosis", "helped_to_recovery", "helped_to_remission"),
    ),
}  # fmt: skip


def print_tables(
    scenario: Scenario,
    rows: Sequence[Row],
    parts: Sequence[str] = PARTS,
    uncertainty: Sequence[UncertaintyRow] = (),
) -> None:
    """The main rows of a run, each measure under its definition: all clients, and by step what is by step."""
    page = Page()
    table = as_table(rows, Row)
    names_and_groups = zip(*map(table.column, ("measure", "group")), strict=True)
    shown = table.at(i for i, (name, group) in enumerate(names_and_groups) if group == "all" or name in _BY_STEP)
    by_measure: dict[str, list[Row]] = {}
    for row in shown:
        by_measure.setdefault(row.measure, []).append(row)
    for part in parts:
        if part == "costs":
            print_costs(shown, scenario.costs)
        else:
            title, names = _SECTIONS[part]
            _print_section(page, title, {name: by_measure[name] for name in names if name in by_measure})
    if uncertainty:
        print_uncertainty(uncertainty)
    run = scenario.run
    page.note(
        f"{scenario.title}. Seed {run.seed}, {replications_text(run.replications)}; "
        f"{run.warm_up_days} days of warm-up, {run.data_collection_days} of data collection, {run.follow_up_days} of "
        "follow-up. none: the same clients, untreated. Brackets: 95% interval of the mean over replications, which is "
        "chance alone and not the doubt about assumptions; of waits and lists, the middle year and an interval of it, since "
        "years in which assessors fall behind are rare and bad. could be: lowest and highest by other structures of the outcome "
        "model that fit no worse (`caseload-sim structures`); no interval, as nobody knows how likely each is. n and of: means per replication. All groups are in "
        "measures.csv; `caseload-sim list measures` has denominators in words, `caseload-sim explain` the sources."
    )


def _print_section(page: Page, title: str, rows: dict[str, list[Row]]) -> None:
    """One part of the tables; rows: by measure."""
    paired = any(row.service for some in rows.values() for row in some)
    page.title(title)
    page.heading(in_columns(*(_PAIRED if paired else _ALONE), ("n / of", 15)))
    for name, some in rows.items():
        page.meaning(words(name), definition(name).definition)
        for line, style in _lines(some):
            page.line(line, style)
    if growth := rows.get("waiting_list_growth"):
        page.say(stability_of(growth).in_words(), "bold")
    page.gap()


def _lines(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Lines and their style: one for each base and reading, or for each step, and below it what it could be."""
    by_step = rows[0].measure in _BY_STEP
    lines = []
    for row in rows:
        if row.service in ("none", DIFFERENCE) or not (row.group == "all" or by_step):
            continue
        of_step = words(row.group.removeprefix("step=").replace("=", " ")) if by_step and row.group != "all" else ""
        label = "  " + ", ".join(
            filter(None, (row.base if row.base != "all" and not of_step else "", words(row.at), of_step))
        )
        if row.service:
            none, difference = (row_of(rows, quantity_of(row)._replace(service=name)) for name in ("none", DIFFERENCE))
            cells = (value_text(row), 18), (point_text(none), 7), (value_text(difference), 19), (fraction(row), 15)
            lines.append((in_columns((label, -21), *cells), ""))
            lines += _could_be(row, difference)
        else:
            lines.append((in_columns((label, -28), (value_text(row), 26), (fraction(row), 20)), ""))
    return lines


def _could_be(row: Row, difference: Row) -> list[tuple[str, str]]:
    """The line below a rung: between what it and the difference could be; none where that is not known."""
    value = could_be_text(row.could_be_low, row.could_be_high, row.unit)
    apart = could_be_text(difference.could_be_low, difference.could_be_high, difference.unit, with_sign=True)
    return [(in_columns(("    could be", -21), (value, 18), ("", 7), (apart, 19)), "dim")] if value else []


def print_uncertainty(rows: Sequence[UncertaintyRow]) -> None:
    """What the spread between replications is made of, for all clients."""
    page = Page()
    page.title("UNCERTAINTY: standard deviation between replications, in points of %")
    page.note(in_columns(("", -47), ("total", 8), ("chance", 9), ("sources", 9)))
    for row in rows:
        unit = definition(row.measure).unit
        if row.group == "all" and row.service == "service" and unit == "share" and not np.isnan(row.sd_total):
            label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
            sds = (row.sd_total, 8), (row.sd_chance, 9), (row.sd_parameters, 9)
            page.say(in_columns((label, -47), *((f"{100 * sd:.2f}", width) for sd, width in sds)))
    page.gap()
