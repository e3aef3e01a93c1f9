"""Who is referred: what is fitted, what follows, what is impossible, and what a changed prevalence changes."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog
from scipy.special import expit, logit, ndtri

from caseload_sim.analysis.calibrate_population import calibrate_population
from caseload_sim.analysis.population_report import population_report, start_scores
from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import Scores
from caseload_sim.clients.severity import scores_at_referral
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.replicate import replicate
from caseload_sim.experiments.settings import with_drawn_prevalences
from caseload_sim.experiments.sweep import flattened, sweep, values_in
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.correlations import both_below, faults, odds_ratio, tetrachoric
from caseload_sim.scenario.expected import (
    bounds_of_all,
    bounds_of_any,
    count_distribution,
    count_mix,
    counted_conditions,
    counts_in,
    implied_odds_ratio,
    nearest_count_mix,
    share_with_all,
)
from caseload_sim.scenario.numbers import Pair
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.statistics import wilson_interval

GROUPS = ("0-1", "2", "3+")
MILLION = 1_000_000


def changed(scenario: Scenario, **parts: object) -> Scenario:
    """The scenario with whole parts of its population replaced, validated again."""
    content = scenario.model_dump(exclude_none=True)
    content["population"] |= parts
    return Scenario.model_validate(content)


@pytest.fixture(scope="module")
def million() -> Clients:
    return draw_population(get_scenario(), Draws(1, 0), MILLION)


# --- exact expectations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("h", "k", "r"), list(product((-1.3, 0.0, 0.4), (-0.7, 0.0, 2.0), (-0.9, 0.0, 0.35, 0.97))))
def test_the_bivariate_normal_agrees_with_scipy(h: float, k: float, r: float) -> None:
    exact = stats.multivariate_normal(cov=[[1, r], [r, 1]]).cdf([h, k])
    assert float(both_below(h, k, r)) == pytest.approx(exact, abs=1e-7)


def test_counts_add_up_and_have_the_mean_of_the_prevalences() -> None:
    population = get_scenario().population
    names = counted_conditions(population)
    chances = count_distribution(population, names)
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    mean = sum(population.prevalence[name].value for name in names)
    assert chances @ np.arange(len(chances)) == pytest.approx(mean, abs=1e-9)


def test_three_tied_conditions_agree_with_the_trivariate_normal() -> None:
    """Sexual and physical abuse and personality disorder are tied pairwise: all three together by scipy's integral."""
    population = get_scenario().population
    names = ("childhood_sexual_abuse", "childhood_physical_abuse", "personality_disorder")
    loading = np.array([population.loading_of(name) for name in names])
    correlation = np.outer(loading, loading)
    np.fill_diagonal(correlation, 1)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        correlation[first, second] = correlation[second, first] = tetrachoric(
            population.correlation[names[first]][names[second]]
        )
    level = ndtri([population.prevalence[name].value for name in names])
    exact = stats.multivariate_normal(cov=correlation).cdf(level, rng=np.random.default_rng(1))
    assert share_with_all(population, names) == pytest.approx(float(exact), abs=2e-5)


def test_the_counts_simulated_are_those_expected(million: Clients) -> None:
    population = get_scenario().population
    count = million.count(get_scenario(), "emotional_disorder", "dependence")
    for k, chance in enumerate(count_distribution(population, counted_conditions(population))):
        assert np.mean(count == k) == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / MILLION) + 1e-9)


def test_the_pairs_simulated_are_those_expected(million: Clients) -> None:
    population = get_scenario().population
    names = population.conditions()
    for i, first in enumerate(names):
        for second in names[:i]:
            both = share_with_all(population, (first, second))
            got = np.mean(million.has(first) & million.has(second))
            assert got == pytest.approx(both, abs=4.5 * np.sqrt(both * (1 - both) / MILLION)), (first, second)


def test_every_prevalence_is_exact_at_a_million_clients(million: Clients) -> None:
    for name, p in get_scenario().population.prevalence.items():
        assert million.has(name).mean() == pytest.approx(p.value, abs=4 * np.sqrt(p.value * (1 - p.value) / MILLION)), (
            name
        )


