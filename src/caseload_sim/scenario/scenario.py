"""Scenario, the public class: one complete set of assumptions, which can be changed."""

from collections.abc import Mapping
from typing import Any

from caseload_sim.scenario.assumptions import Assumptions
from caseload_sim.scenario.changes import changed


class Scenario(Assumptions):
    """One complete set of assumptions, ready to run.

    Built by `get_scenario` (shipped) or `load_scenario` (a file); change it with `with_changes`.
    """

    def __repr__(self) -> str:
        """One line: `explain` says all that is assumed."""
        run = self.run
        return f"<Scenario {self.name}: {self.title} (seed {run.seed}, {run.replications:,} replications)>"

    __str__ = __repr__

    def with_changes(self, changes: Mapping[str, Any]) -> "Scenario":
        """A new scenario with some values changed, marked as the user's own.

        changes: dotted path -> value, as in {"population.prevalence.ptsd.value": 0.3}
        Raises ScenarioError when a path does not exist or a value is impossible.
        """
        return changed(self, changes)
