"""Commands about scenario files: `explain`, `diff`, `validate`, `schema`, `report-checklist` and `new`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import DEFAULT, Json, Paths, ScenarioArgument, Sets, opened
from caseload_sim.cli.validate_model import NATIONAL


def explain(scenario: ScenarioArgument = DEFAULT, sets: Sets = None, scenario_path: Paths = None) -> None:
    """Say in words what a scenario assumes, every number with its source or that it is an assumption."""
    from caseload_sim.scenario.in_words import explain as in_words
    from caseload_sim.scenario.sources import list_sources

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
    from caseload_sim.scenario.in_words import differences_in_words, what_differs

    one, other = opened(first, scenario_path, None), opened(second, scenario_path, None)
    if json:
        from caseload_sim.runs.tables import as_json

        print(as_json(what_differs(one, other)))
    else:
        print(differences_in_words(one, other))


def schema(
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Print the JSON Schema of scenario files, for an editor that completes and checks them while you write."""
    from caseload_sim.scenario.json_schema import scenario_file_schema

    text = json_module.dumps(scenario_file_schema(), indent=1)
    if out is None:
        print(text)
    else:
        from caseload_sim.runs.folder import save_text

        save_text(out, text + "\n")
        print(f"Saved in {out}", file=sys.stderr)


def report_checklist(
    scenario: ScenarioArgument = DEFAULT,
    sets: Sets = None,
    scenario_path: Paths = None,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Write the STRESS-DES reporting checklist of a scenario as Markdown, with lines left for its author."""
    from caseload_sim.analysis.stress_checklist import checklist
    from caseload_sim.scenario.sources import list_sources
    from caseload_sim.support.provenance import versions_here

    text = checklist(opened(scenario, scenario_path, sets), list_sources(), versions_here())
    if out is None:
        print(text, end="")
    else:
        from caseload_sim.runs.folder import save_text

        save_text(out, text)
        print(f"Saved in {out}", file=sys.stderr)


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as my_service.toml.")],
    parent: Annotated[str, typer.Option("--from", metavar="NAME", help="The scenario that it extends.")] = NATIONAL,
    scenario_path: Paths = None,
) -> None:
    """Write a short commented file for your own service: referrals, staff and waiting list; then run it.

    Its first line names the schema that is written beside it, so that an editor can help with the keys.

    Example:

        caseload-sim new my_service.toml --from national_2024_25

        caseload-sim run my_service.toml
    """
    import json

    from caseload_sim.analysis.service_file import SCHEMA_FILE, service_file
    from caseload_sim.runs.folder import save_text
    from caseload_sim.scenario.json_schema import scenario_file_schema

    save_text(file, service_file(opened(parent, scenario_path, None)))
    if not (schema := file.parent / SCHEMA_FILE).exists():
        save_text(schema, json.dumps(scenario_file_schema(), indent=1) + "\n")
    print(f"Written: {file}. Fill in your numbers, then: caseload-sim run {file}", file=sys.stderr)
