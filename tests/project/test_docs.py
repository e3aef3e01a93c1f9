"""Documentation is generated where it can be, and what it shows is what the program does."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize(
    "path", sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]), ids=lambda path: path.name
)
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_command_the_readme_shows_exists() -> None:
    import typer

    from caseload_sim.cli.main import app

    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    shown = re.findall(r"^caseload-sim ([\w-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(shown) >= 10
    assert set(shown) <= commands


def commands_in(page: str, program: str) -> list[list[str]]:
    """What a page shows of a program on lines of its own, as words, without comments."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith(f"{program} ")]


def test_every_command_of_the_scaling_page_has_the_options_that_it_shows() -> None:
    import typer
    from distributed.cli import dask_scheduler, dask_worker

    from caseload_sim.cli.main import app

    ours = {name: later.loaded() for name, later in typer.main.get_command(app).commands.items()}  # type: ignore[attr-defined]
    shown = commands_in("scaling.md", "caseload-sim")
    assert {words[1] for words in shown} >= {"run", "warm-up"}
    theirs = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    shown_of_dask = commands_in("scaling.md", "dask")
    assert {words[1] for words in shown_of_dask} == set(theirs)
    for words, commands in [*((words, ours) for words in shown), *((words, theirs) for words in shown_of_dask)]:
        known = {name for option in commands[words[1]].params for name in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_the_certificates_of_the_scaling_page_are_what_dask_and_we_ask_for() -> None:
    import yaml

    from caseload_sim.experiments.dask_workers import _TLS_FILES

    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    tls = yaml.safe_load(block)["distributed"]["comm"]["tls"]
    flat = {"ca-file", *(f"{role}.{part}" for role in ("scheduler", "worker", "client") for part in tls[role])}
    assert flat == {
        "ca-file",
        *(f"{role}.{part}" for role in ("scheduler", "worker", "client") for part in ("cert", "key")),
    }
    assert set(_TLS_FILES) <= flat


def test_the_scaling_page_has_its_measured_table() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"<!-- measured: python -m benchmarks.scaling -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    assert table.count("\n| ") >= 8
