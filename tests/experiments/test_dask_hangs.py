"""Nothing of DaskWorkers is waited for without limit, and no task stays unanswered, whatever Dask's client does.

The client here takes tasks and never answers, or hangs in some other way; no cluster is started.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from types import SimpleNamespace
from typing import Any

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments import dask_workers
from caseload_sim.experiments.dask_workers import DaskWorkers
from caseload_sim.experiments.loop_thread import LoopThread
from caseload_sim.experiments.workers import answers

pytest.importorskip("distributed", reason="Dask is not installed: there is no client of it")
ADDRESS = "tcp://127.0.0.1:1"
SECONDS_AT_MOST = 60.0  # for what comes as soon as the machine has time for it


async def for_ever() -> None:
    await asyncio.Event().wait()


class Theirs:
    """A future of Dask that is answered by a function, or never."""

    status = "pending"

    def __init__(self, client: "Client", answer: bytes | None) -> None:
        self.client, self.answer = client, answer

    def __await__(self) -> Any:
        if self.answer is None:
            yield from for_ever().__await__()
        return self.answer

    async def cancel(self) -> None:
        self.client.taken_back.append(self)


class Client:
    """In place of Dask's. It does what is submitted at once if it answers, and hangs for ever if it does not."""

    def __init__(self, *, answering: bool, closing: bool = True) -> None:
        self.answering, self.closing, self.status = answering, closing, "running"
        self.given: list[Theirs] = []
        self.taken_back: list[Theirs] = []
        self.scheduler = SimpleNamespace(ncores=self.ncores)

    def submit(self, _: object, __: str, given: dict[str, Any], pure: bool) -> Theirs:
        answer = dask_workers.work(given["versions"], given["order"]) if self.answering else None
        self.given.append(Theirs(self, answer))
        return self.given[-1]

    async def ncores(self, workers: list[str]) -> None:
        if not self.answering:
            await for_ever()

    async def close(self) -> None:
        if not self.closing:
            await for_ever()
        self.status = "closed"


Connected = Callable[..., DaskWorkers]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Connected:
    """Makes DaskWorkers with such a client."""

    def make(client: Client, silence_seconds: float = 60.0) -> DaskWorkers:
        async def connect(_: str) -> tuple[Client, int]:
            return client, 1

        monkeypatch.setattr(dask_workers, "_connect", connect)
        return DaskWorkers(ADDRESS, silence_seconds)

    monkeypatch.setattr(dask_workers, "SECONDS_TO_ANSWER", 0.5)
    return make


def in_time(action: Callable[[], object]) -> None:
    """Have something done in a thread that the test can leave behind, and fail if it is not done in time."""
    done: Future[object] = Future()

    def act() -> None:
        try:
            done.set_result(action())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    done.result(SECONDS_AT_MOST)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS_AT_MOST
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_unanswered_when_the_connection_is_closed_fails(connected: Connected) -> None:
    ours = connected(Client(answering=False))
    futures = [ours.submit(int, "7") for _ in range(9)]
    in_time(lambda: ours.shutdown(wait=False))
    assert {str(future.exception(0)) for future in futures} == {
        f"{ADDRESS}: the connection was closed before this task was answered. Open a new one."
    }
    assert "was closed" in str(ours.submit(int, "7").exception(0))


def test_a_client_that_never_closes_is_left(connected: Connected) -> None:
    client = Client(answering=True, closing=False)
    ours = connected(client)
    assert ours.submit(int, "7").result(SECONDS_AT_MOST) == 7
    in_time(ours.shutdown)
    assert client.status == "closed", "or Dask would close it again, whenever it is collected"
    in_time(ours.shutdown)


def test_a_silent_scheduler_ends_the_wait_of_a_shutdown(connected: Connected) -> None:
    ours = connected(Client(answering=False, closing=False), silence_seconds=0.6)
    future = ours.submit(int, "7")
    in_time(ours.shutdown)
    assert "answered nothing for 1 seconds" in str(future.exception(0))


def test_a_loop_that_ends_by_itself_ends_the_wait_of_a_shutdown(connected: Connected) -> None:
    ours = connected(Client(answering=True), silence_seconds=0.6)
    unanswered = dask_workers._Awaited()
    ours._waited_for.add(unanswered)
    unanswered.add_done_callback(ours._waited_for.discard)
    ours._loop.end(SECONDS_AT_MOST)
    assert isinstance(ours.submit(int, "7").exception(0), RunError), "at once: nobody else will come"
    in_time(ours.shutdown)
    assert isinstance(unanswered.exception(0), RunError)
    assert isinstance(ours.submit(int, "7").exception(0), RunError)


def test_to_take_a_task_back_waits_for_nothing_and_all_hear_of_it(connected: Connected) -> None:
    client = Client(answering=False)
    ours = connected(client)
    futures = [ours.submit(int, "7") for _ in range(9)]
    until(lambda: len(client.given) == 9)
    in_time(lambda: [future.cancel() for future in futures])
    assert wait(futures, 0).done == set(futures)
    until(lambda: len(client.taken_back) == 9)
    assert set(client.taken_back) == set(client.given)
    in_time(ours.shutdown)


def test_an_answer_may_be_followed_by_another_task_at_once(connected: Connected) -> None:
    """Whoever is called back when a task is done may give the next."""
    ours = connected(Client(answering=True))
    following: Future[Future[int]] = Future()
    ours.submit(int, "7").add_done_callback(lambda _: following.set_result(ours.submit(int, "8")))
    assert following.result(SECONDS_AT_MOST).result(SECONDS_AT_MOST) == 8
    in_time(ours.shutdown)


def test_who_is_called_back_and_never_returns_holds_up_only_answers_of_the_same_cluster(connected: Connected) -> None:
    begun, free = threading.Event(), threading.Event()

    def never_back(_: object) -> None:
        begun.set()
        free.wait()

    slow, other = connected(Client(answering=True)), connected(Client(answering=True))
    try:
        slow.submit(int, "7").add_done_callback(never_back)
        assert begun.wait(SECONDS_AT_MOST)
        assert list(answers(int, [(0, "8")], other)) == [(0, 8)]
        slow._loop.ask(slow._ask_scheduler(), SECONDS_AT_MOST)  # so that its scheduler is not taken for silent
        in_time(slow.shutdown)
        in_time(other.shutdown)
    finally:
        free.set()


def test_a_task_is_settled_by_whoever_comes_first() -> None:
    answered, taken_back = dask_workers._Awaited(), dask_workers._Awaited()
    answered.settle(lambda ours: ours.set_result(7))
    assert not answered.cancel()
    assert taken_back.cancel()
    assert taken_back.cancel()
    for ours in (answered, taken_back):
        ours.settle(lambda _: pytest.fail("it is settled"))
    assert answered.result(0) == 7
    assert taken_back.cancelled()


def test_what_is_asked_of_a_loop_comes_or_is_given_up() -> None:
    loop = LoopThread()

    async def name() -> str:
        return threading.current_thread().name

    assert loop.ask(name(), SECONDS_AT_MOST) == "caseload-sim loop"
    cancelled = threading.Event()

    async def noticing() -> None:
        try:
            await for_ever()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        loop.ask(noticing(), 0.1)
    assert cancelled.wait(SECONDS_AT_MOST)
    left: list[Coroutine[Any, Any, None]] = [for_ever() for _ in range(3)]
    begun = [loop.begin(one) for one in left]
    in_time(lambda: loop.end(SECONDS_AT_MOST))
    assert wait(begun, SECONDS_AT_MOST).not_done == set()
    with pytest.raises(RuntimeError, match="closed"):
        loop.begin(for_ever())
    loop.end()
