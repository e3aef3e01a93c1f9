"""What is published about getting better, found again in the model; and the fit to it."""

import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.analysis.agreement import (
    kappa,
    mean,
    odds_ratio,
    reliable_changes,
    reliably_recovered,
)
from caseload_sim.analysis.calibrate_outcome import (
    Evidence,
    OutcomeFit,
    all_figures,
    calibrate_outcome,
    calibrate_structures,
    evidence_rows,
    fitted_paths,
    list_evidence,
    row_of,
    standard_errors,
    structures_as_toml,
    verdicts_in_words,
)
from caseload_sim.analysis.evidence_of_the_service import of_waiting
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.outcomes.structures import all_structures
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario

# Found beside the evidence, for whoever looks at a fit: nothing is published of them.
NOT_EVIDENCE = {
    "principal_gone", "all_gone", "fully_gone", "twin_all_gone", "twin_recovery", "recovered_still_diagnosed",
    "recovery_problem_other_anxiety", "next_day_gone_generalised_anxiety", "next_day_gone_major_depression",
    "next_day_gone_ocd", "next_day_gone_other_anxiety", "next_day_gone_panic_agoraphobia", "next_day_gone_ptsd",
    "next_day_gone_social_anxiety",
}  # fmt: skip
FULL_COURSE, USUAL_CARE = "outcome.treatment.full_course", "outcome.remission.usual_care"


@pytest.fixture(scope="module")
def figures(small: Scenario, small_simulation: Simulation) -> dict[str, float]:
    return dict(all_figures(small, [small_simulation], 3_000))


def test_every_figure_of_the_evidence_is_found_and_every_figure_found_is_evidence(figures: dict[str, float]) -> None:
    assert {name for name, value in figures.items() if not math.isfinite(value)} == set()
    assert set(figures) == {one.name for one in list_evidence()} | NOT_EVIDENCE


def test_figures_are_shares_where_shares_are_published(figures: dict[str, float]) -> None:
    in_points = (
        "phq9",
        "gad7",
        "per_30_days",
        "at_no_wait",
        "change",
        "odds",
        "retest",
        "correlation",
        "less",
        "kappa",
    )
    shares = {name: value for name, value in figures.items() if not any(part in name for part in in_points)}
    assert len(shares) > 40
    assert {name: value for name, value in shares.items() if not 0 <= value <= 1} == {}


def test_waiting_changes_nothing_where_nothing_is_over_by_itself(
    small: Scenario, small_simulation: Simulation, figures: dict[str, float]
) -> None:
    """Nobody gives up and no problem ends by time: all are read alike after 31 days and after 91. As it is, some do get well."""
    patient = {f"pathway.steps.{name}.patience_mean_days": 1e6 for name in small.steps}
    nothing_ends = {f"outcome.remission.monthly_hazard.{name}": 0 for name in small.outcome.remission.monthly_hazard}
    nothing_ends["outcome.remission.monthly_hazard_of_distress"] = 0
    still = small.with_changes({**nothing_ends, **patient})
    found = of_waiting(still, Draws(1, 0), 2_000, [small_simulation])
    slopes = [name for name in found if name.endswith("_per_30_days")]
    assert len(slopes) == 3
    assert {name: found[name] for name in slopes} == dict.fromkeys(slopes, pytest.approx(0, abs=1e-12))
    assert figures["caseness_lost_per_30_days"] > 0.002
    assert figures["phq9_fall_per_30_days"] > 0.1


def test_what_hangs_together_is_in_order(figures: dict[str, float]) -> None:
    """Longer is no worse, treated is no worse than untreated, and both disorders last longer than either."""
    gone = [figures[f"untreated_depression_gone_{days}"] for days in (91, 182, 365)]
    assert gone == sorted(gone)
    assert figures["trial_treated_gone"] > figures["trial_control_gone"]
    assert figures["response_treated_2_months"] > figures["response_waiting_list_2_months"]
    assert figures["worst_prognosis_course"] > figures["worst_prognosis_brief"] > figures["worst_prognosis_usual_care"]
    assert figures["better_prognosis_usual_care"] > figures["worst_prognosis_usual_care"]
    assert figures["self_help_then_course_gone"] > figures["self_help_then_more_gone"]
    both = figures["ill_after_two_years_both"]
    assert both > max(figures["ill_after_two_years_depression_only"], figures["ill_after_two_years_anxiety_only"])
    assert figures["recovery"] > figures["twin_recovery"]
    assert max(v for name, v in figures.items() if name.startswith("next_day_gone_")) < 0.25


