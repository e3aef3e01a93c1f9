"""Who is referred: exact prevalences, each changeable alone."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from caseload_sim.clients.population import Clients, severity_scale, state_change
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.intake import draw_clients


def people(scenario: Scenario, per_year: float = 200_000, seed: int = 1) -> Clients:
    days = {"run.warm_up_days": 0, "run.data_collection_days": 365, "run.follow_up_days": 0}
    return draw_clients(scenario.with_changes({"demand.referrals_per_year": per_year, **days}), Draws(seed, 0))


@pytest.fixture(scope="module")
def hepgul() -> Clients:
    return people(get_scenario())


def test_every_prevalence_is_reproduced_within_four_standard_errors(hepgul: Clients) -> None:
    n = len(hepgul.id)
    for name, p in get_scenario().population.prevalence.items():
        assert hepgul.has(name).mean() == pytest.approx(p.value, abs=4 * np.sqrt(p.value * (1 - p.value) / n)), name


def test_the_count_mix_is_near_the_published_one(hepgul: Clients) -> None:
    """28 / 14 / 58, to which the shipped scenario was fitted."""
    count = hepgul.count(get_scenario(), "emotional_disorder", "dependence")
    shares = [np.mean(count <= 1), np.mean(count == 2), np.mean(count >= 3)]
    assert shares == pytest.approx([0.28, 0.14, 0.58], abs=0.005)


def test_a_common_factor_alone_gives_the_bivariate_normal_overlap(hepgul: Clients) -> None:
    """Depression and PTSD have no correlation of their own: theirs is the product of their loadings."""
    population = get_scenario().population
    r = population.loading_of("major_depression") * population.loading_of("ptsd")
    level = [ndtri(population.prevalence[name].value) for name in ("major_depression", "ptsd")]
    both = stats.multivariate_normal(cov=[[1, r], [r, 1]]).cdf(level)
    got = np.mean(hepgul.has("major_depression") & hepgul.has("ptsd"))
    assert got == pytest.approx(both, abs=4 * np.sqrt(both / len(hepgul.id)))


def test_a_named_correlation_replaces_what_the_factor_implies(hepgul: Clients) -> None:
    either = np.mean(hepgul.has("alcohol_dependence") | hepgul.has("other_substance_dependence"))
    both = stats.multivariate_normal(cov=[[1, 0.61], [0.61, 1]]).cdf([ndtri(0.18), ndtri(0.07)])
    assert either == pytest.approx(0.18 + 0.07 - both, abs=0.004)
    assert either < 0.25, "one in four would need nobody to have both"


def test_severity_is_positive_exactly_for_those_with_the_disorder(hepgul: Clients) -> None:
    for j, name in enumerate(hepgul.disorder_names):
        assert np.array_equal(hepgul.severity[:, j] > 0, hepgul.has(name))


def test_every_disorder_has_the_same_mean_severity(hepgul: Clients) -> None:
    for j, name in enumerate(hepgul.disorder_names):
        ill = hepgul.severity[hepgul.has(name), j]
        assert ill.mean() == pytest.approx(1.0, abs=4 * ill.std() / np.sqrt(len(ill)))


def test_the_severity_scale_matches_integration() -> None:
    for p in (0.05, 0.2, 0.62):
        threshold, scale = severity_scale(p, 1.0)
        assert 1 - ndtr(threshold) == pytest.approx(p)
        assert scale * stats.truncnorm(threshold, np.inf).expect(lambda x, a=threshold: x - a) == pytest.approx(
            1.0, abs=1e-6
        )


def test_state_at_start_and_end_correlate_as_stated(hepgul: Clients) -> None:
    """change = sqrt(.2) * (end - start), scaled as severity is: over all, end and start correlate .4."""
    _, scale = severity_scale(get_scenario().population.prevalence["major_depression"].value, 1.0)
    change = state_change(get_scenario(), hepgul, Draws(1, 0))[:, 0] / np.where(
        hepgul.has("major_depression"), scale, 1.0
    )
    assert change.var() == pytest.approx(0.2 * 2 * 0.6, rel=0.03)
    assert change.mean() == pytest.approx(0, abs=0.01)


def test_a_rare_disorder_hardly_changes_the_questionnaires_of_those_without_it() -> None:
    """Severity below the threshold is in SD of liability: PTSD at 5% rather than 26% lowers it by the shift of the threshold."""
    rare = people(get_scenario(changes={"population.prevalence.ptsd": 0.05}), 5000)
    base = people(get_scenario(), 5000)
    j = base.disorder_names.index("ptsd")
    never = ~base.has("ptsd")
    shift = ndtri(0.26) - ndtri(0.05)
    assert (base.severity - rare.severity)[never, j] == pytest.approx(np.full(never.sum(), shift))


@pytest.mark.parametrize("name", ["ptsd", "alcohol_dependence", "personality_disorder"])
def test_changing_one_prevalence_changes_only_who_has_that_condition(name: str) -> None:
    base = people(get_scenario(), 5000)
    more = people(get_scenario(changes={f"population.prevalence.{name}": 0.4}), 5000)
    c = base.condition_names.index(name)
    others = [k for k in range(len(base.condition_names)) if k != c]
    assert np.array_equal(base.conditions[:, others], more.conditions[:, others])
    assert np.array_equal(base.distress, more.distress)
    kept = [j for j, disorder in enumerate(base.disorder_names) if disorder != name]
    assert np.array_equal(base.severity[:, kept], more.severity[:, kept])
    assert np.all(more.conditions[:, c] >= base.conditions[:, c]), "raising a prevalence takes it from nobody"
    assert more.conditions[:, c].sum() > base.conditions[:, c].sum()


def test_a_new_condition_is_one_entry_and_leaves_the_others_as_they_were() -> None:
    scenario = get_scenario()
    content = scenario.model_dump(exclude_none=True)
    content["population"]["prevalence"]["eating_disorder"] = {
        "group": "emotional_disorder", "value": 0.1, "assumption": "test"
    }  # fmt: skip
    wider = Scenario.model_validate(content)
    base, more = people(scenario, 5000), people(wider, 5000)
    assert more.disorder_names[-1] == "eating_disorder"
    assert np.array_equal(base.severity, more.severity[:, :7])
    assert more.has("eating_disorder").mean() == pytest.approx(0.1, abs=0.02)


def test_taking_a_condition_away_leaves_everyone_else_as_they_were() -> None:
    """Also when it has a named correlation: alcohol and other substances are tied, yet only alcohol changes."""
    base, without = (
        people(get_scenario(), 5000),
        people(get_scenario(changes={"population.prevalence.alcohol_dependence": 0}), 5000),
    )
    for name in without.condition_names:
        assert np.array_equal(base.has(name), without.has(name)), name
    assert np.array_equal(base.severity, without.severity)


def test_prevalence_0_leaves_a_condition_out_and_1_gives_it_to_all() -> None:
    none = people(get_scenario(changes={"population.prevalence.ptsd": 0}), 2000)
    assert "ptsd" not in none.disorder_names
    assert not none.has("ptsd").any()
    everyone = people(get_scenario(changes={"population.prevalence.alcohol_dependence": 1}), 2000)
    assert everyone.has("alcohol_dependence").all()


def test_referrals_arrive_at_the_stated_rate() -> None:
    assert len(people(get_scenario(), 20_000).id) == pytest.approx(20_000, abs=4 * np.sqrt(20_000))
    assert len(people(get_scenario(), 0).id) == 0


def test_strata_have_their_shares(hepgul: Clients) -> None:
    for name, shares in get_scenario().population.strata.items():
        for k, (label, share) in enumerate(shares.items()):
            assert np.mean(hepgul.strata[name] == k) == pytest.approx(share.value, abs=0.006), (name, label)


def test_a_trial_admits_only_the_eligible() -> None:
    scenario = get_scenario("trial_world")
    admitted = people(scenario, 1000)
    assert np.all(admitted.count(scenario, "emotional_disorder") == 1)
    assert np.all(admitted.count(scenario, "dependence", "personality_disorder", "childhood_abuse") == 0)
    assert np.all(admitted.severity.max(axis=1) >= 1.0)
    assert np.all(np.diff(admitted.id) > 0)


def test_an_admission_rule_that_nobody_meets_is_an_error_and_not_an_endless_search() -> None:
    content = get_scenario("trial_world").model_dump(exclude_none=True)
    content["population"]["eligibility"] |= {"principal_severity_min": 5.0}
    with pytest.raises(RunError, match="too few"):
        people(Scenario.model_validate(content), 20)
