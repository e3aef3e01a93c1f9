"""When each of a client's problems is over: time to remission, by cumulative hazard against a random length.

A problem is a disorder that is present, or the distress that brought the client. Each has a length, exponential with mean 1,
and the lengths of one client are alike (frailty). Time uses a length up at the problem's hazard a day, treatment takes a
piece off at once, and the problem is over from the day on which nothing is left. To a clinician: each problem is a candle;
time burns them, and therapy takes a piece off.

Whoever is treated is therefore never worse than the same client untreated, no score of one reading rises with its day, and
whatever depends on the day is a deadline that can be found before the queue runs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.population import Clients
from caseload_sim.draws.streams import Draws
from caseload_sim.scenario.outcome import by_disorder
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.bounded import bounded_exp
from caseload_sim.support.columns import Codes, Flags, Floats, Ids, blocks_of, largest_column, rows_of

DAYS_PER_MONTH = 365 / 12
_SMALLEST_CHANCE = 1e-12  # of a length: none is longer than 28 times the mean
_MOST_EFFECT = (
    10.0  # of a course, of that in the trials: with what is left of it, no effect runs away over many courses
)
_PROBLEMS_AT_ONCE = 2**15  # more would leave the cache
_SEVERITY_THAT_COUNTS = (0.0, 3.0)  # SD: beyond it severity slows a disorder's end no further


@dataclass(frozen=True, slots=True)
class Illness:
    """What ails each client, and how long it would last.

    present: (n, d) bool; length, hazard: (n, d) float64, cumulative hazard at which a disorder is over, and hazard a day
    distress_length, distress_hazard: (n,), the same for the distress that brought the client
    depth: (n, d), SD, how far below its threshold a disorder lies once it is over

    Nothing is drawn for a disorder that is not present: its length is infinite, and its hazard and depth are 0.
    """

    present: Flags
    length: Floats
    hazard: Floats
    distress_length: Floats
    distress_hazard: Floats
    depth: Floats

    def rows(self, chosen: NDArray[np.intp]) -> "Illness":
        """The same for some clients only."""
        return rows_of(self, chosen)


@dataclass(frozen=True, slots=True)
class Given:
    """What treatment has taken away by a reading; nothing where there was none.

    strength: (n,) float64, share of a full course's effect times the therapists' multiplier
    target: (n,) int8, index of the disorder treated
    """

    strength: Floats
    target: Codes

    def rows(self, chosen: NDArray[np.intp]) -> "Given":
        """The same for some clients only."""
        return rows_of(self, chosen)


def illness_of(scenario: Scenario, clients: Clients, draws: Draws) -> Illness:
    """Length and hazard of every problem of these clients, with usual care and no service."""
    remission, names = scenario.outcome.remission, clients.disorder_names
    slower, shape = _log_hazard_ratio(scenario, clients), clients.severity.shape
    present, (hazard, depth) = (np.empty(shape, dtype=bool, order="F"), (np.zeros(shape, order="F") for _ in range(2)))
    for j, name in enumerate(names):
        present[:, j] = clients.has(name)
    length, distress_length = drawn_lengths(scenario, clients, draws, of=present)
    for j, name in enumerate(names):
        rows = np.flatnonzero(present[:, j])
        hazard[:, j][rows] = _hazard(scenario, clients.severity[:, j][rows], name, slower[rows])
        deep = draws.uniform(f"depth:{name}", clients.id[rows])
        depth[:, j][rows] = remission.hysteresis.value - remission.depth_mean.value * np.log(deep)
    return Illness(present, length, hazard, distress_length, _hazard_of_distress(scenario, slower), depth)


def principal_of(scenario: Scenario, clients: Clients, draws: Draws, rows: NDArray[np.intp]) -> Illness:
    """The most severe disorder of some clients as the only column, and their distress; no depth: it is asked when both end."""
    names, ids = clients.disorder_names, clients.id[rows]
    slower, which = _log_hazard_ratio(scenario, clients)[rows], largest_column(clients.severity)[rows]
    frailty, own = _frailty(scenario, ids, draws, "")
    present, length, hazard = (
        np.zeros((len(rows), 1), dtype=bool),
        np.full((len(rows), 1), np.inf),
        np.zeros((len(rows), 1)),
    )
    for j, name in enumerate(names):
        here = np.flatnonzero((which == j) & clients.has(name)[rows])
        present[here, 0] = True
        length[here, 0] = _length(frailty[here] + own * draws.normal(f"length_own:{name}", ids[here]))
        hazard[here, 0] = _hazard(scenario, clients.severity[:, j][rows[here]], name, slower[here])
    of_distress = _length(frailty + own * draws.normal("length_own:distress", ids))
    return Illness(present, length, hazard, of_distress, _hazard_of_distress(scenario, slower), np.zeros_like(length))


def drawn_lengths(
    scenario: Scenario,
    clients: Clients,
    draws: Draws,
    when: str = "",
    *,
    of: Flags | None = None,
    rows: NDArray[np.intp] | None = None,
) -> tuple[Floats, Floats]:
    """The length of each disorder and of the distress, alike within a client: (n, d) and (n,) float64.

    when: "relapse_" for those of problems that come back, else the first
    of: (n, d) bool, the disorders whose length is asked for, all if None; that of the others is infinite
    rows: of which clients, of everybody if None; `of` is of these
    """
    ids = clients.id if rows is None else clients.id[rows]
    frailty, own = _frailty(scenario, ids, draws, when)
    length = np.full((len(ids), len(clients.disorder_names)), np.inf, order="F")
    for j, name in enumerate(clients.disorder_names):
        here = np.arange(len(ids)) if of is None else np.flatnonzero(of[:, j])
        length[:, j][here] = _length(frailty[here] + own * draws.normal(f"{when}length_own:{name}", ids[here]))
    return length, _length(frailty + own * draws.normal(f"{when}length_own:distress", ids))


def _frailty(scenario: Scenario, ids: Ids, draws: Draws, when: str) -> tuple[Floats, float]:
    """What the lengths of each client have in common, (n,), and how much their own parts weigh."""
    share = scenario.outcome.remission.shared.value
    return np.sqrt(share) * draws.normal(f"{when}length_shared", ids), np.sqrt(1 - share)


def _hazard(scenario: Scenario, severity: Floats, name: str, slower: Floats) -> Floats:
    """Hazard a day of a disorder of this severity, (n,); slower: see `_log_hazard_ratio`."""
    remission = scenario.outcome.remission
    (monthly,) = by_disorder(dict(remission.monthly_hazard), (name,))
    above = np.clip(severity, *_SEVERITY_THAT_COUNTS) - 1
    care = remission.usual_care.value / DAYS_PER_MONTH
    return monthly * care * bounded_exp(slower + remission.per_severity_sd.value * above)


def _hazard_of_distress(scenario: Scenario, slower: Floats) -> Floats:
    remission = scenario.outcome.remission
    care = remission.usual_care.value / DAYS_PER_MONTH
    return remission.monthly_hazard_of_distress.value * care * bounded_exp(slower)


def _log_hazard_ratio(scenario: Scenario, clients: Clients) -> Floats:
    """What makes all of a client's problems last longer (negative) or shorter, on the log of the hazard, (n,)."""
    remission = scenario.outcome.remission
    n_emotional = clients.count(scenario, "emotional_disorder")
    total = remission.per_emotional_disorder.value * (n_emotional - remission.reference_disorders.value)
    total = total + remission.per_deprivation_sd.value * clients.deprivation
    for name, effect in remission.by_condition.items():
        total = total + effect.value * clients.has(name)
    return np.asarray(total)


