"""One or two values changed in steps, everything else and every draw the same: the curve of any measure, and its distance from today."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from math import nan
from typing import Unpack

import numpy as np

from caseload_sim.definitions.measures import MIDDLE
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import paired
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.measures.rows import Row, places_of, quantity_of
from caseload_sim.measures.summary import Moved, lowest_and_highest, rows_that_are, summarise, values_by_replication
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Columns, by_name
from caseload_sim.support.statistics import middle

MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class FromToday:
    """How far a figure lies from that of the scenario as it is, on the same people and draws; as in `ComparisonRow`."""

    difference: float
    difference_lower_95_ci: float
    difference_upper_95_ci: float
    difference_could_be_low: float
    difference_could_be_high: float


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """The rows of one measure where the swept values are as `at` says: dotted path -> value; digests as in `Results`.

    from_today: of each row, its distance from the scenario as it is
    """

    at: dict[str, float]
    rows: tuple[Row, ...]
    digests: tuple[dict[str, str], ...] = ()
    from_today: tuple[FromToday, ...] = ()


@dataclass(frozen=True, slots=True)
class SweepRow(Row):
    """One figure of a sweep, flat: the columns of `Row`, then the paths and the values they took, then those of `FromToday`."""

    path: str
    set_to: float
    second_path: str
    second_set_to: float
    difference: float
    difference_lower_95_ci: float
    difference_upper_95_ci: float
    difference_could_be_low: float
    difference_could_be_high: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep of one or two paths; points in order, the last path changing fastest.

    today: the values of the paths in the scenario as it is, from which the points are so far as `from_today` says
    """

    scenario: Scenario
    paths: tuple[str, ...]
    measure: str
    points: tuple[SweepPoint, ...]
    today: tuple[float, ...] = ()

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
            **by_name(change),
        )
        for point in swept.points
        for row, change in zip(point.rows, point.from_today, strict=True)
    )


def sweep_of(scenario: Scenario, rows: Sequence[SweepRow]) -> Sweep:
    """The sweep that flat rows are of: the other way round than `flattened`, but without digests. rows: one at least"""
    paths = tuple(filter(None, (rows[0].path, rows[0].second_path)))
    at: dict[tuple[float, ...], list[SweepRow]] = {}
    for row in rows:
        at.setdefault((row.set_to, row.second_set_to)[: len(paths)], []).append(row)
    points = tuple(
        SweepPoint(dict(zip(paths, values, strict=True)), tuple(some), from_today=tuple(map(_change_of, some)))
        for values, some in at.items()
    )
    return Sweep(scenario, paths, rows[0].measure, points, tuple(_present(scenario, path) for path in paths))


def _change_of(row: SweepRow) -> FromToday:
    return FromToday(*(getattr(row, field.name) for field in fields(FromToday)))


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
    today = with_run(scenario, seed, replications)
    requests = [Request(one, could_be=True) for one in (today, *ready)]
    points: list[SweepPoint] = []
    with closing(finish_each(requests, replace(options, progress=None))) as each:
        as_it_is, _ = next(each)
        for setting, one, (finished, _) in zip(settings, ready, each, strict=True):
            rows = summarise(one.name, [replication.measures for replication in finished], finished[0].moved)
            digests = tuple(replication.digests for replication in finished)
            places = places_of(rows, quantity, unsaid)
            found = tuple(rows[row_number] for row_number in places)
            points.append(SweepPoint(setting, found, digests, _from_today(finished, as_it_is, found)))
            options.report(len(points), len(settings))
    now = tuple(_present(today, path) for path in values)
    return Sweep(scenario, tuple(values), quantity.measure, tuple(points), now)


def _from_today(finished: Sequence[Finished], today: Sequence[Finished], rows: Sequence[Row]) -> tuple[FromToday, ...]:
    """The paired difference of each row; NaN where today has no such row, as of a group that is new."""
    keys = [quantity_of(row) for row in rows]
    (ours, our_moves), (theirs, their_moves) = (_values_of(some, keys) for some in (finished, today))
    difference, half, _ = paired(ours, theirs)
    lower, upper = difference - half, difference + half
    medians = rows_that_are(MIDDLE, keys)
    difference[medians], lower[medians], upper[medians] = middle((ours - theirs)[:, medians])
    moved = None if our_moves is None or their_moves is None else our_moves - their_moves
    low, high = (difference + end for end in lowest_and_highest(moved, len(keys)))
    numbers = (column.tolist() for column in (difference, lower, upper, low, high))
    return tuple(FromToday(*of_row) for of_row in zip(*numbers, strict=True))


def _present(scenario: Scenario, path: str) -> float:
    """The value that a dotted path has now; NaN where it has none, or is no number."""
    content: object = scenario.model_dump(mode="python")
    for part in path.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    if isinstance(content, dict):
        content = content.get("value")
    return float(content) if isinstance(content, int | float) else nan


def _values_of(finished: Sequence[Finished], keys: Sequence[Quantity]) -> tuple[Columns, Moved | None]:
    """Values by replication, (replications, keys), and what structures add to them, (structures, keys); NaN where there are none."""
    tables, moves = [one.measures for one in finished], finished[0].moved
    every, place = values_by_replication(tables), {key: k for k, key in enumerate(tables[0].rows.keys)}
    values = np.full((len(tables), len(keys)), np.nan)
    moved = None if moves is None else np.full((len(moves), len(keys)), np.nan, dtype=np.float32)
    for k, key in enumerate(keys):
        if key in place:
            values[:, k] = every[:, place[key]]
            if moves is not None and moved is not None:
                moved[:, k] = moves[:, place[key]]
    return values, moved


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
