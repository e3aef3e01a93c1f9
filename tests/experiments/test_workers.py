"""Work given to others is the same work: any executor, lost workers, and answers in any order."""

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.engines import kernel
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments import rounds, settings, tasks, workers
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.sweep import flattened, sweep
from caseload_sim.experiments.tasks import Task
from caseload_sim.experiments.workers import IN_FLIGHT, Workers, answers
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.pathway import Routing
from caseload_sim.scenario.policies import Decide, Decision, Known
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support import threads as garbage
from caseload_sim.support.compiled import numba_is_there

BRIEF = {"run.replications": 4, "run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400}


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes(BRIEF)


@pytest.fixture(scope="module")
def serial(brief: Scenario) -> Results:
    return replicate(brief)


def same(one: Results, other: Results) -> bool:
    """Whether all is equal, NaN counting as equal to itself."""
    ours, theirs = (repr((*each.rows, *each.over_time)) for each in (one, other))
    return one.digests == other.digests and ours == theirs


# What workers are given in these tests; it must stand at the top of a module to be sent to a process.


def double(number: int) -> int:
    return 2 * number


def slow_if_even(number: int) -> int:
    time.sleep(0.2 if number % 2 == 0 else 0)
    return number


def die(_: int) -> int:
    os._exit(9)


def die_once(mark: Path) -> str:
    """End the process the first time, answer the second."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return mark.name
    os._exit(9)


def refuse(number: int) -> int:
    raise ScenarioError(f"{number} cannot be")


def by_threads(monkeypatch: pytest.MonkeyPatch, scenario: Scenario, policy: Decide | None = None) -> set[int]:
    """By which threads replications were run, with no executor and a compiled kernel."""
    seen: set[int] = set()
    run = tasks.finish

    def noted(task: tasks.Task) -> object:
        seen.add(threading.get_ident())
        return run(task)

    monkeypatch.setattr(rounds, "finish", noted)
    replicate(scenario, policy=policy)
    return seen


@pytest.mark.skipif(not numba_is_there(), reason="threads gain nothing where nothing is compiled")
def test_replications_of_a_middling_service_run_side_by_side_and_are_the_same(
    brief: Scenario, serial: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "threads_here", lambda: 3)
    monkeypatch.setattr(kernel, "WORTH_COMPILING", 1)
    here = {threading.get_ident()}
    assert by_threads(monkeypatch, brief) == here, "too small for it"
    monkeypatch.setattr(settings, "SIDE_BY_SIDE", range(1, 10**6))
    assert same(replicate(brief), serial)
    assert not by_threads(monkeypatch, brief) & here
    assert by_threads(monkeypatch, brief, everybody_low) == here, "a user's function need not bear it"
    monkeypatch.setattr(settings, "threads_here", lambda: 1)
    assert by_threads(monkeypatch, brief) == here


def everybody_low(known: Known, routing: Routing) -> Decision:
    return Decision({"low_intensity": np.ones(len(known.phq9))})


def test_serial_threads_and_spawned_processes_give_the_same(brief: Scenario, serial: Results) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert same(replicate(brief, executor=threads), serial)
    with Workers(2) as processes:
        assert same(replicate(brief, executor=processes), serial)
        assert same(replicate(brief, executor=processes), serial), "and they can be used again"
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as anybodys:
        assert same(replicate(brief, executor=anybodys), serial)


def test_sweeps_and_comparisons_through_workers_give_the_same(brief: Scenario) -> None:
    values = {"population.prevalence.ptsd": [0.1, 0.3]}
    more = brief.with_changes({"staff.high_intensity_therapist.wte": 4.0}).model_copy(update={"name": "more"})
    with Workers(2) as executor:
        swept = sweep(brief, values, "recovery", replications=2, executor=executor)
        compared = compare([brief, more], replications=2, executor=executor)
    assert repr(flattened(swept)) == repr(flattened(sweep(brief, values, "recovery", replications=2)))
    assert repr(compared.rows) == repr(compare([brief, more], replications=2).rows)


def test_doubt_about_sources_is_the_same_through_workers(brief: Scenario) -> None:
    with Workers(2) as executor:
        ours = replicate(brief, replications=2, parameter_uncertainty=True, executor=executor)
    assert repr(ours.uncertainty) == repr(replicate(brief, replications=2, parameter_uncertainty=True).uncertainty)
    assert ours.uncertainty


def test_answers_come_with_their_keys_in_whatever_order() -> None:
    tasks = [(f"task {k}", k) for k in range(9)]
    with Workers(2) as executor:
        assert dict(answers(slow_if_even, tasks, executor)) == dict(tasks)
    assert list(answers(double, [("a", 1), ("b", 2)])) == [("a", 2), ("b", 4)]


class Counting(Executor):
    """Runs nothing until it is asked for an answer, and counts what is in flight."""

    def __init__(self) -> None:
        self.most, self.running = 0, 0
        self.threads = ThreadPoolExecutor(1)

    def submit(self, call, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        self.running += 1
        self.most = max(self.most, self.running)
        future: Future[object] = self.threads.submit(call, *args, **kwargs)
        return future


def test_only_so_many_tasks_are_in_flight_and_no_more_are_made() -> None:
    executor, made = Counting(), 0

    def tasks() -> Iterator[tuple[int, int]]:
        nonlocal made
        for k in range(200):
            made += 1
            yield k, k

    for n, (key, answer) in enumerate(answers(double, tasks(), executor), start=1):
        executor.running -= 1
        assert answer == 2 * key
        assert made <= n + 2 * IN_FLIGHT
    assert executor.most <= 2 * IN_FLIGHT
    assert made == 200
    executor.threads.shutdown()


def test_the_task_of_a_lost_worker_is_given_to_another(tmp_path: Path) -> None:
    marks = [tmp_path / f"mark {k}" for k in range(2)]
    with Workers(1) as executor:
        assert dict(answers(die_once, [(0, marks[0]), (1, marks[1])], executor)) == {0: "mark 0", 1: "mark 1"}


def test_a_task_that_loses_its_worker_twice_is_an_error_with_advice() -> None:
    with pytest.raises(RunError, match=r"a worker process was lost 2 times on the same task: .* Use fewer --jobs"), Workers(2) as executor:  # fmt: skip
        list(answers(die, [(0, 0), (1, 1)], executor))


def test_a_lost_worker_of_anybodys_executor_is_an_error_that_names_ours() -> None:
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor,
        pytest.raises(RunError, match=r"this executor starts no other. Use caseload_sim.Workers"),
    ):
        list(answers(die, [(0, 0)], executor))


def test_an_error_in_a_worker_is_the_same_error_here() -> None:
    with pytest.raises(ScenarioError, match="7 cannot be"), Workers(1) as executor:
        list(answers(refuse, [(0, 7)], executor))


@pytest.mark.parametrize("n", [0, -1, 100_000])
def test_an_impossible_number_of_workers_is_refused(n: int) -> None:
    with pytest.raises(RunError, match=rf"{n} workers: there may be 1 to"):
        Workers(n)


def test_workers_are_stopped_at_once_and_none_stays() -> None:
    with Workers(2) as executor:
        futures = [executor.submit(time.sleep, 60) for _ in range(2)]
        while len(begun := multiprocessing.active_children()) < 2:
            time.sleep(0.01)
        executor.stop()
    assert all(future.done() for future in futures)
    assert not set(begun) & set(multiprocessing.active_children())


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal of POSIX")
def test_a_worker_killed_while_it_simulates_changes_nothing(brief: Scenario, serial: Results) -> None:
    killed = []

    def kill_one(done: int, of: int) -> None:
        if done in (1, 3):
            # The longest there: never the one that has taken over a lost task, which would be lost for good.
            victim = min(child.pid for child in multiprocessing.active_children() if child.pid is not None)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with Workers(2) as executor:
        assert same(replicate(brief, executor=executor, progress=kill_one), serial)
    assert len(set(killed)) == 2


def test_a_task_arrives_as_it_was_sent_and_a_scenario_that_starts_as_itself_stays_one() -> None:
    scenario, other = get_scenario(), get_scenario("no_service")
    for start in (None, scenario, other):
        task = Task(scenario, 1, kernel.run, start_of=start)
        arrived = pickle.loads(pickle.dumps(task))
        assert arrived == task
        assert (arrived.start_of is arrived.scenario) == (start is scenario)


def test_only_processes_of_our_own_look_for_garbage_seldom() -> None:
    program = (
        "import gc, sys; before = gc.get_threshold()\n"
        "import caseload_sim.cli.main, caseload_sim.experiments.workers, caseload_sim.experiments.replicate\n"
        "assert gc.get_threshold() == before, 'by import'\n"
        "sys.argv = ['caseload-sim', '--version']\n"
        "try: caseload_sim.cli.main.main()\n"
        "except SystemExit: pass\n"
        "assert gc.get_threshold()[0] > before[0], 'not by the command line'\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    workers = Workers(1)
    assert workers.submit(gc.get_threshold).result()[0] == garbage.NEW_OBJECTS
    workers.stop()


UNGUARDED = {
    "with": "with Workers(2) as workers:\n    print(list(answers(int, [(0, '7')], workers)))",
    "without with": "workers = Workers(1)\nprint(workers.submit(int, '7').result())",
    "four of them, to simulate": "from caseload_sim import get_scenario, replicate\nscenario = get_scenario()\n"
    "with Workers(4) as workers:\n    print(replicate(scenario, executor=workers))",
    "by an executor for all": "workers = Workers(2)\nprint([one.result() for one in [workers.submit(int, '7') for _ in range(3)]])",
}


@pytest.mark.parametrize("how", UNGUARDED)
@pytest.mark.parametrize("by", ["script", "standard input"])
def test_a_program_without_a_guard_ends_with_an_error_that_names_it(how: str, by: str, tmp_path: Path) -> None:
    text = "from caseload_sim import Workers\nfrom caseload_sim.experiments.workers import answers\n" + UNGUARDED[how]
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    words, given = ([str(script)], "") if by == "script" else (["-"], text)
    ran = subprocess.run(
        [sys.executable, *words], input=given, capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=100
    )
    assert ran.returncode == 1
    (said,) = (line for line in ran.stderr.splitlines() if "RunError: " in line)
    wrong = (
        "this script starts workers also when a worker imports it" if by == "script" else "is read from standard input"
    )
    assert wrong in said
    assert 'under `if __name__ == "__main__":`' in said
    assert ran.stderr.count("Traceback") == 1, ran.stderr
    assert ran.stdout == ""


def test_a_script_that_ends_by_itself_in_a_worker_is_told_from_one_without_a_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom caseload_sim import Workers\nif __name__ != '__main__':\n    sys.exit('not I')\nWorkers(1).submit(int, '7').result()\n",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, encoding="utf-8", timeout=100)
    assert ran.returncode == 1
    assert "not I" in ran.stderr
    assert "a worker process ended before it could begin; its own error is above" in ran.stderr


def test_a_process_of_somebody_elses_is_not_ended_but_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\nfrom caseload_sim import Workers\nif __name__ == '__main__':\n"
        "    theirs = multiprocessing.get_context('spawn').Process(target=print)\n    theirs.start()\n    theirs.join()\nelse:\n    Workers(1)\n",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, encoding="utf-8", timeout=100)
    assert "RunError: a process must not start workers while it begins." in ran.stderr


def start_workers(number: int) -> int:
    return int(Workers(1).submit(double, number).result())


def test_a_worker_that_may_start_no_workers_says_so() -> None:
    with Workers(1) as executor, pytest.raises(RunError, match=r"no worker process can be started here \(daemonic"):
        list(answers(start_workers, [(0, 7)], executor))


@pytest.mark.parametrize("error", [RuntimeError, AssertionError, KeyError, MemoryError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["starting", "sending"])
def test_whatever_goes_wrong_with_a_worker_settles_every_future(
    error: type[BaseException], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        def recv_bytes(self) -> bytes:
            return b"ready"

        def send_bytes(self, content: bytes) -> None:
            raise error("odd")

        def close(self) -> None:
            pass

    class Process:
        exitcode = 1

        def join(self, seconds: float | None = None) -> None:
            pass

        def is_alive(self) -> bool:
            return False

    def new_worker(self: Workers) -> object:
        if where == "starting":
            raise error("odd")
        return workers._Worker(Process(), Odd())  # type: ignore[arg-type]

    monkeypatch.setattr(Workers, "_new_worker", new_worker)
    with Workers(2) as executor:
        futures = [executor.submit(double, k) for k in range(5)]
        assert [type(future.exception(timeout=60)) for future in futures] == [
            RunError if where == "starting" and issubclass(error, Exception) else error
        ] * 5


def test_nothing_is_taken_after_the_end_and_nothing_waits_for_ever() -> None:
    executor = Workers(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit(double, 1)
