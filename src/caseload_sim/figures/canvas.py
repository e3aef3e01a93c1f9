"""matplotlib, so loaded and so used that neither the environment, nor a user's settings, nor a name can spoil a figure.

All modules of this package get matplotlib from here.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from caseload_sim.figures.sizes import SCREEN, USUAL_DPI, Width

Asked = ParamSpec("Asked")
Drawn = TypeVar("Drawn")


def _load() -> None:
    """Import matplotlib, although MPLBACKEND or a settings file may name or hold what it cannot take.

    A Jupyter kernel sets MPLBACKEND for every program that is started in it, also for those that have no such backend, and
    matplotlib then cannot be imported. No figure here needs a backend or settings: those of the user are read afterwards,
    as far as they can be, for the user's own figures in the same process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _as_shipped():
            import matplotlib
        with suppress(Exception):
            matplotlib.rcParams.update(matplotlib.rc_params())
        if backend := os.environ.get("MPLBACKEND"):
            with suppress(Exception):
                matplotlib.rcParams["backend"] = backend


@contextmanager
def _as_shipped() -> Iterator[None]:
    """Let matplotlib overlook the environment, and all files of settings but its own: it looks for them by `os.path.exists`."""
    there = os.path.exists
    set_before = {name: os.environ.pop(name) for name in ("MPLBACKEND", "MATPLOTLIBRC") if name in os.environ}

    def overlooking(path: Any) -> bool:
        return there(path) and (Path(path).name != "matplotlibrc" or Path(path).parent.name == "mpl-data")

    os.path.exists = overlooking
    try:
        yield
    finally:
        os.path.exists = there
        os.environ.update(set_before)


_load()

import matplotlib  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvasAgg  # noqa: E402
from matplotlib.figure import Figure as Figure  # noqa: E402
from matplotlib.font_manager import FontProperties as FontProperties  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from matplotlib.ticker import NullFormatter as NullFormatter  # noqa: E402
from matplotlib.ticker import NullLocator as NullLocator  # noqa: E402

_LITERAL: Any = {"text.parse_math": False, "text.usetex": False}
# Letters of PDF as TrueType, which journals ask for; those of SVG as text; ids of SVG the same each time.
_FILES: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "caseload-sim"}
_SCALED = (
    "lines.linewidth", "lines.markersize", "lines.markeredgewidth", "axes.linewidth", "axes.labelpad", "xtick.major.size",
    "ytick.major.size", "xtick.major.width", "ytick.major.width", "xtick.major.pad", "ytick.major.pad", "hatch.linewidth",
)  # fmt: skip
_WIDTH: ContextVar[Width | None] = ContextVar("width of what is drawn", default=None)


class Sheet(Figure):
    """A figure of ours. It is saved as it was drawn, whatever the settings of whoever saves it.

    width: for which it was drawn; heading: its title, and all that stands under the title and at the foot (`frame.Heading`)
    axes_inches: how high it is without its heading; words: the texts of that
    """

    width: Width = SCREEN
    heading: Any = None
    axes_inches: float | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.words: list[Text] = []

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """As every figure's, with our fonts: TrueType in PDF, text in SVG."""
        with own_settings(self.width):
            super().savefig(*args, **kwargs)

    def get_tightbbox(self, *_args: Any, **_kwargs: Any) -> Any:
        """The whole sheet, so that `bbox_inches="tight"`, which notebooks ask for, cuts no heading off."""
        return self.bbox_inches

    def _repr_png_(self) -> bytes:
        """What a notebook shows, whatever its backend."""
        file = BytesIO()
        self.savefig(file, format="png", dpi=USUAL_DPI)
        return file.getvalue()


def new_sheet(height: float) -> Sheet:
    """An empty sheet of the width that is drawn for, and so many inches high, of which its heading takes none."""
    width = _WIDTH.get() or SCREEN
    sheet = Sheet(figsize=(width.inches, height), layout="constrained")
    sheet.width = width
    return sheet


def is_drawing() -> bool:
    """Whether our own settings are in force, as within `own_settings`."""
    return _WIDTH.get() is not None


def points() -> float:
    """The size of letters where something is drawn now."""
    return float(matplotlib.rcParams["font.size"])


@contextmanager
def own_settings(width: Width = SCREEN) -> Iterator[None]:
    """In this block matplotlib has the settings it is shipped with, for letters of this size, and warns of nothing.

    Whatever the user's settings and backend are, they are neither read nor changed.
    """
    shipped: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name}
    scale = width.points / SCREEN.points
    sized: Any = {name: scale * shipped[name] for name in _SCALED} | {"font.size": width.points}
    before = _WIDTH.set(width)
    try:
        with warnings.catch_warnings(), matplotlib.rc_context({**shipped, **sized, **_LITERAL, **_FILES}):
            warnings.simplefilter("ignore")
            yield
    finally:
        _WIDTH.reset(before)


def literal(plot: Callable[Asked, Drawn]) -> Callable[Asked, Drawn]:
    """Let nothing that a function writes on Axes be taken for mathematics: a name with a dollar is shown as it is.

    The function returns the Axes, or several. Where it is given none, it draws on a sheet of its own with our settings; on
    those that it is given, with the user's.
    """

    @wraps(plot)
    def plotted(*args: Asked.args, **kwargs: Asked.kwargs) -> Drawn:
        given = kwargs.get("ax") is not None or kwargs.get("axes") is not None
        ours = given or is_drawing()
        with matplotlib.rc_context(_LITERAL) if ours else own_settings():
            drawn: Any = plot(*args, **kwargs)
            for ax in drawn if isinstance(drawn, tuple) else (drawn,):
                for text in ax.findobj(Text):  # axes that the user made have texts already
                    text.set_parse_math(False)
                    text.set_usetex(False)
        return drawn  # type: ignore[no-any-return]

    return plotted


def on_our_sheet(draw: Callable[Asked, Sheet]) -> Callable[Asked, Sheet]:
    """Let a function that draws a whole sheet do so with our settings, and with every word taken as it is."""

    @wraps(draw)
    def drawn(*args: Asked.args, **kwargs: Asked.kwargs) -> Sheet:
        with nullcontext() if is_drawing() else own_settings():
            return draw(*args, **kwargs)

    return drawn
