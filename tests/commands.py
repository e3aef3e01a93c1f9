"""Commands run in the process of the tests, which saves each the second or two that a fresh one takes to load."""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from caseload_sim.cli.main import main

SMALL_FILE = """
extends = "hepgul_2016"
title = "A small service"
[run]
replications = 2
warm_up_days = 60
data_collection_days = 60
follow_up_days = 500
[demand]
referrals_per_year = { value = 600, assumption = "small" }
"""


def call(*words: str, folder: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "caseload_sim", *words],
        cwd=folder, capture_output=True, encoding="utf-8", timeout=120,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **(env or {})},
    )  # fmt: skip


def call_here(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `call` returns, without a process of its own: for what is said and saved, not for how a process ends."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    code: object = 0
    with (
        chdir(folder), redirect_stdout(out), redirect_stderr(err),
        patch.object(sys, "argv", ["caseload-sim", *words]), patch.dict(os.environ, {"COLUMNS": "80"}),
    ):  # fmt: skip
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8"))
    return subprocess.CompletedProcess(["caseload-sim", *words], int(str(code)), *texts)
