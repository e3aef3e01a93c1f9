"""How contacts take place: who is reached, and what the length of a contact does to capacity."""

import numpy as np
import pytest

from caseload_sim.clients.population import draw_population
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import ScenarioError
from caseload_sim.experiments.replicate import replicate, simulate
from caseload_sim.measures.simulation import groups
from caseload_sim.pathway.assessment import EXITS
from caseload_sim.pathway.sessions import NOT_REACHED, modality_of
from caseload_sim.pathway.staffing import places
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.expected import shares_of_clients, staff_time_of_a_contact
from caseload_sim.scenario.scenario import Scenario

WITH_GAPS = {
    "pathway.modalities.face_to_face.share": 0.2,
    "pathway.modalities.face_to_face.reach": 0.3,
    "pathway.modalities.telephone.reach": 0.9,
    "pathway.modalities.telephone.reach_per_deprivation_decile": 0.4,
    "pathway.modalities.video.reach": 0.6,
    "pathway.modalities.video.reach_per_deprivation_decile": 0.2,
}


def test_the_expected_shares_are_those_that_are_drawn() -> None:
    scenario, n = get_scenario(changes=WITH_GAPS), 40_000
    drawn = modality_of(scenario, draw_population(scenario, Draws(3, 0), n), Draws(3, 0))
    shares, lost = shares_of_clients(scenario)
    assert sum(shares.values()) == pytest.approx(1)
    for k, share in enumerate(shares.values()):
        assert np.mean(drawn == k) == pytest.approx(share * (1 - lost), abs=4 * np.sqrt(0.25 / n))
    assert lost > 0.03
    assert np.mean(drawn == NOT_REACHED) == pytest.approx(lost, abs=4 * np.sqrt(0.25 / n))


def test_whom_no_modality_reaches_is_never_assessed_and_the_poor_more_often(small: Scenario) -> None:
    simulation = simulate(small.with_changes(WITH_GAPS))
    care, deciles = simulation.care, simulation.clients.strata["deprivation_decile"]
    lost = care.modality == NOT_REACHED
    assert set(np.unique(care.exit[lost])) <= {
        EXITS.index(name) for name in ("not_assessed", "not_suitable", "declined")
    }
    assert np.all(simulation.outcomes.contacts[lost] == 0)
    assert lost[deciles == 9].mean() > 2 * lost[deciles == 0].mean()


def test_in_the_default_scenario_everybody_is_reached_and_a_contact_is_a_standard_contact() -> None:
    scenario = get_scenario()
    shares, lost = shares_of_clients(scenario)
    assert lost == 0
    assert shares["video"] == pytest.approx(0.2881 * 0.93, abs=1e-4)
    assert staff_time_of_a_contact(scenario) == 1.0, "exactly, or places would be rounded otherwise"


@pytest.mark.parametrize("minutes", [30, 60])
def test_places_follow_the_length_of_a_contact(small: Scenario, minutes: float) -> None:
    changed = small.with_changes(
        {f"pathway.modalities.{name}.contact_minutes": minutes for name in small.pathway.modalities}
    )
    draws = Draws(1, 0)
    before, after = (places(one, draws, 3.0).staffed for one in (small, changed))
    assert before is not None
    assert after is not None
    expected = before.sum(axis=0) * 45 / minutes
    assert np.all(np.abs(after.sum(axis=0) - expected) <= 1.5 * len(before)), "a place is lost to rounding each day"
    assert abs(after[:, 0].sum() - expected[0]) <= 1, "appointments lose none"


def test_without_deciles_reach_is_the_same_for_all() -> None:
    scenario = get_scenario(changes=WITH_GAPS)
    strata = {name: table for name, table in scenario.population.strata.items() if name != "deprivation_decile"}
    scenario = scenario.model_copy(update={"population": scenario.population.model_copy(update={"strata": strata})})
    _, lost = shares_of_clients(scenario)
    assert lost == pytest.approx(0.1), "who lacks a telephone lacks the others too"


def test_measures_are_told_apart_by_modality(small: Scenario) -> None:
    simulation = simulate(small)
    by_modality = {name: flags for name, flags in groups(simulation).items() if name.startswith("modality=")}
    assert list(by_modality) == ["modality=face_to_face", "modality=telephone", "modality=video"]
    assert np.all(np.sum(list(by_modality.values()), axis=0) == 1)
    results = replicate(small, replications=1)
    row = results.find("recovery", base="finished", at="end", service="service", group="modality=telephone")
    assert 0 < row.denominator < results.find("recovery", base="finished", at="end", service="service").denominator


@pytest.mark.parametrize("key", ["share", "reach"])
def test_modalities_that_nobody_can_have_are_refused(key: str) -> None:
    changes = {f"pathway.modalities.{name}.{key}": 0 for name in ("face_to_face", "telephone", "video")}
    with pytest.raises(ScenarioError, match=rf"pathway.modalities: no modality .* needs a `{key}` above 0"):
        get_scenario(changes=changes)
