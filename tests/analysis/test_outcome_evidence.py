"""Every anchor and check of the outcome model was read twice, the second time blind; here the two readings meet."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from caseload_sim.analysis.calibrate_outcome import Evidence, list_evidence
from caseload_sim.scenario.files import shipped_folder

AGAIN = tomllib.loads(
    (Path(__file__).parents[1] / "second_reading" / "outcome_evidence.toml").read_text(encoding="utf-8")
)
SOURCES = tomllib.loads((shipped_folder() / "sources.toml").read_text(encoding="utf-8"))


def range_of(read: str) -> tuple[float, float]:
    """Lowest and highest that a figure as printed may stand for: half its last digit either way."""
    ends = [Decimal(end) for end in read.split(" to ")]
    half = Decimal(1).scaleb(int(ends[0].as_tuple().exponent)) / 2
    return float(min(ends) - half), float(max(ends) + half)


def test_half_the_last_digit_printed_is_allowed_for() -> None:
    assert range_of("0.58") == (0.575, 0.585)
    assert range_of("-2.75") == (-2.755, -2.745)
    assert range_of("6.00") == (5.995, 6.005)
    assert range_of("0.79 to 0.86") == (0.785, 0.865)


def test_both_readings_are_of_the_same_figures() -> None:
    assert {one.name for one in list_evidence()} == set(AGAIN)
    assert len(AGAIN) >= 74


@pytest.mark.parametrize("one", list_evidence(), ids=lambda one: one.name)
def test_a_figure_was_read_twice_with_the_same_result(one: Evidence) -> None:
    low, high = range_of(AGAIN[one.name]["read"])
    assert low <= one.value <= high
    assert one.tolerance > 0
    assert one.role in ("anchor", "check")
    assert one.where
    assert one.source in SOURCES, f"{one.source} is no key of scenarios/sources.toml"
