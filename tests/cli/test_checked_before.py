"""What can be known before the work is checked before it: no option is refused after anything was simulated."""

import os
from pathlib import Path

import pytest

from caseload_sim import get_scenario, list_scenarios, load_scenario, read_run
from caseload_sim.cli.main import COMMANDS
from caseload_sim.errors import CaseloadError, RunError
from caseload_sim.experiments.precision import precision_from, replicate_until
from caseload_sim.experiments.sweep import sweep
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.whole_files import save_text
from caseload_sim.support.surroundings import at_home
from commands import SMALL_FILE, call_here

OFFICIAL = """
[official.odd]
measure = "all_remission"
base = "finished"
at = "end"
group = "ptsd=perhaps"
value = 0.5
role = "fitted"
assumption = "a group that nobody is in"
fitted_by = ["staff.high_intensity_therapist.wte"]
"""
SWEEP = "sweep small.toml population.prevalence.ptsd 0.1,0.3"
SOLVE = "solve small.toml --vary staff.assessor.wte"
# What is typed, and a part of what is said of it.
REFUSED = {
    "run small.toml --precision recovery/finished/end/ptsd=perhaps=1pp": "recovery has no group 'ptsd=perhaps'",
    "run small.toml --precision wait_days_mean///step=nowhere=2": "wait_days_mean has no group 'step=nowhere'",
    "run small.toml --precision recovery/courses/end=1pp": "recovery has no base 'courses'",
    "run small.toml --precision 1pp --replications 1": "an interval takes two at least",
    "run small.toml --figure nosuch": "no such figure",
    "run small.toml --figure differences": "a figure of a comparison",
    "run small.toml --engine nosuch": "no such engine",
    "run small.toml --json --csv": "choose one",
    "run small.toml --full --quiet": "choose one",
    "run small.toml --headline": "goes with --json",
    "run small.toml --jobs 2 --dask tcp://127.0.0.1:1": "choose one",
    "run small.toml --dask nosuch": "not the address of a scheduler",
    "run small.toml --out file": "cannot be written",
    "run small.toml --out file/below": "cannot be written",
    "run small.toml --out {long}": "cannot be written",
    "run small.toml --out ~nobody-of-that-name/results": "home directory",
    "run small.toml --set population.prevalence.nosuch=1": "nosuch",
    "run small.toml --scenario-path nowhere --set run.seed=x": "seed",
    f"{SWEEP} --group nosuch": "has no group 'nosuch'",
    f"{SWEEP} --group ptsd=perhaps": "has no group 'ptsd=perhaps'",
    f"{SWEEP} --measure wait_days_mean --group ptsd=yes": "wait_days_mean has no group 'ptsd=yes'",
    f"{SWEEP} --base nosuch": "not a base",
    f"{SWEEP} --base courses": "has several of base",
    f"{SWEEP} --at nosuch": "not a reading",
    f"{SWEEP} --measure nosuch": "nosuch",
    f"{SWEEP} --out file": "cannot be written",
    "sweep small.toml population.prevalence.ptsd 0.1,7": "7",
    "sweep small.toml population.prevalence.nosuch 0.1,0.3": "nosuch",
    f"{SOLVE} --target recovery/finished/end/ptsd=perhaps>=0.5": "has no group 'ptsd=perhaps'",
    f"{SOLVE} --target wait_days_mean///step=nowhere<=9": "has no group 'step=nowhere'",
    f"{SOLVE} --target nosuch>=0.5": "nosuch",
    f"{SOLVE} --target recovery>=0.5 --from 9 --to 2": "is empty",
    "solve small.toml --target recovery>=0.5 --vary nosuch": "not a number of",
    f"{SOLVE} --target recovery>=0.5 --out file": "cannot be written",
    "compare small.toml": "two scenarios",
    "compare small.toml other.toml --measure nosuch": "nosuch",
    "compare small.toml other.toml --versus nosuch": "not among those compared",
    "compare small.toml other.toml --out file": "cannot be written",
    "report small.toml --versus nosuch.toml": "nosuch.toml",
    "report nowhere": "no such scenario",
    "rank small.toml other.toml --by nosuch": "nosuch",
    "rank small.toml other.toml --by recovery/finished/end/ptsd=yes": "of all clients",
    "rank small.toml small.toml": "small",
    "reconcile small.toml --to nosuch": "nosuch",
    "reconcile small.toml --from full_remission --to recovery": "recovery",
    "audit small.toml --n 0": "an audit interviews",
    "audit small.toml --result 2": "between 0 and 1",
    "audit small.toml --out file": "cannot be written",
    "uncertainty small.toml --draws 1": "two at least",
    "warm-up small.toml --out file": "cannot be written",
    "validate-model small.toml": "no official figures",
    "validate-model official.toml": "has no group 'ptsd=perhaps'",
    "validate-model --all-services --replications 2": "fitted with one replication each",
    "validate-model --service NOBODY": "no provider with this code",
    "validate-model --service RHA": "none of these services has a full year",
    "validate-model --service RWV --out file": "cannot be written",
    "backtest --from 2023": "not a financial year",
    "backtest --from 2024-25 --to 2023-24": "must follow the first",
    "backtest --from 2024-25 --to 2025-26": "nothing is published for",
    "backtest --service NOBODY": "no provider with this code",
    "backtest --service RY6": "none of these services has a full year",
    "backtest --service RWV --out file": "cannot be written",
    "calibrate service official.toml": "has no group 'ptsd=perhaps'",
    "calibrate service official.toml --out small.toml": "is there already",
    "calibrate outcome hepgul_2016 --out file/below.toml": "cannot be written",
    "calibrate structures --out file": "is there already",
    "new file --service RWV": "is there already",
    "new own.toml --service NOBODY": "no provider with this code",
    "population small.toml --out file": "cannot be written",
    "rerun nowhere": "no such file or folder",
    "structures small.toml --scenario-path nowhere --set run.seed=x": "seed",
}  # fmt: skip
SIMULATE_NOTHING = {
    "plot", "show", "list", "explain", "diff", "validate", "services", "import-statistics", "schema", "report-checklist", "check",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("small", "other"):
        (tmp_path / f"{name}.toml").write_text(SMALL_FILE, encoding="utf-8")
    (tmp_path / "official.toml").write_text(SMALL_FILE + OFFICIAL, encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    return tmp_path


@pytest.fixture
def nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("something was simulated, drawn or fitted")

    for module in ("rounds", "tasks"):
        monkeypatch.setattr(f"caseload_sim.experiments.{module}.finish", refused)
    monkeypatch.setattr("caseload_sim.cli.calibrate.population_report", refused)
    monkeypatch.setattr("caseload_sim.cli.calibrate.calibrate_outcome", refused)
    monkeypatch.setattr("caseload_sim.cli.calibrate.calibrate_structures", refused)
    monkeypatch.setattr("caseload_sim.cli.uncertainty.simulate", refused)


def test_every_command_that_simulates_is_tried_here() -> None:
    assert {words.split()[0] for words in REFUSED} | SIMULATE_NOTHING == {name for name, *_ in COMMANDS}


@pytest.mark.usefixtures("nothing_is_run")
@pytest.mark.parametrize("words", REFUSED)
def test_an_option_that_cannot_be_is_refused_before_anything_is_run(words: str, folder: Path) -> None:
    before = set(folder.rglob("*"))
    result = call_here(*words.format(long="x" * 300).split(), folder=folder)
    assert result.returncode == 2, result.stderr
    assert REFUSED[words] in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    left = {path for path in set(folder.rglob("*")) - before if path.name != "results"}
    assert left == set(), "nothing is left that could not be resumed"


@pytest.mark.usefixtures("nothing_is_run")
@pytest.mark.parametrize("in_the_way", ["figures", "measures.csv/", "clients.parquet/", "run.json/"])
def test_what_stands_in_the_way_of_a_file_is_seen_before(in_the_way: str, folder: Path) -> None:
    scenario = load_scenario(folder / "small.toml")
    (folder / "out" / "a").mkdir(parents=True)
    path = folder / "out" / "a" / in_the_way.rstrip("/")
    path.mkdir() if in_the_way.endswith("/") else path.write_text("", encoding="utf-8")
    with pytest.raises(RunError, match=r"cannot be written \(.*is in the way"):
        RunFolder(folder / "out", "a", {"kind": "run", "scenario": scenario.name})
    assert path.exists()


def test_python_refuses_a_figure_before_it_runs(folder: Path, nothing_is_run: None) -> None:
    scenario = load_scenario(folder / "small.toml")
    with pytest.raises(RunError, match="has no group 'ptsd=perhaps'"):
        sweep(scenario, {"population.prevalence.ptsd": [0.1]}, "recovery", group="ptsd=perhaps")
    with pytest.raises(RunError, match="has no group 'ptsd=perhaps'"):
        replicate_until(scenario, precision_from("recovery/finished/end/ptsd=perhaps=1pp"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_a_tilde_is_the_home_folder_in_every_path_of_every_command(home: Path, tmp_path: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    (tmp_path / "here").mkdir()

    def done(*words: str) -> str:
        result = call_here(*words, folder=tmp_path / "here")
        assert result.returncode == 0, result.stderr
        return result.stdout

    done("run", "~/mine/small.toml", "--no-figures", "--replications", "1", "--out", "~/results")
    (saved,) = (home / "results").iterdir()
    short = f"~/results/{saved.name}"
    done("plot", short, "--figure", "ladder")
    assert (saved / "figures" / "ladder.png").exists()
    done("rerun", short)
    done("rerun", f"{short}/run.json")
    done("explain", "small", "--scenario-path", "~/mine")
    assert '"small"' in done("list", "scenarios", "--json", "--scenario-path", "~/mine")
    done("schema", "--out", "~/schema.json")
    done("report-checklist", "--out", "~/checklist.md")
    done("new", "~/mine/new.toml")
    done("calibrate", "population", "--out", "~/fitted.toml")
    for name in ("schema.json", "checklist.md", "mine/new.toml", "fitted.toml"):
        assert (home / name).is_file(), name
    assert not list((tmp_path / "here").glob("*~*"))


def test_a_tilde_is_the_home_folder_in_python_too(home: Path) -> None:
    (home / "mine.toml").write_text(SMALL_FILE, encoding="utf-8")
    assert load_scenario("~/mine.toml").name == "mine"
    assert load_scenario(Path("~/mine.toml")).name == "mine"
    assert get_scenario("mine", paths=[Path("~")]).name == "mine"
    assert "mine" in list_scenarios([Path("~")])
    with pytest.raises(RunError, match=str(home)):
        read_run("~/nowhere")
    folder = RunFolder(Path("~/out"), "a")
    assert folder.final == home / "out" / "a"
    folder.discard()
    save_text(Path("~/text"), "x")
    assert (home / "text").read_text(encoding="utf-8") == "x"
    with pytest.raises(CaseloadError, match="Write the folder in full"):
        load_scenario("~nobody-of-that-name/mine.toml")
    assert os.fspath(at_home("a/~")) == "a/~"
