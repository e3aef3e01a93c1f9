"""Providers by name: what each says for itself is merged over the scenario, and what cannot be is refused by file and line."""

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

import renew_providers
from caseload_sim.errors import ScenarioError, ScenarioWarning
from caseload_sim.experiments.workload import clients_of, spells_of
from caseload_sim.pathway.in_vain import what_is_in_vain
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.changes import own_scenarios
from caseload_sim.scenario.in_words import explain, what_differs
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from caseload_sim.services.published import Published
from caseload_sim.services.year import months_before
from small_services import alike

HEAD = 'extends = "national_2024_25"\n'
TWO = """
[providers.each.BBB]
title = "The second"
demand.referrals_per_year = { value = 4000, source = "nhse2025", where = "monthly" }
staff.high_intensity_therapist.wte = { value = 5, fitted = "to its waits" }

[providers.each.AAA]
title = "The first"
"""


def written(tmp_path: Path, text: str, **changes: Any) -> Scenario:
    file = tmp_path / "mine.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScenarioWarning)
        return load_scenario(file, changes=changes)


# --- merging --------------------------------------------------------------------------------------------------------


def test_a_provider_is_the_scenario_but_for_what_it_says_itself(tmp_path: Path) -> None:
    scenario = written(tmp_path, TWO)
    first, second = own_scenarios(scenario)
    assert (first.title, second.title) == ("The first", "The second"), "in the order of codes"
    alone = scenario.model_copy(update={"providers": None})
    assert {one.path for one in what_differs(alone, first)} == set()
    said = {one.path: (one.second, one.second_origin) for one in what_differs(alone, second)}
    assert said == {
        "demand.referrals_per_year": (4000, "source nhse2025: monthly"),
        "staff.high_intensity_therapist.wte": (5, "fitted: to its waits"),
    }


def test_the_merged_number_is_of_the_scenarios_kind_and_keeps_no_old_origin(tmp_path: Path) -> None:
    scenario = written(tmp_path, TWO)
    merged, before = own_scenarios(scenario)[1].demand.referrals_per_year, scenario.demand.referrals_per_year
    assert type(merged) is type(before)
    assert (merged.value, merged.where, merged.fitted, merged.assumption) == (4000, "monthly", None, None)


def test_what_a_provider_says_wins_over_a_change_of_the_scenario_which_is_named(tmp_path: Path) -> None:
    path = "demand.referrals_per_year"
    scenario = written(tmp_path, TWO, **{path: 100})
    assert [one.demand.referrals_per_year.value for one in own_scenarios(scenario)] == [100, 4000]
    assert what_is_in_vain(scenario) == [], "it changes one of the two"
    third = TWO + 'demand.referrals_per_year = { value = 9, assumption = "x" }\n'
    (said,) = what_is_in_vain(written(tmp_path, third, **{path: 100}))
    assert said.startswith(f"{path}: every provider says for itself what it is.")
    assert f"providers.each.AAA.{path}" in said


def test_a_number_of_one_provider_can_be_changed(tmp_path: Path) -> None:
    path = "providers.each.BBB.staff.high_intensity_therapist.wte"
    scenario = written(tmp_path, TWO, **{path: 7})
    assert own_scenarios(scenario)[1].staff["high_intensity_therapist"].wte.value == 7
    with pytest.raises(ScenarioError, match=f"--set {re.escape(path)}.*at least 0"):
        scenario.with_changes({path: -1})


def test_all_that_providers_say_is_explained_and_told_apart(tmp_path: Path) -> None:
    scenario = written(tmp_path, TWO)
    text = explain(scenario, list_sources())
    assert "[providers.each.BBB.staff.high_intensity_therapist]\n  wte = 5" in text
    path = "providers.each.BBB.demand.referrals_per_year"
    assert path in {one for one, _, _ in numbers(scenario)}
    (difference,) = what_differs(scenario, scenario.with_changes({path: 3000}))
    assert (difference.path, difference.first, difference.second, difference.matters) == (path, 4000, 3000, True)


def test_a_scenario_with_providers_is_the_same_after_its_record(tmp_path: Path) -> None:
    scenario = written(tmp_path, TWO)
    assert Scenario.model_validate_json(scenario.model_dump_json(exclude_none=True)) == scenario


def test_the_work_is_that_of_all_providers_added_up(tmp_path: Path) -> None:
    scenario = written(tmp_path, TWO)
    each = own_scenarios(scenario)
    assert clients_of(scenario) == pytest.approx(sum(map(clients_of, each)), abs=1)
    assert clients_of(each[0]) > 2 * clients_of(each[1])
    assert spells_of(scenario) == pytest.approx(sum(map(spells_of, each)))
    alone = scenario.model_copy(update={"providers": None})
    assert clients_of(alone.with_changes(alike(3))) == pytest.approx(3 * clients_of(alone), rel=1e-4)


# --- what cannot be -------------------------------------------------------------------------------------------------

