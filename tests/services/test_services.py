"""Published figures of real services: found, made into a year, and added to from the monthly file."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caseload_sim import services
from caseload_sim.analysis.service_fit import ServiceFit
from caseload_sim.definitions.measures import check_measures
from caseload_sim.errors import CatalogueError, RunError
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.numbers import numbers
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.services.added_months import FILE, AddedMonths
from caseload_sim.services.monthly_file import RENAMED, read_monthly_file
from caseload_sim.services.published import ENGLAND, Published, all_measures
from caseload_sim.services.scenario_file import service_text
from caseload_sim.services.targets import TARGETS
from caseload_sim.services.year import FIGURES, Made, made_of, months_before, year_of
from commands import call_here

HEADER = (
    "REPORTING_PERIOD_START,REPORTING_PERIOD_END,GROUP_TYPE,ORG_CODE1,ORG_NAME1,ORG_CODE2,ORG_NAME2,MEASURE_ID,"
    "MEASURE_NAME,MEASURE_VALUE_SUPPRESSED"
)
ISO, UK = ("2025-04-01", "2025-04-30"), ("01/04/2025", "30/04/2025")
VALUES = {"M001": "1200", "M076": "400", "M191": "*", "M048": "20.5"}


def row(code: str, measure_id: str, value: str, days: tuple[str, str] = ISO, name: str | None = None) -> str:
    group, who = ("England", "all Providers") if code == ENGLAND else ("Provider", f"SERVICE {code}")
    published = name or all_measures()[measure_id].published_name
    return f"{','.join(days)},{group},all,all SubICBs,{code},{who},{measure_id},{published},{value}"


def month_of(*codes: str, values: dict[str, str] = VALUES, days: tuple[str, str] = ISO) -> str:
    rows = [row(code, measure_id, value, days) for code in codes for measure_id, value in values.items()]
    return "\n".join([HEADER, *rows]) + "\n"


@pytest.fixture(autouse=True)
def nothing_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs these tests has added is left alone."""
    monkeypatch.setenv("CASELOAD_SIM_DATA", str(tmp_path / "own"))


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "month.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# --- the snapshot ----------------------------------------------------------------------------------------------


def test_the_snapshot_is_small_and_has_every_provider_every_month_and_england() -> None:
    published = Published()
    assert len(published.codes) == 171
    assert len(all_measures()) == 103
    england = published.series(ENGLAND)
    assert list(england["M001"]) == [*months_before("2023-03"), *months_before("2024-03"), *months_before("2025-03")]
    data = Path(services.__file__).parent / "data"
    assert sum(path.stat().st_size for path in data.glob("*.parquet")) < 1_500_000
    assert "Open Government Licence v3.0" in (data / "LICENCE.txt").read_text(encoding="utf-8")


def test_providers_add_up_to_england_but_for_what_is_rounded_and_suppressed() -> None:
    """An independent look at the figures: England is published apart from its providers."""
    published, months = Published(), months_before("2025-03")
    everybody = [published.series(code) for code in published.codes]
    for measure in ("M001", "M076", "M191"):
        england = sum(published.series(ENGLAND)[measure][month] for month in months)
        total = sum(one.get(measure, {}).get(month, 0) for one in everybody for month in months)
        assert total == pytest.approx(england, rel=0.02)


@pytest.mark.parametrize(
    ("text", "code"), [("rxv", "RXV"), ("RXV", "RXV"), ("leeds", "RY6"), ("Devon exeter", "RWV"), ("livewell", "NR5")]
)
def test_a_service_is_found_by_code_or_by_words(text: str, code: str) -> None:
    assert [one.code for one in Published().find(text)] == [code]


def test_many_are_found_by_region_and_all_by_nothing() -> None:
    published = Published()
    assert len(published.find("")) == 171
    assert 5 < len(published.find("north west")) < 60
    assert all("London" in one.region + one.town + one.board + one.name for one in published.find("london"))


def test_who_is_not_there_is_not_found_and_the_nearest_word_is_offered() -> None:
    with pytest.raises(CatalogueError, match="Did you mean 'leeds'"):
        Published().find("leedz")
    with pytest.raises(CatalogueError, match="without a word lists all"):
        Published().find("qqqqqq")
    with pytest.raises(CatalogueError, match="RXX9: no provider with this code"):
        Published().provider("RXX9")


# --- a year ----------------------------------------------------------------------------------------------------


