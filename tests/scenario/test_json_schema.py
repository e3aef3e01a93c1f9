"""The schema of scenario files: fits what the loader accepts, and refuses what is wrong in form."""

import json
import random
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from caseload_sim.analysis.calibrate_population import calibrate_population
from caseload_sim.errors import ScenarioError
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.files import shipped_folder
from caseload_sim.scenario.json_schema import scenario_file_schema
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

HEAD = 'extends = "hepgul_2016"\n'
SHIPPED = sorted(path for path in shipped_folder().glob("*.toml") if path.stem != "sources")


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = scenario_file_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_there_are_scenarios_to_check() -> None:
    assert len(SHIPPED) >= 5


def as_json(content: dict[str, Any]) -> Any:
    """A TOML file as JSON has it: a date is a string."""
    return json.loads(json.dumps(content, default=str))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_scenario_fits(path: Path, validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(as_json(tomllib.loads(path.read_text(encoding="utf-8"))))) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_resolved_scenario_fits_as_a_complete_file(path: Path, validator: Draft202012Validator) -> None:
    content = get_scenario(path.stem).model_dump(mode="json", exclude_none=True, exclude={"name"})
    assert list(validator.iter_errors(content)) == []


ACCEPTED = {
    "only a parent": HEAD,
    "differences of a user's own": SMALL_FILE,
    "a source of one's own": HEAD + '[sources.survey]\ncitation = "Ours"\n[population.prevalence]\n'
    'ptsd = { value = 0.31, n = 90, source = "survey", where = "table 2" }',
    "a group changed and the number kept": HEAD + '[population.prevalence]\npersonality_disorder = { group = "dependence" }',
    "another place in the source": HEAD + '[population.prevalence]\nalcohol_dependence = { where = "table 3" }',
    "targets left out": HEAD + "[population.targets]\nreplace = true",
    "strata of one's own": HEAD + '[population.strata]\nreplace = true\n[population.strata.area]\n'
    'north = { value = 0.4, assumption = "x" }\nsouth = { value = 0.6, assumption = "x" }',
    "a number replaced": HEAD + '[pathway]\ndeclined = { replace = true, value = 0.1, assumption = "x" }',
    "a step of another length": HEAD + '[pathway.steps.low_intensity]\nplanned_sessions_mean = { value = 8, assumption = "x" }',
    "a whole step": HEAD + '[pathway.steps.assessment]\nreplace = true\nkind = "assessment"\nstaff = "assessor"\n'
    'patience_mean_days = { value = 9, assumption = "x" }',
    "a step like another": HEAD + '[pathway.steps.extra]\nlike = "low_intensity"\nshare_of_staff = { value = 0, assumption = "x" }',
}  # fmt: skip


@pytest.mark.parametrize("case", list(ACCEPTED))
def test_what_the_loader_accepts_fits(case: str, tmp_path: Path, validator: Draft202012Validator) -> None:
    (tmp_path / "mine.toml").write_text(ACCEPTED[case], encoding="utf-8")
    load_scenario(tmp_path / "mine.toml")
    assert list(validator.iter_errors(tomllib.loads(ACCEPTED[case]))) == []


def test_what_a_calibration_writes_fits(small: Scenario, validator: Draft202012Validator) -> None:
    fragment = calibrate_population(small).fragment(small.name)
    assert list(validator.iter_errors(tomllib.loads(fragment))) == []


