"""What figures could be: the same clients, with the same stays, read by every structure of the outcome model.

The queue is not run again, though a structure also moves who steps up, who is seen once more, and who is well before the
first session and so does not come. What a queue of the structure's own would change, in figures of finishers (default scenario,
eight replications):

- in 11 of 16 structures no rung by more than 0.3 points beyond chance;
- in the other five (problems_end_apart, problems_end_together, usual_care_adds_nothing, less_flicker,
  treatment_makes_milder) a rung at the end by up to 1.7 points, mostly with that of the twin alike;
- what the service adds by less than 0.3, but for problems_end_together (recovery 0.8, principal disorder gone 0.5) and
  treatment_makes_milder (recovery 0.4).

A structure is read on some thousand clients of one replication, paired with the structure in use, so that what is added to
a figure is the difference between two models of the same people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions.quantities import DIFFERENCE, REMISSIONS, Quantity
from caseload_sim.draws.streams import RememberedDraws
from caseload_sim.measures.ladder import ladder_keys, ladder_values
from caseload_sim.measures.simulation import Simulation
from caseload_sim.measures.summary import Moved
from caseload_sim.measures.table import Rows
from caseload_sim.outcomes.structures import Structure, all_structures, under
from caseload_sim.simulation.replication import counted_rows, only, read_again
from caseload_sim.support.columns import Floats
from caseload_sim.support.threads import each_in_order

MOST_CLIENTS = 6_000  # enough for half a point; more take longer than the run
IN_USE = "as_used"  # the structure of the scenario itself
FEWEST = 50  # of a denominator: over fewer, chance parts two structures more than what they assume


@dataclass(frozen=True, slots=True)
class CouldBe:
    """The ladder of one replication by every structure.

    keys: of the rows; names: of the structures, the first being the one in use
    values: (structures, rows) float64, NaN where there is none
    """

    keys: tuple[Quantity, ...]
    names: tuple[str, ...]
    values: Floats

    def moved(self) -> Floats:
        """What each structure adds to a row of the structure in use, (structures, rows)."""
        return np.asarray(self.values - self.values[0])

    def over(self, rows: Rows) -> Moved:
        """What each structure adds to each row of a table of measures, (structures, rows); NaN where it says nothing of it."""
        moved = np.full((len(self.names), len(rows.keys)), np.nan, dtype=np.float32)
        moved[:, [rows.places[key] for key in self.keys]] = self.moved()
        return moved


@dataclass(frozen=True, slots=True)
class StructureRow:
    """What one structure makes of the clients who finished a course.

    misfit: squared distance from the anchors after the fit, NaN for the one in use
    figures: of official recovery, the principal disorder gone, all gone and all fully gone, each with the service and what
        the service adds to no service
    """

    scenario: str
    structure: str
    meaning: str
    misfit: float
    figures: tuple[tuple[float, float], ...]


SHOWN = ("recovery", *REMISSIONS)


def structure_rows(scenario_name: str, found: CouldBe) -> tuple[StructureRow, ...]:
    """The rungs of those who finished a course by each structure, the one in use first."""
    place = {key: i for i, key in enumerate(found.keys)}
    of = {one.name: one for one in all_structures()}

    def figure(k: int, measure: str, service: str) -> float:
        return float(found.values[k, place[Quantity(measure, "finished", "end", service, "all")]])

    rows = []
    for k, name in enumerate(found.names):
        one = of.get(name)
        figures = tuple((figure(k, rung, "service"), figure(k, rung, DIFFERENCE)) for rung in SHOWN)
        meaning = one.meaning if one else "the structure of the scenario"
        rows.append(StructureRow(scenario_name, name, meaning, one.loss if one else np.nan, figures))
    return tuple(rows)


def read_structures(
    simulation: Simulation, structures: Sequence[Structure] | None = None, *, most_clients: int = MOST_CLIENTS
) -> CouldBe | None:
    """The ladder of a simulation's clients by every structure that is shipped; None where nobody is read again.

    Not of several providers, whose clients belong to scenarios of their own, and not where nobody was counted.
    """
    structures = all_structures() if structures is None else structures
    rows = counted_rows(simulation)
    if simulation.scenario.providers is not None or len(rows) == 0 or not structures:
        return None
    every = int(np.ceil(len(rows) / most_clients))
    some = only(simulation, rows[::every])
    scenarios = [simulation.scenario, *(under(simulation.scenario, one) for one in structures)]

    draws = RememberedDraws(simulation.scenario.run.seed, simulation.replication)

    def ladder(k: int) -> Floats:
        of_structure = some if k == 0 else read_again(some, scenarios[k], draws, by_course=False)
        return ladder_values(of_structure, FEWEST, len(rows) / len(rows[::every]))

    values = np.stack(list(each_in_order(ladder, range(len(scenarios)))))
    return CouldBe(ladder_keys(some), (IN_USE, *(one.name for one in structures)), values)
