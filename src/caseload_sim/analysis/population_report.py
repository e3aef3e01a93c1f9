"""Who is referred, target against achieved: every prevalence, the count mix, combinations, pairs, scores and strata."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import Scores, below_caseness
from caseload_sim.clients.remission import Given, complexity_of, illness_of, treatment_given
from caseload_sim.clients.severity import (
    Condition,
    at_start_of,
    condition_of,
    passing_at,
    scores_at_referral,
    scores_on,
)
from caseload_sim.draws.streams import Draws
from caseload_sim.engines.plans import NO_STEP
from caseload_sim.pathway.assessment import TREATED, recorded_problem
from caseload_sim.pathway.care import draw_courses, exits_of
from caseload_sim.pathway.stepping import no_longer_come_from
from caseload_sim.scenario.correlations import odds_ratio
from caseload_sim.scenario.expected import bounds_of_all, bounds_of_any, counts_in, implied_odds_ratio
from caseload_sim.scenario.numbers import Number
from caseload_sim.scenario.pathway import ASSESSMENT
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import rows_of
from caseload_sim.support.statistics import wilson_interval

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity of a population: what was published or assumed, and what the simulated clients show.

    lower_95_ci, upper_95_ci: sampling interval of the source (Wilson) where its n is known, else NaN
    source: its origin, and what the row is used for: input, fitted, compared, bound, or shown
    """

    quantity: str
    target: float
    achieved: float
    lower_95_ci: float
    upper_95_ci: float
    n: int | None
    source: str


def population_report(scenario: Scenario, n_clients: int = 100_000, seed: int | None = None) -> tuple[Comparison, ...]:
    """Draw so many clients and compare them with every target of the scenario."""
    draws = Draws(scenario.run.seed if seed is None else seed, 0)
    clients = draw_population(scenario, draws, n_clients)
    rows = [*_prevalences(scenario, clients), *_mix(scenario, clients), *_combinations(scenario, clients)]
    rows += [*_pairs(scenario, clients), *_scores(scenario, clients, draws), *_strata(scenario, clients)]
    return tuple(rows)


def _row(quantity: str, number: Number, achieved: float, use: str, *, share: bool = True) -> Comparison:
    low, high = wilson_interval(number.value, number.n) if share and number.n else (np.nan, np.nan)
    return Comparison(
        quantity,
        number.value,
        float(achieved),
        low,
        high,
        number.n,
        number.origin() if number.fitted else f"{use}; {number.origin()}",
    )


def _shown(quantity: str, achieved: float, why: str) -> Comparison:
    return Comparison(quantity, np.nan, float(achieved), np.nan, np.nan, None, why)


def _prevalences(scenario: Scenario, clients: Clients) -> list[Comparison]:
    return [
        _row(f"prevalence: {name}", p, clients.has(name).mean(), "input" if not p.fitted else "fitted")
        for name, p in scenario.population.prevalence.items()
    ]


def _mix(scenario: Scenario, clients: Clients) -> list[Comparison]:
    count = clients.count(scenario, "emotional_disorder", "dependence")
    most = int(count.max(initial=0))
    targets = scenario.population.targets.count_mix.items()
    rows = [_row(f"disorders: {g}", t, np.isin(count, counts_in(g, most)).mean(), "fitted") for g, t in targets]
    return [*rows, _shown("disorders: mean", count.mean(), "shown; sum of the prevalences")]


def _combinations(scenario: Scenario, clients: Clients) -> list[Comparison]:
    targets, prevalence, rows = scenario.population.targets, scenario.population.prevalence, []
    for kind, combinations, bounds in (
        ("any of", targets.any_of, bounds_of_any),
        ("all of", targets.all_of, bounds_of_all),
    ):
        for name, combination in combinations.items():
            has = np.stack([clients.has(condition) for condition in combination.conditions])
            achieved = (has.any(axis=0) if kind == "any of" else has.all(axis=0)).mean()
            low, high = bounds([prevalence[condition].value for condition in combination.conditions])
            rows.append(_row(f"{kind}: {name}", combination, achieved, "compared"))
            rows.append(_shown(f"{kind}: {name}, lowest possible", low, "bound; Frechet, from the prevalences alone"))
            rows.append(_shown(f"{kind}: {name}, highest possible", high, "bound; Frechet, from the prevalences alone"))
    return rows


