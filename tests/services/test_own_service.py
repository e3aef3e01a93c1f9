"""One's own service: eight questions, a spreadsheet, and a file that says what was answered and nothing else."""

import csv
import io
import sys
import tomllib
import warnings
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from caseload_sim.errors import CatalogueError, RunError, ScenarioWarning
from caseload_sim.experiments.replicate import replicate
from caseload_sim.experiments.settings import with_run, year_before
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios, load_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.own_figures import COLUMNS, empty_figures, read_own_figures, spreadsheet_of
from caseload_sim.services.own_service import ALL_MONTHS, PRACTITIONERS, THERAPISTS, OwnService, own_service_text
from caseload_sim.services.published import Published
from caseload_sim.services.questions import QUESTIONS, answered, day_of
from caseload_sim.services.scenario_file import service_text
from commands import call_here

DAY = date(2026, 12, 1)
ANSWERS = {one.name: one.example for one in QUESTIONS}
ONE_BY_ONE = [*({name: answer} for name, answer in ANSWERS.items()), ANSWERS, {}]


def own_of(answers: dict[str, str]) -> OwnService:
    own = OwnService(opens=DAY)
    for question in QUESTIONS:
        own = answered(own, question, answers.get(question.name, ""))
    return own


def loaded(text: str, folder: Path) -> Scenario:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScenarioWarning)
        return load_scenario(folder / "mine.toml")


# --- the file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", ONE_BY_ONE, ids=lambda answers: "+".join(answers) or "nothing")
def test_only_what_was_answered_is_called_ours(answers: dict[str, str], tmp_path: Path) -> None:
    text = own_service_text(own_of(answers), get_scenario("national_2024_25"))
    scenario, content = loaded(text, tmp_path), tomllib.loads(text)
    assert scenario.run.opens == DAY
    assert not scenario.official or set(answers) & {"days", "recovery"}
    said = {
        "referrals": "referrals_per_year" in content["demand"],
        "practitioners": "our" in content["staff"]["assessor"].get("wte", {}).get("assumption", ""),
        "therapists": "our" in content["staff"][THERAPISTS].get("wte", {}).get("assumption", ""),
        "trainees": "trainees" in content["staff"][THERAPISTS],
        "waiting": bool(content["start"]["waiting"]),
        "days": "first_contact_days_mean" in content["official"],
        "recovery": "recovery" in content["official"],
    }
    assert {name for name, is_there in said.items() if is_there} == set(answers)


def test_a_week_of_practitioners_is_parted_between_assessments_and_treatment(tmp_path: Path) -> None:
    scenario = loaded(own_service_text(own_of(ANSWERS), get_scenario("national_2024_25")), tmp_path)
    assert scenario.staff["assessor"].wte.value == pytest.approx(0.3 * 22)
    assert scenario.staff[PRACTITIONERS].wte.value == pytest.approx(0.7 * 22)
    assert scenario.staff[THERAPISTS].wte.value == 27
    assert scenario.demand.referrals_per_year.value == 12 * 410
    assert (scenario.staff[PRACTITIONERS].trainees.value, scenario.staff[THERAPISTS].trainees.value) == (2, 3)


def test_posts_that_were_not_said_follow_the_referrals(tmp_path: Path) -> None:
    parent = get_scenario("national_2024_25")
    scenario = loaded(own_service_text(own_of({"referrals": "1000"}), parent), tmp_path)
    share = 12_000 / parent.demand.referrals_per_year.value
    for kind, staff in scenario.staff.items():
        assert staff.wte.value == pytest.approx(share * parent.staff[kind].wte.value, rel=1e-6)
        assert "not known" in staff.wte.origin()


