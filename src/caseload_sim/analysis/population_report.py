"""Who is referred, target against achieved: every prevalence, the count mix, combinations, pairs, scores and strata."""

from dataclasses import dataclass

import numpy as np

from caseload_sim.clients.population import Clients, draw_population
from caseload_sim.clients.questionnaires import Scores, below_caseness
from caseload_sim.clients.remission import illness_of
from caseload_sim.clients.severity import at_start_of, condition_of, passing_at, scores_at_referral, scores_on
from caseload_sim.draws.streams import Draws
from caseload_sim.pathway.assessment import TREATED, recorded_problem
from caseload_sim.pathway.care import exits_of
from caseload_sim.pathway.stepping import no_longer_come_from
from caseload_sim.scenario.correlations import odds_ratio
from caseload_sim.scenario.expected import bounds_of_all, bounds_of_any, counts_in, implied_odds_ratio
from caseload_sim.scenario.numbers import Number
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags
from caseload_sim.support.statistics import wilson_interval


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
    """Mean and SD of PHQ-9 and GAD-7, and the share at caseness, of those let through to treatment, when it starts.

    NaN where nobody comes to treatment. Nobody leaves by chance alone here, and everybody starts after `start_scores_after` days: what the queue adds is in
    `validate-model`.
    """
    chosen = _treated(scenario, clients, draws)
    if not chosen.any():
        return dict.fromkeys(("phq9_mean", "phq9_sd", "gad7_mean", "gad7_sd", "at_caseness"), float("nan"))
    phq9, gad7 = (scores[chosen] for scores in _at_start(scenario, clients, draws))
    found = {"phq9_mean": phq9.mean(), "phq9_sd": phq9.std()}
    found |= {"gad7_mean": gad7.mean(), "gad7_sd": gad7.std()}
    found["at_caseness"] = (~below_caseness(phq9, gad7)).mean()
    return {name: float(value) for name, value in found.items()}


def _at_start(scenario: Scenario, clients: Clients, draws: Draws) -> tuple[Scores, Scores]:
    if not (courses := [name for name, step in scenario.pathway.steps.items() if step.kind == "course"]):
        return scores_at_referral(scenario, clients, draws)
    days = np.full(len(clients.id), _days_until_treatment(scenario), dtype=np.int32)
    who = condition_of(scenario, clients, illness_of(scenario, clients, draws), draws)
    return scores_on(scenario, who, passing_at(scenario, clients, at_start_of(courses[0]), draws), days)


def _days_until_treatment(scenario: Scenario) -> int:
    after = scenario.population.targets.start_scores_after
    return round(after.value) if after else 0


def _treated(scenario: Scenario, clients: Clients, draws: Draws) -> Flags:
    """Who comes to treatment: whom nothing stops before it, and who is not well by then."""
    well = no_longer_come_from(scenario, clients, illness_of(scenario, clients, draws), draws)
    return np.asarray((exits_of(scenario, clients, draws) == TREATED) & (well > _days_until_treatment(scenario)))


def _scores(scenario: Scenario, clients: Clients, draws: Draws) -> list[Comparison]:
    """Scores at the start of treatment, of those who get it, and by recorded problem; and at referral, of everybody."""
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
        treated = _treated(scenario, clients, draws)
        at_start = dict(zip(("phq9", "gad7"), _at_start(scenario, clients, draws), strict=True))
        for problem, by_instrument in targets.scores_by_problem.items():
            if problem in clients.disorder_names:
                chosen = treated & (recorded == clients.disorder_names.index(problem))
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
            for k, (part, share) in enumerate(by_part.items()):
                members = clients.strata[kind] == k
                achieved = clients.has(condition)[members].mean() if members.any() else np.nan
                rows.append(_row(f"prevalence: {condition}, {kind} {part}", share, achieved, "input"))
    return rows