def _length(z: Floats) -> Floats:
    """Exponential lengths with mean 1 from standard normal draws, the longer the lower."""
    from scipy.special import ndtr

    return np.asarray(-np.log(np.maximum(ndtr(z), _SMALLEST_CHANCE)))


def complexity_of(scenario: Scenario, clients: Clients) -> NDArray[np.int64]:
    """How complex a client is: emotional disorders beyond the first, dependences, and personality disorder, (n,)."""
    n_emotional = clients.count(scenario, "emotional_disorder")
    return np.asarray(np.maximum(n_emotional - 1, 0) + clients.count(scenario, "dependence", "personality_disorder"))


def treatment_given(
    scenario: Scenario,
    target: Codes,
    response: Floats,
    complexity: NDArray[np.int64],
    sessions: NDArray[np.int32],
    contacts: NDArray[np.int32],
    first: Codes | None = None,
) -> Given:
    """What courses of treatment have given.

    target: (n,) int8, index of the treated disorder; response: (n, s) float64, multiplier of the effect at each step
    complexity: (n,), see `complexity_of`; sessions: (n, s) int32, attended treatment sessions by step, 0 at steps not reached
    contacts: (n,) int32, attended contacts, assessment included; below two there is no course and no effect
    first: (n,) int8, step of the first course; the steps in order if None, as they are for all but those who step down

    A step gives effect[target] * (1 - exp(-3 * sessions / sessions_for_95_percent)) of what is left of a full course by
    the courses before it, times the client's response to it. So no course takes away what an earlier one has given.
    """
    courses = [s for s, _, _ in scenario.pathway.each_course()]
    strength, treated = np.zeros(len(target)), np.flatnonzero(contacts >= 2)

    def work(rows: NDArray[np.intp], in_time: list[int]) -> None:
        strength[rows] = _strength_of(scenario, in_time, target[rows], *rows_of((response, complexity, sessions), rows))

    work(treated, courses)
    if first is not None:
        for begun in courses:
            rows = treated[first[treated] == begun]
            before = np.zeros(len(rows), dtype=bool)
            for s in courses[: courses.index(begun)]:
                before |= sessions[:, s][rows] > 0
            work(rows[before], [begun, *(s for s in courses if s != begun)])
    return Given(strength, target)


