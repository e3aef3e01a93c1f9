"""Many services, each fitted and run by itself: a task for a worker, and what is kept of it for --resume.

All that is kept of a service is numbers by name, as of any replication that was read; so the same files serve for both.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256
from math import ceil, isnan
from typing import Any

import numpy as np

from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.errors import CaseloadError
from caseload_sim.experiments.replicate import summarise_each
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunOptions
from caseload_sim.experiments.settings import with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.experiments.workers import answers
from caseload_sim.measures.rows import row_of
from caseload_sim.measures.table import table_of
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.fit import fit_service
from caseload_sim.services.levers import trial_of
from caseload_sim.services.two_years import OfEachYear, both_years, first_day_of, staffed_as, with_counts

WHY_NOT = "why_not"
# Over all replications: so many leave half a point of chance in the change of a recovery rate.
REFERRALS_OF_A_YEAR = 40_000
FEWEST_REPLICATIONS, MOST_REPLICATIONS = 4, 20
_BYTES_OF_A_NUMBER = 7  # as of the number of a request


@dataclass(frozen=True, slots=True)
class TwoYears:
    """What a backtest is given besides the first year.

    counts: referrals by month of both; attended: appointments of the second over those of the first, or NaN
    replications: of both years; if None as many as 40,000 referrals a year take, from 4 to 20
    """

    first: str
    second: str
    counts: tuple[tuple[str, float], ...]
    attended: float
    replications: int | None = None

    def replications_of(self, scenario: Scenario) -> int:
        """How often both years of a service are run."""
        enough = ceil(REFERRALS_OF_A_YEAR / scenario.demand.referrals_per_year.value)
        return self.replications or min(max(enough, FEWEST_REPLICATIONS), MOST_REPLICATIONS)


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A service to be fitted and run. scenario: unfitted, as from `service_scenario`; years: of a backtest, None for one year."""

    code: str
    scenario: Scenario
    years: TwoYears | None = None

    @property
    def number(self) -> int:
        """A number by which what is kept of it is found again: equal tasks have the same, others never."""
        asked = json.dumps([self.code, self.scenario.model_dump_json(), repr(self.years)])
        return int.from_bytes(sha256(asked.encode()).digest()[:_BYTES_OF_A_NUMBER], "big")


def named_in_record(tasks: Sequence[ServiceTask]) -> dict[str, Any]:
    """Which services a folder is of, and years of a backtest, with a digest of all that was published of them and is used."""
    given = {"services": sorted(task.code for task in tasks)}
    years = {"from": tasks[0].years.first, "to": tasks[0].years.second} if tasks[0].years else {}
    numbers = sorted(task.number for task in tasks)
    return {**given, **years, "sha256": sha256(repr(numbers).encode()).hexdigest()}


def each_service(tasks: Sequence[ServiceTask], options: RunOptions) -> Iterator[tuple[str, Finished]]:
    """What came of each service, by code, in any order; those that were kept first.

    Of `Finished` only `read` has anything in it: "fitted/QUANTITY" for one year, and as `run_two_years` has it for two; or
    `digests` says under WHY_NOT why a service could not be fitted.
    """
    kept = options.kept if options.kept is not None else {}
    there = {task.code: kept[task.number, 0] for task in tasks if (task.number, 0) in kept}
    yield from there.items()
    done = len(there)
    options.report(done, len(tasks))
    left = {task.code: task for task in tasks if task.code not in there}
    with closing(answers(fit_and_run, left.items(), options.executor)) as coming:
        for code, finished in coming:
            if options.kept is not None:
                options.kept[left[code].number, 0] = finished
            done += 1
            options.report(done, len(tasks))
            yield code, finished


def fit_and_run(task: ServiceTask) -> Finished:
    """Fit a service, and run it: what each official figure is in the model, or what a backtest needs."""
    nothing = Finished(table_of({}), {}, {})
    try:
        fit = fit_service(task.scenario)
        return replace(
            nothing,
            read=one_year(task.scenario, fit) if task.years is None else two_years(task.scenario, fit, task.years),
        )
    except CaseloadError as error:
        return replace(nothing, digests={WHY_NOT: str(error)})


def one_year(scenario: Scenario, fit: ServiceFit) -> dict[str, float]:
    """Every official figure in the model as it was fitted, by name; one that nobody is counted in is left out."""
    trial = trial_of(scenario.with_changes(fit.changes))
    (results,) = summarise_each([Request(trial)])
    values = {name: row_of(results.rows, one.quantity).value for name, one in scenario.official.items()}
    return {name: float(value) for name, value in values.items() if not isnan(value)}


def two_years(scenario: Scenario, fit: ServiceFit, years: TwoYears) -> dict[str, float]:
    """Figures of both years by name, as "given_referrals/first/recovery".

    Lines: "given_referrals", and "given_attended" where attended appointments of both years are known
    """
    whole = with_counts(scenario.with_changes(fit.changes), dict(years.counts))
    both = both_years(trial_of(whole), years.first, years.second)
    turn = first_day_of(years.second)
    lines = {"given_referrals": both}
    if not isnan(years.attended):
        lines["given_attended"] = staffed_as(both, years.attended, years.second)
    read = OfEachYear((turn - first_day_of(years.first)).days)
    found: dict[str, float] = {}
    requests = [Request(with_run(one, None, years.replications_of(one)), read=read) for one in lines.values()]
    with closing(finish_each(requests)) as each:
        for line, (finished, _) in zip(lines, each, strict=True):
            for name in finished[0].read:
                values = [one.read[name] for one in finished if name in one.read]
                found[f"{line}/{name}"] = float(np.mean(values))
    return found
