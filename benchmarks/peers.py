"""Other simulators on the same pathway with the same courses: installed apart, run apart, and held to the same means."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.services import plain_queue
from benchmarks.timing import progress, seconds
from caseload_sim.engines import kernel, reference
from caseload_sim.engines.episodes import Episodes
from caseload_sim.engines.plans import NO_STEP, NOT_YET, Capacity, Courses, plans_of

HERE = Path(__file__).parent
PROGRAMS = HERE / "peer_programs"
KERNEL, INTERPRETED, REFERENCE = "kernel, compiled", "kernel, interpreted", "reference (SimPy, rules of the day)"
SIMPY = "SimPy"  # needed by the program itself, so always there
PEERS = {SIMPY: "with_simpy.py", "salabim": "with_salabim.py", "Ciw": "with_ciw.py"}
# Within a day others let events happen in the order in which they were made. That moves single clients by days, and the
# mean of a step by less than a day.
MOST_DAYS_APART, MOST_STAYS_APART = 1.0, 0.02
TOO_SLOW_TO_REPEAT_SECONDS = 20.0
_COLUMNS = ("client", "step", "joined_day", "started_day", "ended_day")

Stays = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Python:
    """Which Python runs the peers, and which of them it can run; `why` says what the others miss."""

    executable: str
    names: tuple[str, ...]
    why: str = ""


def own_python() -> Python:
    """This one, which has SimPy alone."""
    return Python(sys.executable, (SIMPY,), "not asked for")


def installed_peers(folder: Path) -> Python:
    """A Python of their own in which the pinned peers are, made in a folder; this one where they cannot be installed."""
    place = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    words = [
        str(place),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(HERE / "peers.txt"),
    ]
    try:
        if not place.exists():
            venv.create(folder, with_pip=True)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:  # a ValueError is venv's for a bad folder
        progress(f"the peers cannot be installed, only SimPy is measured: {error}")
        return Python(sys.executable, (SIMPY,), "could not be installed")
    return Python(str(place), tuple(PEERS))


def against_peers(
    n_clients: int, load: float, offered: dict[str, float], python: Python, rounds: int, most_seconds: float
) -> dict[str, Any]:
    """Seconds of each program on one queue, all in turns; or in words why there are none.

    most_seconds: for one run of one peer; who does not finish in that time is not asked again
    """
    courses, capacity = plain_queue(n_clients, load, offered)
    plans = plans_of(courses)
    kernel.run(plans, capacity, compiled=True)
    ours = _ended(kernel.run(plans, capacity, compiled=True))
    engines = {
        KERNEL: partial(kernel.run, plans, capacity, compiled=True),
        INTERPRETED: partial(kernel.run, plans, capacity, compiled=False),
        REFERENCE: partial(reference.run, plans, capacity),
    }
    took: dict[str, list[float]] = {name: [] for name in [*engines, *PEERS]}
    missing = dict.fromkeys(set(PEERS) - set(python.names), python.why)
    apart: dict[str, dict[str, float]] = {}
    with TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs.npz"
        np.savez(inputs, **_inputs(courses, capacity))
        for _ in range(rounds):
            for name, engine in engines.items():
                progress(f"{n_clients:,} clients, {name}")
                took[name].append(min(seconds(engine) for _ in range(5 if name == KERNEL else 1)))
            for name, program in PEERS.items():
                if name in missing or max(took[name], default=0.0) > TOO_SLOW_TO_REPEAT_SECONDS:
                    continue
                progress(f"{n_clients:,} clients, {name}")
                outputs = Path(folder) / "stays.npz"
                words = [python.executable, str(PROGRAMS / program), str(inputs), str(outputs)]
                try:
                    result = subprocess.run(
                        words, stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=most_seconds
                    )
                except subprocess.TimeoutExpired:
                    missing[name] = f"more than {most_seconds:.0f} s"
                    continue
                except subprocess.CalledProcessError:
                    missing[name] = "it failed"
                    continue
                took[name].append(float(result.stdout))
                with np.load(outputs) as file:
                    theirs = {
                        ours_name: file[name_there] for ours_name, name_there in zip(_COLUMNS, file.files, strict=True)
                    }
                apart[name] = how_far_apart(ours, theirs, len(capacity.steps))
                if not agree(apart[name]):
                    missing[name] = f"another answer: {apart[name]}"
    return {
        "n_asked": n_clients,
        "n_clients": len(_who_come(courses, capacity)),
        "n_days": len(capacity.places),
        "load": load,
        "seconds": {name: min(times) for name, times in took.items() if times and name not in missing},
        "missing": missing,
        "apart": apart,
    }


def how_far_apart(ours: Stays, theirs: Stays, n_steps: int) -> dict[str, float]:
    """The largest differences at any step: in stays served and stays given up, as shares of all stays, and in mean wait."""
    days, stays = 0.0, 0.0
    for step in range(n_steps):
        (a_served, a_left, a_wait), (b_served, b_left, b_wait) = (_means(table, step) for table in (ours, theirs))
        all_stays = max(a_served + a_left, 1.0)
        stays = max(stays, abs(a_served - b_served) / all_stays, abs(a_left - b_left) / all_stays)
        days = max(days, abs(a_wait - b_wait))
    return {"stays": stays, "days": days}


def agree(apart: dict[str, float]) -> bool:
    """Whether two programs did the same work."""
    return apart["stays"] <= MOST_STAYS_APART and apart["days"] <= MOST_DAYS_APART


def _means(table: Stays, step: int) -> tuple[float, float, float]:
    here = table["step"] == step
    started = here & (table["started_day"] >= 0)
    wait = table["started_day"][started] - table["joined_day"][started]
    return float(started.sum()), float((here & ~started).sum()), float(wait.mean()) if len(wait) else 0.0


def _ended(episodes: Episodes) -> Stays:
    over = episodes.ended_day != NOT_YET
    return {name: getattr(episodes, name)[over].astype(np.float64) for name in _COLUMNS}


def _who_come(courses: Courses, capacity: Capacity) -> NDArray[np.intp]:
    """Clients who join a list before the horizon, in order of joining."""
    comes = (courses.first_step != NO_STEP) & (courses.joins_day < len(capacity.places))
    return np.flatnonzero(comes)[np.argsort(courses.joins_day[comes], kind="stable")]


def _inputs(courses: Courses, capacity: Capacity) -> dict[str, Any]:
    names = (
        "joins_day", "first_step", "course_days", "patience_days", "inside_from", "well_after", "next_inside", "next_outside",
    )  # fmt: skip
    return {
        "horizon": len(capacity.places),
        "places": capacity.places[0],
        "clients": _who_come(courses, capacity),
        **{name: getattr(courses, name) for name in names},
    }
