"""Two engines, one answer: row for row, on random services and on every shipped scenario; and mutants are caught."""

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from building import with_bounds_checked
from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel, reference
from caseload_sim.engines.engine import ENGINES
from caseload_sim.engines.episodes import Episodes, check_invariants, check_plans, first_difference
from caseload_sim.engines.plans import GAVE_UP, NOT_YET, Capacity, Plans, plans_of
from caseload_sim.experiments.replicate import check_engines, simulate
from caseload_sim.pathway.care import draw_courses
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
from caseload_sim.simulation.replication import mean_disorders
from caseload_sim.support.compiled import numba_is_there
from caseload_sim.support.provenance import digest
from random_services import random_plans

# The others differ from these in what an engine does not see; test_named_scenarios.py runs all, smaller, in both engines.
AT_FULL_SIZE = ("hepgul_2016", "national_2024_25", "trial_world", "no_service", "service_claim", "unlimited_capacity")
N_RANDOM, N_VERIFICATION, N_FOR_MUTANTS = 300, 10_000, 300


def assert_equal(ours: Episodes, theirs: Episodes, capacity: Capacity, what: str) -> None:
    difference = first_difference(ours, theirs, capacity.steps)
    assert difference is None, f"{what}: {difference}"
    assert digest(ours) == digest(theirs)


@pytest.mark.parametrize("block", range(6))
def test_the_engines_agree_on_random_services(block: int) -> None:
    """Reference, kernel interpreted with bounds checked, and kernel compiled: 300 services in all."""
    for seed in range(block * N_RANDOM // 6, (block + 1) * N_RANDOM // 6):
        plans, capacity = random_plans(seed)
        check_plans(plans)
        answer = reference.run(plans, capacity)
        check_invariants(answer, plans, capacity)
        assert_equal(
            answer, kernel.run(plans, capacity, loop=with_bounds_checked), capacity, f"seed {seed}, interpreted"
        )
        assert_equal(answer, kernel.run(plans, capacity, compiled=True), capacity, f"seed {seed}, compiled")


def test_the_interpreted_kernel_agrees_with_the_reference() -> None:
    """A quicker half of the test above, that needs no compiler: what mutation.py asks first."""
    for seed in range(60):
        plans, capacity = random_plans(seed)
        ours = kernel.run(plans, capacity, loop=with_bounds_checked)
        assert_equal(reference.run(plans, capacity), ours, capacity, f"seed {seed}")


@pytest.mark.verification
def test_the_engines_agree_on_ten_thousand_random_services() -> None:
    for seed in range(N_RANDOM, N_RANDOM + N_VERIFICATION):
        plans, capacity = random_plans(seed)
        answer = reference.run(plans, capacity)
        assert_equal(answer, kernel.run(plans, capacity, compiled=False), capacity, f"seed {seed}, interpreted")
        assert_equal(answer, kernel.run(plans, capacity, compiled=True), capacity, f"seed {seed}, compiled")


def deadlines(plans: Plans, episodes: Episodes) -> tuple[np.ndarray, np.ndarray]:
    """Days on which the patience of each stay ends and on which its client is well again, far away where never, both (m,) int64."""
    n_steps = int(plans.step.max(initial=0)) + 1
    row = np.searchsorted(plans.client * n_steps + plans.step, episodes.client * n_steps + episodes.step)
    first = np.searchsorted(episodes.client, episodes.client)  # the client's first stay
    patience, well = (column[row].astype(np.int64) for column in (plans.patience_days, plans.well_after))
    return episodes.joined_day + patience, episodes.joined_day[first] + well


@pytest.mark.parametrize("engine", ["reference", "kernel"])
def test_nobody_waits_beyond_patience_or_beyond_being_well_and_nobody_leaves_before(engine: str) -> None:
    """Each stay of each service against its own two days: rule R2, told without an engine."""
    for seed in range(N_RANDOM):
        plans, capacity = random_plans(seed)
        episodes = ENGINES[engine](plans, capacity)
        patience, well = deadlines(plans, episodes)
        last = np.minimum(patience, np.maximum(well, episodes.joined_day + 1))
        left, started = episodes.ending == GAVE_UP, episodes.started_day != NOT_YET
        assert np.array_equal(episodes.ended_day[left], last[left]), seed
        assert np.all((episodes.started_day < last)[started]), seed
        assert np.all(last[~left & ~started] >= len(capacity.places)), seed


def test_random_services_reach_every_corner() -> None:
    """A test of the test: among the services used, each kind of event happens often."""
    seen: dict[str, int] = dict.fromkeys(
        ("unfinished", "gave up", "returned", "stepped down", "visited a step twice", "held above places", "joined early",
         "tied", "by priority", "left when well", "left on the day after joining, well", "well in time for a place"), 0,
    )  # fmt: skip
    for seed in range(N_RANDOM):
        plans, capacity = random_plans(seed)
        episodes = reference.run(plans, capacity)
        daily = np.zeros((2, *capacity.places.shape), dtype=np.int32)
        reference.run(plans, capacity, daily=daily)
        follows = np.flatnonzero(episodes.client[1:] == episodes.client[:-1]) + 1
        joined = list(zip(episodes.step.tolist(), episodes.joined_day.tolist(), strict=True))
        visits = list(zip(episodes.client.tolist(), episodes.step.tolist(), strict=True))
        seen["unfinished"] += bool(np.any(episodes.ended_day == NOT_YET))
        seen["gave up"] += bool(np.any(episodes.ending == GAVE_UP))
        seen["returned"] += bool(np.any(plans.joins_day[episodes.client] == NOT_YET))
        seen["stepped down"] += bool(np.any(episodes.step[follows] < episodes.step[follows - 1]))
        seen["visited a step twice"] += len(set(visits)) < len(visits)
        seen["held above places"] += bool(np.any(daily[0] > capacity.places))
        seen["joined early"] += bool(np.any(episodes.joined_day < 0))
        seen["tied"] += len(set(joined)) < len(joined)
        seen["by priority"] += len(np.unique(plans.priority)) > 1
        patience, well = deadlines(plans, episodes)
        left_well = (episodes.ending == GAVE_UP) & (well < patience)
        seen["left when well"] += bool(np.any(left_well))
        seen["left on the day after joining, well"] += bool(np.any(left_well & (well < episodes.joined_day)))
        seen["well in time for a place"] += bool(np.any((episodes.started_day >= 0) & (well <= episodes.started_day)))
    assert all(times >= 30 for times in seen.values()), seen
    assert seen["unfinished"] >= N_RANDOM // 2, "half are cut in mid-flow"


@pytest.mark.parametrize("name", AT_FULL_SIZE)
def test_the_engines_agree_on_scenarios_at_their_full_size(name: str) -> None:
    stays, difference = check_engines(get_scenario(name))
    assert difference is None
    assert stays > 1000 or name == "no_service"


@pytest.mark.parametrize("name", AT_FULL_SIZE)
def test_scenarios_stay_within_bounds_at_their_full_size(name: str) -> None:
    scenario, draws = get_scenario(name), Draws(1, 0)
    clients = draw_clients(scenario, draws)
    courses, _ = draw_courses(scenario, clients, draws)
    plans = plans_of(courses)
    capacity = places(scenario, draws, mean_disorders(scenario, clients))
    checked = kernel.run(plans, capacity, loop=with_bounds_checked)
    assert_equal(kernel.run(plans, capacity, compiled=True), checked, capacity, "bounds checked")


def test_the_default_engine_and_the_reference_give_equal_digests_of_everything(small: Scenario) -> None:
    assert simulate(small, engine="kernel").digests == simulate(small, engine="reference").digests


def test_the_reference_does_not_depend_on_the_order_in_which_stories_begin() -> None:
    rng = np.random.default_rng(3)
    for seed in range(60):
        plans, capacity = random_plans(seed)
        order = rng.permutation(len(plans.joins_day)).tolist()
        assert_equal(
            reference.run(plans, capacity), reference.run(plans, capacity, order=order), capacity, f"seed {seed}"
        )


def test_the_engines_count_the_same_places_held_and_clients_waiting_each_day() -> None:
    for seed in range(120):
        plans, capacity = random_plans(seed)
        counts = [np.zeros((2, *capacity.places.shape), dtype=np.int32) for _ in range(2)]
        answer = reference.run(plans, capacity, daily=counts[0])
        watched = kernel.run(plans, capacity, loop=with_bounds_checked, daily=counts[1])
        assert_equal(answer, watched, capacity, f"seed {seed}, watched")
        assert np.array_equal(counts[0], counts[1]), seed


def test_the_kernel_finds_room_for_clients_who_go_in_circles() -> None:
    from building import capacity as places
    from building import plans

    plan = plans([0, 1], steps=2, days=1, next_inside=[[1, 0]] * 2)
    episodes = kernel.run(plan, places([2, 2], 50))
    assert len(episodes.client) == 50 + 49
    assert digest(episodes) == digest(reference.run(plan, places([2, 2], 50)))


def test_numba_is_used_where_it_can_be_imported() -> None:
    """Were it overlooked, every answer would be the same, a hundred times later."""
    try:
        importlib.import_module("numba")
        there = True
    except ImportError:
        there = False
    assert numba_is_there() == there


def test_the_first_difference_is_told_in_words() -> None:
    plans, capacity = random_plans(0)
    ours = reference.run(plans, capacity)
    started = ours.started_day.copy()
    row = int(np.flatnonzero(started != NOT_YET)[0])
    started[row] += 1
    theirs = replace(ours, started_day=started)
    text = first_difference(ours, theirs, capacity.steps)
    assert text is not None
    assert text.startswith(f"row {row}, client {ours.client[row]} at step_")
    assert f"started_day {ours.started_day[row]} against {ours.started_day[row] + 1}" in text


# --- mutants: each breaks one rule of the kernel, and each must be noticed -------------------------------------------

MUTANTS = {
    "horizon inclusive for courses": ("last = day + course_days[at]\n                if last < horizon:", "last = min(day + course_days[at], horizon - 1)\n                if last < horizon:"),
    "horizon inclusive for patience": ("and gives_up[row] < horizon:", "and gives_up[row] <= horizon:"),
    "last in, first out": ("next_row[list_tail[queue]] = row\n            list_tail[queue] = row", "next_row[row] = list_head[queue]\n                list_head[queue] = row"),
    "patience a day longer": ("joined[row] + patience_days[at]", "joined[row] + patience_days[at] + 1"),
    "patience a day shorter": ("joined[row] + patience_days[at]", "joined[row] + max(patience_days[at] - 1, 1)"),
    "who leaves on a day can start on it": ("if gives_up[row] <= day:", "if gives_up[row] < day:"),
    "who leaves on the next day cannot start": ("if gives_up[row] <= day:", "if gives_up[row] <= day + 1:"),
    "taken off the list on the day it is noticed": ("ended[row] = gives_up[row]  #", "ended[row] = day  #"),
    "stale patience timer": ("if started[row] == NOT_YET:\n                    ended[row] = day", "if True:\n                    ended[row] = day"),
    "those who gave up start all the same": ("if gives_up[row] <= day:", "if False:"),
    "R6 forgotten": ("while held[where] < places[day * n_steps + where]:", "while held[where] <= places[day * n_steps + where]:"),
    "yesterday's places": ("held[where] < places[day * n_steps + where]", "held[where] < places[max(day - 1, 0) * n_steps + where]"),
    "tie by order of joining instead of client": ("today.sort()", "pass"),
    "priority ignored": ("queue = where * n_ranks + rank[at]", "queue = where * n_ranks"),
    "the lowest priority first": ("queue = where * n_ranks + rank[at]", "queue = where * n_ranks + n_ranks - 1 - rank[at]"),
    "deadline ignored, all inside": ("if inside_from[at] <= day - entered[who]:", "if True:"),
    "deadline ignored, all outside": ("if inside_from[at] <= day - entered[who]:", "if False:"),
    "deadline a day late": ("inside_from[at] <= day -", "inside_from[at] < day -"),
    "deadline a day early": ("inside_from[at] <= day -", "inside_from[at] <= day + 1 -"),
    "deadline counted from opening": ("inside_from[at] <= day - entered[who]", "inside_from[at] <= day"),
    "deadline counted from joining this list": ("inside_from[at] <= day - entered[who]", "inside_from[at] <= day - joined[row]"),
    "a return's deadlines counted from opening": ("entered[who] = day", "pass"),
    "the well wait on": ("if well_after[at] != NEVER:", "if False:"),
    "the well leave a day late": ("entered[who] + well_after[at]", "entered[who] + well_after[at] + 1"),
    "the well leave a day early": ("entered[who] + well_after[at]", "entered[who] + well_after[at] - 1"),
    "the well counted from joining this list": ("entered[who] + well_after[at]", "joined[row] + well_after[at]"),
    "the well counted from opening": ("entered[who] + well_after[at]", "well_after[at]"),
    "the well leave on the day of joining": ("well = joined[row] + 1", "well = joined[row]"),
    "the well leave before they joined": ("if well <= joined[row]:", "if False:"),
    "the well never find a place at once": ("if gives_up[row] <= day:", "if gives_up[row] <= day or (well_after[at] != NEVER and entered[who] + well_after[at] <= day):"),
    "the well outlast their patience": ("if well < last:", "if well > last:"),
    "places freed a day late": ("last = day + course_days[at]", "last = day + course_days[at] + 1"),
    "places never freed": ("held[step[at]] -= 1", "pass"),
    "running start pushed out above capacity": ("held[where] += 1\n                last = began", "last = began"),
    "running start joined on day 0": ("joined[row] = day if day >= 0 else joins_day[who]", "joined[row] = max(day, 0)"),
    "running start ends too late": ("last = began_day[who] + course_days[at]", "last = course_days[at]"),
    "a return a day late": ("back = day + return_after_days[who]\n                    returns_next", "back = min(day + return_after_days[who] + 1, horizon - 1)\n                    returns_next"),
    "who gave up never returns": ("waiting[step[plan[row]]] -= 1\n                    if returns_as[who] >= 0", "waiting[step[plan[row]]] -= 1\n                    if False"),
    "steps filled in reverse, each from yesterday": ("for where in range(n_steps):", "for where in range(n_steps - 1):"),
    "everybody finishes": ("ending[row] = ending_of[at]", "ending[row] = 3"),
    "one start a day": ("held[where] += 1\n                last = day", "held[where] += 1\n                first_rank[where] = n_ranks\n                last = day"),
}  # fmt: skip


def mutant(old: str, new: str) -> Callable[..., int]:
    source = inspect.getsource(kernel.pass_the_days)
    assert source.count(old) >= 1, f"the kernel no longer says {old!r}: renew this mutant"
    names: dict[str, Any] = dict(vars(kernel))
    exec(compile(source.replace(old, new), "<mutant>", "exec"), names)
    changed: Callable[..., int] = names["pass_the_days"]
    return changed


@pytest.fixture(scope="module")
def answers() -> list[tuple[Plans, Capacity, str]]:
    services = [random_plans(seed) for seed in range(N_FOR_MUTANTS)]
    return [(plans, capacity, digest(reference.run(plans, capacity))) for plans, capacity in services]


@pytest.mark.parametrize("name", list(MUTANTS))
def test_a_mutant_of_the_kernel_is_caught(name: str, answers: list[tuple[Plans, Capacity, str]]) -> None:
    loop = mutant(*MUTANTS[name])
    for plans, capacity, answer in answers:
        try:
            if digest(kernel.run(plans, capacity, loop=loop)) != answer:
                return
        except (IndexError, AssertionError):
            return
    pytest.fail(f"no random service notices: {name}")


# --- no float and no draw in an engine ------------------------------------------------------------------------------

SOURCES = [Path(str(engine.__file__)) for engine in (kernel, reference)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_engine_draws_or_divides_or_names_a_float(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not any(word in name for name in names for word in ("random", "draws", "secrets", "time", "math")), (
                names
            )
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), f"line {node.lineno}"
        if isinstance(node, ast.BinOp | ast.AugAssign):
            assert not isinstance(node.op, ast.Div | ast.Pow), f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith(("float", "random")), f"line {node.lineno}"


def test_all_that_goes_into_an_engine_and_comes_out_is_whole_numbers(small: Scenario) -> None:
    draws = Draws(1, 0)
    clients = draw_clients(small, draws)
    courses, _ = draw_courses(small, clients, draws)
    capacity = places(small, draws, mean_disorders(small, clients))
    plans = plans_of(courses)
    episodes = kernel.run(plans, capacity)
    tables: list[tuple[Any, str]] = [(plans, f.name) for f in fields(plans)] + [
        (episodes, f.name) for f in fields(episodes)
    ]
    for table, name in [*tables, (capacity, "places")]:
        assert getattr(table, name).dtype in (np.int8, np.int32), name
