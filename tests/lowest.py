"""Run a quick part of the tests with the lowest versions that pyproject.toml allows, or with the newest there are.

`python tests/lowest.py [--newest] [TEST ...]`: makes a fresh environment in a temporary folder, installs the project from a wheel,
never from its sources, and the test tools, and runs the tests there. Takes some minutes and 800 MB. The environment is of the
Python that runs this script, so `python3.13 tests/lowest.py --newest` tries another.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUICK = (
    "cli/test_cli", "engines/test_agreement", "scenario/test_bad_input", "scenario/test_scenarios", "runs/test_folder",
    "runs/test_rerun", "figures/test_figures", "analysis/test_stress_checklist", "project/test_everywhere",
    "project/test_layout", "draws/test_streams", "measures/test_measures",
)  # fmt: skip
NOT_NEEDED = ("ruff", "mypy")  # they check the sources, and no test uses them


def requirements(*, lowest: bool) -> list[str]:
    """What the project and its tests need, as pip wants it; at its lowest bound each if asked."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    every = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    wanted = [one for one in every if not one.startswith(NOT_NEEDED)]
    return [one.replace(">=", "==", 1) for one in wanted] if lowest else wanted


def main() -> int:
    """Make the environment, install, test. Returns the exit code of the tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newest", action="store_true", help="the newest versions instead of the lowest")
    parser.add_argument("tests", nargs="*", help=f"test files below tests/, without .py; if none: {' '.join(QUICK)}")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python")
        needed = requirements(lowest=not asked.newest)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *needed], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(ROOT)], check=True)
        subprocess.run([python, "-m", "pip", "list"], check=True)
        files = [str(ROOT / "tests" / f"{name}.py") for name in asked.tests or QUICK]
        return subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
