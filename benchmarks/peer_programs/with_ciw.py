"""The pathway as a Ciw network: one node a step, and distributions, reneging and routing that look up the individual.

Ciw numbers individuals as they arrive, so the k-th is the k-th client to come; all must arrive at the same node.
"""

from itertools import pairwise
from typing import Any

import ciw

from pathway import DID_NOT_START, NO_STEP, Pathway, Stay, main


def simulate(pathway: Pathway) -> list[Stay]:
    """All stays that ended."""
    (first,) = {pathway.first_step[number] for number in pathway.clients}
    n_steps = len(pathway.places)

    class Drawn(ciw.dists.Distribution):  # type: ignore[misc]
        """Days drawn beforehand for the individual's client at one step."""

        def __init__(self, days: list[list[int]], step: int) -> None:
            self.days, self.step = days, step

        def sample(self, t: float | None = None, ind: Any = None) -> int:
            number = pathway.clients[ind.id_number - 1]
            days: int = self.days[number][self.step]
            return days

    class Patience(ciw.dists.Distribution):  # type: ignore[misc]
        """Days until the individual's client leaves the list of one step, which they join now."""

        def __init__(self, step: int) -> None:
            self.step = step

        def sample(self, t: float | None = None, ind: Any = None) -> float:
            assert t is not None
            number = pathway.clients[ind.id_number - 1]
            return pathway.patience(number, self.step, pathway.joins_day[number], t)

    class Next(ciw.routing.NodeRouting):  # type: ignore[misc]
        """The next step, by the deadline drawn beforehand."""

        def next_node(self, ind: Any) -> Any:
            number = pathway.clients[ind.id_number - 1]
            now = self.simulation.current_time
            step = pathway.next_step(number, self.node.id_number - 1, pathway.joins_day[number], now)
            return self.simulation.nodes[-1 if step == NO_STEP else step + 1]

    days = [0, *(pathway.joins_day[number] for number in pathway.clients)]
    between = [after - before for before, after in pairwise(days)]
    network = ciw.create_network(
        arrival_distributions=[
            ciw.dists.Sequential([*between, pathway.horizon]) if step == first else None for step in range(n_steps)
        ],
        service_distributions=[Drawn(pathway.course_days, step) for step in range(n_steps)],
        reneging_time_distributions=[Patience(step) for step in range(n_steps)],
        routing=ciw.routing.NetworkRouting(routers=[Next() for _ in range(n_steps)]),
        number_of_servers=pathway.places,
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(pathway.horizon)
    return [
        (
            pathway.clients[record.id_number - 1],
            record.node - 1,
            record.arrival_date,
            DID_NOT_START if record.record_type == "renege" else record.service_start_date,
            record.exit_date,
        )
        for record in simulation.get_all_records()
    ]


if __name__ == "__main__":
    main(simulate)
