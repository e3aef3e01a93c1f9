"""Commands about services of one's own: `services` and `import-statistics` on published figures, and `new`, which writes a file."""

import json
from collections.abc import Sequence
from datetime import date
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer

from caseload_sim.analysis.calibrate_service import ServiceFit
from caseload_sim.analysis.service_file import SCHEMA_FILE, service_file
from caseload_sim.cli.calibrate import print_service_fit
from caseload_sim.cli.options import NATIONAL, OF_RUNS, Shared, takes
from caseload_sim.cli.printing import Page, in_columns, say, tell
from caseload_sim.cli.running import announce_work, at_work, passing_folder
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.workload import Keeping
from caseload_sim.runs.whole_files import save_text, unwritable, write_text
from caseload_sim.scenario.catalogue import load_scenario
from caseload_sim.scenario.json_schema import scenario_file_schema
from caseload_sim.services.added_months import own_months
from caseload_sim.services.monthly_file import read_monthly_file
from caseload_sim.services.published import ENGLAND, LICENCE, Published
from caseload_sim.services.scenario_file import fit_service, service_text, work_of_fit
from caseload_sim.services.year import MONTHS, ProviderYear, year_of
from caseload_sim.support.columns import by_name
from caseload_sim.support.limits import read_regular


@takes("json")
def services(
    shared: Shared,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]", help="A code, or words of a name, town, board or region; all if not given."),
    ] = None,
) -> None:
    """Find a real service by name, code, town or board, and show its latest year as NHS England published it.

    Examples:

        caseload-sim services leeds

        caseload-sim services RXV --json
    """
    published = Published(own_months())
    found = published.find(" ".join(text or []))
    years = [year_of(published, one) for one in found]
    if shared.json:
        say(json.dumps([plain_year(year) for year in years], indent=1))
    elif len(years) == 1:
        print_year(years[0])
    else:
        print_found(years)


def import_statistics(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE.csv...", help="Monthly files as published, unpacked.")],
) -> None:
    """Add months to the published figures, from the files that NHS England publishes each month.

    A month that is there already is replaced, as it is when NHS England revises it. All files are read before any is added.

    Example:

        caseload-sim import-statistics month_of_april_2025.csv
    """
    added, read = own_months(), [read_monthly_file(path.expanduser()) for path in paths]
    for one in read:
        providers = len(one.names) - (ENGLAND in one.names)
        replaced = added.add(one.figures, one.names)
        again = f", in the place of {replaced:,} that were there" if replaced else ""
        say(
            f"{one.path}: {', '.join(one.months)}, {providers} provider{'s' * (providers != 1)}, {len(one.figures):,} figures "
            f"added{again}; {one.suppressed:,} are suppressed."
        )
    say(f"Kept in {added.path}")


@takes("scenario_path", *OF_RUNS)
def new(
    shared: Shared,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as my_service.toml.")],
    parent: Annotated[str, typer.Option("--from", metavar="NAME", help="The scenario that it extends.")] = NATIONAL,
    service: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Write this real service, with its published figures; see `services`."),
    ] = None,
    no_fit: Annotated[
        bool, typer.Option("--no-fit", help="With --service: leave posts and all else that is not published unfitted.")
    ] = False,
) -> None:
    """Write a short commented file for your own service: referrals, staff and waiting list; then run it.

    With --service the file has that service's published figures, each with its source, and what is not published is fitted to
    them: posts to its waits, attendance, sessions. What was fitted and how well is printed, and says so in the file.

    Its first line names the schema that is written beside it, so that an editor can help with the keys.

    Example:

        caseload-sim new my_service.toml --from national_2024_25

        caseload-sim run my_service.toml

        caseload-sim new devon.toml --service RWV
    """
    if service is None:
        save_text(file, service_file(shared.opened(parent)))
        then = f"Fill in your numbers, then: caseload-sim run {file}"
    else:
        published, extended = Published(own_months()), shared.opened(parent)
        if not no_fit:
            size, times = work_of_fit(published, service, extended)
            announce_work(
                [with_run(size, None, 1)], False, times=times, jobs=shared.jobs, keeping=Keeping(painted=False)
            )
        _begin(file, service_text(published, service, extended), shared.resume)
        then = f"Run it with: caseload-sim run {file}"
        if not no_fit:
            write_text(file, service_text(published, service, extended, _fitted(file, shared)))
    if not (schema := file.parent / SCHEMA_FILE).exists():
        save_text(schema, json.dumps(scenario_file_schema(), indent=1) + "\n")
    tell(f"Written: {file}. {then}")