def test_a_year_is_the_sum_of_twelve_months() -> None:
    published = Published()
    year, series = year_of(published, published.provider("RXV")), published.series("RXV")
    assert (year.first_month, year.last_month, year.is_full) == ("2024-04", "2025-03", True)
    assert year.value("referrals_received") == sum(series["M001"][month] for month in months_before("2025-03"))
    at_caseness = sum(series["M076"][month] - series["M179"][month] for month in months_before("2025-03"))
    assert year.value("recovery") == sum(series["M191"][month] for month in months_before("2025-03")) / at_caseness


def test_england_comes_out_as_it_is_published_for_the_year() -> None:
    """From the annual publication: 50.1% recovery in 2023-24 (official_data), not made of these months."""
    published = Published()
    year = year_of(published, published.provider("RXV"), "2024-03")
    (recovery,) = (one.england for one in year.figures if one.name == "recovery")
    assert recovery == pytest.approx(0.501, abs=0.005)


@pytest.mark.parametrize(
    ("made", "value", "n"),
    [
        (Made("x", "", "", "sum", ("A",)), 60, 3),
        (Made("x", "", "", "share", ("A",), ("B",)), 30 / 300, 2),
        (Made("x", "", "", "share", ("A",), ("B",), ("C",)), 30 / (300 - 30), 2),
        (Made("x", "", "", "complement", ("A",), ("B",)), 1 - 30 / 300, 2),
        (Made("x", "", "", "mean", ("A",), ("B",)), (10 * 100 + 20 * 200) / 300, 2),
        (Made("x", "", "", "mean", ("A",)), 20, 3),
        (Made("x", "", "", "last", ("A",)), 30, 1),
        (Made("x", "", "", "last", ("B",)), np.nan, 0),
        (Made("x", "", "", "last_share", ("A",), ("C",)), 1, 1),
    ],
)
def test_figures_of_a_year_by_hand(made: Made, value: float, n: int) -> None:
    """Three months, of which the last lacks B."""
    series = {"A": {"1": 10, "2": 20, "3": 30}, "B": {"1": 100, "2": 200}, "C": {"1": 10, "2": 20, "3": 30}}
    found, n_months = made_of(made, series, ("1", "2", "3"))
    assert found == pytest.approx(value, nan_ok=True)
    assert n_months == n


def test_every_figure_is_made_of_measures_that_are_published() -> None:
    for made in FIGURES:
        assert {*made.of, *made.over, *made.less} <= set(all_measures()), made.name


# --- the monthly file --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [ISO, UK])
def test_both_ways_of_writing_dates_are_the_same_month(days: tuple[str, str], written: Callable[[str], Path]) -> None:
    found = read_monthly_file(written(month_of(ENGLAND, "RXV", days=days)))
    assert found.months == ("2025-04",)
    assert found.names == {ENGLAND: "all Providers", "RXV": "SERVICE RXV"}
    assert found.figures["2025-04", "RXV", "M048"] == 20.5
    assert ("2025-04", "RXV", "M191") not in found.figures
    assert found.suppressed == 2


def test_measures_that_were_renamed_are_the_same_ones_and_others_may_not_be(written: Callable[[str], Path]) -> None:
    for measure_id in sorted(RENAMED):
        text = f"{HEADER}\n{row('RXV', measure_id, '5', name='Count_FirstTreatment')}\n"
        assert read_monthly_file(written(text)).figures == {("2025-04", "RXV", measure_id): 5}
    with pytest.raises(RunError, match=r"month.csv:2: M001 is called 'Count_Apples'"):
        read_monthly_file(written(f"{HEADER}\n{row('RXV', 'M001', '5', name='Count_Apples')}\n"))


