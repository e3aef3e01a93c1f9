"""Other structures of the outcome model that published figures do not tell from the one in use.

Each changes one assumption that nobody has measured, and has the fitted numbers refitted to the same anchors (shipped in
structures.toml; `caseload-sim calibrate structures` repeats the fits). What they say of the same clients is shown as the
lowest and the highest: what a figure could be. They are never pooled into one interval, since nobody knows how likely each is.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.numbers import Number, Part, numbers
from caseload_sim.scenario.scenario import Scenario

FILE = "structures.toml"


@dataclass(frozen=True, slots=True)
class Structure:
    """One assumption changed, and what the fit then made of the others.

    meaning: in words; changes: path -> value of what defines it; smaller_effects: share of the trials' effects that it
    takes to be true; fitted: path -> value of all that the fit moves; loss: distance from the anchors, in squared tolerances
    """

    name: str
    meaning: str
    changes: Mapping[str, float]
    fitted: Mapping[str, float]
    loss: float
    smaller_effects: float = 1.0

    @property
    def values(self) -> dict[str, float]:
        """Every value that differs from the default scenario, by path."""
        return {**self.fitted, **self.changes}


@lru_cache(maxsize=1)
def all_structures() -> tuple[Structure, ...]:
    """The structures that are shipped, in the order of the file."""
    content = tomllib.loads(Path(__file__).with_name(FILE).read_text(encoding="utf-8"))
    return tuple(Structure(name=name, **entry) for name, entry in content.items())


def under(scenario: Scenario, structure: Structure) -> Scenario:
    """The scenario with the outcome model of a structure.

    A number that is as in the default scenario takes the structure's value; one that the scenario has changed is
    multiplied by as much as the structure changes the default one, so that half an effect stays half an effect.
    """
    usual, changed = _values_of_default(), scenario
    for path, value in structure.values.items():
        number = _number_at(scenario, path)
        if number is None:
            continue
        own = number.value
        if own != usual[path]:
            value = own * value / usual[path] if usual[path] else own + value
        changed = _with(changed, path.split("."), value)
    return changed


@lru_cache(maxsize=1)
def _values_of_default() -> dict[str, float]:
    return {path: number.value for path, number, _ in numbers(get_scenario())}


def _number_at(scenario: Scenario, path: str) -> Number | None:
    """The number at a dotted path, as `numbers` names them; None where the scenario has none there."""
    part: Any = scenario
    for key in path.split("."):
        part = part.get(key) if isinstance(part, Mapping) else getattr(part, key, None)
    return part if isinstance(part, Number) else None


def _with(part: Any, path: list[str], value: float) -> Any:
    """A part of a scenario with one number changed, its origin kept; checks are not made again."""
    key, *rest = path
    if isinstance(part, Number):
        return part.model_copy(update={"value": value})
    inner = part[key] if isinstance(part, Mapping) else getattr(part, key)
    changed = _with(inner, rest or ["value"], value)
    if isinstance(part, Mapping):
        return {**part, key: changed}
    assert isinstance(part, Part | Assumptions)
    return part.model_copy(update={key: changed})
