"""The short answer of a run: what stands in it, and that it fits on any terminal."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from caseload_sim.definitions.published import EIGHTEEN_WEEKS, ENGLAND, SCOTT_2018, SIX_WEEKS
from caseload_sim.definitions.quantities import LADDER, Quantity
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.measures.headline import WIDTH, headline
from caseload_sim.measures.rows import Row, quantity_of, row_of
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from conftest import SMALL

WITHIN = tuple(one.quantity for one in (SIX_WEEKS, EIGHTEEN_WEEKS) if one.quantity)


def with_value(rows: Sequence[Row], quantity: Quantity, value: float) -> list[Row]:
    return [replace(row, value=value) if quantity_of(row) == quantity else row for row in rows]


def test_every_number_of_the_answer_is_one_of_the_rows(small_results: Results) -> None:
    rows, answer = small_results.rows, headline(small_results.scenario, small_results.rows)
    for rung, figure in zip(answer.rungs, LADDER, strict=True):
        ours = row_of(rows, figure)
        assert rung.with_service == ours.value
        assert rung.untreated == row_of(rows, figure._replace(service="none")).value
        assert (rung.could_be_low, rung.could_be_high) == (ours.could_be_low, ours.could_be_high)
    per_year = 365 / small_results.scenario.run.data_collection_days
    assert answer.referred == per_year * row_of(rows, Quantity("referrals_received", "all", group="all")).value
    assert answer.finished == per_year * row_of(rows, Quantity("finished_course_treatment", "all", group="all")).value
    seen = row_of(rows, WITHIN[0])
    assert answer.seen == per_year * seen.denominator
    assert [one.share for one in answer.standards] == [seen.value, row_of(rows, WITHIN[1]).value]
    assert answer.helped_by_questionnaire == small_results.find("helped_to_recovery", at="end").value
    assert answer.helped_by_interview == small_results.find("helped_to_remission", at="end").value


def test_the_first_rung_is_the_models_and_what_england_publishes_stands_below_it(small_results: Results) -> None:
    lines = headline(small_results.scenario, small_results.rows).lines()
    (place,) = (k for k, line in enumerate(lines) if line.startswith("Recovered"))
    assert lines[place].startswith("Recovered by the service's questionnaires (model) ")
    assert lines[place + 1] == "  England 2024-25: 50.5% published"
    assert not any("official recovery" in line.lower() for line in lines)


@pytest.mark.parametrize("name", [name for name in list_scenarios() if name != "national_2024_25_providers"])
def test_sixteen_lines_of_eighty_columns_whatever_the_title(small_results: Results, name: str) -> None:
    """Numbers of one run, under each scenario's own title and published figures."""
    lines = headline(get_scenario(name), small_results.rows).lines()
    assert len(lines) <= 16
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("share", [0.0, 0.004, 1.0, math.nan])
def test_any_share_fits_into_its_column(small_results: Results, share: float) -> None:
    rows = small_results.rows
    for figure in (*LADDER, *WITHIN):
        rows = with_value(rows, figure, share)
    lines = headline(small_results.scenario, rows).lines()
    assert len(lines) <= 16
    assert max(map(len, lines)) <= WIDTH
    assert "nan" not in " ".join(lines)


def test_a_missed_standard_is_called_missed_and_a_met_one_is_not(small_results: Results) -> None:
    for share, said in ((0.74, "within 6 weeks 74% (MISSED: 75%)"), (0.75, "within 6 weeks 75% (standard 75%)")):
        rows = with_value(small_results.rows, WITHIN[0], share)
        assert any(said in line for line in headline(small_results.scenario, rows).lines())


def test_of_a_service_that_states_its_lists_waits_come_before_the_ladder(small_results: Results) -> None:
    def order(scenario: Scenario) -> list[str]:
        lines = headline(scenario, small_results.rows).lines()
        return [word for line in lines for word in ("First contact", "Recovered by") if line.startswith(word)]

    assert order(small_results.scenario) == ["Recovered by", "First contact"]
    waiting = small_results.scenario.with_changes(
        {"start.waiting": {"high_intensity": {"value": 40, "assumption": "counted"}}}
    )
    assert order(waiting) == ["First contact", "Recovered by"]
    assert order(small_results.scenario.model_copy(update={"name": "ours"})) == ["First contact", "Recovered by"]


def test_without_a_service_the_rungs_are_of_all_referred() -> None:
    results = replicate(get_scenario("no_service", changes={"demand.referrals_per_year": SMALL["demand.referrals_per_year"]}), replications=2)  # fmt: skip
    answer = headline(results.scenario, results.rows)
    assert (answer.seen, answer.finished, answer.helped_by_questionnaire) == (0, 0, 0)
    assert all(rung.with_service == rung.untreated > 0 for rung in answer.rungs)
    lines = answer.lines()
    assert any(line.startswith("Of all referred, as nobody finishes:") for line in lines)
    assert "Nobody has a first contact." in lines
    assert "nan" not in " ".join(lines)


def test_what_is_said_to_be_published_is_what_the_national_scenario_says_and_has_a_source() -> None:
    official = get_scenario("national_2024_25").official["recovery"]
    assert (official.value, official.source) == (ENGLAND.value, ENGLAND.source)
    assert {one.source for one in (ENGLAND, SIX_WEEKS, EIGHTEEN_WEEKS, SCOTT_2018)} <= set(list_sources())
