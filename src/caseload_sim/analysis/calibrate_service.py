"""The fit of what has no source in a service to official figures, and the effect that reaches a rate of recovery."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from caseload_sim.analysis.validate_model import _row_of, _with_targets, tolerance_of
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import replicate
from caseload_sim.scenario.numbers import Effect, Number, Share, ShareMissed, numbers
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats

MOST_ROUNDS = 12
LONGEST_STEP = 1.0  # in logits, logs or effects: beyond it a straight line says little
NUDGE = 0.1  # for derivatives, on the same scales
FITTED_DECIMALS = 4
NEAR_ENOUGH = 0.25  # of every tolerance


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
    treatment = scenario.outcome.treatment
    effects = {
        "outcome.treatment.full_course": treatment.full_course.value,
        "outcome.treatment.full_course_of_distress": treatment.full_course_of_distress.value,
    }

    def value(multiple: float) -> float:
        changed = scenario.with_changes({path: multiple * effect for path, effect in effects.items()})
        return _row_of(replicate(changed, replications=replications), official).value

    low, high = 0.0, 4.0
    if not value(low) < official.value < value(high):
        return float("nan")
    while high - low > 0.05:
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle) < official.value else (low, middle)
    return (low + high) / 2


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
