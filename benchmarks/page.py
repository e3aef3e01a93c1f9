"""docs/performance.md, made of benchmarks/results.json: `python -m benchmarks.page`."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.c_loop import NO_COMPILER
from benchmarks.claims import DEFAULT_SETTING, Results, at, c_ratio, claims, per_client
from benchmarks.one_size import CLIENTS_AGAIN
from benchmarks.peers import INTERPRETED, KERNEL, MOST_DAYS_APART, MOST_STAYS_APART, PEERS, REFERENCE
from benchmarks.timing import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
MEGABYTE, MICROSECONDS = 1e6, 1e6
NOT_MEASURED = "not measured"
SHOWN_WHOLE = 100


def write_page() -> None:
    """Write the page anew from the results that are on the disk."""
    PAGE.write_text(performance_page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


def performance_page(results: Results) -> str:
    """The page in Markdown."""
    made = results["made"]
    words = "" if made["setting"] == DEFAULT_SETTING else f" with small sizes (`{made['setting']}`), which tell little"
    return "\n\n".join(
        [
            "# Performance",
            f"One run of `python -m benchmarks`{words}, {made['date']}: caseload-sim {made['version']}, Python {made['python']}, "
            f"numpy {made['numpy']}, {made['system']}, {made['n_processors']} processors. This page is made of its results, "
            "`benchmarks/results.json`. Read the ratios; seconds differ between machines. Unless it says otherwise, a time is the "
            "shortest of several, taken in turns.",
            "## Targets",
            _table(
                ["target", "at most or at least", "measured", ""],
                (
                    [c.target, f"{'<=' if c.at_most else '>='} {c.limit:g} {c.unit}",
                     NOT_MEASURED if c.measured is None else f"{c.measured:.3g} {c.unit}", c.verdict]
                    for c in claims(results)
                ),
            ),
            "A number has three digits; the verdict is of the number before it was rounded.",
            *_sizes(results),
            *_against_c(results),
            *_peers(results),
            *_many(results["many"]),
            "## Command line",
            _table(["command", "s"], ([f"`caseload-sim {name}`", f"{took:.2f}"] for name, took in results["command_line"].items())),
            "Whole processes, after one use that is not counted: the compiled loop and Python's own files are then kept on disk.",
        ]
    ) + "\n"  # fmt: skip


def _sizes(results: Results) -> list[str]:
    rows, large = results["sizes"], results["ten_million"]
    loads = sorted({row["load"] for row in rows})
    n_asked = sorted({row["n_asked"] for row in rows})
    floors = [row for n in n_asked if (row := at(rows, n, loads[len(loads) // 2]))]
    parts = [
        "## From a scenario to its measures",
        "One replication of `hepgul_2016` at other sizes, in a fresh process after a smaller one to warm up: the first of that "
        f"size, or the shortest of some more until {CLIENTS_AGAIN:,} clients have been run again. Load is places "
        "that would be held if nobody waited over places staffed, for each kind of staff. Microseconds a client, and in brackets "
        "the most memory that the process held, in MB:",
        _table(
            ["clients", *(f"load {load:g}" for load in loads)],
            ([f"{n:,}", *(_time_and_memory(at(rows, n, load)) for load in loads)] for n in n_asked),
        ),
    ]
    if large:
        parts.append(f"Ten million clients took {large['seconds']:.1f} seconds: {_time_and_memory(large)}.")
    return [
        *parts,
        "The floor is the bare cost of the same random numbers: as many random bits drawn by numpy's Philox, and thrown away.",
        _table(
            ["clients", "random numbers a client", "floor, s", "clients drawn, s", "scenario to measures, s", "over the floor", "the first time, s"],
            (
                [f"{row['n_asked']:,}", f"{row['n_different_draws'] / row['n_asked']:.0f}", f"{row['floor_seconds']:.3f}",
                 f"{row['clients_seconds']:.3f}", f"{row['seconds']:.2f}", f"{row['seconds'] / row['floor_seconds']:.1f} times",
                 f"{row['first_seconds']:.2f}"]
                for row in floors
            ),
        ),
    ]  # fmt: skip


def _time_and_memory(row: Results | None) -> str:
    if row is None:
        return NOT_MEASURED
    memory = f"{row['peak_bytes'] / MEGABYTE:,.0f}" if row["peak_bytes"] else NOT_MEASURED
    return f"{per_client(row) * MICROSECONDS:.1f} ({memory})"


def _against_c(results: Results) -> list[str]:
    def ratio(row: Results) -> list[str]:
        if not row.get("c_loop_seconds"):
            return [NO_COMPILER, NO_COMPILER]
        return [f"{c_ratio(row):.2f}", f"{row['engine_seconds'] / row['c_seconds']:.2f}"]

    return [
        "## The queue alone",
        "`kernel.run` on the queues of the same services, and the same loop written in C, compiled with `-O3`, on the same arrays. "
        "Where there is a compiler, the two answers were identical, or there would be no page.",
        _table(
            ["clients", "load", "kernel, microseconds a client", "loop over C", "whole engine over that with C"],
            (
                [f"{row['n_asked']:,}", f"{row['load']:g}", f"{row['engine_seconds'] / row['n_asked'] * MICROSECONDS:.2f}", *ratio(row)]
                for row in results["sizes"]
            ),
        ),
    ]  # fmt: skip


def _peers(results: Results) -> list[str]:
    queues, loading = results["peers"], results["numba_load_seconds"]
    largest = queues[-1]["seconds"]
    a_client = (largest[INTERPRETED] - largest[KERNEL]) / queues[-1]["n_clients"]

    def cell(queue: dict[str, Any], name: str) -> str:
        if name not in queue["seconds"]:
            return str(queue["missing"].get(name, NOT_MEASURED))
        ratio = queue["seconds"][name] / queue["seconds"][KERNEL]
        return f"{ratio:,.0f}" if ratio >= SHOWN_WHOLE else f"{ratio:.3g}"

    return [
        "## Against other simulators",
        f"The same pathway with the same courses, patience and next steps, drawn beforehand, at load {queues[0]['load']:g}: how many "
        "times as long as the compiled kernel. Each is an ordinary program as its documentation would have it, in "
        "`benchmarks/peer_programs/`. To keep these programs plain, the service here opens empty, every day is a "
        "working day, and places are whole numbers that do not change. In Ciw, distributions, reneging and routing look up the "
        "individual, and everybody must arrive at the first step. Reading files and loading libraries are not counted.",
        _table(
            ["", *(f"{queue['n_clients']:,} clients" for queue in queues)],
            ([name, *(cell(queue, name) for queue in queues)] for name in (KERNEL, INTERPRETED, REFERENCE, *PEERS)),
        ),
        "The order of events within a day differs, so the answers do, a little: a program counts only if at no step its mean wait is "
        f"more than {MOST_DAYS_APART:g} day from the kernel's, and stays served or given up more than {MOST_STAYS_APART:.0%} of all.",
        f"Loading numba in a fresh process took {loading:.2f} seconds, repaid by {loading / a_client:,.0f} client-runs; the program "
        "takes the interpreted loop below 150,000. simmer, a library of R, is not compared: it was not to be had where these "
        "programs were written and tried.",
    ]  # fmt: skip


def _many(many: Results) -> list[str]:
    turns = many["in_turns_seconds"]
    ways = {"one after the other": "serial", "2 threads": "threads", "2 processes, once started": "processes"}
    return [
        "## Many replications",
        f"{many['n_replications']} replications of {many['n_clients']:,} clients: {many['serial_seconds']:.1f} seconds one after the "
        f"other, {many['two_processes_seconds']:.1f} seconds in two processes with their start, the shorter of two each. Fewer of them "
        f"({many['n_in_turns']}), in turns:",
        _table(
            ["", "over one after the other"],
            ([words, f"{turns[name] / turns['serial']:.2f}"] for words, name in ways.items()),
        ),
        f"Two processes were {many['speed_up']:.2f} times as fast as one. Two that only spin, and touch no memory, were "
        f"{many['spinning_speed_up']:.2f} times as fast as one in the same minutes: more than that the machine did not give.",
        "`--jobs` means processes: threads take turns with Python's lock, and a process can be stopped at once. Starting two takes a "
        f"second or more, so `--jobs` pays from about ten seconds of work. A finished replication is {many['bytes_sent'] / MEGABYTE:.1f} "
        f"MB between processes and {many['bytes_on_disk'] / MEGABYTE:.1f} MB on disk, stored in {many['storing_seconds']:.2f} seconds.",
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write_page()
