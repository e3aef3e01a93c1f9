"""The tables kept of a run: every column is documented, and says what the simulation says."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from math import inf, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseload_sim.definitions.columns import saved_tables
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.runs.read import read_run
from caseload_sim.runs.tables import (
    LOOKED_AT,
    names_in,
    put_back,
    quoted,
    rows_in_front,
    save_csv,
    unquoted,
    write_csv,
    write_tables,
)
from caseload_sim.support.columns import Flags
from caseload_sim.support.row_table import as_table
from commands import call_here

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
NAMES = ("clients", "episodes", "outcomes")


@pytest.fixture(scope="module")
def kept(small_simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, small_simulation)
    return {name: pq.read_table(folder / f"{name}.parquet") for name in NAMES}


@pytest.mark.parametrize("table", NAMES)
def test_every_column_of_a_table_says_what_it_is_and_none_is_missing(
    table: str, kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    meanings = saved_tables()[table].expanded(names_in(small_simulation))
    assert set(kept[table].column_names) == set(meanings)
    for field in kept[table].schema:
        said = {key.decode(): value.decode() for key, value in field.metadata.items()}
        assert said["description"] == meanings[field.name].meaning
        assert said.get("unit", "") == meanings[field.name].unit
        is_number = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        assert bool(meanings[field.name].unit) <= is_number, "a unit is of numbers alone"
    assert kept[table].schema.metadata[b"rows"].decode() == saved_tables()[table].rows
    severity = kept["clients"].schema.field("severity_ptsd").metadata
    assert (severity[b"unit"], b"ptsd" in severity[b"description"]) == (b"SD", True)


def test_all_gone_is_that_no_starting_diagnosis_is_left(
    kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    table = kept["outcomes"]

    def flags(name: str) -> Flags:
        return np.asarray(table[name].to_numpy(), dtype=bool)

    names = small_simulation.clients.disorder_names
    had = np.stack([flags(f"diagnosed_{name}") for name in names])
    for service in ("service", "none"):
        for day in ("end", "month_12"):
            left = np.stack([flags(f"diagnosed_{name}_{day}_{service}") for name in names])
            gone = had.any(axis=0) & ~(had & left).any(axis=0)
            assert np.array_equal(gone, flags(f"all_remission_{day}_{service}"))
            assert 0 < gone.mean() < 1


def test_sessions_by_step_are_the_contacts_but_for_the_assessment(
    kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    table = kept["outcomes"]
    sessions = np.sum(
        [table[f"sessions_{step}"].to_numpy() for step in small_simulation.scenario.pathway.courses], axis=0
    )
    assert set((table["contacts"].to_numpy() - sessions).tolist()) == {0, 1}


def test_scores_by_course_are_there_where_a_course_ended_in_the_period(
    kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    courses, table = small_simulation.outcomes.course_scores, kept["outcomes"]
    n = 0
    for s, name, _ in small_simulation.scenario.pathway.each_course():
        for which in ("first_phq9", "first_gad7", "last_phq9", "last_gad7"):
            column = table[f"course_{which}_{name}"].to_pylist()
            theirs = dict(
                zip(
                    courses.client[courses.step == s].tolist(),
                    getattr(courses, which)[courses.step == s].tolist(),
                    strict=True,
                )
            )
            assert {i: score for i, score in enumerate(column) if score is not None} == theirs
            n += len(theirs)
    assert n == 4 * len(courses.client) > 400


def test_only_what_is_there_is_disclosed_and_the_lot_is_one_of_two(
    kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    table, told = kept["clients"], small_simulation.scenario.pathway.routing.disclosure
    assert told
    for name in told:
        has, says = (table[column].to_numpy().astype(bool) for column in (name, f"disclosed_{name}"))
        assert not (says & ~has).any()
        assert 0 < says.sum() < has.sum()
    assert set(table["lot"].to_pylist()) == {1, 2}
    known = table["deprivation_sd"].to_numpy()
    assert (
        abs(
            np.corrcoef(known, table["deprivation_decile"].dictionary_encode().combine_chunks().indices.to_numpy())[
                0, 1
            ]
        )
        > 0.9
    )
    assert NOT_YET not in table["referral_day"].to_pylist()


# --- CSV that a spreadsheet opens -----------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201",
            "'=1", "''=1", "=", "-", "\tx", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]  # fmt: skip
PLAIN = ["recovery", "step=high_intensity", "a-b", "a=1", "'quoted", "it's", "''", "", " x", "1e5", "\u00e9"]


@dataclass(frozen=True, slots=True)
class Named:
    """A row with a name and numbers."""

    name: str
    value: float
    count: int


@dataclass(frozen=True, slots=True)
class Sparse:
    """A row that may have no numbers."""

    place: float
    value: float
    count: int | None


@pytest.mark.parametrize("text", [*FORMULAS, *PLAIN], ids=ascii)
def test_no_name_is_a_formula_and_each_is_read_as_it_was(text: str) -> None:
    cell = quoted(text)
    assert (cell != text) == (text in FORMULAS)
    assert cell.strip()[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") or not cell.strip()
    assert unquoted(cell) == text
    file = StringIO(newline="")
    assert write_csv([Named(text, -1.5, -2), Named(text, nan, 3)], Named, file) == (
        {text} if text in FORMULAS else set()
    )
    file.seek(0)
    assert list(csv.reader(file)) == [["name", "value", "count"], [cell, "-1.5", "-2"], [cell, "", "3"]]


@pytest.mark.parametrize(
    ("value", "cell"),
    [(110.0, "110.0"), (-3.0, "-3.0"), (0.0, "0.0"), (0.25, "0.25"), (1e20, "1e+20"), (1e-9, "1e-09"), (1234567890.4, "1234567890.0"),
     (99999.999999999, "100000.0"), (inf, "inf")],
)  # fmt: skip
def test_a_number_that_may_have_a_fraction_always_has_a_point(value: float, cell: str) -> None:
    file = StringIO(newline="")
    write_csv([Named("a", value, 1)], Named, file)
    assert file.getvalue() == f"name,value,count\na,{cell},1\n"


@given(st.lists(st.tuples(st.sampled_from([nan, 1.0]), st.sampled_from([None, 3])), max_size=200), st.booleans())
def test_rows_with_a_number_in_each_column_stand_first_and_are_put_back(values: list[Any], as_columns: bool) -> None:
    rows: Any = [Sparse(float(k), *value) for k, value in enumerate([(nan, None)] * 60 + values)]
    if as_columns:
        rows = as_table(rows, Sparse)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        _, front = save_csv(path, rows, Sparse)
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    places = [int(float(line["place"])) for line in lines]
    assert put_back(places, front) == list(range(len(rows)))
    assert len(front) <= 2
    for name in ("value", "count"):
        cells = [line[name] for line in lines]
        assert any(cells[:LOOKED_AT]) == any(cells)


def test_rows_stay_where_they_are_if_numbers_come_early() -> None:
    assert rows_in_front([Sparse(1.0, nan, None), Sparse(2.0, 1.0, 2)], Sparse) == []
    assert rows_in_front([], Sparse) == []


@given(st.text(max_size=6) | st.text("'=+-@ \t\r\nx", max_size=6))
def test_any_name_is_read_as_it_was(text: str) -> None:
    assert unquoted(quoted(text)) == text
    assert not quoted(text).lstrip().startswith(("=", "+", "-", "@"))


HOSTILE = """
extends = "hepgul_2016"
title = "Names that are formulas"
[run]
replications = 2
warm_up_days = 30
data_collection_days = 60
follow_up_days = 300
[demand]
referrals_per_year = { value = 300, assumption = "small" }
[population.prevalence]
"=1+1" = { value = 0.1, group = "emotional_disorder", assumption = "odd" }
"""


def test_every_csv_of_every_command_is_without_formulas_and_says_so(tmp_path: Path) -> None:
    """The scenario is called after its file, and a condition is called as a formula is."""
    (tmp_path / "=2+2.toml").write_text(HOSTILE, encoding="utf-8")
    (tmp_path / "plain.toml").write_text(HOSTILE.split("[population.prev")[0], encoding="utf-8")
    commands = (
        ("run", "=2+2.toml", "--no-figures", "--csv", "--event-log"),
        ("compare", "plain.toml", "=2+2.toml", "--no-figures", "--csv", "--by-lot"),
        ("population", "=2+2.toml", "--clients", "1000"),
        ("sweep", "=2+2.toml", "population.prevalence.ptsd", "0.1,0.2"),
    )
    for words in commands:
        result = call_here(*words, folder=tmp_path)
        assert result.returncode == 0, result.stderr
        if words[0] != "population":
            assert "Note: in CSV a ' stands before " in result.stderr
            assert "=2+2" in result.stderr.split("Note: in CSV")[1].splitlines()[0]
        for line in csv.reader(StringIO(result.stdout)) if "--csv" in words else ():
            assert not any(cell[:1] in tuple("=+@") or re.match(r"-[^\d.]", cell) for cell in line), line
    files = sorted((tmp_path / "results").rglob("*.csv"))
    assert len(files) == 4 + 2 + 1 + 1 + 4 + 2, "tables, what their columns are, and of two folders what measures are"
    named = 0
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.reader(file):
                assert not any(cell[:1] in tuple("=+@") or re.match(r"-[^\d.]", cell) for cell in line), (path, line)
                named += "'=2+2" in line
    assert named > 1_000
    (run,) = (
        path for path in (tmp_path / "results").iterdir() if "events.csv" in {file.name for file in path.iterdir()}
    )
    assert {row.scenario for row in read_run(run).rows} == {"=2+2"}
    assert "in CSV" not in call_here("run", "plain.toml", "--no-figures", "--csv", folder=tmp_path).stderr


def test_the_page_says_what_stands_before_a_formula() -> None:
    assert "`'`" in DOCS.read_text(encoding="utf-8").split("## CSV")[1]
