"""QALYs of a year: states by PHQ-9, the area by hand, and what each more costs; counted exactly whatever the order."""

from dataclasses import replace

import numpy as np
import pytest

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import ScenarioError
from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.qalys import PER_QALY, qaly_columns, qalys_in_year, qalys_of_sums, utilities_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.readings import ReadingDays
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from three_clients import PRICES, hand_made

UTILITIES = get_scenario("hepgul_2016").costs.utilities


def year_of(first: float, last: float, month_12: float, days: tuple[int, int, int]) -> float:
    """QALYs of one client with these utilities, days being those of the first contact, the last, and the end."""
    columns = ReadingDays(*(np.array([day], dtype=np.int32) for day in days))
    one, two, three = (np.array([utility]) for utility in (first, last, month_12))
    return float(qalys_in_year(one, two, three, columns)[0])


def test_the_state_of_a_client_is_the_band_of_phq9() -> None:
    scores = np.array([0, 4, 5, 9, 10, 14, 15, 19, 20, 27], dtype=np.int8)
    assert utilities_of(scores, UTILITIES).tolist() == [0.70, 0.70, 0.62, 0.62, 0.57, 0.57, 0.52, 0.52, 0.39, 0.39]


def test_a_year_by_hand() -> None:
    """The first contact on the day of referral, the last on day 100, month 12 on day 465, of which the year sees 265 days."""
    on_day_365 = 0.57 + (0.70 - 0.57) * 265 / 365
    by_hand = (100 * (0.39 + 0.57) / 2 + 265 * (0.57 + on_day_365) / 2) / 365
    assert year_of(0.39, 0.57, 0.70, (0, 100, 100)) == pytest.approx(by_hand, rel=1e-12)


def test_before_the_first_contact_a_client_is_as_at_it() -> None:
    by_hand = (30 * 0.4 + 70 * 0.5 + 265 * 0.6) / 365
    assert year_of(0.4, 0.6, 0.6, (30, 100, 100)) == pytest.approx(by_hand, rel=1e-12)
    assert year_of(0.4, 0.6, 0.9, (365, 500, 500)) == pytest.approx(0.4, rel=1e-12), "nobody came within the year"
    assert year_of(0.4, 0.6, 0.9, (900, 950, 960)) == pytest.approx(0.4, rel=1e-12)


def test_care_that_goes_on_after_the_year_counts_for_its_part_of_the_way() -> None:
    assert year_of(0.4, 0.6, 0.9, (0, 730, 730)) == pytest.approx(0.45, rel=1e-12), (
        "half-way on day 365, the mean of it"
    )


def test_one_contact_is_two_readings_of_one_day() -> None:
    on_day_365 = 0.6 + 0.1 * 355 / 365
    by_hand = (10 * 0.4 + 355 * (0.6 + on_day_365) / 2) / 365
    assert year_of(0.4, 0.6, 0.7, (10, 10, 10)) == pytest.approx(by_hand, rel=1e-12)


def test_a_longer_wait_for_the_same_gain_is_worth_less() -> None:
    """A year from referral is the same length for all; up to a year after the end, whoever waits longer would gain more."""
    years = [year_of(0.5, 0.7, 0.7, (14, last, last)) for last in (60, 120, 240, 360, 500)]
    assert years == sorted(years, reverse=True)
    assert year_of(0.7, 0.7, 0.7, (14, 200, 250)) == pytest.approx(0.7, rel=1e-12)


@pytest.fixture(scope="module")
def tiny(small: Scenario) -> Simulation:
    """The three clients of test_costs, each seen first on the day of referral, and last and at the end 100 days later."""
    simulation = hand_made(simulate(small.with_changes(PRICES)))
    out, clients = simulation.outcomes, simulation.clients
    begin, end = clients.referral_day.copy(), out.end_day
    begin[:3] = end[:3] - 100
    first, last = begin, np.where(np.arange(len(begin)) < 3, end, begin).astype(np.int32)
    outcomes = replace(out, first_contact_day=first, last_contact_day=last)
    return replace(simulation, clients=replace(clients, referral_day=begin), outcomes=outcomes)


