"""The commands about what is fitted and what came of it: `calibrate`, and `population`, who is referred against published figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from caseload_sim.analysis.calibrate_outcome import (
    REPLICATIONS,
    EvidenceRow,
    OutcomeFit,
    calibrate_outcome,
    calibrate_structures,
    structures_as_toml,
    verdicts_in_words,
)
from caseload_sim.analysis.calibrate_population import (
    N_CLIENTS_FOR_SCORES,
    USUAL_TRIES,
    PopulationFit,
    calibrate_population,
)
from caseload_sim.analysis.calibrate_service import calibrate_service, runs_at_most_for
from caseload_sim.analysis.population_report import Comparison, population_report
from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, OF_PICTURES, OF_RUNS, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, print_json, say, tell
from caseload_sim.cli.running import announce_people, announce_work, at_work, passing_folder, saved_in, table_folder
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import CatalogueError, did_you_mean
from caseload_sim.experiments.settings import with_run, year_before
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.gallery import drawn, tables_of
from caseload_sim.runs.whole_files import check_new, save_text
from caseload_sim.scenario.checks_population import impossible_targets
from caseload_sim.scenario.scenario import Scenario

KINDS = ("population", "service", "outcome", "structures")


@takes(*OF_A_SCENARIO, *OF_RUNS, "beyond_limits")
def calibrate(
    shared: Shared,
    what: Annotated[str, typer.Argument(metavar="KIND", help="population, service, outcome or structures.")],
    scenario: ScenarioArgument = DEFAULT,
    replications: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="Of each run, when a service or an outcome is fitted; more give a steadier fit."
        ),
    ] = 6,
    out: Annotated[Path | None, typer.Option(help="Write the fitted values to this scenario file as well.")] = None,
) -> None:
    """Fit what has no source to what is published; nothing that has a source is moved.

    population: one loading and one shift of all assumed prevalences, to the count of disorders or to mean scores.

    service: what `fitted_by` names under each official figure, such as staff to waits.

    outcome: how clients get better, to all that is published about it (the anchors of docs/outcome.md); or, of a scenario with
    official figures of the outcome to fit, such as service_claim (the claim of 50%), to these alone.

    structures: the other structures of the outcome model, each to the same anchors; prints the file that holds them.

    Prints what was fitted and a scenario fragment with the fitted values, each marked `fitted`.
    """
    if what not in KINDS:
        raise CatalogueError(f"{what}: nothing of that kind to calibrate. {did_you_mean(what, KINDS)}")
    chosen = shared.opened(scenario)
    if out is not None:
        check_new(out)
    if what == "population":
        announce_people(chosen, N_CLIENTS_FOR_SCORES, shared.beyond_limits, times=USUAL_TRIES)
        fragment = _fit_population(chosen)
    elif what == "structures" or (what == "outcome" and not _has_own_targets(chosen)):
        fragment = _fit_to_anchors(shared, chosen, what)
    else:
        fragment = _fit_runs(shared, chosen, what, replications)
    say(fragment)
    if out is not None:
        save_text(out, fragment)
        tell(f"Saved in {out}")


def _fit_population(scenario: Scenario) -> str:
    """Fit who is referred, which takes no simulation, and print it. Returns the fragment."""
    fit = calibrate_population(scenario)
    print_fit(fit)
    return fit.fragment(scenario.name)


def _has_own_targets(scenario: Scenario) -> bool:
    """Whether a scenario names numbers of the outcome to be fitted to its official figures."""
    fitted = [official.fitted_by for official in scenario.official.values() if official.fitted_by]
    return any(all(path.startswith("outcome.") for path in paths) for paths in fitted)


def _fit_to_anchors(shared: Shared, scenario: Scenario, what: str) -> str:
    """Fit the outcome model, or its other structures, to what is published, and print it. Returns the fragment or the file."""
    once = with_run(scenario, None, REPLICATIONS)  # the service runs once; what follows reads its clients again
    keeping = Keeping(all_tables=True, at_once=3 * REPLICATIONS, painted=False)
    announce_work([once], shared.beyond_limits, jobs=shared.jobs, keeping=keeping)
    with at_work(shared, None, scenario, "tries", f"calibrate {what} {scenario.name}") as how:
        executor, progress = how.get("executor"), how.get("progress")
        if what == "structures":
            return structures_as_toml(calibrate_structures(scenario, executor=executor, progress=progress))
        fit = calibrate_outcome(scenario, executor=executor, progress=progress)
    print_outcome_fit(fit)
    return fit.fragment()


def print_outcome_fit(fit: OutcomeFit) -> None:
    """What the fit of the outcome moved, and how near the model comes to every anchor and every check."""
    page = Page()
    page.title("FITTED: the outcome model, to what is published about getting better")
    page.note(in_columns(("", -52), ("before", 10), ("fitted", 10)))
    for path, value in fit.values.items():
        page.line(in_columns((path, -52), (f"{fit.before[path]:.4g}", 10), (f"{value:.4g}", 10)))
    page.gap()
    print_evidence(page, fit.rows)


def print_evidence(page: Page, rows: Sequence[EvidenceRow]) -> None:
    """Anchors and checks, published and in the model, and how many are met."""
    for role in ("anchor", "check"):
        some = [row for row in rows if row.role == role]
        page.heading(in_columns((f"{role}s", -39), ("published", 10), ("model", 9), ("off by", 8), ("chance", 7)))
        for row in some:
            off_by = (f"{row.distance:.1f}", 8), ("" if np.isnan(row.chance) else f"{row.chance:.1f}", 7)
            numbers = (f"{row.published:.3f}", 9), (f"{row.model:.3f}", 9), *off_by
            line = in_columns((words(row.name)[:40], -40), *numbers, ("", -1), (row.verdict, -6))
            page.line(line, "" if row.verdict == "met" else "bold")
        page.note(f"{role}s: {verdicts_in_words(some)}")
    page.note("off by: in tolerances, above 0 where the model is too high; met within two. Checks are never fitted.")
    page.note(
        "chance: standard error of the model's figure, in tolerances, blank where one replication cannot tell; a verdict within "
        "two of them of the line may be chance."
    )


def _fit_runs(shared: Shared, scenario: Scenario, what: str, replications: int) -> str:
    """Fit a service or an outcome, run after run, and print it. Returns the fragment."""
    each, times = year_before(with_run(scenario, None, replications)), runs_at_most_for(scenario, what)
    keeping = Keeping(painted=False)
    announce_work([each], shared.beyond_limits, times=times, jobs=shared.jobs, keeping=keeping)
    with (
        passing_folder(shared, scenario, "calibrate", f"calibrate {what} {replications}") as folder,
        at_work(shared, folder, scenario, "runs", f"calibrate {what} {scenario.name}") as how,
    ):
        fit = calibrate_service(each, part=what, replications=replications, **how)
    print_service_fit(fit)
    return fit.fragment()


def print_fit(found: PopulationFit) -> None:
    """What a calibration moved, and how near it came."""
    page = Page()
    page.title("FITTED: one loading and one shift of all assumed prevalences")
    page.note(in_columns(("", -20), ("target", 10), ("before", 10), ("after", 10)))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        page.say(in_columns((words(name), -20), *((f"{value:.4f}", 10) for value in (target, before, after))))
    page.say(f"loading {found.loading}; assumed prevalences shifted by {found.prevalence_shift:+.3f} logits")
    if found.at_bounds:
        page.say(f"Stopped by the bound of: {', '.join(found.at_bounds)}. The mix above is the nearest within bounds.")
    page.gap()


def print_service_fit(found: ServiceFit) -> None:
    """What the fit of a service came to."""
    page = Page()
    page.title(f"FITTED: what has no source, to published figures of the {found.part}")
    page.note(in_columns(("", -38), ("target", 10), ("before", 10), ("after", 10)))
    for name, target, before, after in zip(found.quantities, found.target, found.before, found.after, strict=True):
        page.say(in_columns((words(name), -38), *((f"{value:.4g}", 10) for value in (target, before, after))))
    page.note(in_columns(("", -48), ("in use", 10), ("fitted", 10)))
    for path, value in found.changes.items():
        page.line(in_columns((path, -48), (f"{found.in_use[path]:.4g}", 10), (f"{value:.4g}", 10)))
    page.note(f"{found.rounds} round{'s' * (found.rounds != 1)} after the first")
    page.gap()


@takes("seed", "out", *OF_A_SCENARIO, "beyond_limits", "json", *OF_PICTURES)
def population(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    clients: Annotated[int, typer.Option(min=100, max=10_000_000, help="How many clients to draw.")] = 200_000,
) -> None:
    """Show who is referred: every prevalence, count, pair, score and stratum, target against achieved."""
    chosen = with_run(shared.opened(scenario), shared.seed, None)
    announce_people(chosen, clients, shared.beyond_limits)
    with table_folder(shared, chosen, "population", {"clients": clients}) as folder:
        rows = population_report(chosen, clients)
        folder.save_table(rows, Comparison, lambda: drawn("population", tables_of("population", chosen, table=rows)))
    if shared.json:
        print_json(rows)
    else:
        print_population(rows, chosen, clients)
    for path, message in impossible_targets(chosen.population):
        tell(f"Note: {'.'.join(path)}: {message}")
    saved_in(folder)


def print_population(rows: Sequence[Comparison], scenario: Scenario, n_clients: int) -> None:
    """Target against achieved, one quantity a line, its origin beneath when it is new."""
    page = Page()
    page.title(f"WHO IS REFERRED: {scenario.title}, {n_clients:,} clients drawn")
    page.note(in_columns(("", -46), ("target", 8), ("achieved", 10), ("source 95%", 14)))
    origin = ""
    for row in rows:
        interval = "" if np.isnan(row.lower_95_ci) else f"{row.lower_95_ci:.3f}-{row.upper_95_ci:.3f}"
        target = "" if np.isnan(row.target) else f"{row.target:.3f}"
        name = words(row.quantity)
        if len(name) > 46:
            page.say(name)
            name = ""
        page.say(in_columns((name, -46), (target, 8), (f"{row.achieved:.3f}", 10), (interval, 14)))
        if row.source != origin:
            page.below(row.source)
        origin = row.source
