"""The rules of Windows, imitated where this runs: names of files, open files, locks, and consoles of 256 characters."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import caseload_sim
from caseload_sim.cli.running import table_name
from caseload_sim.errors import UNSEEN, RunError
from caseload_sim.runs import disk
from caseload_sim.runs import lock as run_lock
from caseload_sim.runs.folder import run_name
from caseload_sim.runs.lock import Lock
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

ROOT = Path(__file__).parents[2]
PACKAGE = Path(caseload_sim.__file__).parent
CODE_PAGES = ("cp437", "cp850", "cp1252")  # of consoles in America and Western Europe, and of pipes there
LONGEST_PATH = 260
ROOM_FOR_A_PLACE = 90  # characters of the path that a user may choose, such as C:\\Users\\somebody\\Documents\\service
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³")}


def what_windows_refuses(name: str) -> str:
    """Why no file or folder can have this name there; empty if it can."""
    if name.partition(".")[0].rstrip(" ").upper() in RESERVED:
        return "reserved for a device"
    if name != name.rstrip(". "):
        return "ends in a dot or a blank"
    if any(letter in '<>:"|?*\\/' or ord(letter) < 32 for letter in name):
        return "has a character that means something else"
    return "longer than 255" if len(name) > 255 else ""


@pytest.mark.parametrize(
    "name", ["con", "NUL.txt", "com1.tar.gz", "aux .x", "a.", "a ", "a:b", "a?", "a\tb", "x" * 256]
)
def test_names_that_windows_refuses_are_known_here(name: str) -> None:
    assert what_windows_refuses(name)


@pytest.mark.parametrize("name", ["console", "nul_1", ".com1", "a.b c", "é – 語", "con-2016-0f", "x" * 255])
def test_and_those_that_it_takes(name: str) -> None:
    assert not what_windows_refuses(name)


def test_windows_takes_every_name_in_the_project() -> None:
    """Of files and folders; none twice but for capitals, which are the same letters there; and none too far down."""
    tops = ("src", "tests", "docs", "scenarios", "notebooks", "benchmarks")
    paths = [
        path.relative_to(ROOT) for top in tops for path in (ROOT / top).rglob("*") if "__pycache__" not in path.parts
    ]
    assert len(paths) > 400
    assert {str(path): why for path in paths for part in path.parts if (why := what_windows_refuses(part))} == {}
    folded: dict[str, Path] = {}
    for path in paths:
        assert folded.setdefault(str(path).casefold(), path) == path
    assert max(len(str(path)) for path in paths) < LONGEST_PATH - ROOM_FOR_A_PLACE


# Runs a command, and prints what it opened to write, made, renamed and removed, and what of it was open at that moment.
WATCHED = """
import json, os, sys
seen, open_then = set(), []
here = os.getcwd()

def is_open(path):
    for number in os.listdir("/proc/self/fd"):
        try:
            if os.path.samestat(os.stat(f"/proc/self/fd/{number}"), os.stat(path)):
                return True
        except OSError:
            pass
    return False

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        seen.add(os.path.abspath(arguments[0]))
    if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir"):
        paths = [os.path.abspath(os.fspath(one)) for one in arguments[:2] if isinstance(one, (str, os.PathLike))]
        seen.update(paths)
        if event in ("os.rename", "os.remove"):
            open_then.extend(path for path in paths if os.path.isfile(path) and is_open(path))

sys.addaudithook(watch)
from caseload_sim.cli.main import main
sys.argv = ["caseload-sim", *json.loads(sys.argv[1])]
try:
    main()
finally:
    ours = sorted(os.path.relpath(path, here) for path in seen if path.startswith(here + os.sep))
    with open(os.environ["WATCHED"], "w") as file:
        json.dump([ours, [os.path.relpath(path, here) for path in open_then]], file)
