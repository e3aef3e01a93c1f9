"""What an audit would find, and how sure a rung is: against direct simulation, by hand, and at the limits."""

import json
from pathlib import Path

import numpy as np
import pytest

from building import check_legible
from caseload_sim.analysis.audit import AuditRow, audit
from caseload_sim.analysis.uncertainty import DoubtRow, TornadoRow, uncertainty, with_doubts, with_drawn_doubts
from caseload_sim.definitions.quantities import LADDER
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.figures.accounts import EIGHT, plot_audit
from caseload_sim.figures.doubt import draw_uncertainty
from caseload_sim.figures.style import sheet_of
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here

ONE_DOUBT = """
[doubt]
replace = true
[doubt.full_remission_margin]
paths = ["instruments.full_remission_margin"]
low = 0.30
high = 0.90
meaning = "SD below threshold that counts as fully gone"
assumption = "a definition"
"""


@pytest.fixture(scope="module")
def audited(small: Scenario) -> tuple[AuditRow, ...]:
    """An audit of one replication, as it is done if nothing is asked."""
    return audit(small, replications=1)


@pytest.fixture(scope="module")
def doubted(small: Scenario) -> tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]]:
    """The least that can be drawn, with doubt about nothing but the margin of full remission."""
    return uncertainty(with_range(small, 0.3, 0.9), draws=2)


# --- an audit -------------------------------------------------------------------------------------------------------


def test_audited_rates_are_those_of_audits_simulated_one_by_one(small: Scenario, small_results: Results) -> None:
    """200,000 audits of 90, each in a year of its own; a quantile may be one client off, a chance 4 SE.

    Years are spread by the t distribution round the mean of the replications, since a few of them are not all there could be.
    """
    rng, n_audits, n = np.random.default_rng(1), 200_000, 90
    for row in audit(small, n=n, result=0.2):
        reported = small_results.find(row.measure, base=row.base, at=row.at, service="service")
        shares = small_results.values[:, small_results.rows.index(reported)]
        of_mean = shares.std(ddof=1) * np.sqrt(1 + 1 / len(shares))
        years = shares.mean() + of_mean * rng.standard_t(len(shares) - 1, n_audits)
        found = rng.binomial(n, np.clip(years, 0, 1)) / n
        low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
        assert row.audited_lower_95 == pytest.approx(low, abs=1.01 / n)
        assert row.audited_upper_95 == pytest.approx(high, abs=1.01 / n)
        assert row.chance_of_result == pytest.approx(np.mean(found <= 0.2 + 1e-12), abs=0.005)
        assert row.value == pytest.approx(reported.value, abs=1e-12)


def test_sampling_odds_by_hand(audited: tuple[AuditRow, ...]) -> None:
    """If a ill person is k times likelier to be sampled, a share p of well becomes p / (p + k (1 - p))."""
    assert len(audited) == 20
    for row in audited:
        k = row.sampling_odds
        assert row.result == 0.092
        assert row.value / (row.value + k * (1 - row.value)) == pytest.approx(0.092, abs=1e-12)
        assert (k > 1) == (row.value > 0.092)


def test_what_explains_a_result_is_said(audited: tuple[AuditRow, ...]) -> None:
    for row in audited:
        if row.audited_lower_95 <= row.result <= row.audited_upper_95:
            assert row.explained_by == "definition"
        else:
            assert row.explained_by == ("selection" if row.measure == "recovery" else "both")


@pytest.mark.parametrize(
    ("n", "result", "message"),
    [
        (0, 0.1, "n 0: an audit interviews from 1 to 1,000,000 clients"),
        (1_000_001, 0.1, "n 1000001"),
        (90, 0.0, "result 0: give a share between 0 and 1, as in 0.092"),
        (90, 9.2, "result 9.2"),
    ],
)
def test_an_impossible_audit_is_refused(n: int, result: float, message: str, small: Scenario) -> None:
    with pytest.raises(RunError, match=message):
        audit(small, n=n, result=result)


def test_nobody_treated_is_nobody_to_audit() -> None:
    with pytest.raises(RunError, match="nobody is treated, so there is nobody to audit"):
        audit(get_scenario("no_service", changes={"demand.referrals_per_year": 300}), replications=1)


def test_the_audit_figure_is_legible_and_shows_the_result(audited: tuple[AuditRow, ...]) -> None:
    ax = plot_audit(audited)
    assert "the audit found 9.2%" in [text.get_text() for text in ax.texts]
    check_legible(sheet_of(ax))


def test_of_twenty_definitions_eight_are_drawn_each_with_its_verdict_in_words(audited: tuple[AuditRow, ...]) -> None:
    ax = plot_audit(audited)
    assert len(ax.get_yticklabels()) == len(EIGHT) == 8 < len(audited)
    row = audited[0]
    assert (row.measure, row.base, row.at) == EIGHT[0]
    said = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert f"only if the ill were {row.sampling_odds:.1f} times likelier to be asked" in said
    alone = sum((one.measure, one.base, one.at) in EIGHT and one.explained_by == "definition" for one in audited)
    assert said.count("chance explains it") == alone
    assert sheet_of(ax).heading.title.startswith(f"By {alone} of 8 definitions")


