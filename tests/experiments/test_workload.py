"""What a command is about to do is reckoned, said when it is much, and not begun unasked when it is too much."""

import re
from pathlib import Path

import pytest

from caseload_sim.draws.streams import Draws
from caseload_sim.experiments.workload import MOST_CLIENT_RUNS, MOST_CLIENTS, Work, too_much, work_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_referrals
from caseload_sim.simulation.pool import Pool
from commands import call_here

MANY = (
    "--set",
    "demand.referrals_per_year=1000000",
    "--set",
    "run.follow_up_days=36000",
    "--set",
    "run.weekends_off=false",
)


def test_as_many_clients_are_reckoned_as_are_drawn(small: Scenario) -> None:
    """From opening on and in the two years before; and once more, where half of them are to come back."""
    returning = small.with_changes({"pathway.returns.chance": 0.5})
    draws = Draws(small.run.seed, 0)
    before = len(Pool(small, draws, POLICIES[small.pathway.policy]).ids)
    n = len(draw_referrals(small, draws).ids) + before
    again = len(draw_referrals(returning, draws).ids) + before
    assert abs(again - work_of([returning]).clients) < 4 * again**0.5
    reckoned = work_of([small]).clients
    assert abs(n - reckoned) < 4 * reckoned**0.5, "a Poisson number: four standard deviations"


def test_work_adds_up_over_scenarios_replications_and_providers(small: Scenario) -> None:
    double = small.with_changes({"demand.referrals_per_year": 2400})
    one, two = work_of([small]), work_of([small, double], times=3)
    assert one.replications == 2
    assert one.client_runs == 2 * one.clients
    assert (two.replications, two.clients) == (12, work_of([double]).clients)
    assert two.client_runs == 6 * (one.clients + two.clients)
    assert one.memory_bytes < work_of([small], jobs=2).memory_bytes <= 4 * one.memory_bytes
    assert work_of([small], jobs=50).memory_bytes == work_of([small], jobs=2).memory_bytes, "no more than replications"
    assert not one.is_remarkable


def test_growth_to_the_limits_of_a_scenario_is_reckoned_at_once(small: Scenario) -> None:
    changes = {"demand.referrals_per_year": 1e6, "run.follow_up_days": 36_000, "run.replications": 100_000}
    work = work_of([small.with_changes({**changes, "run.weekends_off": False})])
    assert work.clients > MOST_CLIENTS
    assert work.client_runs > MOST_CLIENT_RUNS
    assert work.is_remarkable


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (Work(MOST_CLIENTS, 1, MOST_CLIENTS, 1), None),
        (Work(MOST_CLIENTS + 1, 1, 1, 1), "20,000,001 clients in a replication; more than 20,000,000 are not begun"),
        (Work(1, 1, MOST_CLIENT_RUNS, 8 * 10**9), None),
        (
            Work(1, 1, MOST_CLIENT_RUNS + 1, 1),
            "2,000,000,001 clients to simulate; more than 2,000,000,000 are not begun",
        ),
        (Work(1, 1, 1, 8 * 10**9 + 1), "about 8.0 GB of memory would be needed, and this machine has 8.0 GB"),
    ],
)
def test_too_much_is_said_in_words(work: Work, why: str | None) -> None:
    said = too_much(work, 8 * 10**9)
    assert said is None if why is None else said is not None and why in said
    if why is None:
        assert too_much(work, None) is None


