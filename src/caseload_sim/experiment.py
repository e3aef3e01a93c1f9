"""From a scenario to its results: one replication, or many with intervals."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from caseload_sim.checks import SMALLEST_PREVALENCE
from caseload_sim.clients import Clients, draw_clients
from caseload_sim.counted import MeasureTable, Simulation
from caseload_sim.courses import NOT_YET, check_courses
from caseload_sim.definitions import definition
from caseload_sim.demand import referrals_per_day
from caseload_sim.draws import Draws
from caseload_sim.engines import DEFAULT_ENGINE, ENGINES, Engine, engine_for, kernel
from caseload_sim.episodes import Episodes, check_invariants, digest, first_difference, joined_first
from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.measures import OverTime, measure, over_time
from caseload_sim.outcomes import read_outcomes
from caseload_sim.own_policies import OwnPolicy, chosen_policy, own_policy
from caseload_sim.policies import POLICIES, Decide
from caseload_sim.providers import percentiles, pooled, provider_scenarios
from caseload_sim.referrals import Referrals, draw_referrals, running_start, with_history
from caseload_sim.scenario import Scenario
from caseload_sim.staffing import places

MOST_SEED, MOST_REPLICATIONS = 2**63 - 1, 100_000
MIDDLE_SHARE = 0.95  # of the intervals reported


@dataclass(frozen=True, slots=True)
class Row:
    """One reported figure: mean over replications, its interval, and where a single year's figure falls."""

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    value: float
    lower_95_ci: float
    upper_95_ci: float
    lower_95_range: float
    upper_95_range: float
    numerator: float
    denominator: float
    unit: str
    n_replications: int


@dataclass(frozen=True, slots=True)
class OverTimeRow:
    """One day of a waiting list or of utilisation; days count from opening, 0 first."""

    scenario: str
    measure: str
    step: str
    day: int
    value: float
    lower_95_ci: float
    upper_95_ci: float


@dataclass(frozen=True, slots=True)
class UncertaintyRow:
    """The spread of one figure between replications, split: chance alone, and the doubt about published prevalences.

    sd_chance: with prevalences as published; sd_parameters: of the difference that drawing them makes
    """

    scenario: str
    measure: str
    base: str
    at: str
    service: str
    group: str
    sd_total: float
    sd_chance: float
    sd_parameters: float
    n_replications: int


@dataclass(frozen=True, slots=True)
class Results:
    """All replications of a scenario.

    rows: every measure, summarised; over_time: every day
    digests: one dict of table digests a replication; first: the first replication, with all its tables
    uncertainty: what the spread between replications is made of, when prevalences were drawn
    values: (replications, rows) float64, the value of each row in each replication, NaN where it has none
    policy: the user's own, where one decided instead of the scenario's
    """

    scenario: Scenario
    rows: tuple[Row, ...]
    over_time: tuple[OverTimeRow, ...]
    digests: tuple[dict[str, str], ...]
    first: Simulation
    uncertainty: tuple["UncertaintyRow", ...] = ()
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    policy: OwnPolicy | None = None

    def find(self, measure: str, *, base: str = "", at: str = "", service: str = "", group: str = "all") -> Row:
        """The one row with these names; empty names match what the measure has.

        Raises RunError when no row or more than one fits.
        """
        wanted = {"base": base, "at": at, "service": service}
        found = [
            row
            for row in self.rows
            if row.measure == measure
            and row.group == group
            and all(not value or getattr(row, name) == value for name, value in wanted.items())
        ]
        if len(found) != 1:
            same = [row for row in self.rows if row.measure == measure]
            hint = did_you_mean(measure, (row.measure for row in self.rows))
            if found:
                hint = "name base, at and service"
            elif same:
                hint = f"it has the groups {', '.join(sorted({row.group for row in same})[:12])}, among these rows"
            raise RunError(f"{measure}, group {group}: {len(found)} rows fit; {hint}")
        return found[0]


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replication: int = 0,
    engine: str = DEFAULT_ENGINE,
    start_of: Scenario | None = None,
    policy: Decide | None = None,
) -> Simulation:
    """One replication: clients, what they would receive, the queue, and how they end.

    seed: the scenario's own if None; replication: from 0; engine: a name in ENGINES
    start_of: a scenario with the same steps, whose running start is used: the same people are then there on day 0
    policy: a function of your own, `def name(known: Known, routing: Routing) -> Decision`, that decides where clients start
        and how waiting lists are ordered, instead of the policy that the scenario names (see own_policies.py)
    Raises RunError for an unknown engine, and for a policy that cannot be used.
    """
    scenario = _with_run(scenario, seed, 1)
    return _measured(scenario, replication, _engine(engine, scenario), start_of, policy)[0]


