"""The two questionnaires of the service: their cut-offs, and the score that they read from severities and distress."""

import numpy as np
from numpy.typing import NDArray

from caseload_sim.scenario.outcome import Instrument
from caseload_sim.scenario.population import DEFAULT
from caseload_sim.support.columns import Floats

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
    Other disorders are seen only where they are present, each adding less the more there are. Sums run in a fixed order:
    they must not depend on the number of rows.
    """
    seen = np.zeros(len(distress))
    for j, name in enumerate(names):
        if name != instrument.own_disorder:
            weight = (instrument.sees[name] if name in instrument.sees else instrument.sees[DEFAULT]).value
            seen += weight * np.maximum(severity[:, j], 0.0)
    points = instrument.intercept.value + instrument.distress_weight.value * distress
    points -= instrument.others_weight.value * np.expm1(-seen)
    if instrument.own_disorder in names:
        own = severity[:, names.index(instrument.own_disorder)]
        points += instrument.own_weight.value * np.maximum(own, LOWEST_OWN_SEVERITY)
    soft = instrument.softness.value
    points = soft * softplus(points / soft) + error
    np.rint(points, out=points)
    return np.minimum(np.maximum(points, 0, out=points), highest).astype(np.int8)


def below_caseness(phq9: Scores, gad7: Scores) -> NDArray[np.bool_]:
    """Below the cut-offs of both questionnaires, (n,) bool."""
    return (phq9 < PHQ9_CASENESS) & (gad7 < GAD7_CASENESS)
