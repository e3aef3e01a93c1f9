"""Documentation is generated where it can be, and what it shows is what the program does."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def refresh_script() -> Any:
    """docs/refresh.py as a module."""
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    refresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(refresh)
    return refresh


def test_the_generated_tables_of_the_population_page_are_up_to_date() -> None:
    refresh = refresh_script()
    page = (ROOT / "docs" / "population.md").read_text(encoding="utf-8")
    assert page == refresh.population_page(), "run python docs/refresh.py"
    assert page.count("| prevalence: ") >= 24


def test_every_generated_table_of_the_outcome_page_is_filled_in() -> None:
    page = (ROOT / "docs" / "outcome.md").read_text(encoding="utf-8")
    marks = re.findall(r"<!-- generated: (\w+) [^>]*-->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    assert {kind for kind, _ in marks} == set(refresh_script().OUTCOME_TABLES)
    for kind, table in marks:
        assert table.count("\n| ") >= 3, kind


@pytest.mark.verification
def test_the_simulated_tables_of_the_outcome_page_are_up_to_date() -> None:
    page = (ROOT / "docs" / "outcome.md").read_text(encoding="utf-8")
    assert page == refresh_script().outcome_page(), "run python docs/refresh.py outcome.md"


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook shows a picture"


@pytest.mark.parametrize(
    "path", sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]), ids=lambda path: path.name
)
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_command_the_readme_shows_exists() -> None:
    import typer

    from caseload_sim.cli import app

    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    shown = re.findall(r"^caseload-sim (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(shown) >= 10
    assert set(shown) <= commands
