"""Will people wait less? Waits beside the national standards, and every list."""

from math import isnan, nan

from caseload_sim.definitions.quantities import words
from caseload_sim.measures.rows import Row
from caseload_sim.measures.stability import Stability
from caseload_sim.report.material import Material
from caseload_sim.report.parts import Block, Drawing, Line, Marks, Section, Table
from caseload_sim.report.wording import NONE, capital, days, listed, percent, sentences, signed, whole, years

# Days of the national standards on waits: six and eighteen weeks to the first contact, and 90 days between the first two.
FIRST_CONTACT, SECOND_CONTACT = (42.0, 126.0), (90.0,)
_ROOM = 1.06


def will_people_wait_less(material: Material) -> Section:
    """The section on waits and lists."""
    blocks: list[Block] = []
    table = _table(material)
    if not table.lines:
        return Section("Will people wait less?", ("Nobody waits here: there is no service to wait for.",))
    blocks.append(sentences((_of_days(material), _of_second_contact(material), growth_in_words(material.stability))))
    if material.drawn_from is not None:
        is_own = material.headline.is_own
        says = (
            "Referrals by month before and after today, and how many people are on each waiting list from today on"
            if is_own
            else "How many people are on each waiting list, and how many places are in use, from the opening of the simulated service on"
        )
        blocks.append(Drawing("outlook" if is_own else "waiting_list", f"{says}. The numbers are in the table below."))
    return Section("Will people wait less?", (*blocks, table))


def growth_in_words(stability: Stability) -> str:
    """Which lists grow or shrink, in one sentence."""
    if stability.answer == "steady":
        return "With this staff, waiting lists stay about as long as they are."
    if stability.answer == "cannot tell":
        return f"Whether waiting lists grow with this staff cannot be told from {years(stability.runs)}."
    growing = {words(step): by for step, by in stability.moving.items() if by > 0}
    falling = {words(step): by for step, by in stability.moving.items() if by < 0}
    said = [
        f"the waiting list for {listed([f'{step} {way} by about {whole(abs(by))}' for step, by in some.items()])} people a week"
        for some, way in ((growing, "grows"), (falling, "shrinks"))
        if some
    ]
    return f"With this staff, {', while '.join(said)}."


def _of_days(material: Material) -> str:
    half, most = (material.row(f"first_contact_days_{what}", "started") for what in ("median", "90th_percentile"))
    if half is None or most is None or isnan(half.value):
        return ""
    return f"Half of those seen had their first contact within {days(half.value)} of referral, and nine in ten within {whole(most.value)}."


def _of_second_contact(material: Material) -> str:
    half, over = material.row("second_contact_days_median", "finished"), material.row("second_contact_over_90_days", "finished")
    if half is None or over is None or isnan(half.value):
        return ""
    return (
        f"From the first contact to the second, half waited {days(half.value)} or less; {percent(over.value)} waited longer than the "
        "90 days that the national standard allows."
    )


def _table(material: Material) -> Table:
    """Half and nine in ten, for both contacts and for every list, with the lists' lengths."""
    pairs: list[tuple[str, str, tuple[float, ...], Row | None, Row | None, str]] = [
        (label, below, standards, *(material.row(f"{name}_{what}", base) for what in ("median", "90th_percentile")), "")
        for label, below, standards, name, base in (
            ("Referral to first contact", "ticks: 6 and 18 weeks", FIRST_CONTACT, "first_contact_days", "started"),
            ("First to second contact", "tick: 90 days", SECOND_CONTACT, "second_contact_days", "finished"),
        )
    ]
    for row in material.table.find(measure="waiting_list"):
        step = row.group.removeprefix("step=")
        half, most = (material.row(f"wait_days_{what}", "started", group=row.group) for what in ("median", "90th_percentile"))
        pairs.append((f"List for {words(step)}", "", (), half, most, row.group))
    known = [one for one in pairs if one[3] is not None and one[4] is not None and not isnan(one[3].value)]
    furthest = _ROOM * max([0.0, *(end for one in known if one[4] for end in (one[4].value, *one[2]))])
    lines = []
    for label, below, standards, half, most, group in known:
        assert half is not None
        assert most is not None
        marks = Marks(0, furthest, half.value, most.value, could_be=(half.value, most.value), ticks=standards)
        waiting, growth = (material.row(name, "all", group=group) if group else None for name in ("waiting_list", "waiting_list_growth"))
        cells = (
            whole(half.value), whole(most.value), NONE if waiting is None else whole(waiting.value),
            NONE if growth is None else signed(growth.value, 1),
        )  # fmt: skip
        lines.append(Line(capital(label), cells, below, marks))
    return Table(
        f"How long people wait, in days; lines from 0 to {whole(furthest)} days",
        ("", "half wait at most", "nine in ten at most", "people on the list", "its change a week"),
        tuple(lines),
        (("value", "half"), ("other", "nine in ten"), ("tick", "national standard")),
    )
