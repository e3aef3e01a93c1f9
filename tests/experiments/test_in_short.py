"""What Python shows of what it has: short, readable, and a table in a notebook."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pyarrow as pa
import pytest
from nbclient import NotebookClient

import caseload_sim
from caseload_sim.analysis.client_tables import people_of
from caseload_sim.analysis.event_log import event_log
from caseload_sim.analysis.solve import solve
from caseload_sim.definitions.columns import saved_tables
from caseload_sim.definitions.measures import definition
from caseload_sim.definitions.quantities import LADDER
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import Compared, compare
from caseload_sim.experiments.in_short import as_html, in_short
from caseload_sim.experiments.precision import precision_from
from caseload_sim.experiments.replicate import Results, replicate
from caseload_sim.experiments.sweep import sweep
from caseload_sim.experiments.workers import Workers
from caseload_sim.measures.headline import headline
from caseload_sim.scenario.catalogue import get_scenario, list_scenarios
from caseload_sim.scenario.scenario import Scenario
from commands import SMALL_FILE


@pytest.fixture(scope="module")
def compared(small: Scenario) -> Compared:
    brief = small.with_changes({"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400})
    return compare({"now": brief, "later": brief.with_changes({"pathway.booking.mean_days": 30})}, replications=2)


def test_results_are_the_answer_and_where_the_rest_is(small_results: Results) -> None:
    text = repr(small_results)
    lines = text.splitlines()
    assert text == str(small_results) == in_short(small_results)
    *answer, last = lines
    assert answer == headline(small_results.scenario, small_results.rows).lines()
    assert last == f"{len(small_results.rows):,} rows: .find(), .rows, .to_arrow(), .to_pandas()"


def test_a_scenario_is_one_line(small: Scenario) -> None:
    assert repr(small) == f"<Scenario hepgul_2016: {small.title} (seed 2016, 2 replications)>"
    for name in list_scenarios():
        scenario = get_scenario(name)
        assert "\n" not in repr(scenario)
        assert len(repr(scenario)) < 200
        assert str(scenario) == repr(scenario)


def test_nothing_that_a_public_function_gives_floods_the_screen(
    small: Scenario, small_results: Results, compared: Compared
) -> None:
    brief = compared.results[0].scenario
    things: list[Any] = [
        small, small_results, small_results.first, small_results.rows, compared, people_of(small_results.first),
        event_log(small_results.first), sweep(brief, {"population.prevalence.ptsd": [0.1, 0.2]}, "recovery", replications=1),
        solve(brief, "recovery/finished/end>=0.2", "staff.assessor.wte", replications=1), Workers(2), precision_from("0.5pp"),
    ]  # fmt: skip
    for thing in things:
        assert len(repr(thing)) < 3_000, type(thing)
        assert len(repr(thing).splitlines()) <= 40, type(thing)


def test_a_long_title_is_cut_and_a_scenario_without_a_service_has_no_ladder_to_fail_on(small: Scenario) -> None:
    untreated = get_scenario("no_service", changes={"demand.referrals_per_year": 300, "run.warm_up_days": 30,
                                                    "run.data_collection_days": 60, "run.follow_up_days": 400})  # fmt: skip
    results = replicate(untreated.model_copy(update={"title": "A long title " * 20}), replications=1)
    lines = repr(results).splitlines()
    assert lines[0].endswith("...")
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 17


@pytest.mark.parametrize(
    "show", [as_html, lambda results: results._repr_html_()], ids=["by name", "as a notebook asks"]
)
def test_a_notebook_has_a_table_with_definitions(show: Callable[[Results], str], small_results: Results) -> None:
    table = ElementTree.fromstring(show(small_results).replace("<br>", "<br/>"))
    rows = table.findall("tbody/tr")
    assert len(rows) == len(LADDER)
    for quantity, row in zip(LADDER, rows, strict=True):
        heading = row.find("th")
        assert heading is not None
        assert definition(quantity.measure).definition in "".join(heading.itertext())
    assert [cell.get("scope") for cell in table.findall("thead/tr/th")] == ["col"] * 5


def test_no_name_is_taken_for_html(small_results: Results) -> None:
    named = small_results.scenario.model_copy(update={"title": "<script>alert(1)</script> & more"})
    text = as_html(Results(named, small_results.rows, small_results.values, None, (), (), small_results.first))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text


def test_results_as_arrow_are_their_rows_with_what_each_column_is(small_results: Results, compared: Compared) -> None:
    for thing, name in ((small_results, "measures"), (compared, "differences")):
        table = thing.to_arrow()
        assert table.num_rows == len(thing.rows)
        for column in saved_tables()[name].columns:
            assert table.schema.field(column.name).metadata[b"description"].decode() == column.meaning
        assert table.schema.field("value").type == pa.float64()
        assert table.schema.field("n_replications").type == pa.int64()
    recovery = small_results.find("recovery")
    table = small_results.to_arrow()
    wanted = ("recovery", "finished", "end", "service", "all")
    keys = zip(*(table.column(name).to_pylist() for name in ("measure", "base", "at", "service", "group")), strict=True)
    assert table.column("value")[[*keys].index(wanted)].as_py() == recovery.value


def test_values_of_replications_come_as_one_table(small_results: Results) -> None:
    table = small_results.replications()
    assert table.num_rows == 2 * len(small_results.rows)
    assert table.column("value").to_numpy()[: len(small_results.rows)] == pytest.approx(
        [one.value for one in small_results.tables[0].values()], nan_ok=True
    )


def test_pandas_is_asked_for_where_it_is_missing(small_results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caseload_sim.measures.arrow.find_spec", lambda name: None)
    with pytest.raises(
        RunError, match=r"pandas is not installed here\. Install it \(pip install pandas\), or use to_arrow\(\)"
    ):
        small_results.to_pandas()


def test_pandas_has_the_same_numbers_where_it_is_there(small_results: Results) -> None:
    pytest.importorskip("pandas")
    frame = small_results.to_pandas()
    assert len(frame) == len(small_results.rows)
    assert frame.value.dtype.kind == "f"


def test_tab_shows_every_public_name() -> None:
    """In a fresh interpreter, by what completes names on a terminal, and in IPython."""
    program = (
        "import rlcompleter, caseload_sim\n"
        "completer = rlcompleter.Completer({'cs': caseload_sim})\n"
        "shown, k = set(), 0\n"
        "while (one := completer.complete('cs.', k)) is not None:\n    shown.add(one.removeprefix('cs.').rstrip('()')); k += 1\n"
        "print(sorted(set(caseload_sim.__all__) - shown), caseload_sim.__version__ == __import__('importlib.metadata').metadata.version('caseload-sim'))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] True\n"
    from IPython.core.completer import IPCompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell: Any = InteractiveShell.instance()
    shell.user_ns["cs"] = caseload_sim
    completer: Any = IPCompleter(shell=shell, namespace=shell.user_ns)  # type: ignore[no-untyped-call]
    completer.use_jedi = False
    _, found = completer.complete("cs.")
    assert set(caseload_sim.__all__) <= {one.rpartition(".")[2] for one in found}
    here = Path(caseload_sim.__file__).parent
    packages = {path.name for path in here.iterdir() if path.is_dir()} | {"errors"}
    assert {name for name in dir(caseload_sim) if not name.startswith("_")} <= {*caseload_sim.__all__, *packages}


def test_a_notebook_shows_results_without_being_asked_for_anything(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    cells = [
        "import caseload_sim as cs\nscenario = cs.load_scenario('small.toml')\nscenario",
        "results = cs.replicate(scenario)\nresults",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    scenario, results = (cell.outputs[0]["data"] for cell in notebook.cells)
    assert scenario["text/plain"].startswith("<Scenario small: A small service")
    assert results["text/html"].startswith("<table><caption><b>A small service</b>")
    assert results["text/plain"].splitlines()[0].split("  ")[0] == "A small service"
