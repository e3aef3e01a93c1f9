"""A rehearsal: one replication with hardly anybody, to know which figures a scenario reports before the work begins."""

from collections.abc import Iterable

from caseload_sim.definitions.quantities import LADDER_TO_REFERRED, Quantity
from caseload_sim.engines.engine import ENGINES
from caseload_sim.errors import CaseloadError
from caseload_sim.measures.rows import UNSAID, places_of
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.simulation.replication import run_once

_ALWAYS_THERE = {quantity._replace(service="") for quantity in LADDER_TO_REFERRED}


def check_figures(scenario: Scenario, figures: Iterable[Quantity], unsaid: Quantity = UNSAID) -> None:
    """Raises RunError for a figure that the scenario does not report, and says what there is, as `places_of` does.

    unsaid: what is meant by a part that is left out
    """
    asked = [figure for figure in figures if _in_full(figure, unsaid) not in _ALWAYS_THERE]
    rows = _rows_of(scenario) if asked else ()
    for figure in asked:
        if rows:
            places_of(rows, figure, unsaid)


def _in_full(figure: Quantity, unsaid: Quantity) -> Quantity:
    base, at, group = (getattr(figure, part) or getattr(unsaid, part) for part in ("base", "at", "group"))
    return Quantity(figure.measure, base, at, "", group)


def _rows_of(scenario: Scenario) -> tuple[Quantity, ...]:
    """The addresses of all figures, which are the same however many clients there are; none where nobody can be left out."""
    alike = {"replace": True, "number": 2, "staff_log_sd": {"value": 0}}  # any two report the same figures
    fewest = {"demand.referrals_per_year": 1, "demand.monthly_referrals": {"replace": True}} | (
        {"providers": alike} if scenario.providers else {}
    )
    try:
        table, *_ = run_once(scenario.with_changes(fewest), 0, ENGINES["reference"], all_tables=False)
    except CaseloadError:
        return ()
    return tuple(table.rows.keys)