def _strength_of(
    scenario: Scenario,
    courses: list[int],
    target: Codes,
    response: Floats,
    complexity: NDArray[np.int64],
    sessions: NDArray[np.int32],
) -> Floats:
    """The effect of courses in this order, in full courses times the response, (n,) float64."""
    treatment, names, steps = scenario.outcome.treatment, scenario.disorders, list(scenario.pathway.steps.values())
    left, strength = np.ones(len(target)), np.zeros(len(target))
    beyond_first = np.maximum(complexity - 1, 0)
    for s in courses:
        step = steps[s]
        assert step.kind == "course"
        rows = np.flatnonzero(sessions[:, s])
        effect = np.array(by_disorder(dict(step.effect), names))[target[rows]]
        effect = np.minimum(effect * bounded_exp(step.effect_per_complexity.value * beyond_first[rows]), _MOST_EFFECT)
        added = left[rows] * effect * -np.expm1(-3.0 * sessions[:, s][rows] / step.sessions_for_95_percent.value)
        strength[rows] += response[:, s][rows] * added
        left[rows] -= added
    return strength * treatment.fidelity.value


def share_reaching(scenario: Scenario, given: Given, j: int) -> Floats:
    """What of the treatment reaches disorder j: all of it if it is the target, else its spill, (n,)."""
    spill = by_disorder(dict(scenario.outcome.treatment.spill), scenario.disorders)[j]
    reaching, targeted = spill * given.strength, np.flatnonzero(given.target == j)
    reaching[targeted] = given.strength[targeted]
    return reaching


def over_by(
    scenario: Scenario,
    illness: Illness,
    days: Floats | NDArray[np.int32],
    given: Given | None,
    j: int,
    rows: NDArray[np.intp] | None = None,
) -> Flags:
    """Whether disorder j is over so many days after referral, (n,) bool.

    rows: of whom it is asked, everybody if None; `days` and `given` are theirs, `illness` is of everybody
    """
    at = slice(None) if rows is None else rows
    used = illness.hazard[:, j][at] * days
    if given is not None:
        used = used + scenario.outcome.treatment.full_course.value * share_reaching(scenario, given, j)
    return np.asarray(illness.present[:, j][at] & (used >= illness.length[:, j][at]))


