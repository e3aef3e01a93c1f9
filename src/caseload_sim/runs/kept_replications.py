"""The replications that an unfinished run has done so far: one small file on disk for each, until the run is complete.

A file holds a checksum, a line of JSON and plain columns of numbers. The line says how long the columns are, and nothing is
packed, so that no file can fill more memory than it has bytes. The names of the rows are the same in all replications of a
scenario, and are in one file beside.
"""

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from caseload_sim.definitions.measures import all_measures
from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.tasks import Finished, ReplicationKey
from caseload_sim.measures.table import MeasureTable, Rows
from caseload_sim.runs import disk
from caseload_sim.runs.whole_files import MAKE_ROOM, unwritable, write_file, write_text
from caseload_sim.support.limits import MOST_RECORD_BYTES, is_regular, json_in, read_regular

UNFINISHED = "unfinished"  # the folder within a run folder that shows that the run is not complete
INPUTS = "inputs.json"
MOST_KEPT_BYTES = 64_000_000  # of one replication; those of the shipped scenarios take half a million
_NAME = re.compile(r"(\d+)-(\d+)\.kept")
_MOST_NAMED = 6
_CHECKSUM_BYTES = 32
# Errors that reading a damaged file can raise.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError)


class Unfinished(MutableMapping[ReplicationKey, Finished]):
    """A dictionary of finished replications that is kept on disk; see `begin` and `take_up`.

    digests: of the tables of each of them, which stay known when their files are deleted

    `kept[key] = finished` writes a file, completely or not at all, and raises RunError when it cannot be written. `kept[key]`
    reads it, and raises RunError when it has been damaged since.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Any]) -> None:
        self.folder = folder
        self.inputs_digest = sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        self.digests: dict[ReplicationKey, dict[str, str]] = {}
        self._there: set[ReplicationKey] = set()
        # Sixteen thousand names take as long to write and read as a small replication takes to run.
        self._rows: dict[str, Rows] = {}
        self._digests: dict[Rows, str] = {}

    def __getitem__(self, key: ReplicationKey) -> Finished:
        if key not in self._there:
            raise KeyError(key)
        finished = self._read(key)
        if finished is None:
            raise RunError(f"{self._path(key)}: damaged since it was written. Go on with --resume to run it again.")
        return finished

    def __setitem__(self, key: ReplicationKey, finished: Finished) -> None:
        path = self._path(key)
        days = np.array(list(finished.over_time.values()))
        tables = [table for table in (finished.measures, finished.as_published) if table is not None]
        try:
            about = {
                "rows": [self._digest_of(table.rows) for table in tables],
                "over_time": list(finished.over_time),
                "days": days.shape[-1],
                "digests": finished.digests,
                "read": finished.read,
                "structures": 0 if finished.moved is None else len(finished.moved),
            }
            columns = b"".join(part.astype("<f8").tobytes() for part in (*(table.numbers.T for table in tables), days))
            columns += b"" if finished.moved is None else finished.moved.astype("<f4").tobytes()
            content = json.dumps(about).encode() + b"\n" + columns
            with write_file(path) as file:
                file.write(self._checksum(key, content) + content)
        except OSError as error:
            raise unwritable(path, error, MAKE_ROOM) from None
        self._there.add(key)
        self.digests[key] = finished.digests

    def __delitem__(self, key: ReplicationKey) -> None:
        self._there.remove(key)
        disk.remove(self._path(key))

    def __iter__(self) -> Iterator[ReplicationKey]:
        return iter(sorted(self._there))

    def __len__(self) -> int:
        return len(self._there)

    def __contains__(self, key: object) -> bool:
        return key in self._there

    def look(self) -> int:
        """Find the files of an earlier run. Leave out those that are damaged or of other inputs, and return how many these are."""
        damaged = 0
        for path in sorted(self.folder.glob("*.kept")):
            if match := _NAME.fullmatch(path.name):
                key = int(match[1]), int(match[2])
                if (finished := self._read(key)) is None:
                    damaged += 1
                else:
                    self._there.add(key)
                    self.digests[key] = finished.digests
        return damaged

    def _path(self, key: ReplicationKey) -> Path:
        return self.folder / f"{key[0]:04d}-{key[1]:05d}.kept"

    def _checksum(self, key: ReplicationKey, content: bytes) -> bytes:
        """A checksum of the content, the inputs and the key, so that a file that was renamed or copied from another run is noticed."""
        return sha256(f"{self.inputs_digest} {key[0]} {key[1]} ".encode() + content).digest()

    def _read(self, key: ReplicationKey) -> Finished | None:
        """Read the file of a replication; None where it is damaged. Raises RunError for one that is too large."""
        path = self._path(key)
        try:
            if is_regular(path) and (n_bytes := path.stat().st_size) > MOST_KEPT_BYTES:
                raise RunError(
                    f"{path}: {n_bytes:,} bytes; at most {MOST_KEPT_BYTES:,}. caseload-sim writes none so large. Delete it."
                )
            content = disk.patiently(partial(read_regular, path, MOST_KEPT_BYTES), path)
            if content[:_CHECKSUM_BYTES] != self._checksum(key, content[_CHECKSUM_BYTES:]):
                return None
            words, _, columns = content[_CHECKSUM_BYTES:].partition(b"\n")
            about = json_in(words)
            kinds = [self._rows_of(digest) for digest in about["rows"][:2]]
            n_structures = about["structures"]
            if about["days"] < 0 or n_structures < 0:  # NumPy would take -1 for: as many as there are
                return None
            last = 4 * n_structures * len(kinds[0].keys)  # bytes of what structures add, which stands last
            moved = np.frombuffer(columns[len(columns) - last :], "<f4").reshape(n_structures, len(kinds[0].keys))
            numbers, tables = np.frombuffer(columns[: len(columns) - last], "<f8"), []
            for rows in kinds:
                n = 3 * len(rows.keys)
                tables.append(MeasureTable(rows, numbers[:n].reshape(3, len(rows.keys)).T))
                numbers = numbers[n:]
            days = numbers.reshape(len(about["over_time"]), about["days"])
            over_time = dict(zip(map(tuple, about["over_time"]), days, strict=True))
            read = {str(name): float(value) for name, value in about.get("read", {}).items()}
            as_published = tables[1] if tables[1:] else None
            digests, added = dict(about["digests"]), moved if n_structures else None
            return Finished(tables[0], over_time, digests, as_published, read, added)
        except _DAMAGE:
            return None

    def _names_file(self, digest: str) -> Path:
        return self.folder / f"rows-{digest[:16]}.json"

    def _digest_of(self, rows: Rows) -> str:
        """The digest of the names of rows, which are written to disk if they are not there yet. Raises OSError."""
        if rows not in self._digests:
            words = json.dumps(rows.keys).encode()
            digest = sha256(words).hexdigest()
            with write_file(self._names_file(digest)) as file:
                file.write(words)
            self._digests[rows], self._rows[digest] = digest, rows
        return self._digests[rows]

    def _rows_of(self, digest: str) -> Rows:
        """The rows whose names have that digest. Raises one of _DAMAGE when their file is not what it was."""
        if digest not in self._rows:
            path = self._names_file(digest)
            words = disk.patiently(partial(read_regular, path, MOST_RECORD_BYTES), path)
            if sha256(words).hexdigest() != digest:
                raise ValueError("other names")
            self._rows[digest] = Rows([_quantity(key) for key in json_in(words)])
        return self._rows[digest]


def _quantity(parts: Sequence[str]) -> Quantity:
    """The address of a row. Raises ValueError where there is no such measure."""
    quantity = Quantity(*parts)
    if not all(isinstance(part, str) for part in quantity) or quantity.measure not in all_measures():
        raise ValueError("no such measure")
    return quantity


def begin(folder: Path, inputs: Mapping[str, Any]) -> Unfinished:
    """Begin without any finished replication, in an empty folder; whatever was in the folder is deleted. Raises OSError."""
    disk.remove_folder(folder)
    disk.make_folder(folder, below=folder.parent)
    write_text(folder / INPUTS, json.dumps(inputs, indent=1))
    return Unfinished(folder, inputs)


def take_up(folder: Path, inputs: Mapping[str, Any]) -> tuple[Unfinished, int]:
    """Take up what an earlier run with the same inputs has finished. Returns it, and how many of its files were damaged.

    Raises RunError when the inputs were others, saying which, or cannot be read.
    """
    before = inputs_of(folder)
    if any(folder.glob("*.npz")):
        raise RunError(
            f"{folder.parent}: begun by an earlier version, whose finished replications this one cannot read. Run again without "
            "--resume."
        )
    if before is None:
        raise RunError(
            f"{folder / INPUTS}: damaged, so that nobody can tell what was being run. Run again without --resume."
        )
    if differing := differences(before, inputs):
        raise RunError(f"{folder.parent}: begun with other inputs: {named(differing)}. {_AGAIN}")
    kept = Unfinished(folder, inputs)
    return kept, kept.look()


_AGAIN = "Give the same inputs as then, or leave out --resume to begin anew."


def refuse_others(out: Path, inputs: Mapping[str, Any], is_busy: Any) -> None:
    """Raises RunError when a scenario of this name has unfinished runs in `out`, all of them with other inputs.

    The message says what differs from the one that differs least: perhaps only the seed was forgotten.
    is_busy: a function that says whether somebody is writing to a run folder just now
    """
    found = []
    for path in sorted(out.glob(f"*/{UNFINISHED}/{INPUTS}")):
        before = inputs_of(path.parent)
        same_name = before and before.get("kind") == inputs["kind"] and _name(before) == _name(inputs)
        if before and same_name and not is_busy(path.parents[1]):
            found.append((differences(before, inputs), path.parents[1]))
    if found:
        differing, folder = min(found, key=lambda one: len(one[0]))
        raise RunError(f"nothing to resume with these inputs. {folder} is unfinished, but has others: {named(differing)}. {_AGAIN}")  # fmt: skip


def _name(inputs: Mapping[str, Any]) -> Any:
    scenario = inputs.get("scenario")
    return scenario.get("name") if isinstance(scenario, Mapping) else None


def inputs_of(folder: Path) -> dict[str, Any] | None:
    """What an unfinished run was given; None when that cannot be read."""
    try:
        inputs = json_in(read_regular(folder / INPUTS, MOST_RECORD_BYTES))
    except (OSError, ValueError):
        return None
    return inputs if isinstance(inputs, dict) else None


def how_many(folder: Path) -> int:
    """How many replications an unfinished run has finished, counted by their files."""
    return sum(_NAME.fullmatch(path.name) is not None for path in folder.glob("*.kept"))


def differences(before: Any, now: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Every value that differs between nested tables, as (dotted path, value before, value now); None for a value that is missing."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = dict.fromkeys([*before, *now])
        return [
            one
            for key in keys
            for one in differences(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
        ]
    return [] if before == now else [(path, before, now)]


def named(differing: list[tuple[str, Any, Any]]) -> str:
    """Differences in words, the first few."""
    shown = [f"{path} {_short(before)} then, {_short(now)} now" for path, before, now in differing[:_MOST_NAMED]]
    more = [f"and {len(differing) - _MOST_NAMED} more"] if len(differing) > _MOST_NAMED else []
    return "; ".join(shown + more)


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