@settings(max_examples=25, deadline=None)
@given(
    prevalences=st.lists(st.floats(0.02, 0.9), min_size=9, max_size=9),
    loading=st.floats(0.0, 0.85),
    tie=st.floats(-0.3, 0.75),
)
def test_any_valid_population_keeps_its_prevalences_and_its_bounds(
    prevalences: list[float], loading: float, tie: float
) -> None:
    scenario = get_scenario()
    names = counted_conditions(scenario.population)
    values = {f"population.prevalence.{name}": round(p, 3) for name, p in zip(names, prevalences, strict=True)}
    values |= {"population.loading.emotional_disorder": round(loading, 3)}
    values |= {"population.correlation.alcohol_dependence.other_substance_dependence": round(tie, 3)}
    population = scenario.with_changes(values).population
    chances = count_distribution(population, names)
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    assert np.all(chances > -1e-12)
    pair = ("alcohol_dependence", "other_substance_dependence")
    p = [population.prevalence[name].value for name in pair]
    low, high = bounds_of_any(p)
    assert low - 1e-9 <= 1 - count_distribution(population, pair)[0] <= high + 1e-9
    low, high = bounds_of_all(p)
    assert low - 1e-9 <= share_with_all(population, pair) <= high + 1e-9
    people = draw_population(scenario.with_changes(values), Draws(3, 0), 4000)
    for name in names:
        share = population.prevalence[name].value
        assert people.has(name).mean() == pytest.approx(share, abs=5.5 * np.sqrt(share * (1 - share) / 4000))


@pytest.mark.parametrize("name", counted_conditions(get_scenario().population))
def test_raising_any_prevalence_raises_the_share_with_three_or_more(name: str) -> None:
    shares = [
        count_mix(get_scenario(changes={f"population.prevalence.{name}": p}).population, GROUPS)
        for p in (0.05, 0.2, 0.4, 0.7)
    ]
    assert np.all(np.diff([mix[2] for mix in shares]) > 0)
    assert np.all(np.diff([mix[0] for mix in shares]) < 0)


# --- calibration --------------------------------------------------------------------------------------------


def test_the_fit_meets_the_published_count_mix_and_the_shipped_scenario_holds_it(million: Clients) -> None:
    scenario = get_scenario()
    found = calibrate_population(scenario)
    assert found.at_bounds == ()
    assert found.after == pytest.approx([0.28, 0.14, 0.58], abs=0.001)
    for path, value in found.changes().items():
        *_, table, name = path.split(".")
        number = getattr(scenario.population, table)[name]
        assert number.value == pytest.approx(value, abs=2e-4), path
        assert number.fitted
    count = million.count(scenario, "emotional_disorder", "dependence")
    got = [np.mean(np.isin(count, counts_in(group, 9))) for group in GROUPS]
    assert got == pytest.approx(list(count_mix(scenario.population, GROUPS)), abs=0.005)


def test_calibration_moves_no_published_prevalence() -> None:
    found = calibrate_population(get_scenario())
    for name, prevalence in get_scenario().population.prevalence.items():
        assert (name in found.prevalences) == (prevalence.source is None)


def test_calibration_recovers_a_known_truth() -> None:
    """Take a population with a loading and a shift of our choosing, hand its exact mix over as the target, fit."""
    base = get_scenario()
    assert base.population.fit is not None
    start = {name: share.value for name, share in base.population.fit.start.items()}
    truth = {f"population.prevalence.{name}": float(expit(logit(p) - 0.2)) for name, p in start.items()}
    truth["population.loading.emotional_disorder"] = 0.66
    mix = count_mix(base.with_changes(truth).population, GROUPS)
    asked = {f"population.targets.count_mix.{group}": float(share) for group, share in zip(GROUPS, mix, strict=True)}
    found = calibrate_population(base.with_changes(asked))
    assert found.loading == pytest.approx(0.66, abs=1e-3)
    assert found.prevalence_shift == pytest.approx(-0.2, abs=1e-3)


def test_a_fit_that_meets_a_bound_says_so() -> None:
    tight = get_scenario(changes={"population.fit.prevalence_shift_max": 0.02, "population.fit.loading_max": 0.7})
    found = calibrate_population(tight)
    assert "loading" in found.at_bounds
    assert abs(found.prevalence_shift) <= 0.02
    assert found.loading == 0.7