def test_contacts_a_post_follow_from_the_caseload_by_hand(tmp_path: Path) -> None:
    """270 clients seen every 14 days by 27 posts of which 6.7% are vacant, who are at work for 80% of their time, say."""
    parent = get_scenario("national_2024_25")
    own = OwnService(
        DAY, posts={THERAPISTS: {ALL_MONTHS: 27}}, trainees={THERAPISTS: 0}, caseload={"high_intensity": 270}
    )
    staff, step = parent.staff[THERAPISTS], parent.pathway.courses["high_intensity"]
    by_hand = 7 * 270 / step.days_between_sessions.value / 27 / (1 - staff.vacancy_share.value) / staff.available_share
    scenario = loaded(own_service_text(own, parent), tmp_path)
    assert scenario.staff[THERAPISTS].contacts_per_week.value == pytest.approx(by_hand, rel=1e-3)
    assert "caseload" in (scenario.staff[THERAPISTS].contacts_per_week.fitted or "")


def test_a_parent_without_such_staff_is_refused() -> None:
    parent = get_scenario("national_2024_25")
    other = parent.model_copy(update={"staff": {"nurse": parent.staff["assessor"]}})
    with pytest.raises(CatalogueError, match="has no staff"):
        own_service_text(own_of(ANSWERS), other)


# --- answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unknown", ["", "-", " ? "])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_every_question_can_be_left_open(question: object, unknown: str) -> None:
    own = OwnService(opens=DAY)
    assert answered(own, question, unknown) == own  # type: ignore[arg-type]


def test_a_part_of_an_answer_can_be_left_open() -> None:
    assert own_of({"waiting": "-, 30"}).waiting == {"low_intensity": {"": 30}}
    assert own_of({"days": "- - 95"}).last_year == {"high_intensity": 95}
    assert own_of({"practitioners": "22"}).assessing is None


