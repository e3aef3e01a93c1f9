"""Rows that were read back: whether each is of a figure that there is, and each figure there once."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.quantities import BASES, DIFFERENCE, READINGS, SERVICES

_BASES = {*BASES, "all", "courses"}
_DAILY = {"waiting_list", "utilisation"}  # measures of every day
_NUMBERS_OF_A_KEY = ("day", "replication")


def excess_in_rows(rows: Sequence[Any], kind: type[Any], scenarios: Sequence[str], steps: Sequence[str]) -> str | None:
    """What a table has that no table of ours has: a word that is not known, or the same figure twice; None if nothing.

    A picture takes as long, and as much room, as there are different labels. So these are bounded by the scenario.
    kind: the dataclass of the rows; scenarios: names of those in the record; steps: of the scenario compared with
    """
    names = [field.name for field in fields(kind)]
    known: dict[str, set[str]] = {
        "scenario": set(scenarios),
        "versus": {"", *scenarios},
        "measure": {*all_measures(), *_DAILY},
        "base": {"", *_BASES},
        "at": {"", *READINGS},
        "service": {"", *SERVICES, DIFFERENCE},
        "step": set(steps),
    }
    for name in names:
        if name in known:
            for value in dict.fromkeys(map(attrgetter(name), rows)):
                if value not in known[name]:
                    return f"{name} '{value}' is not one that there is"
    key = [name for name in names if name in known or name == "group" or name in _NUMBERS_OF_A_KEY]
    if len(set(map(attrgetter(*key), rows))) < len(rows):
        return "the same row twice"
    return None
