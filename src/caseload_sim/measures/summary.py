"""Measures of many replications made into rows with intervals, and what the spread between replications is made of."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.measures import MIDDLE, RATIO_OF_MEANS, all_measures, definition
from caseload_sim.definitions.quantities import BASES, Quantity
from caseload_sim.measures.rows import CostEffectRow, OverTimeRow, Row, UncertaintyRow
from caseload_sim.measures.simulation import OverTime
from caseload_sim.measures.table import MeasureTable, stacked_numbers
from caseload_sim.support.row_table import RowTable
from caseload_sim.support.statistics import (
    Column,
    _half_widths,
    _moments,
    as_if_means,
    lowest,
    mean_of,
    middle,
    ratio_of_means,
    variance_of,
)

Moved = NDArray[np.float32]  # seven digits of a difference: half as much to send and to keep as sixteen


def summarise(scenario_name: str, tables: list[MeasureTable], moved: Moved | None = None) -> RowTable[Row]:
    """Mean over replications, t interval of the mean, and prediction interval for one more replication.

    Of waits and lists, whose measure says so, the middle replication with its interval instead, and a range for one more that
    reaches at least from the lowest replication to the highest.
    moved: what each structure of the outcome model adds to each row, (structures, rows) float32; see `could_be.py`. None for no range

    Replications without a value (an empty denominator) are left out of a row; both intervals need two. Where a measure
    says so, the ratio of means instead, over all replications, with both intervals as Fieller has them.
    """
    keys = list(tables[0])
    numerators, denominators, values = stacked_numbers(tables)
    ratios = rows_that_are(RATIO_OF_MEANS, keys)
    without = np.isnan(values)
    without[:, ratios] = np.isnan(denominators[:, ratios])
    numerator, denominator = (mean_of(np.where(without, np.nan, each)) for each in (numerators, denominators))
    value, variance, count = _moments(values)
    half, wide = _half_widths(variance, count)
    units = [definition(key.measure).unit for key in keys]
    low, high = _bounds(keys, units)
    found = np.array([value, *(value + width for width in (-half, half, -wide, wide))])
    found[:, ratios] = ratio_of_means(numerators[:, ratios], denominators[:, ratios])
    medians = rows_that_are(MIDDLE, keys)
    found[:3, medians] = middle(values[:, medians])
    found[3, medians] = np.fmin(found[3, medians], lowest(values[:, medians]))
    found[4, medians] = np.fmax(found[4, medians], -lowest(-values[:, medians]))
    count[ratios] = len(tables) - np.count_nonzero(without[:, ratios], axis=0)
    numbers = found[0], *np.clip(found[1:], low, high), numerator, denominator
    could_be = [np.clip(found[0] + end, low, high).tolist() for end in lowest_and_highest(moved, len(keys))]
    names, lists = zip(*keys, strict=True), (column.tolist() for column in numbers)
    return RowTable(Row, [[scenario_name] * len(keys), *names, *lists, units, count.tolist(), *could_be])


def lowest_and_highest(moved: Moved | None, n_rows: int) -> tuple[Column, Column]:
    """The least and the most that a structure adds to each row, both (rows,); NaN where one of them has no value."""
    if moved is None:
        return np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    return moved.min(axis=0).astype(np.float64), moved.max(axis=0).astype(np.float64)


def rows_that_are(over_replications: str, keys: Sequence[Quantity]) -> NDArray[np.intp]:
    """Rows of measures that are summarised so over replications, as `Measure.over_replications` says."""
    names = {name for name, one in all_measures().items() if one.over_replications == over_replications}
    return np.array([row for row, key in enumerate(keys) if key.measure in names], dtype=np.intp)


def values_by_replication(tables: Sequence[MeasureTable]) -> NDArray[np.float64]:
    """The value of each row in each replication, (replications, rows): their mean, or middle, is that of `summarise`.

    Of a ratio of means it is what one replication adds to it (see `as_if_means`), and not the ratio of that replication.
    """
    numerators, denominators, values = stacked_numbers(tables)
    ratios = rows_that_are(RATIO_OF_MEANS, tables[0].rows.keys)
    values[:, ratios] = as_if_means(numerators[:, ratios], denominators[:, ratios])
    return np.asarray(values)


def cost_effects(scenario_name: str, tables: Sequence[MeasureTable]) -> tuple[CostEffectRow, ...]:
    """What the service costs and adds for each referral, by replication and base."""
    rows = []
    for replication, table in enumerate(tables):
        for base in BASES:
            per_qaly = table[Quantity("cost_per_qaly", base, "", "", "all")]
            number = int(table[Quantity("qalys_mean", base, "", "service", "all")].denominator)
            each = (per_qaly.numerator / number, per_qaly.denominator / number) if number else (np.nan, np.nan)
            rows.append(CostEffectRow(scenario_name, replication, base, number, *each))
    return tuple(rows)


def _bounds(keys: Sequence[Quantity], units: Sequence[str]) -> tuple[Column, Column]:
    """Between what figures can lie, and their intervals with them."""
    named = list(zip(keys, units, strict=True))
    is_share = np.array([unit == "share" and key.measure != "utilisation" for key, unit in named], dtype=bool)
    signed = np.array(
        [key.service == "difference" or unit in ("clients a week", "clients a year", "QALYs") for key, unit in named],
        dtype=bool,
    )
    high = np.where(is_share, 1.0, np.inf)
    return np.where(signed, -high, 0.0), high


def split_of_variance(
    scenario_name: str, drawn: list[MeasureTable], as_published: list[MeasureTable]
) -> tuple[UncertaintyRow, ...]:
    """SD between replications in all, with prevalences as published, and of the paired difference."""
    keys = list(drawn[0])
    total, chance = (values_by_replication(tables) for tables in (drawn, as_published))
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


def summarise_days(scenario_name: str, daily: list[OverTime]) -> RowTable[OverTimeRow]:
    """The middle replication of each series on each day, with its interval: those of waiting lists; of the use of places the mean."""
    columns: list[list[Any]] = [[] for _ in fields(OverTimeRow)]
    for name, step in daily[0]:
        stacked = np.array([table[name, step] for table in daily])
        if definition(name).over_replications == MIDDLE:
            value, lower, upper = middle(stacked)
        else:
            value, variance, count = _moments(stacked)
            half, _ = _half_widths(variance, count)
            lower, upper = value - half, value + half
        lower, n = np.maximum(lower, 0), len(value)
        more = [scenario_name] * n, [name] * n, [step] * n, range(n), value.tolist(), lower.tolist(), upper.tolist()
        for column, values in zip(columns, more, strict=True):
            column.extend(values)
    return RowTable(OverTimeRow, columns)
