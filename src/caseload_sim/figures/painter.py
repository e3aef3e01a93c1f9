"""Draws the figures of a run in a second process, which loads matplotlib while the first one still simulates.

This module itself imports neither matplotlib nor figures: it must load fast, to start that process early.
"""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from caseload_sim.errors import CaseloadError, RunError
from caseload_sim.experiments.workers import Workers
from caseload_sim.support.threads import threads_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from matplotlib.figure import Figure

    from caseload_sim.figures.gallery import FreshRun, Tables

DOTS_PER_INCH = 150
_COMPRESSION = 1  # of 9: seven tenths of the time that the usual 6 takes, for a tenth more bytes
_SECONDS_BETWEEN_LOOKS = 0.2  # Windows hears Ctrl-C only between two waits
_PARTS = (
    "rows",
    "over_time",
    "period",
    "people",
    "scenario",
    "cost_effects",
)  # of a run, which its figures are drawn from
_SOON_DRAWN = 3  # figures: the painter has drawn so many before this process has loaded matplotlib and drawn one


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """Why there is no image of a figure, in words. What was simulated is worth more than its figures, and is saved without."""

    why: str


Image = bytes | NotDrawn
Images = dict[str, Image]


def picture(draw: Callable[[], Figure], image_format: str = "png") -> Image:
    """The figure that a function draws, as a file of that format: png, svg or pdf. Raises nothing, whatever goes wrong.

    It is drawn with the settings that matplotlib is shipped with, whatever those of the user are.
    """
    try:
        from caseload_sim.figures.canvas import own_settings

        with own_settings():
            file = BytesIO()
            packing: dict[str, Any] = {"pil_kwargs": {"compress_level": _COMPRESSION}} if image_format == "png" else {}
            draw().savefig(file, format=image_format, dpi=DOTS_PER_INCH, **packing)
            return file.getvalue()
    except CaseloadError as error:
        return NotDrawn(str(error))
    except Exception as error:
        return NotDrawn(str(RunError(f"{type(error).__name__}: {error}")))


def image_of(run: Tables, name: str, image_format: str = "png") -> Image:
    """A figure by its name."""
    from caseload_sim.figures.gallery import FIGURES

    return picture(lambda: FIGURES[name].draw(run), image_format)


def image_of_saved(tables: Tables, name: str, image_format: str) -> Image:
    """A figure by its name, from tables that were read from files: not all that files can say is known before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy and matplotlib, of numbers that no run has
        return image_of(tables, name, image_format)


def images_of(run: FreshRun, names: Sequence[str]) -> Images:
    """Figures by name, as PNG."""
    return {name: image_of(run, name) for name in names}


class Painter:
    """Draws figures in a second process while this one goes on; in this one, if no processor is free.

    The second process begins to load matplotlib, a third of the time that figures take, as soon as the painter is made. When
    the images are asked for and many are not begun, this process helps: it draws from the last one backwards.
    """

    def __init__(self, *, worth_it: bool = True) -> None:
        """worth_it: whether there will be figures."""
        self._workers = Workers(1) if worth_it and threads_here() > 1 else None
        if self._workers:
            self._workers.submit(_get_ready)

    def begin(self, run: FreshRun, names: Sequence[str]) -> Callable[[], Images]:
        """Begin to draw, in this order. Returns a function that waits for the images and gives them by name."""
        if self._workers is None or not names:
            return partial(images_of, run, names)
        sent = {part: pickle.dumps(getattr(run, part)) for part in _PARTS}
        drawing = {name: self._workers.submit(_image_of_sent, sent, name) for name in names}

        def images() -> Images:
            begun = [future.running() or future.done() for future in drawing.values()]
            by_us = {}
            if begun.count(False) > _SOON_DRAWN:
                for name in reversed(names):
                    if not drawing[name].cancel():
                        break  # it was begun, and so were all before it
                    by_us[name] = image_of(run, name)
            return {name: by_us.get(name) or _await_image(drawing[name], run, name) for name in names}

        return images

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._workers:
            self._workers.stop()


def _await_image(drawing: Future[Image], run: FreshRun, name: str) -> Image:
    while not wait([drawing], _SECONDS_BETWEEN_LOOKS).done:
        pass
    try:
        return drawing.result()
    except Exception:  # no process is to be had, or it was lost
        return image_of(run, name)


class _SentRun:
    """A run of which a part is unpickled only when a figure asks for it. Few ask for the scenario, which takes long."""

    def __init__(self, parts: dict[str, bytes]) -> None:
        self._parts = parts

    def __getattr__(self, part: str) -> Any:
        return _part(self._parts[part])


@lru_cache(maxsize=len(_PARTS))
def _part(content: bytes) -> Any:
    """Unpickle a part of a run, once for all figures that need it."""
    return pickle.loads(content)


def _get_ready() -> None:
    """Draw an empty figure, so that matplotlib and its fonts are loaded before the first real one."""
    import caseload_sim.figures.gallery  # noqa: F401

    picture(_empty)


def _empty() -> Figure:
    from caseload_sim.figures.canvas import Figure

    figure = Figure(layout="constrained")
    figure.subplots()
    return figure


def _image_of_sent(parts: dict[str, bytes], name: str) -> Image:
    return image_of(cast("Tables", _SentRun(parts)), name)
