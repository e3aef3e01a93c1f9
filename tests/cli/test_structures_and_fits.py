"""What `structures` and `calibrate outcome` print, on a terminal of 80 columns."""

import json
from pathlib import Path

import pytest

from caseload_sim.analysis.calibrate_outcome import OutcomeFit, list_evidence, row_of
from caseload_sim.cli.calibrate import print_outcome_fit
from caseload_sim.experiments.could_be import IN_USE
from caseload_sim.outcomes.structures import all_structures
from commands import SMALL_FILE, call_here

WIDTH = 80


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL_FILE.replace("value = 600", "value = 3000"), encoding="utf-8")
    return tmp_path


def test_every_structure_is_printed_with_what_it_changes(folder: Path) -> None:
    result = call_here("structures", "small.toml", folder=folder)
    assert result.returncode == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= WIDTH
    text = " ".join(result.stdout.split())
    for one in all_structures():
        assert one.name.replace("_", " ")[:22].strip() in text
        assert one.meaning[:30] in text
    assert "could be, from" in text
    assert "no interval" in text


def test_as_json_every_structure_is_a_row(folder: Path) -> None:
    result = call_here("structures", "small.toml", "--json", folder=folder)
    rows = json.loads(result.stdout)
    assert [row["structure"] for row in rows] == [IN_USE, *(one.name for one in all_structures())]
    assert all(len(row["figures"]) == 4 for row in rows)


def test_several_providers_are_refused_with_what_to_do(folder: Path) -> None:
    result = call_here("structures", "national_2024_25_providers", folder=folder)
    assert result.returncode != 0
    assert "one provider" in " ".join(result.stderr.split())


@pytest.mark.parametrize("words", [("calibrate", "outcome", "--help"), ("structures", "--help")])
def test_help_fits_the_terminal_and_says_what_is_fitted(words: tuple[str, ...], folder: Path) -> None:
    result = call_here(*words, folder=folder)
    assert result.returncode == 0
    assert max(map(len, result.stdout.splitlines())) <= WIDTH
    assert "structures" in result.stdout


def test_a_fit_is_printed_with_every_anchor_and_check(capsys: pytest.CaptureFixture[str]) -> None:
    rows = tuple(row_of(one, one.value + 3 * one.tolerance) for one in list_evidence())
    path = "outcome.remission.monthly_hazard_of_distress"
    print_outcome_fit(OutcomeFit("hepgul_2016", {path: 0.02}, {path: 0.03}, 9.0, 1.0, rows))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert sum("missed" in line for line in lines) == len(rows)
    assert f"anchors: 0 of {sum(row.role == 'anchor' for row in rows)} met" in "\n".join(lines)
