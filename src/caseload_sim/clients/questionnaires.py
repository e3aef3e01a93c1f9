"""The two questionnaires of the service: their cut-offs, and the score that they read from severities and distress."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario.outcome import Instrument
from caseload_sim.scenario.population import DEFAULT
from caseload_sim.support.columns import Floats, read_only
from caseload_sim.support.compiled import Compiled, numba_is_loaded

Scores = NDArray[np.int8]

# Definitions of the NHS Talking Therapies manual (source nhstt_manual): cut-offs, reliable change, ranges.
PHQ9_CASENESS, GAD7_CASENESS = 10, 8
PHQ9_RELIABLE_CHANGE, GAD7_RELIABLE_CHANGE = 6, 4
PHQ9_MAX, GAD7_MAX = 27, 21
RESIDUAL_PHQ9 = 5  # residual symptoms, as Ali 2017 has them (source ali2017)
LOWEST_OWN_SEVERITY = -1.0  # SD: whoever is further below threshold scores no lower for it


def softplus(x: Floats) -> Floats:
    """log(1 + exp(x)), which bends from 0 to x; faster than numpy's logaddexp, and as exact where scores can tell."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def score(
    instrument: Instrument, names: tuple[str, ...], severity: Floats, distress: Floats, error: Floats, highest: int
) -> Scores:
    """What a questionnaire says of severities (n, d) and distress (n,), both SD: (n,) int8, from 0 to `highest`.

    names: of the disorders, in order of the columns; error: (n,), points
    Other disorders are seen only where they are present, each adding less the more there are.
    """
    own = names.index(instrument.own_disorder) if instrument.own_disorder in names else -1
    weights = [(instrument.sees[name] if name in instrument.sees else instrument.sees[DEFAULT]).value for name in names]
    if not numba_is_loaded():
        return _score_with_numpy(instrument, own, weights, severity, distress, error, highest)
    scores, unsure = np.empty(len(distress), dtype=np.int8), np.empty(len(distress), dtype=np.intp)
    n_unsure = _scores(
        np.ascontiguousarray(severity.T), distress, error, own, np.array(weights), *_terms_of(instrument), highest,
        *_curves(), scores, unsure,
    )  # fmt: skip
    if n_unsure:
        rows = unsure[:n_unsure]
        of_some = severity[rows], distress[rows], error[rows]
        scores[rows] = _score_with_numpy(instrument, own, weights, *of_some, highest)
    return scores


def _score_with_numpy(
    instrument: Instrument,
    own: int,
    weights: list[float],
    severity: Floats,
    distress: Floats,
    error: Floats,
    highest: int,
) -> Scores:
    """The same, every term by NumPy; own: column of the questionnaire's own disorder, or -1; weights: by which others are seen.

    Sums run in a fixed order: they must not depend on the number of rows.
    """
    intercept, own_weight, others_weight, distress_weight, soft = _terms_of(instrument)
    seen = np.zeros(len(distress))
    for j, weight in enumerate(weights):
        if j != own:
            seen += weight * np.maximum(severity[:, j], 0.0)
    points = intercept + distress_weight * distress
    points -= others_weight * np.expm1(-seen)
    if own >= 0:
        points += own_weight * np.maximum(severity[:, own], LOWEST_OWN_SEVERITY)
    points = soft * softplus(points / soft) + error
    np.rint(points, out=points)
    return np.minimum(np.maximum(points, 0, out=points), highest).astype(np.int8)


def _terms_of(instrument: Instrument) -> tuple[float, float, float, float, float]:
    return (
        instrument.intercept.value,
        instrument.own_weight.value,
        instrument.others_weight.value,
        instrument.distress_weight.value,
        instrument.softness.value,
    )


