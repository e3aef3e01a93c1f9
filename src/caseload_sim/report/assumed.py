"""What a scenario assumes, beside what is shipped: whose it is, what is nearest to it, and what differs, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caseload_sim.definitions.labels import in_words
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.in_words import Difference, what_differs
from caseload_sim.scenario.scenario import Scenario

WHOLE_SERVICES = ("hepgul_2016", "national_2024_25")  # which all others are made from
_PLAINER = {
    "replications": "simulated years",
    "wte": "posts",
    "warm-up days": "days to settle",
    "data collection days": "days counted",
}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A shipped scenario, and the inputs in which another differs from it that a figure can depend on."""

    name: str
    differences: tuple[Difference, ...]


def nearest_to(scenario: Scenario) -> Nearest:
    """The shipped scenario of its name, or else that whole service from which it differs least."""
    if scenario.name in WHOLE_SERVICES:
        return _from(scenario.name, scenario)
    return min((_from(name, scenario) for name in WHOLE_SERVICES), key=lambda one: len(one.differences))


def _from(name: str, scenario: Scenario) -> Nearest:
    return Nearest(name, inputs_that_differ(get_scenario(name), scenario))


def inputs_that_differ(first: Scenario, second: Scenario) -> tuple[Difference, ...]:
    """Inputs in which two scenarios differ, without those that no simulated figure depends on."""
    return tuple(one for one in what_differs(first, second) if one.matters)


def is_own(scenario: Scenario) -> bool:
    """Whether it is somebody's own service rather than one that is shipped."""
    return bool(scenario.start.stated()) or scenario.name not in list_scenarios()


def has_own_posts(nearest: Nearest) -> bool:
    """Whether posts are its own, and not those of the shipped scenario."""
    return any(one.path.startswith("staff.") for one in nearest.differences)


def is_fitted(scenario: Scenario) -> bool:
    """Whether what each kind of post does, or how many there are, was fitted to something."""
    return all(staff.wte.fitted or staff.contacts_per_week.fitted for staff in scenario.staff.values())


def as_typed(scenario: Scenario) -> str:
    """How the scenario is given to a command."""
    return f"{scenario.name}.toml" if scenario.name not in list_scenarios() else scenario.name


def inputs_in_words(found: Sequence[Difference]) -> tuple[str, ...]:
    """Inputs that differ, each with its value in the one and in the other.

    A meaning that ends with a full stop is of a whole section, and says nothing of the input itself.
    """
    said = []
    for one in found:
        *_, owner, last = ("", *one.path.split("."))
        is_number = isinstance(one.second if one.second is not None else one.first, int | float)
        means = bool(one.meaning) and is_number and not one.meaning.endswith(".")
        name = one.meaning if means else _PLAINER.get(in_words(last), in_words(last))
        said.append(
            f"{f'{in_words(owner)}: ' * (means and bool(owner))}{name}: {_value(one.first)} \u2192 {_value(one.second)}"
        )
    return tuple(said)


def _value(value: Any) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return in_words(", ".join(map(str, value)) if isinstance(value, list) else str(value))
