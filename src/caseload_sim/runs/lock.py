"""The right to write to a folder, which only one process has at a time."""

import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

from caseload_sim.errors import RunError
from caseload_sim.runs import disk
from caseload_sim.support.limits import read_regular

_MOST_TEXT_BYTES = 1_000  # of the text that says who holds a lock
_WHO = re.compile(
    r"process \d{1,10} on \S{1,255} has been writing there since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII
)


class Lock:
    """The right to write to a folder: only one process has it at a time, from here until `release`.

    Whoever comes second gets a RunError at once. It is a lock of the operating system on a file beside the folder, so when
    a process is killed its lock is free at once. A second file, a text, says who holds it: on Windows nobody can read a file
    that is locked.
    """

    def __init__(self, path: Path, seconds: float | None = None) -> None:
        """Take the lock. Raises RunError when somebody else has it, OSError when it cannot be written.

        seconds: how long to try to open the file, as in `disk.patiently`; whether it is locked is said at once
        """
        self.path, self.text = path, path.with_name(f"{path.name}.txt")
        self._file: int | None = self._take(seconds)
        who = f"process {os.getpid()} on {socket.gethostname()} has been writing there since"
        with suppress(OSError):  # only a message lacks something without it
            disk.remove(self.text, 0)  # of a process that was killed, and perhaps of another user
            with disk.new_file(self.text) as file:
                file.write(f"{who} {time.strftime('%Y-%m-%d %H:%M:%S')}".encode())

    def _take(self, seconds: float | None) -> int:
        """Open the lock file and lock it. Returns the number by which the system knows the open file."""
        from filelock import lock_descriptor  # takes some hundredths of a second to load

        while True:
            number = disk.open_lock(self.path, seconds)
            try:
                if not lock_descriptor(number, blocking=False):
                    raise RunError(
                        f"{self.path.with_suffix('')}: {self._holder()}. Wait until it has ended, or choose another folder "
                        "with --out."
                    )
                if os.fstat(number).st_nlink:
                    return number
            except BaseException:
                os.close(number)
                raise
            os.close(
                number
            )  # whoever held it removed the file just after it was opened here, and the next makes a new one

    def _holder(self) -> str:
        try:
            who = read_regular(self.text, _MOST_TEXT_BYTES).decode("utf-8")
        except (OSError, ValueError):
            who = ""
        return who if _WHO.fullmatch(who) and who.isprintable() else "another process is writing there"

    def release(self) -> None:
        """Let others write, and leave no file behind. Does nothing the second time."""
        if self._file is None:
            return
        number, self._file = self._file, None
        self._remove(self.text)
        if os.name == "posix":
            self._remove(self.path)  # while it is held: afterwards it may be that of the next
        os.close(number)
        if os.name != "posix":
            self._remove(self.path)  # Windows removes no file that is open, neither this one's nor that of the next

    def _remove(self, file: Path) -> None:
        with suppress(OSError):
            disk.remove(file, disk.TIDYING_SECONDS)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock. It finds out by taking it for a moment."""
    if not disk.is_there(path):
        return False
    try:
        Lock(path, 0).release()
    except (RunError, OSError):  # or it is another user's, so that nobody here can tell
        return True
    return False
