"""What every command that simulates has in common: --jobs, --dask, --resume, and nothing finished is lost.

A new command must be put into one of the two tables here, or the first test fails.
"""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from caseload_sim.cli import running
from caseload_sim.cli.main import COMMANDS, GROUPS, LONGEST_SUMMARY, app
from caseload_sim.experiments.tasks import Finished, ReplicationKey
from caseload_sim.experiments.workers import Workers
from caseload_sim.figures.gallery import of_kind
from caseload_sim.runs.kept_replications import UNFINISHED, Unfinished, how_many
from caseload_sim.runs.record import FILES, OWN_DIGEST, RECORD, TABLE_KINDS, own_digest, plain
from caseload_sim.scenario.scenario import Scenario
from commands import call, call_here
from saved_rows import numbers_are_numbers

BRIEF = """
[run]
replications = 2
warm_up_days = 40
data_collection_days = 60
follow_up_days = 400
[demand]
referrals_per_year = { value = 600, assumption = "small" }
"""
RUNS = {
    "run": "run small.toml --no-figures",
    "sweep": "sweep small.toml population.prevalence.ptsd 0.1:0.3:2",
    "solve": "solve small.toml --target recovery/finished/end>=0.4 --vary staff.assessor.wte --replications 1",
    "compare": "compare small.toml other.toml --no-figures",
    "report": "report small.toml",
    "reconcile": "reconcile small.toml",
    "audit": "audit small.toml",
    "uncertainty": "uncertainty small.toml --draws 2",
    "rank": "rank small.toml other.toml",
    "calibrate": "calibrate service national.toml --replications 1",
    "validate-model": "validate-model national.toml --replications 2",
    "warm-up": "warm-up small.toml",
    "backtest": "backtest --service DH8 --service DA1 --replications 1",
    "rerun": "rerun stored",
    "new": "new own.toml --service DH8",
}
RUN_ONE_OR_NONE = {
    "population", "plot", "show", "list", "explain", "diff", "validate", "services", "import-statistics", "schema", "report-checklist", "check", "structures",
}  # fmt: skip


SAVE_NOTHING = {"calibrate", "validate-model", "rerun", "new"}
OTHER_FOLDERS = {
    "population": "population small.toml --clients 1000 --seed 3",
    "validate-services": "validate-model --all-services --service DH8",
}
GIVEN: dict[str, dict[str, object]] = {
    "solve": {"target": "recovery/finished/end>=0.4", "vary": "staff.assessor.wte", "from": None, "to": None, "from_today": False},
    "reconcile": {"from": "recovery/finished/end", "to": "all_remission/started/month_12"},
    "audit": {"n": 90, "result": 0.092},
    "uncertainty": {"draws": 2},
    "rank": {"by": "helped_to_remission/referred/end"},
    "population": {"clients": 1000},
    "warm-up": {},
    "validate-services": {"services": ["DH8"]},
    "backtest": {"services": ["DA1", "DH8"], "from": "2023-24", "to": "2024-25"},
}  # fmt: skip


