"""Draws the figures of a run in a second process, which loads matplotlib while the first one still simulates.

This module itself imports neither matplotlib nor figures: it must load fast, to start that process early.
"""

from __future__ import annotations

import pickle
import warnings
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from caseload_sim.errors import CaseloadError, RunError
from caseload_sim.experiments.workers import Workers
from caseload_sim.figures.sizes import USUAL, Look
from caseload_sim.support.threads import threads_here

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from caseload_sim.figures.canvas import Sheet
    from caseload_sim.figures.gallery import FreshRun
    from caseload_sim.figures.made import Made

_SECONDS_BETWEEN_LOOKS = 0.2  # Windows hears Ctrl-C only between two waits
_PARTS = (
    "rows",
    "over_time",
    "period",
    "people",
    "scenario",
    "cost_effects",
    "made",
)  # of a run, which its figures are drawn from
_SOON_DRAWN = 3  # figures: the painter has drawn so many before this process has loaded matplotlib and drawn one


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """Why there is no image of a figure, in words. What was simulated is worth more than its figures, and is saved without."""

    why: str


Image = bytes | NotDrawn
Images = dict[str, Image]  # by the name of its file


def picture(draw: Callable[[], Sheet], look: Look = USUAL, about: str = "") -> Image:
    """The figure that a function draws, as a file. Raises nothing, whatever goes wrong.

    It is drawn with the settings that matplotlib is shipped with, whatever those of the user are, and holds no date: the same
    tables make the same bytes.
    about: what it shows, for whoever cannot see it
    """
    try:
        from caseload_sim.figures.canvas import own_settings
        from caseload_sim.figures.frame import saved

        with own_settings(look.width):
            return saved(draw(), look, about)
    except CaseloadError as error:
        return NotDrawn(str(error))
    except Exception as error:
        return NotDrawn(str(RunError(f"{type(error).__name__}: {error}")))


def image_of(run: Any, name: str, look: Look = USUAL, made: Made | None = None) -> Image:
    """A figure by its name. run: its tables, as `gallery.Tables` or `gallery.TablesOfACommand`; made: how, if they do not say it"""
    from caseload_sim.figures.gallery import FIGURES, drawn

    return picture(lambda: drawn(name, run, made), look, FIGURES[name].description if name in FIGURES else "")


def image_of_saved(tables: Any, name: str, look: Look, made: Made | None = None) -> Image:
    """A figure by its name, from tables that were read from files: not all that files can say is known before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy and matplotlib, of numbers that no run has
        return image_of(tables, name, look, made)


def images_of(run: FreshRun, names: Sequence[str], looks: Sequence[Look] = (USUAL,)) -> Images:
    """Figures by the names of their files, each in every look."""
    return {look.file_of(name): image_of(run, name, look) for name in names for look in looks}


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

    def begin(self, run: FreshRun, names: Sequence[str], looks: Sequence[Look] = (USUAL,)) -> Callable[[], Images]:
        """Begin to draw, in this order. Returns a function that waits for the images and gives them by the names of their files."""
        if self._workers is None or not names:
            return partial(images_of, run, names, looks)
        sent = {part: pickle.dumps(getattr(run, part)) for part in _PARTS}
        asked = {look.file_of(name): (name, look) for name in names for look in looks}
        drawing = {file: self._workers.submit(_image_of_sent, sent, *one) for file, one in asked.items()}

        def images() -> Images:
            begun = [future.running() or future.done() for future in drawing.values()]
            by_us = {}
            if begun.count(False) > _SOON_DRAWN:
                for file in reversed(asked):
                    if not drawing[file].cancel():
                        break  # it was begun, and so were all before it
                    by_us[file] = image_of(run, *asked[file])
            return {file: by_us.get(file) or _await_image(drawing[file], run, *one) for file, one in asked.items()}

        return images

    def __enter__(self) -> Painter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._workers:
            self._workers.stop()


def _await_image(drawing: Future[Image], run: FreshRun, name: str, look: Look) -> Image:
    while not wait([drawing], _SECONDS_BETWEEN_LOOKS).done:
        pass
    try:
        return drawing.result()
    except Exception:  # no process is to be had, or it was lost
        return image_of(run, name, look)


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


def _empty() -> Sheet:
    from caseload_sim.figures.canvas import new_sheet

    sheet = new_sheet(1.0)
    sheet.subplots()
    return sheet


def _image_of_sent(parts: dict[str, bytes], name: str, look: Look) -> Image:
    return image_of(_SentRun(parts), name, look)