# The compiled pass reads both curves off straight lines, and leaves to NumPy whoever lies so near to the middle between two
# scores, or so far out, that the lines cannot tell: one in ten thousand. So both passes give the same scores. A line over a
# cell of width h is wrong by h * h / 8 times how much the curve bends there, which is at most 1 for expm1 and 1/4 for softplus.
_CURVE_END = 16  # expm1(-x) is read off from 0 to here, softplus from as far below 0
_CELLS_SEEN, _CELLS_SOFT = 256, 128  # to 1
_WRONG_SEEN, _WRONG_SOFT = 1 / (8 * _CELLS_SEEN**2), 1 / (32 * _CELLS_SOFT**2)
_SCORED_AT_ONCE = 1024  # clients; what is summed up for them stays in the nearest cache
_ROUNDING = 1e-6  # points; far more than a sum of a few terms can be wrong by


@cache
def _curves() -> tuple[Floats, Floats]:
    """expm1(-x) and softplus(x) where cells begin and end."""
    seen = np.expm1(-np.arange(_CURVE_END * _CELLS_SEEN + 1) / _CELLS_SEEN)
    soft = softplus(np.arange(-_CURVE_END * _CELLS_SOFT, _CURVE_END * _CELLS_SOFT + 1) / _CELLS_SOFT)
    return read_only(seen), read_only(soft)


def _scores_code(
    severity: Any, distress: Any, error: Any, own: Any, weights: Any, intercept: Any, own_weight: Any, others_weight: Any,
    distress_weight: Any, soft: Any, highest: Any, seen_curve: Any, soft_curve: Any, scores: Any, unsure: Any,
) -> int:  # fmt: skip  # pragma: no cover: Python itself does not run it
    n_unsure, n = 0, len(distress)
    margin = 2 * (abs(others_weight) * _WRONG_SEEN + soft * _WRONG_SOFT) + _ROUNDING
    all_seen, all_points = np.empty(_SCORED_AT_ONCE), np.empty(_SCORED_AT_ONCE)
    for first in range(0, n, _SCORED_AT_ONCE):
        m = min(n - first, _SCORED_AT_ONCE)
        for k in range(m):
            all_seen[k] = 0.0
            all_points[k] = intercept + distress_weight * distress[first + k]
        for j in range(len(weights)):  # column by column, so that the processor takes four clients at a time
            column = severity[j, first : first + m]
            if j == own:
                for k in range(m):
                    all_points[k] += own_weight * (
                        column[k] if column[k] > LOWEST_OWN_SEVERITY else LOWEST_OWN_SEVERITY
                    )
            else:
                for k in range(m):
                    all_seen[k] += weights[j] * (column[k] if column[k] > 0.0 else 0.0)
        for k in range(m):
            cells = all_seen[k] * _CELLS_SEEN
            known = (cells >= 0.0) & (cells < _CURVE_END * _CELLS_SEEN)
            cell = np.uint64(cells if known else 0.0)
            line = seen_curve[cell] + (seen_curve[cell + np.uint64(1)] - seen_curve[cell]) * (cells - np.float64(cell))
            cells = ((all_points[k] - others_weight * line) / soft + _CURVE_END) * _CELLS_SOFT
            known &= (cells >= 0.0) & (cells < 2 * _CURVE_END * _CELLS_SOFT)
            cell = np.uint64(cells if known else 0.0)
            line = soft_curve[cell] + (soft_curve[cell + np.uint64(1)] - soft_curve[cell]) * (cells - np.float64(cell))
            above = soft * line + error[first + k] + 0.5
            whole = np.floor(above)
            scores[first + k] = min(max(whole, 0.0), highest)
            unsure[n_unsure] = first + k
            n_unsure += int((not known) | (above - whole < margin) | (whole + 1.0 - above < margin))
    return n_unsure


_scores = Compiled(_scores_code)


def below_caseness(phq9: Scores, gad7: Scores) -> NDArray[np.bool_]:
    """Below the cut-offs of both questionnaires, (n,) bool."""
    return (phq9 < PHQ9_CASENESS) & (gad7 < GAD7_CASENESS)
