"""Commands that only look: what there is, what a scenario assumes, and whether a file can be used."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import DEFAULT, Json, Paths, ScenarioArgument, Sets, opened
from caseload_sim.errors import CatalogueError, did_you_mean


def list_command(
    what: Annotated[
        str,
        typer.Argument(metavar="KIND", help="scenarios, conditions, measures, figures, policies or sources."),
    ] = "scenarios",
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """List what there is: scenarios, conditions, measures, figures, policies or sources."""
    from caseload_sim.listings import LISTINGS

    if what not in LISTINGS:
        raise CatalogueError(f"{what}: nothing of that kind to list. {did_you_mean(what, LISTINGS)}")
    rows = LISTINGS[what](scenario_path or [])
    if json:
        print(json_module.dumps(rows, indent=1))
    else:
        from caseload_sim.tables import print_plain

        print_plain(rows)


def explain(scenario: ScenarioArgument = DEFAULT, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Say in words what a scenario assumes, every number with its source or that it is an assumption."""
    from caseload_sim.catalogue import list_sources
    from caseload_sim.explanation import explain as in_words

    print(in_words(opened(scenario, scenario_path, sets), list_sources()))


def validate(scenario: ScenarioArgument, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Check a scenario file: says what is wrong and where, or that it is ready to run."""
    chosen = opened(scenario, scenario_path, sets)
    print(f"{scenario}: valid. {chosen.title}. Run it with: caseload-sim run {scenario}")


def diff(
    first: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A scenario's name, or your own .toml file.")],
    second: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Another one.")],
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Say in words what two scenarios assume differently: path, meaning, and each value with its origin."""
    from caseload_sim.differences import differences_in_words, what_differs

    one, other = opened(first, scenario_path, None), opened(second, scenario_path, None)
    if json:
        from caseload_sim.store import as_json

        print(as_json(what_differs(one, other)))
    else:
        print(differences_in_words(one, other))


def schema(
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, for an editor that completes and checks them while you write."""
    from caseload_sim.file_schema import scenario_file_schema

    text = json_module.dumps(scenario_file_schema(), indent=1)
    if out is None:
        print(text)
    else:
        from caseload_sim.store import save_text

        save_text(out, text + "\n")
        print(f"Saved in {out}", file=sys.stderr)


def report_checklist(
    scenario: ScenarioArgument = DEFAULT,
    sets: Sets = None,
    scenario_path: Paths = None,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Write the STRESS-DES reporting checklist of a scenario as Markdown, with lines left for its author."""
    from caseload_sim.catalogue import list_sources
    from caseload_sim.checklist import checklist
    from caseload_sim.versions import versions_here

    text = checklist(opened(scenario, scenario_path, sets), list_sources(), versions_here())
    if out is None:
        print(text, end="")
    else:
        from caseload_sim.store import save_text

        save_text(out, text)
        print(f"Saved in {out}", file=sys.stderr)
