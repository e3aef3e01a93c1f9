"""Notebooks are stored as they run; in a file of their own, because pytest-xdist gives a file to one process."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from caseload_sim import get_scenario, list_scenarios

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
MOST_BYTES = 600_000
# Folders of a machine, and what a kernel calls a cell's file.
OF_A_MACHINE = re.compile(
    r"(?:^|[\s\"'(=])/(?:home|Users|root|tmp|usr|var|opt|work|mnt)/|[A-Z]:\\\\|ipykernel_\d|0x[0-9a-f]{8}", re.M
)


@cache
def script() -> Any:
    spec = importlib.util.spec_from_file_location("stored_outputs", ROOT / "docs" / "stored_outputs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def stored(path: Path) -> Any:
    return script().read(path)


def outputs_of(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def said_by(notebook: Any) -> list[list[str]]:
    """All text of each cell: its source, and what it put out but pictures."""
    return [
        [cell.source]
        + [
            text
            for output in cell.get("outputs", [])
            for text in (output.get("text", ""), *map(str, (output.get("data") or {}).values()))
            if not text.startswith("iVBOR")
        ]
        for cell in notebook.cells
    ]


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@each_notebook
def test_outputs_are_stored_and_none_is_an_error_or_a_warning(path: Path) -> None:
    notebook = stored(path)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run python docs/stored_outputs.py"
    outputs = outputs_of(notebook)
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook shows a picture"
    assert any(output.output_type == "stream" for output in outputs), "a notebook prints its figures"
    assert path.stat().st_size < MOST_BYTES


@each_notebook
def test_what_is_stored_says_nothing_of_the_machine_or_the_time(path: Path) -> None:
    for texts in said_by(stored(path)):
        for text in texts:
            assert not OF_A_MACHINE.search(text), text[:300]
    assert not [cell for cell in stored(path).cells if cell.metadata]
    assert "version" not in stored(path).metadata.language_info


@pytest.mark.parametrize(
    "text",
    [
        "/".join(("in ", "home", "somebody", "x.py")),
        "/".join(('"', "tmp", "a")),
        "C:\\\\Users",
        "ipykernel_12/3.py",
        "<object at 0x7f3a12345678>",
    ],
)
def test_a_path_of_a_machine_is_found(text: str) -> None:
    assert OF_A_MACHINE.search(text)
    assert not OF_A_MACHINE.search("recovery/finished/end, 50/50 and docs/model.md")


@each_notebook
def test_run_again_a_notebook_and_the_solution_of_its_exercise_say_what_is_stored(path: Path) -> None:
    again = script().executed(stored(path))
    for now, before in zip(said_by(again), said_by(stored(path)), strict=True):
        assert now == before, "run python docs/stored_outputs.py"
    pictures = [["image/png" in output.get("data", {}) for output in outputs_of(one)] for one in (again, stored(path))]
    assert pictures[0] == pictures[1]


@each_notebook
def test_the_last_cell_is_an_exercise_with_a_solution_folded_away_that_was_tried(path: Path) -> None:
    with_solutions = [cell for cell in stored(path).cells if script().solution_of(cell)]
    assert with_solutions == [stored(path).cells[-1]]
    (last,) = with_solutions
    assert last.source.startswith("## Exercise\n")
    found = script().SOLUTION.search(last.source)
    assert "<summary>" in found[1]
    assert found[4].count("\n") >= 3, "what the solution prints is stored: run python docs/stored_outputs.py"


def test_what_a_solution_prints_takes_the_place_of_what_it_printed() -> None:
    source = "Do it.\n\n<details>\n<summary>So</summary>\n\n```python\nprint(1)\n```\n\n```text\nold\n```\n\n</details>"
    cell = type("Cell", (), {"cell_type": "markdown", "source": source})
    assert script().solution_of(cell) == "print(1)\n"
    assert script().with_printed(source, "1\n") == source.replace("old", "1")


@each_notebook
def test_no_number_of_staff_or_referrals_is_typed_in(path: Path) -> None:
    """Where a notebook says that staff match, they are reckoned from the scenario, exercises included."""
    sources = "\n".join(cell.source for cell in stored(path).cells)
    assert not re.findall(r"(?:\.wte|referrals_per_year)\"\s*:\s*[\d.]+\s*[,}\n]", sources)
    assert "staff to match" not in sources or "def quarter(" in sources


@pytest.mark.parametrize("name", ["hepgul_2016", "unlimited_capacity", "high_intensity_first", "minimal_contact_ccbt"])
def test_a_quarter_has_as_many_posts_for_each_referral(name: str) -> None:
    """The very function of the notebooks, which all have the same."""
    found = {
        cell.source.split("\n\n\n")[0]
        for path in NOTEBOOKS
        for cell in stored(path).cells
        if "def quarter(" in cell.source
    }
    assert len(found) == 1
    names: dict[str, Any] = {"get_scenario": get_scenario}
    exec(found.pop(), names)
    assert name in list_scenarios()
    whole, quarter = get_scenario(name), names["quarter"](name)
    assert quarter.demand.referrals_per_year.value == pytest.approx(whole.demand.referrals_per_year.value / 4)
    for kind, staff in whole.staff.items():
        assert quarter.staff[kind].wte.value == pytest.approx(staff.wte.value / 4), kind
