"""What two scenarios assume differently: nothing overlooked, nothing invented, in words."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.measure import measure
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios, load_scenario
from caseload_sim.scenario.in_words import differences_in_words, what_differs
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from commands import call_here

HEAD = 'extends = "hepgul_2016"\n'


def test_a_changed_number_is_named_with_meaning_values_and_origins() -> None:
    before = get_scenario()
    (found,) = what_differs(before, before.with_changes({"population.prevalence.alcohol_dependence": 0.3}))
    assert found.path == "population.prevalence.alcohol_dependence"
    assert found.meaning == "share of referred clients meeting criteria"
    assert (found.first, found.second) == (0.18, 0.3)
    assert (
        found.first_origin
        == "source hepgul2016: as quoted by Scott (cbtwatch.com), not seen in the paper itself (n=147)"
    )
    assert found.second_origin == "assumption: set by the user"


@pytest.mark.parametrize(
    ("change", "path", "first", "second", "meaning"),
    [
        ({"pathway.policy": "high_intensity_first"}, "pathway.policy", "stepped", "high_intensity_first",
         "What happens to clients from referral to discharge."),
        ({"run.seed": 7}, "run.seed", 2016, 7, "How long is simulated, from which day on, how often, and with which seed."),
        ({"pathway.routing.high_intensity_problems": ["ptsd"]}, "pathway.routing.high_intensity_problems",
         ["social_anxiety", "ptsd", "ocd"], ["ptsd"], "What the service writes down at assessment, and how it sends clients on."),
        ({"instruments.phq9.own_disorder": "ptsd"}, "instruments.phq9.own_disorder", "major_depression", "ptsd",
         "How a questionnaire score is read from severities, in points before softening at the floor."),
    ],
)  # fmt: skip
def test_what_is_no_number_is_found_too(
    change: dict[str, Any], path: str, first: Any, second: Any, meaning: str
) -> None:
    before = get_scenario()
    (found,) = what_differs(before, before.with_changes(change))
    assert (found.path, found.first, found.second, found.meaning) == (path, first, second, meaning)
    assert (found.first_origin, found.second_origin) == ("", "")


def test_how_a_pair_was_measured_and_the_group_of_a_condition_count(tmp_path: Path) -> None:
    text = """
