"""Commands about services of one's own: `services` and `import-statistics` on published figures, and `new`, which writes a file."""

import json
from collections.abc import Sequence
from datetime import date
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer

from caseload_sim.cli.options import Shared, takes
from caseload_sim.cli.printing import Page, in_columns, say
from caseload_sim.services.added_months import own_months
from caseload_sim.services.monthly_file import read_monthly_file
from caseload_sim.services.published import ENGLAND, LICENCE, Published
from caseload_sim.services.year import MONTHS, ProviderYear, year_of
from caseload_sim.support.columns import by_name


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
