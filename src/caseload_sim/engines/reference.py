"""The rules of the day in SimPy, written to be read aloud. Draws nothing; whole numbers only.

Rules are cited by number from docs/rules_of_the_day.md.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.events import EventPriority

from caseload_sim.engines.episodes import Episodes, canonical
from caseload_sim.engines.plans import (
    GAVE_UP,
    NEVER,
    NO_CLIENT,
    NO_STEP,
    NOT_YET,
    NOT_YET_ENDED,
    Capacity,
    Plans,
)

AFTER_ALL_OTHERS = EventPriority(2)  # SimPy's own are 0 and 1: whatever else happens on a day happens first

Story = Generator[simpy.Event, Any, None]


@dataclass(slots=True)
class Stay:
    """One client at one step: a row of the Episodes table while it is being written."""

    client: int
    step: int
    joined_day: int
    place_offered: simpy.Event
    started_day: int = NOT_YET
    ended_day: int = NOT_YET
    ending: int = NOT_YET_ENDED


@dataclass(slots=True)
class Service:
    """The places held and the waiting list of each step, and every stay so far."""

    env: simpy.Environment
    held: list[int]
    waiting: list[list[tuple[int, int, int, Stay]]]
    stays: list[Stay] = field(default_factory=list)


def run(
    plans: Plans,
    capacity: Capacity,
    *,
    daily: NDArray[np.int32] | None = None,
    order: Sequence[int] | None = None,
) -> Episodes:
    """Let every client go their way until the horizon.

    plans: what each client would receive; capacity: places by day and step
    daily: (2, days, s), filled with the engine's own counts at the end of each day, of places held and of clients waiting
    order: in which clients' stories are begun; the answer does not depend on it, and a test says so
    Returns the Episodes table in canonical order.
    """
    horizon, n_steps = capacity.places.shape
    env = simpy.Environment()
    service = Service(env, held=[0] * n_steps, waiting=[[] for _ in range(n_steps)])
    columns = _as_lists(plans)
    for client in range(len(plans.joins_day)) if order is None else order:
        if NOT_YET != columns["joins_day"][client] < horizon:
            env.process(referral(service, columns, client))
    if horizon:
        env.process(fill_places_each_day(service, capacity.places.tolist(), daily))
        env.run(until=horizon)  # rule R7: what has not happened by the horizon stays NOT_YET
    names = ("client", "step", "joined_day", "started_day", "ended_day", "ending")
    return canonical([np.array([getattr(stay, name) for stay in service.stays], dtype=np.int64) for name in names])


def referral(service: Service, plans: dict[str, list[Any]], client: int) -> Story:
    """A client joins the first list, goes from step to step, leaves, and may return as a new referral."""
    env = service.env
    joined_day = plans["joins_day"][client]  # before day 0 in a running start (rule R0)
    if joined_day > env.now:
        yield env.timeout(joined_day - int(env.now))
    entered = joined_day
    plan = plans["first"][client]
    began = plans["started_day"][client]
    while plan != NO_STEP:
        step = plans["step"][plan]
        stay = Stay(client, step, joined_day, simpy.Event(env))
        service.stays.append(stay)
        patience = patience_at(stay, plans["patience_days"][plan], entered, plans["well_after"][plan])
        yield from wait_for_a_place(service, stay, patience, plans["priority"][plan], began)
        began = NOT_YET
        if stay.ending == GAVE_UP:
            break
        yield env.timeout(stay.started_day + plans["course_days"][plan] - int(env.now))
        service.held[step] -= 1
        stay.ended_day = joined_day = int(env.now)
        stay.ending = plans["ending"][plan]
        since = stay.ended_day - entered
        inside = plans["inside_from"][plan] <= since
        plan = plans["next_inside" if inside else "next_outside"][plan]
    returns_as = plans["returns_as"][client]
    if returns_as != NO_CLIENT:
        plans["joins_day"][returns_as] = int(env.now) + plans["return_after_days"][client]
        env.process(referral(service, plans, returns_as))


def patience_at(stay: Stay, patience: int, entered: int, well_after: int) -> int:
    """Days that a client stays on a list: until patience ends or the client is well, whichever comes first (rules R2, R5)."""
    if well_after == NEVER:
        return patience
    return min(patience, max(entered + well_after - stay.joined_day, 1))


def wait_for_a_place(service: Service, stay: Stay, patience: int, priority: int, began: int) -> Story:
    """The client waits on the list until a place is offered or patience ends, whichever comes first (rule R2)."""
    env = service.env
    if began != NOT_YET:  # rule R0: people held keep their place, even above capacity
        stay.started_day = began
        service.held[stay.step] += 1
        return
    heappush(service.waiting[stay.step], (priority, stay.joined_day, stay.client, stay))
    if patience == NEVER:
        yield stay.place_offered
        return
    yield stay.place_offered | env.timeout(stay.joined_day + patience - int(env.now))
    if not stay.place_offered.triggered:
        stay.ended_day, stay.ending = int(env.now), GAVE_UP


def fill_places_each_day(service: Service, places: list[list[int]], daily: NDArray[np.int32] | None) -> Story:
    """Rule R4: at the end of each day each step, in order, fills its free places from its waiting list."""
    env = service.env
    for day, open_places in enumerate(places):
        yield end_of_day(env, day)
        for step, waiting in enumerate(service.waiting):
            while waiting and (service.held[step] < open_places[step] or waiting[0][3].ending == GAVE_UP):
                stay = heappop(waiting)[3]
                if stay.ending != GAVE_UP:  # those who gave up left on their own day and are only removed here
                    service.held[step] += 1  # rule R6: nobody starts while held >= open
                    stay.started_day = day
                    stay.place_offered.succeed()
        if daily is not None:
            daily[0, day] = service.held
            daily[1, day] = [sum(entry[3].ending != GAVE_UP for entry in waiting) for waiting in service.waiting]


def end_of_day(env: simpy.Environment, day: int) -> simpy.Event:
    """An event on that day that comes after all others (rules R2 before R4)."""
    event = simpy.Event(env)
    event._ok, event._value = True, None
    env.schedule(event, priority=AFTER_ALL_OTHERS, delay=day - int(env.now))
    return event


def _as_lists(plans: Plans) -> dict[str, list[Any]]:
    """Columns as plain lists: reading one number from a NumPy array costs more than a SimPy event."""
    return {name: getattr(plans, name).tolist() for name in Plans.__dataclass_fields__}
