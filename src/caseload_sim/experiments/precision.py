"""Run replications until a measure is precise enough: until half its 95% interval is as narrow as was asked for."""

import re
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.rehearsal import check_figures
from caseload_sim.experiments.replicate import Results, results_of
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.settings import MOST_REPLICATIONS, with_run
from caseload_sim.experiments.tasks import Finished
from caseload_sim.measures.rows import place_of
from caseload_sim.measures.summary import values_by_replication
from caseload_sim.measures.table import MeasureTable, Rows
from caseload_sim.pathway.own_policy import own_policy
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.statistics import half_widths, variance_of

FIRST_REPLICATIONS = 10  # of fewer, the spread is too much of a guess
DEFAULT_MOST = 1_000
HEADLINE = "recovery/finished/end"  # where only a width is given
_WRITTEN = re.compile(r"(?:(?P<figure>.+)=)?\s*(?P<number>[^=\s]+?)\s*(?P<unit>pp|%)?")
_HOW = "write MEASURE/BASE/AT/GROUP=WIDTH in quotes, as in 'recovery/finished/end=0.5pp', or 0.5pp alone for official recovery"


@dataclass(frozen=True, slots=True)
class Precision:
    """A row of the measures, and how wide half its 95% interval may be.

    base, at, group, service: as in Quantity; half_width: in the measure's unit, shares from 0 to 1
    """

    measure: str
    base: str
    at: str
    group: str
    half_width: float
    service: str = ""

    @property
    def quantity(self) -> Quantity:
        return Quantity(self.measure, self.base, self.at, self.service, self.group)

    def __str__(self) -> str:
        return str(self.quantity)


@dataclass(frozen=True, slots=True)
class Reached:
    """What came of asking for a precision: was it reached, and after how many replications?

    half_width: half the width of the interval in the end, NaN if it has none
    most: how many replications were allowed; needed: about how many it takes, judged by their spread; None if unknown
    """

    asked: Precision
    half_width: float
    replications: int
    most: int
    needed: int | None

    @property
    def is_met(self) -> bool:
        return self.half_width <= self.asked.half_width

    def in_words(self) -> str:
        """One sentence for a user."""
        what, unit = str(self.asked), definition(self.asked.measure).unit
        wide = f"within {_in_unit(self.half_width, unit)} (95% interval)"
        asked = _in_unit(self.asked.half_width, unit)
        if np.isnan(self.half_width):
            return f"Precision not reached: {what} has a value in fewer than two of {self.replications:,} replications."
        if self.is_met:
            return f"Precision: {what} is {wide} after {self.replications:,} replications; {asked} was asked for."
        return (
            f"Precision not reached: {what} is {wide} after {self.replications:,} replications, the most allowed; {asked} was asked "
            f"for and takes about {self.needed:,}. Allow more with --replications, or ask for less."
        )


def precision_from(text: str) -> Precision:
    """A precision as written.

    >>> precision_from("0.5pp")
    Precision(measure='recovery', base='finished', at='end', group='', half_width=0.005, service='')
    >>> precision_from("wait_days_mean/started//step=high_intensity = 2").half_width
    2.0

    Raises RunError, saying what is wrong with it.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise RunError(f"--precision {text}: {_HOW}.")
    measure, base, at, service, group = Quantity.parse(found["figure"] or HEADLINE)
    unit, mark = definition(measure).unit, found["unit"] or ""
    try:
        number = float(found["number"])
    except ValueError:
        raise RunError(f"--precision {text}: {found['number']} is not a number; {_HOW}.") from None
    if mark == "%":
        raise RunError(f"--precision {text}: % could mean points or a share of the value. {_unit_of(measure, unit)}")
    if (unit == "share") != (mark == "pp"):
        raise RunError(f"--precision {text}: {_unit_of(measure, unit)}")
    if not 0 < number < float("inf"):
        raise RunError(f"--precision {text}: must be a number above 0.")
    return Precision(measure, base, at, group, number / 100 if mark else number, service)


def replicate_until(
    scenario: Scenario,
    precision: Precision,
    *,
    seed: int | None = None,
    most: int = DEFAULT_MOST,
    **how: Unpack[RunKeywords],
) -> tuple[Results, Reached]:
    """Run a scenario until the 95% t interval of one row's mean is narrow enough; see `replicate` for what is not said here.

    Ten replications run first. Their variance says how many it should take, say 35; then as many run as are missing, but
    never more than there are already, so here ten more. This is repeated until the interval is narrow enough or there are
    `most`. The interval is looked at only when a round is complete, so the number does not depend on who runs them. (A
    sequential procedure: Chow and Robbins 1965. It tends to stop a little early, so that an interval covers the mean
    slightly less often than 95% of the time.)
    Raises RunError when the scenario has no such row, or `most` is impossible.
    """
    if most < 2:
        raise RunError(f"--replications {most}: an interval takes two at least.")
    check_figures(with_run(scenario, seed, 1), [precision.quantity])
    options = RunOptions(**how)
    if options.kept is None:
        options = replace(options, kept={})
    n, first = min(FIRST_REPLICATIONS, most), None
    while True:
        scenario = with_run(scenario, seed, n)
        each = finish_each([Request(scenario, all_tables=first is None, could_be=True)], options)
        with closing(each):
            finished, simulation = next(each)
        first = first or simulation
        half_width, needed = _look(finished, precision)
        if half_width <= precision.half_width or n == most:
            break
        n = min(most, 2 * n, max(n + 1, needed or 2 * n))
    assert first is not None
    first = replace(first, scenario=with_run(first.scenario, None, n))
    policy = own_policy(options.policy) if options.policy else None
    return results_of(scenario, finished, first, policy), Reached(precision, half_width, n, most, needed)


def _look(finished: list[Finished], precision: Precision) -> tuple[float, int | None]:
    """Half the width of the interval so far, and about how many replications it takes; NaN and None if too few have a value."""
    tables = [one.measures for one in finished]
    row_number = place_of(tables[0].rows.keys, precision.quantity)
    row = Rows([tables[0].rows.keys[row_number]])
    values = values_by_replication([MeasureTable(row, table.numbers[[row_number]]) for table in tables])
    half_width, variance = float(half_widths(values)[0][0]), float(variance_of(values)[0])
    with_value = int(np.sum(~np.isnan(values)))
    return half_width, _needed(variance, precision.half_width, len(values) / with_value) if with_value >= 2 else None


def _needed(variance: float, half_width: float, per_value: float) -> int:
    """Smallest number of replications whose t interval is narrow enough at this variance, up to MOST_REPLICATIONS.

    per_value: 1 if every replication has a value; 2 if only every second has one, since it then takes twice as many
    """
    from scipy.special import stdtrit

    n = np.arange(2, MOST_REPLICATIONS + 1)
    narrow = stdtrit(n - 1, 0.975) * np.sqrt(variance / n) <= half_width
    return int(np.ceil(per_value * (n[np.argmax(narrow)] if narrow.any() else MOST_REPLICATIONS)))


def _unit_of(measure: str, unit: str) -> str:
    if unit == "share":
        return f"{measure} is a share: write percentage points, as in 0.5pp."
    return f"{measure} is in {unit}: write a plain number of them."


def _in_unit(width: float, unit: str) -> str:
    return f"{100 * width:.2g} percentage points" if unit == "share" else f"{width:.3g} {unit}"