def test_behind_a_service_that_screens_the_national_mix_is_much_like_the_clinics() -> None:
    """No further from it than chance might have taken the clinic's own interviews, of 147 people."""
    national = get_scenario("national_2024_25")
    found = calibrate_population(national)
    assert found.quantities == ("phq9_mean", "gad7_mean", "at_caseness")
    assert found.after[:2] == pytest.approx(found.target[:2], abs=0.15)
    assert found.after[2] == pytest.approx(0.892, abs=0.01)
    assert set(found.at_bounds) <= {"loading"}
    # Service and outcome were fitted after the population, which moves the repeated fit a little: both meet the targets.
    assert found.before == pytest.approx(found.after, rel=0.01)
    assert national.population.loading["emotional_disorder"].value == pytest.approx(found.loading, abs=0.03)
    for name in national.disorders:
        assert national.population.prevalence[name].value == pytest.approx(found.prevalences[name], abs=0.01)
        london = get_scenario().population.prevalence[name].value
        chance = 1.96 * np.sqrt(london * (1 - london) / 147)
        assert national.population.prevalence[name].value == pytest.approx(london, abs=chance)
    rows = {row.quantity: row for row in population_report(national, 50_000)}
    assert rows["score at the start of treatment: phq9_sd"].source.startswith("compared")
    assert sum("problem" in quantity for quantity in rows) == 14


def test_a_scenario_without_targets_cannot_be_calibrated() -> None:
    with pytest.raises(RunError, match=r"needs population\.fit"):
        calibrate_population(changed(get_scenario(), targets={}))


def test_the_fragment_is_a_scenario_file(tmp_path: Path) -> None:
    (tmp_path / "fitted.toml").write_text(
        calibrate_population(get_scenario()).fragment("hepgul_2016"), encoding="utf-8"
    )
    fitted = load_scenario(tmp_path / "fitted.toml")
    assert "calibrate population hepgul_2016" in fitted.population.prevalence["ptsd"].origin()


# --- dependence ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "at"), [(2.7, (0.12, 0.06)), (1.0, (0.3, 0.4)), (0.5, (0.2, 0.2)), (12.0, (0.05, 0.6))]
)
def test_an_odds_ratio_becomes_the_correlation_that_has_it(ratio: float, at: tuple[float, float]) -> None:
    pair = Pair(value=ratio, measured_as="odds_ratio", at=at, assumption="test")
    both = float(both_below(ndtri(at[0]), ndtri(at[1]), tetrachoric(pair)))
    assert odds_ratio(*at, both) == pytest.approx(ratio, rel=1e-6)


def test_a_stated_odds_ratio_is_met_at_its_own_prevalences() -> None:
    """Sexual abuse and personality disorder: 3.15 at .21 and .33, which are the clinic's."""
    population = get_scenario().population
    assert implied_odds_ratio(population, "childhood_sexual_abuse", "personality_disorder") == pytest.approx(
        3.15, rel=1e-3
    )


def test_an_odds_ratio_without_its_prevalences_is_refused() -> None:
    with pytest.raises(ValueError, match="needs `at`"):
        Pair(value=2.0, measured_as="odds_ratio", assumption="test")


def test_a_published_tetrachoric_correlation_is_reproduced(million: Clients) -> None:
    """Alcohol and other substances .61: the 2 x 2 table simulated has the chance of both that .61 gives."""
    both = float(both_below(ndtri(0.18), ndtri(0.07), 0.61))
    got = np.mean(million.has("alcohol_dependence") & million.has("other_substance_dependence"))
    assert got == pytest.approx(both, abs=4 * np.sqrt(both / MILLION))


# --- what is impossible -------------------------------------------------------------------------------------

UNION = "population.targets.any_of.alcohol_or_other_substance"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({UNION: 0.3}, "lies between 0.18 and 0.25. The nearest possible is 0.25."),
        ({UNION: 0.1}, "lies between 0.18 and 0.25. The nearest possible is 0.18."),
        ({"population.targets.count_mix.0-1": 0.1, "population.targets.count_mix.3+": 0.76}, "The nearest possible is"),
        ({"population.targets.count_mix.2": 0.5}, "the shares add up to 1.36; they must add up to 1."),
    ],
)
def test_asking_for_the_impossible_gives_the_bounds_and_the_nearest_value(
    changes: dict[str, float], message: str
) -> None:
    if "population.targets.count_mix.0-1" in changes:
        changes = changes | {f"population.prevalence.{name}": 0.1 for name in get_scenario().disorders}
    with pytest.raises(ScenarioError) as caught:
        get_scenario(changes=changes)
    assert message in str(caught.value)
    assert "--set population.targets" in str(caught.value)


