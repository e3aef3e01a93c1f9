"""A stored run is run again and compared table by table; what cannot be compared is refused."""

import copy as copy_module
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.experiments.sweep import sweep
from caseload_sim.experiments.workers import Workers
from caseload_sim.runs.record import RECORD, own_digest, record_of_comparison, record_of_run, record_of_sweep
from caseload_sim.runs.rerun import rerun
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.provenance import digest
from commands import SMALL_FILE, call_here

VALUES = {"population.prevalence.ptsd": [0.1, 0.3]}


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes({"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400})


@pytest.fixture(scope="module")
def stored(brief: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the record of one run."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / RECORD).write_text(json.dumps(record_of_run(replicate(brief), "kernel", False)), encoding="utf-8")
    return folder


@pytest.fixture
def copy(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "copy"))


def changed(folder: Path, change: Callable[[dict[str, Any]], object], *, sealed: bool = True) -> Path:
    """The record with a change, as if it had been written so; or as if somebody had changed it since."""
    path = folder / RECORD
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    if sealed:
        record["digest_of_this_record"] = own_digest(record)
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def test_a_stored_run_gives_the_same_digests_from_its_folder_or_its_file(stored: Path) -> None:
    for place in (stored, stored / RECORD):
        outcome = rerun(place)
        assert (outcome.n_digests, outcome.differing, outcome.notes) == (2 * 4, (), ())


def test_through_workers_too(stored: Path) -> None:
    with Workers(2) as executor:
        assert rerun(stored, executor=executor).differing == ()


def test_sweeps_comparisons_and_drawn_prevalences_can_be_rerun(brief: Scenario, tmp_path: Path) -> None:
    other = brief.with_changes({"staff.high_intensity_therapist.wte": 4.0}).model_copy(update={"name": "other"})
    uncertain = replicate(brief, parameter_uncertainty=True)
    assert uncertain.digests != replicate(brief).digests
    records = [
        (8, record_of_run(uncertain, "kernel", True)),
        (16, record_of_sweep(sweep(brief, VALUES, "recovery"), VALUES, "kernel")),
        (16, record_of_comparison(compare([brief, other], versus="other", seed=5), "kernel", [])),
        (16, record_of_comparison(compare([brief, other], versus="other", seed=5, own_start=True), "kernel", [])),
    ]
    for n_digests, record in records:
        (tmp_path / RECORD).write_text(json.dumps(record), encoding="utf-8")
        outcome = rerun(tmp_path)
        assert (outcome.n_digests, outcome.differing) == (n_digests, ())


def test_what_differs_is_named_by_replication_and_table(copy: Path) -> None:
    changed(copy, lambda record: record["digests"][1].update(episodes="0" * 64, outcomes="0" * 64))
    outcome = rerun(copy)
    assert outcome.differing == ("hepgul_2016, replication 1: episodes differ", "hepgul_2016, replication 1: outcomes differ")  # fmt: skip
    changed(copy, lambda record: record["scenario"]["run"].update(seed=5))
    assert len(rerun(copy).differing) == 8


def test_the_point_of_a_sweep_that_differs_is_named(brief: Scenario, tmp_path: Path) -> None:
    record = record_of_sweep(sweep(brief, VALUES, "recovery", replications=1), VALUES, "kernel")
    record["scenario"]["run"]["replications"] = 1
    record["digests"][1][0]["clients"] = ""
    (tmp_path / RECORD).write_text(
        json.dumps({**record, "digest_of_this_record": own_digest(record)}), encoding="utf-8"
    )
    assert rerun(tmp_path).differing == ("population.prevalence.ptsd=0.3, replication 0: clients differ",)


def test_a_change_in_the_readings_alone_is_seen(brief: Scenario) -> None:
    """Readings are tables within the outcomes, their rungs dicts within those: the digest covers every column of them."""
    outcomes = simulate(brief).outcomes
    before = digest(outcomes)
    assert before == digest(copy_module.deepcopy(outcomes))
    columns = [
        outcomes.service.last_phq9, outcomes.none.relapsed, outcomes.none.without, outcomes.service.end["all_remission"],
        outcomes.none.month_12["full_remission"], outcomes.course_scores.last_gad7,
    ]  # fmt: skip
    for column in columns:
        first: Any = column.flat[0]
        column.flat[0] = not first if column.dtype == bool else first + 1
        assert digest(outcomes) != before
        column.flat[0] = first
    assert digest(outcomes) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("digests"),
        lambda record: record.update(digests=5),
        lambda record: record.update(digests=record["digests"][:1]),
        lambda record: record.update(digests=[1, 2]),
        lambda record: record.pop("versions"),
        lambda record: record.update(versions=[]),
        lambda record: record.pop("platform"),
    ],
)
def test_a_record_sealed_with_something_else_in_it_is_refused(change: Callable[[dict[str, Any]], object], copy: Path) -> None:  # fmt: skip
    changed(copy, change)
    with pytest.raises(RunError, match=r"run\.json: (not the record it should be|made with)"):
        rerun(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 200_000, "run.json: not JSON."),
        ('{"kind": "run", "seed": ' + "9" * 100_000 + "}", "run.json: not JSON."),
        ("[" + "1," * 1_100_000 + "1]", "run.json: more than 64,000,000 bytes or 1,000,000 values."),
    ],
)
def test_a_hostile_record_is_refused(content: str, message: str, copy: Path) -> None:
    (copy / RECORD).write_text(content, encoding="utf-8")
    with pytest.raises(RunError) as caught:
        rerun(copy)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda scenario: scenario["pathway"].update(policy="none"),
            "at pathway.policy: 'none' is not a known policy.",
        ),
        (lambda scenario: scenario.update(title="x" * 20_000), "at title: a text of 20,000 characters"),
        (lambda scenario: scenario["run"].update(replications=-1), "at run.replications"),
    ],
)
def test_a_record_of_an_impossible_scenario_is_refused(change: Callable[[dict[str, Any]], object], message: str, copy: Path) -> None:  # fmt: skip
    changed(copy, lambda record: change(record["scenario"]))
    with pytest.raises(RunError) as caught:
        rerun(copy)
    assert f"run.json: its scenario cannot be used, {message}" in str(caught.value)


