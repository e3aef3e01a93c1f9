"""Files are whole or not there, a run folder is complete or visibly not, and only one writes in it at a time."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.runs.folder import RunFolder, run_name
from caseload_sim.runs.kept_replications import UNFINISHED
from caseload_sim.runs.lock import Lock, is_held
from caseload_sim.runs.read import read_run
from caseload_sim.runs.record import RECORD, inputs_of_run
from caseload_sim.runs.whole_files import save_text, write_file, write_text
from caseload_sim.scenario.scenario import Scenario
from small_services import finished_of

# --- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_could_not_be_written_to_its_end_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(TypeError), write_file(path) as file:
        file.writelines([b"half", "not bytes"])  # type: ignore[list-item]
    assert path.read_text(encoding="utf-8") == "before"
    write_text(path, "after\n")
    assert path.read_bytes() == b"after\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_has_no_name_of_its_own_until_it_is_whole(tmp_path: Path) -> None:
    with write_file(tmp_path / "a.txt") as file:
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
    assert len(moved) == 10
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
    assert message.endswith("Wait until it has ended, or choose another folder with --out.")
    assert first.partial.is_dir(), "the second did no harm to the first"
    RunFolder(tmp_path, "b").discard()
    first.discard()
    RunFolder(tmp_path, "a").discard()
    assert list(tmp_path.iterdir()) == [], "no lock is left behind"


def test_a_lock_is_held_until_it_is_released_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    assert not is_held(path)
    assert list(tmp_path.iterdir()) == [], "to ask makes no lock"
    lock = Lock(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)
    assert list(tmp_path.iterdir()) == []
    lock.release()
    other = Lock(path)
    lock.release()
    assert is_held(path), "it is not ours to release"
    other.release()


HOLD = (
    "import sys\nfrom pathlib import Path\nfrom caseload_sim.errors import RunError\nfrom caseload_sim.runs.lock import Lock\n"
    "sys.stdout.write('r'); sys.stdout.flush(); sys.stdin.read(1)\n"
    "try:\n    lock = Lock(Path(sys.argv[1])); sys.stdout.write('got')\n"
    "except RunError:\n    sys.stdout.write('not')\nsys.stdout.flush(); sys.stdin.read(1)"
)


def tries_to_hold(path: Path) -> "subprocess.Popen[bytes]":
    """A process that takes the lock when told so, says whether it got it, and holds it until told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.read(1) == b"r"
    return process


def says(process: "subprocess.Popen[bytes]") -> bytes:
    """Tell it to take the lock."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"g")
    process.stdin.flush()
    return process.stdout.read(3)


def test_who_holds_a_lock_is_named_and_once_killed_the_next_has_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    holder = tries_to_hold(path)
    assert says(holder) == b"got"
    begun = time.monotonic()
    with pytest.raises(
        RunError, match=f"x: process {holder.pid} on {re.escape(socket.gethostname())} has been writing"
    ):
        Lock(path)
    assert time.monotonic() - begun < 1, "refused at once, not after waiting"
    assert is_held(path)
    holder.kill()
    holder.communicate()
    assert path.exists(), "nobody tidied up"
    assert not is_held(path)
    Lock(path).release()
    assert list(tmp_path.iterdir()) == []


def test_of_many_who_find_the_lock_of_a_killed_process_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    killed = tries_to_hold(path)
    assert says(killed) == b"got"
    killed.kill()
    killed.communicate()
    tries = [tries_to_hold(path) for _ in range(5)]
    for one in tries:
        assert one.stdin is not None
        one.stdin.write(b"g")
        one.stdin.flush()
    answers = [one.stdout.read(3) for one in tries if one.stdout is not None]
    for one in tries:
        one.communicate(b"e", timeout=30)
    assert sorted(answers) == [b"got"] + [b"not"] * 4


def test_a_lock_that_many_take_and_release_in_turn_is_never_held_by_two(tmp_path: Path) -> None:
    """Releasing removes the file: who opened it just before must not take what is left of it for the lock."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom caseload_sim.errors import RunError\nfrom caseload_sim.runs.lock import Lock\n"
        "folder, taken = Path(sys.argv[1]), 0\n"
        "while taken < 200:\n    try:\n        lock = Lock(folder / 'x.lock')\n    except RunError:\n        continue\n"
        "    os.close(os.open(folder / 'alone', os.O_CREAT | os.O_EXCL)); os.unlink(folder / 'alone')\n"
        "    lock.release(); taken += 1"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, encoding="utf-8")
        for _ in range(3)
    ]
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"\x1b[2J", b"process 1\n", None], ids=str)
def test_a_text_beside_a_lock_that_says_nothing_spoils_nothing(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    lock = Lock(path)
    if content is None:
        lock.text.unlink()
    else:
        lock.text.write_bytes(content)
    with pytest.raises(RunError, match=r"x: another process is writing there\. Wait until it has ended"):
        Lock(path)
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_taken_where_no_text_can_stand_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.with_name("x.lock.txt").mkdir()
    lock = Lock(path)
    with pytest.raises(RunError, match="x: another process is writing there"):
        Lock(path)
    lock.release()
    Lock(path).release()


def test_a_lock_that_cannot_be_made_is_an_error_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(RunError, match=r"cannot be written \(.*\). Choose another folder with --out."):
        RunFolder(tmp_path, "a")
