"""Run a stored run again, and see whether every table of every replication comes out as it was."""

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Unpack

from caseload_sim.engines.engine import ENGINES
from caseload_sim.errors import RunError
from caseload_sim.experiments.compare import start_of
from caseload_sim.experiments.rounds import Request, finish_each
from caseload_sim.experiments.run_options import RunKeywords, RunOptions
from caseload_sim.experiments.sweep import combinations
from caseload_sim.runs.read import KINDS, damaged, read_record, scenarios_in
from caseload_sim.runs.record import OWN_DIGEST, RECORD, own_digest, platform_here
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.provenance import other_versions
from caseload_sim.support.surroundings import at_home

_MOST_SHOWN = 200  # characters of a name, a version or a digest


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of running again.

    n_digests: how many were compared; differing: which differ, in words
    notes: what is not the same as it was then, such as the kind of machine, which may explain why digests differ
    """

    n_digests: int
    differing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run.json says: what to run again, and the digests that must come out.

    labels: what to call each scenario; starts: the scenario whose running start each uses, None for its own
    versions, platform: of packages and machine when it was made; digests: for each scenario, those of each replication
    """

    path: Path
    labels: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    starts: tuple[Scenario | None, ...]
    engine: str
    parameter_uncertainty: bool
    versions: dict[str, str]
    platform: str
    digests: tuple[tuple[dict[str, str], ...], ...]


def read_recorded(stored: str | Path) -> Recorded:
    """The record of a run, a sweep or a comparison.

    stored: a run.json, or the folder that it is in

    Raises RunError when there is none, or it has been changed or damaged.
    """
    stored = at_home(stored)
    try:
        there = stored.exists()
    except OSError:  # its name is too long, or it is another user's
        there = False
    if not there:
        raise RunError(f"{stored}: no such file or folder. Give a {RECORD}, or the folder that it is in.")
    record = read_record(stored, (*KINDS, "sweep"))
    path = stored / RECORD if stored.is_dir() else stored
    if record.get(OWN_DIGEST) != own_digest(record):
        raise damaged(path, "not as it was written")
    by_name = scenarios_in(path, record)
    try:
        if own := record.get("own_policy"):
            raise RunError(
                f"{path}: run with the policy '{_text(own['name'])}' of somebody's own, which is not in the record. Run it again "
                f"from Python with that function (digest of its source {_text(own['source_sha256'])[:12]}) and compare the "
                "digests."
            )
        recorded = _recorded(path, record, by_name)
        counts = [scenario.run.replications for scenario in recorded.scenarios]
        if counts != [len(each) for each in recorded.digests]:
            raise ValueError
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise damaged(path, "not the record it should be") from None
    return recorded


def _text(value: Any) -> str:
    """A text of a record that is shown, in one line. Raises ValueError for anything else."""
    if not isinstance(value, str) or len(value) > _MOST_SHOWN or not value.isprintable():
        raise ValueError("no text to show")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in value.items()}


def _recorded(path: Path, record: dict[str, Any], by_name: dict[str, Scenario]) -> Recorded:
    """Turn a record into a `Recorded`. The caller catches what a damaged record raises, such as KeyError."""
    scenarios, labels, digests = tuple(by_name.values()), tuple(by_name), record["digests"]
    starts: tuple[Scenario | None, ...] = (None,) * len(scenarios)
    if record["kind"] == "comparison":
        if not record["own_start"]:
            starts = tuple(start_of(scenario, by_name[record["versus"]]) for scenario in scenarios)
        digests = [digests[name] for name in labels]
    elif record["kind"] == "run":
        digests = [digests]
    else:
        if prod(map(len, record["values"].values())) != len(digests):
            raise ValueError("other digests than settings")
        settings = combinations(record["values"])
        labels = tuple(", ".join(f"{path}={value:g}" for path, value in setting.items()) for setting in settings)
        scenarios = tuple(scenarios[0].with_changes(setting) for setting in settings)
        starts = (None,) * len(scenarios)
    return Recorded(
        path,
        labels,
        scenarios,
        starts,
        _engine(record["engine"]),
        bool(record.get("parameter_uncertainty", False)),
        _texts(record["versions"]),
        _text(record["platform"]),
        tuple(tuple(map(_texts, each)) for each in digests),
    )


def _engine(name: str) -> str:
    if name not in ENGINES:
        raise ValueError("no such engine")
    return name


def rerun(
    place: str | Path,
    *,
    anyway: bool = False,
    **how: Unpack[RunKeywords],
) -> Rerun:
    """Run again what a run.json records, and compare the digest of every table of every replication.

    place: a run.json, or the folder that it is in; anyway: also where the program or its libraries have another version

    Raises RunError when the record is damaged, or versions differ and `anyway` is not given.
    """
    recorded = read_recorded(place)
    notes = _what_is_other(recorded, anyway)
    n_digests, differing = 0, []
    options = replace(RunOptions(**how), engine=recorded.engine, parameter_uncertainty=recorded.parameter_uncertainty)
    requests = [Request(one, start) for one, start in zip(recorded.scenarios, recorded.starts, strict=True)]
    each = finish_each(requests, options)
    for label, (finished, _), then in zip(recorded.labels, each, recorded.digests, strict=True):
        for replication, (one, before) in enumerate(zip(finished, then, strict=True)):
            names = list(dict.fromkeys([*before, *one.digests]))
            n_digests += len(names)
            differing += [
                f"{label}, replication {replication}: {name} differ"
                for name in names
                if before.get(name) != one.digests.get(name)
            ]
    return Rerun(n_digests, tuple(differing), notes)


def _what_is_other(recorded: Recorded, anyway: bool) -> tuple[str, ...]:
    other = other_versions(recorded.versions)
    if other and not anyway:
        raise RunError(
            f"{recorded.path}: made with {'; '.join(other)}. Install what it was made with, or compare all the same with "
            "--anyway."
        )
    notes = [f"made with {one}" for one in other]
    if recorded.platform != platform_here():
        notes.append(f"made on {recorded.platform}, and this is {platform_here()}")
    return tuple(notes)
