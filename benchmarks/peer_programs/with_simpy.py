"""The pathway as an ordinary SimPy program has it: one Resource a step, one process a client, requests with reneging."""

from collections.abc import Generator
from typing import Any

import simpy

from pathway import DID_NOT_START, NO_STEP, Pathway, Stay, main


def simulate(pathway: Pathway) -> list[Stay]:
    """All stays that ended."""
    env = simpy.Environment()
    steps = [simpy.Resource(env, capacity=places) for places in pathway.places]
    stays: list[Stay] = []

    def client(number: int) -> Generator[simpy.Event, Any, None]:
        yield env.timeout(pathway.joins_day[number])
        entered, step = env.now, pathway.first_step[number]
        while step != NO_STEP:
            joined = env.now
            with steps[step].request() as request:
                yield request | env.timeout(pathway.patience(number, step, entered, joined))
                if not request.triggered:
                    stays.append((number, step, joined, DID_NOT_START, env.now))
                    return
                started = env.now
                yield env.timeout(pathway.course_days[number][step])
            stays.append((number, step, joined, started, env.now))
            step = pathway.next_step(number, step, entered, env.now)

    for number in pathway.clients:
        env.process(client(number))
    env.run(until=pathway.horizon)
    return stays


if __name__ == "__main__":
    main(simulate)
