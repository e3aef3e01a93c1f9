"""Groups by how clients came and what became of them: bands of first scores, of sessions and of waits, endings, and lots.

Each of them is given for the official figures and the rungs alone, since every group multiplies the rows of a table. Any
measure for any group: `measure(simulation, groups={"name=value": flags})`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.measures.simulation import Simulation, groups
from caseload_sim.outcomes.contacts import LEFT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Days, Flags

_LONGEST = np.iinfo(np.int32).max
# Lowest and highest, both included. Scores as their authors divide them (Kroenke 2001, Spitzer 2006); waits as in published
# standards. A wait for what never came is in no band.
BANDS: dict[str, dict[str, tuple[int, int]]] = {
    "first_phq9": {"0-4": (0, 4), "5-9": (5, 9), "10-14": (10, 14), "15-19": (15, 19), "20-27": (20, 27)},
    "first_gad7": {"0-4": (0, 4), "5-9": (5, 9), "10-14": (10, 14), "15-21": (15, 21)},
    "sessions": {"0": (0, 0), "1": (1, 1), "2-4": (2, 4), "5-8": (5, 8), "9+": (9, _LONGEST)},
    "wait": {"within_6_weeks": (0, 42), "6-18_weeks": (43, 126), "over_18_weeks": (127, _LONGEST)},
    "second_wait": {"within_28_days": (0, 28), "29-90_days": (29, 90), "over_90_days": (91, _LONGEST)},
    "lot": {"1": (1, 1), "2": (2, 2)},
}
# How a referral ended. Whoever gives up does so on a waiting list, for the first course or for the next.
ENDINGS: dict[str, tuple[str, ...]] = {
    "as_planned": ("finished",),
    "dropped_out": ("dropped_out",),
    "gave_up": ("gave_up",),
    "no_course": tuple(way for way in LEFT if way not in ("finished", "dropped_out", "gave_up", "not_yet")),
}
_SAYS = {
    "first_phq9": "PHQ-9 at the first contact, or at referral if there was none",
    "first_gad7": "GAD-7 at the first contact, or at referral if there was none",
    "sessions": "treatment sessions attended, the assessment left out",
    "wait": "from referral to the first contact",
    "second_wait": "from the first contact to the second",
    "lot": "the toss of a coin for each person, by which `compare --by-lot` assigns clients to arms",
    "ended": "as planned; left a course; gave up waiting or was well by then; or no course was begun or waited for",
}
_ALL, _OUTCOMES = "all that is counted by group", "official figures and rungs"
_YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class GroupKind:
    """Groups of one kind, written NAME=VALUE: what it says of a client, and which measures are counted in them."""

    name: str
    values: tuple[str, ...]
    says: str
    measures: str


def kinds_of_group(scenario: Scenario) -> tuple[GroupKind, ...]:
    """Every kind of group that the rows of a scenario have, in the order of the tables."""
    population, pathway = scenario.population, scenario.pathway
    numbers = ("0", "1", "2", "3", "4", "5")
    kinds = [
        (
            "emotional_disorders",
            (*numbers, "6+", "3+"),
            "how many emotional disorders are present, dependence left out",
        ),
        ("disorders", (*numbers, "6", "7", "8+", "0-1", "3+"), "how many are present, with dependence"),
        ("dependence", _YES_NO, "of alcohol or another substance"),
        ("childhood_abuse", _YES_NO, "sexual or physical"),
        *((name, _YES_NO, "meets criteria at referral") for name in population.conditions()),
        *(
            (name, tuple(shares), "as the scenario divides those referred")
            for name, shares in population.strata.items()
        ),
        ("step", tuple(pathway.courses), "the first course begun, or the step that a wait is for"),
        ("modality", tuple(pathway.modalities), "how contacts are held"),
    ]
    banded = {**{name: tuple(labels) for name, labels in BANDS.items()}, "ended": tuple(ENDINGS)}
    return (
        *(GroupKind(name, values, says, _ALL) for name, values, says in kinds if values),
        *(GroupKind(name, values, _SAYS[name], _OUTCOMES) for name, values in banded.items()),
    )


def bands(simulation: Simulation) -> dict[str, Flags]:
    """Clients by name of group, each (n,) bool; nobody is in two groups of a kind."""
    out = simulation.outcomes
    columns: dict[str, NDArray[np.integer]] = {
        "first_phq9": out.first_phq9,
        "first_gad7": out.first_gad7,
        "sessions": out.sessions.sum(axis=1),
        "wait": _days_between(simulation.clients.referral_day, out.first_contact_day),
        "second_wait": _days_between(out.first_contact_day, out.second_contact_day),
        "lot": simulation.care.lot,
    }
    result = {
        f"{kind}={label}": np.asarray((column >= lowest) & (column <= highest))
        for kind, column in columns.items()
        for label, (lowest, highest) in BANDS[kind].items()
    }
    for label, ways in ENDINGS.items():
        result[f"ended={label}"] = np.array([way in ways for way in LEFT])[out.left]
    return result


def _days_between(first: Days, second: Days) -> Days:
    """Days from one to the other, -1 where the second did not happen, (n,) int32."""
    return np.where(second == NOT_YET, np.int32(-1), second - first)


def own_groups(simulation: Simulation, asked: Mapping[str, Flags]) -> dict[str, Flags]:
    """Groups that a caller asks for, each (n,) bool. Raises RunError for a name or flags that cannot be used."""
    n, known = len(simulation.clients.id), {*groups(simulation), *bands(simulation)}
    for name, flags in asked.items():
        if name in known:
            raise RunError(f"groups: '{name}' is a group already. Give yours another name, such as 'my_{name}'.")
        if "=" not in name or "/" in name:
            raise RunError(f"groups: '{name}' is not a name for a group. Write NAME=VALUE, such as 'long_wait=yes'.")
        if np.shape(flags) != (n,) or np.asarray(flags).dtype != bool:
            raise RunError(
                f"groups: '{name}' has {np.asarray(flags).dtype} of shape {np.shape(flags)}. Give True or False for each of "
                f"the {n:,} clients of the simulation, in their order."
            )
    return {name: np.asarray(flags) for name, flags in asked.items()}
