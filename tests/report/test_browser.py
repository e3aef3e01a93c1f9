"""The report in a real browser: readable by everybody, on a phone and on paper, and silent towards any network.

Where there is no Chromium or Chrome, or no Playwright, these tests are skipped and say so.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caseload_sim.report.html import as_html
from caseload_sim.report.page import page_of
from saved_reports import REPORTS, TITLE, material_for

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox", "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")
DESKTOP, PHONE = (1200, 900), (375, 740)
MOST_PAGES, MOST_BYTES = 4, 400_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless browser that is on this machine; none is downloaded."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: pip install playwright for these tests"
    )
    pytest.importorskip("axe_playwright_python", reason="no axe: pip install axe-playwright-python for these tests")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: these tests need one of {', '.join(NAMES)} on the PATH")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each report as a file."""
    return file_of(request.param, tmp_path)


def file_of(name: str, folder: Path) -> Path:
    material = material_for(name)
    path = folder / "report.html"
    path.write_text(as_html(page_of(material), material.draw), encoding="utf-8")
    return path


def opened(browser: Any, path: Path, size: tuple[int, int] = DESKTOP) -> Any:
    """The page of that file, with all that is folded as it is."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(path.as_uri())
    return page


def unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def test_no_rule_of_accessibility_is_broken(browser: Any, report: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, report)
    unfold(page)
    found = Axe().run(page, options={"runOnly": list(RULES)}).response
    page.close()
    assert len(found["passes"]) > 25
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


def test_axe_would_notice(browser: Any, tmp_path: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    path = file_of("no service", tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace('<html lang="en-GB">', "<html>"), encoding="utf-8")
    page = opened(browser, path)
    found = Axe().run(page, options={"runOnly": list(RULES)}).response
    page.close()
    assert [one["id"] for one in found["violations"]] == ["html-has-lang"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_nothing_is_wider_than_the_window(browser: Any, report: Path, size: tuple[int, int]) -> None:
    page = opened(browser, report, size)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    outside = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(one => !one.closest('.wide') && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 90))"
    )
    page.close()
    assert outside == []


def test_on_paper_it_is_four_pages_of_a4_at_most(browser: Any, report: Path) -> None:
    page = opened(browser, report)
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert 1 <= len(sizes) <= MOST_PAGES
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}
    assert report.stat().st_size <= MOST_BYTES


def test_it_asks_for_nothing_but_itself(browser: Any, report: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.as_uri())
    unfold(page)
    page.wait_for_load_state("networkidle")
    page.close()
    assert asked == [report.as_uri()]
    assert said == []


def test_a_title_with_markup_is_text(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, file_of("a run", tmp_path))
    assert page.locator("h1").inner_text() == TITLE
    assert page.title() == TITLE
    assert page.evaluate("document.scripts.length") == 0
    page.close()


def test_marks_stand_where_their_numbers_say(browser: Any, tmp_path: Path) -> None:
    """Of the first rung: the filled mark is right of the open one, as 20 is less than 44, and both are on the line."""
    page = opened(browser, file_of("a run", tmp_path))
    row = page.locator("tr", has_text="Recovered, by the service").first
    numbers = [float(text.rstrip("%")) for text in row.locator("td").all_inner_texts()[:2]]
    line, ours, untreated = (row.locator(name).bounding_box() for name in (".axis", ".value", ".other"))
    page.close()
    with_service, without = ((box["x"] + box["width"] / 2 - line["x"]) / line["width"] for box in (ours, untreated))
    assert 0 < without < with_service < 1
    assert with_service / without == pytest.approx(numbers[0] / numbers[1], rel=0.08)
