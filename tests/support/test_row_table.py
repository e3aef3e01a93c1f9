"""Rows held in columns: the same rows, whichever way they are asked for."""

import pickle
from dataclasses import dataclass

import pytest

from caseload_sim.experiments.replicate import Results
from caseload_sim.measures.rows import Row
from caseload_sim.support.row_table import RowTable, as_table


@dataclass(frozen=True, slots=True)
class Bird:
    name: str
    legs: int
    weight: float


BIRDS = [Bird("wren", 2, 0.01), Bird("swan", 2, 9.5), Bird("dodo", 2, 15.0), Bird("wren", 1, 0.008)]


def test_a_table_is_the_sequence_of_its_rows() -> None:
    table = as_table(BIRDS, Bird)
    assert list(table) == BIRDS
    assert [table[k] for k in range(-4, 4)] == BIRDS + BIRDS
    assert table[1:3] == tuple(BIRDS[1:3])
    assert len(table) == len(BIRDS)
    assert Bird("swan", 2, 9.5) in table
    assert table.index(BIRDS[2]) == 2
    assert list(table.column("weight")) == [bird.weight for bird in BIRDS]
    assert as_table(table, Bird) is table


@pytest.mark.parametrize(
    "wanted", [{"name": "wren"}, {"name": "wren", "legs": 2}, {"legs": 2, "name": "dodo"}, {"weight": 1.0}]
)
def test_rows_are_found_by_what_they_have(wanted: dict[str, object]) -> None:
    expected = [bird for bird in BIRDS if all(getattr(bird, name) == value for name, value in wanted.items())]
    table = as_table(BIRDS, Bird)
    assert table.find(**wanted) == expected
    assert table.find(**wanted) == expected, "the second time, from what was noted the first time"


def test_rows_are_made_only_for_who_asks() -> None:
    made = []

    @dataclass
    class Noted:
        number: int

        def __post_init__(self) -> None:
            made.append(self.number)

    table = RowTable(Noted, [range(1000)])
    assert [row.number for row in table.at([3, 7])] == [3, 7]
    table.find(number=5)
    assert made == [3, 7, 5]
    assert len(list(table)) == 1000


def test_a_table_that_was_sent_is_equal_and_one_with_another_row_is_not() -> None:
    table = as_table(BIRDS, Bird)
    assert pickle.loads(pickle.dumps(table)) == table
    assert as_table(BIRDS[::-1], Bird) != table
    assert table != BIRDS
    assert repr(table) == "<4 rows of Bird>"


def test_an_empty_table_has_no_rows() -> None:
    table = as_table([], Bird)
    assert len(table) == 0
    assert table.find(name="wren") == []


def test_results_are_found_as_they_stand_in_the_table(small_results: Results) -> None:
    row = small_results.find("recovery", base="finished", at="end", service="none", group="ptsd=yes")
    assert isinstance(row, Row)
    assert row in small_results.rows
    assert (row.measure, row.base, row.at, row.service, row.group) == (
        "recovery",
        "finished",
        "end",
        "none",
        "ptsd=yes",
    )
