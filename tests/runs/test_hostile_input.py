"""Files and changes made to do harm: each is refused with an error of ours, before it costs time or memory."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseload_sim.errors import MOST_SHOWN, UNSEEN, CaseloadError, ScenarioError
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.scenario.changes import parse_value
from caseload_sim.scenario.files import shipped_folder
from caseload_sim.scenario.scenario import Scenario

HEAD = 'extends = "hepgul_2016"\n'
MOST_MB = 200
SECONDS = 60  # for all of them, started process included; each takes well under one, which a test on a busy machine cannot say


def _conditions(n: int, group: str = "dependence") -> str:
    lines = (f'c{i} = {{ value = 0.1, group = "{group}", assumption = "x" }}\n' for i in range(n))
    return HEAD + "[population.prevalence]\n" + "".join(lines)


def _pairs(n: int) -> str:
    """Every pair of so many disorders with an odds ratio that contradicts the others."""
    tables = (
        f"[population.correlation.c{i}]\n"
        + "".join(
            f'c{j} = {{ value = {1 + 900 * (i * j % 2)}, measured_as = "odds_ratio", at = [0.1, 0.1], assumption = "x" }}\n'
            for j in range(i + 1, n)
        )
        for i in range(n - 1)
    )
    return _conditions(n, "emotional_disorder") + "".join(tables)


TEXTS: dict[str, tuple[str, str]] = {
    "lists 100,000 deep": (HEAD + "x = " + "[" * 100_000, ":2: nested deeper than 20 levels."),
    "tables 80,000 deep": (HEAD + "x = " + "{a=" * 80_000, ":2: nested deeper than 20 levels."),
    "lists 300 deep, closed": (HEAD + "x = " + "[" * 300 + "]" * 300, ":2: nested deeper than 20 levels."),
    "lists deep over many lines": (HEAD + "x = " + "[\n" * 300, ":22: nested deeper than 20 levels."),
    "a key of 20,000 parts": (HEAD + ".".join(["a"] * 20_000) + " = 1", ":2: nested deeper than 20 levels."),
    "a heading of 20,000 parts": (HEAD + "[" + ".".join(["a"] * 20_000) + "]", ":2: nested deeper than 20 levels."),
    "thousands of long keys": (
        HEAD + "".join(f"a{i}" + ".a" * 18 + "=1\n" for i in range(3000)), "3,001 entries; at most 250.",
    ),
    "a whole number of 240,000 digits": (
        HEAD + "[run]\nseed = " + "9" * 240_000, ":3: a number or a key of 240,000 characters; at most 500.",
    ),
    "a hexadecimal number as long": (HEAD + "[run]\nseed = 0x" + "f" * 240_000, ":3: a number or a key of 240,002 characters"),
    "a number of a million digits": (HEAD + "[run]\nseed = " + "9" * 1_000_000, "larger than 250,000 bytes"),
    "a huge exponent": (
        HEAD + '[staff.assessor]\nwte = { value = 1e999999999, assumption = "x" }', ":3: staff.assessor.wte.value: inf is not allowed",
    ),
    "a gigantic count": (HEAD + "[run]\nreplications = 99999999999999", ":3: run.replications: 99999999999999 is out of range"),
    "a negative count": (HEAD + "[run]\nreplications = -5", ":3: run.replications: -5 is out of range; it must be at least 1."),
    "ten thousand conditions": (_conditions(10_000), "larger than 250,000 bytes"),
    "three thousand conditions": (_conditions(3_000), ":2: population.prevalence: 3,000 entries; at most 250."),
    "a hundred conditions": (_conditions(100), ":2: population.prevalence: a table is not allowed here; it must be of at most 50 entries."),
    "pairs of conditions that contradict one another": (_pairs(34), "whichever one is changed: "),
    "a range of millions of counts": (
        HEAD + '[population.targets.count_mix]\n"0-9999999" = { value = 1, assumption = "x" }', "the groups must cover every count once",
    ),
    "a count in another script": (
        HEAD + '[population.targets.count_mix]\n"0-²" = { value = 1, assumption = "x" }', "the groups must cover every count once",
    ),
    "a step multiplied": (
        HEAD + "".join(f'[pathway.steps.s{i}]\nlike = "low_intensity"\n' for i in range(200)), "more than 10,000 values.",
    ),
    "misspelt paths by the thousand": (
        HEAD + "".join(
            f"[doubt.s{i}]\npaths = [" + ",".join(f'"population.prevalence.p{j}"' for j in range(220))
            + ']\nlow = 0.1\nhigh = 0.3\nmeaning = "x"\nassumption = "x"\n' for i in range(35)
        ), "... and more.",
    ),
    "thousands of errors": (
        HEAD + "".join(f"[population.correlation.k{i}]\n" + "".join(f"c{j} = 1\n" for j in range(240)) for i in range(35)), "... and more.",
    ),
    "80,000 empty tables": (HEAD + "x = [" + "{}," * 80_000 + "]", ":2: x: 80,000 entries; at most 250."),
    "strings that never end": (HEAD + "x = " + '"""\\' * 60_000, "not valid TOML"),
    "a name with an escape": (
        HEAD + '[population.prevalence]\n"a\\u001b[31m" = { value = 0.1, group = "dependence", assumption = "x" }',
        r":2: population.prevalence: a key that cannot be shown, 'a\x1b[31m'.",
    ),
    "a text with an escape": (HEAD + 'title = "a\\u001b[2J"', r":2: title: a text with the control character '\x1b'."),
    "a text that turns its order": (HEAD + 'title = "a\\u202eb"', r":2: title: a text with the control character '\u202e'."),
    "a text as long as a book": (HEAD + f'title = "{"x" * 200_000}"', ":2: title: a text of 200,000 characters; at most 10,000."),
    "a NUL": (HEAD + "x = 1\0", "not valid TOML"),
    "extends a drive": ('extends = "D:\\\\x.toml"', "'D:\\x.toml' is outside the file's own folder."),
    "extends a share": ('extends = "\\\\\\\\host\\\\share\\\\x.toml"', "is outside the file's own folder."),
    "extends upwards": ('extends = "../x.toml"', "'../x.toml' is outside the file's own folder."),
    "extends from the root": ('extends = "/etc/x.toml"', "'/etc/x.toml' is outside the file's own folder."),
    "extends a name of 5,000 characters": (f'extends = "{"a" * 5000}.toml"', "cannot be read (File name too long)"),
    "extends a name with an escape": ('extends = "\\u001b[31m.toml"', r":1: extends: a text with the control character '\x1b'."),
    "extends a chain of a hundred": ('extends = "chain0.toml"', "chain9.toml:1: extends: more than 10 files that extend one another."),
}  # fmt: skip


