"""All figures of all commands by name: what each shows, of which command, and from which of its tables it is drawn.

Names can be looked up without matplotlib, which is loaded when something is drawn; and so is what only some figures need.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from caseload_sim.errors import CatalogueError, RunError, did_you_mean
from caseload_sim.figures.made import Made, made_of_run, made_of_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from caseload_sim.analysis.client_tables import People
    from caseload_sim.experiments.compare import ComparisonRow
    from caseload_sim.experiments.replicate import Results
    from caseload_sim.figures.canvas import Sheet
    from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row
    from caseload_sim.scenario.scenario import Scenario


KINDS = {
    "run": "a run",
    "comparison": "a comparison",
    "sweep": "a sweep",
    "solve": "`solve`",
    "reconcile": "`reconcile`",
    "audit": "`audit`",
    "uncertainty": "`uncertainty`",
    "rank": "`rank`",
    "population": "`population`",
    "warm-up": "`warm-up`",
    "validate-services": "`validate-model --all-services`",
    "backtest": "`backtest`",
}


class Tables(Protocol):
    """What figures of runs and comparisons are drawn from, just made or read from a folder; RunError where it is not there."""

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
    made: Made = field(default_factory=Made)

    @classmethod
    def of(cls, results: "Results") -> "FreshRun":
        """The tables of these results."""
        from caseload_sim.analysis.client_tables import people_of

        people, made = people_of(results.first), made_of_run(results.scenario, results.digests)
        return cls(results.scenario, results.rows, results.over_time, people, results.cost_effects, made=made)

    @property
    def period(self) -> tuple[int, int]:
        """First day of data collection, and the first day after it."""
        return self.scenario.run.period

    @property
    def differences(self) -> "Sequence[ComparisonRow]":
        raise RunError("a run has no differences; `caseload-sim compare` makes them.")


@dataclass(frozen=True, slots=True)
class TablesOfACommand:
    """What the figure of any other command is drawn from.

    tables: rows by the name of their file, without its ending; answer: whatever else it is drawn from, as a Solution or a Sweep
    """

    kind: str
    made: Made
    tables: "Mapping[str, Sequence[Any]]"
    answer: Any = None

    def __getitem__(self, table: str) -> "Sequence[Any]":
        return self.tables[table]


def tables_of(
    kind: str, scenario: "Scenario", answer: Any = None, of: str | None = None, **tables: Any
) -> TablesOfACommand:
    """What the figure of a command is drawn from, by the names of its tables. of: see `made_of_table`"""
    return TablesOfACommand(kind, made_of_table(scenario, *tables.values(), of=of), tables, answer)


@dataclass(frozen=True, slots=True)
class Picture:
    """A named figure: what it shows, and how it is drawn.

    kind: of KINDS, whose tables it needs; by_default: drawn by `caseload-sim run` without being asked for
    for_today: drawn without being asked for where the scenario says how things stand today: lists, or counted referrals
    """

    description: str
    draw: "Callable[[Any], Sheet]"
    kind: str = "run"
    by_default: bool = False
    for_today: bool = False


def drawn(name: str, tables: Any, made: Made | None = None) -> "Sheet":
    """A figure by its name, with the words around it. made: how the tables were made, if they do not say it"""
    from caseload_sim.figures.frame import with_made

    return with_made(FIGURES[name].draw(tables), made or tables.made)


def figure_names(asked: "Sequence[str] | None", kind: str) -> list[str]:
    """The figures asked for, or all that a command draws by default. Raises CatalogueError for one that cannot be had."""
    for name in asked or []:
        if name not in FIGURES:
            raise CatalogueError(
                f"--figure {name}: no such figure. {did_you_mean(name, FIGURES)} `caseload-sim list figures` shows all."
            )
        if FIGURES[name].kind != kind:
            raise CatalogueError(
                f"--figure {name}: a figure of {KINDS[FIGURES[name].kind]}, and this is {KINDS[kind]}. "
                f"Those of {KINDS[kind]}: {', '.join(of_kind(kind))}."
            )
    return list(asked or [name for name, picture in FIGURES.items() if picture.kind == kind and picture.by_default])


def figures_from_today(scenario: "Scenario") -> list[str]:
    """The figures of a run that are drawn by default where a scenario states lists or counted referrals; else none."""
    says_today = bool(scenario.start.stated() or scenario.demand.monthly_referrals)
    return [name for name, picture in FIGURES.items() if picture.for_today and says_today]


def of_kind(kind: str) -> list[str]:
    """Names of all figures that a run, a comparison or a command can have."""
    return [name for name, picture in FIGURES.items() if picture.kind == kind]


def _disorders(tables: Tables) -> "Sheet":
    from caseload_sim.figures.run import plot_disorders
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_disorders(tables.rows))


def _flow(tables: Tables) -> "Sheet":
    from caseload_sim.figures.run import plot_flow
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_flow(tables.rows))


def _waits(tables: Tables) -> "Sheet":
    from caseload_sim.figures.style import sheet_of
    from caseload_sim.figures.waits import plot_waits

    return sheet_of(plot_waits(tables.rows))


def _waiting_list(tables: Tables) -> "Sheet":
    from caseload_sim.figures.style import sheet_of
    from caseload_sim.figures.waits import plot_waiting_list

    made = getattr(tables, "made", None)  # a scenario takes long to load
    opens = made.opens if made else tables.scenario.run.opens
    return sheet_of(plot_waiting_list(tables.over_time, period=tables.period, opens=opens)[0])


def _ladder(tables: Tables) -> "Sheet":
    from caseload_sim.figures.run import plot_ladder
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_ladder(tables.rows))


def _prevalences(tables: Tables) -> "Sheet":
    from caseload_sim.analysis.client_tables import prevalences
    from caseload_sim.figures.clients import plot_prevalences
    from caseload_sim.figures.style import sheet_of

    who = "admitted" if tables.scenario.population.eligibility else "referred"
    return sheet_of(plot_prevalences(prevalences(tables.scenario, tables.rows), who=who))


def _comorbidity(tables: Tables) -> "Sheet":
    from caseload_sim.analysis.client_tables import comorbidity
    from caseload_sim.figures.clients import plot_comorbidity
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_comorbidity(comorbidity(tables.people)))


def _outcomes_by_disorders(tables: Tables) -> "Sheet":
    from caseload_sim.figures.clients import plot_outcomes_by_disorders
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_outcomes_by_disorders(tables.rows))


def _retention(tables: Tables) -> "Sheet":
    from caseload_sim.analysis.client_tables import retention
    from caseload_sim.figures.clients import plot_retention
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_retention(retention(tables.people)))


def _cost_effectiveness(tables: Tables) -> "Sheet":
    from caseload_sim.figures.costs import plot_cost_effectiveness
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_cost_effectiveness(tables.cost_effects))


def _acceptability(tables: Tables) -> "Sheet":
    from caseload_sim.figures.costs import plot_acceptability
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_acceptability(tables.cost_effects))


def _outlook(tables: Tables) -> "Sheet":
    from caseload_sim.figures.outlook import plot_outlook
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_outlook(tables.scenario, tables.over_time, tables.rows)[0])


def _differences(tables: Tables) -> "Sheet":
    from caseload_sim.figures.compare import draw_differences

    return draw_differences(tables.differences, tables.measures_shown)


def _sweep(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.sweep import draw_sweep

    return draw_sweep(tables.answer)


def _solution(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.solve import draw_solution

    return draw_solution(tables.answer)


def _waterfall(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.accounts import plot_waterfall
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_waterfall(tables["table"]))


def _audit(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.accounts import plot_audit
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_audit(tables["table"]))


def _uncertainty(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.doubt import draw_uncertainty

    return draw_uncertainty(tables["table"], tables["tornado"])


def _ranking(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.accounts import plot_ranking
    from caseload_sim.figures.style import sheet_of

    return sheet_of(plot_ranking(tables["table"]))


def _population(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.population import draw_population

    return draw_population(tables["table"])


def _warm_up(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.waits import draw_warm_up

    return draw_warm_up(tables["table"], tables["over_time"])


def _services(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.services import draw_services

    return draw_services(tables["services"])


def _changes(tables: TablesOfACommand) -> "Sheet":
    from caseload_sim.figures.services import draw_services

    return draw_services(tables["changes"], "change")


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
    "sweep": Picture("how far a figure moves as an input is stepped", _sweep, "sweep", True),
    "solution": Picture("how many a target takes", _solution, "solve", True),
    "waterfall": Picture("the way from one figure to another", _waterfall, "reconcile", True),
    "audit": Picture("what an audit would find, by eight definitions", _audit, "audit", True),
    "uncertainty": Picture("how far each rung could lie, and what moves it most", _uncertainty, "uncertainty", True),
    "ranking": Picture("what each change would gain", _ranking, "rank", True),
    "population": Picture("who is referred, against what was asked for", _population, "population", True),
    "warm_up": Picture("when lists and use of places have settled", _warm_up, "warm-up", True),
    "services": Picture("real services: published against model", _services, "validate-services", True),
    "changes": Picture("real services: change published against change in the model", _changes, "backtest", True),
}
