"""What is dated outside the simulated days is named; what lies in them, in part or on their last day, is not."""

import warnings
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from caseload_sim.definitions.times import days_of_month
from caseload_sim.errors import ScenarioWarning
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.pathway.in_vain import what_is_in_vain
from caseload_sim.pathway.working_days import dates
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

SMALL: Mapping[str, Any] = {
    "run.opens": date(2023, 4, 2), "run.warm_up_days": 30, "run.data_collection_days": 60, "run.follow_up_days": 30,
    "demand.referrals_per_year": 300, "run.replications": 1,
}  # fmt: skip
FIRST, LAST = date(2023, 4, 2), date(2023, 7, 30)
TWO_YEARS_BEFORE = date(2021, 4, 2)
SIMULATED = (
    "the days simulated, 2023-04-02 to 2023-07-30, and the two years before, from 2021-04-02, whose referrals and staff say "
    "who is there at opening"
)


def dated(first: date, last: date, **more: Any) -> dict[str, Any]:
    return {"from_date": first, "to_date": last, **more}


def shock(first: date, last: date) -> dict[str, Any]:
    return {"demand.shocks.wave": dated(first, last, factor={"value": 0.5})}


def surge(first: date, last: date) -> dict[str, Any]:
    return {"staff.assessor.surge": {"team": dated(first, last, wte={"value": 1})}}


def counted(*months: str) -> dict[str, Any]:
    return {"demand.monthly_referrals": {month: {"value": 30} for month in months}}


def small(**changes: Any) -> Scenario:
    return get_scenario(changes={**SMALL, **changes})


def day(near: date, n: int) -> date:
    return near + timedelta(days=n)


def test_the_last_day_that_is_named_is_the_last_that_is_simulated() -> None:
    assert [str(dates(small())[k]) for k in (0, -1)] == [str(FIRST), str(LAST)]


@pytest.mark.parametrize("part", [shock, surge], ids=["demand.shocks.wave", "staff.assessor.surge.team"])
def test_a_part_whose_days_are_all_outside_is_named_with_the_simulated_days(part: Any) -> None:
    path = "demand.shocks.wave" if part is shock else "staff.assessor.surge.team"
    for first, last in ((day(LAST, 1), day(LAST, 40)), (day(TWO_YEARS_BEFORE, -40), day(TWO_YEARS_BEFORE, -1))):
        assert what_is_in_vain(small(**part(first, last))) == [
            f"{path}, {first} to {last}, lies outside {SIMULATED}. It changes nothing."
        ]
    for first, last in ((LAST, day(LAST, 40)), (day(TWO_YEARS_BEFORE, -40), TWO_YEARS_BEFORE), (FIRST, FIRST)):
        assert what_is_in_vain(small(**part(first, last))) == []


def test_a_service_that_opens_empty_has_no_years_before() -> None:
    (found,) = what_is_in_vain(small(**shock(day(FIRST, -9), day(FIRST, -1)), **{"start.running": False}))
    assert found == (
        "demand.shocks.wave, 2023-03-24 to 2023-04-01, lies outside the days simulated, 2023-04-02 to 2023-07-30. "
        "It changes nothing."
    )


@pytest.mark.parametrize("part", [shock, surge], ids=["shock", "surge"])
@pytest.mark.parametrize("before", [False, True], ids=["after opening", "two years before"])
def test_what_is_not_named_does_change_something_and_what_is_named_does_not(part: Any, before: bool) -> None:
    """By simulation: the digests of those who come and of their stays, at the very ends of what is simulated."""
    inside = (TWO_YEARS_BEFORE, day(FIRST, -1)) if before else (day(LAST, -60), LAST)
    outside = (day(inside[0], -301), day(inside[0], -1)) if before else (day(LAST, 1), day(LAST, 60))
    factor = {"demand.referrals_per_year": 3000, "staff.assessor.wte": 1.5}  # clients wait to be assessed
    plain = simulate(small(**factor)).digests["episodes"]
    with pytest.warns(ScenarioWarning, match="changes nothing"):
        assert simulate(small(**factor, **part(*outside))).digests["episodes"] == plain
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert simulate(small(**factor, **part(*inside))).digests["episodes"] != plain


