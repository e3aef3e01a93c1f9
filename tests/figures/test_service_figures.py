"""The picture of many services: a panel for each figure, a point for each service, the line on which the model is right."""

import numpy as np

from building import check_legible
from caseload_sim.figures.services import COLUMNS, draw_services
from caseload_sim.services.validated import ServiceFigure

WAITS = [(10.0, 12.0), (30.0, 25.0), (60.0, 61.0)]
FIGURES = [
    *(ServiceFigure("RWV", "Devon", "first_contact_days_mean", "fitted", *pair, 30.0, 30.0) for pair in WAITS),
    *(ServiceFigure("RWV", "Devon", "recovery", role, 0.5, 0.4, 0.5, 0.5) for role in ("check", "fitted")),
]


def test_each_figure_has_a_panel_with_a_point_for_each_service_and_the_line_of_equals() -> None:
    figure = draw_services(FIGURES)
    waits, recovery, *empty = figure.axes
    assert len(empty) == COLUMNS - 2
    assert not any(panel.axison for panel in empty)
    points, line = waits.lines
    assert np.column_stack([points.get_xdata(), points.get_ydata()]).tolist() == [list(pair) for pair in WAITS]
    assert np.asarray(line.get_xdata()).tolist() == np.asarray(line.get_ydata()).tolist() == [10.0, 61.0]
    assert len(recovery.lines) == 3, "a mark for those fitted to it, another for those not, and the line"
    assert recovery.lines[0].get_marker() != recovery.lines[1].get_marker()
    assert "Dots: fitted to that very figure; Triangles: not seen by the fit" in figure.heading.notes
    assert waits.get_title().replace("\n", " ") == "days from referral to first contact"
    check_legible(figure)


def test_a_picture_of_changes_says_so() -> None:
    waits, recovery, *_ = draw_services(FIGURES, "change").axes
    assert (waits.get_xlabel(), waits.get_ylabel()) == ("change published", "change in the model")
    assert (recovery.get_xlabel(), recovery.get_ylabel()) == ("change published", "")
