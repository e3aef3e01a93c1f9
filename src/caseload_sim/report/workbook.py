"""The numbers of a report as an Excel file: as numbers, for those who go on with them."""

import io
from collections.abc import Iterable, Iterator
from math import isnan
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from caseload_sim.definitions.quantities import DIFFERENCE
from caseload_sim.report.changes import changes_of
from caseload_sim.report.doubt import COSTS
from caseload_sim.report.ladder import in_words, rungs_of
from caseload_sim.report.material import Material, found
from caseload_sim.report.parts import Command, Heading, Items, Page, Strong
from caseload_sim.report.waits import waits_of
from caseload_sim.scenario.numbers import numbers
from caseload_sim.support.spreadsheets import excel

CREATOR = "caseload-sim report"
_CORE = "docProps/core.xml"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name: every entry is of then
PERCENT, WHOLE, FINE = "0.0%", "#,##0", "#,##0.0"
_BY_CHANCE, _COULD_BE = ("By chance, low", "By chance, high"), ("Could be, low", "Could be, high")


class Number(NamedTuple):
    """A number and how it is shown."""

    value: float
    form: str


Cell = str | Number


def check_workbook() -> None:
    """Raises RunError where Excel files cannot be written."""
    excel("Or leave out --xlsx.")


def as_workbook(material: Material, page: Page) -> bytes:
    """The Excel file: Summary, Ladder, Waits, Changes where a plan was compared, Costs, Inputs and Read me."""
    openpyxl = excel("Or leave out --xlsx.")
    book = openpyxl.Workbook()
    book.remove(book.active)
    sheets = {
        "Summary": _summary(material, page), "Ladder": _ladder(material), "Waits": _waits(material),
        **({"Changes": _changes(material)} if material.plans else {}),
        "Costs": _costs(material), "Inputs": _inputs(material), "Read me": _read_me(page),
    }  # fmt: skip
    for title, rows in sheets.items():
        _fill(openpyxl, book.create_sheet(title), rows)
    book.properties.creator = CREATOR
    into = io.BytesIO()
    book.save(into)
    return _always_alike(into.getvalue())


def is_workbook(content: bytes) -> bool:
    """Whether a file is such a workbook, which the next one may replace."""
    try:
        with ZipFile(io.BytesIO(content)) as file, file.open(_CORE) as core:
            return CREATOR.encode() in core.read(10_000)
    except (BadZipFile, KeyError, OSError, EOFError, ValueError, NotImplementedError):
        return False


def _summary(material: Material, page: Page) -> Iterator[list[Cell]]:
    answer = material.headline
    yield [page.title]
    yield [page.answer]
    yield []
    yield ["Figure", "Value", "Unit"]
    for label, value in (
        ("Referred", answer.referred), ("Seen", answer.seen), ("Finish a course", answer.finished),
        ("Helped beyond no service, by the questionnaires", answer.helped_by_questionnaire),
        ("Helped beyond no service, by interview", answer.helped_by_interview),
    ):  # fmt: skip
        yield [label, Number(value, WHOLE), "people a year"]
    for one in answer.standards:
        yield [
            f"Seen {one.label} of referral",
            Number(one.share, PERCENT),
            f"share; the standard is {one.standard:.0%}",
        ]
    yield ["A referral costs", Number(answer.gbp_per_referral, WHOLE), "pounds"]


def _ladder(material: Material) -> Iterator[list[Cell]]:
    yield ["Definition", "Of whom", "With the service", *_BY_CHANCE, "Untreated", "Added", *_COULD_BE]
    for rung in rungs_of(material):
        row, untreated, added = (
            found(material.table, rung._replace(service=one)) for one in ("service", "none", DIFFERENCE)
        )
        if row is None or untreated is None or added is None:
            continue
        values = (
            row.value,
            row.lower_95_ci,
            row.upper_95_ci,
            untreated.value,
            added.value,
            row.could_be_low,
            row.could_be_high,
        )
        yield [*in_words(rung), *(Number(value, PERCENT) for value in values)]


def _waits(material: Material) -> Iterator[list[Cell]]:
    yield ["Wait", "Half wait at most, days", "Nine in ten at most, days", "People on the list", "Its change a week"]
    for wait in waits_of(material):
        yield [wait.label, *(Number(value, FINE) for value in (wait.half, wait.most, wait.waiting, wait.growth))]


def _changes(material: Material) -> Iterator[list[Cell]]:
    yield ["Figure", "Plan", "Today", "With the plan", "Change", *_BY_CHANCE, *_COULD_BE]
    for plan in material.plans:
        for figure, before, row in changes_of(material, plan):
            values = (
                before.value, row.value, row.difference, row.difference_lower_95_ci, row.difference_upper_95_ci,
                row.difference_could_be_low, row.difference_could_be_high,
            )  # fmt: skip
            form = PERCENT if row.unit == "share" else FINE
            yield [f"{figure.label}, {figure.below}", plan.scenario.name, *(Number(value, form) for value in values)]


def _costs(material: Material) -> Iterator[list[Cell]]:
    yield ["All the money, shared out over", "Pounds", *_BY_CHANCE]
    for quantity, label in COSTS:
        if (row := found(material.table, quantity)) is not None:
            yield [label, *(Number(value, WHOLE) for value in (row.value, row.lower_95_ci, row.upper_95_ci))]


def _inputs(material: Material) -> Iterator[list[Cell]]:
    yield ["Input", "Meaning", "Value", "Origin"]
    for path, number, meaning in numbers(material.scenario):
        yield [path, meaning, Number(number.value, "General"), number.origin()]


def _read_me(page: Page) -> Iterator[list[Cell]]:
    yield ["Before you use this"]
    for text in page.caution:
        yield [text]
    for section in page.sections:
        if not section.is_folded:
            continue
        yield []
        yield [section.heading]
        for block in section.blocks:
            match block:
                case str():
                    yield [block]
                case Strong(text) | Heading(text) | Command(text):
                    yield [text]
                case Items(items):
                    for item in items:
                        yield [item] if isinstance(item, str) else [*item]
    yield [page.foot]


def _fill(openpyxl: Any, sheet: Any, rows: Iterable[list[Cell]]) -> None:
    """Write rows as text and numbers, never as formulas; an unknown number is an empty cell."""
    for i, row in enumerate(rows, start=1):
        is_head = len(row) > 2 and all(isinstance(cell, str) for cell in row)
        for j, cell in enumerate(row, start=1):
            if isinstance(cell, Number):
                if not isnan(cell.value):
                    sheet.cell(i, j, cell.value).number_format = cell.form
                continue
            written = sheet.cell(i, j, cell)
            written.data_type = "s"  # a text that begins with = would be taken for a formula
            if is_head:
                written.font = openpyxl.styles.Font(bold=True)
    for letter, width in zip("ABCDEFGHI", (58, 28, *[18] * 7), strict=True):
        sheet.column_dimensions[letter].width = width


def _always_alike(content: bytes) -> bytes:
    """The same file without the moment at which it was made, so that the same run makes the same bytes."""
    into = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as made, ZipFile(into, "w") as file:
        for name in made.namelist():
            part = made.read(name)
            if name == _CORE:
                start, end = (
                    part.index(b"<dcterms:created"),
                    part.rindex(b"</dcterms:modified>") + len(b"</dcterms:modified>"),
                )
                part = part[:start] + part[end:]
            entry = ZipInfo(name, _LONG_AGO)
            entry.compress_type = ZIP_DEFLATED
            file.writestr(entry, part)
    return into.getvalue()
