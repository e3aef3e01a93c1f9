"""Why more people can be helped while the reported share falls, in a sentence for each comparison where the two part."""

from collections.abc import Sequence

from caseload_sim.definitions.quantities import HELPED, Quantity
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.measures.rows import quantity_of

PEOPLE = HELPED[0]
SHARE = Quantity("recovery", "finished", "end", "service", "all")
UNTREATED = SHARE._replace(service="none")
WAIT = Quantity("second_contact_days_mean", "finished", "", "", "all")
FINISHED = Quantity("finished_course_treatment", "all", "", "", "all")


def why_apart(rows: Sequence[ComparisonRow]) -> list[str]:
    """A sentence for each scenario in which people helped and the share of finishers who recover move in opposite ways.

    Both changes must be beyond chance: their 95% intervals leave out 0.
    """
    wanted = {PEOPLE, SHARE, UNTREATED, WAIT, FINISHED}
    found: dict[str, dict[Quantity, ComparisonRow]] = {}
    for row in rows:
        if row.versus and (quantity := quantity_of(row)) in wanted:
            found.setdefault(row.scenario, {})[quantity] = row
    return [_sentence(name, some) for name, some in found.items() if _part(some)]


def _part(found: dict[Quantity, ComparisonRow]) -> bool:
    if PEOPLE not in found or SHARE not in found:
        return False
    ways = {_way(found[PEOPLE]), _way(found[SHARE])}
    return ways == {1, -1}


def _way(row: ComparisonRow) -> int:
    """1 where a figure rises beyond chance, -1 where it falls, else 0."""
    return int(row.difference_lower_95_ci > 0) - int(row.difference_upper_95_ci < 0)


def _sentence(name: str, found: dict[Quantity, ComparisonRow]) -> str:
    helped, share = found[PEOPLE].difference, found[SHARE].difference
    said = (
        f"{name}: {abs(helped):,.0f} {'more' if helped > 0 else 'fewer'} people are helped a year, yet the reported share "
        f"{'falls' if share < 0 else 'rises'} by {100 * abs(share):.1f} points"
    )
    reasons = []
    untreated, wait, finished = (found.get(quantity) for quantity in (UNTREATED, WAIT, FINISHED))
    if untreated is not None and _way(untreated) == _way(found[SHARE]):
        longer = "more" if share > 0 else "less"
        reason = f"those who finish had {longer} time to get better by themselves"
        if wait is not None and _way(wait) == _way(found[SHARE]):
            reason += f" (they waited {abs(wait.difference):.0f} days {'longer' if wait.difference > 0 else 'less'})"
        reasons.append(reason)
    if finished is not None and _way(finished) == _way(found[PEOPLE]):
        reasons.append(f"{abs(finished.difference):,.0f} {'more' if finished.difference > 0 else 'fewer'} finish")
    return f"{said}{', because ' * bool(reasons)}{', and '.join(reasons)}. Judge it by the people."
