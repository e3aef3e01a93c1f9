"""The command line as a user waits for it: whole processes, from the second use on."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import progress, shortest

SAVED = "SAVED"  # stands for the folder that `run` has saved
COMMANDS = {
    "--help": ["--help"], "run": ["run"], "run --no-figures": ["run", "--no-figures"], "report RUN": ["report", SAVED],
}  # fmt: skip


def commands(rounds: int, changes: list[str]) -> dict[str, float]:
    """Wall seconds of each command, the shortest of so many, in turns, after one use that is not timed.

    changes: further words for both runs, such as a smaller service where only the benchmark itself is tried
    """
    beside = Path(sys.executable).with_name("caseload-sim")
    program = [str(beside)] if beside.exists() else [sys.executable, "-m", "caseload_sim"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with TemporaryDirectory() as folder:

        def call(words: list[str]) -> None:
            saved = (
                [str(path) for path in Path(folder).glob("results/*-*") if path.is_dir()][:1] if SAVED in words else []
            )
            words = [*words[: -len(saved) or None], *saved]
            all_words = [*program, *words, *(changes if words[0] == "run" else [])]
            subprocess.run(
                all_words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

        actions = {name: partial(call, words) for name, words in COMMANDS.items()}
        progress("the command line")
        for action in actions.values():
            action()
        return shortest(actions, rounds)
