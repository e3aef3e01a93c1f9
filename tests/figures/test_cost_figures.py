"""Pictures of cost-effectiveness: the points, the lines of what may be paid, and how often the service is worth its cost."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from building import check_legible
from caseload_sim.figures.costs import THRESHOLDS_GBP, acceptability, plot_acceptability, plot_cost_effectiveness
from caseload_sim.figures.style import sheet_of
from caseload_sim.measures.rows import CostEffectRow

# 10,000, 25,000 and 100,000 pounds a QALY; one that harms and costs; one that harms and saves 50,000 for each QALY lost.
POINTS = [(100.0, 0.01), (250.0, 0.01), (1000.0, 0.01), (50.0, -0.01), (-500.0, -0.01)]
TABLE = [CostEffectRow("x", k, "referred", 100, *point) for k, point in enumerate(POINTS)]


def test_acceptability_by_hand() -> None:
    """What saves more than its harm is worth is accepted while a QALY is worth less than 50,000."""
    shares = acceptability(TABLE, np.array([0.0, 20_000.0, 30_000.0, 60_000.0, 150_000.0]))
    assert shares.tolist() == [0.2, 0.4, 0.6, 0.4, 0.6]


def test_the_plane_has_every_point_and_a_line_for_each_threshold() -> None:
    ax = plot_cost_effectiveness(TABLE)
    points, mean, *lines = ax.lines
    assert np.column_stack([points.get_ydata(), points.get_xdata()]).tolist() == [list(point) for point in POINTS]
    assert np.ravel([mean.get_ydata(), mean.get_xdata()]).tolist() == pytest.approx([180.0, 0.002])
    slopes = [np.ptp(line.get_ydata()) / np.ptp(line.get_xdata()) for line in lines[: len(THRESHOLDS_GBP)]]
    assert slopes == pytest.approx([20_000, 30_000])
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert all(left < x < right and bottom < y < top for y, x in POINTS)
    check_legible(sheet_of(ax))


def test_the_curve_says_its_share_at_each_threshold() -> None:
    ax = plot_acceptability(TABLE)
    assert [text.get_text() for text in ax.texts] == ["20,000 a QALY (NICE): 40%", "30,000 a QALY (NICE): 60%"]
    assert (
        sheet_of(ax).heading.title == "At 20,000 pounds a QALY the service is worth its cost in 2 of 5 simulated years"
    )
    check_legible(sheet_of(ax))


@pytest.mark.parametrize("plot", [plot_cost_effectiveness, plot_acceptability])
def test_they_draw_on_the_axes_they_are_given_and_of_the_base_that_is_asked_for(plot: object) -> None:
    assert callable(plot)
    ax = Figure().subplots()
    others = [CostEffectRow("x", 0, "finished", 50, 900.0, 0.02)]
    assert plot([*TABLE, *others], base="finished", ax=ax) is ax
    assert "Finished a course" in ax.get_xlabel()
