"""How many are referred and when: the yearly number by months, growth and shocks, and the draw from it."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from caseload_sim.draws.distributions import counts_from_uniform
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import ScenarioError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.pathway.demand import referral_days, referrals_per_day
from caseload_sim.pathway.working_days import dates
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.simulation.pool import Pool, referred_in_pool

YEARLY = 10_228


def two_calendar_years(**changes: object) -> Scenario:
    """hepgul_2016 over 2023 and 2024, the second a leap year."""
    days = {"run.warm_up_days": 365, "run.data_collection_days": 366, "run.follow_up_days": 0}
    return get_scenario(changes={"run.opens": date(2023, 1, 1), **days, **changes})


def month_totals(scenario: Scenario) -> dict[str, float]:
    """Expected referrals by calendar month, as in "2024-02"."""
    months = dates(scenario).astype("datetime64[M]")
    rate = referrals_per_day(scenario)
    return {str(month): float(rate[months == month].sum()) for month in np.unique(months)}


def test_the_year_of_data_collection_is_the_financial_year_2024_25() -> None:
    scenario = get_scenario()
    days = dates(scenario)
    first = scenario.run.warm_up_days
    assert [str(days[first]), str(days[first + 364])] == ["2024-04-01", "2025-03-31"]
    assert len(days) == scenario.run.horizon_days


def test_every_calendar_year_leap_or_not_has_the_yearly_number_and_every_month_its_share() -> None:
    scenario = two_calendar_years()
    totals = month_totals(scenario)
    assert len(totals) == 24
    index = scenario.demand.monthly_index.values()
    for year in (2023, 2024):
        of_year = [totals[f"{year}-{month:02d}"] for month in range(1, 13)]
        assert sum(of_year) == pytest.approx(YEARLY, rel=1e-12)
        assert of_year == pytest.approx([YEARLY * share / sum(index) for share in index], rel=1e-12)
    assert sum(index) / 12 == pytest.approx(1, abs=0.0005), "published as ratios to the mean month"


def test_a_month_is_spread_evenly_over_its_days() -> None:
    scenario = two_calendar_years()
    days, rate = dates(scenario), referrals_per_day(scenario)
    for month, length in (("2023-02", 28), ("2024-02", 29), ("2024-12", 31)):
        here = rate[days.astype("datetime64[M]") == np.datetime64(month)]
        assert len(here) == length
        assert np.all(here == here[0])


def test_without_seasons_every_day_has_a_365th() -> None:
    rate = referrals_per_day(two_calendar_years(**{"demand.seasonal": False}))
    assert np.all(rate == YEARLY / 365)


def test_flat_demand_draws_the_same_referrals_as_one_mean_for_all_days() -> None:
    """Seasons came later; results without them must stay what they were, to the last bit."""
    scenario, draws = get_scenario(changes={"demand.seasonal": False}), Draws(5, 2)
    days = np.arange(scenario.run.horizon_days, dtype=np.int64)
    counts = counts_from_uniform(draws.uniform("referrals", days), YEARLY / 365)
    assert np.array_equal(referral_days(scenario, draws), np.repeat(days, counts))


def test_growth_is_compound_by_months_and_is_none_in_the_middle_of_data_collection() -> None:
    without, grown = two_calendar_years(), two_calendar_years(**{"demand.growth_per_year": 0.049})
    ratio = referrals_per_day(grown) / referrals_per_day(without)
    assert ratio[365 + 15] / ratio[15] == pytest.approx(1.049, rel=1e-12), "January on January"
    middle = 365 + 366 // 2
    assert ratio[middle] == pytest.approx(1, abs=0.049 / 24), "at most half a month's growth away"
    # Sum over the year of data collection: what is lacking before the middle is made up after it, but for g squared / 24
    # and for months that weigh differently.
    assert referrals_per_day(grown)[365:].sum() == pytest.approx(YEARLY, rel=0.002)
    shrunk = two_calendar_years(**{"demand.growth_per_year": -0.2})
    assert np.all(np.diff((referrals_per_day(shrunk) / referrals_per_day(without))[::31]) < 0)


def test_a_shock_multiplies_its_days_both_ends_included_and_no_others() -> None:
    """Referrals of April 2020 were 57,814, against 133,191 in April 2019."""
    fall = {"from_date": "2024-04-01", "to_date": "2024-04-30", "factor": {"value": 57_814 / 133_191}}
    calm, shocked = two_calendar_years(), two_calendar_years(**{"demand.shocks.lockdown": fall})
    before, after = month_totals(calm), month_totals(shocked)
    for month, total in before.items():
        factor = 57_814 / 133_191 if month == "2024-04" else 1
        assert after[month] == pytest.approx(factor * total, rel=1e-12)


def test_overlapping_shocks_multiply_and_a_shock_may_last_a_day() -> None:
    shocks = {
        "rise": {"from_date": "2023-03-01", "to_date": "2024-03-31", "factor": {"value": 1.245}},
        "one_day": {"from_date": "2023-03-08", "to_date": "2023-03-08", "factor": {"value": 0}},
        "half": {"from_date": "2024-03-31", "to_date": "2030-01-01", "factor": {"value": 0.5}},
    }
    shocked = two_calendar_years(**{"demand.shocks": shocks})
    ratio = referrals_per_day(shocked) / referrals_per_day(two_calendar_years())
    days = dates(shocked).astype(str).tolist()
    expected = {"2023-02-28": 1, "2023-03-01": 1.245, "2023-03-07": 1.245, "2023-03-08": 0, "2023-03-09": 1.245,
                "2024-03-30": 1.245, "2024-03-31": 1.245 * 0.5, "2024-04-01": 0.5, "2024-12-31": 0.5}  # fmt: skip
    for day, factor in expected.items():
        assert ratio[days.index(day)] == pytest.approx(factor), day


def test_the_draw_has_the_expected_number_in_every_month() -> None:
    """Poisson: a month's number lies within four of its standard errors, sqrt(mean), for each of 24 months."""
    scenario = two_calendar_years(**{"demand.referrals_per_year": 200_000})
    drawn = referral_days(scenario, Draws(11, 0))
    assert np.all(np.diff(drawn) >= 0)
    months = dates(scenario)[drawn].astype("datetime64[M]").astype(str)
    for month, expected in month_totals(scenario).items():
        assert np.sum(months == month) == pytest.approx(expected, abs=4 * np.sqrt(expected)), month


