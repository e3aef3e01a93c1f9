"""The file that NHS England publishes each month, read as it is: both ways of writing dates, `*` for what is suppressed.

Its rows are one figure each: for England, and for each provider. Rows by board or by a part of a board are passed over.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from caseload_sim.errors import RunError
from caseload_sim.services.published import all_measures
from caseload_sim.support.limits import read_regular

MOST_BYTES = 500_000_000  # a month with every board and part of a board takes some 60 million
SUPPRESSED = "*"
COLUMNS = ("REPORTING_PERIOD_START", "REPORTING_PERIOD_END", "GROUP_TYPE", "ORG_CODE1", "ORG_CODE2", "ORG_NAME2", "MEASURE_ID", "MEASURE_NAME", "MEASURE_VALUE_SUPPRESSED")  # fmt: skip
# Measures that had another name before 2024-25, and mean the same.
RENAMED = frozenset({"M031", "M032", "M033", "M034", "M035", "M036", "M037", "M048", "M049"})
_GROUPS = ("England", "Provider")
_DATES = ("%Y-%m-%d", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class MonthlyFile:
    """What one file says.

    months: as "2024-12", ascending; names: by code of provider, "all" for England
    figures: (month, code, measure) -> value, of the measures that this program knows; suppressed: how many have none
    """

    path: Path
    months: tuple[str, ...]
    names: dict[str, str]
    figures: dict[tuple[str, str, str], float]
    suppressed: int


def read_monthly_file(path: Path) -> MonthlyFile:
    """Read one file, whole or not at all.

    Raises RunError, with the line, for a file of another kind, for half a file, for a date, number or measure that cannot be.
    """
    figures: dict[tuple[str, str, str], float] = {}
    names: dict[str, str] = {}
    seen: Counter[tuple[str, str]] = Counter()
    suppressed = 0
    for line, row in _rows(path):
        if row["GROUP_TYPE"] not in _GROUPS or row["ORG_CODE1"] != "all":
            continue
        where = f"{path}:{line}"
        month, code, measure_id = _month_of(row, where), row["ORG_CODE2"], row["MEASURE_ID"]
        _check_name(measure_id, row["MEASURE_NAME"], where)
        seen[month, code] += 1
        names[code] = row["ORG_NAME2"]
        if measure_id not in all_measures():
            continue
        if row["MEASURE_VALUE_SUPPRESSED"] in (SUPPRESSED, ""):
            suppressed += 1
        else:
            if (month, code, measure_id) in figures:
                raise RunError(f"{where}: {measure_id} of {code} in {month} for the second time.")
            figures[month, code, measure_id] = _number(row["MEASURE_VALUE_SUPPRESSED"], where)
    if not figures:
        raise RunError(f"{path}: has no row of England or of a provider with a measure that this program knows.")
    _check_whole(path, seen)
    return MonthlyFile(path, tuple(sorted({month for month, _ in seen})), names, figures, suppressed)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its line; raises RunError for what is no such file."""
    try:
        data = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if len(data) > MOST_BYTES:
        raise RunError(f"{path}: more than {MOST_BYTES:,} bytes, which no monthly file has.")
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        if missing := [name for name in COLUMNS if name not in header]:
            raise RunError(
                f"{path}: not the monthly file of NHS Talking Therapies, as it has no column {missing[0]}. It is published as "
                '"Activity Data File" at digital.nhs.uk, one file a month.'
            )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise RunError(f"{path}:{reader.line_num}: {len(cells)} cells, not {len(header)}. Is this half a file?")
            yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except UnicodeDecodeError:
        raise RunError(
            f"{path}: not text in UTF-8, so not the monthly file. Unpack it first if it is packed."
        ) from None
    except csv.Error as error:
        raise RunError(f"{path}: not CSV ({error}). Is this half a file?") from None


def _month_of(row: dict[str, str], where: str) -> str:
    first, last = (_date(row[name], where) for name in COLUMNS[:2])
    if first.day != 1 or (first.year, first.month) != (last.year, last.month):
        raise RunError(f"{where}: from {first} to {last}, which is not one month.")
    return f"{first:%Y-%m}"


def _date(text: str, where: str) -> date:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise RunError(f"{where}: {text!r:.30} is no date. Known are 2024-12-31 and 31/12/2024.")


def _check_name(measure_id: str, name: str, where: str) -> None:
    """Raises RunError where a known identifier has an unknown name: the figure may then mean something else."""
    known = all_measures().get(measure_id)
    if known and measure_id not in RENAMED and _plain(name) != _plain(known.published_name):
        raise RunError(
            f"{where}: {measure_id} is called {name!r:.80}, but known as {known.published_name}. It may mean something else now; "
            "nothing was added."
        )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
        if math.isfinite(value):
            return value
    except ValueError:
        pass
    raise RunError(f"{where}: {text!r:.30} is no number, and not {SUPPRESSED} for suppressed.")


def _check_whole(path: Path, seen: Counter[tuple[str, str]]) -> None:
    """In a month every provider has as many rows as England; a file that was cut short lacks some of its last one's."""
    usual = max(seen.values())
    for (month, code), n in seen.items():
        if n < usual:
            raise RunError(f"{path}: {code} has {n} measures in {month}, others {usual}. Is this half a file?")
