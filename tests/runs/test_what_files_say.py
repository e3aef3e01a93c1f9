"""Run folders are input like any other: whatever their files say, there is an answer or an error of ours, soon, fit to be shown."""

import ast
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseload_sim.errors import UNSEEN, CaseloadError, RunError, harmless
from caseload_sim.experiments.compare import compare
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.sweep import sweep
from caseload_sim.figures.gallery import of_kind
from caseload_sim.figures.painter import image_of_saved
from caseload_sim.figures.sizes import USUAL, Look
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.kept_replications import INPUTS, begin, take_up
from caseload_sim.runs.lock import Lock
from caseload_sim.runs.read import MOST_CONTACTS, read_run
from caseload_sim.runs.record import RECORD, inputs_of_run, own_digest, record_of_sweep
from caseload_sim.runs.rerun import read_recorded
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.limits import json_in
from commands import call, call_here
from small_services import finished_of

posix = pytest.mark.skipif(
    sys.platform == "win32", reason="pipes among files, and names with control characters, are of POSIX"
)
ESCAPES = ("\x1b[31m", "\x1b]0;title\x07", "\x9b2J", "\r", "\x08", "\u202e", "\u2066", "\x7f")
VALUES = {"population.prevalence.ptsd": [0.1, 0.3]}


@pytest.fixture(scope="module")
def brief(small: Scenario) -> Scenario:
    return small.with_changes({"run.warm_up_days": 40, "run.data_collection_days": 60, "run.follow_up_days": 400})