def test_numbers_by_day_vary_as_much_as_poisson_numbers_do() -> None:
    """Sum of (number - mean)^2 / mean over n days: n, with standard error about sqrt(2 n + sum of 1 / mean)."""
    scenario = two_calendar_years()
    rate = referrals_per_day(scenario)
    counts = np.bincount(referral_days(scenario, Draws(12, 0)), minlength=len(rate))
    spread = np.sum((counts - rate) ** 2 / rate)
    assert spread == pytest.approx(len(rate), abs=4 * np.sqrt(2 * len(rate) + np.sum(1 / rate)))


def test_changing_one_month_leaves_the_referrals_of_the_others_nearly_as_they_were() -> None:
    """Days keep their draws; the other months change only as the yearly number is shared anew."""
    scenario, draws = two_calendar_years(), Draws(3, 0)
    fall = {"from_date": "2023-06-01", "to_date": "2023-06-30", "factor": {"value": 0.1}}
    changed = scenario.with_changes({"demand.shocks.june": fall})
    june = (dates(scenario) >= np.datetime64("2023-06-01")) & (dates(scenario) <= np.datetime64("2023-06-30"))
    ours, theirs = (np.bincount(referral_days(s, draws), minlength=len(june)) for s in (scenario, changed))
    assert np.array_equal(ours[~june], theirs[~june])
    assert theirs[june].sum() < 0.2 * ours[june].sum()


