"""Nothing is written through a link that somebody else put into a folder: files take its place, and a linked folder is refused."""

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from caseload_sim.errors import RunError
from caseload_sim.experiments.replicate import Results
from caseload_sim.runs import disk
from caseload_sim.runs.folder import RunFolder
from caseload_sim.runs.kept_replications import INPUTS, UNFINISHED
from caseload_sim.runs.lock import Lock, is_held
from caseload_sim.runs.read import read_run
from caseload_sim.runs.record import RECORD, inputs_of_run
from caseload_sim.runs.whole_files import save_images, save_text, write_text
from commands import call_here
from small_services import finished_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="on Windows links need rights that tests may lack")
pytestmark = posix
MINE = b"mine, and of nobody's business"


@pytest.fixture(scope="module")
def run_folder(small_results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return RunFolder(tmp_path_factory.mktemp("saved"), "a run").save(small_results, "kernel")


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "copy"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's own, with one file."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "file").write_bytes(MINE)
    return folder


def assert_untouched(elsewhere: Path) -> None:
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == {"file": MINE}


LINKS: dict[str, Callable[[Path, Path], object]] = {
    "symbolic": lambda link, target: link.symlink_to(target),
    "hard": lambda link, target: link.hardlink_to(target),
}


@pytest.mark.parametrize("kind", list(LINKS))
@pytest.mark.parametrize("figure_format", ["png", "svg", "pdf"])
def test_a_figure_takes_the_place_of_a_link(kind: str, figure_format: str, copy: Path, elsewhere: Path) -> None:
    (copy / "figures").mkdir()
    drawn = copy / "figures" / f"ladder.{figure_format}"
    LINKS[kind](drawn, elsewhere / "file")
    result = call_here("plot", "copy", "--figure", "ladder", "--format", figure_format, folder=copy.parent)
    assert result.returncode == 0, result.stderr
    assert_untouched(elsewhere)
    assert not drawn.is_symlink()
    assert drawn.stat().st_size > 1_000
    assert [path.name for path in drawn.parent.iterdir()] == [drawn.name]


def test_a_link_to_nowhere_makes_nothing_there(copy: Path, elsewhere: Path) -> None:
    (copy / "figures").mkdir()
    (copy / "figures" / "ladder.png").symlink_to(elsewhere / "new")
    assert call_here("plot", "copy", "--figure", "ladder", folder=copy.parent).returncode == 0
    assert_untouched(elsewhere)
    link = copy / "text.txt"
    link.symlink_to(elsewhere / "new")
    with pytest.raises(RunError, match="is there already"):
        save_text(link, "a")
    write_text(link, "a")
    assert_untouched(elsewhere)


def test_a_folder_of_figures_that_is_a_link_is_refused(copy: Path, elsewhere: Path) -> None:
    (copy / "figures").symlink_to(elsewhere)
    result = call_here("plot", "copy", "--figure", "ladder", folder=copy.parent)
    assert result.returncode == 2
    assert "figures is a link, through which nothing is written: remove it" in result.stderr
    assert_untouched(elsewhere)


def test_the_folder_that_the_user_names_may_be_a_link(run_folder: Path, small_results: Results, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    RunFolder(tmp_path / "link", "a").save(small_results, "kernel")
    assert read_run(tmp_path / "place" / "a").rows
    (tmp_path / "to_run").symlink_to(tmp_path / "place" / "a")
    assert save_images(tmp_path / "to_run" / "figures", {"x": b"x"}, "png")[0].read_bytes() == b"x"


PLACES = ("", UNFINISHED, f"{UNFINISHED}/files", "figures")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("inputs", [False, True], ids=["keeps nothing", "keeps replications"])
@pytest.mark.parametrize("resume", [False, True], ids=["anew", "resumed"])
def test_a_linked_folder_in_the_way_of_a_run_is_refused_before_the_work(
    place: str, inputs: bool, resume: bool, small_results: Results, tmp_path: Path, elsewhere: Path
) -> None:
    link = tmp_path / "out" / "a" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere, target_is_directory=True)
    about = inputs_of_run(small_results.scenario, "kernel", False) if inputs else None
    with pytest.raises(RunError, match=f"{link.name} is a link, through which nothing is written: remove it"):
        RunFolder(tmp_path / "out", "a", about, resume=resume)
    assert_untouched(elsewhere)
    assert link.is_symlink()
    assert not list((tmp_path / "out").glob("*.lock*"))


@pytest.mark.parametrize("kind", list(LINKS))
def test_files_of_a_run_take_the_place_of_links(
    kind: str, run_folder: Path, small_results: Results, tmp_path: Path, elsewhere: Path
) -> None:
    """Every table, and the record."""
    names = [path.name for path in run_folder.iterdir()]
    (tmp_path / "a").mkdir()
    for name in names:
        LINKS[kind](tmp_path / "a" / name, elsewhere / "file")
    again = RunFolder(tmp_path, "a").save(small_results, "kernel")
    assert len(names) == 10
    assert_untouched(elsewhere)
    assert not any(path.is_symlink() for path in again.rglob("*"))
    assert read_run(again).rows


@pytest.mark.parametrize("kind", list(LINKS))
def test_what_is_kept_of_a_run_takes_the_place_of_links(
    kind: str, small_results: Results, tmp_path: Path, elsewhere: Path
) -> None:
    inputs = inputs_of_run(small_results.scenario, "kernel", False)
    folder = RunFolder(tmp_path, "a", inputs)
    assert folder.kept is not None
    LINKS[kind](folder.unfinished / "0000-00000.kept", elsewhere / "file")
    LINKS[kind](folder.unfinished / "rows-0123456789abcdef.json", elsewhere / "file")
    folder.kept[0, 0] = finished_of(small_results)
    assert_untouched(elsewhere)
    del folder.kept[0, 0]
    LINKS[kind](folder.unfinished / "0000-00001.kept", elsewhere / "file")
    folder._lock.release()
    (folder.unfinished / INPUTS).unlink()
    LINKS[kind](folder.unfinished / INPUTS, elsewhere / "file")
    with pytest.raises(RunError, match="damaged, so that nobody can tell"):
        RunFolder(tmp_path, "a", inputs, resume=True)
    RunFolder(tmp_path, "a", inputs).discard()
    assert_untouched(elsewhere)


@pytest.mark.parametrize("name", ["a.lock", "a.lock.txt"])
@pytest.mark.parametrize("kind", list(LINKS))
def test_a_lock_writes_through_no_link(name: str, kind: str, tmp_path: Path, elsewhere: Path) -> None:
    LINKS[kind](tmp_path / name, elsewhere / "file")
    if (kind, name) == ("symbolic", "a.lock"):
        with pytest.raises(RunError, match=r"a\.lock is a link, through which nothing is written"):
            RunFolder(tmp_path, "a")
        assert is_held(tmp_path / name), "nobody can tell"
    else:
        lock = Lock(tmp_path / "a.lock")
        with pytest.raises(RunError, match="has been writing there since"):
            Lock(tmp_path / "a.lock")
        lock.release()
    assert_untouched(elsewhere)


def test_links_within_what_is_deleted_are_deleted_alone(tmp_path: Path, elsewhere: Path) -> None:
    (tmp_path / "gone" / "below").mkdir(parents=True)
    for k, folder in enumerate((tmp_path / "gone", tmp_path / "gone" / "below")):
        (folder / "to_file").symlink_to(elsewhere / "file")
        (folder / "to_folder").symlink_to(elsewhere)
        (folder / f"hard{k}").hardlink_to(elsewhere / "file")
    disk.remove_folder(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()
    assert_untouched(elsewhere)
    (tmp_path / "link").symlink_to(elsewhere)
    for remove in (disk.remove_folder, disk.remove_if_empty):
        with pytest.raises(OSError, match="link is a link"):
            remove(tmp_path / "link")
    disk.remove(tmp_path / "link")
    assert_untouched(elsewhere)


# --- junctions, which only Windows has ------------------------------------------------------------------------

JUNCTION, SYMBOLIC, ONEDRIVE = 0xA0000003, 0xA000000C, 0x9000001A


class _About:
    """What `os.lstat` says on Windows of a folder that is more than one."""

    def __init__(self, tag: int) -> None:
        self.st_mode, self.st_reparse_tag = stat.S_IFDIR | 0o777, tag


@pytest.mark.parametrize(("tag", "is_link"), [(JUNCTION, True), (SYMBOLIC, True), (ONEDRIVE, False), (0, False)])
def test_a_junction_is_a_link_and_a_folder_of_onedrive_is_none(
    tag: int, is_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.lstat

    def lstat(path: Path) -> object:
        return _About(tag) if Path(path).name == "figures" else really(path)

    (tmp_path / "figures").mkdir()
    monkeypatch.setattr("caseload_sim.runs.disk.os.lstat", lstat)
    assert disk.is_link(tmp_path / "figures") == is_link
    if is_link:
        with pytest.raises(RunError, match="figures is a link"):
            save_images(tmp_path / "figures", {"x": b"x"}, "png")
        assert list((tmp_path / "figures").iterdir()) == []
    else:
        save_images(tmp_path / "figures", {"x": b"x"}, "png")
        assert (tmp_path / "figures" / "x.png").exists()


def test_a_record_that_is_a_link_is_read_and_never_written(copy: Path, elsewhere: Path) -> None:
    target = elsewhere.parent / "record.json"
    (copy / RECORD).replace(target)
    (copy / RECORD).symlink_to(target)
    before = target.read_bytes()
    assert call_here("plot", "copy", "--figure", "ladder", folder=copy.parent).returncode == 0
    assert target.read_bytes() == before
