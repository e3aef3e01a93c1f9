"""The command that writes a scenario file of a service: one of England's, or one's own."""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.cli.calibrate import print_service_fit
from caseload_sim.cli.options import NATIONAL, OF_RUNS, Shared, takes
from caseload_sim.cli.printing import tell
from caseload_sim.cli.running import announce_work, at_work, passing_folder
from caseload_sim.errors import RunError, ScenarioWarning
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.runs.whole_files import save_bytes, save_text, unwritable, write_text
from caseload_sim.scenario.catalogue import load_scenario
from caseload_sim.scenario.json_schema import scenario_file_schema
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.added_months import own_months
from caseload_sim.services.fit import fit_service, work_of_fit
from caseload_sim.services.own_figures import CSV, EXCEL, empty_figures, read_own_figures, spreadsheet_of
from caseload_sim.services.own_service import (
    SCHEMA_FILE,
    OwnService,
    check_own_service,
    fit_own_service,
    own_service_text,
    work_of_own_fit,
)
from caseload_sim.services.published import Published
from caseload_sim.services.questions import OPENS, QUESTIONS, answered, day_of
from caseload_sim.services.scenario_file import service_text
from caseload_sim.simulation.replication import check_lists
from caseload_sim.support.limits import read_regular

T = TypeVar("T")
_FIT = "fit contacts a post to your waits"
_ANSWER = {one.name: typer.Option(metavar=one.example, help=f"{one.words}.") for one in QUESTIONS}


@takes("scenario_path", *OF_RUNS)
def new(
    shared: Shared,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as my_service.toml.")],
    parent: Annotated[str, typer.Option("--from", metavar="NAME", help="The scenario that it extends.")] = NATIONAL,
    service: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Write this real service, with its published figures; see `services`."),
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="FILE is an empty spreadsheet for your figures: .csv or .xlsx.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option(metavar="SPREADSHEET", help="Take your figures from the spreadsheet, filled in.")
    ] = None,
    opens: Annotated[str | None, typer.Option(metavar=OPENS[2], help=f"{OPENS[1]}; today if not given.")] = None,
    referrals: Annotated[str | None, _ANSWER["referrals"]] = None,
    practitioners: Annotated[str | None, _ANSWER["practitioners"]] = None,
    therapists: Annotated[str | None, _ANSWER["therapists"]] = None,
    trainees: Annotated[str | None, _ANSWER["trainees"]] = None,
    waiting: Annotated[str | None, _ANSWER["waiting"]] = None,
    days: Annotated[str | None, _ANSWER["days"]] = None,
    recovery: Annotated[str | None, _ANSWER["recovery"]] = None,
    no_fit: Annotated[bool, typer.Option("--no-fit", help="Leave all that is not known unfitted.")] = False,
) -> None:
    """Write a scenario file for your own service, or for a real one with its published figures; then run it.

    On a terminal eight questions are asked; the options below answer them without asking, and so does a spreadsheet. Only what
    was answered is written. Your posts are kept, and contacts a post are fitted to your waits.

    With --service the file has that service's published figures, each with its source, and what is not published is fitted to
    them: posts to its waits, attendance, sessions.

    What was fitted and how well is printed, and says so in the file. Its first line names the schema that is written beside
    it, so that an editor can help with the keys.

    Examples:

        caseload-sim new my_service.toml

        caseload-sim new my_service.toml --referrals 410 --practitioners 22,30 --therapists 27 --days 21,60,95

        caseload-sim new my_figures.xlsx --template

        caseload-sim new my_service.toml --figures my_figures.xlsx --opens 2026-12

        caseload-sim new devon.toml --service RWV
    """
    texts = (referrals, practitioners, therapists, trainees, waiting, days, recovery)
    answers = {one.name: text for one, text in zip(QUESTIONS, texts, strict=True) if text is not None}
    _check_choice(service, template, figures, answers)
    if service is not None and opens is not None:
        raise RunError("--service and --opens: the year of a real service is the last one that is published.")
    day = day_of(opens or "", date.today())
    if template:
        _write_template(file, day)
    elif service is not None:
        _write_published(shared, file, shared.opened(parent), service, fitted=not no_fit)
    else:
        own = read_own_figures(figures, day) if figures else _answers_of(answers, day)
        asked = not figures and not answers and sys.stdin.isatty()
        if asked:
            own = _asked(day, opens)
        fitted = own.can_be_fitted and not no_fit
        if fitted and asked:
            fitted = typer.confirm(f"Keep your posts, and {_FIT}? It takes some seconds.", default=True, err=True)
        _write_own(shared, file, shared.opened(parent), own, fitted=fitted)


