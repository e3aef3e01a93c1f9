"""The command `report`: from a saved run, from a file, with a plan; it replaces its own files and no other."""

from pathlib import Path

import pytest

from caseload_sim.report.html import is_report
from caseload_sim.report.workbook import is_workbook
from commands import SMALL_FILE, call_here

PLAN = (
    SMALL_FILE.replace("A small service", "With more posts") + '[staff.assessor.wte]\nvalue = 20\nassumption = "more"\n'
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small scenario and a plan, and a run of the first."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    assert call_here("run", "small.toml", "--no-figures", "--quiet", folder=folder).returncode == 0
    return folder


def run_of(folder: Path) -> str:
    return str(next(path for path in (folder / "results").iterdir() if "compare" not in path.name))


def test_a_saved_run_becomes_a_page_and_a_workbook(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.html"
    done = call_here("report", run_of(inputs), "--out", str(out), "--xlsx", folder=inputs)
    assert (done.returncode, done.stdout.splitlines()) == (0, [str(out), str(tmp_path / "board.xlsx")]), done.stderr
    assert is_report(out.read_bytes())
    assert is_workbook((tmp_path / "board.xlsx").read_bytes())
    assert "A small service" in out.read_text(encoding="utf-8")


def test_a_file_is_run_first_and_gives_the_same_page(inputs: Path, tmp_path: Path) -> None:
    from_run, from_file = tmp_path / "a.html", tmp_path / "b.html"
    assert call_here("report", run_of(inputs), "--out", str(from_run), folder=inputs).returncode == 0
    done = call_here("report", "small.toml", "--out", str(from_file), folder=inputs)
    assert done.returncode == 0, done.stderr
    assert "Saved in results" in done.stderr
    assert from_file.read_bytes() == from_run.read_bytes()


def test_a_plan_is_compared_whether_a_run_a_file_or_a_comparison_is_given(inputs: Path, tmp_path: Path) -> None:
    pages = []
    for k, first in enumerate((run_of(inputs), "small.toml")):
        out = tmp_path / f"{k}.html"
        done = call_here("report", first, "--versus", "plan.toml", "--out", str(out), folder=inputs)
        assert done.returncode == 0, done.stderr
        pages.append(out.read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert "With more posts" in pages[0]
    (compared,) = (inputs / "results").glob("*compare*")
    done = call_here("report", str(compared), "--out", str(tmp_path / "c.html"), folder=inputs)
    assert done.returncode == 0, done.stderr
    assert "With more posts" in (tmp_path / "c.html").read_text(encoding="utf-8")
    refused = call_here(
        "report", str(compared), "--versus", "plan.toml", "--out", str(tmp_path / "d.html"), folder=inputs
    )
    assert refused.returncode == 2
    assert "is a comparison already. Give --versus with the folder of a run." in refused.stderr


def test_a_report_is_replaced_and_no_other_file_is(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    for _ in range(2):
        assert call_here("report", run_of(inputs), "--out", str(out), "--xlsx", folder=inputs).returncode == 0
    for name, content in (("report.html", "<h1>My page</h1>"), ("report.xlsx", "my figures")):
        path = tmp_path / name
        before = path.read_bytes()
        path.write_text(content, encoding="utf-8")
        refused = call_here("report", run_of(inputs), "--out", str(out), "--xlsx", folder=inputs)
        assert refused.returncode == 2
        assert (
            f"{name}: is there already, and is another file than the one to be written. Choose another name with --out."
            in refused.stderr
        )
        assert path.read_text(encoding="utf-8") == content
        path.write_bytes(before)


def test_a_link_is_replaced_and_what_it_points_to_is_not(inputs: Path, tmp_path: Path) -> None:
    assert call_here("report", run_of(inputs), "--out", str(tmp_path / "first.html"), folder=inputs).returncode == 0
    first, link = tmp_path / "first.html", tmp_path / "link.html"
    before = first.read_bytes() + b"<!-- mine -->"
    first.write_bytes(before)
    link.symlink_to(first)
    assert call_here("report", run_of(inputs), "--out", str(link), folder=inputs).returncode == 0
    assert not link.is_symlink()
    assert first.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["small.toml", "--out", "report.pdf"], "a report is a page. Choose a name that ends in .html."),
        (["small.toml", "--out", "no/such/report.html"], "cannot be written"),
        (["smal.toml"], "smal.toml"),
        (["small.toml", "--versus", "nothing"], "nothing: no such scenario."),
        (["RUN", "--seed", "3"], "--seed: a saved run is as it is."),
        (["RUN", "--set", "demand.seasonal=false"], "--set: a saved run is as it is."),
        (["small.toml", "--versus", "small.toml"], "given twice"),
        ([".", "--out", "x.html"], "not a run folder"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    inputs: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    before = sorted(inputs.iterdir())
    done = call_here("report", *(run_of(inputs) if word == "RUN" else word for word in words), folder=inputs)
    assert done.returncode == 2
    assert said in done.stderr
    assert sorted(inputs.iterdir()) == before