"""
NAMES = ("con", "NUL", "end. ", 'a "b" <c> | d?', "x" * 200)
LARGEST_SEED = str(2**63 - 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_named_after_a_file_has_a_name_that_windows_takes(name: str, small: Scenario) -> None:
    scenario = small.model_copy(update={"name": name})
    for folder in (run_name(scenario, "x"), table_name(scenario, "sweep", "x")):
        check_names([folder, f"{folder}.lock", f"{folder}.lock.txt"])
        assert len(folder) < 100


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is read off /proc, which Linux has")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--replications", "2", "--event-log", "--seed", LARGEST_SEED),
        ("sweep", "demand.referrals_per_year", "500,600", "--measure", "recovery", "--replications", "1"),
        ("compare", "other.toml", "--replications", "1"),
    ],
    ids=lambda words: words[0],
)
def test_what_a_command_writes_windows_could_write(words: tuple[str, ...], tmp_path: Path) -> None:
    """Every name on the way, with those of files that are there for a moment; and nothing is renamed or removed while it is
    open, which Windows refuses. Only the lock is removed while it is held: there by another way, as below.
    """
    place, name = tmp_path / "place", f"NUL. <{'x' * 200}> | ?"
    place.mkdir()
    for file in (f"{name}.toml", "other.toml"):
        (place / file).write_text(SMALL_FILE, encoding="utf-8")
    command, *options = words
    env = {**os.environ, "WATCHED": str(tmp_path / "watched.json")}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, json.dumps([command, f"{name}.toml", *options])],
        cwd=place, env=env, capture_output=True, encoding="utf-8", timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written, open_then = json.loads((tmp_path / "watched.json").read_text(encoding="utf-8"))
    assert len(written) >= 4
    check_names(written)
    assert [path for path in open_then if not path.endswith(".lock")] == []


def check_names(paths: Iterable[str]) -> None:
    refused = {path: why for path in paths for part in Path(path).parts if (why := what_windows_refuses(part))}
    assert refused == {}
    assert max(map(len, paths)) < LONGEST_PATH - ROOM_FOR_A_PLACE


def test_a_place_that_is_too_long_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    result = call_here("run", "small.toml", "--out", "x" * 300, folder=tmp_path)
    assert result.returncode == 2
    assert "cannot be written (File name too long). Choose another folder with --out." in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Recovered by the service" not in result.stdout


def test_a_lock_is_released_where_no_open_file_can_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows: removing a file that somebody has open is an error, so it must be closed first, and nothing is left."""
    opened: set[int] = set()
    refused = []

    def open_it(path: Any, *how: Any) -> int:
        number = os.open(path, *how)
        opened.add(number)
        return number

    def close_it(number: int) -> None:
        opened.discard(number)
        os.close(number)

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.exists() and any(os.path.samestat(os.fstat(number), path.stat()) for number in opened):
            refused.append(path)
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        real_unlink(path, missing_ok)

    real_unlink = Path.unlink
    windows = SimpleNamespace(**{**vars(os), "name": "nt", "open": open_it, "close": close_it})
    for module in (run_lock, disk):
        monkeypatch.setattr(module, "os", windows)
    monkeypatch.setattr(Path, "unlink", unlink)
    path = tmp_path / "run.lock"
    lock = Lock(path)
    with pytest.raises(RunError, match="has been writing there since"):
        Lock(path)
    lock.release()
    lock.release()
    assert refused == []
    assert list(tmp_path.iterdir()) == []
    Lock(path).release()
    first = Lock(path)
    monkeypatch.setattr(run_lock, "os", SimpleNamespace(**{**vars(windows), "name": "posix"}))
    first.release()
    assert set(refused) == {path}, "the way of POSIX would leave the file there: the imitation is no empty one"


def test_every_letter_that_the_program_says_is_in_each_code_page() -> None:
    """Its own texts: those of commands, errors, measures and scenarios. A user's own may have any, and show `?` at worst."""
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.toml")}
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name not in ("figures", "report"):  # pictures and pages have letters of their own
            tree = ast.parse(path.read_text(encoding="utf-8"))
            constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            docstrings = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef)}  # fmt: skip
            texts[path] = "\n".join(text for text in constants if isinstance(text, str) and text not in docstrings)
    for path in (ROOT / "scenarios").glob("*.toml"):
        texts[path] = path.read_text(encoding="utf-8")
    letters = {letter: path.name for path, text in texts.items() for letter in text if ord(letter) > 127}
    letters = {letter: name for letter, name in letters.items() if not UNSEEN.fullmatch(letter)}
    assert "±" in letters
    for page in CODE_PAGES:
        assert {letter: name for letter, name in letters.items() if not letter.encode(page, "ignore")} == {}, page


RUN = ("run", "small.toml", "--full", "--replications", "2", "--no-figures")


@pytest.mark.parametrize(("page", "words"), [("cp437", RUN), *((page, ("list",)) for page in CODE_PAGES)])
def test_a_console_of_256_characters_shows_figures_and_frames(
    page: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    env = {**os.environ, "PYTHONIOENCODING": page, "COLUMNS": "80", "PYTHONUTF8": "0"}
    result = subprocess.run(
        [sys.executable, "-m", "caseload_sim", *words], cwd=tmp_path, env=env, capture_output=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    text = result.stdout.decode(page)
    said = [get_scenario(name).title for name in list_scenarios()] if words == ("list",) else []
    assert text.count("?") <= sum(title.count("?") for title in said), "no letter became a question mark"
    assert ("±" in text) == (words == RUN)
    assert "…" not in text, "nothing is cut short"
