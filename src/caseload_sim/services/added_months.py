"""Months that a user has added to the published figures: one file in the user's own folder, and the names that came with them.

The folder is the usual one for data of a program (platformdirs), or that of the variable CASELOAD_SIM_DATA.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from caseload_sim.errors import CatalogueError
from caseload_sim.runs import disk
from caseload_sim.runs.whole_files import unwritable, write_bytes

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "added_months.parquet"
MOST_BYTES = 200_000_000  # ten years of every measure of every provider take a tenth
_COLUMNS = {"month": "string", "code": "string", "name": "string", "measure_id": "string", "value": "double"}
Figures = Mapping[tuple[str, str, str], float]  # month, code, measure -> value


@dataclass(frozen=True, slots=True)
class AddedMonths:
    """The months added so far, in that folder; nothing is there before the first is added."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE

    def table(self) -> "pa.Table | None":
        """Month, code, name, measure_id, value; None when nothing was added. Raises CatalogueError for a damaged file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self.path.exists():
            return None
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise ValueError
            table = pq.read_table(self.path)
            if {field.name: str(field.type) for field in table.schema} != _COLUMNS:
                raise ValueError
        except (OSError, ValueError, pa.ArrowException):
            raise CatalogueError(
                f"{self.path}: not the months that were added, or damaged. Delete it, and add them again with "
                "`caseload-sim import-statistics`."
            ) from None
        return table

    def names(self) -> dict[str, str]:
        """The name of each provider, as it came with the figures, by code."""
        table = self.table()
        return {} if table is None else dict(zip(table["code"].to_pylist(), table["name"].to_pylist(), strict=True))

    def add(self, figures: Figures, names: Mapping[str, str]) -> int:
        """Add figures, or put them in the place of those of the same month, provider and measure. Returns how many were there.

        A month that is published again replaces all that was added of its providers: what is suppressed now is gone.
        Raises RunError when they cannot be written; the file is then as it was.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        before = self.table()
        kept: dict[tuple[str, str, str], tuple[str, float]] = {}
        if before is not None:
            columns = [before[name].to_pylist() for name in ("month", "code", "measure_id", "name", "value")]
            kept = {(month, code, one): (name, value) for month, code, one, name, value in zip(*columns, strict=True)}
        revised = {key[:2] for key in figures}
        replaced = [key for key in kept if key[:2] in revised]
        for key in replaced:
            del kept[key]
        kept |= {key: (names[key[1]], value) for key, value in figures.items()}
        keys = sorted(kept)
        table = pa.table({
            "month": [key[0] for key in keys], "code": [key[1] for key in keys],
            "name": [kept[key][0] for key in keys], "measure_id": [key[2] for key in keys],
            "value": pa.array([kept[key][1] for key in keys], pa.float64()),
        })  # fmt: skip
        packed = BytesIO()
        pq.write_table(table, packed, compression="zstd")
        try:
            disk.make_folder(self.folder, below=self.folder)
            write_bytes(self.path, packed.getvalue())
        except OSError as error:
            raise unwritable(self.path, error, "Name another folder in CASELOAD_SIM_DATA.") from None
        return len(replaced)


def own_months() -> AddedMonths:
    """The months that this user has added."""
    if chosen := os.environ.get("CASELOAD_SIM_DATA"):
        return AddedMonths(Path(chosen).expanduser())
    from platformdirs import user_data_path

    return AddedMonths(user_data_path("caseload-sim", appauthor=False))
