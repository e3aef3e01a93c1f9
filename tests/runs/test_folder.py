"""Files are whole or not there, a run folder is complete or visibly not, and only one writes in it at a time."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.tasks import Finished
from caseload_sim.measures.measure import measure
from caseload_sim.measures.service import over_time
from caseload_sim.runs.folder import (
    SECONDS_TO_WRITE,
    Lock,
    RunFolder,
    Writer,
    is_alive,
    is_held,
    read_writer,
    run_name,
)
from caseload_sim.runs.kept_replications import UNFINISHED
from caseload_sim.runs.read import read_run
from caseload_sim.runs.record import RECORD, inputs_of_run
from caseload_sim.runs.whole_files import save_text, whole, write_text
from caseload_sim.scenario.scenario import Scenario


def finished_of(results: Results) -> Finished:
    """What is kept of the first replication."""
    return Finished(measure(results.first), over_time(results.first), results.first.digests)


# --- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_could_not_be_written_to_its_end_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(TypeError), whole(path) as file:
        file.writelines([b"half", "not bytes"])  # type: ignore[list-item]
    assert path.read_text(encoding="utf-8") == "before"
    write_text(path, "after\n")
    assert path.read_bytes() == b"after\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_has_no_name_of_its_own_until_it_is_whole(tmp_path: Path) -> None:
    with whole(tmp_path / "a.txt") as file:
        file.write(b"some")
        (there,) = tmp_path.iterdir()
        assert there.name.startswith(".a.txt.")
        assert there.name.endswith(".part")
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_text_is_saved_whole_and_never_over_a_file(tmp_path: Path) -> None:
    save_text(tmp_path / "mine.toml", "a\n")
    with pytest.raises(RunError, match=r"mine.toml: is there already. Choose another name with --out."):
        save_text(tmp_path / "mine.toml", "b\n")
    with pytest.raises(RunError, match="cannot be written"):
        save_text(tmp_path / "nowhere" / "mine.toml", "b\n")
    assert (tmp_path / "mine.toml").read_bytes() == b"a\n"


@pytest.mark.parametrize(
    "name", ["con", "a:b", 'x"y', "trailing. ", "wo/rd", "back\\slash", "?*<>|", "é" * 300, "nul.txt"]
)
def test_a_run_folder_has_a_name_that_windows_takes(name: str, small: Scenario) -> None:
    made = run_name(small.model_copy(update={"name": name}))
    assert not set(made) & set('<>:"/\\|?* ')
    assert made.isascii()
    assert made[-1] not in ". "
    assert len(made) < 120
    assert re.fullmatch(r".+-2016-[0-9a-f]{10}", made), "with seed and digest, no name is that of a device"


# --- the folder ----------------------------------------------------------------------------------------------


def test_a_run_folder_shows_that_it_is_unfinished_until_its_record_comes_last(
    small: Scenario, small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path, "a", inputs_of_run(small, "kernel", False))
    assert folder.kept is not None
    folder.kept[0, 0] = finished_of(small_results)
    with pytest.raises(RunError, match=r"a: not complete; 1 replications of it are finished. Go on with .* --resume"):
        read_run(folder.final)
    moved: list[str] = []
    really = Path.replace

    def watched(self: Path, target: Path) -> Path:
        if UNFINISHED in self.parts and UNFINISHED not in Path(target).parts:
            moved.append(Path(target).name)
            assert not (folder.final / RECORD).exists()
        return really(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    folder.save(small_results, "kernel")
    assert moved[-1] == RECORD
    assert len(moved) == 6
    assert not (folder.final / UNFINISHED).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert read_run(folder.final).scenario == small


def test_a_complete_folder_written_again_is_unfinished_only_while_files_move(
    small_results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunFolder(tmp_path, "a").save(small_results, "kernel")
    again = RunFolder(tmp_path, "a")
    assert read_run(again.final).rows, "still whole while another run is at work"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("caseload_sim.runs.folder.flush", full)
    with pytest.raises(RunError, match=r"a: cannot be written \(No space left on device\). Choose another folder"):
        again.save(small_results, "kernel")
    assert read_run(again.final).rows, "still whole when the disk was full"
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert not (again.final / UNFINISHED).exists()


def test_a_folder_given_up_with_nothing_finished_is_gone(small: Scenario, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "a", inputs_of_run(small, "kernel", False))
    folder.discard()
    assert list(tmp_path.iterdir()) == []


# --- the lock ------------------------------------------------------------------------------------------------


def test_two_who_write_into_one_folder_are_kept_apart(tmp_path: Path) -> None:
    first = RunFolder(tmp_path, "a")
    with pytest.raises(RunError) as caught:
        RunFolder(tmp_path, "a")
    message = str(caught.value)
    assert f"{tmp_path / 'a'}: process {os.getpid()} on {socket.gethostname()} has been writing there since" in message
    assert (
        "Wait for it, choose another folder with --out, or, if it is no caseload-sim that still runs, delete a.lock."
        in message
    )
    assert first.partial.is_dir(), "the second did no harm to the first"
    RunFolder(tmp_path, "b").discard()
    first.discard()
    RunFolder(tmp_path, "a").discard()


def test_a_lock_is_free_again_when_it_is_released_and_not_by_others(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with Lock(path) as lock:
        other = replace(lock.writer, token="another")
        assert is_held(path)
        path.write_text(json.dumps(asdict(other)), encoding="utf-8")
    assert read_writer(path) == other, "it is not ours to release"
    path.unlink()
    assert not is_held(path)


def _ended_process() -> Writer:
    """What a process that has ended wrote into its lock, which it never released."""
    code = (
        "import dataclasses, json, pathlib, sys\nfrom caseload_sim.runs.folder import Lock\n"
        "print(json.dumps(dataclasses.asdict(Lock(pathlib.Path(sys.argv[1])).writer)))"
    )
    with TemporaryDirectory() as folder:
        result = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/x.lock"], capture_output=True, encoding="utf-8", check=True
        )
    return Writer(**json.loads(result.stdout))


def test_the_lock_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    gone = _ended_process()
    assert not is_alive(gone)
    path = tmp_path / "x.lock"
    path.write_text(json.dumps(asdict(gone)), encoding="utf-8")
    assert not is_held(path)
    with Lock(path) as lock:
        assert read_writer(path) == lock.writer
    assert list(tmp_path.iterdir()) == []


def test_a_later_process_of_the_same_number_does_not_hold_the_lock(tmp_path: Path) -> None:
    with Lock(tmp_path / "x.lock") as lock:
        ours = lock.writer
    if not ours.started:
        pytest.skip("this system does not say when a process started")
    assert is_alive(ours)
    assert not is_alive(replace(ours, started="long ago"))
    assert is_alive(replace(ours, started="")), "not known, so it may be alive"


def test_of_another_host_nobody_can_tell_so_the_lock_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    away = replace(_ended_process(), host="another.example")
    path.write_text(json.dumps(asdict(away)), encoding="utf-8")
    with pytest.raises(
        RunError, match=rf"process {away.pid} on another.example has been writing there since {away.since}"
    ):
        Lock(path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "\x00" * 50])
def test_a_lock_that_says_nothing_holds_only_while_it_may_still_be_written(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match="another process has just begun to write there"):
        Lock(path)
    long_ago = time.time() - 2 * SECONDS_TO_WRITE
    os.utime(path, (long_ago, long_ago))
    Lock(path).release()
    assert not path.exists()


def test_of_many_who_find_a_dead_lock_one_gets_it(tmp_path: Path) -> None:
    """Each process waits for a common moment, tries, says whether it got the lock, and holds it until all have tried."""
    path = tmp_path / "x.lock"
    path.write_text(json.dumps(asdict(_ended_process())), encoding="utf-8")
    code = (
        "import pathlib, sys, time\nfrom caseload_sim.errors import RunError\nfrom caseload_sim.runs.folder import Lock\n"
        "folder = pathlib.Path(sys.argv[1])\nsys.stdout.write('r'); sys.stdout.flush(); sys.stdin.read(1)\n"
        "try:\n    lock = Lock(folder / 'x.lock'); sys.stdout.write('got')\n"
        "except RunError:\n    sys.stdout.write('not')\nsys.stdout.flush(); sys.stdin.read(1)"
    )
    tries = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(5)
    ]
    for one in tries:
        assert one.stdout is not None
        assert one.stdout.read(1) == b"r"
    for one in tries:
        assert one.stdin is not None
        one.stdin.write(b"g")
        one.stdin.flush()
    answers = [one.stdout.read(3) for one in tries if one.stdout is not None]
    for one in tries:
        one.communicate(b"e", timeout=30)
    assert sorted(answers) == [b"got"] + [b"not"] * 4
