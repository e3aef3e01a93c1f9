"""Files that people open: every number is a number from the first row to the last, in every reader that is there."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caseload_sim.definitions.columns import saved_tables
from commands import SMALL_FILE, call_here
from saved_rows import READERS, numbers_are_numbers, numbers_of

SMALL = "--set demand.referrals_per_year=600 --set run.follow_up_days=500 --set run.warm_up_days=60 --set run.data_collection_days=60"
COMMANDS = (
    "run small.toml --no-figures --event-log --parameter-uncertainty",
    f"compare small.toml right_target --no-figures --by-lot --replications 2 {SMALL}",
    "sweep small.toml population.prevalence.ptsd 0.1,0.2 demand.referrals_per_year 500,600",
    "solve small.toml --target recovery/finished/end>=0.4 --vary staff.assessor.wte --replications 1",
    "reconcile small.toml",
    "audit small.toml",
    "uncertainty small.toml --draws 2",
    f"rank small.toml no_service --by full_remission/referred --replications 1 {SMALL}",
    "population small.toml --clients 1000",
    "warm-up small.toml",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("readable")
    (place / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    for words in COMMANDS:
        done = call_here(*words.split(), folder=place)
        assert done.returncode == 0, done.stderr
    made = sorted((place / "results").iterdir())
    assert len(made) == len(COMMANDS)
    return made


@pytest.mark.parametrize("reader", READERS)
def test_every_number_is_a_number_from_the_first_row_to_the_last(reader: str, folders: list[Path]) -> None:
    """Of the five readers, only pandas, polars and DuckDB may be missing, and are then skipped by name."""
    if reader in ("pandas", "polars", "duckdb"):
        pytest.importorskip(reader)
    assert sum(numbers_are_numbers(folder, reader) for folder in folders) > 120


@pytest.mark.parametrize("cell", ["n/a", "-", "1,5", "nan", "1_0", "inf", " 1"])
def test_a_word_among_the_numbers_is_noticed(cell: str, folders: list[Path], tmp_path: Path) -> None:
    (run,) = (folder for folder in folders if (folder / "measures.csv").exists())
    head, *lines = (run / "over_time.csv").read_text(encoding="utf-8").splitlines()
    cells = lines[-1].split(",")
    cells[-1] = f'"{cell}"'
    (tmp_path / "over_time.csv").write_text("\n".join([head, *lines[:-1], ",".join(cells), ""]), encoding="utf-8")
    (tmp_path / "run.json").write_bytes((run / "run.json").read_bytes())
    with pytest.raises(AssertionError):
        numbers_are_numbers(tmp_path, "csv")


def test_which_columns_are_numbers_is_known_by_the_rows() -> None:
    assert numbers_of("warm-up", "table.csv") == {"settled_day", "mean", "own_warm_up_days"}
    assert "resource_id" in numbers_of("run", "events.csv")
    assert not numbers_of("run", "measure_definitions.csv")


def test_the_columns_of_every_parquet_file_say_what_they_are(folders: list[Path]) -> None:
    seen = set()
    for path in (path for folder in folders for path in folder.glob("*.parquet")):
        for field in pq.read_schema(path):
            assert field.metadata[b"description"], (path.name, field.name)
        seen.add(path.name)
    assert seen == {
        table.also or table.file for table in saved_tables().values() if "parquet" in table.also + table.file
    }


def test_every_folder_has_a_line_for_each_column_of_each_of_its_tables(folders: list[Path]) -> None:
    import csv

    for folder in folders:
        with (folder / "data_dictionary.csv").open(encoding="utf-8", newline="") as file:
            said = {(row["file"], row["column"]): row for row in csv.DictReader(file)}
        there = set()
        for path in folder.glob("*.csv"):
            if path.name != "data_dictionary.csv":
                there |= {(path.name, name) for name in path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")}
        for path in folder.glob("*.parquet"):
            for field in pq.read_schema(path):
                there.add((path.name, field.name))
                assert said[path.name, field.name]["meaning"] == field.metadata[b"description"].decode()
                assert said[path.name, field.name]["unit"] == field.metadata.get(b"unit", b"").decode()
        assert set(said) == there


def test_values_by_replication_are_those_that_the_means_are_of(folders: list[Path]) -> None:
    import csv

    (run,) = (folder for folder in folders if (folder / "measures.csv").exists())
    table = pq.read_table(run / "replications.parquet")
    keys = ("measure", "base", "at", "service", "group")
    by_key: dict[tuple[str, ...], list[tuple[int, float | None]]] = {}
    words = [table.column(name).to_pylist() for name in keys]
    numbers = [table.column(name).to_pylist() for name in ("replication", "value")]
    for *key, replication, value in zip(*words, *numbers, strict=True):
        by_key.setdefault(tuple(key), []).append((replication, value))
    compared = 0
    with (run / "measures.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            each = by_key.pop(tuple(row[name] for name in keys))
            assert [replication for replication, _ in each] == [0, 1]
            known = [value for _, value in each if value is not None]
            if row["measure"] in ("recovery", "all_remission") and known and row["value"]:
                assert sum(known) / len(known) == pytest.approx(float(row["value"]), rel=1e-8)
                compared += 1
    assert not by_key
    assert compared > 100
