"""Fit numbers of a service that have no source, so that the model meets official figures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from caseload_sim.analysis.fit_contacts import MOST_STARTS, moves_contacts_alone, near_the_waits
from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.analysis.validate_model import _row_of, _with_targets, tolerance_of
from caseload_sim.definitions.measures import definition
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.scenario.numbers import Effect, Number, Share, ShareMissed, numbers
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats

MOST_ROUNDS = 24
MOST_RUNS_FOR_AN_EFFECT = 18  # two replications at both ends and at seven values between: 4 is halved to 0.05
LONGEST_STEP = 1.0  # in logits, logs or effects: beyond it a straight line says little
MOST_HALVINGS = 10
FIRST_DAMPING = 0.01  # of the squared slopes; four times as much after a step in vain, a quarter after one that helped
TINY = 1e-3  # in place of no wait at all, which has no logarithm
NUDGE = 0.1  # for derivatives, on the same scales
FITTED_DECIMALS = 4
NEAR_ENOUGH = 0.25  # of every tolerance


def calibrate_service(
    scenario: Scenario,
    *,
    part: str = "service",
    replications: int = 2,
    most_moved: float = np.inf,
    **how: Unpack[RunKeywords],
) -> ServiceFit:
    """Move the numbers named in `fitted_by` until the fitted official figures are met.

    most_moved: how far a number may go from where it was, in logits, logs or as it is: 1.5 is 4.5 times as much
    part: "service", every such figure; "outcome", only those that move nothing but numbers of the outcome model

    The method is that of Levenberg and Marquardt: a Newton step, the more damped the less the last ones brought. Derivatives come from runs with each number moved a little, on the same draws; later rounds only
    update them (Broyden's rule). Shares move in logits, so that they stay between 0 and 1; other numbers move in logs, so
    that they stay above 0; effects move as they are. Official figures that are checks are not used.
    how: the keywords of `RunOptions`, see `replicate`; progress: called with (runs done, runs at most)
    Where nothing but contacts a post is moved, it begins where halving leads; see `near_the_waits`.
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
    in_logs = np.array([definition(one.measure).unit != "share" and one.value > 0 for one in fitted.values()])
    scale = np.array([tolerance_of(one) for one in fitted.values()])
    scale[in_logs] /= target[in_logs]
    options, runs_at_most, runs = RunOptions(**how), runs_at_most_for(scenario, part), 0

    def changes_at(point: Floats) -> dict[str, float]:
        return {path: moved(known[path], float(by)) for paths, by in zip(groups, point, strict=True) for path in paths}

    def misses(values: Floats) -> Floats:
        """By how many tolerances each figure misses its target; waits and counts of contacts in logs, in which they bend less."""
        return np.asarray(np.where(in_logs, np.log(np.maximum(values, TINY) / target), values - target) / scale)

    def values_at(points: Sequence[Floats]) -> list[Floats]:
        """Each figure at each point. All points are run at once."""
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
            found.append(values)
        return found

    def as_far_as_possible(start: Floats, step: Floats) -> Floats:
        """The step, halved until the scenario can be so; none where it cannot."""
        for _ in range(MOST_HALVINGS):
            try:
                scenario.with_changes(changes_at(start + step))
            except ScenarioError:
                step = step / 2
            else:
                return step
        return np.zeros_like(step)

    point: Floats = np.zeros(len(groups))
    (before,) = values_at([point])
    values = before
    if moves_contacts_alone(fitted):
        point = near_the_waits(len(groups), lambda there: misses(values_at([there])[0]))
        (values,) = values_at([point])
    here = misses(values)
    slopes = np.empty((len(groups), len(groups)))
    if np.abs(here).max() > NEAR_ENOUGH:
        nudged = values_at([point + step for step in NUDGE * np.eye(len(groups))])
        slopes = np.stack([(misses(values) - here) / NUDGE for values in nudged], axis=1)
    rounds, damping = 0, FIRST_DAMPING
    while rounds < MOST_ROUNDS and np.abs(here).max() > NEAR_ENOUGH:
        rounds += 1
        step = np.clip(damped_step(slopes, here, damping), -LONGEST_STEP, LONGEST_STEP)
        step = as_far_as_possible(point, np.clip(point + step, -most_moved, most_moved) - point)
        if not step.any():
            break
        (values_there,) = values_at([point + step])
        there = misses(values_there)
        slopes += np.outer(there - here - slopes @ step, step) / (step @ step)
        if there @ there < here @ here:
            point, values, here, damping = point + step, values_there, there, damping / 4
        else:
            damping *= 4  # the slopes have learned from it; the step does not count
    return ServiceFit(
        scenario.name,
        changes_at(point),
        tuple(fitted),
        tuple(target.tolist()),
        tuple(before.tolist()),
        tuple(values.tolist()),
        rounds,
        {path: known[path].value for paths in groups for path in paths},
        part,
    )


def damped_step(slopes: Floats, here: Floats, damping: float) -> Floats:
    """The step that solves slopes @ step = -here as nearly as damping allows, (numbers,); Marquardt 1963.

    slopes: (figures, numbers); here: (figures,), by how many tolerances each is missed
    """
    spread = np.sqrt(damping * (slopes**2).sum(axis=0))
    above = np.concatenate([slopes, np.diag(spread)])
    return np.asarray(np.linalg.lstsq(above, np.concatenate([-here, np.zeros(len(spread))]), rcond=1e-6)[0])


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
    fitted = _fitted(scenario, part)
    return runs_at_most_of(len(fitted), moves_contacts_alone(fitted))


def _is_of(part: str, official: Official) -> bool:
    return part == "service" or all(path.startswith(f"{part}.") for path in official.fitted_by)


def runs_at_most_of(n_groups: int, contacts_alone: bool = False) -> int:
    """How many runs a fit takes at most: the first one, one for each group of numbers that is moved, and the rounds; where
    only contacts a post are moved, those in which a start is found too."""
    return n_groups + 1 + MOST_ROUNDS + (MOST_STARTS + 1 if contacts_alone else 0)


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


def moved(number: Number, by: float) -> float:
    """A number moved by so much on its scale, within its bounds: a share in logits, an effect as it is, any other in logs."""
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
