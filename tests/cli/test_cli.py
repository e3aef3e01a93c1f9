"""The command line as a user meets it: output, files, exit codes."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from caseload_sim.experiments.replicate import check_engines
from caseload_sim.scenario.catalogue import load_scenario
from commands import SMALL_FILE, call, call_here

COLUMNS = (
    "scenario,measure,base,at,service,group,value,lower_95_ci,upper_95_ci,lower_95_range,upper_95_range,"
    "numerator,denominator,unit,n_replications,could_be_low,could_be_high"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    return tmp_path


def test_help_loads_nothing_heavy_and_names_every_command(folder: Path) -> None:
    code = (
        "import sys, caseload_sim.cli.main as c\n"
        "try: c.app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'matplotlib', 'pyarrow', 'numba', 'scipy', 'numpy', 'simpy', 'pydantic', 'distributed'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=folder)
    assert "HEAVY []" in result.stdout, result.stdout + result.stderr
    for command in ("run", "list", "explain", "validate"):
        assert command in result.stdout


def test_a_run_prints_the_ladder_and_leaves_a_complete_folder(folder: Path) -> None:
    result = call("run", "small.toml", "--seed", "7", "--out", "results/", folder=folder)
    assert result.returncode == 0, result.stderr
    assert "Recovered by the service's questionnaires (model)" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert len(result.stdout.splitlines()) <= 16
    assert result.stderr.splitlines()[0].startswith(
        "small, seed 7, 2 replications: 60 days warm-up, 60 data collection"
    )
    assert len(result.stderr.splitlines()) == 3, (
        "one line of progress when not a terminal, one saying where it was saved, one what to do next"
    )
    (saved,) = (folder / "results").iterdir()
    assert saved.name.startswith("small-7-")
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    figures = {f"figures/{name}.png" for name in ("disorders", "flow", "waits", "waiting_list", "ladder")}
    assert names == figures | {
        "run.json", "measures.csv", "over_time.csv", "cost_effectiveness.csv", "clients.parquet", "episodes.parquet", "outcomes.parquet",
        "replications.parquet", "measure_definitions.csv", "data_dictionary.csv",
    }  # fmt: skip
    record = json.loads((saved / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 7
    assert set(record["versions"]) == {"caseload-sim", "numpy", "scipy", "simpy"}
    assert len(record["digests"]) == 2
    assert record["scenario"]["population"]["prevalence"]["alcohol_dependence"]["source"] == "hepgul2016"
    clients, outcomes = pq.read_table(saved / "clients.parquet"), pq.read_table(saved / "outcomes.parquet")
    assert clients.num_rows == outcomes.num_rows > 500
    assert outcomes.column("end_day").null_count >= 0
    assert set(pq.read_table(saved / "episodes.parquet").column_names) == {
        "id", "provider", "step", "joined_day", "started_day", "ended_day", "ending"
    }  # fmt: skip
    header = (saved / "over_time.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "scenario,measure,step,day,value,lower_95_ci,upper_95_ci"


def test_json_and_csv_print_the_same_rows_and_nothing_else(folder: Path) -> None:
    as_json = call_here("run", "small.toml", "--no-figures", "--json", folder=folder)
    as_csv = call_here("run", "small.toml", "--no-figures", "--csv", folder=folder)
    rows, table = json.loads(as_json.stdout), list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert as_csv.stdout.splitlines()[0] == COLUMNS
    assert list(rows[0]) == COLUMNS.split(",")
    assert len(rows) == len(table) > 1000
    for ours, theirs in zip(rows, table, strict=True):
        assert [ours[k] for k in ("measure", "base", "at", "service", "group")] == [
            theirs[k] for k in ("measure", "base", "at", "service", "group")
        ]
        assert (ours["value"] is None) == (theirs["value"] == "")
    shares = [row["value"] for row in rows if row["unit"] == "share" and row["value"] is not None]
    assert all(-1 <= value <= 1 for value in shares)
    assert {row["at"] for row in rows} == {"", "end", "month_12", "sustained"}
    assert {row["service"] for row in rows} == {"", "service", "none", "difference"}
    assert {row["base"] for row in rows} == {"all", "finished", "started", "referred", "courses"}


def test_the_same_run_twice_is_one_folder_with_the_same_measures(folder: Path) -> None:
    words = ("run", "small.toml", "--no-figures", "--csv", "--replications", "1")
    first = call_here(*words, folder=folder)
    second = call_here(*words, folder=folder)
    assert first.stdout == second.stdout
    assert len(list((folder / "results").iterdir())) == 1
    other = call_here(*words, "--set", "population.prevalence.alcohol_dependence.value=0.30", folder=folder)
    assert other.stdout != first.stdout
    assert len(list((folder / "results").iterdir())) == 2


def test_one_figure_can_be_chosen(folder: Path) -> None:
    call_here("run", "small.toml", "--figure", "ladder", "--replications", "1", folder=folder)
    (saved,) = (folder / "results").iterdir()
    assert [path.name for path in (saved / "figures").iterdir()] == ["ladder.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "hepgul_2015"), "CatalogueError: hepgul_2015: no such scenario. Did you mean 'hepgul_2016'?"),
        (
            ("run", "small.toml", "--figure", "laddr"),
            "CatalogueError: --figure laddr: no such figure. Did you mean 'ladder'?",
        ),
        (("run", "small.toml", "--json", "--csv"), "RunError: --json and --csv: choose one."),
        (("run", "small.toml", "--set", "foo"), "RunError: --set foo: write PATH=VALUE"),
        (("run", "small.toml", "--set", "run.seed=-1"), "--set run.seed: -1 is out of range; it must be at least 0."),
        (("list", "condition"), "CatalogueError: condition: nothing of that kind to list. Did you mean 'conditions'?"),
        (("run", "small.toml", "--out", "small.toml"), "RunError: small.toml: cannot be written"),
        (("validate", "nothing.toml"), "CatalogueError: nothing.toml: no such file."),
    ],
)
def test_bad_input_ends_with_code_2_one_message_and_nothing_written(
    words: tuple[str, ...], message: str, folder: Path
) -> None:
    result = call_here(*words, folder=folder)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert [path.name for path in folder.iterdir()] == ["small.toml"]


def test_a_run_interrupted_before_anything_is_finished_leaves_nothing_behind(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "caseload_sim", "run", "hepgul_2016", "--replications", "50", "--no-figures"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert process.stderr is not None
    assert "Work: " in process.stderr.readline()
    assert "hepgul_2016, seed" in process.stderr.readline()  # no replication is finished yet
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted: nothing was saved." in errors
    assert "Traceback" not in errors
    assert list((folder / "results").iterdir()) == []


@pytest.mark.parametrize("what", ["scenarios", "conditions", "measures", "figures", "policies", "sources"])
def test_everything_can_be_listed_for_people_and_machines(what: str, folder: Path) -> None:
    plain, machine = call_here("list", what, folder=folder), call_here("list", what, "--json", folder=folder)
    rows = json.loads(machine.stdout)
    assert len(rows) >= 4
    first = next(iter(rows[0].values()))
    assert str(first) in plain.stdout


def test_check_says_that_the_engines_agree_or_where_they_do_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agree = call_here("check", "small.toml", folder=folder)
    assert agree.returncode == 0, agree.stderr
    stays, _ = check_engines(load_scenario(folder / "small.toml"))
    assert agree.stdout == f"small: the engines agree on all {stays:,} stays.\n"
    monkeypatch.setattr("caseload_sim.cli.rerun.check_engines", lambda *_, **__: (9, "row 3, client 7"))
    differ = call_here("check", "small.toml", folder=folder)
    assert (differ.returncode, differ.stdout) == (1, "small: the engines differ. row 3, client 7\n")


def test_validate_and_explain(folder: Path) -> None:
    assert call_here("validate", "small.toml", folder=folder).stdout.startswith("small.toml: valid. A small service.")
    text = call_here("explain", "small.toml", folder=folder).stdout
    assert "referrals_per_year = 600" in text
    assert "assumption: small" in text
    assert "Hepgul N, King S" in text


def test_a_reader_who_leaves_the_pipe_causes_no_traceback(folder: Path) -> None:
    command = f'"{sys.executable}" -m caseload_sim list sources --json'
    result = subprocess.run(f"{command} | head -1", shell=True, capture_output=True, encoding="utf-8", cwd=folder)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("how", ["", "--csv", "--json"])
def test_a_run_whose_reader_has_left_or_has_no_room_is_saved_all_the_same(folder: Path, how: str) -> None:
    read, write = os.pipe()
    os.close(read)
    outputs = {"left": write}
    if Path("/dev/full").exists():  # Linux has it
        outputs["full"] = os.open("/dev/full", os.O_WRONLY)
    for name, output in outputs.items():
        words = ["run", "small.toml", *how.split(), "--no-figures", "--replications", "1", "--out", f"{name}{how}"]
        ran = subprocess.run(
            [sys.executable, "-m", "caseload_sim", *words],
            stdout=output, stderr=subprocess.PIPE, encoding="utf-8", cwd=folder,
        )  # fmt: skip
        os.close(output)
        assert "Saved in" in ran.stderr, ran.stderr
        assert "Traceback" not in ran.stderr
        assert list((folder / f"{name}{how}").glob("*/run.json"))


def test_a_terminal_without_utf_8_still_shows_the_table(folder: Path) -> None:
    result = call("list", "policies", folder=folder, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert result.returncode == 0, result.stderr
    assert "stepped" in result.stdout


def test_the_version_is_told(folder: Path) -> None:
    assert call("--version", folder=folder).stdout.startswith("caseload-sim ")


def test_the_population_is_shown_target_against_achieved(folder: Path) -> None:
    plain = call_here("population", "hepgul_2016", "--clients", "5000", folder=folder)
    machine = call_here("population", "hepgul_2016", "--clients", "5000", "--json", folder=folder)
    rows = json.loads(machine.stdout)
    assert list(rows[0]) == ["quantity", "target", "achieved", "lower_95_ci", "upper_95_ci", "n", "source"]
    assert "prevalence: alcohol dependence" in plain.stdout
    (saved,) = (folder / "results").iterdir()
    assert {path.name for path in saved.iterdir()} == {"table.csv", "figure.png", "data_dictionary.csv", "run.json"}
    noted = call_here(
        "population", "--clients", "500", "--set", "population.prevalence.alcohol_dependence=0.4", folder=folder
    )
    assert noted.returncode == 0
    assert "Note: population.targets.any_of.alcohol_or_other_substance" in " ".join(noted.stderr.split())


def test_a_calibration_prints_and_saves_a_fragment_once(folder: Path) -> None:
    first = call_here("calibrate", "population", "hepgul_2016", "--out", "fitted.toml", folder=folder)
    assert 'extends = "hepgul_2016"' in first.stdout
    assert call_here("validate", "fitted.toml", folder=folder).returncode == 0
    again = call_here("calibrate", "population", "--out", "fitted.toml", folder=folder)
    assert again.returncode == 2
    assert "fitted.toml: is there already" in again.stderr
    assert call_here("calibrate", "populaton", folder=folder).returncode == 2


def test_a_sweep_prints_saves_and_plots(folder: Path) -> None:
    words = ("sweep", "small.toml", "population.prevalence.ptsd", "0.1:0.3:2", "--replications", "1")
    plain = call_here(*words, folder=folder)
    assert plain.returncode == 0, plain.stderr
    assert "SWEEP of population.prevalence.ptsd: all remission" in plain.stdout
    rows = json.loads(
        call_here(*words, "pathway.declined", "0,0.1", "--measure", "recovery", "--json", folder=folder).stdout
    )
    assert len(rows) == 2 * 2 * 3
    assert {row["second_set_to"] for row in rows} == {0.0, 0.1}
    assert len(list((folder / "results").iterdir())) == 2
    assert "a second path needs its values" in call_here(*words[:4], "pathway.declined", folder=folder).stderr


def test_doubt_about_sources_is_printed_and_saved(folder: Path) -> None:
    result = call_here("run", "small.toml", "--no-figures", "--parameter-uncertainty", folder=folder)
    assert "UNCERTAINTY" in result.stdout
    (saved,) = (folder / "results").iterdir()
    assert (saved / "uncertainty.csv").read_text("utf-8").startswith("scenario,measure,base,at,service,group,sd_total")


def test_running_again_without_figures_keeps_what_is_there(folder: Path) -> None:
    words = ("run", "small.toml", "--replications", "1")
    call_here(*words, "--figure", "ladder", folder=folder)
    (saved,) = (folder / "results").iterdir()
    (saved / "my_notes.txt").write_text("mine", encoding="utf-8")
    assert call_here(*words, "--no-figures", folder=folder).returncode == 0
    assert (saved / "figures" / "ladder.png").exists()
    assert (saved / "my_notes.txt").read_text("utf-8") == "mine"
    assert len(list((folder / "results").iterdir())) == 1


def test_a_service_to_which_nobody_is_referred_still_has_its_figures(folder: Path) -> None:
    result = call_here("run", "small.toml", "--set", "demand.referrals_per_year=0", folder=folder)
    assert result.returncode == 0, result.stderr
    assert len(list((folder / "results").rglob("*.png"))) == 5


def test_odd_names_of_steps_do_not_upset_the_figures(folder: Path) -> None:
    text = (
        SMALL_FILE
        + """