def test_lists_of_a_service_that_opens_empty_are_named() -> None:
    lists = {"start.waiting": {"high_intensity": {"value": 9}}}
    assert what_is_in_vain(small(**lists)) == []
    for scenario in (small(**lists, **{"start.running": False}), get_scenario("no_service", changes=lists)):
        assert what_is_in_vain(scenario) == [
            "start: nobody is there at opening, so the lists that it states change nothing."
        ]


def test_counted_months_outside_are_named_in_one_sentence() -> None:
    scenario = small(**counted("2021-03", "2021-04", "2023-07", "2023-08", "2020-11", "2020-12", "2021-01"))
    assert what_is_in_vain(scenario) == [
        "demand.monthly_referrals: 5 of 7 months, 2020-11 to 2021-01 and 2021-03 and 2023-08, lie outside "
        f"{SIMULATED}. Their referrals change nothing."
    ]
    (one,) = what_is_in_vain(small(**counted("2019-01", "2023-05")))
    assert one.startswith("demand.monthly_referrals: 2019-01 lies outside the days simulated")
    assert one.endswith(". Its referrals change nothing.")


def test_posts_counted_outside_are_named() -> None:
    posts = {"staff.assessor.monthly_wte": {"2019-01": {"value": 2}, "2023-05": {"value": 2}}}
    (one,) = what_is_in_vain(small(**posts))
    assert one.startswith("staff.assessor.monthly_wte: 2019-01 lies outside the days simulated")
    assert one.endswith(". Its posts change nothing.")


def test_a_shock_in_counted_months_alone_is_named() -> None:
    wave = shock(date(2023, 5, 10), date(2023, 6, 20))
    (found,) = what_is_in_vain(small(**wave, **counted("2023-05", "2023-06")))
    assert found == (
        "demand.shocks.wave, 2023-05-10 to 2023-06-20, lies in months whose referrals are given in demand.monthly_referrals. "
        "It changes nothing."
    )
    assert what_is_in_vain(small(**wave, **counted("2023-05"))) == []
    assert what_is_in_vain(small(**wave, **counted("2023-06"))) == []
    assert what_is_in_vain(small(**surge(date(2023, 5, 10), date(2023, 6, 20)), **counted("2023-05", "2023-06"))) == []


def test_the_days_of_a_month_reach_from_the_first_to_the_last() -> None:
    assert days_of_month("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert days_of_month("2100-12") == (date(2100, 12, 1), date(2100, 12, 31))


@pytest.mark.parametrize("name", list_scenarios())
def test_no_shipped_scenario_has_a_date_in_vain(name: str) -> None:
    assert what_is_in_vain(get_scenario(name)) == []


def test_whoever_replicates_in_python_is_warned_once() -> None:
    scenario = small(**surge(date(2030, 1, 1), date(2030, 1, 9)))
    with pytest.warns(ScenarioWarning) as caught:
        replicate(scenario, replications=2)
    assert [str(one.message) for one in caught if one.category is ScenarioWarning] == [
        f"{scenario.name}: {sentence}" for sentence in what_is_in_vain(scenario)
    ]


def test_validate_and_run_say_it_once_and_it_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        SMALL_FILE + '[demand.shocks.lockdown]\nfrom_date = 2020-04-01\nto_date = 2020-04-30\n'
        'factor = { value = 0.43, assumption = "as then" }\n',
        encoding="utf-8",
    )  # fmt: skip
    for words in (("validate", "mine.toml"), ("run", "mine.toml", "--replications", "2", "--no-figures", "--json")):
        done = call_here(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        note = "Note: mine: demand.shocks.lockdown, 2020-04-01 to 2020-04-30, lies outside the days simulated, 2023-04-02 to "
        assert done.stderr.count(note) == 1
        assert done.stderr.count("It changes nothing.") == 1
        assert "lockdown" not in done.stdout
