"""The model against official figures of the service, and the fit of what has no source to some of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from caseload_sim.definitions import definition
from caseload_sim.draws import Floats
from caseload_sim.errors import RunError
from caseload_sim.experiment import Results, Row, replicate
from caseload_sim.origin import Effect, Number, Share, ShareMissed, numbers
from caseload_sim.scenario import Official, Scenario

# How far the mean of the model may lie from a published figure and still be called met. Set before anything was fitted.
TOLERANCE_OF_SHARES = 0.01
TOLERANCE_OF_OTHERS = 0.05  # of the target: days, contacts, points
MOST_ROUNDS = 12
LONGEST_STEP = 1.0  # in logits, logs or effects: beyond it a straight line says little
NUDGE = 0.1  # for derivatives, on the same scales
FITTED_DECIMALS = 4
NEAR_ENOUGH = 0.25  # of every tolerance


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


@dataclass(frozen=True, slots=True)
class ServiceFit:
    """What `calibrate_service` found.

    changes: fitted values by dotted path; in_use: what the scenario holds there
    before, after: value of each fitted quantity; part: what was fitted, "service" or "outcome"
    """

    scenario: str
    changes: dict[str, float]
    quantities: tuple[str, ...]
    target: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    rounds: int
    in_use: dict[str, float]
    part: str = "service"

    def fragment(self) -> str:
        """A piece of a scenario file that holds the fitted values, each marked as fitted."""
        lines, table = [f'extends = "{self.scenario}"'], ""
        for path, value in sorted(self.changes.items()):
            where, _, name = path.rpartition(".")
            if where != table:
                table = where
                lines += ["", f"[{table}]"]
            lines.append(f'{name} = {{ value = {value:g}, fitted = "calibrate {self.part} {self.scenario}" }}')
        return "\n".join(lines) + "\n"


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
    scenario: Scenario, *, replications: int | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[ValidationRow, ...]:
    """Every official figure of the scenario against the model, in file order.

    Raises RunError when the scenario has none, or names a measure that there is not.
    """
    return compare_with_official(
        scenario, replicate(_with_targets(scenario), replications=replications, progress=progress)
    )


def compare_with_official(scenario: Scenario, results: Results) -> tuple[ValidationRow, ...]:
    """The same for results at hand."""
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


def calibrate_service(
    scenario: Scenario,
    *,
    part: str = "service",
    replications: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> ServiceFit:
    """Move the numbers named in `fitted_by` until the fitted official figures are met.

    part: "service", every such figure; "outcome", only those that move nothing but numbers of the outcome model

    Newton's method with derivatives by small steps on the same draws, kept up by Broyden's rule; shares move in logits,
    effects as they are, everything else in logs. Checks are never looked at.
    progress: called with (runs done, runs at most)
    Raises RunError when nothing is to be fitted, or a path in `fitted_by` is not a number of the scenario.
    """
    fitted = {name: o for name, o in _with_targets(scenario).official.items() if o.fitted_by and _is_of(part, o)}
    if not fitted:
        where = " under `outcome.`" if part == "outcome" else ""
        raise RunError(
            f"{scenario.name}: no official figure says what is `fitted_by` it{where}, so there is nothing to fit."
        )
    known = {path: number for path, number, _ in numbers(scenario)}
    for name, official in fitted.items():
        for path in official.fitted_by:
            if path not in known:
                raise RunError(f"official.{name}.fitted_by: {path} is not a number of {scenario.name}.")
    groups = [official.fitted_by for official in fitted.values()]
    target = np.array([official.value for official in fitted.values()])
    scale = np.array([tolerance_of(official) for official in fitted.values()])
    runs_at_most, runs = len(groups) + 1 + MOST_ROUNDS, 0

    def changes_at(point: Floats) -> dict[str, float]:
        return {path: _moved(known[path], float(by)) for paths, by in zip(groups, point, strict=True) for path in paths}

    def miss(point: Floats) -> Floats:
        nonlocal runs
        results = replicate(scenario.with_changes(changes_at(point)), replications=replications)
        runs += 1
        if progress:
            progress(min(runs, runs_at_most), runs_at_most)
        values = np.array([_row_of(results, official).value for official in fitted.values()])
        return np.asarray((values - target) / scale)

    point: Floats = np.zeros(len(groups))
    before = here = miss(point)
    slopes = np.empty((len(groups), len(groups)))
    near = np.abs(here).max() <= NEAR_ENOUGH
    for k in range(0 if near else len(groups)):
        step = np.zeros(len(groups))
        step[k] = NUDGE
        slopes[:, k] = (miss(point + step) - here) / NUDGE
    best, best_miss = point, here
    rounds = 0
    while rounds < MOST_ROUNDS and np.abs(best_miss).max() > NEAR_ENOUGH:
        rounds += 1
        step = np.asarray(np.linalg.lstsq(slopes, -here, rcond=1e-6)[0], dtype=np.float64)
        step *= min(1.0, LONGEST_STEP / np.abs(step).max())
        there = miss(point + step)
        slopes += np.outer(there - here - slopes @ step, step) / (step @ step)
        point, here = point + step, there
        if np.abs(here).max() < np.abs(best_miss).max():
            best, best_miss = point, here
    return ServiceFit(
        scenario.name,
        changes_at(best),
        tuple(fitted),
        tuple(target.tolist()),
        tuple((target + before * scale).tolist()),
        tuple((target + best_miss * scale).tolist()),
        rounds,
        {path: known[path].value for paths in groups for path in paths},
        part,
    )


def _is_of(part: str, official: Official) -> bool:
    return part == "service" or all(path.startswith(f"{part}.") for path in official.fitted_by)


def effect_that_reaches(scenario: Scenario, quantity: str, *, replications: int = 2) -> float:
    """The multiple of the scenario's effect at which the model would meet an official figure; NaN if none up to 4 does."""
    official = _with_targets(scenario).official[quantity]
    path = "outcome.treatment.trial_effect"
    effect = scenario.outcome.treatment.trial_effect.value

    def value(multiple: float) -> float:
        changed = scenario.with_changes({path: multiple * effect})
        return _row_of(replicate(changed, replications=replications), official).value

    low, high = 0.0, 4.0
    if not value(low) < official.value < value(high):
        return float("nan")
    while high - low > 0.05:
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle) < official.value else (low, middle)
    return (low + high) / 2


def _with_targets(scenario: Scenario) -> Scenario:
    if not scenario.official:
        raise RunError(
            f"{scenario.name}: has no official figures to compare with. Use national_2024_25, or trial_anchored for the outcome model."
        )
    return scenario


def _row_of(results: Results, official: Official) -> Row:
    return results.find(
        official.measure, base=official.base, at=official.at, service=_service(official), group=official.group
    )


def _service(official: Official) -> str:
    return official.service or ("service" if official.at else "")


def _moved(number: Number, by: float) -> float:
    """A number moved by so much on the scale that suits it."""
    if isinstance(number, Share | ShareMissed):
        odds = number.value / (1 - number.value) * np.exp(by)
        value = odds / (1 + odds)
    elif isinstance(number, Effect):
        value = number.value + by
    else:
        value = number.value * np.exp(by)
    return round(float(value), FITTED_DECIMALS)
