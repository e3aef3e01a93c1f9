"""An independent audit by interview: what a sample would find, and what would have to be true for a given finding."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import READINGS, REMISSIONS, Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.rounds import Request
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.rows import place_of
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.statistics import likely_means

AUDITED_BASES = ("finished", "started")  # not all of BASES: an audit interviews clients whom the service has seen


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One definition, as an auditor of n clients would find it.

    value: share of clients well by this definition, mean over replications
    audited_lower_95, audited_upper_95: between which 95% of audited rates lie, chance of sampling and of the year together
    chance_of_result: chance that such an audit finds the given rate or less
    sampling_odds: how many times likelier somebody still ill would have to be sampled than somebody well, for the given
        rate to be what is expected; 1 where the definition alone explains it, NaN where nothing can
    explained_by: "definition" (the result is within 95% of audited rates), "both" or "selection" otherwise: see `audit`
    """

    scenario: str
    measure: str
    base: str
    at: str
    n: int
    result: float
    value: float
    audited_lower_95: float
    audited_upper_95: float
    chance_of_result: float
    sampling_odds: float
    explained_by: str
    n_replications: int


def audit(
    scenario: Scenario,
    *,
    n: int = 90,
    result: float = 0.092,
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> tuple[AuditRow, ...]:
    """What an audit of n randomly chosen clients finds by each definition, against a result of such an audit.

    n: clients interviewed; result: share found well, 0 to 1 (Scott 2018: 9.2% of about 90)
    how: the keywords of `RunOptions`, see `replicate`
    explained_by says "definition" where an unselected sample judged by this definition gives the result often enough;
    "selection" for the official figure, which has no stricter definition to help; "both" in between.
    Raises RunError for an impossible n or result, and where nobody is treated.
    """
    if not 1 <= n <= 1_000_000:
        raise RunError(f"n {n}: an audit interviews from 1 to 1,000,000 clients.")
    if not 0 < result < 1:
        raise RunError(f"result {result:g}: give a share between 0 and 1, as in 0.092.")
    (results,) = summarise_each([Request(with_run(scenario, seed, replications))], RunOptions(**how))
    rows = []
    for quantity in _definitions():
        row_number = place_of(results.rows, quantity)
        row, shares = results.rows[row_number], _shares(results.values, row_number)
        if len(shares) == 0:
            continue
        low, high, chance = _audited(shares, n, result)
        odds = (row.value / (1 - row.value)) / (result / (1 - result)) if 0 < row.value < 1 else np.nan
        stricter = "selection" if row.measure == "recovery" else "both"
        explained = "definition" if low <= result <= high else stricter
        rows.append(
            AuditRow(
                scenario.name,
                row.measure,
                row.base,
                row.at,
                n,
                result,
                row.value,
                low,
                high,
                chance,
                odds,
                explained,
                len(shares),
            )
        )
    if not rows:
        raise RunError(f"{scenario.name}: nobody is treated, so there is nobody to audit.")
    return tuple(rows)


def _definitions() -> list[Quantity]:
    """The official figure, then every rung by interview over finishers and starters, at the end and a year on."""
    official = [Quantity("recovery", base, "end") for base in AUDITED_BASES]
    return official + [Quantity(m, base, at) for m in REMISSIONS for base in AUDITED_BASES for at in READINGS]


def _shares(values: NDArray[np.float64], column: int) -> NDArray[np.float64]:
    found = values[:, column]
    return np.asarray(found[~np.isnan(found)])


def _audited(shares: NDArray[np.float64], n: int, result: float) -> tuple[float, float, float]:
    """2.5% and 97.5% of the audited rate, and the chance of `result` or less: binomial, mixed over years like the replications."""
    from scipy.special import bdtr

    years = np.clip(likely_means(shares), 0.0, 1.0)

    def chance_of(k: int) -> float:
        """That at most k of the n are found well."""
        return float(np.mean(bdtr(k, n, years)))

    low, high = (bisect_left(range(n), share, key=chance_of) for share in (0.025, 0.975))
    # 9.2% is no whole number of 90: up to the next whole client counts as "or less"
    at_most = int(np.ceil(result * n - 1e-9))
    return low / n, high / n, chance_of(min(at_most, n))
