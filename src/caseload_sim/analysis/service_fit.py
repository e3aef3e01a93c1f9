"""What a fit of a service found, and the scenario file that holds it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceFit:
    """What `calibrate_service` found.

    changes: fitted values by dotted path; in_use: what the scenario holds there
    before, after: value of each fitted quantity; part: what was fitted, "service" or "outcome"
    """

    scenario: str
    changes: dict[str, float]
    quantities: tuple[str, ...]
    target: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    rounds: int
    in_use: dict[str, float]
    part: str = "service"

    def fragment(self) -> str:
        """A piece of a scenario file that holds the fitted values, each marked as fitted."""
        return fragment_of(self.scenario, self.changes, f"calibrate {self.part} {self.scenario}")


def fragment_of(scenario: str, values: Mapping[str, float], fitted: str) -> str:
    """Values by path as a scenario file that extends another, each marked as fitted; every table stands once."""
    tables: dict[str, list[str]] = {}
    for path, value in sorted(values.items()):
        where, _, name = path.rpartition(".")
        tables.setdefault(where, []).append(f'{name} = {{ value = {value:g}, fitted = "{fitted}" }}')
    blocks = ["\n".join([f"[{where}]", *lines]) for where, lines in tables.items()]
    return "\n\n".join([f'extends = "{scenario}"', *blocks]) + "\n"
