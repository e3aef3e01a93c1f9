"""The one row of a figure: found in a table held by columns, in a list of rows, and among addresses."""

from collections.abc import Sequence
from dataclasses import fields

import pytest

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.measures.rows import Row, place_of, places_of, quantity_of, row_of
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
