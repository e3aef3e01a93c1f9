"""A user's own routing policy: a Python function, checked, named, and known again by the digest of its source.

    def shortest_list(known: Known, routing: Routing) -> Decision: ...
    simulate(scenario, policy=shortest_list)

It decides where clients start and how waiting lists are ordered. Everything else stays as the policy named in the
scenario has it: what is recorded, and whether non-responders step up.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caseload_sim.errors import RunError, did_you_mean
from caseload_sim.scenario.pathway import Routing
from caseload_sim.scenario.policies import POLICIES, Decide, Decision, Known, Policy
from caseload_sim.scenario.scenario import Scenario

LARGEST_PRIORITY = 2**31 - 1
ROUNDING = 1e-9
_SIGNATURE = "def name(known: Known, routing: Routing) -> Decision"


@dataclass(frozen=True, slots=True)
class OwnPolicy:
    """What a run remembers of a user's own policy.

    name: of the function; source_sha256: digest of its source text, in hexadecimal
    """

    name: str
    source_sha256: str


def own_policy(function: Decide) -> OwnPolicy:
    """The name of a policy function and the digest of its source.

    Raises RunError for what is no function of two arguments, for a function whose source cannot be read, and for one that
    depends on names from a function around it, which its source would not show.
    """
    name = getattr(function, "__name__", repr(function)[:60])
    if not inspect.isfunction(function):
        raise RunError(f"policy {name}: not a function. Write it as `{_SIGNATURE}`.")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise RunError(
            f"policy {name}: must take two arguments, what is known and the routing. Write it as `{_SIGNATURE}`."
        ) from None
    if function.__code__.co_freevars:
        raise RunError(
            f"policy {name}: uses {', '.join(function.__code__.co_freevars)} of the function around it, which a record of its "
            "source would not show. Make each an argument with a default."
        )
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        raise RunError(
            f"policy {name}: its source cannot be read, so a run with it could not be told from another. "
            "Put the function into a file or a notebook cell."
        ) from None
    return OwnPolicy(name, sha256(source.encode()).hexdigest())


def chosen_policy(scenario: Scenario, function: Decide | None) -> Policy:
    """The policy named in the scenario, or the same with the user's own function deciding.

    Raises RunError when the scenario has no service, so that there is nothing to decide.
    """
    policy = POLICIES[scenario.pathway.policy]
    if function is None:
        return policy
    name = own_policy(function).name
    if not policy.steps:
        raise RunError(
            f"policy {name}: {scenario.name} has the policy '{scenario.pathway.policy}', under which nobody is assessed or "
            "treated, so there is nothing to decide. Choose another scenario."
        )

    def decide(known: Known, routing: Routing) -> Decision:
        return checked(function(known, routing), known, scenario, name)

    return replace(policy, description=f"the user's own policy {name}", decide=decide)


def checked(decision: Any, known: Known, scenario: Scenario, name: str) -> Decision:
    """The decision, if it is one that can be carried out; priorities as int64.

    Raises RunError for another type, unknown steps, wrong shapes, chances that are none, and priorities that are no whole
    numbers, or that use on the list for assessment what only the assessment can find.
    """
    if not isinstance(decision, Decision):
        raise RunError(
            f"policy {name}: returned {type(decision).__name__}, not a Decision. Write it as `{_SIGNATURE}`."
        )
    courses = list(scenario.pathway.courses)
    n, total = len(known.phq9), np.zeros(len(known.phq9))
    for step, chance in _columns(decision.chance, courses, n, f"policy {name}: chance"):
        if chance.dtype.kind not in "fiub" or not np.all((chance >= 0) & (chance <= 1)):
            raise RunError(f"policy {name}: chance of {step}: every value must be a number from 0 to 1.")
        total += chance
    if np.any(np.abs(total - 1) > ROUNDING):
        row = int(np.argmax(np.abs(total - 1)))
        raise RunError(
            f"policy {name}: the chances of the client in row {row} add up to {total[row]:g}; for each client they must add up to 1."
        )
    priority = {}
    for step, rank in _columns(decision.priority, list(scenario.steps), n, f"policy {name}: priority"):
        if rank.dtype.kind not in "iub" or np.any(np.abs(rank.astype(np.float64)) > LARGEST_PRIORITY):
            raise RunError(
                f"policy {name}: priority at {step}: must be whole numbers between -{LARGEST_PRIORITY:,} and {LARGEST_PRIORITY:,}."
            )
        priority[step] = rank.astype(np.int64)
    assessment = scenario.steps[0]
    if assessment in priority and _depends_on_more_than(known.referral_day, priority[assessment]):
        raise RunError(
            f"policy {name}: priority at {assessment}: clients referred on the same day have different ones, but before the "
            "assessment only the day of referral is known. Order that list by `known.referral_day`, or not at all."
        )
    return Decision(dict(decision.chance), priority)


def _columns(table: Mapping[str, Any], steps: list[str], n: int, place: str) -> list[tuple[str, NDArray[Any]]]:
    """Each column with the name of its step. Raises RunError for what is no table, an unknown step or another length."""
    if not isinstance(table, Mapping):
        raise RunError(
            f"{place}: {type(table).__name__}, not a table. Give each step's name its values, as {{step: values}}."
        )
    columns = []
    for step, values in table.items():
        if step not in steps:
            raise RunError(f"{place}: '{step}' is not a step to choose. {did_you_mean(str(step), steps)}")
        try:
            column = np.asarray(values)
        except ValueError:
            raise RunError(f"{place} of {step}: lists of several lengths. Give one value for each client.") from None
        if column.shape != (n,):
            raise RunError(
                f"{place} of {step}: has shape {column.shape}, but there are {n} clients, so ({n},) is needed."
            )
        columns.append((step, column))
    return columns


def _depends_on_more_than(days: NDArray[np.int32], rank: NDArray[np.int64]) -> bool:
    order = np.argsort(days, kind="stable")
    same_day = days[order][1:] == days[order][:-1]
    return bool(np.any(same_day & (rank[order][1:] != rank[order][:-1])))
