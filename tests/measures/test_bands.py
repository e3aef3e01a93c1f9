"""Groups by how clients came and what became of them, and groups of a caller's own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.engines.plans import NOT_YET
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.measures.bands import BANDS, ENDINGS, bands, kinds_of_group
from caseload_sim.measures.measure import measure
from caseload_sim.measures.simulation import Simulation, groups


def test_every_group_is_listed_with_the_measures_that_it_has(small_simulation: Simulation) -> None:
    listed = kinds_of_group(small_simulation.scenario)
    assert all(kind.says for kind in listed)
    names = {kind.measures: [] for kind in listed}  # type: dict[str, list[str]]
    for kind in listed:
        names[kind.measures] += [f"{kind.name}={value}" for value in kind.values]
    assert {"all", *names["all that is counted by group"]} == set(groups(small_simulation))
    assert names["official figures and rungs"] == list(bands(small_simulation))


@pytest.mark.parametrize("kind", [*BANDS, "ended"])
def test_nobody_is_in_two_bands_of_a_kind_and_everybody_whom_it_is_about_is_in_one(
    kind: str, small_simulation: Simulation
) -> None:
    out = small_simulation.outcomes
    about = {
        "wait": out.first_contact_day != NOT_YET, "second_wait": out.second_contact_day != NOT_YET, "ended": out.ended,
    }  # fmt: skip
    of_kind = [flags for name, flags in bands(small_simulation).items() if name.startswith(f"{kind}=")]
    assert len(of_kind) == len(BANDS.get(kind, ENDINGS))
    number = np.sum(of_kind, axis=0)
    assert np.array_equal(number, about.get(kind, np.ones(len(number), dtype=bool)))


def test_a_wait_as_long_as_the_standard_is_within_it(small_simulation: Simulation) -> None:
    """42 days are six weeks, 126 are eighteen; 28 and 90 days are not over 28 and 90."""
    days = np.array([0, 42, 43, 126, 127], dtype=np.int32)
    later = np.array([1, 28, 29, 90, 91], dtype=np.int32)
    first, second = (column.copy() for column in (small_simulation.clients.referral_day,) * 2)
    first[:5] += days
    second[:5] = first[:5] + later
    changed = replace(small_simulation.outcomes, first_contact_day=first, second_contact_day=second)
    by_name = bands(replace(small_simulation, outcomes=changed))
    found = [
        [name for name, flags in by_name.items() if name.split("=")[0].endswith("wait") and flags[i]] for i in range(5)
    ]
    assert found == [
        ["wait=within_6_weeks", "second_wait=within_28_days"],
        ["wait=within_6_weeks", "second_wait=within_28_days"],
        ["wait=6-18_weeks", "second_wait=29-90_days"],
        ["wait=6-18_weeks", "second_wait=29-90_days"],
        ["wait=over_18_weeks", "second_wait=over_90_days"],
    ]


def test_bands_have_official_figures_and_rungs_with_their_differences_and_nothing_else(small_results: Results) -> None:
    there = {row.measure for row in small_results.rows if row.group == "first_phq9=10-14"}
    assert {"recovery", "reliable_recovery", "improvement", "deterioration", "all_remission", "last_phq9_mean"} <= there
    assert not [name for name in there if name.startswith(("cost", "share_of", "reason", "wait"))]
    row = small_results.find("recovery", at="month_12", service="difference", group="ended=as_planned")
    with_it, without = (
        small_results.find("recovery", at="month_12", service=service, group="ended=as_planned").value
        for service in ("service", "none")
    )
    assert row.value == pytest.approx(with_it - without)


def test_who_came_less_ill_recovers_more_often_and_who_ended_as_planned_more_than_who_dropped_out(
    baseline: Results,
) -> None:
    by_score = [baseline.find("recovery", group=f"first_phq9={band}").value for band in ("10-14", "15-19", "20-27")]
    assert by_score == sorted(by_score, reverse=True)
    planned, dropped = (baseline.find("recovery", group=f"ended={way}").value for way in ("as_planned", "dropped_out"))
    assert planned > dropped


def test_a_group_of_ones_own_is_counted_in_all_that_is_counted_by_group(small_simulation: Simulation) -> None:
    """The same clients under another name: every row of ptsd=yes must come again, costs included."""
    table = measure(small_simulation, groups={"mine=yes": small_simulation.clients.has("ptsd")})
    plain = measure(small_simulation)
    assert [key for key in table if key.group != "mine=yes"] == list(plain)
    # What is of a disorder, and not of a group of clients, has rows for those disorders alone.
    known = [
        key
        for key in plain
        if key.group == "ptsd=yes" and key.measure not in ("disorder_remission", "share_at_interview")
    ]
    assert len(known) > 150
    assert {key.measure for key in known} > {"cost_per_referral", "dropped_out", "share_of_clients", "full_remission"}
    for key in known:
        assert np.array_equal(table[key._replace(group="mine=yes")], plain[key], equal_nan=True), key
    assert sum(key.group == "mine=yes" for key in table) == len(known)


def test_a_group_of_ones_own_counted_by_hand(small_simulation: Simulation) -> None:
    clients, out, run = small_simulation.clients, small_simulation.outcomes, small_simulation.scenario.run
    severe = (out.first_phq9 >= 20) & (small_simulation.care.disclosed.sum(axis=1) == 0)
    ended = run.within_period(out.end_day) & out.finished & out.at_caseness & severe
    well = sum(
        out.service.month_12_phq9[i] < 10 and out.service.month_12_gad7[i] < 8 for i in np.flatnonzero(ended).tolist()
    )
    got = measure(small_simulation, groups={"severe=yes": severe})[
        Quantity("recovery", "finished", "month_12", "service", "severe=yes")
    ]
    assert (got.numerator, got.denominator) == (well, ended.sum())
    assert len(clients.id) > ended.sum() > 0


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("ptsd=yes", None, "groups: 'ptsd=yes' is a group already. Give yours another name, such as 'my_ptsd=yes'."),
        ("sessions=1", None, "groups: 'sessions=1' is a group already."),
        ("severe", None, "groups: 'severe' is not a name for a group. Write NAME=VALUE, such as 'long_wait=yes'."),
        ("severe=yes", "short", "groups: 'severe=yes' has bool of shape (3,). Give True or False for each of the "),
        ("severe=yes", "numbers", "groups: 'severe=yes' has int64 of shape "),
    ],
)
def test_a_group_that_cannot_be_says_why(
    name: str, change: str | None, message: str, small_simulation: Simulation
) -> None:
    flags = small_simulation.outcomes.finished
    given: Any = flags[:3] if change == "short" else flags.astype(np.int64) if change == "numbers" else flags
    with pytest.raises(RunError) as caught:
        measure(small_simulation, groups={name: given})
    assert str(caught.value).startswith(message)