[population.correlation.ptsd]
personality_disorder = { value = 4, measured_as = "odds_ratio", at = [0.2, 0.3], assumption = "x" }
[population.prevalence]
personality_disorder = { group = "dependence" }
"""
    (tmp_path / "mine.toml").write_text(HEAD + text, encoding="utf-8")
    found = {one.path: one for one in what_differs(get_scenario(), load_scenario(tmp_path / "mine.toml"))}
    here = "population.correlation.ptsd.personality_disorder"
    group = "population.prevalence.personality_disorder.group"
    assert set(found) == {here, f"{here}.measured_as", f"{here}.at", group}
    assert (found[f"{here}.measured_as"].first, found[f"{here}.measured_as"].second) == ("tetrachoric", "odds_ratio")
    assert (found[f"{here}.at"].first, found[f"{here}.at"].second) == (None, [0.2, 0.3])
    assert (found[group].first, found[group].second) == ("personality_disorder", "dependence")


def test_the_same_value_from_another_source_or_more_people_is_a_difference(tmp_path: Path) -> None:
    text = HEAD + "[population.prevalence]\nptsd = { value = 0.26, n = 50, fitted = 'elsewhere' }\n"
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (found,) = what_differs(get_scenario(), load_scenario(tmp_path / "mine.toml"))
    assert found.first == found.second == 0.26
    assert found.second_origin == "fitted: elsewhere (n=50)"


def test_a_part_that_only_one_has_is_listed_value_by_value() -> None:
    found = {one.path: one for one in what_differs(get_scenario(), get_scenario("trial_world"))}
    one = found["population.eligibility.emotional_disorders_max"]
    assert (one.first, one.second) == (None, 1)
    assert "Who is admitted at all" in one.meaning
    assert found["population.eligibility.principal_severity_min"].second == 1.0


def test_nothing_differs_from_itself_whatever_it_is_called() -> None:
    for name in list_scenarios():
        scenario = get_scenario(name)
        renamed = scenario.model_copy(update={"name": "other", "title": "x", "summary": "y", "look_at": "z"})
        assert what_differs(scenario, renamed) == ()
        assert differences_in_words(scenario, renamed).startswith(f"{name} and other: nothing differs.")


def test_every_number_in_which_two_shipped_scenarios_differ_is_found() -> None:
    """Against a second way of looking: the numbers of `explain`, one by one."""
    checked = 0
    scenarios = {name: get_scenario(name) for name in list_scenarios()}
    values = {name: {path: n.value for path, n, _ in numbers(one)} for name, one in scenarios.items()}
    for a, b in combinations(scenarios, 2):
        ours, theirs = values[a], values[b]
        differ = {path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)}
        found = {one.path for one in what_differs(scenarios[a], scenarios[b])}
        assert differ <= found
        checked += len(differ)
    assert checked > 50


def test_either_way_round_the_same_paths_with_values_exchanged() -> None:
    first, second = get_scenario(), get_scenario("national_2024_25")
    there, back = what_differs(first, second), what_differs(second, first)
    assert {(one.path, str(one.first), str(one.second)) for one in there} == {
        (one.path, str(one.second), str(one.first)) for one in back
    }


def test_words_say_what_is_not_there_and_how_many(small: Scenario) -> None:
    text = differences_in_words(get_scenario(), get_scenario("trial_world"))
    assert text.startswith(f"hepgul_2016 against trial_world: {text.count('  hepgul_2016: ')} inputs differ.")
    assert text.endswith("depends on what else differs: 1 of origin alone. `caseload-sim diff --all` shows\nit.")
    assert "hepgul_2016: not there" in text
    one = differences_in_words(small, small.with_changes({"run.seed": 1}))
    assert one.startswith("hepgul_2016 against hepgul_2016: 1 input differs.")
    assert "first: 2016\n  second: 1" in one, "names that do not tell them apart are not used"


def test_what_no_simulated_figure_depends_on_is_counted_and_told_when_asked_for() -> None:
    """service_claim has two inputs and one official figure of its own, with nine entries."""
    both = get_scenario(), get_scenario("service_claim")
    found = what_differs(*both)
    assert [one.path for one in found if one.matters] == [
        "outcome.treatment.full_course",
        "outcome.treatment.full_course_of_distress",
    ]
    assert {one.path.split(".")[0] for one in found if not one.matters} == {"official"}
    short, long = (differences_in_words(*both, everything=everything) for everything in (False, True))
    assert short.startswith("hepgul_2016 against service_claim: 2 inputs differ.")
    assert short.endswith(
        "No simulated figure depends on what else differs: 9 in official. `caseload-sim diff --all` shows it."
    )
    assert "official.recovery_2023_24.measure" not in short
    assert "official.recovery_2023_24.measure" in long
    assert long.count("\n  service_claim:") == len(found) == 11


def test_nothing_simulated_depends_on_what_is_said_not_to_matter(small: Scenario) -> None:
    """A service with all that another scenario has of this kind, and every number from another origin, is the same service."""
    other = get_scenario("national_2024_25")
    population = small.population.model_copy(update={"targets": other.population.targets, "fit": other.population.fit})
    grant = get_scenario("extra_38m").costs.grant
    costs = small.costs.model_copy(update={"grant": grant})
    changed = small.model_copy(update={"population": population, "costs": costs, "official": other.official})
    changed = changed.with_changes({"population.prevalence.ptsd": small.population.prevalence["ptsd"].value})
    found = what_differs(small, changed)
    parts = ("official", "population.targets", "population.fit", "costs.grant", "population.prevalence.ptsd")
    assert all(any(one.path.startswith(part) for one in found) for part in parts)
    assert not any(one.matters for one in found)
    text = differences_in_words(small, changed)
    assert text.startswith("hepgul_2016 against hepgul_2016: no input differs.\n\nNo simulated figure depends on")
    before, after = simulate(small), simulate(changed)
    assert after.digests == before.digests
    assert np.array_equal(measure(after).numbers, measure(before).numbers, equal_nan=True)


def test_on_the_command_line_in_words_or_as_json(tmp_path: Path) -> None:
    plain = call_here("diff", "hepgul_2016", "no_service", folder=tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert "pathway.policy" in plain.stdout
    rows = json.loads(call_here("diff", "hepgul_2016", "no_service", "--json", folder=tmp_path).stdout)
    paths = [row["path"] for row in rows]
    assert {"run.warm_up_days", "run.follow_up_days", "start.running", "pathway.policy"} <= set(paths)
    assert all(path.split(".")[0] in ("run", "demand", "start", "pathway") for path in paths)
    assert set(rows[0]) == {"path", "meaning", "first", "second", "first_origin", "second_origin", "matters"}
    same = call_here("diff", "no_service", "no_service", folder=tmp_path)
    assert "nothing differs" in same.stdout
    assert json.loads(call_here("diff", "no_service", "no_service", "--json", folder=tmp_path).stdout) == []
    everything = call_here("diff", "hepgul_2016", "service_claim", "--all", folder=tmp_path)
    assert "official.recovery_2023_24.measure" in everything.stdout
    wrong = call_here("diff", "hepgul_2016", "no_servise", folder=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean 'no_service'?" in wrong.stderr
    assert list(tmp_path.iterdir()) == [], "it only looks"
