"""matplotlib, so loaded and so used that neither the environment, nor a user's settings, nor a name can spoil a figure.

All modules of this package get matplotlib from here.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

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
from matplotlib.figure import Figure as Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from matplotlib.ticker import NullFormatter as NullFormatter  # noqa: E402
from matplotlib.ticker import NullLocator as NullLocator  # noqa: E402

_LITERAL: Any = {"text.parse_math": False, "text.usetex": False}


@contextmanager
def own_settings() -> Iterator[None]:
    """In this block matplotlib has the settings it is shipped with, whatever the user's are, and warns of nothing."""
    shipped: Any = {name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name}
    with warnings.catch_warnings(), matplotlib.rc_context({**shipped, **_LITERAL}):
        warnings.simplefilter("ignore")
        yield


def literal(plot: Callable[Asked, Drawn]) -> Callable[Asked, Drawn]:
    """Let nothing that a function writes on Axes be taken for mathematics: a name with a dollar is shown as it is.

    The function returns the Axes, or several.
    """

    @wraps(plot)
    def plotted(*args: Asked.args, **kwargs: Asked.kwargs) -> Drawn:
        with matplotlib.rc_context(_LITERAL):
            drawn: Any = plot(*args, **kwargs)
            for ax in drawn if isinstance(drawn, tuple) else (drawn,):
                for text in ax.findobj(Text):  # axes that the user made have texts already
                    text.set_parse_math(False)
                    text.set_usetex(False)
        return drawn  # type: ignore[no-any-return]

    return plotted