ANOTHER = '[providers.each.AAA]\ntitle = "x"\n'
CANNOT_BE = {
    "a path that is no number": (
        "staff.high_intensity_therapists.wte = { value = 1, assumption = 'x' }",
        "mine.toml:LINE: providers.each.BBB.staff.high_intensity_therapists.wte: not a number of the scenario. Did you mean "
        "'staff.high_intensity_therapist.wte'?",
    ),
    "a setting that is no number": (
        "pathway.policy = 'roulette'",
        "mine.toml:LINE: providers.each.BBB.pathway.policy: not a number",
    ),
    "a new condition": (
        "population.prevalence.grief = { value = 0.1, assumption = 'x' }",
        "mine.toml:LINE: providers.each.BBB.population.prevalence.grief: not a number of the scenario.",
    ),
    "a value out of range": (
        "pathway.declined = { value = 1.5, assumption = 'x' }",
        "mine.toml:LINE: providers.each.BBB.pathway.declined.value: 1.5 is out of range; it must be at most 1.",
    ),
    "a number alone": (
        "pathway.declined = 0.5",
        "mine.toml:LINE: providers.each.BBB.pathway.declined: 0.5 is not allowed here; it must be a table",
    ),
    "no origin": (
        "pathway.declined = { value = 0.5 }",
        "mine.toml:LINE: providers.each.BBB.pathway.declined: a number needs either `source`",
    ),
    "an unknown source": (
        "pathway.declined = { value = 0.5, source = 'nhse2052', where = 'x' }",
        "mine.toml:LINE: providers.each.BBB.pathway.declined.source: 'nhse2052' is not a known source. Did you mean 'nhse2025'?",
    ),
    "too much beside": (
        "pathway.declined = { value = 0.5, assumption = 'x', why = 'x' }",
        "mine.toml:LINE: providers.each.BBB.pathway.declined.why: not a known key.",
    ),
    "what only its other numbers contradict": (
        "pathway.not_assessed = { value = 0.9, assumption = 'x' }",
        "providers.each.BBB.pathway.not_suitable: not_suitable, declined and not_assessed add up to",
    ),
    "no time left for clients": (
        "staff.assessor.leave_share = { value = 0.95, assumption = 'x' }",
        "providers.each.BBB.staff.assessor: leave_share, sickness_share and training_and_admin_share add up to",
    ),
    "too few posts for a place": (
        "staff.high_intensity_therapist.wte = { value = 0.01, assumption = 'x' }",
        "mine.toml:LINE: providers.each.BBB.staff.high_intensity_therapist.wte: gives",
    ),
    "too many places, all together": (
        "staff.high_intensity_therapist.wte = { value = 1e5, assumption = 'x' }\nstaff.high_intensity_therapist.contacts_per_week = "
        "{ value = 500, assumption = 'x' }",
        "providers.each.BBB.staff.high_intensity_therapist.wte: gives",
    ),
    "a condition that occurs elsewhere": (
        "population.prevalence.alcohol_dependence = { value = 0, assumption = 'x' }",
        "providers.each.BBB.population.prevalence: the same conditions occur at every provider",
    ),
    "costs": ("costs.report_year = 2012", "mine.toml:LINE: providers.each.BBB.costs: not a known key."),
}


@pytest.mark.parametrize("case", list(CANNOT_BE))
def test_what_a_provider_cannot_be_is_refused_by_file_and_line(case: str, tmp_path: Path) -> None:
    line, message = CANNOT_BE[case]
    text = f"{ANOTHER}[providers.each.BBB]\ntitle = 'x'\n{line}\n"
    with pytest.raises(ScenarioError) as refused:
        written(tmp_path, text)
    assert message.replace("LINE", "6") in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        f"{TWO}[providers]\nnumber = 3\n",
        f'{TWO}[providers]\nstaff_log_sd = {{ value = 0.1, assumption = "x" }}\n',
        "[providers]\nnumber = 3\n",
        "[providers]\n",
    ],
)
def test_providers_are_so_many_alike_or_each_by_name(text: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"providers: providers are so many that are alike.*give one of the two"):
        written(tmp_path, text)


def test_one_provider_is_no_several(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="one provider is no several"):
        written(tmp_path, ANOTHER)


# --- the thirty -----------------------------------------------------------------------------------------------------


def test_thirty_real_providers_are_together_as_large_as_thirty_median_ones() -> None:
    scenario = get_scenario("national_2024_25_providers")
    assert scenario.providers is not None
    each = own_scenarios(scenario)
    assert scenario.providers.how_many == len(each) == 30
    referrals = [one.demand.referrals_per_year for one in each]
    assert sum(one.value for one in referrals) == pytest.approx(30 * scenario.demand.referrals_per_year.value, rel=1e-3)
    assert all(one.source == "nhse2025" for one in referrals)
    assert len({one.title for one in each}) == 30
    for one in each:
        assert all(staff.wte.fitted for staff in one.staff.values()), one.title
        deciles = one.population.strata["deprivation_decile"].values()
        assert sum(share.value for share in deciles) == pytest.approx(1, abs=1e-3)
    assert all(one.role == "check" for one in scenario.official.values()), "nothing is fitted to the figures of England"


def test_the_thirty_are_those_that_the_rule_chooses_with_their_own_published_figures() -> None:
    """The part that the script writes, from what was fitted as it stands in the file."""
    scenario, parent = get_scenario("national_2024_25_providers"), get_scenario(renew_providers.PARENT)
    above, _, below = renew_providers.FILE.read_text(encoding="utf-8").partition(renew_providers.BELOW)
    assert "of all providers with twelve months of figures" in above
    published = Published()
    codes = renew_providers.chosen(published, parent)
    total = sum(sum(published.series(code)["M001"][month] for month in months_before("2025-03")) for code in codes)
    factor = 30 * parent.demand.referrals_per_year.value / total
    fits: dict[str, dict[str, float]] = {code: {} for code in codes}
    for path, number, _ in numbers(scenario):
        if path.startswith("providers.each.") and number.fitted:
            code, own = path.removeprefix("providers.each.").split(".", 1)
            fits[code][own] = number.value / (factor if own.startswith("staff.") else 1)
    assert renew_providers.written(fits) == below


def test_every_nth_is_taken_from_the_middle_of_the_first_n_on() -> None:
    ordered = [(share / 12, f"P{share:02}") for share in range(12)]
    assert renew_providers.systematic(reversed(ordered), 3) == ["P02", "P06", "P10"]
    assert renew_providers.systematic([(0.5, "B"), (0.5, "A"), (0.1, "C")], 3) == ["C", "A", "B"]
