"""All figures by name: what each shows, and which tables of a run it is drawn from.

Names can be looked up without matplotlib, which is loaded when something is drawn; and so is what only some figures need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from caseload_sim.errors import CatalogueError, RunError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from caseload_sim.analysis.client_tables import People
    from caseload_sim.experiments.compare import ComparisonRow
    from caseload_sim.experiments.replicate import Results
    from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row
    from caseload_sim.scenario.scenario import Scenario


class Tables(Protocol):
    """What figures are drawn from: a run just made, or one read from its folder. Each raises RunError when it is not there."""

    @property
    def kind(self) -> str: ...
    @property
    def scenario(self) -> "Scenario": ...
    @property
    def period(self) -> tuple[int, int]: ...
    @property
    def rows(self) -> "Sequence[Row]": ...
    @property
    def over_time(self) -> "Sequence[OverTimeRow]": ...
    @property
    def people(self) -> "People": ...
    @property
    def cost_effects(self) -> "Sequence[CostEffectRow]": ...
    @property
    def differences(self) -> "Sequence[ComparisonRow]": ...
    @property
    def measures_shown(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class FreshRun:
    """The tables of a run just made."""

    scenario: "Scenario"
    rows: "Sequence[Row]"
    over_time: "Sequence[OverTimeRow]"
    people: "People"
    cost_effects: "Sequence[CostEffectRow]"
    kind: str = "run"
    measures_shown: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: "Results") -> "FreshRun":
        """The tables of these results."""
        from caseload_sim.analysis.client_tables import people_of

        return cls(results.scenario, results.rows, results.over_time, people_of(results.first), results.cost_effects)

    @property
    def period(self) -> tuple[int, int]:
        """First day of data collection, and the first day after it."""
        return self.scenario.run.period

    @property
    def differences(self) -> "Sequence[ComparisonRow]":
        raise RunError("a run has no differences; `caseload-sim compare` makes them.")


@dataclass(frozen=True, slots=True)
class Picture:
    """A named figure: what it shows, and how it is drawn.

    kind: "run" or "comparison", whose tables it needs; by_default: drawn by `caseload-sim run` without being asked for
    for_today: drawn without being asked for where the scenario says how things stand today: lists, or counted referrals
    """

    description: str
    draw: "Callable[[Tables], Figure]"
    kind: str = "run"
    by_default: bool = False
    for_today: bool = False


def figure_names(asked: "Sequence[str] | None", kind: str) -> list[str]:
    """The figures asked for, or all that a run draws by default. Raises CatalogueError for one that cannot be had."""
    for name in asked or []:
        if name not in FIGURES:
            raise CatalogueError(
                f"--figure {name}: no such figure. {did_you_mean(name, FIGURES)} `caseload-sim list figures` shows all."
            )
        if FIGURES[name].kind != kind:
            raise CatalogueError(
                f"--figure {name}: a figure of a {FIGURES[name].kind}, and this is a {kind}. "
                f"Those of a {kind}: {', '.join(of_kind(kind))}."
            )
    return list(asked or [name for name, picture in FIGURES.items() if picture.kind == kind and picture.by_default])


def figures_from_today(scenario: "Scenario") -> list[str]:
    """The figures of a run that are drawn by default where a scenario states lists or counted referrals; else none."""
    says_today = bool(scenario.start.stated() or scenario.demand.monthly_referrals)
    return [name for name, picture in FIGURES.items() if picture.for_today and says_today]


def of_kind(kind: str) -> list[str]:
    """Names of all figures that a run, or a comparison, can have."""
    return [name for name, picture in FIGURES.items() if picture.kind == kind]


def _disorders(tables: Tables) -> "Figure":
    from caseload_sim.figures.run import plot_disorders
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_disorders(tables.rows))


def _flow(tables: Tables) -> "Figure":
    from caseload_sim.figures.run import plot_flow
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_flow(tables.rows))


def _waits(tables: Tables) -> "Figure":
    from caseload_sim.figures.style import figure_of
    from caseload_sim.figures.waits import plot_waits

    return figure_of(plot_waits(tables.rows))


def _waiting_list(tables: Tables) -> "Figure":
    from caseload_sim.figures.style import figure_of
    from caseload_sim.figures.waits import plot_waiting_list

    return figure_of(plot_waiting_list(tables.over_time, period=tables.period)[0])


def _ladder(tables: Tables) -> "Figure":
    from caseload_sim.figures.run import plot_ladder
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_ladder(tables.rows))


def _prevalences(tables: Tables) -> "Figure":
    from caseload_sim.analysis.client_tables import prevalences
    from caseload_sim.figures.clients import plot_prevalences
    from caseload_sim.figures.style import figure_of

    who = "admitted" if tables.scenario.population.eligibility else "referred"
    return figure_of(plot_prevalences(prevalences(tables.scenario, tables.rows), who=who))


def _comorbidity(tables: Tables) -> "Figure":
    from caseload_sim.analysis.client_tables import comorbidity
    from caseload_sim.figures.clients import plot_comorbidity
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_comorbidity(comorbidity(tables.people)))


def _outcomes_by_disorders(tables: Tables) -> "Figure":
    from caseload_sim.figures.clients import plot_outcomes_by_disorders
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_outcomes_by_disorders(tables.rows))


def _retention(tables: Tables) -> "Figure":
    from caseload_sim.analysis.client_tables import retention
    from caseload_sim.figures.clients import plot_retention
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_retention(retention(tables.people)))


def _cost_effectiveness(tables: Tables) -> "Figure":
    from caseload_sim.figures.costs import plot_cost_effectiveness
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_cost_effectiveness(tables.cost_effects))


def _acceptability(tables: Tables) -> "Figure":
    from caseload_sim.figures.costs import plot_acceptability
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_acceptability(tables.cost_effects))


def _outlook(tables: Tables) -> "Figure":
    from caseload_sim.figures.outlook import plot_outlook
    from caseload_sim.figures.style import figure_of

    return figure_of(plot_outlook(tables.scenario, tables.over_time, tables.rows)[0])


def _differences(tables: Tables) -> "Figure":
    from caseload_sim.figures.compare import draw_differences

    return draw_differences(tables.differences, tables.measures_shown)


FIGURES = {
    "disorders": Picture("disorders per referred client", _disorders, by_default=True),
    "flow": Picture("from 100 referrals to each rung", _flow, by_default=True),
    "waits": Picture("days waited at each step", _waits, by_default=True),
    "waiting_list": Picture("waiting list and utilisation over time", _waiting_list, by_default=True),
    "ladder": Picture("every rung, with the service and with none", _ladder, by_default=True),
    "outlook": Picture("referrals and waiting lists before and after today", _outlook, for_today=True),
    "prevalences": Picture("each condition's prevalence, target against achieved", _prevalences),
    "comorbidity": Picture("which conditions clients have together", _comorbidity),
    "outcomes_by_disorders": Picture("every rung by number of emotional disorders", _outcomes_by_disorders),
    "retention": Picture("share of starters who attend at least so many contacts", _retention),
    "cost_effectiveness": Picture("pounds and QALYs against no service, by replication", _cost_effectiveness),
    "acceptability": Picture("how often the service is worth its cost, by what a QALY is worth", _acceptability),
    "differences": Picture("how far each scenario's figures lie from another's", _differences, "comparison", True),
}