def _pairs(scenario: Scenario, clients: Clients) -> list[Comparison]:
    def achieved(first: str, second: str) -> float:
        a, b = clients.has(first), clients.has(second)
        return odds_ratio(float(a.mean()), float(b.mean()), float((a & b).mean()))

    rows = []
    for first, others in scenario.population.correlation.items():
        for second, pair in others.items():
            name = f"odds ratio: {first} and {second}"
            if pair.measured_as == "odds_ratio":
                at = f", at prevalences {pair.at[0]:g} and {pair.at[1]:g}" if pair.at else ""
                rows.append(_row(name, pair, achieved(first, second), f"input{at}", share=False))
            else:
                implied = implied_odds_ratio(scenario.population, first, second)
                why = f"input as tetrachoric correlation {pair.value:g}, which is this odds ratio here; {pair.origin()}"
                rows.append(Comparison(name, implied, achieved(first, second), np.nan, np.nan, pair.n, why))
    for first, ratios in scenario.population.targets.odds_ratio.items():
        for second, ratio in ratios.items():
            name = f"odds ratio: {first} and {second}"
            rows.append(_row(name, ratio, achieved(first, second), "compared", share=False))
    return rows


def start_scores(scenario: Scenario, clients: Clients, draws: Draws) -> dict[str, float]:
    """Mean and SD of PHQ-9 and GAD-7, and the share at caseness, at the first session of therapy courses.

    Of those let through to treatment, who all start after `start_scores_after` days, and once more of those who step up from
    that course, `later_course_after` days after its end; what the queue adds is in `validate-model`. As published, courses
    of one session do not count, and later courses do. NaN where nobody comes to treatment.
    """
    _, phq9, gad7 = _at_start(scenario, clients, draws)
    if not len(phq9):
        return dict.fromkeys(("phq9_mean", "phq9_sd", "gad7_mean", "gad7_sd", "at_caseness"), float("nan"))
    found = {"phq9_mean": phq9.mean(), "phq9_sd": phq9.std()}
    found |= {"gad7_mean": gad7.mean(), "gad7_sd": gad7.std()}
    found["at_caseness"] = (~below_caseness(phq9, gad7)).mean()
    return {name: float(value) for name, value in found.items()}


def _at_start(scenario: Scenario, clients: Clients, draws: Draws) -> tuple[Rows, Scores, Scores]:
    """Row of the client, PHQ-9 and GAD-7 at the first session of each course: first courses, and then those after a step up."""
    let_through = exits_of(scenario, clients, draws) == TREATED
    if not any(step.kind == "course" for step in scenario.pathway.steps.values()):
        everybody = np.flatnonzero(let_through)
        phq9, gad7 = scores_at_referral(scenario, clients, draws)
        return everybody, phq9[everybody], gad7[everybody]
    illness, targets = illness_of(scenario, clients, draws), scenario.population.targets
    courses, care = draw_courses(scenario, clients, draws)
    day = round(targets.start_scores_after.value) if targets.start_scores_after else 0
    rows = np.flatnonzero(let_through & (no_longer_come_from(scenario, clients, draws) > day))
    step = courses.next_outside[rows, ASSESSMENT].astype(np.intp)
    end = day + courses.course_days[rows, step] - care.lag_days[rows, step]
    responds = courses.inside_from[rows, step].astype(np.int64) + care.booking_days[rows] <= end
    goes_on = np.flatnonzero(~responds & (courses.next_outside[rows, step] != NO_STEP))
    up, begun = rows[goes_on], step[goes_on]
    until_later = round(targets.later_course_after.value) if targets.later_course_after else 0
    later_step, later_day = courses.next_outside[up, begun].astype(np.intp), end[goes_on] + until_later
    sessions = np.zeros((len(up), len(scenario.steps)), dtype=np.int32)
    sessions[np.arange(len(up)), begun] = care.attended[up, begun]
    given = treatment_given(
        scenario, care.target[up], care.response[up], complexity_of(scenario, rows_of(clients, up)), sessions,
        sessions.sum(axis=1, dtype=np.int32) + 1, begun.astype(np.int8),
    )  # fmt: skip
    who = condition_of(scenario, clients, illness, draws)
    phq9, gad7 = (
        np.concatenate(both)
        for both in zip(
            _scores_at_start_of(scenario, clients, who, draws, (rows, step, np.full(len(rows), day)), None),
            _scores_at_start_of(scenario, clients, who, draws, (up, later_step, later_day), given),
            strict=True,
        )
    )
    counts = np.concatenate([care.attended[rows, step], care.attended[up, later_step]]) >= 2
    return np.concatenate([rows, up])[counts], phq9[counts], gad7[counts]


