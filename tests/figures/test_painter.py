"""Figures drawn in a process of their own: the same pictures, whatever becomes of that process."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import Future
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.workers import Workers
from caseload_sim.figures import painter as painting
from caseload_sim.figures.canvas import own_settings
from caseload_sim.figures.gallery import FreshRun, drawn, figure_names, of_kind
from caseload_sim.figures.painter import NotDrawn, Painter, image_of, images_of
from caseload_sim.figures.sizes import SCREEN, USUAL_DPI, WIDTHS, Look, Width
from commands import SMALL_FILE


@pytest.fixture
def run(small_results: Results) -> FreshRun:
    return FreshRun.of(small_results)


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "threads_here", lambda: 2)


@pytest.mark.parametrize("width", [SCREEN, *WIDTHS.values()], ids=["screen", *WIDTHS])
@pytest.mark.parametrize("name", of_kind("run"))
def test_all_words_of_a_figure_are_within_it_and_none_is_written_over_its_heading(
    name: str, width: Width, run: FreshRun
) -> None:
    with own_settings(width):
        figure = drawn(name, run)
        FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    assert figure.get_size_inches()[0] == pytest.approx(width.inches)
    assert len(figure.words) == 4, "title, subtitle, how to read it, and how it was made"
    around = [words.get_window_extent() for words in figure.words]
    edge = figure.bbox.padded(1)
    for ax in figure.axes:
        # Words at places of the data that are outside its limits are not drawn.
        texts = [one for one in ax.findobj(Text) if one.get_visible() and one.get_text() and one.get_clip_box() is None]
        boxes = [one.get_window_extent() for one in texts]
        assert len(boxes) > 2
        # A tick beyond the limits has a label too, which is not drawn; the labels that are there say what is.
        ticks = [tick for axis in (ax.xaxis, ax.yaxis) for tick in axis.get_major_ticks()]
        seen = [tick for axis in (ax.xaxis, ax.yaxis) for tick in axis._update_ticks()]  # type: ignore[union-attr]
        undrawn = [tick.label1 for tick in ticks if tick not in seen]
        shown = [box for box, one in zip(boxes, texts, strict=True) if one not in undrawn]
        assert all(edge.containsx(x) and edge.containsy(y) for box in shown for x, y in box.corners()), name
        assert not any(words.overlaps(box) for words in around for box in shown), name
    assert all(edge.containsx(x) and edge.containsy(y) for box in around for x, y in box.corners()), name


def test_an_image_says_how_many_dots_there_are_to_the_inch(run: FreshRun) -> None:
    drawn = image_of(run, "ladder")
    assert isinstance(drawn, bytes)
    with Image.open(BytesIO(drawn)) as image:
        assert image.info["dpi"] == pytest.approx((USUAL_DPI, USUAL_DPI), abs=0.02)


@pytest.mark.usefixtures("two_processors")
def test_a_painter_draws_what_would_be_drawn_here(run: FreshRun, monkeypatch: pytest.MonkeyPatch) -> None:
    names = of_kind("run")[:2]
    here = images_of(run, names)

    def refused(*_: object) -> None:
        raise AssertionError("drawn here after all")

    monkeypatch.setattr(painting, "image_of", refused)  # which another process does not see
    with Painter() as painter:
        assert painter.begin(run, names)() == here


@pytest.mark.usefixtures("two_processors")
def test_whoever_waits_for_many_figures_draws_the_last_of_them(run: FreshRun, monkeypatch: pytest.MonkeyPatch) -> None:
    names, drawn_here = of_kind("run"), []
    here = images_of(run, names)

    def noted(run: FreshRun, name: str, look: Look) -> bytes | NotDrawn:
        drawn_here.append(name)
        return image_of(run, name, look)

    monkeypatch.setattr(painting, "image_of", noted)
    with Painter() as painter:
        images = painter.begin(run, names)()
    assert list(images.items()) == list(here.items())
    assert drawn_here == names[::-1][: len(drawn_here)] != []


@pytest.mark.usefixtures("two_processors")
def test_a_painter_that_is_lost_leaves_no_figure_out(run: FreshRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both processes that are started for the task are killed by it; then it is done here."""
    monkeypatch.setattr(painting, "_image_of_sent", _killed)
    with Painter() as painter:
        assert painter.begin(run, ["ladder"])() == images_of(run, ["ladder"])


def _killed(*_: object) -> None:
    os._exit(9)


@pytest.mark.usefixtures("two_processors")
def test_what_goes_wrong_in_drawing_is_said(run: FreshRun) -> None:
    with Painter() as painter:
        images = painter.begin(run, ["no_such_figure", "ladder"])()
    assert images["no_such_figure.png"] == NotDrawn("KeyError: 'no_such_figure'")
    assert images["ladder.png"] == image_of(run, "ladder"), "and costs no other figure"


def test_no_process_is_started_where_none_is_worth_it(run: FreshRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one processor, or with no figures to draw."""

    def refused(*_: object) -> Future[None]:
        raise AssertionError("a process was started")

    monkeypatch.setattr(Workers, "submit", refused)
    monkeypatch.setattr(painting, "threads_here", lambda: 2)
    with Painter(worth_it=False) as painter:
        assert painter.begin(run, [])() == {}
    monkeypatch.setattr(painting, "threads_here", lambda: 1)
    with Painter() as painter:
        assert painter.begin(run, ["ladder"])() == images_of(run, ["ladder"])


def test_starting_a_painter_loads_neither_numpy_nor_matplotlib() -> None:
    program = "import sys, caseload_sim.figures.painter; sys.exit(any(name in sys.modules for name in ('numpy', 'matplotlib')))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_the_painter_loads_no_scenario_for_the_figures_of_every_run(run: FreshRun) -> None:
    """Loading pydantic and what simulates takes as long as drawing one of them."""
    program = (
        "import pickle, sys; from caseload_sim.figures import painter as painting; painting._get_ready()\n"
        "parts, names = pickle.load(sys.stdin.buffer)\n"
        "images = [painting._image_of_sent(parts, name, painting.USUAL) for name in names]\n"
        "loaded = [name for name in ('pydantic', 'caseload_sim.measures.summary') if name in sys.modules]\n"
        "sys.exit(str(loaded) if loaded or not all(images) else 0)"
    )
    sent = {part: pickle.dumps(getattr(run, part)) for part in painting._PARTS}
    names = figure_names(None, "run")
    ran = subprocess.run([sys.executable, "-c", program], input=pickle.dumps((sent, names)), capture_output=True)
    assert (ran.returncode, ran.stderr.decode()) == (0, "")


def test_figures_can_be_named_without_loading_matplotlib() -> None:
    """`run` looks up names before it simulates, and only the painter need draw."""
    program = "import sys, caseload_sim.figures.gallery; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_script_that_calls_the_command_line_unguarded_runs_it_once(jobs: str, tmp_path: Path) -> None:
    """The processes that are started import the script, whose call must do nothing there."""
    (tmp_path / "small.toml").write_text(SMALL_FILE, encoding="utf-8")
    (tmp_path / "script.py").write_text(
        f"import sys\nfrom caseload_sim.cli.main import main\nsys.argv = ['caseload-sim', 'run', 'small.toml', '--jobs', '{jobs}']\nmain()\n",
        encoding="utf-8",
    )
    ran = subprocess.run([sys.executable, "script.py"], capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert [line.split(" ")[0] for line in ran.stderr.splitlines()] == ["small,", "Saved", "Next:"], ran.stderr
