"""What can go wrong while a run is at work, made to go wrong: each ends in a clear error or the right answer, never in half of one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from caseload_sim.errors import RunError
from caseload_sim.figures.gallery import FIGURES
from caseload_sim.runs.kept_replications import UNFINISHED
from caseload_sim.runs.read import read_record, read_run
from caseload_sim.runs.rerun import rerun
from commands import call, call_here

posix = pytest.mark.skipif(sys.platform == "win32", reason="kill -9, ulimit and process groups are of POSIX")
FILE = """
extends = "hepgul_2016"
title = "A small service"
[run]
replications = 8
warm_up_days = 40
data_collection_days = 60
follow_up_days = 400
[demand]
referrals_per_year = { value = 600, assumption = "small" }
"""
RUN = ("run", "small.toml", "--no-figures", "--csv")
SWEEP = ("sweep", "small.toml", "population.prevalence.ptsd", "0.1:0.4:4", "--replications", "2", "--json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the commands print, and the folder they leave, when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.toml").write_text(FILE, encoding="utf-8")
    done = {words[0]: call(*words, folder=folder) for words in (RUN, SWEEP)}
    assert all(one.returncode == 0 for one in done.values()), [one.stderr for one in done.values()]
    shutil.copytree(folder / "results", folder / "kept")
    done["folder"] = subprocess.CompletedProcess(str(folder / "kept"), 0)
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def begun(folder: Path, words: tuple[str, ...], *more: str) -> subprocess.Popen[str]:
    """A command at work, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "caseload_sim", *words, *more],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
    )  # fmt: skip


def kept(folder: Path) -> list[Path]:
    """The files of finished replications."""
    return sorted(folder.glob(f"*/*/{UNFINISHED}/*.kept"))


def wait_for(n: int, folder: Path, process: subprocess.Popen[str]) -> None:
    """Until so many replications are finished."""
    while len(kept(folder)) < n:
        assert process.poll() is None, f"ended too soon: {process.communicate()}"
        time.sleep(0.005)


