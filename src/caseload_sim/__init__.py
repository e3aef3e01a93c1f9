"""What remission can a stepped-care talking-therapy service reach, for those really referred, by which definition?

Public names stand in one table, and are loaded when first used, so that `import caseload_sim` and `caseload-sim --help`
stay quick. Type checkers read `__init__.pyi`, which `python tests/renew_stub.py` makes from the table. Modules beneath can
be imported too (`caseload_sim.figures.gallery`), but may move; docs/architecture.md says what is where.
"""

from importlib import import_module as _import_module  # by names that Tab does not show
from typing import Any as _Any

_HOME = {  # module: its public names, in the order in which a reader meets them
    "scenario.catalogue": "get_scenario list_scenarios load_scenario",
    "scenario.sources": "list_sources",
    "scenario.scenario": "Scenario",
    "scenario.json_schema": "scenario_file_schema",
    "scenario.in_words": "explain what_differs differences_in_words Difference",
    "scenario.policies": "Known Decision",
    "scenario.pathway": "Routing",
    "pathway.own_policy": "OwnPolicy",
    "experiments.replicate": "simulate replicate Results",
    "measures.simulation": "Simulation",
    "measures.measure": "measure",
    "measures.rows": "Row CostEffectRow",
    "definitions.measures": "MEASURES",
    "experiments.precision": "precision_from replicate_until Precision Reached",
    "experiments.sweep": "sweep",
    "experiments.compare": "compare Compared ComparisonRow",
    "experiments.trial": "TrialRow",
    "experiments.workers": "Workers",
    "experiments.dask_workers": "DaskWorkers",
    "analysis.solve": "solve Solution",
    "analysis.reconcile": "reconcile reconcile_scenarios figure_in ReconcileRow",
    "analysis.audit": "audit AuditRow",
    "analysis.uncertainty": "uncertainty DoubtRow TornadoRow",
    "analysis.rank": "rank RankRow",
    "analysis.misfits": "misfits MisfitRow",
    "analysis.warm_up": "warm_up mser WarmUpRow",
    "analysis.validate_model": "validate_model ValidationRow",
    "analysis.calibrate_service": "calibrate_service",
    "analysis.service_fit": "ServiceFit",
    "analysis.calibrate_population": "calibrate_population",
    "analysis.population_report": "population_report",
    "analysis.client_tables": "people_of comorbidity retention prevalences",
    "analysis.event_log": "event_log EventLog",
    "figures.run": "plot_disorders plot_flow plot_ladder",
    "figures.waits": "plot_waiting_list plot_waits plot_warm_up",
    "figures.outlook": "plot_outlook",
    "figures.population": "plot_population plot_pairs plot_scores",
    "figures.sweep": "plot_sweep",
    "figures.clients": "plot_comorbidity plot_retention plot_prevalences plot_outcomes_by_disorders",
    "figures.costs": "plot_cost_effectiveness plot_acceptability",
    "figures.compare": "plot_differences",
    "figures.solve": "plot_solution",
    "figures.accounts": "plot_waterfall plot_audit plot_ranking",
    "figures.doubt": "plot_tornado plot_spread draw_uncertainty",
    "runs.read": "read_run SavedRun",
    "errors": "CaseloadError CatalogueError RunError ScenarioError ScenarioWarning",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> _Any:
    if name in _MODULE_OF:
        return getattr(_import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if name == "__version__":
        return _import_module("importlib.metadata").version("caseload-sim")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
