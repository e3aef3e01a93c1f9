"""Where the model is wrong: published findings that nothing was fitted to, beside what the model gives for the same."""

from contextlib import closing
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from caseload_sim.clients.questionnaires import GAD7_CASENESS, PHQ9_CASENESS
from caseload_sim.errors import RunError
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.measures.simulation import Simulation, within
from caseload_sim.outcomes.outcomes import recovered
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.columns import Flags

DEPRESSION, ANXIETY, TRAUMA = "major_depression", "generalised_anxiety", "ptsd"


@dataclass(frozen=True, slots=True)
class Finding:
    """A published finding: its value and range, where it was read, and why the model may miss it.

    low, high: its 95% interval, or the nearest there is; a value in it counts as met
    """

    value: float
    low: float
    high: float
    source: str
    where: str


# Entered a second time in tests/second_reading. Shares of 1; the last three are an odds ratio and shares of recovery.
FINDINGS = {
    "phq9_sensitivity": Finding(0.88, 0.83, 0.92, "levis2019", "PHQ-9 of 10 or more against a semi-structured interview, 29 studies"),
    "phq9_specificity": Finding(0.85, 0.82, 0.88, "levis2019", "the same"),
    "gad7_sensitivity": Finding(0.83, 0.71, 0.91, "plummer2016", "GAD-7 of 8 or more, generalised anxiety, 12 samples"),
    "gad7_specificity": Finding(0.84, 0.70, 0.92, "plummer2016", "the same"),
    "untreated_depression_3_months": Finding(0.23, 0.20, 0.26, "whiteford2013", "remission in primary care; within 3 points counts as met"),
    "untreated_depression_6_months": Finding(0.32, 0.29, 0.35, "whiteford2013", "the same"),
    "untreated_depression_12_months": Finding(0.53, 0.50, 0.56, "whiteford2013", "the same"),
    "recovery_odds_with_abuse": Finding(0.70, 0.55, 0.90, "nanni2012", "the inverse of 1.43 (1.11 to 1.83) for poor response in trials"),
    "recovery_with_ptsd": Finding(0.417, 0.407, 0.427, "nhse2025", "presenting complaint, 2024-25, 46,021 referrals; within 1 point counts as met"),
}  # fmt: skip
_MONTHS = {"untreated_depression_3_months": 91, "untreated_depression_6_months": 182, "untreated_depression_12_months": 365}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MisfitRow:
    """One published finding against the model, mean over replications; NaN where the model has nobody to say it of."""

    quantity: str
    published: float
    low: float
    high: float
    value: float
    source: str
    where: str
    verdict: str


def misfits(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replications: int | None = None,
    **how: Unpack[RunKeywords],
) -> tuple[MisfitRow, ...]:
    """Every finding of FINDINGS against the model.

    Questionnaires are judged at referral, among all referred; untreated depression is read so many days after referral,
    of those who have it at the start interview; recovery is that of finishers, as officially counted.
    how: the keywords of `RunOptions`, see `replicate`; progress counts replications, with the service and three times without
    Raises RunError for a scenario of several providers, and for a policy of your own.
    """
    if scenario.providers is not None:
        raise RunError(f"{scenario.name}: judge one provider, not several.")
    options = RunOptions(**how)
    if options.policy is not None:
        raise RunError("a policy of your own would treat the untreated, too: let the scenario name its policy.")
    served = with_run(scenario, seed, replications)
    requests = [Request(_untreated(served, days), read=_Untreated(name)) for name, days in _MONTHS.items()]
    requests.append(Request(served, read=_Served()))
    with closing(finish_each(requests, options)) as each:
        found = {name: [one.read[name] for one in finished] for finished, _ in each for name in finished[0].read}
    rows = []
    for name, finding in FINDINGS.items():
        value = float(np.mean(found[name]))
        met = finding.low <= value <= finding.high
        rows.append(
            MisfitRow(
                name, finding.value, finding.low, finding.high, value, finding.source, finding.where,
                "met" if met else "missed",
            )
        )  # fmt: skip
    return tuple(rows)


def screening(simulation: Simulation) -> dict[str, float]:
    """How well each questionnaire finds its disorder at interview, at referral, in a simulation without a service.

    Sensitivity: share above the cut-off of those with the disorder; specificity: share below it of those without.
    """
    out, referred = simulation.outcomes, within(simulation, simulation.clients.referral_day)
    result = {}
    for name, scores, cut_off, disorder in (
        ("phq9", out.first_phq9, PHQ9_CASENESS, DEPRESSION),
        ("gad7", out.first_gad7, GAD7_CASENESS, ANXIETY),
    ):
        above, ill = scores >= cut_off, _had(simulation, disorder)
        result[f"{name}_sensitivity"] = _share(above, referred & ill)
        result[f"{name}_specificity"] = _share(~above, referred & ~ill)
    return result


def _untreated(scenario: Scenario, days: int) -> Scenario:
    return scenario.with_changes(
        {
            "pathway.policy": "no_service", "start.running": False, "run.warm_up_days": 0, "run.follow_up_days": 0,
            "outcome.measured_after_days": days,
        }
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Untreated:
    """Reads off a replication without a service how many no longer have depression, and how well questionnaires find it.

    name: of the finding, which says after how many days it is read
    """

    name: str

    def __call__(self, simulation: Simulation) -> dict[str, float]:
        had = within(simulation, simulation.clients.referral_day) & _had(simulation, DEPRESSION)
        names = simulation.clients.disorder_names
        gone = simulation.outcomes.none.without[:, names.index(DEPRESSION)] if DEPRESSION in names else ~had
        first = screening(simulation) if self.name == next(iter(_MONTHS)) else {}
        return {**first, self.name: _share(gone, had)}


@dataclass(frozen=True, slots=True)
class _Served:
    """Reads off a replication with the service who recovered."""

    def __call__(self, simulation: Simulation) -> dict[str, float]:
        return _recoveries(simulation)


def _recoveries(simulation: Simulation) -> dict[str, float]:
    out, clients = simulation.outcomes, simulation.clients
    counted = within(simulation, out.end_day) & out.finished & out.at_caseness
    well = recovered(out, out.service)
    abused = clients.count(simulation.scenario, "childhood_abuse") > 0
    odds = [_odds(_share(well, counted & some)) for some in (abused, ~abused)]
    names = clients.disorder_names
    recorded = simulation.care.target == (names.index(TRAUMA) if TRAUMA in names else -1)
    return {"recovery_odds_with_abuse": odds[0] / odds[1], "recovery_with_ptsd": _share(well, counted & recorded)}


def _had(simulation: Simulation, disorder: str) -> Flags:
    """Who has the disorder at the start interview; nobody where it does not occur."""
    names = simulation.clients.disorder_names
    if disorder not in names:
        return np.zeros(len(simulation.clients.id), dtype=bool)
    return np.asarray(simulation.outcomes.diagnosed[:, names.index(disorder)])


def _share(flags: Flags, of: Flags) -> float:
    return float(flags[of].mean()) if of.any() else float("nan")


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("nan")
