"""What every peer program is given and gives back: a file of courses and places in, rows of stays and a time out.

Run as `python PROGRAM.py inputs.npz stays.npz`; the program prints how many seconds its simulation took, files not counted.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

NO_STEP = -1
DID_NOT_START = -1.0
COLUMNS = ("client", "step", "joined", "started", "ended")
Stay = tuple[int, int, float, float, float]


@dataclass(frozen=True)
class Pathway:
    """The courses drawn beforehand, as lists: by client, and by client and step.

    places: by step, the same on every day; clients: those who come, in order of coming
    """

    horizon: int
    places: list[int]
    clients: list[int]
    joins_day: list[int]
    first_step: list[int]
    course_days: list[list[int]]
    patience_days: list[list[int]]
    inside_from: list[list[int]]
    well_after: list[list[int]]
    next_inside: list[list[int]]
    next_outside: list[list[int]]

    def patience(self, client: int, step: int, entered: float, now: float) -> float:
        """Days that a client waits who joins this list now and joined the first one then: until patience ends, or well again."""
        well = max(entered + self.well_after[client][step] - now, 1)
        return min(self.patience_days[client][step], well)

    def next_step(self, client: int, step: int, entered: float, now: float) -> int:
        """Where a course leads that ends now, for a client who joined the first list then; NO_STEP if nowhere."""
        inside = self.inside_from[client][step] <= now - entered
        return (self.next_inside if inside else self.next_outside)[client][step]


def main(simulate: Callable[[Pathway], list[Stay]]) -> None:
    """Read, simulate with a clock beside, write all stays that ended before the horizon."""
    with np.load(sys.argv[1]) as file:
        columns = {name: file[name].tolist() for name in file.files}
    pathway = Pathway(**columns)
    start = time.perf_counter()
    stays = simulate(pathway)
    took = time.perf_counter() - start
    table = np.array([stay for stay in stays if stay[-1] < pathway.horizon], dtype=np.float64).reshape(-1, len(COLUMNS))
    rows: dict[str, Any] = dict(zip(COLUMNS, table.T, strict=True))
    np.savez(sys.argv[2], **rows)
    print(took)
