"""Many services at once: what is compared, what is predicted, by hand; and that each is fitted once and kept."""

from pathlib import Path

import numpy as np
import pytest

from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.cli.validate_model import print_backtest
from caseload_sim.errors import CatalogueError
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.tasks import Finished, ReplicationKey
from caseload_sim.measures.table import table_of
from caseload_sim.runs.kept_replications import begin, take_up
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services import each
from caseload_sim.services.backtest import (
    BacktestRow,
    backtest,
    changed,
    changes_of,
    check_years,
    tasks_of_two_years,
)
from caseload_sim.services.each import WHY_NOT, ServiceTask, TwoYears, each_service, fit_and_run
from caseload_sim.services.published import Published
from caseload_sim.services.validated import tasks_of_a_year, validated
from caseload_sim.services.yearly import YEARLY, months_of

NAN = float("nan")


@pytest.fixture(scope="module")
def national() -> Scenario:
    return get_scenario("national_2024_25")


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


def finished(read: dict[str, float], why_not: str = "") -> Finished:
    return Finished(table_of({}), {}, {WHY_NOT: why_not} if why_not else {}, read=read)


# --- which services ----------------------------------------------------------------------------------------------


def test_about_107_services_are_validated_each_with_its_year(published: Published, national: Scenario) -> None:
    tasks, left_out = tasks_of_a_year(published, national)
    assert 105 <= len(tasks) <= 120
    assert len(left_out) < 10
    devon = next(task for task in tasks if task.code == "RWV").scenario
    run = devon.run
    assert (run.opens.isoformat(), run.warm_up_days, run.data_collection_days) == ("2023-04-02", 365, 365)
    assert devon.demand.referrals_per_year.value == 28_635
    assert len({task.number for task in tasks}) == len(tasks)


def test_of_services_that_are_named_a_month_may_be_missing(published: Published, national: Scenario) -> None:
    tasks, left_out = tasks_of_a_year(published, national, ["RY6", "RHA"])
    assert [task.code for task in tasks] == ["RY6"]
    assert left_out == ["RHA"]


def test_a_backtest_is_given_the_first_year_and_what_was_counted_in_the_second(
    published: Published, national: Scenario
) -> None:
    (task,), full = tasks_of_two_years(published, national, "2023-24", "2024-25", ["RWV"], replications=3)
    assert [*full] == ["RWV"]
    counts = published.series("RWV")["M001"]
    known = task.scenario.demand.monthly_referrals
    assert {month: one.value for month, one in known.items()} == {m: n for m, n in counts.items() if m <= "2024-03"}
    assert task.years is not None
    assert dict(task.years.counts) == counts
    assert task.years.replications == 3
    assert task.scenario.run.opens.isoformat() == "2022-04-01", "a year of warm-up before 1 April 2023"
    attended = published.series("RWV")["M086"]
    sums = [sum(attended[month] for month in months_of(year)) for year in ("2023-24", "2024-25")]
    assert task.years.attended == pytest.approx(sums[1] / sums[0])
    official = task.scenario.official["recovery"]
    assert "2023-24" in str(official.where), "nothing of the second year"


@pytest.mark.parametrize(("first", "second"), [("2024-25", "2023-24"), ("2022-23", "2024-25"), ("2023-24", "2023-24")])
def test_the_second_year_must_follow_the_first(first: str, second: str) -> None:
    with pytest.raises(CatalogueError, match="must follow the first"):
        check_years(first, second)


# --- validated ---------------------------------------------------------------------------------------------------


def test_each_figure_is_compared_over_services_by_hand(published: Published, national: Scenario) -> None:
    """Four services with four waits; the model is 1, 2, 3 and 4 days too high; a fifth could not be fitted."""
    waits = {"RWV": 10.0, "RXV": 20.0, "RVN": 30.0, "RJ8": 60.0}
    wait = national.official["first_contact_days_mean"]
    tasks = [
        ServiceTask(code, national.model_copy(update={"official": {"first_contact_days_mean": wait.model_copy(update={"value": days})}}))
        for code, days in waits.items()
    ]  # fmt: skip
    results = {
        code: finished({"first_contact_days_mean": days + k + 1}) for k, (code, days) in enumerate(waits.items())
    }
    tasks.append(ServiceTask("RXT", tasks[0].scenario))
    results["RXT"] = finished({}, "nobody was counted")
    (row,), figures, why_not = validated(published, tasks, results)
    assert why_not == {"RXT": "nobody was counted"}
    assert (row.quantity, row.role, row.unit, row.n_services) == ("first_contact_days_mean", "fitted", "days", 4)
    assert (row.published_mean, row.mae_model) == (30.0, 2.5)
    assert row.published_sd == pytest.approx(np.std([10, 20, 30, 60], ddof=1))
    assert row.correlation == pytest.approx(np.corrcoef([10, 20, 30, 60], [11, 22, 33, 64])[0, 1])
    # Means of the other three: 110/3, 100/3, 30, 20.
    assert row.mae_mean_of_others == pytest.approx((80 / 3 + 40 / 3 + 0 + 40) / 4)
    assert [one.mean_of_others for one in figures] == pytest.approx([110 / 3, 100 / 3, 30, 20])
    assert figures[0].service == "Devon Partnership NHS Trust"


