"""Measure everything, write benchmarks/results.json and docs/performance.md: `python -m benchmarks`, from the project's folder."""

import argparse
import json
import os
import platform
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from subprocess import CalledProcessError
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.claims import DEFAULT_SETTING, TEN_MILLION, USUAL_LOAD
from benchmarks.command_line import commands
from benchmarks.many import SPINS, many_replications
from benchmarks.page import RESULTS, performance_page, write_page
from benchmarks.peers import Python, against_peers, installed_peers, own_python
from benchmarks.services import offered_load
from benchmarks.sizes import at_sizes, one_size, seconds_to_load_numba
from benchmarks.timing import progress


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured.

    rounds_of: timings by number of clients; most_seconds: for one run of a peer
    """

    name: str
    rounds_of: dict[int, int]
    loads: tuple[float, ...]
    peer_sizes: tuple[int, ...]
    peer_rounds: int
    most_seconds: float
    replications: tuple[int, int, int, int]  # clients, replications, of which in turns, rounds
    command_rounds: int
    spins: int = SPINS
    changes: list[str] = field(default_factory=list)


LOADS = (0.8, 1.0, 1.2, 1.5)
DEFAULT = Setting(
    DEFAULT_SETTING, {10_000: 3, 100_000: 3, 1_000_000: 3}, LOADS, (10_000, 100_000), 2, 180.0, (10_000, 200, 24, 3), 4
)
QUICK = Setting(
    "--quick",
    {10_000: 1, 20_000: 1},
    (1.0, 1.5),
    (10_000,),
    1,
    20.0,
    (4000, 8, 4, 1),
    1,
    changes=["--replications", "1"],
)


def measured(setting: Setting, python: Python, *, ten_million: bool = False) -> dict[str, Any]:
    """All results, as they are kept."""
    progress("the load of the baseline")
    offered = offered_load()
    results = {
        "made": {
            "setting": setting.name,
            "date": date.today().isoformat(),
            "version": version("caseload-sim"),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "system": f"{platform.system()} {platform.machine()}",
            "n_processors": os.cpu_count(),
        },
        "sizes": at_sizes(setting.rounds_of, setting.loads, offered),
        "ten_million": None,
        "numba_load_seconds": seconds_to_load_numba(min(setting.rounds_of), offered),
        "peers": [
            against_peers(n_clients, USUAL_LOAD, offered, python, setting.peer_rounds, setting.most_seconds)
            for n_clients in setting.peer_sizes
        ],
        "many": many_replications(*setting.replications, offered, setting.spins),
        "command_line": commands(setting.command_rounds, setting.changes),
    }
    if ten_million:
        progress(f"{TEN_MILLION:,} clients")
        try:
            results["ten_million"] = one_size(TEN_MILLION, USUAL_LOAD, offered, 0)
        except CalledProcessError as error:  # most likely for want of memory; all else has been measured by now
            progress(f"not measured: {error}")
    return results


def main(words: list[str] | None = None) -> None:
    """Read the options, measure, and write or print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, about a minute; prints the page, writes nothing"
    )
    parser.add_argument("--ten-million", action="store_true", help="ten million clients too")
    parser.add_argument("--no-peers", action="store_true", help="install nothing: of other simulators only SimPy")
    parser.add_argument(
        "--environment", type=Path, help="folder for the peers' environment, kept; else a temporary one"
    )
    chosen = parser.parse_args(words)
    setting = QUICK if chosen.quick else DEFAULT
    with TemporaryDirectory() as folder:
        python = own_python() if chosen.no_peers else installed_peers(chosen.environment or Path(folder) / "peers")
        results = measured(setting, python, ten_million=chosen.ten_million)
    if chosen.quick:
        print(performance_page(results))
        return
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page()
    progress(f"written: {RESULTS} and docs/performance.md")


if __name__ == "__main__":
    main()
