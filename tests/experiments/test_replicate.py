"""Replications: repeatable, summarised as statistics books say, and true to the scenarios' claims."""

import numpy as np
import pytest

from caseload_sim.definitions.quantities import Quantity, Value
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results, replicate, simulate
from caseload_sim.measures.summary import summarise
from caseload_sim.measures.table import table_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario


def test_the_same_seed_gives_the_same_digests_and_another_seed_others(small: Scenario) -> None:
    one, again, other = replicate(small), replicate(small), replicate(small, seed=small.run.seed + 1)
    assert one.digests == again.digests
    assert one.rows == again.rows or str(list(one.rows)) == str(list(again.rows))  # NaN is never equal to itself
    for ours, theirs in zip(one.digests, other.digests, strict=True):
        assert not set(ours.values()) & set(theirs.values())
    assert one.digests[0] != one.digests[1], "replications differ from each other"


def test_a_replication_is_the_same_alone_or_among_others(small: Scenario, small_results: Results) -> None:
    assert simulate(small, replication=1).digests == small_results.digests[1]


def test_intervals_by_hand() -> None:
    """Values 1, 2, 4: mean 7/3, SD 1.5275, t(2, .975) = 4.3027."""
    key = Quantity("contacts_mean", "all", "", "", "step=low_intensity")
    tables = [table_of({key: Value(10 * v, 10.0, v)}) for v in (1.0, 2.0, 4.0)]
    (row,) = summarise("x", tables)
    sd, t = np.std([1, 2, 4], ddof=1), 4.302652729911275
    assert row.value == pytest.approx(7 / 3)
    assert row.numerator == pytest.approx(70 / 3)
    assert row.upper_95_ci - row.value == pytest.approx(t * sd / np.sqrt(3))
    assert row.upper_95_range - row.value == pytest.approx(t * sd * np.sqrt(4 / 3))
    assert row.lower_95_range == 0, "a number of contacts cannot be negative"
    assert row.n_replications == 3


def test_one_replication_has_no_interval() -> None:
    key = Quantity("recovery", "finished", "end", "service", "all")
    (row,) = summarise("x", [table_of({key: Value(1.0, 2.0, 0.5)})])
    assert np.isnan([row.lower_95_ci, row.upper_95_ci, row.lower_95_range, row.upper_95_range]).all()


def test_a_replication_without_a_value_is_left_out_of_that_row() -> None:
    key = Quantity("recovery", "finished", "end", "service", "ocd=yes")
    rows = [table_of({key: value}) for value in (Value(1.0, 2.0, 0.5), Value(0.0, 0.0, np.nan), Value(3.0, 4.0, 0.75))]
    (row,) = summarise("x", rows)
    assert row.value == pytest.approx(0.625)
    assert row.n_replications == 2
    assert row.numerator / row.denominator == pytest.approx(4 / 6)


def test_an_unknown_engine_is_refused_with_the_nearest_name(small: Scenario) -> None:
    with pytest.raises(RunError, match="Did you mean 'reference'"):
        simulate(small, engine="referense")


def test_finding_a_figure_says_what_is_missing(small_results: Results) -> None:
    assert small_results.find("all_remission") == small_results.find(
        "all_remission", base="finished", at="end", service="service"
    )
    with pytest.raises(RunError, match=r"wait_days_mean has no group 'all'\. Known: step="):
        small_results.find("wait_days_mean")
    with pytest.raises(RunError, match="Did you mean 'all_remission'"):
        small_results.find("al_remission")


def test_in_the_trials_world_about_half_the_finishers_remit() -> None:
    results = replicate(get_scenario("trial_world"), replications=4)
    assert results.find("principal_remission", base="finished", at="end", service="service").value == pytest.approx(
        0.5, abs=0.05
    )
    assert results.find("ended_after_one_contact").value < 0.003, "nobody leaves but who is well by the first session"
    assert results.find("right_target").value == 1
    assert results.find("wait_days_mean", group="step=high_intensity").value == 0


def test_without_a_service_many_remit_and_there_are_no_finishers() -> None:
    results = replicate(get_scenario("no_service"), replications=1)
    row = results.find("principal_remission", base="referred", at="end", service="service")
    assert 0.2 < row.value < 0.5
    assert results.find("principal_remission", base="referred", at="end", service="difference").value == 0
    for base in ("finished", "started"):
        assert np.isnan(results.find("all_remission", base=base, at="end", service="service").value)


def test_more_effect_means_more_remission_and_no_effect_means_none_owed_to_the_service(small: Scenario) -> None:
    def gain(effect: float) -> float:
        changed = small.with_changes({"outcome.treatment.full_course": effect})
        return (
            replicate(changed, replications=1)
            .find("all_remission", base="finished", at="end", service="difference")
            .value
        )

    nothing, some, much = gain(0.0), gain(0.5), gain(1.0)
    assert nothing == 0
    assert 0 < some < much


def test_no_referrals_at_all_is_a_service_with_empty_rows(small: Scenario) -> None:
    results = replicate(small.with_changes({"demand.referrals_per_year": 0}))
    assert results.find("referrals_received").value == 0
    assert np.isnan(results.find("recovery", base="finished", at="end", service="service").value)


@pytest.mark.parametrize("change", [
    {"pathway.not_suitable": 0.7, "pathway.declined": 0, "pathway.not_assessed": 0.3},
    {"staff.high_intensity_therapist.wte": 0},
    {"pathway.steps.low_intensity.drop_out_per_session": 1},
    {"pathway.missed.not_attended": 0.85, "pathway.missed.client_cancelled": 0.04},
    {"pathway.routing.right_problem": 0, "outcome.treatment.therapist_sd": 3},
    {"run.follow_up_days": 0, "run.data_collection_days": 1},
])  # fmt: skip
def test_extreme_services_still_run(small: Scenario, change: dict[str, float]) -> None:
    assert replicate(small.with_changes(change), replications=1).rows


@pytest.mark.parametrize(
    "options", [{"replications": 0}, {"replications": -1}, {"seed": -1}, {"seed": 1.5}, {"seed": 2**63}]
)
def test_impossible_seeds_and_replications_are_refused(options: dict[str, int], small: Scenario) -> None:
    with pytest.raises(RunError, match="must be a whole number from"):
        replicate(small, **options)  # type: ignore[arg-type]
