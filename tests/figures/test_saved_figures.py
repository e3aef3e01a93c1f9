"""Figures as files: for a screen, a journal and a slide; letters that stay letters; the same bytes from the same tables; and all of one registry."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from building import check_legible
from caseload_sim.analysis.audit import AuditRow, audit
from caseload_sim.analysis.warm_up import WarmUpRow, warm_up
from caseload_sim.cli.main import COMMANDS
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.sweep import SweepRow, flattened, sweep, sweep_of
from caseload_sim.figures.gallery import FIGURES, KINDS, FreshRun, drawn, of_kind, tables_of
from caseload_sim.figures.painter import NotDrawn, image_of
from caseload_sim.figures.sizes import FORMATS, SCREEN, WIDTHS, Look
from caseload_sim.measures.rows import OverTimeRow
from caseload_sim.runs.record import plain
from caseload_sim.runs.tables import save_csv
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE, call_here


@pytest.fixture(scope="module")
def run(small_results: Results) -> FreshRun:
    return FreshRun.of(small_results)


def bytes_of(run: FreshRun, name: str, look: Look) -> bytes:
    image = image_of(run, name, look)
    assert not isinstance(image, NotDrawn), image
    return image


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_tables_make_the_same_bytes_without_a_date(file_format: str, run: FreshRun) -> None:
    for name in ("ladder", "waiting_list"):
        first = bytes_of(run, name, Look(file_format))
        assert first == bytes_of(run, name, Look(file_format))
        assert b"CreationDate" not in first
        assert b"<dc:date>" not in first


def test_svg_has_text_a_title_and_a_description(run: FreshRun) -> None:
    text = bytes_of(run, "ladder", Look("svg", WIDTHS["two"])).decode()
    heading = drawn("ladder", run).heading
    assert f"<title>{heading.title}</title>" in text
    assert re.search(r"<desc>Every rung, with the service and with none\. .*seed 2016", text)
    assert 'role="img"' in text
    assert text.count("<text") > 30
    assert ">1 recovered by the service's questionnaires (model)<" in text


def test_pdf_has_truetype_letters_and_says_what_it_shows(run: FreshRun) -> None:
    content = bytes_of(run, "ladder", Look("pdf"))
    assert b"/CIDFontType2" in content
    assert b"/Type3" not in content
    assert b"/Title (Of 100 who finish" in content


@pytest.mark.parametrize("width", WIDTHS)
def test_a_width_is_that_of_the_column_with_letters_that_can_be_read(width: str, run: FreshRun) -> None:
    wide = WIDTHS[width]
    text = bytes_of(run, "waits", Look("svg", wide)).decode()
    assert float(re.findall(r'<svg [^>]*?width="([\d.]+)pt"', text)[0]) == pytest.approx(72 * wide.inches)
    sizes = {float(size) for size in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", text)}
    assert min(sizes) >= 0.69 * wide.points > 4.8, "of the smallest, names of standards"
    assert max(sizes) == pytest.approx(1.2 * wide.points)
    assert WIDTHS["one"].inches == pytest.approx(89 / 25.4)
    assert SCREEN.inches == 8.5


def test_dots_to_the_inch_are_those_asked_for(run: FreshRun) -> None:
    few, many = (bytes_of(run, "disorders", Look("png", WIDTHS["one"], dpi)) for dpi in (100, 300))
    pixels = [int.from_bytes(png[16:20], "big") for png in (few, many)]  # the width in the header of a PNG
    assert pixels == [350, 1051]


def test_no_backend_of_a_notebook_matters(run: FreshRun, tmp_path: Path) -> None:
    program = (
        "import sys, pickle; from caseload_sim.figures.painter import image_of; from caseload_sim.figures.sizes import Look\n"
        "run = pickle.load(sys.stdin.buffer)\n"
        "for file_format in ('png', 'svg', 'pdf'): sys.stdout.buffer.write(image_of(run, 'flow', Look(file_format)))"
    )
    import pickle

    (tmp_path / "matplotlibrc").write_text("font.size: 31\nsvg.fonttype: path\n", encoding="utf-8")
    settings = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MATPLOTLIBRC": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(run), capture_output=True, env={**os.environ, **settings}
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout == b"".join(bytes_of(run, "flow", Look(file_format)) for file_format in FORMATS)


# --- one registry ---------------------------------------------------------------------------------------------------


def test_every_command_that_draws_has_its_figures_in_the_registry() -> None:
    assert {picture.kind for picture in FIGURES.values()} == set(KINDS)
    assert all(of_kind(kind) for kind in KINDS)
    modules = Path(sys.modules[call_here.__module__].__file__ or "").parents[1] / "src" / "caseload_sim" / "cli"
    asked = {
        name
        for path in modules.glob("*.py")
        for name in re.findall(r'drawn\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert asked == {name for name, picture in FIGURES.items() if picture.kind not in ("run", "comparison")}
    assert len(COMMANDS) > 10


@pytest.mark.parametrize(
    "words", [("run", "--help"), ("audit", "--help"), ("population", "--help"), ("plot", "--help")]
)
def test_every_command_that_draws_takes_the_options_of_pictures(words: tuple[str, ...], tmp_path: Path) -> None:
    shown = call_here(*words, folder=tmp_path).stdout
    assert all(option in shown for option in ("--dpi", "--width", "--format")), shown


def test_what_cannot_be_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    for options, message in (
        (("--width", "three"), "RunError: --width three: not a width for figures. Known: one, slide, two."),
        (("--format", "pfd"), "RunError: --format pfd: not a format for figures. Did you mean 'pdf'?"),
    ):
        refused = call_here("audit", "small.toml", *options, folder=tmp_path)
        assert (refused.returncode, refused.stderr.startswith(message)) == (2, True), refused.stderr
        assert not (tmp_path / "results").exists()


def test_a_command_saves_its_figure_in_every_format_asked_for(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    done = call_here("audit", "small.toml", "--format", "pdf", "--format", "svg", "--width", "one", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (saved,) = (tmp_path / "results").iterdir()
    assert {path.name for path in saved.glob("figure.*")} == {"figure.pdf", "figure.svg"}
    text = (saved / "figure.svg").read_text(encoding="utf-8")
    assert f'width="{72 * WIDTHS["one"].inches:.6g}' in text
    assert "A small service, June 2023" in text


def saved_as(
    folder: Path, kind: str, scenario: Scenario, tables: dict[str, tuple[Sequence[Any], type[Any]]], **given: Any
) -> Path:
    """A folder as a command of that kind would leave it: its tables, and a record that says how many rows each has."""
    folder.mkdir()
    for name, (rows, row_type) in tables.items():
        save_csv(folder / f"{name}.csv", rows, row_type)
    counts = {f"{name}.csv": len(rows) for name, (rows, _) in tables.items()}
    record = {"kind": kind, "scenario": plain(scenario), "given": given, "rows": counts}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def drawn_again(folder: Path, name: str) -> bytes:
    done = call_here("plot", folder.name, folder=folder.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(Path(folder.name) / "figures" / f"{name}.png")]
    return (folder / "figures" / f"{name}.png").read_bytes()


def test_a_table_of_a_command_is_drawn_again_as_it_was(small: Scenario, tmp_path: Path) -> None:
    rows = audit(small)
    folder = saved_as(tmp_path / "an_audit", "audit", small, {"table": (rows, AuditRow)})
    tables: Any = tables_of("audit", small, table=rows)
    assert drawn_again(folder, "audit") == image_of(tables, "audit")
    content = (folder / "table.csv").read_text(encoding="utf-8").splitlines()
    (folder / "table.csv").write_text("\n".join(content[:-1]) + "\n", encoding="utf-8")
    cut = call_here("plot", "an_audit", folder=tmp_path)
    assert cut.returncode == 2
    assert f"{len(rows) - 1} rows, not the {len(rows)} of its record" in cut.stderr
    (folder / "table.csv").unlink()
    assert "lacks table.csv" in call_here("plot", "an_audit", folder=tmp_path).stderr


def test_lists_that_settle_are_drawn_again_with_whole_days(small_results: Results, tmp_path: Path) -> None:
    scenario, over_time = small_results.scenario, small_results.over_time
    rows = warm_up(scenario, over_time)
    assert {row.settled_day is None for row in rows} == {True, False}
    made = {"table": (rows, WarmUpRow), "over_time": (over_time, OverTimeRow)}
    saved_as(tmp_path / "settled", "warm-up", scenario, made)
    done = call_here("plot", "settled", "--format", "svg", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    tables: Any = tables_of("warm-up", scenario, table=rows, over_time=over_time)
    image = image_of(tables, "warm_up", Look("svg"))
    assert not isinstance(image, NotDrawn)
    again, before = (
        re.findall(
            r"<(?:title|desc)>[^<]+|>[^<]+</text>", text
        )  # lines may differ by the eleventh digit, which files leave out
        for text in ((tmp_path / "settled/figures/warm_up.svg").read_text(encoding="utf-8"), image.decode())
    )
    assert again == before
    assert sum("day " in text for text in again) >= sum(row.settled_day is not None for row in rows)


def test_a_sweep_is_drawn_again_with_its_distance_from_today(small: Scenario, tmp_path: Path) -> None:
    path = "population.prevalence.ptsd"
    swept = sweep(small, {path: (0.1, 0.26)}, "recovery", replications=2)
    assert swept.today == (small.population.prevalence["ptsd"].value,)
    rows = flattened(swept)
    again = sweep_of(small, rows)
    assert repr([(point.at, point.rows) for point in again.points]).replace("SweepRow", "Row").count("Row(") == len(
        rows
    )
    assert repr([point.from_today for point in again.points]) == repr([point.from_today for point in swept.points])
    folder = saved_as(tmp_path / "swept", "sweep", small, {"table": (rows, SweepRow)})
    tables: Any = tables_of("sweep", small, swept, table=rows)
    assert drawn_again(folder, "sweep") == image_of(tables, "sweep")
    check_legible(drawn("sweep", tables))
    as_it_is = next(point for point in swept.points if point.at[path] == 0.26)
    assert all(abs(change.difference) < 1e-12 for change in as_it_is.from_today), "nothing is changed there"
    other = next(point for point in swept.points if point.at[path] == 0.1)
    for row, row_now, change in zip(other.rows, as_it_is.rows, other.from_today, strict=True):
        assert change.difference == pytest.approx(row.value - row_now.value)


def test_what_solve_was_asked_must_be_in_its_record(small: Scenario, tmp_path: Path) -> None:
    swept = flattened(sweep(small, {"pathway.declined": (0.05, 0.1)}, "recovery", replications=1))
    folder = saved_as(tmp_path / "asked", "solve", small, {"table": (swept, SweepRow)})
    refused = call_here("plot", "asked", folder=tmp_path)
    assert refused.returncode == 2
    assert "no column met" in refused.stderr
    assert not (folder / "figures").exists()
