"""Scenarios side by side: paired on the same clients, summarised as statistics books say, and honest about limits."""

import csv
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from building import check_legible
from caseload_sim.cli.compare import print_comparison
from caseload_sim.draws.streams import START_IDS
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import (
    HEADLINES,
    Compared,
    ComparisonRow,
    compare,
    paired,
    requests_for,
    shown,
    start_of,
)
from caseload_sim.experiments.replicate import replicate
from caseload_sim.figures.compare import draw_differences, plot_differences
from caseload_sim.figures.style import sheet_of
from caseload_sim.measures.rows import Row
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

NO_EFFECT = {f"outcome.treatment.{part}": 0 for part in ("full_course", "full_course_of_distress", "distress_relief")}
MORE_STAFF = {"staff.high_intensity_therapist.wte": 4.0}


@pytest.fixture(scope="module")
def compared(small: Scenario) -> Compared:
    """A small service, the same with more therapists, and with treatment that does nothing."""
    others = {
        "more therapists": small.with_changes(MORE_STAFF),
        "no effect": small.with_changes(NO_EFFECT),
    }
    return compare({"now": small, **others}, replications=4)


def one(rows: tuple[ComparisonRow, ...], scenario: str, measure: str, **wanted: str) -> ComparisonRow:
    (row,) = (
        r
        for r in rows
        if (r.scenario, r.measure, r.group) == (scenario, measure, wanted.get("group", "all"))
        and all(getattr(r, name) == value for name, value in wanted.items())
    )
    return row


def test_a_paired_interval_and_the_variance_removed_by_hand() -> None:
    """Differences 1, 0, 1: mean 2/3, variance 1/3; variances 7/3 and 7/3; t(2, .975) = 4.3027."""
    mean, half, removed = paired(np.array([[1.0], [2.0], [4.0]]), np.array([[0.0], [2.0], [3.0]]))
    assert mean[0] == pytest.approx(2 / 3)
    assert half[0] == pytest.approx(4.302652729911275 * np.sqrt(1 / 3) / np.sqrt(3))
    assert removed[0] == pytest.approx(1 - (1 / 3) / (7 / 3 + 7 / 3))


def test_a_replication_counts_where_both_scenarios_have_a_value() -> None:
    ours, theirs = np.array([[1.0], [np.nan], [4.0], [2.0]]), np.array([[0.0], [2.0], [3.0], [np.nan]])
    mean, half, removed = paired(ours, theirs)
    assert mean[0] == 1, "over the first and the third alone"
    assert half[0] == 0
    assert removed[0] == 1


def test_the_variance_removed_is_reckoned_over_pairs_alone() -> None:
    """The three pairs of the example by hand; before, between and after them replications that one scenario alone has."""
    ours = np.array([[50.0], [1.0], [2.0], [np.nan], [4.0], [np.nan]])
    theirs = np.array([[np.nan], [0.0], [2.0], [-70.0], [3.0], [90.0]])
    mean, half, removed = paired(ours, theirs)
    assert mean[0] == pytest.approx(2 / 3)
    assert half[0] == pytest.approx(4.302652729911275 * np.sqrt(1 / 3) / np.sqrt(3))
    assert removed[0] == pytest.approx(1 - (1 / 3) / (7 / 3 + 7 / 3))


def test_people_at_opening_are_taken_over_only_where_both_have_such_and_the_same_steps_and_conditions(
    small: Scenario,
) -> None:
    """Their plans name steps by number: in another pathway the same number is another step."""
    assert start_of(small.with_changes(MORE_STAFF), small) is small
    empty = small.with_changes({"start.running": False})
    without = content_of(small)
    del without["population"]["prevalence"]["ocd"]
    without["population"]["correlation"] = {}
    fewer = content_of(small)
    del fewer["pathway"]["steps"]["internet_guided"]
    renamed = content_of(small)
    steps = renamed["pathway"]["steps"]
    renamed["pathway"]["steps"] = {"class" if name == "group" else name: step for name, step in steps.items()}
    for other in (empty, *map(Scenario.model_validate, (without, fewer, renamed))):
        assert start_of(other, small) is None
        assert start_of(small, other) is None
        assert [one.start_of for one in requests_for([small, other.model_copy(update={"name": "other"})])][1] is None