def is_a_whole_record(folder: Path, n_replications: int) -> dict[str, Any]:
    """Assert that a folder says what it is, what was asked, with what it was made, and what each of its tables is."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    kind = record["kind"]
    scenarios = record["scenarios"] if kind == "comparison" else [record["scenario"]]
    for content in [*scenarios, *record.get("others", [])]:
        assert plain(Scenario.model_validate_json(json.dumps(content))) == content, "whole, so that it can be run again"
    assert record["seed"] == scenarios[0]["run"]["seed"]
    assert {"caseload-sim", "numpy"} <= set(record["versions"])
    assert record["python"]
    assert record["platform"]
    assert record[OWN_DIGEST] == own_digest(record)
    tables = {path.name for path in folder.iterdir() if path.suffix in (".csv", ".parquet")}
    assert record[FILES] == {name: sha256((folder / name).read_bytes()).hexdigest() for name in tables}
    for name, n_rows in record["rows"].items():
        with (folder / name).open(encoding="utf-8", newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == n_rows + 1
    assert record["rows"]
    for reader in ("csv", "pyarrow"):
        assert numbers_are_numbers(folder, reader) > 2
    if kind in TABLE_KINDS:
        assert len(record["digests"]) == n_replications
        assert GIVEN[kind].items() <= record["given"].items()
    return dict(record)


def is_drawn_again(made: Path, folder: Path) -> None:
    """Assert that `plot` draws every figure of a folder from its files alone, the one that was there among them."""
    drawn = call_here("plot", str(made), "--format", "svg", folder=folder)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    kind = json.loads((made / RECORD).read_text(encoding="utf-8"))["kind"]
    assert {path.stem for path in (made / "figures").glob("*.svg")} == set(of_kind(kind))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small scenarios, and a run of one."""
    folder = tmp_path_factory.mktemp("inputs")
    for name, parent in (("small", "hepgul_2016"), ("other", "right_target"), ("national", "national_2024_25")):
        text = f'extends = "{parent}"\ntitle = "A brief {name} service"\n{BRIEF}'
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    assert call_here("run", "small.toml", "--no-figures", folder=folder).returncode == 0
    (made,) = (folder / "results").iterdir()
    made.rename(folder / "stored")
    (folder / "results").rmdir()
    return folder


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Workers]:
    """Two processes that all commands here use in turn: to start them takes longer than what they do."""
    with Workers(2) as executor:
        yield executor


@contextmanager
def in_folder(inputs: Path, tmp_path: Path, name: str) -> Iterator[Path]:
    """A folder of its own with the same inputs."""
    folder = tmp_path / name
    folder.mkdir()
    for path in inputs.iterdir():
        (folder / path.name).symlink_to(path)
    yield folder


def tables(folder: Path) -> dict[str, bytes]:
    """What a command has saved as text, its record too, by name."""
    texts = [*(folder / "results").glob("*/*.csv"), *(folder / "results").glob(f"*/{RECORD}")]
    return {path.name: path.read_bytes() for path in texts}


def n_kept(folder: Path) -> int:
    """How many finished replications lie in a folder of results."""
    return sum(map(how_many, folder.glob(f"results/*/{UNFINISHED}")))


def noted(monkeypatch: pytest.MonkeyPatch, stop_after: int = 10**6) -> list[ReplicationKey]:
    """The replications that are put among those kept; Ctrl-C comes as soon as there are so many."""
    put: list[ReplicationKey] = []
    really = Unfinished.__setitem__

    def noting(self: Unfinished, key: ReplicationKey, finished: Finished) -> None:
        really(self, key, finished)
        put.append(key)
        if len(put) == stop_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Unfinished, "__setitem__", noting)
    return put


@pytest.mark.parametrize("kind", OTHER_FOLDERS)
def test_other_folders_have_a_whole_record_too(kind: str, inputs: Path, tmp_path: Path) -> None:
    with in_folder(inputs, tmp_path, "a") as folder:
        done = call_here(*OTHER_FOLDERS[kind].split(), folder=folder)
        assert done.returncode == 0, done.stderr
        (made,) = (folder / "results").iterdir()
        record = is_a_whole_record(made, 0 if kind == "population" else 1)
        assert record["kind"] == kind
        is_drawn_again(made, folder)
        refused = call_here("rerun", str(made), folder=folder)
        assert refused.returncode == 2
        assert f"run.json: the record of `caseload-sim {TABLE_KINDS[kind]}`" in refused.stderr
        assert "this needs that of a run or a comparison or a sweep." in refused.stderr
        (made / RECORD).unlink()
        old = call_here("rerun", str(made), folder=folder)
        assert (old.returncode, old.stdout) == (2, "")
        assert "An earlier version saved it, which wrote none for this command: give the command again." in old.stderr


def test_every_command_that_saves_a_table_is_among_those_looked_at() -> None:
    assert set(GIVEN) == set(TABLE_KINDS)
    assert set(RUNS) - SAVE_NOTHING - {"run", "compare", "sweep", "report"} == set(TABLE_KINDS) - set(OTHER_FOLDERS)


