"""What is handed out: the source archive and the wheel are whole, say the same of themselves, and work somewhere else."""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# Of the repository alone: what checks each commit, and which commits only moved lines.
NOT_HANDED_OUT = (".ci/", ".github/", ".git-blame-ignore-revs")
MADE_BY_RUNNING = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache")
# Some of the archive's own tests: those that read files beside the package.
OWN_TESTS = (
    "tests/project/test_layout.py", "tests/project/test_mutation.py", "tests/project/test_archives.py",
    "tests/project/test_notebooks.py", "tests/scenario/test_scenarios.py", "tests/draws/test_streams.py",
)  # fmt: skip


def build(kind: str, source: Path, folder: Path) -> Path:
    """The archive that hatchling makes of a source folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=source, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def source_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def names_in(source_archive: Path) -> set[str]:
    """Names in the archive, below its one folder."""
    with tarfile.open(source_archive) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]
    assert len({name.partition("/")[0] for name in names}) == 1
    return {name.partition("/")[2] for name in names}


def files_of_the_project() -> set[str]:
    """What git knows; in an unpacked archive, where there is no git, what is there and was not made by running something."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
        return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not set(path.parts) & set(MADE_BY_RUNNING)} - {"PKG-INFO"}


def test_the_source_archive_holds_every_file_of_the_project(source_archive: Path) -> None:
    handed_out = {name for name in files_of_the_project() if not name.startswith(NOT_HANDED_OUT)}
    names = names_in(source_archive)
    assert handed_out - names == set()
    assert {name for name in names - handed_out if not name.endswith("PKG-INFO")} == set()
    assert {name.split("/")[0] for name in names} >= {"src", "tests", "docs", "notebooks", "scenarios", "benchmarks"}


def test_the_wheel_holds_the_package_and_the_scenarios_and_nothing_else(wheel: Path) -> None:
    package = {name.removeprefix("src/") for name in files_of_the_project() if name.startswith("src/")}
    scenarios = {
        f"caseload_sim/scenario/shipped/{name.removeprefix('scenarios/')}"
        for name in files_of_the_project()
        if name.startswith("scenarios/")
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(scenarios) > 20
    assert {name for name in names if ".dist-info/" not in name} == package | scenarios
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_version_the_licence_and_the_authors_are_the_same_wherever_they_stand() -> None:
    """Whoever cites an unreleased version is asked for the day; with a release comes its date, as in the changelog."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    names = [one["name"] for one in project["authors"]]
    assert [author["name"] for author in citation["authors"]] == names
    assert f"Copyright (c) 2026 {names[0]}" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    heading = re.search(
        rf"^## {re.escape(project['version'])} \((.+)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M
    )
    assert heading is not None
    unreleased = heading[1] == "unreleased"
    assert unreleased == ("date-released" not in citation)
    assert unreleased == ("is not released: say also on which day you took it" in citation["message"])
    assert unreleased or str(citation["date-released"]) == heading[1]
    assert f"Version {project['version']} " in citation["message"] or not unreleased


@pytest.mark.verification
def test_the_source_archive_makes_the_same_wheel_and_its_tests_pass_where_it_is_unpacked(
    source_archive: Path, wheel: Path, tmp_path: Path
) -> None:
    """In a folder with a blank in its name, without the repository: its own package is what is tested."""
    place = tmp_path / "un packed"
    with tarfile.open(source_archive) as archive:
        archive.extractall(place, filter="data")
    (unpacked,) = place.iterdir()

    def digests(made: Path) -> dict[str, str]:
        files = zipfile.ZipFile(made)
        return {name: hashlib.sha256(files.read(name)).hexdigest() for name in files.namelist()}

    assert digests(build("wheel", unpacked, tmp_path / "again")) == digests(wheel)
    env = {**os.environ, "PYTHONPATH": str(unpacked / "src")}
    where = subprocess.run(
        [sys.executable, "-c", "import caseload_sim; print(caseload_sim.__file__)"],
        cwd=unpacked, env=env, check=True, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(unpacked)
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *OWN_TESTS],
        cwd=unpacked, env=env, capture_output=True, encoding="utf-8", timeout=900,
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout[-3000:]
    assert "skipped" not in tests.stdout
