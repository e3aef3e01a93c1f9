"""The benchmarks run, compare equal work, and the page they make is the page that stands in docs/."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import one_size
from benchmarks.__main__ import Setting, measured
from benchmarks.c_loop import NO_COMPILER, compiler, loop_in_c
from benchmarks.claims import Claim, claims
from benchmarks.page import PAGE, RESULTS, performance_page
from benchmarks.peers import SIMPY, agree, how_far_apart, installed_peers, own_python
from benchmarks.services import offered_load, queue_of, service

from building import capacity, plans
from caseload_sim.draws.streams import Draws
from caseload_sim.engines import kernel
from caseload_sim.engines.episodes import first_difference

SMALLEST = Setting(
    "smallest", {4000: 1}, (1.0,), (4000,), 1, 60.0, (4000, 2, 2, 1), 1, spins=100_000,
    changes=["--replications", "1", "--set", "demand.referrals_per_year=2000", "--set", "run.follow_up_days=400"],
)  # fmt: skip


def kept_results() -> dict[str, Any]:
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def test_the_page_is_what_the_generator_makes_of_the_kept_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == performance_page(kept_results()), "run python -m benchmarks.page"


def test_the_page_says_of_every_target_whether_it_was_met_with_the_number_measured() -> None:
    results = kept_results()
    table = performance_page(results).split("## Targets")[1].split("\n## ")[0]
    each = claims(results)
    assert len(each) == 14
    for claim in each:
        (line,) = [line for line in table.splitlines() if line.startswith(f"| {claim.target} |")]
        assert line.endswith(f"| {claim.verdict} |")
        assert claim.measured is None or f"| {claim.measured:.3g} {claim.unit} |" in line


def test_a_target_is_met_at_its_limit_and_missed_beyond() -> None:
    at_most, at_least = Claim("", 4, 4.0, "s"), Claim("", 0.9, 0.9, "", at_most=False)
    assert (at_most.verdict, at_least.verdict) == ("met", "met")
    assert Claim("", 4, 4.001, "s").verdict == "missed"
    assert Claim("", 0.9, 0.899, "", at_most=False).verdict == "missed"
    assert Claim("", 4, None, "s").verdict == "not measured"


def test_the_targets_are_read_from_the_numbers_they_are_about() -> None:
    """Made-up results, every verdict worked out by hand."""
    row = {
        "n_asked": 1_000_000,
        "load": 1.0,
        "seconds": 3.0,
        "peak_bytes": 900e6,
        "kernel_loop_seconds": 1.4,
        "c_loop_seconds": 1.0,
    }
    sizes = [
        row,
        row | {"load": 1.5, "seconds": 5.0, "peak_bytes": 1100e6},
        row | {"n_asked": 10_000, "seconds": 0.061, "kernel_loop_seconds": 9.0},
    ]  # fmt: skip
    found = claims(
        {
            "made": {"setting": "default"},
            "sizes": sizes,
            "ten_million": {"n_asked": 10_000_000, "seconds": 45.0, "peak_bytes": 1.9e9},
            "peers": [{"n_asked": 100_000, "seconds": {"kernel, compiled": 0.02, SIMPY: 1.9}}],
            "many": {
                "speed_up": 1.7, "spinning_speed_up": 1.8, "n_replications": 200, "n_clients": 10_000,
                "two_processes_seconds": 11.0,
            },
            "command_line": {"run": 3.0, "run --no-figures": 2.5, "report RUN": 3.5, "--help": 0.2},
        }
    )  # fmt: skip
    assert [claim.verdict for claim in found] == [
        "met", "missed", "met", "met", "missed", "met", "met", "missed", "met", "missed", "missed", "met", "met", "missed",
    ]  # fmt: skip
    assert found[2].measured == pytest.approx(1.5)
    assert found[5].measured == pytest.approx(1.4), "smaller sizes than 100,000 are not in this target"
    assert found[13].measured == pytest.approx(6.1 / 3.0)


def test_every_part_runs_at_the_smallest_setting_and_fills_the_page() -> None:
    results = json.loads(json.dumps(measured(SMALLEST, own_python())))
    page = performance_page(results)
    assert (NO_COMPILER in page) == (compiler() is None)
    (queue,) = results["peers"]
    assert set(queue["seconds"]) >= {SIMPY, "kernel, compiled", "reference (SimPy, rules of the day)"}
    assert queue["missing"] == {"salabim": "not asked for", "Ciw": "not asked for"}
    assert "| salabim | not asked for |" in page
    (row,) = results["sizes"]
    assert row["n_draws"] > 10 * row["n_clients"]
    assert row["floor_seconds"] < row["seconds"]
    assert not any(claim.verdict == "met" for claim in claims(results)), "small sizes say nothing of the targets"


def test_an_ordinary_program_with_a_place_more_or_without_patience_is_not_taken_for_equal_work() -> None:
    same = {
        "client": np.arange(4.0), "step": np.zeros(4), "joined_day": np.zeros(4),
        "started_day": np.array([0.0, 3.0, 5.0, -1.0]), "ended_day": np.full(4, 9.0),
    }  # fmt: skip
    assert agree(how_far_apart(same, same, 1))
    assert not agree(how_far_apart(same, same | {"started_day": np.array([0.0, 3.0, 5.0, 8.0])}, 1))
    assert not agree(how_far_apart(same, same | {"started_day": np.array([0.0, 6.5, 5.0, -1.0])}, 1))


def test_the_staff_of_a_service_follow_its_size_and_load() -> None:
    offered = offered_load()
    assert min(offered.values()) > 0.5
    usual, busy, large = (service(n, load, offered) for n, load in ((10_000, 1.0), (10_000, 2.0), (30_000, 1.0)))
    for kind in offered:
        assert busy.staff[kind].wte.value == pytest.approx(usual.staff[kind].wte.value / 2)
        assert large.staff[kind].wte.value == pytest.approx(usual.staff[kind].wte.value * 3)
    clients = queue_of(usual)[0].joins_day
    assert len(clients) == pytest.approx(10_000, rel=0.15)  # with those there at opening


def test_counting_the_draws_changes_none_and_ends() -> None:
    ids, before = np.arange(8), Draws.uniforms
    plain = Draws(1, 0).uniform("trait", ids)
    with one_size.counted_draws() as asked:
        counted = Draws(1, 0).uniform("trait", ids)
        Draws(1, 0).normal("trait", ids)
    assert np.array_equal(plain, counted)
    assert dict(asked) == {("trait", 0, 7, 8): 2}
    assert Draws.uniforms is before
    assert one_size.floor(asked)["n_draws"] == 16
    assert one_size.floor(asked)["n_different_draws"] == 8


def test_a_missing_compiler_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(FileNotFoundError, match="no C compiler: none of cc, gcc, clang is on the path"):
        loop_in_c()


def test_peers_that_cannot_be_installed_leave_simpy(tmp_path: Path) -> None:
    (tmp_path / "peers").write_text("a file where the environment's folder would be")
    python = installed_peers(tmp_path / "peers")
    assert (python.executable, python.names, python.why) == (sys.executable, (SIMPY,), "could not be installed")


@pytest.mark.verification
def test_the_loop_in_c_gives_the_identical_table() -> None:
    """Fails without a C compiler: this is the check that kernel.c still says what kernel.py says."""
    loop = loop_in_c()
    offered = offered_load()
    for changes in ({}, {"pathway.returns.chance": 0.5}, {"pathway.policy": "complexity_first"}):
        queue, places = queue_of(service(10_000, 1.2, offered, changes))
        ours = kernel.run(queue, places, compiled=False)
        theirs = kernel.run(queue, places, compiled=True, loop=loop)
        assert first_difference(ours, theirs, places.steps) is None, changes
        assert len(ours.client) > 5000


@pytest.mark.verification
def test_the_loop_in_c_refuses_columns_of_another_type() -> None:
    queue, places = plans([0, 1], days=[3, 2]), capacity(1, 20)
    with pytest.raises(Exception, match="argument"):
        kernel.run(queue, places, compiled=False, loop=loop_in_c())


def test_the_command_says_what_it_takes() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], cwd=RESULTS.parents[1], capture_output=True, encoding="utf-8"
    )
    for word in ("--quick", "--ten-million", "--no-peers", "--environment"):
        assert word in result.stdout
