"""Nothing of the caller's environment, and no name, costs a run: it is saved with its figures, whatever is set, closed or full."""

import ast
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from caseload_sim.definitions.labels import in_words
from caseload_sim.experiments.compare import compare, shown
from caseload_sim.experiments.replicate import replicate
from caseload_sim.figures import gallery
from caseload_sim.figures.canvas import Sheet, own_settings
from caseload_sim.figures.compare import draw_differences, plot_differences
from caseload_sim.figures.gallery import FIGURES, FreshRun, Picture, of_kind
from caseload_sim.figures.painter import NotDrawn, picture
from caseload_sim.figures.run import plot_ladder
from caseload_sim.figures.sizes import FORMATS, WIDTHS, Look
from caseload_sim.figures.style import figure_of, sheet_of
from caseload_sim.figures.waits import plot_waits
from caseload_sim.scenario.catalogue import load_scenario
from commands import SMALL_FILE, call_here

posix = pytest.mark.skipif(sys.platform == "win32", reason="streams are closed and filled by a POSIX shell here")
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a file that is always full")
RUN = "run small.toml --replications 1 --out out"
KERNEL = {
    "MPLBACKEND": "module://no_such_package.backend_inline"
}  # as a Jupyter kernel sets it for what is installed there

# Settings that are odd in themselves, and some that are odd together.
ODD: dict[str, dict[str, str]] = {
    "MPLBACKEND of a kernel": KERNEL,
    "MPLBACKEND unknown": {"MPLBACKEND": "nosuch"},
    "settings of matplotlib that cannot be read": {"MATPLOTLIBRC": "{folder}/bad"},
    "settings of matplotlib that are odd": {"MATPLOTLIBRC": "{folder}/odd"},
    "warnings are errors": {"PYTHONWARNINGS": "error"},
    "a width that int() refuses": {"COLUMNS": "\u00b2", "LINES": "\u00b2"},
    "a huge terminal": {"COLUMNS": "9" * 5_000, "LINES": "9" * 9},
    "no folder of one's own": {
        "HOME": "/dev/null/home", "XDG_CONFIG_HOME": "/dev/null/c", "XDG_CACHE_HOME": "/dev/null/d",
        "MPLCONFIGDIR": "/dev/null/m", "TMPDIR": "/dev/null/t", "NUMBA_CACHE_DIR": "/dev/null/n",
    },
    "numbers that are none": {
        **dict.fromkeys(("NUMBA_NUM_THREADS", "NUMBA_OPT", "NUMBA_DEBUG", "NUMBA_CPU_NAME", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS", "TERMINAL_WIDTH"), "odd"),
        "COLUMNS": "-5", "LINES": "0",
    },
    "a language and a terminal that there are not": {
        "LC_ALL": "xx_YY", "LANG": "xx", "TERM": "nosuch", "TZ": "No/Where", "PYTHONIOENCODING": "ascii:strict",
    },
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("small", "other"):
        (tmp_path / f"{name}.toml").write_text(SMALL_FILE, encoding="utf-8")
    (tmp_path / "bad").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "odd").write_text(
        "backend: nosuch\ntext.usetex: True\nfont.family: nosuch\nfigure.dpi: 9000\nsavefig.bbox: tight\nodd: odd\n"
    )
    return tmp_path


def called(words: str, folder: Path, redirect: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """A command by a shell, as the user types it."""
    command = f'"{sys.executable}" -m caseload_sim {words} {redirect}'
    return subprocess.run(
        command, shell=True, capture_output=True, encoding="utf-8", cwd=folder, timeout=200, env={**os.environ, **env}
    )


def images(folder: Path) -> dict[str, str]:
    """Digests of all figures below a folder, by name."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.png")}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The figures of a run in the environment of the tests."""
    folder = tmp_path_factory.mktemp("usual")
    (folder / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    assert call_here(*RUN.split(), folder=folder).returncode == 0
    return images(folder)


@posix
@pytest.mark.parametrize("name", ODD)
def test_an_odd_environment_costs_nothing_and_changes_no_figure(name: str, folder: Path, usual: dict[str, str]) -> None:
    env = {key: value.replace("{folder}", str(folder)) for key, value in ODD[name].items()}
    ran = called(RUN, folder, **env)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Recovered by the service" in ran.stdout
    assert len(usual) == 5
    assert images(folder / "out") == usual


@posix
def test_settings_of_matplotlib_in_the_current_folder_cost_nothing(folder: Path, usual: dict[str, str]) -> None:
    for kind in ("bad", "odd"):
        (folder / "matplotlibrc").write_bytes((folder / kind).read_bytes())
        ran = called(f"{RUN}-{kind}", folder)
        assert ran.returncode == 0, ran.stderr
        assert images(folder / f"out-{kind}") == usual


@posix
@FULL
@pytest.mark.parametrize("redirect", ["2> /dev/full", "2>&-", "2>&- >&- <&-", "<&-", ">&-"])
def test_streams_that_are_closed_or_full_cost_nothing(redirect: str, folder: Path, usual: dict[str, str]) -> None:
    ran = called(f"{RUN} --jobs 2", folder, redirect)
    assert ran.returncode == 0, ran.stderr
    assert images(folder / "out") == usual
    assert "Traceback" not in ran.stderr
    assert list(folder.glob("out/*/run.json"))


DRAWING = {
    "run": "run small.toml",
    "sweep": "sweep small.toml population.prevalence.ptsd 0.1:0.3:2",
    "solve": "solve small.toml --target recovery/finished/end>=0.4 --vary staff.assessor.wte",
    "compare": "compare small.toml other.toml",
    "population": "population small.toml --clients 2000",
    "audit": "audit small.toml",
    "rank": "rank small.toml other.toml",
    "reconcile": "reconcile small.toml",
    "warm-up": "warm-up small.toml",
    "uncertainty": "uncertainty small.toml --draws 2",
}


@posix
@FULL
@pytest.mark.parametrize("name", DRAWING)
def test_every_command_that_draws_is_saved_in_a_kernel_and_with_nowhere_to_say_so(name: str, folder: Path) -> None:
    words = DRAWING[name] + ("" if name in ("population", "uncertainty") else " --replications 1")
    quoted = " ".join(f"'{word}'" for word in f"{words} --out out".split())
    ran = called(quoted, folder, "2> /dev/full", **KERNEL)
    assert ran.returncode == 0
    assert images(folder / "out")
    assert list(folder.glob("out/*/*.csv"))
    if name == "run":
        (saved,) = (folder / "out").iterdir()
        plotted = called(f"plot {saved} --figure retention", folder, "2> /dev/full", **KERNEL)
        assert plotted.returncode == 0
        assert (saved / "figures" / "retention.png").exists()


@posix
@FULL
def test_what_could_not_be_printed_is_told_by_the_exit_code_alone(folder: Path) -> None:
    """Also where all of it fits into the buffer, which is written only when the program ends."""
    for words in ("list policies --json", "audit small.toml --replications 1", "run small.toml --no-figures"):
        ran = called(words, folder, "> /dev/full")
        assert ran.returncode == 2, ran.stderr
        assert ran.stderr.splitlines()[-1] == "Not everything could be printed: No space left on device."
        assert "Traceback" not in ran.stderr
        assert called(words, folder, "> /dev/full 2> /dev/full").returncode == 2
    assert called("run nosuch", folder, "2> /dev/full").returncode == 2


NAMES = {
    "mathematics": "a $\\frac{1}{2^x_y $ b $",
    "one dollar": "5$",
    "of a file": "100% \\n_^{}\\",
    "lines": "one\ntwo\r\nthree",
    "from the right": "\u05d0\u05d1 \u0627\u0628 ab",
    "turned round": "\u202eabc\u202c",
    "unseen": "\u0007\u001b[31m\u0085\u200b",
    "an underscore first": "_a",
    "long": "x" * 90,
}
ODD_STEP = """
kind = "course"
staff = "extra"
patience_mean_days = { value = 9, assumption = "x" }
lag_days_mean = { value = 0, assumption = "x" }
days_between_sessions = { value = 7, assumption = "x" }
planned_sessions_mean = { value = 3, assumption = "x" }
planned_sessions_shape = { value = 3, assumption = "x" }
drop_out_per_session = { value = 0, assumption = "x" }
sessions_for_95_percent = { value = 7, assumption = "x" }
effect = { default = { value = 1, assumption = "x" } }
[staff.extra]
wte = { value = 1, assumption = "x" }
contacts_per_week = { value = 20, assumption = "x" }
leave_share = { value = 0.1, assumption = "x" }
sickness_share = { value = 0.05, assumption = "x" }
training_and_admin_share = { value = 0.05, assumption = "x" }
"""
REFUSED = ("lines", "turned round", "unseen")  # before anything is run


def quoted(name: str) -> str:
    """A name as TOML writes it."""
    escaped = "".join(f"\\u{ord(letter):04x}" if ord(letter) < 32 or ord(letter) == 127 else letter for letter in
                      name.replace("\\", "\\\\").replace('"', '\\"'))  # fmt: skip
    return f'"{escaped}"'


def odd_scenario(folder: Path, name: str) -> Path:
    """A scenario whose file, title, a step and a condition have that name."""
    text = SMALL_FILE.replace('"A small service"', quoted(name)) + (
        f'[population.prevalence.{quoted(name)}]\ngroup = "emotional_disorder"\nvalue = 0.1\nassumption = "x"\n'
        f"[pathway.steps.{quoted(name)}]{ODD_STEP}"
    )
    path = folder / f"{''.join(letter for letter in name if letter not in '/' + chr(0))[:60]}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@posix
@pytest.mark.parametrize("name", REFUSED)
def test_names_that_no_terminal_shows_are_refused_before_anything_is_run(name: str, folder: Path) -> None:
    refused = call_here("run", str(odd_scenario(folder, NAMES[name])), folder=folder)
    assert refused.returncode == 2
    assert refused.stderr.startswith("ScenarioError: ")
    assert not (folder / "results").exists()


def test_no_name_given_in_python_costs_a_figure(folder: Path) -> None:
    small = load_scenario(folder / "small.toml")
    compared = compare({"now": small, **dict.fromkeys(NAMES.values(), small)}, replications=2)
    assert isinstance(picture(lambda: draw_differences(compared.rows)), bytes)
    ax = plot_differences(shown(compared.rows))
    said = {" ".join(text.get_text().split()) for text in ax.texts}
    for name in NAMES.values():
        assert any(" ".join(in_words(name).split()) in text for text in said), name
    figure_of(ax).draw_without_rendering()


@posix
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_no_name_costs_a_figure(name: str, folder: Path) -> None:
    path = odd_scenario(folder, NAMES[name])

    def drawn(*words: str, n: int = 1) -> None:
        done = call_here(*words, "--replications", "2", "--out", words[0], folder=folder)
        assert done.returncode == 0, done.stderr
        assert "Not drawn" not in done.stderr
        assert len(images(folder / words[0])) == n

    everything = [word for figure in of_kind("run") for word in ("--figure", figure)]
    drawn("run", str(path), *everything, n=len(of_kind("run")))
    drawn("compare", "small.toml", str(path))
    if name != "mathematics":  # the oddest is tried everywhere
        return
    drawn("sweep", str(path), f"population.prevalence.{NAMES[name]}", "0.1,0.2")
    drawn("solve", str(path), "--target", "recovery>=0.4", "--vary", "staff.assessor.wte")
    drawn("rank", "small.toml", str(path))
    drawn("warm-up", str(path))


def test_all_words_of_every_figure_are_shown_as_they_are(folder: Path) -> None:
    path = odd_scenario(folder, NAMES["mathematics"])
    run = FreshRun.of(replicate(load_scenario(path), replications=2))
    for name in of_kind("run"):
        texts = [text for text in FIGURES[name].draw(run).findobj(Text) if isinstance(text, Text)]
        words = [text for text in texts if any(map(str.isalpha, text.get_text()))]  # not numbers, which come when drawn
        assert len(words) > 3
        assert not any(text.get_parse_math() or text.get_usetex() for text in words), name
    ax = Figure().subplots()
    for text in (text for text in plot_waits(run.rows, ax=ax).findobj(Text) if isinstance(text, Text)):
        assert not text.get_parse_math(), "also on axes that the user made"
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert any(NAMES["mathematics"].replace("_", " ") in " ".join(label.split()) for label in labels)
    figure_of(ax).draw_without_rendering()


def test_a_users_settings_change_none_of_our_figures_and_are_theirs_afterwards(small_results: object) -> None:
    rows = small_results.rows  # type: ignore[attr-defined]
    looks = [Look(file_format, width) for file_format in FORMATS for width in WIDTHS.values()]
    usual = [picture(lambda: sheet_of(plot_ladder(rows)), look) for look in looks]
    assert len(set(usual)) == len(looks)
    odd: Any = {
        "font.size": 30,
        "axes.facecolor": "red",
        "savefig.bbox": "tight",
        "svg.fonttype": "path",
        "pdf.fonttype": 3,
        "savefig.dpi": 40,
    }
    with mpl.rc_context(odd):
        assert [picture(lambda: sheet_of(plot_ladder(rows)), look) for look in looks] == usual
        shown = sheet_of(plot_ladder(rows))._repr_png_()
        assert mpl.rcParams["font.size"] == 30
        with own_settings():
            assert mpl.rcParams["font.size"] == mpl.rcParamsDefault["font.size"]
    assert sheet_of(plot_ladder(rows))._repr_png_() == shown, "what a notebook shows"


def test_a_figure_that_cannot_be_drawn_costs_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object) -> Sheet:
        raise MemoryError("no room\x1b[2J")

    monkeypatch.setitem(gallery.FIGURES, "flow", Picture("x", odd, by_default=True))
    monkeypatch.setattr("caseload_sim.figures.painter.threads_here", lambda: 1)
    ran = call_here(*RUN.split(), folder=folder)
    assert ran.returncode == 0
    assert "Not drawn: flow. MemoryError: no room\\x1b[2J\n" in ran.stderr
    assert "(figures: disorders, waits, waiting_list, ladder)" in ran.stderr
    (saved,) = (folder / "out").iterdir()
    assert len(images(saved)) == 4
    assert (saved / "run.json").exists()
    monkeypatch.setattr("caseload_sim.figures.accounts.plot_audit", odd)
    monkeypatch.setattr("caseload_sim.figures.compare.draw_differences", odd)
    for words in (
        "audit small.toml --replications 1 --out a",
        "compare small.toml other.toml --replications 1 --out c",
    ):
        ran = call_here(*words.split(), folder=folder)
        assert ran.returncode == 0
        assert "Not drawn: " in ran.stderr
        assert list(folder.glob(f"{words[-1]}/*/*.csv"))
    ran = call_here("plot", str(saved), "--figure", "flow", folder=folder)
    assert (ran.returncode, ran.stderr) == (2, "RunError: flow: not drawn. MemoryError: no room\\x1b[2J\n")
    assert isinstance(picture(lambda: odd(None)), NotDrawn)


def test_matplotlib_is_loaded_in_one_place() -> None:
    """All other modules get it from there, or the environment would matter again."""
    package = Path(gallery.__file__).parents[1]
    loading = set()
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {id(node) for one in ast.walk(tree) if isinstance(one, ast.If) and "TYPE_CHECKING" in ast.dump(one.test)
                     for node in ast.walk(one)}  # fmt: skip
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "matplotlib" for name in names) and id(node) not in for_types:
                loading.add(path.name)
    assert loading == {"canvas.py"}
