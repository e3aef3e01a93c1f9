"""How sure is this, and what does it cost? Chance beside what the figures could be; pounds for each person."""

from math import isnan

from caseload_sim.definitions.quantities import LADDER, Quantity
from caseload_sim.measures.rows import Row
from caseload_sim.report.assumed import as_typed
from caseload_sim.report.ladder import COULD_BE, in_words
from caseload_sim.report.material import Material, found
from caseload_sim.report.parts import Block, Command, Line, Marks, Section, Strong, Table
from caseload_sim.report.wording import NONE, between, chance_of, percent, pounds, scale_of, sentences, times, whole
from caseload_sim.scenario.costs import financial_year

_PEOPLE = (
    (Quantity("helped_to_recovery", "referred", "end", "", "all"), "People helped a year, by the questionnaires"),
    (Quantity("helped_to_remission", "referred", "end", "", "all"), "People helped a year, by interview"),
)
_SHARES = (LADDER[0], LADDER[1], LADDER[3])
_ROOM = 1.06


def how_sure(material: Material) -> Section:
    """The section on doubt: chance, and what the figures could be."""
    people = [(row, label, "beyond no service") for quantity, label in _PEOPLE if (row := _known(material, quantity))]
    shares = [(row, *in_words(rung)) for rung in _SHARES if (row := _known(material, rung))]
    if not material.is_served or not (people or shares):
        return Section(
            "How sure is this?",
            ("There is no service here, and nothing that it does of which one could be more or less sure.",),
        )
    lines = [*_lines(people), *_lines(shares)]
    table = Table(
        "How far each figure may be off; lines begin at 0",
        ("", "here", "by chance", "could be"),
        tuple(lines),
        (("value", "here"), ("chance", "by chance"), ("band", COULD_BE)),
    )
    blocks: list[Block] = [
        _two_kinds(material), table, _verdict([row for row, *_ in (*people, *shares)], material.scenario.run.replications),
        "Which of the assumptions move it most is another question, which takes a while to answer:",
        Command(f"caseload-sim uncertainty {as_typed(material.scenario)}"),
    ]  # fmt: skip
    return Section("How sure is this?", tuple(blocks))


def _known(material: Material, quantity: Quantity) -> Row | None:
    row: Row | None = found(material.table, quantity)
    return None if row is None or isnan(row.value) else row


def _lines(rows: list[tuple[Row, str, str]]) -> list[Line]:
    """A line for each figure, on one scale for all."""
    ends = [end for row, *_ in rows for end in (row.value, row.upper_95_ci, row.could_be_high) if not isnan(end)]
    lines = []
    for row, label, below in rows:
        scale = scale_of(row)
        share = row.unit == "share"
        chance, could_be = (
            (scale * low, scale * high)
            for low, high in ((row.lower_95_ci, row.upper_95_ci), (row.could_be_low, row.could_be_high))
        )
        marks = Marks(0, _ROOM * scale * max(ends), scale * row.value, chance=chance, could_be=could_be)
        unit = "%" * share
        said = [chance_of(row, 1 if share else 0), between(*could_be) or NONE]
        cells = (percent(row.value) if share else whole(row.value), *(text + unit * (text != NONE) for text in said))
        lines.append(Line(label, cells, below, marks))
    return lines


def _two_kinds(material: Material) -> str:
    n = material.scenario.run.replications
    chance = (
        "One simulated year alone cannot show what is chance."
        if n == 1
        else f"Chance is what would differ if the same year were lived again; here it was lived {times(n)}."
    )
    return sentences((
        chance,
        "Doubt is another thing: some of what decides who gets well has never been measured. \u201cCould be\u201d is the lowest and the "
        "highest figure of other models that agree with the same studies as well as this one does.",
    ))  # fmt: skip


def _verdict(rows: list[Row], n: int) -> Strong:
    """Whether chance or doubt is the greater, by the first figure of which both are known."""
    if all(isnan(row.could_be_low) for row in rows):
        return Strong(
            "What the figures could be by other models is not known for this run, so chance alone is shown. It is usually the smaller part."
        )
    row = next(row for row in rows if not isnan(row.could_be_low))
    if n == 1 or row.could_be_high - row.could_be_low > row.upper_95_ci - row.lower_95_ci:
        return Strong(
            "Most of the doubt is about what nobody has measured, not about chance. More simulated years would not take it away."
        )
    return Strong("Chance is the greater part here: more simulated years would narrow it.")


COSTS = (
    (Quantity("cost_per_referral", "referred", "", "", "all"), "Each referral"),
    (Quantity("cost_per_finished_course", "referred", "", "", "all"), "Each course that is finished"),
    (Quantity("cost_per_recovery", "referred", "end", "", "all"), "Each person counted as recovered"),
    (Quantity("cost_per_extra_recovery", "referred", "end", "", "all"), "Each person who would not have recovered without the service"),
)  # fmt: skip


def what_it_costs(material: Material) -> Section:
    """The section on pounds."""
    rows = [(row, label) for quantity, label in COSTS if (row := _known(material, quantity))]
    if not rows or not material.is_served:
        return Section("What does it cost?", ("There is no service here, and no cost.",))
    costs = material.scenario.costs
    lines = [Line(label, (pounds(row.value), _from_to(row))) for row, label in rows]
    basis = "with each contact at its price" if costs.basis == "sessions" else "by the staff in post"
    said = (
        f"A referral costs {pounds(rows[0][0].value)} on average, {basis}, in pounds of {financial_year(costs.report_year)}. The money for "
        "those who leave early or do not get better is in every line."
    )
    return Section(
        "What does it cost?", (said, Table("All the money, shared out over", ("", "pounds", "by chance"), tuple(lines)))
    )


def _from_to(row: Row) -> str:
    if isnan(row.lower_95_ci) or isnan(row.upper_95_ci):
        return NONE
    return f"{pounds(row.lower_95_ci)} to {pounds(row.upper_95_ci)}"
