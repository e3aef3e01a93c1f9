"""What there is, and commands about scenario files: `list`, `explain`, `diff`, `validate`, `schema` and `report-checklist`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from caseload_sim.analysis.stress_checklist import checklist
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, say, styled, tell
from caseload_sim.cli.running import too_much_to_run
from caseload_sim.definitions.measures import MEASURES
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import CaseloadError, CatalogueError, did_you_mean
from caseload_sim.figures.gallery import FIGURES, KINDS
from caseload_sim.measures.bands import kinds_of_group
from caseload_sim.runs.tables import as_json
from caseload_sim.runs.whole_files import save_text
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.in_words import differences_in_words, what_differs
from caseload_sim.scenario.in_words import explain as in_words
from caseload_sim.scenario.json_schema import scenario_file_schema
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.sources import list_sources
from caseload_sim.simulation.replication import check_lists
from caseload_sim.support.provenance import versions_here
from caseload_sim.support.text_columns import shortened


@takes(*OF_A_SCENARIO)
def explain(shared: Shared, scenario: ScenarioArgument = DEFAULT) -> None:
    """Say in words what a scenario assumes, every number with its source or that it is an assumption."""

    say(in_words(shared.opened(scenario), list_sources()))


@takes(*OF_A_SCENARIO)
def validate(shared: Shared, scenario: ScenarioArgument) -> None:
    """Check a scenario file: says what is wrong and where, or that it is ready to run."""
    chosen = shared.opened(scenario)
    if why := too_much_to_run(chosen):
        tell(f"Note: {why}; that takes --beyond-limits.")
    elif chosen.start.stated():
        check_lists(chosen)
    say(f"{scenario}: valid. {chosen.title}. Run it with: caseload-sim run {scenario}")


@takes("scenario_path", "json")
def diff(
    shared: Shared,
    first: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A scenario's name, or your own .toml file.")],
    second: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Another one.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Show also what no simulated figure depends on, such as published targets.")
    ] = False,
) -> None:
    """Say in words what two scenarios assume differently: path, meaning, and each value with its origin.

    What differs without moving a figure is counted at the end: published figures to compare with, and origins.
    """

    one, other = shared.opened(first), shared.opened(second)
    if shared.json:
        say(as_json(sorted(what_differs(one, other), key=lambda difference: not difference.matters)))
    else:
        say(differences_in_words(one, other, everything=everything))


def schema(
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, for an editor that completes and checks them while you write."""

    text = json.dumps(scenario_file_schema(), indent=1)
    if out is None:
        say(text)
    else:
        save_text(out, text + "\n")
        tell(f"Saved in {out}")


