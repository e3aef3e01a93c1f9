"""Every change on the disk, in one place: never through a link, and tried again while another program holds a file.

A link in a folder that came from elsewhere may point to any file of the user's. So a file is made under a name that nobody
has yet, and takes the place of whatever has its own name, be it a link or a file with several names; a link in place of a
folder is refused. The folders that the user named, --out and that of `plot`, may be links.

Windows opens, replaces and removes nothing that a spreadsheet, OneDrive or a virus scanner has open, often for a moment only.
"""

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, TypeVar

PATIENCE_SECONDS = 5.0
TIDYING_SECONDS = 2.0  # for what is only in the way
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_HELD = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY, errno.ENOTEMPTY}
_HELD_ON_WINDOWS = {5, 32, 33, 145, 1224}  # access denied, two kinds of lock, a file in it going, mapped into memory
_LINKS_ON_WINDOWS = {0xA000000C, 0xA0000003}  # a symbolic link and a junction; files of OneDrive have other tags
T = TypeVar("T")


class HeldError(PermissionError):
    """What still could not be changed after some seconds, because another program holds it or it is another user's."""


def patiently(do: Callable[[], T], path: Path, seconds: float | None = None) -> T:
    """Do something to a file or a folder, again and again for some seconds while another program holds it.

    seconds: PATIENCE_SECONDS if not given
    Raises HeldError when it is held until then, and whatever else `do` raises at once.
    """
    until = time.monotonic() + (PATIENCE_SECONDS if seconds is None else seconds)
    pause = _FIRST_PAUSE
    while True:
        try:
            return do()
        except OSError as error:
            if not _may_be_let_go(error, path):
                raise
            if time.monotonic() >= until:
                raise HeldError(error.errno, error.strerror or str(error), str(path)) from error
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _may_be_let_go(error: OSError, path: Path) -> bool:
    held = error.errno in _HELD or getattr(error, "winerror", None) in _HELD_ON_WINDOWS
    folder = next((folder for folder in path.parents if os.access(folder, os.F_OK)), path.parent)
    return (held or isinstance(error, PermissionError)) and os.access(folder, os.W_OK)


def is_link(path: Path) -> bool:
    """Whether a name is that of a link to a file or a folder, on Windows also of a junction. No where nothing is."""
    try:
        about = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISLNK(about.st_mode) or getattr(about, "st_reparse_tag", 0) in _LINKS_ON_WINDOWS


def is_there(path: Path) -> bool:
    """Whether anything has that name, be it a link to nowhere."""
    return os.path.lexists(path)


def refuse_link(path: Path) -> None:
    """Raises OSError where a name is that of a link."""
    if is_link(path):
        raise OSError(errno.ELOOP, f"{path.name} is a link, through which nothing is written: remove it", str(path))


def make_folder(path: Path, *, below: Path) -> None:
    """Make a folder, and those between it and a folder above it, where they are not there. Raises OSError.

    below: the folder above it, which the user named, and which alone may be a link
    """
    between = [path, *path.parents][: len(path.parts) - len(below.parts)]
    for folder in reversed(between):
        refuse_link(folder)
    patiently(partial(path.mkdir, parents=True, exist_ok=True), path)


def new_file(path: Path) -> BinaryIO:
    """A file that is not there yet, open for writing bytes. Raises OSError, also where anything has that name."""
    return patiently(lambda: path.open("xb"), path)


def open_to_read(path: Path) -> BufferedReader:
    """A file that we have just written, open for reading: a scanner may look at it first. Raises OSError."""
    refuse_link(path)
    return patiently(lambda: path.open("rb"), path)


def open_again(path: Path) -> BinaryIO:
    """A file that is there, open for reading and writing. Raises OSError."""
    refuse_link(path)
    return patiently(lambda: path.open("rb+"), path)


def open_lock(path: Path, seconds: float | None = None) -> int:
    """Open a file for locking, and make it if need be. Returns the number by which the system knows it. Raises OSError."""
    refuse_link(path)
    # What is no file, such as a pipe, is not waited for.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    number = patiently(lambda: os.open(path, flags, 0o644), path, seconds)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, f"{path.name} is not a file", str(path))
    return number


def replace(source: Path, target: Path) -> None:
    """Give a file another name in the place of whatever has it: a link goes, not what it points to. Raises OSError."""
    patiently(lambda: source.replace(target), target)


def refuse_held(path: Path) -> None:
    """Raises OSError where a file is there that cannot be replaced; a link can be."""
    if is_there(path):
        if path.is_dir() and not is_link(path):
            raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder", str(path))
        replace(path, path)  # Windows asks as much of this as of putting another file there


def remove(path: Path, seconds: float | None = None) -> None:
    """Remove a file, or a link without what it points to, if it is there. Raises OSError."""
    patiently(lambda: path.unlink(missing_ok=True), path, seconds)


def remove_folder(path: Path, seconds: float | None = None) -> None:
    """Remove a folder with all that is in it, links without what they point to, if it is there. Raises OSError."""
    refuse_link(path)

    def go() -> None:
        if is_there(path):
            shutil.rmtree(path)

    patiently(go, path, seconds)


def remove_if_empty(path: Path) -> None:
    """Remove a folder that has nothing in it. Raises OSError where it has."""
    refuse_link(path)
    path.rmdir()
