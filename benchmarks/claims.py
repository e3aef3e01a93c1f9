"""What the program is to reach on a machine with two processors, and what was measured: met, missed or not measured."""

from dataclasses import dataclass
from typing import Any

from benchmarks.peers import KERNEL, SIMPY

MILLION = 1_000_000
TEN_MILLION = 10 * MILLION
GIGABYTE = 1e9
USUAL_LOAD = 1.0
DEFAULT_SETTING = "default"

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A target in words, and the number that was measured against it; None where it was not.

    at_most: whether lower is better
    """

    target: str
    limit: float
    measured: float | None
    unit: str
    at_most: bool = True

    @property
    def verdict(self) -> str:
        """Met, missed or not measured."""
        if self.measured is None:
            return "not measured"
        return "met" if (self.measured <= self.limit if self.at_most else self.measured >= self.limit) else "missed"


def claims(results: Results) -> list[Claim]:
    """Every target, in order."""
    sizes, large, many = results["sizes"], results["ten_million"], results["many"]
    usual = results["made"]["setting"] == DEFAULT_SETTING
    waits = results["command_line"] if usual else {}
    million = at(sizes, MILLION, USUAL_LOAD)
    loops = [c_ratio(row) for row in sizes if row["n_asked"] >= MILLION // 10 and row.get("c_loop_seconds")]
    memory = [row["peak_bytes"] for row in sizes if row["n_asked"] == MILLION and row["peak_bytes"]]
    linear = None
    if large and million:
        linear = per_client(large) / per_client(million)
    return [
        Claim("a million clients, scenario to measures, untreated twin included, one process", 4, million["seconds"] if million else None, "s"),
        Claim("most memory for a million clients, at any load", 1, max(memory) / GIGABYTE if memory else None, "GB"),
        Claim("ten million clients: time per client over that at a million", 2, linear, "times"),
        Claim("most memory for ten million clients", 2, large["peak_bytes"] / GIGABYTE if large and large["peak_bytes"] else None, "GB"),
        Claim("kernel against an idiomatic SimPy program, 100,000 clients", 100, peer_ratio(results, MILLION // 10, SIMPY), "times", False),
        Claim("kernel's loop over the same loop in C, the worst from 100,000 clients on", 1.5, max(loops, default=None), "times"),
        Claim("speed-up by two workers over that of two spinning processes", 0.9, many["speed_up"] / many["spinning_speed_up"] if usual else None, "of it", False),
        Claim("200 replications of 10,000 clients, two workers with their start", 10,
              many["two_processes_seconds"] if (many["n_replications"], many["n_clients"]) == (200, 10_000) else None, "s"),
        Claim("`caseload-sim run`, defaults, five figures, after the first use", 4, waits.get("run"), "s"),
        Claim("`caseload-sim run --no-figures`", 2, waits.get("run --no-figures"), "s"),
        Claim("`caseload-sim report` of a saved run", 3, waits.get("report RUN"), "s"),
        Claim("`caseload-sim --help`", 0.3, waits.get("--help"), "s"),
        Claim("time per client from load 0.8 to 1.5: longest over shortest, at any size", 2, spread_over_loads(sizes) if usual else None, "times"),
        Claim("time per client from 10 thousand to a million clients: longest over shortest", 2, spread_over_sizes(sizes) if usual else None, "times"),
    ]  # fmt: skip


def at(sizes: list[Results], n_clients: int, load: float) -> Results | None:
    """The row of that size and load, None where it was not measured."""
    return next((row for row in sizes if (row["n_asked"], row["load"]) == (n_clients, load)), None)


def per_client(row: Results) -> float:
    """Seconds a client, from scenario to measures."""
    return float(row["seconds"] / row["n_asked"])


def c_ratio(row: Results) -> float:
    """How many times as long as the loop in C the kernel's loop takes."""
    return float(row["kernel_loop_seconds"] / row["c_loop_seconds"])


def peer_ratio(results: Results, n_asked: int, name: str) -> float | None:
    """How many times as long as the compiled kernel a program takes, None where it was not measured."""
    for queue in results["peers"]:
        if queue["n_asked"] == n_asked and name in queue["seconds"]:
            return float(queue["seconds"][name] / queue["seconds"][KERNEL])
    return None


def spread_over_loads(sizes: list[Results]) -> float | None:
    """Longest over shortest time a client at one size, the worst size; None where only one load was measured."""
    by_size: dict[int, list[float]] = {}
    for row in sizes:
        by_size.setdefault(row["n_asked"], []).append(per_client(row))
    return max((max(times) / min(times) for times in by_size.values() if len(times) > 1), default=None)


def spread_over_sizes(sizes: list[Results]) -> float | None:
    """Longest over shortest time a client at the usual load; None where only one size was measured."""
    times = [per_client(row) for row in sizes if row["load"] == USUAL_LOAD]
    return max(times) / min(times) if len(times) > 1 else None