def _begin(file: Path, text: str, resume: bool) -> None:
    """Write the file as it is before the fit. Raises RunError where another is there; to resume, this very text may be."""
    try:
        begun = resume and file.is_file() and read_regular(file, len(text.encode())) == text.encode()
    except OSError as error:
        raise unwritable(file, error) from None
    if not begun:
        save_text(file, text)


def _fitted(file: Path, shared: Shared) -> ServiceFit:
    """What is not published, fitted to what is; the file is there already, unfitted, should this be interrupted."""
    scenario = with_run(load_scenario(file, paths=shared.scenario_path or []), None, 1)
    tell(f"{file} is written; now what is not published is fitted to what is.")
    with (
        passing_folder(shared, scenario, "new", f"fit {scenario.name}") as folder,
        at_work(shared, folder, scenario, "runs", f"fit {scenario.name}") as how,
    ):
        fit = fit_service(scenario, **how)
    print_service_fit(fit)
    return fit


def plain_year(year: ProviderYear) -> dict[str, Any]:
    """A provider's year as plain values, None where a figure is not published."""

    def finite(value: float) -> float | None:
        return None if isnan(value) else value

    figures = [{**by_name(one), "value": finite(one.value), "england": finite(one.england)} for one in year.figures]
    return {
        **by_name(year.provider),
        "first_month": year.first_month,
        "last_month": year.last_month,
        "is_full": year.is_full,
        "source": LICENCE,
        "figures": figures,
    }


def print_found(years: Sequence[ProviderYear]) -> None:
    """Several providers, a line each."""
    page = Page()
    page.title(f"{len(years)} SERVICES, by name: their latest year as published")
    page.heading(in_columns(("code", -7), ("name, town", -45), ("referrals", 10), ("finished", 9), ("recovery", 9)))
    for year in years:
        one = year.provider
        name = f"{one.name}, {one.town}" if one.town else one.name
        referrals, finished = (
            _text("referrals", year.value(count)) for count in ("referrals_received", "finished_course_treatment")
        )
        recovery = _text("share", year.value("recovery"))
        page.line(in_columns((one.code, -7), (name[:44], -45), (referrals, 10), (finished, 9), (recovery, 9)))
    page.note(f"Source: {LICENCE}. One of them in full: `caseload-sim services CODE`.")


def print_year(year: ProviderYear) -> None:
    """A provider's year beside that of England, each figure with the measures it is made of."""
    page, one = Page(), year.provider
    page.title(f"{one.code}: {one.name}")
    where = ", ".join(filter(None, (one.town, f"{one.board} ({one.board_code})" if one.board else "", one.region)))
    page.say(where)
    page.say(f"From {in_words(year.first_month)} to {in_words(year.last_month)}, as published by NHS England")
    page.heading(in_columns(("", -48), ("here", 8), ("England", 10), (" measures", -10)))
    for figure in year.figures:
        few = f", {figure.n_months} months" if 0 < figure.n_months < MONTHS and figure.name in _OF_ALL_MONTHS else ""
        here, england = (_text(figure.unit, value) for value in (figure.value, figure.england))
        measures = f" {figure.measure_ids.replace('M', '')}"
        page.line(in_columns((figure.words + few, -48), (here, 8), (england, 10), (measures, -12)))
    if not year.is_full:
        page.say("Not a full year: in some months referrals or finished courses are not published.", "bold")
    page.note(
        "Counts are published rounded to five, and not at all below five; a share is of the months in which both its counts are. "
        f"-: not published. measures: numbers of NHS England's, M191 as 191. Source: {LICENCE}."
    )


_OF_ALL_MONTHS = ("referrals_received", "entered_treatment", "finished_course_treatment", "appointments")
_DIGITS = {"days": ".1f", "contacts": ".1f"}


def _text(unit: str, value: float) -> str:
    if isnan(value):
        return "-"
    return f"{100 * value:.1f}%" if unit == "share" else f"{value:{_DIGITS.get(unit, ',.0f')}}"


def in_words(month: str) -> str:
    """A month as people write it.

    >>> in_words("2025-03")
    'March 2025'
    """
    return f"{date(int(month[:4]), int(month[5:]), 1):%B %Y}"
