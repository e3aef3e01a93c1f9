"""Fitting a service to its published figures: what is moved, on which service, and that waits are met."""

import numpy as np
import pytest

from caseload_sim.analysis.validate_model import tolerance_of
from caseload_sim.errors import CatalogueError, RunError
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.measures.rows import row_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.fit import fit_service, work_of_fit
from caseload_sim.services.levers import Lever, posts_of, trial_of
from caseload_sim.services.published import Published
from caseload_sim.services.targets import PRACTITIONERS, TARGETS, THERAPISTS, financial_year, moved_by, targets_of
from caseload_sim.services.year import year_of


@pytest.fixture(scope="module")
def national() -> Scenario:
    return get_scenario("national_2024_25")


def test_a_large_service_is_tried_small_with_posts_that_are_filled(national: Scenario) -> None:
    """58,455 referrals are tried as 10,000; of 100 posts with 2.9% vacant, 97.1 are filled, and 16.611 in the small one."""
    large = national.with_changes({"demand.referrals_per_year": 58_455, THERAPISTS: 100, "staff.high_intensity_therapist.vacancy_share": 0.029})  # fmt: skip
    tried = trial_of(large)
    assert tried.demand.referrals_per_year.value == pytest.approx(10_000)
    assert tried.staff["high_intensity_therapist"].wte.value == pytest.approx(97.1 * 10_000 / 58_455)
    assert not tried.run.staff_turnover
    assert (tried.run.replications, tried.run.follow_up_days) == (1, 0)
    assert (tried.run.opens.isoformat(), tried.run.warm_up_days) == ("2024-03-02", 30), (
        "data collection from 1 April 2024"
    )


def test_counts_by_month_shrink_with_the_service(national: Scenario) -> None:
    counted = {
        "demand.referrals_per_year": 20_000,
        "demand.monthly_referrals": {"2024-04": {"value": 1500, "assumption": "x"}},
    }
    assert trial_of(national.with_changes(counted)).demand.monthly_referrals["2024-04"].value == 750


def test_how_far_a_figure_is_off_is_in_logits_or_logs(national: Scenario) -> None:
    share, days = (
        Lever(name, national.official[name], {}) for name in ("ended_before_treatment", "first_contact_days_mean")
    )
    assert share.off_by(0.5) == pytest.approx(0 - np.log(0.33 / 0.67))
    assert days.off_by(42.8) == pytest.approx(np.log(2))
    assert np.isfinite([share.off_by(0), share.off_by(1), days.off_by(0)]).all()


def test_posts_are_fitted_to_waits_that_are_published(national: Scenario) -> None:
    """The figures are the model's own, with other posts, missed contacts and sessions: a fit from the parent finds them."""
    names = ("not_attended", "high_intensity_contacts", "second_contact_days_mean", "assessment_to_high_intensity_days")
    small = national.with_changes({
        "demand.referrals_per_year": 3000, "staff.assessor.wte": 3.0, PRACTITIONERS: 2.9, THERAPISTS: 8.0,
    })  # fmt: skip
    other = small.with_changes({PRACTITIONERS: 3.4, THERAPISTS: 9.0, "pathway.missed.not_attended": 0.14,
                                "pathway.steps.high_intensity.planned_sessions_mean": 11})  # fmt: skip
    (rows,) = summarise_each([Request(trial_of(other))])
    official = {name: small.official[name].model_copy(update={"value": row_of(rows.rows, small.official[name].quantity).value}) for name in names}  # fmt: skip
    to_fit = small.model_copy(update={"official": official})
    progress: list[tuple[int, int]] = []
    found = fit_service(to_fit, progress=lambda done, of: progress.append((done, of)))
    assert found.quantities == names
    for name, target, after in zip(names, found.target, found.after, strict=True):
        assert after == pytest.approx(target, abs=1.5 * tolerance_of(official[name])), name
    assert found.changes["pathway.missed.not_attended"] == pytest.approx(0.14, abs=0.01)
    assert found.changes[THERAPISTS] == pytest.approx(9.0, rel=0.06)
    (again,) = summarise_each([Request(trial_of(to_fit.with_changes(found.changes)))])
    assert row_of(again.rows, official[names[2]].quantity).value == pytest.approx(found.after[2], rel=0.02)
    assert all(done <= of for done, of in progress)
    assert progress[-1][0] == found.rounds + 1


