"""Precision asked for is precision reached, by as many replications as it takes, whoever runs them."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from caseload_sim.cli.main import app
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.engines.engine import ENGINES
from caseload_sim.errors import RunError
from caseload_sim.experiments.precision import FIRST_REPLICATIONS, Precision, _needed, precision_from, replicate_until
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.tasks import Finished, ReplicationKey, Task, finish
from caseload_sim.measures.table import table_of
from caseload_sim.scenario.scenario import Scenario
from conftest import SMALL

BRIEF = {"run.warm_up_days": 20, "run.data_collection_days": 60, "run.follow_up_days": 200}
RECOVERY = Quantity("recovery", "finished", "end", "service", "all")
# Ten with an SD of 0.02, and then more like them.
SPREAD = [0.40, 0.44, 0.38, 0.42, 0.40, 0.43, 0.39, 0.41, 0.37, 0.42] + [0.39, 0.42] * 20


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes(BRIEF)


@pytest.fixture(scope="module")
def first(brief: Scenario) -> Finished:
    """What is kept of the first replication."""
    return finish(Task(brief, 0, ENGINES["kernel"]))[0]


def kept_with(brief: Scenario, first: Finished, values: Sequence[float]) -> dict[ReplicationKey, Finished]:
    """Finished replications whose recovery is as given: only the first is run again, to have its tables."""
    number = Request(brief, could_be=True).number(RunOptions())
    return {
        (number, r): replace(first, measures=table_of({**first.measures, RECOVERY: Value(np.nan, np.nan, value)}))
        for r, value in enumerate(values)
    }


def half_width_by_the_book(values: Sequence[float]) -> float:
    """t(n - 1, .975) s / sqrt(n), with scipy's own distribution."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n))


def test_it_goes_on_until_the_interval_is_narrow_enough(brief: Scenario, first: Finished) -> None:
    """Ten: SD 0.0222, 2.262 x 0.0222 / sqrt(10) = 0.0159. To 0.012 it should take 16: 2.131 x 0.0222 / 4 = 0.0118."""
    counted: list[tuple[int, int]] = []
    asked = precision_from("1.2pp")
    results, reached = replicate_until(
        brief, asked, kept=kept_with(brief, first, SPREAD), progress=lambda *n: counted.append(n)
    )
    row = results.find("recovery", base="finished", at="end", service="service")
    assert half_width_by_the_book(SPREAD[:FIRST_REPLICATIONS]) == pytest.approx(0.0159, abs=0.0001)
    assert reached.is_met
    assert reached.replications == row.n_replications == len(results.digests) == 16
    assert reached.half_width == pytest.approx(half_width_by_the_book(SPREAD[:16]))
    assert reached.half_width == pytest.approx(row.upper_95_ci - row.value)
    assert results.scenario.run.replications == results.first.scenario.run.replications == 16
    assert counted == [(FIRST_REPLICATIONS, FIRST_REPLICATIONS)], "nothing that is kept runs again"


def test_it_never_more_than_doubles_and_stops_at_the_most_with_how_many_it_would_take(
    brief: Scenario, first: Finished
) -> None:
    _, reached = replicate_until(brief, precision_from("0.1pp"), most=35, kept=kept_with(brief, first, SPREAD))
    assert not reached.is_met
    assert reached.replications == 35
    assert reached.needed is not None
    # The interval shrinks with the root of the number, and t(34) is 1.037 times t of many.
    assert reached.needed == pytest.approx(35 * (reached.half_width / 0.001 / 1.037) ** 2, rel=0.01)
    assert f"after 35 replications, the most allowed; 0.1 percentage points was asked for and takes about {reached.needed:,}. Allow more with --replications" in reached.in_words()  # fmt: skip


def test_the_number_and_the_answer_do_not_depend_on_who_runs_them(brief: Scenario, first: Finished) -> None:
    """By the first ten, eleven are needed: one replication or two run, in turn or at once."""
    asked = precision_from("1.55pp")
    alone, reached = replicate_until(brief, asked, most=12, kept=kept_with(brief, first, SPREAD[:10]))
    with ThreadPoolExecutor(3) as threads:
        together, also_reached = replicate_until(
            brief, asked, most=12, kept=kept_with(brief, first, SPREAD[:10]), executor=threads
        )
    assert reached == also_reached
    assert reached.replications > FIRST_REPLICATIONS
    assert alone.digests == together.digests
    assert repr([*alone.rows]) == repr([*together.rows])


