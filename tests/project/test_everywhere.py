"""Wherever it is run: odd folders and names, no home, terminals that are not UTF-8, closed pipes, an installed wheel."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import caseload_sim
from caseload_sim.scenario.catalogue import list_scenarios
from caseload_sim.scenario.files import shipped_folder
from caseload_sim.support.compiled import numba_is_there
from commands import SMALL_FILE, call

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell, and HOME, are of POSIX")
ROOT = Path(__file__).parents[2]
ODD = "dossier été – 語 ü"
OURS = 'extends = "hepgul_2016"\ntitle = "Łódź – Zürich 語"\n' + SMALL_FILE.split('"A small service"\n')[1]


def odd_folder(tmp_path: Path) -> Path:
    """A folder with a scenario, both with spaces and letters beyond ASCII in their names."""
    folder = tmp_path / ODD
    folder.mkdir()
    (folder / "mein Dienst é.toml").write_text(OURS, encoding="utf-8")
    return folder


def no_folder(tmp_path: Path) -> str:
    """A folder that nobody can make, not even root: below a file."""
    (tmp_path / "a file").write_text("", encoding="utf-8")
    return str(tmp_path / "a file" / "home")


def bare(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """The command as bytes, in an environment that has of the usual one only what finds Python and the package."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "caseload_sim", *words],
        cwd=folder, capture_output=True, timeout=120, stdin=subprocess.DEVNULL, env={**kept, **env},
    )  # fmt: skip


def test_files_and_folders_may_have_spaces_and_letters_beyond_ascii(tmp_path: Path) -> None:
    folder = odd_folder(tmp_path)
    result = call(
        "run", "mein Dienst é.toml", "--out", "Ergebnisse – ø", "--replications", "1", "--event-log", folder=folder
    )
    assert result.returncode == 0, result.stderr
    (saved,) = (folder / "Ergebnisse – ø").iterdir()
    assert {"run.json", "clients.parquet", "figures"} <= {path.name for path in saved.iterdir()}
    assert call("rerun", str(saved), folder=folder).returncode == 0
    plotted = call("plot", str(saved), "--figure", "ladder", folder=folder)
    assert plotted.returncode == 0, plotted.stderr
    checklist = call("report-checklist", "mein Dienst é.toml", "--out", "Prüfliste é.md", folder=folder)
    assert checklist.returncode == 0, checklist.stderr
    assert "Łódź – Zürich 語" in (folder / "Prüfliste é.md").read_text(encoding="utf-8")


