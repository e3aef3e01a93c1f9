"""Figures: labelled, legible, drawn on the axes given, without touching anything global."""

from dataclasses import replace

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from building import check_legible
from caseload_sim.analysis.population_report import population_report
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.sweep import sweep
from caseload_sim.figures.gallery import FIGURES, FreshRun, of_kind
from caseload_sim.figures.population import draw_population, plot_population, plot_sweep
from caseload_sim.figures.run import plot_disorders, plot_flow, plot_ladder, plot_waiting_list, plot_waits
from caseload_sim.figures.style import figure_of
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
    figure = FIGURES[name].draw(FreshRun.of(results))
    assert {k: v for k, v in mpl.rcParams.items() if k != "backend"} == {
        k: v for k, v in before.items() if k != "backend"
    }
    check_legible(figure)


def test_a_figure_draws_on_the_axes_it_is_given(small_results: Results) -> None:
    for plot in (plot_disorders, plot_flow, plot_waits, plot_ladder):
        ax = Figure().subplots()
        assert plot(small_results.rows, ax=ax) is ax
    pair = Figure().subplots(2)
    assert plot_waiting_list(small_results.over_time, axes=(pair[0], pair[1])) == (pair[0], pair[1])


def test_every_wait_has_its_number_however_wide_the_interval(small_results: Results) -> None:
    """A label beyond the end of the axis would not be drawn at all."""
    rows = [
        replace(row, upper_95_ci=row.value + 900) if row.group == "step=group" else row for row in small_results.rows
    ]
    ax = plot_waits(rows)
    steps = small_results.scenario.steps
    assert len(ax.texts) == 3 * (len(steps) + 2), (
        "median, mean and 90th percentile of each, and of two waits between contacts"
    )
    left, right = ax.get_xlim()
    assert all(left <= text.xy[0] <= right for text in ax.texts if isinstance(text, Annotation))
    figure = figure_of(ax)
    figure.draw_without_rendering()
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in ax.texts)


def test_the_ladder_shows_the_values_of_the_table(small_results: Results) -> None:
    ax = plot_ladder(small_results.rows)
    shown = [text.get_text() for text in ax.texts]
    row = small_results.find("full_remission", base="finished", at="end", service="service")
    assert f"{100 * row.value:.0f}%" in shown
    assert len(shown) == 12


def test_population_and_sweep_figures_show_their_tables(small: Scenario) -> None:
    ax = plot_population(population_report(get_scenario(), 3000))
    assert len(ax.get_yticklabels()) == 16 + 4 + 2 + 2, (
        "prevalences, counts, a union; age bands, sexes, long-term conditions"
    )
    sheet = draw_population(population_report(get_scenario("national_2024_25"), 3000))
    assert [panel.get_title() for panel in sheet.axes] == [
        "Who is referred: target against achieved", "Conditions that go together", "Questionnaires at referral"
    ]  # fmt: skip
    swept = sweep(small, {"population.prevalence.ptsd": (0.1, 0.3)}, "all_remission", replications=2)
    curve = plot_sweep(swept)
    assert curve.get_xlabel() == "prevalence: ptsd"
    assert len(curve.lines) == 3
    two = sweep(
        small, {"population.prevalence.ptsd": (0.1, 0.3), "pathway.declined": (0.0, 0.2)}, "recovery", replications=1
    )
    heat = plot_sweep(two)
    assert len(heat.texts) == 4
    assert (heat.get_xlabel(), heat.get_ylabel()) == ("pathway, declined", "prevalence: ptsd")
