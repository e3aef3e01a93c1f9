"""The pathway as an ordinary salabim program has it: one Resource a step, one Component a client, requests that may fail."""

import salabim as sim

from pathway import DID_NOT_START, NO_STEP, Pathway, Stay, main


def simulate(pathway: Pathway) -> list[Stay]:
    """All stays that ended."""
    env = sim.Environment(trace=False)
    steps = [sim.Resource(f"step {s}", capacity=places, env=env) for s, places in enumerate(pathway.places)]
    stays: list[Stay] = []

    class Client(sim.Component):  # type: ignore[misc]
        """One client, from the first list to the last course."""

        def setup(self, number: int) -> None:
            self.number = number

        def process(self) -> None:
            number = self.number
            entered, step = env.now(), pathway.first_step[number]
            while step != NO_STEP:
                joined = env.now()
                self.request(steps[step], fail_delay=pathway.patience(number, step, entered, joined))
                if self.failed():
                    stays.append((number, step, joined, DID_NOT_START, env.now()))
                    return
                started = env.now()
                self.hold(pathway.course_days[number][step])
                self.release(steps[step])
                stays.append((number, step, joined, started, env.now()))
                step = pathway.next_step(number, step, entered, env.now())

    class Source(sim.Component):  # type: ignore[misc]
        """Lets clients come, one after the other."""

        def process(self) -> None:
            for number in pathway.clients:
                self.hold(till=pathway.joins_day[number])
                Client(number=number, env=env)

    Source(env=env)
    env.run(till=pathway.horizon)
    return stays


if __name__ == "__main__":
    main(simulate)