def test_another_version_is_refused_unless_it_is_to_be_compared_all_the_same(copy: Path) -> None:
    changed(copy, lambda record: record["versions"].update({"caseload-sim": "0.0.1"}))
    with pytest.raises(RunError, match=r"run.json: made with caseload-sim 0.0.1, and here is .* with --anyway\.$"):
        rerun(copy)
    outcome = rerun(copy, anyway=True)
    assert outcome.differing == ()
    assert outcome.notes[0].startswith("made with caseload-sim 0.0.1, and here is ")


def test_another_platform_is_only_noted(copy: Path) -> None:
    changed(copy, lambda record: record.update(platform="vax-vms"))
    assert rerun(copy).notes[0].startswith("made on vax-vms, and this is ")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: path.write_text(""), "run.json: not JSON. It is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "run.json: not JSON. It is damaged"),
        (lambda path: path.write_bytes(bytes(range(256))), "run.json: not JSON. It is damaged"),
        (lambda path: path.write_text("[]"), "run.json: not the record of a run or a comparison or a sweep."),
        (lambda path: path.write_text('{"kind": "run"}'), "run.json: not as it was written. It is damaged"),
        (lambda path: path.unlink(), "not a run folder, because it has no run.json."),
    ],
)  # fmt: skip
def test_a_damaged_record_is_refused(harm: Callable[[Path], object], message: str, copy: Path) -> None:
    harm(copy / RECORD)
    with pytest.raises(RunError) as caught:
        rerun(copy)
    assert message in str(caught.value)


def test_a_record_changed_by_hand_is_refused(copy: Path) -> None:
    changed(copy, lambda record: record["scenario"]["run"].update(seed=5), sealed=False)
    with pytest.raises(RunError, match=r"run.json: not as it was written"):
        rerun(copy)


def test_the_command_says_equal_with_code_0_and_different_with_code_1(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    assert call_here("run", "small.toml", "--no-figures", "--replications", "1", folder=tmp_path).returncode == 0
    (saved,) = (tmp_path / "results").iterdir()
    place = saved.relative_to(tmp_path)
    equal = call_here("rerun", str(place), folder=tmp_path)
    assert (equal.returncode, equal.stdout) == (0, f"{place}: all 4 digests are equal.\n")
    changed(saved, lambda record: record["digests"][0].update(courses="x"))
    different = call_here("rerun", str(place / RECORD), "--jobs", "2", folder=tmp_path)
    assert different.returncode == 1
    assert different.stdout.splitlines() == [
        f"{place / RECORD}: 1 of 4 digests differ.", "small, replication 0: courses differ"
    ]  # fmt: skip
    nowhere = call_here("rerun", "nowhere", folder=tmp_path)
    assert nowhere.returncode == 2
    assert "nowhere: no such file or folder. Give a run.json, or the folder that it is in." in nowhere.stderr
