"""One replication as an event log: who joined which list and held which place when, for animation and process mining."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import NEVER, NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.contacts import LEFT

EVENT_TYPES = ("arrival_departure", "queue", "resource_use", "resource_use_end")
ARRIVAL, DEPART = "arrival", "depart"
NO_PLACE = 0  # places are counted from 1
_COMES_AND_GOES, _WAITS, _BEGINS, _ENDS = range(4)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of one client, in the layout that the animation package vidigi reads.

    entity_id: the client's id; event_type: a name in EVENT_TYPES
    event: arrival, depart; <step>_wait: joined its list; <step>: began to hold a place; <step>_end: gave it back
    time: whole days from opening; negative for what happened before it
    pathway: the step of the client's first course, or how the referral ended without one; known from the end, so the same
        in all rows of a client
    run_number: the replication, 0 first
    resource_id: number of the place at its step, from 1; None where no place is held
    provider: the number of the client's provider, from 1
    """

    entity_id: int
    event_type: str
    event: str
    time: int
    pathway: str
    run_number: int
    resource_id: int | None
    provider: int


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events in order of time, those of a day by client and then as they happened to the client.

    entity_id: (m,) int64; event_type: (m,) int8, index into EVENT_TYPES
    event: (m,) int16, index into `event_names`; time: (m,) int32, days from opening
    pathway: (m,) int16, index into `pathway_names`; resource_id: (m,) int32, NO_PLACE where none is held
    provider: (m,) int16, from 1; run_number: the replication
    """

    entity_id: NDArray[np.int64]
    event_type: NDArray[np.int8]
    event: NDArray[np.int16]
    time: NDArray[np.int32]
    pathway: NDArray[np.int16]
    resource_id: NDArray[np.int32]
    provider: NDArray[np.int16]
    event_names: tuple[str, ...]
    pathway_names: tuple[str, ...]
    run_number: int

    def rows(self) -> Iterator[EventRow]:
        """The events one by one, for files."""
        columns = (
            self.entity_id,
            self.event_type,
            self.event,
            self.time,
            self.pathway,
            self.resource_id,
            self.provider,
        )
        for entity, kind, event, time, pathway, place, provider in zip(*(one.tolist() for one in columns), strict=True):
            yield EventRow(
                entity, EVENT_TYPES[kind], self.event_names[event], time, self.pathway_names[pathway], self.run_number,
                None if place == NO_PLACE else place, provider,
            )  # fmt: skip


def event_names(steps: Sequence[str]) -> tuple[str, ...]:
    """The events of a pathway of these steps: arrival and departure; waiting; holding a place; its end.

    Raises RunError when the names of steps make one name of two events.
    """
    names = (ARRIVAL, DEPART, *(f"{step}_wait" for step in steps), *steps, *(f"{step}_end" for step in steps))
    twice = [name for k, name in enumerate(names) if name in names[:k]]
    if twice:
        raise RunError(f"pathway.steps: two events would be called '{twice[0]}' in the event log. Rename a step.")
    return names


def event_log(simulation: Simulation) -> EventLog:
    """Every event of one replication, from opening to the horizon, warm-up and follow-up included.

    Everybody referred arrives once and departs when the referral is over. Who is in the service at the horizon has no
    departure, and no end of what is still going on.

    Raises RunError as `event_names` does.
    """
    clients, out, episodes = simulation.clients, simulation.outcomes, simulation.episodes
    steps = simulation.scenario.steps
    stays, n_steps = np.arange(len(episodes.client)), len(steps)
    began, left = episodes.started_day != NOT_YET, out.end_day != NOT_YET
    over = began & (episodes.ended_day != NOT_YET)
    place = place_numbers(episodes, n_steps, clients.provider)
    everybody = np.flatnonzero(clients.referral_day != NOT_YET)  # but not those who might have come back, and did not
    last = len(stays)  # a departure comes after every stay
    step = episodes.step.astype(np.int16)
    # Row of client, type, event, day, order within the client, place: one block for each kind of event.
    blocks = [
        (everybody, _COMES_AND_GOES, 0, clients.referral_day[everybody], -1, NO_PLACE),
        (episodes.client, _WAITS, 2 + step, episodes.joined_day, 3 * stays, NO_PLACE),
        (episodes.client[began], _BEGINS, 2 + n_steps + step[began], episodes.started_day[began], 3 * stays[began] + 1,
         place[began]),
        (episodes.client[over], _ENDS, 2 + 2 * n_steps + step[over], episodes.ended_day[over], 3 * stays[over] + 2, place[over]),
        (np.flatnonzero(left), _COMES_AND_GOES, 1, out.end_day[left], 3 * last, NO_PLACE),
    ]  # fmt: skip
    filled = [[np.broadcast_to(np.asarray(part), len(block[0])) for part in block] for block in blocks]
    client, kind, event, day, order, number = (np.concatenate(parts) for parts in zip(*filled, strict=True))
    sorted_by = np.lexsort((order, client, day))
    pathway, pathway_names = _pathways(simulation)
    return EventLog(
        entity_id=clients.id[client[sorted_by]],
        event_type=kind[sorted_by].astype(np.int8),
        event=event[sorted_by].astype(np.int16),
        time=day[sorted_by].astype(np.int32),
        pathway=pathway[client[sorted_by]],
        resource_id=number[sorted_by].astype(np.int32),
        provider=clients.provider[client[sorted_by]],
        event_names=event_names(steps),
        pathway_names=pathway_names,
        run_number=simulation.replication,
    )


def _pathways(simulation: Simulation) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Each client's pathway, (n,) int16, and the names: steps of treatment, then ways to leave without it."""
    episodes, steps = simulation.episodes, simulation.scenario.steps
    is_course = simulation.scenario.pathway.is_course
    pathway = (len(steps) + simulation.outcomes.left).astype(np.int16)
    courses = np.flatnonzero(is_course[episodes.step] & (episodes.started_day != NOT_YET))
    backwards = courses[::-1]  # rows are in order of time, so that the first course is what stays
    pathway[episodes.client[backwards]] = episodes.step[backwards]
    return pathway, (*steps, *LEFT)


