"""Every shipped scenario keeps the catalogue's promises."""

import tomllib

import pytest

from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.files import line_of, shipped_folder
from caseload_sim.scenario.in_words import explain
from caseload_sim.scenario.numbers import Number, numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources

NAMES = list_scenarios()


def test_there_are_scenarios_and_the_default_comes_first() -> None:
    assert NAMES[0] == "hepgul_2016"
    assert {"trial_world", "service_claim", "no_service"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_says_why_it_exists_and_what_to_look_at(name: str) -> None:
    scenario = get_scenario(name)
    assert len(scenario.summary.split()) > 15
    assert len(scenario.look_at.split()) > 8
    assert scenario.name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_known_source_or_is_an_assumption(name: str) -> None:
    found = list(numbers(get_scenario(name)))
    assert len(found) > 100
    for path, number, _ in found:
        assert sum(map(bool, (number.source, number.assumption, number.fitted))) == 1, path
        if number.source:
            assert number.source in list_sources(), path
            assert number.where, path
        assert len(number.origin()) > 10, path


@pytest.mark.parametrize("name", NAMES)
def test_explain_names_every_number_and_its_origin(name: str) -> None:
    scenario = get_scenario(name)
    text = " ".join(explain(scenario, list_sources()).split())
    for path, number, _ in numbers(scenario):
        assert f"{path.rpartition('.')[2]} = {number.value:g}" in text, path
        assert " ".join(number.origin().split()) in text, path
    every = [number for _, number, _ in numbers(scenario)]
    sourced, fitted = sum(bool(n.source) for n in every), sum(bool(n.fitted) for n in every)
    assert f"{len(every)} numbers: {sourced} with a source, {fitted} fitted," in text


def test_no_source_is_listed_twice_or_without_a_citation() -> None:
    sources = list_sources()
    assert len({source.citation for source in sources.values()}) == len(sources)
    assert all(
        source.doi or source.licence or source.note or "manual" in source.citation for source in sources.values()
    )


def test_a_number_is_only_reached_through_its_table() -> None:
    paths = [path for path, _, _ in numbers(get_scenario())]
    assert len(paths) == len(set(paths))
    assert "population.prevalence.ptsd" in paths
    assert "pathway.steps.high_intensity.effect.default" in paths


def test_changes_are_marked_as_the_users_own_and_leave_the_original_alone() -> None:
    base = get_scenario()
    changed = base.with_changes(
        {"population.prevalence.ptsd.value": 0.3, "run.seed": 7, "pathway.policy": "low_intensity_only"}
    )
    assert changed.population.prevalence["ptsd"].origin() == "assumption: set by the user"
    assert changed.population.prevalence["ptsd"].group == "emotional_disorder"
    assert (changed.run.seed, changed.pathway.policy) == (7, "low_intensity_only")
    assert base.population.prevalence["ptsd"].fitted
    alcohol = base.with_changes({"population.prevalence.alcohol_dependence": 0.3}).population.prevalence[
        "alcohol_dependence"
    ]
    assert (alcohol.source, alcohol.where, alcohol.n) == (None, None, None), "a new value does not keep the old source"


def test_a_scenario_survives_being_written_out_and_read_again() -> None:
    for name in NAMES:
        scenario = get_scenario(name)
        assert Scenario.model_validate(scenario.model_dump(mode="python", exclude_none=True)) == scenario
        assert Scenario.model_validate_json(scenario.model_dump_json(exclude_none=True)) == scenario


@pytest.mark.parametrize("name", NAMES)
def test_the_line_of_every_key_in_a_file_is_found(name: str) -> None:
    """Each table of a number stands on the line that line_of names."""
    text = (shipped_folder() / f"{name}.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    lines, checked = text.splitlines(), 0
    for path, _, _ in numbers(get_scenario(name)):
        table = content
        for part in (parts := tuple(path.split("."))):
            table = table.get(part, {}) if isinstance(table, dict) else {}
        if table:
            line, depth = line_of(text, (*parts, "value"))
            assert depth == len(parts) + 1, path
            assert "value" in lines[line - 1], path
            assert f"{table['value']}".rstrip("0") in lines[line - 1], path
            checked += 1
    assert checked or "value = " not in text


def test_an_unoriginated_number_is_refused() -> None:
    for content in (
        {"value": 1.0},
        {"value": 1.0, "source": "x"},
        {"value": 1.0, "source": "x", "where": "y", "assumption": "z"},
    ):
        with pytest.raises(ValueError, match="source"):
            Number.model_validate(content)
