"""The warm-up by MSER-5 is what the paper's formula gives, and it is said where a scenario has less."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from building import check_legible
from caseload_sim.analysis.warm_up import mser, too_short, warm_up
from caseload_sim.cli.main import app
from caseload_sim.cli.validate_model import print_warm_up
from caseload_sim.figures.waits import draw_warm_up
from caseload_sim.measures.rows import OverTimeRow
from caseload_sim.pathway.working_days import working_days
from caseload_sim.scenario.scenario import Scenario
from conftest import SMALL


def test_a_series_worked_by_hand() -> None:
    """Eighteen means: 9, 5 and then 1, 3 eight times. Squares about the mean of what is left, over its number squared:

    none left out 68.44 / 18**2 = 0.211; one 24.47 / 17**2 = 0.085; two 16 / 16**2 = 0.0625; three 14.93 / 15**2 = 0.0664;
    four 14 / 14**2 = 0.071; and more from there. So two means, which are ten days at five days each.
    """
    means = [9.0, 5.0, *[1.0, 3.0] * 8]
    assert mser(np.array(means), batch=1) == 2
    assert mser(np.repeat(means, 5)) == 10
    assert mser(np.concatenate([np.repeat(means, 5), [100.0] * 4])) == 10, "what is less than a batch is left out"


def test_the_mean_of_a_batch_is_what_counts() -> None:
    noisy = np.repeat([9.0, 5.0, *[1.0, 3.0] * 8], 5) + np.tile([-4.0, 4.0, 0.0, -2.0, 2.0], 18)
    assert mser(noisy) == 10


def test_a_series_that_stands_still_is_not_cut() -> None:
    assert mser(np.ones(60)) == 0
    assert mser(np.tile([1.0, 3.0], 60)) == 0


def test_a_series_that_never_settles_cannot_tell() -> None:
    assert mser(np.concatenate([np.zeros(60), np.full(40, 9.0)])) is None
    assert mser(np.arange(100.0)) is None


def test_too_short_a_series_cannot_tell() -> None:
    assert mser(np.zeros(49)) is None
    assert mser(np.zeros(50)) == 0
    assert mser(np.zeros(0)) is None


def rows_of(scenario: Scenario, settles: int) -> list[OverTimeRow]:
    """A waiting list that falls from 50 until a day and then stays at 10; and use of places, with none on days off."""
    working, days = working_days(scenario), range(scenario.run.horizon_days)
    lists = [max(10.0, 10 + 40 * (1 - day / settles)) for day in days]
    uses = [0.9 if working[day] else np.nan for day in days]
    return [
        OverTimeRow("x", measure, "low_intensity", day, value, value, value)
        for measure, values in (("waiting_list", lists), ("utilisation", uses))
        for day, value in enumerate(values)
    ]


@pytest.fixture
def service(small: Scenario) -> Scenario:
    return small.with_changes({"run.warm_up_days": 100, "run.data_collection_days": 365, "run.follow_up_days": 100})


def test_a_list_settles_where_it_stops_falling_counted_in_days_from_opening(service: Scenario) -> None:
    waiting, use = warm_up(service, rows_of(service, 90))
    assert waiting.settled_day is not None
    assert 77 <= waiting.settled_day <= 97, "a week of working days more or less: the last of the fall is small"
    assert waiting.mean == pytest.approx(10, abs=0.2)
    assert use.settled_day == 0, "days off are not a change, nor are last bits"
    assert use.mean == pytest.approx(0.9)
    assert waiting.is_long_enough
    assert too_short([waiting, use]) == ""


def test_a_warm_up_that_is_too_short_is_said_with_what_settles_last(service: Scenario) -> None:
    rows = warm_up(service, rows_of(service, 150))
    said = too_short(rows)
    assert f"run.warm_up_days is 100, and by MSER-5 1 of 2 series settle later, last the waiting list of low intensity, on day {rows[0].settled_day}." in said  # fmt: skip


def test_what_comes_after_data_collection_does_not_count(service: Scenario) -> None:
    end = service.run.warm_up_days + service.run.data_collection_days
    rows = [row for row in rows_of(service, 90) if row.measure == "waiting_list"]
    after = [OverTimeRow("x", "waiting_list", "low_intensity", row.day, 900.0, 0, 0) if row.day >= end else row for row in rows]  # fmt: skip
    assert warm_up(service, after) == warm_up(service, rows)


def test_the_picture_and_the_table_show_both_warm_ups(service: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    over_time = rows_of(service, 150)
    rows = warm_up(service, over_time)
    figure = draw_warm_up(rows, over_time)
    check_legible(figure)
    above, below = ([text.get_text() for text in ax.texts] for ax in figure.axes)
    assert "left out: 100 days" in above
    assert f"day {rows[0].settled_day}" in below
    assert len(below) == len(rows), "each list and each use of places, or that it cannot be told"
    print_warm_up(rows)
    assert f"The rule: {rows[0].settled_day} days. The scenario leaves out 100: too short." in capsys.readouterr().out
    print_warm_up([replace(row, settled_day=None) for row in rows])
    said = capsys.readouterr().out
    assert "The rule cannot tell. The scenario leaves out 100 days." in said
    assert "too short" not in said


def test_the_command_saves_a_table_and_a_picture_and_run_warns(tmp_path: Path) -> None:
    changes = {**SMALL, "run.warm_up_days": 0, "run.data_collection_days": 400, "run.follow_up_days": 60, "start.running": False}  # fmt: skip
    given = [f"--set={path}={str(value).lower()}" for path, value in changes.items()] + ["--out", str(tmp_path)]
    said = CliRunner().invoke(app, ["warm-up", *given])
    assert said.exit_code == 0, said.output
    assert "The scenario leaves out 0: too short." in said.stdout
    (folder,) = tmp_path.glob("*-warm-up-*")
    assert {"table.csv", "over_time.csv", "figure.png", "run.json"} <= {path.name for path in folder.iterdir()}
    warned = CliRunner().invoke(app, ["run", "--full", "--no-figures", *given])
    assert warned.exit_code == 0, warned.output
    assert "Note: run.warm_up_days is 0, and by MSER-5" in warned.stderr
    unasked = CliRunner().invoke(app, ["run", "--no-figures", *given])
    assert "MSER-5" not in unasked.output, "a word for those who look at tables"
