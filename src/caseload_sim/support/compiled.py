"""Loops compiled by numba where it is there and has been loaded, or is worth loading: it is not on every platform."""

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
    """Whether this process has loaded numba already, so that what is compiled costs nothing more."""
    return "numba" in sys.modules


class Compiled:
    """A function compiled by numba at its first call, from numba's cache on disk after the first time.

    It works whatever has become of the cache. What the function itself raises comes through: it is never run twice.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)

    @cached_property
    def dispatcher(self) -> Any:
        """The function as numba has it."""
        from numba import njit

        try:
            dispatcher: Any = njit(cache=True, nogil=True)(self.function)
        except RuntimeError:  # nowhere to keep a cache: neither beside the package nor in a home directory
            return njit(nogil=True)(self.function)
        dispatcher._cache = CacheThatMayFail(dispatcher._cache)
        return dispatcher


class CacheThatMayFail:
    """numba's cache of a function, as if it were empty where it cannot be used: the function is then compiled.

    numba asks it before it runs anything, so that an error here says nothing about what is run.
    """

    def __init__(self, numbas: Any) -> None:
        self._numbas = numbas

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numbas, name)

    def load_overload(self, *asked: Any) -> Any:
        """What was compiled for these types of arguments; None if there is nothing that can be used."""
        try:
            return self._numbas.load_overload(*asked)
        except CACHE_ERRORS:
            with suppress(*CACHE_ERRORS):
                self._numbas.flush()  # or nothing could be kept there from now on
            return None

    def save_overload(self, *made: Any) -> None:
        """Keep what was compiled, if that can be."""
        with suppress(*CACHE_ERRORS):
            self._numbas.save_overload(*made)