def _make_others(folder: Path) -> dict[str, str]:
    """Files that are no text, or no files, and what must be said of them."""
    (folder / "not_utf8.toml").write_bytes(HEAD.encode() + b'title = "\xff"')
    (folder / "zeros.toml").write_bytes(b"\0" * 200_000)
    with (folder / "huge.toml").open("wb") as file:
        file.truncate(400_000_000)
    for i in range(100):
        (folder / f"chain{i}.toml").write_text(f'extends = "chain{i + 1}.toml"', encoding="utf-8")
    said = {
        "not_utf8.toml": ":2: not text in UTF-8.",
        "zeros.toml": "not valid TOML",
        "huge.toml": "larger than 250,000 bytes",
    }
    if sys.platform != "win32":
        (folder / "link.toml").symlink_to("/etc/passwd")
        (folder / "device.toml").symlink_to("/dev/zero")
        (folder / "round.toml").symlink_to("round.toml")
        os.mkfifo(folder / "pipe.toml")
        for name in ("link", "device", "pipe"):
            (folder / f"to_{name}.toml").write_text(f'extends = "{name}.toml"', encoding="utf-8")
        said |= {
            "device.toml": "not a file. A scenario is a TOML file.",
            "pipe.toml": "not a file. A scenario is a TOML file.",
            "round.toml": "cannot be read (Too many levels of symbolic links)",
            "to_link.toml": ":1: extends: 'link.toml' is a link.",
            "to_device.toml": ":1: extends: 'device.toml' is a link.",
            "to_pipe.toml": "pipe.toml: not a file.",
        }
    return said


LOAD_ALL = """
import json, sys
from caseload_sim.scenario.catalogue import get_scenario, load_scenario
from caseload_sim.errors import CaseloadError
try:
    import resource
    def megabytes():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
except ImportError:
    def megabytes():
        return 0.0
get_scenario()
before, said = megabytes(), {}
for name in sys.argv[1:]:
    try:
        load_scenario(name)
        said[name] = ["accepted", "", 0]
    except CaseloadError as error:
        said[name] = [type(error).__name__, str(error), megabytes() - before]
    except BaseException as error:
        said[name] = ["not of ours: " + type(error).__name__, str(error)[:500], 0]
print(json.dumps(said))
"""


