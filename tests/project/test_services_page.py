"""The page of real services: its tables are made of two saved results, and say what those say."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from caseload_sim.services.published import Published

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("services_page", DOCS / "services_page.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row_of(**changes: str) -> dict[str, str]:
    row = {
        "figure": "recovery", "unit": "share", "line": "given_referrals", "how": "change", "n_services": "3", "mae": "0.02",
        "mae_persistence": "0.01", "ratio": "2", "ratio_lower_95_ci": "1.5", "ratio_upper_95_ci": "2.5", "persistence_of_all": "0.018",
        "n_of_all": "107",
    }  # fmt: skip
    return row | changes


def test_a_ratio_above_and_below_one_are_counted(script: Any) -> None:
    rows = [
        row_of(how=how, line=line, figure=figure, ratio=ratio)
        for how in ("change", "level")
        for line in ("given_referrals", "given_attended")
        for figure, ratio in (("recovery", "2"), ("first_wait_days", "0.5"))
    ]
    text = "\n".join(script.backtest_table(rows))
    assert text.count("Better than persistence on 1 of 2; more than 1.1 times its error on 1.") == 2
    assert "2.00 (1.50 to 2.50)" in text
    assert "1.8 (107)" in text


@pytest.mark.parametrize(
    ("unit", "published", "model", "met"),
    [
        ("share", "0.5", "0.509", True),
        ("share", "0.5", "0.511", False),
        ("days", "40", "41.9", True),
        ("days", "40", "42.1", False),
    ],
)
def test_a_figure_is_met_within_a_point_or_five_per_cent(
    script: Any, unit: str, published: str, model: str, met: bool
) -> None:
    assert script.is_met({"quantity": "it", "published": published, "model": model}, {"it": unit}) is met


def test_five_services_are_chosen_by_rule_and_differ(script: Any) -> None:
    published = Published()
    codes = [code for code in published.codes if "M076" in published.series(code)][:40]
    chosen = script.five_of([{"code": code} for code in codes], published)
    assert len(chosen) == len(set(chosen)) == 5
    largest = next(iter(chosen))
    assert all(
        sum(published.series(code)["M001"].get(f"2024-{month:02d}", 0) for month in range(4, 13))
        <= 1.2 * sum(published.series(largest)["M001"].get(f"2024-{month:02d}", 0) for month in range(4, 13))
        for code in codes
    )


def test_the_page_in_the_repository_has_its_tables_and_pictures() -> None:
    text = (DOCS / "services.md").read_text(encoding="utf-8")
    for part in ("five", "validated", "backtest"):
        table = text.partition(f"<!-- generated: {part} -->")[2].partition("<!-- end -->")[0]
        assert table.count("\n|") > 8, f"{part}: run the two commands and python docs/services_page.py"
    assert text.count("### ") == 5
    for name in ("services_validated", "services_backtest"):
        assert (DOCS / "images" / f"{name}.png").stat().st_size < 400_000
