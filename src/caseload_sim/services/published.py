"""What is published of each provider: the snapshot in the package, and the months that a user has added to it.

Source: NHS Talking Therapies monthly activity data, published by NHS England under the Open Government Licence v3.0, tidied by
the Bennett Institute for Applied Data Science (the package nhstt). Counts are rounded to the nearest five; a figure of fewer
than five is suppressed, and not in the table.
"""

import csv
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from caseload_sim.errors import CatalogueError, did_you_mean
from caseload_sim.services.added_months import AddedMonths

if TYPE_CHECKING:
    import pyarrow as pa

ENGLAND = "all"  # the code under which figures of the whole country are published
LICENCE = "NHS England, NHS Talking Therapies monthly statistics, Open Government Licence v3.0"
_DATA = files("caseload_sim.services") / "data"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives the treatment. code: as NHS England uses it; board: integrated care board; what is not known is empty."""

    code: str
    name: str
    town: str = ""
    board_code: str = ""
    board: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """One published measure. statistic: count, mean, median or percentage; published_name: as the monthly file has it."""

    measure_id: str
    name: str
    published_name: str
    statistic: str
    description: str


@lru_cache(maxsize=1)
def all_measures() -> dict[str, Measure]:
    """The measures of the snapshot by identifier."""
    return {row["measure_id"]: Measure(**row) for row in _rows_of("measures.csv")}


@lru_cache(maxsize=1)
def _shipped_providers() -> tuple[Provider, ...]:
    return tuple(Provider(**row) for row in _rows_of("providers.csv"))


def _rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((_DATA / name).read_text(encoding="utf-8").splitlines()))


class Published:
    """Every published figure there is: months as "2024-12", providers by code.

    added: the months that a user added, which count before those of the snapshot; none if None
    Raises CatalogueError where what was added cannot be read.
    """

    def __init__(self, added: AddedMonths | None = None) -> None:
        self._added = added.table() if added else None
        known = {one.code: one for one in _shipped_providers()}
        for code, name in (added.names() if added else {}).items():
            known.setdefault(code, Provider(code, name))
        self._known = known

    def series(self, code: str) -> dict[str, dict[str, float]]:
        """Every figure of a provider, measure -> month -> value; months ascend, and lack what is suppressed."""
        added = _of_provider(self._added, code) if self._added else []
        again = {month for month, _, _ in added}  # what is suppressed in a month that was revised is gone
        found: dict[str, dict[str, float]] = {}
        for month, measure_id, value in (
            *(one for one in _of_provider(_snapshot(), code) if one[0] not in again),
            *added,
        ):
            found.setdefault(measure_id, {})[month] = value
        return {measure_id: dict(sorted(values.items())) for measure_id, values in sorted(found.items())}

    def annual(self, code: str, year: str) -> dict[tuple[str, str, str, str], float]:
        """Annual figures of a provider by (kind, group, part, measure), such as ("Total", "NULL", "", "recovery_count").

        year: "2023-24" or "2024-25"; empty for a provider or a year that has none
        """
        import pyarrow.compute as pc

        table = _annual()
        mine = table.filter(pc.and_(pc.equal(table["code"], code), pc.equal(table["year"], year)))
        columns = _lists(mine, "kind", "group", "part", "measure", "value")
        return {(kind, group, part, measure): value for kind, group, part, measure, value in zip(*columns, strict=True)}

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Codes of all providers of whom something is published, England not among them."""
        import pyarrow.compute as pc

        tables = filter(None, (_snapshot(), self._added))
        return tuple(sorted({code for table in tables for code in pc.unique(table["code"]).to_pylist()} - {ENGLAND}))

    def provider(self, code: str) -> Provider:
        """The provider with that code. Raises CatalogueError for one of whom nothing is published."""
        if code.upper() not in self.codes:
            raise CatalogueError(
                f"{code}: no provider with this code has published figures. {did_you_mean(code.upper(), self.codes)} "
                "`caseload-sim services TEXT` finds one by name or town."
            )
        return self._known.get(code.upper(), Provider(code.upper(), code.upper()))

    def find(self, text: str) -> tuple[Provider, ...]:
        """Providers whose code, name, town, board or region has every word of the text, by name; all for an empty text.

        A whole code finds that provider alone. Raises CatalogueError where nobody is found.
        """
        everybody = [self.provider(code) for code in self.codes]
        same_code = [one for one in everybody if one.code == text.strip().upper()]
        words = text.casefold().split()
        found = same_code or [one for one in everybody if all(word in _text_of(one) for word in words)]
        if not found:
            near = _near_words(words, {word for one in everybody for word in re.findall(r"[a-z]{4,}", _text_of(one))})
            hint = f"Did you mean '{near}'?" if near else "`caseload-sim services` without a word lists all."
            raise CatalogueError(f"{text}: no provider has this in its code, name, town, board or region. {hint}")
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.code)))


def _near_words(words: list[str], known: set[str]) -> str:
    """The words, each in the place of one that nobody has replaced by the nearest; empty where nothing is near."""
    near = [word if word in known else next(iter(get_close_matches(word, sorted(known), 1)), "") for word in words]
    return " ".join(near) if all(near) and near != words else ""


def _text_of(one: Provider) -> str:
    return " ".join((one.code, one.name, one.town, one.board_code, one.board, one.region)).casefold()


@lru_cache(maxsize=1)
def _snapshot() -> "pa.Table":
    return _table("monthly.parquet")


@lru_cache(maxsize=1)
def _annual() -> "pa.Table":
    return _table("annual_by_group.parquet")


def _table(name: str) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    with (_DATA / name).open("rb") as file:
        table = pq.read_table(file)
    # Text by number, as the file has it, takes twenty times as long to look through.
    return table.cast(pa.schema([(f.name, pa.float64() if f.name == "value" else pa.string()) for f in table.schema]))


def _lists(table: "pa.Table", *names: str) -> list[list[Any]]:
    """Columns as lists, by way of NumPy, which takes a hundredth of the time."""
    return [table[name].to_numpy().tolist() for name in names]


def _of_provider(table: "pa.Table", code: str) -> list[tuple[str, str, float]]:
    import pyarrow.compute as pc

    mine = table.filter(pc.equal(table["code"], code))
    columns = _lists(mine, "month", "measure_id", "value")
    return list(zip(*columns, strict=True))