def test_a_figure_that_is_fitted_here_and_a_check_there_has_two_rows_and_an_assumed_one_none(
    published: Published, national: Scenario
) -> None:
    wait = national.official["assessment_to_high_intensity_days"]
    check = wait.model_copy(update={"role": "check", "fitted_by": ()})
    assumed = national.official["second_contact_days_mean"]
    assert assumed.assumption
    scenarios = [
        {"assessment_to_high_intensity_days": one, "second_contact_days_mean": assumed} for one in (wait, check)
    ]
    tasks = [
        ServiceTask(code, national.model_copy(update={"official": official}))
        for code, official in zip(("RWV", "RXV"), scenarios, strict=True)
    ]
    results = {code: finished({"assessment_to_high_intensity_days": 70.0, "second_contact_days_mean": 60.0}) for code in ("RWV", "RXV")}  # fmt: skip
    rows, _, _ = validated(published, tasks, results)
    assert [(row.quantity, row.role, row.n_services) for row in rows] == [
        ("assessment_to_high_intensity_days", "fitted", 1), ("assessment_to_high_intensity_days", "check", 1),
    ]  # fmt: skip


# --- backtest ----------------------------------------------------------------------------------------------------


def test_last_year_and_what_changes_by_hand() -> None:
    by_name = {one.name: one for one in YEARLY}
    days, share, people = (by_name[name] for name in ("first_wait_days", "over_90_days", "finished"))
    assert changed(days, 30, 20, 26) == 36
    assert changed(days, 5, 20, 10) == 0, "no wait is below none"
    assert changed(share, 0.3, 0.5, 0.4) == pytest.approx(0.2)
    assert (changed(share, 0.1, 0.5, 0.3), changed(share, 0.9, 0.5, 0.7)) == (0, 1)
    assert changed(people, 300, 200, 260) == 390
    assert np.isnan(changed(people, 300, 0, 260))


def made_up(values: tuple[float, float], name: str) -> dict[str, float]:
    return {f"given_referrals/{year}/{name}": value for year, value in zip(("first", "second"), values, strict=True)}


def test_errors_are_of_the_model_and_of_next_year_like_this_one_by_hand(
    published: Published, national: Scenario
) -> None:
    """Two services of 4,000 and 20,000 referrals; the second is run as 10,000, so its counts are of half of it."""
    first, second = (months_of(year)[-1] for year in ("2023-24", "2024-25"))
    full = {
        "RWV": {"M038": {first: 300.0, second: 360.0}, "M048": {first: 20.0, second: 30.0}},
        "RXV": {"M038": {first: 1000.0, second: 900.0}, "M048": {first: 40.0, second: 39.0}},
    }
    years = TwoYears("2023-24", "2024-25", (), NAN)
    sizes = {"RWV": 4_000, "RXV": 20_000}
    tasks = [ServiceTask(code, national.with_changes({"demand.referrals_per_year": n}), years) for code, n in sizes.items()]  # fmt: skip
    results = {
        "RWV": finished(made_up((200, 250), "waiting_for_treatment") | made_up((25, 31), "first_wait_days")),
        "RXV": finished(made_up((600, 570), "waiting_for_treatment") | made_up((30, 32), "first_wait_days")),
    }
    rows, predictions = backtest(published, tasks, results, full)
    by_place = {(row.figure, row.how): row for row in rows if row.line == "given_referrals"}
    waiting, level = (by_place["waiting_for_treatment", how] for how in ("change", "level"))
    assert [one.predicted for one in predictions if one.figure == waiting.figure and one.how == "change"] == [375, 950]
    assert (waiting.n_services, waiting.mae, waiting.mae_persistence) == (2, (15 + 50) / 2, (60 + 100) / 2)
    assert waiting.ratio == pytest.approx(65 / 160)
    assert level.mae == (110 + 240) / 2, "250 for 360, and twice 570 for 900"
    wait = by_place["first_wait_days", "change"]
    assert (wait.mae, wait.mae_persistence) == ((4 + 3) / 2, (10 + 1) / 2), "26 for 30 and 42 for 39"
    assert (wait.persistence_of_all, wait.n_of_all) == (5.5, 2)
    assert np.isnan(by_place["recovery", "change"].mae), "nobody has it"
    assert {row.n_services for row in rows if row.line == "given_attended"} == {0}
    drawn = [(one.quantity, one.published, one.model) for one in changes_of(predictions)]
    assert drawn == [
        ("first_wait_days", 10, 6), ("first_wait_days", -1, 2),
        ("waiting_for_treatment", 60, 75), ("waiting_for_treatment", -100, -50),
    ]  # fmt: skip


