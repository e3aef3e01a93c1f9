"""Shares, means and agreement of two readings: what figures of studies and of the service are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.questionnaires import (
    GAD7_RELIABLE_CHANGE,
    PHQ9_RELIABLE_CHANGE,
    Scores,
    below_caseness,
)
from caseload_sim.support.columns import Flags

Found = dict[str, float]


def wide(scores: tuple[Scores, Scores]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return scores[0].astype(np.int64), scores[1].astype(np.int64)


Pair = Sequence[NDArray[np.int64]]


def reliable_changes(before: Pair, after: Pair) -> tuple[Flags, Flags]:
    """Reliably improved and reliably deteriorated, each (n,) bool (source nhstt_manual)."""
    phq9, gad7 = after[0] - before[0], after[1] - before[1]
    down = (phq9 <= -PHQ9_RELIABLE_CHANGE) | (gad7 <= -GAD7_RELIABLE_CHANGE)
    up = (phq9 >= PHQ9_RELIABLE_CHANGE) | (gad7 >= GAD7_RELIABLE_CHANGE)
    return down & ~up, up & ~down


def reliably_recovered(before: Pair, after: Pair) -> Flags:
    return np.asarray(
        below_caseness(after[0].astype(np.int8), after[1].astype(np.int8)) & reliable_changes(before, after)[0]
    )


def mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def sd(values: NDArray[Any]) -> float:
    return float(np.std(values.astype(np.float64)))


def correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.corrcoef(one.astype(np.float64), other.astype(np.float64))[0, 1])


def odds_ratio(one: Flags, other: Flags) -> float:
    p, q = mean(one), mean(other)
    return p / (1 - p) * (1 - q) / q


def kappa(one: Flags, other: Flags) -> float:
    """Cohen's kappa: agreement beyond what chance gives."""
    p, q = mean(one), mean(other)
    by_chance = p * q + (1 - p) * (1 - q)
    return (mean(one == other) - by_chance) / (1 - by_chance)
