"""What Python shows of results that nobody has asked anything of yet: a page of a dozen lines, or a table in a notebook."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple, Protocol

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import BASES, LADDER, READINGS, RUNGS, Quantity
from caseload_sim.measures.rows import Row, could_be_text, point_text
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.row_table import RowTable, as_table

MOST_LINES, WIDTH = 12, 80
_LABEL, _CELLS = 40, (14, 11, 15)
_HEADINGS = "with service", "untreated", "could be"


class Summarised(Protocol):
    """Whatever has a scenario and a row for each of its measures."""

    @property
    def scenario(self) -> Scenario: ...
    @property
    def rows(self) -> Sequence[Row]: ...


class Rung(NamedTuple):
    """A rung of the ladder in words: of whom and when, with the service, the same clients untreated, and what it could be."""

    quantity: Quantity
    value: str
    untreated: str
    could_be: str


def in_short(results: Summarised) -> str:
    """Results in at most MOST_LINES lines of WIDTH characters: which scenario, and the ladder of who is better."""
    scenario, run = results.scenario, results.scenario.run
    lines = [
        _cut(scenario.title),
        f"{_cut(scenario.name, 40)}, seed {run.seed}, {n_replications(scenario)}",
        _line("", _HEADINGS),
    ]
    of = ""
    for rung in ladder_of(results):
        base, at = BASES[rung.quantity.base], READINGS[rung.quantity.at]
        if base != of:
            lines.append(f"{base[0].upper()}{base[1:]}")
        label = RUNGS[rung.quantity.measure] + (f", {at}" if at != READINGS["end"] else "")
        lines.append(_line(f"  {label}", rung[1:]))
        of = base
    return "\n".join([*lines, f"{len(results.rows):,} rows: .find(), .rows, .to_arrow(), .to_pandas()"])


def as_html(results: Summarised) -> str:
    """The ladder as a table for a notebook, each rung with what it means and of whom."""
    scenario, run = results.scenario, results.scenario.run
    about = f"{scenario.name}, seed {run.seed}, {n_replications(scenario)}"
    head = "".join(f"<th scope='col'>{one}</th>" for one in ("", "of whom, when", *_HEADINGS))
    lines = [
        f"<table><caption><b>{escape(scenario.title)}</b><br>{escape(about)}</caption>",
        f"<thead><tr>{head}</tr></thead><tbody>",
    ]
    for rung in ladder_of(results):
        measure = definition(rung.quantity.measure)
        name = f"<b>{escape(RUNGS[measure.name])}</b><br>{escape(measure.definition)}"
        when = f"{BASES[rung.quantity.base]}, {READINGS[rung.quantity.at]}"
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in (when, *rung[1:]))
        lines.append(f"<tr><th scope='row' style='text-align:left'>{name}</th>{cells}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def ladder_of(results: Summarised) -> Iterator[Rung]:
    """Each rung of the ladder that the results have."""
    rows = as_table(results.rows, Row)
    for quantity in LADDER:
        row = _row(rows, quantity)
        if row is not None:
            untreated = _row(rows, quantity._replace(service="none"))
            could_be = could_be_text(row.could_be_low, row.could_be_high, row.unit)
            yield Rung(quantity, point_text(row), "" if untreated is None else point_text(untreated), could_be)


def n_replications(scenario: Scenario) -> str:
    """As "5 replications"."""
    n = scenario.run.replications
    return f"{n:,} replication{'s' * (n != 1)}"


def _row(rows: RowTable[Row], quantity: Quantity) -> Row | None:
    places = rows.places(
        measure=quantity.measure, base=quantity.base, at=quantity.at, service=quantity.service, group="all"
    )
    return rows.at(places)[0] if places else None


def _line(label: str, cells: Sequence[str]) -> str:
    padded = (cell.rjust(width) for cell, width in zip(cells, _CELLS, strict=True))
    return f"{_cut(label, _LABEL):<{_LABEL}}{''.join(padded)}".rstrip()


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
