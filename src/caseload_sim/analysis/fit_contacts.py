"""Where a fit of contacts a post to waits begins: near those waits, found by halving, since more contacts always mean shorter ones.

Where places are plenty a wait hardly depends on contacts, and where they are short it explodes: from afar, slopes lead nowhere.
"""

from collections.abc import Callable, Mapping

import numpy as np

from caseload_sim.scenario.outcome import Official
from caseload_sim.support.columns import Floats

MOST_STARTS = 8
RANGE = 1.5  # in logs: from a fifth of the contacts to 4.5 times as many
NEAR = 6.0  # tolerances: from there slopes lead on
CONTACTS = ".contacts_per_week"


def moves_contacts_alone(fitted: Mapping[str, Official]) -> bool:
    """Whether nothing but contacts a post is to be moved, each kind of staff by one figure."""
    paths = [path for official in fitted.values() for path in official.fitted_by]
    return all(path.endswith(CONTACTS) for path in paths) and len(paths) == len(set(paths))


def near_the_waits(n_waits: int, off_by: Callable[[Floats], Floats]) -> Floats:
    """By how much contacts of each kind are to be moved to come near the waits, in logs, (n_waits,).

    off_by: how many tolerances each wait is too long, (n_waits,), with contacts moved by so much
    The ranges of all kinds are halved at once; those that are near stay.
    """
    low, high, point = np.full(n_waits, -RANGE), np.full(n_waits, RANGE), np.zeros(n_waits)
    tried: list[tuple[float, Floats]] = []
    for _ in range(MOST_STARTS):
        off = off_by(point)
        tried.append((float(np.abs(off).max()), point))
        far = np.abs(off) > NEAR
        if not far.any():
            break
        low, high = np.where(off > 0, point, low), np.where(off > 0, high, point)
        point = np.where(far, (low + high) / 2, point)
    return min(tried, key=lambda one: one[0])[1]
