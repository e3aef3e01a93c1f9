"""A Dask cluster gives the same answer, whatever is lost on the way; each test that loses anything says so and goes on."""

import math
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from caseload_sim.cli.running import workers
from caseload_sim.errors import RunError
from caseload_sim.experiments import dask_workers
from caseload_sim.experiments.dask_workers import DaskWorkers
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.tasks import Finished, ReplicationKey
from caseload_sim.experiments.workers import IN_FLIGHT, Workers, answers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.provenance import versions_here
from clusters import Cluster
from conftest import SMALL

BRIEF = {"run.replications": 6, "run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400}
SECONDS_UNTIL_TOLD = 15.0
SECONDS_AT_MOST = 300.0  # for what comes as soon as the machine has time for it


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes(BRIEF)


@pytest.fixture(scope="module")
def serial(brief: Scenario) -> Results:
    return replicate(brief)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers; tests leave at least one worker in it, until the last kills the scheduler."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.add_worker()
        cluster.add_worker()
        wait_for_workers(cluster, 2)
        yield cluster


def wait_for_workers(cluster: Cluster, n: int) -> None:
    """Until so many workers have come; without any, runs wait by themselves."""
    until = time.monotonic() + SECONDS_AT_MOST
    while time.monotonic() < until:
        with suppress(RunError), DaskWorkers(cluster.address) as there:  # a busy machine is slow to answer at all
            if there.n_workers >= n:
                return
        time.sleep(0.2)
    raise TimeoutError


def same(one: Results, other: Results) -> bool:
    """Whether all is equal, NaN counting as equal to itself."""
    ours, theirs = (repr((*each.rows, *each.over_time)) for each in (one, other))
    return one.digests == other.digests and ours == theirs


def when_done(n: int, action: Callable[[], object]) -> Callable[[int, int], None]:
    """A progress that does something once, when n replications are done."""
    waiting = [action]

    def progress(done: int, of: int) -> None:
        if done >= n and waiting:
            waiting.pop()()

    return progress


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def refused(address: str) -> tuple[str, float]:
    """What is said of a scheduler that cannot be used, and after how many seconds."""
    start = time.monotonic()
    with pytest.raises(RunError) as told:
        DaskWorkers(address)
    return str(told.value), time.monotonic() - start


def test_a_cluster_gives_the_same_as_no_cluster_and_as_processes_and_threads(
    cluster: Cluster, brief: Scenario, serial: Results
) -> None:
    with DaskWorkers(cluster.address) as ours:
        assert (ours.n_workers, ours.in_flight) == (2, IN_FLIGHT)
        assert same(replicate(brief, executor=ours), serial)
    with Workers(2) as processes:
        assert replicate(brief, replications=2, executor=processes).digests == serial.digests[:2]
    with ThreadPoolExecutor(2) as threads:
        assert replicate(brief, replications=2, executor=threads).digests == serial.digests[:2]


def test_answers_come_with_their_keys(cluster: Cluster) -> None:
    with DaskWorkers(cluster.address) as ours:
        coming = dict(answers(math.factorial, ((f"task {k}", k) for k in range(100)), ours))
    assert coming == {f"task {k}": math.factorial(k) for k in range(100)}


def test_leaving_early_takes_back_what_has_not_begun(cluster: Cluster) -> None:
    start = time.monotonic()
    with DaskWorkers(cluster.address) as ours, closing(answers(time.sleep, ((k, 0.5) for k in range(60)), ours)) as coming:  # fmt: skip
        next(coming)
    with DaskWorkers(cluster.address) as ours:
        assert list(answers(int, [(0, "7")], ours)) == [(0, 7)]
    assert time.monotonic() - start < 60 * 0.5 / 2, "as long as all of them would have taken"


@pytest.fixture
def held_up() -> Iterator[None]:
    """Dask's one thread for all callbacks of a program hangs, as a client that was closed at the wrong moment leaves it."""
    from distributed import Future as DaskFuture

    before, free = (DaskFuture._cb_executor, DaskFuture._cb_executor_pid), threading.Event()
    DaskFuture._cb_executor, DaskFuture._cb_executor_pid = ThreadPoolExecutor(1), os.getpid()
    DaskFuture._cb_executor.submit(free.wait)
    try:
        yield
    finally:
        free.set()
        DaskFuture._cb_executor, DaskFuture._cb_executor_pid = before


def test_a_client_that_was_closed_at_the_wrong_moment_holds_up_no_other(held_up: None, cluster: Cluster) -> None:
    """The test before this hung so, for an hour: its scheduler had the answer ready, and nobody took it."""
    with DaskWorkers(cluster.address) as ours:
        seven = ours.submit(int, "7")
        with suppress(TimeoutError):
            seven.result(SECONDS_AT_MOST)
        assert seven.cancel() is False, "not answered in time"


def test_an_error_in_a_task_is_the_same_error_here(cluster: Cluster) -> None:
    with DaskWorkers(cluster.address) as ours, pytest.raises(ValueError, match="invalid literal"):
        list(answers(int, [(0, "seven")], ours))


def test_a_worker_of_another_version_is_an_error_that_says_which(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_workers, "versions_here", lambda: {"caseload-sim": "9.9.9"})
    with DaskWorkers(cluster.address) as ours, pytest.raises(RunError, match=r"you have caseload-sim 9\.9\.9, and on a Dask worker is 0\.\d.*Install the same"):  # fmt: skip
        list(answers(int, [(0, "7")], ours))


def test_what_a_worker_does_with_a_task() -> None:
    """Called here as a worker calls it, with what is sent to it."""
    order = pickle.dumps((int, ("7",), {}))
    assert pickle.loads(dask_workers.work(versions_here(), order)) == (True, 7)
    done, error = pickle.loads(dask_workers.work({**versions_here(), "numpy": "0.1"}, order))
    assert not done
    assert re.search(r"you have numpy 0\.1, and on a Dask worker is \d.*Install the same for every worker", str(error))


def test_a_worker_killed_in_the_middle_changes_nothing(cluster: Cluster, brief: Scenario, serial: Results) -> None:
    killing = when_done(2, lambda: kill(cluster.workers[0]))
    with DaskWorkers(cluster.address) as ours:
        assert same(replicate(brief, executor=ours, progress=killing), serial)
    assert cluster.workers[0].poll() is not None


def test_all_workers_killed_and_one_added_changes_nothing(cluster: Cluster, brief: Scenario, serial: Results) -> None:
    def replace_all() -> None:
        for worker in cluster.workers:
            kill(worker)
        cluster.add_worker()

    with DaskWorkers(cluster.address) as ours:
        assert same(replicate(brief, executor=ours, progress=when_done(2, replace_all)), serial)
    assert [worker.poll() is None for worker in cluster.workers] == [False, False, True]


def test_a_worker_without_caseload_sim_is_an_error_that_says_what_to_install(cluster: Cluster) -> None:
    for worker in cluster.workers:
        kill(worker)
    cluster.add_worker(before="import sys; sys.modules['caseload_sim'] = None")
    with DaskWorkers(cluster.address) as ours, pytest.raises(RunError, match=r"a Dask worker cannot take a task \(.*caseload_sim.*\)\. Install caseload-sim 0\.\d"):  # fmt: skip
        list(answers(int, [(0, "7")], ours))
    kill(cluster.workers[-1])
    cluster.add_worker()


def test_an_address_without_a_scheduler_is_told_soon() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens, so that nobody else can be there
        said, took = refused(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert "no Dask scheduler answers there" in said
    assert "docs/scaling.md" in said
    assert took < SECONDS_UNTIL_TOLD


def test_a_program_that_listens_and_says_nothing_is_no_scheduler_and_costs_no_thread_or_connection() -> None:
    before = set(threading.enumerate())
    with socket.socket() as silent:
        silent.settimeout(SECONDS_AT_MOST)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said, took = refused(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        theirs, _ = silent.accept()
        with theirs:
            theirs.settimeout(SECONDS_AT_MOST)
            while theirs.recv(1 << 16):  # what we said to it, and then that we have gone
                pass
    assert "no Dask scheduler answers there" in said
    assert took < SECONDS_UNTIL_TOLD
    for thread in set(threading.enumerate()) - before:
        thread.join(SECONDS_AT_MOST)
        assert not thread.is_alive(), thread


@pytest.mark.parametrize("address", ["", "8786", "127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://:8786", "inproc://x:1"])  # fmt: skip
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    said, took = refused(address)
    assert said == f"{address}: not the address of a scheduler. Write tcp://HOST:PORT or tls://HOST:PORT."
    assert took < 1


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    said, _ = refused("tcp://127.0.0.1:8786")
    assert "Dask is not installed" in said
    assert "pip install 'caseload-sim[dask]'" in said


def test_an_encrypted_connection_without_certificates_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    with dask.config.set({"distributed.comm.tls.ca-file": None}):
        said, _ = refused("tls://127.0.0.1:8786")
    assert "distributed.comm.tls.ca-file" in said
    assert "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in said


def test_an_encrypted_cluster_takes_only_who_has_its_certificate(tmp_path: Path) -> None:
    import dask
    from distributed import Security

    def certificate(name: str) -> dict[str, str]:
        """Settings of Dask for a key and a certificate that it signs itself."""
        made, key, cert = Security.temporary(), tmp_path / f"{name}-key.pem", tmp_path / f"{name}-cert.pem"
        key.write_text(made.tls_client_key, encoding="utf-8")
        cert.write_text(made.tls_client_cert, encoding="utf-8")
        whose = {f"{role}.{part}": str(file) for role in ("client", "scheduler", "worker") for part, file in (("key", key), ("cert", cert))}  # fmt: skip
        return {f"distributed.comm.tls.{name}": value for name, value in {"ca-file": str(cert), **whose}.items()}

    ours, others = certificate("ours"), certificate("others")
    variables = {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value for name, value in ours.items()}
    with Cluster(tmp_path, "tls", variables) as cluster:
        cluster.add_worker()
        assert cluster.address.startswith("tls://127.0.0.1:")
        with dask.config.set(ours), DaskWorkers(cluster.address) as ours_there:
            assert list(answers(int, [(0, "7")], ours_there)) == [(0, 7)]
        with dask.config.set(others):
            assert "no Dask scheduler answers there" in refused(cluster.address)[0]
        assert "no Dask scheduler answers there" in refused(cluster.address.replace("tls://", "tcp://"))[0]


def test_a_scheduler_elsewhere_that_is_not_encrypted_is_pointed_out(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    with DaskWorkers(cluster.address) as ours:
        assert "Not encrypted" not in ours.in_words(), "nobody else reaches this machine's own address"
    monkeypatch.setattr(dask_workers, "_LOOPBACK", re.compile("nowhere"))
    with DaskWorkers(cluster.address) as ours:
        assert "Not encrypted: whoever reaches this scheduler can run programs on its workers." in ours.in_words()


def test_a_task_that_ends_every_worker_is_an_error_with_advice(cluster: Cluster) -> None:
    """Dask gives up on a task at the fourth worker that it has lost."""
    alive = sum(worker.poll() is None for worker in cluster.workers)
    for _ in range(4 - alive):
        cluster.add_worker()
    with DaskWorkers(cluster.address) as ours, pytest.raises(RunError, match=r"the same task has lost its Dask worker again and again: .* Start fewer workers"):  # fmt: skip
        list(answers(os._exit, [(0, 9)], ours))
    cluster.add_worker()


def test_jobs_and_a_cluster_are_not_asked_for_at_once() -> None:
    with pytest.raises(RunError, match="--jobs and --dask: choose one"), workers(2, "tcp://127.0.0.1:8786"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that stops a process")
def test_a_scheduler_that_is_stopped_is_given_up_and_what_was_finished_is_kept(
    tmp_path: Path, brief: Scenario, serial: Results
) -> None:
    """Stopped, not dead: it keeps its connections and says nothing."""
    silence, kept = 10.0, dict[ReplicationKey, Finished]()
    with Cluster(tmp_path) as cluster:
        cluster.add_worker()
        wait_for_workers(cluster, 1)

        def stop() -> None:
            cluster.scheduler.send_signal(signal.SIGSTOP)

        with pytest.raises(RunError) as told, DaskWorkers(cluster.address, silence) as ours:
            replicate(brief, executor=ours, kept=kept, progress=when_done(2, stop))
        with pytest.raises(RunError, match="no Dask scheduler answers there"):
            DaskWorkers(cluster.address)
        cluster.scheduler.send_signal(signal.SIGCONT)
        wait_for_workers(cluster, 1)
        assert str(told.value) == (
            f"{cluster.address}: the Dask scheduler has answered nothing for 10 seconds. It may be stopped, or its machine hang, "
            "or the network be cut: look, and start it again."
        )
        assert 2 <= len(kept) < 6
        with DaskWorkers(cluster.address) as ours:
            assert same(replicate(brief, executor=ours, kept=kept), serial)


class Scheduler:
    """Answers, or not, by a plan, on a clock of its own: each question takes so many seconds, and fails or not."""

    def __init__(self, plan: list[tuple[float, bool]]) -> None:
        self.plan, self.now, self.asked = plan, 0.0, 0

    def wait(self, seconds: float) -> bool:
        """In place of `_closing.wait`: the pause passes at once; the end of the plan is the end of the listening."""
        self.now += seconds
        return self.asked == len(self.plan)

    def ask(self, asking: Coroutine[None, None, None], _: float) -> None:
        """In place of the loop's: ask the scheduler."""
        asking.close()
        seconds, answers = self.plan[self.asked]
        self.asked += 1
        self.now += seconds
        if not answers:
            raise TimeoutError


@pytest.mark.parametrize(
    ("plan", "given_up_after"),
    [
        ([(0.0, True)] * 100, None),  # nothing to do for long, but it answers
        ([(2.0, True)] * 100, None),  # it is slow
        ([(3.0, False), (0.0, True)] * 20, None),  # and misses a question now and then
        ([(0.0, True)] * 3 + [(3.0, False)] * 9, 3 + 2),  # 4 seconds for a question and the pause before: 6 are over after two
        ([(60.0, False), (0.0, True)] + [(0.0, True)] * 20, None),  # this program was stopped itself, and then hears the answer
        ([(60.0, False)] * 9, 2),
    ],
)  # fmt: skip
def test_a_scheduler_is_given_up_when_it_has_long_answered_nothing_and_only_then(
    plan: list[tuple[float, bool]], given_up_after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six seconds of silence, asked every second."""
    scheduler = Scheduler(plan)
    monkeypatch.setattr(dask_workers, "monotonic", lambda: scheduler.now)
    ours = DaskWorkers.__new__(DaskWorkers)
    waiting = dask_workers._Awaited()
    ours.address, ours._silence_seconds, ours._is_silent = "tcp://127.0.0.1:1", 6.0, False
    ours._waited_for, ours._submitting = {waiting}, threading.Lock()
    ours._loop = SimpleNamespace(ask=scheduler.ask)  # type: ignore[assignment]
    ours._closing = SimpleNamespace(wait=scheduler.wait, is_set=lambda: given_up_after is None)  # type: ignore[assignment]
    ours._listen()
    if given_up_after is None:
        assert scheduler.asked == len(plan)
        assert not waiting.done()
    else:
        assert scheduler.asked == given_up_after
        assert "answered nothing for 6 seconds" in str(waiting.exception(timeout=0))


def test_a_scheduler_that_has_nothing_to_do_for_long_is_not_given_up(cluster: Cluster) -> None:
    """For as long as it takes to ask it ten times, which is longer than it may be silent."""
    with DaskWorkers(cluster.address, silence_seconds=6.0) as ours:
        asked, really = threading.Semaphore(0), ours._loop.ask

        def noted(asking: Coroutine[object, object, object], seconds: float) -> object:
            answer = really(asking, seconds)
            asked.release()
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ours._loop, "ask", noted)
            for _ in range(10):
                assert asked.acquire(timeout=SECONDS_AT_MOST)
        assert list(answers(int, [(0, "7")], ours)) == [(0, 7)]


def test_a_killed_scheduler_is_told_and_what_was_finished_is_taken_up(cluster: Cluster, tmp_path: Path) -> None:
    settings = [
        f"--set={path}={str(value).lower()}" for path, value in {**SMALL, **BRIEF, "run.replications": 40}.items()
    ]
    command = [sys.executable, "-m", "caseload_sim", "run", "--no-figures", "--out", str(tmp_path), *settings]
    run = subprocess.Popen([*command, "--dask", cluster.address], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + SECONDS_AT_MOST
        while len(list(tmp_path.glob("*/unfinished/*.kept"))) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        kill(cluster.scheduler)
        _, told = run.communicate(timeout=SECONDS_AT_MOST)
    finally:
        kill(run)
    assert run.returncode == 2, told.decode()
    said = re.search(
        r"RunError: tcp://127\.0\.0\.1:\d+: the Dask scheduler is gone\. .* (\d+) finished replications are kept", told.decode()
    )  # fmt: skip
    assert said, told.decode()
    resumed = subprocess.run(
        [*command, "--resume"], capture_output=True, text=True, check=True, timeout=SECONDS_AT_MOST
    )
    assert f"Resumed: {said[1]} replications were finished" in resumed.stderr
    assert int(said[1]) >= 2
    assert list(tmp_path.glob("*/run.json"))
