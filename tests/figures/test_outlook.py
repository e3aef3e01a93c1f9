"""The outlook: months before today as counted, months to come with the range of one future, lists from those stated."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from building import check_legible
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.figures.gallery import FreshRun, drawn, figures_from_today
from caseload_sim.figures.outlook import plot_outlook
from caseload_sim.figures.style import figure_of, sheet_of, spread
from caseload_sim.pathway.demand import referrals_per_day
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

COUNTS = {"2023-01": 45, "2023-02": 71, "2023-03": 52, "2023-06": 90}
LISTS: Mapping[str, Any] = {
    "low_intensity": {"value": 9},
    "high_intensity": {"up_to_4_weeks": {"value": 11}, "over_4_weeks": {"value": 12}},
}


def service(**changes: Any) -> Scenario:
    """Opens on 1 April 2023 and counts for half a year, with three replications."""
    return get_scenario(changes={
        "run.opens": date(2023, 4, 1), "run.warm_up_days": 0, "run.data_collection_days": 183, "run.follow_up_days": 30,
        "run.replications": 3, "demand.referrals_per_year": 600, "staff.high_intensity_therapist.wte": 1.0,
        "staff.psychological_wellbeing_practitioner.wte": 0.7, "staff.assessor.wte": 1.0,
        "demand.monthly_referrals": {month: {"value": n} for month, n in COUNTS.items()}, "start.waiting": LISTS, **changes,
    })  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return replicate(service())


def outlook_of(results: Results) -> tuple[Any, Any]:
    return plot_outlook(results.scenario, results.over_time, results.rows)


def test_it_is_labelled_and_legible_on_its_own_axes_and_on_those_given(results: Results) -> None:
    top, bottom = outlook_of(results)
    check_legible(figure_of(top))
    pair = Figure().subplots(2)
    assert plot_outlook(results.scenario, results.over_time, axes=(pair[0], pair[1])) == (pair[0], pair[1])
    assert bottom.get_ylabel() == "People waiting"
    assert "today, 1 Apr 2023" in [text.get_text() for text in top.texts]
    for ax in (top, bottom):
        assert [list(line.get_xdata()) for line in ax.lines].count([0, 0]) == 1, "today is a line"


def test_each_whole_month_has_a_bar_as_counted_or_as_expected(results: Results) -> None:
    top, _ = outlook_of(results)
    bars = [box for container in top.containers if isinstance(container, BarContainer) for box in container]
    starts = {round(box.get_x() + box.get_width() / 2, 1): box.get_height() for box in bars}
    assert len(starts) == 9, "January to March, and April to September"
    opens = date(2023, 4, 1)
    per_day = referrals_per_day(results.scenario)
    for month in range(1, 10):
        first, after = date(2023, month, 1), date(2023, month + 1, 1)
        begins, ends = ((day - opens).days for day in (first, after))
        expected = COUNTS.get(f"2023-{month:02d}") or per_day[begins:ends].sum()
        assert starts[(begins + ends) / 2] == pytest.approx(expected)
    spans = [c for c in top.containers if not isinstance(c, BarContainer)]
    assert len(spans) == 5, "what is counted has no range"


def test_lists_begin_where_they_were_stated_and_end_with_their_name_and_wait(results: Results) -> None:
    _, bottom = outlook_of(results)
    texts = [text.get_text().replace("\n", " ") for text in bottom.texts]
    assert {"9 stated", "23 stated"} <= set(texts)
    row = results.find("wait_days_mean", group="step=high_intensity")
    (of_high,) = [text for text in texts if text.startswith("high intensity ")]
    assert f"wait {row.value:.0f} days (" in of_high
    marks = [line for line in bottom.lines if len(line.get_xdata()) == 1]
    assert sorted(float(line.get_ydata()[0]) for line in marks) == [9, 23]
    assert "1 Apr 2023 to 30 Sep 2023" in sheet_of(bottom).heading.notes


def test_the_band_of_a_list_is_that_of_one_more_replication_and_none_is_drawn_of_one(results: Results) -> None:
    """Of three replications the range of a fourth is twice as wide as the interval of the mean: the root of 4."""
    _, bottom = outlook_of(results)
    s = results.scenario.steps.index("high_intensity")
    band = bottom.collections[s].get_paths()[0].vertices
    of_step = [r for r in results.over_time if r.measure == "waiting_list" and r.step == "high_intensity"]
    for row in (of_step[70], of_step[140]):
        top = max(y for x, y in band if x == row.day)
        assert top == pytest.approx(row.value + 2 * (row.upper_95_ci - row.value))
        assert min(y for x, y in band if x == row.day) >= 0
    nan = float("nan")
    one = replace(results, over_time=tuple(replace(r, lower_95_ci=nan, upper_95_ci=nan) for r in results.over_time))
    flat = outlook_of(one)[1].collections[s].get_paths()[0].vertices
    assert all(np.ptp([y for x, y in flat if x == day]) == 0 for day in (70, 140))


def test_several_providers_are_drawn_as_one_service() -> None:
    two = replicate(service(**{"providers": {"number": 2, "staff_log_sd": {"value": 0}}}))
    top, bottom = outlook_of(two)
    heights = {round(box.get_height()) for c in top.containers if isinstance(c, BarContainer) for box in c}
    assert {90, 142, 104, 180} <= heights, "twice the counts"
    assert "46 stated" in [text.get_text() for text in bottom.texts]


def test_names_at_the_end_of_lines_do_not_cover_one_another() -> None:
    assert spread([5, 5, 0, 30], [4, 4, 4, 4], 0, 40) == [6, 10, 2, 30]
    assert spread([39, 40], [4, 4], 0, 40) == [34, 38], "pushed out above, they come down again"
    assert spread([], [], 0, 40) == []


def test_it_is_drawn_unasked_only_where_a_scenario_says_how_things_stand(tmp_path: Path) -> None:
    assert figures_from_today(get_scenario()) == []
    assert figures_from_today(service()) == ["outlook"]
    for part in ({"start.waiting": LISTS}, {"demand.monthly_referrals": {"2023-05": {"value": 9}}}):
        assert figures_from_today(get_scenario(changes=part)) == ["outlook"]
    (tmp_path / "mine.toml").write_text(
        SMALL_FILE + '[demand.monthly_referrals]\n2023-05 = { value = 52, assumption = "x" }\n', encoding="utf-8"
    )
    for more, expected in (((), True), (("--figure", "ladder"), False), (("--no-figures",), False)):
        done = call_here("run", "mine.toml", "--replications", "2", "--out", f"out{len(more)}", *more, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert ("outlook" in done.stderr) == expected
    assert len(list(tmp_path.glob("out0/*/figures/outlook.png"))) == 1


def test_a_service_that_begins_with_stated_lists_is_not_told_to_warm_up(tmp_path: Path) -> None:
    lists = '[start.waiting]\nhigh_intensity = { value = 60, assumption = "x" }\n'
    said = []
    for text in (SMALL_FILE, SMALL_FILE + lists):
        (tmp_path / "mine.toml").write_text(
            text.replace("warm_up_days = 60", "warm_up_days = 0").replace("= 60\n", "= 300\n"), encoding="utf-8"
        )
        done = call_here("run", "mine.toml", "--full", "--replications", "2", "--no-figures", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        said.append("MSER-5" in done.stderr)
    assert said == [True, False]


@pytest.mark.parametrize("name", ["no_service", "hepgul_2016"])
def test_any_run_can_have_it(name: str, small_results: Results) -> None:
    if name == "no_service":
        small_results = replicate(get_scenario(name, changes={"demand.referrals_per_year": 300}), replications=2)
    check_legible(drawn("outlook", FreshRun.of(small_results)))
