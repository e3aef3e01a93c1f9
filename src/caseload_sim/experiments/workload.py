"""How much a command is about to do: clients, spells of staff, replications and memory, reckoned before anything runs.

Whatever a scenario may make large is counted: clients of all providers, those of the two years before opening and those who
come back; candidates, where only some are eligible; the spells for which posts are filled and vacant; days, steps and the
rows of measures, for each replication that is kept. Bytes were measured; a test runs some services of each kind, and holds
the reckoning to a fifth of what they took.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from caseload_sim.clients.population import are_eligible
from caseload_sim.draws.distributions import n_of_table
from caseload_sim.draws.streams import Draws
from caseload_sim.experiments.settings import SIDE_BY_SIDE
from caseload_sim.pathway.demand import POOL_DAYS, referrals_per_day
from caseload_sim.pathway.staffing import BYTES_OF_A_BLOCK, TURNS_AT_ONCE, blocks_kept
from caseload_sim.scenario.policies import POLICIES
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.scenario.service import Staff
from caseload_sim.simulation.pool import referred_in_pool
from caseload_sim.simulation.providers import of_each
from caseload_sim.support.columns import CLIENTS_AT_ONCE
from caseload_sim.support.compiled import numba_is_there
from caseload_sim.support.threads import threads_here

MOST_CLIENTS = 20_000_000  # of one replication
MOST_CLIENT_RUNS = 2_000_000_000
MOST_SPELLS = (
    2_000_000_000  # of posts filled or vacant, and trainees in the course; each takes as long as a client or less
)
# Below both, a command takes seconds or a few minutes on any machine, and nobody need be told.
UNREMARKABLE_CLIENT_RUNS = 2_000_000
UNREMARKABLE_BYTES = 2_000_000_000

BYTES_OF_A_PROCESS = 122_000_000
BYTES_OF_COMPILED_CODE = 110_000_000  # numba, which is loaded for large jobs
WORTH_COMPILING = 150_000  # client-runs
BYTES_OF_PAINTING, BYTES_OF_A_PAINTER = 50_000_000, 100_000_000  # matplotlib here, and in a process that draws
BYTES_OF_A_PLAN = 160  # what every client adds where only measures are kept
# What every client adds where all tables are: so many bytes for each of these, and several times as much while they are put
# together and written, or drawn a block at a time.
BYTES_OF_A_PERSON, BYTES_OF_A_CONDITION, BYTES_OF_A_DISORDER, BYTES_OF_A_STEP = 200, 1, 25, 24
TIMES_AT_THE_PEAK, TIMES_IN_A_BLOCK = 3.0, 1.6
TIMES_OF_PEOPLE = 1.0  # where clients and their scores are drawn and nothing else
BYTES_OF_EVENTS = 1_800  # of one client, written line by line
ROWS_OF_A_GROUP, ROWS_OF_NO_GROUP = 300, 1_200  # of a table of measures
BYTES_OF_A_ROW, BYTES_OF_A_ROW_KEPT, BYTES_OF_A_ROW_PROVIDED = 600, 56, 24  # once; for each replication; provider
BYTES_OF_A_DAY, BYTES_OF_A_DAY_KEPT = 390, 30  # of one step
BYTES_OF_A_POST = 80
TABLES_KEPT = 512
CANDIDATES_ASKED = 20_000  # to find out how many are eligible
CANDIDATES_LIKE_A_CLIENT = 5  # as long as one client takes with all that happens to them
DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done.

    clients: of the largest replication, those of the years before opening too; replications: of all scenarios together, each
    counted as often as it is run; client_runs: clients summed over them; memory_bytes: at the peak, of all processes
    spells: how often posts are filled and vacant in turn, and trainees qualify, summed over replications
    """

    clients: int
    replications: int
    client_runs: int
    memory_bytes: int
    spells: int = 0

    def __str__(self) -> str:
        return (
            f"{self.clients:,} clients in a replication, {self.replications:,} replications: {self.client_runs:,} to simulate, "
            f"with about {self.memory_bytes / 1e9:.1f} GB of memory"
        )

    @property
    def is_remarkable(self) -> bool:
        """Whether it takes long enough, or memory enough, to be said beforehand."""
        return max(self.client_runs, self.spells) > UNREMARKABLE_CLIENT_RUNS or self.memory_bytes > UNREMARKABLE_BYTES


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a command keeps and makes besides measures.

    all_tables: those of the clients of a replication; at_once: of how many replications together
    events: the event log; painted: figures; painter: drawn by a process of its own, which this one helps
    """

    all_tables: bool = False
    at_once: int = 1
    events: bool = False
    painted: bool = True
    painter: bool = False


def work_of(scenarios: Sequence[Scenario], *, times: float = 1, jobs: int = 1, keeping: Keeping | None = None) -> Work:
    """The work of running scenarios, each with its own replications.

    times: how often each replication is run; jobs: how many processes share the work
    """
    keeping = keeping or Keeping()
    clients = [clients_of(scenario) for scenario in scenarios]
    replications = [round(scenario.run.replications * times) for scenario in scenarios]
    runs = [n * r for n, r in zip(clients, replications, strict=True)]
    processes = min(jobs, max(sum(replications), 1))
    compiled = BYTES_OF_COMPILED_CODE if numba_is_there() and sum(runs) // processes >= WORTH_COMPILING else 0
    n_threads = threads_here() if processes == 1 else 1
    each = max(
        _bytes_of_a_replication(s, keeping, n_threads, min(r, n_threads) if compiled else 1)
        for s, r in zip(scenarios, replications, strict=True)
    )
    kept = sum(_bytes_kept(s, r) for s, r in zip(scenarios, replications, strict=True))
    ours = BYTES_OF_A_PROCESS if processes > 1 else 0  # of the process that hands out the work
    return Work(
        clients=max(clients),
        replications=sum(replications),
        client_runs=sum(round(n * _drawn_for_one(s)) for s, n in zip(scenarios, runs, strict=True)),
        memory_bytes=round(
            ours
            + processes * (BYTES_OF_A_PROCESS + compiled + each)
            + kept
            + BYTES_OF_PAINTING * keeping.painted
            + BYTES_OF_A_PAINTER * keeping.painter
        ),
        spells=sum(round(spells_of(s)) * r for s, r in zip(scenarios, replications, strict=True)),
    )


def work_of_people(scenario: Scenario, n_clients: int, times: int = 1) -> Work:
    """The work of drawing so many clients and reading their scores, some times over, without a queue."""
    one_draw = TIMES_OF_PEOPLE * _bytes_of_tables(scenario) * n_clients
    memory = BYTES_OF_A_PROCESS + BYTES_OF_PAINTING + one_draw
    return Work(n_clients, times, round(n_clients * times * _drawn_for_one(scenario)), round(memory))


def clients_of(scenario: Scenario) -> int:
    """How many clients a replication has on average: referred, come back, and referred in the two years before opening."""
    return round(sum(of_each(scenario, lambda one: _referred(one) + _before_opening(one))))


def _referred(scenario: Scenario) -> float:
    """Clients of one provider referred from opening on, and those of them who come back."""
    return float(referrals_per_day(scenario).sum()) * (1 + scenario.pathway.returns.chance.value)


def _before_opening(scenario: Scenario) -> int:
    begun = scenario.start.running and bool(POLICIES[scenario.pathway.policy].steps)
    pools = 2 if scenario.start.stated() else 1  # stated lists take people from another
    return pools * referred_in_pool(scenario) if begun else 0


def _drawn_for_one(scenario: Scenario) -> float:
    """How many clients' work one client takes: more than 1 where many candidates are drawn for one who is eligible."""
    rules = scenario.population.eligibility
    if rules is None:
        return 1.0
    ids = np.arange(CANDIDATES_ASKED, dtype=np.int64)
    share = are_eligible(scenario, Draws(scenario.run.seed, 0), rules, ids).mean()
    return 1 + 1 / max(float(share), 1 / CANDIDATES_ASKED) / CANDIDATES_LIKE_A_CLIENT


