"""What remission can a stepped-care talking-therapy service reach, for those really referred, by which definition?

Names below are loaded when first used, so that `import caseload_sim` and `caseload-sim --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caseload_sim.account_figures import (
        draw_uncertainty,
        plot_audit,
        plot_ranking,
        plot_spread,
        plot_tornado,
        plot_waterfall,
    )
    from caseload_sim.audits import AuditRow, audit
    from caseload_sim.calibration import calibrate_population
    from caseload_sim.catalogue import get_scenario, list_scenarios, list_sources, load_scenario
    from caseload_sim.comparison import Compared, ComparisonRow, compare
    from caseload_sim.comparison_figures import plot_differences
    from caseload_sim.counted import Simulation
    from caseload_sim.dask_workers import DaskWorkers
    from caseload_sim.definitions import MEASURES
    from caseload_sim.differences import Difference, differences_in_words, what_differs
    from caseload_sim.doubt import DoubtRow, TornadoRow, uncertainty
    from caseload_sim.errors import CaseloadError, CatalogueError, RunError, ScenarioError
    from caseload_sim.events import EventLog, event_log
    from caseload_sim.experiment import Results, Row, replicate, simulate
    from caseload_sim.explanation import explain
    from caseload_sim.figures import plot_disorders, plot_flow, plot_ladder, plot_waiting_list, plot_waits
    from caseload_sim.file_schema import scenario_file_schema
    from caseload_sim.findings import MisfitRow, misfits
    from caseload_sim.measures import measure
    from caseload_sim.own_policies import OwnPolicy
    from caseload_sim.pathway import Routing
    from caseload_sim.people import comorbidity, people_of, prevalences, retention
    from caseload_sim.people_figures import (
        plot_comorbidity,
        plot_outcomes_by_disorders,
        plot_prevalences,
        plot_retention,
    )
    from caseload_sim.policies import Decision, Known
    from caseload_sim.population_figures import plot_pairs, plot_population, plot_scores, plot_sweep
    from caseload_sim.precision import Precision, Reached, precision_from, replicate_until
    from caseload_sim.ranking import RankRow, rank
    from caseload_sim.reconciliation import ReconcileRow, figure_in, reconcile, reconcile_scenarios
    from caseload_sim.report import population_report
    from caseload_sim.saved import SavedRun, read_run
    from caseload_sim.scenario import Scenario
    from caseload_sim.service_fit import ServiceFit, ValidationRow, calibrate_service, validate_model
    from caseload_sim.settling import WarmUpRow, mser, warm_up
    from caseload_sim.settling_figures import plot_warm_up
    from caseload_sim.solver_figures import plot_solution
    from caseload_sim.staffing_solver import Solution, solve
    from caseload_sim.sweeps import sweep
    from caseload_sim.workers import Workers

# Module -> public names in it. No module is called like a public name: importing it would put it in the name's place.
_HOME = {
    "account_figures": (
        "draw_uncertainty",
        "plot_audit",
        "plot_ranking",
        "plot_spread",
        "plot_tornado",
        "plot_waterfall",
    ),
    "audits": ("AuditRow", "audit"),
    "calibration": ("calibrate_population",),
    "catalogue": ("get_scenario", "list_scenarios", "list_sources", "load_scenario"),
    "dask_workers": ("DaskWorkers",),
    "comparison": ("Compared", "ComparisonRow", "compare"),
    "comparison_figures": ("plot_differences",),
    "definitions": ("MEASURES",),
    "differences": ("Difference", "differences_in_words", "what_differs"),
    "doubt": ("DoubtRow", "TornadoRow", "uncertainty"),
    "errors": ("CaseloadError", "CatalogueError", "RunError", "ScenarioError"),
    "events": ("EventLog", "event_log"),
    "experiment": ("Results", "Row", "replicate", "simulate"),
    "explanation": ("explain",),
    "file_schema": ("scenario_file_schema",),
    "figures": ("plot_disorders", "plot_flow", "plot_ladder", "plot_waiting_list", "plot_waits"),
    "counted": ("Simulation",),
    "measures": ("measure",),
    "own_policies": ("OwnPolicy",),
    "pathway": ("Routing",),
    "findings": ("MisfitRow", "misfits"),
    "people": ("comorbidity", "people_of", "prevalences", "retention"),
    "people_figures": ("plot_comorbidity", "plot_outcomes_by_disorders", "plot_prevalences", "plot_retention"),
    "policies": ("Decision", "Known"),
    "population_figures": ("plot_pairs", "plot_population", "plot_scores", "plot_sweep"),
    "precision": ("Precision", "Reached", "precision_from", "replicate_until"),
    "ranking": ("RankRow", "rank"),
    "reconciliation": ("ReconcileRow", "figure_in", "reconcile", "reconcile_scenarios"),
    "report": ("population_report",),
    "saved": ("SavedRun", "read_run"),
    "scenario": ("Scenario",),
    "service_fit": ("ServiceFit", "ValidationRow", "calibrate_service", "validate_model"),
    "solver_figures": ("plot_solution",),
    "staffing_solver": ("Solution", "solve"),
    "sweeps": ("sweep",),
    "settling": ("WarmUpRow", "mser", "warm_up"),
    "settling_figures": ("plot_warm_up",),
    "workers": ("Workers",),
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
