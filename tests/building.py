"""Courses and capacity built by hand for engine tests, and what every picture must be."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from caseload_sim.engines import kernel, reference
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import FINISHED, NEVER, NO_CLIENT, NO_STEP, NOT_YET, Capacity, Courses, Plans, plans_of
from caseload_sim.figures.canvas import Sheet, own_settings

Row = tuple[int, int, int, int, int, int]


def courses(joins: Sequence[int], *, days: Any = 1, steps: int = 1, **columns: Any) -> Courses:
    """Clients who join on these days and take `days` at each step; any column may be given instead of its default."""
    n = len(joins)

    def table(value: Any, dtype: type) -> Any:
        array: Any = np.asarray(value, dtype=dtype)
        if array.ndim == 1:
            array = array[:, None]
        return np.broadcast_to(array, (n, steps)).copy()

    def column(value: Any, dtype: type) -> Any:
        return np.broadcast_to(np.asarray(value, dtype=dtype), (n,)).copy()

    return Courses(
        joins_day=column(joins, np.int32),
        first_step=column(columns.get("first_step", 0), np.int8),
        course_days=table(days, np.int32),
        patience_days=table(columns.get("patience", NEVER), np.int32),
        priority=table(columns.get("priority", 0), np.int32),
        ending=table(columns.get("ending", FINISHED), np.int8),
        inside_from=table(columns.get("inside_from", 0), np.int32),
        well_after=table(columns.get("well_after", NEVER), np.int32),
        next_inside=table(columns.get("next_inside", NO_STEP), np.int8),
        next_outside=table(columns.get("next_outside", NO_STEP), np.int8),
        started_day=column(columns.get("started", NOT_YET), np.int32),
        returns_as=column(columns.get("returns_as", NO_CLIENT), np.int32),
        return_after_days=column(columns.get("return_after", 1), np.int32),
    )


def plans(joins: Sequence[int], *, days: Any = 1, steps: int = 1, **columns: Any) -> Plans:
    """The same as engines read them."""
    return plans_of(courses(joins, days=days, steps=steps, **columns))


def capacity(places: Any, horizon: int) -> Capacity:
    """Places by day: one number for each step, or one row for each day."""
    table = np.asarray(places, dtype=np.int32)
    if table.ndim <= 1:
        table = np.broadcast_to(np.atleast_1d(table), (horizon, np.atleast_1d(table).size)).copy()
    return Capacity(places=table, steps=tuple(f"step_{s}" for s in range(table.shape[1])))


def rows(episodes: Episodes) -> list[Row]:
    """(client, step, joined, started, ended, ending) of each stay."""
    columns = (
        episodes.client,
        episodes.step,
        episodes.joined_day,
        episodes.started_day,
        episodes.ended_day,
        episodes.ending,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


class Checked(list[Any]):
    """A list that refuses what NumPy and compiled code would let pass: negative indices."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int):
            assert 0 <= index < len(self), f"index {index} of {len(self)}"
        return list.__getitem__(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        assert 0 <= index < len(self), f"index {index} of {len(self)}"
        list.__setitem__(self, index, value)


THE_LOOP: Callable[..., int] = kernel.pass_the_days  # as it is, whatever a test puts in its place


def with_bounds_checked(*arguments: Any) -> int:
    """The kernel's loop on checked lists; what it writes is copied back."""
    checked = [tuple(map(Checked, a)) if isinstance(a, tuple) else a for a in arguments]
    n_rows = THE_LOOP(*checked)
    for ours, theirs in zip(arguments, checked, strict=True):
        if isinstance(ours, tuple):
            for column, written in zip(ours, theirs, strict=True):
                column[:] = list(written)
    return n_rows


# Every engine in every way in which it can run.
ENGINES: dict[str, Callable[..., Episodes]] = {
    "reference": reference.run,
    "kernel compiled": partial(kernel.run, compiled=True),
    "kernel interpreted, bounds checked": partial(kernel.run, compiled=False, loop=with_bounds_checked),
}


def check_legible(figure: Figure) -> None:
    """Assert that a picture has a title and labelled axes, says how it was made, and that no text runs out of it."""
    canvas: Any = FigureCanvasAgg(figure)
    axes, words = figure.axes, []
    if isinstance(figure, Sheet):
        assert figure.heading.title
        assert "caseload-sim" in figure.heading.made.foot
        assert "hin bar" in figure.heading.notes or "chance" in figure.heading.notes, "or a word why there are none"
        words = figure.words
        with own_settings(figure.width):
            canvas.draw()
    else:
        assert axes[0].get_title()
        canvas.draw()
    assert all(ax.get_ylabel() or ax.get_yticklabels() for ax in axes)
    assert any(ax.get_xlabel() for ax in axes)
    width, height = canvas.get_width_height()
    renderer = canvas.get_renderer()
    for ax in axes:
        low, high = sorted(ax.get_ylim())
        ticks = [text for text in ax.get_yticklabels() if low <= text.get_position()[1] <= high]
        for text in [ax.xaxis.label, ax.yaxis.label, *ticks, *ax.texts, *words]:
            if text.get_text() and text.get_visible():
                box = text.get_window_extent(renderer)
                assert box.x0 >= -2, text
                assert box.x1 <= width + 2, text
                assert box.y0 >= -2, text
                assert box.y1 <= height + 2, text