# --- doubt ----------------------------------------------------------------------------------------------------------


def with_range(scenario: Scenario, low: float, high: float) -> Scenario:
    """The scenario with doubt about nothing but the margin of full remission."""
    doubt = scenario.doubt["full_remission_margin"].model_copy(update={"low": low, "high": high})
    return scenario.model_copy(update={"doubt": {"full_remission_margin": doubt}})


def test_a_range_of_no_width_leaves_no_structural_doubt(small: Scenario) -> None:
    rows, tornado = uncertainty(with_range(small, 0.6, 0.6 + 1e-12), draws=4)
    assert len(rows) == len(LADDER)
    assert all(row.sd_structure == 0 for row in rows)
    assert all(row.sd_chance > 0 for row in rows)
    assert all(row.value_at_low == row.value == row.value_at_high for row in tornado)


def test_doubt_about_the_margin_moves_full_remission_and_nothing_else(
    doubted: tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]],
) -> None:
    rows, tornado = doubted
    for row in rows:
        assert (row.sd_structure > 0) == (row.measure == "full_remission"), row
        assert row.lower_95_range <= row.upper_95_range
    for soft in tornado:
        assert (soft.value_at_low > soft.value > soft.value_at_high) == (soft.measure == "full_remission")


def test_the_ends_of_the_tornado_are_direct_runs(
    small: Scenario, doubted: tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]]
) -> None:
    _, tornado = doubted
    for end, column in ((0.3, "value_at_low"), (0.9, "value_at_high"), (0.6, "value")):
        run = replicate(small.with_changes({"instruments.full_remission_margin": end}), replications=1)
        for row in tornado:
            direct = run.find(row.measure, base=row.base, at=row.at, service="service").value
            assert getattr(row, column) == pytest.approx(direct, abs=1e-12)


def test_soft_inputs_are_set_or_multiplied_as_their_doubt_says(small: Scenario) -> None:
    changed = with_doubts(small, {"spill": 0.5, "right_problem": 0.8})
    for name, spill in small.outcome.treatment.spill.items():
        assert changed.outcome.treatment.spill[name].value == pytest.approx(0.5 * spill.value)
    assert changed.pathway.routing.right_problem.value == 0.8
    drawn = [with_drawn_doubts(small, k).pathway.routing.right_problem.value for k in range(20)]
    assert len(set(drawn)) == 20
    assert all(0.5 <= value <= 0.9 for value in drawn)
    assert drawn[3] == with_drawn_doubts(small, 3).pathway.routing.right_problem.value


def test_doubt_needs_ranges_and_two_draws(small: Scenario) -> None:
    with pytest.raises(RunError, match="gives no ranges in \\[doubt\\], so there is no structural doubt to draw over"):
        uncertainty(small.model_copy(update={"doubt": {}}))
    with pytest.raises(RunError, match="draws 1: two at least, or no spread can be told"):
        uncertainty(small, draws=1)


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ScenarioError, match="`low` must lie below `high`"):
        get_scenario(changes={"doubt.depth.low": 2.0})


def test_the_figure_of_doubt_is_legible(doubted: tuple[tuple[DoubtRow, ...], tuple[TornadoRow, ...]]) -> None:
    rows, _ = doubted
    sheet = draw_uncertainty(*doubted)
    check_legible(sheet)
    far = [text.get_text() for text in sheet.axes[0].texts]
    row = rows[0]
    assert f"{100 * row.value:.0f}%: {100 * row.lower_95_range:.0f} to {100 * row.upper_95_range:.0f}" in far, (
        "how far, not what share"
    )
    assert "England 2024-25: 50.5%" in far


# --- on the command line --------------------------------------------------------------------------------------------


def test_audit_and_uncertainty_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE + ONE_DOUBT, encoding="utf-8")
    audit_of_60 = call_here("audit", "small.toml", "--n", "60", "--result", "0.1", folder=tmp_path)
    assert audit_of_60.returncode == 0, audit_of_60.stderr
    assert "AN AUDIT OF 60 that found 10.0%: small" in audit_of_60.stdout
    in_doubt = call_here("uncertainty", "small.toml", "--draws", "2", folder=tmp_path)
    assert in_doubt.returncode == 0, in_doubt.stderr
    assert "What moves all disorders clearly gone, by interview" in in_doubt.stdout
    for result in (audit_of_60, in_doubt):
        assert all(len(line.rstrip()) <= 80 for line in result.stdout.splitlines()), result.stdout
    saved = {file.name for folder in (tmp_path / "results").iterdir() for file in folder.iterdir()}
    assert saved == {"table.csv", "tornado.csv", "figure.png", "run.json", "data_dictionary.csv"}
    as_json = json.loads(call_here("uncertainty", "small.toml", "--draws", "2", "--json", folder=tmp_path).stdout)
    assert set(as_json) == {"rungs", "tornado", "structures"}
    assert as_json["structures"][0]["structure"] == "as_used"
    assert len(as_json["structures"]) > 12
    assert "could be, from" in in_doubt.stdout
    refused = call_here("audit", "small.toml", "--result", "9.2", folder=tmp_path)
    assert refused.returncode == 2
    assert "give a share between 0 and 1" in refused.stderr
