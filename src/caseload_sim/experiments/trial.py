"""A trial in the model: two scenarios compared on different people, each person in one arm by lot, beside the paired difference.

A comparison knows how the same client does in both scenarios, which nobody can know of a real client. A trial sees each
person in one arm. Its difference is of the same size on average, but less certain: one arm happens to get the more severely
ill, or the luckier, of whom the other arm knows nothing, and each arm has half as many. How much less certain is what this
says, and so how large a real trial would need to be.

Each service is run whole, with everybody in it, so that neither arm crowds the waiting lists of the other; then only those
are counted whom the lot gave to its arm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions.quantities import LADDER_TO_REFERRED, Quantity
from caseload_sim.experiments.replicate import Results, moved_apart
from caseload_sim.measures.rows import Row, quantity_of
from caseload_sim.measures.summary import lowest_and_highest
from caseload_sim.support.columns import Columns
from caseload_sim.support.statistics import half_widths, mean_of

VERSUS_ARM, OTHER_ARM = "lot=1", "lot=2"  # whom the scenario compared with treats, and whom each of the others


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One figure over all clients of each arm, and how far the arms lie apart; values are means over replications.

    versus: the scenario of the other arm
    value, versus_value: in this scenario's arm and in the other; denominator, versus_denominator: of how many
    difference: the first less the second, with its t interval over replications, each of which is one trial
    one_trial_lower_95, one_trial_upper_95: where the difference found by a single trial would fall, 95 times in 100
    paired_difference: of all clients, each in both scenarios, with its interval
    difference_could_be_low, difference_could_be_high: lowest and highest paired difference by other structures of the outcome
        model; see `ComparisonRow`
    times_wider: the interval of the trial over that of the paired difference; NaN where that has none
    """

    scenario: str
    versus: str
    measure: str
    base: str
    at: str
    value: float
    versus_value: float
    difference: float
    difference_lower_95_ci: float
    difference_upper_95_ci: float
    one_trial_lower_95: float
    one_trial_upper_95: float
    paired_difference: float
    paired_lower_95_ci: float
    paired_upper_95_ci: float
    difference_could_be_low: float
    difference_could_be_high: float
    times_wider: float
    denominator: float
    versus_denominator: float
    unit: str
    n_replications: int


def trial_rows(results: Sequence[Results], reference: Results) -> tuple[TrialRow, ...]:
    """A trial of each scenario against the reference: every figure that is counted by lot, over all clients.

    With more than two scenarios each is a trial of its own, against the same arm of the reference.
    """
    return tuple(row for one in results if one is not reference for row in _trial(one, reference))


def shown_of_trial(rows: Sequence[TrialRow], measures: Sequence[str] = ()) -> tuple[TrialRow, ...]:
    """The rows that a table shows, figure by figure: the ladder, or every reading of `measures`."""
    ladder = [quantity[:3] for quantity in LADDER_TO_REFERRED]
    figures = dict.fromkeys((row.measure, row.base, row.at) for row in rows)
    wanted = [figure for figure in figures if figure[0] in measures] if measures else ladder
    return tuple(row for figure in wanted for row in rows if (row.measure, row.base, row.at) == figure)


def _trial(one: Results, reference: Results) -> list[TrialRow]:
    ours, theirs = _places(one.rows), _places(reference.rows)
    figures = [
        figure
        for figure, place in theirs.items()  # of counts, each arm has half by construction; and a trial knows no twins
        if figure.group == VERSUS_ARM
        and figure.service in ("", "service")
        and reference.rows[place].unit not in ("referrals", "clients a year")
    ]
    whole = [figure._replace(group="all") for figure in figures]
    other = [figure._replace(group=OTHER_ARM) for figure in figures]
    rows = [[places[figure] for figure in some]
            for places, some in ((ours, other), (theirs, figures), (ours, whole), (theirs, whole))]  # fmt: skip
    apart = one.values[:, rows[0]] - reference.values[:, rows[1]]
    paired = one.values[:, rows[2]] - reference.values[:, rows[3]]
    mean, (half, wide) = mean_of(apart), half_widths(apart)
    mean_paired, (half_paired, _) = mean_of(paired), half_widths(paired)
    low, high = lowest_and_highest(moved_apart(one, reference, rows[2], rows[3]), len(figures))
    wider = np.full(len(figures), np.nan)
    np.divide(half, half_paired, out=wider, where=half_paired > 0)
    n = (~np.isnan(apart)).sum(axis=0)
    arm, versus_arm = [one.rows[row] for row in rows[0]], [reference.rows[row] for row in rows[1]]
    return [
        TrialRow(
            scenario=one.scenario.name,
            versus=reference.scenario.name,
            measure=figure.measure,
            base=figure.base,
            at=figure.at,
            value=arm[i].value,
            versus_value=versus_arm[i].value,
            difference=float(mean[i]),
            **_interval("difference_{}_95_ci", mean, half, i),
            **_interval("one_trial_{}_95", mean, wide, i),
            paired_difference=float(mean_paired[i]),
            **_interval("paired_{}_95_ci", mean_paired, half_paired, i),
            difference_could_be_low=float(mean_paired[i] + low[i]),
            difference_could_be_high=float(mean_paired[i] + high[i]),
            times_wider=float(wider[i]),
            denominator=arm[i].denominator,
            versus_denominator=versus_arm[i].denominator,
            unit=arm[i].unit,
            n_replications=int(n[i]),
        )
        for i, figure in enumerate(figures)
    ]


def _places(rows: Sequence[Row]) -> dict[Quantity, int]:
    return {quantity_of(row): i for i, row in enumerate(rows)}


def _interval(name: str, middle: Columns, half: Columns, i: int) -> dict[str, float]:
    return {name.format("lower"): float(middle[i] - half[i]), name.format("upper"): float(middle[i] + half[i])}
