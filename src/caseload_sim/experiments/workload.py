"""How much a command is about to do: clients, replications and memory, reckoned before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from caseload_sim.pathway.demand import referrals_per_day
from caseload_sim.scenario.scenario import Scenario

MOST_CLIENTS = 20_000_000  # of one replication
MOST_CLIENT_RUNS = 2_000_000_000
# Measured from 110,000 to ten million clients, all of whose tables are kept: what a process needs before it has any, and what
# each of them adds to the peak. A replication of which only measures are kept takes less than half of that.
BYTES_OF_A_PROCESS = 320_000_000
BYTES_OF_A_CLIENT = 1_500
# Below both, a command takes seconds or a few minutes on any machine, and nobody need be told.
UNREMARKABLE_CLIENT_RUNS = 2_000_000
UNREMARKABLE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done.

    clients: referred within the largest replication; replications: of all scenarios together, each counted as often as
    it is run; client_runs: clients summed over them; memory_bytes: at the peak, of all processes
    """

    clients: int
    replications: int
    client_runs: int
    memory_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.clients:,} clients in a replication, {self.replications:,} replications: {self.client_runs:,} to simulate, "
            f"with about {self.memory_bytes / 1e9:.1f} GB of memory"
        )

    @property
    def is_remarkable(self) -> bool:
        """Whether it takes long enough, or memory enough, to be said beforehand."""
        return self.client_runs > UNREMARKABLE_CLIENT_RUNS or self.memory_bytes > UNREMARKABLE_BYTES


def work_of(scenarios: Sequence[Scenario], *, times: float = 1, jobs: int = 1) -> Work:
    """The work of running scenarios, each with its own replications.

    times: how often each replication is run; jobs: how many processes share the work
    """
    clients = [_clients(scenario) for scenario in scenarios]
    replications = [round(scenario.run.replications * times) for scenario in scenarios]
    processes = min(jobs, sum(replications))
    return Work(
        clients=max(clients),
        replications=sum(replications),
        client_runs=sum(n * r for n, r in zip(clients, replications, strict=True)),
        memory_bytes=processes * (BYTES_OF_A_PROCESS + BYTES_OF_A_CLIENT * max(clients)),
    )


def _clients(scenario: Scenario) -> int:
    providers = scenario.providers.number if scenario.providers else 1
    return round(float(referrals_per_day(scenario).sum()) * providers)


def too_much(work: Work, memory_bytes: int | None) -> str | None:
    """Why work should not begin unasked, in words; None when it may.

    memory_bytes: what the machine has, None where that is not known
    """
    for what, n, most in (
        ("clients in a replication", work.clients, MOST_CLIENTS),
        ("clients to simulate", work.client_runs, MOST_CLIENT_RUNS),
    ):
        if n > most:
            return f"{n:,} {what}; more than {most:,} are not begun unasked"
    if memory_bytes is not None and work.memory_bytes > memory_bytes:
        return f"about {work.memory_bytes / 1e9:.1f} GB of memory would be needed, and this machine has {memory_bytes / 1e9:.1f} GB"
    return None
