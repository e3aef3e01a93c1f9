"""The command `list`: scenarios, conditions, measures, groups, figures, policies and sources, as rows of plain values."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from caseload_sim.cli.options import Shared, takes
from caseload_sim.cli.printing import Page, say, styled
from caseload_sim.definitions.measures import MEASURES
from caseload_sim.definitions.quantities import words
from caseload_sim.errors import CaseloadError, CatalogueError, did_you_mean
from caseload_sim.figures.gallery import FIGURES, KINDS
from caseload_sim.measures.bands import kinds_of_group
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.sources import list_sources


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
    else:
        print_plain(rows)


Rows = list[dict[str, Any]]


def scenarios(paths: list[Path]) -> Rows:
    """Every scenario, also those that cannot be read, with the reason."""
    rows = []
    for name in list_scenarios(paths):
        try:
            scenario = get_scenario(name, paths=paths)
            rows.append({"name": name, "title": scenario.title, "look_at": scenario.look_at})
        except CaseloadError as error:
            rows.append({"name": name, "title": "cannot be used", "look_at": str(error).splitlines()[0]})
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
