"""Functions compiled by numba. It is not on every platform, and takes a second to load, so it is used only where that pays."""

import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any

# What numba's cache on disk raises when it is damaged, full or not to be read: it is made of pickles and machine code.
CACHE_ERRORS = (
    OSError, EOFError, pickle.PickleError, ValueError, TypeError, LookupError, AttributeError, ImportError, OverflowError,
    MemoryError, RuntimeError,
)  # fmt: skip


@cache
def numba_is_there() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def numba_is_loaded() -> bool:
    """Whether this process has loaded numba already, so that using compiled code costs no time to load it."""
    return "numba" in sys.modules


class Compiled:
    """A function that numba compiles at its first call; later processes read the machine code from numba's cache on disk.

    If the cache is damaged or cannot be written, the function is compiled again. An error in the function itself is raised as
    usual: the function is never run a second time.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)

    @cached_property
    def dispatcher(self) -> Any:
        """The function as numba's object, which compiles it for the types of the arguments it is called with."""
        from numba import njit

        try:
            dispatcher: Any = njit(cache=True, nogil=True)(self.function)
        except RuntimeError:  # nowhere to keep a cache: neither beside the package nor in a home directory
            return njit(nogil=True)(self.function)
        dispatcher._cache = CacheThatMayFail(dispatcher._cache)
        return dispatcher


class CacheThatMayFail:
    """numba's cache of one function, which looks empty where it cannot be used, so that numba compiles the function.

    numba asks the cache before it runs the function. So an error that is caught here comes from the cache, never from the
    function.
    """

    def __init__(self, numbas: Any) -> None:
        self._numbas = numbas

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numbas, name)

    def load_overload(self, *asked: Any) -> Any:
        """The machine code for these types of arguments; None if the cache has none that can be used."""
        try:
            return self._numbas.load_overload(*asked)
        except CACHE_ERRORS:
            with suppress(*CACHE_ERRORS):
                self._numbas.flush()  # or nothing could be kept there from now on
            return None

    def save_overload(self, *made: Any) -> None:
        """Put machine code into the cache; do nothing where it cannot be written."""
        with suppress(*CACHE_ERRORS):
            self._numbas.save_overload(*made)
