"""Many tasks at once: any executor, a bounded number in flight, and processes that can be lost, replaced and stopped."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, TypeVar

from caseload_sim.errors import RunError
from caseload_sim.support.threads import collect_seldom

MOST_WORKERS = 1024
IN_FLIGHT = 32  # with an executor that does not say how many work for it
TRIES = 2
_SECONDS_BETWEEN_LOOKS = 0.2  # Windows hears Ctrl-C only between two waits
_SECONDS_TO_END = 10.0
Key = TypeVar("Key")
Task = TypeVar("Task")
Answer = TypeVar("Answer")


def answers(
    call: Callable[[Task], Answer], tasks: Iterable[tuple[Key, Task]], executor: Executor | None = None
) -> Generator[tuple[Key, Answer], None, None]:
    """Each task's key and answer, as they come: in order without an executor, in any order with one.

    call: picklable if the executor needs it; tasks are taken only as there is room for them
    Closing the iterator, or leaving it by an error, cancels what has not begun.

    Raises RunError when a worker is lost for good; and whatever `call` does.
    """
    if executor is None:
        for key, task in tasks:
            yield key, call(task)
        return
    at_once = executor.in_flight if isinstance(executor, Team) else IN_FLIGHT
    following = iter(tasks)
    running: dict[Future[Answer], Key] = {}
    try:
        while True:
            while len(running) < at_once and (pair := next(following, None)) is not None:
                running[executor.submit(call, pair[1])] = pair[0]
            if not running:
                return
            for future in wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done:
                key = running.pop(future)
                yield key, future.result()
    except BrokenExecutor:
        raise RunError("a worker was lost, and this executor starts no other. Use caseload_sim.Workers.") from None
    finally:
        for future in running:
            future.cancel()


@dataclass(frozen=True, slots=True)
class _Order:
    """A task to be done: pickled, with the future that waits for its answer."""

    content: bytes
    future: Future[Any]


class Team(Executor):
    """An executor that says how many work for it, and how many tasks it should have at once."""

    n_workers: int
    in_flight: int


class Workers(Team):
    """Processes to simulate in, each started fresh, as Windows and macOS do everywhere.

    They leave Ctrl-C to the program that started them, and end at once when it stops them or is gone: each holds one end
    of a pipe whose other end closes then. A worker that is lost is replaced, and its task done once more. Tasks and answers
    must be picklable; in a script, use it under `if __name__ == "__main__":`.

    Each worker has a pipe of its own for tasks and answers: with one for all, as in ProcessPoolExecutor, a worker killed in
    the middle of an answer leaves the others' answers unread for ever.
    """

    def __init__(self, n_workers: int) -> None:
        """Raises RunError for no workers or too many."""
        if not 1 <= n_workers <= MOST_WORKERS:
            raise RunError(f"{n_workers} workers: there may be 1 to {MOST_WORKERS}.")
        self.n_workers, self.in_flight = n_workers, n_workers + 1
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._stopped = self._closed = False
        self._their_end, self._our_end = multiprocessing.Pipe(duplex=False)

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        if self._closed:
            raise RuntimeError("these workers have been shut down")
        order = _Order(pickle.dumps((call, args, kwargs)), Future())
        self._orders.put(order)
        if len(self._threads) < self.n_workers:
            thread = threading.Thread(target=self._attend, daemon=True)
            self._threads.append(thread)
            thread.start()
        return order.future

    def stop(self) -> None:
        """End all processes at once, whatever they do."""
        self._stopped = True
        self._our_end.close()
        self.shutdown(cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        self._closed = True
        if cancel_futures:
            with suppress(Empty):
                while True:
                    if order := self._orders.get_nowait():
                        order.future.cancel()
        for _ in self._threads:
            self._orders.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            self._our_end.close()
            self._their_end.close()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.stop()

    def _attend(self) -> None:
        """Give one worker process orders, one after the other; in a thread of its own."""
        worker: _Worker | None = None
        while (order := self._orders.get()) is not None:
            if not order.future.set_running_or_notify_cancel():
                continue
            for _ in range(TRIES):
                try:
                    worker = worker or self._new_worker()
                except (OSError, ImportError, NotImplementedError) as error:
                    order.future.set_exception(
                        RunError(f"no worker process can be started here ({error}). Use --jobs 1.")
                    )
                    break
                try:
                    worker.pipe.send_bytes(order.content)
                    answer = worker.pipe.recv_bytes()
                except (EOFError, OSError):  # it is gone, perhaps in the middle of its answer
                    worker.end(at_once=self._stopped)
                    worker = None
                    if self._stopped:
                        order.future.set_exception(RunError("the workers were stopped."))
                        break
                else:
                    settle(order.future, answer)
                    break
            else:
                order.future.set_exception(
                    RunError(
                        f"a worker process was lost {TRIES} times on the same task: the system may be short of memory. "
                        "Use fewer --jobs, or fewer referrals a year."
                    )
                )
        if worker:
            worker.end(at_once=self._stopped)

    def _new_worker(self) -> "_Worker":
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, self._their_end), daemon=True
        )
        with self._starting:
            _start_deaf_to_interrupts(process)
        theirs.close()  # so that the worker's death is the end of the pipe
        return _Worker(process, ours)


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    pipe: Any  # a Connection; on Windows a PipeConnection

    def end(self, *, at_once: bool) -> None:
        """Let it end, which it does when its pipe closes; make it, if it does not or must at once."""
        self.pipe.close()
        if not at_once:
            self.process.join(_SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def settle(future: Future[Any], answer: bytes) -> None:
    """Give a future what `answer_of` made."""
    try:
        succeeded, value = pickle.loads(answer)
    except Exception as error:
        succeeded, value = False, RunError(f"a worker's answer cannot be read ({error}).")
    if succeeded:
        future.set_result(value)
    else:
        future.set_exception(value)


def _start_deaf_to_interrupts(process: BaseProcess) -> None:
    """Start a process so that it never hears Ctrl-C, not even before it can say that it will not listen."""
    if sys.platform == "win32":
        process.start()
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which unblocks interrupts when it starts, and is started only once
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, stop: Connection) -> None:
    """Do tasks and answer them until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    threading.Thread(target=_end_with, args=(stop,), daemon=True).start()
    while True:
        try:
            order = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        pipe.send_bytes(answer_of(order))


def answer_of(order: bytes) -> bytes:
    """Whether the task was done, and its answer or its error, pickled."""
    try:
        call, args, kwargs = pickle.loads(order)
        return pickle.dumps((True, call(*args, **kwargs)))
    except BaseException as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        try:
            content = pickle.dumps((False, error))
            pickle.loads(content)
        except Exception:
            return pickle.dumps((False, RunError(f"{type(error).__name__}: {error}")))
        return content


def _end_with(pipe: Connection) -> None:
    """End this process when the other end of the pipe closes: nothing is ever sent."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)
