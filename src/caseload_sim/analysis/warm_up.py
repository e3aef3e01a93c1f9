"""How long a service takes to settle, by a published rule: MSER-5 over its waiting lists and the use of its places.

White (1997), "An effective truncation heuristic for bias reduction in simulation output", Simulation 69(6), 323-334: leave out
as many observations from the beginning as make the squared standard error of the mean of the rest smallest, having first taken
means of five; a cut in the second half says that the series is too short to tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.measures.rows import OverTimeRow
from caseload_sim.pathway.working_days import working_days
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.row_table import as_table

BATCH = 5  # observations in a mean, as White has it; of working days, a week
_LEAST_BATCHES = 10  # of fewer, any rule is a guess
_LAST_BITS = 1e-9  # of floating point, relative
_NEVER_CUT = 5  # last batches: a few that are alike by chance would make any cut look good


@dataclass(frozen=True, slots=True)
class WarmUpRow:
    """A series of the service, and where the rule cuts it.

    settled_day: first day that counts, 0 for opening; None where the series had not settled in the first half
    mean: of the days that count, NaN without; own_warm_up_days: what the scenario leaves out
    """

    scenario: str
    measure: str
    step: str
    settled_day: int | None
    mean: float
    own_warm_up_days: int

    @property
    def is_long_enough(self) -> bool:
        """Whether the scenario leaves out at least what the rule does; so too where the rule cannot tell."""
        return self.settled_day is None or self.settled_day <= self.own_warm_up_days


def mser(series: NDArray[np.float64], batch: int = BATCH) -> int | None:
    """How many observations to leave out from the beginning: a multiple of `batch`, or None for a cut that is not in the first half.

    series: (n,) float64, no NaN; what is over after the last whole batch is left out. None too for fewer than ten batches.
    """
    n = len(series) // batch
    if n < _LEAST_BATCHES:
        return None
    means = series[: n * batch].reshape(n, batch).mean(axis=1)
    squared_errors = np.array(
        [np.sum((means[d:] - means[d:].mean()) ** 2) / (n - d) ** 2 for d in range(n - _NEVER_CUT)]
    )
    squared_errors[squared_errors < (_LAST_BITS * np.abs(means).max()) ** 2] = (
        0  # or a series that stands still is cut by them
    )
    cut = int(np.argmin(squared_errors))
    return cut * batch if 2 * cut < n else None


def warm_up(scenario: Scenario, over_time: Sequence[OverTimeRow]) -> tuple[WarmUpRow, ...]:
    """Where MSER-5 cuts each waiting list and each use of places, means over the replications, until data collection ends.

    Working days only: on a day off nobody is seen, and a week would look like change.
    """
    run = scenario.run
    working = working_days(scenario)[: run.warm_up_days + run.data_collection_days]
    series: dict[tuple[str, str], list[float]] = {}
    table = as_table(over_time, OverTimeRow)
    for measure, step, value in zip(*map(table.column, ("measure", "step", "value")), strict=True):
        series.setdefault((measure, step), []).append(value)
    rows = []
    for (measure, step), values in series.items():
        daily = np.array(values)[: len(working)]
        days = np.flatnonzero(working & ~np.isnan(daily))
        cut = mser(daily[days])
        counted = daily[days[cut:]] if cut is not None else daily[:0]
        rows.append(
            WarmUpRow(
                scenario=scenario.name,
                measure=measure,
                step=step,
                settled_day=None if cut is None else int(days[cut]) if cut else 0,
                mean=float(counted.mean()) if len(counted) else float("nan"),
                own_warm_up_days=run.warm_up_days,
            )
        )
    return tuple(rows)


def too_short(rows: Sequence[WarmUpRow]) -> str:
    """In words, that a scenario leaves out less than the rule would; empty where it does not."""
    longer = {f"{row.measure} of {row.step}": row.settled_day for row in rows if row.settled_day is not None and not row.is_long_enough}  # fmt: skip
    if not longer:
        return ""
    latest = max(longer, key=lambda name: longer[name])
    return (
        f"run.warm_up_days is {rows[0].own_warm_up_days}, and by MSER-5 {len(longer)} of {len(rows)} series settle later, last the "
        f"{latest.replace('_', ' ')}, on day {longer[latest]}. See `caseload-sim warm-up`, or make it longer."
    )
