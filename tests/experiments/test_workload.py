"""What a command is about to do is reckoned, said when it is much, and not begun unasked when it is too much."""

import re
from pathlib import Path

import pytest

from caseload_sim.draws.streams import Draws
from caseload_sim.experiments.workload import MOST_CLIENT_RUNS, MOST_CLIENTS, Work, too_much, work_of
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients
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
    n = len(draw_clients(small, Draws(small.run.seed, 0)).id)
    reckoned = work_of([small]).clients
    assert abs(n - reckoned) < 4 * reckoned**0.5, "a Poisson number: four standard deviations"


def test_work_adds_up_over_scenarios_replications_and_providers(small: Scenario) -> None:
    double = small.with_changes({"demand.referrals_per_year": 2400})
    one, two = work_of([small]), work_of([small, double], times=3)
    assert one.replications == 2
    assert one.client_runs == 2 * one.clients
    assert (two.replications, two.clients) == (12, work_of([double]).clients)
    assert two.client_runs == 6 * (one.clients + two.clients)
    assert work_of([small], jobs=2).memory_bytes == 2 * one.memory_bytes
    assert work_of([small], jobs=50).memory_bytes == 2 * one.memory_bytes, "no more processes than replications"
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


def test_much_work_is_announced_once_and_little_is_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], small: Scenario) -> None:  # fmt: skip
    from caseload_sim.cli.running import announce_work

    announce_work([small], False)
    assert capsys.readouterr().err == ""
    announce_work([small], False, times=2000)
    assert re.fullmatch(
        r"Work: [\d,]+ clients in a replication, 4,000 replications: [\d,]+ to simulate, with about 0\.3 GB of memory\.\n",
        capsys.readouterr().err,
    )
    huge = small.model_copy(update={"run": small.run.model_copy(update={"replications": 10**9})})
    announce_work([huge], True)
    assert "1,000,000,000 replications" in capsys.readouterr().err, "beyond the limits when asked"
