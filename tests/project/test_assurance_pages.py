"""The assurance pages: what follows from the scenario alone is up to date, and the effects are paired and can be gone on with."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario

FOLDER = Path(__file__).parents[2] / "docs" / "assurance"
RENEW = "run python docs/assurance_pages.py --only-scenario"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    """docs/assurance_pages.py."""
    spec = importlib.util.spec_from_file_location("assurance_pages", FOLDER.parent / "assurance_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_what_follows_from_the_scenario_alone_is_up_to_date(pages: ModuleType) -> None:
    assert text_of("stress_des.md") == pages.stress_page(), RENEW
    assert pages.without_simulated(text_of("assumptions.md")) == pages.register(), RENEW


def test_the_register_lists_every_assumption_and_every_fitted_number(pages: ModuleType) -> None:
    register, scenario = pages.register(), get_scenario()
    some = [path for path, n, _ in numbers(scenario) if (n.assumption or n.fitted) and not path.startswith("official.")]
    assert len(some) > 150
    assert all(f"| `{path}` | " in register for path in some)
    assert "| `population.prevalence.childhood_sexual_abuse` | " in register, "its source was not seen"
    assert "| `demand.referrals_per_year` | " not in register


def test_an_input_is_tried_over_its_range_of_doubt_or_else_by_a_stated_convention(pages: ModuleType) -> None:
    scenario = get_scenario()
    known = {path: number for path, number, _ in numbers(scenario)}

    def tried(path: str) -> tuple[float, float] | None:
        ends: tuple[float, float] | None = pages.ends(scenario, path, known[path])
        return ends

    assert tried("pathway.routing.right_problem") == (0.5, 0.9)
    assert tried("outcome.treatment.spill.ptsd") == pytest.approx((0.5 * 0.4, 1.3 * 0.4))
    assert tried("outcome.treatment.full_course") == pytest.approx((0.8 * 0.4928, 1.2 * 0.4928))
    assert tried("outcome.remission.by_condition.personality_disorder") == pytest.approx((-0.264, -0.176))
    low, high = tried("outcome.endings.well_do_not_come") or (0, 0)
    assert (low / (1 - low), high / (1 - high)) == pytest.approx((9 * 0.60653, 9 * 1.64872), rel=1e-4)
    assert tried("pathway.returns.chance") is None
    assert tried("costs.index.2024") is None


def test_effects_are_paired_have_the_right_sign_and_are_kept(
    pages: ModuleType, small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = {
        "instruments.full_remission_margin",
        "outcome.treatment.full_course",
        "pathway.routing.complexity.per_flag",
    }
    scenario = small.model_copy(update={"doubt": {}})
    everything = pages.soft
    monkeypatch.setattr(pages, "soft", lambda one: [row for row in everything(one) if row[0] in three])
    kept = tmp_path / "kept.json"
    found = pages.effects(scenario, replications=2, kept=kept)
    assert set(found) == {"now"} | three
    low, high = found["outcome.treatment.full_course"]
    assert max(low[0]) <= 0 <= min(high[0]), "less effect, none more recover, on the same draws"
    assert sum(low[0]) < 0 < sum(high[0]), "less effect, fewer recover"
    low, high = found["instruments.full_remission_margin"]
    assert low[0] == high[0] == [0.0, 0.0], "the margin is nothing to the questionnaires"
    assert min(low[1]) >= 0 >= max(high[1])
    assert sum(low[1]) > 0 > sum(high[1])
    assert found["pathway.routing.complexity.per_flag"] == [[[0.0, 0.0]] * 2] * 2, (
        "not used by this policy: the pairing is exact"
    )
    text = pages.effect_table(found, 2, 0.1)
    assert text.index("full_remission_margin") < text.index("per_flag")
    monkeypatch.setattr(pages, "headlines", lambda *_: pytest.fail("what is kept is not run again"))
    assert pages.effects(scenario, replications=2, kept=kept) == json.loads(json.dumps(found))