def content_of(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(exclude_none=True)


@pytest.mark.parametrize(
    ("ours", "theirs"), [([0.3], [0.1]), ([0.3, np.nan], [0.1, 0.2]), ([0.1, 0.1, 0.1], [0.3, 0.3, 0.3])]
)
def test_where_nothing_varies_or_one_pair_is_left_no_share_of_variance_is_claimed(
    ours: list[float], theirs: list[float]
) -> None:
    _, _, removed = paired(np.array([ours]).T, np.array([theirs]).T)
    assert np.isnan(removed[0])


def test_the_same_people_are_there_at_opening_in_every_scenario_compared(small: Scenario, compared: Compared) -> None:
    """More therapists from today meet today's list: it is as long on the first day, and shorter after."""
    now, more = (
        compared.results[0].first,
        next(r.first for r in compared.results if r.scenario.name == "more therapists"),
    )
    ours, theirs = (np.flatnonzero(one.episodes.joined_day < 0) for one in (now, more))
    for column in ("step", "joined_day"):
        assert np.array_equal(getattr(now.episodes, column)[ours], getattr(more.episodes, column)[theirs])
    assert len(ours) > 100
    first_day = {one.scenario.name: one.episodes.joined_day < 0 for one in (now, more)}
    assert sum(first_day["now"]) == sum(first_day["more therapists"])
    alone = replicate(small.with_changes(MORE_STAFF), replications=1).first
    assert np.sum(alone.episodes.joined_day < 0) != len(ours), "its own long-run list is another"


def test_each_scenarios_own_figures_are_those_of_running_it_alone(small: Scenario) -> None:
    changed = small.with_changes(MORE_STAFF)
    alone = replicate(changed, replications=2)
    together = compare({"now": small, "more therapists": changed}, replications=2, own_start=True).rows
    together = tuple(row for row in together if row.scenario == "more therapists")
    assert len(alone.rows) == len(together)
    names = [field.name for field in fields(Row) if field.name != "scenario"]
    for ours, theirs in zip(alone.rows, together, strict=True):
        assert str([getattr(ours, n) for n in names]) == str([getattr(theirs, n) for n in names])  # NaN is not NaN


def test_a_difference_is_the_difference_of_the_means_and_inside_its_interval(compared: Compared) -> None:
    checked = 0
    for row in compared.rows:
        if row.versus and not np.isnan(row.difference_lower_95_ci):
            now = one(compared.rows, "now", row.measure, base=row.base, at=row.at, service=row.service, group=row.group)
            assert row.difference_lower_95_ci <= row.difference <= row.difference_upper_95_ci
            if row.n_replications == now.n_replications == 4:
                assert row.difference == pytest.approx(row.value - now.value, abs=1e-9)
                checked += 1
        if checked > 500:  # looking each up in all rows is slow
            break
    assert checked > 500


def test_clients_whom_a_change_cannot_touch_are_the_same_to_the_last_one(compared: Compared) -> None:
    """Treatment that does nothing changes neither who is referred nor when they are first seen."""
    for measure in ("referrals_received", "right_target", "first_contact_days_mean"):
        assert one(compared.rows, "no effect", measure).difference == 0, measure
    untreated = one(compared.rows, "no effect", "all_remission", base="referred", at="end", service="none")
    assert abs(untreated.difference) < 0.02, "the untreated twins are read on other days where stepping up differs"
    assert one(compared.rows, "no effect", "all_remission", base="finished", at="end", service="service").difference < 0


def test_pairing_removes_most_of_the_variance_of_what_more_staff_change(compared: Compared) -> None:
    row = one(compared.rows, "more therapists", "wait_days_mean", group="step=high_intensity")
    assert row.difference_upper_95_ci < 0, "more therapists, shorter wait"
    removed = [r.variance_removed for r in shown(compared.rows) if r.scenario == "more therapists"]
    assert np.nanmedian(removed) > 0.5, "half of headlines; unpaired runs would be spread around 0"


def test_two_names_for_the_same_inputs_differ_by_exactly_nothing_and_it_is_said(small: Scenario) -> None:
    result = compare({"a": small, "b": small}, replications=2)
    differences = [row.difference for row in result.rows if row.versus and not np.isnan(row.value)]
    assert len(differences) > 1000
    assert set(differences) == {0.0}
    assert {row.variance_removed for row in result.rows if not np.isnan(row.variance_removed)} == {1.0}
    assert result.notes == ("b and a have the same inputs: every difference is 0 by construction.",)


def test_comparing_the_other_way_round_turns_every_sign(small: Scenario) -> None:
    changed = {"now": small, "more therapists": small.with_changes(MORE_STAFF)}
    compared = compare(changed, replications=3, own_start=True)
    back = compare(changed, versus="more therapists", replications=3, own_start=True)
    for measure, base, at, service, _ in HEADLINES:
        wanted = {"base": base, "at": at, "service": service}
        there, here = (
            one(compared.rows, "more therapists", measure, **wanted),
            one(back.rows, "now", measure, **wanted),
        )
        assert (here.versus, there.versus) == ("more therapists", "now")
        assert here.difference == pytest.approx(-there.difference)
        assert here.difference_lower_95_ci == pytest.approx(-there.difference_upper_95_ci)
        assert here.variance_removed == pytest.approx(there.variance_removed, nan_ok=True)
        assert np.isnan(one(back.rows, "more therapists", measure, **wanted).difference)


def test_a_group_that_only_one_scenario_has_gets_no_difference(small: Scenario) -> None:
    result = compare({"with": small, "without": small.with_changes({"population.prevalence.ocd": 0})}, versus="without")
    row = one(result.rows, "with", "share_of_clients", group="ocd=yes")
    assert row.value > 0
    assert np.isnan([row.difference, row.variance_removed]).all()


def test_what_makes_a_comparison_mean_less_is_said(small: Scenario) -> None:
    others = {
        "busier": small.with_changes({"demand.referrals_per_year": 1500}),
        "earlier": small.with_changes({"run.warm_up_days": 100}),
        "other interview": small.with_changes({"instruments.interview_error_sd": 0.1}),
    }
    notes = compare({"now": small, **others}, replications=1).notes
    assert len(notes) == 3
    assert notes[0].startswith("busier has 1,500 referrals a year, now 1,200: a client is referred on another day")
    assert "warm-up 100 days against 200" in notes[1]
    assert "some of a difference is measurement" in notes[2]


OPENINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a condition that nobody has": ({"population.prevalence.ocd": 0}, "other conditions that occur: each opens with people of its own"),
    "a condition more": (
        {"population.prevalence": {"own": {"group": "emotional_disorder", "value": 0.1, "assumption": "x"}}},
        "other conditions that occur",
    ),
    "a condition of another kind": ({"population.prevalence.personality_disorder.group": "dependence"}, "other conditions that occur"),
    "a stratum more": ({"population.strata": {"home": {"own": {"value": 1, "assumption": "x"}}}}, "other strata"),
    "something more is disclosed": (
        {"pathway.routing.disclosure": {"ptsd": {"value": 0.5, "assumption": "x"}}}, "other conditions that can be disclosed",
    ),
    "an empty service": ({"start.running": False}, "changed opens empty: the other has people on its lists"),
    "lists of another length": (
        {"start.waiting": {"high_intensity": {"value": 9, "assumption": "x"}}}, "opens with the people of now. Give --own-start",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(OPENINGS))
def test_what_a_comparison_cannot_keep_of_the_opening_is_said(what: str, small: Scenario) -> None:
    changes, message = OPENINGS[what]
    both = {"now": small, "changed": small.with_changes(changes)}
    compared = compare(both, replications=1)
    (note,) = compared.notes
    assert message in note
    assert compare(both, replications=1, own_start=True).notes == (), "asked for"
    there = [one.first.clients.id[one.first.clients.id >= START_IDS].tolist() for one in compared.results]
    assert there[0] == there[1] or "opens with the people of now" not in note


def test_against_no_service_everybody_opens_empty_and_it_is_said(small: Scenario) -> None:
    alone = small.with_changes({"pathway.policy": "no_service"})
    compared = compare({"alone": alone, "served": small}, replications=1)
    assert any("served opens empty too" in note for note in compared.notes)
    assert not np.any(compared.results[1].first.clients.id >= START_IDS)


def test_seed_and_replications_are_the_same_for_all(small: Scenario) -> None:
    other = small.with_changes({"run.seed": 99, "run.replications": 7, **MORE_STAFF})
    result = compare({"now": small, "other": other})
    assert {one.scenario.run.seed for one in result.results} == {small.run.seed}
    assert {len(one.digests) for one in result.results} == {small.run.replications}
    clients = {one.digests[0]["clients"] for one in result.results}
    assert len(clients) == 1, "the very same people"


def test_progress_runs_through_all_scenarios(small: Scenario) -> None:
    steps: list[tuple[int, int]] = []
    compare({"a": small, "b": small}, replications=2, progress=lambda done, of: steps.append((done, of)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_cannot_be_compared_is_refused(small: Scenario) -> None:
    with pytest.raises(RunError, match="needs two scenarios or more; here is one"):
        compare([small])
    with pytest.raises(RunError, match="here are none"):
        compare([])
    with pytest.raises(RunError, match="hepgul_2016: given twice"):
        compare([small, small])
    with pytest.raises(RunError, match="two scenarios have this name"):
        compare([small, small.with_changes(MORE_STAFF)])
    with pytest.raises(RunError, match=r"versus noww: not among those compared\. Did you mean 'now'"):
        compare({"now": small, "then": small}, versus="noww")


def test_the_rows_shown_are_the_headlines_or_every_reading_asked_for(compared: Compared) -> None:
    headlines = shown(compared.rows)
    assert len(headlines) == 3 * len(HEADLINES)
    asked = shown(compared.rows, ["wait_days_mean", "all_remission"])
    assert [row.measure for row in asked] == ["wait_days_mean"] * 15 + ["all_remission"] * 3 * 3 * 3 * 2
    assert {row.group for row in asked} == {"all", *(f"step={name}" for name in get_scenario().steps)}
    assert {row.service for row in asked} == {"", "service", "difference"}
    with pytest.raises(RunError, match=r"al_remission: no such measure\. Did you mean 'all_remission'"):
        shown(compared.rows, ["al_remission"])


def test_the_forest_plot_shows_each_difference_with_its_interval(compared: Compared) -> None:
    ax = plot_differences(shown(compared.rows))
    assert ax.get_xlabel() == "Difference, points of 100"
    heading = sheet_of(ax).heading
    assert heading.title == "What is different from now?"
    assert "paired 95% interval" in heading.notes
    texts = {" ".join(text.get_text().split()) for text in ax.texts}
    row = one(compared.rows, "no effect", "all_remission", base="finished", at="end", service="service")
    assert row.difference < 0
    assert f"no effect {100 * row.difference:+.1f}" in texts, "each mark has the name of its scenario"
    labels = [" ".join(text.get_text().split()) for text in ax.get_yticklabels()]
    assert "all disorders gone, by interview, of those who finished a course (+)" in labels


def test_of_two_scenarios_the_forest_plot_says_what_becomes_of_people_first(compared: Compared) -> None:
    sheet = draw_differences([row for row in compared.rows if row.scenario != "no effect"])
    people = one(compared.rows, "more therapists", "helped_to_recovery", at="end")
    n, more = abs(round(people.difference)), "more" if people.difference >= 0 else "fewer"
    assert sheet.heading.title.startswith(
        f"With more therapists instead of now, {n:,} {more} people a year are helped beyond no service, and the share"
    )
    assert [ax.get_xlabel() for ax in sheet.axes] == [
        "Difference, people a year",
        "Difference, people",
        "Difference, points of 100",
        "Difference, days",
    ]


@pytest.mark.parametrize("measures", [[], ["wait_days_mean"], ["all_remission"]])
def test_every_sheet_of_differences_is_legible(compared: Compared, measures: list[str]) -> None:
    check_legible(draw_differences(compared.rows, measures))


def test_a_sheet_of_many_scenarios_of_one_replication_is_legible(small: Scenario) -> None:
    many = {f"{k} therapists, $ and all": small.with_changes({"staff.assessor.wte": 1.4 + k}) for k in range(1, 9)}
    result = compare({"now": small, **many}, replications=1)
    check_legible(draw_differences(result.rows))


def test_differences_that_have_no_interval_or_no_value_are_printed_as_such(
    small: Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a scenario with quite a long name"
    changed = small.with_changes({"population.prevalence.ocd": 0, **MORE_STAFF})
    result = compare({"now": small, name: changed}, replications=1)
    (row, *_) = (row for row in shown(result.rows, ["recovery"]) if row.scenario == name)

    def first_line(of: Compared) -> list[str]:
        print_comparison(of, ["recovery"])
        lines = capsys.readouterr().out.splitlines()
        return lines[lines.index(f"    {name}") + 1].split()

    assert first_line(result) == [f"{100 * row.value:.1f}%", f"{100 * row.difference:+.1f}"]
    gone = replace(result, rows=tuple(replace(r, difference=np.nan) for r in result.rows))
    assert first_line(gone) == [f"{100 * row.value:.1f}%", "-"]


# --- on the command line -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    more = '\n[staff.high_intensity_therapist]\nwte = { value = 30, assumption = "more" }\n'
    (tmp_path / "more.toml").write_text('extends = "small.toml"' + more, encoding="utf-8")
    busy = '\n[demand]\nreferrals_per_year = { value = 700, assumption = "more" }\n'
    (tmp_path / "busy.toml").write_text('extends = "small.toml"' + busy, encoding="utf-8")
    return tmp_path


def test_a_comparison_prints_and_saves_every_row(folder: Path) -> None:
    words = ("compare", "small.toml", "more.toml", "busy.toml", "--replications", "2")
    result = call_here(*words, "--out", "results/", folder=folder)
    assert result.returncode == 0, result.stderr
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    titles = [line for line in result.stdout.splitlines() if ", compared with small" in line]
    assert titles == ["more, compared with small", "busy, compared with small"]
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines.index("People helped beyond no service, a year") < lines.index("Shares of those who finish")
    whole = call_here(*words, "--full", "--no-figures", "--out", "whole/", folder=folder).stdout
    assert "COMPARED WITH small, on common random numbers" in whole
    assert "full remission: Remission, rung 4" in whole
    assert "of: clients referred in the data collection period" in " ".join(whole.split())
    posts, progress, note, saved_line = result.stderr.splitlines()
    assert posts.startswith("Note: more.toml: the posts of high intensity therapist are its own")
    assert progress.startswith("small, more, busy, seed 2016, 2 replications")
    assert note.startswith("Note: busy has 700 referrals a year, small 600")
    assert saved_line.startswith("Saved in ")
    (saved,) = (folder / "results").iterdir()
    assert saved.name.startswith("small-compare-2016-")
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert names == {
        "run.json", "differences.csv", "differences.parquet", "replications.parquet", "data_dictionary.csv",
        "measure_definitions.csv", "figures/differences.png",
    }  # fmt: skip
    record = json.loads((saved / "run.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in record["scenarios"]] == ["small", "more", "busy"]
    assert (record["kind"], record["versus"], len(record["digests"]["more"])) == ("comparison", "small", 2)
    with (saved / "differences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [field.name for field in fields(ComparisonRow)]
    assert list(rows[0])[-7:] == [
        "versus", "difference", "difference_lower_95_ci", "difference_upper_95_ci", "difference_could_be_low",
        "difference_could_be_high", "variance_removed"
    ]  # fmt: skip
    table = pq.read_table(saved / "differences.parquet").to_pylist()
    assert len(table) == len(rows) > 3000

    def blank(some: list[dict[str, Any]]) -> dict[tuple[str, ...], bool]:
        return {tuple(one[n] for n in ("scenario", "measure", "base", "at", "service", "group")): one["difference"] in ("", None) for one in some}  # fmt: skip

    assert blank(rows) == blank(table)
    assert len(blank(rows)) == len(rows)
    again = call_here(*words, "--json", "--no-figures", "--measure", "recovery", "--versus", "more", folder=folder)
    machine = json.loads(again.stdout)
    assert {row["measure"] for row in machine} == {"recovery"}
    assert {row["versus"] for row in machine if row["scenario"] == "small"} == {"more"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("small.toml",), "RunError: a comparison needs two scenarios or more; here is one."),
        (("small.toml", "small.toml"), "RunError: small: given twice."),
        (("small.toml", "hepgul_2015"), "hepgul_2015: no such scenario. Did you mean 'hepgul_2016'?"),
        (("small.toml", "more.toml", "--versus", "mor"), "--versus mor: not among those compared. Did you mean 'more'?"),
        (("small.toml", "more.toml", "--measure", "recovry"), "recovry: no such measure. Did you mean 'recovery'?"),
        (("small.toml", "more.toml", "--json", "--csv"), "RunError: --json and --csv: choose one."),
        (("small.toml", "more.toml", "--out", "small.toml"), "RunError: small.toml: cannot be written"),
        (("hepgul_2016", "trial_world", "--set", "population.eligibility.emotional_disorders_max=3"),
         "ScenarioError: in hepgul_2016: --set population.eligibility.emotional_disorders_max: no 'eligibility'"),
    ],
)  # fmt: skip
def test_a_comparison_that_cannot_be_ends_with_code_2_one_message_and_nothing_written(
    words: tuple[str, ...], message: str, folder: Path
) -> None:
    before = sorted(folder.iterdir())
    result = call_here("compare", *words, folder=folder)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert sorted(folder.iterdir()) == before
