"""What `show` prints of a saved run, and `list` of all scenarios."""

from pathlib import Path

import pytest

from caseload_sim.cli.scenarios import GROUPS_OF_SCENARIOS, OWN
from caseload_sim.cli.show import PARTS
from caseload_sim.scenario.catalogue import list_scenarios
from commands import SMALL_FILE, call_here


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a brief run is saved, in a folder called `run`."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    made = call_here("run", "small.toml", "--no-figures", "--quiet", folder=folder)
    assert made.returncode == 0
    (folder / made.stdout.strip()).rename(folder / "run")
    return folder


def test_a_saved_run_gives_the_answer_that_it_gave_when_it_was_made(stored: Path) -> None:
    again = call_here("run", "small.toml", "--no-figures", folder=stored)
    assert call_here("show", "run", folder=stored).stdout == again.stdout != ""


def test_each_part_has_its_own_table_and_all_has_them_all(stored: Path) -> None:
    parts = {part: call_here("show", "run", part, folder=stored).stdout for part in PARTS}
    titles = [text.splitlines()[0] for text in parts.values()]
    assert len(set(titles)) == len(PARTS)
    whole = call_here("show", "run", "all", folder=stored).stdout.splitlines()
    assert [line for line in whole if line in titles] == titles


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "wait"), "no such part of a run. Did you mean 'waits'?"),
        (("nowhere",), "no such folder"),
        (("small.toml",), "no such folder"),
    ],
)
def test_what_cannot_be_shown_is_said(stored: Path, words: tuple[str, ...], said: str) -> None:
    shown = call_here("show", *words, folder=stored)
    assert shown.returncode == 2
    assert said in shown.stderr


def test_every_shipped_scenario_is_in_one_group_and_all_are_listed_in_forty_lines(tmp_path: Path) -> None:
    named = [name for names in GROUPS_OF_SCENARIOS.values() for name in names]
    assert sorted(named) == sorted(list_scenarios())
    lines = call_here("list", folder=tmp_path).stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert OWN not in lines
    (tmp_path / "mine.toml").write_text('extends = "hepgul_2016"\n', encoding="utf-8")
    (tmp_path / "broken.toml").write_text('extends = "nosuch"\n', encoding="utf-8")
    listed = call_here("list", "--scenario-path", ".", folder=tmp_path).stdout
    assert listed.index(OWN) < listed.index("broken") < listed.index("cannot be used") < listed.index("mine")
