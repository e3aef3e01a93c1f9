"""Threads that work on several blocks of clients at once, and settings of the whole process: garbage collection, BLAS."""

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
    """Let Python look for garbage after 200,000 new objects, not after every 700, and never when the process ends.

    Only for commands and workers, whose process is our own. A program that imports this package keeps its own settings.
    """
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def each_in_order(function: Callable[[Item], Answer], items: Sequence[Item]) -> Generator[Answer, None, None]:
    """`map` by several threads, with the answers in the order of the items; without threads where only one may work.

    To save memory, it does not run ahead: with 4 threads, at most 5 answers are in memory at any time.
    """
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
def run_in_background(function: Callable[[], Answer], *, worth_it: bool) -> Iterator[Callable[[], Answer]]:
    """Call a function in a second thread while the block runs. The block is given a function that waits for the answer.

        with run_in_background(count_words, worth_it=True) as n_words:
            draw_pictures()
            print(n_words())

    Without a free thread, the function is called before the block begins.
    worth_it: whether the function takes much longer than starting a thread; if not, no thread is started
    """
    if not worth_it or threads_here() < 2:
        answer = function()
        yield lambda: answer
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function).result


def threads_here() -> int:
    """How many threads may work on a replication; 1 in a worker process or a thread, where replications run side by side already."""
    if multiprocessing.parent_process() is not None or threading.current_thread() is not threading.main_thread():
        return 1
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, MOST_THREADS)


class _OneThreadForProducts:
    """Keeps matrix products to one thread while at least one block asks for it; see `products_by_one_thread`.

    OpenBLAS, which makes the products, has one number of threads for the whole process. So the blocks that ask are counted:
    the first to begin sets the limit, and the last to end restores what was before, in whatever threads they run.
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
    """Within this block, a matrix product is made by the thread that asks for it alone.

    OpenBLAS would share it among as many threads as there are processors, which keep a processor busy even while they wait.
    On two processors, with two threads of our own or another busy program, a replication then took three times as long.
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
