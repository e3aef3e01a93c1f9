"""Quality-adjusted life years: what a year after referral is worth to each client, with the service and without.

The utility of a state of depression, by the band in which PHQ-9 lies, on each of the three readings that the model has; a
straight line between two readings; the area below it over 365 days. Clients are added up in whole numbers, so that sums
do not depend on their order.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from caseload_sim.clients.questionnaires import Scores
from caseload_sim.clients.severity import ONE_YEAR_DAYS
from caseload_sim.definitions.quantities import DIFFERENCE, SERVICES, Quantity
from caseload_sim.measures.counting import ratios
from caseload_sim.measures.simulation import Simulation
from caseload_sim.outcomes.readings import ReadingDays, reading_days
from caseload_sim.scenario.costs import Utilities
from caseload_sim.support.columns import Columns, Days, Floats

# Lowest PHQ-9 of each state but the first, in the order of the fields of Utilities. They are the bands of the questionnaire
# itself (source kroenke2001): the utilities are of five states from remission to severe depression, and PHQ-9 has five
# bands, of which the first is no depression. Kolovos' own cut-offs were of several questionnaires.
PHQ9_OF_STATES = (5, 10, 15, 20)
PER_QALY = 1_000_000  # a client's QALYs are whole millionths
_DIGITS = 1_000  # counted as thousands and ones, for columns that are added up hold no more
N_COLUMNS = 2 * len(SERVICES)


def utilities_of(phq9: Scores, utilities: Utilities) -> Floats:
    """Utility of the state in which each client is by PHQ-9, (n,) float64."""
    return np.array(utilities.by_state())[np.searchsorted(PHQ9_OF_STATES, phq9, side="right")]


def qalys_in_year(first: Floats, last: Floats, month_12: Floats, days: ReadingDays) -> Floats:
    """Area below the utilities over the 365 days from referral, in years, (n,) float64.

    first, last, month_12: (n,) utilities on the days of the first and of the last contact, and 365 days after the end. As at
    the first contact before it; then linear from reading to reading, and cut at 365 days, which lie before month 12.
    """
    area = first * np.minimum(days.first_contact, ONE_YEAR_DAYS)
    area += _below_line(days.first_contact, days.last_contact, first, last)
    area += _below_line(days.last_contact, days.end + np.int32(ONE_YEAR_DAYS), last, month_12)
    return np.asarray(area / ONE_YEAR_DAYS)


def _below_line(begin: Days, end: Days, from_utility: Floats, to_utility: Floats) -> Floats:
    """Area below a straight line between two days, up to day 365, each (n,)."""
    within = np.maximum(np.minimum(end, ONE_YEAR_DAYS) - begin, 0)
    slope = (to_utility - from_utility) / np.maximum(end - begin, 1)
    return np.asarray(within * (from_utility + slope * within / 2))


def qaly_columns(simulation: Simulation) -> list[NDArray[np.int32]]:
    """QALYs of each client with the service, then without, as thousands and ones of millionths: four columns (n,) int32."""
    scenario, out = simulation.scenario, simulation.outcomes
    utilities = scenario.costs.utilities
    days = reading_days(scenario, simulation.clients.referral_day, out)
    first = utilities_of(out.first_phq9, utilities)
    columns: list[NDArray[np.int32]] = []
    for reading in (out.service, out.none):
        last, month_12 = (utilities_of(phq9, utilities) for phq9 in (reading.last_phq9, reading.month_12_phq9))
        whole = np.rint(PER_QALY * qalys_in_year(first, last, month_12, days)).astype(np.int32)
        columns += np.divmod(whole, np.int32(_DIGITS))
    return columns


def qalys_of_sums(sums: Columns) -> Columns:
    """QALYs with the service and without, (2, groups), of sums of the columns of `qaly_columns`, (4, groups)."""
    return np.asarray((_DIGITS * sums[0::2] + sums[1::2]) / PER_QALY)


def qaly_keys(base: str, names: tuple[str, ...]) -> Iterator[Quantity]:
    """The rows of QALYs over a base, in the order of `qaly_numbers`, for groups of these names."""
    for service in (*SERVICES, DIFFERENCE):
        yield from (Quantity("qalys_mean", base, "", service, group) for group in names)


def qaly_numbers(qalys: Columns, number: Columns) -> Columns:
    """Numerator, denominator and value of the rows of QALYs, (rows, 3).

    qalys: (2, groups), with the service and without; number: (groups,) clients
    """
    both = ratios(qalys, np.broadcast_to(number, qalys.shape))
    difference = np.full_like(both[0], np.nan)
    difference[:, 2] = both[0, :, 2] - both[1, :, 2]
    return np.concatenate([both.reshape(-1, 3), difference])