def children_of(pid: int) -> list[int]:
    """Processes that a process has started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, encoding="utf-8", check=True).stdout
    return [int(child) for child, parent in (line.split() for line in listed.splitlines()) if int(parent) == pid]


def assert_all_gone(pids: list[int]) -> None:
    """Assert that processes end; those ended, but not yet asked about by their new parent, count as gone."""
    for pid in pids:
        while True:
            state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, encoding="utf-8").stdout
            if not state.strip() or state.strip().startswith("Z"):
                break
            time.sleep(0.05)  # for ever, if there is an orphan


def assert_as_whole(folder: Path, words: tuple[str, ...], result: subprocess.CompletedProcess[str], whole: dict[str, subprocess.CompletedProcess[str]]) -> None:  # fmt: skip
    """Assert that a command gave, and left in its folder, what it gives uninterrupted."""
    assert result.returncode == 0, result.stderr
    assert result.stdout == whole[words[0]].stdout
    ours = {path.relative_to(folder / "results"): path.read_bytes() for path in (folder / "results").rglob("*") if path.is_file()}  # fmt: skip
    reference = Path(str(whole["folder"].args))
    for path, content in ours.items():
        assert content == (reference / path).read_bytes(), path
    (record,) = (path for path in ours if path.name == "run.json")
    assert len(ours) == (10 if words is RUN else 4), sorted(ours)
    assert record.parts[0].startswith("small-")


# --- ended from outside --------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("words", [RUN, SWEEP], ids=["run", "sweep"])
def test_a_driver_killed_up_to_three_times_is_resumed_to_the_same_digests_and_leaves_no_orphan(
    words: tuple[str, ...], folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    for n in (1, 3, 5) if words is RUN else (3,):
        process = begun(folder, words, "--jobs", "2", "--resume")
        wait_for(n, folder, process)
        children = children_of(process.pid)
        assert len(children) >= 2
        process.kill()
        process.communicate()
        assert_all_gone(children)
        assert len(kept(folder)) >= n
    with pytest.raises(Exception, match=r"not complete; \d replications of it are finished"):
        read_record(kept(folder)[0].parents[1])
    result = call(*words, "--resume", folder=folder)
    assert "Resumed: " in result.stderr
    assert_as_whole(folder, words, result, whole)


@posix
def test_workers_killed_under_a_run_are_replaced(
    folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    process = begun(folder, RUN, "--jobs", "2")
    for n in (1, 3):
        wait_for(n, folder, process)
        for victim in children_of(process.pid):
            command = subprocess.run(["ps", "-o", "args=", "-p", str(victim)], capture_output=True, encoding="utf-8")
            if "spawn_main" in command.stdout:
                os.kill(victim, signal.SIGKILL)
                break
    out, errors = process.communicate(timeout=60)
    assert_as_whole(folder, RUN, subprocess.CompletedProcess(RUN, process.returncode, out, errors), whole)


def stopped_in_the_middle(folder: Path, *more: str) -> subprocess.Popen[str]:
    """A run that is held still with some replications finished and two or more to come.

    On a busy machine it may have gone further than that before this process has its turn; then another is begun.
    """
    while True:
        process = begun(folder, RUN, *more)
        while len(kept(folder)) < 2 and process.poll() is None:
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGSTOP)
            if 2 <= len(kept(folder)) <= 6:
                return process
            os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors
        shutil.rmtree(folder / "results")


@posix
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("pauses", [(), (0.0,), (0.02, 0.02)], ids=["once", "twice at once", "three times"])
def test_ctrl_c_ends_with_130_keeps_what_is_finished_and_leaves_no_process(
    jobs: str, pauses: tuple[float, ...], folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    process = stopped_in_the_middle(folder, "--jobs", jobs)
    children = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    os.killpg(process.pid, signal.SIGCONT)
    for seconds in pauses:
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert_all_gone(children)
    n = len(kept(folder))
    assert n >= 2
    assert errors.splitlines()[1:] == [f"Interrupted: {n} finished replications are kept: go on with --resume."]
    beside = {path.name for path in kept(folder)[0].parent.iterdir()} - {path.name for path in kept(folder)}
    assert {name.partition("-")[0] for name in beside} == {"inputs.json", "rows"}
    assert len(beside) == 2
    assert not list((folder / "results").glob("*.lock*"))
    assert_as_whole(folder, RUN, call(*RUN, "--resume", folder=folder), whole)


# --- the disk ------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(("n_bytes", "n_kept"), [(4_000, 0), (2_600_000, 8)], ids=["while running", "while saving"])
def test_a_disk_that_takes_no_more_is_an_error_and_what_is_finished_is_kept(
    n_bytes: int, n_kept: int, folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """No file may be larger than n_bytes: fewer than a replication needs, then fewer than a table needs."""
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({n_bytes}, {n_bytes}))\n"
        "sys.argv = ['caseload-sim', *sys.argv[1:]]\nfrom caseload_sim.cli.main import main\nmain()"
    )
    unwatched = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }  # it keeps a file too
    full = subprocess.run(
        [sys.executable, "-c", code, *RUN], cwd=folder, capture_output=True, encoding="utf-8", env=unwatched
    )
    assert full.returncode == 2, full.stderr
    assert "RunError: " in full.stderr
    assert "cannot be written (File too large). " in full.stderr
    assert "Traceback" not in full.stderr
    assert len(kept(folder)) == n_kept
    assert (f"{n_kept} finished replications are kept: go on with --resume." in full.stderr) == (n_kept > 0)
    assert not list(folder.glob("results/*/run.json"))
    assert not list(folder.rglob("*.part"))
    assert_as_whole(folder, RUN, call(*RUN, "--resume", folder=folder), whole)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2.5 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("making a small disk needs Linux and root; the test above limits the size of files instead")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@posix
def test_a_full_disk_keeps_what_was_finished_and_a_larger_one_goes_on(
    small_disk: Path, folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    words = (*RUN, "--out", "disk/results")
    full = call(*words, "--jobs", "2", folder=folder)
    assert full.returncode == 2
    assert "cannot be written (No space left on device). Make room there." in full.stderr
    assert "finished replications are kept: go on with --resume." in full.stderr
    assert "Traceback" not in full.stderr
    n = len(list(small_disk.rglob("*.kept")))
    assert n >= 1
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    result = call(*words, "--resume", folder=folder)
    assert f"Resumed: {n} replications were finished" in result.stderr
    assert result.stdout == whole["run"].stdout


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody may write, not even root."""
    place = tmp_path / "read_only"
    place.mkdir()
    if os.geteuid() != 0:
        place.chmod(0o555)
        yield place
        place.chmod(0o755)
        return
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("root may write in every folder, and may mount none here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@posix
def test_a_folder_that_may_only_be_read_is_an_error_before_the_work(read_only: Path) -> None:
    for words in (
        ("run", "hepgul_2016"),
        (*SWEEP[:1], "hepgul_2016", *SWEEP[2:]),
        ("compare", "hepgul_2016", "trial_world"),
    ):
        result = call(*words, folder=read_only)
        assert result.returncode == 2
        (message,) = result.stderr.splitlines()
        assert re.fullmatch(
            r"RunError: results: cannot be written \((Permission denied|Read-only file system)\). Choose another folder "
            "with --out.",
            message,
        )
        assert list(read_only.iterdir()) == []


# --- what is stored is not what it was -----------------------------------------------------------------------


@pytest.fixture
def interrupted(folder: Path, interrupted_once: Path) -> Path:
    """A folder with a run that was ended when some of its replications were finished."""
    shutil.copytree(interrupted_once / "results", folder / "results")
    return folder


@pytest.fixture(scope="module")
def interrupted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    (folder / "small.toml").write_text(FILE, encoding="utf-8")
    process = begun(folder, RUN)
    wait_for(4, folder, process)
    process.kill()
    process.communicate()
    return folder


def test_damaged_replications_are_run_again(
    interrupted: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    truncated, empty, garbage, flipped = kept(interrupted)[:4]
    content = truncated.read_bytes()
    truncated.write_bytes(content[: len(content) // 2])
    empty.write_bytes(b"")
    garbage.write_bytes(bytes(range(256)) * 20)
    bad = bytearray(flipped.read_bytes())
    bad[len(bad) // 2] ^= 0xFF
    flipped.write_bytes(bytes(bad))
    n = len(kept(interrupted))
    result = call_here(*RUN, "--resume", folder=interrupted)
    assert f"Resumed: {n - 4} replications were finished in" in result.stderr
    assert "4 more were damaged, and are run again." in result.stderr
    assert_as_whole(interrupted, RUN, result, whole)


def test_no_answer_depends_on_what_the_clock_says(
    interrupted: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """The clock of the process jumps by days, back and forth, and the files kept are of the future and of long ago."""
    for k, path in enumerate(kept(interrupted)):
        at = time.time() + (-1) ** k * 86_400 * (k + 1)
        os.utime(path, (at, at))
    code = (
        "import itertools, sys, time\nreally, jumps = time.time, itertools.cycle((0, 9e6, -9e6, 1e8, -1e8))\n"
        "time.time = lambda: really() + next(jumps)\ntime.time_ns = lambda: int(time.time() * 1e9)\n"
        "sys.argv = ['caseload-sim', *sys.argv[1:]]\nfrom caseload_sim.cli.main import main\nmain()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *RUN, "--resume"], cwd=interrupted, capture_output=True, encoding="utf-8",
        env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert "Resumed: " in result.stderr
    assert_as_whole(interrupted, RUN, result, whole)


HARMS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "a folder": lambda path: path.replace(path.with_suffix(".away")).with_name(path.name).mkdir(),
}
READ_AGAIN = {
    "run.json": "ladder",
    "measures.csv": "ladder",
    "over_time.csv": "waiting_list",
    "cost_effectiveness.csv": "acceptability",
    "clients.parquet": "comorbidity",
    "outcomes.parquet": "retention",
}


@pytest.mark.parametrize("name", list(READ_AGAIN))
@pytest.mark.parametrize("harm", list(HARMS))
def test_a_file_of_a_whole_run_that_is_read_again_is_never_taken_for_what_it_is_not(
    name: str, harm: str, tmp_path: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    (stored,) = Path(str(whole["folder"].args)).glob("small-2016-*")
    copy = Path(shutil.copytree(stored, tmp_path / "copy"))
    HARMS[harm](copy / name)
    with pytest.raises(RunError, match=name.replace(".", r"\.")):
        FIGURES[READ_AGAIN[name]].draw(read_run(copy))
    if name == "run.json":
        with pytest.raises(RunError, match=r"run\.json"):
            rerun(copy)


@posix
def test_a_pipe_in_place_of_a_stored_file_is_refused_and_not_waited_for(
    tmp_path: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    (stored,) = Path(str(whole["folder"].args)).glob("small-2016-*")
    for name, figure in READ_AGAIN.items():
        copy = Path(shutil.copytree(stored, tmp_path / name))
        (copy / name).unlink()
        os.mkfifo(copy / name)
        result = call("plot", str(copy), "--figure", figure, folder=tmp_path)
        assert result.returncode == 2, result.stderr
        assert name in result.stderr
        assert "not a file" in result.stderr


def test_a_replication_of_other_inputs_is_not_taken_for_one_of_these(
    interrupted: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    first, second = kept(interrupted)[:2]
    shutil.copy(first, second)
    result = call_here(*RUN, "--resume", folder=interrupted)
    assert "1 more were damaged" in result.stderr
    assert_as_whole(interrupted, RUN, result, whole)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00\x01"])
def test_a_resume_that_cannot_know_its_inputs_is_refused(content: str, interrupted: Path) -> None:
    (path,) = interrupted.glob(f"results/*/{UNFINISHED}/inputs.json")
    path.write_text(content, encoding="utf-8")
    result = call_here(*RUN, "--resume", folder=interrupted)
    assert result.returncode == 2
    assert "inputs.json: damaged, so that nobody can tell what was being run. Run again without --resume." in result.stderr  # fmt: skip
    assert len(kept(interrupted)) >= 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--set", "demand.referrals_per_year=700"), "scenario.demand.referrals_per_year.value 600.0 then, 700.0 now"),
        (("--seed", "7"), "scenario.run.seed 2016 then, 7 now"),
        (("--replications", "9"), "scenario.run.replications 8 then, 9 now"),
        (("--engine", "reference"), 'engine "kernel" then, "reference" now'),
        (("--parameter-uncertainty",), "parameter_uncertainty false then, true now"),
    ],
)
def test_a_resume_with_other_inputs_is_refused_and_says_which(
    change: tuple[str, ...], message: str, interrupted: Path
) -> None:
    before = {path: path.read_bytes() for path in kept(interrupted)}
    result = call_here(*RUN, *change, "--resume", folder=interrupted)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Give the same inputs as then, or leave out --resume to begin anew." in result.stderr
    assert "Traceback" not in result.stderr
    assert {path: path.read_bytes() for path in kept(interrupted)} == before


def test_a_resume_with_another_version_is_refused(interrupted: Path) -> None:
    (path,) = interrupted.glob(f"results/*/{UNFINISHED}/inputs.json")
    inputs = json.loads(path.read_text(encoding="utf-8"))
    inputs["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(inputs), encoding="utf-8")
    result = call_here(*RUN, "--resume", folder=interrupted)
    assert result.returncode == 2
    assert 'versions.numpy "1.0" then, ' in result.stderr


def test_without_resume_a_run_begins_anew_and_says_so(
    interrupted: Path, whole: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    result = call_here(*RUN, folder=interrupted)
    assert "finished replications of an earlier run were dropped (see --resume)." in result.stderr
    assert_as_whole(interrupted, RUN, result, whole)


def test_with_nothing_to_resume_a_run_begins(folder: Path, whole: dict[str, subprocess.CompletedProcess[str]]) -> None:
    result = call_here(*RUN, "--resume", folder=folder)
    assert "Nothing to resume: begun anew." in result.stderr
    assert_as_whole(folder, RUN, result, whole)