def test_persistence_is_over_all_services_though_some_cannot_be_fitted(
    published: Published, national: Scenario
) -> None:
    tasks, full = tasks_of_two_years(published, national, "2023-24", "2024-25")
    assert len(full) == 107
    assert 100 <= len(tasks) < 107
    rows, predictions = backtest(published, tasks, {}, full)
    assert predictions == []
    assert {row.figure: round(row.persistence_of_all, 1) for row in rows}["first_wait_days"] == 6.4
    assert {row.n_of_all for row in rows if row.figure == "finished"} == {107}


# --- each service once -------------------------------------------------------------------------------------------


def test_what_is_kept_of_a_service_is_not_run_again(
    national: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, ran = [ServiceTask(code, national) for code in ("A", "B", "C")], []

    def run(task: ServiceTask) -> Finished:
        ran.append(task.code)
        if task.code == "B" and len(ran) == 2:
            raise KeyboardInterrupt
        return finished({"recovery": 0.5}) if task.code != "C" else finished({}, "too small")

    monkeypatch.setattr(each, "fit_and_run", run)
    folder, inputs = tmp_path / "unfinished", {"kind": "x", "scenario": {}}
    with pytest.raises(KeyboardInterrupt):
        dict(each_service(tasks, RunOptions(kept=begin(folder, inputs))))
    kept, damaged = take_up(folder, inputs)
    assert (len(kept), damaged) == (1, 0)
    reported: list[tuple[int, int]] = []
    found = dict(each_service(tasks, RunOptions(kept=kept, progress=lambda *one: reported.append(one))))
    assert ran == ["A", "B", "B", "C"]
    assert reported == [(1, 3), (2, 3), (3, 3)]
    assert found["A"].read == {"recovery": 0.5}
    assert found["C"].digests == {WHY_NOT: "too small"}
    again, _ = take_up(folder, inputs)
    assert dict(each_service(tasks, RunOptions(kept=again)))["C"].digests == {WHY_NOT: "too small"}
    assert len(ran) == 4


def test_a_service_that_cannot_be_fitted_says_why_and_stops_no_other(national: Scenario) -> None:
    nothing = ServiceTask("X", national.model_copy(update={"official": {}}))
    done = fit_and_run(nothing)
    assert "nothing to fit" in done.digests[WHY_NOT]
    assert done.read == {}


def test_both_lines_are_read_where_appointments_are_known(national: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    small = national.with_changes({"demand.referrals_per_year": 400, "staff.assessor.wte": 0.6,
                                   "staff.psychological_wellbeing_practitioner.wte": 0.9, "staff.high_intensity_therapist.wte": 1.2})  # fmt: skip
    nothing = ServiceFit("x", {}, (), (), (), (), 0, {})
    counts = (("2023-06", 30.0), ("2024-06", 90.0))
    monkeypatch.setattr(each, "fit_service", lambda _: nothing)
    reads = [
        fit_and_run(ServiceTask("X", small, TwoYears("2023-24", "2024-25", counts, attended, replications=2))).read
        for attended in (1.5, NAN)
    ]
    assert {name.split("/")[0] for name in reads[0]} == {"given_referrals", "given_attended"}
    assert {name.split("/")[0] for name in reads[1]} == {"given_referrals"}
    for name, value in reads[1].items():
        assert reads[0][name] == value, "the other line changes nothing in it"
    assert reads[0]["given_attended/second/finished"] > reads[0]["given_referrals/second/finished"]
    assert TwoYears("2023-24", "2024-25", (), NAN).replications_of(small) == 20
    assert TwoYears("2023-24", "2024-25", (), NAN).replications_of(national) == 4


def test_a_number_of_a_task_is_of_all_that_it_depends_on(national: Scenario) -> None:
    years = TwoYears("2023-24", "2024-25", (), 1.0)
    tasks = [
        ServiceTask("A", national), ServiceTask("B", national), ServiceTask("A", national, years),
        ServiceTask("A", national, TwoYears("2023-24", "2024-25", (), 1.1)),
        ServiceTask("A", national.with_changes({"demand.referrals_per_year": 5000})),
    ]  # fmt: skip
    assert len({task.number for task in tasks}) == len(tasks)
    key: ReplicationKey = (tasks[0].number, 0)
    assert key == (ServiceTask("A", national).number, 0)


def test_of_no_service_there_is_no_table(published: Published) -> None:
    assert backtest(published, [], {}, {}) == ([], [])
    assert validated(published, [], {}) == ([], [], {})


def test_a_figure_that_no_service_publishes_is_a_dash_and_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    nan = float("nan")
    known = BacktestRow("recovery", "share", "given_referrals", "change", 3, 0.01, 0.02, 0.5, 0.4, 0.6, 0.018, 107)
    unknown = BacktestRow("over_90_days", "share", "given_referrals", "change", 0, nan, nan, nan, nan, nan, nan, 0)
    print_backtest([known, unknown], "2023-24", "2024-25", 3)
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert "better than persistence on 1 of 1," in printed
    assert "0.50 (0.40 to 0.60)" in printed
