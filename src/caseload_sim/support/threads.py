"""Threads, and what else is a setting of the whole process: blocks of clients worked on at once, BLAS, garbage collection."""

import atexit
import gc
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import islice
from typing import Any, TypeVar

NEW_OBJECTS = 200_000  # more than all that a run loads
MOST_THREADS = 4  # Python's lock leaves little for more of them to do
SWITCH_SECONDS = (
    0.0005  # how long a thread that is ready may wait for Python's lock: steps on a block take less than this
)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def collect_seldom() -> None:
    """Look for garbage after so many new objects, not after each 700; and not at the end, when everything is given back.

    For processes that are our own: Python programs that use this package keep the collector as they have it.
    """
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def each_in_order(function: Callable[[Item], Answer], items: Sequence[Item]) -> Generator[Answer, None, None]:
    """`map`, by several threads where processors are free; no more answers are held than there are threads, and one."""
    n_threads = min(threads_here(), len(items))
    if n_threads < 2:
        yield from map(function, items)
        return
    waiting = iter(items)
    with _quick_switching(), ThreadPoolExecutor(n_threads) as pool:
        begun: deque[Future[Answer]] = deque(pool.submit(function, one) for one in islice(waiting, n_threads))
        try:
            while begun:
                answer = begun.popleft().result()
                begun.extend(pool.submit(function, one) for one in islice(waiting, 1))
                yield answer
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def meanwhile(function: Callable[[], Answer], *, worth_it: bool) -> Iterator[Callable[[], Answer]]:
    """Something is done beside what is in the block: call what it gives for the answer. At once, if there is no thread free.

    worth_it: whether it takes much longer than starting a thread
    """
    if not worth_it or threads_here() < 2:
        answer = function()
        yield lambda: answer
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function).result


def threads_here() -> int:
    """How many threads may work on a replication: one where replications run side by side already."""
    if multiprocessing.parent_process() is not None or threading.current_thread() is not threading.main_thread():
        return 1
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MOST_THREADS)


class _OneThreadForProducts:
    """Limits the threads of matrix products while anybody asks for it; see `products_by_one_thread`.

    How many threads OpenBLAS takes is a setting of the whole process. So who asks for the limit is counted for the whole
    process too: the first sets it, and only the last, in whatever thread, gives back what was before.
    """

    def __init__(self) -> None:
        self._counting, self._n_users, self._limit = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._counting:
            if self._n_users == 0:
                self._limit.enter_context(_blas().limit(limits=1, user_api="blas"))
            self._n_users += 1

    def __exit__(self, *_: object) -> None:
        with self._counting:
            self._n_users -= 1
            if self._n_users == 0:
                self._limit.close()


_one_thread_for_products = _OneThreadForProducts()


@contextmanager
def products_by_one_thread() -> Iterator[None]:
    """Matrix products are the work of whoever asks for them, of no helpers, until the last who asks for this is done.

    OpenBLAS keeps as many helpers as there are processors, who wait by spinning: with two threads, or a neighbour, on two
    processors a replication took three times as long.
    """
    with _one_thread_for_products:
        yield


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def _quick_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
