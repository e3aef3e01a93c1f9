"""What the questionnaires PHQ-9 and GAD-7 say of how ill a client is.

Used twice with the same draws: by pathway/stepping.py to find when a client would count as a responder, and by
outcomes/readings.py to read everybody at the end. Elementwise throughout, so both get the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario.outcome import Instrument
from caseload_sim.support.columns import Floats

Scores = NDArray[np.int8]

# Definitions of the NHS Talking Therapies manual (source nhstt_manual): cut-offs, reliable change, ranges.
PHQ9_CASENESS, GAD7_CASENESS = 10, 8
PHQ9_RELIABLE_CHANGE, GAD7_RELIABLE_CHANGE = 6, 4
PHQ9_MAX, GAD7_MAX = 27, 21

_ERRORS = ("error_start:phq9", "error_start:gad7", "error_end:phq9", "error_end:gad7")


def softplus(x: Floats) -> Floats:
    """log(1 + exp(x)), which bends from 0 to x; faster than numpy's logaddexp, and as exact where scores can tell."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def score_of(level: Floats, error: Floats, instrument: Instrument, highest: int) -> Scores:
    """The score that an instrument gives for a level, (n,) int8, 0 to highest.

    level: (n,) float64, SD, overwritten; error: (n,) float64, points
    """
    soft = instrument.softness.value
    level *= instrument.slope.value / soft
    level += instrument.intercept.value / soft
    points = soft * softplus(level)
    points += error
    np.rint(points, out=points)
    return np.minimum(np.maximum(points, 0, out=points), highest).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Line:
    """What one questionnaire reads, before softening and error: start - progress * fall, where progress is `elapsed`.

    start, fall: (n,) float64, SD; error: (n,) float64, points; instrument, highest: how the level becomes a score
    """

    start: Floats
    fall: Floats
    error: Floats
    instrument: Instrument
    highest: int

    def score(self, progress: Floats) -> Scores:
        """The score, (n,) int8, once so much of the six-month improvement has happened."""
        return score_of(self.start - progress * self.fall, self.error, self.instrument, self.highest)

    def progress_at(self, points: float) -> Floats:
        """The share of the six-month improvement at which the score would be so many points, were it not rounded, (n,).

        NaN where it never is, or where nothing changes.
        """
        instrument = self.instrument
        soft = instrument.softness.value
        with np.errstate(divide="ignore", invalid="ignore"):
            bent = (points - self.error) / soft  # softplus of the level
            level = bent + np.log(-np.expm1(-bent))
            return np.asarray(
                (self.start - (level * soft - instrument.intercept.value) / instrument.slope.value) / self.fall
            )


def _levels(
    instruments: Sequence[Instrument], names: tuple[str, ...], severity: Floats, distress: Floats
) -> list[Floats]:
    """What each instrument makes of severities (n, d) and distress (n,): each (n,) float64, SD."""
    mean = severity[:, 0]
    for j in range(1, severity.shape[1]):  # in a fixed order: the sum must not depend on the number of rows
        mean = mean + severity[:, j]
    mean = mean / severity.shape[1]
    levels = []
    for one in instruments:
        own = severity[:, names.index(one.own_disorder)] if one.own_disorder in names else mean
        w, k = one.own_weight.value, one.distress_weight.value
        levels.append((w * own + (1 - w) * mean + k * distress) / np.sqrt(1 + k**2))
    return levels


def below_caseness(phq9: Scores, gad7: Scores) -> NDArray[np.bool_]:
    """Below the cut-offs of both questionnaires, (n,) bool."""
    return (phq9 < PHQ9_CASENESS) & (gad7 < GAD7_CASENESS)
