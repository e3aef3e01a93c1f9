"""The steps of `caseload-sim run`, without a terminal."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from caseload_sim.cli.options import Shared
from caseload_sim.cli.run import Asked, Printed, folder_of, ready, simulated
from caseload_sim.errors import RunError
from caseload_sim.experiments.precision import FIRST_REPLICATIONS, precision_from
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.scenario.scenario import Scenario

BRIEF = {"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400, "run.replications": 2}

ANSWER = Printed(json=False, csv=False, full=False, short=False, quiet=False)
CSV, JSON = replace(ANSWER, csv=True), replace(ANSWER, json=True)


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes(BRIEF)


@pytest.fixture(scope="module")
def results(brief: Scenario) -> Results:
    return replicate(brief)


def test_a_run_begins_with_what_was_typed_and_until_precise_with_a_few(brief: Scenario) -> None:
    typed = Shared(seed=5, replications=40)
    assert ready(brief, Shared(), Asked()).run == brief.run
    assert (ready(brief, typed, Asked()).run.seed, ready(brief, typed, Asked()).run.replications) == (5, 40)
    until = Asked(precision=precision_from("5pp"), most=40)
    assert ready(brief, typed, until).run.replications == FIRST_REPLICATIONS
    few = Asked(precision=precision_from("5pp"), most=4)
    assert ready(brief, typed, few).run.replications == 4


def test_what_is_asked_for_is_in_the_name_of_the_folder_and_in_what_must_be_the_same_on_resuming(
    brief: Scenario, tmp_path: Path
) -> None:
    shared, names = Shared(out=tmp_path), []
    for asked in (Asked(), Asked(parameter_uncertainty=True), Asked(precision=precision_from("5pp"))):
        folder = folder_of(brief, shared, asked)
        names.append(folder.final.name)
        folder.discard()
    assert len(set(names)) == 3
    assert not list(tmp_path.glob("*/*")), "and nothing is left of what was not begun"


def test_replications_are_kept_in_the_folder_as_they_come(
    brief: Scenario, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(brief, Shared(out=tmp_path), Asked())
    found, reached = simulated(brief, Shared(), Asked(), folder)
    assert reached is None
    assert found.digests == results.digests
    assert folder.n_kept == 2
    folder.remove()
    assert "40 days warm-up" in capsys.readouterr().err


def test_a_table_that_nobody_reads_is_no_error_until_all_is_saved(
    results: Results, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert CSV.show(results) is None
    assert capsys.readouterr().out.startswith("scenario,measure,")

    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    assert isinstance(JSON.show(results), BrokenPipeError)
    assert isinstance(ANSWER.show(results), BrokenPipeError)


def test_the_answer_is_what_is_printed_and_the_tables_only_when_asked_for(
    results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert ANSWER.show(results) is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 16
    assert max(map(len, lines)) <= 80
    replace(ANSWER, full=True).show(results)
    whole = capsys.readouterr().out.splitlines()
    assert whole[-len(lines) :] == lines, "the answer comes last, where it is still to be seen"
    assert any(line.startswith("THE LADDER") for line in whole)
    replace(JSON, short=True).show(results)
    answer = json.loads(capsys.readouterr().out)
    assert answer["rungs"][0]["with_service"] == pytest.approx(results.find("recovery").value)
    replace(ANSWER, quiet=True).show(results)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("asked", [{"json": True, "csv": True}, {"full": True, "quiet": True}, {"short": True}])
def test_what_excludes_each_other_is_refused(asked: dict[str, bool]) -> None:
    with pytest.raises(RunError):
        replace(ANSWER, **asked).check()
