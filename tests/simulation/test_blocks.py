"""Clients are drawn, read and counted some at a time, by several threads: the answer is that of all at once."""

import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseload_sim.clients.population import Clients
from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.engines import kernel, reference
from caseload_sim.engines.plans import NO_STEP, NOT_YET, Courses, Plans, PlansInParts, plans_from, plans_of
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.measures.counting import by_number, quantile_of, total_of
from caseload_sim.measures.measure import measure, tally
from caseload_sim.measures.table import table_of
from caseload_sim.outcomes.outcomes import Outcomes, read_outcomes
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.pathway import Routing
from caseload_sim.scenario.policies import Decision, Known
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import only, read_again
from caseload_sim.support import columns, threads
from caseload_sim.support.columns import blocks_of, by_name, largest_column, rows_of, slice_of
from caseload_sim.support.provenance import Digest, digest
from caseload_sim.support.threads import each_in_order, run_in_background, threads_here
from random_services import random_service


@pytest.fixture(scope="module")
def busy() -> Scenario:
    """A small service with everything that has rows of its own: returns, a running start, weekends."""
    return get_scenario(
        changes={"demand.referrals_per_year": 1500, "pathway.returns.chance": 0.3, "run.follow_up_days": 200}
    )


def numbers_of(scenario: Scenario) -> tuple[list[Quantity], np.ndarray, dict[str, str]]:
    finished, _ = finish(Task(scenario, 0, kernel.run))
    return list(finished.measures), finished.measures.numbers, finished.digests


@pytest.mark.parametrize(("at_once", "n_threads"), [(1000, 1), (317, 1), (317, 3), (10**6, 2)])
def test_neither_blocks_nor_threads_change_anything(
    busy: Scenario, monkeypatch: pytest.MonkeyPatch, at_once: int, n_threads: int
) -> None:
    keys, expected, digests = numbers_of(busy)
    monkeypatch.setattr(columns, "CLIENTS_AT_ONCE", at_once)
    monkeypatch.setattr(threads, "threads_here", lambda: n_threads)
    got = numbers_of(busy)
    assert got[0] == keys
    assert np.array_equal(got[1], expected, equal_nan=True)
    assert got[2] == digests


def test_those_who_are_drawn_again_to_be_read_are_the_very_same(busy: Scenario) -> None:
    """Whole, everybody is kept; otherwise only plans are, and those who are counted are drawn a second time."""
    _, counted, digests = numbers_of(busy)
    whole = simulate(busy)
    assert np.array_equal(measure(whole).numbers, counted, equal_nan=True)
    assert whole.digests == digests
    assert np.any(whole.clients.id >= 2**40), "some came back"
    assert np.any(whole.clients.id >= 2**41), "some were there at opening"
    assert whole.digests["clients"] == digest_of_people(whole.clients)


