"""All commands under one name, and what happens when one goes wrong."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from caseload_sim.errors import CaseloadError, ScenarioWarning, harmless
from caseload_sim.support.surroundings import at_home, lead_nowhere, surroundings_in_order
from caseload_sim.support.threads import collect_seldom

INTERRUPTED = 130
BAD_INPUT = 2
_UsageError = cast("type[Exception]", typer.BadParameter.__base__)  # click's, or that of typer's own copy of click

LONGEST_SUMMARY = 45  # letters, so that no terminal cuts one

# As --help shows them: under each heading the name, the module, the function in it, and what it answers or does.
GROUPS = {
    "Start here": (
        ("run", "run", "run", "Who gets well, and how long people wait."),
        ("new", "new", "new", "Write a file for your own service."),
        ("report", "report", "report", "One page for a board, from a run or a file."),
        ("list", "scenarios", "list_command", "List scenarios, measures, figures and more."),
        ("show", "show", "show", "Show a saved run, in short or as tables."),
    ),
    "Ask": (
        ("compare", "compare", "compare", "Compare plans on the same people."),
        ("solve", "solve", "solve", "Find how many posts a target needs."),
        ("sweep", "sweep", "sweep", "Step through one input, or two."),
        ("rank", "rank", "rank", "Rank what-ifs by what they gain."),
    ),
    "Account for it": (
        ("explain", "scenarios", "explain", "Every assumption, with its source."),
        ("diff", "scenarios", "diff", "What two scenarios assume differently."),
        ("reconcile", "reconcile", "reconcile", "The way from one figure to another."),
        ("audit", "audit", "audit", "What an audit by interview would find."),
        ("uncertainty", "uncertainty", "uncertainty", "How sure each figure is, and why."),
        ("structures", "uncertainty", "structures", "What other models of outcome would say."),
        ("population", "calibrate", "population", "Who is referred, against published figures."),
        ("validate-model", "validate_model", "validate_model", "The model against official figures."),
        ("backtest", "validate_model", "backtest", "How well it predicts the next year."),
    ),
    "Real services": (
        ("services", "services", "services", "Find a real service and its figures."),
        ("import-statistics", "services", "import_statistics", "Add months that NHS England published."),
    ),
    "Files and checks": (
        ("validate", "scenarios", "validate", "Is my file right?"),
        ("plot", "rerun", "plot", "Draw a saved run's figures again."),
        ("rerun", "rerun", "rerun", "Run a stored run again: same answer?"),
        ("check", "rerun", "check", "Do both engines give the same answer?"),
        ("warm-up", "validate_model", "warm_up", "How many opening days to leave out."),
        ("calibrate", "calibrate", "calibrate", "Fit what has no source to what is published."),
        ("schema", "scenarios", "schema", "A schema for editors of scenario files."),
        ("report-checklist", "scenarios", "report_checklist", "The STRESS-DES checklist of a scenario."),
    ),
}
COMMANDS = tuple(one for group in GROUPS.values() for one in group)


class Later(TyperCommand):
    """A command of which the program knows only the name and one line of help, until it is called: then it is loaded."""

    def __init__(self, name: str, module: str, function: str, help: str) -> None:
        super().__init__(name, help=help)
        self.module, self.function = module, function

    def loaded(self) -> Any:
        """The command itself, from the module that holds it."""
        own = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
        own.command(self.name)(_at_home(getattr(import_module(f"caseload_sim.cli.{self.module}"), self.function)))
        return typer.main.get_command(own)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Where parsing begins, and with it the command proper."""
        with _harmless():
            return self.loaded().make_context(*args, **kwargs)


def _at_home(command: Callable[..., None]) -> Callable[..., None]:
    """A command all of whose paths may begin with `~`, also where no shell has put the home folder in its place."""

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(one) for one in value]
        return at_home(value) if isinstance(value, Path) else value

    @wraps(command)
    def called(**given: Any) -> None:
        command(**{name: whole(value) for name, value in given.items()})

    return called


class Commands(TyperGroup):
    """All commands, none of them loaded."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": {name: Later(name, *rest) for name, *rest in COMMANDS}})

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The part of --help that lists commands: group by group."""
        for heading, group in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, summary) for name, _, _, summary in group])

    def resolve_command(self, *args: Any, **kwargs: Any) -> Any:
        """Where a command that there is not is noticed."""
        with _harmless():
            return super().resolve_command(*args, **kwargs)


@contextmanager
def _harmless() -> Iterator[None]:
    """What click says of arguments that it does not know: names of files may be among them."""
    try:
        yield
    except _UsageError as error:
        error.message = harmless(error.message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=Commands,
    help="What remission can a talking-therapy service reach, for those really referred, under which definition?\n\n"
    "Start with `caseload-sim run`: the answer for the default scenario, five pictures, and where all is saved.\n\n"
    "Exit codes: 0 done, 2 bad input, 130 interrupted, 1 a check or a rerun that differs, or anything unforeseen.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=True,
    pretty_exceptions_enable=False,
)


class Stopped(SystemExit):
    """Ctrl-C, and what became of the work until then."""

    def __init__(self, message: str) -> None:
        super().__init__(INTERRUPTED)
        self.message = message


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed  # which takes as long to load as all else that --help needs

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
    with surroundings_in_order(), _warnings_in_words():
        _called()


@contextmanager
def _warnings_in_words() -> Iterator[None]:
    """Notices as a sentence on stderr, each once, however often it is given; all other warnings as they were."""
    usual, said = warnings.showwarning, set[str]()

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, ScenarioWarning):
            usual(message, category, *where, **more)
        elif str(message) not in said:
            said.add(str(message))
            print(harmless(f"Note: {message}"), file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", ScenarioWarning)
        warnings.showwarning = show
        yield


def _called() -> None:
    """Do what was typed, and say what went wrong."""
    try:
        try:
            app()
        except SystemExit as stop:  # typer turns Ctrl-C into this code, and says nothing
            if isinstance(stop.__context__, BrokenPipeError):  # and a closed pipe into code 1
                sys.exit(0)
            if stop.code == INTERRUPTED:
                print(harmless(getattr(stop, "message", "Interrupted: nothing was saved.")), file=sys.stderr)
            sys.stdout.flush()
            raise
    except CaseloadError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # the reader of a pipe has left: not an error of ours
        lead_nowhere(sys.stdout)
        sys.exit(0)
    except OSError as error:
        lead_nowhere(sys.stdout)
        print(f"Not everything could be printed: {error.strerror or error}.", file=sys.stderr)
        sys.exit(BAD_INPUT)