def test_an_impossible_overlap_gives_its_bounds() -> None:
    content = get_scenario().model_dump(exclude_none=True)
    overlap = {"conditions": ["major_depression", "generalised_anxiety"], "value": 0.2, "assumption": "test"}
    content["population"]["targets"]["all_of"] = {"both": overlap}
    with pytest.raises(ScenarioError, match=r"lies between 0\.265 and 0\.632\. The nearest possible is 0\.265"):
        calibrate_population(Scenario.model_validate(content))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[population.targets.any_of.alcohol_or_other_substance]\nvalue = 0.3\nassumption = 'x'",
            "mine.toml:3: population.targets.any_of.alcohol_or_other_substance.value: no population with these",
        ),
        (
            "[population.targets.count_mix]\n'0-1' = {value=0.9,assumption='x'}\n2 = {value=0.05,assumption='x'}\n"
            "'3+' = {value=0.05,assumption='x'}",
            "mine.toml:2: population.targets.count_mix: no population with these prevalences has this mix (they add up to 3.29",
        ),
    ],
)
def test_asking_for_the_impossible_in_a_file_is_refused_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'extends = "hepgul_2016"\n{text}', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "mine.toml")
    assert message in str(caught.value)


def test_a_file_that_only_changes_a_prevalence_inherits_targets_without_complaint(tmp_path: Path) -> None:
    text = "[population.prevalence]\nalcohol_dependence = {value=0.4,assumption='x'}"
    (tmp_path / "mine.toml").write_text(f'extends = "hepgul_2016"\n{text}', encoding="utf-8")
    assert load_scenario(tmp_path / "mine.toml").population.prevalence["alcohol_dependence"].value == 0.4


def test_pairs_that_contradict_one_another_are_all_named_with_values_they_can_have() -> None:
    content = get_scenario().model_dump(exclude_none=True)
    content["population"]["correlation"] = {
        "ptsd": {"ocd": {"value": 0.95, "assumption": "x"}, "social_anxiety": {"value": -0.9, "assumption": "x"}},
        "ocd": {"social_anxiety": {"value": 0.95, "assumption": "x"}},
    }
    ((_, message),) = list(faults(Scenario.model_validate(content).population))
    assert "ptsd with ocd (0.95; can be" in message
    assert "ocd with social_anxiety (0.95; can be" in message
    values = [float(part.split(")")[0]) for part in message.split("can be ")[1:]]
    for (first, second), value in zip(
        (("ptsd", "ocd"), ("ptsd", "social_anxiety"), ("ocd", "social_anxiety")), values, strict=True
    ):
        content["population"]["correlation"][first][second]["value"] = round(value, 2) - 0.01 * np.sign(value - 0.56)
    assert list(faults(Scenario.model_validate(content).population)) == []


def test_another_dependence_changes_nobodys_scores_at_referral() -> None:
    """Changing a condition that questionnaires do not read leaves every first score as it was."""

    def scores(prevalence: float) -> tuple[Scores, Scores]:
        scenario = get_scenario(changes={"population.prevalence.alcohol_dependence": prevalence})
        draws = Draws(1, 0)
        return scores_at_referral(scenario, draw_population(scenario, draws, 5000), draws)

    for ours, theirs in zip(scores(0.18), scores(0.5), strict=True):
        assert np.array_equal(ours, theirs)


def test_changing_a_prevalence_is_never_refused_for_a_published_union() -> None:
    """One in four cannot be when 30% depend on alcohol; the figure stays published, and the change goes through."""
    get_scenario(changes={"population.prevalence.alcohol_dependence": 0.30})


