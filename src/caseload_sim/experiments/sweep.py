"""One or two values changed in steps, everything else and every draw the same: the curve of any measure."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import nan
from typing import Unpack

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import Row, places_of
from caseload_sim.measures.summary import summarise
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import by_name

MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """The rows of one measure where the swept values are as `at` says: dotted path -> value; digests as in `Results`."""

    at: dict[str, float]
    rows: tuple[Row, ...]
    digests: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SweepRow(Row):
    """One figure of a sweep, flat: the columns of `Row`, then the paths and the values they took."""

    path: str
    set_to: float
    second_path: str
    second_set_to: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep of one or two paths; points in order, the last path changing fastest."""

    scenario: Scenario
    paths: tuple[str, ...]
    measure: str
    points: tuple[SweepPoint, ...]

    def __repr__(self) -> str:
        return f"<Sweep of {self.scenario.name}: {self.measure} at {len(self.points):,} settings of {' and '.join(self.paths)}; .points>"


def flattened(swept: Sweep) -> tuple[SweepRow, ...]:
    """The sweep as flat rows, for files and machines."""
    first, second = (*swept.paths, "")[:2]
    return tuple(
        SweepRow(
            **by_name(row),
            path=first,
            set_to=point.at[first],
            second_path=second,
            second_set_to=point.at.get(second, nan),
        )
        for point in swept.points
        for row in point.rows
    )


def sweep(
    scenario: Scenario,
    values: Mapping[str, Sequence[float]],
    measure: str | Quantity,
    *,
    base: str = "finished",
    at: str = "end",
    group: str = "all",
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> Sweep:
    """Run a scenario at every combination of values on common random numbers.

    values: dotted path -> values to take, one or two paths
    measure: a figure as MEASURE/BASE/AT/GROUP; with and without the service, and the difference, where it names none
    base, at: of the figure, where `measure` does not say and there are several; group: where it does not say
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (points done, of)
    Raises RunError for a wrong number of paths or an unknown figure, ScenarioError for an impossible value: all values
    are checked before the first run.
    """
    quantity = Quantity.parse(measure) if isinstance(measure, str) else measure
    unsaid = Quantity.parse(f"{quantity.measure}/{base}/{at}")._replace(group="all")
    quantity = quantity._replace(group=quantity.group or ("" if group == "all" else group))
    settings = combinations(values)
    ready = [with_run(scenario.with_changes(setting), seed, replications) for setting in settings]
    check_figures(ready[0], [quantity], unsaid)
    options = RunOptions(**how)
    points: list[SweepPoint] = []
    with closing(finish_each([Request(one, could_be=True) for one in ready], replace(options, progress=None))) as each:
        for setting, one, (finished, _) in zip(settings, ready, each, strict=True):
            rows = summarise(one.name, [replication.measures for replication in finished], finished[0].moved)
            digests = tuple(replication.digests for replication in finished)
            found = tuple(rows[row_number] for row_number in places_of(rows, quantity, unsaid))
            points.append(SweepPoint(setting, found, digests))
            options.report(len(points), len(settings))
    return Sweep(scenario, tuple(values), quantity.measure, tuple(points))


def combinations(values: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Every setting of a sweep, the last path changing fastest. Raises RunError for a wrong number of paths or settings."""
    if not 1 <= len(values) <= 2:
        raise RunError("a sweep changes one value, or two.")
    settings: list[dict[str, float]] = [{}]
    for path, steps in values.items():
        settings = [{**so_far, path: float(value)} for so_far in settings for value in steps]
    if not 1 <= len(settings) <= MOST_POINTS:
        raise RunError(f"a sweep of {len(settings):,} points; it may have 1 to {MOST_POINTS:,}.")
    return settings


def values_in(text: str) -> tuple[float, ...]:
    """Values written as "from:to:count", evenly spaced, or as "a,b,c".

    >>> values_in("0.1:0.4:4")
    (0.1, 0.2, 0.3, 0.4)
    >>> values_in("5,7.5")
    (5.0, 7.5)

    Raises RunError when it is neither.
    """
    try:
        if ":" not in text:
            return tuple(float(part) for part in text.split(","))
        first, last, count = text.split(":")
        n = int(count)
        if not 2 <= n <= MOST_POINTS:
            raise ValueError
        step = (float(last) - float(first)) / (n - 1)
        return tuple(round(float(first) + k * step, 12) for k in range(n))
    except ValueError:
        raise RunError(
            f"{text}: write values as from:to:count, as in 0.05:0.40:8, or as a list, as in 0.1,0.2"
        ) from None
