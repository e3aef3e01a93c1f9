"""Measures against counts made here by other means, and against what must hold."""

import tomllib
from collections import defaultdict
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.definitions import measures as definitions
from caseload_sim.definitions.measures import MEASURES, all_measures
from caseload_sim.definitions.quantities import HELPED_TO, SCORED, SERVICES, Quantity
from caseload_sim.engines.episodes import occupancy
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.experiments.replicate import Results
from caseload_sim.measures import measure as measure_module
from caseload_sim.measures.measure import measure
from caseload_sim.measures.rows import Row
from caseload_sim.measures.service import _slope, wait_rows
from caseload_sim.measures.simulation import Simulation, low_steps
from caseload_sim.measures.table import MeasureTable, Rows, stacked_numbers
from caseload_sim.scenario.catalogue import get_scenario


def value(simulation: Simulation, name: str, base: str, at: str = "", service: str = "", group: str = "all") -> float:
    return measure(simulation)[Quantity(name, base, at, service, group)].value


def test_every_measure_is_reported_and_every_report_is_defined(small_results: Results) -> None:
    assert {row.measure for row in small_results.rows} == {m.name for m in MEASURES}
    assert all(m.definition.endswith(".") and m.numerator + m.denominator for m in MEASURES)


def test_a_measure_that_is_counted_and_stands_in_no_table_is_an_error(
    small_simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test of the test above, whose results would not even come: the name of the measure is in the error."""
    without = {name: one for name, one in all_measures().items() if name != "recovery"}
    monkeypatch.setattr(measure_module, "all_measures", lambda: without)
    monkeypatch.setattr(measure_module, "_in_order", measure_module._in_order.__wrapped__)  # not from its cache
    with pytest.raises(KeyError, match="recovery"):
        measure(small_simulation)


def test_every_phrase_in_the_table_of_measures_is_used() -> None:
    text = Path(str(definitions.__file__)).with_suffix(".toml").read_text(encoding="utf-8")
    phrases = tomllib.loads(text)["phrases"]
    assert len(phrases) > 3
    assert all(f"{{{name}}}" in text for name in phrases)
    assert not any("{" in word for m in MEASURES for word in (m.definition, m.numerator, m.denominator, m.source))


def test_a_measure_is_said_to_be_named_as_published_only_if_it_is() -> None:
    """Of the published figures these eight columns of the tidied data have the same names here; the others are named here."""
    published = {
        "referrals_received", "finished_course_treatment", "at_caseness", "recovery", "reliable_recovery", "improvement",
        "no_reliable_change", "deterioration",
    }  # fmt: skip
    assert {m.name for m in MEASURES if "named as in the tidied data" in m.source} == published
    others = [m.source for m in MEASURES if "nhse2025" in m.source and m.name not in published]
    assert len(others) > 30
    assert set(others) == {"nhstt_manual, nhse2025 (a published figure; the name is this program's)"}


def test_the_official_recovery_of_finishers_counted_one_by_one(small_simulation: Simulation) -> None:
    out, run = small_simulation.outcomes, small_simulation.scenario.run
    cases = recovered = 0
    for i in range(len(out.end_day)):
        ended = run.warm_up_days <= out.end_day[i] < run.warm_up_days + run.data_collection_days
        if ended and out.contacts[i] >= 2 and (out.first_phq9[i] >= 10 or out.first_gad7[i] >= 8):
            cases += 1
            recovered += bool(out.service.last_phq9[i] < 10 and out.service.last_gad7[i] < 8)
    got = measure(small_simulation)[Quantity("recovery", "finished", "end", "service", "all")]
    assert (got.numerator, got.denominator) == (recovered, cases)
    assert got.value == recovered / cases


def test_the_ladder_of_starters_counted_one_by_one(small_simulation: Simulation) -> None:
    out, run, clients = small_simulation.outcomes, small_simulation.scenario.run, small_simulation.clients
    over = gone = 0
    for i in range(len(out.end_day)):
        referred = run.warm_up_days <= clients.referral_day[i] < run.warm_up_days + run.data_collection_days
        case = out.first_phq9[i] >= 10 or out.first_gad7[i] >= 8
        if referred and out.end_day[i] != NOT_YET and out.contacts[i] >= 1 and case and out.diagnosed[i].any():
            over += 1
            gone += bool(out.service.sustained["full_remission"][i])
    got = measure(small_simulation)[Quantity("full_remission", "started", "sustained", "service", "all")]
    assert (got.numerator, got.denominator) == (gone, over)


def test_people_helped_are_those_who_succeed_less_those_who_would_untreated_in_a_year(small_simulation: Simulation) -> None:  # fmt: skip
    table, years = measure(small_simulation), small_simulation.scenario.run.data_collection_days / 365
    looked_at = 0
    for helped, success in HELPED_TO.items():
        for at in SCORED:
            for group in ("all", "ptsd=yes", "personality_disorder=no", "first_phq9=10-14"):
                with_service, none = (table[Quantity(success, "referred", at, which, group)] for which in SERVICES)
                got = table[Quantity(helped, "referred", at, "", group)]
                assert got.numerator == with_service.numerator - none.numerator
                assert (got.denominator, got.value) == (years, got.numerator / years)
                looked_at += got.numerator != 0
    assert looked_at > 12


def test_what_people_helped_could_be_follows_the_shares(small_results: Results) -> None:
    """Structures are read on some of the clients, who stand for all: the share and the people move by the same factor."""
    share = small_results.find("recovery", base="referred", at="end", service="difference")
    people = small_results.find("helped_to_recovery", at="end")
    for end in ("could_be_low", "could_be_high"):
        apart = getattr(share, end) - share.value
        assert getattr(people, end) - people.value == pytest.approx(apart * people.value / share.value, rel=0.15)


def test_shares_that_must_add_up_to_one_do(small_simulation: Simulation) -> None:
    ends = ("ended_before_treatment", "ended_after_one_contact", "ended_after_finishing")
    assert sum(value(small_simulation, name, "all") for name in ends) == pytest.approx(1)
    changes = ("improvement", "no_reliable_change", "deterioration")
    for service in ("service", "none"):
        assert sum(value(small_simulation, name, "finished", "end", service) for name in changes) == pytest.approx(1)
    counts = [
        value(small_simulation, "share_of_clients", "referred", group=f"disorders={k}") for k in (*range(8), "8+")
    ]
    assert sum(counts) == pytest.approx(1)


def test_groups_that_divide_all_clients_add_up_to_all(small_simulation: Simulation) -> None:
    table = measure(small_simulation)
    for name, base in (("all_remission", "started"), ("recovery", "finished")):
        whole = table[Quantity(name, base, "end", "service", "all")]
        for group in ("personality_disorder", "ptsd", "dependence", "childhood_abuse"):
            parts = [table[Quantity(name, base, "end", "service", f"{group}={answer}")] for answer in ("yes", "no")]
            assert sum(part.numerator for part in parts) == whole.numerator
            assert sum(part.denominator for part in parts) == whole.denominator


def test_a_difference_is_the_service_less_none(small_results: Results) -> None:
    for rung in ("principal_remission", "all_remission", "full_remission"):
        for base in ("finished", "started", "referred"):
            with_service, none, difference = (
                small_results.find(rung, base=base, at="end", service=service).value
                for service in ("service", "none", "difference")
            )
            assert difference == pytest.approx(with_service - none, abs=1e-12)


def test_the_waiting_list_counted_day_by_day(small_simulation: Simulation) -> None:
    episodes, run = small_simulation.episodes, small_simulation.scenario.run
    n_steps = len(small_simulation.scenario.steps)
    held, waiting = occupancy(episodes, n_steps, run.horizon_days)
    for day in (0, 150, 399, run.horizon_days - 1):
        for step in range(n_steps):
            here = episodes.step == step
            joined = here & (episodes.joined_day <= day)
            begun = (episodes.started_day != NOT_YET) & (episodes.started_day <= day)
            over = (episodes.ended_day != NOT_YET) & (episodes.ended_day <= day)
            assert waiting[day, step] == np.sum(joined & ~begun & ~over)
            assert held[day, step] == np.sum(here & begun & ~over)


def test_a_median_and_a_90th_percentile_by_hand(small_simulation: Simulation) -> None:
    episodes, run = small_simulation.episodes, small_simulation.scenario.run
    first, after = run.warm_up_days, run.warm_up_days + run.data_collection_days
    high = small_simulation.scenario.steps.index("high_intensity")
    rows = (episodes.step == high) & (episodes.started_day >= first) & (episodes.started_day < after)
    waits = sorted((episodes.started_day[rows] - episodes.joined_day[rows]).tolist())
    median = value(small_simulation, "wait_days_median", "started", group="step=high_intensity")
    nine_in_ten = value(small_simulation, "wait_days_90th_percentile", "started", group="step=high_intensity")
    assert median == waits[(len(waits) + 1) // 2 - 1]
    assert nine_in_ten == waits[-(-9 * len(waits) // 10) - 1]


def test_a_wait_as_long_as_the_standard_is_within_it() -> None:
    """One client waited no day, one a single day, and so on."""
    rows = wait_rows(get_scenario(), defaultdict(lambda: np.ones(200, dtype=np.int64)))
    numerators = {key.measure: one.numerator for key, one in rows}
    within = {"28_days": 29, "6_weeks": 43, "18_weeks": 127}
    assert {name: numerators[f"first_contact_within_{name}"] for name in within} == within
    assert numerators["second_contact_over_28_days"] == 200 - 29
    assert numerators["second_contact_over_90_days"] == 200 - 91


def test_rows_stand_as_their_definitions_do_and_a_difference_after_what_it_is_of(small_simulation: Simulation) -> None:
    table = measure(small_simulation)
    order = [m.name for m in MEASURES]
    assert [name for name, _ in groupby(key.measure for key in table)] == order
    blocks = [Quantity(*block, "") for block, _ in groupby(key[:4] for key in table)]
    differences = 0
    for (first, second), (_, third) in pairwise(pairwise(blocks)):
        if third.service == "difference":
            differences += 1
            assert (first, second) == (third._replace(service="service"), third._replace(service="none"))
    assert differences > 40


def rows_of(results: Results, measure_name: str) -> list[Row]:
    return [row for row in results.rows if row.measure == measure_name and row.group == "all"]


def test_the_default_ladder_falls_from_rung_2_to_4_and_from_finished_to_started_to_sustained(baseline: Results) -> None:
    rung = {
        name: baseline.find(name, base="finished", at="end", service="service").value
        for name in ("principal_remission", "all_remission", "full_remission")
    }
    assert rung["principal_remission"] > rung["all_remission"] > rung["full_remission"] > 0.05
    for name in rung:
        started = baseline.find(name, base="started", at="end", service="service").value
        sustained = baseline.find(name, base="started", at="sustained", service="service").value
        assert rung[name] > started > sustained > 0.02


def test_the_default_service_resembles_the_national_one(baseline: Results) -> None:
    """Wide bands, for one replication of other clients; the exact comparison is `validate-model`."""
    national = {
        "ended_before_treatment": (0.330, 0.03), "ended_after_one_contact": (0.288, 0.03),
        "ended_after_finishing": (0.382, 0.03), "low_intensity_first": (0.498, 0.05), "stepped_up": (0.194, 0.04),
        "contacts_mean": (8.4, 1.0), "missed_contacts": (0.248, 0.01), "first_contact_days_mean": (21.4, 2.0),
        "second_contact_days_mean": (61, 20),
    }  # fmt: skip
    for name, (published, tolerance) in national.items():
        assert baseline.find(name).value == pytest.approx(published, abs=tolerance), name


def test_nearly_every_referral_of_the_cohort_is_over_by_the_horizon(baseline: Results) -> None:
    assert baseline.find("unfinished").value < 0.01


@pytest.mark.parametrize(
    ("courses", "low"),
    [
        (("high_intensity",), set()),
        (("low_intensity", "high_intensity"), {"low_intensity"}),
        (("low_intensity", "group", "high_intensity"), {"low_intensity", "group"}),
        (("high_intensity", "low_intensity", "group"), {"high_intensity"}),
    ],
)
def test_low_intensity_is_the_first_of_several_courses_and_what_stands_beside_it(
    courses: tuple[str, ...], low: set[str]
) -> None:
    scenario = get_scenario()
    steps = {name: scenario.pathway.steps[name] for name in ("assessment", *courses)}
    scenario = scenario.model_copy(update={"pathway": scenario.pathway.model_copy(update={"steps": steps})})
    assert {name for name, is_low in zip(steps, low_steps(scenario), strict=True) if is_low} == low


def test_numbers_of_tables_are_stacked_alike_however_they_lie_in_memory() -> None:
    """As they do after a replication, and after it was kept and read again: sums over replications are then the same."""
    rows = Rows([Quantity("recovery", "finished", "end", "service", f"{k}") for k in range(4)])
    numbers = np.arange(12.0).reshape(4, 3)
    for order in ("C", "F"):
        stacked = stacked_numbers([MeasureTable(rows, np.array(numbers, order=order)) for _ in range(3)])
        assert stacked.flags.c_contiguous
        assert np.array_equal(stacked, np.stack([numbers.T] * 3, axis=1))


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_the_growth_of_a_list_is_the_slope_of_a_second_count(n: int) -> None:
    counts = np.random.default_rng(n).integers(0, 900, n).astype(np.int32)
    assert _slope(counts) == pytest.approx(np.polyfit(np.arange(n), counts, 1)[0], rel=1e-9)
    assert np.isnan(_slope(counts[:1]))
    assert np.isnan(_slope(counts[:0]))
