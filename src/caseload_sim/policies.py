"""Routing policies: where the service sends a client, judged only by what it knows at assessment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from caseload_sim.pathway import Routing


@dataclass(frozen=True, slots=True)
class Known:
    """What the service knows of each client at assessment; never the truth.

    recorded_problem: (n,) int8, index into `problems`
    problems: names of the disorders that can be recorded
    phq9, gad7: (n,) int8, points at referral
    flags: (n,) int8, number of other conditions disclosed
    """

    recorded_problem: NDArray[np.int8]
    problems: tuple[str, ...]
    phq9: NDArray[np.int8]
    gad7: NDArray[np.int8]
    flags: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Policy:
    """A routing policy: its steps, what it does, and the chance of starting at the second of them.

    steps: step names it sends clients to; none when nobody is treated
    chance_of_last: Known, Routing -> (n,) float64, chance of starting at the last of `steps`
    steps_up: whether non-responders go on to a higher step
    """

    steps: tuple[str, ...]
    description: str
    chance_of_last: Callable[[Known, Routing], NDArray[np.float64]]
    steps_up: bool = True


def _stepped(known: Known, routing: Routing) -> NDArray[np.float64]:
    import numpy as np

    logit = (
        routing.direct_intercept.value
        + routing.direct_per_phq9_sd.value * (known.phq9 - 15.0) / 6.0
        + routing.direct_per_flag.value * known.flags
    )
    chance: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logit))
    for name in routing.high_intensity_problems:
        if name in known.problems:
            chance[known.recorded_problem == known.problems.index(name)] = 1.0
    return chance


def _always(known: Known, routing: Routing) -> NDArray[np.float64]:
    import numpy as np

    return np.ones(len(known.phq9))


POLICIES = {
    "stepped": Policy(
        ("low_intensity", "high_intensity"),
        "low intensity first, unless the recorded problem needs high intensity; the more severe and those who "
        "disclose other conditions go straight to high intensity more often",
        _stepped,
    ),
    "high_intensity_first": Policy(("high_intensity",), "everybody starts at high intensity", _always),
    "low_intensity_only": Policy(
        ("low_intensity",), "everybody starts at low intensity and nobody is stepped up", _always, steps_up=False
    ),
    "no_service": Policy((), "nobody is assessed or treated", _always),
}