# --- months as counted ----------------------------------------------------------------------------------------------

COUNTED = {"2022-11": 250, "2023-01": 412, "2024-02": 1_311, "2024-03": 0}


def with_counts(counts: Mapping[str, float] = COUNTED, /, **changes: object) -> Scenario:
    months = {month: {"value": count} for month, count in counts.items()}
    return two_calendar_years(**{"demand.monthly_referrals": months, **changes})


def of_month(scenario: Scenario, days: NDArray[np.int32], month: str) -> int:
    """How many of these days, counted from opening, are in the month."""
    dated = np.datetime64(scenario.run.opens, "D") + days
    return int(np.sum(dated.astype("datetime64[M]") == np.datetime64(month)))


def test_a_counted_month_has_its_count_and_the_other_months_are_as_before() -> None:
    before, after = month_totals(two_calendar_years()), month_totals(with_counts())
    assert len(after) == 24
    for month, total in after.items():
        assert total == pytest.approx(COUNTED.get(month, before[month]), rel=1e-12), month


@pytest.mark.parametrize("replication", range(3))
def test_as_many_are_referred_as_were_counted_and_others_keep_their_days(replication: int) -> None:
    """Exactly as many, since a count is no mean; and the days of all other months are those drawn without any count."""
    scenario, draws = with_counts(), Draws(5, replication)
    ours, theirs = referral_days(scenario, draws), referral_days(two_calendar_years(), draws)
    assert np.all(np.diff(ours) >= 0)
    for month in month_totals(scenario):
        expected = COUNTED.get(month, of_month(scenario, theirs, month))
        assert of_month(scenario, ours, month) == expected, month


def test_one_more_counted_moves_nobody_else() -> None:
    some, more = (referral_days(with_counts({"2023-05": n}), Draws(5, 1)) for n in (800, 801))
    extra = Counter(more.tolist()) - Counter(some.tolist())
    assert len(more) == len(some) + 1 == sum(extra.values()) + len(some)


def test_a_count_that_is_not_whole_is_kept_on_average() -> None:
    """Of 400 replications 30% have one more; four standard errors are 0.09."""
    scenario = with_counts({"2023-01": 3.3}, **{"run.warm_up_days": 0, "run.data_collection_days": 31})
    drawn = [len(referral_days(scenario, Draws(5, r))) for r in range(400)]
    assert set(drawn) == {3, 4}
    assert np.mean(drawn) == pytest.approx(3.3, abs=0.09)


def test_growth_and_shocks_leave_a_counted_month_alone() -> None:
    half: object = {"from_date": "2023-01-10", "to_date": "2024-02-10", "factor": {"value": 0.5}}
    totals = month_totals(with_counts(COUNTED, **{"demand.shocks.half": half, "demand.growth_per_year": 0.2}))
    assert totals["2023-01"] == pytest.approx(412)
    assert totals["2024-02"] == pytest.approx(1311)
    assert totals["2023-06"] < 0.6 * month_totals(two_calendar_years())["2023-06"]


def test_months_before_opening_and_the_month_of_opening_are_as_counted_too() -> None:
    """Of the month in which the service opens, those before opening and those after it add up to the count."""
    opens = date(2023, 3, 17)
    counts = {f"2022-{month:02d}": 100.0 + month for month in range(1, 13)} | {"2023-03": 500.0}
    scenario = with_counts(counts, **{"run.opens": opens})
    draws = Draws(7, 0)
    pool, later = Pool(scenario, draws, POLICIES[scenario.pathway.policy]), referral_days(scenario, draws)
    assert pool.referral_day.max() < 0 <= later.min()
    for month, count in counts.items():
        assert of_month(scenario, np.concatenate([pool.referral_day, later]), month) == count, month
    assert 0 < of_month(scenario, later, "2023-03") < 500
    assert len(np.unique(pool.ids)) == len(pool.referral_day) == pytest.approx(referred_in_pool(scenario), rel=0.02)


