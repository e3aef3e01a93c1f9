"""Commands that run a service: one scenario, many values of one input, or both engines."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from caseload_sim.cli.options import (
    DEFAULT,
    RESULTS,
    BeyondLimits,
    Dask,
    Jobs,
    Paths,
    Replications,
    Resume,
    ScenarioArgument,
    Seed,
    Sets,
    announce_work,
    as_written_now,
    kept_if_stopped,
    opened,
    with_run,
    workers,
)
from caseload_sim.cli.printing import _BY_STEP, _fraction
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, DIFFERENCE, words
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.experiments.replicate import Results
from caseload_sim.measures.rows import Row, UncertaintyRow, digits_of, point_text, quantity_of, row_of, value_text
from caseload_sim.scenario.costs import Costs, financial_year
from caseload_sim.support.row_table import as_table


def run(
    context: typer.Context,
    scenario: ScenarioArgument = DEFAULT,
    seed: Seed = None,
    replications: Replications = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's own folder is made.")] = RESULTS,
    sets: Sets = None,
    scenario_path: Paths = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Draw this figure instead of the five; repeatable. `caseload-sim list figures` shows all."),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")] = False,
    engine: Annotated[
        str, typer.Option(help="kernel, or reference: the SimPy engine, the same answer more slowly.")
    ] = "kernel",
    parameter_uncertainty: Annotated[
        bool,
        typer.Option(
            "--parameter-uncertainty",
            help="Draw each published prevalence anew for each replication, and split the spread into chance and sources.",
        ),
    ] = False,
    with_events: Annotated[
        bool,
        typer.Option(
            "--event-log", help="Save the first replication's events too: who waited and held which place when."
        ),
    ] = False,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="'FIGURE=WIDTH'",
            help="As many replications as it takes for the 95% interval of a figure, MEASURE/BASE/AT, to be within this of its "
            "value: 0.5pp (percentage points) for a share, a plain number for all else. 0.5pp alone is for recovery/finished/end. "
            "--replications is then the most there may be, 1,000 if not given.",
        ),
    ] = None,
    jobs: Jobs = 1,
    dask: Dask = None,
    resume: Resume = False,
    beyond_limits: BeyondLimits = False,
    json: Annotated[bool, typer.Option("--json", help="Print every row as JSON instead of the table.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV instead of the table.")] = False,
) -> None:
    """Run a scenario and print every measure with its definition, numerator, denominator and interval.

    Examples:

        caseload-sim run

        caseload-sim run trial_world --seed 7 --replications 20 --out results/

        caseload-sim run hepgul_2016 --set population.prevalence.alcohol_dependence.value=0.30

        caseload-sim run --precision 0.5pp --jobs 2
    """
    if json and csv:
        raise RunError("--json and --csv: choose one.")
    from caseload_sim.engines.engine import ENGINES

    if engine not in ENGINES:
        raise RunError(f"--engine {engine}: no such engine. {did_you_mean(engine, ENGINES)}")
    from caseload_sim.figures.painter import Painter

    painter = context.with_resource(Painter(worth_it=not no_figures))
    names: list[str] = []
    if not no_figures:
        from caseload_sim.figures.gallery import figure_names

        names = figure_names(figure, "run")
    chosen = opened(scenario, scenario_path, sets)
    if with_events:
        from caseload_sim.analysis.event_log import event_names

        event_names(chosen.steps)
    from caseload_sim.analysis.warm_up import too_short, warm_up
    from caseload_sim.cli.progress import Progress
    from caseload_sim.experiments.precision import DEFAULT_MOST, FIRST_REPLICATIONS, precision_from, replicate_until
    from caseload_sim.experiments.replicate import replicate
    from caseload_sim.figures.gallery import FreshRun
    from caseload_sim.measures.rows import Row
    from caseload_sim.runs.folder import RunFolder, run_name
    from caseload_sim.runs.record import inputs_of_run
    from caseload_sim.runs.tables import as_json, write_csv

    wanted = precision_from(as_written_now("--precision", precision)) if precision else None
    most = replications or DEFAULT_MOST
    longest = with_run(chosen, seed, most if wanted else replications)
    announce_work([longest], beyond_limits, times=1 + parameter_uncertainty, jobs=jobs)
    chosen = with_run(chosen, seed, min(FIRST_REPLICATIONS, most) if wanted else replications)
    asked = f"until {wanted!r} at most {most}" if wanted else ""
    name = run_name(chosen, f"{'parameter_uncertainty' if parameter_uncertainty else ''}{asked}")
    folder = RunFolder(out, name, inputs_of_run(chosen, engine, parameter_uncertainty, wanted), resume=resume)
    notes = (*folder.notes, f"More replications follow until {wanted} is precise enough.") if wanted else folder.notes
    reached = None
    with kept_if_stopped(folder):
        with Progress(chosen, notes=notes) as progress, workers(jobs, dask) as executor:
            how: dict[str, Any] = {
                "engine": engine,
                "parameter_uncertainty": parameter_uncertainty,
                "executor": executor,
                "kept": folder.kept,
                "progress": progress,
            }
            if wanted:
                results, reached = replicate_until(chosen, wanted, most=most, **how)
            else:
                results = replicate(chosen, **how)
        images = painter.begin(FreshRun.of(results), names) if names else None
        unprinted: BaseException | None = None
        try:
            if json:
                print(as_json(results.rows))
            elif csv:
                write_csv(results.rows, Row, sys.stdout)
            else:
                from caseload_sim.cli.run import print_results

                print_results(results)
            sys.stdout.flush()  # shown before figures are drawn, even to a program that reads it
        except (
            OSError,
            SystemExit,
        ) as error:  # it has no room, or nobody reads it any more, for which rich exits: saved all the same
            unprinted = error
        saved = folder.save(
            results,
            engine,
            images,
            with_events=with_events,
            parameter_uncertainty=parameter_uncertainty,
            reached=reached,
        )
    if note := too_short(warm_up(results.scenario, results.over_time)):
        print(f"Note: {note}", file=sys.stderr)
    if reached:
        print(reached.in_words(), file=sys.stderr)
    print(f"Saved in {saved}" + (f" (figures: {', '.join(names)})" if names else ""), file=sys.stderr)
    if unprinted:
        raise unprinted


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
    console = Console(highlight=False)
    found = {(row.measure, row.base, row.at, row.service): row for row in rows if row.group == "all"}
    console.print(
        Text(f"WHAT IT COSTS: pounds at {financial_year(costs.report_year)} prices, {_basis(costs)}", "bold reverse")
    )
    console.print(Text(f"{'all the money, per':<{_NAME}}{''.join(f'{base:>{_NUMBER}}' for base in BASES)}", "dim"))
    for heading, lines in _PARTS:
        if heading:
            console.print(Text(heading, "dim"))
        for label, name, at, service in lines:
            some = [found.get((name, base, at, service)) for base in BASES]
            if any(some):
                line = f"  {label:<{_NAME - 2}}" + "".join(f"{_with_half_width(row):>{_NUMBER}}" for row in some)
                console.print(Text(line.rstrip()), soft_wrap=True)
    console.print(
        Text(
            "Referrals ended in the period, those of the column: with two or more contacts, with any, all. Money spent on "
            "those who did not get better is in. \u00b1: the 95% interval over replications, its wider side. -: not defined, or "
            "what the service adds may be nothing (its interval includes 0). QALYs are by PHQ-9 and of one year, the money is "
            f"of all the care. Prices are of {_years(costs)}: see [costs] in `explain`.",
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


def _with_half_width(row: Row | None) -> str:
    if row is None:
        return ""
    if np.isnan(row.value):
        return "-"
    half, digits = max(row.upper_95_ci - row.value, row.value - row.lower_95_ci), digits_of(row.unit)
    return f"{row.value:{digits}}" + ("" if np.isnan(half) else f" \u00b1{half:{digits}}")


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
        if row.service in ("none", DIFFERENCE) or not (row.group == "all" or by_step):
            continue
        of_step = words(row.group.removeprefix("step=").replace("=", " ")) if by_step and row.group != "all" else ""
        label = "  " + ", ".join(
            filter(None, (row.base if row.base != "all" and not of_step else "", words(row.at), of_step))
        )
        if row.service:
            none, difference = (row_of(rows, quantity_of(row)._replace(service=name)) for name in ("none", DIFFERENCE))
            lines.append(
                f"{label:<21}{value_text(row):>18}{point_text(none):>7}{value_text(difference):>19}{_fraction(row):>15}"
            )
        else:
            lines.append(f"{label:<28}{value_text(row):>26}{_fraction(row):>20}")
    return lines


def print_uncertainty(rows: Sequence[UncertaintyRow]) -> None:
    """What the spread between replications is made of, for all clients."""
    console = Console(highlight=False)
    console.print(Text("UNCERTAINTY: standard deviation between replications, in points of %", "bold reverse"))
    console.print(Text(f"{'':<47}{'total':>8}{'chance':>9}{'sources':>9}", "dim"))
    for row in rows:
        unit = definition(row.measure).unit
        if row.group == "all" and row.service == "service" and unit == "share" and not np.isnan(row.sd_total):
            label = f"  {words(row.measure)}, {row.base}, {words(row.at)}"
            console.print(
                Text(f"{label:<47}{100 * row.sd_total:8.2f}{100 * row.sd_chance:9.2f}{100 * row.sd_parameters:9.2f}")
            )
    console.print()
