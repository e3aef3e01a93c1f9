"""The STRESS-DES checklist: all twenty items, filled in from the scenario, and honest about what only its author knows."""

import re
from pathlib import Path

import pytest

from caseload_sim.analysis.stress_checklist import TO_FILL_IN, checklist
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios, load_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.sources import list_sources
from commands import call_here

VERSIONS = {"caseload-sim": "1.2.3", "numpy": "4.5.6"}
# Monks et al. 2019, table 1: how many items each section has.
ITEMS = {1: 3, 2: 5, 3: 4, 4: 3, 5: 4, 6: 1}


def written(scenario: Scenario) -> str:
    return checklist(scenario, list_sources(), VERSIONS)


def item(text: str, number: str) -> str:
    """The text under one item."""
    found = re.search(rf"^### {re.escape(number)} .*?\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found is not None, number
    return found[1].strip()


@pytest.mark.parametrize("name", list_scenarios())
def test_every_scenario_gets_all_twenty_items_in_order(name: str) -> None:
    found = re.findall(r"^### (\d)\.(\d) \S", written(get_scenario(name)), flags=re.MULTILINE)
    assert [(int(a), int(b)) for a, b in found] == [(s, k + 1) for s, n in ITEMS.items() for k in range(n)]
    assert len(found) == 20


def test_what_the_program_knows_is_filled_in() -> None:
    scenario = get_scenario(changes={"run.seed": 77, "run.warm_up_days": 41, "run.replications": 19})
    text = written(scenario)
    assert "Seed 77." in item(text, "5.2")
    assert item(text, "4.1").startswith("Warm-up of 41 days")
    assert item(text, "4.3").startswith("19 independent replications")
    assert "numpy 4.5.6" in item(text, "5.1")
    assert "| low_intensity | course | psychological_wellbeing_practitioner | high_intensity |" in item(text, "2.1")
    assert "Hepgul" in item(text, "3.1")


def test_every_input_stands_in_it_with_value_and_origin_and_published_figures_do_not() -> None:
    scenario = get_scenario("national_2024_25")
    inputs = item(written(scenario), "3.3")
    for path, number, _ in numbers(scenario):
        row = f"| `{path}` | {number.value:g} | "
        assert (row in inputs) is not path.startswith(("official.", "population.targets.")), path
    assert "| source hepgul2016: " in inputs or "| source nhse2025: " in inputs
    assert "| fitted: " in inputs
    assert "| assumption: " in inputs


def test_what_only_the_author_can_say_is_marked() -> None:
    text = written(get_scenario())
    for number in ("1.1", "1.2", "1.3", "2.3", "3.1", "3.4", "5.4", "6.1"):
        assert TO_FILL_IN in item(text, number), number
    assert TO_FILL_IN not in item(text, "5.2"), "the program knows how it draws"


def test_a_file_cannot_add_items_or_columns(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(
        'extends = "hepgul_2016"\ntitle = "Ours\\n### 9.9 Another | <b>"\n'
        '[demand]\nreferrals_per_year = { value = 6200, assumption = "a | b\\n## c" }\n',
        encoding="utf-8",
    )
    text = written(load_scenario(file))
    assert len(re.findall(r"^### ", text, flags=re.MULTILINE)) == 20
    assert "\n## c" not in text
    assert "assumption: a / b ## c |" in text


def test_the_command_prints_or_writes_it_and_never_replaces_a_file(tmp_path: Path) -> None:
    printed = call_here("report-checklist", "trial_world", folder=tmp_path)
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("# STRESS-DES checklist: trial_world\n")
    saved = call_here("report-checklist", "trial_world", "--out", "c.md", folder=tmp_path)
    assert (saved.returncode, saved.stdout) == (0, "")
    assert (tmp_path / "c.md").read_text(encoding="utf-8") == printed.stdout
    again = call_here("report-checklist", "trial_world", "--out", "c.md", folder=tmp_path)
    assert again.returncode == 2
    assert "RunError: c.md: is there already." in again.stderr
