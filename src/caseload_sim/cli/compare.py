"""The command that puts scenarios side by side."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Annotated, cast

import numpy as np
import typer

from caseload_sim.cli.options import OF_A_TABLE, Shared, takes
from caseload_sim.cli.printing import Page, changed, changed_between, in_columns, print_json, replications_text, tell
from caseload_sim.cli.running import announce_work, at_work, saved_in, table_folder
from caseload_sim.definitions.measures import check_measures, definition
from caseload_sim.definitions.quantities import BASES, HELPED, READINGS, Quantity, words
from caseload_sim.engines.engine import DEFAULT_ENGINE
from caseload_sim.errors import RunError, ScenarioError, did_you_mean
from caseload_sim.experiments.apart import why_apart
from caseload_sim.experiments.compare import Compared, ComparisonRow, check_names, shown
from caseload_sim.experiments.compare import compare as run_compare
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.trial import TrialRow, shown_of_trial
from caseload_sim.experiments.workload import Keeping
from caseload_sim.figures.compare import reading
from caseload_sim.measures.headline import OF_FINISHERS
from caseload_sim.measures.rows import Row, could_be_text, point_text, quantity_of, value_text
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.tables import write_csv
from caseload_sim.scenario.scenario import Scenario


@takes(
    *OF_A_TABLE,
    out="Folder in which the comparison's own folder is made.",
    sets="Change one value in all the scenarios; of one that is named twice or alone, in its second copy. Repeat for more.",
    json="Print rows as JSON: all, or those of --measure.",
)
def compare(
    shared: Shared,
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE...",
            help="Two scenarios or more, by name or by file; or one, and --set for its changed copy.",
        ),
    ],
    versus: Annotated[
        str | None, typer.Option(metavar="NAME", help="Compare the others with this one; with the first if not given.")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Show this measure instead of the headlines; repeatable. `list measures` shows all."),
    ] = None,
    own_start: Annotated[
        bool,
        typer.Option(
            "--own-start",
            help="Open each with the lists that it would have in the long run, instead of those of the scenario compared with.",
        ),
    ] = False,
    by_lot: Annotated[
        bool,
        typer.Option(
            "--by-lot",
            help="Also compare them as a trial would: each client in one arm only, by lot. --json and --csv then give the trial.",
        ),
    ] = False,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Draw no figure.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Print each figure under its definition.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print rows as CSV: all, or those of --measure.")] = False,
) -> None:
    """Run several scenarios on the same clients and draws, and show how each differs from the first.

    Seed and replications are those of the scenario compared with, unless given.

    Examples:

        caseload-sim compare hepgul_2016 national_2024_25 service_claim

        caseload-sim compare hepgul_2016 --set staff.high_intensity_therapist.wte.value=30

        caseload-sim compare hepgul_2016 my_service.toml --measure second_contact_days_mean --replications 20
    """
    if shared.json and csv:
        raise RunError("--json and --csv: choose one.")
    check_measures(measure or [])
    scenarios, chosen = _opened_all(scenarios, shared)
    reference = _reference(scenarios, chosen, versus)
    reference = with_run(reference, shared.seed, shared.replications)
    compared, folder = compared_in_folder(
        chosen, reference, shared, own_start=own_start, by_lot=by_lot, measures=measure or [], draw=not no_figures
    )
    rows = [row for row in (compared.trial or compared.rows) if not measure or row.measure in measure]
    if shared.json:
        print_json(rows)
    elif csv:
        write_csv(rows, TrialRow if by_lot else ComparisonRow, sys.stdout)
    else:
        if full or measure:
            print_comparison(compared, measure or [])
        else:
            print_short(compared)
        if by_lot:
            print_trial(compared, measure or [])
    for note in compared.notes:
        tell(f"Note: {note}")
    saved_in(folder)


def compared_in_folder(
    chosen: Sequence[Scenario],
    reference: Scenario,
    shared: Shared,
    *,
    own_start: bool = False,
    by_lot: bool = False,
    measures: Sequence[str] = (),
    draw: bool = True,
) -> tuple[Compared, RunFolder]:
    """Run scenarios with the seed and the replications of one of them, and save the comparison in a folder of its own.

    draw: whether to draw its figure; see `compare` for all else
    """
    check_names(chosen)
    run = reference.run
    works = [with_run(one, None, run.replications) for one in chosen]
    keeping = Keeping(all_tables=True, at_once=len(works), painted=draw)
    announce_work(works, shared.beyond_limits, jobs=shared.jobs, keeping=keeping)
    inputs = [
        one.model_copy(update={"run": one.run.model_copy(update={"seed": 0, "replications": 1})}) for one in chosen
    ]
    with table_folder(shared, reference, "compare", {"own_start": own_start, "by_lot": by_lot}, inputs) as folder:
        with at_work(shared, folder, reference, named=", ".join(one.name for one in chosen)) as how:
            compared = run_compare(
                chosen,
                versus=reference.name,
                seed=run.seed,
                replications=run.replications,
                own_start=own_start,
                by_lot=by_lot,
                **how,
            )
        folder.save_comparison(compared, DEFAULT_ENGINE, measures, draw=draw)
    return compared, folder


def _opened_all(names: list[str], shared: Shared) -> tuple[list[str], list[Scenario]]:
    """The scenarios, and as what each was typed. One that is named twice or alone, with --set, is also there as it is."""
    if not shared.sets or len(set(names)) > 1 or len(names) > 2:
        return names, [_opened(name, shared) for name in names]
    changed = _opened(names[0], shared)
    renamed = changed.model_copy(update={"name": f"{changed.name}_changed"})
    return [names[0], renamed.name], [_opened(names[0], replace(shared, sets=None)), renamed]


def _opened(name: str, shared: Shared) -> Scenario:
    """One of the scenarios; an error in --set says in which of them."""
    try:
        return shared.opened(name)
    except ScenarioError as error:
        if shared.sets:
            raise ScenarioError(f"in {name}: {error}") from None
        raise


def _reference(typed: list[str], scenarios: list[Scenario], versus: str | None) -> Scenario:
    """The scenario to compare with, which may be given as it was typed or by its name."""
    if versus is None:
        return scenarios[0]
    for as_typed, scenario in zip(typed, scenarios, strict=True):
        if versus in (as_typed, scenario.name):
            return scenario
    raise RunError(
        f"--versus {versus}: not among those compared. {did_you_mean(versus, [one.name for one in scenarios])}"
    )


# What the short answer shows, people first: under each heading how a line begins, and which figure it has.
_SHORT = {
    "People helped beyond no service, a year": (
        ("by the service's questionnaires", HELPED[0]),
        ("by interview", HELPED[1]),
    ),
    "People and waits": (
        ("finish a course", Quantity("finished_course_treatment", "all", group="all")),
        ("days to first contact", Quantity("first_contact_days_mean", "started", group="all")),
        ("days from first to second contact", Quantity("second_contact_days_mean", "finished", group="all")),
    ),
    "Shares of those who finish": tuple((label.replace("the service's ", ""), rung) for label, rung in OF_FINISHERS.items()),
}  # fmt: skip
_LABEL, _BEFORE, _AFTER, _CHANGE = 37, 8, 9, 25
PEOPLE = "clients a year"


def print_short(compared: Compared) -> None:
    """Of each scenario how many people more are helped, then waits, then shares; and why, where the two move apart."""
    page = Page()
    before = next(one.rows for one in compared.results if one.scenario.name == compared.versus)
    for one in compared.results:
        if one.scenario.name != compared.versus:
            page.title(f"{one.scenario.name}, compared with {compared.versus}")
            print_change(page, before, [row for row in compared.rows if row.scenario == one.scenario.name])
            page.gap()
    run = compared.results[0].scenario.run
    page.note(
        f"Seed {run.seed}, {replications_text(run.replications)}, the same people in all. {OF_CHANGES} "
        "Every figure with its definition: --full."
    )


OF_CHANGES = "Brackets: 95% interval of the change, chance alone. could be: lowest and highest by other outcome models that fit as well."


def print_change(page: Page, before: Sequence[Row], after: Sequence[ComparisonRow]) -> None:
    """What changes between two runs: people helped, waits, shares, and a sentence where people and share move apart.

    before: rows of the one; after: rows of the other, with their distance from the first
    """
    figures = [quantity for lines in _SHORT.values() for _, quantity in lines]
    was, now = ({q: row for row in rows if (q := quantity_of(row)) in figures} for rows in (before, after))
    page.heading(in_columns(("", -_LABEL), ("before", _BEFORE), ("after", _AFTER), ("change", _CHANGE)))
    for heading, lines in _SHORT.items():
        page.line(heading, "bold")
        for label, figure in lines:
            if figure not in was or figure not in now:
                continue
            row = cast("ComparisonRow", now[figure])
            values = (point_text(was[figure]), _BEFORE), (point_text(row), _AFTER), (_difference(row), _CHANGE)
            page.line(in_columns((f"  {label}", -_LABEL), *values))
            low, high = row.difference_could_be_low, row.difference_could_be_high
            if row.unit == PEOPLE and (said := could_be_text(low, high, row.unit, with_sign=True)):
                page.line(in_columns(("    could be", -_LABEL), (said, _BEFORE + _AFTER + _CHANGE)))
    for sentence in why_apart(after):
        page.say(sentence, "bold")


_NAME_WIDTH = 24


def print_comparison(compared: Compared, measures: Sequence[str] = ()) -> None:
    """Headlines, or the measures asked for: each under its definition and denominator, a line for each scenario."""
    page = Page()
    run = compared.results[0].scenario.run
    page.title(f"COMPARED WITH {compared.versus}, on common random numbers")
    page.heading(in_columns(("", -_NAME_WIDTH), ("value", 22), ("difference", 25)))
    said = ""
    for measure, rows in groupby(shown(compared.rows, measures), key=lambda row: row.measure):
        meaning = definition(measure)
        page.meaning(words(measure), meaning.definition)
        if meaning.denominator and meaning.denominator != said:
            page.denominator(meaning.denominator)
        said = meaning.denominator
        for label, same in groupby(rows, key=reading):
            if label:
                page.say(f"  {label}")
            for row in same:
                for line, style in _lines(row):
                    page.line(line, style)
    page.gap()
    for sentence in why_apart(compared.rows):
        page.say(sentence, "bold")
    page.note(
        f"Seed {run.seed}, {replications_text(run.replications)}. difference: less "
        f"{compared.versus}, shares in points of %. Brackets: 95% interval over replications, of differences paired; "
        "chance alone, not the doubt about assumptions. could be: lowest and highest by other structures of the outcome model, "
        "no interval. All rows, for every group of clients, are in differences.csv."
    )


def _lines(row: ComparisonRow) -> list[tuple[str, str]]:
    """Lines and their style: value and difference, and below them what both could be, where that is known."""
    lines = []
    name = f"    {row.scenario}"
    if len(name) > _NAME_WIDTH:
        lines.append((name, ""))
        name = ""
    lines.append((in_columns((name, -_NAME_WIDTH), (value_text(row), 22), (_difference(row), 25)), ""))
    value = could_be_text(row.could_be_low, row.could_be_high, row.unit)
    apart = could_be_text(row.difference_could_be_low, row.difference_could_be_high, row.unit, with_sign=True)
    if value or apart:
        lines.append((in_columns(("      could be", -_NAME_WIDTH), (value, 22), (apart, 25)), "dim"))
    return lines


def _difference(row: ComparisonRow) -> str:
    """The difference with its interval."""
    if not row.versus:
        return "compared with"
    return changed(row.unit, row.difference, row.difference_lower_95_ci, row.difference_upper_95_ci)


_TRIAL_NAME, _TRIAL_WIDTHS = 14, (22, 15, 22, 7)


def print_trial(compared: Compared, measures: Sequence[str] = ()) -> None:
    """The headlines, or the measures asked for, as a trial finds them, beside the paired difference of the same figure."""
    page = Page()
    page.gap()
    page.title(f"A TRIAL IN THE MODEL, against {compared.versus}: each client in one arm")
    page.heading(_cells("", ("by lot", "one trial", "paired", "wider")))
    rows = shown_of_trial(compared.trial, measures)
    if not rows:
        page.say("None of these measures is counted by lot: official figures and rungs are.")
    for label, same in groupby(rows, key=lambda row: f"{words(row.measure)}, {BASES[row.base]}{_when(row)}"):
        page.say(label, "bold")
        for row in same:
            name = f"    {row.scenario}"
            if len(name) > _TRIAL_NAME:
                page.line(name)
                name = ""
            by_lot = changed(row.unit, row.difference, row.difference_lower_95_ci, row.difference_upper_95_ci)
            single = changed_between(row.unit, row.one_trial_lower_95, row.one_trial_upper_95)
            paired = changed(row.unit, row.paired_difference, row.paired_lower_95_ci, row.paired_upper_95_ci)
            wider = "-" if np.isnan(row.times_wider) else f"{row.times_wider:.1f}x"
            page.line(_cells(name, (by_lot, single, paired, wider)))
    page.gap()
    page.note(
        "by lot: difference between the clients of one arm and those of the other, mean over replications with its 95% "
        "interval. one trial: between what bounds a single trial of that size would find it, 95 times in 100. paired: of "
        "all clients, each of whom is known in both scenarios. The trial is wider because its arms are different people, "
        "one of which happens to be more ill or luckier, and because each has half of them. Each service is run whole: "
        "the lot decides who is counted, and neither arm crowds the waiting lists of the other. All figures are in trial.csv."
    )


def _cells(name: str, cells: Sequence[str]) -> str:
    return in_columns((name, -_TRIAL_NAME), *zip(cells, _TRIAL_WIDTHS, strict=True))


def _when(row: TrialRow) -> str:
    return f", {READINGS[row.at]}" if row.at else ""
