"""What a report is made from: a saved run, a saved comparison, or both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.figures.made import Made, made_of_comparison, made_of_run
from caseload_sim.measures.headline import Headline, headline
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.measures.stability import Stability, stability_of
from caseload_sim.report.assumed import Nearest, nearest_to
from caseload_sim.report.drawn import Draw, figure
from caseload_sim.runs.read import read_record, read_run, scenarios_in
from caseload_sim.runs.record import OWN_DIGEST
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.row_table import RowTable, as_table


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario that the first one is compared with, and its rows, each with its paired difference."""

    scenario: Scenario
    rows: Sequence[ComparisonRow]


@dataclass(frozen=True)
class Material:
    """The scenario a report is about with its rows, and the plans it is compared with.

    draw: makes the SVG of a figure of the gallery by its name; None where only a comparison was saved
    folders: names of the folders that it was read from; digest: of the first one's record; made: as figures say it at their foot
    versions: with which it was made
    """

    scenario: Scenario
    rows: Sequence[Row]
    plans: tuple[Plan, ...]
    draw: Draw | None
    folders: tuple[str, ...]
    digest: str
    made: Made
    versions: Mapping[str, str]

    @cached_property
    def table(self) -> RowTable[Row]:
        """The rows, to be looked up."""
        return as_table(self.rows, Row)

    @cached_property
    def headline(self) -> Headline:
        """The short answer."""
        return headline(self.scenario, self.table)

    @cached_property
    def stability(self) -> Stability:
        """Whether lists grow."""
        return stability_of(self.table.find(measure="waiting_list_growth"))

    @cached_property
    def nearest(self) -> Nearest:
        """The shipped scenario that is nearest."""
        return nearest_to(self.scenario)

    @property
    def is_served(self) -> bool:
        """Whether anybody is seen at all."""
        return self.headline.seen > 0

    def row(self, measure: str, base: str = "", at: str = "", service: str = "", group: str = "all") -> Row | None:
        """The row of a figure; None where this scenario has no such row."""
        row: Row | None = found(self.table, Quantity(measure, base, at, service, group))
        return row


def found(rows: Sequence[Any], quantity: Quantity) -> Any:
    """The row of a figure; None where there is none."""
    try:
        return row_of(rows, quantity)
    except RunError:
        return None


def material_of(folder: Path, compared: Path | None = None) -> Material:
    """What a saved run, or a saved comparison, has for a report.

    compared: the folder of a comparison with the run's scenario
    Raises RunError when a folder is neither, or lacks a file.
    """
    saved, record = read_run(folder), read_record(folder)
    made = (made_of_comparison if saved.kind == "comparison" else made_of_run)(saved.scenario, record["digests"])
    if saved.kind == "comparison":
        rows, plans = _split(folder, record)
        return _material(saved.scenario, rows, plans, None, (folder.name,), record, made)
    draw = partial(figure, saved, made)
    if compared is None:
        return _material(saved.scenario, saved.rows, (), draw, (folder.name,), record, made)
    others = read_record(compared)
    if others["kind"] != "comparison" or others["versus"] != saved.scenario.name:
        raise RunError(f"{compared}: not a comparison with {saved.scenario.name}.")
    _, plans = _split(compared, others)
    return _material(saved.scenario, saved.rows, plans, draw, (folder.name, compared.name), record, made)


def _material(
    scenario: Scenario,
    rows: Sequence[Row],
    plans: tuple[Plan, ...],
    draw: Draw | None,
    folders: tuple[str, ...],
    record: Mapping[str, Any],
    made: Made,
) -> Material:
    digest, versions = str(record.get(OWN_DIGEST, "")), cast("Mapping[str, str]", record["versions"])
    return Material(scenario, rows, plans, draw, folders, digest, made, versions)


def _split(folder: Path, record: dict[str, Any]) -> tuple[list[Row], tuple[Plan, ...]]:
    """The rows of the scenario that others are compared with, and those of each other."""
    by_scenario: dict[str, list[ComparisonRow]] = {}
    for row in read_run(folder).differences:
        by_scenario.setdefault(row.scenario, []).append(row)
    scenarios = scenarios_in(folder, record)
    plans = tuple(
        Plan(scenario, as_table(by_scenario[name], ComparisonRow))
        for name, scenario in scenarios.items()
        if name != record["versus"] and name in by_scenario
    )
    return list(by_scenario[record["versus"]]), plans
