"""Two financial years of a service as one run: referrals as counted, staff as its attended appointments, and what came of each year.

Nobody leaves at the turn of the year: who waits in March is on the list in April. Both years are read off the same clients and
draws, so that what differs between them is what differed in referrals and staff, and chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.measure import measured, tally
from caseload_sim.measures.rows import row_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.summary import summarise
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.yearly import YEARLY, months_of
from caseload_sim.simulation.replication import counted_rows, only

WAITING = "waiting_for_treatment"


def with_counts(scenario: Scenario, counts: Mapping[str, float]) -> Scenario:
    """The scenario with so many referrals in these months, written as 2023-04; others follow its year and its index."""
    monthly = {month: {"value": count, "assumption": "as counted, M001"} for month, count in counts.items()}
    return scenario.with_changes({"demand.monthly_referrals": monthly})


def first_day_of(year: str) -> date:
    """1 April of a financial year written as 2023-24."""
    return date.fromisoformat(f"{months_of(year)[0]}-01")


def both_years(trial: Scenario, first: str, second: str) -> Scenario:
    """A service as it is fitted (see `trial_of`), which opens before the first year, with two years of data collection.

    first, second: financial years that follow each other
    """
    begins, ends = first_day_of(first), first_day_of(second).replace(year=first_day_of(second).year + 1)
    opens = begins - timedelta(days=trial.run.warm_up_days)
    return trial.with_changes({"run.opens": opens, "run.data_collection_days": (ends - begins).days})


def staffed_as(scenario: Scenario, ratio: float, year: str) -> Scenario:
    """The scenario with so many times its posts in each month of a financial year; in all other months as it was."""
    return scenario.with_changes({
        f"staff.{kind}.monthly_wte": {
            month: {"value": ratio * staff.wte.value, "assumption": "as attended appointments, M086"} for month in months_of(year)
        }
        for kind, staff in scenario.staff.items()
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfEachYear:
    """Reads the figures of each of two years off one run. turn: days of data collection before the second year begins.

    Called with all tables of a replication; gives "first/NAME" and "second/NAME" for every figure of `YEARLY` that there is.
    """

    turn: int

    def __call__(self, simulation: Simulation) -> dict[str, float]:
        run, found = simulation.scenario.run, {}
        first, after = run.period
        for year, begins, ends in (("first", first, first + self.turn), ("second", first + self.turn, after)):
            period = {
                "warm_up_days": begins,
                "data_collection_days": ends - begins,
                "follow_up_days": run.horizon_days - ends,
            }
            scenario = simulation.scenario.model_copy(update={"run": run.model_copy(update=period)})
            view = replace(simulation, scenario=scenario)
            rows = summarise(scenario.name, [measured(view, tally(only(view, counted_rows(view))))])
            for one in YEARLY:
                value = (
                    _waiting_at(view, ends) if one.quantity is None else getattr(row_of(rows, one.quantity), one.part)
                )
                if not np.isnan(value):
                    found[f"{year}/{one.name}"] = float(value)
        return found


def _waiting_at(simulation: Simulation, day: int) -> int:
    """How many were referred before that day, and had neither a first contact nor an end by then."""
    out = simulation.outcomes
    seen, ended = (np.where(days == NOT_YET, day, days) < day for days in (out.first_contact_day, out.end_day))
    referred = simulation.clients.referral_day
    return int(((referred != NOT_YET) & (referred < day) & ~seen & ~ended).sum())
