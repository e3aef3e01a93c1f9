"""The mutator itself, quickly; and, in the verification suite, whether the tests notice what it does (mutation.py)."""

import json
import os
import subprocess
import sys

import pytest

import mutation
from mutation import PACKAGE, TESTS_FOLDER, WANTED_SHARE, files_in, mutants_of, names_of, reasons
from noticed_by import MANY, NO_FIGURE, NO_FIGURE_AT_ALL, TESTS

SOURCE = '''
LIMIT = 3
def busy(days, places=2, quick=True):
    """Words, which are no fault to change."""
    assert days > 0, "checked"
    total = 0
    for day, _ in zip(range(days), range(days), strict=True):
        if day == LIMIT and not quick:
            continue
        total += min(day, places) * 2
    return total if 0 <= total < 9 else -1
'''


def test_each_kind_of_fault_is_made_once_and_named() -> None:
    changes = {mutant.name.split(": ", 2)[2] for mutant in mutants_of("example.py", SOURCE)}
    for expected in (
        "3 -> 4",
        "True -> False",  # quick
        "day == LIMIT -> day != LIMIT",
        "day == LIMIT and (not quick) -> day == LIMIT or not quick",
        "not quick -> +quick",
        "continue -> nothing",
        "total += min(day, places) * 2 -> nothing",
        "total += min(day, places) * 2 -> total -= min(day, places) * 2",
        "min -> max",
        "min(day, places) * 2 -> min(day, places) / 2",
        "0 <= total < 9 -> 0 < total < 9",
        "0 <= total < 9 -> 0 <= total <= 9",
        "total if 0 <= total < 9 else -1 -> total if not 0 <= total < 9 else -1",
    ):
        assert expected in changes
    assert "True -> False #2" not in changes, "strict"
    assert not any("Words" in name or "checked" in name or "days > 0" in name for name in changes)


def test_every_mutant_differs_from_the_source_compiles_and_has_a_name_of_its_own() -> None:
    for file in ("engines/reference.py", "measures/counting.py"):
        source = (PACKAGE / file).read_text(encoding="utf-8")
        mutants = mutants_of(file, source)
        assert len(mutants) > 20
        assert [m.name for m in mutants] == names_of(file, source)
        assert len({m.name for m in mutants}) == len(mutants)
        assert len({m.source for m in mutants}) == len(mutants)
        for mutant in mutants:
            compile(mutant.source, file, "exec")


def test_a_sample_is_the_same_every_time_and_part_of_the_whole() -> None:
    source = (PACKAGE / "measures/counting.py").read_text(encoding="utf-8")
    names = [m.name for m in mutants_of("measures/counting.py", source, 8)]
    assert names == [m.name for m in mutants_of("measures/counting.py", source, 8)]
    assert len(names) == 8
    assert set(names) <= set(names_of("measures/counting.py", source))


def test_every_survivor_is_a_mutant_that_there_still_is_and_has_a_reason() -> None:
    there = {name for file in TESTS for name in names_of(file, (PACKAGE / file).read_text(encoding="utf-8"))}
    for name, why in reasons().items():
        assert name in there, f"{name}: no such mutant any more; take it out of {mutation.SURVIVORS.name}"
        assert len(why) > 20
    assert there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants run in forked processes")
def test_a_mutant_is_what_the_tests_import() -> None:
    """Options from pyproject.toml once had the tests run in processes that knew nothing of the mutant, and all survived."""
    mutant = "Mutant('measures/counting.py', 'broken', 'raise RuntimeError')"
    code = f"from mutation import Mutant, survives; print(survives({mutant}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=TESTS_FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_every_module_has_its_mutants_or_computes_no_figure() -> None:
    """One that is in neither table, or in both, or is no more, is named here."""
    modules = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/*.py") if path.stem != "__init__"}
    wanted = {file for file in modules if file.split("/")[0] not in NO_FIGURE_AT_ALL}
    assert {path.name for path in PACKAGE.iterdir()} >= set(NO_FIGURE_AT_ALL)
    assert set(TESTS) | set(NO_FIGURE) == wanted
    assert not set(TESTS) & set(NO_FIGURE)


def test_the_tests_that_are_to_notice_are_there() -> None:
    for file, (paths, _, sample) in TESTS.items():
        assert all((TESTS_FOLDER / path).exists() for path in paths), file
        assert 0 < sample <= MANY, file


def test_modules_are_named_by_themselves_or_by_their_package() -> None:
    assert files_in([]) == list(TESTS)
    assert files_in(["draws"]) == ["draws/distributions.py", "draws/streams.py", "draws/philox.py"]
    assert files_in(["measures/costs.py", "draws/streams.py"]) == ["draws/streams.py", "measures/costs.py"]
    with pytest.raises(SystemExit, match="measure: no module or package"):
        files_in(["measure"])


@pytest.mark.verification
@pytest.mark.parametrize("package", sorted({file.split("/")[0] for file in TESTS}))
def test_the_tests_notice_at_least_90_in_100_faults_and_the_others_are_accounted_for(package: str) -> None:
    """A sample of each module, at a fixed seed; forked from a process of its own, which has no threads."""
    command = [sys.executable, mutation.__file__, "--file", package, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["file"] for result in results] == files_in([package])
    alive = [name for result in results for name in result["alive"]]
    assert 1 - len(alive) / sum(result["mutants"] for result in results) >= WANTED_SHARE, alive
    unaccounted = [name for name in alive if name not in reasons()]
    assert not unaccounted, f"give each a test, or a reason in {mutation.SURVIVORS.name}: {unaccounted}"
