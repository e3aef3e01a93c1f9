"""run.json: what a run was given, with what it was made, and the digests of its tables."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from math import isnan
from typing import Any

from caseload_sim.engines.engine import DEFAULT_ENGINE
from caseload_sim.experiments.compare import Compared
from caseload_sim.experiments.precision import Precision, Reached
from caseload_sim.experiments.replicate import Results
from caseload_sim.experiments.sweep import Sweep
from caseload_sim.scenario.scenario import Scenario
from caseload_sim.support.provenance import versions_here

RECORD = "run.json"
IN_FRONT = "in_front"  # which rows of a CSV file stand before all others, by where they belong; see `rows_in_front`
FILES = "files"  # the part of a record with the digest of every table as it was saved
# Commands that save one table and a picture, by the kind of their record, and how they are called.
TABLE_KINDS = {
    "solve": "solve",
    "reconcile": "reconcile",
    "audit": "audit",
    "uncertainty": "uncertainty",
    "rank": "rank",
    "population": "population",
    "warm-up": "warm-up",
    "validate-services": "validate-model --all-services",
    "backtest": "backtest",
}
OWN_DIGEST = "digest_of_this_record"


def platform_here() -> str:
    """System and processor."""
    return f"{sys.platform}-{platform.machine()}"


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as it stands in a record."""
    return scenario.model_dump(mode="json", exclude_none=True)


def inputs_of(kind: str, scenario: Scenario, *, engine: str = DEFAULT_ENGINE, **asked: Any) -> dict[str, Any]:
    """All that the replications of a command depend on: what is compared before it goes on where it was ended.

    kind: of command; asked: whatever the answer depends on besides the scenario
    """
    return {"kind": kind, "scenario": plain(scenario), **asked, "engine": engine, "versions": versions_here()}


def inputs_of_table(
    kind: str, scenario: Scenario, given: Mapping[str, Any], others: Sequence[Scenario] = ()
) -> dict[str, Any]:
    """All that a command of TABLE_KINDS depends on, or one that saves nothing.

    given: the command's own inputs, by name; others: further scenarios, in order
    """
    return inputs_of(kind, scenario, given=dict(given), others=[plain(one) for one in others])


def inputs_of_run(
    scenario: Scenario, engine: str, parameter_uncertainty: bool, precision: Precision | None = None
) -> dict[str, Any]:
    """All that the replications of a run depend on."""
    asked = {"precision": asdict(precision)} if precision else {}
    return inputs_of("run", scenario, engine=engine, parameter_uncertainty=parameter_uncertainty, **asked)


def inputs_of_sweep(
    scenario: Scenario, values: Mapping[str, Sequence[float]], engine: str, shown: Mapping[str, str]
) -> dict[str, Any]:
    """All that a sweep depends on; shown: which rows are asked for."""
    listed = {path: list(steps) for path, steps in values.items()}
    return inputs_of("sweep", scenario, engine=engine, values=listed, shown=dict(shown))


def record_of_run(
    results: Results, engine: str, parameter_uncertainty: bool, reached: Reached | None = None
) -> dict[str, Any]:
    """The record of a run; reached: what came of asking for a precision."""
    return sealed(
        {
            "what": "one run of caseload-sim; tables in Parquet are of replication 0, measures are over all replications",
            "kind": "run",
            "scenario": plain(results.scenario),
            "seed": results.scenario.run.seed,
            "parameter_uncertainty": parameter_uncertainty,
            **({"precision": _record_of_precision(reached)} if reached else {}),
            **_made_with(engine),
            **({"own_policy": asdict(results.policy)} if results.policy else {}),
            "digests": list(results.digests),
            "rows": {
                "measures.csv": len(results.rows),
                "over_time.csv": len(results.over_time),
                "cost_effectiveness.csv": len(results.cost_effects),
            },
        }
    )


def record_of_comparison(compared: Compared, engine: str, measures: Sequence[str]) -> dict[str, Any]:
    """The record of a comparison; measures: what its figure was asked to show."""
    return sealed(
        {
            "what": "scenarios compared by caseload-sim on common random numbers",
            "kind": "comparison",
            "versus": compared.versus,
            "own_start": compared.own_start,
            "by_lot": bool(compared.trial),
            "notes": list(compared.notes),
            "scenarios": [plain(one.scenario) for one in compared.results],
            "seed": compared.results[0].scenario.run.seed,
            **_made_with(engine),
            "digests": {one.scenario.name: list(one.digests) for one in compared.results},
            "measures_shown": list(measures),
            "rows": {
                "differences.csv": len(compared.rows),
                **({"trial.csv": len(compared.trial)} if compared.trial else {}),
            },
        }
    )


def record_of_sweep(
    swept: Sweep, values: Mapping[str, Sequence[float]], engine: str, shown: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The record of a sweep over these values by dotted path; shown: which rows were asked for."""
    return sealed(
        {
            "what": "one scenario at several values of an input, run by caseload-sim on common random numbers",
            "kind": "sweep",
            "scenario": plain(swept.scenario),
            "values": {path: list(steps) for path, steps in values.items()},
            "measure": swept.measure,
            "shown": dict(shown or {}),
            "seed": swept.scenario.run.seed,
            **_made_with(engine),
            "digests": [list(point.digests) for point in swept.points],
            "rows": {"table.csv": sum(len(point.rows) for point in swept.points)},
        }
    )


def record_of_table(
    inputs: Mapping[str, Any], rows: Mapping[str, int], digests: Mapping[tuple[int, int], Mapping[str, str]]
) -> dict[str, Any]:
    """The record of a command of TABLE_KINDS.

    inputs: as `inputs_of_table` has them; rows: how many each table has, by the name of its file
    digests: of the tables of each replication that was run, by the number of what was run and of the replication
    """
    kind, scenario = inputs["kind"], inputs["scenario"]
    return sealed(
        {
            "what": f"what `caseload-sim {TABLE_KINDS[kind]}` saved; digests are of replications, as WHICH-REPLICATION in the order in which the command ran them",
            "kind": kind,
            "scenario": scenario,
            "others": list(inputs["others"]),
            "given": dict(inputs["given"]),
            "seed": scenario["run"]["seed"],
            **_made_with(inputs["engine"]),
            "digests": {f"{which}-{replication}": dict(of) for (which, replication), of in sorted(digests.items())},
            "rows": dict(rows),
        }
    )


def own_digest(record: Mapping[str, Any]) -> str:
    """What a record's own digest must be, so that one changed by hand or by a bad disk is known."""
    rest = {key: value for key, value in record.items() if key != OWN_DIGEST}
    return sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its own digest as its last entry."""
    return {**{key: value for key, value in record.items() if key != OWN_DIGEST}, OWN_DIGEST: own_digest(record)}


def _record_of_precision(reached: Reached) -> dict[str, Any]:
    half_width = None if isnan(reached.half_width) else reached.half_width
    return {**asdict(reached), "half_width": half_width, "is_met": reached.is_met}


def _made_with(engine: str) -> dict[str, Any]:
    return {
        "engine": engine,
        "versions": versions_here(),
        "python": platform.python_version(),
        "platform": platform_here(),
    }
