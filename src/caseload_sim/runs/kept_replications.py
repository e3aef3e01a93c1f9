"""What a run has finished so far, on disk: one small file for each replication, until the run is complete."""

import json
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from caseload_sim.definitions.quantities import Quantity
from caseload_sim.errors import RunError
from caseload_sim.experiments.tasks import Finished, Place
from caseload_sim.measures.table import MeasureTable, Rows
from caseload_sim.runs.packed_files import read_npz, write_npz
from caseload_sim.runs.whole_files import MAKE_ROOM, unwritable, whole, write_text
from caseload_sim.support.limits import MOST_RECORD_BYTES, MOST_RECORD_VALUES, n_values, read_regular

UNFINISHED = "unfinished"  # the folder within a run folder that shows that the run is not complete
INPUTS = "inputs.json"
_NAME = re.compile(r"(\d+)-(\d+)\.npz")
_MOST_NAMED = 6
# What reading a file that is not what it was can raise.
_DAMAGE = (
    OSError, EOFError, ValueError, KeyError, TypeError, IndexError, RuntimeError, BadZipFile, zlib.error,
)  # fmt: skip
_TYPES = {
    "about": np.uint8, "measures": np.float64, "measures_rows": np.uint8, "over_time": np.float64,
    "as_published": np.float64, "as_published_rows": np.uint8,
}  # fmt: skip


class Unfinished(MutableMapping[Place, Finished]):
    """Finished replications by place, each in a file that is whole or not there; see `begin` and `take_up`.

    Putting one in raises RunError when it cannot be written, taking one out when its file has been damaged since.
    """

    def __init__(self, folder: Path, inputs: Mapping[str, Any]) -> None:
        self.folder = folder
        self.inputs_digest = sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        self._there: set[Place] = set()
        # Sixteen thousand names take as long to write and read as a small replication takes to run, and are the same in all.
        self._written: tuple[Rows, NDArray[np.uint8]] | None = None
        self._read_last: tuple[bytes, Rows] | None = None

    def __getitem__(self, place: Place) -> Finished:
        if place not in self._there:
            raise KeyError(place)
        finished = self._read(place)
        if finished is None:
            raise RunError(f"{self._path(place)}: damaged since it was written. Go on with --resume to run it again.")
        return finished

    def __setitem__(self, place: Place, finished: Finished) -> None:
        path = self._path(place)
        try:
            with whole(path) as file:
                write_npz(file, self._arrays(finished, place))
        except OSError as error:
            raise unwritable(path, error, MAKE_ROOM) from None
        self._there.add(place)

    def __delitem__(self, place: Place) -> None:
        self._there.remove(place)
        self._path(place).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Place]:
        return iter(sorted(self._there))

    def __len__(self) -> int:
        return len(self._there)

    def __contains__(self, place: object) -> bool:
        return place in self._there

    def look(self) -> int:
        """Find what is there; a file that is not whole, or of other inputs, is as if it were not. Returns how many were not."""
        damaged = 0
        for path in sorted(self.folder.glob("*.npz")):
            if match := _NAME.fullmatch(path.name):
                place = int(match[1]), int(match[2])
                if self._read(place) is None:
                    damaged += 1
                else:
                    self._there.add(place)
        return damaged

    def _path(self, place: Place) -> Path:
        return self.folder / f"{place[0]:04d}-{place[1]:05d}.npz"

    def _read(self, place: Place) -> Finished | None:
        try:
            arrays = read_npz(self._path(place), _TYPES)
            words = arrays["about"].tobytes()
            if n_values(words) > MOST_RECORD_VALUES:
                return None
            about = json.loads(words)
            if about["inputs"] != self.inputs_digest or about["place"] != list(place):
                return None
            return Finished(
                measures=self._table("measures", arrays),
                over_time=dict(zip(map(tuple, about["over_time"]), arrays["over_time"], strict=True)),
                digests=dict(about["digests"]),
                as_published=self._table("as_published", arrays) if "as_published" in arrays else None,
                read={str(name): float(value) for name, value in about.get("read", {}).items()},
            )
        except _DAMAGE:
            return None

    def _arrays(self, finished: Finished, place: Place) -> dict[str, NDArray[Any]]:
        about = {
            "inputs": self.inputs_digest,
            "place": place,
            "digests": finished.digests,
            "over_time": list(finished.over_time),
            "read": finished.read,
        }
        over_time = np.array(list(finished.over_time.values()), dtype=np.float64)
        tables = {"measures": finished.measures, "as_published": finished.as_published}
        arrays: dict[str, NDArray[Any]] = {
            "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            "over_time": over_time,
        }
        for name, table in tables.items():
            if table is not None:
                arrays |= {name: table.numbers, f"{name}_rows": self._names_of(table.rows)}
        return arrays

    def _names_of(self, rows: Rows) -> NDArray[np.uint8]:
        if self._written is None or self._written[0] is not rows:
            self._written = rows, np.frombuffer(json.dumps(rows.keys).encode(), dtype=np.uint8)
        return self._written[1]

    def _table(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> MeasureTable:
        words = arrays[f"{name}_rows"].tobytes()
        if self._read_last is None or self._read_last[0] != words:
            if n_values(words) > MOST_RECORD_VALUES:
                raise ValueError("more values than any table of ours has")
            self._read_last = words, Rows([Quantity(*key) for key in json.loads(words)])
        rows, numbers = self._read_last[1], arrays[name]
        if numbers.shape != (len(rows.keys), 3):
            raise ValueError("not as many numbers as names")
        return MeasureTable(rows, numbers)


def begin(folder: Path, inputs: Mapping[str, Any]) -> Unfinished:
    """An empty one in a folder that is made anew: whatever was there is gone. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_text(folder / INPUTS, json.dumps(inputs, indent=1))
    return Unfinished(folder, inputs)


def take_up(folder: Path, inputs: Mapping[str, Any]) -> tuple[Unfinished, int]:
    """What an earlier run with the same inputs has finished, and how many files of it were damaged.

    Raises RunError when the inputs were others, saying which, or cannot be read.
    """
    before = inputs_of(folder)
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
    """Raises RunError when runs of a scenario of this name are unfinished in `out`, but with other inputs.

    is_busy: whether somebody is writing a run folder just now
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
        content = read_regular(folder / INPUTS, MOST_RECORD_BYTES)
        if len(content) > MOST_RECORD_BYTES or n_values(content) > MOST_RECORD_VALUES:
            return None
        inputs = json.loads(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return inputs if isinstance(inputs, dict) else None


def how_many(folder: Path) -> int:
    """How many replications an unfinished run has finished, by their files."""
    return sum(_NAME.fullmatch(path.name) is not None for path in folder.glob("*.npz"))


def differences(before: Any, now: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Every value of nested tables that differs: dotted path, value before, value now; None where there is none."""
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