[pathway.steps."a $^$ b"]
kind = "course"
staff = "extra"
patience_mean_days = { value = 9, assumption = "x" }
lag_days_mean = { value = 0, assumption = "x" }
days_between_sessions = { value = 7, assumption = "x" }
planned_sessions_mean = { value = 3, assumption = "x" }
planned_sessions_shape = { value = 3, assumption = "x" }
drop_out_per_session = { value = 0, assumption = "x" }
sessions_for_95_percent = { value = 7, assumption = "x" }
effect = { default = { value = 1, assumption = "x" } }
[staff.extra]
wte = { value = 1, assumption = "x" }
contacts_per_week = { value = 20, assumption = "x" }
leave_share = { value = 0.1, assumption = "x" }
sickness_share = { value = 0.05, assumption = "x" }
training_and_admin_share = { value = 0.05, assumption = "x" }
"""
    )
    (folder / "odd.toml").write_text(text, encoding="utf-8")
    result = call_here("run", "odd.toml", "--replications", "1", folder=folder)
    assert result.returncode == 0, result.stderr


def test_a_closed_or_full_standard_output_is_no_traceback(folder: Path) -> None:
    for redirect in (">&-", "> /dev/full"):
        command = f'"{sys.executable}" -m caseload_sim run small.toml --csv --no-figures --replications 1 {redirect}'
        result = subprocess.run(command, shell=True, capture_output=True, encoding="utf-8", cwd=folder)
        assert "Traceback" not in result.stderr, redirect