def test_only_those_whose_referral_was_open_in_the_period_are_read_because_nobody_else_is_counted(
    busy: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, read = simulate(busy), []

    def note_who(scenario: Scenario, clients: Clients, *rest: Any, **more: Any) -> Outcomes:
        read.extend(clients.id.tolist())
        return read_outcomes(scenario, clients, *rest, **more)

    monkeypatch.setattr("caseload_sim.simulation.replication.read_outcomes", note_who)
    finish(Task(busy, 0, kernel.run))
    first, after = busy.run.period
    came, left = whole.clients.referral_day, whole.outcomes.end_day
    over_before = (left != NOT_YET) & (left < first)
    never_came, came_after = came == NOT_YET, came >= after
    unread = never_came | over_before | came_after
    assert sorted(read) == whole.clients.id[~unread].tolist()
    for some in (
        never_came,
        over_before & ~never_came,
        came_after,
        ~unread & (came < first),
        ~unread & (left >= after),
    ):
        assert np.any(some)
    counts = tally(only(whole, np.flatnonzero(unread))).counts
    assert counts.pop("contacts_attended") > 0, "they were seen, and held places"
    assert not any(np.any(count) for count in counts.values())


def test_whoever_is_not_read_changes_nothing_for_those_who_are(busy: Scenario) -> None:
    whole = simulate(busy)
    rows = np.arange(0, len(whole.clients.id), 3)
    some = only(whole, rows)
    again = read_again(some, busy).outcomes
    assert again is not some.outcomes
    expected, got = (_columns_of(outcomes) for outcomes in (some.outcomes, again))
    assert [name for name in expected if not np.array_equal(expected[name], got[name])] == []
    assert len(expected["end_day"]) == len(rows) > 1000


def _columns_of(table: Any, path: str = "") -> dict[str, np.ndarray]:
    """Every array of a table by its path, down into tables and dicts within it."""
    if isinstance(table, np.ndarray):
        return {path: table}
    parts = table if isinstance(table, dict) else by_name(table)
    return {k: v for name, one in parts.items() for k, v in _columns_of(one, f"{path}.{name}".strip(".")).items()}


def digest_of_people(clients: Any) -> str:
    who = Digest()
    who.add({"id": clients.id, "conditions": clients.conditions, "strata": clients.strata})
    who.add({"referral_day": clients.referral_day})
    return who.hexdigest()


def better_half_waits(known: Known, routing: Routing) -> Decision:
    """A policy that compares clients with each other."""
    n = len(known.phq9)
    rank = np.argsort(np.argsort(known.phq9, kind="stable"), kind="stable")
    half = np.full(n, 0.5)
    return Decision(
        {"low_intensity": half, "high_intensity": half}, {"high_intensity": (rank < n // 2).astype(np.int64)}
    )


def test_a_policy_that_compares_clients_sees_all_of_them_at_once(
    busy: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(busy, 0, kernel.run, policy=better_half_waits)
    expected = finish(task)[0].measures.numbers
    assert np.array_equal(measure(simulate(busy, policy=better_half_waits)).numbers, expected, equal_nan=True)
    monkeypatch.setattr(columns, "CLIENTS_AT_ONCE", 317)
    assert np.array_equal(finish(task)[0].measures.numbers, expected, equal_nan=True)


# --- counts that can be added -----------------------------------------------------------------------------------


def test_counts_of_two_halves_are_those_of_the_whole(small_simulation: Any) -> None:
    whole = small_simulation
    n = len(whole.clients.id)
    halves = [tally(_only_scored(whole, rows)) for rows in (np.arange(n // 3), np.arange(n // 3, n))]
    together, expected = halves[0] + halves[1], tally(whole)
    assert together.rows == expected.rows
    for name, counts in expected.counts.items():
        assert np.array_equal(together.counts[name], counts), name
    assert any(not np.array_equal(half.counts["contacts"], expected.counts["contacts"]) for half in halves)


def _only_scored(whole: Any, rows: np.ndarray) -> Any:
    """Some clients with their own scores by course alone."""
    scores = whole.outcomes.course_scores
    theirs = rows_of(scores, np.flatnonzero(np.isin(scores.client, rows)))
    return only(replace(whole, outcomes=replace(whole.outcomes, course_scores=theirs)), rows)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.sampled_from([0.1, 0.25, 0.5, 0.9, 0.99]))
def test_quantiles_of_counts_are_those_of_the_numbers(numbers: list[int], share: float) -> None:
    counts = by_number(np.array(numbers))
    assert quantile_of(counts, share) == np.quantile(numbers, share, method="inverted_cdf")
    assert total_of(counts) == sum(numbers)


def test_nobody_has_no_quantile() -> None:
    assert np.isnan(quantile_of(by_number(np.empty(0, dtype=np.int64)), 0.5))


@given(st.integers(0, 25), st.integers(1, 9))
def test_the_digest_of_blocks_is_that_of_the_whole(n: int, size: int) -> None:
    rng = np.random.default_rng(n)
    flags = rng.random((n, 3)) < 0.5
    table = {"days": rng.integers(0, 9, n), "flags": {"a": flags}, "not counted": rng.random(n)}
    in_blocks = Digest()
    for some in blocks_of(n, size) or [slice(0, 0)]:
        in_blocks.add(slice_of(table, some))
    assert in_blocks.hexdigest() == digest(table)
    if n:
        flags[n // 2, 1] ^= True
        assert in_blocks.hexdigest() != digest(table)


@given(st.integers(0, 30), st.integers(1, 6))
def test_the_largest_column_is_the_first_of_equals(n: int, width: int) -> None:
    table = np.random.default_rng(n).integers(0, 4, (n, width)).astype(np.float64)
    assert np.array_equal(largest_column(table), table.argmax(axis=1))


def test_a_table_goes_to_another_process_without_its_names(small_simulation: Any) -> None:
    table = measure(small_simulation)
    sent = pickle.dumps(table)
    again = pickle.loads(sent)
    assert again.rows is table.rows, "of one shape there is one set of rows"
    assert np.array_equal(again.numbers, table.numbers, equal_nan=True)
    assert len(sent) < table.numbers.nbytes + 60_000
    of_its_own = table_of({Quantity("recovery", "all", "", "", "all"): Value(1, 2, 0.5)})
    assert dict(pickle.loads(pickle.dumps(of_its_own))) == dict(of_its_own)


# --- plans ------------------------------------------------------------------------------------------------------


def every_pair(courses: Courses) -> Plans:
    """Plans with a row for each client and step, reached or not, written down one by one."""
    n, n_steps = courses.course_days.shape
    flat: dict[str, Any] = {
        name: getattr(courses, name).reshape(-1)
        for name in ("course_days", "patience_days", "priority", "ending", "inside_from", "well_after")
    }

    def row(client: int, step: int) -> int:
        return NO_STEP if step == NO_STEP else client * n_steps + step

    follows: dict[str, Any] = {
        name: np.array(
            [row(c, int(getattr(courses, name)[c, s])) for c in range(n) for s in range(n_steps)], dtype=np.int32
        )
        for name in ("next_inside", "next_outside")
    }
    return Plans(
        joins_day=courses.joins_day, started_day=courses.started_day, returns_as=courses.returns_as,
        return_after_days=courses.return_after_days,
        first=np.array([row(c, int(courses.first_step[c])) for c in range(n)], dtype=np.int32),
        client=np.repeat(np.arange(n, dtype=np.int32), n_steps), step=np.tile(np.arange(n_steps, dtype=np.int8), n),
        **flat, **follows,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_steps_that_cannot_be_reached_are_left_out_and_nobody_misses_them(seed: int) -> None:
    courses, capacity = random_service(seed)
    dense, sparse = every_pair(courses), plans_of(courses)
    assert len(sparse.client) < len(dense.client) or courses.course_days.shape[1] == 1
    for run in (reference.run, kernel.run):
        assert digest(run(dense, capacity)) == digest(run(sparse, capacity))


@pytest.mark.parametrize("expected", [0, 3, 10_000])
def test_plans_put_together_are_those_of_everybody_however_many_were_expected(expected: int) -> None:
    courses, capacity = random_service(2)
    n = len(courses.joins_day)
    alone = replace(courses, returns_as=np.full(n, -1, dtype=np.int32))
    parts = PlansInParts(expected)
    for some in blocks_of(n, 5):
        parts.add(plans_of(slice_of(alone, some)))
    together = parts.combine()
    assert digest(together) == digest(plans_of(alone))
    assert len(kernel.run(together, capacity).client) > n // 2


@pytest.mark.parametrize("seed", range(40))
def test_plans_from_later_steps_lead_where_whole_plans_lead(seed: int) -> None:
    """Some clients, each begun at a step of theirs: as if their courses had begun there."""
    courses, _ = random_service(seed)
    rng, n = np.random.default_rng(seed), len(courses.joins_day)
    courses = replace(courses, returns_as=np.full(n, -1, dtype=np.int32))
    plans, some = plans_of(courses), np.flatnonzero(rng.random(n) < 0.6)
    first_step = courses.first_step.copy()
    for who in some.tolist():
        reachable = plans.step[plans.client == who]
        first_step[who] = rng.choice(reachable) if len(reachable) else NO_STEP
    row_of = {pair: row for row, pair in enumerate(zip(plans.client.tolist(), plans.step.tolist(), strict=True))}
    first = np.array([row_of.get((who, int(first_step[who])), NO_STEP) for who in some.tolist()], dtype=np.int32)
    begun = rows_of(replace(courses, first_step=first_step), some)
    assert digest(plans_from(plans, some, first)) == digest(plans_of(begun))


# --- threads ----------------------------------------------------------------------------------------------------


def test_answers_come_in_order_however_long_each_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "threads_here", lambda: 3)
    seen: set[int] = set()

    def slow_first(k: int) -> int:
        sleep(0.05 if k == 0 else 0)
        seen.add(threading.get_ident())
        return k * k

    interval = sys.getswitchinterval()
    assert list(each_in_order(slow_first, range(20))) == [k * k for k in range(20)]
    assert len(seen) > 1
    assert sys.getswitchinterval() == interval


def test_no_more_is_held_than_there_are_threads_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "threads_here", lambda: 2)
    begun: list[int] = []

    def note(k: int) -> int:
        begun.append(k)
        return k

    coming = each_in_order(note, range(50))
    assert next(coming) == 0
    sleep(0.1)
    assert len(begun) <= 3, "one taken and two under way"
    coming.close()
    assert len(begun) <= 4, "whoever stops listening stops the rest"


@pytest.mark.parametrize("n_threads", [1, 3])
def test_what_goes_wrong_in_a_thread_is_told(monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    monkeypatch.setattr(threads, "threads_here", lambda: n_threads)

    def fails(k: int) -> int:
        if k == 4:
            raise ZeroDivisionError(k)
        return k

    coming = each_in_order(fails, range(9))
    assert [next(coming) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        next(coming)


def test_something_is_done_meanwhile_and_what_goes_wrong_in_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "threads_here", lambda: 2)
    here, begun = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        assert here.wait(10), "it ran before the block instead of beside it"
        return threading.get_ident()

    with run_in_background(slow, worth_it=True) as answer:
        assert begun.wait(10)
        here.set()
        assert answer() != threading.get_ident()
    with run_in_background(threading.get_ident, worth_it=False) as answer:
        assert answer() == threading.get_ident()
    with pytest.raises(ZeroDivisionError), run_in_background(lambda: 1 // 0, worth_it=True) as answer:
        answer()
    monkeypatch.setattr(threads, "threads_here", lambda: 1)
    with run_in_background(threading.get_ident, worth_it=True) as answer:
        assert answer() == threading.get_ident()


def test_where_replications_run_side_by_side_each_has_one_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(threads_here).result() == 1
    assert threads_here() >= 1
