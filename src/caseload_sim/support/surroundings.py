"""What a program is started in, put in order before it begins: its three streams, the size of its terminal, and `~`."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from caseload_sim.errors import RunError

NARROWEST, WIDEST = 20, 2_000  # columns of a terminal


@contextmanager
def surroundings_in_order() -> Iterator[None]:
    """In this block nothing that the caller has set oddly, closed or filled up keeps the program from its work.

    Warnings are for those who write programs: none is shown, and none becomes an error.
    """
    _open_what_is_closed()
    _size_of_terminal()
    before = sys.stdout, sys.stderr
    sys.stdout = _shown(sys.stdout)
    sys.stderr = _Notes(_shown(sys.stderr))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout, sys.stderr = before


def _open_what_is_closed() -> None:
    """Let the three streams lead nowhere rather than be closed, or the next file that is opened would take their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _shown(stream: IO[Any] | None) -> Any:
    """A stream that shows "?" for a character that it lacks, and leads nowhere where whoever called has closed it."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


def _size_of_terminal() -> None:
    """Forget a size of the terminal that cannot be meant: 0 is what some say that do not know, and nothing fits into it."""
    for name, least, most in (("COLUMNS", NARROWEST, WIDEST), ("LINES", 1, WIDEST)):
        if (said := os.environ.get(name)) is not None:
            try:
                is_meant = said.isascii() and said.isdigit() and least <= int(said) <= most
            except ValueError:  # thousands of digits
                is_meant = False
            if not is_meant:
                del os.environ[name]


class _Notes:
    """Standard error, on which nothing may be lost but what is said on it: a full disk there must not end a run."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write as much as there is room for."""
        with self._losing():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write as many as there is room for."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send what was written on its way, if there is a way."""
        with self._losing():
            self._stream.flush()

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # ValueError: it was closed
            lead_nowhere(self._stream)


def lead_nowhere(stream: Any) -> None:
    """Let a stream that cannot be written to lead nowhere, so that what it still holds is no error when the program ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def at_home(path: str | Path) -> Path:
    """A path in which `~` at the beginning is the home folder. Raises RunError where nobody knows whose that is."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise RunError(f"{path}: {error} Write the folder in full.") from None
