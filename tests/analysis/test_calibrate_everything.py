"""Every fit of every shipped scenario either works or is refused in one sentence."""

import warnings

import numpy as np
import pytest

from caseload_sim.analysis.calibrate_outcome import all_figures, calibrate_outcome, list_evidence
from caseload_sim.analysis.calibrate_population import calibrate_population
from caseload_sim.analysis.calibrate_service import calibrate_service, moved, runs_at_most_for
from caseload_sim.analysis.population_report import population_report
from caseload_sim.errors import CaseloadError, RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.numbers import Effect, Shape, Share
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario

BOTH = {"low_intensity", "high_intensity"}


def test_scores_of_nobody_are_not_fitted() -> None:
    nobody = get_scenario("national_2024_25").with_changes({"pathway.policy": "no_service"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RunError, match=r"nobody comes to treatment, so there are no scores at its start to fit\. "):
            calibrate_population(nobody)
        scores = [
            row for row in population_report(get_scenario("no_service"), 2_000) if "start of treatment" in row.quantity
        ]
    assert scores
    assert all(np.isnan(row.achieved) for row in scores)


@pytest.mark.parametrize(
    "name", [name for name in list_scenarios() if not set(POLICIES[get_scenario(name).pathway.policy].steps) >= BOTH]
)
def test_anchors_of_two_intensities_are_not_fitted_with_one(name: str) -> None:
    with pytest.raises(
        RunError, match=rf"^{name}: (policy '\w+' starts nobody at|calibrate the outcome with one provider)"
    ):
        calibrate_outcome(get_scenario(name))


def test_a_service_that_nobody_comes_to_is_not_fitted(small: Scenario) -> None:
    official = get_scenario("national_2024_25").official["second_contact_over_90_days"].model_dump(exclude_none=True)
    fitted = official | {"role": "fitted", "fitted_by": ["staff.assessor.wte"]}
    empty = small.with_changes({"official": {"waits": fitted}, "demand.referrals_per_year": 0})
    assert runs_at_most_for(empty, "service") >= 3
    with pytest.raises(RunError, match=r"has no waits to fit, since nobody was counted"):
        calibrate_service(empty, replications=1)


@pytest.mark.verification
@pytest.mark.parametrize("name", list_scenarios())
def test_the_population_of_every_scenario_is_fitted_or_refused(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = calibrate_population(get_scenario(name))
        except CaseloadError as error:
            message = str(error)
        else:
            assert np.isfinite(fit.after).all()
            return
    assert message.startswith(f"{name}: ")
    assert "\n" not in message


@pytest.mark.verification
@pytest.mark.parametrize("name", list_scenarios())
def test_every_anchor_can_be_read_or_the_outcome_is_not_fitted(name: str) -> None:
    scenario = get_scenario(name)
    if not set(POLICIES[scenario.pathway.policy].steps) >= BOTH or scenario.providers:
        with pytest.raises(RunError, match=f"^{name}: "):
            calibrate_outcome(scenario)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = all_figures(scenario, [simulate(scenario)], 2_000)
        if any(np.isnan(figures[one.name]) for one in list_evidence() if one.role == "anchor"):
            with pytest.raises(RunError, match=f"^{name}: has nobody of whom to read"):
                calibrate_outcome(scenario, people=2_000)


def test_a_fit_moves_no_number_beyond_its_bounds() -> None:
    shape = Shape(value=2, assumption="x")
    assert [moved(shape, by) for by in (-50.0, 0.0, 50.0)] == [0.1, 2.0, 100_000.0]
    assert [moved(Effect(value=1, assumption="x"), by) for by in (-50.0, 50.0)] == [-10.0, 10.0]
    assert [moved(Share(value=whole, assumption="x"), 3.0) for whole in (0, 1)] == [0.0, 1.0]
