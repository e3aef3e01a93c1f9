"""The options that several commands share, and how what was typed becomes a scenario."""

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from caseload_sim.cli.printing import tell
from caseload_sim.definitions.quantities import with_slashes
from caseload_sim.errors import RunError
from caseload_sim.figures.sizes import DPI_RANGE, USUAL_DPI, Look, looks_from
from caseload_sim.pathway.in_vain import warn_of_what_is_in_vain
from caseload_sim.scenario.catalogue import open_scenario
from caseload_sim.scenario.changes import parse_value
from caseload_sim.scenario.scenario import Scenario

DEFAULT = "hepgul_2016"
NATIONAL = "national_2024_25"
RESULTS = Path("results")

ScenarioArgument = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A scenario's name, or your own .toml file.")
]


@dataclass(frozen=True, slots=True)
class Shared:
    """The options that several commands share, as they were typed, with what --help says of each; see `takes`."""

    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all randomness; the scenario's own if not given.")
    ] = None
    replications: Annotated[int | None, typer.Option(min=1, max=100_000, help="How many replications.")] = None
    out: Annotated[Path, typer.Option(help="Folder in which a folder with the table and the figure is made.")] = RESULTS
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change one value; repeat for more. Paths are as `explain` shows."
        ),
    ] = None
    scenario_path: Annotated[
        list[Path] | None,
        typer.Option("--scenario-path", metavar="FOLDER", help="Look for scenarios here too; repeatable."),
    ] = None
    jobs: Annotated[
        int,
        typer.Option(
            min=1, max=1024, help="How many processes run replications at the same time; the answer is the same."
        ),
    ] = 1
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="Run replications on a Dask cluster with its scheduler at tcp://HOST:PORT or tls://HOST:PORT; the answer is the same.",
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where the same command was ended, with the replications it had finished."),
    ] = False
    beyond_limits: Annotated[
        bool,
        typer.Option(
            "--beyond-limits", help="Begin even where the work, or the memory it needs, is beyond all usual size."
        ),
    ] = False
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Of figures: png, svg or pdf; repeat for several. png if not given."),
    ] = None
    width: Annotated[
        str | None,
        typer.Option(
            metavar="one|two|slide",
            help="Of figures: one column of a journal (89 mm), two (183 mm), or a slide (13.33 in); letters are as large as each needs.",
        ),
    ] = None
    dpi: Annotated[
        int | None,
        typer.Option(
            min=DPI_RANGE[0], max=DPI_RANGE[1], help=f"Dots to the inch of PNG figures; {USUAL_DPI} if not given."
        ),
    ] = None

    @property
    def looks(self) -> tuple[Look, ...]:
        """How figures are saved. Raises RunError for a format or a width that there is not."""
        return looks_from(self.formats, self.width, self.dpi)

    def opened(self, name_or_file: str) -> Scenario:
        """The scenario of that name or file, with the changes of --set; says what in it changes nothing. Raises CaseloadError."""
        scenario = open_scenario(name_or_file, paths=self.scenario_path or [], changes=changes_in(self.sets))
        warn_of_what_is_in_vain([scenario])
        return scenario


OF_A_SCENARIO = ("sets", "scenario_path")
OF_RUNS = ("jobs", "dask", "resume")  # of every command that runs more than one simulation
OF_PICTURES = ("formats", "width", "dpi")  # of every command that draws
OF_A_TABLE = ("seed", "replications", "out", *OF_A_SCENARIO, *OF_RUNS, "beyond_limits", "json", *OF_PICTURES)


def takes(*names: str, **helps: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command some of the shared options. It gets them as its first argument, a `Shared`.

    This command has three options, of which --seed and --json are described in `Shared`:

        @takes("seed", "json")
        def throw(shared: Shared, dice: int = 2) -> None: ...

    helps: another help text for an option, if this command needs one
    """
    hints = get_type_hints(Shared, include_extras=True)
    typed = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_with_help(hints[field.name], helps.get(field.name)),
        )
        for field in fields(Shared)
        if field.name in names
    ]

    def taking(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        _, *own = signature.parameters.values()

        @wraps(command)
        def called(**given: Any) -> None:
            command(Shared(**{name: given.pop(name) for name in names}), **given)

        parameters = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *typed]
        called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return taking


def _with_help(annotation: Any, words: str | None) -> Any:
    if words is None:
        return annotation
    (option,) = annotation.__metadata__
    option = copy(option)
    option.help = words
    return Annotated[annotation.__origin__, option]


def changes_in(sets: list[str] | None) -> dict[str, Any]:
    """The changes of all --set options: dotted path -> value. Raises RunError when one is not PATH=VALUE."""
    changes: dict[str, Any] = {}
    for text in sets or []:
        path, equals, value = text.partition("=")
        if not equals or not path.strip() or not value.strip():
            raise RunError(f"--set {text}: write PATH=VALUE, as in population.prevalence.ptsd.value=0.3")
        changes[path.strip()] = parse_value(value.strip())
    return changes


def as_written_now(option: str, text: str) -> str:
    """A figure as typed, with slashes. The colons of earlier versions are turned into slashes, with a note on stderr."""
    slashed = with_slashes(text)
    if slashed != text:
        tell(f"{option} {text}: colons still do; it is now written {slashed}")
    return slashed
