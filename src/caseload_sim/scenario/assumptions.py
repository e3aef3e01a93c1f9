"""The fields of a scenario: everything that is assumed, in one table of tables."""

from pydantic import Field

from caseload_sim.scenario.costs import Costs
from caseload_sim.scenario.numbers import Figures, Part, Table
from caseload_sim.scenario.outcome import Doubt, Instruments, Official, Outcome, Source
from caseload_sim.scenario.pathway import Pathway
from caseload_sim.scenario.population import Population
from caseload_sim.scenario.service import Demand, Providers, Run, Staff, Start

MOST_KINDS_OF_STAFF = 50


class Assumptions(Part):
    """The fields of a scenario: everything that is assumed, each number with its origin."""

    name: str
    title: str
    summary: str
    look_at: str
    run: Run
    demand: Demand
    start: Start
    providers: Providers | None = None
    population: Population
    instruments: Instruments
    staff: Table[Staff] = Field(max_length=MOST_KINDS_OF_STAFF)
    pathway: Pathway
    outcome: Outcome
    costs: Costs
    doubt: Table[Doubt] = Field(default_factory=dict)
    official: Figures[Official] = Field(default_factory=dict)
    sources: Table[Source] = Field(default_factory=dict)

    @property
    def disorders(self) -> tuple[str, ...]:
        """The emotional disorders that occur; remission is defined for these alone."""
        return self.population.conditions("emotional_disorder")

    @property
    def steps(self) -> tuple[str, ...]:
        """Steps of the pathway, in the order in which they fill their places."""
        return tuple(self.pathway.steps)
