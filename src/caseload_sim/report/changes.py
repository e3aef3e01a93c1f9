"""What would change it? Each plan beside today on the same people: people first, then waits, then shares."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from typing import NamedTuple

from caseload_sim.definitions.quantities import LADDER, Quantity
from caseload_sim.definitions.times import DAYS_PER_YEAR
from caseload_sim.experiments.apart import why_apart
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.measures.rows import Row
from caseload_sim.report.assumed import as_typed, inputs_in_words, inputs_that_differ
from caseload_sim.report.ladder import COULD_BE, in_words
from caseload_sim.report.material import Material, Plan, found
from caseload_sim.report.parts import Block, Command, Heading, Items, Line, Marks, Section, Strong, Table
from caseload_sim.report.wording import (
    NONE,
    between,
    capital,
    days,
    listed,
    percent,
    pounds,
    scale_of,
    sentences,
    signed,
    whole,
)

HEADING = "What would change it?"
_MOST_INPUTS = 4
_ROOM = 1.06


class Figure(NamedTuple):
    """A figure of which the change is shown.

    label, below: what it is, in two lines; said: how more people of it are said
    less_is_better: as of waits; of_the_period: a count of the whole period, which is not always a year
    """

    quantity: Quantity
    label: str
    below: str = ""
    less_is_better: bool = False
    said: str = ""
    of_the_period: bool = False


_PEOPLE = (
    Figure(
        Quantity("helped_to_recovery", "referred", "end", "", "all"),
        "People helped, by the questionnaires",
        "beyond no service, a year",
        said="people helped by the questionnaires",
    ),
    Figure(
        Quantity("helped_to_remission", "referred", "end", "", "all"),
        "People helped, by interview",
        "beyond no service, a year",
        said="helped by interview",
    ),
    Figure(
        Quantity("finished_course_treatment", "all", "", "", "all"),
        "People who finish a course",
        "a year",
        said="finishing a course",
        of_the_period=True,
    ),
)
_WAITS = (
    Figure(
        Quantity("first_contact_days_mean", "started", "", "", "all"), "Referral to first contact", "mean days", True
    ),
    Figure(
        Quantity("second_contact_days_mean", "finished", "", "", "all"), "First to second contact", "mean days", True
    ),
)
_SHARES = tuple(Figure(rung, *in_words(rung)) for rung in (*LADDER[:2], LADDER[4]))
_GROUPS = {"People": _PEOPLE, "Waits": _WAITS, "Shares, in points of 100": _SHARES}
_IN_SHORT = {
    "People": _PEOPLE,
    "Waits": _WAITS[1:],
    "Shares, in points of 100": _SHARES[:1],
}  # of each of several plans
FIGURES = tuple(one for group in _GROUPS.values() for one in group)


def what_would_change(material: Material) -> Section:
    """The section on plans: a table for each, or how to ask for one."""
    if not material.plans:
        return Section(HEADING, _how_to_ask(material))
    blocks: list[Block] = [
        "Each plan below was tried on the very same people, with the same luck, so that what differs is the plan\u2019s doing. The brackets "
        "say by how much chance could move the change. Right of the middle is better."
    ]
    for plan in material.plans:
        blocks += _of_plan(material, plan)
    return Section(HEADING, tuple(blocks))


def _how_to_ask(material: Material) -> tuple[Block, ...]:
    return (
        "No plan was compared. Write what would be different into a scenario file, such as more posts, and ask for this report again "
        "with it. Both are then tried on the same people, and the change is shown here, people first.",
        Command(f"caseload-sim report {as_typed(material.scenario)} --versus my_plan.toml --out report.html"),
    )


Triple = tuple[Figure, Row, ComparisonRow]


def changes_of(material: Material, plan: Plan, figures: Sequence[Figure] = FIGURES) -> list[Triple]:
    """Of each figure that both have, the row of today and that of the plan; people in a year."""
    per_year = DAYS_PER_YEAR / material.scenario.run.data_collection_days
    triples = []
    for figure in figures:
        before, row = found(material.table, figure.quantity), found(plan.rows, figure.quantity)
        if before is None or row is None or isnan(row.difference):
            continue
        if figure.of_the_period:
            before = replace(before, value=per_year * before.value)
            row = replace(row, **{name: per_year * getattr(row, name) for name in _SCALED})
        triples.append((figure, before, row))
    return triples


_SCALED = (
    "value",
    "difference",
    "difference_lower_95_ci",
    "difference_upper_95_ci",
    "difference_could_be_low",
    "difference_could_be_high",
)


def _of_plan(material: Material, plan: Plan) -> list[Block]:
    title = plan.scenario.title
    if title == material.scenario.title:
        title = capital(plan.scenario.name.replace("_", " "))
    inputs = inputs_that_differ(material.scenario, plan.scenario)
    some = inputs_in_words(inputs[:_MOST_INPUTS])
    if len(inputs) > _MOST_INPUTS:
        some += (f"and {len(inputs) - _MOST_INPUTS} more: caseload-sim diff shows all",)
    blocks: list[Block] = [Heading(title)]
    if some:
        blocks += ["What is different:", Items(some)]
    blocks.append(_lead(changes_of(material, plan, (*_PEOPLE, *_WAITS))))
    for sentence in why_apart(list(_wanted(plan.rows))):
        blocks.append(Strong(capital(sentence.removeprefix(f"{plan.scenario.name}: "))))
    blocks.append(_table(material, plan))
    return blocks


def _wanted(rows: Sequence[ComparisonRow]) -> Sequence[ComparisonRow]:
    """Only the rows of all clients, of which a table makes no more than it must."""
    find = getattr(rows, "find", None)
    return find(group="all") if find else rows


def _lead(triples: Sequence[Triple]) -> str:
    """What changes beyond chance, people first, and what does not."""
    clear = [_change(figure, row.difference) for figure, _, row in triples if _is_clear(row)]
    unclear = [figure.label[0].lower() + figure.label[1:] for figure, _, row in triples if not _is_clear(row)]
    if not clear:
        return "Nothing changes beyond chance, neither for people nor for waits."
    no_change = f"No clear change: {listed(unclear)}." if unclear else ""
    return sentences((f"Against today, in a year: {listed(clear)}.", no_change, _but_by_others(triples)))


def _but_by_others(triples: Sequence[Triple]) -> str:
    """What must be said where people change beyond chance, but other models that fit as well have it the other way round."""
    turned = []
    for figure, _, row in triples:
        other_end = row.difference_could_be_low if row.difference > 0 else row.difference_could_be_high
        if figure.said and _is_clear(row) and row.difference * other_end < 0:
            turned.append(_change(figure, other_end))
    return f"By other models that fit as well it could also be {listed(turned)}." if turned else ""


def _is_clear(row: ComparisonRow) -> bool:
    return row.difference_lower_95_ci > 0 or row.difference_upper_95_ci < 0


def _change(figure: Figure, by: float) -> str:
    if figure.less_is_better:
        return f"{figure.label[0].lower()}{figure.label[1:]} takes {days(abs(by))} {'longer' if by > 0 else 'less'}"
    return f"{whole(abs(by))} {'more' if by > 0 else 'fewer'} {figure.said}"


def _table(material: Material, plan: Plan) -> Table:
    lines: list[Line] = []
    for heading, figures in (_IN_SHORT if len(material.plans) > 1 else _GROUPS).items():
        if triples := changes_of(material, plan, figures):
            lines += [Line(heading), *_lines(triples)]
    cost = Quantity("cost_per_referral", "referred", "", "", "all")
    before, after = found(material.table, cost), found(plan.rows, cost)
    if before is not None and after is not None and not isnan(after.difference):
        by = after.difference
        change = f"{'+' if by > 0 else ''}{pounds(by)}"
        lines += [Line("Money"), Line("Each referral", (pounds(before.value), pounds(after.value), change, NONE))]
    return Table(
        "What changes, people first; lines: better to the right of the middle",
        ("", "today", "plan", "change (by chance)", "could be"),
        tuple(lines),
        (("value", "change"), ("chance", "by chance"), ("band", COULD_BE)),
    )


def _lines(triples: Sequence[Triple]) -> list[Line]:
    """A line for each figure of a group, on one scale for all, better to the right."""
    furthest = max(
        scale_of(row) * abs(end)
        for _, _, row in triples
        for end in (row.difference, row.difference_lower_95_ci, row.difference_upper_95_ci, row.difference_could_be_low, row.difference_could_be_high)
        if not isnan(end)
    )  # fmt: skip
    reach = _ROOM * furthest or 1.0
    lines = []
    for figure, before, row in triples:
        scale, share = scale_of(row), row.unit == "share"
        digits = 0 if row.unit not in ("share", "days") else 1
        way = -scale if figure.less_is_better else scale
        chance, could_be = (
            (way * low, way * high)
            for low, high in (
                (row.difference_lower_95_ci, row.difference_upper_95_ci),
                (row.difference_could_be_low, row.difference_could_be_high),
            )
        )
        marks = Marks(-reach, reach, way * row.difference, chance=chance, could_be=could_be)
        write = percent if share else whole
        by_chance = between(scale * row.difference_lower_95_ci, scale * row.difference_upper_95_ci, digits, sign=True)
        doubt = between(scale * row.difference_could_be_low, scale * row.difference_could_be_high, digits, sign=True)
        change = signed(scale * row.difference, digits) + (f" ({by_chance})" if by_chance else "")
        lines.append(
            Line(figure.label, (write(before.value), write(row.value), change, doubt or NONE), figure.below, marks)
        )
    return lines
