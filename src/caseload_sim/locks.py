"""One writer at a time: a file that says who is writing, made in one step, and seen through when its writer is gone."""

import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from caseload_sim.errors import RunError

SECONDS_TO_WRITE = 10.0  # after which a lock that says nothing was left by a writer that died while making it


@dataclass(frozen=True, slots=True)
class Writer:
    """Who holds a lock: a process of a host, told from a later one of the same number by when it started.

    started: as the system gives it, empty where it does not; since: when the lock was taken; token: of this one lock
    """

    pid: int
    host: str
    started: str
    since: str
    token: str


class Lock:
    """A lock on a path, as a file beside it; held until `release`. No waiting: who comes second is refused."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises RunError when somebody else has it, OSError when it cannot be written."""
        self.path = path
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self.writer = Writer(os.getpid(), socket.gethostname(), process_start(os.getpid()) or "", now, uuid4().hex)
        if self._made():
            return
        self._refuse_if_alive()
        # Only one may clear away a dead writer's lock, or the second would clear away the first one's new lock.
        clearing = path.with_name(f"{path.name}.clearing")
        if SECONDS_TO_WRITE < _age(clearing) < float("inf"):  # one that is not there may be another's a moment later
            with suppress(OSError):
                clearing.unlink()
        try:
            os.close(os.open(clearing, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise _taken(path, None) from None
        try:
            self._refuse_if_alive()
            with suppress(FileNotFoundError):
                path.unlink()
            if not self._made():
                raise _taken(path, read_writer(path))
        finally:
            with suppress(OSError):
                clearing.unlink()

    def _made(self) -> bool:
        try:
            number = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                json.dump(asdict(self.writer), file)
        except OSError:
            with suppress(OSError):
                self.path.unlink()
            raise
        return True

    def _refuse_if_alive(self) -> None:
        writer = read_writer(self.path)
        if is_alive(writer) if writer else _age(self.path) < SECONDS_TO_WRITE:
            raise _taken(self.path, writer)

    def release(self) -> None:
        """Let others write. Does nothing when the lock is no longer this one's."""
        writer = read_writer(self.path)
        if writer is not None and writer.token == self.writer.token:
            with suppress(OSError):
                self.path.unlink()

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether somebody who is still there holds the lock."""
    writer = read_writer(path)
    return is_alive(writer) if writer else _age(path) < SECONDS_TO_WRITE


def read_writer(path: Path) -> Writer | None:
    """Who holds a lock; None when nobody does, or the file does not say."""
    try:
        writer = Writer(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return writer if isinstance(writer.pid, int) and writer.pid > 0 else None


def is_alive(writer: Writer) -> bool:
    """Whether a writer may still be writing; of another host nobody can tell, so yes."""
    if writer.host != socket.gethostname():
        return True
    if not _runs(writer.pid):
        return False
    started = process_start(writer.pid)
    return not (started and writer.started) or started == writer.started


def _taken(path: Path, writer: Writer | None) -> RunError:
    who = (
        f"process {writer.pid} on {writer.host} has been writing there since {writer.since}" if writer
        else "another process has just begun to write there"
    )  # fmt: skip
    return RunError(
        f"{path.with_suffix('')}: {who}. Wait for it, choose another folder with --out, or, if it is no "
        f"caseload-sim that still runs, delete {path.name}."
    )


def _age(path: Path) -> float:
    """Seconds since a file was written; endless when there is none."""
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return float("inf")


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY, _STILL_ACTIVE, _ACCESS_DENIED = 0x1000, 259, 5

    def _runs(pid: int) -> bool:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return ctypes.get_last_error() == _ACCESS_DENIED
        code = wintypes.DWORD()
        known = kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
        kernel.CloseHandle(wintypes.HANDLE(handle))
        return not known or code.value == _STILL_ACTIVE

    def process_start(pid: int) -> str | None:
        """When a process started, as a text that no later process of that number has; None if unknown."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = kernel.OpenProcess(_QUERY, False, pid)
        if not handle:
            return None
        times = [wintypes.FILETIME() for _ in range(4)]
        known = kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(one) for one in times))
        kernel.CloseHandle(wintypes.HANDLE(handle))
        return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}" if known else None

else:

    def _runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # it is somebody else's
            return True
        return _stat(pid)[:1] not in (["Z"], ["X"])  # ended, though nobody has asked how

    def process_start(pid: int) -> str | None:
        """When a process started, as a text that no later process of that number has; None if unknown."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            return f"{boot}:{_stat(pid)[19]}"
        except (OSError, IndexError):
            return None

    def _stat(pid: int) -> list[str]:
        """What Linux says of a process, from its state on; empty on other systems."""
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return []
