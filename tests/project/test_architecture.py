"""Pages name files that are there; the page on architecture also functions, and every package in the order of the contract."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`([\w./]+\.(?:py|toml|c))(?::([\w.]+))?`", PAGE)))
OURS = ("cli/x.py", "analysis/x.py", "figures/x.py", "my_service.toml", "measures.csv")  # of whoever adds something


def file_of(place: str) -> Path:
    """A file as the page names it: of the package, or of the project."""
    inside = ROOT / "src" / "caseload_sim" / place
    return inside if inside.exists() else ROOT / place


def names_in(path: Path) -> set[str]:
    """Functions, classes and constants that a module defines."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@pytest.mark.parametrize(("place", "name"), [one for one in PLACES if one[0] not in OURS], ids=":".join)
def test_every_file_and_function_on_the_page_exists(place: str, name: str) -> None:
    assert file_of(place).is_file(), place
    assert not name or name in names_in(file_of(place)), f"{place} has no {name}"


def test_every_page_names_files_where_they_are() -> None:
    """Paths with a folder, of the package, of the tests or of the project; as in the table of docs/verification.md."""
    named = {
        (page.name, place)
        for page in [
            ROOT / "README.md",
            ROOT / "SECURITY.md",
            *(ROOT / "docs").glob("*.md"),
            *(ROOT / "docs/assurance").glob("*.md"),
        ]
        for place in re.findall(r"`([\w.]+/[\w./]+\.py)`", page.read_text(encoding="utf-8"))
        if place not in OURS
    }
    assert len(named) > 30
    folders = (ROOT, ROOT / "tests", ROOT / "src", ROOT / "src" / "caseload_sim")
    assert {one for one in named if not any((folder / one[1]).is_file() for folder in folders)} == set()


def test_the_page_names_most_that_a_newcomer_has_to_find() -> None:
    assert len(PLACES) > 50
    assert "`python tests/renew_stub.py`" in PAGE


def test_the_table_of_packages_is_the_contract_from_the_top_down() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (arrow,) = (contract for contract in contracts if contract["type"] == "layers")
    named = re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE)
    assert named == [name for floor in arrow["layers"] for name in floor.split(" | ")]
    picture = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    assert set(named) <= set(re.findall(r'font-weight="bold"[^>]*>(\w+)<', picture))
