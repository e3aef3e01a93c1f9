"""The model held against official figures of the service, within tolerances set beforehand."""

from dataclasses import dataclass
from typing import Unpack

from caseload_sim.definitions.measures import definition
from caseload_sim.errors import RunError
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.replicate import Summary, summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import Row, row_of
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario

# How far the mean of the model may lie from a published figure and still be called met. Set before anything was fitted.
TOLERANCE_OF_SHARES = 0.01
TOLERANCE_OF_OTHERS = 0.05  # of the target: days, contacts, points


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """One official figure against the model. The interval is the model's and never widens the tolerance."""

    quantity: str
    target: float
    value: float
    lower_95_ci: float
    upper_95_ci: float
    tolerance: float
    role: str
    verdict: str


def tolerance_of(official: Official) -> float:
    """1 point for shares, 5% of the target for everything else; half the range where the figure comes with one."""
    if official.low is not None and official.high is not None:
        return (official.high - official.low) / 2
    return (
        TOLERANCE_OF_SHARES
        if definition(official.measure).unit == "share"
        else abs(official.value) * TOLERANCE_OF_OTHERS
    )


def validate_model(
    scenario: Scenario, *, replications: int | None = None, **how: Unpack[RunKeywords]
) -> tuple[ValidationRow, ...]:
    """Every official figure of the scenario against the model, in the order of measures.

    how: the keywords of `RunOptions`, see `replicate`
    Raises RunError when the scenario has none, or names a measure that there is not.
    """
    request = Request(with_run(_with_targets(scenario), None, replications))
    check_figures(scenario, [official.quantity for official in scenario.official.values()])
    (results,) = summarise_each([request], RunOptions(**how))
    return compare_with_official(scenario, results)


def compare_with_official(scenario: Scenario, results: Summary) -> tuple[ValidationRow, ...]:
    """The same as `validate_model`, for results of a run that has been made already."""
    rows = []
    for quantity, official in _with_targets(scenario).official.items():
        row, tolerance = _row_of(results, official), tolerance_of(official)
        low = official.value - tolerance if official.low is None else official.low
        high = official.value + tolerance if official.high is None else official.high
        met = low <= row.value <= high  # NaN is never met
        rows.append(
            ValidationRow(
                quantity, official.value, row.value, row.lower_95_ci, row.upper_95_ci, tolerance,
                official.role, "met" if met else "missed",
            )
        )  # fmt: skip
    return tuple(rows)


def _with_targets(scenario: Scenario) -> Scenario:
    if not scenario.official:
        raise RunError(
            f"{scenario.name}: has no official figures to compare with. Use national_2024_25, or trial_anchored for the outcome model."
        )
    return scenario


def _row_of(results: Summary, official: Official) -> Row:
    return row_of(results.rows, official.quantity)
