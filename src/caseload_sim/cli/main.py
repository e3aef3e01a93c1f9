"""All commands under one name, and what happens when one goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from caseload_sim.cli import (
    audit,
    calibrate,
    compare,
    list,
    plot,
    population,
    rank,
    reconcile,
    rerun,
    run,
    scenarios,
    solve,
    sweep,
    uncertainty,
    validate_model,
    warm_up,
)
from caseload_sim.cli.options import INTERRUPTED
from caseload_sim.errors import CaseloadError
from caseload_sim.support.threads import collect_seldom

BAD_INPUT = 2
NARROWEST = 20

app = typer.Typer(
    help="What remission can a talking-therapy service reach, for those really referred, under which definition?\n\n"
    "Start with `caseload-sim run`: the default scenario, a table, five pictures, and where they were saved.\n\n"
    "Exit codes: 0 done, 2 bad input, 130 interrupted, 1 a check or a rerun that differs, or anything unforeseen.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=True,
    pretty_exceptions_enable=False,
)

# In the order in which --help shows them.
COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.run,
    "population": population.population,
    "calibrate": calibrate.calibrate,
    "sweep": sweep.sweep,
    "solve": solve.solve,
    "compare": compare.compare,
    "reconcile": reconcile.reconcile,
    "audit": audit.audit,
    "uncertainty": uncertainty.uncertainty,
    "rank": rank.rank,
    "plot": plot.plot,
    "list": list.list_command,
    "explain": scenarios.explain,
    "diff": scenarios.diff,
    "validate": scenarios.validate,
    "warm-up": warm_up.warm_up,
    "validate-model": validate_model.validate_model,
    "new": scenarios.new,
    "schema": scenarios.schema,
    "report-checklist": scenarios.report_checklist,
    "check": rerun.check,
    "rerun": rerun.rerun,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"caseload-sim {installed('caseload-sim')}")
        raise typer.Exit


def main() -> None:
    """Run the command line; user errors become one message and exit code 2.

    Nothing in a process that a run starts, which imports the script that is running, even one that calls this unguarded.
    """
    script = sys.modules.get("__mp_main__")
    if script is not None and script.__name__ != "__main__":  # in the first process it is another word for `__main__`
        return
    collect_seldom()
    if sys.stdout is None:  # closed by whoever called: there is nobody to print for
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" rather than failing
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns) < NARROWEST:
        del os.environ["COLUMNS"]  # 0 is what some terminals say that do not know; nothing fits into it
    try:
        app()
    except SystemExit as stop:  # typer turns Ctrl-C into this code, and says nothing
        if isinstance(stop.__context__, BrokenPipeError):  # and a closed pipe into code 1
            sys.exit(0)
        if stop.code == INTERRUPTED:
            print(getattr(stop, "message", "Interrupted: nothing was saved."), file=sys.stderr)
        raise
    except CaseloadError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # the reader of a pipe has left: not an error of ours
        sys.stdout = None
        sys.exit(0)
    except OSError as error:
        print(f"Not everything could be printed: {error.strerror or error}.", file=sys.stderr)
        sys.exit(BAD_INPUT)
