"""Who gets well, and who says so? The same people by every definition, with the service and untreated."""

from math import ceil, isnan

from caseload_sim.definitions.published import ENGLAND, SCOTT_2018
from caseload_sim.definitions.quantities import DIFFERENCE, LADDER, SERVICES, Quantity
from caseload_sim.figures.marks import published_rungs
from caseload_sim.measures.headline import OF_FINISHERS, OF_REFERRED
from caseload_sim.measures.rows import Row
from caseload_sim.report.material import Material, found
from caseload_sim.report.parts import Block, Line, Marks, Section, Strong, Table
from caseload_sim.report.wording import NONE, between, percent, scale_of, sentences, signed, whole

# Each rung of the ladder in words that need no training, and of whom.
_RUNGS = {
    "recovery": "Recovered, by the service\u2019s questionnaires",
    "principal_remission": "Main disorder gone, by interview",
    "all_remission": "All disorders gone, by interview",
    "full_remission": "All disorders clearly gone, by interview",
}
_WHOM = {"finished": "of those who finish", "started": "of all who were seen", "referred": "of all who were referred"}
COULD_BE = "could be, by other models that fit as well"
_READ = {"end": "", "sustained": ", and no relapse within a year"}


def rungs_of(material: Material) -> list[Quantity]:
    """The rungs that are shown: of those who finish, or of all referred where nobody does."""
    finished = material.row("finished_course_treatment", "all")
    return list((OF_FINISHERS if finished is not None and finished.value else OF_REFERRED).values())


def in_words(rung: Quantity) -> tuple[str, str]:
    """What a rung asks for, and of whom."""
    return _RUNGS[rung.measure], f"{_WHOM[rung.base]}{_READ[rung.at]}"


def added(material: Material) -> Row | None:
    """What the service adds to the first rung."""
    row: Row | None = found(material.table, LADDER[0]._replace(service=DIFFERENCE))
    return row


def who_gets_well(material: Material) -> Section:
    """The section with the ladder."""
    table = _table(material)
    blocks: list[Block] = [
        "How many get well depends on who judges, over whom, and when. Below, the same people are counted in each way, and beside "
        "them once more as they would be had nobody treated them."
    ]
    if table.lines:
        blocks.append(table)
    blocks.append(sentences((_of_people(material), _still_ill(material))))
    blocks.append(_published(material))
    blocks.append(Strong("Ask of every figure: who judges, over whom, and when?"))
    return Section("Who gets well, and who says so?", tuple(block for block in blocks if block))


def _table(material: Material) -> Table:
    lines = []
    reach = _reach(material)
    for rung in rungs_of(material):
        ours, untreated, more = (
            found(material.table, rung._replace(service=service)) for service in ("service", "none", DIFFERENCE)
        )
        if ours is None or (isnan(ours.value) and (untreated is None or isnan(untreated.value))):
            continue
        label, whom = in_words(rung)
        could_be = between(100 * ours.could_be_low, 100 * ours.could_be_high)
        cells = (
            percent(ours.value), percent(untreated.value) if untreated else NONE, signed(100 * more.value) if more else NONE,
            f"{could_be}%" if could_be else NONE,
        )  # fmt: skip
        lines.append(Line(label, cells, whom, _marks(ours, untreated, _ticks(material, rung), reach)))
    return Table(
        "People who get well, by definition; lines begin at 0",
        ("", "with the service", "untreated", "added, in points", "could be"),
        tuple(lines),
        (
            ("value", "with the service"),
            ("other", "the same people untreated"),
            ("band", COULD_BE),
            ("tick", "published"),
        ),
    )


def _reach(material: Material) -> float:
    """Where the lines end: the next ten points of 100 beyond all that is drawn."""
    rows = [
        found(material.table, rung._replace(service=service)) for rung in rungs_of(material) for service in SERVICES
    ]
    ends = [100 * end for row in rows if row is not None for end in (row.value, row.could_be_high) if not isnan(end)]
    ends += [tick for rung in rungs_of(material) for tick in _ticks(material, rung)]
    return min(10.0 * ceil((max(ends, default=0.0) + 1) / 10), 100.0)


def _marks(ours: Row, untreated: Row | None, ticks: tuple[float, ...], reach: float) -> Marks:
    scale = scale_of(ours)
    other = scale * untreated.value if untreated else float("nan")
    could_be = (scale * ours.could_be_low, scale * ours.could_be_high)
    return Marks(0, reach, scale * ours.value, other, could_be=could_be, ticks=ticks)


def _ticks(material: Material, rung: Quantity) -> tuple[float, ...]:
    """What is published of a rung, in points of 100: for England, by the one audit, and for the service where its file says so."""
    ticks = [100 * one.value for one in published_rungs() if one.quantity == rung]
    own = material.scenario.official.get("recovery")
    if own and rung == ENGLAND.quantity:
        ticks.append(100 * own.value)
    return tuple(dict.fromkeys(ticks))


def _of_people(material: Material) -> str:
    recover, lose = (material.row(name, "referred", "end") for name in ("helped_to_recovery", "helped_to_remission"))
    if recover is None or lose is None or isnan(recover.value) or not material.is_served:
        return ""
    return (
        f"In a year, {whole(recover.value)} more people recover by the questionnaires than would without any service; by interview, "
        f"{whole(lose.value)} more lose their main disorder."
    )


def _still_ill(material: Material) -> str:
    row = material.row("recovered_still_diagnosed", "finished", "end", "service")
    if row is None or isnan(row.value):
        return ""
    return (
        f"Of those counted as recovered, {percent(row.value)} would still be found to have a disorder in an interview."
    )


def _published(material: Material) -> str:
    own = material.scenario.official.get("recovery")
    said = [
        f"England reports {percent(ENGLAND.value, 1)} recovered by the questionnaires (2024-25).",
        f"The one audit by interview found {percent(SCOTT_2018.found, 1)} of some {SCOTT_2018.n} people fully recovered (Scott 2018).",
    ]
    if own is not None and own.value != ENGLAND.value:
        said.insert(0, f"This service reports {percent(own.value, 1)}.")
    return sentences(said)
