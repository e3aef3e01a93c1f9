"""Many machines at once: tasks given to a Dask cluster that somebody else has started."""

import asyncio
import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

from caseload_sim.errors import RunError
from caseload_sim.experiments.loop_thread import LoopThread
from caseload_sim.experiments.workers import IN_FLIGHT, Team, answer_of, settle
from caseload_sim.support.provenance import other_versions, versions_here

SECONDS_TO_ANSWER = 8
SECONDS_TO_VANISH = (
    12  # until a machine that says nothing, not even that it is there, is gone; Dask's own is 30, its least 11
)
SECONDS_OF_SILENCE = 60.0  # until a scheduler that is connected but answers nothing is given up
_ADDRESS = re.compile(r"(?P<protocol>tcp|tls)://(?P<host>[^/:\s]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|\[::1\]")
# A function sent to a Dask worker must be importable there. Without this package, the worker would fail without a word. So it
# is sent this text to evaluate: a worker without the package then answers with an ImportError.
_CALL = f"__import__('{__name__}', fromlist=['work']).work(versions, order)"
_TLS_FILES = ("ca-file", "client.cert", "client.key")


class _Awaited(Future[Any]):
    """A future that is settled once, by whoever comes first: an answer, a loss, or one who takes the task back.

    A future that is cancelled must be told so once more, by `set_running_or_notify_cancel`, and only once; before that,
    `concurrent.futures.wait` goes on waiting for it. It is told at once, since nobody else may ever come to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._first = threading.Lock()

    def cancel(self) -> bool:
        """See `concurrent.futures.Future`."""
        is_cancelled = super().cancel()
        if is_cancelled:
            self.settle(lambda ours: None)
        return is_cancelled

    def settle(self, give: Callable[["Future[Any]"], None]) -> None:
        """Have an answer or an error given to it, if nobody has settled it before."""
        if self._first.acquire(blocking=False) and self.set_running_or_notify_cancel():
            give(self)


class DaskWorkers(Team):
    """The workers of a Dask cluster, wherever they are; see docs/scaling.md for how to start and secure one.

    The cluster goes on when this ends: only the connection is closed, and tasks that have not begun are cancelled. Workers
    may come and go: a task whose worker is lost is given to another, or waits until there is one. If the scheduler answers
    nothing for a minute, because it was stopped or its machine hangs, all waiting tasks fail with a RunError. Each worker
    must have the same versions of packages as this program.
    Tasks and answers are pickled: whoever controls the scheduler can run anything in this program too.
    """

    def __init__(self, address: str, silence_seconds: float = SECONDS_OF_SILENCE) -> None:
        """Connect to a scheduler, such as tcp://127.0.0.1:8786, or tls:// with the certificates that Dask's settings name.

        silence_seconds: how long the scheduler may answer nothing before all waiting tasks fail with a RunError

        Raises RunError, within 15 seconds, if this is no address, no scheduler answers there, or Dask is not installed.
        """
        found = _ADDRESS.fullmatch(address)
        if not found:
            raise RunError(f"{address}: not the address of a scheduler. Write tcp://HOST:PORT or tls://HOST:PORT.")
        self.address = address
        self.is_open = found["protocol"] == "tcp" and not _LOOPBACK.fullmatch(found["host"])
        self._versions = versions_here()
        self._silence_seconds = silence_seconds
        self._waited_for: set[_Awaited] = set()
        self._submitting = threading.Lock()
        self._closing, self._is_silent = threading.Event(), False
        try:
            import dask
            import distributed  # noqa: F401  (so that what is missing is known here)
        except ImportError as error:
            raise RunError(
                f"{address}: Dask is not installed ({error}). Install it with pip install 'caseload-sim[dask]'."
            ) from None
        if found["protocol"] == "tls":
            _check_tls(dask.config)
        # A loop of our own, in which Dask's client lives: it can be ended whatever the client waits for. Dask's own loops, and the
        # one thread in which it calls back for all clients of a program, can be held up for ever by a client that was closed.
        self._loop = LoopThread()
        try:
            self._client, self.n_workers = self._loop.ask(_connect(address), SECONDS_TO_VANISH)
        except BaseException as error:
            self._loop.end()
            if not isinstance(error, Exception):  # Ctrl-C
                raise
            # Of many kinds: no such host, refused, no answer, no scheduler, another protocol.
            raise RunError(
                f"{address}: no Dask scheduler answers there ({_in_short(error)}). Start one as docs/scaling.md shows, or look "
                "whether address and protocol are right."
            ) from None
        self._handing_over = ThreadPoolExecutor(1)  # what others do when an answer comes must not hold up the loop
        self.in_flight = max(IN_FLIGHT, 2 * self.n_workers)
        threading.Thread(target=self._listen, daemon=True).start()

    def in_words(self) -> str:
        """How many workers the cluster has, in a sentence; with a warning if the connection is not encrypted."""
        said = f"Dask at {self.address}: {self.n_workers} thread{'s' * (self.n_workers != 1)} of workers"
        said += "." if self.n_workers else ", waiting for the first."
        if self.is_open:
            said += " Not encrypted: whoever reaches this scheduler can run programs on its workers. See tls:// in docs/scaling.md."
        return said

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        ours = _Awaited()
        # Pickled here, because what a worker of another version cannot read must still reach its check of versions.
        order = pickle.dumps((call, args, kwargs))
        with self._submitting:
            is_over = self._is_silent or self._closing.is_set() or self._client.status != "running"
            if not is_over:
                self._waited_for.add(ours)
        if is_over:
            ours.settle(self._lose)
            return ours
        ours.add_done_callback(self._waited_for.discard)
        try:
            doing = self._loop.begin(self._have_done(order, ours))
        except RuntimeError:  # it was closed a moment ago
            ours.settle(self._lose)
        else:
            ours.add_done_callback(lambda done: doing.cancel() if done.cancelled() else None)
        return ours

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`: close the connection, as soon as there is nothing more to wait for.

        Tasks that are unanswered when it closes fail with a RunError. It closes within 20 seconds, whatever the scheduler does.
        """
        if cancel_futures:
            for future in list(self._waited_for):
                future.cancel()
        elif wait:
            wait_for(list(self._waited_for))
        with self._submitting:
            self._closing.set()
        with suppress(Exception):  # of a scheduler that is silent or gone
            self._loop.ask(self._close(), SECONDS_TO_ANSWER)
        self._client.status = "closed"  # or Dask would try again when the client is collected, in any thread, and wait
        self._loop.end(SECONDS_TO_ANSWER)
        self._handing_over.shutdown(wait=False)
        for ours in list(self._waited_for):
            ours.settle(self._lose)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shutdown(cancel_futures=kind is not None)

    async def _have_done(self, order: bytes, ours: _Awaited) -> None:
        """Have a pickled task done by a worker of the cluster, and hand its outcome over. This and `_answer` run on the loop."""
        try:
            answer = await self._answer(order)
        except Exception as error:
            why = error
            self._handing_over.submit(ours.settle, lambda ours: ours.set_exception(why))
        else:
            self._handing_over.submit(ours.settle, lambda ours: settle(ours, answer))

    async def _answer(self, order: bytes) -> bytes:
        """What a worker of the cluster answers to a pickled task; see `work`. Raises RunError if there is no answer."""
        given = {"versions": self._versions, "order": order}
        try:
            theirs = self._client.submit(eval, _CALL, given, pure=False)
        except Exception as error:  # Dask's, of a connection that has just been lost
            is_lost = self._client.status != "running"
            raise (
                self._gone() if is_lost else RunError(f"{self.address}: Dask takes no task ({_in_short(error)}).")
            ) from None
        try:
            return bytes(await theirs)
        except asyncio.CancelledError:  # taken back, or the loop ends
            with suppress(Exception):
                await theirs.cancel()
            raise
        except Exception as error:
            raise self._in_words(theirs, error) from None

    async def _close(self) -> None:
        await self._client.close()

    async def _ask_scheduler(self) -> None:
        await self._client.scheduler.ncores(workers=[])

    def _lose(self, ours: "Future[Any]") -> None:
        """Fail a task that nobody will answer any more."""
        ours.set_exception(self._gone())

    def _listen(self) -> None:
        """Ask the scheduler something small every few seconds, and fail all waiting tasks if it has long answered nothing.

        Runs in a thread of its own. It is needed because a scheduler that is stopped but not dead keeps its connections
        open, and sending to it raises no error.
        """
        pause = self._silence_seconds / 6
        answered, in_vain = monotonic(), 0
        while not self._closing.wait(pause):
            left = answered + self._silence_seconds - monotonic()
            try:
                self._loop.ask(self._ask_scheduler(), min(max(left, pause), 3 * pause))
                answered, in_vain = monotonic(), 0
            except Exception:  # no answer in time, or no connection
                in_vain += 1
            # Twice, since this program may have been stopped itself, and have had no time to hear the first answer.
            if in_vain >= 2 and monotonic() - answered >= self._silence_seconds:
                break
        if self._closing.is_set():
            return
        with self._submitting:
            self._is_silent = True
        for ours in list(self._waited_for):
            ours.settle(self._lose)

    def _in_words(self, theirs: Any, error: Exception) -> RunError:
        """Say in words why Dask could not do a task. (An error raised by the task itself is an answer, and does not come here.)"""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return RunError(
                "the same task has lost its Dask worker again and again: machines may be short of memory, or be taken away. "
                "Start fewer workers on each, or use fewer referrals a year."
            )
        if theirs.status == "cancelled" or self._client.status != "running":
            return self._gone()
        return RunError(
            f"a Dask worker cannot take a task ({_in_short(error)}). Install caseload-sim {self._versions['caseload-sim']} for "
            "every worker."
        )

    def _gone(self) -> RunError:
        if self._closing.is_set():
            return RunError(f"{self.address}: the connection was closed before this task was answered. Open a new one.")
        if self._is_silent:
            return RunError(
                f"{self.address}: the Dask scheduler has answered nothing for {self._silence_seconds:.0f} seconds. It may be stopped, "
                "or its machine hang, or the network be cut: look, and start it again."
            )
        return RunError(f"{self.address}: the Dask scheduler is gone. Look whether it still runs, and start it again.")


