"""Packed files of a run folder made to do harm: refused by their headers, before they cost time or memory."""

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caseload_sim.engines.engine import ENGINES
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.tasks import Task, finish
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.kept_replications import Unfinished, begin, take_up
from caseload_sim.runs.packed_files import excess_in_parquet, read_npz, write_npz
from caseload_sim.scenario.scenario import Scenario

MOST_MB = 200
SECONDS = 60  # for all of them, started process included; each takes well under one, which a test on a busy machine cannot say
INPUTS = {"kind": "run", "scenario": {"name": "x"}}


@pytest.fixture(scope="module")
def results(small: Scenario) -> Results:
    brief = {"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400, "run.replications": 1}
    return replicate(small.with_changes(brief))


# --- kept replications -------------------------------------------------------------------------------------


def npy(shape: str, content: bytes = b"", dtype: str = "<f8", version: int = 1) -> bytes:
    """An array as NumPy writes it, with whatever shape in words."""
    words = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(words))
    return b"\x93NUMPY" + bytes([version, 0]) + length + words + content


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return packed.getvalue()


def about(**more: object) -> bytes:
    words = json.dumps({"inputs": Unfinished(Path(), INPUTS).inputs_digest, "place": [0, 0], **more}).encode()
    return npy(f"({len(words)},)", words, "|u1")


def lying(content: bytes) -> bytes:
    """The same zip file, whose member is said to be of 1,000 bytes, in all the places where its size stands."""
    info = zipfile.ZipFile(io.BytesIO(content)).infolist()[0]
    return content.replace(struct.pack("<I", info.file_size), struct.pack("<I", 1_000))


def of_many_gigabytes(content: bytes) -> bytes:
    """The same, said to be of 4 GB."""
    info = zipfile.ZipFile(io.BytesIO(content)).infolist()[0]
    return content.replace(struct.pack("<I", info.file_size), struct.pack("<I", 4_000_000_000))


DEEP = b"[" * 900_000
COMMAS = b"[" + b"1," * 1_500_000 + b"1]"
TOO_LARGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a hundred megabytes of zeros": (
        lambda: zipped({"over_time.npy": npy("(12500000,)", bytes(100_000_000))}), " bytes when unpacked; at most 64,000,000.",
    ),
    "said to be of 4 GB": (
        lambda: of_many_gigabytes(zipped({"over_time.npy": bytes(70_001)})), "4,000,000,000 bytes when unpacked; at most 64,000,000.",
    ),
    "thousands of gigabytes by its shape": (
        lambda: zipped({"over_time.npy": npy("(1000000, 1000000)")}), "8,000,000,000,000 bytes for an array; at most 64,000,000.",
    ),
    "many members, each small enough": (
        lambda: zipped({f"{k}.npy": bytes(1_000_000) for k in range(65)}), "65,000,000 bytes when unpacked",
    ),
    "a directory of 20,000 names": (
        lambda: zipped(dict.fromkeys(map(str, range(20_000)), b"")), "bytes of a directory; at most 4,000.",
    ),
}  # fmt: skip
NOT_OURS: dict[str, Callable[[], bytes]] = {
    "250 MB, said to be of 1,000 bytes": lambda: lying(zipped({"over_time.npy": npy("(117,)") + bytes(250_000_000)})),
    "packed by bzip2": lambda: zipped({"over_time.npy": npy("(1000000,)", bytes(8_000_000))}, zipfile.ZIP_BZIP2),
    "a comment": lambda: zipped({"over_time.npy": npy("(1,)", bytes(8))})[:-2] + b"\1\0x",
    "for more than 4 GB": lambda: (
        (whole := zipped({"over_time.npy": npy("(1,)", bytes(8))}))[:-22] + b"PK\6\7" + bytes(16) + whole[-22:]
    ),
    "a negative length": lambda: zipped({"over_time.npy": npy("(-1,)", bytes(8))}),
    "an array of objects": lambda: zipped({"over_time.npy": npy("(1,)", bytes(8), "|O")}),
    "one value of a gigabyte": lambda: zipped({"over_time.npy": npy("(1,)", bytes(8), "|V1000000000")}),
    "a header of another version": lambda: zipped({"over_time.npy": npy("(1,)", bytes(8), version=2)}),
    "an array of another name": lambda: zipped({"harmless.npy": npy("(1,)", bytes(8))}),
    "words nested 900,000 deep": lambda: zipped({"about.npy": npy(f"({len(DEEP)},)", DEEP, "|u1")}),
    "more than a million words": lambda: zipped({"about.npy": npy(f"({len(COMMAS)},)", COMMAS, "|u1")}),
    "no words, and not a table": lambda: zipped({"about.npy": npy("(2,)", b"[]", "|u1")}),
    "words that lack the rest": lambda: zipped({"about.npy": about()}),
    "no zip file": lambda: npy("(1000000000,)"),
    "nothing": lambda: b"",
}  # fmt: skip


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
    """The too large are refused and named; what is otherwise not ours counts as damaged, and is run again."""
    cases = [*((name, make) for name, (make, _) in TOO_LARGE.items()), *NOT_OURS.items()]
    for k, (_, make) in enumerate(cases):
        begin(tmp_path / str(k), INPUTS)
        (tmp_path / str(k) / "0000-00000.npz").write_bytes(make())
    said = measured(
        tmp_path, [str(k) for k in range(len(cases))],
        f"from caseload_sim.runs.kept_replications import take_up\nINPUTS = {INPUTS!r}", "take_up(Path(name), INPUTS)[1]",
    )  # fmt: skip
    for k, (case, _) in enumerate(cases):
        kind, words, more_mb = said[str(k)]
        if case in TOO_LARGE:
            assert kind == "RunError", (case, kind, words)
            assert words.startswith(f"{Path(str(k), '0000-00000.npz')}: "), case
            assert TOO_LARGE[case][1] in words, case
            assert words.endswith("caseload-sim writes none so large. Delete it."), case
        else:
            assert (kind, words) == ("", "1"), case
        assert more_mb < MOST_MB, case