def _check_choice(service: str | None, template: bool, figures: Path | None, answers: dict[str, str]) -> None:
    given = [
        *(["--service"] if service is not None else []),
        *(["--template"] if template else []),
        *(["--figures"] if figures is not None else []),
        *(f"--{name}" for name in list(answers)[:1]),
    ]
    if len(given) > 1:
        raise RunError(f"{' and '.join(given)}: choose one; each says by itself what the file is made of.")


def _answers_of(answers: dict[str, str], day: date) -> OwnService:
    own = OwnService(opens=day)
    for question in QUESTIONS:
        try:
            own = answered(own, question, answers.get(question.name, ""))
        except RunError as error:
            raise RunError(f"--{question.name} {error}") from None
    return own


def _asked(day: date, opens: str | None) -> OwnService:
    """The answers to the eight questions, asked on the terminal; a question is asked again where its answer cannot be."""
    own = OwnService(opens=day)
    tell("Eight questions about your service. Press Enter for what you do not know; it stays as in England.")

    def ask(words: str, example: str, take: Callable[[str], T]) -> T:
        while True:
            said = typer.prompt(f"{words} (such as {example})", default="", show_default=False, err=True)
            try:
                return take(said)
            except RunError as error:
                tell(str(error))

    for question in QUESTIONS:
        own = ask(question.words, question.example, partial(answered, own, question))
    if opens is None:
        own = replace(own, opens=ask(OPENS[1], OPENS[2], partial(day_of, today=day)))
    return own


def _write_template(file: Path, day: date) -> None:
    kind = file.suffix.lower()
    if kind not in (CSV, EXCEL):
        raise RunError(f"{file}: with --template the file is a spreadsheet; its name ends in {CSV} or {EXCEL}.")
    save_bytes(file, spreadsheet_of(empty_figures(day), kind))
    tell(f"Written: {file}. Fill in what you know, then: caseload-sim new my_service.toml --figures {file}")


def _write_own(shared: Shared, file: Path, parent: Scenario, own: OwnService, *, fitted: bool) -> None:
    text = own_service_text(own, parent)
    check_own_service(text, parent)
    if fitted:
        size, times = work_of_own_fit(own, parent)
        announce_work([size], False, times=times, jobs=shared.jobs, keeping=Keeping(painted=False))
    _begin(file, text, shared.resume)
    if fitted:
        write_text(file, own_service_text(own, parent, _fit(shared, file, fit_own_service)))
    _finish(file)
    _say_whether_lists_can_be(shared, file)
    if not own.can_be_fitted:
        tell(
            f"To {_FIT}, say your posts and waits under `official` in the file, then: caseload-sim calibrate service {file}"
        )


def _write_published(shared: Shared, file: Path, parent: Scenario, service: str, *, fitted: bool) -> None:
    published = Published(own_months())
    if fitted:
        size, times = work_of_fit(published, service, parent)
        announce_work([with_run(size, None, 1)], False, times=times, jobs=shared.jobs, keeping=Keeping(painted=False))
    _begin(file, service_text(published, service, parent), shared.resume)
    if fitted:
        write_text(file, service_text(published, service, parent, _fit(shared, file, fit_service)))
    _finish(file)


def _say_whether_lists_can_be(shared: Shared, file: Path) -> None:
    """A note where a list is longer than patience leaves it: the file is kept, and `run` would refuse it."""
    scenario = _loaded(shared, file)
    try:
        if scenario.start.waiting:
            check_lists(scenario)
    except RunError as error:
        tell(f"Note: {error}")


def _finish(file: Path) -> None:
    if not (schema := file.parent / SCHEMA_FILE).exists():
        save_text(schema, json.dumps(scenario_file_schema(), indent=1) + "\n")
    tell(f"Written: {file}. Run it with: caseload-sim run {file}")


def _begin(file: Path, text: str, resume: bool) -> None:
    """Write the file as it is before the fit. Raises RunError where another is there; to resume, this very text may be."""
    try:
        begun = resume and file.is_file() and read_regular(file, len(text.encode())) == text.encode()
    except OSError as error:
        raise unwritable(file, error) from None
    if not begun:
        save_text(file, text)


def _loaded(shared: Shared, file: Path) -> Scenario:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ScenarioWarning
        )  # that posts are not calibrated, which this command does where it can
        return load_scenario(file, paths=shared.scenario_path or [])


def _fit(shared: Shared, file: Path, fit: Callable[..., ServiceFit]) -> ServiceFit:
    """What is not known, fitted to what is, and printed; the file is there already, unfitted, should this be interrupted."""
    scenario = with_run(_loaded(shared, file), None, 1)
    tell(f"{file} is written; now what is not known is fitted to what is.")
    with (
        passing_folder(shared, scenario, "new", f"fit {scenario.name}") as folder,
        at_work(shared, folder, scenario, "runs", f"fit {scenario.name}") as how,
    ):
        found = fit(scenario, **how)
    print_service_fit(found)
    return found
