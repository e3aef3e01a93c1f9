"""How many places each step has on each day: what an engine is told of the service."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Capacity:
    """Places at each step on each day, and the names of the steps.

    places: (days, s) int32, open for starting: what an engine sees; 0 on days that are no working days (rule R6)
    staffed: (days, s) int32, for which there is staff, working day or not: what use is measured against. Appointments
        are staffed on working days only. None where places are made up for an engine alone.
    in_post: (days, kinds of staff in the scenario's order) float64, whole-time equivalents, a trainee for what a trainee
        does of a qualified one's work; leave and sickness are in. None as before.
    """

    places: NDArray[np.int32]
    steps: tuple[str, ...]
    staffed: NDArray[np.int32] | None = None
    in_post: NDArray[np.float64] | None = None
