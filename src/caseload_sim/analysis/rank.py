"""What would change it: what-ifs compared in one go, and ranked by how many people more they help, or by a rung of the ladder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

from caseload_sim.analysis.reconcile import figure_in
from caseload_sim.definitions.quantities import HELPED, HELPED_TO, LADDER_TO_REFERRED, Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import ComparisonRow, differences, requests_for
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.scenario.scenario import Scenario

# Each changes one thing in hepgul_2016. What `caseload-sim rank` compares when no scenario is named.
WHAT_IFS = (
    "right_target",
    "high_intensity_for_complex",
    "nobody_stops_after_one",
    "twice_the_sessions",
    "twice_the_sessions_same_staff",
)
RANKED_BY = HELPED[-1]


@dataclass(frozen=True, slots=True)
class RankRow:
    """People helped by one what-if, or a rung of it, and what it gains against the scenario it changes.

    place: 1 for the largest gain in the figure `ranked_by`; the same in all rows of a scenario
    gain, gain_lower_95_ci, gain_upper_95_ci: mean over replications of the paired difference, and its t interval
    gain_could_be_low, gain_could_be_high: lowest and highest gain by other structures of the outcome model
    gbp_per_one_more: what is spent more, for each client more who is well or helped; NaN where there are not more
    unit: of value and gains: "clients a year", or "share", of 1
    """

    place: int
    scenario: str
    versus: str
    ranked_by: str
    measure: str
    base: str
    at: str
    value: float
    gain: float
    gain_lower_95_ci: float
    gain_upper_95_ci: float
    gain_could_be_low: float
    gain_could_be_high: float
    gbp_per_one_more: float
    unit: str
    n_replications: int


def rank(
    reference: Scenario,
    what_ifs: Sequence[Scenario],
    *,
    by: Quantity = RANKED_BY,
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> tuple[RankRow, ...]:
    """Run all on common random numbers and rank the what-ifs by gain over the reference, the largest first.

    by: the figure to rank by, one of HELPED or a rung; the others are reported beside it, people first
    how: the keywords of `RunOptions`, see `replicate`; progress counts the replications of all
    Raises RunError for fewer than one what-if, for a name that comes twice, and where a what-if has no value of the rung.
    """
    everything = (reference, *what_ifs)
    requests = requests_for(everything, seed=seed, replications=replications)
    summaries = list(summarise_each([replace(one, could_be=True) for one in requests], RunOptions(**how)))
    compared = differences(summaries, summaries[0])
    figures = [by, *(figure for figure in (*HELPED, *LADDER_TO_REFERRED) if figure != by)]
    rows = {one.name: [row for row in compared if row.scenario == one.name] for one in everything}

    def one_more(name: str, figure: Quantity) -> float:
        success = f"extra_{HELPED_TO[figure.measure]}" if figure.measure in HELPED_TO else figure.measure
        cost = Quantity(f"cost_per_{success}", figure.base, figure.at)
        return cost_of_one_more(*(row_of(rows[which], cost) for which in (name, reference.name)))

    gains = {one.name: row_of(rows[one.name], by).difference for one in what_ifs}
    for one in what_ifs:
        if gains[one.name] != gains[one.name]:
            raise RunError(
                f"{one.name}: has no {by} to be ranked by. Rank by a figure over all referred, or leave it out."
            )
    order = sorted(what_ifs, key=lambda one: -gains[one.name])
    return tuple(
        _row(k + 1, row_of(rows[one.name], figure), by, one_more(one.name, figure))
        for k, one in enumerate(order)
        for figure in figures
    )


def ranked_by(text: str) -> Quantity:
    """A figure to rank by, as written: people helped, or a rung of the ladder. Raises RunError with what is known."""
    measure = text.partition("/")[0]
    if measure not in HELPED_TO:
        return figure_in(text)
    said = Quantity.parse(text)
    return Quantity(measure, said.base or "referred", said.at or "end", said.service, said.group or "all")


def cost_of_one_more(here: Row, there: Row) -> float:
    """Pounds more for each result more: the difference of the money over that of the results, both of `cost_per_*` rows.

    NaN where there are not more results; below 0 where there are more and less is spent.
    """
    more = here.denominator - there.denominator
    return (here.numerator - there.numerator) / more if more > 0 else float("nan")


def _row(place: int, row: ComparisonRow, by: Quantity, gbp_per_one_more: float) -> RankRow:
    return RankRow(
        place=place,
        scenario=row.scenario,
        versus=row.versus,
        ranked_by=str(by),
        measure=row.measure,
        base=row.base,
        at=row.at,
        value=row.value,
        gain=row.difference,
        gain_lower_95_ci=row.difference_lower_95_ci,
        gain_upper_95_ci=row.difference_upper_95_ci,
        gain_could_be_low=row.difference_could_be_low,
        gain_could_be_high=row.difference_could_be_high,
        gbp_per_one_more=gbp_per_one_more,
        unit=row.unit,
        n_replications=row.n_replications,
    )