def test_replications_without_a_value_do_not_count(brief: Scenario, first: Finished) -> None:
    values = [value if r % 2 else np.nan for r, value in enumerate(SPREAD)]
    _, reached = replicate_until(brief, precision_from("1.2pp"), kept=kept_with(brief, first, values))
    assert reached.is_met
    assert reached.half_width == pytest.approx(half_width_by_the_book(SPREAD[1 : reached.replications : 2]))
    _, never = replicate_until(brief, precision_from("0.5pp"), most=12, kept=kept_with(brief, first, [np.nan] * 12))
    assert not never.is_met
    assert "has a value in fewer than two of 12 replications" in never.in_words()


@pytest.mark.parametrize(("sd", "half_width", "n"), [(1, 1, 7), (0.02, 0.005, 64), (0, 1, 2), (1, 1e-9, 100_000)])
def test_how_many_it_takes_by_the_tables(sd: float, half_width: float, n: int) -> None:
    """SD 1 to within 1: t(5) 2.571/sqrt(6) = 1.05, t(6) 2.447/sqrt(7) = 0.92. SD 4 to within 1: t(62) 1.9990/sqrt(63) x 4 =
    1.0074, t(63) 1.9983/sqrt(64) x 4 = 0.9992."""
    assert _needed(sd**2, half_width, 1.0) == n
    assert _needed(sd**2, half_width, 1.5) == np.ceil(1.5 * n)


@pytest.mark.parametrize(("text", "precision"), [
    ("0.5pp", Precision("recovery", "finished", "end", "", 0.005)),
    (" all_remission/started/sustained = 1 pp", Precision("all_remission", "started", "sustained", "", 0.01)),
    ("recovery/finished/end/ptsd=yes=2pp", Precision("recovery", "finished", "end", "ptsd=yes", 0.02)),
    ("wait_days_mean///step=high_intensity=2", Precision("wait_days_mean", "", "", "step=high_intensity", 2.0)),
])  # fmt: skip
def test_precisions_as_written(text: str, precision: Precision) -> None:
    assert precision_from(text) == precision


@pytest.mark.parametrize(("text", "said"), [
    ("", "write MEASURE/BASE/AT/GROUP=WIDTH in quotes"),
    ("little", "little is not a number"),
    ("0.005", "recovery is a share: write percentage points, as in 0.5pp"),
    ("0.5%", "% could mean points or a share of the value. recovery is a share: write percentage points"),
    ("wait_days_mean=2pp", "wait_days_mean is in days: write a plain number of them"),
    ("wait_days_mean=5%", "% could mean points or a share of the value. wait_days_mean is in days"),
    ("wait_days_mean=2 days", "write MEASURE/BASE/AT/GROUP=WIDTH"),
    ("0pp", "must be a number above 0"), ("-1pp", "must be a number above 0"), ("nanpp", "must be a number above 0"), ("infpp", "must be a number above 0"),
    ("recovry=1pp", "Did you mean 'recovery'"),
])  # fmt: skip
def test_what_is_no_precision_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(RunError) as told:
        precision_from(text)
    assert said in str(told.value)


def test_a_row_that_is_not_there_is_refused_with_those_that_are(brief: Scenario, first: Finished) -> None:
    with pytest.raises(RunError, match=r"at_caseness has no base 'started'\. Known: finished\."):
        replicate_until(brief, precision_from("at_caseness/started=1pp"), kept=kept_with(brief, first, SPREAD))


def test_one_replication_at_most_is_refused(brief: Scenario) -> None:
    with pytest.raises(RunError, match="--replications 1: an interval takes two at least"):
        replicate_until(brief, precision_from("1pp"), most=1)


def test_a_run_says_and_records_what_it_took_and_rerun_does_the_same(brief: Scenario, tmp_path: Path) -> None:
    settings = [f"--set={path}={str(value).lower()}" for path, value in {**SMALL, **BRIEF}.items()]
    command = [
        "run",
        "--no-figures",
        "--out",
        str(tmp_path),
        "--precision",
        "recovery/finished=30pp",
        "--replications",
        "4",
        *settings,
    ]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 0, said.output
    (folder,) = (path.parent for path in tmp_path.glob("*/run.json"))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    n = record["precision"]["replications"]
    assert record["precision"]["most"] == 4
    assert record["scenario"]["run"]["replications"] == n == len(record["digests"])
    assert record["precision"]["asked"] == {
        "measure": "recovery",
        "base": "finished",
        "at": "",
        "group": "",
        "half_width": 0.3,
        "service": "",
    }
    assert record["precision"]["is_met"] is True
    assert f"Precision: recovery/finished is within {100 * record['precision']['half_width']:.2g} percentage points (95% interval) after {n} replications; 30 percentage points was asked for." in said.stderr  # fmt: skip
    again = CliRunner().invoke(app, ["rerun", str(folder)])
    assert again.exit_code == 0, again.output
    assert f"all {4 * n} digests are equal" in again.output
