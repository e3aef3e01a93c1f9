"""Where a service settles, drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from caseload_sim.figures import BLACK, VERMILION, plot_waiting_list
from caseload_sim.reported import OverTimeRow
from caseload_sim.settling import WarmUpRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS_PER_YEAR = 365.25


def plot_warm_up(
    rows: Sequence[WarmUpRow], over_time: Sequence[OverTimeRow], *, axes: "tuple[Axes, Axes] | None" = None
) -> "tuple[Axes, Axes]":
    """Waiting lists and use of places, with the last cut that the rule makes in each and the scenario's own warm-up."""
    top, bottom = plot_waiting_list(over_time, axes=axes)
    for ax, measure in ((top, "waiting_list"), (bottom, "utilisation")):
        days = [row.settled_day for row in rows if row.measure == measure and row.settled_day is not None]
        if days:
            ax.axvline(max(days) / DAYS_PER_YEAR, color=VERMILION, linestyle="--", label=f"MSER-5: day {max(days)}")
        own = next((row.own_warm_up_days for row in rows), 0)
        ax.axvline(own / DAYS_PER_YEAR, color=BLACK, linestyle=":", label=f"run.warm_up_days: {own}")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
        ax.legend(frameon=False, ncols=3, loc="upper left", fontsize=8)
    top.set_title("Warm-up by MSER-5, and the scenario's own")
    return top, bottom


def draw_warm_up(rows: Sequence[WarmUpRow], over_time: Sequence[OverTimeRow]) -> Figure:
    """The same on a figure of its own."""
    figure = plot_warm_up(rows, over_time)[0].get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure
