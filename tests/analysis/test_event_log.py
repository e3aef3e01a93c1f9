"""The event log: everybody in it, once, in order; what is counted from it is what the engine counted."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from caseload_sim.analysis.event_log import (
    EVENT_TYPES,
    NO_PLACE,
    EventLog,
    EventRow,
    event_log,
    event_names,
    place_numbers,
)
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.engines.episodes import Episodes, occupancy
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.measure import measure
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

SERVICES: dict[str, dict[str, Any]] = {
    "a small service": {},
    "more staff than can be used": {
        "staff.assessor.wte": 500, "staff.psychological_wellbeing_practitioner.wte": 500, "staff.high_intensity_therapist.wte": 500
    },
    "nobody at high intensity": {"staff.high_intensity_therapist.wte": 0},
    "stopped while busy": {"run.follow_up_days": 0},
    "no service": {"pathway.policy": "no_service"},
    "nobody referred": {"demand.referrals_per_year": 0},
}  # fmt: skip


def by_day(log: EventLog, horizon_days: int) -> dict[str, NDArray[np.int32]]:
    """How many clients wait for each step, and hold a place there, at the end of each day: every day, the empty ones too.

    Keys: <step>_wait and <step>, for every step, also one that nobody ever reached; each (days,) int32. A client is where
    the last event put them; an end, a departure or an arrival puts nobody anywhere.
    """
    order = np.lexsort((np.arange(len(log.time)), log.entity_id))
    who, day, event = log.entity_id[order], log.time[order], log.event[order]
    until = np.full(len(day), horizon_days, dtype=np.int64)
    same = who[1:] == who[:-1]
    until[:-1][same] = day[1:][same]
    names = log.event_names[2:]
    places = names[len(names) // 3 : 2 * len(names) // 3]
    result: dict[str, NDArray[np.int32]] = {}
    for name in (f"{step}{kind}" for step in places for kind in ("_wait", "")):
        rows = event == log.event_names.index(name)
        change = np.zeros(horizon_days + 1, dtype=np.int32)
        np.add.at(change, np.maximum(day[rows], 0), 1)
        np.add.at(change, np.maximum(until[rows], 0), -1)
        result[name] = change.cumsum(dtype=np.int32)[:-1]
    return result


@pytest.fixture(scope="module", params=list(SERVICES))
def simulation(request: pytest.FixtureRequest, small: Scenario) -> Simulation:
    return simulate(small.with_changes(SERVICES[request.param]))


@pytest.fixture(scope="module")
def log(simulation: Simulation) -> EventLog:
    return event_log(simulation)


def histories(log: EventLog) -> Iterator[tuple[int, list[EventRow]]]:
    """Each client's events, in the order of the log."""
    found: dict[int, list[EventRow]] = defaultdict(list)
    for row in log.rows():
        found[row.entity_id].append(row)
    yield from found.items()


def stays(*rows: tuple[int, int, int, int, int]) -> Episodes:
    """Episodes from (client, step, joined, started, ended)."""
    client, step, joined, started, ended = np.array(rows, dtype=np.int32).T
    return Episodes(client, step.astype(np.int8), joined, started, ended, np.zeros(len(client), dtype=np.int8))


def test_a_place_is_the_lowest_free_one_by_hand() -> None:
    """Client 3 takes over place 1 on the day it is given back; 4 finds place 2 still held; step 1 counts for itself."""
    numbers = place_numbers(
        stays(
            (0, 0, 0, 0, 5),
            (1, 0, 0, 0, NOT_YET),
            (2, 0, 1, NOT_YET, 9),
            (3, 0, 2, 5, 9),
            (4, 0, 2, 6, 7),
            (5, 0, 3, 7, 8),
            (6, 1, 0, 6, 8),
        ),
        2,
    )
    assert numbers.tolist() == [1, 2, NO_PLACE, 1, 3, 3, 1]


def test_those_who_start_together_take_places_in_the_order_of_joining() -> None:
    assert place_numbers(stays((0, 0, 2, 3, 4), (1, 0, 1, 3, 4), (2, 0, 1, 3, 4)), 1).tolist() == [3, 1, 2]


