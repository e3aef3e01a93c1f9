"""Routing policies: where the service sends a client and in which order it serves its lists, by what it knows alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from caseload_sim.scenario.pathway import Routing

PRIORITIES_PER_POINT = 10  # a list is ordered by tenths of a point of complexity, then by the day of joining


@dataclass(frozen=True, slots=True)
class Known:
    """What the service knows of each client at assessment; never the truth. A policy cannot write to the arrays.

    referral_day: (n,) int32, days from opening; before opening below 0. A client who is referred again has the day after
        the last one simulated, since that day is found by the queue: such clients come after all others on a list by day
    recorded_problem: (n,) int8, index into `problems`
    problems: names of the disorders that can be recorded
    phq9, gad7: (n,) int8, points at referral
    flags: (n,) int8, number of other conditions disclosed
    steps: names of the steps of the pathway, the assessment first
    """

    referral_day: NDArray[np.int32]
    recorded_problem: NDArray[np.int8]
    problems: tuple[str, ...]
    phq9: NDArray[np.int8]
    gad7: NDArray[np.int8]
    flags: NDArray[np.int8]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """Where each client starts, as a chance, and how waiting lists are ordered.

    chance: step -> (n,) float64, chance of starting there; for each client they add up to 1
    priority: step -> (n,) whole numbers, lower served first, then the earlier day of joining; 0 for a step not named.
        Nothing but the day of referral is known on the list for assessment.
    """

    chance: Mapping[str, NDArray[np.float64]]
    priority: Mapping[str, NDArray[np.int64]] = field(default_factory=lambda: MappingProxyType({}))


Decide = Callable[[Known, "Routing"], Decision]


@dataclass(frozen=True, slots=True)
class Policy:
    """A routing policy: its steps, what it does, and how it decides.

    steps: step names it sends clients to, the last to those who need most; none when nobody is treated
    decide: Known, Routing -> Decision
    steps_up: whether non-responders go on to a higher step
    records: how the recorded problem, which is what is treated, comes about
    """

    steps: tuple[str, ...]
    description: str
    decide: Decide
    steps_up: bool = True
    records: Literal["as_found", "by_interview", "by_lot"] = "as_found"


def complexity(known: Known, routing: Routing) -> NDArray[np.float64]:
    """Complexity score of each client in points, (n,) float64: a sum of what the service knows, each with its weight."""
    import numpy as np

    weights = routing.complexity
    score: NDArray[np.float64] = (
        weights.per_phq9_point.value * known.phq9.astype(np.float64)
        + weights.per_gad7_point.value * known.gad7
        + weights.per_flag.value * known.flags
    )
    return score + weights.high_intensity_problem.value * _needs_high_intensity(known, routing)


def _needs_high_intensity(known: Known, routing: Routing) -> NDArray[np.bool_]:
    import numpy as np

    needs = np.array([name in routing.high_intensity_problems for name in known.problems], dtype=bool)
    return needs[known.recorded_problem]


def _low_or_high(chance_of_high: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {"low_intensity": 1 - chance_of_high, "high_intensity": chance_of_high}


def _stepped(known: Known, routing: Routing) -> Decision:
    from caseload_sim.support.bounded import share_of_logit

    logit = (
        routing.direct_intercept.value
        + routing.direct_per_phq9_sd.value * (known.phq9 - 15.0) / 6.0
        + routing.direct_per_gad7_sd.value * (known.gad7 - 13.0) / 5.0
        + routing.direct_per_flag.value * known.flags
    )
    chance = share_of_logit(logit)
    chance[_needs_high_intensity(known, routing)] = 1.0
    return Decision(_low_or_high(chance))


def _stratified(known: Known, routing: Routing) -> Decision:
    import numpy as np

    complex_enough = complexity(known, routing) >= routing.complexity.threshold.value
    return Decision(_low_or_high(complex_enough.astype(np.float64)))


def _by_lot(known: Known, routing: Routing) -> Decision:
    import numpy as np

    return Decision(_low_or_high(np.full(len(known.phq9), routing.roulette_high_intensity.value)))


def _longest_wait_first(known: Known, routing: Routing) -> Decision:
    import numpy as np

    day = known.referral_day.astype(np.int64)
    return Decision(_stepped(known, routing).chance, dict.fromkeys(known.steps, day))


def _complexity_first(known: Known, routing: Routing) -> Decision:
    import numpy as np

    most_complex_first = -np.rint(PRIORITIES_PER_POINT * complexity(known, routing)).astype(np.int64)
    return Decision(_stepped(known, routing).chance, dict.fromkeys(known.steps[1:], most_complex_first))


def _all_to(step: str) -> Decide:
    def decide(known: Known, routing: Routing) -> Decision:
        import numpy as np

        return Decision({step: np.ones(len(known.phq9))})

    return decide


_BOTH = ("low_intensity", "high_intensity")
POLICIES = {
    "stepped": Policy(
        _BOTH,
        "low intensity first, unless the recorded problem needs high intensity; the more severe and those who "
        "disclose other conditions go straight to high intensity more often",
        _stepped,
    ),
    "stratified": Policy(
        _BOTH,
        "high intensity first for all whose complexity score, from the recorded problem, both questionnaires and what they "
        "disclose, reaches a threshold, and low intensity first for all others",
        _stratified,
    ),
    "roulette": Policy(
        _BOTH,
        "the same chance of high intensity for everybody; the recorded problem, which is what is treated, is drawn "
        "at random from the disorders",
        _by_lot,
        records="by_lot",
    ),
    "diagnose_first": Policy(
        _BOTH,
        "as stepped, after a structured interview: the right problem is recorded more often, and an assessment takes longer",
        _stepped,
        records="by_interview",
    ),
    "longest_wait_first": Policy(
        _BOTH,
        "as stepped; every waiting list is served by day of referral, not of joining the list",
        _longest_wait_first,
    ),
    "complexity_first": Policy(
        _BOTH,
        "as stepped; every waiting list after assessment is served by complexity score, the most complex first",
        _complexity_first,
    ),
    "high_intensity_first": Policy(
        ("high_intensity",), "everybody starts at high intensity", _all_to("high_intensity")
    ),
    "low_intensity_only": Policy(
        ("low_intensity",),
        "everybody starts at low intensity and nobody is stepped up",
        _all_to("low_intensity"),
        steps_up=False,
    ),
    "no_service": Policy((), "nobody is assessed or treated", lambda known, routing: Decision({})),
}


def is_own(policy: Policy) -> bool:
    """Whether it is a user's own, which may compare clients and so must see all of them at once."""
    return all(policy is not one for one in POLICIES.values())
