"""Commands about scenario files: `explain`, `diff`, `validate`, `schema` and `report-checklist`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.analysis.stress_checklist import checklist
from caseload_sim.cli.options import DEFAULT, OF_A_SCENARIO, ScenarioArgument, Shared, takes
from caseload_sim.cli.printing import say, tell
from caseload_sim.cli.running import too_much_to_run
from caseload_sim.runs.tables import as_json
from caseload_sim.runs.whole_files import save_text
from caseload_sim.scenario.in_words import differences_in_words, what_differs
from caseload_sim.scenario.in_words import explain as in_words
from caseload_sim.scenario.json_schema import scenario_file_schema
from caseload_sim.scenario.sources import list_sources
from caseload_sim.simulation.replication import check_lists
from caseload_sim.support.provenance import versions_here


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
