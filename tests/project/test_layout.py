"""Where code lies: packages along one arrow, no circle, nothing too large, every package with its essay, names written once."""

import ast
import importlib
import pkgutil
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp
import pytest
from importlinter.cli import lint_imports

import caseload_sim
import renew_stub

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "caseload_sim"
PACKAGES = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
MOST_MODULES, MOST_LINES = 20, 350
ESSAY_LINES = range(5, 16)
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def modules_of(package: Path) -> list[str]:
    """Names of the modules of a package."""
    return sorted(path.stem for path in package.glob("*.py") if path.stem != "__init__")


def essay_of(package: Path) -> str:
    """The docstring of a package."""
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""


def test_packages_import_only_what_lies_below_them() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0
    assert not LINTER.get("exclude_type_checking_imports", False)
    assert not [contract["name"] for contract in LINTER["contracts"] if contract.get("ignore_imports")]


def test_every_package_has_its_place_in_the_contract_and_its_folder_of_tests() -> None:
    (arrow,) = (contract for contract in LINTER["contracts"] if contract["type"] == "layers")
    named = {name for floor in arrow["layers"] for name in floor.split(" | ")}
    assert named == {path.name for path in PACKAGES} | {"errors"}
    assert modules_of(PACKAGE) == ["__main__", "errors"]
    assert arrow["exhaustive"]
    assert arrow["exhaustive_ignores"] == ["__main__"]
    tests = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert tests - {"project"} <= named


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports within functions and for types alone count too: they are read like any other."""
    graph = grimp.build_graph("caseload_sim", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert sum(map(len, imports.values())) > 300
    list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the modules


def test_no_package_has_too_many_modules() -> None:
    assert {path.name: n for path in PACKAGES if (n := len(modules_of(path))) > MOST_MODULES} == {}


@pytest.mark.parametrize("package", [PACKAGE, *PACKAGES], ids=lambda path: path.name)
def test_no_module_is_too_long(package: Path) -> None:
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in package.glob("*.py")}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_is_in_it_and_holds_nothing_else(package: Path) -> None:
    (only,) = ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body
    assert isinstance(only, ast.Expr)
    essay = essay_of(package)
    assert len(essay.splitlines()) in ESSAY_LINES
    assert [name for name in modules_of(package) if not re.search(rf"`{name}[`.]", essay)] == [], (
        "not named in the essay"
    )
    assert "May import: " in essay
    assert "Start with `" in essay
    for module, name in re.findall(r"`(\w+)\.(?!toml)([A-Za-z]\w+)`", essay):
        assert hasattr(importlib.import_module(f"caseload_sim.{package.name}.{module}"), name), f"{module}.{name}"


def test_every_public_name_is_there_and_no_module_stands_in_its_place() -> None:
    for module in pkgutil.iter_modules(caseload_sim.__path__):
        if module.name != "__main__":
            importlib.import_module(f"caseload_sim.{module.name}")
    assert len(caseload_sim.__all__) > 80
    for name in caseload_sim.__all__:
        assert not isinstance(getattr(caseload_sim, name), ModuleType), name
    assert {*caseload_sim.__all__, "__version__"} <= set(dir(caseload_sim))
    assert re.match(r"\d+\.\d+", caseload_sim.__version__)
    with pytest.raises(AttributeError, match="no attribute 'replicat'"):
        caseload_sim.replicat  # type: ignore[attr-defined]  # noqa: B018


def test_type_checkers_are_told_the_public_names_that_there_are() -> None:
    assert (PACKAGE / "__init__.pyi").read_text(encoding="utf-8") == renew_stub.stub(), "run python tests/renew_stub.py"
