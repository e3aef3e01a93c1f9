"""Many tasks at once: any executor, a bounded number in flight, and processes that can be lost, replaced and stopped."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, TypeVar

from caseload_sim.errors import RunError

MOST_WORKERS = 61 if sys.platform == "win32" else 1024  # Windows cannot wait for more
IN_FLIGHT = 32  # with an executor that does not say how many work for it
TRIES = 2
_SECONDS_BETWEEN_LOOKS = 0.2  # Windows hears Ctrl-C only between two waits
Key = TypeVar("Key")
Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Workers(Executor):
    """Processes to simulate in, each started fresh, as Windows and macOS do everywhere.

    They leave Ctrl-C to the program that started them, and end at once when it stops them or is gone: each holds one end
    of a pipe whose other end closes then. Tasks and answers must be picklable; in a script, use it under
    `if __name__ == "__main__":`.
    """

    def __init__(self, n_workers: int) -> None:
        """Raises RunError for no workers or too many."""
        if not 1 <= n_workers <= MOST_WORKERS:
            raise RunError(f"{n_workers} workers: there may be 1 to {MOST_WORKERS}.")
        self.n_workers = n_workers
        with _started():
            self._their_end, self._our_end = multiprocessing.get_context("spawn").Pipe(duplex=False)
            self._pool = self._new_pool()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`; BrokenExecutor after a worker was lost, until `renew`."""
        with _started(), _no_interrupt():
            return self._pool.submit(call, *args, **kwargs)

    def renew(self) -> None:
        """New processes, after one was lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()

    def stop(self) -> None:
        """End all processes at once, whatever they do."""
        self._our_end.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._their_end.close()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            self._our_end.close()
            self._their_end.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.stop()

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.n_workers, context, initializer=_begin, initargs=(self._their_end,))


def _begin(pipe: Connection) -> None:
    """What each worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()


def _end_with(pipe: Connection) -> None:
    """End this process when the other end of the pipe closes: nothing is ever sent."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)


@contextmanager
def _started() -> Iterator[None]:
    """What the system says when it starts no processes, in words."""
    try:
        yield
    except (OSError, ImportError, NotImplementedError) as error:
        raise RunError(f"no worker processes can be started here ({error}). Use --jobs 1.") from None


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back for as long as processes are started, so that they start deaf to it; it arrives afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def answers(
    call: Callable[[Task], Answer], tasks: Iterable[tuple[Key, Task]], executor: Executor | None = None
) -> Generator[tuple[Key, Answer], None, None]:
    """Each task's key and answer, as they come: in order without an executor, in any order with one.

    call: picklable if the executor needs it; tasks are taken only as there is room for them
    A task whose worker is lost is given to new `Workers` once more. Closing the iterator cancels what has not begun, and
    leaving by an error does too.

    Raises RunError when workers are lost again, or lost from an executor that cannot be renewed; and whatever `call` does.
    """
    if executor is None:
        for key, task in tasks:
            yield key, call(task)
        return
    at_once = executor.n_workers + 1 if isinstance(executor, Workers) else IN_FLIGHT
    following = ((*pair, 1) for pair in tasks)
    running: dict[Future[Answer], tuple[Key, Task, int]] = {}
    again: list[tuple[Key, Task, int]] = []
    broken = False
    try:
        while True:
            while not broken and len(running) < at_once:
                one = again.pop() if again else next(following, None)
                if one is None:
                    break
                try:
                    running[executor.submit(call, one[1])] = one
                except BrokenExecutor:  # this task has not run, so it is under no suspicion
                    again.append(one)
                    broken = True
            if broken and not running:  # a broken pool soon fails all that it holds
                _renew(executor)
                broken = False
                continue
            if not running:
                return
            for future in wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                key, task, n_tries = running.pop(future)
                try:
                    answer = future.result()
                except BrokenExecutor:
                    broken = True
                    again.append((key, task, _next_try(n_tries)))
                    continue
                yield key, answer
    finally:
        for future in running:
            future.cancel()


def _renew(executor: Executor) -> None:
    if not isinstance(executor, Workers):
        raise RunError("a worker was lost, and this executor starts no other. Use caseload_sim.Workers.")
    executor.renew()


def _next_try(n_tries: int) -> int:
    if n_tries >= TRIES:
        raise RunError(
            f"a worker process was lost {n_tries} times on the same task: the system may be short of memory. Use fewer "
            "--jobs, or fewer referrals a year."
        )
    return n_tries + 1
