"""What another program holds for a moment is tried again; what it holds for longer loses nothing, and is said."""

import ast
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.runs import disk
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.kept_replications import UNFINISHED
from caseload_sim.runs.read import read_run
from caseload_sim.runs.record import RECORD, inputs_of_run
from caseload_sim.runs.whole_files import save_images, save_text, write_text
from small_services import finished_of

RUNS = Path(disk.__file__).parent


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tenths of seconds in place of seconds."""
    monkeypatch.setattr(disk, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(disk, "TIDYING_SECONDS", 0.1)


class SharingViolationError(PermissionError):
    """What Windows says of a file that another program has open."""

    winerror = 32


def held(path: object) -> Exception:
    return SharingViolationError(
        errno.EACCES, "The process cannot access the file because another has it open", str(path)
    )


CALLS = ("open", "replace", "unlink", "mkdir", "rmdir", "fsopen")


@contextmanager
def holding(is_held: Callable[[str, Path], bool], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every way in which a file is changed fails while `is_held` says so of its name. Gives what was refused."""
    refused: list[str] = []

    def watched(name: str, really: Any) -> Any:
        def call(path: Any, *others: Any, **more: Any) -> Any:
            places = [Path(os.fspath(one)) for one in (path, *others[:1]) if isinstance(one, str | Path)]
            if any(is_held(name, place) for place in places):
                refused.append(name)
                raise held(path)
            return really(path, *others, **more)

        return call

    with monkeypatch.context() as patched:
        for name in ("replace", "unlink", "mkdir", "rmdir", "open"):
            patched.setattr(os, name, watched(name, getattr(os, name)))
        patched.setattr("io.open", watched("io.open", open))
        yield refused


def at_first(n: int, of: Callable[[str, Path], bool]) -> Callable[[str, Path], bool]:
    """Held the first n times that each kind of call asks."""
    times: dict[str, int] = {}

    def is_held(name: str, path: Path) -> bool:
        if not of(name, path):
            return False
        times[name] = times.get(name, 0) + 1
        return times[name] <= n

    return is_held


# --- for a moment ------------------------------------------------------------------------------------------------


def test_a_run_that_meets_a_lock_at_every_kind_of_step_is_complete(
    small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first folder to the last file, with a replication kept and read again; each kind of call is refused twice."""
    inputs = inputs_of_run(small_results.scenario, "kernel", False)
    with holding(at_first(2, lambda _, path: tmp_path in path.parents), monkeypatch) as refused:
        folder = RunFolder(tmp_path / "out", "a", inputs)
        assert folder.kept is not None
        folder.kept[0, 0] = finished_of(small_results)
        assert folder.kept[0, 0].digests == small_results.first.digests
        saved = folder.save(small_results, "kernel")
    assert {"replace", "unlink", "mkdir", "open", "io.open"} <= set(refused)
    assert read_run(saved).rows
    assert not (saved / UNFINISHED).exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_a_scanner_that_looks_at_each_table_as_soon_as_it_is_written_costs_no_record(
    small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each table is held twice after it was written, when its digest is taken and when it is made safe from a power cut."""
    looked: dict[Path, int] = {}

    def is_held(name: str, path: Path) -> bool:
        if name != "io.open" or path.suffix not in (".csv", ".parquet") or not path.exists():
            return False
        looked[path] = looked.get(path, 0) + 1
        return looked[path] in (1, 3)

    with holding(is_held, monkeypatch):
        saved = RunFolder(tmp_path, "a").save(small_results, "kernel")
    assert len(looked) == 9
    assert min(looked.values()) == 4
    assert read_run(saved).rows


@pytest.mark.parametrize(
    "number",
    sorted({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}),
    ids=lambda number: errno.errorcode[number],
)
def test_whatever_the_system_calls_it_it_is_tried_again(number: int, tmp_path: Path) -> None:
    times = []

    def do() -> str:
        times.append(1)
        if len(times) < 3:
            raise OSError(number, os.strerror(number))
        return "done"

    assert disk.patiently(do, tmp_path / "a") == "done"
    assert len(times) == 3


@pytest.mark.parametrize("number", [5, 32, 33, 1224])
def test_what_only_windows_says_is_tried_again(number: int, tmp_path: Path) -> None:
    error = OSError(errno.EINVAL, "of Windows")
    error.winerror = number  # type: ignore[attr-defined, unused-ignore]
    left = [error]
    assert disk.patiently(lambda: _raise(left.pop()) if left else "done", tmp_path / "a") == "done"


def _raise(error: Exception) -> str:
    raise error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.ENOENT, errno.EISDIR, errno.EFBIG, errno.ELOOP])
def test_what_does_not_pass_is_not_waited_for(number: int, tmp_path: Path) -> None:
    times = []

    def do() -> None:
        times.append(1)
        raise OSError(number, os.strerror(number))

    with pytest.raises(OSError, match=os.strerror(number)):
        disk.patiently(do, tmp_path / "a")
    assert len(times) == 1


def test_a_folder_in_which_nobody_may_write_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "PATIENCE_SECONDS", 1e9)
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK)
    with pytest.raises(PermissionError):
        disk.patiently(lambda: _raise(held("a")), tmp_path / "a" / "b")


def test_the_program_waits_for_some_seconds_by_itself() -> None:
    source = ast.parse((RUNS / "disk.py").read_text(encoding="utf-8"))
    (seconds,) = (
        node.value
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PATIENCE_SECONDS"
    )
    assert 3 <= ast.literal_eval(seconds) <= 15


