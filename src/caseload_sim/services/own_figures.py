"""A spreadsheet of one's own figures, CSV or Excel: the empty one to fill in, and what was filled in.

One figure a row: what it is, of which part, when, and the number. Rows without a number say nothing. Months may be written
as spreadsheets like to write them.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.services.own_service import LISTS, PRACTITIONERS, THERAPISTS, OwnService
from caseload_sim.services.year import months_before
from caseload_sim.support.limits import read_regular
from caseload_sim.support.spreadsheets import excel

COLUMNS = ("figure", "of", "when", "number")
EXCEL, CSV = ".xlsx", ".csv"
_AS_CSV = "Or save the sheet as CSV."
MOST_BYTES, MOST_ROWS = 5_000_000, 10_000
REFERRALS, POSTS, TRAINEES, ASSESSING, WAITING, IN_TREATMENT, DAYS, RECOVERY = (
    "referrals",
    "posts, WTE",
    "trainees, WTE",
    "week of practitioners on assessments, %",
    "waiting today",
    "in treatment today",
    "mean days last year",
    "recovery last year, %",
)
BANDS = {  # of the Agenda for Change, and which kind of staff here
    "psychological wellbeing practitioners, band 5": PRACTITIONERS,
    "senior psychological wellbeing practitioners, band 6": PRACTITIONERS,
    "high-intensity therapists, band 7": THERAPISTS,
    "senior high-intensity therapists, band 8a": THERAPISTS,
}
TRAINEE_BANDS = {
    "trainee psychological wellbeing practitioners, band 4": PRACTITIONERS,
    "trainee high-intensity therapists, band 6": THERAPISTS,
}
STEPS = {name.replace("_", " "): name for name in LISTS}
COURSES = {words: name for words, name in STEPS.items() if name != "assessment"}
WAITED = {"in all": "", "up to 4 weeks": "up_to_4_weeks", "4 to 12 weeks": "4_to_12_weeks", "12 to 18 weeks": "12_to_18_weeks", "over 18 weeks": "over_18_weeks"}  # fmt: skip
WAITS = {
    "referral to first contact": "first_contact",
    "first to second contact": "second_contact",
    "assessment to high intensity": "high_intensity",
}
_PARTS: dict[str, tuple[str, ...]] = {
    REFERRALS: ("",),
    POSTS: tuple(BANDS),
    TRAINEES: tuple(TRAINEE_BANDS),
    ASSESSING: ("",),
    WAITING: tuple(STEPS),
    IN_TREATMENT: tuple(COURSES),
    DAYS: tuple(WAITS),
    RECOVERY: ("",),
}
_BY_MONTH = (REFERRALS, POSTS)
_MONTHS_WRITTEN = ("%Y-%m", "%Y-%m-%d", "%b-%y", "%b %Y", "%b %y", "%B %Y", "%d/%m/%Y", "%m/%Y", "%b-%Y", "%B-%Y")
_PER_CENT = (ASSESSING, RECOVERY)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One number of the spreadsheet, and where it stands."""

    figure: str
    part: str
    when: str
    number: float
    where: str


def empty_figures(opens: date) -> list[tuple[str, str, str, str]]:
    """The rows of the spreadsheet to fill in, its head first: the twelve months before a day, and all else."""
    last = date(opens.year - (opens.month == 1), (opens.month - 2) % 12 + 1, 1)
    rows: list[tuple[str, str, str, str]] = [COLUMNS]
    for figure, parts in _PARTS.items():
        whens = months_before(f"{last:%Y-%m}") if figure in _BY_MONTH else WAITED if figure == WAITING else ("",)
        rows += [(figure, part, when, "") for part in parts for when in whens]
    return rows