@pytest.mark.parametrize(
    ("name", "answer", "why"),
    [
        ("referrals", "many", "not a number"), ("referrals", "-5", "out of range"), ("referrals", "1e9", "out of range"),
        ("referrals", "nan", "out of range"), ("referrals", "4,5", "1 at most"), ("practitioners", "20,130", "out of range"),
        ("practitioners", "-,30", "without posts"), ("days", "0,1,2", "0 days"), ("recovery", "0.5", "50 for half"),
        ("recovery", "101", "out of range"), ("waiting", "1,2,3,4", "3 at most"), ("trainees", "1;x", "not a number"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_says_why_with_an_example(name: str, answer: str, why: str, tmp_path: Path) -> None:
    refused = call_here("new", "mine.toml", f"--{name}", answer, folder=tmp_path)
    assert refused.returncode == 2
    assert f"--{name}" in refused.stderr
    assert why in refused.stderr
    assert f"For example {ANSWERS[name]}" in refused.stderr
    assert not (tmp_path / "mine.toml").exists()


def test_a_month_or_a_day_opens_the_year() -> None:
    today = date(2026, 11, 29)
    assert day_of("", today) == today
    assert day_of("2027-01", today) == date(2027, 1, 1)
    assert day_of(" 2027-01-15 ", today) == date(2027, 1, 15)
    for wrong in ("January", "2027-13", "15/01/2027"):
        with pytest.raises(RunError, match="not a day or month"):
            day_of(wrong, today)


# --- the command -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_questions_are_asked_on_a_terminal_again_where_an_answer_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["410", "22,130", "22,30", "", "", "120,-,210", "", "48", "2026-12"]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(typed) + "\n"))
    done = call_here("new", "mine.toml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "out of range" in done.stderr
    asked = OwnService(DAY)
    for question, answer in zip(QUESTIONS, ["410", "22,30", "", "", "120,-,210", "", "48"], strict=True):
        asked = answered(asked, question, answer)
    parent = get_scenario("national_2024_25")
    assert (tmp_path / "mine.toml").read_text(encoding="utf-8") == own_service_text(asked, parent)
    assert "calibrate service mine.toml" in done.stderr


def test_nothing_is_asked_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("410\n"))
    done = call_here("new", "mine.toml", "--opens", "2026-12", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "mine.toml").read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if not line.startswith("#")]
    assert not [line for line in said if "our service" in line], "nobody said anything"
    assert [line for line in lines if "our service" in line], "examples, each behind a #"
    assert call_here("validate", "mine.toml", folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        "--service NR5 --template",
        "--template --figures x.csv",
        "--figures x.csv --referrals 5",
        "--service NR5 --days 9",
    ],
)
def test_one_way_to_fill_the_file_is_chosen(words: str, tmp_path: Path) -> None:
    refused = call_here("new", "mine.toml", *words.split(), folder=tmp_path)
    assert refused.returncode == 2
    assert "choose one" in refused.stderr


# --- the spreadsheet -----------------------------------------------------------------------------------------------


def filled(**numbers: object) -> list[tuple[str, ...]]:
    """The template with numbers in the rows whose figure begins so, blanks for underscores."""
    head, *rows = empty_figures(DAY)
    by = {name.replace("_", " "): str(number) for name, number in numbers.items()}
    return [head, *((*row[:3], next((n for name, n in by.items() if row[0].startswith(name)), "")) for row in rows)]


def written(rows: list[tuple[str, ...]], path: Path) -> Path:
    path.write_bytes(spreadsheet_of(rows, path.suffix))  # type: ignore[arg-type]
    return path


ALL_FIGURES = {
    "referrals": 400,
    "posts": 10,
    "trainees": 2,
    "week": "30%",
    "in treatment": 200,
    "mean days": 40,
    "recovery": 48,
}


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
def test_what_was_filled_in_is_read(kind: str, tmp_path: Path) -> None:
    own = read_own_figures(written(filled(**ALL_FIGURES), tmp_path / f"figures{kind}"), DAY)
    assert own.referrals == dict.fromkeys(["2025-12", *(f"2026-{month:02d}" for month in range(1, 12))], 400)
    assert set(own.posts) == {PRACTITIONERS, THERAPISTS}
    assert set(own.posts[THERAPISTS].values()) == {20}, "two bands of ten"
    assert own.assessing == 0.3
    assert own.trainees == {PRACTITIONERS: 2, THERAPISTS: 2}
    assert own.waiting == {}
    assert own.caseload == {"low_intensity": 200, "high_intensity": 200}
    assert own.last_year == {"first_contact": 40, "second_contact": 40, "high_intensity": 40, "recovery": 0.48}
    scenario = loaded(own_service_text(own, get_scenario("national_2024_25")), tmp_path)
    assert len(scenario.demand.monthly_referrals) == 12
    assert scenario.staff[THERAPISTS].counted()[(2026 - 1970) * 12 + 10] == 20


@pytest.mark.parametrize(
    "month", ["2025-11", "2025-11-01", "Nov-25", "Nov 2025", "november 2025", "01/11/2025", "11/2025"]
)
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_months_as_spreadsheets_write_them(month: str, between: str, tmp_path: Path) -> None:
    rows = [COLUMNS, ("Referrals ", "", month, '"1,234"')]
    path = tmp_path / "figures.csv"
    path.write_text("\r\n".join(between.join(row) for row in rows), encoding="utf-8-sig")
    assert read_own_figures(path, DAY).referrals == {"2025-11": 1234}


def test_excel_writes_dates_and_percentages_its_own_way(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(COLUMNS)
    sheet.append(("referrals", None, date(2025, 11, 1), 410))
    sheet.append(("recovery last year, %", None, None, 0.48))
    sheet["D3"].number_format = "0%"
    book.save(tmp_path / "figures.xlsx")
    own = read_own_figures(tmp_path / "figures.xlsx", DAY)
    assert own.referrals == {"2025-11": 410}
    assert own.last_year["recovery"] == pytest.approx(0.48)


HEAD = ",".join(COLUMNS)
WRONG = {
    "nothing filled in": (HEAD + "\nreferrals,,2025-11,\n", "no row has a number"),
    "empty": ("", "empty"),
    "another table": ("name,age\nAnn,3\n", "row 1: the first row says figure, of, when, number"),
    "an unknown figure": (HEAD + "\nreferals,,2025-11,3\n", "row 2, figure: 'referals'.*Did you mean 'referrals'"),
    "an unknown band": (HEAD + '\n"posts, WTE",band 9,2025-11,3\n', "row 2, of: 'band 9'"),
    "no month": (HEAD + "\nreferrals,,soon,3\n", "row 2, when: 'soon' is not a month"),
    "no number": (HEAD + "\nreferrals,,2025-11,few\n", "row 2: 'few' is not a number"),
    "below nothing": (HEAD + "\nreferrals,,2025-11,-3\n", "row 2: -3 is out of range"),
    "not finite": (HEAD + "\nreferrals,,2025-11,nan\n", "row 2: nan is out of range"),
    "over a hundred per cent": (HEAD + '\n"recovery last year, %",,,120\n', "out of range"),
    "a share for a percentage": (HEAD + '\n"recovery last year, %",,,0.5\n', "Write 50 for 50%"),
    "twice": (HEAD + "\nreferrals,,2025-11,3\nreferrals,,Nov-25,4\n", "row 3: the same figure as .*row 2"),
    "in all and by time waited": (
        HEAD + "\nwaiting today,assessment,in all,3\nwaiting today,assessment,over 18 weeks,1\n", "not both",
    ),
    "a band of time waited is missing": (HEAD + "\nwaiting today,assessment,over 18 weeks,1\n", "nothing for 'up to 4 weeks'"),
    "a month of one band is missing": (
        HEAD + '\n"posts, WTE","high-intensity therapists, band 7",2025-11,3\n"posts, WTE","senior high-intensity therapists, band 8a",2025-12,3\n',
        "nothing for 2025-1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
def test_a_spreadsheet_that_cannot_be_says_where_and_nothing_is_written(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=why):
        read_own_figures(tmp_path / "figures.csv", DAY)
    refused = call_here("new", "mine.toml", "--figures", "figures.csv", folder=tmp_path)
    assert refused.returncode == 2
    assert not (tmp_path / "mine.toml").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"not a book", b"\0" * 99])
def test_a_file_that_is_no_book_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    for kind in (".xlsx", ".csv"):
        (tmp_path / f"figures{kind}").write_bytes(content)
        with pytest.raises(RunError, match="figures"):
            read_own_figures(tmp_path / f"figures{kind}", DAY)


def test_the_template_is_written_as_both_and_holds_the_same(tmp_path: Path) -> None:
    for kind in (".csv", ".xlsx"):
        done = call_here("new", f"figures{kind}", "--template", "--opens", "2026-01", folder=tmp_path)
        assert done.returncode == 0, done.stderr
    with (tmp_path / "figures.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    sheet = openpyxl.load_workbook(tmp_path / "figures.xlsx").active
    assert rows == [tuple(cell or "" for cell in row) for row in sheet.iter_rows(values_only=True)]
    months = {row[2] for row in rows if row[0] == "referrals"}
    assert (len(months), min(months), max(months)) == (12, "2025-01", "2025-12")
    refused = call_here("new", "figures.toml", "--template", folder=tmp_path)
    assert (refused.returncode, "ends in .csv or .xlsx" in refused.stderr) == (2, True)
    again = call_here("new", "figures.csv", "--template", folder=tmp_path)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)


def test_without_openpyxl_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    refused = call_here("new", "figures.xlsx", "--template", folder=tmp_path)
    assert refused.returncode == 2
    assert "caseload-sim[office]" in refused.stderr
    assert not (tmp_path / "figures.xlsx").exists()


# --- posts that were never calibrated ---------------------------------------------------------------------------------

POSTS = 'extends = "national_2024_25"\n[staff.{kind}]\nwte = {{ value = 20, assumption = "ours" }}\n'
SAID = "Read differences between runs, not levels"


@pytest.mark.parametrize("kind", ["assessor", PRACTITIONERS, THERAPISTS])
def test_posts_that_were_never_calibrated_are_named_at_every_run(kind: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(POSTS.format(kind=kind))
    (tmp_path / "below.toml").write_text('extends = "mine.toml"\n')
    for file in ("mine.toml", "below.toml"):
        with pytest.warns(ScenarioWarning, match=SAID):
            load_scenario(tmp_path / file)
    for _ in range(2):
        done = call_here("validate", "mine.toml", folder=tmp_path)
        assert done.stderr.count(SAID) == 1
        assert kind.replace("_", " ") in done.stderr


def test_posts_that_nobody_gave_are_not_named(tmp_path: Path) -> None:
    """Posts in proportion to referrals, of a service of one's own and of a published one, are not its own."""
    parent = get_scenario("national_2024_25")
    texts = own_service_text(own_of({"referrals": "1000"}), parent), service_text(Published(), "RWV", parent)
    for text in texts:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("error", ScenarioWarning)
            load_scenario(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    "number",
    [
        'wte = { value = 20, fitted = "to the waits" }',
        'wte = { value = 20, assumption = "ours" }\ncontacts_per_week = { value = 20, fitted = "to the waits" }',
    ],
)
def test_posts_that_were_calibrated_are_not_named(number: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'extends = "national_2024_25"\n[staff.assessor]\n{number}\n')
    with warnings.catch_warnings():
        warnings.simplefilter("error", ScenarioWarning)
        load_scenario(tmp_path / "mine.toml")
        for name in list_scenarios():
            get_scenario(name)


WAITS = (("second_contact_days_mean", "all"), ("treatment_wait_days_mean", "intensity=high"))

# --- the year that is over ---------------------------------------------------------------------------------------------


def test_the_year_before_ends_where_the_year_to_come_begins(tmp_path: Path) -> None:
    scenario = loaded(own_service_text(own_of(ANSWERS), get_scenario("national_2024_25")), tmp_path)
    before = year_before(scenario)
    assert (scenario.run.opens - before.run.opens).days == before.run.period[1] == 730
    assert not before.start.waiting
    assert year_before(before) == before, "where no list is stated, the year is as it is"


def test_contacts_a_post_are_fitted_to_the_waits_and_posts_are_kept(tmp_path: Path) -> None:
    """Waits are taken from a run with other contacts a post than England's: the fit finds a service that waits as long."""
    answers = {"referrals": "100", "practitioners": "5,40", "therapists": "6", "waiting": "10,20,30"}
    parent = get_scenario("national_2024_25")
    contacts = {f"staff.{THERAPISTS}.contacts_per_week": 11, f"staff.{PRACTITIONERS}.contacts_per_week": 9}
    truth = year_before(loaded(own_service_text(own_of(answers), parent), tmp_path).with_changes(contacts))
    results = replicate(with_run(truth, None, 2))
    second, high = (results.find(name, group=group).value for name, group in WAITS)
    assert min(second, high) > 20, "so that waits tell of contacts"
    words = [word for name, answer in answers.items() for word in (f"--{name}", answer)]
    done = call_here(
        "new", "fitted.toml", *words, "--opens", "2026-12", "--days", f"-,{second:.1f},{high:.1f}", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScenarioWarning)  # assessors' waits were not said
        fitted = load_scenario(tmp_path / "fitted.toml")
    assert fitted.staff[THERAPISTS].wte.value == 6
    for kind, wanted in ((THERAPISTS, 11), (PRACTITIONERS, 9)):
        assert fitted.staff[kind].contacts_per_week.fitted
        assert fitted.staff[kind].contacts_per_week.value == pytest.approx(wanted, rel=0.05)


def test_a_list_that_patience_would_have_emptied_is_named_when_the_file_is_written(tmp_path: Path) -> None:
    done = call_here(
        "new", "mine.toml", "--referrals", "100", "--waiting", "-,-,90000", "--opens", "2026-12", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Note: mine: start.waiting.high_intensity" in done.stderr
    assert (tmp_path / "mine.toml").exists()
    ran = call_here("run", "mine.toml", "--no-figures", folder=tmp_path)
    assert (ran.returncode, "start.waiting.high_intensity" in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        "--opens 1900-01",
        "--opens 2200-01",
        "--referrals 0.0000000001",
        "--waiting -,-,2000000",
        "--practitioners 0.01,0",
    ],
)
def test_what_no_scenario_can_be_is_refused_before_anything_is_written(words: str, tmp_path: Path) -> None:
    refused = call_here("new", "mine.toml", *words.split(), folder=tmp_path)
    assert refused.returncode == 2, refused.stdout
    assert not list(tmp_path.iterdir())