def test_every_hostile_file_is_refused_within_a_minute_for_all_and_200_mb(tmp_path: Path) -> None:
    """Measured in a process of their own: the most memory it ever had, over what a valid scenario needs."""
    expected = _make_others(tmp_path)
    for k, (text, message) in enumerate(TEXTS.values()):
        (tmp_path / f"text{k}.toml").write_text(text, encoding="utf-8", newline="")
        expected[f"text{k}.toml"] = message
    result = subprocess.run(
        [sys.executable, "-c", LOAD_ALL, *expected], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=SECONDS
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2000:]
    said = json.loads(result.stdout)
    for name, message in expected.items():
        kind, words, more_mb = said[name]
        case = list(TEXTS)[int(name[4:-5])] if name.startswith("text") else name
        assert kind in ("ScenarioError", "CatalogueError"), (case, kind, words)
        assert message in words, case
        assert all(len(line) < MOST_SHOWN + 100 for line in words.split("\n")), case
        assert len(words.split("\n")) <= 9, case
        assert not UNSEEN.search(words), case
        assert more_mb < MOST_MB, case
    assert len(expected) > 40


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (".".join(["a"] * 20_000), "1", "no path has more than 20 parts"),
        ("demand.shocks.x", "{a=" * 3_000 + "1" + "}" * 3_000, "nested deeper than 20 levels"),
        ("demand.shocks.x", "{" + ".".join(["a"] * 20_000) + "=1}", "nested deeper than 20 levels"),
        ("run.seed", "9" * 100_000, "a number or a key of 100,000 characters"),
        ("run.replications", "-1", "run.replications: -1 is out of range"),
        ("pathway.policy", "\x1b[31mred", r"a text with the control character '\x1b'"),
        ("pathway.policy", "x" * 100_000, "a number or a key of 100,000 characters"),
        ("run\x1b[2J", "1", r"no 'run\x1b[2J' in the scenario"),
        ("pathway.policy", "\udce9", r"a text with the control character '\udce9'"),
    ],
)
def test_a_hostile_change_is_refused(path: str, value: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        get_scenario(changes={path: parse_value(value)})
    assert message in str(caught.value)
    assert not UNSEEN.search(str(caught.value))


def test_a_change_from_python_that_nests_without_end_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    with pytest.raises(ScenarioError, match="nested deeper than 20 levels"):
        get_scenario(changes={"demand.shocks.x": endless})
    with pytest.raises(ScenarioError, match="a key that cannot be shown, 3"):
        get_scenario(changes={"demand.shocks": {3: {}}})


# --- whatever is written -------------------------------------------------------------------------------------

LINES = [
    line
    for name in ("hepgul_2016", "national_2024_25")
    for line in (shipped_folder() / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    if line.strip()
]
PIECES = st.sampled_from(LINES) | st.text(max_size=40) | st.sampled_from(
    ["[", "]", "{", "}", '"""', "'", "=", ".", "-1", "1e999", "nan", "[[x]]", "extends = 3", 'like = "x"', "replace = true"]
)  # fmt: skip
PATHS = sorted(
    {f"{section}.{key}" for section, table in get_scenario().model_dump().items() if isinstance(table, dict) for key in table}
)  # fmt: skip
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12) | st.just("value"), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def is_scenario_or_an_error_of_ours(load: Callable[[], Scenario]) -> None:
    """Assert that there is a scenario, or an error that can be shown; any other exception fails the test."""
    said = ""
    try:
        assert load().name
    except CaseloadError as error:
        said = str(error)
        if not re.search(r"\w", said):
            pytest.fail("an error without words")
    assert not UNSEEN.search(said)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map("\n".join))
def test_any_text_is_a_scenario_or_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    for whole in (HEAD + text, text):
        path.write_bytes(whole.encode("utf-8", errors="surrogatepass"))
        is_scenario_or_an_error_of_ours(lambda: load_scenario(path))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS) | st.text(max_size=30), st.text(max_size=40) | st.sampled_from(LINES))
def test_any_change_on_the_command_line_is_a_scenario_or_an_error_of_ours(path: str, text: str) -> None:
    is_scenario_or_an_error_of_ours(lambda: get_scenario(changes={path: parse_value(text)}))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), ANY_VALUE)
def test_any_change_from_python_is_a_scenario_or_an_error_of_ours(path: str, value: object) -> None:
    is_scenario_or_an_error_of_ours(lambda: get_scenario(changes={path: value}))
