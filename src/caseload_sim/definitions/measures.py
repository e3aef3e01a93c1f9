"""What is reported: every measure with its numerator, denominator, definition and source, as measures.toml beside this says."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from caseload_sim.errors import RunError, did_you_mean

RATIO_OF_MEANS, MIDDLE = "ratio of means", "middle"
MEASURES: "tuple[Measure, ...]"  # every measure, in order; see __getattr__


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity that is reported, in words; the fields are those of measures.toml.

    nhs: the published measure that is the same, or counts of which it is made, by the identifiers of NHS England's monthly
        statistics, such as "M192" or "M031"; empty where none is
    over_replications: "mean"; RATIO_OF_MEANS, the mean of the numerators over that of the denominators; or MIDDLE, the median
    """

    name: str
    unit: str
    definition: str
    numerator: str
    denominator: str
    source: str = "definition of this model"
    over_replications: str = "mean"
    nhs: str = ""


@cache
def all_measures() -> dict[str, Measure]:
    """Every measure by name, in the order of the tables. The file is read once, when it is first asked for."""
    import tomllib  # loaded with the file: what only imports this module needs neither
    from pathlib import Path

    content = tomllib.loads(Path(__file__).with_name("measures.toml").read_text(encoding="utf-8"))
    phrases = content["phrases"]
    return {
        name: Measure(name, **{field: text.format_map(phrases) for field, text in one.items()})
        for name, one in content["measures"].items()
    }


def __getattr__(name: str) -> Any:
    """Make MEASURES when it is first asked for, so that importing this module reads no file."""
    if name == "MEASURES":
        return tuple(all_measures().values())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def definition(name: str) -> Measure:
    """The measure of that name."""
    return all_measures()[name]


def check_measures(names: Iterable[str]) -> None:
    """Raises RunError for a name that no measure has."""
    known = all_measures()
    for name in names:
        if name not in known:
            raise RunError(
                f"{name}: no such measure. {did_you_mean(name, known)} `caseload-sim list measures` shows all."
            )