def test_nothing_to_fit_is_said(national: Scenario) -> None:
    with pytest.raises(RunError, match="nothing to fit"):
        fit_service(national.model_copy(update={"official": {}}))


def test_both_kinds_of_staff_meet_one_wait_where_the_other_contradicts_it(national: Scenario) -> None:
    second = national.official["second_contact_days_mean"].model_copy(update={"fitted_by": (PRACTITIONERS, THERAPISTS)})
    low, high = posts_of(national, second)
    assert [(one.path, one.wait.group, one.days) for one in (low, high)] == [
        (PRACTITIONERS, "intensity=low", 61), (THERAPISTS, "intensity=high", 61),
    ]  # fmt: skip
    assert low.steps == ("low_intensity", "group", "internet_guided")
    (alone,) = posts_of(national, national.official["second_contact_days_mean"])
    assert alone.wait.measure == "second_contact_days_mean"


# By hand: with half sent to low intensity, a mean of 60 days and 80 for high leave 40 for low.
@pytest.mark.parametrize(
    ("high", "second", "share", "can_be"),
    [(80, 60, 0.5, True), (111, 60, 0.5, False), (9, 60, 0.5, False), (11, 100, 0.4, False), (None, 60, 0.5, False)],
)
def test_a_wait_for_high_intensity_is_met_where_it_can_be(
    high: float | None, second: float, share: float, can_be: bool, national: Scenario
) -> None:
    """111 leaves 9 days for low intensity; of 9 days nobody knows what they are; 11 for six of ten leave 234 for the others."""
    values = {"second_contact_days_mean": second, "low_intensity_first": share}
    values |= {} if high is None else {"assessment_to_high_intensity_days": high}
    moves = moved_by(values, national)
    assert moves.get("assessment_to_high_intensity_days", ()) == ((THERAPISTS,) if can_be else ())
    assert moves["second_contact_days_mean"] == ((PRACTITIONERS,) if can_be else (PRACTITIONERS, THERAPISTS))


def test_more_never_assessed_than_ended_before_treatment_is_not_fitted(national: Scenario) -> None:
    for share, moves in ((0.32, ()), (0.2, ("pathway.not_assessed",))):
        values = {"reason_not_assessed": share, "ended_before_treatment": 0.321}
        assert moved_by(values, national)["reason_not_assessed"] == moves


def test_a_wait_that_is_not_published_is_assumed_and_says_so(national: Scenario) -> None:
    """Ieso: 4.1% over 28 days, and no bands. Exponential waits have 4.1% over 28 days if their mean is 28 / -log(0.041)."""
    published = Published()
    year = year_of(published, published.provider("AM601"))
    (second,) = (one for one in targets_of(published, year, national) if one.target.bands)
    (over,) = (one for one in targets_of(published, year, national) if one.target.name == "second_contact_over_28_days")
    assert second.value == pytest.approx(-28 / np.log(over.value))
    assert "exponential" in second.assumption


def test_every_lever_is_named_once() -> None:
    moved = [path for target in TARGETS for path in target.moves]
    assert len(moved) == len(set(moved))


def test_the_work_of_a_fit_is_said_before(national: Scenario) -> None:
    size, times = work_of_fit(Published(), "RXV", national)
    assert size.demand.referrals_per_year.value == 10_000
    assert 20 < times < 45
    with pytest.raises(CatalogueError, match="too little to fit to"):
        work_of_fit(Published(), "RHA", national)


@pytest.mark.parametrize(
    ("last", "year"), [("2025-03", "2024-25"), ("2025-09", "2024-25"), ("2025-10", "2025-26"), ("2024-08", "2023-24")]
)
def test_annual_figures_are_of_the_year_in_which_most_months_lie(last: str, year: str) -> None:
    assert financial_year(last) == year
