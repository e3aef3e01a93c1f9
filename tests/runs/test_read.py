"""Run folders read back: the same tables and pictures as when they were made, and what is wrong with those that cannot be."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from caseload_sim.analysis.client_tables import people_of
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import Results
from caseload_sim.figures.gallery import FIGURES, FreshRun, of_kind
from caseload_sim.measures.rows import Row
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.read import read_run
from caseload_sim.scenario.scenario import Scenario
from commands import call_here


@pytest.fixture(scope="module")
def run_folder(small_results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return RunFolder(tmp_path_factory.mktemp("saved"), "a run").save(small_results, "kernel")


@pytest.fixture(scope="module")
def comparison_folder(small: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    compared = compare({"now": small, "later": small.with_changes({"pathway.booking.mean_days": 30})}, versus="later")
    folder = RunFolder(tmp_path_factory.mktemp("saved"), "a comparison")
    return folder.save_comparison(compared, "kernel", ["recovery"], draw=False)


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "copy"))


def test_a_saved_run_is_read_as_it_was(run_folder: Path, small_results: Results) -> None:
    saved = read_run(run_folder)
    assert saved.kind == "run"
    assert saved.scenario == small_results.scenario
    assert len(saved.rows) == len(small_results.rows)
    for field in fields(Row):
        again, fresh = ([getattr(row, field.name) for row in rows] for rows in (saved.rows, small_results.rows))
        if isinstance(fresh[0], float):  # CSV keeps ten digits
            assert np.allclose(again, fresh, rtol=1e-9, atol=1e-12, equal_nan=True), field.name
        else:
            assert again == fresh, field.name
    assert len(saved.over_time) == len(small_results.over_time)
    drawn, read = people_of(small_results.first), saved.people
    assert read.condition_names == drawn.condition_names
    for name in ("conditions", "n_emotional", "contacts", "referred", "ended"):
        assert np.array_equal(getattr(read, name), getattr(drawn, name)), name


@pytest.mark.parametrize("name", of_kind("run"))
def test_a_figure_drawn_again_shows_the_same(name: str, run_folder: Path, small_results: Results) -> None:
    def texts(tables: object) -> list[str]:
        figure = FIGURES[name].draw(tables)
        return [text.get_text() for ax in figure.axes for text in [*ax.texts, *ax.get_yticklabels()]]

    shown = texts(read_run(run_folder))
    assert shown == texts(FreshRun.of(small_results))
    assert shown


def test_a_saved_comparison_is_read_with_the_measures_it_showed(comparison_folder: Path) -> None:
    saved = read_run(comparison_folder)
    assert (saved.kind, saved.measures_shown, saved.scenario.name) == ("comparison", ("recovery",), "later")
    assert {row.versus for row in saved.differences} == {"", "later"}
    labels = FIGURES["differences"].draw(saved).axes[0].get_yticklabels()
    assert all(text.get_text().startswith("recovered by the service's questionnaires") for text in labels)


def _without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _cut_after_a_line(name: str) -> Callable[[Path], object]:
    def cut(folder: Path) -> None:
        lines = (folder / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:2]), encoding="utf-8", newline="")

    return cut


def _with(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "figure", "message"),
    [
        (_without("run.json"), "ladder", "not a run folder, because it has no run.json."),
        (_with("run.json", "{"), "ladder", "run.json: not JSON. It is damaged, or another version"),
        (_with("run.json", "[]"), "ladder", "run.json: not the record of a run or a comparison."),
        (_with("run.json", '{"kind": "run", "scenario": {}}'), "ladder", "run.json: its scenario cannot be used, at name."),
        (_with("run.json", '{"kind": "comparison", "versus": "x", "scenarios": []}'), "ladder", "its scenario cannot be used."),
        (_without("measures.csv"), "ladder", "lacks measures.csv. Run the scenario again to have it."),
        (_with("measures.csv", ""), "ladder", "measures.csv: no column scenario."),
        (_with("over_time.csv", "scenario,measure,step,day,value,lower_95_ci,upper_95_ci\n"), "waiting_list", "over_time.csv: no rows."),
        (_with("over_time.csv", "scenario,measure,step,day,value,lower_95_ci,upper_95_ci\na,b,c,x,1,1,1\n"), "waiting_list",
         "over_time.csv: not the table it should be."),
        (_with("over_time.csv", "scenario,measure,step,day,value,lower_95_ci,upper_95_ci\na,b\n"), "waiting_list",
         "over_time.csv: not the table it should be."),
        (_cut_after_a_line("over_time.csv"), "waiting_list", "over_time.csv: 1 rows, not the "),
        (_without("outcomes.parquet"), "retention", "lacks outcomes.parquet."),
        (_with("clients.parquet", "x"), "comorbidity", "clients.parquet: not the table it should be."),
        (lambda folder: shutil.copy(folder / "episodes.parquet", folder / "outcomes.parquet"), "retention",
         "outcomes.parquet: no column contacts."),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_drawn_says_what_is_wrong_with_it(
    harm: Callable[[Path], object], figure: str, message: str, copy: Path
) -> None:
    harm(copy)
    with pytest.raises(RunError) as caught:
        FIGURES[figure].draw(read_run(copy))
    assert message in str(caught.value)
    assert str(copy) in str(caught.value)


def test_the_folder_above_or_no_folder_at_all_is_met_with_advice(run_folder: Path) -> None:
    with pytest.raises(RunError, match="There are run folders in it, such as a run"):
        read_run(run_folder.parent)
    with pytest.raises(RunError, match="no such folder"):
        read_run(run_folder / "nowhere")
    with pytest.raises(RunError, match="no such folder"):
        read_run(run_folder / "run.json")


# --- on the command line -----------------------------------------------------------------------------------


def test_plot_draws_all_that_the_folder_holds_in_any_format(copy: Path) -> None:
    drawn = call_here("plot", "copy", folder=copy.parent)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.splitlines() == [str(Path("copy/figures") / f"{name}.png") for name in of_kind("run")]
    assert {path.name for path in (copy / "figures").iterdir()} == {f"{name}.png" for name in of_kind("run")}
    one = call_here("plot", "copy", "--figure", "retention", "--format", "svg", folder=copy.parent)
    assert one.stdout.splitlines() == [str(Path("copy/figures/retention.svg"))]
    assert "<svg" in (copy / "figures" / "retention.svg").read_text(encoding="utf-8")


def test_what_lacks_its_table_is_left_out_and_named_unless_it_was_asked_for(copy: Path) -> None:
    (copy / "clients.parquet").unlink()
    drawn = call_here("plot", "copy", "--format", "pdf", folder=copy.parent)
    assert drawn.returncode == 0
    assert [line.split(".")[0] for line in drawn.stderr.splitlines()] == [
        "Not drawn: comorbidity", "Not drawn: retention"
    ]  # fmt: skip
    assert len(drawn.stdout.splitlines()) == len(of_kind("run")) - 2
    asked = call_here("plot", "copy", "--figure", "retention", folder=copy.parent)
    assert asked.returncode == 2
    assert "lacks clients.parquet" in asked.stderr
    for path in copy.glob("*.csv"):
        path.unlink()
    nothing = call_here("plot", "copy", folder=copy.parent)
    assert nothing.returncode == 2
    assert "copy: no figure could be drawn." in nothing.stderr


def test_plot_of_a_comparison_draws_its_differences(comparison_folder: Path) -> None:
    drawn = call_here("plot", str(comparison_folder), folder=comparison_folder.parent)
    assert drawn.stdout.splitlines() == [str(comparison_folder / "figures" / "differences.png")]
    wrong = call_here("plot", str(comparison_folder), "--figure", "ladder", folder=comparison_folder.parent)
    assert wrong.returncode == 2
    assert "--figure ladder: a figure of a run, and this is a comparison" in wrong.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "RunError: nowhere: no such folder."),
        (("copy", "--format", "svgg"), "RunError: --format svgg: not a format for figures. Did you mean 'svg'?"),
        (("copy", "--figure", "laddr"), "CatalogueError: --figure laddr: no such figure. Did you mean 'ladder'?"),
        (("copy", "--figure", "ladder"), "figures: cannot be written (File exists)"),
    ],
)
def test_a_plot_that_cannot_be_ends_with_code_2_and_one_message(
    words: tuple[str, ...], message: str, copy: Path
) -> None:
    (copy / "figures").write_text("a file in the way", encoding="utf-8")
    result = call_here("plot", *words, folder=copy.parent)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_record_says_what_kind_of_folder_it_is(run_folder: Path, comparison_folder: Path) -> None:
    kinds = [json.loads((f / "run.json").read_text(encoding="utf-8"))["kind"] for f in (run_folder, comparison_folder)]
    assert kinds == ["run", "comparison"]