def spreadsheet_of(rows: list[tuple[str, str, str, str]], kind: str) -> bytes:
    """The bytes of a spreadsheet of these rows. kind: ".csv" or ".xlsx". Raises RunError where openpyxl is missing."""
    if kind == EXCEL:
        book = excel(_AS_CSV).Workbook()
        sheet = book.active
        sheet.title = "figures"
        for row in rows:
            sheet.append(row)
        sheet.freeze_panes = "A2"
        for column, width in zip("ABCD", (38, 54, 16, 12), strict=True):
            sheet.column_dimensions[column].width = width
            sheet[f"{column}1"].font = excel(_AS_CSV).styles.Font(bold=True)
        for row in sheet.iter_rows(min_row=2, min_col=3, max_col=3):
            row[0].number_format = "@"  # text, so that a month stays as it is
        into = io.BytesIO()
        book.save(into)
        return into.getvalue()
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")  # with the mark by which Excel knows UTF-8


def read_own_figures(path: Path, opens: date) -> OwnService:
    """What was filled in.

    opens: the day that the year to come begins
    Raises RunError, with the row, for a figure, part, month or number that cannot be; for a file that is no spreadsheet.
    """
    cells = _cells(path)
    by: defaultdict[tuple[str, str], dict[str, _Cell]] = defaultdict(dict)
    for cell in cells:
        here = by[cell.figure, cell.part]
        if cell.when in here:
            raise RunError(f"{cell.where}: the same figure as {here[cell.when].where}. Leave one of them out.")
        here[cell.when] = cell
    _check_lists(by)

    def numbers(figure: str, part: str = "") -> dict[str, float]:
        return {when: cell.number for when, cell in by[figure, part].items()} if (figure, part) in by else {}

    def single(figure: str, names: dict[str, str]) -> dict[str, float]:
        return {name: numbers(figure, part)[""] for part, name in names.items() if numbers(figure, part)}

    assessing = numbers(ASSESSING)
    last_year = single(DAYS, WAITS)
    if recovery := numbers(RECOVERY):
        last_year["recovery"] = recovery[""] / 100
    return OwnService(
        opens=opens,
        referrals=numbers(REFERRALS),
        posts=_posts({band: numbers(POSTS, band) for band in BANDS}, path),
        assessing=assessing[""] / 100 if assessing else None,
        trainees=single(TRAINEES, TRAINEE_BANDS),
        waiting={
            name: {WAITED[when]: number for when, number in numbers(WAITING, part).items()}
            for part, name in STEPS.items()
            if numbers(WAITING, part)
        },
        caseload=single(IN_TREATMENT, COURSES),
        last_year=last_year,
    )


def _posts(by_band: dict[str, dict[str, float]], path: Path) -> dict[str, dict[str, float]]:
    """Posts by kind of staff and month, the bands of a kind added up. Raises RunError where a band lacks a month of another."""
    posts: dict[str, dict[str, float]] = {}
    for kind in (PRACTITIONERS, THERAPISTS):
        bands = {band: numbers for band, numbers in by_band.items() if BANDS[band] == kind and numbers}
        months = {month for numbers in bands.values() for month in numbers}
        for band, numbers in bands.items():
            if lacking := sorted(months - set(numbers)):
                raise RunError(
                    f"{path}: {POSTS}, {band}: nothing for {lacking[0]}, for which another band of the same staff has posts. "
                    "Write 0 if there were none."
                )
        if bands:
            posts[kind] = {month: sum(numbers[month] for numbers in bands.values()) for month in sorted(months)}
    return posts


def _check_lists(by: dict[tuple[str, str], dict[str, _Cell]]) -> None:
    for (figure, _), cells in by.items():
        if figure == WAITING and "in all" in cells and len(cells) > 1:
            raise RunError(f"{cells['in all'].where}: give how many wait in all, or how many by time waited, not both.")
        if figure == WAITING and "in all" not in cells and len(cells) < len(WAITED) - 1:
            lacking = next(when for when in WAITED if when not in cells and when != "in all")
            raise RunError(
                f"{next(iter(cells.values())).where}: nothing for '{lacking}' of the same list. Write 0 if nobody has waited so long."
            )


