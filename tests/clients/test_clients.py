"""Who is referred: exact prevalences, each changeable alone."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from caseload_sim.clients.population import Clients, draw_population, severity_scale
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


def test_nobody_stands_close_to_the_threshold(hepgul: Clients) -> None:
    """The hysteresis: whoever has a disorder is above by it at least, and whoever has not is below."""
    gap = get_scenario().outcome.remission.hysteresis.value
    assert gap > 0
    assert np.abs(hepgul.severity).min() >= gap


def test_one_severity_by_hand(hepgul: Clients) -> None:
    """Liability from its parts; above the threshold scaled to the mean of all disorders, below as it is, both off by the gap."""
    scenario = get_scenario()
    population, draws, ids = scenario.population, Draws(1, 0), hepgul.id[:200]
    gap, name, j = (
        scenario.outcome.remission.hysteresis.value,
        "panic_agoraphobia",
        hepgul.disorder_names.index("panic_agoraphobia"),
    )
    loading, share, p = population.loading_of(name), population.state_share_of(name), population.prevalence[name].value
    area = population.deprivation_correlation.value
    common = area * hepgul.deprivation[:200] + np.sqrt(1 - area**2) * draws.normal("common_factor", ids)
    own = np.sqrt(1 - loading**2 - share) * draws.normal(
        f"trait:{name}", ids
    )  # tied to no other by a correlation of its own
    above = loading * common + own + np.sqrt(share) * draws.normal(f"state_start:{name}", ids) - ndtri(1 - p)
    mean_excess = stats.norm.pdf(ndtri(p)) / p - ndtri(1 - p)
    by_hand = np.where(above > 0, gap + (1 - gap) * above * population.mean_severity.value / mean_excess, above - gap)
    assert 20 < (above > 0).sum() < 180
    assert hepgul.severity[:200, j] == pytest.approx(by_hand, abs=1e-7)


@pytest.mark.parametrize("name", ["major_depression", "ptsd", "ocd"])
def test_the_passing_part_of_a_disorder_has_its_share(hepgul: Clients, name: str) -> None:
    share = get_scenario().population.state_share_of(name)
    state = hepgul.state_start[:, hepgul.disorder_names.index(name)]
    assert state.var() == pytest.approx(share, rel=4 * np.sqrt(2 / len(state)))
    assert state.mean() == pytest.approx(0, abs=4 * np.sqrt(share / len(state)))


def test_a_rare_disorder_hardly_changes_the_severities_of_those_without_it() -> None:
    """Severity below the threshold is in SD of liability: a rarer PTSD lowers it by the shift of the threshold."""
    base = people(get_scenario(), 5000)
    rare = people(get_scenario(changes={"population.prevalence.ptsd": 0.05}), 5000)
    j = base.disorder_names.index("ptsd")
    never = ~base.has("ptsd")
    shift = ndtri(get_scenario().population.prevalence["ptsd"].value) - ndtri(0.05)
    assert (base.severity - rare.severity)[never, j] == pytest.approx(np.full(never.sum(), shift))


def test_deprivation_is_a_normal_score_of_the_areas_in_order_of_their_tenths(hepgul: Clients) -> None:
    """Mean 0, SD 1, and everybody of one tenth lies between those of the tenths beside it."""
    n = len(hepgul.id)
    assert hepgul.deprivation.mean() == pytest.approx(0, abs=4 / np.sqrt(n))
    assert hepgul.deprivation.std() == pytest.approx(1, abs=4 / np.sqrt(2 * n))
    shares = [share.value for share in get_scenario().population.strata["deprivation_decile"].values()]
    edges = ndtri(np.minimum(np.cumsum([0.0, *shares]), 1.0))
    for k in range(len(shares)):
        tenth = hepgul.deprivation[hepgul.strata["deprivation_decile"] == k]
        assert edges[k] <= tenth.min() + 1e-9
        assert tenth.max() <= edges[k + 1] + 1e-9


@pytest.mark.parametrize("name", ["major_depression", "ptsd", "alcohol_dependence"])
def test_the_deprived_have_more_of_every_disorder_by_the_correlation_of_the_common_factor(
    hepgul: Clients, name: str
) -> None:
    """Deprivation and a liability correlate r = loading times that; the mean deprivation of those above a is r density(a) / p."""
    population = get_scenario().population
    r, p = population.loading_of(name) * population.deprivation_correlation.value, population.prevalence[name].value
    mean = hepgul.deprivation[hepgul.has(name)].mean()
    assert mean == pytest.approx(r * stats.norm.pdf(ndtri(p)) / p, abs=4 / np.sqrt(len(hepgul.id) * p))


def test_distress_has_sd_1_and_a_little_of_it_goes_with_deprivation(hepgul: Clients) -> None:
    scenario, four = get_scenario(), 4 / np.sqrt(len(hepgul.id))
    wanted = scenario.outcome.distress.per_deprivation_sd.value
    wanted += scenario.population.distress_correlation.value * scenario.population.deprivation_correlation.value
    assert hepgul.distress.std() == pytest.approx(1, abs=four)
    assert np.corrcoef(hepgul.distress, hepgul.deprivation)[0, 1] == pytest.approx(wanted, abs=four)


def test_where_deprivation_is_not_known_it_moves_nothing() -> None:
    """No prevalence is lost with it: the common factor and distress are then as if they had nothing to do with it."""
    content = get_scenario().model_dump(exclude_none=True)
    del content["population"]["strata"]["deprivation_decile"]
    unknown = Scenario.model_validate(content)
    apart = unknown.with_changes({"population.deprivation_correlation": 0, "outcome.distress.per_deprivation_sd": 0})
    ours, theirs = people(unknown, 5000), people(apart, 5000)
    assert not ours.deprivation.any()
    assert np.array_equal(ours.severity, theirs.severity)
    assert np.array_equal(ours.conditions, theirs.conditions)
    assert np.array_equal(ours.distress, theirs.distress)


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


def test_clients_are_numbered_from_0_or_from_a_place_of_ones_own() -> None:
    scenario, draws = get_scenario(), Draws(1, 0)
    some = draw_population(scenario, draws, 5)
    assert some.id.tolist() == [0, 1, 2, 3, 4]
    later = draw_population(scenario, draws, 2, first_id=3)
    assert later.id.tolist() == [3, 4]
    assert np.array_equal(later.severity, some.severity[3:])


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