def test_a_kept_replication_larger_than_any_is_refused_unread(tmp_path: Path) -> None:
    path = begin(tmp_path / "unfinished", INPUTS).folder / "0000-00000.npz"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
    said = measured(
        tmp_path, [str(path)], "from caseload_sim.runs.packed_files import read_npz", "read_npz(Path(name), {})"
    )[str(path)]  # fmt: skip
    assert said[0] == "RunError"
    assert said[1].startswith(f"{path}: 5,000,000,000 bytes of a file; at most 64,000,000.")
    assert said[2] < MOST_MB


def test_inputs_too_large_to_be_ours_are_not_parsed(tmp_path: Path) -> None:
    folder = begin(tmp_path / "unfinished", INPUTS).folder
    (folder / "inputs.json").write_bytes(COMMAS)
    said = measured(
        tmp_path, [str(folder)], "from caseload_sim.runs.kept_replications import take_up", "take_up(Path(name), {})"
    )[str(folder)]  # fmt: skip
    assert said[0] == "RunError"
    assert "inputs.json: damaged, so that nobody can tell what was being run." in said[1]
    assert said[2] < MOST_MB


def test_what_was_kept_is_read_as_it_was(results: Results, tmp_path: Path) -> None:
    kept = begin(tmp_path / "unfinished", INPUTS)
    replicate(results.scenario, kept=kept)
    (path,) = kept.folder.glob("*.npz")
    types = {"about": np.uint8, "measures": np.float64, "measures_rows": np.uint8, "over_time": np.float64}
    ours = read_npz(path, types)
    with np.load(path) as theirs:
        assert set(theirs) == set(ours) == set(types)
        assert all(theirs[name].tobytes() == ours[name].tobytes() for name in types)
        assert all(theirs[name].shape == ours[name].shape for name in types)
    assert take_up(kept.folder, INPUTS)[1] == 0


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


def test_numbers_that_do_not_fit_their_names_are_damage(results: Results, tmp_path: Path) -> None:
    kept = begin(tmp_path / "unfinished", INPUTS)
    replicate(results.scenario, kept=kept)
    (path,) = kept.folder.glob("*.npz")
    with np.load(path) as arrays:
        fewer = {name: arrays[name][:-1] if name == "measures" else arrays[name] for name in arrays}
    with path.open("wb") as file:
        write_npz(file, fewer)
    assert take_up(kept.folder, INPUTS)[1] == 1


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
