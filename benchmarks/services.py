"""The services that are measured: hepgul_2016 at another size and load, and the part of it that other programs can run."""

from dataclasses import replace
from typing import Any

import numpy as np

from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel
from caseload_sim.engines.episodes import occupancy
from caseload_sim.engines.plans import Capacity, Courses, Plans
from caseload_sim.pathway.care import draw_courses
from caseload_sim.pathway.staffing import places as staffed_places
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.simulation.replication import everybody, mean_disorders
from caseload_sim.simulation.returns import plans_with_returns

SEED = 1
DAYS_PER_YEAR = 365
MOST_REFERRALS_PER_YEAR = 1e6  # what a scenario may ask for; more clients than that come over more years
UNLIMITED = 10**8
PLAIN = {"start.running": False, "run.weekends_off": False, "run.staff_turnover": False}


def offered_load() -> dict[str, float]:
    """Places that would be held if nobody ever waited, over places staffed, for each kind of staff of the baseline.

    In the year of data collection, so that the service has filled up. Of a kind with several steps, all their places.
    """
    base = get_scenario().with_changes({"start.running": False})
    plans, capacity = queue_of(base)
    assert capacity.staffed is not None
    unlimited = replace(capacity, places=np.full_like(capacity.places, UNLIMITED))
    held, _ = occupancy(kernel.run(plans, unlimited), *reversed(capacity.places.shape))
    year = slice(base.run.warm_up_days, base.run.warm_up_days + base.run.data_collection_days)
    wanted, there = held[year].mean(axis=0), capacity.staffed[year].mean(axis=0)
    kinds = np.array([step.staff for step in base.pathway.steps.values()])
    return {kind: float(wanted[kinds == kind].sum() / there[kinds == kind].sum()) for kind in base.staff}


def service(n_clients: int, load: float, offered: dict[str, float], changes: dict[str, Any] | None = None) -> Scenario:
    """The baseline with about so many clients referred in all, and so many staff that the offered load is this.

    offered: of the baseline, from `offered_load`
    """
    base = get_scenario()
    days = max(base.run.horizon_days, int(np.ceil(DAYS_PER_YEAR * n_clients / MOST_REFERRALS_PER_YEAR)))
    per_year = n_clients * DAYS_PER_YEAR / days
    scale = per_year / base.demand.referrals_per_year.value
    all_changes: dict[str, Any] = {
        "run.seed": SEED,
        "run.data_collection_days": base.run.data_collection_days + days - base.run.horizon_days,
        "demand.referrals_per_year": per_year,
    }
    for kind, staff in base.staff.items():
        all_changes[f"staff.{kind}.wte"] = staff.wte.value * scale * offered[kind] / load
    return base.with_changes(all_changes | (changes or {}))


def queue_of(scenario: Scenario) -> tuple[Plans, Capacity]:
    """What an engine is given of the first replication."""
    intake, capacity = everybody(scenario, Draws(scenario.run.seed, 0), POLICIES[scenario.pathway.policy])
    return plans_with_returns(intake, capacity, kernel.run), capacity


def plain_queue(n_clients: int, load: float, offered: dict[str, float]) -> tuple[Courses, Capacity]:
    """The same pathway as an ordinary program of another library has it.

    It opens empty, every day is a working day, and a step has the same whole number of places, at least 1, on all of them.
    """
    scenario = service(n_clients, load, offered, PLAIN)
    draws = Draws(scenario.run.seed, 0)
    clients = draw_clients(scenario, draws)
    courses, _ = draw_courses(scenario, clients, draws)
    capacity = staffed_places(scenario, draws, mean_disorders(scenario, clients))
    assert capacity.staffed is not None
    each_day = np.maximum(np.rint(capacity.staffed.mean(axis=0)), 1).astype(np.int32)
    return courses, Capacity(np.tile(each_day, (len(capacity.places), 1)), capacity.steps)
