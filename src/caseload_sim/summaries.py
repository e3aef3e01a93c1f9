"""What is reported of many replications: means, intervals, and what the spread between them is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.counted import Key
from caseload_sim.definitions import definition
from caseload_sim.measure_table import MeasureTable, stacked_numbers
from caseload_sim.measures import OverTime
from caseload_sim.row_table import RowTable

Column = NDArray[np.float64]
MIDDLE_SHARE = 0.95  # of the intervals reported


@dataclass(frozen=True, slots=True)
class Row:
    """One reported figure: mean over replications, its interval, and where a single year's figure falls."""

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    value: float
    lower_95_ci: float
    upper_95_ci: float
    lower_95_range: float
    upper_95_range: float
    numerator: float
    denominator: float
    unit: str
    n_replications: int


@dataclass(frozen=True, slots=True)
class OverTimeRow:
    """One day of a waiting list or of utilisation; days count from opening, 0 first."""

    scenario: str
    measure: str
    step: str
    day: int
    value: float
    lower_95_ci: float
    upper_95_ci: float


@dataclass(frozen=True, slots=True)
class UncertaintyRow:
    """The spread of one figure between replications, split: chance alone, and the doubt about published prevalences.

    sd_chance: with prevalences as published; sd_parameters: of the difference that drawing them makes
    """

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    sd_total: float
    sd_chance: float
    sd_parameters: float
    n_replications: int


def summarise(scenario_name: str, tables: list[MeasureTable]) -> RowTable[Row]:
    """Mean over replications, t interval of the mean, and prediction interval for one more replication.

    Replications without a value (an empty denominator) are left out of a row; both intervals need two.
    """
    keys, stacked = list(tables[0]), stacked_numbers(tables)  # (replications, rows, 3)
    counted = ~np.isnan(stacked[:, :, 2])
    numerator, denominator, value = (mean_of(np.where(counted, stacked[:, :, i], np.nan)) for i in range(3))
    half, wide = half_widths(stacked[:, :, 2])
    units = [definition(key.measure).unit for key in keys]
    low, high = _bounds(keys, units)
    numbers = (
        value, *(np.clip(value + width, low, high) for width in (-half, half, -wide, wide)), numerator, denominator
    )  # fmt: skip
    names = zip(*keys, strict=True)
    counts = counted.sum(axis=0).tolist()
    return RowTable(Row, [[scenario_name] * len(keys), *names, *(column.tolist() for column in numbers), units, counts])


def _bounds(keys: Sequence[Key], units: Sequence[str]) -> tuple[Column, Column]:
    """Between what figures can lie, and their intervals with them."""
    named = list(zip(keys, units, strict=True))
    is_share = np.array([unit == "share" and key.measure != "utilisation" for key, unit in named], dtype=bool)
    signed = np.array([key.service == "difference" or unit == "clients a week" for key, unit in named], dtype=bool)
    high = np.where(is_share, 1.0, np.inf)
    return np.where(signed, -high, 0.0), high


def split_of_variance(
    scenario_name: str, drawn: list[MeasureTable], as_published: list[MeasureTable]
) -> tuple[UncertaintyRow, ...]:
    """SD between replications in all, with prevalences as published, and of the paired difference."""
    keys = list(drawn[0])
    total, chance = (stacked_numbers(tables)[:, :, 2] for tables in (drawn, as_published))
    sds = [np.sqrt(variance_of(values)) for values in (total, chance, total - chance)]
    return tuple(
        UncertaintyRow(
            scenario=scenario_name,
            **key._asdict(),
            sd_total=float(sds[0][i]),
            sd_chance=float(sds[1][i]),
            sd_parameters=float(sds[2][i]),
            n_replications=int(np.sum(~np.isnan(total[:, i]))),
        )
        for i, key in enumerate(keys)
    )


def variance_of(values: NDArray[np.float64]) -> Column:
    """Variance over the first axis, leaving NaN out; NaN with fewer than two values."""
    squares, count = _sum_and_count((values - mean_of(values)) ** 2)
    return np.where(count >= 2, squares / np.maximum(count - 1, 1), np.nan)


def summarise_days(scenario_name: str, daily: list[OverTime]) -> RowTable[OverTimeRow]:
    """Mean over replications, and t interval of the mean, of each series on each day."""
    columns: list[list[Any]] = [[] for _ in fields(OverTimeRow)]
    for name, step in daily[0]:
        stacked = np.array([table[name, step] for table in daily])
        value, (half, _) = mean_of(stacked), half_widths(stacked)
        lower, upper, n = np.maximum(value - half, 0), value + half, len(value)
        more = [scenario_name] * n, [name] * n, [step] * n, range(n), value.tolist(), lower.tolist(), upper.tolist()
        for column, values in zip(columns, more, strict=True):
            column.extend(values)
    return RowTable(OverTimeRow, columns)


def mean_of(values: NDArray[np.float64]) -> Column:
    """Mean over the first axis, leaving NaN out; NaN where nothing is left."""
    total, count = _sum_and_count(values)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sum_and_count(values: NDArray[np.float64]) -> tuple[Column, NDArray[np.int64]]:
    """Of what is not NaN, over the first axis."""
    missing = np.isnan(values)
    return np.where(missing, 0.0, values).sum(axis=0), len(values) - missing.sum(axis=0)


def half_widths(values: NDArray[np.float64]) -> tuple[Column, Column]:
    """Half-widths of the t interval of the mean and of the prediction interval, NaN with fewer than two values."""
    from scipy.special import stdtrit

    count = np.sum(~np.isnan(values), axis=0)
    enough = count >= 2
    sd = np.sqrt(variance_of(values))
    t = stdtrit(np.where(enough, count - 1, 1), 0.5 + MIDDLE_SHARE / 2)
    mean_half = np.where(enough, t * sd / np.sqrt(np.maximum(count, 1)), np.nan)
    single_half = np.where(enough, t * sd * np.sqrt(1 + 1 / np.maximum(count, 1)), np.nan)
    return mean_half, single_half