def distress_over_by(
    scenario: Scenario,
    illness: Illness,
    days: Floats | NDArray[np.int32],
    given: Given | None,
    rows: NDArray[np.intp] | None = None,
) -> Flags:
    """Whether the distress that brought the client is over so many days after referral, (n,) bool; rows: as in `over_by`."""
    at = slice(None) if rows is None else rows
    used = illness.distress_hazard[at] * days
    if given is not None:
        used = used + scenario.outcome.treatment.full_course_of_distress.value * given.strength
    return np.asarray(used >= illness.distress_length[at])


def over_from(scenario: Scenario, illness: Illness, given: Given | None, longest: int) -> NDArray[np.int32]:
    """First whole day since referral on which each disorder, and last the distress, is over: (n, d + 1) int32.

    longest: what stands for "not by then", and for a disorder that is not there
    """
    treatment, (n, n_disorders) = scenario.outcome.treatment, illness.length.shape
    first = np.full((n_disorders + 1, n), longest, dtype=np.int32)
    taken, of_distress = np.empty((0, 0)), np.zeros(n)
    if given is not None:
        reaching = [treatment.full_course.value * share_reaching(scenario, given, j) for j in range(n_disorders)]
        taken = np.reshape(reaching, (n_disorders, n))
        of_distress = treatment.full_course_of_distress.value * given.strength
    # Problems of all disorders one after the other: of few clients, calling NumPy for each disorder takes longer than its work.
    length, hazard, of_disorders = illness.length.T.ravel(), illness.hazard.T.ravel(), first[:-1].reshape(-1)
    problems = np.flatnonzero(illness.present.T)
    for some in blocks_of(len(problems), _PROBLEMS_AT_ONCE):
        at = problems[some]
        off = 0.0 if given is None else taken.ravel()[at]
        of_disorders[at] = _first_day_over(length[at], hazard[at], off, longest)
    first[-1] = _first_day_over(illness.distress_length, illness.distress_hazard, of_distress, longest)
    return first.T


def _first_day_over(length: Floats, hazard: Floats, taken: Floats | float, longest: int) -> NDArray[np.int32]:
    """First whole day on which problems are over, (n,) int32, `longest` at most.

    taken: what treatment has taken off each length
    Found by dividing, and then put right by the very comparison that readings make: rounding must not part the two.
    """

    def over(day: NDArray[np.int32]) -> Flags:
        return np.asarray((hazard * day + taken >= length) | (day >= longest))

    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.ceil((length - taken) / hazard)
    day = np.maximum(np.fmin(days, longest), 0).astype(np.int32)  # of a number and NaN, fmin takes the number
    day += ~over(day)
    day -= (day > 0) & over(day - np.int32(1))
    return np.asarray(np.minimum(day, longest), dtype=np.int32)


def well_from(scenario: Scenario, principal: Illness, longest: int) -> NDArray[np.int32]:
    """First whole day since referral on which, untreated, the most severe disorder and the distress are over, (n,) int32.

    principal: see `principal_of`; longest: what stands for "not by then"
    """
    days = over_from(scenario, principal, None, longest)
    first = np.where(principal.present[:, 0], days[:, 0], 0)  # who has no disorder came for the distress alone
    return np.maximum(first, days[:, 1]).astype(np.int32)


def years_to_relapse(scenario: Scenario, u: Floats, residual: Flags) -> Floats:
    """Years from being well to being ill again, (n,) float64: a Weibull time whose hazard falls.

    u: (n,) uniform; residual: (n,) bool, who has residual symptoms
    """
    rule = scenario.outcome.relapse
    hazard = rule.yearly_hazard.value * np.where(residual, rule.residual_symptoms.value, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray((-np.log(u) / hazard) ** (1 / rule.shape.value))
