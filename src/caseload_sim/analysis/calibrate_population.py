"""Fit a population to published figures. Only assumed numbers are moved, within the bounds that the scenario gives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from caseload_sim.analysis.population_report import start_scores
from caseload_sim.clients.population import draw_population
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError, ScenarioError
from caseload_sim.scenario.checks_population import impossible_targets
from caseload_sim.scenario.expected import count_mix
from caseload_sim.scenario.population import Population
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Floats

N_CLIENTS_FOR_SCORES = 50_000
USUAL_TRIES = 60  # of a fit to scores, each of which draws so many clients
SCORES_FITTED = ("phq9_mean", "gad7_mean", "at_caseness")  # their spread is compared, not fitted
ROUNDED_TO = 4  # decimals of fitted values: a change of 0.0001 moves no share by more than that


@dataclass(frozen=True, slots=True)
class PopulationFit:
    """What `calibrate_population` found.

    loading: of emotional disorders on the common factor; prevalence_shift: in logits, of every assumed disorder
    prevalences: the assumed disorders' fitted prevalences
    quantities, target, before, after: what was fitted to; at_bounds: which of the two was stopped by its bound
    """

    loading: float
    prevalence_shift: float
    prevalences: dict[str, float]
    quantities: tuple[str, ...]
    target: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    at_bounds: tuple[str, ...]

    def changes(self) -> dict[str, float]:
        """The fitted values by dotted path."""
        found = {f"population.prevalence.{name}": value for name, value in self.prevalences.items()}
        return {"population.loading.emotional_disorder": self.loading, **found}

    def fragment(self, scenario_name: str) -> str:
        """A piece of a scenario file that holds the fitted values, each marked as fitted."""
        met = ", ".join(f"{name} {value:.4g}" for name, value in zip(self.quantities, self.after, strict=True))
        reason = f'fitted = "calibrate population {scenario_name}: {met}"'
        lines = [f'extends = "{scenario_name}"', "", "[population.loading]"]
        lines.append(f"emotional_disorder = {{ value = {self.loading}, {reason} }}")
        lines += ["", "[population.prevalence]"]
        lines += [f"{name} = {{ value = {value}, {reason} }}" for name, value in self.prevalences.items()]
        return "\n".join(lines) + "\n"


def calibrate_population(scenario: Scenario) -> PopulationFit:
    """Fit one loading and one shift of all assumed prevalences of disorders to what is published.

    To the count mix when the scenario has one: exact expectations, two numbers for two free targets. Otherwise to the mean
    scores and caseness at the start, over a fixed draw of clients. Published prevalences are never moved. Where a bound
    of `population.fit` is met, the nearest fit within it is returned and says so.
    Raises RunError when the scenario has no targets, no bounds or nobody in treatment, ScenarioError when no population can meet them.
    """
    population, targets = scenario.population, scenario.population.targets
    quantities = tuple(targets.count_mix) or tuple(name for name in SCORES_FITTED if name in targets.start_scores)
    if population.fit is None or not quantities:
        raise RunError(
            f"{scenario.name}: to be calibrated it needs population.fit, and population.targets.count_mix or start_scores."
        )
    for path, message in impossible_targets(population):
        raise ScenarioError(f"{scenario.name}: {'.'.join(path)}: {message}")
    numbers = targets.count_mix or targets.start_scores
    target = np.array([numbers[name].value for name in quantities])

    def mean_scores(moved: Population) -> Floats:
        changed, draws = scenario.model_copy(update={"population": moved}), Draws(0, 0)
        clients = draw_population(changed, draws, N_CLIENTS_FOR_SCORES)
        scores = start_scores(changed, clients, draws)
        if any(np.isnan(scores[name]) for name in quantities):
            raise RunError(
                f"{scenario.name}: nobody comes to treatment, so there are no scores at its start to fit. Calibrate a scenario "
                "with a service, or give population.targets.count_mix."
            )
        return np.array([scores[name] for name in quantities])

    if targets.count_mix:
        return _fit(population, quantities, target, lambda moved: count_mix(moved, quantities), smooth=True)
    return _fit(population, quantities, target, mean_scores, smooth=False)


def _fit(
    population: Population,
    quantities: tuple[str, ...],
    target: Floats,
    expected: Callable[[Population], Floats],
    *,
    smooth: bool,
) -> PopulationFit:
    """Least relative squares over loading and shift, within the bounds of `population.fit`.

    smooth: the expectation has derivatives; drawn scores, which are whole numbers, have none
    """
    from scipy.optimize import least_squares, minimize
    from scipy.special import expit, logit

    bounds = population.fit
    assert bounds is not None
    origin = {  # counted from the start, so that fitting again gives the same answer; what is published stays
        name: share.value for name, share in bounds.start.items() if population.prevalence[name].source is None
    }
    most = bounds.prevalence_shift_max.value
    low, high = np.array([bounds.loading_min.value, -most]), np.array([bounds.loading_max.value, most])

    def moved(point: Floats) -> Population:
        shifted = {name: float(expit(logit(p) + point[1])) for name, p in origin.items()}
        return _with_values(population, float(point[0]), shifted)

    def miss(point: Floats) -> Floats:
        return np.asarray(expected(moved(point)) / target - 1)

    middle = (low + high) / 2
    if smooth:
        found = least_squares(miss, middle, bounds=(low, high), xtol=1e-10).x
    else:
        options = {
            "xatol": 1e-3,
            "fatol": 1e-8,
            "initial_simplex": middle + (high - low) / 4 * np.array([[0, 0], [1, 0], [0, 1]]),
        }
        squares = minimize(
            lambda point: float(np.sum(miss(point) ** 2)), middle, method="Nelder-Mead",
            bounds=list(zip(low, high, strict=True)), options=options,
        )  # fmt: skip
        found = squares.x
    loading = round(float(found[0]), ROUNDED_TO)
    prevalences = {n: round(float(expit(logit(p) + found[1])), ROUNDED_TO) for n, p in origin.items()}
    stuck = np.minimum(found - low, high - found) < 1e-3
    return PopulationFit(
        loading=loading,
        prevalence_shift=float(found[1]),
        prevalences=prevalences,
        quantities=quantities,
        target=tuple(target.tolist()),
        before=tuple(expected(population).tolist()),
        after=tuple(expected(_with_values(population, loading, prevalences)).tolist()),
        at_bounds=tuple(name for name, hit in zip(("loading", "prevalence_shift"), stuck, strict=True) if hit),
    )


def _with_values(population: Population, loading: float, prevalences: dict[str, float]) -> Population:
    loadings = dict(population.loading)
    loadings["emotional_disorder"] = loadings["emotional_disorder"].model_copy(update={"value": loading})
    table = {
        name: p.model_copy(update={"value": prevalences[name]}) if name in prevalences else p
        for name, p in population.prevalence.items()
    }
    return population.model_copy(update={"loading": loadings, "prevalence": table})