def flags(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Yes and no, written as y and n."""
    return np.array([letter == "y" for letter in text])


def test_kappa_by_hand() -> None:
    """Two readers agree on seven of ten, and on five by chance: (0.7 - 0.5) / (1 - 0.5)."""
    one, other = flags("yyyyynnnnn"), flags("yyyynyynnn")
    by_chance = 0.5 * 0.6 + 0.5 * 0.4
    assert mean(one == other) == pytest.approx(0.7)
    assert kappa(one, other) == pytest.approx((0.7 - by_chance) / (1 - by_chance)) == pytest.approx(0.4)
    assert kappa(one, one) == pytest.approx(1)
    assert kappa(flags("yynn"), flags("ynyn")) == pytest.approx(0)


def test_odds_ratio_by_hand() -> None:
    """Odds of 1 to 3 against odds of 1 to 1."""
    assert odds_ratio(flags("ynnn"), flags("yn")) == pytest.approx(1 / 3)


def test_reliable_change_by_hand() -> None:
    """PHQ-9 by 6 or GAD-7 by 4, the other not the other way; recovered is also below both cut-offs."""
    before = np.array([15, 15, 15, 15]), np.array([12, 12, 12, 12])
    after = np.array([9, 10, 9, 21]), np.array([7, 12, 16, 12])
    improved, worse = reliable_changes(before, after)
    assert improved.tolist() == [True, False, False, False]
    assert worse.tolist() == [False, False, False, True]
    assert reliably_recovered(before, after).tolist() == [True, False, False, False]


def test_of_nobody_there_is_no_mean() -> None:
    assert math.isnan(mean(np.array([])))


@pytest.mark.parametrize(
    ("model", "distance", "verdict"),
    [(0.50, 0, "met"), (0.519, 1.9, "met"), (0.481, -1.9, "met"), (0.521, 2.1, "missed")],
)
def test_a_figure_is_met_within_two_tolerances(model: float, distance: float, verdict: str) -> None:
    row = row_of(Evidence("some", 0.5, 0.01, "check", "nhse2025", "here"), model)
    assert row.distance == pytest.approx(distance)
    assert row.verdict == verdict


@pytest.mark.parametrize(
    ("distance", "standard_error", "may"),
    [
        (1.9, 0.04, False),
        (1.9, 0.06, True),
        (-2.3, 0.1, False),
        (-2.3, 0.2, True),
        (0.0, 0.9, False),
        (9.0, math.nan, True),
    ],
)
def test_a_verdict_within_two_standard_errors_of_the_line_may_be_chance(
    distance: float, standard_error: float, may: bool
) -> None:
    """1.9 tolerances lie 0.1 from the line: within two standard errors of 0.06, and not of 0.04."""
    row = row_of(Evidence("some", 0.5, 0.01, "check", "nhse2025", "here"), 0.5 + 0.01 * distance, 0.01 * standard_error)
    assert row.chance == pytest.approx(standard_error, nan_ok=True)
    assert row.may_be_chance == may


def test_how_many_are_met_and_may_be_chance_is_said_together() -> None:
    one = Evidence("some", 0.5, 0.01, "check", "nhse2025", "here")
    rows = [row_of(one, 0.5, 0.001), row_of(one, 0.5195, 0.001), row_of(one, 0.6, 0.001)]
    assert verdicts_in_words(rows) == "2 of 3 met; 1 verdict may be chance"


def test_the_standard_error_is_that_of_the_figure_over_all(small: Scenario, small_simulation: Simulation) -> None:
    """Of shares it is near the binomial one; twice as many replications lower it; one alone does not tell."""
    simulations = [small_simulation, *(simulate(small, replication=k) for k in range(1, 6))]
    errors = standard_errors(small, simulations, 3_000)
    figures = all_figures(small, simulations, 3_000)
    assert set(errors) == set(figures)
    n = sum(int((one.outcomes.finished & within(one, one.outcomes.end_day)).sum()) for one in simulations)
    share = figures["improvement"]
    assert errors["improvement"] == pytest.approx(np.sqrt(share * (1 - share) / n), rel=0.9)
    assert 0 < errors["trial_treated_gone"] < 0.05
    alone = standard_errors(small, simulations[:1], 3_000)
    assert math.isnan(alone["recovery"])
    assert alone["trial_treated_gone"] == pytest.approx(errors["trial_treated_gone"])


def test_the_page_reads_enough_replications_for_its_tolerances() -> None:
    """The smallest groups of the evidence are finishers by recorded problem: of a share, chance is at most half over a root."""
    page = (Path(__file__).parents[2] / "docs" / "outcome.md").read_text(encoding="utf-8")
    asked = [int(n) for n in re.findall(r"<!-- generated: (?:evidence|missed) hepgul_2016 (\d+) -->", page)]
    assert len(asked) == 2
    one = simulate(get_scenario("hepgul_2016"))
    out, names = one.outcomes, one.clients.disorder_names
    counted = within(one, out.end_day) & out.finished & out.at_caseness
    groups = {e.name: names.index(e.name[17:]) for e in list_evidence() if e.name.startswith("recovery_problem_")}
    tolerance = {e.name: e.tolerance for e in list_evidence()}
    assert len(groups) == 6
    for name, k in groups.items():
        n = int((counted & (one.care.target == k)).sum())
        assert 0.5 / np.sqrt(min(asked) * n) < tolerance[name], name


def test_rows_are_the_evidence_in_its_order(small: Scenario) -> None:
    rows = evidence_rows(small, replications=1, people=500)
    assert [row.name for row in rows] == [one.name for one in list_evidence()]
    assert {row.role for row in rows} == {"anchor", "check"}
    assert all(row.distance == pytest.approx((row.model - row.published) / row.tolerance) for row in rows)


@pytest.fixture(scope="module")
def moved(small: Scenario) -> Scenario:
    """Twice the treatment in use, which the anchors do not bear out."""
    value = {path: number.value for path, number, _ in numbers(small)}[FULL_COURSE]
    return small.with_changes({FULL_COURSE: 2.5 * value})


@pytest.fixture(scope="module")
def fit(moved: Scenario) -> OutcomeFit:
    return calibrate_outcome(moved, replications=1, people=1_000, rounds=1)


def test_a_fit_from_a_moved_start_comes_back(small: Scenario, moved: Scenario, fit: OutcomeFit) -> None:
    in_use, begun = ({path: number.value for path, number, _ in numbers(one)}[FULL_COURSE] for one in (small, moved))
    assert fit.loss < 0.9 * fit.loss_before
    assert fit.before[FULL_COURSE] == begun
    assert abs(fit.values[FULL_COURSE] - in_use) < abs(begun - in_use)
    assert set(fit.values) == set(fitted_paths())
    assert [row.name for row in fit.rows] == [one.name for one in list_evidence()]


def test_what_was_fitted_is_a_scenario_file(fit: OutcomeFit, tmp_path: Path) -> None:
    file = tmp_path / "fitted.toml"
    file.write_text(f'title = "Fitted"\n{fit.fragment()}', encoding="utf-8")
    known = {path: number for path, number, _ in numbers(load_scenario(file))}
    for path, value in fit.values.items():
        assert known[path].value == pytest.approx(value, rel=1e-5)
        assert known[path].fitted


def test_what_is_set_is_not_moved_and_a_structure_fits_the_rest(small: Scenario) -> None:
    (one,) = [structure for structure in all_structures() if structure.name == "usual_care_adds_nothing"]
    told: list[tuple[int, int]] = []
    (again,) = calibrate_structures(
        small, people=300, rounds=1, structures=[one], progress=lambda done, of: told.append((done, of))
    )
    assert again.changes == one.changes
    assert not set(again.fitted) & set(again.changes)
    assert set(again.fitted) | {USUAL_CARE} >= set(fitted_paths())
    assert math.isfinite(again.loss)
    assert told[-1] == (1, 1)
    written = tomllib.loads(structures_as_toml([again]))[one.name]
    assert written["changes"] == one.changes
    assert written["fitted"] == pytest.approx(again.fitted, rel=1e-4)


def test_several_providers_are_refused() -> None:
    with pytest.raises(RunError, match="one provider, not several"):
        calibrate_outcome(get_scenario("national_2024_25_providers"))