def _cells(path: Path) -> list[_Cell]:
    kind = path.suffix.lower()
    if kind not in (CSV, EXCEL):
        raise RunError(f"{path}: a spreadsheet ends in {CSV} or {EXCEL}.")
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise RunError(f"{path}: cannot be read. {error.strerror or error}.") from None
    if len(content) > MOST_BYTES:
        raise RunError(f"{path}: larger than {MOST_BYTES // 1_000_000} MB, so not a spreadsheet of this kind.")
    rows = _excel_rows(content, path) if kind == EXCEL else _csv_rows(content, path)
    found, head = [], True
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise RunError(f"{path}: more than {MOST_ROWS:,} rows, so not a spreadsheet of this kind.")
        cells = [_plain(cell) for cell in row]
        cells += [""] * (len(COLUMNS) - len(cells))
        where = f"{path}, row {number}"
        if head:
            if tuple(cell.lower() for cell in cells[: len(COLUMNS)]) != COLUMNS:
                raise RunError(
                    f"{where}: the first row says {', '.join(COLUMNS)}. `caseload-sim new my_figures{kind} --template` writes such a file."
                )
            head = False
        elif cells[3]:
            found.append(_cell(cells, where))
    if head:
        raise RunError(f"{path}: empty.")
    if not found:
        raise RunError(f"{path}: no row has a number yet. Fill in what you know, and leave the rest empty.")
    return found


def _plain(cell: Any) -> str:
    if isinstance(cell, datetime | date):
        return f"{cell:%Y-%m-%d}"
    return "" if cell is None else " ".join(str(cell).split())


def _cell(cells: list[str], where: str) -> _Cell:
    figure = _one_of(cells[0], tuple(_PARTS), f"{where}, {COLUMNS[0]}")
    part = _one_of(cells[1], _PARTS[figure], f"{where}, {COLUMNS[1]}") if _PARTS[figure] != ("",) else ""
    when = ""
    if figure in _BY_MONTH:
        when = _month(cells[2], f"{where}, {COLUMNS[2]}")
    elif figure == WAITING:
        when = _one_of(cells[2] or "in all", tuple(WAITED), f"{where}, {COLUMNS[2]}")
    text = cells[3].replace(",", "").removesuffix("%").strip()
    try:
        number = float(text)
    except ValueError:
        raise RunError(f"{where}: '{cells[3][:40]}' is not a number. Leave it empty if you do not know it.") from None
    most = 100 if figure in _PER_CENT else 1e6
    if figure in _PER_CENT and 0 < number < 1:
        raise RunError(f"{where}: {cells[3][:40]} is less than one per cent. Write 50 for 50%.")
    if not 0 <= number <= most:
        raise RunError(f"{where}: {cells[3][:40]} is out of range; it must be from 0 to {most:,.0f}.")
    return _Cell(figure, part, when, number, where)


def _one_of(text: str, there: tuple[str, ...], where: str) -> str:
    for one in there:
        if one.lower() == text.lower():
            return one
    raise RunError(f"{where}: '{text[:60]}' is not one of the template's. {did_you_mean(text, there)}")


def _month(text: str, where: str) -> str:
    for written in _MONTHS_WRITTEN:
        try:
            return f"{datetime.strptime(text, written):%Y-%m}"
        except ValueError:
            pass
    raise RunError(f"{where}: '{text[:40]}' is not a month. Write it as 2025-04.")


def _csv_rows(content: bytes, path: Path) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if "\0" in text:
        raise RunError(f"{path}: not a CSV file. Save it as CSV, or give the Excel file itself.")
    head = text.partition("\n")[0]
    between = next((one for one in ",;\t" if one in head), ",")
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=between)
    except csv.Error as error:
        raise RunError(f"{path}: not a CSV file: {error}.") from None


def _excel_rows(content: bytes, path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        book = excel(_AS_CSV).load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise RunError(
            f"{path}: not an Excel file that can be read ({type(error).__name__}). Save it as CSV."
        ) from None
    for row in book.worksheets[0].iter_rows():
        yield tuple(
            100 * cell.value if isinstance(cell.value, float | int) and "%" in cell.number_format else cell.value
            for cell in row
        )