@pytest.mark.parametrize(
    "words",
    [
        ("run", "hepgul_2016", *MANY),
        ("sweep", "hepgul_2016", "demand.referrals_per_year", "1000,1000000", *MANY[2:]),
        ("compare", "hepgul_2016", "service_claim", *MANY),
        ("solve", "hepgul_2016", "--target", "recovery>=0.5", "--vary", "staff.assessor.wte", *MANY),
        ("reconcile", "hepgul_2016", *MANY),
        ("audit", "hepgul_2016", *MANY),
        ("uncertainty", "hepgul_2016", *MANY),
        ("rank", "hepgul_2016", *MANY),
        ("warm-up", "hepgul_2016", *MANY),
        ("validate-model", "national_2024_25", *MANY),
        ("calibrate", "service", "national_2024_25", *MANY),
        ("calibrate", "outcome", "hepgul_2016", *MANY),
        ("check", "hepgul_2016", *MANY),
        ("structures", "hepgul_2016", *MANY),
        (
            "solve",
            "hepgul_2016",
            "--target",
            "recovery>=0.5",
            "--vary",
            "demand.referrals_per_year",
            "--to",
            "1e6",
            *MANY[2:],
        ),
        ("run", "national_2024_25", *MANY[:2], "--set", "providers={number=1000, staff_log_sd={value=0.3}}"),
    ],
    ids=lambda words: words[0],
)
def test_no_command_begins_what_no_machine_could_end(words: tuple[str, ...], tmp_path: Path) -> None:
    result = call_here(*words, folder=tmp_path)
    assert result.returncode == 2
    (message,) = result.stderr.splitlines()
    assert re.fullmatch(
        r"RunError: [\d,]+ clients in a replication; more than 20,000,000 are not begun unasked\. Use fewer referrals a year, "
        r"days, replications or --jobs; or begin all the same with --beyond-limits\.",
        message,
    )
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


@pytest.mark.parametrize(
    ("changes", "spells"),
    [
        ({"wte": 1000, "leavers_per_year": 12, "days_to_replace": 10}, 2 * 1000 * (730 + 1100) / (365 / 12 + 10)),
        ({"trainees": 1000, "training_days": 7}, 1000 * (730 + 1100) / 7),
    ],
)
def test_spells_of_staff_are_reckoned_as_often_as_they_end(
    small: Scenario, changes: dict[str, float], spells: float
) -> None:
    staff = {f"staff.{kind}.wte": 0 for kind in small.staff if kind != "assessor"}
    mine = {f"staff.assessor.{key}": value for key, value in {"leavers_per_disorder": 0, "wte": 2, **changes}.items()}
    scenario = small.with_changes({"run.staff_turnover": True, **staff, **mine})
    assert work_of([scenario]).spells == pytest.approx(2 * spells, rel=0.1), "of two replications"


def test_a_table_of_staff_that_never_ends_is_not_begun(small: Scenario) -> None:
    kind = "high_intensity_therapist"
    changes = {
        "run.staff_turnover": True,
        "run.follow_up_days": 36_000,
        "run.weekends_off": False,
        "run.replications": 20,
    }
    endless = small.with_changes({**changes, f"staff.{kind}.wte": 9e4, f"staff.{kind}.contacts_per_week": 1,
                                  f"staff.{kind}.leavers_per_year": 12, f"staff.{kind}.leavers_per_disorder": 1,
                                  f"staff.{kind}.days_to_replace": 0})  # fmt: skip
    said = too_much(work_of([endless]), None)
    assert said is not None
    assert "spells of staff in post, vacant or in training; more than 2,000,000,000 are not begun" in said


def test_candidates_of_whom_few_are_eligible_are_reckoned() -> None:
    trial = get_scenario("trial_world")
    narrow = trial.with_changes({"population.eligibility": {"principal_severity_min": 3.0}})
    assert work_of([narrow]).client_runs > 5 * work_of([trial]).client_runs > 5 * work_of([trial]).clients


def test_much_work_is_announced_once_and_little_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small: Scenario) -> None:  # fmt: skip
    from caseload_sim.cli.running import announce_work

    announce_work([small], False)
    assert capsys.readouterr().err == ""
    announce_work([small], False, times=500)
    assert re.fullmatch(
        r"Work: [\d,]+ clients in a replication, 1,000 replications: [\d,]+ to simulate, with about 1\.\d GB of memory\.\n",
        capsys.readouterr().err,
    )
    huge = small.model_copy(update={"run": small.run.model_copy(update={"replications": 10**9})})
    announce_work([huge], True)
    assert "1,000,000,000 replications" in capsys.readouterr().err, "beyond the limits when asked"
