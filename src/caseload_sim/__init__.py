"""What remission can a stepped-care talking-therapy service reach, for those really referred, by which definition?

Names below are loaded when first used, so that `import caseload_sim` and `caseload-sim --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caseload_sim.catalogue import get_scenario, list_scenarios, list_sources, load_scenario
    from caseload_sim.definitions import MEASURES
    from caseload_sim.errors import CaseloadError, CatalogueError, RunError, ScenarioError
    from caseload_sim.experiment import Results, Row, replicate, simulate
    from caseload_sim.explain import explain
    from caseload_sim.figures import plot_disorders, plot_flow, plot_ladder, plot_waiting_list, plot_waits
    from caseload_sim.measures import Simulation, measure
    from caseload_sim.scenario import Scenario

_HOME = {
    "catalogue": ("get_scenario", "list_scenarios", "list_sources", "load_scenario"),
    "errors": ("CaseloadError", "CatalogueError", "RunError", "ScenarioError"),
    "experiment": ("Results", "Row", "replicate", "simulate"),
    "explain": ("explain",),
    "figures": ("plot_disorders", "plot_flow", "plot_ladder", "plot_waiting_list", "plot_waits"),
    "definitions": ("MEASURES",),
    "measures": ("Simulation", "measure"),
    "population_figures": ("plot_population", "plot_sweep"),
    "report": ("population_report",),
    "sweep": ("sweep",),
    "calibration": ("calibrate_population",),
    "scenario": ("Scenario",),
}
__all__ = [  # noqa: RUF022  (in the order in which a reader meets them)
    "get_scenario", "list_scenarios", "list_sources", "load_scenario", "Scenario", "explain",
    "simulate", "replicate", "measure", "Simulation", "Results", "Row", "MEASURES",
    "plot_disorders", "plot_flow", "plot_ladder", "plot_waiting_list", "plot_waits",
    "CaseloadError", "CatalogueError", "RunError", "ScenarioError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