@pytest.fixture(scope="module")
def stored(brief: Scenario, small_results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the folders of a run, a comparison and a sweep."""
    place = tmp_path_factory.mktemp("stored")
    RunFolder(place, "run").save(small_results, "kernel")
    compared = compare({"now": brief, "later": brief.with_changes({"pathway.booking.mean_days": 30})}, replications=2)
    RunFolder(place, "comparison").save_comparison(compared, "kernel", ["recovery"], draw=False)
    swept = record_of_sweep(sweep(brief, VALUES, "recovery", replications=2), VALUES, "kernel")
    (place / "sweep").mkdir()
    (place / "sweep" / RECORD).write_text(json.dumps(swept), encoding="utf-8")
    return place


@pytest.fixture
def copy(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored / "run", tmp_path / "copy"))


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """As if it had been written so, with its own digest."""
    content = {**record, "digest_of_this_record": own_digest(record)}
    (folder / RECORD).write_text(json.dumps(content), encoding="utf-8")


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    change(record)
    write_record(folder, record)


def is_an_answer_or_an_error_of_ours(look: Callable[[], object]) -> str:
    """Assert that nothing else is raised than an error that can be shown. Returns what it says."""
    said = ""
    try:
        look()
    except CaseloadError as error:
        said = str(error)
    assert not UNSEEN.search(said)
    return said


# --- run.json ------------------------------------------------------------------------------------------------

DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]
# Of a run, what no command reads again.
UNREAD = {"episodes.parquet", "replications.parquet", "measure_definitions.csv", "data_dictionary.csv"}
ODD = [None, [], {}, "", "=1", "x" * 3_000, "a\nb", *ESCAPES[:3], -1, 0, 3, 0.5, 1e308, 10**30, True, float("nan"), float("inf"), [1], {"a": 1}, {"\x1b": 1}, [[]], DEEP]  # fmt: skip


@pytest.mark.parametrize("kind", ["run", "comparison", "sweep"])
def test_whatever_stands_in_place_of_an_entry_of_a_record(kind: str, stored: Path, tmp_path: Path) -> None:
    """Each entry of the record in turn is left out, and is each of many odd values."""
    record = json.loads((stored / kind / RECORD).read_text(encoding="utf-8"))
    refused = 0
    for key in record:
        if key not in ("scenario", "scenarios"):
            rest = {name: value for name, value in record.items() if name != key}
            for other in (rest, *({**record, key: value} for value in ODD)):
                write_record(tmp_path, other)
                refused += bool(is_an_answer_or_an_error_of_ours(lambda: read_recorded(tmp_path)))
                if kind != "sweep" and key in ("kind", "rows", "versus", "measures_shown", "in_front"):
                    is_an_answer_or_an_error_of_ours(lambda: read_run(tmp_path))
    assert refused > 60


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["run", "comparison", "sweep"]),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
    st.sampled_from(ODD),
)
def test_whatever_stands_somewhere_within_a_record(stored: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, way: list[int], value: Any) -> None:  # fmt: skip
    record = json.loads((stored / kind / RECORD).read_text(encoding="utf-8"))
    inside: Any = record
    for step in way:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = keys[step % len(keys)]
        if not isinstance(inside[key], dict | list) or not inside[key]:
            break
        inside, where = inside[key], (inside, key)
    else:
        inside, key = where
    inside[key] = value
    folder = tmp_path_factory.getbasetemp() / "within"
    folder.mkdir(exist_ok=True)
    write_record(folder, record)
    is_an_answer_or_an_error_of_ours(lambda: read_recorded(folder))
    if kind != "sweep":
        is_an_answer_or_an_error_of_ours(lambda: read_run(folder))


@pytest.mark.parametrize(
    "own",
    ["a name", 5, [], [1], {}, {"name": "x"}, {"name": 5, "source_sha256": "0"}, {"name": "x", "source_sha256": None},
     {"name": "x\n", "source_sha256": "0"}, {"name": "x" * 300, "source_sha256": "0"}],
    ids=str,
)  # fmt: skip
def test_a_policy_of_the_wrong_shape_is_refused(own: Any, copy: Path) -> None:
    changed(copy, lambda record: record.update(own_policy=own))
    said = is_an_answer_or_an_error_of_ours(lambda: read_recorded(copy))
    assert (said == "") == (not own)
    assert not own or "run.json: not the record it should be" in said


def test_a_sweep_of_more_points_than_digests_is_refused_before_they_are_made(stored: Path, tmp_path: Path) -> None:
    record = json.loads((stored / "sweep" / RECORD).read_text(encoding="utf-8"))
    write_record(tmp_path, {**record, "values": {"a": list(range(60_000)), "b": list(range(60_000))}})
    with pytest.raises(RunError, match=r"run\.json: not the record it should be"):
        read_recorded(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 950 + "]" * 950, "nested deeper than 30 levels"),
        ('{"a":' * 400 + "1" + "}" * 400, "nested deeper than 30 levels"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5_000, "not JSON"),
        (f"[{10**40}]", "0: a whole number beyond all that we write"),
        ('{"a": ["\\u001b"]}', r"a.0: a text with the control character '\x1b'"),
        ('{"\\u001b": 1}', r"a key that cannot be shown, '\x1b'"),
        ('{"a\\nb": 1}', r"a key that cannot be shown, 'a\nb'"),
        ('{"' + "k" * 600 + '": 1}', "a key that cannot be shown"),
        ("\ud800", "not JSON"),
    ],
    ids=range(10),
)
def test_json_that_is_none_of_ours_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        json_in(text.encode("utf-8", errors="surrogatepass"))
    assert message in str(caught.value)


# --- on the terminal -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("escape", ESCAPES, ids=ascii)
def test_nothing_from_a_record_reaches_the_terminal_as_it_is(escape: str, copy: Path) -> None:
    digests: list[Callable[[dict[str, Any]], object]] = [
        lambda record: record.update(platform=f"a{escape}b"),
        lambda record: record["versions"].update(numpy=f"1{escape}"),
        lambda record: record["versions"].update({f"a{escape}": "1"}),
        lambda record: record["digests"][0].update({f"clients{escape}": "0"}),
        lambda record: record["digests"][0].update(clients=escape),
        lambda record: record["scenario"].update(name=f"a{escape}"),
        lambda record: record["scenario"].update(title=escape),
        lambda record: record.update(kind=escape, engine=escape),
        lambda record: record.update({escape: 1}),
    ]
    before = (copy / RECORD).read_bytes()
    for change in digests:
        (copy / RECORD).write_bytes(before)
        changed(copy, change)
        for words in (("rerun", "copy", "--anyway"), ("plot", "copy", "--figure", "ladder")):
            result = call_here(*words, folder=copy.parent)
            assert result.returncode == 2, result.stderr
            assert "run.json: " in result.stderr
            assert not UNSEEN.search(result.stdout + result.stderr)


@posix
@pytest.mark.parametrize("escape", ["\x1b[31m", "\u202e"], ids=ascii)
def test_no_name_of_a_folder_or_file_reaches_the_terminal_as_it_is(escape: str, stored: Path, tmp_path: Path) -> None:
    place = tmp_path / f"a{escape}"
    shutil.copytree(stored / "run", place)
    (tmp_path / f"{escape}.toml").write_text('extends = "hepgul_2016"', encoding="utf-8")
    asked = (
        (0, "plot", place.name, "--figure", "ladder"),
        (2, "plot", place.name, place.name),
        (2, "plot", f"{place.name}/no{escape}"),
        (2, "rerun", f"no{escape}"),
        (2, "run", f"{escape}.toml"),
        (2, "validate", f"{escape}.toml"),
        (2, "diff", "hepgul_2016", f"{escape}.toml"),
        (0, "list", "scenarios", "--scenario-path", "."),
        (2, "new", f"{escape}.toml"),
        (2, f"no{escape}"),
        (2, "list", escape),
        (2, "run", "--figure", escape),
    )
    for code, *words in asked:
        result = call_here(*words, folder=tmp_path)
        assert result.returncode == code, (words, result.stderr)
        assert result.stdout + result.stderr
        assert not UNSEEN.search(result.stdout + result.stderr), words


def test_a_scenario_is_not_called_after_a_file_whose_name_cannot_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "a\tb.toml"
    path.write_text('extends = "hepgul_2016"', encoding="utf-8")
    with pytest.raises(CaseloadError, match=r"its name has the control character '\\t'. Rename the file."):
        load_scenario(path)


@pytest.mark.parametrize("escape", ESCAPES, ids=ascii)
def test_harmless_text_says_what_it_left_out(escape: str) -> None:
    assert not UNSEEN.search(harmless(f"a{escape}b"))
    assert harmless("plain, é, \u2265\n\tand lines") == "plain, é, \u2265\n\tand lines"
    assert harmless("a\x1b[31m") == r"a\x1b[31m"


def test_commands_print_in_one_place() -> None:
    """Where `print`, and rich, are called: in `say`, `tell`, the methods of `Page`, and where everything ends."""
    folder = Path(sys.modules["caseload_sim"].__file__ or "").parent / "cli"
    modules = sorted(folder.glob("*.py"))
    assert len(modules) > 15
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called == "print":
                assert path.name in ("printing.py", "main.py"), f"{path.name}:{node.lineno}"
                assert (
                    "harmless(" in ast.unparse(node)
                    or "error" in ast.unparse(node)
                    or "installed(" in ast.unparse(node)
                )
            if called.endswith("console.print") and node.args:
                shown = ast.unparse(node.args[0])
                assert "styled(" in shown or "harmless(" in shown or shown == "table", f"{path.name}:{node.lineno}"
            if called == "Text":
                assert "harmless(" in ast.unparse(node), f"{path.name}:{node.lineno}"
            assert "stdout.write" not in called
            assert "stderr.write" not in called


# --- tables --------------------------------------------------------------------------------------------------

CELLS = [
    "",
    "\x1b[31m",
    "9" * 400,
    "9" * 5_000,
    "-1",
    "1e308",
    "inf",
    "nan",
    "step=nothing",
    "$\\frac{",
    "nothing",
    "2147483648",
    "'=x",
]


def brief_table(folder: Path) -> None:
    """Leave in measures.csv only what its figures show, which is read sooner."""
    path = folder / "measures.csv"
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if ",all," in line]
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8", newline="")
    changed(folder, lambda record: record["rows"].update({"measures.csv": len(lines)}))


def edited(path: Path, column: str, value: str, every: bool) -> None:
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    k = head.split(",").index(column)
    for n, line in enumerate(lines):
        if every or n == len(lines) // 2:
            cells = line.split(",")
            lines[n] = ",".join([*cells[:k], value, *cells[k + 1 :]])
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8", newline="")


@pytest.mark.parametrize(
    ("table", "figure"),
    [("measures.csv", "ladder"), ("over_time.csv", "waiting_list"), ("cost_effectiveness.csv", "acceptability")],
)
@pytest.mark.parametrize("every", [False, True], ids=["one cell", "a whole column"])
def test_whatever_stands_in_a_cell_of_a_table(table: str, figure: str, every: bool, copy: Path) -> None:
    brief_table(copy)
    before = (copy / table).read_bytes()
    columns = before.split(b"\n", 1)[0].decode().split(",")
    for k, column in enumerate(columns):
        for value in CELLS[(k + every) % 4 :: 4]:
            (copy / table).write_bytes(before)
            edited(copy / table, column, value, every)
            is_an_answer_or_an_error_of_ours(lambda: image_of_saved(read_run(copy), figure, USUAL))


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("measures.csv", "scenario", "other", "scenario 'other' is not one that there is"),
        ("measures.csv", "measure", "happiness", "measure 'happiness' is not one that there is"),
        ("measures.csv", "base", "nobody", "base 'nobody' is not one that there is"),
        ("measures.csv", "at", "never", "at 'never' is not one that there is"),
        ("measures.csv", "service", "\x1b", r"service '\x1b' is not one that there is"),
        ("over_time.csv", "step", "nowhere", "step 'nowhere' is not one that there is"),
        ("over_time.csv", "day", "3", "the same row twice"),
        ("measures.csv", "group", "ghost=yes", ""),
    ],
)
def test_a_table_of_what_there_is_not_is_refused(table: str, column: str, value: str, message: str, copy: Path) -> None:
    edited(copy / table, column, value, every=False)
    saved = read_run(copy)
    said = is_an_answer_or_an_error_of_ours(lambda: (saved.rows, saved.over_time))
    assert message in said
    assert bool(said) == bool(message)


def test_a_group_that_does_not_exist_in_any_row_of_a_table_is_an_error_of_each_figure(copy: Path) -> None:
    brief_table(copy)
    edited(copy / "measures.csv", "group", "ghost=yes", every=True)
    (copy / "over_time.csv").unlink()
    for name in of_kind("run"):
        is_an_answer_or_an_error_of_ours(lambda name=name: image_of_saved(read_run(copy), name, Look("svg")))  # type: ignore[misc]
    result = call_here("plot", "copy", "--figure", "ladder", folder=copy.parent)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("outcomes", "contacts", MOST_CONTACTS + 1, "more contacts of a client than 10,000"),
        ("outcomes", "contacts", 2**31 - 1, "more contacts of a client than 10,000"),
        ("outcomes", "contacts", -1, "more contacts of a client than 10,000"),
        ("outcomes", "contacts", None, "no value in a row of column contacts"),
        ("clients", "ptsd", None, "no value in a row of column ptsd"),
    ],
)
def test_a_parquet_file_with_impossible_values_is_refused(
    table: str, column: str, value: Any, message: str, copy: Path
) -> None:
    path = copy / f"{table}.parquet"
    content = pq.read_table(path)
    values = content.column(column).to_pylist()
    values[0] = value
    k = content.column_names.index(column)
    pq.write_table(content.set_column(k, content.field(column), pa.array(values, content.field(column).type)), path)
    with pytest.raises(RunError, match=message):
        _ = read_run(copy).people


# --- what is not a file, and files of locks ------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("odd", ["pipe", "device", "folder", "link in a circle"])
def test_what_is_no_file_is_not_waited_for(odd: str, stored: Path, small_results: Results, tmp_path: Path) -> None:
    """In place of each file that is read, of a run and of an unfinished one, and beside it of a lock."""

    def put(path: Path) -> None:
        if path.exists():
            path.unlink()
        if odd == "pipe":
            os.mkfifo(path)
        elif odd == "device":
            path.symlink_to("/dev/zero")
        elif odd == "folder":
            path.mkdir()
        else:
            path.symlink_to(path.name)

    inputs = inputs_of_run(small_results.scenario, "kernel", False)
    for name in sorted(path.name for path in (stored / "run").iterdir() if path.is_file()):
        copy = Path(shutil.copytree(stored / "run", tmp_path / name))
        put(copy / name)
        if name == RECORD:
            assert call("rerun", name, folder=tmp_path).returncode == 2
            assert call("rerun", f"{name}/{name}", folder=tmp_path).returncode == 2
        saved = [is_an_answer_or_an_error_of_ours(lambda copy=copy, part=part: getattr(read_run(copy), part))  # type: ignore[misc]
                 for part in ("rows", "over_time", "cost_effects", "people")]  # fmt: skip
        assert any(saved) == (name not in UNREAD)
    kept = begin(tmp_path / "unfinished", inputs)
    kept[0, 0] = finished_of(small_results)
    for path in sorted(kept.folder.iterdir(), key=lambda path: path.name == INPUTS):
        put(path)
        is_an_answer_or_an_error_of_ours(lambda: take_up(kept.folder, inputs))
    for name in ("a.lock", "a.lock.txt"):
        (tmp_path / odd).mkdir(exist_ok=True)
        put(tmp_path / odd / name)
        is_an_answer_or_an_error_of_ours(lambda: RunFolder(tmp_path / odd, "a").discard())


@pytest.mark.parametrize(
    "content",
    ["9" * 900, f"process {'9' * 500} on here has been writing there since 2026-01-01 00:00:00", "process 1 on a\x1b[31m has been "
     "writing there since 2026-01-01 00:00:00", "0" * 10**6, "call +44 900 to unlock"],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_a_text_beside_a_lock_is_shown_only_if_it_is_one_of_ours(content: str, tmp_path: Path) -> None:
    lock = Lock(tmp_path / "a.lock")
    lock.text.write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"a: another process is writing there\. Wait until it has ended"):
        RunFolder(tmp_path, "a")
    lock.release()
    (tmp_path / "a.lock").write_text(content, encoding="utf-8")
    RunFolder(tmp_path, "a").discard()
    assert list(tmp_path.iterdir()) == []


def test_inputs_nested_without_end_are_refused_on_resuming(small_results: Results, tmp_path: Path) -> None:
    inputs = inputs_of_run(small_results.scenario, "kernel", False)
    kept = begin(tmp_path / "unfinished", inputs)
    for odd in (DEEP, {"scenario": DEEP}, {**inputs, "scenario": {"\x1b": 1}}, {**inputs, "engine": "\x1b"}):
        (kept.folder / INPUTS).write_text(json.dumps(odd), encoding="utf-8")
        with pytest.raises(RunError, match="damaged, so that nobody can tell what was being run"):
            take_up(kept.folder, inputs)


def test_a_name_too_long_for_a_file_is_no_folder() -> None:
    for look in (read_run, read_recorded):
        with pytest.raises(RunError, match="no such f"):
            look("a" * 5_000)
    with pytest.raises(CaseloadError):
        get_scenario("a" * 5_000)
