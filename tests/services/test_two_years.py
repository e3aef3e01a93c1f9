"""Two years of a service as one run: its referrals and staff by year, and what is read of each year."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import simulate, summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.measures.rows import row_of
from caseload_sim.pathway.demand import referral_days, referrals_per_day
from caseload_sim.pathway.staffing import wte_at_work
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.levers import trial_of
from caseload_sim.services.two_years import OfEachYear, both_years, first_day_of, staffed_as, with_counts
from caseload_sim.services.yearly import YEARLY

TURN = date(2024, 4, 1)


@pytest.fixture(scope="module")
def both() -> Scenario:
    small = get_scenario("national_2024_25").with_changes({
        "demand.referrals_per_year": 900, "staff.assessor.wte": 1.2, "staff.psychological_wellbeing_practitioner.wte": 1.1,
        "staff.high_intensity_therapist.wte": 2.6,
    })  # fmt: skip
    return both_years(trial_of(small), "2023-24", "2024-25")


def test_two_years_are_one_run_that_opens_before_the_first(both: Scenario) -> None:
    """2023-24 has 366 days."""
    run = both.run
    assert (run.opens.isoformat(), run.warm_up_days, run.data_collection_days) == ("2023-03-02", 30, 366 + 365)
    assert first_day_of("2024-25") == TURN
    assert not run.staff_turnover


def test_counted_months_have_as_many_referrals_as_were_counted(both: Scenario) -> None:
    counted = with_counts(both, {"2023-05": 50, "2024-05": 120})
    dates = np.datetime64(counted.run.opens) + referral_days(counted, Draws(1, 0))
    months = dates.astype("datetime64[M]")
    assert [(months == np.datetime64(month)).sum() for month in ("2023-05", "2024-05")] == [50, 120]
    assert referrals_per_day(both)[:30] == pytest.approx(referrals_per_day(counted)[:30]), "other months are as before"


@pytest.mark.parametrize("ratio", [1.25, 1.0, 0.8])
def test_staff_grow_or_shrink_on_the_day(ratio: float, both: Scenario) -> None:
    changed = staffed_as(both, ratio, "2024-25")
    days = np.datetime64(both.run.opens) + np.arange(both.run.horizon_days)
    for kind in both.staff:
        before, now = (wte_at_work(one, kind, Draws(1, 0), 2.5) for one in (both, changed))
        assert now == pytest.approx(np.where(days < np.datetime64(TURN), before, ratio * before), abs=1e-3), kind


def test_each_year_is_read_as_a_run_of_that_year_alone_would_be(both: Scenario) -> None:
    """Data collection in one year, the other being warm-up or follow-up: the same clients and days, counted by the engine's own way."""
    found = OfEachYear(366)(simulate(both))
    periods = {"first": (30, 366, 365), "second": (396, 365, 0)}
    for year, (warm_up, length, after) in periods.items():
        alone = both.with_changes(
            {"run.warm_up_days": warm_up, "run.data_collection_days": length, "run.follow_up_days": after}
        )
        (results,) = summarise_each([Request(alone)])
        for one in YEARLY:
            if one.quantity is not None:
                assert found[f"{year}/{one.name}"] == getattr(row_of(results.rows, one.quantity), one.part), one.name
    assert found["first/finished"] != found["second/finished"]


def test_who_waits_at_the_end_of_a_year_has_been_neither_seen_nor_discharged(both: Scenario) -> None:
    """Counted again, client by client."""
    simulation = simulate(both)
    found = OfEachYear(366)(simulation)
    out: Any = simulation.outcomes
    for year, day in (("first", 30 + 366), ("second", 30 + 366 + 365)):
        waiting = 0
        for referred, seen, ended in zip(
            simulation.clients.referral_day.tolist(), out.first_contact_day.tolist(), out.end_day.tolist(), strict=True
        ):
            happened = [one for one in (seen, ended) if one != NOT_YET and one < day]
            waiting += referred < day and not happened
        assert found[f"{year}/waiting_for_treatment"] == waiting > 0