def test_the_nearest_count_mix_is_that_of_a_linear_programme_over_all_combinations() -> None:
    """Independently: every joint distribution of three conditions, with given prevalences, as 8 unknowns."""
    rng = np.random.default_rng(4)
    cells = np.array(list(product((0, 1), repeat=3)))
    for _ in range(25):
        p, wanted = rng.uniform(0.05, 0.9, 3), rng.dirichlet(np.ones(3))
        member = np.stack([cells.sum(axis=1) <= 1, cells.sum(axis=1) == 2, cells.sum(axis=1) >= 3]).astype(float)
        cost = np.concatenate([np.zeros(8), np.ones(6)])
        equal = np.vstack([
            np.hstack([np.ones((1, 8)), np.zeros((1, 6))]),
            np.hstack([cells.T, np.zeros((3, 6))]),
            np.hstack([member, -np.eye(3), np.eye(3)]),
        ])  # fmt: skip
        best = linprog(cost, A_eq=equal, b_eq=np.concatenate([[1], p, wanted])).fun
        nearest = nearest_count_mix(p.tolist(), GROUPS, wanted.tolist())
        assert np.abs(nearest - wanted).sum() == pytest.approx(best, abs=1e-6)


def test_a_count_mix_with_gaps_is_refused() -> None:
    content = get_scenario().model_dump(exclude_none=True)
    share = {"value": 0.5, "assumption": "test"}
    content["population"]["targets"]["count_mix"] = {"0-1": share, "3+": share}
    with pytest.raises(ScenarioError, match="must cover every count once"):
        calibrate_population(Scenario.model_validate(content))


# --- strata -------------------------------------------------------------------------------------------------

BY_SEX = {
    "alcohol_dependence": {
        "sex": {
            "female": {"value": 0.1295, "assumption": "test"},
            "male": {"value": 0.2804, "assumption": "test"},
        }
    }
}


def test_a_prevalence_can_differ_by_stratum_and_leaves_everybody_else_alone() -> None:
    base = get_scenario()
    by_sex = changed(base, prevalence_by=BY_SEX)
    people, same = draw_population(by_sex, Draws(1, 0), 100_000), draw_population(base, Draws(1, 0), 100_000)
    for k, share in enumerate((0.1295, 0.2804)):
        members = people.strata["sex"] == k
        got = people.has("alcohol_dependence")[members].mean()
        assert got == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / members.sum()))
    assert np.array_equal(people.severity, same.severity)
    others = [c for c, name in enumerate(people.condition_names) if name != "alcohol_dependence"]
    assert np.array_equal(people.conditions[:, others], same.conditions[:, others])


def test_expectations_and_doubt_follow_a_prevalence_by_stratum() -> None:
    by_sex = changed(get_scenario(), prevalence_by=BY_SEX)
    pair = ("alcohol_dependence", "other_substance_dependence")
    people = draw_population(by_sex, Draws(1, 0), 200_000)
    both = share_with_all(by_sex.population, pair)
    assert both != pytest.approx(share_with_all(get_scenario().population, pair), abs=1e-5)
    assert np.mean(people.has(pair[0]) & people.has(pair[1])) == pytest.approx(both, abs=4 * np.sqrt(both / 200_000))
    for replication in range(3):
        drawn_once = with_drawn_prevalences(by_sex, replication)
        whole = drawn_once.population.prevalence["alcohol_dependence"].value
        members = draw_population(drawn_once, Draws(1, 0), 50_000)
        assert members.has("alcohol_dependence").mean() == pytest.approx(whole, abs=0.008)


def test_a_disorder_with_a_published_prevalence_is_not_moved_by_calibration() -> None:
    content = get_scenario().model_dump(exclude_none=True)
    content["population"]["prevalence"]["ptsd"] = {
        "group": "emotional_disorder", "value": 0.31, "source": "hepgul2016", "where": "test"
    }  # fmt: skip
    found = calibrate_population(Scenario.model_validate(content))
    assert "ptsd" not in found.prevalences
    assert len(found.prevalences) == 6


def test_a_disorder_that_differs_by_stratum_keeps_its_mean_severity() -> None:
    by_sex = {
        "ptsd": {"sex": {"female": {"value": 0.3, "assumption": "x"}, "male": {"value": 0.1805, "assumption": "x"}}}
    }
    people = draw_population(changed(get_scenario(), prevalence_by=by_sex), Draws(1, 0), 200_000)
    ill = people.severity[people.has("ptsd"), people.disorder_names.index("ptsd")]
    assert ill.mean() == pytest.approx(1, abs=4 * ill.std() / np.sqrt(len(ill)))
    assert np.array_equal(people.severity[:, people.disorder_names.index("ptsd")] > 0, people.has("ptsd"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[population.prevalence_by.alcohol_dependense.sex]\nfemale = {value=0.1,assumption='x'}", "not a known condition. Did you mean"),
        ("[population.prevalence_by.ptsd.sex]\nfemale = {value=0.1,assumption='x'}", "must give exactly the strata female, male"),
        ("[population.prevalence_by.ptsd.sex]\nfemale = {value=0.1,assumption='x'}\nmale = {value=0.1,assumption='x'}", "averages to 0.1 over the strata"),
    ],
)  # fmt: skip
def test_prevalences_by_stratum_must_agree_with_the_whole(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'extends = "hepgul_2016"\n{text}', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "mine.toml")
    assert message in str(caught.value)


