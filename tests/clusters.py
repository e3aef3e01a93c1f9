"""A real Dask cluster on this machine alone: a scheduler and workers, each a process that a test can kill."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

SECONDS_TO_START = 60.0
NO_PAGES = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")  # without the second, HTTP is served to everybody


class Cluster:
    """A scheduler on 127.0.0.1, at a port that the system chooses, and the workers that were started for it.

    Leaving the block kills what is left of them; should even the tests be killed, all of them end by themselves.
    settings: of Dask, as environment variables; protocol: tcp or tls
    """

    def __init__(self, folder: Path, protocol: str = "tcp", settings: dict[str, str] | None = None) -> None:
        self.folder, self.protocol, self.settings = folder, protocol, settings or {}
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Cluster":
        file = self.folder / "scheduler.json"
        command = ["--host", "127.0.0.1", "--port", "0", "--protocol", self.protocol, *NO_PAGES, "--no-show"]
        self.scheduler = self._start("scheduler", *command, "--idle-timeout", "3600s", "--scheduler-file", str(file))
        try:
            self.address = str(_when_written(file)["address"])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def add_worker(self, before: str = "") -> subprocess.Popen[bytes]:
        """One worker with one thread; before: Python that it runs before anything else."""
        place = ["--host", "127.0.0.1", "--local-directory", str(self.folder), *NO_PAGES]
        worker = self._start("worker", self.address, *place, "--no-nanny", "--nthreads", "1", "--memory-limit", "0",
                             "--death-timeout", "20", before=before)  # fmt: skip
        self.workers.append(worker)
        return worker

    def _start(self, kind: str, *arguments: str, before: str = "") -> subprocess.Popen[bytes]:
        program = f"{before}\nfrom distributed.cli.dask_{kind} import main\nmain()"
        log = (self.folder / f"{kind}-{len(self.workers)}.log").open("wb")
        with log:
            return subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | self.settings,
            )  # fmt: skip

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def _when_written(path: Path) -> dict[str, Any]:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            time.sleep(0.05)
    raise TimeoutError(f"no scheduler within {SECONDS_TO_START} seconds; see the logs in {path.parent}")