async def _connect(address: str) -> tuple[Any, int]:
    """Dask's client of the scheduler at an address, and how many threads of workers there are.

    Must be cancelled from outside, because Dask waits for ever for a scheduler that takes the connection and says nothing.
    """
    import dask
    from distributed import Client

    timeouts = {
        "distributed.comm.timeouts.connect": f"{SECONDS_TO_ANSWER}s",
        "distributed.comm.timeouts.tcp": f"{SECONDS_TO_VANISH}s",
    }
    with dask.config.set(timeouts):
        client = Client(address, asynchronous=True, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        try:
            await client
            return client, sum((await client.nthreads()).values())
        except BaseException:
            client.status = "closed"  # as in `shutdown`
            raise


def _in_short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _check_tls(settings: Any) -> None:
    """Raises RunError where Dask's settings do not name the files that an encrypted connection needs."""
    missing = [f"distributed.comm.tls.{name}" for name in _TLS_FILES if not settings.get(f"distributed.comm.tls.{name}", None)]  # fmt: skip
    if missing:
        variable = f"DASK_{missing[0].upper().replace('.', '__').replace('-', '_')}"
        raise RunError(
            f"tls:// needs certificates, and Dask's settings lack {', '.join(missing)}. Put them in ~/.config/dask/distributed.yaml "
            f"or in variables such as {variable}; docs/scaling.md shows how."
        )


def work(versions: dict[str, str], order: bytes) -> bytes:
    """Do a pickled task on a Dask worker, if it has the versions of the program that sent it; see `answer_of`."""
    if other := other_versions(versions, "on a Dask worker"):
        error = RunError(f"you have {'; '.join(other)}. Install the same for every worker: answers could differ.")
        return pickle.dumps((False, error))
    return answer_of(order)