def test_every_command_that_runs_more_than_one_simulation_has_jobs_dask_and_resume() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(RUNS) | RUN_ONE_OR_NONE == set(commands), "a new command: say in this file whether it runs simulations"
    for name, later in commands.items():
        options = {option for parameter in later.loaded().params for option in parameter.opts}
        assert ({"--jobs", "--dask", "--resume"} <= options) == (name in RUNS), name


@pytest.mark.parametrize("name", RUNS)
def test_a_command_gives_the_same_with_two_jobs_and_after_being_interrupted(
    name: str, inputs: Path, tmp_path: Path, two_workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = RUNS[name].split()
    with in_folder(inputs, tmp_path, "whole") as folder, monkeypatch.context() as patch:
        put = noted(patch)
        whole = call_here(*words, folder=folder)
        assert whole.returncode == 0, whole.stderr
        wanted, n = tables(folder), len(put)
        assert n == len(set(put)) >= 2
        assert not list(folder.glob(f"results/*/{UNFINISHED}"))
        if name not in SAVE_NOTHING:
            made = next(folder.glob(f"results/*/{RECORD}")).parent
            is_a_whole_record(made, n)
            if name != "report":
                is_drawn_again(made, folder)
                shutil.rmtree(made / "figures")

    with in_folder(inputs, tmp_path, "by two") as folder, monkeypatch.context() as patch:
        asked: list[int] = []

        def two(n_workers: int) -> "nullcontext[Executor]":
            asked.append(n_workers)
            return nullcontext(two_workers)

        patch.setattr(running, "Workers", two)
        by_two = call_here(*words, "--jobs", "2", folder=folder)
        assert (by_two.returncode, by_two.stdout, tables(folder)) == (0, whole.stdout, wanted), by_two.stderr
        assert asked == [2]

    with in_folder(inputs, tmp_path, "interrupted") as folder:
        for k, stop_after in enumerate((n // 2, 1)):
            with monkeypatch.context() as patch:
                patch.setattr(signal, "signal", lambda *_: None)
                before = noted(patch, stop_after)
                stopped = call_here(*words, *["--resume"] * k, folder=folder)
            kept = n // 2 + k
            assert stopped.returncode == 130, stopped.stderr
            assert f"Interrupted: {kept} finished replications are kept: go on with --resume." in stopped.stderr
            assert n_kept(folder) == kept
            assert len(before) == stop_after
        with monkeypatch.context() as patch:
            put = noted(patch)
            resumed = call_here(*words, "--resume", folder=folder)
        assert (resumed.returncode, resumed.stdout, tables(folder)) == (0, whole.stdout, wanted), resumed.stderr
        assert f"Resumed: {kept} replications were finished in" in resumed.stderr
        assert len(put) == n - kept, "what was finished is not run again"


@pytest.mark.parametrize("name", ["calibrate", "validate-model", "rerun"])
def test_a_command_that_saves_nothing_leaves_no_folder_and_needs_none(name: str, inputs: Path, tmp_path: Path) -> None:
    with in_folder(inputs, tmp_path, "a") as folder:
        done = call_here(*RUNS[name].split(), folder=folder)
        assert done.returncode == 0
        assert not (folder / "results").exists()
        (folder / "results").write_text("in the way", encoding="utf-8")
        again = call_here(*RUNS[name].split(), folder=folder)
        assert (again.returncode, again.stdout) == (0, done.stdout)
        assert "Note: if this is ended early, nothing is kept. " in again.stderr
        resumed = call_here(*RUNS[name].split(), "--resume", folder=folder)
        assert resumed.returncode == 2
        assert "cannot be written" in resumed.stderr


def test_uncertainty_that_is_killed_at_once_goes_on_where_it_was(inputs: Path, tmp_path: Path) -> None:
    words = ("uncertainty", "small.toml", "--draws", "4")
    with in_folder(inputs, tmp_path, "whole") as folder:
        whole = call(*words, folder=folder)
        wanted = tables(folder)
    with in_folder(inputs, tmp_path, "killed") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "caseload_sim", *words, "--jobs", "2"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while n_kept(folder) < 3:
            assert process.poll() is None, "it was done before it could be killed"
        process.kill()
        process.wait()
        n = n_kept(folder)
        resumed = call(*words, "--jobs", "2", "--resume", folder=folder)
        assert f"Resumed: {n} replications were finished in" in resumed.stderr
        assert (resumed.returncode, resumed.stdout) == (0, whole.stdout)
        assert tables(folder) == wanted


def test_help_lists_every_command_in_a_line_that_no_terminal_cuts(tmp_path: Path) -> None:
    said = call_here("--help", folder=tmp_path).stdout
    for name, module, function, summary in COMMANDS:
        assert getattr(import_module(f"caseload_sim.cli.{module}"), function).__doc__.splitlines()[0].endswith("."), (
            name
        )
        assert len(summary) <= LONGEST_SUMMARY
        assert re.search(rf"^  {name} +{re.escape(summary)}$", said, re.MULTILINE), name
    headings = [line.rstrip(":") for line in said.splitlines() if line.rstrip(":") in GROUPS]
    assert headings == list(GROUPS)


@pytest.mark.parametrize(
    ("words", "unloaded"),
    [
        (
            "--help",
            "numpy pydantic scipy matplotlib pyarrow numba simpy rich.progress distributed caseload_sim.cli.run",
        ),
        ("run --help", "matplotlib pyarrow numba distributed caseload_sim.cli.solve"),
        ("explain small.toml", "matplotlib pyarrow numba distributed caseload_sim.cli.run"),
        ("run small.toml --no-figures --replications 1", "matplotlib distributed caseload_sim.analysis.solve"),
    ],
)
def test_a_command_loads_only_what_it_needs(words: str, unloaded: str, inputs: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['caseload-sim', *sys.argv[1:]]\n"
        "from caseload_sim.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print('LOADED', sorted(set({unloaded.split()}) & set(sys.modules)))"
    )
    with in_folder(inputs, tmp_path, "a") as folder:
        ran = subprocess.run(
            [sys.executable, "-c", program, *words.split()], capture_output=True, encoding="utf-8", cwd=folder
        )
    assert ran.stdout.endswith("LOADED []\n"), ran.stdout[-300:] + ran.stderr


GATED = {
    **RUNS,
    "population": "population small.toml --clients 1000",
    "check": "check small.toml",
    "structures": "structures small.toml",
    "validate-model of services": "validate-model --all-services --service DH8",
    "calibrate population": "calibrate population small.toml",
    "calibrate outcome": "calibrate outcome small.toml",
    "calibrate structures": "calibrate structures small.toml",
}
WITHOUT_A_SIMULATION = {
    "plot", "show", "list", "explain", "diff", "validate", "services", "import-statistics", "schema", "report-checklist",
}  # fmt: skip


def test_every_command_that_simulates_is_named_as_passing_the_gate() -> None:
    assert {words.split()[0] for words in GATED.values()} | WITHOUT_A_SIMULATION == {name for name, *_ in COMMANDS}


@pytest.mark.parametrize("words", list(GATED.values()), ids=list(GATED))
def test_no_command_begins_what_is_too_much(
    words: str, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "too_much", lambda work, memory_bytes: "too much of something")
    with in_folder(inputs, tmp_path, "gated") as folder:
        before = sorted(folder.iterdir())
        result = call_here(*words.split(), folder=folder)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("RunError: too much of something. Use fewer referrals a year"), result.stderr
        assert sorted(folder.iterdir()) == before, "nothing was begun"


def test_a_file_that_run_would_not_begin_is_not_called_valid_without_a_word(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call_here("validate", "small.toml", folder=inputs).stderr == ""
    result = call_here("validate", "small.toml", "--set", "demand.referrals_per_year=1000000",
                       "--set", "run.follow_up_days=36000", "--set", "run.weekends_off=false", folder=inputs)  # fmt: skip
    assert result.stdout.startswith("small.toml: valid.")
    assert "more than 20,000,000 are not begun unasked; that takes --beyond-limits." in result.stderr
