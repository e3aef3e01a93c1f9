"""Loops compiled by numba where it is there and has been loaded, or is worth loading: it is not on every platform."""

import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any


@cache
def numba_is_there() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None


def numba_is_loaded() -> bool:
    """Whether this process has loaded numba already, so that what is compiled costs nothing more."""
    return "numba" in sys.modules


class Compiled:
    """A function compiled by numba at its first call, from numba's cache on disk after the first time.

    It works whatever has become of the cache: there may be nowhere to keep one, and it may be damaged or on a disk that is
    full. What numba raises then is of many kinds, and comes before the function has begun.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._ready: dict[bool, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        try:
            return (self._ready.get(True) or self.dispatcher(cached=True))(*arguments)
        except Exception:
            return self.dispatcher(cached=False)(*arguments)

    def dispatcher(self, *, cached: bool) -> Any:
        """The function as numba has it."""
        if cached not in self._ready:
            from numba import njit

            try:
                self._ready[cached] = njit(cache=cached, nogil=True)(self.function)
            except RuntimeError:  # nowhere to keep a cache: neither beside the package nor in a home directory
                self._ready[cached] = njit(nogil=True)(self.function)
        return self._ready[cached]