WRONG = {
    "another kind of file": ("a,b\n1,2\n", "not the monthly file"),
    "empty": ("", "not the monthly file"),
    "no rows": (f"{HEADER}\n", "has no row"),
    "half a line": (month_of(ENGLAND, "RXV")[:-30], "Is this half a file"),
    "half a provider": (
        month_of(ENGLAND, "RXV").rpartition("2025-04-01")[0],
        "RXV has 3 measures in 2025-04, others 4",
    ),
    "a word for a number": (month_of("RXV", values={"M001": "many"}), r"month.csv:2: 'many' is no number"),
    "no number": (month_of("RXV", values={"M001": "nan"}), r"'nan' is no number"),
    "no date": (month_of("RXV", days=("April", "May")), "'April' is no date"),
    "two months": (month_of("RXV", days=("2025-04-01", "2025-05-31")), "not one month"),
    "twice": (month_of("RXV") + row("RXV", "M001", "7") + "\n", "M001 of RXV in 2025-04 for the second time"),
    "open quotation mark": (month_of("RXV") + '"', "Is this half a file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_file_is_said_and_nothing_changes(
    case: str, written: Callable[[str], Path], tmp_path: Path
) -> None:
    text, said = WRONG[case]
    added = AddedMonths(tmp_path / "own")
    good = read_monthly_file(written(month_of("RXV")))
    added.add(good.figures, good.names)
    before = added.path.read_bytes()
    path = written(text)
    result = call_here("import-statistics", str(path), folder=tmp_path)
    assert result.returncode == 2
    with pytest.raises(RunError, match=said):
        read_monthly_file(path)
    assert added.path.read_bytes() == before


def test_bytes_that_are_no_text_and_folders_are_refused(tmp_path: Path) -> None:
    packed = tmp_path / "month.zip"
    packed.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(RunError, match="Unpack it first"):
        read_monthly_file(packed)
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(RunError, match="cannot be read"):
            read_monthly_file(path)


# --- months added ------------------------------------------------------------------------------------------------


def test_a_month_that_is_added_moves_the_year_on(written: Callable[[str], Path], tmp_path: Path) -> None:
    added = AddedMonths(tmp_path / "own")
    found = read_monthly_file(written(month_of(ENGLAND, "RXV", "NEW1")))
    assert added.add(found.figures, found.names) == 0
    published = Published(added)
    year = year_of(published, published.provider("RXV"))
    before = Published().series("RXV")["M001"]
    assert (year.first_month, year.last_month) == ("2024-05", "2025-04")
    assert year.value("referrals_received") == sum(before[month] for month in months_before("2025-04")[:-1]) + 1200
    assert published.provider("NEW1").name == "SERVICE NEW1"
    assert not year_of(published, published.provider("NEW1")).is_full


def test_a_revised_month_takes_the_place_of_the_one_before_suppressed_figures_too(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    added, march = AddedMonths(tmp_path / "own"), ("2025-03-01", "2025-03-31")
    assert "2025-03" in Published().series("RXV")["M191"]
    for values, replaced in ((VALUES, 0), (VALUES | {"M001": "1300", "M048": "*"}, 3)):
        found = read_monthly_file(written(month_of("RXV", days=march, values=values)))
        assert added.add(found.figures, found.names) == replaced
    series = Published(added).series("RXV")
    assert series["M001"]["2025-03"] == 1300
    assert "2025-03" not in series["M048"]
    assert "2025-03" not in series["M191"], "suppressed in the revision"
    assert "2025-02" in series["M191"]


def test_damage_is_said_and_not_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a table")
    with pytest.raises(CatalogueError, match="Delete it"):
        Published(AddedMonths(tmp_path))


# --- the commands ------------------------------------------------------------------------------------------------


def test_the_year_is_printed_at_80_columns_with_its_measures(tmp_path: Path) -> None:
    printed = call_here("services", "leeds", folder=tmp_path).stdout
    lines = printed.splitlines()
    assert lines[0].startswith("RY6: Leeds Community Healthcare NHS Trust")
    assert max(map(len, lines)) <= 80
    assert "191+076+179" in printed
    assert "Not a full year" in printed


def test_json_has_every_figure_with_what_it_is_made_of(tmp_path: Path) -> None:
    (year,) = json.loads(call_here("services", "RXV", "--json", folder=tmp_path).stdout)
    assert (year["code"], year["last_month"], year["is_full"]) == ("RXV", "2025-03", True)
    assert [one["name"] for one in year["figures"]] == [made.name for made in FIGURES]
    assert all(one["measure_ids"].startswith("M") for one in year["figures"])


def test_several_are_listed_a_line_each(tmp_path: Path) -> None:
    printed = call_here("services", "north", "west", folder=tmp_path).stdout
    assert "SERVICES, by name" in printed
    assert "RXV" in printed


# --- a scenario of a service -------------------------------------------------------------------------------------


def test_every_service_with_a_full_year_and_enough_courses_has_a_file_and_others_are_told_why(
    national: Scenario,
) -> None:
    published, written, refusals = Published(), 0, []
    current = {
        code
        for code in published.codes
        if published.annual(code, "2024-25").get(("Total", "NULL", "", "recovery_count"))
    }
    assert len(current) > 100
    for code in published.codes:
        try:
            text = service_text(published, code, national)
        except CatalogueError as error:
            refusals.append(str(error))
            continue
        written += 1
        content = tomllib.loads(text)
        assert code in content["title"]
        assert len(content["official"]) > 15
        if code in current:
            assert content["official"]["recovery"]["role"] == "check"
    assert written > 95
    assert written + len(refusals) == len(published.codes)
    assert all("too little to fit to" in said for said in refusals)


@pytest.fixture(scope="module")
def national() -> Scenario:
    return get_scenario("national_2024_25")


def test_the_file_has_the_published_figures_of_the_service_and_loads(national: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "devon.toml"
    path.write_text(service_text(Published(), "RWV", national), encoding="utf-8")
    scenario = load_scenario(path)
    series = Published().series("RWV")
    assert scenario.demand.referrals_per_year.value == sum(series["M001"][month] for month in months_before("2025-03"))
    assert sum(scenario.demand.monthly_index.values()) == pytest.approx(12, abs=0.01)
    deciles = scenario.population.strata["deprivation_decile"]
    # 1,255 of the 28,705 referrals with a known decile (provider_annual_by_group, 2024-25): added up by hand
    assert deciles["10_most_deprived"].value == pytest.approx(1255 / 28705, abs=1e-4)
    assert scenario.official["stepped_up"].value == pytest.approx(1660 / 8705, abs=1e-4)
    assert scenario.official["low_intensity_first"].value == pytest.approx(8705 / (8705 + 1330), abs=1e-4)
    assert scenario.official["second_contact_over_28_days"].value == pytest.approx(1 - 4795 / 10765, abs=1e-4)
    assert not [o for o in scenario.official.values() if o.fitted_by and o.role == "check"]
    contacts = [
        sum(series[measure][month] for month in months_before("2025-03")) for measure in ("M1001", "M1002", "M1018")
    ]
    shares = [one.share.value for one in scenario.pathway.modalities.values()]
    assert shares == pytest.approx([one / sum(contacts) for one in contacts], abs=1e-4)
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    text = path.read_text(encoding="utf-8")
    assert f"{series['M038']['2025-03']:,.0f} waited for a first treatment contact" in text
    weeks = series["M040"]["2025-03"] - series["M039"]["2025-03"]
    assert f"2 to 4 weeks {weeks:,.0f}, " in text
    assert all("RWV" in str(official.where) for official in scenario.official.values())


def test_a_year_that_lacks_a_month_or_two_is_made_of_the_others_and_says_so(national: Scenario, tmp_path: Path) -> None:
    published = Published()
    year, series = year_of(published, published.provider("RY6")), published.series("RY6")["M001"]
    (missing,) = year.missing
    text = service_text(published, "RY6", national)
    assert f"# Not published: {missing}." in text
    path = tmp_path / "leeds.toml"
    path.write_text(text, encoding="utf-8")
    demand = load_scenario(path).demand
    counts = [series[month] for month in months_before(year.last_month) if month != missing]
    assert len(counts) == 11
    assert demand.referrals_per_year.value == pytest.approx(sum(counts) * 12 / 11, abs=0.5)
    assert "11 months" in demand.referrals_per_year.origin()
    assert sum(demand.monthly_index.values()) == pytest.approx(12, abs=0.01)
    (assumed,) = (one for one in vars(demand.monthly_index).values() if one.assumption)
    assert (assumed.value, missing in assumed.assumption) == (1, True)


def test_a_year_that_lacks_more_is_refused(national: Scenario) -> None:
    published = Published()
    assert len(year_of(published, published.provider("RHA")).missing) > 2
    with pytest.raises(CatalogueError, match=r"RHA, .*: no year with at least 10 months and 200 finished"):
        service_text(published, "RHA", national)


def test_paths_that_are_moved_are_numbers_of_the_parent_and_measures_are_known(national: Scenario) -> None:
    known = {path for path, _, _ in numbers(national)}
    for target in TARGETS:
        assert set(target.moves) <= known, target.name
        check_measures([target.measure])


def test_what_was_fitted_is_in_the_file_once_and_says_so(national: Scenario, tmp_path: Path) -> None:
    changes = {"staff.high_intensity_therapist.wte": 81.5, "pathway.missed.not_attended": 0.07}
    fit = ServiceFit("devon", changes, (), (), (), (), 0, changes)
    path = tmp_path / "devon.toml"
    path.write_text(service_text(Published(), "RWV", national, fit), encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.staff["high_intensity_therapist"].wte.value == 81.5
    assert "posts are not published" in scenario.staff["high_intensity_therapist"].wte.origin()
    assert scenario.pathway.missed.not_attended.value == 0.07
    assert "fitted" in scenario.pathway.missed.not_attended.origin()


def test_new_writes_a_service_without_a_fit_and_says_what_to_do(tmp_path: Path) -> None:
    written = call_here("new", "devon.toml", "--service", "rwv", "--no-fit", folder=tmp_path)
    assert written.returncode == 0, written.stderr
    assert "caseload-sim run devon.toml" in written.stderr
    assert load_scenario(tmp_path / "devon.toml").title.startswith("Devon Partnership NHS Trust (RWV)")
    again = call_here("new", "devon.toml", "--service", "RWV", "--no-fit", folder=tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr
