"""Exponentials that never overflow: whatever a scenario may say, one is a number, and a share is from 0 to 1."""

from math import exp

import numpy as np

from caseload_sim.support.columns import Floats

# Beyond it nothing changes that anybody could see, and a product of two of them is still a number.
LARGEST_EXPONENT = 300.0


def bounded_exp(x: Floats) -> Floats:
    """exp(x), (n,) float64, as if no x were beyond LARGEST_EXPONENT on either side."""
    return np.asarray(np.exp(np.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT)))


def share_of_logit(logit: Floats) -> Floats:
    """The share whose logit it is, (n,) float64, 0 to 1."""
    return np.asarray(1 / (1 + np.exp(np.minimum(-logit, LARGEST_EXPONENT))))


def share_of_one_logit(logit: float) -> float:
    """The same of a single number."""
    return 1 / (1 + exp(min(-logit, LARGEST_EXPONENT)))