@posix
@pytest.mark.parametrize("has_home", [False, True])
def test_no_home_folder_is_needed(has_home: bool, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    home = no_folder(tmp_path)
    where = {"HOME": home, "XDG_CACHE_HOME": f"{home}/c", "XDG_CONFIG_HOME": f"{home}/d"} if has_home else {}
    result = bare(tmp_path, "run", "small.toml", "--replications", "1", "--out", "results", **where)
    assert result.returncode == 0, result.stderr.decode()
    assert b"Recovered by the service" in result.stdout
    (saved,) = (tmp_path / "results").iterdir()
    assert len(list((saved / "figures").glob("*.png"))) == 5
    assert b"Traceback" not in result.stderr


BIG_JOB = """
import caseload_sim
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.draws import philox
from caseload_sim.engines import kernel
from caseload_sim.experiments.replicate import check_engines, simulate
small = get_scenario(changes={"demand.referrals_per_year": 200, "run.warm_up_days": 20})
kernel.WORTH_COMPILING = 0
compiled = kernel.pass_the_days_compiled, philox.uniforms_at, philox.on_lines
caches = {one.dispatcher.stats.cache_path for one in compiled}
many = len(simulate(small).clients.id) > 100
print(caseload_sim.__file__, len(caches), None in caches, many, check_engines(small)[1], sep="\\n")
"""


@posix
@pytest.mark.skipif(not numba_is_there(), reason="nothing is compiled without numba")
def test_the_compiled_engine_works_where_nothing_can_be_cached(tmp_path: Path) -> None:
    """Neither beside the package nor in a home nor where numba is told to: files are in the way, which stop even root."""
    site = tmp_path / "site"
    shutil.copytree(
        Path(caseload_sim.__file__).parent, site / "caseload_sim", ignore=shutil.ignore_patterns("__pycache__")
    )
    if not (site / "caseload_sim" / "scenario" / "shipped").exists():
        shutil.copytree(shipped_folder(), site / "caseload_sim" / "scenario" / "shipped")
    for folder in (site / "caseload_sim" / package for package in (".", "engines", "draws")):
        (folder / "__pycache__").write_text("in the way", encoding="utf-8")
    nowhere = no_folder(tmp_path)
    for where in ({}, {"NUMBA_CACHE_DIR": nowhere}):
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": nowhere, "XDG_CACHE_HOME": nowhere, **where}
        result = subprocess.run(
            [sys.executable, "-B", "-c", BIG_JOB], cwd=tmp_path, env=env, capture_output=True, encoding="utf-8", timeout=180
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert result.stdout.splitlines() == [str(site / "caseload_sim" / "__init__.py"), "1", "True", "True", "None"]


@posix
@pytest.mark.skipif(not numba_is_there(), reason="nothing is compiled without numba")
@pytest.mark.parametrize(("suffix", "left"), [(".nbc", 100), (".nbi", 0)])
def test_a_damaged_cache_of_compiled_code_is_as_if_there_were_none(tmp_path: Path, suffix: str, left: int) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-B", "-c", BIG_JOB]
    first = subprocess.run(words, env=env, capture_output=True, encoding="utf-8", timeout=180)
    assert first.returncode == 0, first.stderr
    damaged = list(tmp_path.rglob(f"*{suffix}"))
    assert damaged
    for path in damaged:
        path.write_bytes(path.read_bytes()[:left])
    again = subprocess.run(words, env=env, capture_output=True, encoding="utf-8", timeout=180)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout
    assert first.stdout.splitlines()[2:] == ["False", "True", "None"]


C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # Python then takes all names and streams for ASCII
OURS_FILE = "mein Dienst é.toml"


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("C", ("run", OURS_FILE, "--replications", "1")),
        ("C", ("list",)),
        ("C", ("report-checklist", OURS_FILE)),
        ("C", ("run", "kein Dienst – 語.toml")),
        ("ascii", ("run", OURS_FILE, "--replications", "1")),
        ("ascii", ("list",)),
        ("ascii", ("list", "sources")),
        ("ascii", ("diff", "hepgul_2016", "no_service")),
        ("latin-1", ("explain", OURS_FILE)),
        ("cp1252", ("list",)),
        ("cp1252", ("report-checklist", OURS_FILE)),
        ("cp1252", ("--help",)),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_terminal_that_is_not_utf8_shows_everything_it_can(
    encoding: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    env = C if encoding == "C" else {"PYTHONIOENCODING": encoding}
    result = bare(odd_folder(tmp_path), *words, **env)
    shown = (result.stdout + result.stderr).decode("latin-1")
    assert result.returncode == (2 if words[-1].startswith("kein") else 0), shown
    assert "Traceback" not in shown
    assert "UnicodeEncodeError" not in shown
    if words == ("list",):
        assert "hepgul_2016" in shown
        assert shown.count("?") < 20, "no rules drawn of question marks"
    if words[0] == "run" and result.returncode == 0:
        assert "Recovered by the service" in shown


@posix
@pytest.mark.parametrize(
    "words", ["explain", "list sources --json", "report-checklist", "run small.toml --no-figures --csv"]
)
def test_a_reader_that_leaves_early_is_no_error(words: str, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    shell = f'set -o pipefail; "{sys.executable}" -m caseload_sim {words} | head -1'
    result = subprocess.run(["bash", "-c", shell], capture_output=True, encoding="utf-8", cwd=tmp_path, timeout=120)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "20"}, {"COLUMNS": "0"}], ids=str)
def test_plain_and_narrow_terminals_get_plain_text(env: dict[str, str], tmp_path: Path) -> None:
    for words in (("list",), ("population", "--help")):
        result = bare(tmp_path, *words, PYTHONIOENCODING="utf-8", **env)
        assert result.returncode == 0, result.stderr.decode()
        assert b"\x1b" not in result.stdout + result.stderr
        assert len(result.stdout) > 300
        if words == ("list",):
            assert all(name.encode() in result.stdout for name in list_scenarios()), "none is lost"
            assert b"The clients of" in result.stdout or env == {"COLUMNS": "20"}


def test_an_installed_wheel_runs_in_another_folder(tmp_path: Path) -> None:
    installed, folder = tmp_path / "wheel here", odd_folder(tmp_path)
    venv.create(installed, with_pip=False)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target",
         str(installed / "site"), str(ROOT)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    env = {"PYTHONPATH": str(installed / "site")}
    found = subprocess.run(
        [sys.executable, "-c", "import caseload_sim; print(caseload_sim.__file__)"],
        capture_output=True, encoding="utf-8", cwd=folder, env={**os.environ, **env}, check=True,
    )  # fmt: skip
    assert Path(found.stdout.strip()).is_relative_to(installed)
    run = call("run", "mein Dienst é.toml", "--replications", "1", folder=folder, env=env)
    assert run.returncode == 0, run.stderr
    listed = call("list", "--json", folder=folder, env=env)
    assert listed.stdout.count('"name"') == len(list((ROOT / "scenarios").glob("*.toml"))) - 1
