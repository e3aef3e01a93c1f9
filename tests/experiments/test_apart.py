"""The sentence that must stand where more people are helped and the reported share falls."""

from dataclasses import replace
from typing import Any

import pytest

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.experiments.apart import FINISHED, PEOPLE, SHARE, UNTREATED, WAIT, why_apart
from caseload_sim.experiments.compare import ComparisonRow

NAN = float("nan")


def row(figure: Quantity, difference: float, half: float = 0.0, unit: str = "share") -> ComparisonRow:
    bounds = difference - half, difference + half
    numbers: Any = dict.fromkeys(
        ("value", "lower_95_ci", "upper_95_ci", "lower_95_range", "upper_95_range", "numerator", "denominator",
         "could_be_low", "could_be_high", "difference_could_be_low", "difference_could_be_high", "variance_removed"), NAN,
    )  # fmt: skip
    return ComparisonRow(
        scenario="more", **figure._asdict(), **numbers, unit=unit, n_replications=5, versus="now", difference=difference,
        difference_lower_95_ci=bounds[0], difference_upper_95_ci=bounds[1],
    )  # fmt: skip


PARTED = (row(PEOPLE, 34), row(SHARE, -0.006), row(UNTREATED, -0.02), row(WAIT, -18.7), row(FINISHED, 262))


def test_more_people_and_a_lower_share_are_explained_by_waits_and_by_how_many_finish() -> None:
    assert why_apart(PARTED) == [
        "more: 34 more people are helped a year, yet the reported share falls by 0.6 points, because those who finish had "
        "less time to get better by themselves (they waited 19 days less), and 262 more finish. Judge it by the people."
    ]


def test_the_other_way_round_it_says_so() -> None:
    mirrored = [
        replace(one, difference=-one.difference, difference_lower_95_ci=-one.difference_upper_95_ci, difference_upper_95_ci=-one.difference_lower_95_ci)
        for one in PARTED
    ]  # fmt: skip
    assert why_apart(mirrored) == [
        "more: 34 fewer people are helped a year, yet the reported share rises by 0.6 points, because those who finish had "
        "more time to get better by themselves (they waited 19 days longer), and 262 fewer finish. Judge it by the people."
    ]


@pytest.mark.parametrize(
    "rows",
    [
        (row(PEOPLE, 34), row(SHARE, 0.006)),  # both up
        (row(PEOPLE, 34, 40), row(SHARE, -0.006)),  # one within chance
        (row(PEOPLE, 34), row(SHARE, -0.006, 0.01)),
        (row(PEOPLE, 34),),
        tuple(replace(one, versus="") for one in PARTED),  # the scenario compared with
    ],
)
def test_nothing_is_said_where_the_two_do_not_part_beyond_chance(rows: tuple[ComparisonRow, ...]) -> None:
    assert why_apart(rows) == []


def test_a_reason_that_does_not_hold_is_not_given() -> None:
    said = why_apart(
        (row(PEOPLE, 34), row(SHARE, -0.006), row(UNTREATED, 0.01), row(WAIT, -18.7), row(FINISHED, 9, 20))
    )
    assert said == [
        "more: 34 more people are helped a year, yet the reported share falls by 0.6 points. Judge it by the people."
    ]
