"""Fit the outcome model to what is published, and say of every anchor and every check whether it is met.

The numbers that are moved, the anchors and the checks lie beside this module in outcome_evidence.toml. Damped least squares
on the same people, the same draws and the same stays throughout, so that what differs between two tries is the model alone.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from caseload_sim.analysis.evidence_of_studies import first_course_gap, in_general_practice, of_studies
from caseload_sim.analysis.evidence_of_the_service import days_until_courses, of_the_service, of_waiting
from caseload_sim.analysis.service_fit import fragment_of
from caseload_sim.draws.streams import Draws
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import simulate
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.structures import Structure, all_structures
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import read_again
from caseload_sim.support.columns import Floats

PEOPLE, REPLICATIONS, ROUNDS = 20_000, 2, 6
TOLERANCES_THAT_MEET = 2.0
FITTED_DECIMALS = 4
_PULL = 0.3  # of each number to where it began, in tolerances: keeps finite what the anchors leave open
_GAIN_WORTH_A_ROUND = 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """A published figure that the outcome model must show.

    tolerance: a standard error, or how near counts as met; role: "anchor", which the fit may use, or "check"
    """

    name: str
    value: float
    tolerance: float
    role: Literal["anchor", "check"]
    source: str
    where: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """An anchor or a check beside what the model shows.

    distance: of the model, in tolerances, above 0 for too high
    chance: standard error of the model's figure, in tolerances; NaN where one replication cannot tell
    """

    name: str
    role: str
    published: float
    tolerance: float
    model: float
    distance: float
    verdict: str
    source: str
    where: str
    chance: float = float("nan")

    @property
    def may_be_chance(self) -> bool:
        """Whether more replications might turn the verdict: the model lies within two standard errors of the line."""
        return not abs(abs(self.distance) - TOLERANCES_THAT_MEET) > 2 * self.chance


@dataclass(frozen=True, slots=True)
class OutcomeFit:
    """What a fit found: values by path, those it began with, the loss before and after, and every row of evidence."""

    scenario: str
    values: Mapping[str, float]
    before: Mapping[str, float]
    loss_before: float
    loss: float
    rows: tuple[EvidenceRow, ...]

    def fragment(self) -> str:
        """The fitted values as a scenario file, each marked as fitted."""
        return fragment_of(self.scenario, self.values, "calibrate outcome: to the anchors of docs/outcome.md")


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("outcome_evidence.toml").read_text(encoding="utf-8"))


def list_evidence() -> tuple[Evidence, ...]:
    """Every anchor and check, in the order of the file."""
    return tuple(Evidence(name, **entry) for name, entry in _content().items() if name != "fit")


def fitted_paths() -> tuple[str, ...]:
    """Paths of the numbers that the fit moves."""
    return tuple(_content()["fit"]["paths"])


def calibrate_outcome(
    scenario: Scenario | None = None,
    *,
    replications: int = REPLICATIONS,
    people: int = PEOPLE,
    rounds: int = ROUNDS,
    fixed: Mapping[str, float] | None = None,
    smaller_effects: float = 1.0,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> OutcomeFit:
    """Move the numbers named in outcome_evidence.toml to the anchors.

    scenario: whose people and service are read, the one that the file names if None
    replications: of the service; people: drawn for the figures of studies; rounds: at most so many
    fixed: values that are set and not moved, as another structure has them
    smaller_effects: share of the effects of treatment found in trials that is taken to be true
    executor: where tries run, in this process if None
    Raises RunError for a scenario of several providers, and for one without the figures that the anchors are of.
    """
    scenario = scenario or get_scenario(_content()["fit"]["scenario"])
    if scenario.providers is not None:
        raise RunError(f"{scenario.name}: calibrate the outcome with one provider, not several.")
    _check_has_both_intensities(scenario)
    fixed = dict(fixed or {})
    scenario = scenario.with_changes(fixed) if fixed else scenario
    paths = [path for path in fitted_paths() if path not in fixed]
    if _moves_severity(fixed):
        paths.append(SEVERITY_SHIFT)
        scenario = scenario.with_changes({SEVERITY_SHIFT: 0.6})
    known = {path: number.value for path, number, _ in numbers(scenario)}
    anchors = [_with_smaller_effect(one, smaller_effects) for one in list_evidence() if one.role == "anchor"]
    start = np.array([known[path] for path in paths])
    n_tries, done = rounds * (len(paths) + 2) + 1, 0

    def tried(many: Sequence[Floats]) -> list[Floats]:
        nonlocal done
        settings = [dict(zip(paths, x.tolist(), strict=True)) for x in many]
        asked = (
            _figures_at,
            [scenario.model_dump_json()] * len(many),
            settings,
            [replications] * len(many),
            [people] * len(many),
        )
        found = list(executor.map(*asked) if executor else map(*asked))
        done += len(many)
        if progress:
            progress(min(done, n_tries), n_tries)
        if unknown := [one.name for one in anchors if any(np.isnan(figures[one.name]) for figures in found)]:
            raise RunError(
                f"{scenario.name}: has nobody of whom to read {', '.join(unknown)}. Use more referrals a year or days of data "
                "collection."
            )
        return [_residual(figures, anchors, x, start) for figures, x in zip(found, many, strict=True)]

    x, (residual,) = start.copy(), tried([start])
    loss_before, damping = float(residual @ residual), 0.3
    for _ in range(rounds):
        widths = 0.04 * np.abs(x) + 0.01
        moved = tried([x + width * (np.arange(len(x)) == i) for i, width in enumerate(widths)])
        slope = np.stack([(one - residual) / width for one, width in zip(moved, widths, strict=True)], axis=1)
        square, gradient = slope.T @ slope, slope.T @ residual
        steps = [x - np.linalg.solve(square + d * np.diag(np.diag(square)), gradient) for d in (damping, 8 * damping)]
        steps = [np.where(start > 0, np.maximum(one, 0.05 * start), one) for one in steps]
        tries = tried(steps)
        best = int(np.argmin([one @ one for one in tries]))
        gain = float(residual @ residual - tries[best] @ tries[best])
        if gain > 0:
            x, residual = steps[best], tries[best]
        damping = max(damping / 3, 1e-3) if best == 0 and gain > 0 else 4 * damping
        if gain < _GAIN_WORTH_A_ROUND:
            break
    if progress:
        progress(n_tries, n_tries)
    values = {path: round(value, FITTED_DECIMALS) for path, value in zip(paths, x.tolist(), strict=True)}
    fitted = scenario.with_changes(values)
    return OutcomeFit(
        scenario.name,
        values,
        dict(zip(paths, start.tolist(), strict=True)),
        loss_before,
        float(residual @ residual),
        evidence_rows(fitted, replications=replications, people=people),
    )


SEVERITY_SHIFT = "outcome.treatment.severity_shift"


def _check_has_both_intensities(scenario: Scenario) -> None:
    policy = scenario.pathway.policy
    missing = [step for step in ("low_intensity", "high_intensity") if step not in POLICIES[policy].steps]
    if missing:
        raise RunError(
            f"{scenario.name}: policy '{policy}' starts nobody at {' or '.join(missing)}, and the anchors are of courses at both. "
            "Calibrate the outcome by a scenario with both."
        )


def _moves_severity(fixed: Mapping[str, float]) -> bool:
    """Whether treatment as it is has been taken out, so that it must lower severity instead."""
    return fixed.get("outcome.treatment.full_course", 1.0) < 0.001


# Anchors that are effects of treatment, each with what there is without any.
_EFFECTS = {
    "low_intensity_less_waiting_list_phq9": 0.0, "low_intensity_less_waiting_list_gad7": 0.0,
    "service_less_usual_care_reliable_recovery": 0.0, "service_less_usual_care_phq9_d": 0.0,
    "service_less_usual_care_gad7_d": 0.0, "response_treated_2_months": 0.17, "trial_treated_gone": 0.43,
}  # fmt: skip


def _with_smaller_effect(one: Evidence, share: float) -> Evidence:
    """An anchor as it would be, were only so much of the effects of treatment true."""
    if share == 1 or one.name not in _EFFECTS:
        return one
    without = _EFFECTS[one.name]
    return replace(one, value=without + share * (one.value - without))


def calibrate_structures(
    scenario: Scenario | None = None,
    *,
    replications: int = 1,
    people: int = 10_000,
    rounds: int = 3,
    structures: Sequence[Structure] | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Structure, ...]:
    """Fit every structure that is shipped to the anchors again; see `calibrate_outcome`.

    progress: called with (done, of) after each structure
    """
    asked = all_structures() if structures is None else structures
    found = []
    for k, one in enumerate(asked):
        fit = calibrate_outcome(
            scenario, replications=replications, people=people, rounds=rounds, fixed=one.changes,
            smaller_effects=one.smaller_effects, executor=executor,
        )  # fmt: skip
        found.append(replace(one, fitted=dict(fit.values), loss=round(fit.loss, 1)))
        if progress:
            progress(k + 1, len(asked))
    return tuple(found)


def structures_as_toml(structures: Sequence[Structure]) -> str:
    """Structures as the file has them."""
    lines = [
        "# Structures of the outcome model that the anchors do not tell from the one in use: what defines each, and what the fit",
        "# then made of all other numbers. Written by `caseload-sim calibrate structures`.",
    ]
    for one in structures:
        lines += ["", f"[{one.name}]", f'meaning = "{one.meaning}"', f"loss = {one.loss:g}"]
        lines += [f"smaller_effects = {one.smaller_effects:g}"] * (one.smaller_effects != 1)
        for table, values in (("changes", one.changes), ("fitted", one.fitted)):
            lines += ["", f"[{one.name}.{table}]", *(f'"{path}" = {value:g}' for path, value in values.items())]
    return "\n".join(lines) + "\n"


def evidence_rows(
    scenario: Scenario, *, replications: int = REPLICATIONS, people: int = PEOPLE
) -> tuple[EvidenceRow, ...]:
    """Every anchor and check beside what the model of a scenario shows, its queue run anew."""
    simulations = [simulate(scenario, replication=k) for k in range(replications)]
    figures, errors = all_figures(scenario, simulations, people), standard_errors(scenario, simulations, people)
    return tuple(row_of(one, figures[one.name], errors[one.name]) for one in list_evidence())


PARTS = 5  # of the people drawn for studies, each read apart


def standard_errors(scenario: Scenario, simulations: Sequence[Simulation], n: int) -> Mapping[str, float]:
    """Standard error of every figure of `all_figures`, by name, from the spread of the same figure over parts of who is read.

    Parts are replications for figures of the service, which are NaN with one alone, and fifths of the people for others.
    The figure over all is no exact mean of those over parts where a group differs in size: near enough to say what is chance.
    """
    service = [of_the_service([one]) for one in simulations]
    people = [_of_people(scenario, Draws(scenario.run.seed, k), n // PARTS, simulations) for k in range(PARTS)]
    errors: dict[str, float] = {}
    for parts in (people, service):
        for name in parts[0]:
            values = np.array([part[name] for part in parts])
            values = values[np.isfinite(values)]  # a small group may be empty in a part
            errors[name] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return errors


def row_of(one: Evidence, model: float, standard_error: float = float("nan")) -> EvidenceRow:
    """A figure of the model beside the published one; met if within two tolerances."""
    distance = (model - one.value) / one.tolerance
    verdict = "met" if abs(distance) <= TOLERANCES_THAT_MEET else "missed"
    chance = standard_error / one.tolerance
    return EvidenceRow(
        one.name, one.role, one.value, one.tolerance, model, distance, verdict, one.source, one.where, chance
    )


def verdicts_in_words(rows: Sequence[EvidenceRow]) -> str:
    """How many of these rows are met, and how many verdicts may be chance."""
    met, unsure = sum(row.verdict == "met" for row in rows), sum(row.may_be_chance for row in rows)
    return f"{met} of {len(rows)} met; {unsure} verdict{'s' * (unsure != 1)} may be chance"


def _figures_at(scenario: str, changes: Mapping[str, float], replications: int, people: int) -> Mapping[str, float]:
    """Every figure with some numbers changed, on the stays of the scenario unchanged; scenario: as JSON."""
    one = Scenario.model_validate_json(scenario, strict=False).with_changes(changes)
    stays = _stays(scenario, replications)
    again = [read_again(simulation, one) for simulation in stays]
    # Who is sent where is decided before the queue, whose stays are kept: so it is read on people drawn for it.
    gap = first_course_gap(one, Draws(one.run.seed, 0), people, days_until_courses(stays))
    return {**all_figures(one, again, people), **gap}


@lru_cache(maxsize=2)
def _stays(scenario: str, replications: int) -> tuple[Simulation, ...]:
    one = Scenario.model_validate_json(scenario, strict=False)
    return tuple(simulate(one, replication=k) for k in range(replications))


def _residual(figures: Mapping[str, float], anchors: Sequence[Evidence], x: Floats, start: Floats) -> Floats:
    distances = [(figures[one.name] - one.value) / one.tolerance for one in anchors]
    pull = _PULL * (x - start) / (0.5 * np.abs(start) + 0.1)
    return np.array([*distances, *pull.tolist()])


def all_figures(scenario: Scenario, simulations: Sequence[Simulation], n: int) -> Mapping[str, float]:
    """Every figure of studies and of the service, by name."""
    return {**_of_people(scenario, Draws(scenario.run.seed, 0), n, simulations), **of_the_service(simulations)}


def _of_people(scenario: Scenario, draws: Draws, n: int, simulations: Sequence[Simulation]) -> Mapping[str, float]:
    """The figures that are read on people drawn for them; simulations: what `of_waiting` takes from the service."""
    return {
        **of_studies(scenario, draws, n),
        **in_general_practice(scenario, draws, n),
        **of_waiting(scenario, draws, n, simulations),
    }
