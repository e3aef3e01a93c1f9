"""Packed files of a run folder made to do harm: refused by their headers, before they cost time or memory."""

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caseload_sim.engines.engine import ENGINES
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.kept_replications import Unfinished, begin, take_up
from caseload_sim.runs.packed_files import excess_in_parquet
from caseload_sim.scenario.scenario import Scenario

MOST_MB = 200
SECONDS = 60  # for all of them, started process included; each takes well under one, which a test on a busy machine cannot say
INPUTS = {"kind": "run", "scenario": {"name": "x"}}


@pytest.fixture(scope="module")
def results(small: Scenario) -> Results:
    brief = {"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400, "run.replications": 1}
    return replicate(small.with_changes(brief))


# --- kept replications -------------------------------------------------------------------------------------


def as_kept(words: object, columns: bytes = b"") -> bytes:
    """A file of the first replication with a checksum that fits, so that only its content can show what it is."""
    line = words if isinstance(words, bytes) else json.dumps(words).encode()
    content = line + b"\n" + columns
    return Unfinished(Path(), INPUTS)._checksum((0, 0), content) + content


def names(words: bytes) -> str:
    """The digest by which a replication names a file of names of rows."""
    return sha256(words).hexdigest()


DEEP = b"[" * 900_000
COMMAS = b"[" + b"1," * 1_500_000 + b"1]"
NO_NAMES, TWO_NAMES = b"[]", b'[["recovery", "all", "", "", ""], ["recovery", "finished", "", "", ""]]'
PAIR = [["waiting_list", "a"]]
HARMLESS: dict[str, Any] = {
    "rows": [names(TWO_NAMES)], "over_time": PAIR, "days": 3, "digests": {"clients": "a"}, "structures": 0,
}  # fmt: skip
NOT_OURS: dict[str, Callable[[], bytes]] = {
    "words nested 900,000 deep": lambda: as_kept(DEEP),
    "more than a million words": lambda: as_kept(COMMAS),
    "60 megabytes of words": lambda: as_kept(b'"' + bytes(60_000_000) + b'"'),
    "no words, and not a table": lambda: as_kept([]),
    "words that lack the rest": lambda: as_kept({"rows": []}),
    "names nested 900,000 deep": lambda: as_kept(HARMLESS | {"rows": [names(DEEP)]}),
    "more than a million names": lambda: as_kept(HARMLESS | {"rows": [names(COMMAS)]}),
    "names that are not there": lambda: as_kept(HARMLESS | {"rows": [names(b"another")]}, bytes(72)),
    "names elsewhere": lambda: as_kept(HARMLESS | {"rows": ["../" * 20]}, bytes(72)),
    "names of no digest": lambda: as_kept(HARMLESS | {"rows": [[1]]}, bytes(72)),
    "no rows": lambda: as_kept(HARMLESS | {"rows": []}, bytes(24)),
    "half a million tables of no rows": lambda: as_kept(HARMLESS | {"rows": [names(NO_NAMES)] * 500_000}),
    "one number too few": lambda: as_kept(HARMLESS, bytes(8 * 8)),
    "one number too many": lambda: as_kept(HARMLESS, bytes(8 * 10)),
    "half a number": lambda: as_kept(HARMLESS, bytes(8 * 9 + 4)),
    "50 megabytes of numbers": lambda: as_kept(HARMLESS, bytes(50_000_000)),
    "as many days as no machine holds": lambda: as_kept(HARMLESS | {"days": 10**30}, bytes(72)),
    "as many days, of nothing": lambda: as_kept(HARMLESS | {"days": 10**30, "over_time": []}, bytes(48)),
    "fewer days than none": lambda: as_kept(HARMLESS | {"days": -3}, bytes(72)),
    "as many structures as no machine holds": lambda: as_kept(HARMLESS | {"structures": 10**30}, bytes(72)),
    "more structures than there are numbers": lambda: as_kept(HARMLESS | {"structures": 100}, bytes(72)),
    "fewer structures than none": lambda: as_kept(HARMLESS | {"structures": -2}, bytes(72)),
    "structures in words": lambda: as_kept(HARMLESS | {"structures": "2"}, bytes(72)),
    "days in words": lambda: as_kept(HARMLESS | {"days": "3"}, bytes(72)),
    "days of nested names": lambda: as_kept(HARMLESS | {"over_time": [[["a"], ["b"]]]}, bytes(72)),
    "digests that are none": lambda: as_kept(HARMLESS | {"digests": 7}, bytes(72)),
    "another replication's": lambda: Unfinished(Path(), INPUTS)._checksum((0, 1), b"") + as_kept(HARMLESS, bytes(72))[32:],
    "one bit changed": lambda: as_kept(HARMLESS, bytes(72))[:-1] + b"\1",
    "a zip file": lambda: zipped({"over_time.npy": bytes(100_000_000)}),
    "too short for a checksum": lambda: bytes(20),
    "nothing": lambda: b"",
}  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


MEASURED = """
import json, sys, time
from pathlib import Path
from caseload_sim.errors import CaseloadError
{prepare}
try:
    import resource
    def megabytes():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
except ImportError:
    def megabytes():
        return 0.0
before, said = megabytes(), {{}}
for name in sys.argv[1:]:
    try:
        said[name] = ["", str({what}), megabytes() - before]
    except CaseloadError as error:
        said[name] = [type(error).__name__, str(error), megabytes() - before]
    except BaseException as error:
        said[name] = ["not of ours: " + type(error).__name__, str(error)[:500], 0]
print(json.dumps(said))
"""


def measured(folder: Path, names: list[str], prepare: str, what: str) -> dict[str, tuple[str, str, float]]:
    """What came of `what` for each name, in a process of its own: kind of error, words, and MB more than at first."""
    code = MEASURED.format(prepare=prepare, what=what)
    result = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=folder, capture_output=True, encoding="utf-8", timeout=SECONDS
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    return dict(json.loads(result.stdout))


def test_no_kept_replication_made_to_do_harm_costs_more_than_200_mb(tmp_path: Path) -> None:
    """What is not ours counts as damaged, and is run again; beside each case lie the files of names that it asks for."""
    cases = {"harmless": lambda: as_kept(HARMLESS, bytes(72)), **NOT_OURS}
    for k, make in enumerate(cases.values()):
        begin(tmp_path / str(k), INPUTS)
        (tmp_path / str(k) / "0000-00000.kept").write_bytes(make())
        for content in (DEEP, COMMAS, NO_NAMES, TWO_NAMES):
            (tmp_path / str(k) / f"rows-{names(content)[:16]}.json").write_bytes(content)
    said = measured(
        tmp_path, [str(k) for k in range(len(cases))],
        f"from caseload_sim.runs.kept_replications import take_up\nINPUTS = {INPUTS!r}", "take_up(Path(name), INPUTS)[1]",
    )  # fmt: skip
    for k, case in enumerate(cases):
        kind, words, more_mb = said[str(k)]
        assert (kind, words) == ("", "0" if case == "harmless" else "1"), case
        assert more_mb < MOST_MB, case


def test_a_kept_replication_larger_than_any_is_refused_unread(tmp_path: Path) -> None:
    folder = begin(tmp_path / "unfinished", INPUTS).folder
    with (folder / "0000-00000.kept").open("wb") as file:
        file.truncate(5_000_000_000)
    prepare = f"from caseload_sim.runs.kept_replications import take_up\nINPUTS = {INPUTS!r}"
    kind, words, more_mb = measured(tmp_path, [str(folder)], prepare, "take_up(Path(name), INPUTS)")[str(folder)]
    assert kind == "RunError"
    assert words == (
        f"{folder / '0000-00000.kept'}: 5,000,000,000 bytes; at most 64,000,000. caseload-sim writes none so large. Delete it."
    )
    assert more_mb < MOST_MB


def test_names_of_another_content_than_their_digest_are_damage(results: Results, tmp_path: Path) -> None:
    kept = begin(tmp_path / "unfinished", INPUTS)
    replicate(results.scenario, kept=kept)
    (path,) = kept.folder.glob("rows-*.json")
    path.write_bytes(path.read_bytes().replace(b"recovery", b"rekovery", 1))
    again, damaged = take_up(kept.folder, INPUTS)
    assert (len(again), damaged) == (0, 1)
    replicate(results.scenario, kept=again)
    assert take_up(kept.folder, INPUTS)[1] == 0, "written anew"


def test_replications_of_the_format_before_are_refused_in_words(tmp_path: Path) -> None:
    folder = begin(tmp_path / "a" / "unfinished", INPUTS).folder
    (folder / "0000-00000.npz").write_bytes(zipped({"about.npy": b""}))
    with pytest.raises(RunError, match=r"a: begun by an earlier version, whose .* Run again without --resume\."):
        take_up(folder, INPUTS)


def test_inputs_too_large_to_be_ours_are_not_parsed(tmp_path: Path) -> None:
    folder = begin(tmp_path / "unfinished", INPUTS).folder
    (folder / "inputs.json").write_bytes(COMMAS)
    said = measured(
        tmp_path, [str(folder)], "from caseload_sim.runs.kept_replications import take_up", "take_up(Path(name), {})"
    )[str(folder)]  # fmt: skip
    assert said[0] == "RunError"
    assert "inputs.json: damaged, so that nobody can tell what was being run." in said[1]
    assert said[2] < MOST_MB


@pytest.mark.parametrize("parameter_uncertainty", [False, True])
def test_what_was_kept_is_read_as_it_was(parameter_uncertainty: bool, results: Results, tmp_path: Path) -> None:
    kept = begin(tmp_path / "unfinished", INPUTS)
    task = Task(results.scenario, 0, ENGINES["kernel"], parameter_uncertainty=parameter_uncertainty)
    written, _ = finish(task)
    kept[0, 0] = written
    again, damaged = take_up(kept.folder, INPUTS)
    assert damaged == 0
    read = again[0, 0]
    assert read.digests == written.digests
    assert list(read.over_time) == list(written.over_time)
    assert all(read.over_time[name].tobytes() == days.tobytes() for name, days in written.over_time.items())
    assert (read.as_published is not None) == parameter_uncertainty
    for ours, theirs in ((read.measures, written.measures), (read.as_published, written.as_published)):
        if ours is not None and theirs is not None:
            assert ours.rows.keys == theirs.rows.keys
            assert ours.numbers.tobytes() == theirs.numbers.tobytes()


def test_names_of_rows_are_read_once_for_files_that_have_the_same_and_never_taken_for_those_of_another(
    results: Results, tmp_path: Path
) -> None:
    small, other = results.scenario, results.scenario.with_changes({"population.prevalence.ptsd": 0.0})
    kept = begin(tmp_path / "unfinished", INPUTS)
    written = {
        (k, r): finished
        for k, scenario in enumerate((small, other, small))
        for r, finished in enumerate(finish(Task(scenario, r, ENGINES["kernel"]))[0] for r in range(2))
    }
    for place, finished in written.items():
        kept[place] = finished
    again, damaged = take_up(kept.folder, INPUTS)
    assert damaged == 0
    for place, finished in written.items():
        assert list(again[place].measures) == list(finished.measures)
        assert np.array_equal(again[place].measures.numbers, finished.measures.numbers, equal_nan=True)
    assert list(written[0, 0].measures) != list(written[1, 0].measures)
    assert again[0, 0].measures.rows is again[0, 1].measures.rows


# --- tables as Parquet -------------------------------------------------------------------------------------


def of_rows(n_millions: int) -> Callable[[Path], None]:
    """Clients who are all alike, so that millions of them take some kilobytes."""

    def write(path: Path) -> None:
        million = pa.table({name: pa.array(np.zeros(1_000_000, dtype=np.int32)) for name in ("contacts", "end_day")})
        with pq.ParquetWriter(path, million.schema) as writer:
            for _ in range(n_millions):
                writer.write_table(million)

    return write


def packed_with(codec: str) -> Callable[[Path], None]:
    table = pa.table({name: pa.array(np.zeros(100, dtype=np.int32)) for name in ("contacts", "end_day")})
    return lambda path: pq.write_table(table, path, compression=codec)


def footer_of(n_bytes: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"PAR1")
            file.seek(n_bytes)
            file.write(struct.pack("<I", n_bytes - 4) + b"PAR1")

    return write


TABLES: dict[str, tuple[Callable[[Path], None], str]] = {
    "rows": (of_rows(21), "21,000,000 rows; at most 20,000,000."),
    "zstd": (packed_with("zstd"), "packed with ZSTD; only UNCOMPRESSED and SNAPPY are read."),
    "gzip": (packed_with("gzip"), "packed with GZIP; only UNCOMPRESSED and SNAPPY are read."),
    "footer": (footer_of(90_000_000), "89,999,996 bytes about its columns; at most 8,000,000."),
}


def test_no_table_made_to_do_harm_costs_more_than_200_mb(results: Results, tmp_path: Path) -> None:
    harmless = RunFolder(tmp_path, "harmless").save(results, "kernel")
    for name, (write, _) in TABLES.items():
        folder = Path(shutil.copytree(harmless, tmp_path / name))
        write(folder / "outcomes.parquet")
        assert name == "footer" or (folder / "outcomes.parquet").stat().st_size < 500_000, "small as a file"
    prepare = "from caseload_sim.runs.read import read_run\nread_run('harmless').people"
    said = measured(tmp_path, list(TABLES), prepare, "read_run(name).people")
    for name, (_, message) in TABLES.items():
        kind, words, more_mb = said[name]
        assert kind == "RunError", (name, words)
        assert words.startswith(f"{Path(name, 'outcomes.parquet')}: {message}"), name
        assert "run the scenario again" in words
        assert more_mb < MOST_MB, name


def test_rows_are_counted_wherever_a_table_says_them_and_by_what_they_take() -> None:
    """A table may say one number of rows for the whole and another for its parts; the largest counts."""

    def about_table(rows: int, in_group: int, values: int, unpacked: int = 0) -> SimpleNamespace:
        column = SimpleNamespace(
            path_in_schema="a", compression="SNAPPY", num_values=values, total_uncompressed_size=unpacked
        )
        group = SimpleNamespace(num_rows=in_group, num_columns=1, column=lambda c: column)
        return SimpleNamespace(num_rows=rows, num_row_groups=2, row_group=lambda g: group)

    assert excess_in_parquet(about_table(10, 5, 5, 40), {"a": "int32"}) is None
    for rows, in_group, values in ((40_000_000, 1, 1), (1, 20_000_000, 1), (1, 1, 20_000_000)):
        assert excess_in_parquet(about_table(rows, in_group, values), {"a": "int32"}) == "40,000,000 rows; at most 20,000,000"  # fmt: skip
    too_many = "1,200,000,000 bytes when unpacked; at most 1,000,000,000"
    assert excess_in_parquet(about_table(10, 5, 5, 600_000_000), {"a": "int32"}) == too_many
    wide = {"a": "int32", **{f"b{k}": "bool" for k in range(56)}}
    assert excess_in_parquet(about_table(20_000_000, 1, 1), wide) == too_many
