"""Files that are written completely or not at all, even if the program is killed while it writes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import uuid4

from caseload_sim.errors import RunError
from caseload_sim.runs import disk
from caseload_sim.support.limits import read_regular
from caseload_sim.support.surroundings import at_home

ELSEWHERE = "Choose another folder with --out."
MAKE_ROOM = "Make room there."
LET_GO = "Close it there, and give the command again."
COPY_IT = "Copy the run folder to where you may write."
MOST_READ = 20_000_000  # bytes of a file that is to be replaced
PART = ".part"  # what the name of a file ends in until it is complete


@contextmanager
def write_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes. It gets its name only when the block ends and all bytes are on the disk.

    Until then it has another name in the same folder, since renaming within a folder is one step on every system. If the
    block ends by an error, a file that had the name before is still there. Raises OSError as writing does.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}{PART}")
    try:
        with disk.new_file(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        disk.replace(part, path)
    except BaseException:
        with suppress(OSError):
            disk.remove(part, disk.TIDYING_SECONDS)
        raise
    flush_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, completely or not at all. Raises OSError."""
    with write_file(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file, completely or not at all, in UTF-8 with plain line ends. Raises OSError."""
    write_bytes(path, text.encode("utf-8"))


def flush(path: Path) -> None:
    """Wait until a file that another library wrote is on the disk, safe from a power cut. Raises OSError."""
    with disk.open_again(path) as file:
        os.fsync(file.fileno())


def digest_of_file(path: Path) -> str:
    """SHA-256 of the bytes of a file. Raises OSError."""
    with disk.open_to_read(path) as file:
        return file_digest(file, "sha256").hexdigest()


def flush_folder(folder: Path) -> None:
    """Wait until the names of the files in a folder are on the disk, where the system offers that."""
    if os.name == "posix":
        with suppress(OSError):  # some network file systems refuse
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


def unwritable(path: Path, error: Exception, advice: str = ELSEWHERE) -> RunError:
    """What to say when a file or a folder cannot be written."""
    reason = getattr(error, "strerror", None) or error
    where = str(path).encode(errors="replace").decode()
    if isinstance(error, disk.HeldError):
        held = Path(error.filename).name
        return RunError(
            f"{where}: cannot be written, because another program has {held} open, such as a spreadsheet, OneDrive or a virus "
            f"scanner, or it is another user's ({reason}). {LET_GO}{'' if advice == MAKE_ROOM else f' Or: {advice}'}"
        )
    return RunError(f"{where}: cannot be written ({reason}). {advice}")


def save_text(path: Path, text: str) -> None:
    """Write a text file at once, as `write_text`. Raises RunError when it cannot be written, or would replace a file."""
    save_bytes(path, text.encode("utf-8"))


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file at once. Raises RunError when it cannot be written, or would replace a file."""
    check_new(path)
    try:
        write_bytes(at_home(path), content)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None


def check_new(path: Path) -> None:
    """Raises RunError when a file of that name is there or cannot be made: it is made for a moment, to see."""
    path = at_home(path)
    try:
        disk.new_file(path).close()
        disk.remove(path)
    except FileExistsError:
        raise RunError(f"{path}: is there already. Choose another name with --out.") from None
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None


def save_over(path: Path, content: bytes, is_ours: Callable[[bytes], bool]) -> None:
    """Write a file at once, also in the place of an earlier one of the same kind, as `check_replaceable` says.

    Raises RunError when it cannot be written, or would replace another file.
    """
    check_replaceable(path, is_ours)
    try:
        write_bytes(at_home(path), content)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None


def check_replaceable(path: Path, is_ours: Callable[[bytes], bool]) -> None:
    """Raises RunError when a file of that name cannot be made, or is there and must not be replaced.

    is_ours: whether a file with these bytes, its first `MOST_READ`, is one that may be
    """
    whole = at_home(path)
    try:
        there = read_regular(whole, MOST_READ) if disk.is_there(whole) else None
    except OSError as error:
        raise unwritable(path, error) from None
    if there is None:
        check_new(path)
    elif not is_ours(there):
        raise RunError(
            f"{path}: is there already, and is another file than the one to be written. Choose another name with --out."
        )


def save_images(folder: Path, images: Mapping[str, bytes], image_format: str) -> list[Path]:
    """Images by name as files of a folder, which is made when it is not there. Returns their paths. Raises RunError when they cannot be written."""
    paths = [folder / f"{name}.{image_format}" for name in images]
    try:
        disk.make_folder(folder, below=folder.parent)
        for path, image in zip(paths, images.values(), strict=True):
            write_bytes(path, image)
    except OSError as error:
        raise unwritable(folder, error, COPY_IT) from None
    return paths


def folder_of_figures(run: Path) -> Path:
    """The folder of figures of a run folder, which is made when it is not there. Raises RunError when it cannot be written to."""
    folder = run / "figures"
    try:
        disk.make_folder(folder, below=run)
        with TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise unwritable(folder, error, COPY_IT) from None
