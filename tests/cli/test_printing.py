"""Tables on the screen: columns stand where their headings do, and never touch, whatever is in them."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caseload_sim
from caseload_sim.cli.printing import in_columns
from caseload_sim.cli.show import print_costs, print_tables
from caseload_sim.experiments.replicate import Results
from caseload_sim.measures.rows import Row, point_text, value_text
from caseload_sim.support.row_table import as_table

CLI = Path(caseload_sim.__file__).parent / "cli"


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ((("name", -8), ("1.0", 6), ("22.5", 6)), "name       1.0  22.5"),
        ((("", -8), ("one", 6), ("two", 6)), "           one   two"),
        ((("a long name", -8), ("1.0", 6), ("22.5", 6)), "a long name 1.0 22.5"),  # the number stands where it stood
        ((("x", -2), ("1234567", 4), ("8", 4)), "x 1234567 8"),  # a blank between, and the next moves
        ((("x", -2), ("12345", 4), ("8", 4)), "x 12345  8"),  # which has room left
        ((("1", 3), ("check", -7), ("met", -3)), "  1 check met"),
        ((("1", 3), ("", 5), ("2", 3)), "  1       2"),  # an empty cell is as wide as any other
        ((("x", -4), ("", 4), ("", 4)), "x"),
        ((), ""),
    ],
)
def test_cells_stand_in_their_columns_and_never_touch(cells: tuple[tuple[str, int], ...], line: str) -> None:
    assert in_columns(*cells) == line


@given(st.lists(st.tuples(st.text("0123456789", max_size=12), st.integers(-9, 9).filter(bool)), max_size=6))
def test_what_is_in_the_cells_can_be_read_off_the_line(cells: list[tuple[str, int]]) -> None:
    line, texts = in_columns(*cells), [text for text, _ in cells if text]
    assert line.split() == texts
    assert line == line.rstrip()
    if all(len(text) < abs(width) for text, width in cells):
        assert len(line) <= sum(abs(width) for _, width in cells)


def test_no_command_puts_widths_into_a_line_by_itself() -> None:
    """`f"{name:<20}{value:>8}"` lets the two touch. Whoever needs columns asks `in_columns`."""
    found, looked_at = [], 0
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                looked_at += 1
                spec = ast.unparse(node.format_spec)
                if set(spec) & set("<>^"):
                    found.append(f"{path.name}:{node.lineno}: {spec}")
    assert looked_at > 30
    assert found == []


def test_numbers_of_millions_do_not_touch_either(
    small_results: Results, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure of the run a million times as large: no two of them run into each other."""
    monkeypatch.setenv("COLUMNS", "80")
    columns = ("value", "lower_95_ci", "upper_95_ci", "numerator", "denominator")

    def large(row: Row) -> Row:
        return replace(row, **{name: 1e6 * getattr(row, name) for name in columns})

    rows = as_table([large(row) for row in small_results.rows], Row)
    print_costs(rows, small_results.scenario.costs)
    print_tables(small_results.scenario, rows)
    lines = [f" {line} " for line in capsys.readouterr().out.splitlines()]
    looked_for = 0
    for row in rows:
        if row.measure == "recovery" and row.group == "all" and not np.isnan(row.value):
            texts = [point_text(row)] if row.service == "none" else [value_text(row)]
            if row.service == "service":
                texts.append(f"{row.numerator:,.0f}/{row.denominator:,.0f}")
            for text in texts:
                assert any(f" {text} " in line for line in lines), text
                looked_for += 1
    assert looked_for > 20
