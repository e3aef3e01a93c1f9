"""A trial in the model: the lot knows nothing of anybody, arms are of different people, and the difference is the paired one."""

import csv
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caseload_sim.draws.streams import RETURN_IDS, START_IDS
from caseload_sim.experiments.compare import Compared, compare
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.experiments.trial import TrialRow, shown_of_trial
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

NO_EFFECT = {"outcome.treatment.full_course": 0, "outcome.treatment.full_course_of_distress": 0}


@pytest.fixture(scope="module")
def compared(small: Scenario) -> Compared:
    """A small service, and the same with treatment that does nothing, eight trials of it."""
    return compare({"now": small, "no effect": small.with_changes(NO_EFFECT)}, replications=8, by_lot=True)


def _standard_error(row: TrialRow) -> float:
    """Of the mean over replications of the difference between shares of different people."""
    share = (row.value + row.versus_value) / 2
    return float(np.sqrt(share * (1 - share) * (1 / row.denominator + 1 / row.versus_denominator) / row.n_replications))


@pytest.fixture(scope="module")
def many() -> Simulation:
    return simulate(get_scenario())


def test_the_lot_gives_each_arm_half(many: Simulation) -> None:
    lot = many.care.lot
    assert set(lot.tolist()) == {1, 2}
    assert abs(np.mean(lot == 1) - 0.5) < 4 * 0.5 / np.sqrt(len(lot)), "four standard errors of a fair coin"


def test_the_lot_goes_with_nothing_that_a_client_is_or_receives(many: Simulation) -> None:
    clients, care, out = many.clients, many.care, many.outcomes
    columns: dict[str, NDArray[Any]] = {
        "distress": clients.distress, "deprivation": clients.deprivation, "referral": clients.referral_day, "target": care.target,
        "booking": care.booking_days, "exit": care.exit, "contacts": out.contacts, "first PHQ-9": out.first_phq9,
        "first GAD-7": out.first_gad7, "last PHQ-9": out.service.last_phq9, "untreated PHQ-9": out.none.last_phq9,
        "left": out.left, "relapsed": out.service.relapsed, "all gone": out.service.end["all_remission"],
        **{f"condition {c}": clients.conditions[:, c] for c in range(len(clients.condition_names))},
        **{f"severity {j}": clients.severity[:, j] for j in range(len(clients.disorder_names))},
        **{f"response {s}": care.response[:, s] for s in range(1, len(many.scenario.steps))},
        **clients.strata,
    }  # fmt: skip
    first = care.lot == 1
    assert len(columns) > 30
    for name, column in columns.items():
        ours, theirs = column[first].astype(float), column[~first].astype(float)
        error = np.sqrt(ours.var() / len(ours) + theirs.var() / len(theirs))
        assert abs(ours.mean() - theirs.mean()) <= 4.5 * error, f"{name}: the arms differ by more than chance"


def test_a_person_is_in_the_same_arm_in_every_scenario_and_when_referred_again(small: Scenario) -> None:
    returning = small.with_changes({"pathway.returns.chance": 1.0})
    now, other = simulate(returning), simulate(returning.with_changes({**NO_EFFECT, "population.prevalence.ptsd": 0.5}))
    in_the_other = dict(zip(other.clients.id.tolist(), other.care.lot.tolist(), strict=True))
    by_id = dict(zip(now.clients.id.tolist(), now.care.lot.tolist(), strict=True))
    shared = by_id.keys() & in_the_other.keys()
    assert len(shared) > 1000
    assert all(by_id[one] == in_the_other[one] for one in shared)
    again = [one for one in by_id if one < START_IDS and one - RETURN_IDS in by_id]
    assert len(again) > 100
    assert all(by_id[one] == by_id[one - RETURN_IDS] for one in again)


def test_a_trial_is_the_difference_between_the_two_arms_counted_by_themselves(
    small: Scenario, compared: Compared
) -> None:
    now, other = (
        replicate(small, replications=8),
        replicate(small.with_changes(NO_EFFECT), replications=8, start_of=small),
    )
    row = next(row for row in compared.trial if (row.measure, row.base, row.at) == ("recovery", "finished", "end"))
    arm, versus = other.find("recovery", group="lot=2"), now.find("recovery", group="lot=1")
    assert (row.value, row.versus_value) == (arm.value, versus.value)
    assert row.difference == pytest.approx(arm.value - versus.value)
    assert (row.scenario, row.versus, row.n_replications) == ("no effect", "now", 8)
    both = now.find("recovery", group="lot=1").denominator + now.find("recovery", group="lot=2").denominator
    assert both == now.find("recovery").denominator, "everybody is in one of the arms"


def test_the_difference_of_a_trial_is_the_paired_one_within_its_wider_interval(compared: Compared) -> None:
    """Both estimate the same, and nearly all of their distance is who happens to be in which arm."""
    rows = shown_of_trial(compared.trial)
    assert len(rows) == 7
    for row in rows:
        half = (row.difference_upper_95_ci - row.difference_lower_95_ci) / 2
        assert abs(row.difference - row.paired_difference) < 4 * _standard_error(row), row
        single = (row.one_trial_upper_95 - row.one_trial_lower_95) / 2
        assert single == pytest.approx(3 * half), "a single trial of eight: t sd sqrt(1 + 1/8) against t sd sqrt(1/8)"
    recovery = rows[0]
    assert recovery.difference_lower_95_ci < recovery.paired_difference < recovery.difference_upper_95_ci
    assert recovery.paired_upper_95_ci < 0
    wider = np.mean([row.times_wider for row in rows])
    assert wider > 1.5, "of one row it is itself rough: the ratio of two standard deviations, each of eight numbers"


def test_two_arms_treated_alike_differ_by_chance_alone(small: Scenario) -> None:
    same = compare({"now": small, "again": small}, replications=6, by_lot=True)
    for row in shown_of_trial(same.trial):
        assert abs(row.difference) < 4 * _standard_error(row)
        assert row.paired_difference == 0
        assert np.isnan(row.times_wider), "the paired difference has no interval to be wider than"


def test_no_trial_unless_asked_for_and_no_twins_in_it(small: Scenario, compared: Compared) -> None:
    assert compare({"now": small, "again": small}, replications=1).trial == ()
    assert {row.unit for row in compared.trial} == {"share", "points"}
    figures = [(row.measure, row.base, row.at) for row in compared.trial]
    assert len(figures) == len(set(figures)) > 30


def test_the_command_prints_and_saves_the_trial(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    more = '\n[staff.high_intensity_therapist]\nwte = { value = 30, assumption = "more" }\n'
    (tmp_path / "more.toml").write_text('extends = "small.toml"' + more, encoding="utf-8")
    words = ("compare", "small.toml", "more.toml", "--by-lot", "--no-figures", "--out", "results")
    result = call_here(*words, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "A TRIAL IN THE MODEL, against small: each client in one arm" in result.stdout
    assert "wider because its arms are different people" in " ".join(result.stdout.split())
    (saved,) = (tmp_path / "results").iterdir()
    with (saved / "trial.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [field.name for field in fields(TrialRow)]
    assert json.loads((saved / "run.json").read_text(encoding="utf-8"))["rows"]["trial.csv"] == len(rows)
    machine = json.loads(call_here(*words, "--json", "--measure", "recovery", folder=tmp_path).stdout)
    assert {(row["scenario"], row["versus"], row["measure"]) for row in machine} == {("more", "small", "recovery")}