# --- doubt about the sources --------------------------------------------------------------------------------


def drawn(scenario: Scenario, name: str, n: int = 400) -> list[float]:
    return [with_drawn_prevalences(scenario, r).population.prevalence[name].value for r in range(n)]


def test_published_prevalences_are_drawn_from_their_sampling_distribution() -> None:
    """Alcohol: 18% of 147; Beta(26.96, 121.04) has mean .182 and SD .0316."""
    values = np.array(drawn(get_scenario(), "alcohol_dependence"))
    beta = stats.beta(147 * 0.18 + 0.5, 147 * 0.82 + 0.5)
    assert values.mean() == pytest.approx(beta.mean(), abs=4 * beta.std() / 20)
    assert values.std() == pytest.approx(beta.std(), rel=0.15)
    assert np.all(stats.kstest(values, beta.cdf).pvalue > 0.001)


def test_what_has_no_n_is_not_drawn_and_scenarios_share_their_draws() -> None:
    assert set(drawn(get_scenario(), "ptsd", 5)) == {get_scenario().population.prevalence["ptsd"].value}
    assert drawn(get_scenario(), "alcohol_dependence", 5) == drawn(
        get_scenario("service_claim"), "alcohol_dependence", 5
    )


def test_the_spread_between_replications_is_split_into_chance_and_sources(small: Scenario) -> None:
    results = replicate(small, replications=4, parameter_uncertainty=True)
    plain = replicate(small, replications=4)
    by_key = {(row.measure, row.group, row.base, row.at, row.service): row for row in results.uncertainty}
    alcohol = by_key["share_of_clients", "alcohol_dependence=yes", "referred", "", ""]
    assert alcohol.sd_parameters == pytest.approx(0.0316, rel=0.8)
    assert alcohol.sd_total > 0
    ptsd = by_key["share_of_clients", "ptsd=yes", "referred", "", ""]
    assert ptsd.sd_parameters == 0, "an assumed prevalence is not drawn"
    values = {(row.measure, row.group): row for row in plain.rows if row.measure == "share_of_clients"}
    half = values["share_of_clients", "ptsd=yes"].upper_95_ci - values["share_of_clients", "ptsd=yes"].value
    assert ptsd.sd_chance == pytest.approx(half / stats.t(3).ppf(0.975) * 2, rel=1e-9)


# --- sweeps -------------------------------------------------------------------------------------------------


def test_a_sweep_runs_the_same_clients_at_every_value(small: Scenario) -> None:
    path = "population.prevalence.alcohol_dependence.value"
    swept = sweep(small, {path: (0.05, 0.2, 0.4)}, "share_of_clients", group="alcohol_dependence=yes", replications=2)
    shares = [point.rows[0].value for point in swept.points]
    assert shares == pytest.approx([0.05, 0.2, 0.4], abs=0.06)
    assert np.all(np.diff(shares) > 0)
    ptsd = sweep(small, {path: (0.05, 0.4)}, "share_of_clients", group="ptsd=yes", replications=2)
    assert ptsd.points[0].rows[0].value == ptsd.points[1].rows[0].value, "nobody else changes"


def test_a_point_of_a_sweep_is_the_run_with_that_value(small: Scenario) -> None:
    path = "population.prevalence.ptsd"
    swept = sweep(small, {path: (0.1, 0.4)}, "all_remission", replications=2)
    alone = replicate(small.with_changes({path: 0.4}), replications=2)
    row = alone.find("all_remission", base="finished", at="end", service="service")
    assert swept.points[1].rows[0] == row
    assert [r.service for r in swept.points[1].rows] == ["service", "none", "difference"]