# --- for longer --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["measures.csv", "clients.parquet", RECORD])
def test_a_table_held_for_long_costs_neither_the_earlier_run_nor_what_is_finished(
    name: str, small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spreadsheet has the table of an earlier run open, which is run again."""
    saved = RunFolder(tmp_path, "a").save(small_results, "kernel")
    before = {path: path.read_bytes() for path in saved.iterdir()}
    again = RunFolder(tmp_path, "a", inputs_of_run(small_results.scenario, "kernel", False))
    assert again.kept is not None
    again.kept[0, 0] = finished_of(small_results)
    with (
        holding(lambda _, path: path == saved / name, monkeypatch) as refused,
        pytest.raises(RunError) as caught,
    ):
        again.save(small_results, "kernel")
    assert refused
    assert f"because another program has {name} open, such as a spreadsheet, OneDrive or a virus scanner" in str(
        caught.value
    )
    assert "Close it there, and give the command again." in str(caught.value)
    assert again.n_kept == 1
    assert {path: path.read_bytes() for path in saved.iterdir() if path.is_file()} == before
    assert read_run(saved).rows
    RunFolder(tmp_path, "a", inputs_of_run(small_results.scenario, "kernel", False), resume=True).save(
        small_results, "kernel"
    )
    assert not (saved / UNFINISHED).exists()


def test_a_folder_with_files_of_two_runs_has_no_record(
    small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is held just after it was found free, and others have been moved."""
    saved = RunFolder(tmp_path, "a").save(small_results, "kernel")
    again = RunFolder(tmp_path, "a", inputs_of_run(small_results.scenario, "kernel", False))
    assert again.kept is not None
    again.kept[0, 0] = finished_of(small_results)
    moved: list[Path] = []

    def late(name: str, path: Path) -> bool:
        if name == "replace" and path.parent == saved and path.name == RECORD:
            moved.append(path)
        return bool(moved) and path == saved / "outcomes.parquet"

    with holding(late, monkeypatch), pytest.raises(RunError, match=r"another program has outcomes\.parquet open"):
        again.save(small_results, "kernel")
    with pytest.raises(RunError, match="not complete; 1 replications of it are finished"):
        read_run(saved)


def test_an_earlier_record_comes_back_if_nothing_was_moved(
    small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = RunFolder(tmp_path, "a").save(small_results, "kernel")
    asked: list[Path] = []

    def late(name: str, path: Path) -> bool:
        if name == "replace" and path == saved / "clients.parquet":
            asked.append(path)
        return len(asked) > 2  # source and target of finding out whether it is free

    def is_held(name: str, path: Path) -> bool:
        return late(name, path) and path == saved / "clients.parquet"

    with holding(is_held, monkeypatch), pytest.raises(RunError, match=r"another program has clients\.parquet open"):
        RunFolder(tmp_path, "a").save(small_results, "kernel")
    assert read_run(saved).rows
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


WRITES: dict[str, Callable[[Path], object]] = {
    "a text": lambda path: write_text(path, "after"),
    "a text that must be new": lambda path: save_text(path, "after"),
    "an image": lambda path: save_images(path.parent, {path.stem: b"after"}, path.suffix[1:]),
}


@pytest.mark.parametrize("what", list(WRITES))
def test_whatever_is_written_has_the_same_patience(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    with holding(at_first(2, lambda name, place: name == "replace" and place == path), monkeypatch) as refused:
        WRITES[what](path)
    assert refused == ["replace", "replace"]
    assert path.read_bytes() == b"after"
    (tmp_path / "b").mkdir()
    with (
        holding(lambda name, place: name == "replace" and place.name == "b.txt", monkeypatch),
        pytest.raises((RunError, disk.HeldError)),
    ):
        WRITES[what](tmp_path / "b" / "b.txt")
    assert list((tmp_path / "b").iterdir()) == [], "what was half done is tidied up"


def test_tidying_up_ends_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_results: Results) -> None:
    """A folder that cannot be removed is left, without an error."""
    folder = RunFolder(tmp_path, "a")
    begun = time.monotonic()
    with holding(lambda name, path: name in ("rmdir", "unlink") and tmp_path in path.parents, monkeypatch):
        folder.discard()
    assert folder.unfinished.exists()
    assert time.monotonic() - begun < 30
    RunFolder(tmp_path, "a").save(small_results, "kernel")
    assert read_run(tmp_path / "a").rows


# --- one place ---------------------------------------------------------------------------------------------------

CHANGES = {"unlink", "mkdir", "rmdir", "rmtree", "rename", "renames", "touch", "write_bytes", "write_text", "symlink_to",
           "hardlink_to", "removedirs", "makedirs", "savefig", "to_csv", "truncate", "chmod"}  # fmt: skip


def test_nothing_but_one_module_changes_the_disk() -> None:
    found = []
    modules = [path for path in RUNS.parent.rglob("*.py") if path != RUNS / "disk.py"]
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, of = node.func.attr, ast.unparse(node.func.value)
                is_path_replace = name == "replace" and len(node.args) == 1 and not node.keywords and of != "disk"
                opened = name == "open" and any(
                    isinstance(arg, ast.Constant) and set(str(arg.value)) & set("wxa+") for arg in node.args[:1]
                )
                if (
                    (name in CHANGES and of != "disk")
                    or is_path_replace
                    or opened
                    or ast.unparse(node.func) == "os.open"
                ):
                    found.append(f"{path.name}:{node.lineno}: {ast.unparse(node)[:60]}")
    allowed = (
        "file = BytesIO",
        "savefig(file",
        "super().savefig(",
        "os.open(os.devnull",
        "os.open(folder, os.O_RDONLY)",
    )  # memory, and to wait for the disk
    assert [one for one in found if not any(words in one for words in allowed)] == []
    assert len(modules) > 80