def test_no_two_clients_hold_the_same_place_of_a_step_on_the_same_day(simulation: Simulation, log: EventLog) -> None:
    held: Counter[tuple[str, int | None, int]] = Counter()
    ever: Counter[tuple[str, int]] = Counter()  # also before opening, when those who are there then took their places
    horizon = simulation.scenario.run.horizon_days
    for _, rows in histories(log):
        for k, row in enumerate(rows):
            if row.event_type == "resource_use":
                until = rows[k + 1].time if k + 1 < len(rows) else horizon
                held.update((row.event, row.resource_id, day) for day in range(max(row.time, 0), until))
                ever.update((row.event, day) for day in range(row.time, until))
    assert set(held.values()) <= {1}
    most, _ = occupancy(simulation.episodes, len(simulation.scenario.steps), horizon)
    assert len(held) == most.sum(), "every place-day is there"
    for step in simulation.scenario.steps:
        highest = max((number for event, number, _ in held if event == step and number), default=0)
        most_at_once = max((n for (event, _), n in ever.items() if event == step), default=0)
        assert highest <= most_at_once, "the lowest free place: no number above the most held at once"


def test_counts_by_day_are_the_engines_occupancy(simulation: Simulation, log: EventLog) -> None:
    run, steps = simulation.scenario.run, simulation.scenario.steps
    held, waiting = occupancy(simulation.episodes, len(steps), run.horizon_days)
    counted = by_day(log, run.horizon_days)
    assert list(counted) == [f"{step}{kind}" for step in steps for kind in ("_wait", "")]
    for s, step in enumerate(steps):
        assert np.array_equal(counted[f"{step}_wait"], waiting[:, s]), step
        assert np.array_equal(counted[step], held[:, s]), step


def test_an_empty_queue_is_a_row_of_zeros_and_not_left_out(small: Scenario) -> None:
    every_day = {"run.weekends_off": False}  # otherwise some wait for Monday
    idle = simulate(small.with_changes(SERVICES["more staff than can be used"] | every_day))
    counted = by_day(event_log(idle), small.run.horizon_days)
    for step in idle.scenario.steps:
        assert counted[f"{step}_wait"].shape == (small.run.horizon_days,)
        assert not counted[f"{step}_wait"].any()
        assert counted[step].any()
    table = measure(idle)
    for step in idle.scenario.steps:
        assert table[Quantity("waiting_list", "all", "", "", f"step={step}")].value == 0, "and not missing"
        assert table[Quantity("wait_days_mean", "started", "", "", f"step={step}")].value == 0


def test_a_mean_wait_is_over_all_who_started_and_a_mean_list_over_all_days(small: Scenario) -> None:
    """Both from the log alone, against the measures; the wrong ones, over those who waited, are larger."""
    some = simulate(small)
    log, run = event_log(some), small.run
    table = measure(some)
    period = range(run.warm_up_days, run.warm_up_days + run.data_collection_days)
    waits: dict[str, list[int]] = defaultdict(list)
    for _, rows in histories(log):
        for before, row in pairwise(rows):
            if row.event_type == "resource_use" and row.time in period:
                waits[row.event].append(row.time - before.time)
    assert set(waits) == set(small.steps)
    for step, days in waits.items():
        reported = table[Quantity("wait_days_mean", "started", "", "", f"step={step}")]
        assert reported.value == pytest.approx(np.mean(days))
        assert reported.denominator == len(days)
    no_wait = [day for day in waits["assessment"] if day == 0]
    assert 0 < len(no_wait) < len(waits["assessment"]), "some wait and some do not, so the two means differ"
    lists = by_day(log, run.horizon_days)
    for step in small.steps:
        in_period = lists[f"{step}_wait"][period.start : period.stop]
        reported = table[Quantity("waiting_list", "all", "", "", f"step={step}")]
        assert reported.value == pytest.approx(in_period.mean())
        assert reported.denominator == len(in_period) == run.data_collection_days


def test_nobody_is_lost_at_the_warm_up_or_at_the_horizon(simulation: Simulation, log: EventLog) -> None:
    """Every client arrives once, and departs once if the referral is over: as many are left as are not over."""
    arrived = log.entity_id[log.event == 0]
    departed = log.entity_id[log.event == 1]
    assert np.array_equal(np.sort(arrived), simulation.clients.id)
    assert np.array_equal(np.sort(departed), simulation.clients.id[simulation.outcomes.ended])
    for boundary in (simulation.scenario.run.warm_up_days, simulation.scenario.run.horizon_days - 1):
        referred = simulation.clients.referral_day <= boundary
        over = simulation.outcomes.ended & (simulation.outcomes.end_day <= boundary)
        here = np.count_nonzero(log.time[log.event == 0] <= boundary) - np.count_nonzero(
            log.time[log.event == 1] <= boundary
        )
        assert here == np.count_nonzero(referred) - np.count_nonzero(over)


def test_every_history_is_arrival_stays_departure_in_order_of_time(log: EventLog, simulation: Simulation) -> None:
    steps = simulation.scenario.steps
    checked = 0
    for client, rows in histories(log):
        events = [row.event for row in rows]
        assert events[0] == "arrival", client
        assert events.count("arrival") == 1
        assert "depart" not in events[:-1]
        assert [row.time for row in rows] == sorted(row.time for row in rows)
        stays_only = events[1:-1] if events[-1] == "depart" else events[1:]
        while stays_only:
            step = stays_only[0].removesuffix("_wait")
            assert step in steps
            whole = [f"{step}_wait", step, f"{step}_end"]
            length = 3 if stays_only[:3] == whole else len(stays_only)
            assert stays_only[:length] == whole[:length], client  # cut short: gave up, or the horizon came
            stays_only = stays_only[length:]
        assert len({row.pathway for row in rows}) == 1
        assert {row.resource_id is None for row in rows if row.event_type in ("queue", "arrival_departure")} <= {True}
        assert {row.resource_id is None for row in rows if row.event_type.startswith("resource")} <= {False}
        checked += 1
    assert checked == len(simulation.clients.id)


def test_a_place_is_given_back_by_who_held_it(small: Scenario) -> None:
    ends = 0
    for _, rows in histories(event_log(simulate(small))):
        for before, row in pairwise(rows):
            if row.event_type == "resource_use_end":
                assert (before.event_type, before.resource_id) == ("resource_use", row.resource_id)
                ends += 1
    assert ends > 500


def test_a_pathway_is_the_first_course_or_how_the_referral_ended(simulation: Simulation, log: EventLog) -> None:
    steps, seen = simulation.scenario.steps, set()
    out, row_of = simulation.outcomes, {client: k for k, client in enumerate(simulation.clients.id.tolist())}
    for client, rows in histories(log):
        courses = [row.event for row in rows if row.event_type == "resource_use" and row.event != "assessment"]
        completed = out.first_course[row_of[client]]
        assert rows[0].pathway == (courses[0] if courses else LEFT[out.left[row_of[client]]])
        assert completed < 0 or rows[0].pathway == steps[completed]
        seen.add(rows[0].pathway)
    if simulation.scenario.pathway.policy == "no_service":
        assert seen == {"no_service"}


def test_engines_leave_the_same_log(small: Scenario) -> None:
    ours, theirs = event_log(simulate(small)), event_log(simulate(small, engine="reference"))
    assert list(ours.rows()) == list(theirs.rows())


def test_steps_whose_names_make_one_event_of_two_are_refused() -> None:
    with pytest.raises(RunError, match="two events would be called 'help_wait' in the event log"):
        event_names(("help", "help_wait"))
    with pytest.raises(RunError, match="'arrival'"):
        event_names(("arrival",))


# --- on the command line -----------------------------------------------------------------------------------


def test_the_log_is_saved_when_asked_for_with_the_columns_that_animation_expects(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    words = ("run", "small.toml", "--no-figures", "--replications", "2")
    assert call_here(*words, folder=tmp_path).returncode == 0
    (saved,) = (tmp_path / "results").iterdir()
    assert not list(saved.glob("events.*"))
    assert call_here(*words, "--event-log", folder=tmp_path).returncode == 0
    with (saved / "events.csv").open(encoding="utf-8", newline="") as file:
        text = list(csv.DictReader(file))
    table = pq.read_table(saved / "events.parquet")
    columns = ["entity_id", "event_type", "event", "time", "pathway", "run_number", "resource_id", "provider"]
    assert list(text[0]) == table.column_names == columns == [field.name for field in fields(EventRow)]
    rows = table.to_pylist()
    assert len(rows) == len(text) > 1000
    for ours, theirs in zip(rows, text, strict=True):
        assert {name: "" if value is None else str(value) for name, value in ours.items()} == theirs
    assert {row["event_type"] for row in rows} == set(EVENT_TYPES)
    assert {row["run_number"] for row in rows} == {0}, "the first replication alone"
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    clients = pq.read_table(saved / "clients.parquet")
    assert {row["entity_id"] for row in rows} == set(clients.column("id").to_pylist())
