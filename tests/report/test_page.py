"""What a report says: every number from a row, in plain words, people first, the same bytes from the same run."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from html import unescape
from itertools import count
from math import isnan
from typing import Any, TypeVar

import openpyxl
import pytest

from caseload_sim.definitions.published import EIGHTEEN_WEEKS, ENGLAND, SCOTT_2018, SIX_WEEKS
from caseload_sim.definitions.quantities import LADDER, Quantity
from caseload_sim.definitions.times import DAYS_PER_YEAR
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import ComparisonRow
from caseload_sim.measures.rows import Row, quantity_of, row_of
from caseload_sim.report.assumed import inputs_in_words, inputs_that_differ
from caseload_sim.report.drawn import inline
from caseload_sim.report.html import as_html
from caseload_sim.report.material import Material, Plan, material_of
from caseload_sim.report.page import page_of
from caseload_sim.report.parts import Card, Line, Page, Strong, Table
from caseload_sim.report.workbook import as_workbook, is_workbook
from caseload_sim.scenario.catalogue import get_scenario
from caseload_sim.support.row_table import as_table
from saved_reports import REPORTS, TITLE, folders, material_for

BANNED = (
    "replication",
    "base",
    "month_12",
    "month 12",
    "mser",
    "caseness",
    "official recovery",
    "remission",
    "nan",
    "_",
)
QUESTIONS = (
    "Will people wait less?",
    "Who gets well, and who says so?",
    "What would change it?",
    "How sure is this?",
    "What does it cost?",
)
# Standards in points of 100 and in weeks, what England and the one audit found and when, "of every 100"; 90 days are a wait too.
CONSTANTS = {
    100 * SIX_WEEKS.share,
    100 * EIGHTEEN_WEEKS.share,
    100 * ENGLAND.value,
    2024,
    25,
    100 * SCOTT_2018.found,
    SCOTT_2018.n,
    2018,
    6,
    18,
    100,
    0,
}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_WRITTEN = {one.name for one in fields(ComparisonRow) if one.type is float} - {
    "numerator",
    "denominator",
    "variance_removed",
}
R = TypeVar("R", bound=Row)


def body(page: str) -> str:
    """What is read: the text of the page up to the part that is folded, without pictures, commands and numbers of sections."""
    text = page[page.index("<body>") : page.index("<details>")]
    for gone in (r"<svg.*?</svg>", r"<code>.*?</code>", r'<span class="count">\d</span>', r"<h1>.*?</h1>"):
        text = re.sub(gone, " ", text, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", text))


def numbers_in(text: str) -> set[float]:
    return {float(found.replace(",", "")) for found in NUMBER.findall(text)}


def unlike_any_other(rows: Iterable[R], numbers: "count[int]") -> list[R]:
    """The rows with other numbers in place of all that are not 0: whole, no two alike, and so large that none is there by chance."""
    changed = []
    for row in rows:
        unit = 100 if row.unit == "share" else 1
        others: dict[str, Any] = {
            one.name: next(numbers) / unit
            for one in fields(row)
            if one.name in _WRITTEN and getattr(row, one.name) and not isnan(getattr(row, one.name))
        }
        changed.append(replace(row, **others))
    return changed


def numbers_of(rows: Iterable[Row], per_year: float) -> set[float]:
    """Every number of rows as it may be written: shares as points of 100, counts of a period also by the year."""
    found = set()
    for row in rows:
        unit = 100 if row.unit == "share" else 1
        for one in fields(row):
            value = getattr(row, one.name)
            if one.name in _WRITTEN and not isnan(value):
                found |= {float(f"{unit * value * by:.{digits}f}") for by in (1, per_year) for digits in (0, 1)}
    return found


def strange(material: Material) -> Material:
    """The same report of numbers that can come from nowhere but the rows."""
    numbers = count(100_003, 7)
    return replace(
        material,
        rows=unlike_any_other(material.table.find(group="all") + steps_of(material.rows), numbers),
        plans=tuple(
            Plan(one.scenario, unlike_any_other([row for row in one.rows if row.group == "all"], numbers))
            for one in material.plans
        ),
    )


def steps_of(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.group.startswith("step=")]


@pytest.mark.parametrize("name", REPORTS)
def test_every_number_on_the_page_is_that_of_a_row_or_a_standard(name: str) -> None:
    material = material_for(name)
    changed = strange(material)
    per_year = DAYS_PER_YEAR / material.scenario.run.data_collection_days
    allowed = CONSTANTS | numbers_of(changed.rows, per_year)
    for plan in changed.plans:
        allowed |= numbers_of(plan.rows, per_year)
        allowed |= numbers_in(" ".join(inputs_in_words(inputs_that_differ(material.scenario, plan.scenario))))
    found = numbers_in(body(as_html(page_of(changed))))
    assert len(found - CONSTANTS) > 4
    assert found - allowed == set()


def test_the_answer_and_the_cards_are_those_of_the_run() -> None:
    material = material_for("a run")
    page = page_of(material)
    ours, more = (
        row_of(material.rows, LADDER[0]._replace(service=service)).value for service in ("service", "difference")
    )
    assert (
        f"Of every 100 who finish, about {100 * ours:.0f} would be counted as recovered: {100 * more:.0f} more than"
        in page.answer
    )
    shares = [
        row_of(material.rows, Quantity(f"first_contact_within_{n}_weeks", "started", group="all")).value
        for n in (6, 18)
    ]
    assert [card.value for card in page.cards[:2]] == [f"{100 * share:.0f}%" for share in shares]
    assert page.cards[3].value == f"{row_of(material.rows, Quantity('helped_to_recovery', at='end')).value:,.0f}"
    assert "beyond no service" in page.cards[3].label


def test_a_missed_standard_is_marked_and_said_and_nothing_else_is() -> None:
    material = material_for("a run")
    rows = [replace(row, value=0.5) if quantity_of(row) == SIX_WEEKS.quantity else row for row in material.rows]
    page = page_of(replace(material, rows=rows))
    assert page.cards[0] == Card("Seen within 6 weeks of referral", "50%", "Standard 75%: missed", missed=True)
    assert [card.missed for card in page.cards[1:]] == [False] * 3
    assert as_html(page).count('<li class="missed">') == 1


@pytest.mark.parametrize(
    ("growth", "said", "card"),
    [
        ((21.0, 19.0, 23.0), "the list for assessment grows by about 21 people", "+21"),
        ((-4.0, -5.0, -3.0), "the list for assessment shrinks by about 4 people", "\u22124"),
        ((0.1, -0.2, 0.3), "waiting lists stay about as long as they are", "Steady"),
        ((0.1, -8.0, 9.0), "cannot be told from two simulated years", "Unclear"),
    ],
)
def test_the_first_sentence_is_chosen_by_what_lists_do(
    growth: tuple[float, float, float], said: str, card: str
) -> None:
    material = material_for("a run")
    value, low, high = growth
    rows = []
    for row in material.rows:
        if row.measure == "waiting_list_growth":
            moves = row.group == "step=assessment"
            row = (
                replace(row, value=value, lower_95_ci=low, upper_95_ci=high)
                if moves
                else replace(row, value=0.0, lower_95_ci=0.0, upper_95_ci=0.0)
            )
        rows.append(row)
    page = page_of(replace(material, rows=rows))
    assert said in page.answer
    assert page.cards[2].value == card


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_in_order_and_in_plain_words(name: str) -> None:
    material = material_for(name)
    page = as_html(page_of(material), material.draw)
    places = [
        page.index(text)
        for text in ('class="answer"', 'class="cards"', "Before you use this", *QUESTIONS, "How this was made")
    ]
    assert places == sorted(places)
    text = body(page).lower()
    assert [word for word in BANNED if re.search(rf"(?<![a-z]){re.escape(word)}", text)] == []
    assert "caseload-sim rerun " in page
    assert "Open Government Licence" in page
    assert material.digest in page


def test_the_caution_says_whose_posts_they_are() -> None:
    def first(material: Material) -> str:
        return page_of(material).caution[0]

    material = material_for("a run")
    shipped = get_scenario()
    assert first(material).startswith("The posts are yours.")
    assert first(replace(material, scenario=shipped)).startswith("This is not your service.")
    inherited = shipped.model_copy(update={"name": "ours"})
    assert "not yours but those of the scenario \u201cclients of Hepgul 2016\u201d" in first(
        replace(material, scenario=inherited)
    )
    assert all(len(page_of(one).caution) == 3 for one in map(material_for, REPORTS))


def test_where_people_and_share_part_the_page_says_why() -> None:
    material = material_for("a run and a plan")
    (plan,) = material.plans
    helped, share = Quantity("helped_to_recovery", "referred", "end", "", "all"), LADDER[0]
    moved = {helped: (40.0, 30.0, 50.0), share: (-0.02, -0.03, -0.01)}
    rows = []
    for row in plan.rows:
        if quantity_of(row) in moved:
            by, low, high = moved[quantity_of(row)]
            row = replace(
                row,
                difference=by,
                difference_lower_95_ci=low,
                difference_upper_95_ci=high,
                difference_could_be_low=-12.0,
                difference_could_be_high=60.0,
            )
        rows.append(row)
    page = page_of(replace(material, plans=(Plan(plan.scenario, rows),)))
    blocks = page.sections[2].blocks
    (why,) = (block.text for block in blocks if isinstance(block, Strong))
    assert why.startswith("40 more people are helped a year, yet the reported share falls by 2.0 points")
    (lead,) = (block for block in blocks if isinstance(block, str) and block.startswith("Against today"))
    assert "40 more people helped by the questionnaires" in lead
    assert "By other models that fit as well it could also be 12 fewer people helped by the questionnaires" in lead
    labels = [line.label for line in table_of(page, 2).lines]
    assert (
        labels.index("People helped, by the questionnaires")
        < labels.index("First to second contact")
        < labels.index("Recovered, by the service\u2019s questionnaires")
    )


def table_of(page: Page, section: int) -> Table:
    return next(block for block in page.sections[section].blocks if isinstance(block, Table))


def test_changes_are_paired_and_better_is_to_the_right() -> None:
    material = material_for("a run and a plan")
    (plan,) = material.plans
    lines = {line.label: line for line in table_of(page_of(material), 2).lines}
    for quantity, label, way in (
        (Quantity("helped_to_recovery", "referred", "end", "", "all"), "People helped, by the questionnaires", 1),
        (Quantity("second_contact_days_mean", "finished", "", "", "all"), "First to second contact", -1),
    ):
        row, marks = row_of(plan.rows, quantity), lines[label].marks
        assert marks is not None
        assert marks.low == -marks.high
        assert (marks.value, sorted(marks.chance)) == (
            way * row.difference,
            sorted((way * row.difference_lower_95_ci, way * row.difference_upper_95_ci)),
        )


def test_of_a_count_people_are_those_of_a_year_whatever_the_period() -> None:
    material = material_for("a run and a plan")
    (line,) = (line for line in table_of(page_of(material), 2).lines if line.label == "People who finish a course")
    in_period = row_of(material.rows, Quantity("finished_course_treatment", "all", group="all")).value
    assert material.scenario.run.data_collection_days == 200
    assert line.cells[0] == f"{in_period * 365 / 200:,.0f}"


def test_without_a_plan_the_page_says_how_to_ask() -> None:
    page = as_html(page_of(material_for("a run")))
    assert "caseload-sim report small_service.toml --versus my_plan.toml" in page


def test_nobody_seen_is_said_and_promises_nothing() -> None:
    page = page_of(material_for("no service"))
    assert page.answer.startswith("Nobody is seen here. Of every 100 who are referred, about ")
    assert [card.value for card in page.cards] == ["\u2013"] * 4
    assert "no service to wait for" in body(as_html(page))


def test_what_a_user_writes_is_shown_and_never_becomes_markup() -> None:
    page = as_html(page_of(material_for("a run")), material_for("a run").draw)
    assert "<script" not in page
    assert (
        f"<h1>{TITLE.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;').replace(chr(34), '&quot;')}</h1>"
        in page
    )
    line = Line("<b>", ("<i>",), "<u>", None)
    table = Table("<s>", ("", "<q>"), (line,))
    made = page_of(material_for("a run"))
    hostile = replace(
        made,
        answer="<b>",
        cards=(Card("<b>", "<i>", "<u>"),),
        caution=("<b>",),
        foot="<b>",
        sections=(replace(made.sections[0], blocks=(table,)),),
    )
    assert not re.search(r"<(b|i|u|s|q)>", as_html(hostile))


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_asks_nothing_of_any_network_and_has_no_script(name: str) -> None:
    material = material_for(name)
    page = as_html(page_of(material), material.draw)
    assert len(page.encode()) < 400_000
    assert set(re.findall(r'(?:src|href)="([^"#]*)', page)) <= {"data:,", ""}
    assert not re.search(r"<script|\son\w+=|@import|url\((?!#)", page)


def test_the_same_run_makes_the_same_bytes() -> None:
    def made() -> tuple[str, bytes]:
        material = material_of(*folders()["a run and a plan"])
        page = page_of(material)
        return as_html(page, material.draw), as_workbook(material, page)

    assert made() == made()


def test_a_figure_within_a_page_has_names_of_its_own() -> None:
    file = '<?xml version="1.0"?><!DOCTYPE svg><svg width="9pt" viewBox="0 0 9 9"><metadata>today</metadata><g id="a"/><use xlink:href="#a"/><path clip-path="url(#a)" id="ab"/></svg>'
    drawn = inline(file, "lists", "A & B")
    assert drawn.startswith("<svg xmlns=")
    assert 'viewBox="0 0 9 9" role="img" aria-label="A &amp; B"' in drawn
    assert '<g id="lists-0"/><use xlink:href="#lists-0"/><path clip-path="url(#lists-0)" id="lists-1"/>' in drawn
    assert "today" not in drawn


def test_the_workbook_has_the_numbers_as_numbers_and_no_formula() -> None:
    material = material_for("a run and a plan")
    material = replace(material, scenario=material.scenario.model_copy(update={"title": "=1+1"}))
    content = as_workbook(material, page_of(material))
    assert is_workbook(content)
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Summary", "Ladder", "Waits", "Changes", "Costs", "Inputs", "Read me"]
    assert [
        cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ] == []
    assert book["Summary"]["A1"].value == "=1+1"
    ladder = {row[0]: row for row in book["Ladder"].iter_rows(values_only=True)}
    assert ladder["Main disorder gone, by interview"][2] == pytest.approx(row_of(material.rows, LADDER[1]).value)
    changes = {row[0]: row for row in book["Changes"].iter_rows(values_only=True)}
    (plan,) = material.plans
    helped = row_of(plan.rows, Quantity("helped_to_recovery", "referred", "end", "", "all"))
    assert changes["People helped, by the questionnaires, beyond no service, a year"][4] == pytest.approx(
        helped.difference
    )
    assert book["Inputs"].max_row > 300


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", bytes(100)])
def test_no_other_file_is_taken_for_a_workbook(content: bytes) -> None:
    assert not is_workbook(content)


def test_a_comparison_with_another_run_is_refused() -> None:
    (of_nobody,), (_, compared) = folders()["no service"], folders()["a run and a plan"]
    with pytest.raises(RunError, match="not a comparison with no_service"):
        material_of(of_nobody, compared)


def test_rows_of_a_comparison_are_those_of_its_run() -> None:
    run, compared = material_for("a run"), material_for("a comparison of three")
    assert [plan.scenario.name for plan in compared.plans] == ["plan", "other"]
    assert page_of(run).cards == page_of(compared).cards
    assert isinstance(as_table(compared.plans[0].rows, ComparisonRow).find(group="all")[0], ComparisonRow)
