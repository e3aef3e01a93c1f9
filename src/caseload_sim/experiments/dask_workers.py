"""Many machines at once: tasks given to a Dask cluster that somebody else has started."""

import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any

from caseload_sim.errors import RunError
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
        self._waited_for: set[Future[Any]] = set()
        self._handing_over = threading.Lock()
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
        connecting: Future[tuple[Any, int]] = Future()
        threading.Thread(target=_connect, args=(address, connecting), daemon=True).start()
        try:
            self._client, self.n_workers = connecting.result(SECONDS_TO_VANISH)
        except Exception as error:  # of many kinds: no such host, refused, no answer, no scheduler, another protocol
            raise RunError(
                f"{address}: no Dask scheduler answers there ({_in_short(error)}). Start one as docs/scaling.md shows, or look "
                "whether address and protocol are right."
            ) from None
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
        ours: Future[Any] = Future()
        # Pickled here, because what a worker of another version cannot read must still reach its check of versions.
        order = pickle.dumps((call, args, kwargs))
        with self._handing_over:
            if self._is_silent or self._client.status != "running":
                ours.set_exception(self._gone())
                return ours
            self._waited_for.add(ours)
        given = {"versions": self._versions, "order": order}
        ours.add_done_callback(self._waited_for.discard)
        try:
            theirs = self._client.submit(eval, _CALL, given, pure=False)
        except Exception as error:  # Dask's, of a connection that has just been lost
            is_lost = self._client.status != "running"
            why = self._gone() if is_lost else RunError(f"{self.address}: Dask takes no task ({_in_short(error)}).")
            with self._handing_over:
                if not ours.done():
                    ours.set_exception(why)
            return ours
        ours.add_done_callback(lambda done: theirs.cancel() if done.cancelled() else None)
        theirs.add_done_callback(lambda done: self._hand_over(done, ours))
        return ours

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`: close the connection, as soon as there is nothing more to wait for."""
        if cancel_futures:
            for future in list(self._waited_for):
                future.cancel()
        elif wait:
            wait_for(list(self._waited_for))
        self._closing.set()
        with suppress(TimeoutError):  # of a scheduler that is silent
            self._client.close(timeout=SECONDS_TO_ANSWER)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.shutdown(cancel_futures=kind is not None)

    def _hand_over(self, theirs: Any, ours: "Future[Any]") -> None:
        """Copy the outcome of a Dask future into our own future. Dask calls this in a thread of its own."""
        answer: bytes = b""
        error: Exception | None = None
        try:
            answer = theirs.result()
        except Exception as raised:
            try:
                error = self._in_words(theirs, raised)
            except Exception as unforeseen:  # or nobody would ever answer
                error = unforeseen
        with self._handing_over:
            if ours.done() and not ours.cancelled():
                return  # given up before
            if ours.set_running_or_notify_cancel():
                if error:
                    ours.set_exception(error)
                else:
                    settle(ours, answer)

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
                self._client.sync(
                    self._client.scheduler.ncores, workers=[], callback_timeout=min(max(left, pause), 3 * pause)
                )
                answered, in_vain = monotonic(), 0
            except Exception:  # no answer in time, or no connection
                in_vain += 1
            # Twice, since this program may have been stopped itself, and have had no time to hear the first answer.
            if in_vain >= 2 and monotonic() - answered >= self._silence_seconds:
                break
        if self._closing.is_set():
            return
        with self._handing_over:
            self._is_silent = True
            for ours in list(self._waited_for):
                if ours.set_running_or_notify_cancel():
                    ours.set_exception(self._gone())

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
        if self._is_silent:
            return RunError(
                f"{self.address}: the Dask scheduler has answered nothing for {self._silence_seconds:.0f} seconds. It may be stopped, "
                "or its machine hang, or the network be cut: look, and start it again."
            )
        return RunError(f"{self.address}: the Dask scheduler is gone. Look whether it still runs, and start it again.")


def _connect(address: str, connected: "Future[tuple[Any, int]]") -> None:
    """Connect to a scheduler, and put Dask's client and the cluster's number of threads into a future.

    Runs in a thread of its own, because Dask waits for ever for a scheduler that takes the connection and says nothing.
    """
    import dask
    from distributed import Client

    timeouts = {
        "distributed.comm.timeouts.connect": f"{SECONDS_TO_ANSWER}s",
        "distributed.comm.timeouts.tcp": f"{SECONDS_TO_VANISH}s",
    }
    try:
        with dask.config.set(timeouts):
            client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
            connected.set_result((client, sum(client.nthreads().values())))
    except Exception as error:
        connected.set_exception(error)


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
