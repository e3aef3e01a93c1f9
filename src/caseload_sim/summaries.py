"""What is reported of many replications: means, intervals, and what the spread between them is made of."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.counted import Key
from caseload_sim.definitions import definition
from caseload_sim.measure_table import MeasureTable, stacked_numbers
from caseload_sim.measures import OverTime
from caseload_sim.reported import OverTimeRow, Row, UncertaintyRow
from caseload_sim.row_table import RowTable

Column = NDArray[np.float64]
MIDDLE_SHARE = 0.95  # of the intervals reported


def summarise(scenario_name: str, tables: list[MeasureTable]) -> RowTable[Row]:
    """Mean over replications, t interval of the mean, and prediction interval for one more replication.

    Replications without a value (an empty denominator) are left out of a row; both intervals need two.
    """
    keys = list(tables[0])
    numerators, denominators, values = stacked_numbers(tables)
    without = np.isnan(values)
    numerator, denominator = (mean_of(np.where(without, np.nan, each)) for each in (numerators, denominators))
    value, variance, count = _moments(values)
    half, wide = _half_widths(variance, count)
    units = [definition(key.measure).unit for key in keys]
    low, high = _bounds(keys, units)
    numbers = (
        value, *(np.clip(value + width, low, high) for width in (-half, half, -wide, wide)), numerator, denominator
    )  # fmt: skip
    names = zip(*keys, strict=True)
    return RowTable(
        Row, [[scenario_name] * len(keys), *names, *(column.tolist() for column in numbers), units, count.tolist()]
    )


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
    total, chance = (stacked_numbers(tables)[2] for tables in (drawn, as_published))
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
    return _moments(values)[1]


def summarise_days(scenario_name: str, daily: list[OverTime]) -> RowTable[OverTimeRow]:
    """Mean over replications, and t interval of the mean, of each series on each day."""
    columns: list[list[Any]] = [[] for _ in fields(OverTimeRow)]
    for name, step in daily[0]:
        stacked = np.array([table[name, step] for table in daily])
        value, variance, count = _moments(stacked)
        half, _ = _half_widths(variance, count)
        lower, upper, n = np.maximum(value - half, 0), value + half, len(value)
        more = [scenario_name] * n, [name] * n, [step] * n, range(n), value.tolist(), lower.tolist(), upper.tolist()
        for column, values in zip(columns, more, strict=True):
            column.extend(values)
    return RowTable(OverTimeRow, columns)


def mean_of(values: NDArray[np.float64]) -> Column:
    """Mean over the first axis, leaving NaN out; NaN where nothing is left."""
    missing = np.isnan(values)
    return _mean(values, missing, len(values) - np.count_nonzero(missing, axis=0))


def _mean(values: NDArray[np.float64], missing: NDArray[np.bool_], count: NDArray[np.int64]) -> Column:
    return np.where(count > 0, np.where(missing, 0.0, values).sum(axis=0) / np.maximum(count, 1), np.nan)


def _moments(values: NDArray[np.float64]) -> tuple[Column, Column, NDArray[np.int64]]:
    """Mean and variance over the first axis, leaving NaN out, and how many there are."""
    missing = np.isnan(values)
    count = len(values) - np.count_nonzero(missing, axis=0)
    mean = _mean(values, missing, count)
    squares = values - mean
    squares *= squares
    squares[missing] = 0
    return mean, np.where(count >= 2, squares.sum(axis=0) / np.maximum(count - 1, 1), np.nan), count


def half_widths(values: NDArray[np.float64]) -> tuple[Column, Column]:
    """Half-widths of the t interval of the mean and of the prediction interval, NaN with fewer than two values."""
    _, variance, count = _moments(values)
    return _half_widths(variance, count)


def _half_widths(variance: Column, count: NDArray[np.int64]) -> tuple[Column, Column]:
    from scipy.special import stdtrit

    counts = np.arange(count.max(initial=0) + 1)  # few differ, and a quantile takes long
    t = stdtrit(np.maximum(counts - 1, 1), 0.5 + MIDDLE_SHARE / 2)[count]
    enough, n = count >= 2, np.maximum(count, 1)
    sd = np.sqrt(variance)
    mean_half = np.where(enough, t * sd / np.sqrt(n), np.nan)
    single_half = np.where(enough, t * sd * np.sqrt(1 + 1 / n), np.nan)
    return mean_half, single_half
