"""Many replications asked for at once: each finished once, kept by what was run, and given in the order asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from inspect import signature

import pytest

import caseload_sim
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.tasks import Finished, ReplicationKey
from caseload_sim.measures.measure import measure
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.pathway import Routing
from caseload_sim.scenario.policies import Decision, Known
from caseload_sim.scenario.scenario import Scenario

BRIEF = {"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400, "run.replications": 2}
SIMULATING = (
    "replicate", "replicate_until", "sweep", "compare", "solve", "uncertainty", "reconcile", "reconcile_scenarios", "audit",
    "rank", "misfits", "validate_model", "calibrate_service",
)  # fmt: skip


@dataclass(frozen=True)
class HowMany:
    """Counts clients whose number divides by `by`."""

    by: int

    def __call__(self, simulation: Simulation) -> dict[str, float]:
        return {"n": float((simulation.clients.id % self.by == 0).sum())}


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes(BRIEF)


def test_equal_requests_have_one_number_whatever_the_replications_and_others_have_another(brief: Scenario) -> None:
    plain = RunOptions()
    longer = brief.with_changes({"run.replications": 7}).model_copy(update={"name": brief.name})
    assert Request(brief).number(plain) == Request(longer, only=(3,), all_tables=True).number(plain)
    others = [
        Request(brief.with_changes({"run.seed": 8})).number(plain),
        Request(brief, start_of=longer).number(plain),
        Request(brief, read=HowMany(2)).number(plain),
        Request(brief, read=HowMany(3)).number(plain),
        Request(brief).number(RunOptions(parameter_uncertainty=True)),
        Request(brief).number(RunOptions(policy=nobody_waits)),
    ]
    assert len({*others, Request(brief).number(plain)}) == len(others) + 1


def nobody_waits(known: Known, routing: Routing) -> Decision:
    raise AssertionError("never called")


def test_chosen_replications_come_in_the_order_asked_for_and_are_as_simulated(brief: Scenario) -> None:
    with ThreadPoolExecutor(2) as threads:
        requests = [Request(brief, only=(3, 1)), Request(brief, only=(2,), all_tables=True)]
        (some, nothing), (one, first) = finish_each(requests, RunOptions(executor=threads))
    assert nothing is None
    assert first is not None
    assert first.replication == 2
    for replication, finished in zip((3, 1, 2), (*some, *one), strict=True):
        by_hand = simulate(brief, replication=replication)
        assert finished.digests == by_hand.digests
        assert repr(dict(finished.measures)) == repr(dict(measure(by_hand)))


def test_two_that_are_equal_are_both_given_and_kept_once(brief: Scenario) -> None:
    kept: dict[ReplicationKey, Finished] = {}
    counted: list[tuple[int, int]] = []
    options = RunOptions(kept=kept, progress=lambda *n: counted.append(n))
    (first, _), (second, _) = finish_each([Request(brief), Request(brief)], options)
    assert [one.digests for one in first] == [one.digests for one in second]
    assert len(kept) == 2
    assert counted[-1] == (4, 4)


def test_what_is_read_off_a_replication_is_kept_with_it(brief: Scenario) -> None:
    kept: dict[ReplicationKey, Finished] = {}
    ((some, _),) = finish_each([Request(brief, read=HowMany(5))], RunOptions(kept=kept))
    assert [one.read["n"] for one in some] == [
        float((simulate(brief, replication=k).clients.id % 5 == 0).sum()) for k in range(2)
    ]
    calls: list[int] = []
    options = RunOptions(kept=kept, progress=lambda done, of: calls.append(done))
    ((again, _),) = finish_each([Request(brief, read=HowMany(5))], options)
    assert [one.read for one in again] == [one.read for one in some]
    assert not calls, "nothing is run again"


def test_a_policy_of_ones_own_and_an_executor_do_not_go_together() -> None:
    with ThreadPoolExecutor(1) as threads, pytest.raises(RunError, match=r"a policy of your own runs in this process"):
        RunOptions(policy=nobody_waits, executor=threads)


@pytest.mark.parametrize("name", SIMULATING)
def test_every_public_function_that_simulates_takes_the_keywords_of_run_options(name: str) -> None:
    function: Callable[..., object] = getattr(caseload_sim, name)
    (how,) = (one for one in signature(function).parameters.values() if one.kind is one.VAR_KEYWORD)
    assert set(RunOptions.__dataclass_fields__) == set(RunKeywords.__annotations__)
    assert "RunKeywords" in str(how.annotation)
    assert "RunOptions" in (function.__doc__ or "") or name == "replicate_until"