def test_two_paths_give_every_combination(small: Scenario) -> None:
    swept = sweep(
        small,
        {"population.prevalence.ptsd": (0.1, 0.3), "pathway.declined": (0.0, 0.1, 0.2)},
        "recovery",
        replications=1,
    )
    assert [tuple(point.at.values()) for point in swept.points] == [
        (0.1, 0.0), (0.1, 0.1), (0.1, 0.2), (0.3, 0.0), (0.3, 0.1), (0.3, 0.2)
    ]  # fmt: skip
    rows = flattened(swept)
    assert len(rows) == 18
    assert (rows[0].path, rows[0].set_to, rows[0].second_path) == (
        "population.prevalence.ptsd",
        0.1,
        "pathway.declined",
    )


@pytest.mark.parametrize(
    ("values", "measure", "options", "message"),
    [
        ({"population.prevalence.ptsd": (0.1,)}, "al_remission", {}, "no such measure. Did you mean 'all_remission'"),
        ({}, "all_remission", {}, "changes one value, or two"),
        ({"population.prevalence.ptsd": ()}, "all_remission", {}, "a sweep of 0 points"),
        (
            {"population.prevalence.ptsd": (0.1,)},
            "all_remission",
            {"base": "finishd"},
            "'finishd' is not a base. Did you mean 'finished'",
        ),
        (
            {"population.prevalence.ptsd": (0.1,)},
            "all_remission",
            {"group": "ptds=yes"},
            "no group 'ptds=yes'. Did you mean 'ptsd=yes'",
        ),
    ],
)
def test_a_sweep_that_cannot_be_says_why(
    values: dict[str, tuple[float, ...]], measure: str, options: dict[str, str], message: str, small: Scenario
) -> None:
    with pytest.raises(RunError) as caught:
        sweep(small, values, measure, replications=1, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_an_impossible_value_stops_a_sweep_before_its_first_run(small: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"1\.5 is out of range"):
        sweep(
            small,
            {"population.prevalence.ptsd": (0.1, 1.5)},
            "all_remission",
            progress=lambda *_: pytest.fail("it ran"),
        )


@pytest.mark.parametrize("text", ["0.1:0.4", "0.1:0.4:x", "a,b", "", "0.1:0.4:1"])
def test_values_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(RunError, match="write values as"):
        values_in(text)


# --- the report ---------------------------------------------------------------------------------------------


def test_wilsons_interval_by_hand() -> None:
    """58% of 147: 49.9 to 65.7."""
    assert wilson_interval(0.58, 147) == pytest.approx((0.499, 0.657), abs=5e-4)
    assert wilson_interval(0.0, 10)[0] == 0.0


def test_the_report_has_every_kind_of_row_and_its_origin() -> None:
    rows = population_report(get_scenario(), 20_000)
    kinds = {row.quantity.split(":")[0] for row in rows}
    assert {"prevalence", "disorders", "any of", "odds ratio", "score at referral", "age_band", "sex"} <= kinds
    assert all(row.source for row in rows)
    union = next(row for row in rows if row.quantity == "any of: alcohol_or_other_substance")
    highest = next(row for row in rows if row.quantity.endswith("highest possible"))
    assert union.target == 0.25
    assert highest.achieved == pytest.approx(0.25), "one in four is the upper bound"
    assert union.achieved == pytest.approx(0.208, abs=0.01)


def test_scores_at_the_start_without_a_queue_are_those_of_the_courses_that_a_queue_lets_begin() -> None:
    """Courses after a step up and those of one session are counted alike; within 3 standard errors of some 4,000 courses."""
    scenario, draws = get_scenario("national_2024_25"), Draws(5, 0)
    expected = start_scores(scenario, draw_population(scenario, draws, 20_000), draws)
    results = replicate(scenario, replications=1)
    found = {
        name: results.find(name).value
        for name in ("course_first_phq9_mean", "course_first_gad7_mean", "course_at_caseness")
    }
    assert found["course_first_phq9_mean"] == pytest.approx(expected["phq9_mean"], abs=3 * 6 / np.sqrt(4000))
    assert found["course_first_gad7_mean"] == pytest.approx(expected["gad7_mean"], abs=3 * 5.1 / np.sqrt(4000))
    assert found["course_at_caseness"] == pytest.approx(expected["at_caseness"], abs=3 * 0.32 / np.sqrt(4000))
