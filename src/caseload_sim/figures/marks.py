"""Published figures and standards, which stand in pictures as black ticks with a name."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from caseload_sim.definitions.published import EIGHTEEN_WEEKS, NINETY_DAYS, SCOTT_2018, SIX_WEEKS
from caseload_sim.definitions.quantities import Quantity


class Published(NamedTuple):
    """A figure that somebody published. value: in the unit of the measure; name: as on the picture; source: of `scenarios/sources.toml`"""

    quantity: Quantity
    value: float
    name: str
    source: str


@lru_cache(maxsize=1)
def published_rungs() -> tuple[Published, ...]:
    """What England reports of its questionnaires, and what the one audit by interview found, at the rungs nearest to them.

    England's is read from the evidence for the model of outcomes. The audit asked for full recovery of people whom the
    service had seen.
    """
    text = files("caseload_sim.analysis").joinpath("outcome_evidence.toml").read_text(encoding="utf-8")
    recovery = tomllib.loads(text)["recovery"]
    return (
        Published(
            Quantity("recovery", "finished", "end", "service", "all"),
            recovery["value"],
            "England 2024-25",
            recovery["source"],
        ),
        Published(
            Quantity("full_remission", "started", "end", "service", "all"),
            SCOTT_2018.found,
            SCOTT_2018.words,
            SCOTT_2018.source,
        ),
    )


# Days, by what is waited for.
STANDARDS = {"first_contact_days": (SIX_WEEKS, EIGHTEEN_WEEKS), "second_contact_days": (NINETY_DAYS,)}
