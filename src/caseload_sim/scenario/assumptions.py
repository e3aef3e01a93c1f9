"""The fields of a scenario: everything that is assumed, in one table of tables."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from caseload_sim.definitions.labels import in_order
from caseload_sim.scenario.costs import Costs
from caseload_sim.scenario.numbers import Figures, LogSd, Number, Part, Table
from caseload_sim.scenario.outcome import Doubt, Instruments, Official, Outcome, Source
from caseload_sim.scenario.pathway import Pathway
from caseload_sim.scenario.population import Population
from caseload_sim.scenario.service import Demand, Run, Staff, Start

MOST_KINDS_OF_STAFF = 50


def _own_numbers(table: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of numbers, as deep as the scenario has them. What is no number stays, to be refused by path and line."""
    return in_order({name: _number_or_table(one) if isinstance(one, Mapping) else one for name, one in table.items()})


def _number_or_table(table: Mapping[str, Any]) -> Any:
    try:
        return Number.model_validate(table) if "value" in table else _own_numbers(table)
    except ValidationError:
        return table


Own = Annotated[dict[str, Any], AfterValidator(_own_numbers)]


class Provider(Part):
    """A provider by name, with the numbers in which it differs from the scenario, in tables as the scenario has them."""

    title: str
    demand: Own = Field(default_factory=dict)
    start: Own = Field(default_factory=dict)
    population: Own = Field(default_factory=dict)
    staff: Own = Field(default_factory=dict)
    pathway: Own = Field(default_factory=dict)
    outcome: Own = Field(default_factory=dict)


class Providers(Part):
    """Several providers, pooled: so many of the scenario's size that differ in their staff, or `each` by name."""

    number: Annotated[int, Field(ge=2, le=1000)] | None = None
    staff_log_sd: LogSd | None = Field(
        default=None, description="SD between providers of the logarithm of their staff, each kind by itself"
    )
    each: Table[Provider] = Field(default_factory=dict)

    @property
    def how_many(self) -> int:
        """How many providers there are, 2 or more."""
        return self.number or len(self.each)

    @property
    def spread(self) -> float:
        """SD between providers of the logarithm of their staff beside what each says for itself."""
        return self.staff_log_sd.value if self.staff_log_sd else 0.0

    @model_validator(mode="after")
    def _are_alike_or_named(self) -> Self:
        alike = [self.number is not None, self.staff_log_sd is not None]
        if any(alike) if self.each else not all(alike):
            raise ValueError(
                "providers are so many that are alike, with `number` and `staff_log_sd`, or each by name, as in "
                "[providers.each.RWV]; give one of the two, and `replace = true` where the other is inherited"
            )
        if len(self.each) == 1:
            raise ValueError(
                "one provider is no several: give two or more, or its numbers in the scenario's own tables"
            )
        return self


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