def test_three_clients_by_hand(tiny: Simulation) -> None:
    """All are severe throughout but client 0, whom the service leaves in remission: 100 days on the way, and 265 there."""
    table = measure(tiny)
    well = (100 * (0.39 + 0.70) / 2 + 265 * 0.70) / 365

    def value(name: str, base: str, service: str = "", group: str = "all") -> float:
        return table[Quantity(name, base, "", service, group)].value

    assert value("qalys_mean", "finished", "service") == pytest.approx((well + 0.39) / 2, abs=1e-6)
    assert value("qalys_mean", "referred", "service") == pytest.approx((well + 2 * 0.39) / 3, abs=1e-6)
    assert value("qalys_mean", "referred", "none") == pytest.approx(0.39, abs=1e-12)
    assert value("qalys_mean", "started", "difference") == pytest.approx((well - 0.39) / 3, abs=1e-6)
    alone = value("qalys_mean", "finished", "difference", "course=low intensity only")
    assert alone == pytest.approx(well - 0.39, abs=1e-6)
    first, second, third = 50 + 4.5 * 100, 50 + 5 * 0.2 * 100 + 11 * 200, 50
    assert value("cost_per_qaly", "finished") == pytest.approx((first + second) / (well - 0.39), rel=1e-5)
    assert value("cost_per_qaly", "referred") == pytest.approx((first + second + third) / (well - 0.39), rel=1e-5)
    of_up = table[Quantity("cost_per_qaly", "finished", "", "", "course=stepped up")]
    assert (of_up.numerator, of_up.denominator) == (second, 0)
    assert np.isnan(of_up.value), "nothing is gained"


def test_sums_of_clients_are_exact_in_any_order(small_simulation: Simulation) -> None:
    """Digits of millionths are whole numbers below a thousand, so that parts add up to the last bit."""
    columns = np.array(qaly_columns(small_simulation))
    assert np.abs(columns).max() <= 1000
    assert (columns >= 0).all()
    each = qalys_of_sums(columns.astype(np.float64))
    assert 0.39 <= each.min() < each.max() <= 0.70
    assert np.allclose(each * PER_QALY, np.rint(each * PER_QALY), atol=1e-6)
    table = measure(small_simulation)
    for service in ("service", "none"):
        whole, *parts = (
            table[Quantity("qalys_mean", "referred", "", service, group)] for group in ("all", "ptsd=yes", "ptsd=no")
        )
        assert sum(part.numerator for part in parts) == pytest.approx(whole.numerator, abs=1e-9)
        assert sum(part.denominator for part in parts) == whole.denominator


def test_a_state_worse_than_being_dead_is_counted_too(small_simulation: Simulation) -> None:
    scenario = small_simulation.scenario.with_changes({"costs.utilities.severe": -0.4})
    columns = np.array(qaly_columns(replace(small_simulation, scenario=scenario)), dtype=np.float64)
    assert np.abs(columns).max() <= 1000
    assert -0.4 <= qalys_of_sums(columns).min() < 0


def test_states_that_are_worth_the_same_leave_nothing_to_gain(small: Scenario) -> None:
    alike = dict.fromkeys(
        [f"costs.utilities.{state}" for state in ("remission", "minor", "mild", "moderate", "severe")], 0.5
    )
    results = replicate(small.with_changes(alike), replications=2)
    assert results.find("qalys_mean", base="finished").value == pytest.approx(0.5, abs=1e-9)
    assert results.find("qalys_mean", base="finished", service="difference").value == 0
    assert np.isnan(results.find("cost_per_qaly", base="finished").value)


def test_those_whom_nobody_sees_are_read_too_and_gain_nothing_by_it_at_the_last_reading() -> None:
    results = replicate(get_scenario("no_service", changes={"demand.referrals_per_year": 500}), replications=2)
    assert 0.39 < results.find("qalys_mean", base="referred").value < 0.70
    assert np.isnan(results.find("cost_per_qaly", base="finished").value)


def test_a_utility_above_full_health_is_refused(small: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"costs\.utilities\.mild.*at most 1"):
        small.with_changes({"costs.utilities.mild": 1.1})


def test_points_of_the_plane_are_the_rows_of_the_table(small_results: Results) -> None:
    points = small_results.cost_effects
    assert [(point.replication, point.base) for point in points[:4]] == [
        (0, "finished"), (0, "started"), (0, "referred"), (1, "finished")
    ]  # fmt: skip
    assert len(points) == 3 * small_results.scenario.run.replications
    for base in ("finished", "started", "referred"):
        some = [point for point in points if point.base == base]
        row = small_results.find("cost_per_qaly", base=base)
        assert row.numerator == pytest.approx(np.mean([point.extra_gbp * point.referrals for point in some]))
        assert row.denominator == pytest.approx(np.mean([point.extra_qalys * point.referrals for point in some]))
