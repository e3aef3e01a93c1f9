"""The one row of a figure: found in a table held by columns, in a list of rows, and among addresses."""

from collections.abc import Sequence
from dataclasses import fields, replace
from math import nan

import pytest

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.measures.rows import (
    Row,
    could_be_text,
    place_of,
    places_of,
    point_text,
    quantity_of,
    row_of,
    value_text,
)
from caseload_sim.support.row_table import as_table

ADDRESSES = (
    Quantity("at_caseness", "finished", "", "", "all"),
    *(
        Quantity("recovery", base, "end", service, group)
        for group in ("all", "ptsd=yes")
        for base in ("finished", "started")
        for service in ("service", "none", "difference")
    ),
    Quantity("wait_days_mean", "started", "", "", "step=low_intensity"),
    Quantity("wait_days_mean", "started", "", "", "step=high_intensity"),
)
ROWS = [
    Row(**({field.name: float(k) for field in fields(Row)} | {"scenario": "s"} | address._asdict()))  # type: ignore[arg-type]
    for k, address in enumerate(ADDRESSES)
]
TABLES: dict[str, Sequence[Row]] = {"columns": as_table(ROWS, Row), "a list": ROWS}


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("at_caseness", ADDRESSES[0]),
        ("recovery", Quantity("recovery", "finished", "end", "service", "all")),
        ("recovery/started", Quantity("recovery", "started", "end", "service", "all")),
        ("recovery///ptsd=yes/none", Quantity("recovery", "finished", "end", "none", "ptsd=yes")),
        ("wait_days_mean///step=high_intensity", ADDRESSES[-1]),
    ],
)
def test_what_is_not_said_is_the_only_one_or_the_usual(rows: Sequence[Row], asked: str, address: Quantity) -> None:
    found = row_of(rows, Quantity.parse(asked))
    assert quantity_of(found) == address
    assert found == ROWS[ADDRESSES.index(address)]
    assert place_of(ADDRESSES, Quantity.parse(asked)) == ADDRESSES.index(address)


@pytest.mark.parametrize("rows", [*TABLES.values(), ADDRESSES], ids=[*TABLES, "addresses"])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("at_caseness/started", r"^at_caseness has no base 'started'\. Known: finished\.$"),
        ("at_caseness/finished/end", r"^at_caseness has no reading 'end'\. None is known here\.$"),
        ("recovery///ptds=yes", r"^recovery has no group 'ptds=yes'\. Did you mean 'ptsd=yes'\?$"),
        (
            "wait_days_mean",
            r"^wait_days_mean has several of group; name one: step=low_intensity, step=high_intensity\.$",
        ),
        ("utilisation", r"^utilisation: this scenario does not report it\.$"),
    ],
)
def test_a_row_that_is_not_there_is_refused_with_what_there_is(rows: Sequence[Row], asked: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        row_of(rows, Quantity.parse(asked))


def test_a_part_that_is_left_open_finds_all() -> None:
    unsaid = Quantity("", "started", "end", "", "all")
    places = places_of(ROWS, Quantity("recovery"), unsaid)
    assert [ADDRESSES[place][1:] for place in places] == [
        ("started", "end", service, "all") for service in ("service", "none", "difference")
    ]
    assert [ADDRESSES[place].service for place in places_of(ROWS, Quantity("recovery", service="none"), unsaid)] == [
        "none"
    ]


def test_rows_of_several_scenarios_have_no_one_row() -> None:
    with pytest.raises(RunError, match=r"at_caseness: 2 rows are of this figure\. Look .* one scenario"):
        place_of(ROWS * 2, Quantity("at_caseness"))


@pytest.mark.parametrize(
    ("unit", "numbers", "point", "whole", "could_be"),
    [
        ("share", (0.417, 0.409, 0.4249), "41.7%", "41.7% (40.9-42.5)", "40.9 to 42.5"),
        ("share", (-0.02, -0.031, 0.004), "-2.0%", "-2.0% (-3.1,0.4)", "-3.1 to 0.4"),
        ("days", (21.37, 20.0, 22.96), "21.4", "21.4 (20.0-23.0)", "20.0 to 23.0"),
        ("referrals", (10228.4, 9999.6, 10500.0), "10,228", "10,228 (10,000-10,500)", "10,000 to 10,500"),
        ("GBP", (412.5, 399.9, 1425.2), "412", "412 (400-1,425)", "400 to 1,425"),
        ("QALYs", (0.01234, 0.0119, 0.01301), "0.0123", "0.0123 (0.0119-0.0130)", "0.0119 to 0.0130"),
        ("share", (nan, nan, nan), "-", "-", ""),
        ("days", (3.0, nan, nan), "3.0", "3.0", ""),
    ],
)
def test_a_figure_in_its_unit_with_its_interval_and_with_what_it_could_be(
    unit: str, numbers: tuple[float, float, float], point: str, whole: str, could_be: str
) -> None:
    """Shares as points of 100, days to a tenth, money and people whole, QALYs to four places; a dash where there is nothing."""
    value, low, high = numbers
    row = replace(ROWS[0], unit=unit, value=value, lower_95_ci=low, upper_95_ci=high)
    assert point_text(row) == point
    assert value_text(row) == whole
    assert could_be_text(low, high, unit) == could_be
    signed = could_be_text(abs(low), abs(high), unit, with_sign=True)
    assert signed.count("+") == (2 if could_be else 0)
