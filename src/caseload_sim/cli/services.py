"""Commands about a service: the model against official figures, and a short file for one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from caseload_sim.cli.options import Json, Paths, Replications, Seed, Sets, opened, with_run

NATIONAL = "national_2024_25"


def validate_model(
    scenario: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A scenario with official figures, or your own .toml file.")
    ] = NATIONAL,
    seed: Seed = None,
    replications: Replications = None,
    sets: Sets = None,
    scenario_path: Paths = None,
    json: Json = False,
) -> None:
    """Compare the model with every official figure: which were fitted, which are checks, which are missed.

    met: the model's mean lies within 1 point (shares) or 5% (all else); its interval never widens that.
    """
    chosen = with_run(opened(scenario, scenario_path, sets), seed, replications)
    from caseload_sim.progress import Progress
    from caseload_sim.service_fit import effect_that_reaches
    from caseload_sim.service_fit import validate_model as compare_with_official

    with Progress(chosen) as progress:
        rows = compare_with_official(chosen, progress=progress)
    if json:
        from caseload_sim.store import as_json

        print(as_json(rows))
        return
    from caseload_sim.tables import print_validation

    missed = any(row.quantity == "recovery" and row.verdict == "missed" for row in rows)
    print_validation(chosen, rows, effect_that_reaches(chosen, "recovery") if missed else None)


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

    from caseload_sim.file_schema import scenario_file_schema
    from caseload_sim.store import save_text
    from caseload_sim.templates import SCHEMA_FILE, service_file

    save_text(file, service_file(opened(parent, scenario_path, None)))
    if not (schema := file.parent / SCHEMA_FILE).exists():
        save_text(schema, json.dumps(scenario_file_schema(), indent=1) + "\n")
    print(f"Written: {file}. Fill in your numbers, then: caseload-sim run {file}", file=sys.stderr)
