"""The figures of a run, drawn in a process of their own, which loads what it needs while the run simulates.

Nothing is loaded with this module but what starting that process needs.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from functools import partial
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from caseload_sim.errors import RunError
from caseload_sim.threads import threads_here
from caseload_sim.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from matplotlib.figure import Figure

    from caseload_sim.gallery import FreshRun
    from caseload_sim.people import People
    from caseload_sim.scenario import Scenario

    Images = dict[str, bytes]
    Columns = tuple[tuple[Any, ...], ...]

DOTS_PER_INCH = 150
_COMPRESSION = 1  # of 9: seven tenths of the time that the usual 6 takes, for a tenth more bytes
_SECONDS_BETWEEN_LOOKS = 0.2  # Windows hears Ctrl-C only between two waits


def as_png(figure: Figure) -> bytes:
    """A figure as an image, drawn once; `Figure.savefig` draws twice, to crop what may stand out, and nothing does here."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    file = BytesIO()
    figure.dpi = DOTS_PER_INCH
    FigureCanvasAgg(figure).print_png(file, pil_kwargs={"compress_level": _COMPRESSION})  # type: ignore[no-untyped-call]
    return file.getvalue()


def images_of(run: FreshRun, names: Sequence[str]) -> Images:
    """Figures by name as PNG."""
    from caseload_sim.gallery import FIGURES

    return {name: as_png(FIGURES[name].draw(run)) for name in names}


class Painter:
    """Draws figures of runs while this process goes on, where a processor is free for that; otherwise here.

    A quarter of the time that figures take is loading matplotlib, which begins as soon as there is a painter.
    """

    def __init__(self, *, worth_it: bool = True) -> None:
        """worth_it: whether there will be figures."""
        self._workers = Workers(1) if worth_it and threads_here() > 1 else None
        if self._workers:
            self._workers.submit(_get_ready)

    def begin(self, run: FreshRun, names: Sequence[str]) -> Callable[[], Images]:
        """Begin to draw: call what it gives for the images, see `images_of`."""
        if self._workers is None or not names:
            return partial(images_of, run, names)
        from caseload_sim.experiment import OverTimeRow, Row

        tables = (_columns(run.rows, Row), _columns(run.over_time, OverTimeRow))
        drawing: Future[Images] = self._workers.submit(_images_of_sent, run.scenario, *tables, run.people, names)

        def images() -> Images:
            while not wait([drawing], _SECONDS_BETWEEN_LOOKS).done:
                pass
            try:
                return drawing.result()
            except RunError:  # no process is to be had, or it was lost
                return images_of(run, names)

        return images

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._workers:
            self._workers.stop()


def _columns(rows: Sequence[Any], kind: type[Any]) -> Columns:
    """Rows as columns, which are pickled and read in a tenth of the time."""
    from dataclasses import fields

    take = attrgetter(*(field.name for field in fields(kind)))
    return tuple(zip(*map(take, rows), strict=True))


# --- in the painter's process --------------------------------------------------------------------------------


def _get_ready() -> None:
    """Load what drawing needs, fonts among it."""
    from matplotlib.figure import Figure

    import caseload_sim.experiment
    import caseload_sim.figures  # noqa: F401

    figure = Figure(layout="constrained")
    figure.subplots()
    as_png(figure)


def _images_of_sent(
    scenario: Scenario, rows: Columns, over_time: Columns, people: People, names: Sequence[str]
) -> Images:
    from caseload_sim.experiment import OverTimeRow, Row
    from caseload_sim.gallery import FreshRun

    table = [Row(*row) for row in zip(*rows, strict=True)]
    days = [OverTimeRow(*row) for row in zip(*over_time, strict=True)]
    return images_of(FreshRun(scenario, table, days, people), names)
