"""Scenarios of every kind, small enough to be counted client by client."""

from typing import Any

from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.tasks import Finished
from caseload_sim.measures.measure import measure
from caseload_sim.measures.service import over_time
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario

SMALLER: dict[str, float | str | bool] = {
    "demand.referrals_per_year": 800,
    "run.warm_up_days": 150,
    "run.data_collection_days": 150,
    "run.follow_up_days": 500,
}
# What makes rows that the default scenario leaves empty or hides: costs by staff, no weekends off, nobody on a list at
# opening, a cut in mid-flow, no contacts at all, one step of treatment, hardly anybody. The quickest are first, because the
# first that fails is all that mutation.py waits for.
CASES: dict[str, dict[str, float | str | bool]] = {
    "hepgul_2016, a single day, one referral in a hundred": {"run.data_collection_days": 1, "demand.referrals_per_year": 60},
    "hepgul_2016, by staff, cut in mid-flow": {
        "costs.basis": "wte", "run.follow_up_days": 0, "run.weekends_off": False, "start.running": False,
    },
    "no_service": {},
    "hepgul_2016": {},
    "trial_world": {},
    "telephone_first": {"costs.report_year": 2012},
    "national_2024_25": {"costs.basis": "wte", "pathway.returns.chance": 0.9},
}  # fmt: skip


def scenario_of(case: str) -> Scenario:
    """Staff in proportion to the fewer referrals, so that clients wait as long."""
    scenario = get_scenario(case.split(",")[0])
    changes = {**SMALLER, **CASES.get(case, {})}
    factor = float(changes["demand.referrals_per_year"]) / scenario.demand.referrals_per_year.value
    staff = {f"staff.{kind}.wte": max(one.wte.value * factor, 0.3) for kind, one in scenario.staff.items()}
    return scenario.with_changes({**staff, **changes})


def alike(number: int, log_sd: float = 0.3) -> dict[str, Any]:
    """Changes to so many providers of the scenario's size, whatever providers it had."""
    spread = {"value": log_sd, "assumption": "for a test"}
    return {"providers": {"replace": True, "number": number, "staff_log_sd": spread}}


def two_by_name(scenario: Scenario, referrals: float, least_wte: float = 0.3) -> dict[str, Any]:
    """Changes to the first two of a scenario's providers by name, of so many referrals, with staff in proportion."""
    assert scenario.providers is not None
    each = {}
    for code, provider in list(scenario.providers.each.items())[:2]:
        content = provider.model_dump(mode="python", exclude_none=True)
        factor = referrals / content["demand"]["referrals_per_year"]["value"]
        content["demand"]["referrals_per_year"]["value"] = referrals
        for staff in content["staff"].values():
            staff["wte"]["value"] = max(staff["wte"]["value"] * factor, least_wte)
        each[code] = content
    return {"providers": {"replace": True, "each": each}}


def finished_of(results: Results) -> Finished:
    """What is kept of the first replication."""
    return Finished(measure(results.first), over_time(results.first), results.first.digests)