def test_both_engines_simulate_counted_months_alike() -> None:
    small = two_calendar_years(**{
        "run.warm_up_days": 30, "run.data_collection_days": 60, "run.follow_up_days": 60, "demand.referrals_per_year": 300,
        "demand.monthly_referrals": {"2022-12": {"value": 40}, "2023-02": {"value": 50}},
    })  # fmt: skip
    kernel, reference = (simulate(small, engine=engine) for engine in ("kernel", "reference"))
    assert kernel.digests == reference.digests


WRONG_MONTHS = {
    "2025-4": "demand.monthly_referrals.2025-4: '2025-4' is not a month; write it as 2025-04.",
    "april": "demand.monthly_referrals.april: 'april' is not a month; write it as 2025-04.",
    "2025-13": "demand.monthly_referrals.2025-13: '2025-13' is not a month; write it as 2025-04.",
    "1066-10": "demand.monthly_referrals.1066-10: 1066-10 is out of range; it must be from 1978-01 to 2100-12.",
}


@pytest.mark.parametrize("label", list(WRONG_MONTHS))
def test_what_is_no_month_is_refused_with_its_line(label: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f'extends = "hepgul_2016"\n[demand.monthly_referrals]\n"2025-03" = {{ value = 4, assumption = "x" }}\n'
        f'"{label}" = {{ value = 412, assumption = "x" }}\n',
        encoding="utf-8",
    )
    with pytest.raises(ScenarioError, match=re.escape(f"mine.toml:4: {WRONG_MONTHS[label]}")):
        load_scenario(file)


@pytest.mark.parametrize("typed", [412.0, 100.0, 2.5, 0.08])
def test_counts_or_percentages_typed_as_an_index_are_refused_with_the_right_key(typed: float) -> None:
    """All twelve months, or one of them so large that it can be no multiple of the mean month."""
    months = type(get_scenario().demand.monthly_index).model_fields
    index = {month: {"value": typed, "assumption": "x"} for month in months}
    for typed_index in (index, {"january": {"value": 412.0, "assumption": "x"}}):
        with pytest.raises(
            ScenarioError, match=r"the months have a mean of .*demand\.monthly_referrals, by year and month"
        ):
            get_scenario(changes={"demand.monthly_index": typed_index})


def test_nobody_referred_is_a_service_without_clients() -> None:
    for changes in (
        {"demand.referrals_per_year": 0},
        {"demand.shocks.closed": {"from_date": "1990-01-01", "to_date": "2100-01-01", "factor": {"value": 0}}},
    ):
        scenario = two_calendar_years(**changes)
        assert referrals_per_day(scenario).sum() == 0
        assert len(draw_clients(scenario, Draws(1, 0)).id) == 0
        empty = scenario.with_changes({"start.running": False})
        assert len(simulate(empty).episodes.client) == 0


def test_a_file_of_ones_own_adds_shocks_and_changes_a_month(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        """extends = "hepgul_2016"
[run]
opens = "2018-04-02"
[demand.monthly_index]
august = { value = 0.5, assumption = "we close for two weeks" }
[demand.shocks.lockdown]
from_date = 2020-04-01
to_date = 2020-04-30
factor = { value = 0.43, assumption = "ours" }
""",
        encoding="utf-8",
    )
    scenario = load_scenario(tmp_path / "mine.toml", changes={"demand.shocks.lockdown.factor": 0.6})
    assert scenario.run.opens == date(2018, 4, 2)
    assert scenario.demand.monthly_index.august.value == 0.5
    assert scenario.demand.monthly_index.july.value == 0.992
    assert scenario.demand.shocks["lockdown"].factor.origin() == "assumption: set by the user"
    assert scenario.demand.shocks["lockdown"].to_date == date(2020, 4, 30)
    totals = month_totals(scenario)
    assert totals["2019-08"] / totals["2019-07"] == pytest.approx(0.5 / 0.992)
    assert totals["2020-04"] / totals["2019-04"] == pytest.approx(0.6)
