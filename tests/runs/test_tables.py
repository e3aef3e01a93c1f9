"""The tables kept of a run: every column is documented, and says what the simulation says."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caseload_sim.engines.plans import NOT_YET
from caseload_sim.measures.simulation import Simulation
from caseload_sim.runs.tables import write_tables
from caseload_sim.support.columns import Flags

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"
NAMES = ("clients", "episodes", "outcomes")


@pytest.fixture(scope="module")
def kept(small_simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, small_simulation)
    return {name: pq.read_table(folder / f"{name}.parquet") for name in NAMES}


def _documented(table: str) -> list[str]:
    """Column names of a table as the page has them, such as `severity_{disorder}`."""
    section = DOCS.read_text(encoding="utf-8").split(f"## {table}.parquet")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("table", NAMES)
def test_the_columns_of_a_table_are_those_of_its_page(
    table: str, kept: dict[str, pa.Table], small_simulation: Simulation
) -> None:
    scenario, clients = small_simulation.scenario, small_simulation.clients
    values = {
        "condition": clients.condition_names, "disorder": clients.disorder_names, "stratum": tuple(clients.strata),
        "told": tuple(scenario.pathway.routing.disclosure), "step": tuple(scenario.pathway.courses),
        "rung": ("principal_remission", "all_remission", "full_remission"),
        "reading": ("end", "month_12", "sustained"), "day": ("end", "month_12"), "service": ("service", "none"),
    }  # fmt: skip
    expected = _documented(table)
    for placeholder, names in values.items():
        expected = [one.replace(f"{{{placeholder}}}", name) for one in expected for name in (names if f"{{{placeholder}}}" in one else ("",))]  # fmt: skip
    assert len(expected) == len(set(expected))
    assert set(kept[table].column_names) == set(expected)


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
