"""The pathway as an ordinary SimPy program would have it: one Resource a step, requests with reneging.

It is given the same pre-drawn courses as the engines, so that only the queue is compared. Its answer differs a little
from theirs, because within a day SimPy's ties follow the order of events.
"""

from collections.abc import Generator
from typing import Any

import simpy

from caseload_sim.capacity import Capacity
from caseload_sim.courses import NO_STEP, Courses


def run(courses: Courses, capacity: Capacity) -> list[tuple[int, int, float, float, float]]:
    """Rows (client, step, joined, started, ended) of all stays that ended; constant capacity."""
    horizon = capacity.places.shape[0]
    columns = {name: getattr(courses, name).tolist() for name in Courses.__dataclass_fields__}
    env = simpy.Environment()
    steps = [simpy.Resource(env, capacity=int(places)) for places in capacity.places[0]]
    stays: list[tuple[int, int, float, float, float]] = []

    def client(number: int) -> Generator[simpy.Event, Any, None]:
        yield env.timeout(columns["joins_day"][number])
        step = columns["first_step"][number]
        while step != NO_STEP:
            joined = env.now
            with steps[step].request() as request:
                yield request | env.timeout(columns["patience_days"][number][step])
                if not request.triggered:
                    stays.append((number, step, joined, -1, env.now))
                    return
                started = env.now
                yield env.timeout(columns["course_days"][number][step])
            stays.append((number, step, joined, started, env.now))
            inside = columns["inside_from"][number][step] <= env.now <= columns["inside_to"][number][step]
            step = columns["next_inside" if inside else "next_outside"][number][step]

    for number in range(len(columns["joins_day"])):
        if columns["first_step"][number] != NO_STEP:
            env.process(client(number))
    env.run(until=horizon)
    return stays
