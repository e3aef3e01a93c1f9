"""Python's garbage collector, asked seldom: what this program loads stays, and a replication leaves nothing behind."""

import atexit
import gc

NEW_OBJECTS = 200_000  # more than all that a run loads


def collect_seldom() -> None:
    """Look for garbage after so many new objects, not after each 700; and not at the end, when everything is given back.

    For processes that are our own: Python programs that use this package keep the collector as they have it.
    """
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