def spells_of(scenario: Scenario) -> float:
    """How many spells of posts, filled and vacant, and courses of trainees a replication has."""
    if not scenario.run.staff_turnover:
        return 0.0
    spread = scenario.providers.spread if scenario.providers else 0.0
    return sum(of_each(scenario, _spells_of_one)) * exp(spread**2 / 2)  # the mean of a lognormal factor


def _spells_of_one(scenario: Scenario) -> float:
    days = scenario.run.horizon_days + POOL_DAYS
    return sum(
        one.wte.value * 2 * (1 + _turns(one, scenario, days))
        + one.trainees.value * (1 + days / one.training_days.value)
        for one in scenario.staff.values()
    )


def _turns(staff: Staff, scenario: Scenario, days: float) -> float:
    """How often a post is filled and vacant in turn over so many days, on average."""
    population = scenario.population
    disorders = sum(p.value for p in population.prevalence.values() if p.group == "emotional_disorder")
    above = disorders - staff.reference_disorders.value
    leaving = staff.leavers_per_year.value * max(1 + staff.leavers_per_disorder.value * above, 0.0)
    return days / (DAYS_PER_YEAR / leaving + staff.days_to_replace.value) if leaving else 0.0


def _bytes_of_a_replication(scenario: Scenario, keeping: Keeping, n_threads: int, side_by_side: int) -> float:
    """What one replication needs at its peak, or as many as run in threads side by side.

    n_threads: that work on a replication; side_by_side: replications at once, where their size is one that gains by it
    """
    of_providers = of_each(scenario, _referred)
    number, referred, of_all = len(of_providers), max(of_providers), sum(of_providers)
    before = max(of_each(scenario, _before_opening))
    of_a_client = _bytes_of_tables(scenario)
    plans = (referred + before) * BYTES_OF_A_PLAN
    tables = TIMES_AT_THE_PEAK * of_a_client * of_all * keeping.at_once if keeping.all_tables else 0.0
    n_blocks = min(n_threads, max(referred, before) // CLIENTS_AT_ONCE + 1)
    blocks = TIMES_IN_A_BLOCK * of_a_client * min(referred + before, CLIENTS_AT_ONCE) * n_blocks
    one = max(plans + blocks, plans / 2 + tables)
    if keeping.events:  # they are written when tables are, which are then no more than their columns
        one = max(one, plans / 2 + (of_a_client + BYTES_OF_EVENTS) * of_all)
    if round(referred) in SIDE_BY_SIDE:
        one = max(side_by_side * (plans + blocks / n_blocks), one)
    days = scenario.run.horizon_days + POOL_DAYS
    by_day = number * days * (16 * len(scenario.steps) + 8 * len(scenario.staff))
    by_provider = number * n_rows(scenario) * BYTES_OF_A_ROW_PROVIDED if number > 1 else 0
    return one + by_day + by_provider + _bytes_of_staff(scenario, days) + _bytes_of_distributions(scenario)


def _bytes_of_tables(scenario: Scenario) -> float:
    """All columns of one client."""
    population, s, d = scenario.population, len(scenario.steps), len(scenario.disorders)
    c = len(population.prevalence) + len(population.strata)
    return BYTES_OF_A_PERSON + BYTES_OF_A_CONDITION * c + BYTES_OF_A_DISORDER * d + BYTES_OF_A_STEP * s


def _bytes_of_staff(scenario: Scenario, days: float) -> float:
    """The spells of one kind of staff of one provider, which are held at a time: of the largest."""
    if not scenario.run.staff_turnover:
        return 0.0
    providers = scenario.providers
    largest = exp(providers.spread * sqrt(2 * np.log(providers.how_many))) if providers else 1.0

    def of(staff: Staff, provider: Scenario) -> float:
        posts = max(staff.wte.value * largest, 1)
        turns = _turns(staff, provider, days)
        blocks = min(1 + (turns + 3 * sqrt(turns)) / TURNS_AT_ONCE, blocks_kept(round(posts)))
        return posts * (BYTES_OF_A_POST + BYTES_OF_A_BLOCK * blocks) + staff.trainees.value * BYTES_OF_A_POST

    return max(of_each(scenario, lambda one: max((of(staff, one) for staff in one.staff.values()), default=0.0)))


def _bytes_of_distributions(scenario: Scenario) -> float:
    """Tables of the distributions of counts, as many as are kept: of referrals by day, and of sessions by step."""
    means = np.unique(referrals_per_day(scenario))
    largest = sorted(map(float, means))[-TABLES_KEPT:]
    tables = [n_of_table(mean, np.inf) for mean in largest]
    for course in scenario.pathway.courses.values():
        mean = max(course.planned_sessions_mean.value - 1, 0.0)
        tables.append(n_of_table(mean, course.planned_sessions_shape.value))
    return 8.0 * sum(sorted(tables)[-TABLES_KEPT:])


def n_rows(scenario: Scenario) -> int:
    """About how many rows a table of measures has: they multiply with the groups of clients."""
    population, pathway = scenario.population, scenario.pathway
    groups = 24 + 2 * len(population.conditions()) + sum(map(len, population.strata.values()))
    groups += len(pathway.courses) + len(pathway.modalities)
    return ROWS_OF_NO_GROUP + groups * (ROWS_OF_A_GROUP + 6 * len(pathway.steps))


def _bytes_kept(scenario: Scenario, replications: int) -> float:
    """Measures and days of all replications, and the rows that are made of them."""
    days = scenario.run.horizon_days * len(scenario.pathway.steps)
    rows = n_rows(scenario)
    return rows * (BYTES_OF_A_ROW + BYTES_OF_A_ROW_KEPT * replications) + days * (
        BYTES_OF_A_DAY + BYTES_OF_A_DAY_KEPT * replications
    )


def too_much(work: Work, memory_bytes: int | None) -> str | None:
    """Why work should not begin unasked, in words; None when it may.

    memory_bytes: what the machine has, None where that is not known
    """
    for what, n, most in (
        ("clients in a replication", work.clients, MOST_CLIENTS),
        ("clients to simulate", work.client_runs, MOST_CLIENT_RUNS),
        ("spells of staff in post, vacant or in training", work.spells, MOST_SPELLS),
    ):
        if n > most:
            return f"{n:,} {what}; more than {most:,} are not begun unasked"
    if memory_bytes is not None and work.memory_bytes > memory_bytes:
        return f"about {work.memory_bytes / 1e9:.1f} GB of memory would be needed, and this machine has {memory_bytes / 1e9:.1f} GB"
    return None
