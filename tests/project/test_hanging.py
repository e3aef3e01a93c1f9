"""A test that hangs ends soon, as a failure of its own, and all stacks are told."""

import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_test_that_hangs_ends_and_says_where(processes: str, tmp_path: Path) -> None:
    """With our own settings, but for how long is too long; in this process, and in one of pytest-xdist's."""
    (tmp_path / "test_it.py").write_text("import threading\ndef test_that_hangs(): threading.Event().wait()\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(SETTINGS),
        "--rootdir",
        str(tmp_path),
        "-p",
        "no:cacheprovider",
    ]
    ended = subprocess.run(
        [*command, "-n", processes, "-o", "faulthandler_timeout=2", "test_it.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "in test_that_hangs" in ended.stderr
    if processes == "1":
        assert "crashed while running 'test_it.py::test_that_hangs'" in ended.stdout
        assert ended.stdout.count("node down") == 1, "and is not begun again"
