"""Many tasks at once: give them to any executor, a few at a time, or to our own worker processes, which may die and are replaced."""

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
from pathlib import Path
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
_READY = b"ready"  # what a worker says first
_NAME = "caseload-sim worker"
_UNGUARDED = 78  # exit code of a worker in which the script that it imports starts workers
GUARD = (
    'In a script, put what starts workers under `if __name__ == "__main__":`, since each worker imports the script; a program '
    "that is read from standard input can have none. Or use no workers (--jobs 1)."
)
Key = TypeVar("Key")
Task = TypeVar("Task")
Answer = TypeVar("Answer")


def answers(
    call: Callable[[Task], Answer], tasks: Iterable[tuple[Key, Task]], executor: Executor | None = None
) -> Generator[tuple[Key, Answer], None, None]:
    """Call a function for each task, and give each task's key with its answer as soon as it is there.

    Without an executor the answers come in the order of the tasks, with one in any order. Only a few tasks are given to an
    executor at a time, so that the tasks may be made one by one. Closing the iterator, or an error, cancels those that have
    not begun.
    call: must be picklable if the executor needs it

    Raises RunError when a worker is lost and not replaced; and whatever `call` raises.
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
    """A pickled task, and the future that will hold its answer."""

    content: bytes
    future: Future[Any]


class Team(Executor):
    """An executor that knows how many workers it has, and how many tasks it should be given at a time."""

    n_workers: int
    in_flight: int


class Workers(Team):
    """Worker processes to simulate in, as with `Workers(4)`. Each is started fresh ("spawn"), the same on all systems.

    Ctrl-C is heard by the program that started them, not by the workers. They end at once when that program stops them or
    dies: each watches one end of a pipe, and the other end closes then. A worker that dies is replaced, and its task is done
    once more. Tasks and answers must be picklable; in a script, use it under `if __name__ == "__main__":`.

    Each worker has its own pipe for tasks and answers. With one pipe for all, as in ProcessPoolExecutor, a worker that is
    killed while it sends an answer would block the answers of all others for ever.
    """

    def __init__(self, n_workers: int) -> None:
        """Raises RunError for no workers or too many, and in a worker that imports the script which starts it."""
        if not 1 <= n_workers <= MOST_WORKERS:
            raise RunError(f"{n_workers} workers: there may be 1 to {MOST_WORKERS}.")
        refuse_without_guard()
        self.n_workers, self.in_flight = n_workers, n_workers + 1
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting, self._submitting = threading.Lock(), threading.Lock()
        self._stopped = self._closed = self._unguarded = False
        self._their_end, self._our_end = multiprocessing.Pipe(duplex=False)

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        order = _Order(pickle.dumps((call, args, kwargs)), Future())
        with self._submitting:
            if self._closed:
                raise RuntimeError("these workers have been shut down")
            if len(self._threads) < self.n_workers:
                thread = threading.Thread(target=self._attend, daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no more threads
                    if not self._threads:
                        raise RunError(f"no worker process can be started here ({error}). Use --jobs 1.") from None
                else:
                    self._threads.append(thread)
            self._orders.put(order)
        return order.future

    def stop(self) -> None:
        """End all processes at once, whatever they do."""
        self._stopped = True
        self._our_end.close()
        self.shutdown(cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        with self._submitting:
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
        """Give tasks to one worker process, one after the other. Each worker has a thread here that runs this.

        Whatever goes wrong becomes the answer of the task that it goes wrong with: a future that never settles would be
        waited for without end.
        """
        worker: _Worker | None = None
        while (order := self._orders.get()) is not None:
            if not order.future.set_running_or_notify_cancel():
                continue
            try:
                worker, answer = self._answered(worker, order)
            except BaseException as error:
                worker = None
                order.future.set_exception(error)
            else:
                settle(order.future, answer)
        if worker:
            worker.end(at_once=self._stopped)

    def _answered(self, worker: "_Worker | None", order: _Order) -> "tuple[_Worker, bytes]":
        """The answer to a task, from this worker or from one that takes its place. Raises RunError when there is none."""
        for _ in range(TRIES):
            try:
                worker = worker or self._new_worker()
            except RunError:
                raise
            except Exception as error:  # of the system, of pickle, or of what a worker may not do
                raise RunError(f"no worker process can be started here ({error}). Use --jobs 1.") from None
            try:
                if not worker.has_begun:
                    worker.has_begun = worker.pipe.recv_bytes() == _READY
                worker.pipe.send_bytes(order.content)
                return worker, worker.pipe.recv_bytes()
            except (EOFError, OSError):  # it is gone, perhaps in the middle of its answer
                exit_code = worker.end(at_once=self._stopped)
                if self._stopped:
                    raise RunError("the workers were stopped.") from None
                if exit_code == _UNGUARDED:
                    self._unguarded = True
                    raise _without_guard() from None
                if not worker.has_begun and exit_code is not None and exit_code > 0:  # by its own error, not killed
                    raise RunError(
                        f"a worker process ended before it could begin; its own error is above. {GUARD}"
                    ) from None
                worker = None
            except BaseException:
                worker.end(at_once=True)
                raise
        raise RunError(
            f"a worker process was lost {TRIES} times on the same task: the system may be short of memory. "
            "Use fewer --jobs, or fewer referrals a year."
        )

    def _new_worker(self) -> "_Worker":
        if self._unguarded:  # and so would the next one end
            raise _without_guard()
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_work, args=(theirs, self._their_end), daemon=True, name=_NAME
        )
        try:
            with self._starting:
                _start_deaf_to_interrupts(process)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # so that the worker's death is the end of the pipe
        return _Worker(process, ours)


def refuse_without_guard() -> None:
    """Raises RunError where a script cannot start workers. In one of our own workers, which imports the script, it ends that.

    Without a word, since there may be many of them, and the program that started them says what is wrong, once.
    """
    here = multiprocessing.current_process()
    if getattr(here, "_inheriting", False):  # as multiprocessing itself asks
        if here.name == _NAME:
            os._exit(_UNGUARDED)
        raise RunError(f"a process must not start workers while it begins. {GUARD}")
    if Path(getattr(sys.modules["__main__"], "__file__", None) or "").name == "<stdin>":
        raise RunError(f"no worker can import a program that is read from standard input. {GUARD}")


def _without_guard() -> RunError:
    return RunError(f"this script starts workers also when a worker imports it. {GUARD}")


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Any  # a Connection; on Windows a PipeConnection
    has_begun: bool = False  # it has said that it is ready

    def end(self, *, at_once: bool) -> int | None:
        """Close its pipe, upon which it ends by itself; kill it if it does not end in ten seconds, or if it must end at once.

        Returns its exit code, as `multiprocessing` tells it.
        """
        self.pipe.close()
        if not at_once:
            self.process.join(_SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        return self.process.exitcode


def settle(future: Future[Any], answer: bytes) -> None:
    """Put an answer that `answer_of` pickled into the future that waits for it."""
    try:
        succeeded, value = pickle.loads(answer)
    except Exception as error:
        succeeded, value = False, RunError(f"a worker's answer cannot be read ({error}).")
    if succeeded:
        future.set_result(value)
    else:
        future.set_exception(value)


def _start_deaf_to_interrupts(process: BaseProcess) -> None:
    """Start a process that ignores Ctrl-C from its first moment, even before its own code can say so."""
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
    """What a worker process does: take a task from the pipe, send its answer back, until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()
    threading.Thread(target=_end_with, args=(stop,), daemon=True).start()
    with suppress(EOFError, OSError):  # until whoever gives orders has gone
        pipe.send_bytes(_READY)
        while True:
            pipe.send_bytes(answer_of(pipe.recv_bytes()))


def answer_of(order: bytes) -> bytes:
    """Do a pickled task. Returns, pickled, (True, its answer), or (False, the error that it raised)."""
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
    """Wait until the other end of the pipe closes, then end this process. Nothing is ever sent through this pipe."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)