REFUSED = {
    "no parent, and not complete": ('title = "x"', "'summary' is a required property"),
    "a name of its own": (HEAD + 'name = "x"', "'name' was unexpected"),
    "a misspelt key": (HEAD + "[demand]\nreferals = 3", "'referals' was unexpected"),
    "a bare number": (HEAD + "[demand]\nreferrals_per_year = 6200", "6200 is not of type 'object'"),
    "a number without an origin": (HEAD + "[demand]\nreferrals_per_year = { value = 3 }", "is not valid under any of the given schemas"),
    "a source without a place": (
        HEAD + '[demand]\nreferrals_per_year = { value = 3, source = "nhse2025" }', "is not valid under any of the given schemas"
    ),
    "two origins": (
        HEAD + '[demand]\nreferrals_per_year = { value = 3, assumption = "x", fitted = "y" }', "is not valid under any of the given schemas"
    ),
    "an empty origin": (HEAD + '[demand]\nreferrals_per_year = { value = 3, assumption = "" }', "is not valid under any of the given schemas"),
    "a share above 1": (
        HEAD + '[population.prevalence]\nptsd = { value = 1.2, assumption = "x" }', "1.2 is greater than the maximum of 1"
    ),
    "replaced by an incomplete table": (HEAD + "[population.eligibility]\nreplace = true", "'emotional_disorders_min' is a required property"),
    "replace = false": (HEAD + "[population.targets]\nreplace = false", "True was expected"),
    "replace in what is replaced": (
        HEAD + "[population.targets]\nreplace = true\n[population.targets.any_of]\nreplace = true", "True is not of type 'object'"
    ),
    "a count with a fraction": (HEAD + "[run]\nreplications = 2.5", "2.5 is not of type 'integer'"),
    "another kind of step": (HEAD + '[pathway.steps.low_intensity]\nkind = "group"', "is not valid under any of the given schemas"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_wrong_in_form_is_refused_by_schema_and_loader(
    case: str, tmp_path: Path, validator: Draft202012Validator
) -> None:
    text, message = REFUSED[case]
    errors = [error.message for error in validator.iter_errors(tomllib.loads(text))]
    assert any(message in error for error in errors), errors
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError):
        load_scenario(tmp_path / "mine.toml")


def _leaves(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in content.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))


# Bounds that a validator checks, not a field: a schema of fields cannot know them. And whether a text is a date, which
# validators of JSON Schema leave unchecked unless asked.
ONLY_THE_LOADER = (
    ("population", "correlation"),
    ("doubt",),
    ("run", "opens"),
)


@pytest.mark.parametrize("harm", ["left out", "text", True, 10**12, -(10**12)])
def test_schema_and_models_agree_on_a_complete_file_with_one_thing_wrong(
    harm: object, validator: Draft202012Validator
) -> None:
    content = get_scenario().model_dump(mode="json", exclude_none=True)
    places = random.Random(7).sample(sorted(_leaves(content)), 120)
    refused = 0
    for place in places:
        harmed = deepcopy(content)
        table = harmed
        for key in place[:-1]:
            table = table[key]
        if harm == "left out":
            del table[place[-1]]
        else:
            table[place[-1]] = harm
        try:
            Scenario.model_validate_json(json.dumps({"name": "x", **harmed}))
            accepted = True
        except ValidationError:
            accepted = False
        harmed.pop("name", None)
        fits = validator.is_valid(harmed)
        if place != ("name",) and not any(place[: len(path)] == path for path in ONLY_THE_LOADER):
            assert fits == accepted, place
        assert fits or not accepted, place
        refused += not accepted
    assert refused >= 20


def test_every_description_of_an_input_is_in_the_schema() -> None:
    text = json.dumps(scenario_file_schema())
    assert "share of referred clients meeting criteria" in text
    assert "posts funded, whole-time equivalents" in text
    assert '"null"' not in text, "TOML has no null"


def test_the_schema_is_printed_or_saved_once(tmp_path: Path) -> None:
    printed = call_here("schema", folder=tmp_path)
    assert json.loads(printed.stdout) == scenario_file_schema()
    assert list(tmp_path.iterdir()) == []
    saved = call_here("schema", "--out", "schema.json", folder=tmp_path)
    assert saved.stdout == ""
    assert saved.stderr == "Saved in schema.json\n"
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == scenario_file_schema()
    again = call_here("schema", "--out", "schema.json", folder=tmp_path)
    assert again.returncode == 2
    assert "schema.json: is there already" in again.stderr
