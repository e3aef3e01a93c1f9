"""Simulated numbers inside sentences of the documentation are filled in by a script, and none is written by hand."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from caseload_sim import get_scenario, list_scenarios, population_report
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.experiments.rehearsal import check_figures

ROOT = Path(__file__).parents[2]
FEW = 500  # clients, which have every quantity that 200,000 have


@cache
def script() -> Any:
    spec = importlib.util.spec_from_file_location("sentence_numbers", ROOT / "docs" / "sentence_numbers.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def marks() -> list[tuple[str, str, str, str]]:
    """Page, figure, scenario and number of every mark."""
    return [
        (page.name, found[2], found[3], found[5])
        for page in script().PAGES
        for found in script().NUMBER.finditer(page.read_text(encoding="utf-8"))
    ]


def test_every_mark_is_whole() -> None:
    assert len(marks()) >= 4
    for page in script().PAGES:
        text = page.read_text(encoding="utf-8")
        whole = len(script().NUMBER.findall(text))
        assert text.count("<!-- number") == text.count("<!-- /number -->") == whole, page.name


@pytest.mark.parametrize(("page", "figure", "scenario", "stored"), marks())
def test_a_mark_names_a_figure_that_there_is_and_its_number_is_written_as_the_script_would(
    page: str, figure: str, scenario: str, stored: str
) -> None:
    assert scenario in list_scenarios(), page
    if script().OF_POPULATION in figure:
        assert figure in {row.quantity for row in population_report(get_scenario(scenario), FEW)}
        form = script().form_of(figure)
    else:
        quantity = Quantity.parse(figure)
        check_figures(get_scenario(scenario), [quantity])
        form = script().WRITTEN[definition(quantity.measure).unit]
    value = float(stored.replace(",", "").rstrip("%")) / (100 if "%" in stored else 1)
    assert form.format(value) == stored


def test_only_what_is_between_marks_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def found(*what: object) -> str:
        asked.append(what)
        return "51.0%"

    monkeypatch.setattr(script(), "number", found)
    mark = "<!-- number: recovery/finished/end//none hepgul_2016 5 -->{}<!-- /number -->"
    text = f"44.0% of 1, {mark.format('44.0%')}\nand {mark.format('')}"
    assert script().with_numbers(text) == f"44.0% of 1, {mark.format('51.0%')}\nand {mark.format('51.0%')}"
    assert asked == [("recovery/finished/end//none", "hepgul_2016", 5)] * 2


def test_the_numbers_of_the_population_page_are_up_to_date() -> None:
    page = (ROOT / "docs" / "population.md").read_text(encoding="utf-8")
    assert script().NUMBER.search(page)
    assert page == script().with_numbers(page), "run python docs/sentence_numbers.py population.md"


@pytest.mark.verification
def test_the_numbers_of_all_pages_are_up_to_date() -> None:
    for page in script().PAGES:
        text = page.read_text(encoding="utf-8")
        assert text == script().with_numbers(text), "run python docs/sentence_numbers.py"


# Per cents that are reckoned from inputs, and why they are in no file; verification.md has those of tests, not of a service.
RECKONED = {
    "costs.md": {
        "0.7": "one point of error in a price index of 1.39",
        "8.3": "what the money of [costs.grant] buys",
    },
    "model.md": {"66": "the interval of a published 58% of 147"},
}
GENERATED = re.compile(
    r"<!-- (?:generated|measured|simulated)\b.*?<!-- end[^>]*-->|<!-- number: .*?<!-- /number -->|```.*?```", re.DOTALL
)
PER_CENT = re.compile(r"(?<![\d.])(\d*\.?\d+)(?:%| per cent)")
# Made as a whole by other scripts, or about tests.
NOT_READ = ("data_dictionary.md", "performance.md", "verification.md")


def written_by_hand(text: str) -> list[str]:
    """The per cents of a page that stand outside marks and are no input and no published figure of any shipped file."""
    shares, texts = inputs()
    found = PER_CENT.findall(GENERATED.sub("", text))
    return [one for one in found if round(float(one) / 100, 6) not in shares and one not in texts]


@cache
def inputs() -> tuple[set[float], set[str]]:
    """Fractions in the shipped files, and per cents in their texts."""
    files = [path for folder in ("scenarios", "src") for path in (ROOT / folder).rglob("*.toml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    fractions = {round(float(one), 6) for one in re.findall(r"(?<![\d.])\d*\.\d+(?![\d.])", text)}
    return fractions, set(re.findall(r"(\d*\.?\d+)%", text))


@pytest.mark.parametrize("page", [page for page in script().PAGES if page.name not in NOT_READ], ids=lambda p: p.name)
def test_a_per_cent_in_a_sentence_is_an_input_or_published_or_filled_in(page: Path) -> None:
    """It cannot find a simulated number that an input happens to equal: few do once they have a decimal."""
    found = written_by_hand(page.read_text(encoding="utf-8"))
    assert set(found) == set(RECKONED.get(page.name, ())), (
        "put it between marks (docs/sentence_numbers.py), or take it out"
    )


def test_a_simulated_per_cent_written_by_hand_is_found() -> None:
    assert written_by_hand(
        "In the model 46.37% recover, <!-- number: recovery hepgul_2016 5 -->44.37%<!-- /number -->"
    ) == ["46.37"]
    assert not written_by_hand("50.1% was published.")