def place_numbers(episodes: Episodes, n_steps: int, provider: NDArray[np.int16] | None = None) -> NDArray[np.int32]:
    """For each stay that began, the lowest place free at its step on that day, from 1; NO_PLACE for the others, (m,) int32.

    Places that end on a day are free on it (rule R2). Those who start together take numbers in the order of their joining
    and then of clients (rule R4). The engine knows no numbers: they are for drawing.
    provider: (n,) of each client, the same for all if None. The places of a second provider have the numbers after those of
        the first: no place is held by clients of two.
    """
    numbers = np.full(len(episodes.client), NO_PLACE, dtype=np.int32)
    of = np.ones(len(numbers), dtype=np.int16) if provider is None else provider[episodes.client]
    for step in range(n_steps):
        so_far = 0
        for one in np.unique(of).tolist():
            rows = np.flatnonzero((episodes.step == step) & (of == one) & (episodes.started_day != NOT_YET))
            rows = rows[np.lexsort((episodes.client[rows], episodes.joined_day[rows], episodes.started_day[rows]))]
            numbers[rows] = so_far + _lowest_free(
                episodes.started_day[rows].tolist(), episodes.ended_day[rows].tolist()
            )
            so_far = int(numbers[rows].max(initial=so_far))
    return numbers


def _lowest_free(started: list[int], ended: list[int]) -> NDArray[np.int32]:
    """The lowest place free for each of these stays, in the order in which they start, from 1, (k,) int32."""
    numbers = np.empty(len(started), dtype=np.int32)
    free: list[int] = []
    held: list[tuple[int, int]] = []
    for row, (begins, ends) in enumerate(zip(started, ended, strict=True)):
        while held and held[0][0] <= begins:
            heappush(free, heappop(held)[1])
        numbers[row] = heappop(free) if free else len(held) + 1
        heappush(held, (NEVER if ends == NOT_YET else ends, int(numbers[row])))
    return numbers