def _with_run(scenario: Scenario, seed: int | None, replications: int | None) -> Scenario:
    run = scenario.run
    changes = {
        "seed": run.seed if seed is None else seed,
        "replications": run.replications if replications is None else replications,
    }
    for name, value in changes.items():
        lowest, highest = (0, MOST_SEED) if name == "seed" else (1, MOST_REPLICATIONS)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise RunError(f"{name} {value!r:.40}: must be a whole number from {lowest} to {highest:,}.")
    return scenario.model_copy(update={"run": run.model_copy(update=changes)})


def _engine(name: str, scenario: Scenario) -> Engine:
    if name not in ENGINES:
        raise RunError(f"{name}: no such engine. {did_you_mean(name, ENGINES)}")
    clients = referrals_per_day(scenario).sum() * (scenario.providers.number if scenario.providers else 1)
    return engine_for(name, int(clients * scenario.run.replications))


def with_drawn_prevalences(scenario: Scenario, replication: int) -> Scenario:
    """The scenario with each prevalence that has an n drawn from its sampling distribution.

    Beta(n p + 1/2, n (1 - p) + 1/2), by the inverse distribution function; the draw belongs to seed, replication and
    condition, so every scenario that has the same prevalence draws the same one. Values stay within what severities
    can be scaled for. Fitted and assumed values have no n and stay. Prevalences by stratum move with their whole, by the
    same shift in logits.
    """
    from scipy.special import betaincinv, expit, logit

    draws, table = Draws(scenario.run.seed, replication), {}
    by_stratum = dict(scenario.population.prevalence_by)
    for name, prevalence in scenario.population.prevalence.items():
        if prevalence.n and 0 < prevalence.value < 1:
            (u,) = draws.uniform(f"parameter:{name}", np.zeros(1, dtype=np.int64))
            a, b = prevalence.n * prevalence.value + 0.5, prevalence.n * (1 - prevalence.value) + 0.5
            value = float(np.clip(betaincinv(a, b, u), SMALLEST_PREVALENCE, 1 - SMALLEST_PREVALENCE))
            shift = logit(value) - logit(prevalence.value)
            for kind, shares in by_stratum.get(name, {}).items():
                moved = {
                    part: share.model_copy(update={"value": float(expit(logit(share.value) + shift))})
                    for part, share in shares.items()
                }
                by_stratum[name] = {kind: moved}
            prevalence = prevalence.model_copy(update={"value": value})
        table[name] = prevalence
    population = scenario.population.model_copy(update={"prevalence": table, "prevalence_by": by_stratum})
    return scenario.model_copy(update={"population": population})


def _simulate(
    scenario: Scenario,
    replication: int,
    engine: Engine,
    start_of: Scenario | None = None,
    policy: Decide | None = None,
) -> Simulation:
    draws = Draws(scenario.run.seed, replication)
    first = draw_clients(scenario, draws)
    capacity = places(scenario, draws, mean_disorders(scenario, first))
    start = (scenario, capacity)
    if start_of:
        start = start_of, places(start_of, draws, mean_disorders(start_of, draw_clients(start_of, draws)))
    referrals = draw_referrals(scenario, first, draws, *start, chosen_policy(scenario, policy))
    courses = referrals.courses
    check_courses(courses)
    queue = engine(courses, capacity)
    check_invariants(queue, courses, capacity)
    referrals = _with_days_of_return(referrals, queue, scenario)
    clients, care = referrals.clients, referrals.care
    episodes = with_history(queue, referrals.history)
    outcomes = read_outcomes(scenario, clients, referrals.path, care, courses, episodes, draws)
    digests = {
        "clients": digest(clients),
        "courses": digest(courses),
        "episodes": digest(queue),
        "outcomes": digest(outcomes),
    }
    return Simulation(scenario, replication, clients, care, capacity, episodes, outcomes, digests)


