"""How many are needed: known answers, what cannot be reached, and what was typed wrongly."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from building import check_legible
from caseload_sim.analysis.solve import Solution, SolutionPoint, interval, solution_of, solve
from caseload_sim.cli.solve import print_solution, sentences
from caseload_sim.definitions.goals import Goal, goal_from
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.replicate import replicate
from caseload_sim.figures.solve import draw_solution
from caseload_sim.measures.rows import row_of
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

THERAPISTS = "staff.high_intensity_therapist.wte"
PRICE = "costs.sessions.high_intensity"


@pytest.fixture(scope="module")
def quick(small: Scenario) -> Scenario:
    return small.with_changes({"run.follow_up_days": 200, "demand.referrals_per_year": 800, "costs.report_year": 2012})


@pytest.fixture(scope="module")
def waits(quick: Scenario) -> Solution:
    """Therapists for a mean wait of 40 days: fewer means longer, whatever else happens."""
    return solve(quick, "wait_days_mean///step=high_intensity<=40", THERAPISTS, low=1, high=8, replications=3)


@pytest.fixture(scope="module")
def more(quick: Scenario) -> Solution:
    """A wait that the present therapists do not reach."""
    return solve(quick, "wait_days_mean///step=high_intensity<=2", THERAPISTS, low=1, high=8, replications=3)


def test_a_price_that_is_known_beforehand_is_found(quick: Scenario) -> None:
    """Costs are linear in a price, and the people do not depend on it: the answer follows from two runs by hand."""
    cost = [
        replicate(quick.with_changes({PRICE: price}), replications=3)
        .find("cost_per_finished_course", base="finished")
        .value
        for price in (0, 100)
    ]
    target = cost[0] + 2.37 * (cost[1] - cost[0])
    solution = solve(quick, f"cost_per_finished_course={target}", PRICE, replications=3)
    assert solution.value == pytest.approx(237, rel=1e-6)
    assert not solution.met_now
    assert solution.more_is_better
    assert solution.n_crossings == 1
    assert solution.lower_95_ci < 237 < solution.upper_95_ci
    assert not solution.hardly_moves


def test_at_the_solution_the_mean_meets_the_target_and_a_little_less_does_not(quick: Scenario, waits: Solution) -> None:
    def mean(wte: float) -> float:
        return (
            replicate(quick.with_changes({THERAPISTS: wte}), replications=3)
            .find("wait_days_mean", group="step=high_intensity")
            .value
        )

    assert waits.more_is_better
    assert mean(1.02 * waits.value) < 40 < mean(0.98 * waits.value)
    assert waits.lower_95_ci < waits.value < waits.upper_95_ci
    set_to = [point.set_to for point in waits.points]
    assert set_to == sorted(set_to)
    assert quick.staff["high_intensity_therapist"].wte.value in set_to
    assert [point.met for point in waits.points] == [value >= waits.value for value in set_to]


def test_a_target_met_already_says_so_and_from_where_on(quick: Scenario, waits: Solution) -> None:
    generous = quick.with_changes({THERAPISTS: 7})
    solution = solve(generous, "wait_days_mean///step=high_intensity<=40", THERAPISTS, low=1, high=8, replications=3)
    assert solution.met_now
    assert solution.value == pytest.approx(waits.value, rel=0.02), "the same curve, seen from elsewhere"
    assert sentences(solution)[0].startswith("Met already: ")
    assert "It would still be met with" in sentences(solution)[1]


def test_first_contacts_within_18_weeks_do_not_depend_on_therapists_when_assessors_abound(quick: Scenario) -> None:
    plenty = quick.with_changes({"staff.assessor.wte": 100})
    solution = solve(plenty, "within_18_weeks>=0.9999", THERAPISTS, replications=2)
    assert np.isnan(solution.value)
    assert not solution.met_now
    assert solution.hardly_moves
    said = " ".join(sentences(solution))
    assert "meets >= 99.99%. The best is " in said
    assert "hardly moves with staff.high_intensity_therapist.wte" in said
    assert "staff.assessor.wte" in said
    assert len(solution.points) == 7, "nothing is halved where nothing crosses"
    easy = solve(plenty, "within_18_weeks>=0.5", THERAPISTS, replications=1)
    assert "It is met at every value tried" in " ".join(sentences(easy))
    exact = solve(plenty, "within_18_weeks=0.5", THERAPISTS, replications=1)
    assert "gives = 50%. The nearest is" in " ".join(sentences(exact))


def test_assessors_decide_about_first_contacts(quick: Scenario) -> None:
    solution = solve(quick, "within_6_weeks>=0.7", "staff.assessor.wte", replications=2)
    assert solution.more_is_better
    assert 0.3 < solution.value < 1.4
    assert not solution.hardly_moves


def test_from_today_every_value_opens_with_the_same_people(quick: Scenario) -> None:
    changed = quick.with_changes({THERAPISTS: 1.5})
    target = "waiting_list///step=high_intensity<=1"
    today = solve(quick, target, THERAPISTS, low=1.5, high=2.0, replications=1, from_today=True)
    long_run = solve(quick, target, THERAPISTS, low=1.5, high=2.0, replications=1)
    group = "step=high_intensity"
    by_hand = replicate(changed, replications=1, start_of=quick).find("waiting_list", group=group).value
    assert today.points[0].value == by_hand
    assert long_run.points[0].value == replicate(changed, replications=1).find("waiting_list", group=group).value
    assert today.points[0].value != long_run.points[0].value
    assert today.from_today
    assert not long_run.from_today
    assert np.isnan(today.lower_95_ci), "one replication has no interval"


def point(x: float, value: float, half: float) -> SolutionPoint:
    return SolutionPoint("s", "recovery", "finished", "end", "service", "all", value, value - half, value + half,
                         np.nan, np.nan, np.nan, np.nan, "share", 5, np.nan, np.nan, "path", x, False)  # fmt: skip


def test_the_interval_inverts_the_band() -> None:
    """A straight line y = x with a band of half-width 0.1: a target of 0.5 leaves it 0.1 on either side."""
    line = tuple(point(x, x, 0.1) for x in np.linspace(0, 1, 6))
    assert interval(line, 0.5, 0.5) == pytest.approx((0.4, 0.6))
    assert interval(line[:3], 0.38, 0.38) == pytest.approx((0.28, np.nan), nan_ok=True), "no end within the range"
    assert np.isnan(interval(tuple(point(x, x, np.nan) for x in (0, 1)), 0.5, 0.5)).all()
    assert np.isnan(interval(line, 2, np.nan)).all()


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("within_18_weeks=0.95", Goal(Quantity("first_contact_within_18_weeks"), "=", 0.95)),
        ("within_6_weeks >= 75%", Goal(Quantity("first_contact_within_6_weeks"), ">=", 0.75)),
        ("second_contact_over_90_days<=0.10", Goal(Quantity("second_contact_over_90_days"), "<=", 0.1)),
        ("all_remission/started/sustained/ptsd=yes>=.2", Goal(Quantity("all_remission", "started", "sustained", group="ptsd=yes"), ">=", 0.2)),
        ("wait_days_mean///step=high_intensity=28", Goal(Quantity("wait_days_mean", group="step=high_intensity"), "=", 28)),
    ],
)  # fmt: skip
def test_targets_are_read_as_written(text: str, goal: Goal) -> None:
    assert goal_from(text) == goal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("within_18_weeks", "write MEASURE/BASE/AT/GROUP then >=, <= or = and a value"),
        ("within_18_weeks>0.9", "write MEASURE"),
        ("=0.9", "write MEASURE"),
        ("within_18_weaks>=0.9", "no such measure."),
        ("recovry>=0.5", "Did you mean 'recovery'?"),
        ("recovery>=half", "half is not a number"),
        ("recovery>=inf", "not a finite number"),
        ("recovery>=95", "is a share, from 0 to 1; write 95% as 0.95 or 95%"),
        ("contacts_mean>=5%", "is in contacts, not in %"),
    ],
)
def test_a_target_that_cannot_be_read_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        goal_from(text)
    assert message in str(caught.value)
    assert text.split(">")[0].split("=")[0][:9] in str(caught.value)


def test_a_goal_finds_its_row_or_says_what_is_missing(quick: Scenario, waits: Solution) -> None:
    rows = replicate(quick, replications=1).rows
    found = row_of(rows, goal_from("recovery>=0.5").quantity)
    assert (found.base, found.at, found.service, found.group) == ("finished", "end", "service", "all")
    found = row_of(rows, goal_from("full_remission/referred/sustained>=0.5").quantity)
    assert (found.base, found.at, found.service, found.group) == ("referred", "sustained", "service", "all")
    for text, message in {
        "recovery/finished/sustained>=0.5": "recovery has no reading 'sustained'. Known: end, month_12.",
        "wait_days_mean<=5": "wait_days_mean has several of group; name one: step=assessment, ",
        "wait_days_mean///step=hi<=5": "has no group 'step=hi'",
    }.items():
        with pytest.raises(RunError) as caught:
            row_of(rows, goal_from(text).quantity)
        assert message in str(caught.value)


def test_a_path_that_leads_nowhere_or_a_range_that_is_none_is_refused_before_any_run(quick: Scenario) -> None:
    def never(done: int, of: int) -> None:
        raise AssertionError("nothing should run")

    def refused(vary: str, error: type[Exception] = RunError, **given: float) -> str:
        with pytest.raises(error) as caught:
            solve(quick, "recovery>=0.5", vary, progress=never, low=given.get("low"), high=given.get("high"))
        return str(caught.value)

    text = refused("staff.high_intensity_terapist.wte")
    assert "not a number of hepgul_2016. Did you mean 'staff.high_intensity_therapist.wte'?" in text
    assert "not a number" in refused("run.seed")
    assert "the range from 5 to 2 is empty" in refused(THERAPISTS, low=5, high=2)
    assert "give --from and --to" in refused("staff.assessor.trainees")
    assert "out of range" in refused("population.prevalence.ptsd", ScenarioError, high=1.5)


def test_the_picture_and_the_table_hold_the_answer(
    waits: Solution, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    figure = draw_solution(waits)
    check_legible(figure)
    (ax,) = figure.axes
    labels = [text.get_text() for text in ax.texts]
    assert {"target: at most 40 days", f"today: {waits.present:.1f}", f"{waits.value:.1f} or more"} <= set(labels)
    assert figure.heading.title.startswith(f"{waits.value:.1f} posts of high-intensity therapists or more (")
    assert ax.get_xscale() == "linear"
    again = solution_of(
        waits.scenario, f"{waits.goal.quantity} {waits.goal.sign} {waits.goal.value}", waits.path, waits.points
    )
    assert (again.value, again.lower_95_ci, again.upper_95_ci) == (waits.value, waits.lower_95_ci, waits.upper_95_ci)
    assert (again.present, again.now.value, again.met_now, again.best) == (
        waits.present,
        waits.now.value,
        waits.met_now,
        waits.best,
    )
    check_legible(draw_solution(replace(waits, value=np.nan, lower_95_ci=np.nan, upper_95_ci=np.nan)))


def test_the_answer_comes_first_then_what_else_it_changes_people_before_shares(
    waits: Solution, more: Solution, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_solution(more)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    answer = f"{more.answer:.4g} high intensity therapist posts ("
    assert text.splitlines()[1].startswith(answer)
    extra = more.answer - more.present
    assert f"or more, {extra:.4g} more than now, about GBP" in " ".join(text.split())
    assert text.index("People helped beyond no service") < text.index("Shares of those who finish")
    assert (waits.met_now, waits.answer, waits.change) == (True, waits.present, ())
    assert "No half post can be spared" in " ".join(sentences(waits))


def test_posts_are_answered_in_halves_that_meet_the_target_with_what_else_they_change(more: Solution) -> None:
    assert not more.met_now
    assert 2 * more.answer == round(2 * more.answer)
    assert 0 <= more.answer - more.value < 0.5
    (there,) = (point for point in more.points if point.set_to == more.answer)
    assert there.met
    now, then = (row_of(rows, more.goal.quantity) for rows in (more.before, more.change))
    assert (now.value, then.value) == (more.now.value, there.value)


def test_what_a_solution_cannot_say_or_should_warn_of_is_said(
    waits: Solution, capsys: pytest.CaptureFixture[str]
) -> None:
    said = " ".join(sentences(replace(waits, n_crossings=3)))
    assert "crosses the target 3 times" in said
    once = " ".join(sentences(replace(waits, now=replace(waits.now, lower_95_ci=np.nan))))
    assert "(no interval with one replication)" in once
    first = replace(waits, goal=replace(waits.goal, quantity=Quantity("first_contact_days_mean")), hardly_moves=True)
    assert "depend on who assesses (staff.assessor.wte)" in " ".join(sentences(first))
    assert "depend on who assesses" not in " ".join(sentences(replace(waits, hardly_moves=True)))
    empty = replace(waits.points[0], value=np.nan)
    print_solution(replace(waits, points=(empty, *waits.points[1:]), from_today=not waits.from_today), full=True)
    text = capsys.readouterr().out
    (line,) = (line for line in text.splitlines() if line.split()[:1] == [f"{empty.set_to:.5g}"])
    assert line.split()[-1] == "-"
    assert ("as it is" in " ".join(text.split())) == (not waits.from_today)


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    words = (
        "solve",
        "small.toml",
        "--target",
        "within_6_weeks>=0.99999",
        "--vary",
        "staff.assessor.wte",
        "--seed",
        "3",
    )
    found = call_here(*words, "--json", "--to", "30", folder=tmp_path)
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert answer["value"] is None
    assert answer["met_now"] is False
    assert answer["points"][0]["path"] == "staff.assessor.wte"
    assert answer["points"][-1]["set_to"] == 30
    assert "small, seed 3, 2 replications" in found.stderr
    (saved,) = (tmp_path / "results").iterdir()
    assert saved.name.startswith("small-solve-3-")
    assert {path.name for path in saved.iterdir()} == {"table.csv", "figure.png", "data_dictionary.csv", "run.json"}
    with (saved / "table.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(answer["points"])
    for wrong in (("--target", "nothing"), ("--target", "recovery>=0.5", "--vary", "staff.assesor.wte")):
        refused = call_here(*words[:2], *wrong, *(("--vary", "x") if len(wrong) == 2 else ()), folder=tmp_path)
        assert refused.returncode == 2
        assert refused.stderr.splitlines()[-1].startswith("RunError: --")
    assert "first contact depend on who assesses" in call_here("solve", "--help", folder=tmp_path).stdout.replace(
        "\n", " "
    ).replace("  ", " ")
