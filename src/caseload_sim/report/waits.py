"""Will people wait less? Waits beside the national standards, and every list."""

from dataclasses import dataclass
from math import isnan, nan

from caseload_sim.definitions.labels import in_words
from caseload_sim.figures.marks import STANDARDS
from caseload_sim.measures.stability import Stability
from caseload_sim.report.material import Material
from caseload_sim.report.parts import Block, Drawing, Line, Marks, Section, Table
from caseload_sim.report.wording import days, listed, people, percent, sentences, signed, whole, years

_ROOM = 1.06


@dataclass(frozen=True, slots=True)
class Wait:
    """How long people wait for something, in days, and how many do; NaN where that is not known or there is no list.

    standards: days that England counts by
    """

    label: str
    below: str
    half: float
    most: float
    waiting: float
    growth: float
    standards: tuple[float, ...]


def will_people_wait_less(material: Material) -> Section:
    """The section on waits and lists."""
    table = _table(material)
    if not table.lines:
        return Section("Will people wait less?", ("Nobody waits here: there is no service to wait for.",))
    blocks: list[Block] = [
        sentences((_of_days(material), _of_second_contact(material), growth_in_words(material.stability)))
    ]
    if material.draw is not None:
        has_lists = bool(material.scenario.start.stated())
        says = (
            "Referrals by month before and after today, and how many people are on each waiting list from today on"
            if has_lists
            else "How many people are on each waiting list, and how many places are in use, from the opening of the simulated service on"
        )
        blocks.append(
            Drawing("outlook" if has_lists else "waiting_list", f"{says}. The numbers are in the table below.")
        )
    return Section("Will people wait less?", (*blocks, table))


def growth_in_words(stability: Stability) -> str:
    """Which lists grow or shrink, in one sentence."""
    if stability.answer == "steady":
        return "With this staff, waiting lists stay about as long as they are."
    if stability.answer == "cannot tell":
        return f"Whether waiting lists grow with this staff cannot be told from {years(stability.runs)}."
    said = [
        f"the list for {in_words(step)} {'grows' if by > 0 else 'shrinks'} by about {people(by)}"
        for step, by in sorted(stability.moving.items(), key=lambda one: -one[1])
    ]
    return f"With this staff, {listed(said)} a week."


def _of_days(material: Material) -> str:
    half, most = (material.row(f"first_contact_days_{what}", "started") for what in ("median", "90th_percentile"))
    if half is None or most is None or isnan(half.value):
        return ""
    return f"Half of those seen had their first contact within {days(half.value)} of referral, and nine in ten within {whole(most.value)}."


def _of_second_contact(material: Material) -> str:
    half, over = (
        material.row("second_contact_days_median", "finished"),
        material.row("second_contact_over_90_days", "finished"),
    )
    if half is None or over is None or isnan(half.value):
        return ""
    share = percent(over.value) if round(100 * over.value) else "hardly anybody"
    return (
        f"From the first contact to the second, half waited {days(half.value)} or less, and {share} waited longer than 90 days, which "
        "England reports as too long."
    )


def waits_of(material: Material) -> list[Wait]:
    """The two waits with national standards, and every list, where anybody waited."""
    waits = [
        _wait(material, label, below, name, base)
        for label, below, name, base in (
            ("Referral to first contact", "ticks: 6 and 18 weeks", "first_contact_days", "started"),
            ("First to second contact", "tick: 90 days", "second_contact_days", "finished"),
        )
    ]
    for row in material.table.find(measure="waiting_list"):
        label = f"List: {in_words(row.group.removeprefix('step='))}"
        waits.append(_wait(material, label, "", "wait_days", "started", row.group))
    return [wait for wait in waits if not isnan(wait.half)]


def _wait(material: Material, label: str, below: str, name: str, base: str, group: str = "all") -> Wait:
    half, most = (_value(material, f"{name}_{what}", base, group) for what in ("median", "90th_percentile"))
    of_list = [
        _value(material, what, "all", group) for what in ("waiting_list", "waiting_list_growth") if group != "all"
    ]
    waiting, growth = of_list or (nan, nan)
    standards = tuple(float(one.days) for one in STANDARDS.get(name, ()))
    return Wait(label, below, half, most, waiting, growth, standards)


def _value(material: Material, measure: str, base: str, group: str) -> float:
    row = material.row(measure, base, group=group)
    return nan if row is None else row.value


def _table(material: Material) -> Table:
    """Half and nine in ten, for both contacts and for every list, with the lists' lengths."""
    waits = waits_of(material)
    furthest = _ROOM * max([0.0, *(end for wait in waits for end in (wait.most, *wait.standards))])
    lines = [
        Line(
            wait.label,
            (whole(wait.half), whole(wait.most), whole(wait.waiting), signed(wait.growth, 1)),
            wait.below,
            Marks(0, furthest, wait.half, wait.most, could_be=(wait.half, wait.most), ticks=wait.standards),
        )
        for wait in waits
    ]
    return Table(
        "How long people wait, in days; lines begin at 0",
        ("", "half wait at most", "nine in ten at most", "people on the list", "its change a week"),
        tuple(lines),
        (("value", "half"), ("other", "nine in ten"), ("tick", "what England counts by")),
    )
