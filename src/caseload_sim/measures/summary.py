"""Measures of many replications made into rows with intervals, and what the spread between replications is made of."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.measures.rows import OverTimeRow, Row, UncertaintyRow
from caseload_sim.measures.simulation import OverTime
from caseload_sim.measures.table import MeasureTable, stacked_numbers
from caseload_sim.support.row_table import RowTable
from caseload_sim.support.statistics import Column, _half_widths, _moments, mean_of, variance_of


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


def _bounds(keys: Sequence[Quantity], units: Sequence[str]) -> tuple[Column, Column]:
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
