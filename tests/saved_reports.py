"""Saved runs to make reports of: of a small service, with a plan, of nothing at all, and of a service that says how it stands today."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import replicate
from caseload_sim.report.material import Material, material_of
from caseload_sim.runs.folder import RunFolder
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from conftest import SMALL

TITLE = 'Tom & Jerry <script>alert("x")</script> {of} "Zürich"'
PLAN = {"staff.high_intensity_therapist.wte": 4.0, "staff.psychological_wellbeing_practitioner.wte": 2.0}
REPORTS = ("a run", "a run and a plan", "a comparison of three", "no service", "lists of today")
_FOLDER = TemporaryDirectory(prefix="reports")  # deleted when the tests end
TODAY = {"assessment": 12, "low_intensity": 15, "high_intensity": 20}
LISTS = {"start.waiting": {step: {"value": n, "assumption": "counted"} for step, n in TODAY.items()}}


def renamed(scenario: Scenario, name: str, title: str) -> Scenario:
    return scenario.model_copy(update={"name": name, "title": title})


def saved_run(folder: Path, scenario: Scenario) -> Path:
    """The folder of a run."""
    return RunFolder(folder, scenario.name).save(replicate(scenario), "kernel")


def saved_comparison(folder: Path, scenarios: Sequence[Scenario]) -> Path:
    """The folder of a comparison with the first."""
    return RunFolder(folder, "compared").save_comparison(compare(list(scenarios)), "kernel", [], draw=False)


def small_service(changes: Mapping[str, Any], title: str, name: str = "small_service") -> Scenario:
    return renamed(get_scenario(changes={**SMALL, **changes}), name, title)


@cache
def folders() -> dict[str, tuple[Path, ...]]:
    """The folders that each report is of."""
    results = Path(_FOLDER.name)
    today = small_service({}, TITLE)
    plan = small_service(PLAN, "With more posts", "plan")
    other = small_service({"run.staff_turnover": True}, "With turnover", "other")
    nobody = {"demand.referrals_per_year": 800, "run.replications": 1}
    nothing = renamed(get_scenario("no_service", changes=nobody), "no_service", "Nobody")
    own = small_service({**LISTS, "run.warm_up_days": 0}, "Our own service", "own")
    run = saved_run(results, today)
    return {
        "a run": (run,),
        "a run and a plan": (run, saved_comparison(results / "with a plan", [today, plan])),
        "a comparison of three": (saved_comparison(results / "three", [today, plan, other]),),
        "no service": (saved_run(results, nothing),),
        "lists of today": (saved_run(results, own),),
    }


@cache
def material_for(name: str) -> Material:
    """What each report is made from."""
    return material_of(*folders()[name])
