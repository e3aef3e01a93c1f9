"""Results as tables on a terminal, readable at 80 columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from caseload_sim.calibration import PopulationFit
from caseload_sim.cost_tables import print_costs
from caseload_sim.definitions import definition
from caseload_sim.experiment import Results, Row, UncertaintyRow
from caseload_sim.report import Comparison
from caseload_sim.row_table import as_table
from caseload_sim.scenario import Scenario
from caseload_sim.service_fit import ServiceFit, ValidationRow
from caseload_sim.sweeps import Sweep
from caseload_sim.wording import words

# The ladder comes last: it is what is still on the screen when the run is over.
_SECTIONS = (
    (
        "OFFICIAL FIGURES: questionnaires, referrals ended in the period",
        ("referrals_received", "finished_course_treatment", "at_caseness", "reliable_recovery", "improvement",
         "no_reliable_change", "deterioration"),
    ),
    (
        "FROM REFERRAL TO THE END: referrals ended in the period",
        ("ended_before_treatment", "ended_after_one_contact", "ended_after_finishing", "not_suitable", "not_assessed",
         "declined", "incomplete_assessment", "discharged_with_advice", "gave_up", "dropped_out", "low_intensity_first",
         "stepped_up", "stepped_down", "unfinished"),
    ),
    (
        "WAITS, CONTACTS AND PLACES",
        ("first_contact_days_mean", "first_contact_days_median", "first_contact_days_90th_percentile", "first_contact_within_6_weeks",
         "first_contact_within_18_weeks", "second_contact_days_mean", "second_contact_days_median",
            "second_contact_days_90th_percentile",
         "second_contact_over_28_days", "second_contact_over_90_days", "treatment_wait_days_mean", "step_up_wait_days_mean", "wait_days_mean", "wait_days_median",
         "wait_days_90th_percentile", "contacts_mean", "contacts_median", "missed_contacts", "utilisation", "waiting_list",
         "waiting_list_growth"),
    ),
    (
        "THE LADDER: one population, every definition",
        ("recovery", "principal_remission", "all_remission", "full_remission", "recovered_still_diagnosed",
         "not_recovered_no_diagnosis"),
    ),
)  # fmt: skip
_BY_STEP = ("wait_days_mean", "wait_days_median", "wait_days_90th_percentile", "contacts_mean", "contacts_median",
            "utilisation", "waiting_list", "waiting_list_growth", "treatment_wait_days_mean")  # fmt: skip
NARROW = 60  # columns of a terminal below which a table would lose columns
_WHOLE = ("referrals", "clients", "GBP")  # units of which no fraction is shown
_AT = {"": "", "end": "end", "month_12": "month 12", "sustained": "sustained"}


def print_results(results: Results) -> None:
    """The main rows of a run, each measure under its definition: all clients, and by step what is by step."""
    console = Console(highlight=False)
    table = as_table(results.rows, Row)
    names_and_groups = zip(*map(table.column, ("measure", "group")), strict=True)
    shown = table.at(i for i, (name, group) in enumerate(names_and_groups) if group == "all" or name in _BY_STEP)
    by_measure: dict[str, list[Row]] = {}
    for row in shown:
        by_measure.setdefault(row.measure, []).append(row)
    for title, names in _SECTIONS:
        if title is _SECTIONS[-1][0]:
            print_costs(shown, results.scenario.costs)
        rows = {name: by_measure.get(name, []) for name in names}
        paired = any(row.service for some in rows.values() for row in some)
        console.print(Text(title, "bold reverse"))
        heading = (
            f"{'over, read at':<21}{'with service':>18}{'none':>7}{'difference':>19}"
            if paired
            else f"{'':<28}{'value':>31}"
        )
        console.print(Text(f"{heading}{'n / of':>15}", "dim"), soft_wrap=True)
        for name, some in rows.items():
            if some:
                described = Text.assemble((words(name), "bold"), ": ", (definition(name).definition, "dim"))
                console.print(described)
                for line in _lines(some):
                    console.print(Text(line), soft_wrap=True)
        if growth := rows.get("waiting_list_growth"):
            console.print(Text(stability_in_words(growth), "bold"))
        console.print()
    if results.uncertainty:
        print_uncertainty(results.uncertainty)
    run = results.scenario.run
    console.print(
        Text(
            f"{results.scenario.title}. Seed {run.seed}, {run.replications} replication{'s' * (run.replications > 1)}; "
            f"{run.warm_up_days} days of warm-up, {run.data_collection_days} of data collection, {run.follow_up_days} of "
            "follow-up. none: the same clients, untreated. Brackets: 95% interval of the mean over replications, which is "
            "chance alone and not the doubt about assumptions. n and of: means per replication. All groups are in "
            "measures.csv; `caseload-sim list measures` has denominators in words, `caseload-sim explain` the sources.",
            "dim",
        )
    )


def stability_in_words(growth: Sequence[Row]) -> str:
    """Whether the service stands still: which lists change by a client a week or more, beyond chance.

    growth: the rows of `waiting_list_growth`, one for each step
    """
    if any(row.n_replications < 2 for row in growth):
        return "Whether lists grow beyond chance takes two replications to tell."
    moving = [row for row in growth if abs(row.value) >= 1 and (row.lower_95_ci > 0 or row.upper_95_ci < 0)]
    if not moving:
        return "Stable: no waiting list grows or falls by a client a week or more beyond chance."
    said = (
        f"{words(row.group.removeprefix('step='))} {'grows' if row.value > 0 else 'falls'} by {abs(row.value):.0f}"
        for row in moving
    )
    return f"Not stable: of the waiting lists, {', '.join(said)} clients a week."


def _lines(rows: Sequence[Row]) -> list[str]:
    """One line for each base and reading, or for each step."""
    by_step = rows[0].measure in _BY_STEP
    lines = []
    for row in rows:
        if row.service in ("none", "difference") or not (row.group == "all" or by_step):
            continue
        of_step = words(row.group.removeprefix("step=").replace("=", " ")) if by_step and row.group != "all" else ""
        label = "  " + ", ".join(
            filter(None, (row.base if row.base != "all" and not of_step else "", _AT[row.at], of_step))
        )
        if row.service:
            none, difference = _same(rows, row, "none"), _same(rows, row, "difference")
            lines.append(
                f"{label:<21}{value_text(row):>18}{point_text(none):>7}{value_text(difference):>19}{_fraction(row):>15}"
            )
        else:
            lines.append(f"{label:<28}{value_text(row):>26}{_fraction(row):>20}")
    return lines


def _same(rows: Sequence[Row], row: Row, service: str) -> Row:
    wanted = (row.base, row.at, service, row.group)
    return next(r for r in rows if (r.base, r.at, r.service, r.group) == wanted)


def point_text(row: Row) -> str:
    """The value alone, as 41.7%; a dash where there is none."""
    if np.isnan(row.value):
        return "-"
    if row.unit == "share":
        return f"{100 * row.value:.1f}%"
    return f"{row.value:,.0f}" if row.unit in _WHOLE else f"{row.value:.1f}"


def value_text(row: Row) -> str:
    """The value with its interval, as 41.7% (40.9-42.5)."""
    if np.isnan(row.lower_95_ci) or np.isnan(row.value):
        return point_text(row)
    scale, digits = (100, ".1f") if row.unit == "share" else (1, ",.0f" if row.unit in _WHOLE else ".1f")
    dash = "," if row.lower_95_ci < 0 else "-"
    return f"{point_text(row)} ({scale * row.lower_95_ci:{digits}}{dash}{scale * row.upper_95_ci:{digits}})"


def _fraction(row: Row) -> str:
    if np.isnan(row.denominator):
        return ""
    return f"of {row.denominator:,.0f}" if np.isnan(row.numerator) else f"{row.numerator:,.0f}/{row.denominator:,.0f}"


def print_uncertainty(rows: Sequence[UncertaintyRow]) -> None:
    """What the spread between replications is made of, for all clients."""
    console = Console(highlight=False)
    console.print(Text("UNCERTAINTY: standard deviation between replications, in points of %", "bold reverse"))
    console.print(Text(f"{'':<47}{'total':>8}{'chance':>9}{'sources':>9}", "dim"))
    for row in rows:
        unit = definition(row.measure).unit
        if row.group == "all" and row.service == "service" and unit == "share" and not np.isnan(row.sd_total):
            label = f"  {words(row.measure)}, {row.base}, {_AT[row.at]}"
            console.print(
                Text(f"{label:<47}{100 * row.sd_total:8.2f}{100 * row.sd_chance:9.2f}{100 * row.sd_parameters:9.2f}")
            )
    console.print()


def print_population(rows: Sequence[Comparison], scenario: Scenario, n_clients: int) -> None:
    """Target against achieved, one quantity a line, its origin beneath when it is new."""
    console = Console(highlight=False)
    console.print(Text(f"WHO IS REFERRED: {scenario.title}, {n_clients:,} clients drawn", "bold reverse"))
    console.print(Text(f"{'':<46}{'target':>8}{'achieved':>10}{'source 95%':>14}", "dim"))
    origin = ""
    for row in rows:
        interval = "" if np.isnan(row.lower_95_ci) else f"{row.lower_95_ci:.3f}-{row.upper_95_ci:.3f}"
        target = "" if np.isnan(row.target) else f"{row.target:.3f}"
        name = words(row.quantity)
        if len(name) > 46:
            console.print(Text(name))
            name = ""
        console.print(Text(f"{name:<46}{target:>8}{row.achieved:>10.3f}{interval:>14}"))
        if row.source != origin:
            console.print(Padding(Text(row.source, "dim"), (0, 0, 0, 4)))
        origin = row.source


def print_fit(found: PopulationFit) -> None:
    """What a calibration moved, and how near it came."""
    console = Console(highlight=False)
    console.print(Text("FITTED: one loading and one shift of all assumed prevalences", "bold reverse"))
    console.print(Text(f"{'':<20}{'target':>10}{'before':>10}{'after':>10}", "dim"))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        console.print(Text(f"{words(name):<20}{target:>10.4f}{before:>10.4f}{after:>10.4f}"))
    console.print(Text(f"loading {found.loading}; assumed prevalences shifted by {found.prevalence_shift:+.3f} logits"))
    if found.at_bounds:
        console.print(
            Text(f"Stopped by the bound of: {', '.join(found.at_bounds)}. The mix above is the nearest within bounds.")
        )
    console.print()


def print_service_fit(found: ServiceFit) -> None:
    """What the fit of a service came to."""
    console = Console(highlight=False)
    console.print(Text(f"FITTED: what has no source, to published figures of the {found.part}", "bold reverse"))
    console.print(Text(f"{'':<38}{'target':>10}{'before':>10}{'after':>10}", "dim"))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        console.print(Text(f"{words(name):<38}{target:>10.4g}{before:>10.4g}{after:>10.4g}"))
    console.print(Text(f"{'':<48}{'in use':>10}{'fitted':>10}", "dim"))
    for path, value in found.changes.items():
        console.print(Text(f"{path:<48}{found.in_use[path]:>10.4g}{value:>10.4g}"), soft_wrap=True)
    console.print(Text(f"{found.rounds} round{'s' * (found.rounds != 1)} after the first", "dim"))
    console.print()


def print_validation(scenario: Scenario, rows: Sequence[ValidationRow], multiple: float | None) -> None:
    """Every official figure against the model, with its note, and how many are met."""
    console = Console(highlight=False)
    console.print(Text(f"OFFICIAL FIGURES AGAINST THE MODEL: {scenario.title}", "bold reverse"))
    console.print(Text(f"{'':<34}{'official':>9}{'model':>9}{'95% interval':>15}{'':>1}{'role':>6}", "dim"))
    for row in rows:
        official = scenario.official[row.quantity]
        numbers = [
            _official_text(official.measure, x) for x in (row.target, row.value, row.lower_95_ci, row.upper_95_ci)
        ]
        style = "" if row.verdict == "met" else "bold"
        line = f"{words(row.quantity):<34.34}{numbers[0]:>9}{numbers[1]:>9}{numbers[2] + '-' + numbers[3]:>15} {row.role:<7}{row.verdict}"
        console.print(Text(line, style), soft_wrap=True)
        if official.note:
            console.print(Padding(Text(official.note, "dim"), (0, 0, 0, 4)))
    for role in ("fitted", "check"):
        some = [row for row in rows if row.role == role]
        met = sum(row.verdict == "met" for row in some)
        console.print(Text(f"{role}: {met} of {len(some)} met, within 1 point for shares and 5% for all else"))
    if multiple is not None:
        reach = f"{multiple:.1f} times" if multiple == multiple else "no multiple up to four of"
        console.print(Text(f"Recovery per finished referral would be met with {reach} the effect used here."))


def _official_text(measure: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{100 * value:.1f}%" if definition(measure).unit == "share" else f"{value:.1f}"


def print_sweep(swept: Sweep) -> None:
    """One line for each point and row of a sweep."""
    console = Console(highlight=False)
    console.print(Text(f"SWEEP of {' and '.join(swept.paths)}: {words(swept.measure)}", "bold reverse"))
    console.print(Text(definition(swept.measure).definition, "dim"))
    for point in swept.points:
        values = ", ".join(f"{value:g}" for value in point.at.values())
        for row in point.rows:
            label = ", ".join(filter(None, (row.base if row.base != "all" else "", _AT[row.at], row.service)))
            console.print(Text(f"{values:<16}{label:<30}{value_text(row):>22}{_fraction(row):>12}"), soft_wrap=True)


def print_plain(rows: Sequence[dict[str, Any]]) -> None:
    """A list of like things: a table when it is narrow, else one block a thing."""
    console = Console(highlight=False)
    names = list(rows[0])
    if len(names) > 4 or console.width < NARROW:
        for row in rows:
            console.print(Text(str(row[names[0]]), "bold"))
            for name in names[1:]:
                if row.get(name):
                    console.print(Padding(Text(f"{words(name)}: {row[name]}"), (0, 0, 0, 4)))
        return
    table = Table(pad_edge=False)
    for name in names:
        table.add_column(words(name), no_wrap=name in ("name", "key"))
    for row in rows:
        table.add_row(*(Text(str(row.get(name, ""))) for name in names))
    console.print(table)
