"""Fit numbers of a service that have no source, so that the model meets official figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from caseload_sim.analysis.validate_model import _row_of, _with_targets, tolerance_of
from caseload_sim.errors import RunError
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.scenario.numbers import Effect, Number, Share, ShareMissed, numbers
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats

MOST_ROUNDS = 12
MOST_RUNS_FOR_AN_EFFECT = 18  # two replications at both ends and at seven values between: 4 is halved to 0.05
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
        return fragment_of(self.scenario, self.changes, f"calibrate {self.part} {self.scenario}")


def fragment_of(scenario: str, values: Mapping[str, float], fitted: str) -> str:
    """Values by path as a scenario file that extends another, each marked as fitted; every table stands once."""
    tables: dict[str, list[str]] = {}
    for path, value in sorted(values.items()):
        where, _, name = path.rpartition(".")
        tables.setdefault(where, []).append(f'{name} = {{ value = {value:g}, fitted = "{fitted}" }}')
    blocks = ["\n".join([f"[{where}]", *lines]) for where, lines in tables.items()]
    return "\n\n".join([f'extends = "{scenario}"', *blocks]) + "\n"


def calibrate_service(
    scenario: Scenario,
    *,
    part: str = "service",
    replications: int = 2,
    **how: Unpack[RunKeywords],
) -> ServiceFit:
    """Move the numbers named in `fitted_by` until the fitted official figures are met.

    part: "service", every such figure; "outcome", only those that move nothing but numbers of the outcome model

    The method is Newton's. Derivatives come from runs with each number moved a little, on the same draws; later rounds only
    update them (Broyden's rule). Shares move in logits, so that they stay between 0 and 1; other numbers move in logs, so
    that they stay above 0; effects move as they are. Official figures that are checks are not used.
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (runs done, runs at most)
    Raises RunError when nothing is to be fitted, nobody is counted in what is, or a path in `fitted_by` is not a number of
    the scenario.
    """
    fitted = _fitted(scenario, part)
    known = {path: number for path, number, _ in numbers(scenario)}
    for name, official in fitted.items():
        for path in official.fitted_by:
            if path not in known:
                raise RunError(f"official.{name}.fitted_by: {path} is not a number of {scenario.name}.")
    check_figures(scenario, [official.quantity for official in fitted.values()])
    groups = [official.fitted_by for official in fitted.values()]
    target = np.array([official.value for official in fitted.values()])
    scale = np.array([tolerance_of(official) for official in fitted.values()])
    options, runs_at_most, runs = RunOptions(**how), runs_at_most_of(len(groups)), 0

    def changes_at(point: Floats) -> dict[str, float]:
        return {path: _moved(known[path], float(by)) for paths, by in zip(groups, point, strict=True) for path in paths}

    def misses(points: Sequence[Floats]) -> list[Floats]:
        """At each point, by how many tolerances each figure misses its target. All points are run at once."""
        nonlocal runs
        changed = [scenario.with_changes(changes_at(point)) for point in points]
        requests = [Request(with_run(one, None, replications)) for one in changed]
        found: list[Floats] = []
        for results in summarise_each(requests, replace(options, progress=None)):
            runs += 1
            options.report(min(runs, runs_at_most), runs_at_most)
            values = np.array([_row_of(results, official).value for official in fitted.values()])
            if np.isnan(values).any():
                nobody = ", ".join(name for name, value in zip(fitted, values, strict=True) if np.isnan(value))
                raise RunError(
                    f"{scenario.name}: has no {nobody} to fit, since nobody was counted. Use more referrals a year, days or "
                    "replications, or a policy that treats."
                )
            found.append(np.asarray((values - target) / scale))
        return found

    point: Floats = np.zeros(len(groups))
    (before,) = misses([point])
    here = before
    slopes = np.empty((len(groups), len(groups)))
    if np.abs(here).max() > NEAR_ENOUGH:
        nudged = misses([point + step for step in NUDGE * np.eye(len(groups))])
        slopes = np.stack([(there - here) / NUDGE for there in nudged], axis=1)
    best, best_miss = point, here
    rounds = 0
    while rounds < MOST_ROUNDS and np.abs(best_miss).max() > NEAR_ENOUGH:
        rounds += 1
        step = np.asarray(np.linalg.lstsq(slopes, -here, rcond=1e-6)[0], dtype=np.float64)
        step = np.clip(step, -LONGEST_STEP, LONGEST_STEP)  # each by itself: one that cannot be met holds up no other
        (there,) = misses([point + step])
        slopes += np.outer(there - here - slopes @ step, step) / (step @ step)
        point, here = point + step, there
        if here @ here < best_miss @ best_miss:
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


def _fitted(scenario: Scenario, part: str) -> dict[str, Official]:
    """The official figures that are fitted. Raises RunError when there are none."""
    fitted = {name: o for name, o in _with_targets(scenario).official.items() if o.fitted_by and _is_of(part, o)}
    if not fitted:
        where = " under `outcome.`" if part == "outcome" else ""
        raise RunError(
            f"{scenario.name}: no official figure says what is `fitted_by` it{where}, so there is nothing to fit."
        )
    return fitted


def runs_at_most_for(scenario: Scenario, part: str) -> int:
    """How many runs the fit of a part of a scenario takes at most. Raises RunError when there is nothing to fit."""
    return runs_at_most_of(len(_fitted(scenario, part)))


def _is_of(part: str, official: Official) -> bool:
    return part == "service" or all(path.startswith(f"{part}.") for path in official.fitted_by)


def runs_at_most_of(n_groups: int) -> int:
    """How many runs a fit takes at most: the first one, one for each group of numbers that is moved, and the rounds."""
    return n_groups + 1 + MOST_ROUNDS


def effect_that_reaches(
    scenario: Scenario, quantity: str, *, replications: int = 2, **how: Unpack[RunKeywords]
) -> float:
    """By what the effect of treatment must be multiplied to meet an official figure, such as 1.5; NaN if even 4 is not enough."""
    official = _with_targets(scenario).official[quantity]
    treatment = scenario.outcome.treatment
    effects = {
        "outcome.treatment.full_course": treatment.full_course.value,
        "outcome.treatment.full_course_of_distress": treatment.full_course_of_distress.value,
    }

    options = RunOptions(**how)

    def values(*multiples: float) -> list[float]:
        changed = [
            scenario.with_changes({path: multiple * effect for path, effect in effects.items()})
            for multiple in multiples
        ]
        requests = [Request(with_run(one, None, replications)) for one in changed]
        return [_row_of(results, official).value for results in summarise_each(requests, options)]

    low, high = 0.0, 4.0
    at_low, at_high = values(low, high)
    if not at_low < official.value < at_high:
        return float("nan")
    while high - low > 0.05:
        middle = (low + high) / 2
        (at_middle,) = values(middle)
        low, high = (middle, high) if at_middle < official.value else (low, middle)
    return (low + high) / 2


def _moved(number: Number, by: float) -> float:
    """A number moved by so much, within its bounds: a share in logits, an effect as it is, any other in logs."""
    if isinstance(number, Share | ShareMissed):
        if number.value in (0, 1):
            return number.value  # no odds move these
        odds = number.value / (1 - number.value) * np.exp(by)
        value = odds / (1 + odds)
    elif isinstance(number, Effect):
        value = number.value + by
    else:
        value = number.value * np.exp(by)
    for rule in type(number).model_fields["value"].metadata:
        value = max(value, getattr(rule, "ge", value))
        value = min(value, getattr(rule, "le", value))
    return round(float(value), FITTED_DECIMALS)
