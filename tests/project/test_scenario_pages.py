"""Every scenario has a page, made from the scenario itself; what follows from the scenario alone is up to date."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from caseload_sim.scenario.catalogue import get_scenario, list_scenarios

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "scenarios"
LARGEST_PICTURE_BYTES = 80_000
RENEW = "run python docs/scenario_pages.py"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    """docs/scenario_pages.py."""
    spec = importlib.util.spec_from_file_location("scenario_pages", DOCS / "scenario_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(name: str) -> str:
    path = FOLDER / f"{name}.md"
    assert path.exists(), f"{RENEW} {name}"
    return path.read_text(encoding="utf-8")


def test_there_is_a_page_and_a_small_picture_for_every_scenario_and_none_for_others() -> None:
    names = set(list_scenarios())
    assert {path.stem for path in FOLDER.glob("*.md")} == names | {"README"}, RENEW
    pictures = {path.stem: path.stat().st_size for path in (FOLDER / "images").glob("*.png")}
    assert set(pictures) == names, RENEW
    assert max(pictures.values()) < LARGEST_PICTURE_BYTES


@pytest.mark.parametrize("name", list_scenarios())
def test_what_a_page_says_of_a_scenario_is_what_the_scenario_says(name: str, pages: ModuleType) -> None:
    assert pages.without_simulated(text_of(name)) == pages.page(name), f"{RENEW} {name}"
    assert get_scenario(name).look_at in text_of(name)


@pytest.mark.parametrize("name", list_scenarios())
def test_a_page_says_how_many_replications_its_figures_are_of(name: str) -> None:
    said = re.search(r"(\d+) replications with seed (\d+)", text_of(name))
    assert said is not None
    assert int(said[1]) >= 2
    assert int(said[2]) == get_scenario(name).run.seed
    assert "| 3 all disorders gone, by interview, of those who finished a course |" in text_of(name)


def test_the_index_names_every_scenario(pages: ModuleType) -> None:
    assert text_of("README") == pages.index(), RENEW


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_links_of_a_page_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([\w./-]+)\)", path.read_text(encoding="utf-8"))
    assert targets
    assert all((path.parent / target).exists() for target in targets), targets


@pytest.mark.verification
@pytest.mark.parametrize("name", list_scenarios())
def test_the_simulated_figures_of_a_page_come_out_again(name: str, pages: ModuleType) -> None:
    assert text_of(name) == f"{pages.page(name)}\n{pages.simulated(name)}", f"{RENEW} {name}"
