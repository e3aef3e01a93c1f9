"""From one figure to another: bars that add up, each owed to its mechanism and to nothing else."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from building import check_legible
from caseload_sim.analysis.rank import RANKED_BY, WHAT_IFS, cost_of_one_more, rank, ranked_by
from caseload_sim.analysis.reconcile import (
    MECHANISMS,
    ReconcileRow,
    _AllShares,
    figure_in,
    reconcile,
    reconcile_scenarios,
)
from caseload_sim.definitions.quantities import HELPED, HELPED_TO, LADDER_TO_REFERRED
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import Results
from caseload_sim.figures.accounts import plot_ranking, plot_waterfall
from caseload_sim.figures.style import sheet_of
from caseload_sim.measures.simulation import Simulation
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here
from three_clients import hand_made

# Neither disorders nor distress end sooner, nobody is listened to, and nobody is read once more than the untreated twin.
NO_EFFECT = {
    "outcome.endings.one_more_look": 0,
    **{f"outcome.treatment.{part}": 0 for part in ("full_course", "full_course_of_distress", "distress_relief")},
}
RECOVERY = figure_in("recovery/finished")
PATHS = [
    ("recovery/finished", "all_remission/started/month_12"),
    ("recovery/finished", "full_remission/started/sustained"),
    ("principal_remission/finished", "full_remission/referred/month_12"),
    ("recovery/started", "principal_remission/started"),
    ("all_remission/finished/sustained", "full_remission/finished/sustained"),
    ("recovery/finished", "recovery/finished"),
]


def bars(rows: Sequence[ReconcileRow]) -> dict[str, ReconcileRow]:
    return {row.name: row for row in rows if row.kind == "mechanism"}


def of_kind(rows: Sequence[ReconcileRow], kind: str) -> ReconcileRow:
    (row,) = (row for row in rows if row.kind == kind)
    return row


@pytest.mark.parametrize(("start", "end"), PATHS)
def test_bars_and_shapley_values_add_up_to_the_whole_way(start: str, end: str, small: Scenario) -> None:
    rows = reconcile(small, figure_in(start), figure_in(end), replications=2)
    way = of_kind(rows, "end").value - of_kind(rows, "start").value
    assert sum(row.change for row in bars(rows).values()) == pytest.approx(way, abs=1e-12)
    assert sum(row.shapley for row in bars(rows).values()) == pytest.approx(way, abs=1e-12)
    assert of_kind(rows, "end").change == pytest.approx(way, abs=1e-12)
    parts = [row for row in rows if row.kind == "part"]
    assert bool(parts) == start.startswith("recovery")
    if parts:
        assert sum(row.change for row in parts) == pytest.approx(of_kind(rows, "start").value, abs=1e-12)
    so_far = of_kind(rows, "start").value
    for row in bars(rows).values():
        so_far += row.change
        assert row.value == pytest.approx(so_far, abs=1e-12)


@pytest.mark.parametrize(("start", "end"), PATHS[:4])
def test_the_ends_of_the_way_are_the_figures_that_a_run_reports(
    start: str, end: str, small: Scenario, small_results: Results
) -> None:
    rows = reconcile(small, figure_in(start), figure_in(end))
    for figure, kind in ((figure_in(start), "start"), (figure_in(end), "end")):
        reported = small_results.find(figure.measure, base=figure.base, at=figure.at, service="service")
        assert of_kind(rows, kind).value == pytest.approx(reported.value, abs=1e-12)


def test_shapley_of_two_mechanisms_is_the_mean_of_two_orders(small: Scenario, small_results: Results) -> None:
    """From the four figures that a run reports: principal or all, finishers or starters."""
    rows = bars(reconcile(small, figure_in("principal_remission/finished"), figure_in("all_remission/started")))

    def value(measure: str, base: str) -> float:
        return small_results.find(measure, base=base, at="end", service="service").value

    taken = [value("all_remission", base) - value("principal_remission", base) for base in ("finished", "started")]
    assert set(rows) == {"who_is_counted", "other_disorders"}
    assert rows["other_disorders"].shapley == pytest.approx(np.mean(taken), abs=1e-12)
    assert rows["other_disorders"].change == pytest.approx(taken[1], abs=1e-12), "after who is counted"


@pytest.mark.parametrize(
    ("mechanism", "changes"),
    [
        ("partial_remission", {"instruments.full_remission_margin": 0}),
        ("durability", {"outcome.relapse.yearly_hazard": 0}),
    ],
)  # fmt: skip
def test_switching_a_mechanism_off_removes_exactly_its_bar(
    mechanism: str, changes: dict[str, float], small: Scenario
) -> None:
    """Neither a definition of full remission nor relapse changes who is seen when, so all other bars before it stay."""
    way = figure_in("recovery/finished"), figure_in("full_remission/started/sustained")
    on, off = (bars(reconcile(one, *way, replications=1)) for one in (small, small.with_changes(changes)))
    order = list(MECHANISMS)
    assert off[mechanism].change == 0
    assert off[mechanism].shapley == pytest.approx(0, abs=1e-15)
    assert on[mechanism].change < 0
    for name in order[: order.index(mechanism)]:
        assert off[name].change == on[name].change, name
    for name in order[order.index(mechanism) + 1 :]:
        assert off[name].change != 0, name


def test_with_one_disorder_there_are_no_others_to_persist(small: Scenario) -> None:
    only = {f"population.prevalence.{name}.value": 0 for name in small.disorders if name != "major_depression"}
    one = small.with_changes({**only, "pathway.routing.otherwise_recorded": ["major_depression"]})
    rows = bars(reconcile(one, figure_in("recovery/finished"), figure_in("all_remission/started"), replications=1))
    assert rows["other_disorders"].change == 0
    assert rows["interview"].change != 0


def test_without_treatment_its_part_of_the_starting_figure_is_nothing(small: Scenario) -> None:
    way = figure_in("recovery/finished"), figure_in("all_remission/finished")
    rows = reconcile(small.with_changes(NO_EFFECT), *way, replications=1)
    parts = {row.name: row.change for row in rows if row.kind == "part"}
    assert parts["treatment"] == 0
    assert parts["natural_course"] > 0


# What may differ when somebody is read again on the same day, and nothing has changed.
PASSING = {
    "errors of PHQ-9": ["instruments.phq9.error_sd"],
    "errors of GAD-7": ["instruments.gad7.error_sd"],
    "moods": ["outcome.distress.mood_sd"],
    "drift": ["outcome.distress.drift_sd"],
    "states": [f"population.state_share.{name}" for name in get_scenario().population.state_share],
}


@pytest.mark.parametrize("moving", ["nothing", *PASSING])
def test_read_again_some_are_below_by_whatever_passes_and_by_nothing_else(moving: str, small: Scenario) -> None:
    """Counted are those at caseness when first read: with all that passes at 0 nobody is below when read again that day."""
    changes = {name: 0 for part, names in PASSING.items() for name in names if part != moving}
    rows = reconcile(small.with_changes(changes), RECOVERY, figure_in("all_remission/finished"), replications=1)
    (retest,) = (row.change for row in rows if row.name == "retest")
    if moving == "nothing":
        assert retest == 0
    else:
        assert 0 < retest < of_kind(rows, "start").value


@pytest.mark.parametrize("at", ["month_12", "sustained"])
@pytest.mark.parametrize(("relapsed", "still_well"), [([], 0.5), ([1], 0.5), ([0], 0.0), ([0, 1], 0.0)])
def test_who_has_relapsed_has_not_recovered_a_year_on(
    at: str, relapsed: list[int], still_well: float, small_simulation: Simulation
) -> None:
    """Of three clients made by hand two finished at caseness, and client 0 recovered: a half, until client 0 relapses."""
    tiny = hand_made(small_simulation)
    service = tiny.outcomes.service
    service = replace(service, relapsed=np.isin(np.arange(len(service.relapsed)), relapsed))
    changed = replace(tiny, outcomes=replace(tiny.outcomes, service=service))
    shares = _AllShares(RECOVERY, figure_in(f"recovery/finished/{at}"), with_parts=False)(changed)
    assert shares == {"none": 0.5, "durability": still_well}


def test_two_scenarios_are_reconciled_by_the_groups_in_which_they_differ(small: Scenario) -> None:
    other = small.with_changes({"outcome.treatment.full_course": 1.0, "population.prevalence.ptsd.value": 0.5})
    figure = figure_in("all_remission/finished")
    rows = reconcile_scenarios(small, other, figure, replications=2)
    assert set(bars(rows)) == {"population", "outcome"}
    ends = [of_kind(rows, kind).value for kind in ("start", "end")]
    assert sum(row.change for row in bars(rows).values()) == pytest.approx(ends[1] - ends[0], abs=1e-12)
    assert sum(row.shapley for row in bars(rows).values()) == pytest.approx(ends[1] - ends[0], abs=1e-12)
    compared = compare({"a": small, "b": other}, replications=2, own_start=True)
    reported = [one.find("all_remission", base="finished", at="end", service="service") for one in compared.results]
    assert ends == pytest.approx([row.value for row in reported], abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wait_days_mean", "wait_days_mean is not a rung of the ladder: recovery, principal_remission, all_remission"),
        ("recovery/courses", "recovery has no base 'courses'. Known: finished, referred, started"),
        ("recovery/finished/end/ptsd=yes", "a rung is of all clients with the service. Write MEASURE/BASE/AT"),
        ("recovery/finished/end//none", "a rung is of all clients with the service"),
    ],
)
def test_a_figure_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        figure_in(text)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("all_remission/finished", "recovery/finished", "the ladder goes down. Give the stricter figure as the end"),
        ("recovery/started", "all_remission/finished", "the base goes from finished to started to referred"),
        ("recovery/finished/month_12", "recovery/finished/sustained", "cannot be compared with what is read at"),
    ],
)
def test_a_way_that_cannot_be_gone_is_refused(start: str, end: str, message: str, small: Scenario) -> None:
    with pytest.raises(RunError, match=message):
        reconcile(small, figure_in(start), figure_in(end))


def test_several_providers_cannot_be_reconciled() -> None:
    with pytest.raises(RunError, match="reconcile one provider, not several"):
        reconcile(get_scenario("national_2024_25_providers"), figure_in("recovery/finished"), figure_in("all_remission/finished"))  # fmt: skip


def test_the_waterfall_is_legible_and_names_every_bar(small: Scenario) -> None:
    rows = reconcile(small, figure_in("recovery/finished"), figure_in("full_remission/started/sustained"))
    ax = plot_waterfall(rows)
    assert len(ax.get_yticklabels()) == len(rows)
    assert len(ax.texts) == len(rows)
    assert (
        sum(len(lines.get_segments()) for lines in ax.collections if isinstance(lines, LineCollection)) == len(rows) - 2
    ), "chance"
    check_legible(sheet_of(ax))


# --- what would change it -------------------------------------------------------------------------------------------


def test_what_ifs_change_hepgul_2016_and_say_so() -> None:
    base = get_scenario()
    for name in WHAT_IFS:
        scenario = get_scenario(name)
        assert scenario.population == base.population, name
        assert scenario.outcome == base.outcome, name
        assert scenario.title.startswith("What if"), name


def test_what_ifs_are_ranked_by_their_paired_gain(small: Scenario) -> None:
    others = [
        small.with_changes(changes).model_copy(update={"name": name})
        for name, changes in (
            ("worse", {"outcome.treatment.full_course": 0.0}),
            ("better", {"outcome.treatment.full_course": 1.5}),
            ("a little better", {"outcome.treatment.full_course": 0.9}),
        )
    ]
    rows = rank(small, others)
    assert list(dict.fromkeys(row.scenario for row in rows)) == ["better", "a little better", "worse"]
    assert [row.place for row in rows if f"{row.measure}/{row.base}/{row.at}" == str(RANKED_BY)] == [1, 2, 3]
    assert len(rows) == 3 * len((*HELPED, *LADDER_TO_REFERRED))
    compared = {(r.scenario, r.measure, r.base, r.at): r for r in compare([small, *others]).rows if r.service in ("service", "") and r.group == "all"}  # fmt: skip
    for row in rows:
        theirs = compared[row.scenario, row.measure, row.base, row.at]
        assert (row.gain, row.gain_lower_95_ci) == (theirs.difference, theirs.difference_lower_95_ci)
    picture = plot_ranking(rows)
    check_legible(sheet_of(picture))
    ends = picture.get_xlim()
    assert picture.get_xlabel() == "Gain, people a year"
    most = max(abs(row.gain_could_be_high) for row in rows if row.measure in HELPED_TO)
    assert 0 < ends[1] < 3 * most, "people are people, and no share times 100"
    by_share = plot_ranking(rank(small, others, by=figure_in("recovery/finished"), replications=2))
    assert by_share.get_xlabel() == "Gain, in points of 100 people"


def test_a_what_if_without_the_rung_cannot_be_ranked(small: Scenario) -> None:
    nobody = small.with_changes({"pathway.policy": "no_service", "start.running": False})
    with pytest.raises(
        RunError, match=r"no full_remission/started/end to be ranked by. Rank by a figure over all referred"
    ):
        rank(
            small,
            [nobody.model_copy(update={"name": "nobody"})],
            by=ranked_by("full_remission/started"),
            replications=1,
        )


# --- on the command line --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    (tmp_path / "better.toml").write_text(
        SMALL_FILE + '[outcome.treatment]\nfull_course = { value = 1.2, assumption = "more" }\n', encoding="utf-8"
    )
    return tmp_path


def test_reconcile_prints_definitions_and_says_that_the_order_matters(folder: Path) -> None:
    result = call_here("reconcile", "small.toml", "--from", "recovery/finished", "--to", "full_remission/started/sustained", folder=folder)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert all(len(line.rstrip()) <= 80 for line in result.stdout.splitlines())
    for text in ("The order matters", "Shapley", "at caseness at first contact", "clearly", "who is counted"):
        assert text in result.stdout
    (saved,) = (folder / "results").iterdir()
    assert {file.name for file in saved.iterdir()} == {"table.csv", "figure.png", "data_dictionary.csv", "run.json"}
    assert "Saved in" in result.stderr


def test_reconcile_of_two_scenarios_and_as_json(folder: Path) -> None:
    result = call_here("reconcile", "small.toml", "better.toml", "--to", "recovery/finished", "--json", folder=folder)
    rows = json.loads(result.stdout)
    assert [row["kind"] for row in rows] == ["start", "mechanism", "end"]
    assert rows[1]["name"] == "outcome"
    assert rows[1]["change"] > 0
    refused = call_here("reconcile", "small.toml", "better.toml", "--from", "recovery/finished", folder=folder)
    assert refused.returncode == 2
    assert "name it with --to alone" in refused.stderr


def test_rank_prints_places_and_intervals(folder: Path) -> None:
    result = call_here("rank", "small.toml", "better.toml", "--by", "recovery/finished", folder=folder)
    assert result.returncode == 0, result.stderr
    assert "RANKED BY GAIN IN recovery/finished/end, over small" in result.stdout
    assert "1  better" in result.stdout
    assert all(len(line.rstrip()) <= 80 for line in result.stdout.splitlines())


def test_calibrate_service_says_what_there_is_to_fit(folder: Path) -> None:
    """A service needs official figures of its own; the outcome has its anchors."""
    result = call_here("calibrate", "service", "small.toml", folder=folder)
    assert result.returncode == 2
    assert "no official figures" in result.stderr
    assert "trial_anchored" in result.stderr


def test_the_cost_of_one_more_is_money_more_over_results_more_by_hand(small_results: Results) -> None:
    """300 pounds more and 4 results more are 75 each; no more results, no cost of one more."""
    row = small_results.rows[0]
    there = replace(row, numerator=1000.0, denominator=10.0)
    assert cost_of_one_more(replace(row, numerator=1300.0, denominator=14.0), there) == 75
    assert cost_of_one_more(replace(row, numerator=900.0, denominator=12.0), there) == -50
    assert np.isnan(cost_of_one_more(replace(row, numerator=1300.0, denominator=10.0), there))
