"""Figures: labelled, legible, drawn on the axes given, without touching anything global."""

from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Annotation

from building import check_legible
from caseload_sim.analysis.population_report import population_report
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.sweep import sweep
from caseload_sim.figures.gallery import FreshRun, drawn, of_kind
from caseload_sim.figures.population import draw_population, plot_population
from caseload_sim.figures.run import plot_disorders, plot_flow, plot_ladder
from caseload_sim.figures.style import sheet_of
from caseload_sim.figures.sweep import plot_sweep
from caseload_sim.figures.waits import plot_waiting_list, plot_waits
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario


@pytest.fixture(scope="module", params=["service", "no service", "one replication"])
def results(request: pytest.FixtureRequest, small_results: Results) -> Results:
    if request.param == "no service":
        return replicate(get_scenario("no_service", changes={"demand.referrals_per_year": 2000}), replications=2)
    if request.param == "one replication":
        nan = float("nan")
        return replace(
            small_results,
            rows=tuple(replace(row, lower_95_ci=nan, upper_95_ci=nan) for row in small_results.rows),
            over_time=tuple(replace(row, lower_95_ci=nan, upper_95_ci=nan) for row in small_results.over_time),
        )
    return small_results


@pytest.mark.parametrize("name", of_kind("run"))
def test_every_figure_has_a_title_labelled_axes_and_text_inside_the_picture(name: str, results: Results) -> None:
    before = dict(mpl.rcParams)
    figure = drawn(name, FreshRun.of(results))
    assert {k: v for k, v in mpl.rcParams.items() if k != "backend"} == {
        k: v for k, v in before.items() if k != "backend"
    }
    check_legible(figure)


def test_a_notebook_with_an_inline_backend_cuts_no_heading_off(small_results: Results) -> None:
    """Such a backend saves the tight box of a figure, of which texts that take no part in the layout are no part."""
    sheet = sheet_of(plot_ladder(small_results.rows))
    file = BytesIO()
    sheet.canvas.print_figure(file, dpi=50, bbox_inches="tight", pad_inches=0)
    file.seek(0)
    height, width, _ = imread(file).shape
    assert (width, height) == pytest.approx(50 * sheet.get_size_inches(), abs=1.5)


def test_a_figure_draws_on_the_axes_it_is_given(small_results: Results) -> None:
    for plot in (plot_disorders, plot_flow, plot_waits, plot_ladder):
        ax = Figure().subplots()
        assert plot(small_results.rows, ax=ax) is ax
        assert ax.get_title(loc="left")
        assert "hin bar" in ax.get_xlabel() or "bars of chance" in ax.get_xlabel()
    pair = Figure().subplots(2)
    assert plot_waiting_list(small_results.over_time, axes=(pair[0], pair[1])) == (pair[0], pair[1])


def test_every_wait_has_its_two_numbers_however_wide_the_interval(small_results: Results) -> None:
    """A label beyond the end of the axis would not be drawn at all."""
    rows = [
        replace(row, upper_95_ci=row.value + 900) if row.group == "step=group" else row for row in small_results.rows
    ]
    ax = plot_waits(rows)
    steps = small_results.scenario.steps
    numbers = [text for text in ax.texts if text.get_text().isdigit() or text.get_text() == "-"]
    assert len(numbers) == 2 * (len(steps) + 2), "half and nine in ten, of each list and of two waits between contacts"
    left, right = ax.get_xlim()
    assert all(left <= text.xy[0] <= right for text in ax.texts if isinstance(text, Annotation))
    figure = sheet_of(ax)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in ax.texts)
    standards = [text.get_text() for text in ax.texts if "weeks" in text.get_text() or "90 days" in text.get_text()]
    assert standards == ["6 weeks: 75% by then", "18 weeks: 95% by then", "90 days"]


def test_a_step_with_few_people_says_so(small_results: Results) -> None:
    labels = [label.get_text() for label in plot_waits(small_results.rows).get_yticklabels()]
    people = [float(label.split("\n")[-1].split(" people")[0].replace(",", "")) for label in labels]
    assert [", which is few" in label for label in labels] == [0 < n < 200 for n in people]
    assert any(0 < n < 200 for n in people)


def test_the_ladder_shows_the_values_of_the_table_and_what_was_published(small_results: Results) -> None:
    ax = plot_ladder(small_results.rows)
    shown = [text.get_text() for text in ax.texts]
    row = small_results.find("full_remission", base="finished", at="end", service="service")
    assert f"{100 * row.value:.0f}%" in shown
    assert {"England 2024-25: 50.5%", "audit, Scott 2018: 9.2%"} <= set(shown)
    assert len(shown) == 12 + 2 + 2, "rungs with and without, two names, two ticks"
    first = ax.get_yticklabels()[0].get_text().replace("\n", " ")
    assert first.startswith("1 recovered by the service's questionnaires (model)")


def test_chance_and_doubt_are_two_marks_of_the_table(small_results: Results) -> None:
    row = small_results.find("recovery", base="finished", at="end", service="service")
    assert not np.isnan([row.could_be_low, row.could_be_high]).any()
    bars = [lines for lines in plot_ladder(small_results.rows).collections if isinstance(lines, LineCollection)]
    found = [tuple(segment[:, 0]) for lines in bars for segment in lines.get_segments()]
    assert pytest.approx((100 * row.lower_95_ci, 100 * row.upper_95_ci)) in found
    assert pytest.approx((100 * row.could_be_low, 100 * row.could_be_high)) in found
    unknown = [replace(one, could_be_low=float("nan"), could_be_high=float("nan")) for one in small_results.rows]
    sheet = sheet_of(plot_ladder(unknown))
    assert "No pale band" in sheet.heading.notes


def test_population_and_sweep_figures_show_their_tables(small: Scenario) -> None:
    ax = plot_population(population_report(get_scenario(), 3000))
    assert len(ax.get_yticklabels()) == 16 + 4 + 2 + 2, (
        "prevalences, counts, a union; age bands, sexes, long-term conditions"
    )
    sheet = draw_population(population_report(get_scenario("national_2024_25"), 3000))
    assert [panel.get_xlabel() for panel in sheet.axes] == ["People referred (%)", "Odds ratio", "Points"]
    swept = sweep(small, {"population.prevalence.ptsd": (0.1, 0.3)}, "all_remission", replications=2)
    below = plot_sweep(swept)
    assert below.get_xlabel() == "Share of those referred who have PTSD"
    above = sheet_of(below).axes[0]
    assert [len(ax.lines) for ax in (above, below)] == [2 + 1, 3 * 2 + 3 + 1 + 1], "lines, marks, 0, and today"
    today = [text.get_text() for ax in (above, below) for text in ax.texts]
    assert today.count("today") == 2
    two = sweep(
        small, {"population.prevalence.ptsd": (0.1, 0.3), "pathway.declined": (0.0, 0.2)}, "recovery", replications=1
    )
    ax = plot_sweep(two)
    assert ax.get_xlabel() == "Share of those referred who have PTSD"
    named = {text.get_text().replace("\n", " ") for text in ax.texts}
    assert {"pathway, declined: 0", "pathway, declined: 0.2"} <= named
