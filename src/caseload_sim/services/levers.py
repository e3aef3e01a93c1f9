"""What a fit of a service moves, and the service on which it tries: smaller, with posts that are never vacant.

A lever is a published figure with the numbers that are moved to meet it; posts are moved to meet a wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.experiments.replicate import Summary
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import row_of
from caseload_sim.measures.simulation import low_steps
from caseload_sim.scenario.numbers import Number
from caseload_sim.scenario.outcome import Official
from caseload_sim.scenario.scenario import Scenario

MOST_REFERRALS = 10_000.0  # a year, of the service that is fitted: of more, a run takes longer and says hardly more
WARM_UP_DAYS = 30  # after a running start of two years
SMALLEST = 1e-3
DAYS_NEAR, SHARE_NEAR = 1.5, 0.03  # how near a wait must come: so many days, or that share of it


@dataclass(frozen=True, slots=True)
class Lever:
    """A published figure, and the numbers that are moved together to meet it."""

    name: str
    official: Official
    numbers: Mapping[str, Number]

    def off_by(self, value: float) -> float:
        """How far a figure is from where it should be: shares in logits, all else in logs."""
        return self._scaled(value) - self._scaled(self.official.value)

    def _scaled(self, value: float) -> float:
        if definition(self.official.measure).unit != "share":
            return float(np.log(max(value, SMALLEST)))
        value = min(max(value, SMALLEST), 1 - SMALLEST)
        return float(np.log(value / (1 - value)))


@dataclass(frozen=True, slots=True)
class Posts:
    """Posts of one kind, with the wait that they are to meet. steps: that their staff serve, to see whether they are idle."""

    path: str
    steps: tuple[str, ...]
    wait: Quantity
    days: float


def are_posts(paths: Sequence[str]) -> bool:
    """Whether these paths are of nothing but posts."""
    return all(path.startswith("staff.") and path.endswith(".wte") for path in paths)


def trial_of(scenario: Scenario) -> Scenario:
    """The service as it is fitted: at most 10,000 referrals a year, staff in proportion and never vacant, one replication.

    Posts are those that are filled on average. Nothing is simulated after data collection.
    """
    share, run = share_for_a_fit(scenario), scenario.run
    filled = {kind: share * filled_share(scenario, kind) for kind in scenario.staff}
    numbers = times(scenario, share, filled)
    first = run.opens + timedelta(days=run.warm_up_days - WARM_UP_DAYS)
    days = {"run.opens": first, "run.warm_up_days": WARM_UP_DAYS, "run.follow_up_days": 0}
    return with_run(scenario.with_changes(numbers | days | {"run.staff_turnover": False}), None, 1)


def times(scenario: Scenario, referrals: float, posts: Mapping[str, float]) -> dict[str, float]:
    """Changes to so many times the referrals, those counted by month too, and to so many times the posts of each kind."""
    demand = scenario.demand
    changes = {
        f"demand.monthly_referrals.{month}": referrals * count.value
        for month, count in demand.monthly_referrals.items()
    }
    changes["demand.referrals_per_year"] = referrals * demand.referrals_per_year.value
    return changes | {f"staff.{kind}.wte": share * scenario.staff[kind].wte.value for kind, share in posts.items()}


def share_for_a_fit(scenario: Scenario) -> float:
    """How large the fitted service is, as a share of the whole one."""
    return min(MOST_REFERRALS / scenario.demand.referrals_per_year.value, 1.0)


def filled_share(scenario: Scenario, kind: str) -> float:
    """Share of posts of a kind that somebody holds; all of them in a scenario without turnover."""
    return 1 - scenario.staff[kind].vacancy_share.value if scenario.run.staff_turnover else 1.0


def posts_of(scenario: Scenario, official: Official) -> list[Posts]:
    """Posts that are moved to meet a wait. Where several kinds are, those whom each treats wait as long."""
    if not are_posts(official.fitted_by):
        return []
    is_low, found = dict(zip(scenario.steps, low_steps(scenario), strict=True)), []
    for path in official.fitted_by:
        kind = path.split(".")[1]
        steps = tuple(name for name, step in scenario.pathway.courses.items() if step.staff == kind)
        intensity = "low" if steps and all(is_low[name] for name in steps) else "high"
        own = Quantity("treatment_wait_days_mean", "finished", "", "", f"intensity={intensity}")
        found.append(Posts(path, steps, official.quantity if len(official.fitted_by) == 1 else own, official.value))
    return found


def assessors_of(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Kinds of staff who do nothing but assess, with the steps that they serve."""
    courses = {step.staff for step in scenario.pathway.courses.values()}
    serve: dict[str, tuple[str, ...]] = {}
    for name, step in scenario.pathway.steps.items():
        if step.staff not in courses:
            serve[step.staff] = (*serve.get(step.staff, ()), name)
    return serve


def days_waited(results: Summary, one: Posts) -> float:
    """The wait that posts are to meet, in a run; 0 where nobody waited."""
    days = row_of(results.rows, one.wait).value
    return 0.0 if np.isnan(days) else days


def near_enough(one: Posts) -> float:
    """How many days a wait may be off, so that posts are left as they are."""
    return max(SHARE_NEAR * one.days, DAYS_NEAR)


def utilisation(results: Summary, steps: Sequence[str]) -> float:
    """How much of the places of these steps is used: of the fullest."""
    used = [row_of(results.rows, Quantity("utilisation", "all", "", "", f"step={name}")).value for name in steps]
    return float(np.nanmax(used)) if used else 1.0
