"""What remission can a stepped-care talking-therapy service reach, for those really referred, by which definition?

Names below are loaded when first used, so that `import caseload_sim` and `caseload-sim --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caseload_sim.analysis.audit import AuditRow, audit
    from caseload_sim.analysis.calibrate_population import calibrate_population
    from caseload_sim.analysis.calibrate_service import ServiceFit, calibrate_service
    from caseload_sim.analysis.client_tables import comorbidity, people_of, prevalences, retention
    from caseload_sim.analysis.event_log import EventLog, event_log
    from caseload_sim.analysis.misfits import MisfitRow, misfits
    from caseload_sim.analysis.population_report import population_report
    from caseload_sim.analysis.rank import RankRow, rank
    from caseload_sim.analysis.reconcile import ReconcileRow, figure_in, reconcile, reconcile_scenarios
    from caseload_sim.analysis.solve import Solution, solve
    from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow, uncertainty
    from caseload_sim.analysis.validate_model import ValidationRow, validate_model
    from caseload_sim.analysis.warm_up import WarmUpRow, mser, warm_up
    from caseload_sim.definitions.measures import MEASURES
    from caseload_sim.errors import CaseloadError, CatalogueError, RunError, ScenarioError
    from caseload_sim.experiments.compare import Compared, ComparisonRow, compare
    from caseload_sim.experiments.dask_workers import DaskWorkers
    from caseload_sim.experiments.precision import Precision, Reached, precision_from, replicate_until
    from caseload_sim.experiments.replicate import Results, replicate, simulate
    from caseload_sim.experiments.sweep import sweep
    from caseload_sim.experiments.workers import Workers
    from caseload_sim.figures.accounts import (
        draw_uncertainty,
        plot_audit,
        plot_ranking,
        plot_spread,
        plot_tornado,
        plot_waterfall,
    )
    from caseload_sim.figures.clients import (
        plot_comorbidity,
        plot_outcomes_by_disorders,
        plot_prevalences,
        plot_retention,
    )
    from caseload_sim.figures.compare import plot_differences
    from caseload_sim.figures.population import plot_pairs, plot_population, plot_scores, plot_sweep
    from caseload_sim.figures.run import plot_disorders, plot_flow, plot_ladder, plot_waiting_list, plot_waits
    from caseload_sim.figures.solve import plot_solution, plot_warm_up
    from caseload_sim.measures.measure import measure
    from caseload_sim.measures.rows import Row
    from caseload_sim.measures.simulation import Simulation
    from caseload_sim.pathway.own_policy import OwnPolicy
    from caseload_sim.runs.read import SavedRun, read_run
    from caseload_sim.scenario.catalogue import get_scenario, list_scenarios, load_scenario
    from caseload_sim.scenario.in_words import Difference, differences_in_words, explain, what_differs
    from caseload_sim.scenario.json_schema import scenario_file_schema
    from caseload_sim.scenario.pathway import Routing
    from caseload_sim.scenario.policies import Decision, Known
    from caseload_sim.scenario.scenario import Scenario
    from caseload_sim.scenario.sources import list_sources

_HOME = {
    "figures.accounts": (
        "draw_uncertainty",
        "plot_audit",
        "plot_ranking",
        "plot_spread",
        "plot_tornado",
        "plot_waterfall",
    ),
    "analysis.audit": ("AuditRow", "audit"),
    "analysis.calibrate_population": ("calibrate_population",),
    "scenario.catalogue": ("get_scenario", "list_scenarios", "load_scenario"),
    "scenario.sources": ("list_sources",),
    "experiments.dask_workers": ("DaskWorkers",),
    "experiments.compare": ("Compared", "ComparisonRow", "compare"),
    "figures.compare": ("plot_differences",),
    "definitions.measures": ("MEASURES",),
    "scenario.in_words": ("Difference", "differences_in_words", "what_differs", "explain"),
    "analysis.uncertainty": ("DoubtRow", "TornadoRow", "uncertainty"),
    "errors": ("CaseloadError", "CatalogueError", "RunError", "ScenarioError"),
    "analysis.event_log": ("EventLog", "event_log"),
    "experiments.replicate": ("Results", "replicate", "simulate"),
    "measures.rows": ("Row",),
    "scenario.json_schema": ("scenario_file_schema",),
    "figures.run": ("plot_disorders", "plot_flow", "plot_ladder", "plot_waiting_list", "plot_waits"),
    "measures.simulation": ("Simulation",),
    "measures.measure": ("measure",),
    "pathway.own_policy": ("OwnPolicy",),
    "scenario.pathway": ("Routing",),
    "analysis.misfits": ("MisfitRow", "misfits"),
    "analysis.client_tables": ("comorbidity", "people_of", "prevalences", "retention"),
    "figures.clients": ("plot_comorbidity", "plot_outcomes_by_disorders", "plot_prevalences", "plot_retention"),
    "scenario.policies": ("Decision", "Known"),
    "figures.population": ("plot_pairs", "plot_population", "plot_scores", "plot_sweep"),
    "experiments.precision": ("Precision", "Reached", "precision_from", "replicate_until"),
    "analysis.rank": ("RankRow", "rank"),
    "analysis.reconcile": ("ReconcileRow", "figure_in", "reconcile", "reconcile_scenarios"),
    "analysis.population_report": ("population_report",),
    "runs.read": ("SavedRun", "read_run"),
    "scenario.scenario": ("Scenario",),
    "analysis.calibrate_service": ("ServiceFit", "calibrate_service"),
    "analysis.validate_model": ("ValidationRow", "validate_model"),
    "figures.solve": ("plot_solution", "plot_warm_up"),
    "analysis.solve": ("Solution", "solve"),
    "experiments.sweep": ("sweep",),
    "analysis.warm_up": ("WarmUpRow", "mser", "warm_up"),
    "experiments.workers": ("Workers",),
}
__all__ = [  # noqa: RUF022  (in the order in which a reader meets them)
    "get_scenario", "list_scenarios", "list_sources", "load_scenario", "Scenario", "scenario_file_schema", "explain", "what_differs", "differences_in_words", "Difference",
    "Known", "Routing", "Decision", "OwnPolicy",
    "simulate", "replicate", "measure", "Simulation", "Results", "Row", "MEASURES",
    "population_report", "calibrate_population", "validate_model", "calibrate_service", "ValidationRow", "ServiceFit", "sweep", "solve", "Solution", "compare", "Compared", "ComparisonRow",
    "plot_disorders", "plot_flow", "plot_ladder", "plot_waiting_list", "plot_waits", "plot_population", "plot_pairs", "plot_scores", "plot_sweep",
    "plot_differences", "plot_solution",
    "reconcile", "reconcile_scenarios", "figure_in", "ReconcileRow", "audit", "AuditRow", "uncertainty", "DoubtRow", "TornadoRow",
    "rank", "RankRow", "misfits", "MisfitRow",
    "plot_waterfall", "plot_audit", "plot_tornado", "plot_spread", "draw_uncertainty", "plot_ranking",
    "people_of", "comorbidity", "retention", "prevalences", "plot_comorbidity", "plot_retention", "plot_prevalences", "plot_outcomes_by_disorders",
    "precision_from", "replicate_until", "Precision", "Reached", "warm_up", "mser", "WarmUpRow", "plot_warm_up",
    "Workers", "DaskWorkers", "read_run", "SavedRun", "event_log", "EventLog",
    "CaseloadError", "CatalogueError", "RunError", "ScenarioError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