def _measured(
    scenario: Scenario,
    replication: int,
    engine: Engine,
    start_of: Scenario | None,
    policy: Decide | None = None,
) -> tuple[Simulation, MeasureTable]:
    """One replication and its measures; of several providers, all of them as one, and how they differ."""
    if scenario.providers is None:
        simulation = _simulate(scenario, replication, engine, start_of, policy)
        return simulation, measure(simulation)
    number = scenario.providers.number
    each = [
        _simulate(one, replication * number + k, engine, start_of, policy)
        for k, one in enumerate(provider_scenarios(scenario, Draws(scenario.run.seed, replication)))
    ]
    whole = pooled(each, scenario, replication)
    return whole, measure(whole) | percentiles([measure(one) for one in each])


def _with_days_of_return(referrals: Referrals, queue: Episodes, scenario: Scenario) -> Referrals:
    """The clients with the days, known only now, on which those who came back were referred again."""
    clients, care = referrals.clients, referrals.care
    unknown = clients.referral_day == NOT_YET
    if not unknown.any():
        return referrals
    joined = joined_first(referrals.courses, queue, scenario.run.horizon_days)
    came = unknown & (joined != NOT_YET)
    days = np.where(came, joined - care.booking_days, clients.referral_day).astype(np.int32)
    return replace(referrals, clients=replace(clients, referral_day=days))


def mean_disorders(scenario: Scenario, clients: Clients) -> float:
    """Emotional disorders that these clients have on average, which moves how many staff leave; 0 with no clients."""
    counts = clients.count(scenario, "emotional_disorder")
    return float(counts.mean()) if len(counts) else 0.0


def replicate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    engine: str = DEFAULT_ENGINE,
    parameter_uncertainty: bool = False,
    start_of: Scenario | None = None,
    first_replication: int = 0,
    progress: Callable[[int, int], None] | None = None,
    policy: Decide | None = None,
) -> Results:
    """Run a scenario several times and summarise.

    replications: the scenario's own if None; progress: called with (done, of) after each
    start_of: a scenario with the same steps, whose running start is used; see `simulate`
    first_replication: number of the first, so that a set of replications can be run in parts
    parameter_uncertainty: draw each published prevalence anew for each replication (`with_drawn_prevalences`); every
    replication then runs twice, with and without, so that chance can be told from the doubt about the sources
    policy: a function of your own; see `simulate`. Its name and the digest of its source stay with the results
    """
    scenario = _with_run(scenario, seed, replications)
    own = own_policy(policy) if policy else None
    n, ready_engine = scenario.run.replications, _engine(engine, scenario)
    tables: list[MeasureTable] = []
    as_published: list[MeasureTable] = []
    daily: list[OverTime] = []
    digests = []
    first: Simulation | None = None
    for replication in range(first_replication, first_replication + n):
        simulation, table = _measured(scenario, replication, ready_engine, start_of, policy)
        if parameter_uncertainty:
            as_published.append(table)
            drawn = with_drawn_prevalences(scenario, replication)
            simulation, table = _measured(drawn, replication, ready_engine, start_of, policy)
        first = first or simulation
        tables.append(table)
        daily.append(over_time(simulation))
        digests.append(simulation.digests)
        if progress:
            progress(replication - first_replication + 1, n)
    assert first is not None
    return Results(
        scenario=scenario,
        rows=summarise(scenario.name, tables),
        over_time=_summarise_days(scenario.name, daily),
        digests=tuple(digests),
        first=first,
        uncertainty=_split_of_variance(scenario.name, tables, as_published) if parameter_uncertainty else (),
        values=np.array([[table[key].value for key in tables[0]] for table in tables]),
        policy=own,
    )


def waiting_at_opening(scenario: Scenario, draws: Draws) -> dict[str, int]:
    """How many clients are on the list of each step when a scenario with a running start opens; empty without one."""
    if not scenario.start.running or not POLICIES[scenario.pathway.policy].steps:
        return {}
    capacity = places(scenario, draws, mean_disorders(scenario, draw_clients(scenario, draws)))
    courses = running_start(scenario, capacity, draws).courses
    on_list = (courses.joins_day < 0) & (courses.started_day == NOT_YET)
    return {name: int(np.sum(on_list & (courses.first_step == s))) for s, name in enumerate(scenario.steps)}


def check_engines(scenario: Scenario, *, seed: int | None = None, replication: int = 0) -> tuple[int, str | None]:
    """Run one replication through every engine: the number of stays, and in words where two first differ, if they do.

    The kernel runs both interpreted and, where numba is there, compiled.
    """
    scenario = _with_run(scenario, seed, 1)
    draws = Draws(scenario.run.seed, replication)
    clients = draw_clients(scenario, draws)
    capacity = places(scenario, draws, mean_disorders(scenario, clients))
    courses = draw_referrals(scenario, clients, draws, scenario, capacity).courses
    reference = ENGINES["reference"](courses, capacity)
    others = [
        kernel.run(courses, capacity, compiled=compiled) for compiled in (False, True)[: 1 + kernel.numba_is_there()]
    ]
    differences = (first_difference(reference, other, capacity.steps) for other in others)
    return len(reference.client), next((text for text in differences if text), None)