def _scores_at_start_of(
    scenario: Scenario,
    clients: Clients,
    who: Condition,
    draws: Draws,
    courses: tuple[Rows, Rows, NDArray[Any]],
    given: Given | None,
) -> tuple[Scores, Scores]:
    """PHQ-9 and GAD-7 at the first session of some courses.

    courses: rows of the clients, indices of the steps, and days since referral; given: treatment before, None for first courses
    """
    rows, steps, days = courses
    phq9, gad7 = (np.empty(len(rows), dtype=np.int8) for _ in range(2))
    for s in np.unique(steps):
        mine = np.flatnonzero(steps == s)
        passing = passing_at(
            scenario,
            rows_of(clients, rows[mine]),
            at_start_of(scenario.steps[s]),
            draws,
            later_course=given is not None,
        )
        received = None if given is None else given.rows(mine)
        phq9[mine], gad7[mine] = scores_on(
            scenario, who.rows(rows[mine]), passing, days[mine].astype(np.int32), received
        )
    return phq9, gad7


def _scores(scenario: Scenario, clients: Clients, draws: Draws) -> list[Comparison]:
    """Scores at the start of therapy courses, of all and by recorded problem; and at referral, of everybody."""
    targets = scenario.population.targets
    fitted = () if targets.count_mix else ("phq9_mean", "gad7_mean", "at_caseness")
    rows = []
    for name, achieved in start_scores(scenario, clients, draws).items():
        label = f"score at the start of treatment: {name}"
        if name in targets.start_scores:
            use = "fitted" if name in fitted else "compared"
            rows.append(_row(label, targets.start_scores[name], achieved, use, share=False))
        else:
            rows.append(_shown(label, achieved, "shown"))
    for name, scores in zip(("phq9", "gad7"), scores_at_referral(scenario, clients, draws), strict=True):
        rows.append(_shown(f"score at referral: {name}_mean of all referred", scores.mean(), "shown"))
        rows.append(_shown(f"score at referral: {name}_sd of all referred", scores.std(), "shown"))
    if targets.scores_by_problem:
        recorded, _ = recorded_problem(scenario, clients, draws)
        who, *scores_by_course = _at_start(scenario, clients, draws)
        at_start = dict(zip(("phq9", "gad7"), scores_by_course, strict=True))
        for problem, by_instrument in targets.scores_by_problem.items():
            if problem in clients.disorder_names:
                chosen = recorded[who] == clients.disorder_names.index(problem)
                for name, number in by_instrument.items():
                    achieved = float(at_start[name][chosen].mean()) if chosen.any() else np.nan
                    label = f"score at the start of treatment: {name}, problem {problem}"
                    rows.append(_row(label, number, achieved, "compared", share=False))
    return rows


def _strata(scenario: Scenario, clients: Clients) -> list[Comparison]:
    rows = []
    for kind, shares in scenario.population.strata.items():
        for k, (part, share) in enumerate(shares.items()):
            rows.append(_row(f"{kind}: {part}", share, (clients.strata[kind] == k).mean(), "input"))
    for condition, tables in scenario.population.prevalence_by.items():
        for kind, by_part in tables.items():
            for part, asked in by_part.items():
                members = clients.strata[kind] == clients.stratum_names[kind].index(part)
                achieved = clients.has(condition)[members].mean() if members.any() else np.nan
                rows.append(_row(f"prevalence: {condition}, {kind} {part}", asked, achieved, "input"))
    return rows