@takes(*OF_A_SCENARIO)
def report_checklist(
    shared: Shared,
    scenario: ScenarioArgument = DEFAULT,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Write the STRESS-DES reporting checklist of a scenario as Markdown, with lines left for its author."""

    text = checklist(shared.opened(scenario), list_sources(), versions_here())
    if out is None:
        say(text, end="")
    else:
        save_text(out, text)
        tell(f"Saved in {out}")


@takes("scenario_path", "json")
def list_command(
    shared: Shared,
    what: Annotated[
        str,
        typer.Argument(metavar="KIND", help="scenarios, conditions, measures, groups, figures, policies or sources."),
    ] = "scenarios",
) -> None:
    """List what there is: scenarios, conditions, measures, groups, figures, policies or sources."""
    if what not in LISTINGS:
        raise CatalogueError(f"{what}: nothing of that kind to list. {did_you_mean(what, LISTINGS)}")
    rows = LISTINGS[what](shared.scenario_path or [])
    if shared.json:
        say(json.dumps(rows, indent=1))
    elif what == "scenarios":
        print_scenarios(rows)
    else:
        print_plain(rows)


Rows = list[dict[str, Any]]


# In the order in which they are listed; whatever is in none of them is the user's own.
GROUPS_OF_SCENARIOS = {
    "Whole services": ("hepgul_2016", "national_2024_25", "national_2024_25_providers"),
    "Fifty per cent or ten": (
        "service_claim", "no_service", "independent_audit", "trial_world", "trial_anchored", "outcome_reference_trial",
    ),
    "Who is referred": ("ptsd_doubled", "dependence_30", "personality_disorder_screened"),
    "How they are treated": (
        "right_target", "diagnose_first", "treat_every_disorder", "high_intensity_first", "high_intensity_for_complex",
        "stratified", "twice_the_sessions", "twice_the_sessions_same_staff", "nobody_stops_after_one",
        "protocol_fidelity", "roulette", "telephone_first", "teletherapy", "minimal_contact_ccbt",
    ),
    "Staff and demand": ("unlimited_capacity", "extra_38m", "burnout", "pandemic_surge"),
}  # fmt: skip
OWN, CANNOT = "Your own", "cannot be used"


def scenarios(paths: list[Path]) -> Rows:
    """Every scenario, also those that cannot be read, with the reason; by group."""
    group_of = {name: group for group, names in GROUPS_OF_SCENARIOS.items() for name in names}
    order = [*group_of, *(name for name in list_scenarios(paths) if name not in group_of)]
    rows = []
    for name in order:
        row = {"name": name, "group": group_of.get(name, OWN)}
        try:
            scenario = get_scenario(name, paths=paths)
            rows.append({**row, "title": scenario.title, "look_at": scenario.look_at})
        except CaseloadError as error:
            rows.append({**row, "title": CANNOT, "look_at": str(error).splitlines()[0]})
    return rows


def conditions(paths: list[Path]) -> Rows:
    prevalence = get_scenario().population.prevalence
    return [
        {"name": name, "group": p.group, "prevalence": p.value, "origin": p.origin()} for name, p in prevalence.items()
    ]


def measures(paths: list[Path]) -> Rows:
    return [asdict(measure) for measure in MEASURES]


def figures(paths: list[Path]) -> Rows:
    return [
        {"name": name, "shows": picture.description, "of": KINDS[picture.kind]} for name, picture in FIGURES.items()
    ]


def policies(paths: list[Path]) -> Rows:
    return [{"name": name, "description": policy.description} for name, policy in POLICIES.items()]


def sources(paths: list[Path]) -> Rows:
    return [{"key": key, **source.model_dump(exclude_none=True)} for key, source in list_sources().items()]


def groups(paths: list[Path]) -> Rows:
    """Of the default scenario, as conditions are."""
    return [
        {"name": kind.name, "values": ", ".join(kind.values), "says": kind.says, "measures": kind.measures}
        for kind in kinds_of_group(get_scenario())
    ]


LISTINGS: dict[str, Callable[[list[Path]], Rows]] = {
    "scenarios": scenarios,
    "conditions": conditions,
    "measures": measures,
    "groups": groups,
    "figures": figures,
    "policies": policies,
    "sources": sources,
}


NARROW = 60  # columns of a terminal below which a table would lose columns


def print_scenarios(rows: Rows) -> None:
    """A line a scenario, under the name of its group; why one cannot be used stands below it."""
    page = Page()
    width = max(len(row["name"]) for row in rows) + 4
    for group, some in groupby(rows, key=lambda row: row["group"]):
        page.say(group, "bold")
        for row in some:
            page.line(
                in_columns((f"  {row['name']}", -width), (shortened(row["title"], page.console.width - width), -1))
            )
            if row["title"] == CANNOT:
                page.below(row["look_at"])
    page.say("What one assumes, and what to look at: caseload-sim explain NAME")


def print_plain(rows: Sequence[dict[str, Any]]) -> None:
    """A list of like things: a table when it is narrow, else one block a thing."""
    page = Page()
    names = list(rows[0])
    if len(names) > 4 or page.console.width < NARROW:
        for row in rows:
            page.say(str(row[names[0]]), "bold")
            for name in names[1:]:
                if row.get(name):
                    page.below(f"{words(name)}: {row[name]}", "")
        return
    table = Table(pad_edge=False)
    for name in names:
        table.add_column(
            words(name), no_wrap=name in ("name", "key"), overflow="fold"
        )  # a long word is never cut short
    for row in rows:
        table.add_row(*(styled(str(row.get(name, ""))) for name in names))
    page.console.print(table)