def summarise(scenario_name: str, tables: list[MeasureTable]) -> tuple[Row, ...]:
    """Mean over replications, t interval of the mean, and prediction interval for one more replication.

    Replications without a value (an empty denominator) are left out of a row; both intervals need two.
    """
    keys = list(tables[0])
    stacked = np.array([[table[key] for key in keys] for table in tables])  # (replications, rows, 3)
    counted = ~np.isnan(stacked[:, :, 2])
    numerator, denominator, value = (mean_of(np.where(counted, stacked[:, :, i], np.nan)) for i in range(3))
    half, wide = half_widths(stacked[:, :, 2])
    rows = []
    for i, key in enumerate(keys):
        unit = definition(key.measure).unit
        low, high = (0.0, 1.0) if unit == "share" and key.measure != "utilisation" else (0.0, np.inf)
        if key.service == "difference" or unit == "clients a week":
            low = -high
        lower_ci, upper_ci, lower_range, upper_range = (
            float(np.clip(value[i] + width, low, high)) for width in (-half[i], half[i], -wide[i], wide[i])
        )
        rows.append(
            Row(
                scenario=scenario_name,
                **key._asdict(),
                value=float(value[i]),
                lower_95_ci=lower_ci,
                upper_95_ci=upper_ci,
                lower_95_range=lower_range,
                upper_95_range=upper_range,
                numerator=float(numerator[i]),
                denominator=float(denominator[i]),
                unit=unit,
                n_replications=int(counted[:, i].sum()),
            )
        )
    return tuple(rows)


def _split_of_variance(
    scenario_name: str, drawn: list[MeasureTable], as_published: list[MeasureTable]
) -> tuple[UncertaintyRow, ...]:
    """SD between replications in all, with prevalences as published, and of the paired difference."""
    keys = list(drawn[0])
    total = np.array([[table[key].value for key in keys] for table in drawn])
    chance = np.array([[table[key].value for key in keys] for table in as_published])
    sds = [np.sqrt(variance_of(values)) for values in (total, chance, total - chance)]
    return tuple(
        UncertaintyRow(
            scenario=scenario_name,
            **key._asdict(),
            sd_total=float(sds[0][i]),
            sd_chance=float(sds[1][i]),
            sd_parameters=float(sds[2][i]),
            n_replications=int(np.sum(~np.isnan(total[:, i]))),
        )
        for i, key in enumerate(keys)
    )


def variance_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance over the first axis, leaving NaN out; NaN with fewer than two values."""
    count = np.sum(~np.isnan(values), axis=0)
    squares = np.nansum((values - mean_of(values)) ** 2, axis=0)
    return np.where(count >= 2, squares / np.maximum(count - 1, 1), np.nan)


def _summarise_days(scenario_name: str, daily: list[OverTime]) -> tuple[OverTimeRow, ...]:
    rows = []
    for name, step in daily[0]:
        stacked = np.array([table[name, step] for table in daily])
        value, (half, _) = mean_of(stacked), half_widths(stacked)
        lower, upper = np.maximum(value - half, 0), value + half
        rows += [
            OverTimeRow(scenario_name, name, step, day, *numbers)
            for day, numbers in enumerate(zip(value.tolist(), lower.tolist(), upper.tolist(), strict=True))
        ]
    return tuple(rows)


def mean_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis, leaving NaN out; NaN where nothing is left."""
    count = np.sum(~np.isnan(values), axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def half_widths(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Half-widths of the t interval of the mean and of the prediction interval, NaN with fewer than two values."""
    from scipy.special import stdtrit

    count = np.sum(~np.isnan(values), axis=0)
    enough = count >= 2
    sd = np.sqrt(variance_of(values))
    t = stdtrit(np.where(enough, count - 1, 1), 0.5 + MIDDLE_SHARE / 2)
    mean_half = np.where(enough, t * sd / np.sqrt(np.maximum(count, 1)), np.nan)
    single_half = np.where(enough, t * sd * np.sqrt(1 + 1 / np.maximum(count, 1)), np.nan)
    return mean_half, single_half
